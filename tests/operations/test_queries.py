"""Query and Scan: their requests, and pages that know the request for the rest."""

from __future__ import annotations

import pickle

import msgspec
import pytest

from dynamodb_py.expressions import Condition, F, Path
from dynamodb_py.operations.queries import Expressions, Page, Query, Scan

from ..scripted import checked

START = {"k": {"S": "a"}, "n": {"N": "1"}}
KEYS = Expressions.of(keys=F("k") == "a")
FILTERED = Expressions.of(keys=F("k") == "a", filter=F("k2") > 1)
NAMED = {"#0": "k"}
ASKED = {"KeyConditionExpression": "#0 = :0", "TableName": "t"}
VALUED = {":0": {"S": "a"}}


@pytest.mark.parametrize(
    ("operation", "payload"),
    [
        (Query("t", KEYS), {**ASKED, "ExpressionAttributeNames": NAMED, "ExpressionAttributeValues": VALUED}),
        (
            Query("t", FILTERED, "by_x", True, 10, START, forward=False),
            {
                **ASKED,
                "IndexName": "by_x",
                "FilterExpression": "#1 > :1",
                "ConsistentRead": True,
                "Limit": 10,
                "ExclusiveStartKey": START,
                "ScanIndexForward": False,
                "ExpressionAttributeNames": {"#0": "k", "#1": "k2"},
                "ExpressionAttributeValues": {":0": {"S": "a"}, ":1": {"N": "1"}},
            },
        ),
        (
            Query("t", KEYS, select="COUNT", measured=True),
            {
                **ASKED,
                "Select": "COUNT",
                "ReturnConsumedCapacity": "TOTAL",
                "ExpressionAttributeNames": NAMED,
                "ExpressionAttributeValues": VALUED,
            },
        ),
        (Scan("t"), {"TableName": "t"}),
        (
            Scan("t", Expressions.of(filter=F("x").exists()), "by_x", limit=5, start=START, segment=(0, 4)),
            {
                "TableName": "t",
                "IndexName": "by_x",
                "FilterExpression": "attribute_exists(#0)",
                "Limit": 5,
                "ExclusiveStartKey": START,
                "Segment": 0,
                "TotalSegments": 4,
                "ExpressionAttributeNames": {"#0": "x"},
            },
        ),
        (
            Scan("t", Expressions.of(projection=[Path(("doc", "a", 0)), Path(("name",))])),
            {
                "TableName": "t",
                "ProjectionExpression": "#0.#1[0], #2",
                "ExpressionAttributeNames": {"#0": "doc", "#1": "a", "#2": "name"},
            },
        ),
    ],
    ids=range(6),
)  # fmt: skip
def test_the_payload_is_what_dynamodb_takes(operation, payload):
    assert checked(operation) == payload
    assert operation.tables == ("t",)


@pytest.mark.parametrize(
    "operation",
    [Query("t", FILTERED, limit=2), Scan("t", segment=(1, 2), select="COUNT", measured=True)],
)
def test_a_page_knows_the_request_for_the_rest_which_asks_the_same_from_there_on(operation):
    body = (
        b'{"Items": [{"k": {"S": "a"}}], "Count": 1, "ScannedCount": 5,'
        b' "LastEvaluatedKey": {"k": {"S": "a"}, "n": {"N": "1"}}}'
    )
    page = operation.parse(body)
    assert (page.items, page.count, page.scanned) == ([b'{"k": {"S": "a"}}'], 1, 5)
    assert type(page.rest) is type(operation)
    assert checked(page.rest) == {**checked(operation), "ExclusiveStartKey": START}
    assert page.last == START == page.rest.start
    assert operation.start is None


def test_an_empty_page_is_not_the_end_where_there_is_a_last_key():
    page = Scan("t").parse(b'{"Items": [], "Count": 0, "LastEvaluatedKey": {"k": {"S": "a"}}}')
    assert page.items == []
    assert page.rest == Scan("t", start={"k": {"S": "a"}})


@pytest.mark.parametrize("body", [b"{}", b'{"Items": []}', b'{"Count": 0, "LastEvaluatedKey": {}}'])
def test_without_a_last_key_it_is_the_end(body):
    page = Query("t", KEYS).parse(body)
    assert page == Page([], 0, 0)
    assert (page.last, page.rest, page.units) == (None, None, None)


def test_counting_gives_numbers_without_items():
    assert Scan("t").parse(b'{"Count": 7, "ScannedCount": 9}') == Page([], 7, 9)


@pytest.mark.parametrize(
    ("body", "units"),
    [
        (b'{"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 0.5}}', 0.5),
        (b'{"ConsumedCapacity": {"CapacityUnits": 3, "Table": {"CapacityUnits": 3.0}}}', 3.0),
        (b'{"ConsumedCapacity": {}}', None),
        (b"{}", None),
    ],
)
def test_a_page_tells_what_it_cost_where_that_was_asked(body, units):
    assert Scan("t", measured=True).parse(body).units == units


@pytest.mark.parametrize(
    ("said", "payload"),
    [
        (Expressions.of(), {}),
        (Expressions.of(keys=Condition(), filter=Condition(), projection=iter(())), {}),
        (
            Expressions.of(
                keys=F("k") == "a",
                filter=(F("k") != "b") & (F("n") > 1),
                projection=[Path(("n",)), Path(("k",))],
            ),
            {
                "KeyConditionExpression": "#0 = :0",
                "FilterExpression": "(#0 <> :1 AND #1 > :2)",
                "ProjectionExpression": "#1, #0",
                "ExpressionAttributeNames": {"#0": "k", "#1": "n"},
                "ExpressionAttributeValues": {":0": {"S": "a"}, ":1": {"S": "b"}, ":2": {"N": "1"}},
            },
        ),
    ],
    ids=["none", "empty ones", "all"],
)
def test_expressions_of_one_request_share_their_names(said, payload):
    assert said.into({}) == payload
    assert said.into({"TableName": "t"}) == {"TableName": "t", **payload}


def test_expressions_are_plain_data_that_comes_back_from_a_pickle():
    said = Expressions.of(keys=F("k") == "a", filter=F("n") > 1, projection=[Path(("n",))])
    assert pickle.loads(pickle.dumps(said)) == said


def test_expressions_are_spelled_once_for_all_pages(monkeypatch):
    query = Query("t", FILTERED)
    monkeypatch.setattr(Condition, "render", None)
    page = query.parse(b'{"LastEvaluatedKey": {"k": {"S": "a"}}}')
    assert page.rest.expressions is query.expressions
    assert page.rest.payload()["KeyConditionExpression"] == "#0 = :0"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"Items": {}}', b'{"Items": ['])
def test_an_answer_that_is_none_is_refused(body):
    with pytest.raises(msgspec.DecodeError):
        Scan("t").parse(body)
