"""References to items whose keys other programs spelled: they lead by the key as it is stored."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import pytest

from dynamodb_py import (
    CASCADE,
    NULLIFY,
    PROTECT,
    CharField,
    Document,
    EmbeddedField,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    ListField,
    ManyToManyField,
    Model,
    ProtectedError,
    SetField,
    load,
    prefetch,
)
from dynamodb_py.models.maintenance.denormalized import refresh_copies

from ..conftest import Do
from ..engines import Engine
from ..eventually import eventually
from .spelling import SPELLED, Wire


class World(NamedTuple):
    """A model with a spelled key, and models that refer to it."""

    target: Any
    owner: Any
    link: Any


def _table(name: str) -> Any:
    return type("Meta", (), {"table_name": f"stored-refs-{name}"})


@cache
def make_world(name: str, *, composite: bool = False, **options: Any) -> World:
    """Return models that share their tables with those of other names, by the kind of key."""
    make, (kind, *_) = SPELLED[name]
    module = {"__module__": __name__}
    keys: dict[str, Any] = {"id": make(hash_key=True)}
    if composite:
        keys = {"part": CharField(hash_key=True), "id": make(range_key=True)}
    where = f"{'pair' if composite else 'one'}-{kind}"
    target: Any = type(
        "Target",
        (Model,),
        {
            **module,
            "Meta": _table(f"target-{where}"),
            **keys,
            "n": IntegerField(default=0),
        },
    )
    note: Any = type("Note", (Document,), {**module, "to": ForeignKey(target), "text": CharField()})
    index = "to_part" if composite else "to"
    owner: Any = type(
        "Owner",
        (Model,),
        {
            **module,
            "Meta": _table(f"owner-{where}"),
            "id": CharField(hash_key=True),
            "to": ForeignKey(target, related_name="owners", denormalize=["n"], **options),
            "listed": ListField(target),
            "named": ListField(ForeignKey(target)),
            **({} if composite else {"chosen": SetField(target)}),
            "note": EmbeddedField(note),
            "text": CharField(),
            "by_to": GlobalIndex(hash_key=index, **({"range_key": "to_id"} if composite else {})),
        },
    )
    link: Any = None
    if not composite:
        link = type(
            "Link",
            (Model,),
            {
                **module,
                "Meta": _table(f"link-{where}"),
                "owner": ForeignKey(owner, hash_key=True),
                "target": ForeignKey(target, range_key=True),
                "by_target": GlobalIndex(hash_key="target", range_key="owner"),
            },
        )
        field: Any = ManyToManyField(target, through=link, related_name="linked")
        field.__set_name__(owner, "targets")
        owner.targets = field
        field.connect()
    return World(target, owner, link)


TABLES = [
    model
    for name in ("a capital UUID", "many digits")
    for composite in (False, True)
    for model in make_world(name, composite=composite)
    if model is not None
]


class Stored(NamedTuple):
    """An item as another program stored it, and what stands in the table of its referrers."""

    world: World
    key: Any
    """The key as it is in a reference of one value."""
    wires: dict[str, Wire]
    target: Callable[[], Any]
    owner: Callable[[], Any]
    """Returns the instance of an item that refers to the target, as another program stored it."""
    new: Callable[..., Any]
    look: Callable[[], list[Wire]]
    """Returns the referring items, without their ids."""


@pytest.fixture(params=[False, True], ids=["alone", "with a hash key"])
def composite(request: pytest.FixtureRequest) -> bool:
    found: bool = request.param
    return found


@pytest.fixture
def store(engine: Engine, client: Any, key: str, request: Any) -> Callable[..., Stored]:
    def put(name: str, *, composite: bool = False, **options: Any) -> Stored:
        world, (_, wire) = make_world(name, composite=composite, **options), SPELLED[name]
        wires = {"part": {"S": key}, "id": wire} if composite else {"id": wire}
        table = engine.table_name(world.target._meta.table_name)
        rows = engine.table_name(world.owner._meta.table_name)
        client.put_item(TableName=table, Item={**wires, "n": {"N": "5"}})
        one: Wire = {"M": wires} if composite else wire
        refers = {f"to_{k}": v for k, v in wires.items()} if composite else {"to": wire}
        item = {
            "id": {"S": key},
            **refers,
            "to_n": {"N": "5"},
            "listed": {"L": [one]},
            "named": {"L": [one]},
            "note": {"M": {**refers, "text": {"S": "x"}}},
        }
        if not composite:
            [(kind, value)] = wire.items()
            item["chosen"] = {kind + "S": [value]}

        def load_owner() -> Any:
            client.put_item(TableName=rows, Item=item)
            return world.owner.from_db(item)

        def look() -> list[Wire]:
            found = client.scan(TableName=rows, ConsistentRead=True)["Items"]
            return [
                {k: v for k, v in row.items() if k != "id"}
                for row in found
                if row["id"]["S"].startswith(key)
            ]

        for row in client.scan(TableName=rows)["Items"]:  # of other tests, which refer to it too
            client.delete_item(TableName=rows, Key={"id": row["id"]})
        time.sleep(0.05 if engine.name == "extenddb" else 0)  # an index may be about to have them
        for index in client.describe_table(TableName=rows)["Table"].get(
            "GlobalSecondaryIndexes", ()
        ):
            asked = {"TableName": rows, "IndexName": index["IndexName"]}
            eventually(lambda asked=asked: client.scan(**asked)["Count"], (0).__eq__)
        return Stored(
            world,
            one,
            refers,
            lambda: world.target.from_db({**wires, "n": {"N": "5"}}),
            load_owner,
            lambda **values: world.owner(id=f"{key}-new", **values),
            look,
        )

    return put


Case = Callable[[Do, Stored], Any]


def _follow(do: Do, s: Stored) -> None:
    assert s.owner().to.n == 5
    assert s.owner().note.to.n == 5


def _prefetch(do: Do, s: Stored) -> None:
    owner = s.owner()
    paths = ["to", "listed", "named", "note__to", *(["chosen"] if s.world.link else [])]
    assert do(prefetch, [owner], *paths) == []
    found = [
        owner.to,
        owner.note.to,
        *owner.listed,
        *owner.named,
        *(owner.chosen if s.world.link else []),
    ]
    assert [each.n for each in found] == [5] * len(found)
    assert not owner.is_changed


def _load_elements(do: Do, s: Stored) -> None:
    owner = s.owner()
    do(load, [*owner.listed, *owner.named])
    assert [each.n for each in (*owner.listed, *owner.named)] == [5, 5]


def _create(do: Do, s: Stored) -> list[Wire]:
    target = s.target()
    more = {"chosen": {target}} if s.world.link else {}
    made = s.new(to=target, listed=[target], named=[target], **more)
    made.note = type(made).note.document(to=target, text="x")
    do(made.save)
    assert not made.is_changed
    return [_expected(s)]


def _expected(s: Stored) -> Wire:
    """Return the referring item, as it was put."""
    found: Wire = {
        **_refers(s),
        "listed": {"L": [s.key]},
        "named": {"L": [s.key]},
        "note": {"M": {**s.wires, "text": {"S": "x"}}},
    }
    if s.world.link:
        [(kind, value)] = s.key.items()
        found["chosen"] = {kind + "S": [value]}
    return found


def _refers(s: Stored, **more: Wire) -> Wire:
    return {**s.wires, "to_n": {"N": "5"}, **more}


def _assign(do: Do, s: Stored) -> list[Wire]:
    made = s.new()
    do(made.save)
    made.to = s.target()
    assert made.is_changed
    do(made.save)
    assert not made.is_changed
    return [_refers(s)]


def _save_other_field(do: Do, s: Stored) -> list[Wire]:
    owner = s.owner()
    assert repr(owner)
    assert not owner.is_changed
    owner.text = "new"
    do(owner.save)
    return [{**_expected(s), "text": {"S": "new"}}]


def _save_note(do: Do, s: Stored) -> list[Wire]:
    owner = s.owner()
    owner.note.text = "new"
    do(owner.save)
    return [{**_expected(s), "note": {"M": {**s.wires, "text": {"S": "new"}}}}]


def _save_whole(do: Do, s: Stored) -> list[Wire]:
    owner = s.owner()
    owner.text = "new"
    do(owner.save, overwrite=True)
    return [{**_expected(s), "text": {"S": "new"}}]


def _batch_write(do: Do, s: Stored) -> list[Wire]:
    do(s.world.owner.objects.batch_write, [s.new(to=s.target())], overwrite=True)
    return [_refers(s)]


def _bulk_create(do: Do, s: Stored) -> list[Wire]:
    do(s.world.owner.objects.bulk_create, [s.new(to=s.target())])
    return [_refers(s)]


def _bulk_update(do: Do, s: Stored) -> list[Wire]:
    do(s.new().save)
    do(s.world.owner.objects.bulk_update, [s.new(to=s.target())], ["to"])
    return [_refers(s)]


def _update(do: Do, s: Stored) -> list[Wire]:
    made = s.new()
    do(made.save)
    do(made.update, to=s.target())
    return [_refers(s)]


def _update_query(do: Do, s: Stored) -> list[Wire]:
    do(s.new().save)
    do(s.world.owner.objects.filter(id=s.new().id).update, to=s.target())
    return [_refers(s)]


def _update_or_create(do: Do, s: Stored) -> list[Wire]:
    for _ in range(2):
        do(s.world.owner.objects.update_or_create, id=s.new().id, defaults={"to": s.target()})
    return [_refers(s)]


def _upsert(do: Do, s: Stored) -> list[Wire]:
    do(s.new(text="x").save)
    do(
        s.world.owner.objects.bulk_create,
        [s.new(to=s.target())],
        update_conflicts=True,
        update_fields=["to"],
    )
    return [_refers(s, text={"S": "x"})]


def _filter(do: Do, s: Stored) -> None:
    s.owner()
    target, owner = s.target(), s.world.owner
    for rows in (
        owner.objects.filter(to=target),
        owner.objects.filter(owner.to == target),
        owner.objects.filter(to__in=[target]),
        target.owners.all(),
        target.owners.filter(text=None),
    ):
        assert len(_wait(do, rows)) == 1


def _wait(do: Do, rows: Any) -> list[Any]:
    """Return *rows*, as soon as an index has them."""
    return eventually(lambda: do.list(rows.all()), bool)


def _condition(do: Do, s: Stored) -> list[Wire]:
    owner = s.owner()
    do(owner.update, text="new", condition=s.world.owner.to == s.target())
    return [{**_expected(s), "text": {"S": "new"}}]


def _related_add(do: Do, s: Stored) -> list[Wire]:
    do(s.target().owners.add, s.new())
    return [_refers(s)]


def _related_create(do: Do, s: Stored) -> list[Wire]:
    do(s.target().owners.create, id=s.new().id)
    return [_refers(s)]


def _related_remove(do: Do, s: Stored) -> list[Wire]:
    do(s.target().owners.remove, s.owner())
    return [{k: v for k, v in _expected(s).items() if k not in _refers(s)}]


def _related_set(do: Do, s: Stored) -> list[Wire]:
    target, owner = s.target(), s.owner()
    _wait(do, target.owners.all())
    do(target.owners.set, [owner])
    return [_expected(s)]


def _related_clear(do: Do, s: Stored) -> list[Wire]:
    target, _ = s.target(), s.owner()
    _wait(do, target.owners.all())
    do(target.owners.clear)
    return [{k: v for k, v in _expected(s).items() if k not in _refers(s)}]


CASES: dict[str, Case] = {
    "follow": _follow,
    "prefetch": _prefetch,
    "load elements": _load_elements,
    "create": _create,
    "assign": _assign,
    "save another field": _save_other_field,
    "save a document": _save_note,
    "save whole": _save_whole,
    "batch_write": _batch_write,
    "bulk_create": _bulk_create,
    "bulk_update": _bulk_update,
    "update": _update,
    "update of a query": _update_query,
    "update_or_create": _update_or_create,
    "upsert": _upsert,
    "filter": _filter,
    "condition": _condition,
    "related add": _related_add,
    "related create": _related_create,
    "related remove": _related_remove,
    "related set": _related_set,
    "related clear": _related_clear,
}


# A reference to a key of a template holds its parts, which such a text does not have.
NAMES = [name for name in SPELLED if "template" not in name]


FEW = ["a retired member", "a small ULID", "a capital UUID", "many digits"]


def _check_cases(name: str, composite: bool, store: Callable[..., Stored], do: Do) -> None:
    wrong: dict[str, Any] = {}
    for case, run in CASES.items():
        stored = store(name, composite=composite)
        try:
            expected = run(do, stored)
            found: Any = None if expected is None else stored.look()
        except Exception as error:
            found, expected = error, None
        if found != expected:
            wrong[case] = found
    assert wrong == {}


@pytest.mark.engines("dynoxide")
@pytest.mark.parametrize("name", NAMES)
def test_a_reference_leads_by_the_key_as_it_is_stored(
    name: str, composite: bool, store: Callable[..., Stored], do: Do
) -> None:
    _check_cases(name, composite, store, do)


@pytest.mark.engines("extenddb", embedded=False)
@pytest.mark.parametrize("name", FEW)
def test_a_reference_leads_by_the_key_as_it_is_stored_on_another_engine(
    name: str, composite: bool, store: Callable[..., Stored], do: Do
) -> None:
    _check_cases(name, composite, store, do)


def _wait_for_index(do: Do, rows: Any) -> None:
    assert len(_wait(do, rows)) == 1


@pytest.mark.engines("dynoxide", "extenddb")
@pytest.mark.parametrize("name", FEW)
def test_on_delete_finds_the_referrers_by_the_key_as_it_is_stored(
    name: str, composite: bool, store: Callable[..., Stored], do: Do
) -> None:
    left = {CASCADE: [], NULLIFY: [{"text": {"S": "x"}}]}
    for on_delete, expected in left.items():
        stored = store(name, composite=composite, on_delete=on_delete)
        target = stored.target()
        do(stored.new(to=target, text="x").save)
        _wait_for_index(do, target.owners)
        do(stored.target().delete)
        assert stored.look() == expected
    stored = store(name, composite=composite, on_delete=PROTECT)
    target = stored.target()
    do(stored.new(to=target).save)
    _wait_for_index(do, target.owners)
    with pytest.raises(ProtectedError):
        do(stored.target().delete)
    do(target.refresh_from_db)


@pytest.mark.engines("dynoxide", "extenddb")
@pytest.mark.parametrize("name", FEW)
def test_a_many_to_many_relation_leads_by_the_key_as_it_is_stored(
    name: str, store: Callable[..., Stored], engine: Engine, client: Any, key: str, do: Do
) -> None:
    stored = store(name)
    owner, target = stored.owner(), stored.target()
    table = engine.table_name(stored.world.link._meta.table_name)

    def look() -> list[Wire]:
        rows = client.scan(TableName=table, ConsistentRead=True)["Items"]
        return [row for row in rows if row["owner"] == {"S": key}]

    link = {"owner": {"S": key}, "target": stored.key}
    for _ in range(2):
        do(owner.targets.add, target)
        assert look() == [link]
    assert do(owner.targets.contains, target)
    assert [each.n for each in do(owner.targets.fetch)] == [5]
    assert do(prefetch, [owner], "targets") == []
    assert [each.n for each in do(owner.targets.all().fetch)] == [5]
    _wait_for_index(do, target.linked.rows())
    assert key in [each.id for each in do(target.linked.fetch)]
    do(owner.targets.set, [target])
    assert look() == [link]
    do(owner.targets.remove, target)
    assert look() == []
    do(target.linked.add, owner)
    assert look() == [link]
    do(owner.targets.clear)
    assert look() == []


@pytest.mark.engines("dynoxide")
@pytest.mark.parametrize("name", NAMES)
def test_a_reference_that_is_a_key_is_asked_for_by_an_instance(
    name: str, store: Callable[..., Stored], key: str, do: Do
) -> None:
    stored = store(name)
    owner, target, link = stored.owner(), stored.target(), stored.world.link
    do(owner.targets.add, target)
    found = do(link.objects.get, owner=owner, target=target)
    assert found.target.n == 5
    assert do(link.objects.filter(owner=owner, target=target).count) == 1
    assert do.list(link.objects.filter(owner=owner)) == [found]
    [again] = do(link.objects.batch_get, {"owner": owner, "target": target})
    assert again == found
    do(link.objects.delete, owner=owner, target=target)
    assert do(link.objects.filter(owner=owner).count) == 0


@pytest.mark.engines("dynoxide")
@pytest.mark.parametrize("name", NAMES)
def test_copies_are_refreshed_by_the_key_as_it_is_stored(
    name: str, composite: bool, store: Callable[..., Stored], do: Do
) -> None:
    stored = store(name, composite=composite)
    stored.owner()
    do(stored.target().update, n=7)
    report = do(refresh_copies, stored.world.owner)
    assert (report.changed, report.dangling) == (1, 0)
    [row] = stored.look()
    assert row["to_n"] == {"N": "7"}
    assert {**row, **_refers(stored)} == _expected(stored)
