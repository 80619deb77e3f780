"""What writes and deletes many items by their keys: a part of managers and query sets."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from ...batching import Progress, ProgressOption, shown
from ...exceptions import QueryError
from ...flows import Flow, arun, awaiting, blocking, copy_name, run
from ..unit_of_work.collector import check_outside
from .batch_block import AsyncBatchBlock, BatchBlock
from .execution import Carrying
from .jobs import all_begun, distinct
from .results import BulkResult, Status, Tally

if TYPE_CHECKING:
    from ..model import Model


M = TypeVar("M", bound="Model")

_UNGIVEN: Any = object()


class BulkWriting(Carrying[M], Generic[M]):
    """Writes many items, and tells what became of each."""

    __slots__ = ()

    # -- puts and deletes ----------------------------------------------------------------------

    def _batch_write(
        self,
        items: Iterable[M | Mapping[str, Any]] = (),
        *,
        delete: Iterable[Any] = (),
        overwrite: bool = False,
        validate: bool = True,
        workers: int = 1,
        progress: ProgressOption = None,
    ) -> Flow[BulkResult[M]]:
        """Write and delete any number of items; without any, return a block to give them to.

        With ``overwrite=True`` items are put by BatchWriteItem, 25 to a request, in place of what was
        there; of two with one key the last counts. Without it, an item whose key is in the table
        already is left alone and reported, for which each item takes a request of its own (at the
        same price), and two with one key are refused before anything is sent. Items with a version
        or unique values take a request each in any case.

        :param items: instances, or dicts of field values.
        :param delete: keys of items to delete (as for ``batch_get``), or instances. Without
            *overwrite*, nothing is deleted where some item could not be written.
        :param validate: False skips ``required``, ``choices``, bounds and validators.
        :param workers: how many requests may be under way at once.
        :param progress: called with how many are done and how many there are, or True for a bar.
        :return: the instances that were written: of two with one key, the last. ``outcomes`` tells
            what became of each, and of what was to be deleted. Without *items* and *delete*, a
            block: ``with ....batch_write() as batch: batch.put(item)``.
        :raises ValidationError: some values cannot be stored; nothing was sent.
        :raises AlreadyExists: without *overwrite*, some keys were taken: ``unprocessed`` has their
            instances, ``current`` the first one's item. All others were written.
        :raises BatchIncomplete: DynamoDB kept leaving some undone; ``unprocessed`` has them.
            This and all else that is raised on the way has the result in ``done``.
        """
        check_outside("batch_write()")
        return (
            yield from self._written(
                items,
                delete,
                overwrite=overwrite,
                validate=validate,
                workers=workers,
                progress=progress,
            )
        )

    if TYPE_CHECKING:

        @overload
        def batch_write(
            self,
            *,
            overwrite: bool = False,
            validate: bool = True,
            workers: int = 1,
            progress: ProgressOption = None,
        ) -> BatchBlock[M]: ...
        @overload
        def batch_write(
            self,
            items: Iterable[M | Mapping[str, Any]],
            *,
            delete: Iterable[Any] = (),
            overwrite: bool = False,
            validate: bool = True,
            workers: int = 1,
            progress: ProgressOption = None,
        ) -> BulkResult[M]: ...
        @overload
        def batch_write(
            self,
            *,
            delete: Iterable[Any],
            overwrite: bool = False,
            validate: bool = True,
            workers: int = 1,
            progress: ProgressOption = None,
        ) -> BulkResult[M]: ...
        def batch_write(self, items: Any = (), **options: Any) -> Any: ...

        @overload
        def abatch_write(
            self,
            *,
            overwrite: bool = False,
            validate: bool = True,
            workers: int = 1,
            progress: ProgressOption = None,
        ) -> AsyncBatchBlock[M]: ...
        @overload
        def abatch_write(
            self,
            items: Iterable[M | Mapping[str, Any]],
            *,
            delete: Iterable[Any] = (),
            overwrite: bool = False,
            validate: bool = True,
            workers: int = 1,
            progress: ProgressOption = None,
        ) -> Coroutine[Any, Any, BulkResult[M]]: ...
        @overload
        def abatch_write(
            self,
            *,
            delete: Iterable[Any],
            overwrite: bool = False,
            validate: bool = True,
            workers: int = 1,
            progress: ProgressOption = None,
        ) -> Coroutine[Any, Any, BulkResult[M]]: ...
        def abatch_write(self, items: Any = (), **options: Any) -> Any: ...
    else:

        def batch_write(self, items: Any = _UNGIVEN, **options: Any) -> Any:
            if items is _UNGIVEN and "delete" not in options:
                return BatchBlock(self, **options)
            items = () if items is _UNGIVEN else items
            return run(self._batch_write(items, **options), self._link)

        def abatch_write(self, items: Any = _UNGIVEN, **options: Any) -> Any:
            if items is _UNGIVEN and "delete" not in options:
                return AsyncBatchBlock(self, **options)
            items = () if items is _UNGIVEN else items
            return arun(self._batch_write(items, **options), self._link)

        batch_write = copy_name(batch_write, _batch_write, "")
        abatch_write = copy_name(abatch_write, _batch_write, "a")

    def _bulk_delete(
        self,
        keys: Iterable[Any],
        *,
        atomic_chunks: bool = False,
        workers: int = 1,
        progress: ProgressOption = None,
    ) -> Flow[BulkResult[Any]]:
        """Delete the items with these keys, or these instances, any number, 25 to a request.

        Those that are not there count as deleted. Items with a version or unique values take
        a request each.

        :param atomic_chunks: delete up to 100 at a time, all of them or none, at twice the price.
        :param workers: how many requests may be under way at once.
        :param progress: called with how many are done and how many there are, or True for a bar.
        :return: what was deleted, as it was given; ``outcomes`` tells what became of each.
        :raises BatchIncomplete: DynamoDB kept leaving some undone; ``unprocessed`` has their keys.
        :raises TransactionCanceled: with *atomic_chunks*, others kept writing to an item; all other
            chunks were tried. This and all else that is raised on the way has the result in ``done``.
        """
        check_outside("bulk_delete()")
        return (
            yield from self._written(
                (),
                keys,
                overwrite=True,
                atomic_chunks=atomic_chunks,
                lists_deletes=True,
                workers=workers,
                progress=progress,
            )
        )

    bulk_delete = blocking(_bulk_delete)
    abulk_delete = awaiting(_bulk_delete)

    # -- creating, updating --------------------------------------------------------------------

    def _bulk_create(
        self,
        instances: Iterable[M | Mapping[str, Any]],
        *,
        overwrite: bool = False,
        update_conflicts: bool = False,
        update_fields: Iterable[str] | None = None,
        atomic_chunks: bool = False,
        validate: bool = True,
        workers: int = 1,
        progress: ProgressOption = None,
    ) -> Flow[BulkResult[M]]:
        """Insert any number of items, each by a request of its own; all are tried.

        :param instances: instances, or dicts of field values.
        :param overwrite: replace items that have the same key, by BatchWriteItem: see ``batch_write``.
        :param update_conflicts: where the key is taken, set the fields of the item that is there; all
            else of it is left alone, and the instance is then as the item stands. It takes a second
            request.
        :param update_fields: with *update_conflicts*: set no other fields than these, and those that
            set themselves; None removes. By default all but the key, and those that set themselves
            when an item is made.
        :param atomic_chunks: write up to 100 at a time (and 4 MB), all of them or none, at twice the
            price.
        :param validate: False skips ``required``, ``choices``, bounds and validators.
        :param workers: how many requests may be under way at once.
        :param progress: called with how many are done and how many there are, or True for a bar.
        :return: the instances that were written; ``outcomes`` tells what became of each.
        :raises ValidationError: some values cannot be stored, or, without *overwrite*, two items have
            one key; nothing was sent.
        :raises AlreadyExists: some keys were taken: ``unprocessed`` has their instances, ``current``
            the first one's item. All others were written.
        :raises TransactionCanceled: with *atomic_chunks*, a chunk was not written; ``done`` has the
            ``AlreadyExists`` of the items that are to blame. All other chunks were tried. This and all
            else that is raised on the way has the result in ``done``.
        """
        check_outside("bulk_create()")
        if update_conflicts and (overwrite or atomic_chunks):
            option = "overwrite" if overwrite else "atomic_chunks"
            raise QueryError(
                f"bulk_create(update_conflicts=True, {option}=True): choose one of them"
            )
        if update_fields is not None and not update_conflicts:
            raise QueryError("bulk_create(update_fields=...) is of use with update_conflicts=True")
        if update_conflicts:
            named = (
                None
                if update_fields is None
                else self._fields_named("update_fields", update_fields)
            )
            given = [self._instance(item) for item in instances]
            upserts = self._upserted_all(
                given, named, validate=validate, workers=workers, progress=progress
            )
            return (yield from self._around(upserts, given))
        return (
            yield from self._written(
                instances,
                (),
                overwrite=overwrite,
                validate=validate,
                atomic_chunks=atomic_chunks,
                workers=workers,
                progress=progress,
            )
        )

    bulk_create = blocking(_bulk_create)
    abulk_create = awaiting(_bulk_create)

    def _upserted_all(
        self,
        instances: Sequence[M],
        named: frozenset[str] | None,
        *,
        validate: bool,
        workers: int,
        progress: ProgressOption,
    ) -> Flow[BulkResult[M]]:
        when_made = [self._set_when_made(instance) for instance in instances]
        jobs = [self._put_job(instance, validate=validate) for instance in instances]
        distinct(jobs, last_wins=False, model=self.model.__name__, hint="")
        flows: list[Flow[Status]] = []
        for job, left_alone in zip(jobs, when_made, strict=True):
            actions = self._setters(job.write, named, left_alone)
            if self._meta.guarded:
                self._at_home(job.given)
                flows.append(self._upserted_guarded(job, actions))
            else:
                flows.append(self._upserted(job, actions))
        tally = Tally(instances)
        yield from self._side_by_side(range(len(jobs)), flows, tally, workers, shown(progress))
        return tally.checked()

    def _bulk_update(
        self,
        instances: Iterable[M | Mapping[str, Any]],
        fields: Iterable[str],
        *,
        atomic_chunks: bool = False,
        validate: bool = True,
        workers: int = 1,
        progress: ProgressOption = None,
    ) -> Flow[BulkResult[M]]:
        """Write some fields of any number of items that exist, each by a request of its own.

        Of a loaded instance it is written what changed, as ``save(update_fields=fields)`` does; if
        nothing did, nothing is sent. Of one that was never loaded, the fields are set as they are.
        Fields that set themselves do so. Nothing else of the items is touched; all are tried.

        :param instances: instances, or dicts of the key and the values of the fields.
        :param fields: the names of the fields to write, not of the key.
        :param atomic_chunks: write up to 100 at a time (and 4 MB), all of them or none, at twice the
            price.
        :param validate: False skips ``required``, ``choices``, bounds and validators.
        :param workers: how many requests may be under way at once.
        :param progress: called with how many are done and how many there are, or True for a bar.
        :return: the instances that are stored so; ``outcomes`` tells which were sent.
        :raises ValidationError: some values cannot be stored, or two instances have one key; nothing
            was sent.
        :raises DoesNotExist: some items are not there: ``missing`` has their instances.
        :raises ConditionFailed: a list that changed was changed by another writer too.
        :raises TransactionCanceled: with *atomic_chunks*, a chunk was not written; all other chunks
            were tried. This and all else that is raised on the way has the result in ``done``.
        """
        check_outside("bulk_update()")
        named = self._fields_named("fields", fields)
        given = [self._at_home(self._instance(item)) for item in instances]
        flow = self._updated_all(
            given,
            named,
            atomic_chunks=atomic_chunks,
            validate=validate,
            workers=workers,
            progress=shown(progress),
        )
        return (yield from self._around(flow, given))

    bulk_update = blocking(_bulk_update)
    abulk_update = awaiting(_bulk_update)

    def _updated_all(
        self,
        given: Sequence[M],
        named: frozenset[str],
        *,
        atomic_chunks: bool,
        validate: bool,
        workers: int,
        progress: Progress | None,
    ) -> Flow[BulkResult[M]]:
        jobs = [self._key_job(instance) for instance in given]
        distinct(jobs, last_wins=False, model=self.model.__name__, hint="")
        tally = Tally(given)
        flows = [self._updated(instance, named, validate=validate) for instance in given]
        if atomic_chunks:
            by_place = dict(enumerate(flows))
            errors = yield from self._in_chunks(by_place, "updated", tally, workers, progress)
            return tally.checked(errors)
        started = all_begun(flows)
        yield from self._side_by_side(range(len(given)), started, tally, workers, progress)
        return tally.checked()
