"""Real engines agree with the reference about random conditions on random items."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from dynamodb_py.codec import encode
from dynamodb_py.expressions import (
    Add,
    Condition,
    Delete,
    F,
    Names,
    Path,
    RawExpression,
    Remove,
    Set,
    Value,
    render_projection,
    render_update,
)

from .reference import holds
from .strategies import conditions, items


@pytest.fixture
def table(bare_engine):
    client, name = bare_engine.boto3(), bare_engine.table_name("expressions")
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return client, name


def agrees(table, condition: Condition, item) -> bool:
    client, name = table
    stored = {"id": {"S": "1"}} | item
    client.put_item(TableName=name, Item=stored)
    names = Names()
    text = condition.render(names)
    found = client.scan(**names.into({"TableName": name, "FilterExpression": text}))
    return (found["Count"] == 1) == holds(condition, stored)


@pytest.mark.engines("dynoxide", "extenddb")
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(condition=conditions, item=items)
def test_a_condition_means_what_it_says(table, condition, item):
    assert agrees(table, condition, encode(item)["M"])


ITEM = encode(
    {
        "a": 5,
        "b": 7,
        "s": "hello",
        "none": None,
        "doc": {"a": [1, {"x.y": "q"}], "0": "zero"},
        "tags": {"a", "b"},
        "größe": 3,
    }
)["M"]


@pytest.mark.engines("dynoxide", "extenddb")
def test_conditions_at_the_limits_are_accepted(table):
    deep: Condition = F("a") == 5
    for _ in range(40):
        deep = ~(deep & (F("b") == 7))
    wide = Condition()
    for number in range(150):
        wide |= F("a") == number
    for condition in (
        deep,
        wide,
        F("a").is_in(range(600)),
        F("a").is_in(range(6, 106)),
        F("a").is_in([]),
        ~F("a").is_in([]),
    ):
        assert agrees(table, condition, ITEM)


@pytest.mark.engines("dynoxide", "extenddb")
@pytest.mark.parametrize(("text", "count"), [("((#d > :n OR a = :n))", 1), ("a <> :n", 0)])
def test_raw_expressions_join_others(table, text, count):
    client, name = table
    client.put_item(TableName=name, Item={"id": {"S": "1"}} | ITEM)
    names = Names()
    given = {"#d": "doc"} if "#d" in text else {}
    raw = RawExpression(text, given, {":n": 5}) & (F("a") == 5)
    rendered = raw.render(names)
    found = client.scan(**names.into({"TableName": name, "FilterExpression": rendered}))
    assert found["Count"] == count


@pytest.mark.engines("dynoxide", "extenddb")
def test_updates_and_projections_do_what_they_say(table):
    client, name = table
    key = {"id": {"S": "1"}}
    client.put_item(TableName=name, Item=key | ITEM)
    actions = [
        Set(Path(("a",)), Value({"N": "9"})),
        Set(Path(("c",)), Path(("b",))),
        Set(Path(("doc", "ü.x")), Value({"S": "w"})),
        Remove(Path(("none",))),
        Remove(Path(("doc", "a", 0))),
        Add(Path(("b",)), Value({"N": "1"})),
        Add(Path(("new",)), Value({"NS": ["1"]})),
        Delete(Path(("tags",)), Value({"SS": ["a"]})),
    ]
    names = Names()
    text = render_update(actions, names)
    client.update_item(**names.into({"TableName": name, "Key": key, "UpdateExpression": text}))
    wanted = {
        "a": 9,
        "b": 8,
        "c": 7,
        "s": "hello",
        "doc": {"a": [{"x.y": "q"}], "0": "zero", "ü.x": "w"},
        "tags": {"b"},
        "größe": 3,
        "new": {1},
    }
    assert client.get_item(TableName=name, Key=key)["Item"] == key | encode(wanted)["M"]
    names = Names()
    paths = [Path(("doc", "a", 0, "x.y")), Path(("größe",)), Path(("doc", "0")), Path(("absent",))]
    text = render_projection(paths, names)
    got = client.get_item(
        **names.into({"TableName": name, "Key": key, "ProjectionExpression": text})
    )
    assert got["Item"] == encode({"doc": {"a": [{"x.y": "q"}], "0": "zero"}, "größe": 3})["M"]
