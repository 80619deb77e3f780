"""A worker of a runner: it takes leases of shards, reads the shards, and delivers their records in order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from threading import Event
from typing import Any, cast

from msgspec import Struct, field
from msgspec.structs import replace

from ...codec import from_json, to_json
from ...dispatching import Receiver, is_async, item_changed, name_of
from ...exceptions import (
    DeadlineExceeded,
    DeliveryFailed,
    DynamoDBError,
    RequestError,
    StreamNotFound,
    StreamTrimmed,
    TableNotFound,
)
from ...flows import Flow, Link, run
from ...operations.base import Call, Pause, Together
from ...operations.streams import RawRecord, RecordsPage, Shard, find_table_name
from ...retries import backoff, is_retryable
from ...tables.creation import create_table
from ...waiting import pauses, wait_until_active
from ..reader import list_shards
from ..records import RecordLoader, StreamRecord
from ..shard_reader import ShardReader
from ..shards import START, Place, age_places
from ..stream import find_stream
from .leases import (
    Lease,
    LeaseTable,
    Sightings,
    delete_lease,
    name_holder,
    note_start,
    plan_leases,
    read_leases,
    take_lease,
    want_lease,
    write_lease,
)
from .loaders import Loaders, load_record

_BETWEEN_READS = 0.2
"""The seconds between two requests to a shard: DynamoDB allows five in a second."""
_WORKERS = 8
"""The number of shards that are read at once."""
_LONGEST_PAUSE = 5.0
"""The longest pause after a temporary failure, in seconds; ``stop()`` may take as long then."""
_SLICE = 1.0
"""The seconds for which records of one shard are delivered, before the next shard has its turn."""


class FailedRecord(Struct, frozen=True):
    """A record that could not be delivered."""

    error: Exception
    """The exception of the receiver's last attempt, or of loading the record."""
    record: StreamRecord[Any] | None
    """The record; None if it cannot be loaded."""
    event: dict[str, Any]
    """The record in the form of AWS Lambda, for JSON: ``record_from_event()`` and handlers read it."""


class WorkerOptions(Struct, frozen=True):
    """The options of a worker; the parameters of ``StreamRunner`` explain them."""

    lease_seconds: float
    checkpoint_seconds: float
    poll: float
    attempts: int
    start: float
    """The start in seconds since 1970."""
    on_failure: Callable[[FailedRecord], Any] | None
    on_trimmed: Callable[[StreamTrimmed], Any] | None


class HeldShard(Struct, eq=False):
    """A shard whose lease this worker has."""

    lease: Lease
    reader: ShardReader
    loaders: list[RecordLoader[Any]]
    renewed: float
    """The time of the last renewal of the lease, by the monotonic clock, as all times here."""
    position: str
    """The number of the last record that was delivered; empty: none."""
    records: deque[RawRecord] = field(default_factory=lambda: deque[RawRecord]())
    """The records that were read and not delivered."""
    read_due: float = 0.0
    checkpoint_due: float = 0.0
    is_lost: bool = False


class Worker:
    """The state of one call of ``run()``: its name, its shards, and the times of its next tasks."""

    def __init__(
        self,
        loaders: Loaders,
        leases: LeaseTable,
        options: WorkerOptions,
        is_stopping: Callable[[], bool],
    ) -> None:
        self.name = name_holder()
        self.loaders, self.leases, self.options = loaders, leases, options
        self.is_stopping = is_stopping
        self.held: dict[str, HeldShard] = {}
        self.starts: dict[str, Lease] = {}
        """By table: the time of this runner's first run, and the time of the first changes to deliver."""
        self.sightings = Sightings(options.lease_seconds)
        self.balance_due = 0.0
        self.ended = Event()


def _cut_stream(shard: str) -> str:
    """Return the ARN of the stream in the name of a shard, as leases have it."""
    return shard.rpartition("/")[0]


def work(worker: Worker) -> Flow[None]:
    """Take leases, read and deliver, until *worker* is to stop.

    It waits and tries again after failures of the network, throttling and the like.
    """
    options = worker.options
    yield from prepare(worker)
    waits = None
    while not worker.is_stopping():
        try:
            has_read = yield from read(worker)
        except RequestError as error:
            if not _may_pass(error):
                raise
            waits = waits or backoff(options.poll or _BETWEEN_READS, _LONGEST_PAUSE)
            yield from Pause(next(waits))
            continue
        waits = None
        yield from deliver_all(worker)
        if not has_read and not any(each.records for each in worker.held.values()):
            yield from Pause(_count_seconds_to_wait(worker))


def release(worker: Worker) -> Flow[None]:
    """Write the checkpoints of *worker*, and give up its leases."""
    for held in [*worker.held.values()]:
        try:
            yield from _give_up(worker, held)
        except RequestError as error:
            if not _may_pass(error):
                raise


def keep_leases(worker: Worker, link: Link) -> None:
    """Renew the leases of *worker* until it has ended; it runs in a thread, as receivers may take long."""
    while not worker.ended.wait(worker.options.lease_seconds / 3):
        for held in [*worker.held.values()]:
            now = time.monotonic()
            try:
                held.is_lost = not run(write_lease(worker.leases, held.lease), link)
            except DynamoDBError:
                continue  # the next attempt may succeed before the lease expires
            held.renewed = now


def read(worker: Worker) -> Flow[bool]:
    """Balance the leases, if it is time, and read the shards of *worker*; tell whether to read on at once."""
    if time.monotonic() >= worker.balance_due:
        yield from _balance(worker)
    return (yield from _read_shards(worker))


def _count_seconds_to_wait(worker: Worker) -> float:
    """Return the seconds until the next task."""
    reads = [each.read_due for each in worker.held.values() if each.reader.place.kind != "end"]
    left = min([worker.balance_due, *reads]) - time.monotonic()
    return max(0.0, min(worker.options.poll, left))


def _may_pass(error: RequestError) -> bool:
    return is_retryable(error) or isinstance(error, DeadlineExceeded)


def prepare(worker: Worker) -> Flow[None]:
    """Find the table of leases, or create it, and store the time of the first changes to deliver."""
    leases = worker.leases
    for table in worker.loaders.tables:
        yield from find_stream(table.name)
    try:
        yield from read_leases(leases)
    except TableNotFound:
        yield from create_table(leases.table, leases.schema, pauses(300), accept=True)
        yield from wait_until_active(leases.table, appearing=True)
    for table in worker.loaders.tables:
        worker.starts[table.name] = yield from note_start(leases, table.name, worker.options.start)


# -- leases ------------------------------------------------------------------------------------------
def _balance(worker: Worker) -> Flow[None]:
    """Read all leases and list all shards; then take and give up leases, for a fair share."""
    worker.balance_due = time.monotonic() + worker.options.lease_seconds / 3
    leases = yield from read_leases(worker.leases)
    shards: dict[str, Shard] = {}
    blockers: dict[str, list[str]] = {}
    for table in worker.starts:
        earlier: list[str] = []
        for stream in (yield from _find_streams(table, leases)):
            found = yield from _list_shards(stream)
            for shard, each in found.items():
                parent = f"{stream}/{each.parent}"
                # If the stream was switched off and on, the new one comes after all shards of the old one.
                blockers[shard] = [parent] if parent in found else earlier
            shards.update(found)
            earlier = [*earlier, *found]
    for shard, held in [*worker.held.items()]:
        if shard not in leases or leases[shard].number != held.lease.number:
            del worker.held[shard]
    others = [each for each in leases.values() if each.owner and each.shard not in worker.held]
    expired = worker.sightings.find_expired(others, time.monotonic())
    plan = plan_leases(blockers, leases, expired, worker.name)
    for lease in plan.give:
        if lease.shard in worker.held:
            yield from _give_up(worker, worker.held[lease.shard])
    for lease in plan.take:
        yield from _take(worker, lease, shards, leases)
    if plan.want is not None:
        yield from want_lease(worker.leases, plan.want, worker.name)
    for shard, lease in leases.items():
        if find_table_name(shard) in worker.starts and shard not in shards:
            yield from _clean(worker, lease, expired)


def _find_streams(table: str, leases: dict[str, Lease]) -> Flow[list[str]]:
    """Return the streams of a table, oldest first: earlier ones that this runner has read, and its stream."""
    begun = {_cut_stream(each.shard) for each in leases.values()}
    latest = yield from find_stream(table)
    return sorted({latest, *(each for each in begun if find_table_name(each) == table)})


def _list_shards(stream: str) -> Flow[dict[str, Shard]]:
    """Return the shards of a stream, by their names in leases; none if the stream does not exist any more."""
    try:
        shards, _ = yield from list_shards(stream)
    except StreamNotFound:
        return {}
    return {f"{stream}/{name}": shard for name, shard in shards.items()}


def _take(
    worker: Worker, lease: Lease, shards: Mapping[str, Shard], leases: Mapping[str, Lease]
) -> Flow[None]:
    """Take a lease, and begin at the place of the worker before."""
    stream, table = _cut_stream(lease.shard), find_table_name(lease.shard)
    place, is_gap = _find_place(lease, worker.starts[table], shards, leases)
    if is_gap:  # before the lease is taken: if this raises, the next run finds the gap too
        yield from _report_trimmed(worker, lease)
    now = time.monotonic()
    taken = yield from take_lease(worker.leases, lease, worker.name)
    if taken is not None:
        reader = ShardReader(stream, shards[lease.shard].id, place)
        loaders = worker.loaders.find(table)
        worker.held[lease.shard] = HeldShard(taken, reader, loaders, now, taken.checkpoint)


def _find_place(
    lease: Lease, first: Lease, shards: Mapping[str, Shard], leases: Mapping[str, Lease]
) -> tuple[Place, bool]:
    """Return the place to begin in the shard of *lease*, and whether records before it may have been trimmed.

    :param first: the item of the table, with the time of the first run.
    """
    shard, since = shards[lease.shard], first.start
    parent = f"{_cut_stream(lease.shard)}/{shard.parent}"
    if lease.checkpoint:
        return Place("after", lease.checkpoint, since), False
    _, gaps = age_places({shard.id: START}, lease.renewed or first.renewed, time.time())
    is_new = bool(gaps) and not lease.number  # the shard is younger than the first run
    if shard.start is not None and (parent in leases or is_new):
        # DynamoDB reports if the shard's first record was trimmed; from the oldest one left, it would not.
        is_missing = shard.parent is not None and parent not in leases and parent not in shards
        return Place("at", shard.start, since), is_missing
    return Place("start", since=since), bool(gaps)


def _clean(worker: Worker, lease: Lease, expired: set[str]) -> Flow[None]:
    """Delete the lease of a shard that does not exist any more, as DynamoDB removes shards after 24 hours."""
    if not lease.finished:
        if lease.owner not in ("", worker.name) and lease.shard not in expired:
            return  # its owner reports the lost records
        yield from _report_trimmed(worker, lease)
        worker.held.pop(lease.shard, None)
    yield from delete_lease(worker.leases, lease)


def _give_up(worker: Worker, held: HeldShard) -> Flow[None]:
    del worker.held[held.lease.shard]
    checkpoint = held.position or None
    yield from write_lease(
        worker.leases, held.lease, checkpoint=checkpoint, owner=None, wanted_by=None
    )


# -- reading -----------------------------------------------------------------------------------------
def _read_shards(worker: Worker) -> Flow[bool]:
    """Read the shards without records to deliver, side by side; tell whether to read on at once."""
    now = time.monotonic()
    ready = [
        each
        for each in worker.held.values()
        if not each.records and each.reader.place.kind != "end" and each.read_due <= now
    ]
    if not ready:
        return False
    requests: list[Any] = [each.reader.make_request() for each in ready]
    outcomes: list[Any] = yield from Together(requests, _WORKERS)
    failure: Exception | None = None
    for held, outcome in zip(ready, outcomes, strict=True):
        reader = held.reader
        try:
            held.records.extend(reader.take(outcome))
        except Exception as error:
            if isinstance(error, TableNotFound):
                worker.balance_due = 0.0  # the shard does not exist any more
            else:
                failure = error
            held.read_due = now + worker.options.poll
            continue
        if reader.gaps:
            reader.gaps.clear()
            yield from _report_trimmed(worker, held.lease)
        if isinstance(outcome, RecordsPage):
            held.read_due = now + (_BETWEEN_READS if reader.is_behind else worker.options.poll)
    if failure is not None:
        raise failure
    return any(each.read_due <= now or each.records for each in ready)


def _report_trimmed(worker: Worker, lease: Lease) -> Flow[None]:
    where = f"after {lease.checkpoint}" if lease.checkpoint else "at its beginning"
    error = StreamTrimmed(
        f"the runner {worker.leases.runner} has not read shard {lease.shard} in time: records {where} may be "
        "lost, as DynamoDB keeps them for 24 hours: give StreamRunner a function as on_trimmed= to continue with "
        "the records that are left",
        shard=lease.shard.rpartition("/")[2],
        after=lease.checkpoint or None,
    )
    on_trimmed = worker.options.on_trimmed
    if on_trimmed is None:
        raise error
    yield from _call(partial(on_trimmed, error), on_trimmed)


# -- delivering --------------------------------------------------------------------------------------
def deliver_all(worker: Worker) -> Flow[None]:
    """Deliver the records that were read, each shard for a while, and write checkpoints."""
    for shard, held in [*worker.held.items()]:
        end = min(worker.balance_due, time.monotonic() + _SLICE)
        while held.records and time.monotonic() < end and not worker.is_stopping():
            if not (yield from _has_lease(worker, held)):
                break
            if not (yield from _deliver(worker, held, held.records[0])):
                break
            held.position = held.records.popleft().change.number
            if held.checkpoint_due <= time.monotonic():
                yield from _write(worker, held, checkpoint=held.position)
        if held.is_lost:
            continue
        place = held.reader.place
        if not held.records and place.kind == "after":  # after records that were skipped, too
            held.position = place.mark or ""
        if place.kind == "end" and not held.records:
            if (yield from _write(worker, held, finished=True, owner=None)):
                worker.held.pop(shard, None)
                worker.balance_due = 0.0  # its children can be read now
        elif held.position != held.lease.checkpoint and held.checkpoint_due <= time.monotonic():
            yield from _write(worker, held, checkpoint=held.position)


def _has_lease(worker: Worker, held: HeldShard) -> Flow[bool]:
    """Tell whether *worker* still has the lease; renew the lease if it is too old to know."""
    is_old = time.monotonic() - held.renewed > worker.options.lease_seconds
    if is_old and not (yield from _write(worker, held)):
        return False
    if held.is_lost:
        worker.held.pop(held.lease.shard, None)
    return not held.is_lost


def _write(worker: Worker, held: HeldShard, **changes: Any) -> Flow[bool]:
    """Renew a lease, and write *changes*; tell whether DynamoDB has responded."""
    now = time.monotonic()
    held.checkpoint_due = now + worker.options.checkpoint_seconds
    try:
        held.is_lost = not (yield from write_lease(worker.leases, held.lease, **changes))
    except RequestError as error:
        if not _may_pass(error):
            raise
        return False
    held.renewed = now
    held.lease.checkpoint = changes.get("checkpoint", held.lease.checkpoint)
    return True


def _deliver(worker: Worker, held: HeldShard, raw: RawRecord) -> Flow[bool]:
    """Call the receivers of a record, each up to ``attempts`` times; False: it does not count as delivered."""
    reader = held.reader
    event = partial(_make_event, raw, reader.stream)
    try:
        record = load_record(held.loaders, raw, reader.shard, reader.stream)
    except Exception as error:
        failed = FailedRecord(error, None, event())
        yield from _give_to_failures(worker, failed, f"a record cannot be loaded: {error}")
        return True
    if record is None:
        return True
    for receiver in item_changed.find_receivers(record.model):
        call = partial(receiver, signal=item_changed, sender=record.model, record=record)
        waits = backoff()
        for left in reversed(range(worker.options.attempts)):
            try:
                yield from _call(call, receiver)
                break
            except Exception as error:
                if not left:
                    failed = FailedRecord(error, record, event())
                    times = f"{worker.options.attempts} times for {record}"
                    what = f"{name_of(receiver)} failed {times}: {error!r}"
                    yield from _give_to_failures(worker, failed, what)
                    break
            yield from Pause(next(waits))
            if worker.is_stopping():
                return False
    return True


def _call(call: Callable[[], Any], function: Receiver) -> Flow[None]:
    yield from Call(call, f"{name_of(function)}()" if is_async(function) else "")


def _give_to_failures(worker: Worker, failed: FailedRecord, what: str) -> Flow[None]:
    """Pass a record to ``on_failure``; raise DeliveryFailed if there is none, as no record is dropped."""
    on_failure = worker.options.on_failure
    if on_failure is not None:
        return (yield from _call(partial(on_failure, failed), on_failure))
    raise DeliveryFailed(
        f"{what}; the runner stops before this record, and begins with it when it is run again: give "
        "StreamRunner a function as on_failure=, which takes failed records, to continue after them",
        failed=failed,
    ) from failed.error


def _make_event(raw: RawRecord, stream: str) -> dict[str, Any]:
    return cast("dict[str, Any]", from_json(to_json(replace(raw, stream=stream))))
