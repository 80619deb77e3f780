"""Batches of any size, in as few requests as DynamoDB allows.

Duplicate keys are read once; unprocessed keys and writes are sent again after a pause.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ProgrammingErrors.html#Programming.Errors.BatchOperations
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from .codec import parse_number, to_bytes
from .exceptions import BatchIncomplete, ConfigurationError, DynamoDBError, RequestError
from .flows import Flow
from .limits import MAX_BATCH_GET, MAX_BATCH_WRITE
from .operations.base import BROKEN, Operation, Pause, Step, Together, make_corrupted
from .operations.batches import BatchGetItem, BatchWriteItem, Delete, Found, Put
from .operations.items import Key, StoredItem
from .operations.read_expressions import Expressions
from .retries import backoff

if TYPE_CHECKING:
    from .observing import log
else:
    from .lazy import log

T = TypeVar("T")

Progress: TypeAlias = Callable[[int, int], object]
"""A function that is called with the number done and the total."""

KeyReader: TypeAlias = Callable[[StoredItem], Key]
"""A function that returns the key of an item."""

IdentityReader: TypeAlias = Callable[[StoredItem], Hashable]
"""A function that returns the identity of an item's key, as :func:`identify_key` does."""

_Place: TypeAlias = "tuple[str, Hashable]"

PATIENCE = 10
"""A batch gives up after this many rounds in a row without progress, which take some 30 seconds."""

BASE_PAUSE = 0.05
LONGEST_PAUSE = 10.0


def identify_key(key: Key) -> Hashable:
    """Return a value that is equal for equal keys, however their numbers and bytes are spelled.

    >>> identify_key({"n": {"N": "1.0"}}) == identify_key({"n": {"N": "1"}})
    True
    """
    parts: list[Any] = []
    for name in sorted(key) if len(key) > 1 else key:
        wire = key[name]
        if "S" in wire:
            parts.append(wire["S"])
        else:
            parts.append(parse_number(wire["N"]) if "N" in wire else to_bytes(wire["B"]))
    return tuple(parts)


def batch_get(
    requested: Sequence[tuple[str, Key]],
    readers: Mapping[str, IdentityReader],
    *,
    consistent: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
    expressions: Mapping[str, Expressions] = {},
) -> Flow[list[StoredItem | None]]:
    """Read the items of *requested*, any number of tables and keys; None for a missing item.

    :param readers: functions that read the identity of an item's key, by table.
    :param workers: the largest number of requests at a time; by default, 1.
    :param expressions: projections by table; each must include the key.
    :raises BatchIncomplete: DynamoDB left keys unread in every attempt; ``unprocessed`` has their pairs of
        *requested*.
    :raises RequestError: a request failed; its ``unprocessed`` has the keys that were not read.
    """
    places = [(table, identify_key(key)) for table, key in requested]
    keys = dict(zip(places, requested, strict=True))
    waiting, stalls = deque(keys), _Backoff()
    found: dict[_Place, StoredItem] = {}
    while waiting:
        chunks = _take_chunks(waiting, MAX_BATCH_GET, workers)
        round_ = [
            BatchGetItem(_group_by_table(keys[place] for place in each), consistent, expressions)
            for each in chunks
        ]
        outcomes = yield from Together(round_, workers)
        undone: list[_Place] = []
        failure: Exception | None = None
        for chunk, outcome in zip(chunks, outcomes, strict=True):
            if isinstance(outcome, Exception):
                failure = failure or outcome
                undone.extend(chunk)
                continue
            try:
                unread = _find_unread(chunk, outcome)
                _put_in_place(outcome, readers, found)
            except BROKEN as error:
                failure, unread = failure or _as_failure(error), chunk
            undone.extend(unread)
        waiting.extendleft(reversed(undone))
        left = [keys[place] for place in waiting] if undone else []
        if failure is not None:
            if isinstance(failure, RequestError):
                failure.unprocessed = left
            raise failure
        if progress is not None:
            progress(len(keys) - len(waiting), len(keys))
        if undone:
            progressed = len(undone) < sum(map(len, chunks))
            seconds = stalls.seconds(progressed=progressed)
            if seconds is None:
                message = f"DynamoDB left {len(waiting)} of {len(keys)} keys unread"
                raise _make_incomplete_error(message, left)
            if not progressed:  # after progress, a response may just have been full
                log.warn_of_unprocessed(round_[0], len(undone), seconds)
            yield from Pause(seconds)
    return [found.get(place) for place in places]


def _put_in_place(
    response: Found, readers: Mapping[str, IdentityReader], found: dict[_Place, StoredItem]
) -> None:
    for table, items in response.items.items():
        read = readers[table]
        for item in items:
            found[table, read(item)] = item


def _as_failure(error: Exception) -> Exception:
    return error if isinstance(error, DynamoDBError) else make_corrupted(error)


def _find_unread(chunk: Sequence[_Place], response: Found) -> list[_Place]:
    """Return the places of *chunk* that the response did not process."""
    if not response.unprocessed:
        return []
    left = {
        (table, identify_key(key)) for table, keys in response.unprocessed.items() for key in keys
    }
    return [place for place in chunk if place in left]


def batch_write(
    writes: Sequence[Put | Delete],
    *,
    workers: int = 1,
    progress: Progress | None = None,
    faults: dict[int, Exception | None] | None = None,
    size: int = MAX_BATCH_WRITE,
) -> Flow[None]:
    """Put and delete any number of items; two of *writes* must not be for the same item.

    :param size: the largest number of writes to a request.
    :param faults: receives, by the ``id()`` of each write that is left at the end, the error of its
        request, or None if it was not sent or not processed.
    :raises BatchIncomplete: DynamoDB left writes undone in every attempt; ``unprocessed`` has those writes.
    :raises RequestError: a request failed; its ``unprocessed`` has the writes that were not executed,
        or may not have been.
    """
    waiting, stalls = deque(writes), _Backoff()
    while waiting:
        round_ = [BatchWriteItem(each) for each in _take_chunks(waiting, size, workers)]
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
            log.warn_of_unprocessed(round_[0], len(undone), seconds)
            yield from Pause(seconds)


class _Backoff:
    """Decides how long a batch pauses between rounds, and when it gives up."""

    def __init__(self) -> None:
        self._stuck = 0
        self._pauses = backoff(BASE_PAUSE, LONGEST_PAUSE)

    def seconds(self, *, progressed: bool) -> float | None:
        """Return the seconds to wait now; None after too many rounds without progress."""
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
    """Return the writes that are left, and the first failure; record the errors in *failed*."""
    undone: list[Put | Delete] = []
    failure: Exception | None = None
    for operation, outcome in zip(operations, outcomes, strict=True):
        left: Iterable[Put | Delete] = operation.writes
        try:
            if not isinstance(outcome, Exception):
                left = list(_find_unprocessed(operation, outcome)) if outcome else ()
        except BROKEN as error:
            outcome = _as_failure(error)
        if isinstance(outcome, Exception):
            failure = failure or outcome
            failed.update({id(write): outcome for write in operation.writes})
        undone.extend(left)
    return undone, failure


def _find_unprocessed(
    operation: BatchWriteItem, left: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterator[Put | Delete]:
    """Yield the writes of *operation* that DynamoDB left unprocessed."""
    writes = {(write.table, identify_key(write.key)): write for write in operation.writes}
    names = {write.table: tuple(write.key) for write in operation.writes}
    for table, requests in left.items():
        for request in requests:
            put = request.get("PutRequest")
            attributes = put["Item"] if put is not None else request["DeleteRequest"]["Key"]
            yield writes[table, identify_key({name: attributes[name] for name in names[table]})]


def _take_chunks(waiting: deque[T], size: int, most: int) -> list[list[T]]:
    """Remove up to *most* lists of up to *size* from the front of *waiting*."""
    chunks: list[list[T]] = []
    while waiting and len(chunks) < most:
        chunks.append([waiting.popleft() for _ in range(min(size, len(waiting)))])
    return chunks


def _group_by_table(pairs: Iterable[tuple[str, Key]]) -> dict[str, list[Key]]:
    keys: dict[str, list[Key]] = {}
    for table, key in pairs:
        keys.setdefault(table, []).append(key)
    return keys


def run_together(
    flows: Sequence[Flow[T]], workers: int = 1, progress: Progress | None = None
) -> Flow[list[T | Exception]]:
    """Drive *flows* in parallel; return, in order, the result or the exception of each.

    All are driven to their end, even if some fail. Their next operations are sent together, at most
    *workers* at once. A pause of one flow delays all, to lower the load on a throttled table. At most
    25 flows per worker are open at a time, which limits the memory.

    :param progress: called with the number of flows done and the total, after each round.
    """
    outcomes: list[T | Exception | None] = [None] * len(flows)
    begun: dict[int, Step] = {}
    size = Together[Any]((), workers).workers * MAX_BATCH_WRITE
    first = done = 0

    def advance(at: int, outcome: Any) -> None:
        nonlocal done
        try:
            begun[at] = next_step(flows[at], outcome)
        except StopIteration as stop:
            outcomes[at] = stop.value
            done += 1
        except Exception as error:
            outcomes[at] = error
            done += 1

    try:
        while done < len(flows):
            while len(begun) < size and first < len(flows):
                advance(first, None)
                first += 1
            results = yield from _execute_round(begun, workers)
            begun.clear()
            for at, result in results.items():
                advance(at, result)
            if progress is not None:
                progress(done, len(flows))
        return cast("list[T | Exception]", outcomes)
    finally:
        for flow in flows:  # now, not when the garbage collector finds a started flow
            flow.close()


def next_step(flow: Flow[Any], outcome: Any) -> Step:
    """Send *flow* the outcome of its last step, and return the next step."""
    return flow.throw(outcome) if isinstance(outcome, Exception) else flow.send(outcome)


def _execute_round(steps: Mapping[int, Step], workers: int) -> Flow[dict[int, Any]]:
    """Execute one round of steps; return the outcome of each, an exception if it failed."""
    results: dict[int, Any] = {}
    operations: list[Operation[Any]] = []
    for step in steps.values():
        if isinstance(step, Operation):
            operations.append(step)
        elif isinstance(step, Together):
            operations += step.operations
    # A plain ``yield``: the flows parse the bodies themselves.
    bodies = iter((yield Together(operations, workers)) if operations else ())
    pause = 0.0
    for at, step in steps.items():
        if isinstance(step, Operation):
            results[at] = next(bodies)
        elif isinstance(step, Together):
            results[at] = list(islice(bodies, len(step.operations)))
        elif isinstance(step, Pause):
            results[at], pause = None, max(pause, step.seconds)
        else:
            results[at] = yield from execute_step(step)
    if pause:
        yield Pause(pause)
    return results


def execute_step(step: Step) -> Flow[Any]:
    """Execute *step*; return its exception if it fails."""
    try:
        return (yield step)
    except Exception as error:
        return error


def start_flow(flow: Flow[T]) -> Flow[T]:
    """Run *flow* up to its first step, and return a flow that continues from there.

    Errors in its arguments are raised before anything is sent.
    """
    try:
        step = next(flow)
    except StopIteration as stop:
        return finish_flow(stop.value)
    return resume_flow(flow, step)


def finish_flow(value: T) -> Flow[T]:
    """Return *value* without a step."""
    yield from ()
    return value


def resume_flow(flow: Flow[T], step: Step) -> Flow[T]:
    """Continue *flow*, whose latest step is *step*."""
    try:
        while True:
            step = next_step(flow, (yield from execute_step(step)))
    except StopIteration as stop:
        value: T = stop.value
        return value
    finally:
        flow.close()


ProgressOption: TypeAlias = "Progress | bool | None"


def as_callback(progress: ProgressOption) -> Progress | None:
    """Return the callback of the option *progress*: for True, a function that draws a bar."""
    if not isinstance(progress, bool):
        return progress
    if not progress:
        return None
    try:
        from tqdm import tqdm  # only a bar needs it
    except ImportError:
        raise ConfigurationError(
            "progress=True draws a bar with tqdm, which is missing: pip install "
            "'dynamodb-py[progress]', or pass a callable that takes the number done and the total"
        ) from None
    bar: Any = tqdm()

    def advance(done: int, total: int) -> None:
        bar.total = total or None
        bar.update(done - bar.n)
        if total and done >= total:
            bar.close()

    return advance


def as_total(count: int, done: int) -> int:
    """Return the total to report during the work: *count*, or 0 for unknown once *done* reaches it.

    *count* may be out of date: DynamoDB counts the items of a table every six hours.
    """
    return count if count > done else 0


def offset_progress(progress: Progress | None, total: int, before: int = 0) -> Progress | None:
    """Return a callback for one part of the work, which reports to *progress*.

    :param total: the total of all parts.
    :param before: the number done in the parts before.
    """
    return None if progress is None else lambda done, _: progress(before + done, total)
