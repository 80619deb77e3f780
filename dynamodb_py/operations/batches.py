"""Many items of any tables in one request: BatchGetItem and BatchWriteItem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Raw, Struct

from .base import Operation, Payload, as_item
from .items import Key, StoredItem
from .read_expressions import Expressions


class _KeysOutput(Struct):
    Keys: list[dict[str, Any]] = []


class _BatchGetOutput(Struct):
    Responses: dict[str, list[Raw]] = {}
    UnprocessedKeys: dict[str, _KeysOutput] = {}


class _BatchWriteOutput(Struct):
    UnprocessedItems: dict[str, list[dict[str, Any]]] = {}


_read_get = msgspec.json.Decoder(_BatchGetOutput).decode
_read_write = msgspec.json.Decoder(_BatchWriteOutput).decode


class Found(Struct, frozen=True):
    """The items of a BatchGetItem, by table, and the unprocessed keys."""

    items: dict[str, list[StoredItem]]
    unprocessed: dict[str, list[Key]]


class BatchGetItem(Operation[Found], frozen=True):
    """Read up to 100 items by their keys, in no order.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    """

    api: ClassVar[str] = "BatchGetItem"

    keys: Mapping[str, Sequence[Key]]
    consistent: bool = False
    expressions: Mapping[str, Expressions] = {}
    """The projection of each table; by default whole items."""

    @property
    def tables(self) -> Sequence[str]:
        return tuple(self.keys)

    def payload(self) -> Payload:
        requests: dict[str, Any] = {}
        for table, keys in self.keys.items():
            request: Payload = {"Keys": keys}
            if self.consistent:
                request["ConsistentRead"] = True
            expressions = self.expressions.get(table)
            requests[table] = request if expressions is None else expressions.into(request)
        return {"RequestItems": requests}

    def parse(self, outcome: bytes, /) -> Found:
        read = _read_get(outcome)
        return Found(
            {table: list(map(as_item, items)) for table, items in read.Responses.items()},
            {table: list(left.Keys) for table, left in read.UnprocessedKeys.items() if left.Keys},
        )


class Put(Struct, frozen=True, gc=False):
    """An item to write whole, in a batch."""

    table: str
    key: Key
    item: StoredItem

    def request(self) -> Payload:
        """Return the WriteRequest."""
        return {"PutRequest": {"Item": Raw(self.item)}}


class Delete(Struct, frozen=True, gc=False):
    """The key of an item to delete, in a batch."""

    table: str
    key: Key

    def request(self) -> Payload:
        """Return the WriteRequest."""
        return {"DeleteRequest": {"Key": self.key}}


class BatchWriteItem(Operation["dict[str, list[dict[str, Any]]]"], frozen=True):
    """Put and delete up to 25 items; the result is DynamoDB's UnprocessedItems.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    """

    api: ClassVar[str] = "BatchWriteItem"

    writes: Sequence[Put | Delete]

    @property
    def tables(self) -> Sequence[str]:
        return tuple(dict.fromkeys(write.table for write in self.writes))

    def payload(self) -> Payload:
        requests: dict[str, list[Payload]] = {}
        for write in self.writes:
            requests.setdefault(write.table, []).append(write.request())
        return {"RequestItems": requests}

    def parse(self, outcome: bytes, /) -> dict[str, list[dict[str, Any]]]:
        return {
            table: left for table, left in _read_write(outcome).UnprocessedItems.items() if left
        }
