"""The verbs that write and delete many items by their keys."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar, overload

from ...batching import ProgressOption, as_callback
from ...exceptions import QueryError
from ...flows import Flow, arun, as_verb, run
from ...pacing.buckets import Pacer, make_pacer
from ...pacing.flows import pace
from ..instance import Instance, list_many, options_of
from ..records.base import find_given_fields
from ..unit_of_work.collector import check_outside
from .batch_block import AsyncBatchBlock, BatchBlock, Block, stream_items
from .bound_model import BoundModel, as_instance, check_connection, table_name
from .execution import check_batch_size, run_side_by_side, send_batch_signals, write_items
from .jobs import (
    begin_all,
    check_fields,
    keep_last,
    key_job,
    make_setters,
    put_job,
    update_fields,
    upsert,
)
from .results import BulkResult, Status, Tally

M = TypeVar("M", bound=Instance)
M_contra = TypeVar("M_contra", bound=Instance, contravariant=True)
B_co = TypeVar("B_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)

_UNGIVEN: Any = object()


def batch_write_items(
    bound: BoundModel[M],
    items: Iterable[M | Mapping[str, Any]] = (),
    *,
    delete: Iterable[Any] = (),
    overwrite: bool = False,
    validate: bool = True,
    workers: int = 1,
    rate: float | None = None,
    progress: ProgressOption = None,
    keep_written: bool = True,
) -> Flow[BulkResult[M]]:
    """Write and delete any number of items; without arguments, return a block that collects them.

    With ``overwrite=True`` items are put by BatchWriteItem, 25 to a request, and replace items with
    the same key; of two items with the same key the last is written. Without it, items whose key is in
    the table already stay as they are, and the call raises AlreadyExists: each item takes a request of
    its own, at the same price, and two items with the same key raise an error before anything is sent.
    Items with a version or unique values always take a request each.

    >>> len(Score.objects.batch_write([Score(player="cat", game=n) for n in range(3)]))
    3

    :param items: instances, or dicts of field values.
    :param delete: keys of items to delete (as for ``batch_get``), or instances. Without
        *overwrite*, nothing is deleted if some item could not be written.
    :param validate: False skips ``required``, ``choices``, bounds and validators.
    :param workers: the largest number of requests at a time; by default, 1.
    :param rate: the largest number of write units per second, and of read units where items are read too,
        over 0; by default, no limit.
    :param progress: called with the number of items done and the total; or True for a progress bar.
    :param keep_written: False forgets each item after it was written. A million items, from a generator,
        then take the memory of a few requests. Items are validated and sent as they come, the first
        request that fails ends the call, and the result lacks the items that were written. Two items
        with the same key are detected only if they are sent together.
    :return: the instances that were written: of two with the same key, the last. ``outcomes`` has the
        status of each item and each delete. Without *items* and *delete*, a
        :class:`~dynamodb_py.BatchBlock`: ``with ....batch_write() as batch: batch.put(item)``.
    :raises ValidationError: some values cannot be stored; nothing was sent.
    :raises AlreadyExists: without *overwrite*, some keys were taken: ``unprocessed`` has their
        instances, ``current`` the stored item of the first. All others were written.
    :raises BatchIncomplete: DynamoDB left writes undone in every attempt; ``unprocessed`` has their
        instances and keys. This and every other error while sending has the result in ``done``.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    """
    check_outside("batch_write()")
    if not keep_written:
        block = Block(
            bound,
            overwrite=overwrite,
            validate=validate,
            workers=workers,
            rate=rate,
            progress=progress,
            keep_written=False,
        )
        return (yield from stream_items(block, items, delete))
    return (
        yield from write_items(
            bound,
            items,
            delete,
            overwrite=overwrite,
            validate=validate,
            workers=workers,
            rate=rate,
            progress=progress,
        )
    )


class BatchWrite(Protocol[M_contra, B_co, R_co]):
    """The type of ``batch_write``: without items it returns a block, *B_co*, else the result, *R_co*."""

    @overload
    def __call__(
        self,
        *,
        overwrite: bool = False,
        validate: bool = True,
        workers: int = 1,
        rate: float | None = None,
        progress: ProgressOption = None,
        keep_written: bool = True,
    ) -> B_co: ...
    @overload
    def __call__(
        self,
        items: Iterable[M_contra | Mapping[str, Any]],
        *,
        delete: Iterable[Any] = (),
        overwrite: bool = False,
        validate: bool = True,
        workers: int = 1,
        rate: float | None = None,
        progress: ProgressOption = None,
        keep_written: bool = True,
    ) -> R_co: ...
    @overload
    def __call__(
        self,
        *,
        delete: Iterable[Any],
        overwrite: bool = False,
        validate: bool = True,
        workers: int = 1,
        rate: float | None = None,
        progress: ProgressOption = None,
        keep_written: bool = True,
    ) -> R_co: ...


_Blocking: TypeAlias = BatchWrite[M, BatchBlock[M], BulkResult[M]]
_Awaited: TypeAlias = BatchWrite[M, AsyncBatchBlock[M], Coroutine[Any, Any, BulkResult[M]]]


class BatchWriteVerb(Protocol):
    """The attribute ``batch_write``: of a model, or of a manager or query set."""

    @overload
    def __get__(self, instance: M | None, owner: type[M]) -> _Blocking[M]: ...
    @overload
    def __get__(self, instance: BoundModel[M], owner: Any) -> _Blocking[M]: ...


class AsyncBatchWriteVerb(Protocol):
    """The attribute ``abatch_write``: of a model, or of a manager or query set."""

    @overload
    def __get__(self, instance: M | None, owner: type[M]) -> _Awaited[M]: ...
    @overload
    def __get__(self, instance: BoundModel[M], owner: Any) -> _Awaited[M]: ...


def batch_write(bound: BoundModel[Any], items: Any = _UNGIVEN, **options: Any) -> Any:
    """Write items, or return a block: see :func:`batch_write_items`."""
    if items is _UNGIVEN and "delete" not in options:
        return BatchBlock(bound, **options)
    items = () if items is _UNGIVEN else items
    return run(batch_write_items(bound, items, **options), bound._link, batch_write)


def abatch_write(bound: BoundModel[Any], items: Any = _UNGIVEN, **options: Any) -> Any:
    """Write items, awaited, or return a block: see :func:`batch_write_items`."""
    if items is _UNGIVEN and "delete" not in options:
        return AsyncBatchBlock(bound, **options)
    items = () if items is _UNGIVEN else items
    return arun(batch_write_items(bound, items, **options), bound._link, abatch_write)


as_verb(batch_write, batch_write_items, "batch_write")
as_verb(abatch_write, batch_write_items, "abatch_write")


def bulk_delete_items(
    bound: BoundModel[Any],
    keys: Iterable[Any],
    *,
    workers: int = 1,
    rate: float | None = None,
    progress: ProgressOption = None,
) -> Flow[BulkResult[Any]]:
    """Delete any number of items by their keys, 25 to a request; missing items count as deleted.

    Items with a version or unique values take a request each.

    >>> result = Score.objects.bulk_delete([("ann", 1), ("ann", 2)])
    >>> Score.objects.filter(player="ann").exists()
    False

    :param keys: keys as for ``batch_get``, or instances.
    :param workers: the largest number of requests at a time; by default, 1.
    :param rate: the largest number of write units per second, and of read units where items are read too,
        over 0; by default, no limit.
    :param progress: called with the number of items done and the total; or True for a progress bar.
    :return: the keys and instances whose items were deleted; ``outcomes`` has the status of each.
    :raises BatchIncomplete: DynamoDB left deletes undone in every attempt; ``unprocessed`` has their
        keys. This and every other error while sending has the result in ``done``.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    """
    check_outside("bulk_delete()")
    return (
        yield from write_items(
            bound,
            (),
            keys,
            overwrite=True,
            lists_deletes=True,
            workers=workers,
            rate=rate,
            progress=progress,
        )
    )


def bulk_create_items(
    bound: BoundModel[M],
    instances: Iterable[M | Mapping[str, Any]],
    *,
    overwrite: bool = False,
    ignore_conflicts: bool = False,
    update_conflicts: bool = False,
    update_fields: Iterable[str] | None = None,
    validate: bool = True,
    batch_size: int | None = None,
    workers: int = 1,
    rate: float | None = None,
    progress: ProgressOption = None,
) -> Flow[BulkResult[M]]:
    """Insert any number of items, each by a request of its own; if one fails, the others are still sent.

    >>> result = Score.objects.bulk_create([Score(player="cat", game=n) for n in range(3)])
    >>> [each.status for each in result.outcomes]
    ['created', 'created', 'created']

    :param instances: instances, or dicts of field values.
    :param overwrite: replace items that have the same key, by BatchWriteItem: see ``batch_write``.
    :param ignore_conflicts: if the key, or a unique value, is taken, leave the stored item as it is,
        without an error; its status in ``outcomes`` is "ignored".
    :param update_conflicts: if the key is taken, set the fields that the instance was given, or that
        were assigned since, in the stored item; defaults are for new items only. A second request does
        it. Other attributes stay, and the instance has all values of the stored item then.
    :param update_fields: with *update_conflicts*, the names of the given fields to set; by default all
        but the key. Fields that set themselves are set too. A None that was given removes the attribute.
    :param validate: False skips ``required``, ``choices``, bounds and validators.
    :param batch_size: the largest number of items to a BatchWriteItem, 1 to 25, which is the default.
        It has no effect if each item takes a request of its own.
    :param workers: the largest number of requests at a time; by default, 1.
    :param rate: the largest number of write units per second, and of read units where items are read too,
        over 0; by default, no limit.
    :param progress: called with the number of items done and the total; or True for a progress bar.
    :return: the instances that were written; ``outcomes`` has the status of each.
    :raises ValidationError: some values cannot be stored, or, without *overwrite*, two items have the
        same key; nothing was sent.
    :raises AlreadyExists: some keys were taken: ``unprocessed`` has their instances, ``current``
        the stored item of the first. All others were written. This and every other error while
        sending has the result in ``done``.
    :raises QueryError: options that exclude each other, or a wrong *batch_size*; nothing was sent.
    """
    check_outside("bulk_create()")
    size = check_batch_size("bulk_create", batch_size)
    _check_one_way(
        overwrite=overwrite, ignore_conflicts=ignore_conflicts, update_conflicts=update_conflicts
    )
    if update_fields is not None and not update_conflicts:
        raise QueryError(
            "bulk_create(update_fields=...) needs update_conflicts=True: add it, or leave "
            "update_fields out"
        )
    if not update_conflicts:
        return (
            yield from write_items(
                bound,
                instances,
                (),
                overwrite=overwrite,
                validate=validate,
                ignores=ignore_conflicts,
                workers=workers,
                rate=rate,
                progress=progress,
                size=size,
            )
        )
    named, pacer = None, make_pacer(rate)
    if update_fields is not None:
        named = check_fields(options_of(bound.model), "update_fields", update_fields)
    given = [as_instance(bound, item) for item in list_many(instances, "items")]
    upserts = _upsert_all(bound, given, named, validate, workers, pacer, progress)
    return (yield from send_batch_signals(bound, upserts, given))


def _check_one_way(**ways: bool) -> None:
    """Refuse more than one way to treat items that exist already."""
    if len(given := [f"{name}=True" for name, chosen in ways.items() if chosen]) > 1:
        raise QueryError(f"bulk_create({', '.join(given)}): give one of them")


def _upsert_all(
    bound: BoundModel[M],
    instances: Sequence[M],
    named: frozenset[str] | None,
    validate: bool,
    workers: int,
    pacer: Pacer | None,
    progress: ProgressOption,
) -> Flow[BulkResult[M]]:
    meta = options_of(bound.model)
    given = [find_given_fields(instance) for instance in instances]
    table = table_name(bound)
    jobs = {at: put_job(each, table, validate=validate) for at, each in enumerate(instances)}
    keep_last(jobs, last_wins=False, model=bound.model.__name__, hint="")
    flows: list[Flow[Status]] = []
    for job, names in zip(jobs.values(), given, strict=True):
        if meta.guarded:
            check_connection(bound, job.given)
        flows.append(upsert(bound, job, make_setters(meta, job.write, named, names)))
    tally = Tally(instances)
    upserts = run_side_by_side(range(len(jobs)), flows, tally, workers, as_callback(progress))
    yield from pace(upserts, pacer)
    return tally.check()


def bulk_update_items(
    bound: BoundModel[M],
    instances: Iterable[M | Mapping[str, Any]],
    fields: Iterable[str],
    *,
    validate: bool = True,
    batch_size: int | None = None,
    workers: int = 1,
    rate: float | None = None,
    progress: ProgressOption = None,
) -> Flow[BulkResult[M]]:
    """Write some fields of any number of items that exist, each by a request of its own.

    For a loaded instance it writes the changes of these fields, as ``save(update_fields=fields)`` does,
    and sends nothing if there are none. For an instance that was never loaded it writes those of the
    fields that were given or assigned, and no defaults. Fields that set themselves are set too; other
    attributes stay. If one request fails, the others are still sent.

    >>> scores = list(Score.objects.filter(player="ann"))
    >>> for each in scores:
    ...     each.points += 1
    >>> result = Score.objects.bulk_update(scores, ["points"])
    >>> Score.objects.get("ann", 1).points
    51

    :param instances: instances, or dicts of the key and the values of the fields.
    :param fields: the names of the fields to write; those of the key cannot change.
    :param validate: False skips ``required``, ``choices``, bounds and validators.
    :param batch_size: 1 to 25, as for ``bulk_create``. It has no effect, as each item takes a request of
        its own; *workers* sends several at a time.
    :param workers: the largest number of requests at a time; by default, 1.
    :param rate: the largest number of write units per second, and of read units where items are read too,
        over 0; by default, no limit.
    :param progress: called with the number of items done and the total; or True for a progress bar.
    :return: the instances that were updated or unchanged; ``outcomes`` has the status of each.
    :raises ValidationError: some values cannot be stored, or two instances have the same key; nothing
        was sent.
    :raises DoesNotExist: some items do not exist: ``missing`` has their instances.
    :raises ConditionFailed: another process has changed a list that changed here too. This and every
        other error while sending has the result in ``done``.
    """
    check_outside("bulk_update()")
    check_batch_size("bulk_update", batch_size)
    pacer = make_pacer(rate)
    named = check_fields(options_of(bound.model), "fields", fields)
    given = [
        check_connection(bound, as_instance(bound, item)) for item in list_many(instances, "items")
    ]

    def update_all() -> Flow[BulkResult[M]]:
        table = table_name(bound)
        jobs = {at: key_job(bound, each, table) for at, each in enumerate(given)}
        keep_last(jobs, last_wins=False, model=bound.model.__name__, hint="")
        tally = Tally(given)
        flows = begin_all(update_fields(each, named, validate=validate) for each in given)
        places, report = range(len(given)), as_callback(progress)
        yield from pace(run_side_by_side(places, flows, tally, workers, report), pacer)
        return tally.check()

    return (yield from send_batch_signals(bound, update_all(), given))
