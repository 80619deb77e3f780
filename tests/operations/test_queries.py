"""Query and Scan: their requests, and pages that know the request for the rest."""

from __future__ import annotations

import msgspec
import pytest

from dynamodb_py.expressions import Condition, F
from dynamodb_py.operations.queries import Page, Query, Scan

from ..scripted import checked

START = {"k": {"S": "a"}, "n": {"N": "1"}}
KEYS = F("k") == "a"
NAMED = {"#0": "k"}
ASKED = {"KeyConditionExpression": "#0 = :0", "TableName": "t"}
VALUED = {":0": {"S": "a"}}


@pytest.mark.parametrize(
    ("operation", "payload"),
    [
        (Query("t", keys=KEYS), {**ASKED, "ExpressionAttributeNames": NAMED, "ExpressionAttributeValues": VALUED}),
        (
            Query("t", F("k2") > 1, "by_x", True, 10, START, keys=KEYS, forward=False),
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
        (Query("t", Condition(), keys=KEYS), {**ASKED, "ExpressionAttributeNames": NAMED, "ExpressionAttributeValues": VALUED}),
        (Scan("t"), {"TableName": "t"}),
        (
            Scan("t", F("x").exists(), "by_x", limit=5, start=START, segment=(0, 4)),
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
    ],
    ids=range(5),
)  # fmt: skip
def test_the_payload_is_what_dynamodb_takes(operation, payload):
    assert checked(operation) == payload
    assert operation.tables == ("t",)


@pytest.mark.parametrize(
    "operation", [Query("t", F("x") == 1, limit=2, keys=KEYS), Scan("t", segment=(1, 2))]
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
    assert operation.start is None


def test_an_empty_page_is_not_the_end_where_there_is_a_last_key():
    page = Scan("t").parse(b'{"Items": [], "Count": 0, "LastEvaluatedKey": {"k": {"S": "a"}}}')
    assert page.items == []
    assert page.rest == Scan("t", start={"k": {"S": "a"}})


@pytest.mark.parametrize("body", [b"{}", b'{"Items": []}', b'{"Count": 0, "LastEvaluatedKey": {}}'])
def test_without_a_last_key_it_is_the_end(body):
    assert Query("t", keys=KEYS).parse(body) == Page([], 0, 0, None)


def test_counting_gives_numbers_without_items():
    assert Scan("t").parse(b'{"Count": 7, "ScannedCount": 9}') == Page([], 7, 9, None)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"Items": {}}', b'{"Items": ['])
def test_an_answer_that_is_none_is_refused(body):
    with pytest.raises(msgspec.DecodeError):
        Scan("t").parse(body)
