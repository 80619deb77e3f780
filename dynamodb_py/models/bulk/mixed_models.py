"""Many instances, of any models, in one call: ``load``, ``save_all``, ``delete_all``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ...batching import Progress, ProgressOption, as_callback, offset_progress, run_together
from ...exceptions import DoesNotExist
from ...flows import Flow, flow_of
from ...limits import MAX_BATCH_WRITE
from ...operations.batches import Delete, Put
from ...pacing.buckets import Pacer, limit_batch, make_pacer
from ...pacing.flows import pace
from ..foreign_keys.referrers import find_restricting_references
from ..instance import Instance, options_of, table_of
from ..persistence.delete import delete_instance, mark_deleted, remove_item
from ..persistence.locks import is_atomic
from ..persistence.save import store_instance
from ..persistence.stored import key_of, mark_saved, replace_stored
from ..signals.events import is_observed, send_around_batch, send_post_save, send_pre_save_for_all
from ..unit_of_work.collector import check_outside
from .bound_model import make_awaiting, make_blocking, read_instances
from .jobs import Job, begin_all, keep_last, make_job, put_job, write_batches
from .results import Tally


def load_objects(
    objects: Iterable[Instance],
    *,
    consistent: bool | None = None,
    workers: int = 1,
    rate: float | None = None,
    progress: ProgressOption = None,
) -> Flow[None]:
    """Read *objects* of any models again by their keys, a hundred to a request, and update them in place.

    >>> from dynamodb_py import load
    >>> scores = [Score(player="ann", game=1), Score(player="bob", game=1)]
    >>> load(scores)
    >>> [each.points for each in scores]
    [50, 70]

    :param consistent: True makes strongly consistent reads, at twice the price. The default is that of
        ``options()``.
    :param workers: the largest number of requests at a time; by default, 1.
    :param rate: the largest number of read units per second, over 0; by default, no limit.
    :param progress: called with the number of items done and the total; or True for a progress bar.
    :raises DoesNotExist: items are missing: ``missing`` has their objects. All others were loaded.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    """
    all_ = list(objects)
    items = yield from read_instances(
        all_, consistent=consistent, workers=workers, rate=rate, progress=progress
    )
    missing: list[Instance] = []
    for each, item in zip(all_, items, strict=True):
        if item is None:
            missing.append(each)
        else:
            replace_stored(each, item)
    if missing:
        texts = ", ".join(f"{type(each).__name__} {each.primary_key!r}" for each in missing[:5])
        text = f"{len(missing)} of {len(all_)} items do not exist: {texts}"
        raise DoesNotExist(text, missing=missing)


def save_objects(
    objects: Iterable[Instance],
    *,
    validate: bool = True,
    workers: int = 1,
    rate: float | None = None,
    progress: ProgressOption = None,
) -> Flow[None]:
    """Save all *objects*, of any models, as ``save()`` does for each.

    New objects are put in batches of 25. Loaded objects that changed, and objects with a version or unique
    values, take a request each. Of new objects with the same key the last is written; an instance that
    occurs twice is saved once. If a batch fails, nothing more is sent; if a request for one object fails,
    the others are still sent. Hooks and receivers of ``pre_save`` are called for all objects before any is
    validated; those of ``post_save`` for the objects that were written.

    >>> from dynamodb_py import save_all
    >>> scores = list(Score.objects.filter(player="ann"))
    >>> for each in scores:
    ...     each.points = 0
    >>> save_all(scores)
    >>> Score.get("ann", 2).points
    0

    :param validate: False skips ``required``, ``choices``, bounds and validators.
    :param workers: the largest number of requests at a time; by default, 1.
    :param rate: the largest number of write units per second, and of read units where items are read too,
        over 0; by default, no limit.
    :param progress: called with the number of items done and the total; or True for a progress bar.
    :raises ValidationError: values cannot be stored; nothing was sent.
    :raises DoesNotExist: items of loaded objects were deleted: ``missing`` has the objects.
    :raises BatchIncomplete: DynamoDB left writes undone in every attempt; ``unprocessed`` has their
        objects. This and every other error while sending has the outcome of each object in ``done``.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    """
    check_outside("save_all()")
    all_, pacer = list(objects), make_pacer(rate)
    observed = {
        at: not each.persisted for at, each in enumerate(all_) if is_observed(type(each), "save")
    }
    yield from send_pre_save_for_all([(all_[at], created) for at, created in observed.items()])
    new = {at: each for at, each in enumerate(all_) if _goes_in_batches(each)}
    puts = {at: put_job(each, table_of(each), validate=validate) for at, each in new.items()}
    last = {id(each): at for at, each in enumerate(all_)}
    tally: Tally[Any] = Tally(all_)
    flows: dict[int, Flow[Any]] = {}
    for at, each in enumerate(all_):
        if at not in new and last[id(each)] == at:
            flows[at] = store_instance(each, validate=validate)
        elif at not in new:
            tally.note(at, "superseded")  # the same instance occurs again

    def settle(job: Job) -> None:
        assert isinstance(job.write, Put)
        mark_saved(job.given, job.write.item)

    saves = _execute_all(
        tally,
        puts,
        flows,
        settle,
        workers,
        limit_batch(MAX_BATCH_WRITE, pacer),
        as_callback(progress),
    )
    yield from pace(saves, pacer)
    for at, created in observed.items():
        if tally.is_done(at):
            try:
                yield from send_post_save(all_[at], created=created)
            except Exception as error:
                tally.blame(at, error)
    tally.check()


def delete_objects(
    objects: Iterable[Instance],
    *,
    workers: int = 1,
    rate: float | None = None,
    progress: ProgressOption = None,
) -> Flow[None]:
    """Delete all *objects*, of any models, 25 to a request; missing items count as deleted.

    Objects with a version or unique values take a request each.

    >>> from dynamodb_py import delete_all
    >>> delete_all(Score.objects.filter(player="ann"))
    >>> Score.objects.filter(player="ann").count()
    0

    :param workers: the largest number of requests at a time; by default, 1.
    :param rate: the largest number of write units per second, and of read units where items are read too,
        over 0; by default, no limit.
    :param progress: called with the number of items done and the total; or True for a progress bar.
    :raises BatchIncomplete: DynamoDB left deletes undone in every attempt; ``unprocessed`` has their
        objects. This and every other error while sending has the outcome of each object in ``done``.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    """
    check_outside("delete_all()")
    all_, pacer = list(objects), make_pacer(rate)
    if all_:
        named = [(type(each), each) for each in all_]
        flow = _delete_all(all_, workers, pacer, progress)
        yield from send_around_batch(flow, (), named, using=all_[0]._link.alias)


def _delete_all(
    all_: Sequence[Instance], workers: int, pacer: Pacer | None, progress: ProgressOption
) -> Flow[None]:
    tally: Tally[Any] = Tally(all_)
    jobs = {
        at: make_job(each, Delete(table_of(each), key_of(each))) for at, each in enumerate(all_)
    }
    kinds = {(type(each), each.persisted) for each in all_}
    plain = {kind: _is_plain(*kind) for kind in kinds}
    twins: dict[Any, list[Instance]] = {}
    for job in jobs.values():
        each = job.given
        item = job.place if plain[type(each), each.persisted] else id(each)
        twins.setdefault(item, []).append(each)
    last = {id(each[-1]) for each in twins.values()}
    deletes: dict[int, Job] = {}
    flows: dict[int, Flow[None]] = {}
    for at, each in reversed(list(enumerate(all_))):
        if id(each) not in last:
            tally.note(at, "superseded")
            continue
        last.discard(id(each))  # the same instance may occur twice
        if not plain[type(each), each.persisted]:
            flows[at] = flow_of(type(each), "delete")(each)
        elif _is_deleted_in_batches(each):
            deletes[at] = jobs[at]
        else:
            flows[at] = _remove_one(each, twins[jobs[at].place])

    def settle(job: Job) -> None:
        for each in twins[job.place]:
            mark_deleted(each)

    deletes, flows = dict(sorted(deletes.items())), dict(sorted(flows.items()))
    removals = _execute_all(
        tally,
        deletes,
        flows,
        settle,
        workers,
        limit_batch(MAX_BATCH_WRITE, pacer),
        as_callback(progress),
    )
    yield from pace(removals, pacer)
    tally.check()


def _is_deleted_in_batches(instance: Instance) -> bool:
    # The class of an item that was not read is known only if its table has one class.
    known = instance.persisted or options_of(type(instance)).free is None
    return known and not _is_checked(instance)


def _is_plain(kind: type[Instance], persisted: bool) -> bool:
    """Tell whether deleting an instance only deletes its item."""
    return flow_of(kind, "delete") is delete_instance and not find_restricting_references(
        kind, below=not persisted
    )


def _remove_one(instance: Instance, twins: Iterable[Instance]) -> Flow[None]:
    """Delete *instance* by a request of its own, and mark *twins*, all instances of its item, as deleted."""
    yield from remove_item(instance, None, None)
    for each in twins:
        mark_deleted(each)


def _goes_in_batches(instance: Instance) -> bool:
    return not instance.persisted and not _is_checked(instance)


def _is_checked(instance: Instance) -> bool:
    """Tell whether a write of *instance* needs a condition or further writes, which batches do not have."""
    meta = options_of(type(instance))
    return meta.guarded or is_atomic(instance, meta, None)


def _execute_all(
    tally: Tally[Any],
    jobs: Mapping[int, Job],
    flows: Mapping[int, Flow[Any]],
    settle: Callable[[Job], None],
    workers: int,
    size: int,
    progress: Progress | None,
) -> Flow[None]:
    """Carry out *jobs* in batches, then *flows* side by side, and note the outcomes in *tally*."""
    todo = keep_last(jobs, last_wins=True, model="")
    for at in jobs.keys() - todo.keys():
        tally.note(at, "superseded")
    began = dict(zip(flows, begin_all(flows.values()), strict=True))
    total = len(todo) + len(began)
    try:
        counted = offset_progress(progress, total)
        yield from write_batches(todo, tally, settle, workers, counted, size)
        if tally.errors(todo):
            return
        rest = offset_progress(progress, total, len(todo))
        outcomes = yield from run_together(list(began.values()), workers, rest)
    finally:
        for flow in began.values():
            flow.close()
    for at, outcome in zip(began, outcomes, strict=True):
        tally.note(at, outcome if isinstance(outcome, Exception) else "written")


load = make_blocking("load", load_objects, type(None))
aload = make_awaiting("aload", load_objects, type(None))
save_all = make_blocking("save_all", save_objects, type(None))
asave_all = make_awaiting("asave_all", save_objects, type(None))
delete_all = make_blocking("delete_all", delete_objects, type(None))
adelete_all = make_awaiting("adelete_all", delete_objects, type(None))
