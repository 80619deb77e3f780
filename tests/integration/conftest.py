"""The fixtures of the tests that talk to engines."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ..engines import Engine, boto3_client
from .recording import Sent, record


@pytest.fixture
def sent(engine: Engine) -> Sent:
    """The operations that dynamodb_py sends in this test."""
    return record(engine.connection)


@pytest.fixture
def key() -> str:
    """A key that no other test has."""
    return uuid.uuid4().hex


@pytest.fixture(scope="module")
def client(module_engine: Engine) -> Iterator[Any]:
    """A boto3 client of a module's engine: to make one takes longer than most tests."""
    if module_engine.name == "moto":
        import moto  # noqa: F401 - it puts its handlers where new clients take theirs from
    client = boto3_client(module_engine.endpoint_url)
    yield client
    client.close()


@pytest.fixture
def stored(engine: Engine, client: Any) -> Callable[..., dict[str, Any] | None]:
    """Return what boto3 reads for an instance, a B as bytes; None where there is no item."""

    def look(instance: Any) -> dict[str, Any] | None:
        table = engine.table_name(type(instance)._meta.table_name)
        wire = type(instance)._meta.key_of(instance)
        found: dict[str, Any] = client.get_item(TableName=table, Key=wire, ConsistentRead=True)
        return found.get("Item")

    return look


@pytest.fixture
def put(engine: Engine, client: Any) -> Callable[..., None]:
    """Write an item of a model with boto3, as somebody else would."""

    def write(model: Any, item: dict[str, Any]) -> None:
        client.put_item(TableName=engine.table_name(model._meta.table_name), Item=item)

    return write
