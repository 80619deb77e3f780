"""Batches of any size: as few requests as DynamoDB allows, and nothing dropped.

Duplicate keys are asked for once; what DynamoDB leaves undone is asked for again, after a pause.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ProgrammingErrors.html#Programming.Errors.BatchOperations
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias, TypeVar, cast

from .codec import binary, number
from .exceptions import BatchIncomplete, RequestError
from .flows import Flow
from .limits import MAX_BATCH_GET, MAX_BATCH_WRITE
from .operations.base import Operation, Pause, Step, Together
from .operations.batches import BatchGetItem, BatchWriteItem, Delete, Found, Put
from .operations.items import Key, StoredItem
from .operations.read_expressions import Expressions
from .retries import backoff

T = TypeVar("T")

Progress: TypeAlias = Callable[[int, int], object]
"""Called with how many are done and how many there are."""

KeyReader: TypeAlias = Callable[[StoredItem], Key]
"""Reads the key out of an item."""

_Place: TypeAlias = "tuple[str, Hashable]"

PATIENCE = 10
"""How often in a row a batch may get nowhere, some 30 seconds in all, before it is given up."""

BASE_PAUSE = 0.05
LONGEST_PAUSE = 10.0


def identity(key: Key) -> Hashable:
    """Return what is equal for equal keys, however their numbers and bytes are spelled.

    >>> identity({"n": {"N": "1.0"}}) == identity({"n": {"N": "1"}})
    True
    """
    parts: list[Any] = []
    for name in sorted(key) if len(key) > 1 else key:
        for kind, value in key[name].items():
            if kind == "S":
                parts.append(value)
            else:
                parts.append(number(value) if kind == "N" else binary(value))
    return tuple(parts)


def batch_get(
    requested: Sequence[tuple[str, Key]],
    readers: Mapping[str, KeyReader],
    *,
    consistent: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
    expressions: Mapping[str, Expressions] = {},
) -> Flow[list[StoredItem | None]]:
    """Read the items of *requested*, tables and keys, any number; None stands for one that is not there.

    :param readers: what reads the key of an item, by table.
    :param workers: how many requests may be under way at once.
    :param expressions: what to read of the items, by table; the key is needed of each, to know them by.
    :raises BatchIncomplete: DynamoDB kept leaving some undone; ``unprocessed`` has those of *requested*.
    :raises RequestError: one request failed for good; its ``unprocessed`` has those that were not read.
    """
    places = [(table, identity(key)) for table, key in requested]
    keys = dict(zip(places, requested, strict=True))
    waiting, stalls = deque(keys), _Backoff()
    found: dict[_Place, StoredItem] = {}
    while waiting:
        chunks = _chunks(waiting, MAX_BATCH_GET, workers)
        round_ = [
            BatchGetItem(_by_table(keys[place] for place in each), consistent, expressions)
            for each in chunks
        ]
        outcomes = yield from Together(round_, workers)
        undone: list[_Place] = []
        failure: Exception | None = None
        for chunk, outcome in zip(chunks, outcomes, strict=True):
            if isinstance(outcome, Exception):
                failure = failure or outcome
                undone.extend(chunk)
            else:
                _put_in_place(outcome, readers, found)
                undone.extend(_find_unread(chunk, outcome))
        waiting.extendleft(reversed(undone))
        if failure is not None:
            if isinstance(failure, RequestError):
                failure.unprocessed = [keys[place] for place in waiting]
            raise failure
        if progress is not None:
            progress(len(keys) - len(waiting), len(keys))
        if undone:
            seconds = stalls.seconds(progressed=len(undone) < sum(map(len, chunks)))
            if seconds is None:
                message = f"DynamoDB left {len(waiting)} of {len(keys)} keys unread"
                raise _make_incomplete_error(message, [keys[place] for place in waiting])
            yield from Pause(seconds)
    return [found.get(place) for place in places]


def _put_in_place(
    response: Found, readers: Mapping[str, KeyReader], found: dict[_Place, StoredItem]
) -> None:
    for table, items in response.items.items():
        read = readers[table]
        for item in items:
            found[table, identity(read(item))] = item


def _find_unread(chunk: Sequence[_Place], response: Found) -> list[_Place]:
    """Return the places of *chunk* that the response leaves for another request."""
    if not response.unprocessed:
        return []
    left = {(table, identity(key)) for table, keys in response.unprocessed.items() for key in keys}
    return [place for place in chunk if place in left]


def batch_write(
    writes: Sequence[Put | Delete],
    *,
    workers: int = 1,
    progress: Progress | None = None,
    faults: dict[int, Exception | None] | None = None,
) -> Flow[None]:
    """Put and delete, any number; no two of *writes* may be for one item.

    :param faults: where to note, by the ``id()`` of each write that is left at the end, what went wrong
        with the request that it was in, or None where it was not sent, or handed back.
    :raises BatchIncomplete: DynamoDB kept leaving some undone; ``unprocessed`` has those writes.
    :raises RequestError: one request failed for good; its ``unprocessed`` has the writes that were
        not carried out, or may not have been.
    """
    waiting, stalls = deque(writes), _Backoff()
    while waiting:
        round_ = [BatchWriteItem(each) for each in _chunks(waiting, MAX_BATCH_WRITE, workers)]
        outcomes = yield from Together(round_, workers)
        failed: dict[int, Exception] = {}
        undone, failure = _collect_undone(round_, outcomes, failed)
        waiting.extendleft(reversed(undone))
        if failure is not None:
            if faults is not None:
                faults.update({id(write): failed.get(id(write)) for write in waiting})
            if isinstance(failure, RequestError):
                failure.unprocessed = list(waiting)
            raise failure
        if progress is not None:
            progress(len(writes) - len(waiting), len(writes))
        if undone:
            sent = sum(len(operation.writes) for operation in round_)
            seconds = stalls.seconds(progressed=len(undone) < sent)
            if seconds is None:
                message = f"DynamoDB left {len(waiting)} of {len(writes)} writes undone"
                given_up = _make_incomplete_error(message, list(waiting))
                if faults is not None:
                    faults.update({id(write): None for write in waiting})
                    faults.update({id(write): given_up for write in undone})
                raise given_up
            yield from Pause(seconds)


class _Backoff:
    """How long to wait for the next round, and when to give up."""

    def __init__(self) -> None:
        self._stuck = 0
        self._pauses = backoff(BASE_PAUSE, LONGEST_PAUSE)

    def seconds(self, *, progressed: bool) -> float | None:
        """Return how long to wait now; None when nothing has got on for too long."""
        if progressed:
            self._stuck, self._pauses = 0, backoff(BASE_PAUSE, LONGEST_PAUSE)
        else:
            self._stuck += 1
        return None if self._stuck == PATIENCE else next(self._pauses)


def _make_incomplete_error(message: str, unprocessed: Sequence[Any]) -> BatchIncomplete:
    return BatchIncomplete(
        f"{message}, {PATIENCE} times in a row: the tables' throughput is too low for this batch",
        unprocessed=unprocessed,
    )


def _collect_undone(
    operations: Sequence[BatchWriteItem], outcomes: Sequence[Any], failed: dict[int, Exception]
) -> tuple[list[Put | Delete], Exception | None]:
    """Return the writes that are still to be done, and the first failure; note what *failed* by itself."""
    undone: list[Put | Delete] = []
    failure: Exception | None = None
    for operation, outcome in zip(operations, outcomes, strict=True):
        if isinstance(outcome, Exception):
            failure = failure or outcome
            undone.extend(operation.writes)
            failed.update({id(write): outcome for write in operation.writes})
        elif outcome:
            undone.extend(_find_unprocessed(operation, outcome))
    return undone, failure


def _find_unprocessed(
    operation: BatchWriteItem, left: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterator[Put | Delete]:
    """Yield the writes of *operation* that DynamoDB hands back, as they were given."""
    writes = {(write.table, identity(write.key)): write for write in operation.writes}
    names = {write.table: tuple(write.key) for write in operation.writes}
    for table, requests in left.items():
        for request in requests:
            put = request.get("PutRequest")
            attributes = put["Item"] if put is not None else request["DeleteRequest"]["Key"]
            yield writes[table, identity({name: attributes[name] for name in names[table]})]


def _chunks(waiting: deque[T], size: int, most: int) -> list[list[T]]:
    """Take at most *most* lists of at most *size* from the front of *waiting*."""
    chunks: list[list[T]] = []
    while waiting and len(chunks) < most:
        chunks.append([waiting.popleft() for _ in range(min(size, len(waiting)))])
    return chunks


def _by_table(pairs: Iterable[tuple[str, Key]]) -> dict[str, list[Key]]:
    keys: dict[str, list[Key]] = {}
    for table, key in pairs:
        keys.setdefault(table, []).append(key)
    return keys


# -- flows side by side ------------------------------------------------------------------------


def run_together(
    flows: Sequence[Flow[T]], workers: int = 1, progress: Progress | None = None
) -> Flow[list[T | Exception]]:
    """Drive *flows* side by side; return, in order, what each one gave or the exception it raised.

    All are driven to their end, whatever becomes of the others. The operations that they ask for next
    go out together, at most *workers* at once; a pause that one asks for holds up all, so that nobody
    adds to what DynamoDB has too much of already. No more than 25 for each worker are begun at
    a time: what they hold in memory does not grow with their number.

    :param progress: called with how many are done and how many there are, after each round.
    """
    outcomes: list[T | Exception | None] = [None] * len(flows)
    begun: dict[int, Step] = {}
    size = Together[Any]((), workers).workers * MAX_BATCH_WRITE
    first = done = 0

    def go_on(at: int, outcome: Any) -> None:
        nonlocal done
        try:
            begun[at] = _next_step(flows[at], outcome)
        except StopIteration as stop:
            outcomes[at] = stop.value
            done += 1
        except Exception as error:
            outcomes[at] = error
            done += 1

    try:
        while done < len(flows):
            while len(begun) < size and first < len(flows):
                go_on(first, None)
                first += 1
            answers = yield from _execute_round(begun, workers)
            begun.clear()
            for at, answer in answers.items():
                go_on(at, answer)
            if progress is not None:
                progress(done, len(flows))
        return cast("list[T | Exception]", outcomes)
    finally:
        for flow in flows:  # a flow that was begun must not wait for the garbage collector
            flow.close()


def _next_step(flow: Flow[Any], outcome: Any) -> Step:
    """Tell *flow* what came of its last step, and return the next one."""
    return flow.throw(outcome) if isinstance(outcome, Exception) else flow.send(outcome)


def _execute_round(steps: Mapping[int, Step], workers: int) -> Flow[dict[int, Any]]:
    """Carry out one round of steps; return what came of each, an exception where it failed."""
    answers: dict[int, Any] = {}
    operations: list[Operation[Any]] = []
    for step in steps.values():
        if isinstance(step, Operation):
            operations.append(step)
        elif isinstance(step, Together):
            operations += step.operations
    bodies: Iterator[Any] = iter(())
    if operations:
        # Not by ``yield from``, which would parse what the flows parse themselves.
        bodies = iter((yield Together(operations, workers)))
    pause = 0.0
    for at, step in steps.items():
        if isinstance(step, Operation):
            answers[at] = next(bodies)
        elif isinstance(step, Together):
            answers[at] = list(islice(bodies, len(step.operations)))
        elif isinstance(step, Pause):
            answers[at], pause = None, max(pause, step.seconds)
        else:
            answers[at] = yield from _execute_one(step)
    if pause:
        yield Pause(pause)
    return answers


def _execute_one(step: Step) -> Flow[Any]:
    """Carry out a step of which two cannot go together; return its exception where it fails."""
    try:
        return (yield step)
    except Exception as error:
        return error


def start_flow(flow: Flow[T]) -> Flow[T]:
    """Carry *flow* out up to its first step, now, and return one that goes on from there.

    What is wrong with what it is to do is raised before anything is sent.
    """
    try:
        step = next(flow)
    except StopIteration as stop:
        return _finish(stop.value)
    return resume_flow(flow, step)


def _finish(value: T) -> Flow[T]:
    yield from ()
    return value


def resume_flow(flow: Flow[T], step: Step) -> Flow[T]:
    """Go on with *flow*, whose latest step is *step*."""
    try:
        while True:
            step = _next_step(flow, (yield from _execute_one(step)))
    except StopIteration as stop:
        value: T = stop.value
        return value
    finally:
        flow.close()
