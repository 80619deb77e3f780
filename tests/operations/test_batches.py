"""Batch operations: what they ask of which tables, and what was left undone."""

from __future__ import annotations

import msgspec
import pytest

from dynamodb_py.expressions import Path
from dynamodb_py.operations.batches import BatchGetItem, BatchWriteItem, Delete, Found, Put
from dynamodb_py.operations.read_expressions import Expressions

from ..scripted import checked

KEY = {"k": {"B": b"\x01\x02"}}
KEY_ONLY = Expressions.of(projection=[Path(("k",))])
ITEM = b'{"k":{"B":"AQI="},"n":{"N":"1"}}'
PUT = {"PutRequest": {"Item": {"k": {"B": b"\x01\x02"}, "n": {"N": "1"}}}}
DELETE = {"DeleteRequest": {"Key": KEY}}


@pytest.mark.parametrize(
    ("operation", "payload", "tables"),
    [
        (
            BatchGetItem({"a": [KEY], "b": [KEY, {"k": {"S": "x"}}]}),
            {"RequestItems": {"a": {"Keys": [KEY]}, "b": {"Keys": [KEY, {"k": {"S": "x"}}]}}},
            ["a", "b"],
        ),
        (
            BatchGetItem({"a": [KEY]}, consistent=True),
            {"RequestItems": {"a": {"Keys": [KEY], "ConsistentRead": True}}},
            ["a"],
        ),
        (
            BatchGetItem({"a": [KEY], "b": [KEY]}, True, {"a": KEY_ONLY, "c": KEY_ONLY}),
            {
                "RequestItems": {
                    "a": {
                        "Keys": [KEY],
                        "ConsistentRead": True,
                        "ProjectionExpression": "#0",
                        "ExpressionAttributeNames": {"#0": "k"},
                    },
                    "b": {"Keys": [KEY], "ConsistentRead": True},
                }
            },
            ["a", "b"],
        ),
        (
            BatchWriteItem([Put("a", KEY, ITEM), Delete("b", KEY), Delete("a", {"k": {"S": "x"}})]),
            {
                "RequestItems": {
                    "a": [PUT, {"DeleteRequest": {"Key": {"k": {"S": "x"}}}}],
                    "b": [DELETE],
                }
            },
            ["a", "b"],
        ),
    ],
)
def test_the_payload_is_what_dynamodb_takes(operation, payload, tables):
    assert checked(operation) == payload
    assert list(operation.tables) == tables
    assert operation.api == type(operation).__name__


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"{}", Found({}, {})),
        (
            b'{"Responses": {"a": [{"k":{"S":"x"}}, {}]}}',
            Found({"a": [b'{"k":{"S":"x"}}', b"{}"]}, {}),
        ),
        (
            b'{"Responses": {"a": []}, "UnprocessedKeys": {"a": {"Keys": [{"k": {"S": "x"}}],'
            b' "ConsistentRead": true}, "b": {"Keys": []}}}',
            Found({"a": []}, {"a": [{"k": {"S": "x"}}]}),
        ),
    ],
)
def test_what_was_found_and_what_was_left(body, found):
    assert BatchGetItem({}).parse(body) == found


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (b"{}", {}),
        (b'{"UnprocessedItems": {}, "ItemCollectionMetrics": {}}', {}),
        (b'{"UnprocessedItems": {"a": []}}', {}),
        (
            b'{"UnprocessedItems": {"a": [{"DeleteRequest": {"Key": {"k": {"S": "x"}}}}]}}',
            {"a": [{"DeleteRequest": {"Key": {"k": {"S": "x"}}}}]},
        ),
    ],
)
def test_what_was_not_written(body, left):
    assert BatchWriteItem([]).parse(body) == left


@pytest.mark.parametrize("operation", [BatchGetItem({}), BatchWriteItem([])])
@pytest.mark.parametrize("body", [b"", b"[]", b'{"Responses": 5, "UnprocessedItems": 5}'])
def test_an_answer_that_is_none_is_refused(operation, body):
    with pytest.raises(msgspec.DecodeError):
        operation.parse(body)
