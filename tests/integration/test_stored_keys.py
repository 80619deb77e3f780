"""Keys as other programs spelled them: what was loaded is written, read and referred to by its key as stored."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pytest

from dynamodb_py import (
    AlreadyExists,
    CharField,
    IntegerField,
    Model,
    SoftDelete,
    UnreadableValue,
    ValidationError,
    VersionField,
    delete_all,
    load,
    save_all,
    transaction,
)
from dynamodb_py.codec import Unstorable, decode
from dynamodb_py.models.persistence.stored import key_of

from ..conftest import Do
from ..engines import Engine
from .spelling import SPELLED, Kind, Wire

ROLES = ("hash", "range")
UNREADABLE = frozenset(
    name for name in SPELLED if name.startswith("no ") or name == "a retired member"
)
# By type: a value that no test has stored.
OTHER: dict[type, Any] = {
    each.__class__: each
    for each in (
        "01M6A6FT00000000000000000Z",
        Kind.RED,
        uuid.UUID(int=1),
        dt.datetime(2001, 1, 1, tzinfo=dt.timezone.utc),
        dt.date(2001, 1, 1),
        dt.time(1),
        dt.timedelta(1, 2),
        2.5,
    )
}


def key_text(item: Any) -> str:
    return repr(key_of(item))


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
    mail = CharField(unique=True)


class _HashNumbers(Model):
    class Meta:
        table_name = "stored-keys-N-hash"

    a = IntegerField(hash_key=True)
    b = CharField(range_key=True)
    mail = CharField(unique=True)


class _RangeNumbers(Model):
    class Meta:
        table_name = "stored-keys-N-range"

    a = CharField(hash_key=True)
    b = IntegerField(range_key=True)
    mail = CharField(unique=True)


TABLES = [_Texts, _HashNumbers, _RangeNumbers]


class Stored(NamedTuple):
    """An item as another program stored it, and how it stands now."""

    model: Any
    key: Wire
    look: Callable[[], list[Wire]]
    """Returns the items that this test has in the table, without their keys."""
    load: Callable[[], Any]


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def store(engine: Engine, client: Any, key: str) -> Iterator[Callable[..., Stored]]:
    """Put an item with a key that is spelled otherwise than the model would."""
    tables: set[str] = set()

    def put(name: str, role: str, *bases: type, more: Wire | None = None) -> Stored:
        model, (_, wire) = _make_model(name, role, *bases), SPELLED[name]
        wires = {"a": wire, "b": {"S": key}} if role == "hash" else {"a": {"S": key}, "b": wire}
        table = engine.table_name(model._meta.table_name)
        tables.add(table)
        item = {**wires, "n": {"N": "5"}, "other": {"S": "x"}, **(more or {})}
        client.put_item(TableName=table, Item=item)

        def look() -> list[Wire]:
            """Return what boto3 reads of the test's items; raise where a key is spelled otherwise."""
            rows = client.scan(TableName=table, ConsistentRead=True)["Items"]
            own = [row for row in rows if {"S": key} in (row["a"], row["b"])]
            assert all({"a": row["a"], "b": row["b"]} == wires for row in own)
            return [{k: v for k, v in row.items() if k not in wires} for row in own]

        return Stored(model, wires, look, lambda: model.from_db(item))

    yield put
    for table in tables:
        for row in client.scan(TableName=table)["Items"]:
            client.delete_item(TableName=table, Key={"a": row["a"], "b": row["b"]})


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


def _check_verbs(name: str, role: str, store: Callable[..., Stored], do: Do, key: str) -> None:
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
def test_each_verb_uses_the_key_as_it_is_stored(
    name: str, role: str, store: Callable[..., Stored], do: Do, key: str
) -> None:
    _check_verbs(name, role, store, do, key)


FEW = ["a retired member", "a small ULID", "a capital UUID", "many digits"]


@pytest.mark.engines("extenddb", embedded=False)
@pytest.mark.parametrize("name", FEW)
def test_each_verb_uses_the_key_as_it_is_stored_on_another_engine(
    name: str, role: str, store: Callable[..., Stored], do: Do, key: str
) -> None:
    _check_verbs(name, role, store, do, key)


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


class Versioned(Model):
    class Meta:
        abstract = True

    version = VersionField()


class Unique(Model):
    class Meta:
        abstract = True

    mail = CharField(unique=True)


class Soft(SoftDelete):
    class Meta:
        abstract = True


class Atomic(Model):
    class Meta:
        abstract = True
        atomic = True


FLAVOURS: dict[type, tuple[dict[str, Wire], dict[str, Wire]]] = {
    Versioned: ({"version": {"N": "1"}}, {"version": {"N": "2"}}),
    Unique: ({"mail": {"S": "x@y.z"}}, {"mail": {"S": "x@y.z"}}),
    Soft: ({}, {}),
    Atomic: ({}, {}),
}
"""By base class: what an item has besides, and what it has once it was written."""


@pytest.mark.engines("dynoxide")
@pytest.mark.parametrize("base", FLAVOURS)
@pytest.mark.parametrize("name", FEW)
def test_each_verb_of_a_guarded_item_uses_the_key_as_it_is_stored(
    base: type, name: str, role: str, store: Callable[..., Stored], do: Do, key: str
) -> None:
    before, after = FLAVOURS[base]
    wrong: dict[str, Any] = {}
    for verb, (call, plain) in VERBS.items():
        if base is Soft and verb == "batch_write of deletes":
            continue  # which a batch refuses
        stored = store(name, role, base, more=before)
        expected = [{**row, **(before if plain == SAME else after)} for row in plain]
        try:
            call(do, stored.load(), key)
            found: Any = stored.look()
            if base is Soft and plain == GONE:
                found = [row for row in found if not row.pop("deleted_at")]
        except Exception as error:
            found = error
        if found != expected:
            wrong[verb] = found
    assert wrong == {}


def _make_other_key(name: str, role: str) -> dict[str, Any]:
    """Return the values of another key of the model with the field *name*."""
    make, _ = SPELLED[name]
    for value in OTHER.values():
        with suppress(Unstorable):
            make().to_wire(value)
            return {"a": value, "b": "x"} if role == "hash" else {"a": "x", "b": value}
    raise AssertionError(name)


@pytest.mark.engines("dynoxide", "extenddb")
@pytest.mark.parametrize("name", FEW)
def test_a_unique_value_belongs_to_the_key_as_it_is_stored(
    name: str,
    role: str,
    store: Callable[..., Stored],
    client: Any,
    engine: Engine,
    key: str,
    do: Do,
) -> None:
    stored = store(name, role, Unique)
    item = stored.load()
    item.mail = key
    do(item.save)
    table = engine.table_name(stored.model._meta.unique_table)
    [sentinel] = [
        row for row in client.scan(TableName=table, ConsistentRead=True)["Items"] if key in str(row)
    ]
    assert sentinel["owner"] == {"M": stored.key}
    with pytest.raises(AlreadyExists) as raised:
        do(stored.model.objects.create, **_make_other_key(name, role), mail=key)
    assert raised.value.owner == item.primary_key
    do(item.delete)
    rows = client.scan(TableName=table, ConsistentRead=True)["Items"]
    assert [row for row in rows if key in str(row)] == []


@pytest.mark.engines("dynoxide")
@pytest.mark.parametrize("base", [Model, Unique, Soft])
@pytest.mark.parametrize("name", SPELLED)
def test_a_query_writes_what_it_finds_by_the_key_as_it_is_stored(
    base: type, name: str, store: Callable[..., Stored], key: str, do: Do
) -> None:
    stored = store(name, "range", base)
    rows = stored.model.objects.filter(a=key)
    assert do(rows.update, n=6).changed == 1
    assert stored.look() == CHANGED
    [item] = do.list(rows.all())
    assert item.n == 6
    assert do(rows.delete).changed == 1
    assert [row for row in stored.look() if "deleted_at" not in row] == GONE


@pytest.mark.engines("dynoxide")
@pytest.mark.parametrize("name", SPELLED)
def test_pages_go_on_after_a_key_as_it_is_stored(
    name: str, store: Callable[..., Stored], client: Any, engine: Engine, key: str, do: Do
) -> None:
    stored = store(name, "range")
    (kind, text), *_ = stored.key["b"].items()
    table = engine.table_name(stored.model._meta.table_name)
    more = {"S": f"{text}~"} if kind == "S" else {"N": "2.5" if "." in text else f"{text}0"}
    client.put_item(TableName=table, Item={**stored.key, "b": more})
    rows = stored.model.objects.filter(a=key)
    for wanted in (rows, rows.reverse()):
        first = do(wanted.page, size=1)
        second = do(wanted.page, size=1, cursor=first.next_cursor)
        assert len({*map(key_text, (*first.items, *second.items))}) == 2
        back = do(wanted.page, size=1, cursor=second.previous_cursor)
        assert list(map(key_text, back.items)) == list(map(key_text, first.items))


@pytest.mark.parametrize("name", sorted(set(SPELLED) - UNREADABLE))
def test_the_same_value_again_is_no_other_key_and_another_one_is_refused(
    name: str, role: str
) -> None:
    model, (_, wire) = _make_model(name, role), SPELLED[name]
    wires = {"a": {"S": "x"}, "b": {"S": "x"}, "a" if role == "hash" else "b": wire}
    item, at = model.from_db(wires), "a" if role == "hash" else "b"
    setattr(item, at, getattr(model.from_db(wires), at))
    assert not item.is_changed
    assert key_of(item) == wires
    setattr(item, at, OTHER[type(getattr(item, at))])
    for verb in (item.save, item.delete, item.refresh_from_db, lambda: item.update(n=1)):
        with pytest.raises(ValidationError, match="cannot change"):
            verb()


@pytest.mark.parametrize("name", sorted(UNREADABLE))
def test_a_key_that_cannot_be_read_raises_where_it_is_read_alone(name: str, role: str) -> None:
    model, (_, wire) = _make_model(name, role), SPELLED[name]
    at = "a" if role == "hash" else "b"
    item = model.from_db({"a": {"S": "x"}, "b": {"S": "x"}, at: wire, "n": {"N": "5"}})
    with pytest.raises(UnreadableValue):
        getattr(item, "number" if "template" in name else at)
    assert item.n == 5
    assert "n=5" in repr(item)
    assert item.to_dict()["n"] == 5
    assert item == model.from_db(item._stored)
    assert len({item, model.from_db(item._stored)}) == 1
    assert str(decode(wire)) in str(item.primary_key)
    if "template" not in name:
        setattr(item, at, next(iter(OTHER.values())))
        with pytest.raises(ValidationError):
            item.save()
