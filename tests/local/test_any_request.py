"""Whatever is sent to whichever operation, there is an answer, or an error that the operation has."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

import botocore.session
from hypothesis import strategies as st

from dynamodb_py.local.database.engine import HANDLERS, Engine

from .fuzzing import fuzz

KEY = {"h": {"S": "a"}, "r": {"N": "1"}}
ITEM = {
    **KEY,
    "g": {"S": "g"},
    "n": {"N": "1.5"},
    "l": {"L": [{"N": "1"}, {"M": {"x": {"BOOL": True}}}]},
    "s": {"SS": ["a", "b"]},
    "z": {"NULL": True},
}
SCHEMA = [
    {"AttributeName": "h", "KeyType": "HASH"},
    {"AttributeName": "r", "KeyType": "RANGE"},
]
DEFINITIONS = [
    {"AttributeName": "h", "AttributeType": "S"},
    {"AttributeName": "r", "AttributeType": "N"},
    {"AttributeName": "g", "AttributeType": "S"},
]
INDEX = {
    "IndexName": "by_g",
    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["n"]},
}
TABLE = {
    "TableName": "tab",
    "KeySchema": SCHEMA,
    "AttributeDefinitions": DEFINITIONS,
    "GlobalSecondaryIndexes": [INDEX],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    "SSESpecification": {"Enabled": False},
    "TableClass": "STANDARD",
    "DeletionProtectionEnabled": False,
    "Tags": [{"Key": "a", "Value": "b"}],
}
ARN = "arn:aws:dynamodb:local:000000000000:table/tab"
NAMED = {"TableName": "tab", "ReturnConsumedCapacity": "INDEXES"}
VALUES = {"ExpressionAttributeValues": {":v": {"N": "1"}}}
PUT = {"TableName": "tab", "Item": ITEM, "ConditionExpression": "n <> :v", **VALUES}
UPDATE = {"TableName": "tab", "Key": KEY, "UpdateExpression": "SET l[0] = :v", **VALUES}
REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("CreateTable", TABLE),
    ("CreateTable", {**TABLE, "TableName": "other", "BillingMode": "PROVISIONED"}),
    ("UpdateTable", {"TableName": "tab", "DeletionProtectionEnabled": False}),
    (
        "UpdateTable",
        {
            "TableName": "tab",
            "AttributeDefinitions": DEFINITIONS,
            "GlobalSecondaryIndexUpdates": [{"Create": {**INDEX, "IndexName": "again"}}],
        },
    ),
    ("UpdateTable", {"TableName": "tab", "StreamSpecification": {"StreamEnabled": False}}),
    ("DeleteTable", {"TableName": "other"}),
    ("DescribeTable", {"TableName": "tab"}),
    ("ListTables", {"Limit": 5, "ExclusiveStartTableName": "tab"}),
    ("TagResource", {"ResourceArn": ARN, "Tags": [{"Key": "a", "Value": "b"}]}),
    ("UntagResource", {"ResourceArn": ARN, "TagKeys": ["a"]}),
    ("ListTagsOfResource", {"ResourceArn": ARN}),
    (
        "UpdateTimeToLive",
        {"TableName": "tab", "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "n"}},
    ),
    ("DescribeTimeToLive", {"TableName": "tab"}),
    (
        "UpdateContinuousBackups",
        {
            "TableName": "tab",
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        },
    ),
    ("DescribeContinuousBackups", {"TableName": "tab"}),
    ("DescribeLimits", {}),
    ("DescribeEndpoints", {}),
    ("GetItem", {**NAMED, "Key": KEY, "ConsistentRead": True, "ProjectionExpression": "n, l[1].x"}),
    ("GetItem", {**NAMED, "Key": KEY, "AttributesToGet": ["n"]}),
    ("PutItem", {**NAMED, **PUT, "ReturnValues": "ALL_OLD"}),
    ("PutItem", {**NAMED, "Item": ITEM, "Expected": {"n": {"Exists": False}}}),
    ("UpdateItem", {**NAMED, **UPDATE, "ReturnValues": "UPDATED_NEW"}),
    (
        "UpdateItem",
        {
            **NAMED,
            "Key": KEY,
            "AttributeUpdates": {"n": {"Action": "ADD", "Value": {"N": "1"}}},
            "Expected": {"n": {"ComparisonOperator": "GE", "AttributeValueList": [{"N": "1"}]}},
        },
    ),
    ("DeleteItem", {**NAMED, "Key": KEY, "ReturnItemCollectionMetrics": "SIZE"}),
    (
        "Query",
        {
            **NAMED,
            "KeyConditionExpression": "h = :h AND #r BETWEEN :v AND :w",
            "FilterExpression": "contains(s, :h) OR size(l) > :v",
            "ExpressionAttributeNames": {"#r": "r"},
            "ExpressionAttributeValues": {":h": {"S": "a"}, ":v": {"N": "1"}, ":w": {"N": "9"}},
            "ExclusiveStartKey": KEY,
            "Limit": 3,
            "ScanIndexForward": False,
        },
    ),
    (
        "Query",
        {
            **NAMED,
            "IndexName": "by_g",
            "KeyConditions": {
                "g": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "g"}]}
            },
            "QueryFilter": {"n": {"ComparisonOperator": "NOT_NULL"}},
            "ConditionalOperator": "AND",
        },
    ),
    ("Scan", {**NAMED, "IndexName": "by_g", "Select": "COUNT", "Segment": 0, "TotalSegments": 2}),
    (
        "TransactWriteItems",
        {
            "ClientRequestToken": "token",
            "TransactItems": [
                {"Put": PUT},
                {"Update": {**UPDATE, "Key": {**KEY, "r": {"N": "2"}}}},
                {
                    "ConditionCheck": {
                        "TableName": "tab",
                        "Key": {**KEY, "r": {"N": "3"}},
                        "ConditionExpression": "attribute_not_exists(h)",
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                },
            ],
        },
    ),
    ("TransactGetItems", {"TransactItems": [{"Get": {"TableName": "tab", "Key": KEY}}]}),
    ("BatchGetItem", {"RequestItems": {"tab": {"Keys": [KEY], "ProjectionExpression": "n"}}}),
    (
        "BatchWriteItem",
        {
            "RequestItems": {
                "tab": [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": KEY}}]
            }
        },
    ),
    (
        "ExecuteStatement",
        {
            "Statement": "SELECT n FROM tab WHERE h = ? AND r > 0",
            "Parameters": [{"S": "a"}],
            "Limit": 1,
            "NextToken": "token",
        },
    ),
    (
        "BatchExecuteStatement",
        {"Statements": [{"Statement": "DELETE FROM tab WHERE h='a' AND r=1"}]},
    ),
    (
        "ExecuteTransaction",
        {
            "TransactStatements": [
                {"Statement": "INSERT INTO tab VALUE {'h': ?, 'r': 1}", "Parameters": [{"S": "a"}]}
            ]
        },
    ),
    ("ListStreams", {"TableName": "tab", "Limit": 3}),
    ("DescribeStream", {"StreamArn": f"{ARN}/stream/1", "Limit": 1, "ExclusiveStartShardId": "a"}),
    (
        "GetShardIterator",
        {
            "StreamArn": f"{ARN}/stream/1",
            "ShardId": "shard",
            "ShardIteratorType": "AT_SEQUENCE_NUMBER",
            "SequenceNumber": "1",
        },
    ),
    ("GetRecords", {"ShardIterator": "iterator", "Limit": 1}),
]

strange = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, 10**30, 1.5, -0.0, 1e300),
        *(
            "",
            "a",
            "tab",
            "n",
            "x" * 300,
            "\0",
            "\ud7ff😀",
            "NaN",
            "1e999",
            "SET n = :v",
            "ALL_OLD",
        ),
        *([], {}, [[]], [{}], [None], {"": ""}, {"a": None}, {"S": "a"}, {"N": "1"}, {"N": "x"}),
        *({"S": 1}, {"SS": [1]}, {"L": [{}]}, {"M": []}, {"B": "?"}, {"S": "a", "N": "1"}),
        *([KEY], KEY, ITEM, ARN, "token", {"#a": "n"}, {":v": {"N": "1"}}),
    ]
)


def list_places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the places of all that is in *value*."""
    if not isinstance(value, dict | list):
        return [place]
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [place, *(each for name, part in inner for each in list_places(part, (*place, name)))]


@st.composite
def requests(draw: Any) -> tuple[str, Any]:
    """Give an operation, and a valid request of it in which some things are replaced."""
    operation, valid = draw(st.sampled_from(REQUESTS))
    request = copy.deepcopy(valid)
    for _ in range(draw(st.integers(0, 3))):
        *way, last = draw(st.sampled_from(list_places(request)[1:] or [("Limit",)]))
        holder = request
        for step in way:
            holder = holder[step]
        action = draw(st.sampled_from(["replace", "replace", "remove", "add"]))
        if action == "remove" and request:
            del holder[last]
        elif action == "add" and isinstance(holder, dict):
            holder[draw(st.sampled_from(["S", "N", "L", "x", "Limit", "Key"]))] = copy.deepcopy(
                draw(strange)
            )
        else:
            holder[last] = copy.deepcopy(draw(strange))
    return operation, request


@cache
def list_errors(operation: str) -> frozenset[str]:
    """Return the codes of the errors that botocore knows of an operation, and those of all."""
    session = botocore.session.get_session()
    names = {"ValidationException", "SerializationException"}
    for service in ("dynamodb", "dynamodbstreams"):
        model = session.get_service_model(service)
        if operation in model.operation_names:
            names.update(shape.name for shape in model.operation_model(operation).error_shapes)
    return frozenset(names)


ENGINE = Engine()


@fuzz(500, requests())
def test_any_request_is_answered_or_refused_as_the_operation_may(drawn):
    operation, request = drawn
    ENGINE.call("CreateTable", json.dumps(TABLE).encode())  # unless it is there
    ENGINE.call("PutItem", json.dumps({"TableName": "tab", "Item": ITEM}).encode())
    status, body = ENGINE.call(operation, json.dumps(request).encode())
    answer = json.loads(body)
    assert status in (200, 400), answer
    if status == 400:
        assert answer["__type"].partition("#")[2] in list_errors(operation), answer


@fuzz(300, st.sampled_from(sorted(HANDLERS)), st.binary(max_size=20) | st.text(max_size=20))
def test_any_payload_is_answered_or_refused(operation, payload):
    status, body = ENGINE.call(
        operation, payload if isinstance(payload, bytes) else payload.encode()
    )
    assert status in (200, 400), body


def test_every_operation_has_a_request_here():
    assert {operation for operation, _ in REQUESTS} == set(HANDLERS)
