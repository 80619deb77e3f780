"""Streams: the changes of a table's items, in order, kept for a day.

A stream has one shard. Its records are numbered 1, 2, ... in the order of commits. The sequence number of a
record is its number as text, with so many digits that texts sort like the numbers.
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
"""The seconds that records are kept: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html"""
_FIRST = 10**23
"""This plus the number of a record is its sequence number."""
_TTL = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}


class Stream(NamedTuple):
    """A stored stream."""

    number: int
    arn: str
    closed: float | None
    """The time when its table was deleted or the stream was disabled; None while it is enabled."""
    last: int
    """The number of its last record; 0 if it has none."""
    body: bytes
    """The description as JSON."""

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
    """Tell whether a table has an enabled stream."""
    specification = table.description.get("StreamSpecification")
    return bool(specification and specification.get("StreamEnabled"))


def follow_table(transaction: Transaction, old: Table | None, new: Table | None, at: float) -> None:
    """Open a stream if only *new* has one, and close it if only *old* has one.

    The records of a closed stream can be read for a day.

    :param old: the table before a change; None if it was created.
    :param new: the table after the change; None if it was deleted.
    :param at: the time of the change.
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
    # A stream that opens in the millisecond in which the last one closed has the same ARN, and continues it.
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
    """Add a record to the stream of a table, if it has a stream and the item has changed."""
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
    """Return the number of the record with a sequence number, or None if *text* is not one."""
    if not (text.isascii() and text.isdigit()) or (number := int(text) - _FIRST) < 0:
        return None
    return number


def find_stream(snapshot: Snapshot, arn: str) -> Stream | None:
    """Return the stream with *arn*, or None if there is none."""
    row = snapshot.run(f"{_STREAMS} WHERE arn = ?", (arn,)).fetchone()
    return row and Stream(*row)


def list_streams(snapshot: Snapshot, prefix: str, after: str, limit: int) -> list[Stream]:
    """Return up to *limit* streams whose ARN begins with *prefix* and is greater than *after*, in order."""
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
    """Yield the number and the JSON of up to *limit* records, from number *first* on."""
    yield from snapshot.run(
        "SELECT number, body FROM records WHERE stream = ? AND number >= ? ORDER BY number LIMIT ?",
        (stream.number, first, limit),
    ).fetchall()


def trim_streams(transaction: Transaction, before: float, limit: int) -> int:
    """Delete records that are older than *before*, and streams that closed before it and have no records.

    :param limit: the maximum of records to delete from each stream.
    :return: the number of deleted records of the stream with the most of them.
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
    """Return the number of the first record after the oldest *limit* records."""
    statement = "SELECT min(number) FROM records WHERE stream = ?"
    oldest: int | None = snapshot.run(statement, (stream.number,)).fetchone()[0]
    return stream.last + 1 if oldest is None else oldest + limit


def has_old_records(snapshot: Snapshot, before: float) -> bool:
    """Tell whether a stream has a record that is older than *before*, or closed before it."""
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
