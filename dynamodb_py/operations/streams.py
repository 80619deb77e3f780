"""Streams: DescribeStream, GetShardIterator, GetRecords.

They go to an endpoint of their own, ``Connection.streams``.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from .base import Operation, Payload, T


class StreamCall(Operation[T], frozen=True):
    """The base of calls on the stream with the ARN *stream*."""

    stream: str

    @property
    def tables(self) -> tuple[str, ...]:
        return (find_table_name(self.stream),)


def find_table_name(stream: str) -> str:
    """Return the name of the table of a stream, by its ARN.

    >>> find_table_name("arn:aws:dynamodb:eu-west-1:1:table/orders/stream/2026-01-01T00:00:00.000")
    'orders'
    """
    return stream.partition(":table/")[2].partition("/")[0]


class Shard(Struct, frozen=True):
    """A shard: one part of a stream, in which records have an order."""

    id: str
    parent: str | None = None
    """The id of the shard that it continues."""
    start: str | None = None
    """The sequence number at which it begins."""


class _Range(Struct, frozen=True):
    StartingSequenceNumber: str | None = None


class _Shard(Struct):
    ShardId: str
    ParentShardId: str | None = None
    SequenceNumberRange: _Range = _Range()


class _Description(Struct):
    StreamStatus: str = "ENABLED"
    StreamViewType: str = ""
    Shards: list[_Shard] = []
    LastEvaluatedShardId: str | None = None


class _DescribeOutput(Struct):
    StreamDescription: _Description


_read_description = msgspec.json.Decoder(_DescribeOutput).decode


class StreamPage(Struct, frozen=True):
    """Some shards of a stream, and the request for the rest, if there is more."""

    status: str
    """ENABLING, ENABLED, DISABLING or DISABLED."""
    shards: list[Shard]
    rest: DescribeStream | None


class DescribeStream(StreamCall[StreamPage], frozen=True):
    """Read the state of a stream and its shards, at most 100 at a time, after the shard with the id *after*.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_DescribeStream.html
    """

    api: ClassVar[str] = "DescribeStream"

    after: str | None = None

    def payload(self) -> Payload:
        start = {} if self.after is None else {"ExclusiveStartShardId": self.after}
        return {"StreamArn": self.stream, **start}

    def parse(self, outcome: bytes, /) -> StreamPage:
        found = _read_description(outcome).StreamDescription
        last = found.LastEvaluatedShardId
        shards = [
            # Some engines send "" for a shard without a parent.
            Shard(
                each.ShardId,
                each.ParentShardId or None,
                each.SequenceNumberRange.StartingSequenceNumber,
            )
            for each in found.Shards
        ]
        rest = DescribeStream(self.stream, last) if last else None
        return StreamPage(found.StreamStatus, shards, rest)


class _IteratorOutput(Struct):
    ShardIterator: str


_read_iterator = msgspec.json.Decoder(_IteratorOutput).decode


class GetShardIterator(StreamCall[str], frozen=True):
    """Create an iterator at a place in a shard; it expires after 15 minutes.

    *kind* is TRIM_HORIZON, LATEST, or AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER with a *number*.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html
    """

    api: ClassVar[str] = "GetShardIterator"

    shard: str
    kind: str
    number: str | None = None

    def payload(self) -> Payload:
        number = {} if self.number is None else {"SequenceNumber": self.number}
        return {
            "StreamArn": self.stream,
            "ShardId": self.shard,
            "ShardIteratorType": self.kind,
            **number,
        }

    def parse(self, outcome: bytes, /) -> str:
        return _read_iterator(outcome).ShardIterator


_CHANGE = {
    "key": "Keys",
    "number": "SequenceNumber",
    "at": "ApproximateCreationDateTime",
    "new": "NewImage",
    "old": "OldImage",
    "view": "StreamViewType",
}
_RECORD = {
    "change": "dynamodb",
    "kind": "eventName",
    "stream": "eventSourceARN",
    "identity": "userIdentity",
}


class RawChange(Struct, frozen=True, rename=_CHANGE):
    """The change of a record: a key and images in JSON, as they are on the wire."""

    key: Raw
    number: str = ""
    """The sequence number."""
    at: float = 0.0
    """Seconds since 1970."""
    new: Raw | UnsetType = UNSET
    old: Raw | UnsetType = UNSET
    view: str = ""
    """The view type of the stream."""


class RawRecord(Struct, frozen=True, rename=_RECORD):
    """A record of a stream as it is on the wire, in a response or in an event of Lambda.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
    """

    change: RawChange
    kind: str
    """INSERT, MODIFY or REMOVE."""
    stream: str = ""
    """The ARN of the stream, in an event of Lambda."""
    identity: dict[str, str] | None = None
    """The service that removed the item, if TTL did; else None."""


class RecordsPage(Struct, frozen=True):
    """Some records of a shard, and the iterator for the next ones; None at the end of the shard."""

    records: list[RawRecord]
    iterator: str | None


class _RecordsOutput(Struct):
    Records: list[RawRecord] = []
    NextShardIterator: str | None = None


_read_records = msgspec.json.Decoder(_RecordsOutput).decode


class GetRecords(StreamCall[RecordsPage], frozen=True):
    """Read up to *limit* records, at most 1,000 and 1 MB.

    A page without records is not the end of the shard.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
    """

    api: ClassVar[str] = "GetRecords"

    iterator: str
    limit: int | None = None

    def payload(self) -> Payload:
        limit = {} if self.limit is None else {"Limit": self.limit}
        return {"ShardIterator": self.iterator, **limit}

    def parse(self, outcome: bytes, /) -> RecordsPage:
        page = _read_records(outcome)
        return RecordsPage(page.Records, page.NextShardIterator or None)
