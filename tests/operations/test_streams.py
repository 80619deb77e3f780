from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from dynamodb_py.codec import from_json, to_json
from dynamodb_py.operations.streams import (
    DescribeStream,
    GetRecords,
    GetShardIterator,
    RawRecord,
    Shard,
)

from ..scripted import checked

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/tab/stream/2026-01-01T00:00:00.000"
SHARD = "shardId-00000001414562045508-2bac9cd2"
NUMBER = "100000000000000000001"

OPERATIONS: list[tuple[Any, dict[str, Any]]] = [
    (DescribeStream(ARN), {"StreamArn": ARN}),
    (DescribeStream(ARN, SHARD), {"StreamArn": ARN, "ExclusiveStartShardId": SHARD}),
    (
        GetShardIterator(ARN, SHARD, "LATEST"),
        {"StreamArn": ARN, "ShardId": SHARD, "ShardIteratorType": "LATEST"},
    ),
    (
        GetShardIterator(ARN, SHARD, "AFTER_SEQUENCE_NUMBER", NUMBER),
        {
            "StreamArn": ARN,
            "ShardId": SHARD,
            "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
            "SequenceNumber": NUMBER,
        },
    ),
    (GetRecords(ARN, "iterator"), {"ShardIterator": "iterator"}),
    (GetRecords(ARN, "iterator", 7), {"ShardIterator": "iterator", "Limit": 7}),
]


@pytest.mark.parametrize(("operation", "expected"), OPERATIONS)
def test_a_request_is_one_that_the_service_takes(operation, expected):
    assert checked(operation) == expected


@pytest.mark.parametrize("operation", [operation for operation, _ in OPERATIONS])
def test_messages_name_the_table(operation):
    assert operation.tables == ("tab",)


def test_a_description_has_the_shards_and_the_request_for_the_rest():
    shards = [
        {"ShardId": "a", "SequenceNumberRange": {"StartingSequenceNumber": "1"}},
        {"ShardId": "b", "ParentShardId": "a", "SequenceNumberRange": {}},
        {"ShardId": "c", "ParentShardId": ""},
    ]
    description = {"StreamStatus": "DISABLED", "Shards": shards, "LastEvaluatedShardId": "c"}
    page = DescribeStream(ARN).parse(to_json({"StreamDescription": description}))
    assert page.status == "DISABLED"
    assert page.shards == [Shard("a", None, "1"), Shard("b", "a"), Shard("c")]
    assert page.rest == DescribeStream(ARN, "c")


def test_the_last_description_has_no_rest():
    page = DescribeStream(ARN).parse(b'{"StreamDescription": {"Shards": []}}')
    assert (page.shards, page.rest) == ([], None)


def test_records_have_their_images_as_they_were_sent():
    key, new = {"id": {"S": "a"}}, {"id": {"S": "a"}, "n": {"N": "1.50"}, "b": {"B": "AAE="}}
    change = {"Keys": key, "NewImage": new, "SequenceNumber": "5", "SizeBytes": 9}
    record = {
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "dynamodb": {**change, "ApproximateCreationDateTime": 1.5, "StreamViewType": "NEW_IMAGE"},
        "userIdentity": {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"},
    }
    page = GetRecords(ARN, "x").parse(to_json({"Records": [record], "NextShardIterator": "next"}))
    assert page.iterator == "next"
    (found,) = page.records
    assert isinstance(found, RawRecord)
    assert (found.kind, found.identity) == ("INSERT", record["userIdentity"])
    assert (found.change.number, found.change.at) == ("5", 1.5)
    assert (from_json(found.change.key), from_json(found.change.new)) == (key, new)
    assert found.change.old is UNSET


@pytest.mark.parametrize("body", [b"{}", b'{"Records": [], "NextShardIterator": null}'])
def test_the_end_of_a_shard_has_no_iterator(body):
    page = GetRecords(ARN, "x").parse(body)
    assert (page.records, page.iterator) == ([], None)
