"""From a live table to the steps that make it the model's: what, in which order, and how it prints."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from dynamodb_py import Table, TableMismatch, TablePlan, connect
from dynamodb_py.operations.tables import AddIndex, DropIndex, TimeToLive, UpdateTable
from dynamodb_py.schema import (
    GlobalIndex,
    KeyAttribute,
    LocalIndex,
    TableSchema,
    Throughput,
    declare_table,
)
from dynamodb_py.schema.options import TableOptions
from dynamodb_py.tables.options import LiveTable
from dynamodb_py.tables.plans import find_new_name, make_plan

from ..scripted import checked

FIELDS = {"user": "S", "title": "S", "score": "N", "wins": "N", "photo": "B"}


def declare(*indexes: Any, types: Any = FIELDS, ttl: str | None = None, **options: Any) -> Any:
    hash_key, range_key = options.pop("hash_key", "user"), options.pop("range_key", "title")
    schema = declare_table(
        "scores",
        hash_key,
        range_key,
        lookup=lambda field: (field, types[field]),
        indexes=indexes,
        **options,
    )
    return schema if ttl is None else type(schema)(**{**as_dict(schema), "ttl": ttl})


def as_dict(schema: TableSchema) -> dict[str, Any]:
    return {name: getattr(schema, name) for name in schema.__struct_fields__}


def index(name: str, hash_key: str = "score", **options: Any) -> GlobalIndex:
    return GlobalIndex(name, hash_key=hash_key, **options)


def describe(schema: TableSchema) -> dict[str, Any]:
    found = {**schema.encode(), "TableName": "scores", "TableStatus": "ACTIVE"}
    return {**found, "BillingModeSummary": {"BillingMode": found.pop("BillingMode")}}


def plan(
    wanted: TableSchema, live: TableSchema, ttl: TimeToLive | None = None, **options: Any
) -> TablePlan:
    return make_plan("scores", wanted, LiveTable(describe(live), ttl), **options)


def operations(found: TablePlan) -> list[Any]:
    return [step.operation for step in found]


# --- indexes ---


def test_what_is_equal_needs_nothing():
    schema = declare(index("top"), LocalIndex("loc", range_key="wins"))
    assert not plan(schema, schema)
    assert str(plan(schema, schema)) == "nothing to do"


def test_new_indexes_are_added_one_at_a_time_with_the_attributes_of_all():
    wanted = declare(index("top"), index("low", "wins", range_key="user"))
    found = plan(wanted, declare(index("kept", "photo")))
    user, title, photo = (KeyAttribute(name, FIELDS[name]) for name in ("user", "title", "photo"))
    score, wins = KeyAttribute("score", "N"), KeyAttribute("wins", "N")
    assert operations(found) == [
        AddIndex("scores", wanted, "top", (user, title, photo, score)),
        AddIndex("scores", wanted, "low", (user, title, photo, score, wins)),
    ]
    assert all(step.needs_backfill and step.undo for step in found)
    assert [checked(operation)["TableName"] for operation in operations(found)] == ["scores"] * 2


def test_what_the_model_does_not_declare_is_left_and_noted():
    live = declare(index("old"), LocalIndex("loc", range_key="wins"))
    found = plan(declare(), live)
    assert not found
    assert [note.partition(" (")[0] for note in found.notes] == [
        "scores: index loc",
        "scores: index old",
    ]
    assert "drop_indexes=True removes it" in str(found)


def test_drop_indexes_removes_it_after_the_new_ones_are_there():
    live = declare(index("old"), LocalIndex("loc", range_key="wins"))
    found = plan(declare(index("new")), live, drop_indexes=True)
    assert [type(each) for each in operations(found)] == [AddIndex, DropIndex]
    assert found[1].operation == DropIndex("scores", "old")
    [note] = found.notes
    assert note.startswith("scores: index loc (")
    assert "only deleting the table removes it" in note


MANY = [index(f"i{number:02}") for number in range(20)]


def test_where_there_is_no_room_an_index_is_removed_first():
    found = plan(declare(*MANY[1:], index("new")), declare(*MANY), drop_indexes=True)
    assert [step.part for step in found] == ["index i00", "index new"]
    assert [type(each) for each in operations(found)] == [DropIndex, AddIndex]


def test_where_there_is_no_room_and_nothing_may_go_the_plan_says_so():
    [step] = plan(declare(*MANY[1:], index("new")), declare(*MANY))
    assert step.operation is None
    assert "a table has at most 20 global indexes: update(drop_indexes=True) first" in step.what


def test_an_index_in_the_way_by_the_type_of_an_attribute_is_removed_first():
    live = declare(index("old"))
    wanted = declare(index("new"), types={**FIELDS, "score": "S"})
    [refused] = plan(wanted, live)
    assert "'score' is of type N in index old" in refused.what
    assert [type(each) for each in operations(plan(wanted, live, drop_indexes=True))] == [
        DropIndex,
        AddIndex,
    ]


def test_an_index_in_the_way_by_its_projection_is_removed_first():
    names = {f"f{number}": "S" for number in range(120)}
    types = {**FIELDS, **names}
    live = declare(index("old", projection=list(names)[:60]), types=types)
    wanted = declare(index("new", projection=list(names)[60:]), types=types)
    assert "project at most 100" in plan(wanted, live)[0].what
    dropped = plan(wanted, live, drop_indexes=True)
    assert [type(each) for each in operations(dropped)] == [DropIndex, AddIndex]


@pytest.mark.parametrize("drop_indexes", [False, True])
@pytest.mark.parametrize(
    "wanted",
    [index("top", "wins"), index("top", range_key="wins"), index("top", projection="keys")],
    ids=["hash key", "range key", "projection"],
)
def test_another_index_of_the_same_name_takes_two_runs_under_a_new_name(wanted, drop_indexes):
    [step] = plan(declare(wanted), declare(index("top")), drop_indexes=drop_indexes)
    assert step.operation is None
    for words in (
        'GlobalIndex("top_2", ...)',
        "1. update() creates and fills top_2",
        "2. update(drop_indexes=True) removes top",
    ):
        assert words in str(step)
    # The two runs: the switch, and the end.
    renamed = declare(GlobalIndex("top_2", hash_key="wins"))
    first = plan(renamed, declare(index("top")))
    assert [type(each) for each in operations(first)] == [AddIndex]
    assert first.notes[0].startswith("scores: index top (")
    both = declare(index("top"), GlobalIndex("top_2", hash_key="wins"))
    assert operations(plan(renamed, both, drop_indexes=True)) == [DropIndex("scores", "top")]


@pytest.mark.parametrize(
    ("name", "taken", "expected"),
    [
        ("by_title", {"by_title"}, "by_title_2"),
        ("by_title", {"by_title", "by_title_2"}, "by_title_3"),
        ("by_title_9", {"by_title_9"}, "by_title_10"),
        ("_3", {"_3"}, "_3_2"),
        ("v", set(), "v_2"),
    ],
)
def test_the_next_name_is_free(name, taken, expected):
    assert find_new_name(name, taken) == expected


# --- what cannot be changed ---


@pytest.mark.parametrize(
    ("wanted", "live", "part", "advice"),
    [
        (declare(range_key=None), declare(), "keys", "choose another Meta.table_name"),
        (declare(hash_key="photo"), declare(), "keys", "choose another Meta.table_name"),
        (
            declare(types={**FIELDS, "title": "N"}),
            declare(),
            "keys",
            "choose another Meta.table_name",
        ),
        (
            declare(LocalIndex("loc", range_key="wins")),
            declare(),
            "index loc",
            "as a GlobalIndex under a new name",
        ),
        (
            declare(LocalIndex("loc", range_key="wins")),
            declare(LocalIndex("loc", range_key="score")),
            "index loc",
            "as a GlobalIndex under a new name",
        ),
    ],
)
def test_what_cannot_be_changed_is_a_step_that_says_what_to_do(wanted, live, part, advice):
    found = plan(wanted, live)
    [step] = found.impossible
    assert (step.part, step.operation) == (part, None)
    assert advice in step.what


@pytest.mark.parametrize(
    ("live", "words"),
    [
        (TimeToLive("ENABLED", "other"), "AttributeName=other,Enabled=false"),
        (TimeToLive("DISABLING", "expires"), "up to an hour"),
    ],
)
def test_a_ttl_that_cannot_be_switched_now_is_such_a_step(live, words):
    [step] = plan(declare(ttl="expires"), declare(), live)
    assert step.operation is None
    assert words in step.what


# --- order, and words ---


def test_what_protects_comes_first_and_indexes_last():
    options = TableOptions(
        stream="keys_only", deletion_protection=True, on_demand_maximum=None, table_class="standard"
    )
    wanted = declare(
        index("top"), ttl="expires", options=options, read_capacity=1, write_capacity=2
    )
    found = plan(wanted, declare(index("low")), TimeToLive())
    assert [step.part for step in found] == [
        "ttl",
        "deletion_protection",
        "stream",
        "billing",
        "index top",
    ]
    # A table that becomes provisioned needs throughput for every index, also one that is not declared.
    assert found[3].operation == UpdateTable(
        "scores", "PROVISIONED", Throughput(1, 2), {"low": Throughput(1, 2)}
    )


def test_a_plan_prints_its_steps_and_can_be_added_up():
    found = plan(declare(index("top")), declare())
    assert str(found) == (
        "1. scores: add index top (global, hash key score (N), holding all); the model declares it, and the "
        "table does not have it; backfills from the whole table; undo: update(drop_indexes=True) of a "
        "model without it"
    )
    assert len(found + found) == 2
    assert found == plan(declare(index("top")), declare()) != TablePlan()
    assert found[0:1] == (found[0],)


# --- any live table, any model, on the embedded database ---


TYPES = st.fixed_dictionaries(
    {"score": st.sampled_from("NS"), "wins": st.just("N"), "photo": st.just("B")}
).map(lambda types: {**FIELDS, **types})
PROJECTIONS = st.sampled_from(["all", "keys", ["photo"], ["photo", "wins"]])
ATTRIBUTES = st.sampled_from(["score", "wins", "photo", "title"])
UNITS = st.integers(1, 9)


@st.composite
def indexes(draw: Any, names: list[str]) -> list[Any]:
    found: list[Any] = [
        GlobalIndex(
            name,
            hash_key=draw(ATTRIBUTES),
            range_key=draw(st.sampled_from([None, "user"])),
            projection=draw(PROJECTIONS),
        )
        for name in draw(st.lists(st.sampled_from(names), unique=True))
    ]
    if draw(st.integers(0, 9)) == 0:
        found.append(LocalIndex("loc", range_key="wins"))
    return found


@st.composite
def tables(draw: Any, declared: list[Any]) -> TableSchema:
    options = TableOptions(
        stream=draw(st.sampled_from([None, "off", "new_image", "keys_only"])),
        encryption=draw(st.sampled_from([None, "aws_owned", "aws_managed"])),
        table_class=draw(st.sampled_from([None, "standard", "standard_infrequent_access"])),
        deletion_protection=draw(st.sampled_from([None, False])),
        point_in_time_recovery=draw(st.sampled_from([None, True, False, 1, 3])),
        tags=draw(st.sampled_from([None, (), (("a", "1"),), (("a", "2"), ("b", "3"))])),
    )
    capacities = {"read_capacity": draw(UNITS), "write_capacity": draw(UNITS)}
    return declare(
        *declared,
        types=draw(TYPES),
        options=options,
        **(capacities if draw(st.booleans()) else {}),
    )


@st.composite
def changes(draw: Any) -> tuple[TableSchema, TableSchema]:
    """A table and what it is to be: with some of its indexes, others, and rarely another of its name."""
    before = draw(indexes(["aaa", "bbb", "ccc"]))
    kept = [each for each in before if draw(st.booleans())]
    more = draw(indexes(["ddd", "eee", "aaa"] if draw(st.integers(0, 4)) == 0 else ["ddd", "eee"]))
    names = {each.name for each in kept}
    after = [*kept, *(each for each in more if each.name not in names)]
    return draw(tables(before)), draw(tables(after))


def table_of(schema: TableSchema, name: str) -> Table:
    declared = type(schema)(**{**as_dict(schema), "name": name})
    meta = type("Options", (), {"schema": declared, "using": "any-plans"})()
    return Table(type("Scores", (), {"_meta": meta}))


def update(table: Table, *, drop_indexes: bool) -> bool:
    """Update the table, and tell whether that was possible; check that the plan says it right."""
    plan = table.plan(drop_indexes=drop_indexes)
    event(f"{drop_indexes=} {'impossible' if plan.impossible else min(len(plan), 3)}")
    if not plan.impossible:
        table.update(drop_indexes=drop_indexes)
        assert not table.plan(drop_indexes=drop_indexes)
        return True
    before = table.info()
    with pytest.raises(TableMismatch, match="nothing was sent"):
        table.update(drop_indexes=drop_indexes)
    assert table.info() == before
    return False


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(changes())
def test_after_an_update_the_plan_is_empty_unless_it_said_that_it_is_impossible(schemas):
    before, after = schemas
    connect("memory://any-plans", alias="any-plans")
    name = f"t{uuid.uuid4().hex}"
    table_of(before, name).create()
    table = table_of(after, name)
    try:
        if update(table, drop_indexes=False):
            found = TableSchema.parse(table.info()).global_indexes
            names = {each.name for each in (*before.global_indexes, *after.global_indexes)}
            assert {each.name for each in found} == names
        if update(table, drop_indexes=True):
            assert [each for each in table.diff() if "index loc" not in each] == []
    finally:
        table.delete()
