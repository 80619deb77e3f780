"""Flows that wait until a table is active, or gone."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

from .exceptions import LimitExceeded, TableInUse, TableNotFound, Throttled
from .flows import Flow
from .operations.base import Pause
from .operations.tables import DescribeTable, TableDescription
from .retries import backoff

TIMEOUT = 300.0
"""The default timeout in seconds."""

# States that waiting does not change, and what to do.
_STUCK = {
    "INACCESSIBLE_ENCRYPTION_CREDENTIALS": "give DynamoDB access to the table's KMS key again",
    "ARCHIVING": "its KMS key was inaccessible for too long; restore its backup to a new table",
    "ARCHIVED": "its KMS key was inaccessible for too long; restore its backup to a new table",
}


def pauses(timeout: float, clock: Callable[[], float] = time.monotonic) -> Iterator[float]:
    """Yield pauses in seconds, from 0.05-0.1 up to 1.5-3, until *timeout* seconds from now.

    The last pause ends with the timeout.
    """
    return _pauses(clock() + timeout, clock)


def _pauses(end: float, clock: Callable[[], float]) -> Iterator[float]:
    # At least half of each pause, to avoid needless requests.
    for pause in backoff(0.1, 3.0, jitter=lambda: random.uniform(0.5, 1.0)):
        left = end - clock()
        if left <= 0:
            return
        yield min(pause, left)


def wait_or_raise(waits: Iterator[float], error: Exception) -> Flow[None]:
    """Wait for the next pause of *waits*; raise *error* if there is none left."""
    pause = next(waits, None)
    if pause is None:
        raise error
    yield from Pause(pause)


def find_table(table: str) -> Flow[TableDescription | None]:
    """Return the description of *table*; None if it does not exist."""
    try:
        return (yield from DescribeTable(table))
    except TableNotFound:
        return None


def wait_until_active(
    table: str,
    *,
    timeout: float = TIMEOUT,
    appearing: bool = False,
    waits: Iterator[float] | None = None,
) -> Flow[TableDescription]:
    """Wait until *table* and all its global indexes are ACTIVE; return its description.

    With *appearing*, a new table may be invisible at first. *waits* are pauses to use instead of
    *timeout*, in seconds. Raises TableInUse after the timeout, or at once in a state that waiting
    does not change; TableNotFound if there is no table.
    """
    waits = pauses(timeout) if waits is None else waits
    state = "not visible yet"
    while True:
        try:
            description = yield from DescribeTable(table)
        except TableNotFound:
            if not appearing:
                raise
        except (Throttled, LimitExceeded) as error:
            state = f"unknown ({error.code})"
        else:
            appearing = False
            state = _describe_state(description)
            if state == "ACTIVE":
                return description
            if remedy := _STUCK.get(description.get("TableStatus", "")):
                raise _make_not_ready_error(
                    table, f"it is {state}, and waiting will not change that: {remedy}"
                )
        late = f"not ACTIVE in time: it is {state}; wait longer with timeout="
        yield from wait_or_raise(waits, _make_not_ready_error(table, late))


def wait_until_gone(
    table: str,
    *,
    timeout: float = TIMEOUT,
    table_id: str | None = None,
    waits: Iterator[float] | None = None,
) -> Flow[None]:
    """Wait until *table* is gone. A table of that name with an id other than *table_id* is a new one.

    *timeout* and *waits* are those of :func:`wait_until_active`. Raises TableInUse after the timeout.
    """
    waits = pauses(timeout) if waits is None else waits
    state = "unknown"
    while True:
        try:
            description = yield from DescribeTable(table)
        except TableNotFound:
            return
        except (Throttled, LimitExceeded) as error:
            state = f"unknown ({error.code})"
        else:
            if table_id and description.get("TableId", table_id) != table_id:
                return
            state = _describe_state(description)
        late = f"not gone in time: it is {state}; wait longer with timeout="
        yield from wait_or_raise(waits, _make_not_ready_error(table, late))


def _describe_state(description: TableDescription) -> str:
    """Return "ACTIVE" if the table and all its global indexes are, else the states to wait for."""
    status: str = description.get("TableStatus", "unknown")
    waiting = [
        f"index {index['IndexName']} {index['IndexStatus']}"
        + (" (backfilling)" if index.get("Backfilling") else "")
        for index in description.get("GlobalSecondaryIndexes") or ()
        if index.get("IndexStatus", "ACTIVE") != "ACTIVE" or index.get("Backfilling")
    ]
    return ", ".join([status, *waiting])


def _make_not_ready_error(table: str, message: str) -> TableInUse:
    error = TableInUse(message)
    error.operation, error.table, error.message = "DescribeTable", table, message
    return error
