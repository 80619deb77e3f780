"""A worker of a runner: it takes leases of shards, reads those, and delivers their records in order."""

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
"""Seconds: DynamoDB allows five reads of a shard in a second."""
_WORKERS = 8
"""How many shards are read at once."""
_LONGEST_PAUSE = 5.0
"""Seconds, after failures that pass; also how long ``stop()`` may take then."""
_SLICE = 1.0
"""For how many seconds one shard is delivered before it is the turn of the next."""


class FailedRecord(Struct, frozen=True):
    """A record that could not be delivered."""

    error: Exception
    """What the receiver raised at the last attempt, or why the record cannot be loaded."""
    record: StreamRecord[Any] | None
    """None: it cannot be loaded."""
    event: dict[str, Any]
    """The record as AWS Lambda has it, for JSON: ``record_from_event()`` and handlers read it."""


class WorkerOptions(Struct, frozen=True):
    """How a worker works; the parameters of ``StreamRunner`` explain them."""

    lease_seconds: float
    checkpoint_seconds: float
    poll: float
    attempts: int
    start: float
    """In seconds since 1970."""
    on_failure: Callable[[FailedRecord], Any] | None
    on_trimmed: Callable[[StreamTrimmed], Any] | None


class HeldShard(Struct, eq=False):
    """A shard that this worker has the lease of."""

    lease: Lease
    reader: ShardReader
    loaders: list[RecordLoader[Any]]
    renewed: float
    """When the lease was last renewed, by the monotonic clock, as all times here."""
    position: str
    """The number of the last record that was delivered; empty: none."""
    records: deque[RawRecord] = field(default_factory=lambda: deque[RawRecord]())
    """Those that were read and not delivered."""
    read_due: float = 0.0
    checkpoint_due: float = 0.0
    is_lost: bool = False


class Worker:
    """What one call of ``run()`` knows: its name, its shards, and what is due."""

    def __init__(
        self, loaders: Loaders, leases: LeaseTable, options: WorkerOptions, stopping: Event
    ) -> None:
        self.name = name_holder()
        self.loaders, self.leases, self.options, self.stopping = loaders, leases, options, stopping
        self.held: dict[str, HeldShard] = {}
        self.starts: dict[str, Lease] = {}
        """By table: when this runner ran first, and where it started."""
        self.sightings = Sightings(options.lease_seconds)
        self.balance_due = 0.0
        self.ended = Event()


def _cut_stream(shard: str) -> str:
    """Return the ARN of the stream of a shard, as leases name it."""
    return shard.rpartition("/")[0]


def work(worker: Worker) -> Flow[None]:
    """Take leases, read and deliver, until *worker* is to stop.

    Failures of the network, throttling and the like are waited out.
    """
    options = worker.options
    yield from prepare(worker)
    waits = None
    while not worker.stopping.is_set():
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
    """Renew the leases of *worker* until it ended: in a thread, as receivers may take long."""
    while not worker.ended.wait(worker.options.lease_seconds / 3):
        for held in [*worker.held.values()]:
            now = time.monotonic()
            try:
                held.is_lost = not run(write_lease(worker.leases, held.lease), link)
            except DynamoDBError:
                continue  # the next attempt may succeed; until then the lease is as old as it is
            held.renewed = now


def read(worker: Worker) -> Flow[bool]:
    """Look at the leases, if it is time, and read the shards of *worker*; tell whether that led anywhere."""
    if time.monotonic() >= worker.balance_due:
        yield from _balance(worker)
    return (yield from _read_shards(worker))


def _count_seconds_to_wait(worker: Worker) -> float:
    """Return how long there is nothing to do."""
    reads = [each.read_due for each in worker.held.values() if each.reader.place.kind != "end"]
    left = min([worker.balance_due, *reads]) - time.monotonic()
    return max(0.0, min(worker.options.poll, left))


def _may_pass(error: RequestError) -> bool:
    return is_retryable(error) or isinstance(error, DeadlineExceeded)


def prepare(worker: Worker) -> Flow[None]:
    """Find the table of leases, or create it, and note from when on changes are delivered."""
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
    """Look for new shards and at the leases of other workers; take and give up what is due."""
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
                # A stream that was switched on anew comes after all of the one before.
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
    """Return the stream of a table, after those before it that this runner has read."""
    begun = {_cut_stream(each.shard) for each in leases.values()}
    latest = yield from find_stream(table)
    return sorted({latest, *(each for each in begun if find_table_name(each) == table)})


def _list_shards(stream: str) -> Flow[dict[str, Shard]]:
    """Return the shards of a stream, as leases name them; none if it is gone."""
    try:
        shards, _ = yield from list_shards(stream)
    except StreamNotFound:
        return {}
    return {f"{stream}/{name}": shard for name, shard in shards.items()}


def _take(
    worker: Worker, lease: Lease, shards: Mapping[str, Shard], leases: Mapping[str, Lease]
) -> Flow[None]:
    """Take a lease, and begin where the last worker was."""
    stream, table = _cut_stream(lease.shard), find_table_name(lease.shard)
    place, is_gap = _find_place(lease, worker.starts[table], shards, leases)
    if is_gap:  # before it is taken, so that another run finds the same if this raises
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
    """Return where to begin in the shard of *lease*, and whether records before may have been trimmed.

    :param first: the first run.
    """
    shard, since = shards[lease.shard], first.start
    parent = f"{_cut_stream(lease.shard)}/{shard.parent}"
    if lease.checkpoint:
        return Place("after", lease.checkpoint, since), False
    _, gaps = age_places({shard.id: START}, lease.renewed or first.renewed, time.time())
    is_new = bool(gaps) and not lease.number  # it is younger than the first run
    if shard.start is not None and (parent in leases or is_new):
        # Unlike the oldest record that is left, the first one may be trimmed, which DynamoDB reports.
        is_missing = shard.parent is not None and parent not in leases and parent not in shards
        return Place("at", shard.start, since), is_missing
    return Place("start", since=since), bool(gaps)


def _clean(worker: Worker, lease: Lease, expired: set[str]) -> Flow[None]:
    """Delete the lease of a shard that is gone, which DynamoDB removes after 24 hours."""
    if not lease.finished:
        if lease.owner not in ("", worker.name) and lease.shard not in expired:
            return  # its owner reports it
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
    """Read the shards that have nothing left to deliver, side by side; tell whether that led anywhere."""
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
                worker.balance_due = 0.0  # the shard is gone
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
        "gone, as DynamoDB keeps them for 24 hours; StreamRunner(on_trimmed=) goes on with those that are left",
        shard=lease.shard.rpartition("/")[2],
        after=lease.checkpoint or None,
    )
    on_trimmed = worker.options.on_trimmed
    if on_trimmed is None:
        raise error
    yield from _call(partial(on_trimmed, error), on_trimmed)


# -- delivering --------------------------------------------------------------------------------------
def deliver_all(worker: Worker) -> Flow[None]:
    """Deliver what was read, each shard for a while, and write checkpoints."""
    for shard, held in [*worker.held.items()]:
        end = min(worker.balance_due, time.monotonic() + _SLICE)
        while held.records and time.monotonic() < end and not worker.stopping.is_set():
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
        if not held.records and place.kind == "after":  # also after those that were passed over
            held.position = place.mark or ""
        if place.kind == "end" and not held.records:
            if (yield from _write(worker, held, finished=True, owner=None)):
                worker.held.pop(shard, None)
                worker.balance_due = 0.0  # those after it can be read
        elif held.position != held.lease.checkpoint and held.checkpoint_due <= time.monotonic():
            yield from _write(worker, held, checkpoint=held.position)


def _has_lease(worker: Worker, held: HeldShard) -> Flow[bool]:
    """Tell whether the lease is still that of *worker*, and renew one that is too old to know."""
    is_old = time.monotonic() - held.renewed > worker.options.lease_seconds
    if is_old and not (yield from _write(worker, held)):
        return False
    if held.is_lost:
        worker.held.pop(held.lease.shard, None)
    return not held.is_lost


def _write(worker: Worker, held: HeldShard, **changes: Any) -> Flow[bool]:
    """Renew a lease, with *changes*; tell whether DynamoDB answered."""
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
    """Call the receivers of a record, each up to ``attempts`` times; False: it is not to be called delivered."""
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
            if worker.stopping.is_set():
                return False
    return True


def _call(call: Callable[[], Any], function: Receiver) -> Flow[None]:
    yield from Call(call, f"{name_of(function)}()" if is_async(function) else "")


def _give_to_failures(worker: Worker, failed: FailedRecord, what: str) -> Flow[None]:
    """Hand a record to ``on_failure``; raise DeliveryFailed without one: no record is dropped."""
    on_failure = worker.options.on_failure
    if on_failure is not None:
        return (yield from _call(partial(on_failure, failed), on_failure))
    raise DeliveryFailed(
        f"{what}; the runner stops before this record, and begins with it when it is run again: "
        "StreamRunner(on_failure=) takes what cannot be delivered, and lets it go on",
        failed=failed,
    ) from failed.error


def _make_event(raw: RawRecord, stream: str) -> dict[str, Any]:
    return cast("dict[str, Any]", from_json(to_json(replace(raw, stream=stream))))
