"""Transactions: what they ask of which tables, what is found, and what they cost."""

from __future__ import annotations

import msgspec
import pytest

from dynamodb_py.codec import as_sent
from dynamodb_py.exceptions import QueryError, ResponseCorrupted
from dynamodb_py.expressions import Add, Condition, F, Path, Remove, Set, Value
from dynamodb_py.flows import run
from dynamodb_py.metering import capacity, payload_of
from dynamodb_py.operations.read_expressions import Expressions
from dynamodb_py.operations.transactions import (
    Check,
    Delete,
    Put,
    TransactGetItems,
    TransactWriteItems,
    Update,
)

from ..expressions.spelling import check_request
from ..scripted import Link, Script, checked

KEY = {"k": {"S": "a"}}
OTHER = {"k": {"B": b"\x01\x02"}, "n": {"N": "1"}}
ITEM = b'{"k":{"S":"a"},"b":{"B":"AQI="}}'
TOKEN = "0123456789abcdef0123456789abcdef0123"
SIZE = Expressions.of(projection=[Path(("size",))])
SET = Set(Path(("n",)), Value({"N": "1"}))
ADD = Add(Path(("m",)), Value({"N": "2"}))
ALL_OLD = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


@pytest.mark.parametrize(
    ("operation", "gets", "tables"),
    [
        (
            TransactGetItems([("a", KEY), ("b", OTHER), ("a", OTHER)]),
            [
                {"TableName": "a", "Key": KEY},
                {"TableName": "b", "Key": OTHER},
                {"TableName": "a", "Key": OTHER},
            ],
            ["a", "b"],
        ),
        (
            TransactGetItems([("a", KEY), ("b", KEY)], [None, SIZE]),
            [
                {"TableName": "a", "Key": KEY},
                {
                    "TableName": "b",
                    "Key": KEY,
                    "ProjectionExpression": "#0",
                    "ExpressionAttributeNames": {"#0": "size"},
                },
            ],
            ["a", "b"],
        ),
    ],
)
def test_a_read_asks_for_its_items_in_order(operation, gets, tables):
    assert checked(operation) == {"TransactItems": [{"Get": get} for get in gets]}
    assert list(operation.tables) == tables
    assert operation.api == "TransactGetItems"
    assert operation.repeatable


@pytest.mark.parametrize(
    ("write", "spelled"),
    [
        (
            Put("t", ITEM),
            {"Put": {"TableName": "t", "Item": {"k": {"S": "a"}, "b": {"B": b"\x01\x02"}}}},
        ),
        (
            Put("t", b"{}", F("k").not_exists()),
            {
                "Put": {
                    "TableName": "t",
                    "Item": {},
                    "ConditionExpression": "attribute_not_exists(#0)",
                    "ExpressionAttributeNames": {"#0": "k"},
                    **ALL_OLD,
                }
            },
        ),
        (Put("t", b"{}", Condition()), {"Put": {"TableName": "t", "Item": {}}}),
        (
            Update("t", KEY, [SET, Remove(Path(("old",)))]),
            {
                "Update": {
                    "TableName": "t",
                    "Key": KEY,
                    "UpdateExpression": "SET #0 = :0 REMOVE #1",
                    "ExpressionAttributeNames": {"#0": "n", "#1": "old"},
                    "ExpressionAttributeValues": {":0": {"N": "1"}},
                }
            },
        ),
        (
            Update("t", KEY, [ADD], F("m") < 5),
            {
                "Update": {
                    "TableName": "t",
                    "Key": KEY,
                    "UpdateExpression": "ADD #0 :0",
                    "ConditionExpression": "#0 < :1",
                    "ExpressionAttributeNames": {"#0": "m"},
                    "ExpressionAttributeValues": {":0": {"N": "2"}, ":1": {"N": "5"}},
                    **ALL_OLD,
                }
            },
        ),
        (Delete("t", OTHER), {"Delete": {"TableName": "t", "Key": OTHER}}),
        (
            Delete("t", KEY, F("n") > 1),
            {
                "Delete": {
                    "TableName": "t",
                    "Key": KEY,
                    "ConditionExpression": "#0 > :0",
                    "ExpressionAttributeNames": {"#0": "n"},
                    "ExpressionAttributeValues": {":0": {"N": "1"}},
                    **ALL_OLD,
                }
            },
        ),
        (
            Check("t", KEY, F("open") == True),  # noqa: E712
            {
                "ConditionCheck": {
                    "TableName": "t",
                    "Key": KEY,
                    "ConditionExpression": "#0 = :0",
                    "ExpressionAttributeNames": {"#0": "open"},
                    "ExpressionAttributeValues": {":0": {"BOOL": True}},
                    **ALL_OLD,
                }
            },
        ),
    ],
)
def test_each_write_is_what_dynamodb_takes(write, spelled):
    operation = TransactWriteItems([write], TOKEN)
    assert checked(operation) == {"TransactItems": [spelled], "ClientRequestToken": TOKEN}


def test_writes_stay_in_order_and_have_placeholders_of_their_own():
    writes = [
        Check("b", KEY, F("x") == 1),
        Update("a", KEY, [ADD], F("y") == 2),
        Delete("b", OTHER, F("z") == 3),
        Put("c", ITEM),
    ]
    operation = TransactWriteItems(writes, TOKEN)
    items = checked(operation)["TransactItems"]
    assert [next(iter(each)) for each in items] == ["ConditionCheck", "Update", "Delete", "Put"]
    named = [next(iter(each.values())).get("ExpressionAttributeNames") for each in items]
    assert named == [{"#0": "x"}, {"#0": "m", "#1": "y"}, {"#0": "z"}, None]
    assert list(operation.tables) == ["b", "a", "c"]


def test_a_write_may_be_repeated_even_an_addition_and_says_the_same_each_time():
    operation = TransactWriteItems([Update("t", KEY, [ADD], F("m") < 5)], TOKEN)
    assert operation.repeatable
    assert operation.payload() == operation.payload()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TransactGetItems([]), "1 to 100 items, not 0"),
        (lambda: TransactGetItems([("t", KEY)] * 101), "1 to 100 items, not 101"),
        (lambda: TransactGetItems([("t", KEY)], [None, SIZE]), "2 projections for 1 items"),
        (lambda: TransactWriteItems([], TOKEN), "items, not 0: pass some"),
        (lambda: TransactWriteItems([Delete("t", KEY)] * 101, TOKEN), "not 101: split it"),
        (lambda: TransactWriteItems([Delete("t", KEY)], ""), "1 to 36 characters, not 0"),
        (lambda: TransactWriteItems([Delete("t", KEY)], TOKEN + "4"), "1 to 36 characters, not 37"),
        (lambda: Update("t", KEY, []), "an update of t without actions"),
        (lambda: Check("t", KEY, Condition()).request(), "a check of t without a condition"),
    ],
)
def test_what_dynamodb_would_refuse_is_refused(make, message):
    with pytest.raises(QueryError, match=message):
        make()


@pytest.mark.parametrize("count", [1, 100])
def test_as_many_as_dynamodb_takes_are_taken(count):
    keys = [{"k": {"N": str(n)}} for n in range(count)]
    for operation in (
        TransactGetItems([("t", key) for key in keys]),
        TransactWriteItems([Delete("t", key) for key in keys], TOKEN),
    ):
        assert len(checked(operation)["TransactItems"]) == count


def test_what_was_found_is_in_order_and_none_where_nothing_is():
    gets = TransactGetItems([("t", KEY), ("u", KEY), ("t", OTHER)])
    body = b'{"Responses": [{"Item": {"k":{"S":"a"}}}, {}, {"Item": {"n": {"N": "1"}}}]}'
    assert gets.parse(body) == [b'{"k":{"S":"a"}}', None, b'{"n": {"N": "1"}}']


@pytest.mark.parametrize("body", [b"{}", b'{"Responses": []}', b'{"Responses": [{}, {}]}'])
def test_an_answer_about_other_items_is_not_believed(body):
    with pytest.raises(ResponseCorrupted, match="responses came for 1 items"):
        TransactGetItems([("t", KEY)]).parse(body)


@pytest.mark.parametrize(
    "operation",
    [TransactGetItems([("t", KEY)]), TransactWriteItems([Delete("t", KEY)], TOKEN)],
    ids=["get", "write"],
)
@pytest.mark.parametrize("body", [b"", b"[]", b'{"Responses"'])
def test_an_answer_that_is_none_is_refused(operation, body):
    with pytest.raises(msgspec.DecodeError):
        operation.parse(body)


def test_a_write_that_was_carried_out_has_no_value():
    operation = TransactWriteItems([Delete("t", KEY)], TOKEN)
    assert operation.parse(b"{}") is None
    assert operation.parse(b'{"ItemCollectionMetrics": {"t": []}}') is None


# -- what it costs ---------------------------------------------------------------------------------


def flow(operation):
    return (yield from operation)


@pytest.mark.parametrize(
    ("operation", "kind", "items"),
    [
        (TransactGetItems([("t", KEY), ("t", OTHER)]), "read_units", 1),
        (TransactWriteItems([Update("t", KEY, [ADD])], TOKEN), "write_units", 0),
    ],
    ids=["get", "write"],
)
def test_what_it_costs_is_asked_and_counted(operation, kind, items):
    answer = {"ConsumedCapacity": [{"TableName": "t", "CapacityUnits": 4.0}]}
    if items:
        answer["Responses"] = [{"Item": as_sent({"k": {"S": "a"}})}, {}]
    with capacity() as used:
        payload = payload_of(operation)
        run(flow(operation), Link(Script([answer])))
    assert payload["ReturnConsumedCapacity"] == "INDEXES"
    check_request(operation.api, payload)
    assert (used.units, getattr(used, kind), used.requests) == (4.0, 4.0, 1)
    assert (used.items_read, used.items_returned) == (items, items)
    assert used.by_table["t"].units == 4.0
    assert "ReturnConsumedCapacity" not in payload_of(operation)
