"""Requests of Query and Scan that are refused, and the reasons."""

from __future__ import annotations

import pytest

from .database import Database, Refused, to_item
from .test_queries import make_indexed


@pytest.fixture
def database() -> Database:
    return Database()


QUERY = {
    "KeyConditionExpression": "h = :h",
    "ExpressionAttributeValues": {":h": {"S": "a"}},
}
START = "The provided starting key is invalid"
SCALARS = (
    "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed"
)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"Limit": 0}, "Value '0' at 'limit' failed to satisfy constraint: Member must have value"),
        ({"Select": "ALL"}, "Value 'ALL' at 'select' failed to satisfy constraint: Member must"),
        ({"IndexName": "none"}, "The table does not have the specified index: none"),
        ({"TableName": "none"}, "ResourceNotFoundException: Requested resource not found"),
        (
            {"IndexName": "by_g", "ConsistentRead": True},
            "Consistent reads are not supported on global secondary indexes",
        ),
        (
            {"IndexName": "with_x", "Select": "ALL_ATTRIBUTES"},
            "Select type ALL_ATTRIBUTES is not supported for global secondary index with_x because "
            "its projection type is not ALL",
        ),
        (
            {"IndexName": "with_x", "ProjectionExpression": "x, y, z"},
            "One or more parameter values were invalid: Global secondary index with_x does not "
            "project [y, z]",
        ),
        (
            {"Select": "ALL_PROJECTED_ATTRIBUTES"},
            "can be used only when Querying using an IndexName",
        ),
        ({"Select": "SPECIFIC_ATTRIBUTES"}, "Must specify the AttributesToGet or"),
        (
            {"Select": "COUNT", "ProjectionExpression": "x"},
            "Cannot specify the ProjectionExpression when choosing to get only the Count",
        ),
        (
            {"Select": "ALL_ATTRIBUTES", "AttributesToGet": ["x"]},
            "Cannot specify the AttributesToGet when choosing to get ALL_ATTRIBUTES",
        ),
        (
            {"FilterExpression": "attribute_exists(x)", "AttributesToGet": ["x"]},
            "Can not use both expression and non-expression parameters in the same request",
        ),
        ({"ConditionalOperator": "AND"}, "ConditionalOperator cannot be used without Filter"),
        ({"ExclusiveStartKey": to_item(h="a")}, START),
        ({"ExclusiveStartKey": {"h": {"S": "a"}, "r": {"S": "a"}}}, START),
        ({"ExclusiveStartKey": to_item(h="a", r=1, x=1)}, START),
        ({"ExclusiveStartKey": {"h": {"S": "a"}, "r": {}}}, f"{START}: Supplied AttributeValue"),
        ({"ExclusiveStartKey": to_item(h="a", r=1), "IndexName": "by_l"}, START),
        ({"ExclusiveStartKey": to_item(h="a", r=1, l="x"), "IndexName": "by_l"}, START),
        ({"Segment": 1}, "The TotalSegments parameter is required but was not present"),
        ({"TotalSegments": 1}, "The Segment parameter is required but was not present"),
        ({"TotalSegments": 2, "Segment": 2}, "Segment: 2 is not less than TotalSegments: 2"),
        ({"TotalSegments": 1_000_001, "Segment": 2}, "less than or equal to 1000000"),
        ({"ExpressionAttributeNames": {"#x": "x"}}, "ExpressionAttributeNames"),
        ({"FilterExpression": "attribute_exists(h.x)"}, f"{SCALARS}: Key: h"),
        ({"FilterExpression": "x = r[0]"}, f"{SCALARS}: Key: r"),
        ({"FilterExpression": "size(g.x) = l"}, f"{SCALARS}: IndexKey: g"),
        ({"ProjectionExpression": "x[0], l[0]"}, f"{SCALARS}: IndexKey: l"),
    ],
)
def test_a_wrong_scan_is_refused(database, members, message):
    make_indexed(database)
    assert message in database.refuse("Scan", **{"TableName": "tab", **members})


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"KeyConditionExpression": None, "ExpressionAttributeValues": None},
            "Either the KeyConditions or KeyConditionExpression parameter must be specified",
        ),
        (
            {"FilterExpression": "r = :h"},
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: r",
        ),
        (
            {"IndexName": "by_l", "FilterExpression": "z = :h OR y = :h"},
            "One or more parameter values were invalid: Secondary index by_l does not project one "
            "or more filter attributes: [y, z]",
        ),
        (
            {
                "IndexName": "with_x",
                "KeyConditionExpression": "g = :h",
                "FilterExpression": "x = :h OR y = :h",
            },
            "Secondary index with_x does not project one or more filter attributes: [y]",
        ),
        (
            {"ExclusiveStartKey": to_item(h="b", r=1)},
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
        (
            {
                "ExclusiveStartKey": to_item(h="a", r=1),
                "KeyConditionExpression": "h = :h AND r > :r",
                "ExpressionAttributeValues": {":h": {"S": "a"}, ":r": {"N": "2"}},
            },
            "The provided starting key does not match the range key predicate",
        ),
        (
            {"ExpressionAttributeValues": {":h": {"S": "a"}, ":x": {"S": "a"}}},
            "unused in expressions",
        ),
        ({"Limit": "1"}, "SerializationException"),
        ({"ProjectionExpression": "x.h, r.x"}, f"{SCALARS}: Key: r"),
        ({"FilterExpression": "g[0] = :h"}, f"{SCALARS}: IndexKey: g"),
    ],
)
def test_a_wrong_query_is_refused(database, members, message):
    make_indexed(database)
    given_members = {"TableName": "tab", **QUERY, **members}
    request = {name: value for name, value in given_members.items() if value is not None}
    assert message in database.refuse("Query", **request)


def test_a_start_key_of_another_segment_is_refused(database):
    database.make_table()
    refused = []
    for segment in range(4):
        members = {"TotalSegments": 4, "Segment": segment}
        try:
            database("Scan", TableName="tab", ExclusiveStartKey=to_item(h="a", r=1), **members)
        except Refused as error:
            refused.append(str(error))
    assert len(refused) == 3
    assert "Please use ExclusiveStartKey with correct Segment. TotalSegments: 4" in refused[0]
