"""The operations of the streams' API: ListStreams, DescribeStream, GetShardIterator, GetRecords."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, NamedTuple

import msgspec

from ..codec import from_json, to_json
from .database.engine import Engine
from .database.errors import ServiceError, make_invalid, make_not_found
from .database.snapshots import Snapshot
from .database.stream_records import (
    RETENTION,
    Stream,
    find_since,
    find_stream,
    format_number,
    parse_number,
    read_records,
)
from .database.stream_records import list_streams as find_streams
from .operations.requests import (
    ARN,
    Members,
    read,
    read_choice,
    read_count,
    read_table_name,
    require,
    require_lengths,
)

MAX_STREAMS = 100
MAX_RECORDS = 1000
MAX_BYTES = 1024 * 1024
ITERATOR_LIFE = 15 * 60
"""The seconds after which an iterator expires."""

_KINDS = ("AFTER_SEQUENCE_NUMBER", "AT_SEQUENCE_NUMBER", "AT_TIMESTAMP", "LATEST", "TRIM_HORIZON")
_TRIMMED = "The operation attempted to read past the oldest stream record in a shard"


class Iterator(NamedTuple):
    """The position of a reader in a shard."""

    arn: str
    """The ARN of the stream."""
    number: int
    """The number of the next record."""
    at: float
    """When the iterator was returned, in seconds since 1970."""

    def encode(self) -> str:
        """Return the text of the iterator, which clients send back."""
        return f"{self.arn}|1|{urlsafe_b64encode(to_json([self.number, self.at])).decode()}"


def list_streams(engine: Engine, request: Members) -> dict[str, Any]:
    """Answer ListStreams."""
    limit = read_count(request, "Limit", 1, MAX_STREAMS) or MAX_STREAMS
    after: str = read(request, "ExclusiveStartStreamArn", str) or ""
    prefix = "arn:"
    if request.get("TableName") is not None:
        prefix = f"{ARN}{read_table_name(request)}/stream/"
    with engine.store.read() as snapshot:
        found = find_streams(snapshot, prefix, after, limit + 1)
    now = engine.clock()
    shown = [_summarize(stream) for stream in found[:limit] if not _is_gone(stream, now)]
    answer: dict[str, Any] = {"Streams": shown}
    if len(found) > limit:
        answer["LastEvaluatedStreamArn"] = found[limit - 1].arn
    return answer


def describe_stream(engine: Engine, request: Members) -> dict[str, Any]:
    """Answer DescribeStream."""
    read_count(request, "Limit", 1, MAX_STREAMS)
    after: str | None = read(request, "ExclusiveStartShardId", str)
    filtered: dict[str, Any] | None = read(request, "ShardFilter", dict)
    if filtered is not None:
        read_choice(filtered, "Type", ("CHILD_SHARDS",), "", "shardFilter.")
    with engine.store.read() as snapshot:
        stream = _find_stream(snapshot, _read_arn(request), engine.clock())
    numbers = {"StartingSequenceNumber": format_number(1)}
    if stream.closed is not None:
        numbers["EndingSequenceNumber"] = format_number(max(1, stream.last))
    shards: list[dict[str, Any]] = []
    # The stream has one shard, without children. A page of shards has it if it begins before that shard.
    if filtered is None and (after is None or after < stream.shard):
        shards = [{"ShardId": stream.shard, "SequenceNumberRange": numbers}]
    status = "ENABLED" if stream.closed is None else "DISABLED"
    return {"StreamDescription": {**stream.description, "StreamStatus": status, "Shards": shards}}


def get_shard_iterator(engine: Engine, request: Members) -> dict[str, Any]:
    """Answer GetShardIterator."""
    shard: str = require(request, "ShardId", str)
    require_lengths(shard, 28, 65, "shardId")
    require(request, "ShardIteratorType", str)
    kind = read_choice(request, "ShardIteratorType", _KINDS, "")
    now = engine.clock()
    with engine.store.read() as snapshot:
        stream = _find_stream(snapshot, _read_arn(request), now)
        if shard != stream.shard:
            raise make_not_found(
                f"Requested resource not found: Shard: {shard} in Stream: {stream.arn} not found"
            )
        number = _find_start(snapshot, stream, kind, request, now)
    return {"ShardIterator": Iterator(stream.arn, number, now).encode()}


def _find_start(snapshot: Snapshot, stream: Stream, kind: str, request: Members, now: float) -> int:
    """Return the number of the first record of an iterator of the type *kind*."""
    if kind == "LATEST":
        return stream.last + 1
    oldest = find_since(snapshot, stream, now - RETENTION)
    if kind == "TRIM_HORIZON":
        return oldest
    if kind == "AT_TIMESTAMP":
        timestamp = request.get("Timestamp")
        if not isinstance(timestamp, (int, float)) or isinstance(timestamp, bool):
            raise make_invalid("Timestamp must be provided for the iterator type AT_TIMESTAMP")
        return max(oldest, find_since(snapshot, stream, timestamp))
    number = _read_sequence_number(stream, kind, request)
    if kind == "AFTER_SEQUENCE_NUMBER":
        number += 1  # the record after a trimmed one may still exist
    if number < oldest:
        raise ServiceError("TrimmedDataAccessException", _TRIMMED)
    return number


def _read_sequence_number(stream: Stream, kind: str, request: Members) -> int:
    text: str | None = read(request, "SequenceNumber", str)
    if text is None:
        raise make_invalid(f"SequenceNumber must be provided for the iterator type {kind}")
    require_lengths(text, 21, 40, "sequenceNumber")
    number = parse_number(text)
    # A shard without records begins with number 1 too.
    if number is None or not 1 <= number <= max(1, stream.last):
        raise make_invalid(f"Invalid SequenceNumber: {text}")
    return number


def get_records(engine: Engine, request: Members) -> dict[str, Any]:
    """Answer GetRecords."""
    text: str = require(request, "ShardIterator", str)
    limit = read_count(request, "Limit", 1, MAX_RECORDS) or MAX_RECORDS
    iterator = _parse_iterator(text)
    now = engine.clock()
    if now - iterator.at > ITERATOR_LIFE:
        raise ServiceError("ExpiredIteratorException", "The shard iterator has expired")
    with engine.store.read() as snapshot:
        stream = _find_stream(snapshot, iterator.arn, now)
        if iterator.number < find_since(snapshot, stream, now - RETENTION):
            raise ServiceError("TrimmedDataAccessException", _TRIMMED)
        found = list(read_records(snapshot, stream, iterator.number, limit))
    records: list[msgspec.Raw] = []
    size, following = 0, iterator.number
    for number, body in found:
        size += len(body)
        if records and size > MAX_BYTES:
            break
        records.append(msgspec.Raw(body))
        following = number + 1
    answer: dict[str, Any] = {"Records": records}
    if stream.closed is None or following <= stream.last:
        answer["NextShardIterator"] = Iterator(stream.arn, following, now).encode()
    return answer


def _parse_iterator(text: str) -> Iterator:
    require_lengths(text, 1, 2048, "shardIterator")
    arn, _, rest = text.partition("|1|")
    try:
        number, at = from_json(urlsafe_b64decode(rest))
    except (ValueError, TypeError):
        raise make_invalid("Invalid ShardIterator") from None
    if type(number) is not int or not isinstance(at, (int, float)) or not 0 < number < 2**62:
        raise make_invalid("Invalid ShardIterator")
    return Iterator(arn, number, at)


def _read_arn(request: Members) -> str:
    arn: str = require(request, "StreamArn", str)
    require_lengths(arn, 37, None, "streamArn")
    return arn


def _find_stream(snapshot: Snapshot, arn: str, now: float) -> Stream:
    stream = find_stream(snapshot, arn)
    if stream is None or _is_gone(stream, now):
        raise make_not_found(f"Requested resource not found: Stream: {arn} not found")
    return stream


def _is_gone(stream: Stream, now: float) -> bool:
    return stream.closed is not None and stream.closed < now - RETENTION


def _summarize(stream: Stream) -> dict[str, Any]:
    description = stream.description
    return {name: description[name] for name in ("StreamArn", "TableName", "StreamLabel")}
