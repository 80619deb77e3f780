"""Batches of any size: as few requests as DynamoDB allows, and nothing dropped.

Duplicate keys are asked for once; what DynamoDB leaves undone is asked for again, after a pause.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ProgrammingErrors.html#Programming.Errors.BatchOperations
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from .codec import binary, number
from .exceptions import BatchIncomplete, RequestError
from .flows import Flow
from .limits import MAX_BATCH_GET, MAX_BATCH_WRITE
from .operations.base import Pause, Together
from .operations.batches import BatchGetItem, BatchWriteItem, Delete, Found, Put
from .operations.items import Key, StoredItem
from .retries import backoff

T = TypeVar("T")

Progress: TypeAlias = Callable[[int, int], object]
"""Called with how many are done and how many there are."""

KeyReader: TypeAlias = Callable[[StoredItem], Key]
"""Reads the key out of an item."""

PATIENCE = 10
"""How often in a row a batch may get nowhere, some 30 seconds in all, before it is given up."""

BASE_PAUSE = 0.05
LONGEST_PAUSE = 10.0


def identity(key: Key) -> Hashable:
    """Return what is equal for equal keys, however their numbers and bytes are spelled.

    >>> identity({"n": {"N": "1.0"}}) == identity({"n": {"N": "1"}})
    True
    """
    return tuple(_part(wire) for wire in key.values())


def _part(wire: Mapping[str, Any]) -> Hashable:
    for kind, value in wire.items():
        if kind == "N":
            return kind, number(value)
        return kind, binary(value) if kind == "B" else value
    return None


def batch_get(
    asked: Sequence[tuple[str, Key]],
    readers: Mapping[str, KeyReader],
    *,
    consistent: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
) -> Flow[list[StoredItem | None]]:
    """Read the items of *asked*, tables and keys, any number; None stands for one that is not there.

    :param readers: what reads the key of an item, by table.
    :param workers: how many requests may be under way at once.
    :raises BatchIncomplete: DynamoDB kept leaving some undone; ``unprocessed`` has tables and keys.
    """
    waiting = {(table, identity(key)): (table, key) for table, key in asked}
    places = [(table, identity(key)) for table, key in asked]
    found: dict[tuple[str, Hashable], StoredItem] = {}
    total, pauses, stuck = len(waiting), backoff(BASE_PAUSE, LONGEST_PAUSE), 0
    while waiting:
        round_ = [
            BatchGetItem(_by_table(chunk), consistent)
            for chunk in _chunks(iter(list(waiting.values())), MAX_BATCH_GET, workers)
        ]
        before = len(waiting)
        for operation, outcome in zip(round_, (yield from Together(round_, workers)), strict=True):
            if isinstance(outcome, Exception):
                raise outcome
            _sort_out(operation, outcome, waiting, found, readers)
        if progress is not None:
            progress(total - len(waiting), total)
        if len(waiting) < before:
            pauses, stuck = backoff(BASE_PAUSE, LONGEST_PAUSE), 0
        elif (stuck := stuck + 1) == PATIENCE:
            raise BatchIncomplete(
                f"DynamoDB left {len(waiting)} of {total} keys unread, {PATIENCE} times in a row: "
                "the tables' throughput is too low for this batch",
                unprocessed=list(waiting.values()),
            )
        else:
            yield from Pause(next(pauses))
    return [found.get(place) for place in places]


def _sort_out(
    operation: BatchGetItem,
    response: Found,
    waiting: dict[tuple[str, Hashable], tuple[str, Key]],
    found: dict[tuple[str, Hashable], StoredItem],
    readers: Mapping[str, KeyReader],
) -> None:
    """Put the items of one response in their places; what it left undone goes on waiting."""
    for table, items in response.items.items():
        read = readers[table]
        for item in items:
            found[table, identity(read(item))] = item
    undone = {
        (table, identity(key)) for table, keys in response.unprocessed.items() for key in keys
    }
    for table, keys in operation.keys.items():
        for key in keys:
            place = (table, identity(key))
            if place not in undone:
                waiting.pop(place, None)


def batch_write(
    writes: Sequence[Put | Delete], *, workers: int = 1, progress: Progress | None = None
) -> Flow[None]:
    """Put and delete, any number; no two of *writes* may be for one item.

    :raises BatchIncomplete: DynamoDB kept leaving some undone; ``unprocessed`` has those writes.
    :raises RequestError: one request failed for good; its ``unprocessed`` has the writes that were
        not carried out, or may not have been.
    """
    waiting = list(writes)
    total, pauses, stuck = len(waiting), backoff(BASE_PAUSE, LONGEST_PAUSE), 0
    while waiting:
        round_ = [
            BatchWriteItem(chunk) for chunk in _chunks(iter(waiting), MAX_BATCH_WRITE, workers)
        ]
        sent = sum(len(operation.writes) for operation in round_)
        rest = waiting[sent:]
        outcomes = yield from Together(round_, workers)
        undone, failure = _undone(round_, outcomes)
        waiting = undone + rest
        if failure is not None:
            if isinstance(failure, RequestError):
                failure.unprocessed = waiting
            raise failure
        if progress is not None:
            progress(total - len(waiting), total)
        if len(undone) < sent:
            pauses, stuck = backoff(BASE_PAUSE, LONGEST_PAUSE), 0
        else:
            stuck += 1
        if stuck == PATIENCE:
            raise BatchIncomplete(
                f"DynamoDB left {len(waiting)} of {total} writes undone, {PATIENCE} times in a row: "
                "the tables' throughput is too low for this batch",
                unprocessed=waiting,
            )
        if undone:
            yield from Pause(next(pauses))


def _undone(
    operations: Sequence[BatchWriteItem], outcomes: Sequence[Any]
) -> tuple[list[Put | Delete], Exception | None]:
    """Return the writes that are still to be done, and the first failure."""
    undone: list[Put | Delete] = []
    failure: Exception | None = None
    for operation, outcome in zip(operations, outcomes, strict=True):
        if isinstance(outcome, Exception):
            failure = failure or outcome
            undone.extend(operation.writes)
        elif outcome:
            undone.extend(_still(operation, outcome))
    return undone, failure


def _still(
    operation: BatchWriteItem, left: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterator[Put | Delete]:
    """Yield the writes of *operation* that DynamoDB hands back, as they were given."""
    writes = {(write.table, identity(write.key)): write for write in operation.writes}
    names = {write.table: tuple(write.key) for write in operation.writes}
    for table, requests in left.items():
        for request in requests:
            put = request.get("PutRequest")
            said = put["Item"] if put is not None else request["DeleteRequest"]["Key"]
            yield writes[table, identity({name: said[name] for name in names[table]})]


def _chunks(items: Iterator[T], size: int, most: int) -> list[list[T]]:
    """Take at most *most* lists of at most *size* from *items*."""
    chunks = (list(islice(items, size)) for _ in range(most))
    return [chunk for chunk in chunks if chunk]


def _by_table(pairs: Sequence[tuple[str, Key]]) -> dict[str, list[Key]]:
    keys: dict[str, list[Key]] = {}
    for table, key in pairs:
        keys.setdefault(table, []).append(key)
    return keys
