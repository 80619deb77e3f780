"""Other mappers of the package index, which use tables with us."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ..engines import ACCESS_KEY, REGION, SECRET_KEY, Engine, default_cache, locked

BLOOP = "bloop==3.1.1"


def import_bloop() -> Any:
    """Return bloop, fetched into the cache of the engines; skip, saying why, where it cannot be had.

    It pins one old version each of boto3 and blinker, so no environment holds it beside current ones;
    alone it works with these.
    """
    home = default_cache() / BLOOP.replace("==", "-")
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        with locked(home.parent / "bloop.lock"):
            if not home.exists():
                _install(home)
    if str(home) not in sys.path:
        sys.path.append(str(home))
    return importlib.import_module("bloop")


def _install(home: Path) -> None:
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="bloop-") as staging:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", BLOOP]
        done = subprocess.run(
            [*command, "--target", staging], capture_output=True, text=True, timeout=180
        )
        if done.returncode:
            reason = done.stderr.strip().splitlines() or ["no word of why"]
            pytest.skip(f"{BLOOP} cannot be fetched: pip: {reason[-1]}")
        shutil.rmtree(Path(staging, "tests"), ignore_errors=True)  # its own, at the top
        os.rename(staging, home)  # what is there under its final name is whole
        Path(staging).mkdir()  # for the TemporaryDirectory to remove


class PynamoDB:
    """A model of PynamoDB with the key ``k`` and the attribute ``x``, which may be the range key."""

    def __init__(
        self, engine: Engine, client: Any, table: str, attribute: Any, *, is_key: bool = False
    ) -> None:
        from pynamodb.attributes import NumberAttribute, UnicodeAttribute
        from pynamodb.models import Model

        self.is_key = is_key
        meta = {"table_name": engine.table_name(table), "host": engine.endpoint_url}
        meta |= {"region": REGION, "aws_access_key_id": ACCESS_KEY}
        meta |= {"aws_secret_access_key": SECRET_KEY}
        names = {"k": UnicodeAttribute(hash_key=True), "n": NumberAttribute(null=True)}
        names |= {"x": attribute, "Meta": type("Meta", (), meta)}
        self.model: Any = type("Theirs", (Model,), names)
        self.model._get_connection().connection._client = client  # to make one takes long

    def _key(self, k: str, x: Any) -> tuple[Any, ...]:
        return (k, x) if self.is_key else (k,)

    def put(self, k: str, x: Any) -> None:
        self.model(k, x=x).save()

    def read(self, k: str, x: Any = None) -> Any:
        found = self.model.get(*self._key(k, x), consistent_read=True).x
        return found.as_dict() if hasattr(found, "as_dict") else found

    def change(self, k: str, x: Any) -> None:
        item = self.model.get(k)
        item.update(actions=[self.model.x.set(x)])

    def count(self, k: str, x: Any) -> int:
        """Return how many of its items have *x*, by a condition on its key or a filter."""
        condition = self.model.x == x
        where = (k, condition) if self.is_key else (k, None, condition)
        return sum(1 for _ in self.model.query(*where, consistent_read=True))


class Bloop:
    """The same with bloop."""

    def __init__(
        self, engine: Engine, client: Any, table: str, type_: Any, *, is_key: bool = False
    ) -> None:
        bloop = import_bloop()
        self.is_key = is_key
        names: dict[str, Any] = {"Meta": type("Meta", (), {"table_name": engine.table_name(table)})}
        names |= {"k": bloop.Column(bloop.String, hash_key=True), "n": bloop.Column(bloop.Integer)}
        names |= {"x": bloop.Column(type_, range_key=is_key)}
        self.model: Any = type("Theirs", (bloop.BaseModel,), names)
        self.engine = bloop.Engine(dynamodb=client, dynamodbstreams=object())
        self.engine.bind(self.model, skip_table_setup=True)

    def _find(self, k: str, x: Any) -> Any:
        """Return the items by a query: load() cannot compare keys that are bytes."""
        key, same = self.model.k == k, self.model.x == x
        options = {"key": key & same} if self.is_key else {"key": key, "filter": same}
        return list(self.engine.query(self.model, consistent=True, **options))

    def put(self, k: str, x: Any) -> None:
        self.engine.save(self.model(k=k, x=x, n=0))  # moto refuses an update without changes

    def read(self, k: str, x: Any = None) -> Any:
        if self.is_key:
            return self._find(k, x)[0].x
        item = self.model(k=k)
        self.engine.load(item, consistent=True)
        return item.x

    def change(self, k: str, x: Any) -> None:
        item = self.model(k=k)
        self.engine.load(item, consistent=True)
        item.x = x
        self.engine.save(item)

    def count(self, k: str, x: Any) -> int:
        return len(self._find(k, x))


def _from_timestamp(stamp: Any) -> datetime:
    """Return what flywheel had of Python before 3.10, which took a Decimal for an int here."""
    return datetime(1970, 1, 1) + timedelta(seconds=int(stamp))


class Flywheel:
    """The same with flywheel."""

    def __init__(
        self, engine: Engine, client: Any, table: str, type_: Any, *, is_key: bool = False
    ) -> None:
        import dynamo3
        import flywheel
        from flywheel.fields import types

        types.datetime = SimpleNamespace(datetime=SimpleNamespace(utcfromtimestamp=_from_timestamp))
        self.is_key = is_key
        names = {"k": flywheel.Field(hash_key=True), "n": flywheel.Field(type=int)}
        names |= {"x": flywheel.Field(type=type_, range_key=is_key)}
        names |= {"__metadata__": {"_name": engine.table_name(table)}}
        names |= {"__init__": lambda self, **values: _set_all(self, values)}
        self.model: Any = type("Theirs", (flywheel.Model,), names)
        self.engine = flywheel.Engine(dynamo3.DynamoDBConnection(client))
        self.engine.register(self.model)

    def _find(self, k: str, x: Any) -> Any:
        """Return the items by a query: get() does not encode keys that are dates."""
        query = self.engine.query(self.model).filter(k=k).filter(self.model.x == x)
        return query.all(consistent=True)

    def put(self, k: str, x: Any) -> None:
        self.engine.save(self.model(k=k, x=x))

    def read(self, k: str, x: Any = None) -> Any:
        if self.is_key:
            return self._find(k, x)[0].x
        return self.engine.get(self.model, k=k, consistent=True).x

    def change(self, k: str, x: Any) -> None:
        item = self.engine.get(self.model, k=k, consistent=True)
        item.x = x
        item.sync()

    def count(self, k: str, x: Any) -> int:
        return len(self._find(k, x))


def _set_all(instance: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(instance, name, value)
