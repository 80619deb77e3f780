"""Keys as other programs spelled them: what was loaded is written, read and referred to by its key as stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from dynamodb_py import (
    CharField,
    IntegerField,
    Model,
    ValidationError,
    delete_all,
    load,
    save_all,
    transaction,
)

from ..conftest import Do
from ..engines import Engine
from .spelling import SPELLED, Wire

ROLES = ("hash", "range")


def _make_model(name: str, role: str, *bases: type, **members: Any) -> Any:
    """Return a model with the field *name* as its hash or range key, and a text as the other one."""
    make, wire = SPELLED[name]
    (kind,) = wire
    fields: dict[str, Any] = {"a": CharField(hash_key=True), "b": CharField(range_key=True)}
    at = "a" if role == "hash" else "b"
    fields[at] = make(**{f"{role}_key": True})
    meta = type(
        "Meta", (), {"table_name": f"stored-keys-{kind}-{role}"[: None if kind == "N" else 13]}
    )
    if "template" in name:
        members["number"] = IntegerField()
    return type(
        "Item",
        bases or (Model,),
        {"__module__": __name__, "Meta": meta, **fields, "n": IntegerField(default=0), **members},
    )


class _Texts(Model):
    class Meta:
        table_name = "stored-keys-S"

    a = CharField(hash_key=True)
    b = CharField(range_key=True)


class _HashNumbers(Model):
    class Meta:
        table_name = "stored-keys-N-hash"

    a = IntegerField(hash_key=True)
    b = CharField(range_key=True)


class _RangeNumbers(Model):
    class Meta:
        table_name = "stored-keys-N-range"

    a = CharField(hash_key=True)
    b = IntegerField(range_key=True)


class _Unique(Model):
    class Meta:
        table_name = "stored-keys-S"
        unique_table = "stored-keys-unique"

    a = CharField(hash_key=True)
    b = CharField(range_key=True)
    mail = CharField(unique=True)


TABLES = [_Unique, _HashNumbers, _RangeNumbers]


class Stored(NamedTuple):
    """An item as another program stored it, and how it stands now."""

    model: Any
    key: Wire
    look: Callable[[], list[Wire]]
    """Returns the items that this test has in the table, without their keys."""

    def load(self) -> Any:
        return self.model.from_db({**self.key, "n": {"N": "5"}, "other": {"S": "x"}})


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def store(engine: Engine, client: Any, key: str) -> Callable[..., Stored]:
    """Put an item with a key that is spelled otherwise than the model would."""

    def put(name: str, role: str, *bases: type, **members: Any) -> Stored:
        model, (_, wire) = _make_model(name, role, *bases, **members), SPELLED[name]
        wires = {"a": wire, "b": {"S": key}} if role == "hash" else {"a": {"S": key}, "b": wire}
        table = engine.table_name(model._meta.table_name)
        client.put_item(TableName=table, Item={**wires, "n": {"N": "5"}, "other": {"S": "x"}})

        def look() -> list[Wire]:
            """Return what boto3 reads of the test's items; raise where a key is spelled otherwise."""
            rows = client.scan(TableName=table, ConsistentRead=True)["Items"]
            own = [row for row in rows if {"S": key} in (row["a"], row["b"])]
            assert all({"a": row["a"], "b": row["b"]} == wires for row in own)
            return [{k: v for k, v in row.items() if k not in wires} for row in own]

        return Stored(model, wires, look)

    return put


def _commit(do: Do, *calls: tuple[Callable[..., Any], Any]) -> None:
    """Make *calls* in a transaction."""
    if do.mode == "sync":
        with transaction.atomic():
            for function, options in calls:
                do(function, **options)
        return

    async def commit() -> None:
        async with transaction.atomic():
            for function, options in calls:
                twin = getattr(function.__self__, f"a{function.__name__}")  # type: ignore[attr-defined]
                await twin(**options)

    do.run(commit())


def _set_n(item: Any) -> Any:
    item.n = 6
    return item


def _check(do: Do, item: Any, key: str) -> None:
    def check() -> None:
        transaction.check(item, type(item).n == 5)
        item.n = 6

    if do.mode == "sync":
        with transaction.atomic():
            check()
            item.save()
        return

    async def commit() -> None:
        async with transaction.atomic():
            check()
            await item.asave()

    do.run(commit())


def _delete_twice(do: Do, item: Any, _: str) -> None:
    do(item.delete)
    do(item.delete)


def _refresh(do: Do, item: Any, _: str) -> None:
    do(_set_n(item).refresh_from_db)
    assert item.n == 5
    assert not item.is_changed


def _load(do: Do, item: Any, _: str) -> None:
    do(load, [_set_n(item)])
    assert item.n == 5


def _batch_get(do: Do, item: Any, _: str) -> None:
    [found] = do(type(item).objects.batch_get, item)
    assert found == item
    assert {found: 1}[item] == 1


def _in_bulk(do: Do, item: Any, _: str) -> None:
    found = do(type(item).objects.in_bulk, [item])
    assert found[item.primary_key].n == 5


def _get_together(do: Do, item: Any, _: str) -> None:
    [found] = do(transaction.get, [item])
    assert found == item


CHANGED = [{"n": {"N": "6"}, "other": {"S": "x"}}]
ALONE = [{"n": {"N": "6"}, "other": {"S": "x"}}]
SAME = [{"n": {"N": "5"}, "other": {"S": "x"}}]
GONE: list[Wire] = []

# By verb: how it is called, and the items that there are then.
VERBS: dict[str, tuple[Callable[[Do, Any, str], object], list[Wire]]] = {
    "save": (lambda do, item, _: do(_set_n(item).save), CHANGED),
    "save after reading": (lambda do, item, _: (repr(item), do(_set_n(item).save)), CHANGED),
    "save of some": (lambda do, item, _: do(_set_n(item).save, update_fields=["n"]), CHANGED),
    "save of nothing": (lambda do, item, _: (repr(item), do(item.save)), SAME),
    "save whole": (lambda do, item, _: do(_set_n(item).save, overwrite=True), ALONE),
    "save atomic": (lambda do, item, _: do(_set_n(item).save, atomic=True), CHANGED),
    "update": (lambda do, item, _: do(item.update, n=6), CHANGED),
    "update after reading": (lambda do, item, _: (repr(item), do(item.update, n=6)), CHANGED),
    "update returning": (
        lambda do, item, _: do(item.update, n=6, returning="updated_new"),
        CHANGED,
    ),
    "incr": (lambda do, item, _: do(item.incr, n=1), CHANGED),
    "decr": (lambda do, item, _: do(item.decr, n=-1), CHANGED),
    "delete": (lambda do, item, _: do(item.delete), GONE),
    "delete after reading": (lambda do, item, _: (repr(item), do(item.delete)), GONE),
    "delete atomic": (lambda do, item, _: do(item.delete, atomic=True), GONE),
    "delete twice": (_delete_twice, GONE),
    "refresh_from_db": (_refresh, SAME),
    "load": (_load, SAME),
    "save_all": (lambda do, item, _: do(save_all, [_set_n(item)]), CHANGED),
    "delete_all": (lambda do, item, _: do(delete_all, [item]), GONE),
    "bulk_update": (
        lambda do, item, _: do(type(item).objects.bulk_update, [_set_n(item)], ["n"]),
        CHANGED,
    ),
    "bulk_delete": (lambda do, item, _: do(type(item).objects.bulk_delete, [item]), GONE),
    "batch_write": (
        lambda do, item, _: do(type(item).objects.batch_write, [_set_n(item)], overwrite=True),
        ALONE,
    ),
    "batch_write after reading": (
        lambda do, item, _: (
            repr(item),
            do(type(item).objects.batch_write, [_set_n(item)], overwrite=True),
        ),
        ALONE,
    ),
    "batch_write of deletes": (
        lambda do, item, _: do(type(item).objects.batch_write, delete=[item], overwrite=True),
        GONE,
    ),
    "batch_get": (_batch_get, SAME),
    "in_bulk": (_in_bulk, SAME),
    "transaction.get": (_get_together, SAME),
    "save together": (lambda do, item, _: _commit(do, (_set_n(item).save, {})), CHANGED),
    "save whole together": (
        lambda do, item, _: _commit(do, (_set_n(item).save, {"overwrite": True})),
        ALONE,
    ),
    "update together": (lambda do, item, _: _commit(do, (item.update, {"n": 6})), CHANGED),
    "delete together": (lambda do, item, _: _commit(do, (item.delete, {})), GONE),
    "check together": (_check, CHANGED),
}


@pytest.mark.engines("dynoxide", "extenddb")
@pytest.mark.parametrize("name", SPELLED)
def test_each_verb_uses_the_key_as_it_is_stored(
    name: str, role: str, store: Callable[..., Stored], do: Do, key: str
) -> None:
    wrong: dict[str, Any] = {}
    for verb, (call, expected) in VERBS.items():
        stored = store(name, role)
        try:
            call(do, stored.load(), key)
            found: Any = stored.look()
        except Exception as error:
            found = error
        if found != expected:
            wrong[verb] = found
    assert wrong == {}


@pytest.mark.engines("dynoxide")
@pytest.mark.parametrize("name", SPELLED)
def test_a_deleted_item_is_saved_again_by_the_same_key_or_refused(
    name: str, role: str, store: Callable[..., Stored], do: Do
) -> None:
    stored = store(name, role)
    item = stored.load()
    do(item.delete)
    try:
        do(_set_n(item).save)
    except ValidationError:
        assert stored.look() == GONE
    else:
        assert stored.look() == CHANGED
