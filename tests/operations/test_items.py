"""Operations on one item: frozen values whose requests botocore knows, and their answers."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py.exceptions import QueryError
from dynamodb_py.expressions import (
    Add,
    Condition,
    F,
    Names,
    Path,
    Remove,
    Set,
    Value,
    render_update,
)
from dynamodb_py.operations import items
from dynamodb_py.operations.items import (
    DeleteItem,
    GetItem,
    PutItem,
    UpdateItem,
    add_condition,
)
from dynamodb_py.operations.read_expressions import Expressions

from ..scripted import checked

KEY = {"k": {"S": "a"}, "n": {"N": "1"}}
ITEM = b'{"k":{"S":"a"},"b":{"B":"AQI="}}'
CONDITION = (F("name") == "x") & F("size").exists()
CONDITIONAL = {
    "ConditionExpression": "(#{} = :{} AND attribute_exists(#{}))",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}
SET = Set(Path(("name",)), Value({"S": "new"}))


@pytest.mark.parametrize(
    ("operation", "payload"),
    [
        (GetItem("test", KEY), {"TableName": "test", "Key": KEY}),
        (GetItem("test", KEY, consistent=True), {"TableName": "test", "Key": KEY, "ConsistentRead": True}),
        (
            GetItem("test", KEY, expressions=Expressions.of(projection=[Path(("size",)), Path(("k",))])),
            {
                "TableName": "test",
                "Key": KEY,
                "ProjectionExpression": "#0, #1",
                "ExpressionAttributeNames": {"#0": "size", "#1": "k"},
            },
        ),
        (PutItem("test", ITEM), {"TableName": "test", "Item": {"k": {"S": "a"}, "b": {"B": b"\x01\x02"}}}),
        (PutItem("test", b"{}", Condition()), {"TableName": "test", "Item": {}}),
        (PutItem("test", b"{}", returning="ALL_OLD"), {"TableName": "test", "Item": {}, "ReturnValues": "ALL_OLD"}),
        (
            PutItem("test", b"{}", F("k").not_exists()),
            {
                "TableName": "test",
                "Item": {},
                "ConditionExpression": "attribute_not_exists(#0)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                "ExpressionAttributeNames": {"#0": "k"},
            },
        ),
        (DeleteItem("test", KEY), {"TableName": "test", "Key": KEY}),
        (
            DeleteItem("test", KEY, F("n") > 1, returning="ALL_OLD"),
            {
                "TableName": "test",
                "Key": KEY,
                "ConditionExpression": "#0 > :0",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                "ReturnValues": "ALL_OLD",
                "ExpressionAttributeNames": {"#0": "n"},
                "ExpressionAttributeValues": {":0": {"N": "1"}},
            },
        ),
        (UpdateItem("test", KEY), {"TableName": "test", "Key": KEY}),
        (
            UpdateItem("test", KEY, [SET, Remove(Path(("old",)))]),
            {
                "TableName": "test",
                "Key": KEY,
                "UpdateExpression": "SET #0 = :0 REMOVE #1",
                "ExpressionAttributeNames": {"#0": "name", "#1": "old"},
                "ExpressionAttributeValues": {":0": {"S": "new"}},
            },
        ),
        (
            UpdateItem("test", KEY, [SET], F("name") == "old", "UPDATED_NEW"),
            {
                "TableName": "test",
                "Key": KEY,
                "UpdateExpression": "SET #0 = :0",
                "ConditionExpression": "#0 = :1",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                "ReturnValues": "UPDATED_NEW",
                "ExpressionAttributeNames": {"#0": "name"},
                "ExpressionAttributeValues": {":0": {"S": "new"}, ":1": {"S": "old"}},
            },
        ),
        (
            UpdateItem("test", KEY, [Add(Path(("n2",)), Value({"N": "5"}))], F("n2") < F("max")),
            {
                "TableName": "test",
                "Key": KEY,
                "UpdateExpression": "ADD #0 :0",
                "ConditionExpression": "#0 < #1",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                "ExpressionAttributeNames": {"#0": "n2", "#1": "max"},
                "ExpressionAttributeValues": {":0": {"N": "5"}},
            },
        ),
    ],
    ids=range(13),
)  # fmt: skip
def test_the_payload_is_what_dynamodb_takes_and_rendering_it_twice_is_the_same(operation, payload):
    assert checked(operation) == payload
    assert checked(operation) == payload
    assert msgspec.json.encode(operation.payload()) == msgspec.json.encode(operation.payload())


def test_an_item_travels_as_the_bytes_that_it_is():
    body = msgspec.json.encode(PutItem("test", ITEM).payload())
    assert ITEM in body


@pytest.mark.parametrize(
    ("operation", "body", "value"),
    [
        (GetItem("t", KEY), b'{"Item": {"k": {"S": "a"}}, "ConsumedCapacity": {}}', b'{"k": {"S": "a"}}'),
        (GetItem("t", KEY), b"{}", None),
        (PutItem("t", b"{}"), b"{}", None),
        (PutItem("t", b"{}"), b'{"Attributes": {"k": {"S": "a"}}}', b'{"k": {"S": "a"}}'),
        (UpdateItem("t", KEY), b'{"Attributes": {}}', b"{}"),
        (DeleteItem("t", KEY), b'{"Attributes":{"k":{"S":"a"}},"More":[1]}', b'{"k":{"S":"a"}}'),
    ],
)  # fmt: skip
def test_the_item_of_an_answer_is_kept_as_its_bytes(operation, body, value):
    assert operation.parse(body) == value


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff"])
@pytest.mark.parametrize("operation", [GetItem("t", KEY), PutItem("t", b"{}")])
def test_an_answer_that_is_none_is_refused(operation, body):
    with pytest.raises(msgspec.DecodeError):
        operation.parse(body)


@pytest.mark.parametrize(
    "operation",
    [GetItem("t", KEY), PutItem("t", b"{}"), UpdateItem("t", KEY), DeleteItem("t", KEY)],
)
def test_an_operation_is_a_frozen_value_that_knows_its_table(operation):
    assert operation.tables == ("t",)
    assert operation.api == type(operation).__name__
    assert operation == type(operation)(
        *[getattr(operation, name) for name in operation.__struct_fields__]
    )
    with pytest.raises(AttributeError):
        operation.table = "other"


paths = st.sampled_from([("a",), ("b",), ("size",), ("größe",), ("a.b",), ("doc", "a"), ("l", 0)])
new_values = st.integers(0, 9).map(lambda number: Value({"N": str(number)}))
changes = (
    st.builds(lambda parts, value: Set(Path(parts, label="the field"), value), paths, new_values)
    | paths.map(lambda parts: Remove(Path(parts, label="the field")))
    | st.builds(lambda parts, value: Add(Path(parts), value), paths, new_values)
    | paths.map(lambda parts: Set(Path(parts), Path(("other",))))
)
conditions = st.sampled_from(
    [None, Condition(), F("a").exists(), F("größe").exists(), F("a").not_exists(), F("a") == "x"]
)


@given(st.lists(changes, max_size=4), conditions, st.sampled_from(["NONE", "ALL_NEW"]))
def test_a_prepared_update_is_the_rendered_one(actions, condition, returning):
    update = UpdateItem("test", KEY, actions, condition, returning)

    def render():
        names, expected = Names(), {"TableName": "test", "Key": KEY}
        if actions:
            expected["UpdateExpression"] = render_update(actions, names)
        return add_condition(expected, condition, names, returning)

    expected = payload_or_error(render)
    assert payload_or_error(update.payload) == payload_or_error(update.payload) == expected


def payload_or_error(make):
    try:
        return make()
    except QueryError as error:
        return str(error)


def test_whole_attributes_are_rendered_once_per_set_of_names(monkeypatch):
    rendered = []

    def render(actions, names):
        rendered.append(actions)
        return render_update(actions, names)

    monkeypatch.setattr(items, "render_update", render)
    items._prepare_update.cache_clear()
    for number in range(5):
        actions = [Set(Path(("n",)), Value({"N": str(number)})), Remove(Path(("old",)))]
        payload = UpdateItem("test", KEY, actions, F("k").exists()).payload()
        assert payload["ExpressionAttributeValues"] == {":0": {"N": str(number)}}
    assert len(rendered) == 1
    items._prepare_update.cache_clear()
