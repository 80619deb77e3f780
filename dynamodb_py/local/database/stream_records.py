"""Streams: what has changed in a table, in order, kept for a day.

A stream has one shard. Its records are numbered 1, 2, ... in the order of commits; the sequence number
of the service is that number, as text whose order is the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from ...codec import from_json, measure_item, to_json
from .snapshots import Snapshot, Transaction
from .tables import Table
from .values import Item

RETENTION = 24 * 60 * 60
"""For how many seconds records are kept."""
_FIRST = 10**23
_TTL = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}


class Stream(NamedTuple):
    """A stream as the store has it."""

    number: int
    arn: str
    closed: float | None
    """When its table was deleted or streams were disabled."""
    last: int
    """The number of its last record, 0 without any."""
    body: bytes

    @property
    def description(self) -> dict[str, Any]:
        """Return the members of a StreamDescription that do not change."""
        found: dict[str, Any] = from_json(self.body)
        return found

    @property
    def shard(self) -> str:
        """Return the id of its shard."""
        created = round(self.description["CreationRequestDateTime"] * 1000)
        return f"shardId-{created:020d}-{self.number:08x}"


def is_streamed(table: Table) -> bool:
    """Tell whether a table has a stream."""
    specification = table.description.get("StreamSpecification")
    return bool(specification and specification.get("StreamEnabled"))


def follow_table(transaction: Transaction, old: Table | None, new: Table | None, at: float) -> None:
    """Begin or end a stream where *old*, the table before, has none and *new* has one, or vice versa.

    What an ended stream has stays readable for a day.
    """
    was, is_now = old is not None and is_streamed(old), new is not None and is_streamed(new)
    if new is not None and is_now and not was:
        _open_stream(transaction, new, at)
    elif old is not None and was and not is_now:
        arn = old.description["LatestStreamArn"]
        transaction.run("UPDATE streams SET closed = ? WHERE arn = ?", (at, arn))


def _open_stream(transaction: Transaction, table: Table, at: float) -> None:
    description = table.description
    body = {
        "StreamArn": description["LatestStreamArn"],
        "StreamLabel": description["LatestStreamLabel"],
        "StreamViewType": description["StreamSpecification"]["StreamViewType"],
        "CreationRequestDateTime": at,
        "TableName": table.name,
        "KeySchema": description["KeySchema"],
    }
    # A stream that begins in the millisecond where the last one ended has its ARN, and continues it.
    transaction.run(
        "INSERT INTO streams (arn, closed, last, body) VALUES (?, NULL, 0, ?) "
        "ON CONFLICT (arn) DO UPDATE SET closed = NULL, body = excluded.body",
        (description["LatestStreamArn"], to_json(body)),
    )


def note_change(
    transaction: Transaction,
    table: Table,
    key: Item,
    old: Item | None,
    new: Item | None,
    at: float,
    *,
    by_ttl: bool = False,
) -> None:
    """Add a record to the stream of a table, if that has one and anything has changed."""
    if not is_streamed(table) or old == new:
        return
    arn = table.description["LatestStreamArn"]
    number, last = transaction.run(
        "UPDATE streams SET last = last + 1 WHERE arn = ? RETURNING number, last", (arn,)
    ).fetchone()
    view = table.description["StreamSpecification"]["StreamViewType"]
    images = _select_images(view, old, new)
    record: dict[str, Any] = {
        "eventID": hashlib.blake2b(f"{arn} {last}".encode(), digest_size=16).hexdigest(),
        "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "local",
        "dynamodb": {
            "ApproximateCreationDateTime": int(at),
            "Keys": key,
            **images,
            "SequenceNumber": format_number(last),
            "SizeBytes": sum(map(measure_item, (key, *images.values()))),
            "StreamViewType": view,
        },
    }
    if by_ttl:
        record["userIdentity"] = _TTL
    transaction.run("INSERT INTO records VALUES (?, ?, ?, ?)", (number, last, at, to_json(record)))


def _select_images(view: str, old: Item | None, new: Item | None) -> dict[str, Item]:
    images: dict[str, Item] = {}
    if new is not None and view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
        images["NewImage"] = new
    if old is not None and view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
        images["OldImage"] = old
    return images


def format_number(number: int) -> str:
    """Return the sequence number of a record.

    >>> format_number(1)
    '100000000000000000000001'
    """
    return str(_FIRST + number)


def parse_number(text: str) -> int | None:
    """Return the number of a record by its sequence number, or None if that cannot be one."""
    if not (text.isascii() and text.isdigit()) or (number := int(text) - _FIRST) < 0:
        return None
    return number


def find_stream(snapshot: Snapshot, arn: str) -> Stream | None:
    """Return the stream with *arn*, or None."""
    row = snapshot.run(f"{_STREAMS} WHERE arn = ?", (arn,)).fetchone()
    return row and Stream(*row)


def list_streams(snapshot: Snapshot, prefix: str, after: str, limit: int) -> list[Stream]:
    """Return up to *limit* streams whose ARN begins with *prefix* and comes behind *after*."""
    rows = snapshot.run(
        f"{_STREAMS} WHERE arn >= ? AND arn < ? AND arn > ? ORDER BY arn LIMIT ?",
        (prefix, prefix + "\U0010ffff", after, limit),
    )
    return [Stream(*row) for row in rows]


def find_since(snapshot: Snapshot, stream: Stream, at: float) -> int:
    """Return the number of the first record since *at*, or of the next one if there is none."""
    row = snapshot.run(
        "SELECT number FROM records WHERE stream = ? AND at >= ? ORDER BY number LIMIT 1",
        (stream.number, at),
    ).fetchone()
    return row[0] if row else stream.last + 1


def read_records(
    snapshot: Snapshot, stream: Stream, first: int, limit: int
) -> Iterator[tuple[int, bytes]]:
    """Yield up to *limit* records from number *first* on: the number and the JSON."""
    yield from snapshot.run(
        "SELECT number, body FROM records WHERE stream = ? AND number >= ? ORDER BY number LIMIT ?",
        (stream.number, first, limit),
    ).fetchall()


def trim_streams(transaction: Transaction, before: float, limit: int) -> int:
    """Delete records that are older than *before*, and streams that ended before and have no more.

    :param limit: how many records of each stream are deleted at most.
    :return: how many were deleted of the stream that had most.
    """
    most = 0
    for stream in [Stream(*row) for row in transaction.run(_STREAMS)]:
        first = min(find_since(transaction, stream, before), _find_last(transaction, stream, limit))
        deleted = transaction.run(
            "DELETE FROM records WHERE stream = ? AND number < ?", (stream.number, first)
        )
        most = max(most, deleted.rowcount)
        if stream.closed is not None and stream.closed < before and first > stream.last:
            transaction.run("DELETE FROM streams WHERE number = ?", (stream.number,))
    return most


def _find_last(snapshot: Snapshot, stream: Stream, limit: int) -> int:
    """Return the number behind the oldest *limit* records."""
    statement = "SELECT min(number) FROM records WHERE stream = ?"
    oldest: int | None = snapshot.run(statement, (stream.number,)).fetchone()[0]
    return stream.last + 1 if oldest is None else oldest + limit


def has_old_records(snapshot: Snapshot, before: float) -> bool:
    """Tell whether a stream has a record that is older than *before*, or ended before."""
    streams = [Stream(*row) for row in snapshot.run(_STREAMS)]
    return any(
        (stream.closed is not None and stream.closed < before)
        or _is_oldest_before(snapshot, stream, before)
        for stream in streams
    )


def _is_oldest_before(snapshot: Snapshot, stream: Stream, before: float) -> bool:
    row = snapshot.run(
        "SELECT at FROM records WHERE stream = ? ORDER BY number LIMIT 1", (stream.number,)
    ).fetchone()
    return row is not None and row[0] < before


_STREAMS = "SELECT number, arn, closed, last, body FROM streams"
