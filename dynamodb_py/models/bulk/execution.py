"""Carries out puts and deletes of many items: in batches, or each by a request of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ...batching import Progress, ProgressOption, as_callback, offset_progress, run_together
from ...exceptions import QueryError
from ...flows import Flow
from ...limits import MAX_BATCH_WRITE
from ...operations.batches import Put
from ...pacing.buckets import limit_batch, make_pacer
from ...pacing.flows import pace
from ..instance import list_many, options_of
from ..persistence.delete import mark_deleted
from ..persistence.locks import is_atomic
from ..signals.events import send_around_batch
from .bound_model import BoundModel, as_instance, table_name
from .jobs import (
    Job,
    check_batch_delete,
    insert,
    keep_last,
    key_job,
    make_marker,
    put_job,
    write_batches,
    write_one,
)
from .results import BulkResult, Status, Tally

T = TypeVar("T")


def send_batch_signals(
    bound: BoundModel[Any], flow: Flow[T], instances: Sequence[Any], deletes: Iterable[Any] = ()
) -> Flow[T]:
    """Carry out *flow* between the signals ``pre_batch_write`` and ``post_batch_write``."""
    model: type[Any] = bound.model
    named: list[tuple[type[Any], Any]] = [
        (type(each) if isinstance(each, model) else model, each) for each in deletes
    ]
    return send_around_batch(flow, instances, named, using=bound._link.alias)


def write_items(
    bound: BoundModel[Any],
    items: Iterable[Any],
    deletes: Iterable[Any],
    *,
    overwrite: bool,
    validate: bool = True,
    lists_deletes: bool = False,
    ignores: bool = False,
    workers: int,
    rate: float | None,
    progress: ProgressOption,
    size: int = MAX_BATCH_WRITE,
) -> Flow[BulkResult[Any]]:
    """Put *items* and delete *deletes*; return the outcomes.

    :param overwrite: replace items that exist. Of several writes with one key the last counts; without
        *overwrite*, they raise ValidationError.
    :param lists_deletes: the result is a list of the deleted items too.
    :param ignores: items that exist already stay as they are, without an error.
    :param size: the largest number of writes to a request.
    """
    model, pacer = bound.model, make_pacer(rate)
    instances = [
        item if isinstance(item, model) else as_instance(bound, item)
        for item in list_many(items, "items")
    ]
    gone = list_many(deletes, "keys to delete")

    def flow() -> Flow[BulkResult[Any]]:
        table = table_name(bound)
        jobs = {at: put_job(each, table, validate=validate) for at, each in enumerate(instances)}
        if gone:
            check_batch_delete(bound)
            places = enumerate(gone, len(instances))
            jobs.update({at: key_job(bound, each, table) for at, each in places})
        tally: Tally[Any] = Tally([*instances, *gone], deletes=lists_deletes, ignores=ignores)
        todo = keep_last(jobs, last_wins=overwrite, model=bound.model.__name__)
        superseded = [at for at in jobs if at not in todo]
        for at in superseded:
            tally.note(at, "superseded")
        carried_out = carry_out(
            bound,
            todo,
            tally,
            overwrite=overwrite,
            workers=workers,
            progress=as_callback(progress),
            size=limit_batch(size, pacer),
        )
        yield from pace(carried_out, pacer)
        detach_duplicates(bound, [jobs[at] for at in superseded], todo, tally)
        return tally.check()

    return (yield from send_batch_signals(bound, flow(), instances, gone))


def check_batch_size(verb: str, size: int | None) -> int:
    """Return the largest number of writes to a request: *size*, or DynamoDB's limit for None.

    :raises QueryError: *size* is not from 1 to that limit.
    """
    if size is None:
        return MAX_BATCH_WRITE
    if type(size) is not int or not 0 < size <= MAX_BATCH_WRITE:
        raise QueryError(
            f"{verb}(batch_size={size!r}): DynamoDB takes 1 to {MAX_BATCH_WRITE} writes in a request: pass "
            "such an int, or leave batch_size out; the number of items has no limit"
        )
    return size


def detach_duplicates(
    bound: BoundModel[Any], superseded: Sequence[Job], jobs: Mapping[int, Job], tally: Tally[Any]
) -> None:
    """Mark the instances of *superseded* as deleted if one of *jobs* has deleted their item."""
    if not superseded:
        return
    deleted = {
        job.place
        for at, job in jobs.items()
        if not isinstance(job.write, Put) and tally.is_done(at)
    }
    for job in superseded:
        if job.place in deleted and isinstance(job.given, bound.model):
            mark_deleted(job.given)


def carry_out(
    bound: BoundModel[Any],
    jobs: Mapping[int, Job],
    tally: Tally[Any],
    *,
    overwrite: bool,
    workers: int,
    progress: Progress | None,
    size: int = MAX_BATCH_WRITE,
) -> Flow[None]:
    """Carry out *jobs*, which have different keys, and note the outcome of each at its place in *tally*."""
    meta = options_of(bound.model)
    mark = make_marker(bound)
    guarded = meta.guarded or is_atomic(bound, meta, None)
    puts = {at: job for at, job in jobs.items() if isinstance(job.write, Put)}
    deletes = {at: job for at, job in jobs.items() if at not in puts}
    # A delete needs a condition if the item may be of another class of the table.
    apart = guarded or (bool(deletes) and meta.free is not None)
    if overwrite and not apart:
        yield from write_batches(jobs, tally, mark, workers, progress, size)
        return
    counted = offset_progress(progress, len(jobs))
    if overwrite and not guarded:
        yield from write_batches(puts, tally, mark, workers, counted, size)
    else:
        flows = [
            write_one(bound, job, overwrite=overwrite) if guarded else insert(bound, job)
            for job in puts.values()
        ]
        yield from run_side_by_side(puts, flows, tally, workers, counted)
    if tally.errors(puts) and (not overwrite or not guarded):
        for at in deletes:
            tally.note(at, "not tried")
        return
    if not deletes:
        return
    rest = offset_progress(progress, len(jobs), len(puts))
    if apart:
        flows = [write_one(bound, job, overwrite=overwrite) for job in deletes.values()]
        yield from run_side_by_side(deletes, flows, tally, workers, rest)
    else:
        yield from write_batches(deletes, tally, mark, workers, rest, size)


def run_side_by_side(
    places: Iterable[int],
    flows: Sequence[Flow[Status]],
    tally: Tally[Any],
    workers: int,
    progress: Progress | None,
) -> Flow[None]:
    """Carry out all *flows*, also after one has failed, and note the outcome of each at its place."""
    outcomes = yield from run_together(flows, workers, progress)
    for at, outcome in zip(places, outcomes, strict=True):
        tally.note(at, outcome)
