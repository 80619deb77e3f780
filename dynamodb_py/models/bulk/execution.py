"""How puts and deletes of many items are carried out: in batches, by themselves, in transactions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ...batching import Progress, ProgressOption, counting, run_together, shown
from ...flows import Flow
from ...operations.batches import Put
from ..persistence.delete import mark_deleted
from ..persistence.locks import is_atomic
from ..signals.events import around_batch
from .atomic_chunks import AtomicChunks
from .jobs import Job, batched, distinct, ended
from .results import BulkResult, Status, Tally

if TYPE_CHECKING:
    from ..model import Model


M = TypeVar("M", bound="Model")
T = TypeVar("T")


class Carrying(AtomicChunks[M], Generic[M]):
    """Carries out puts and deletes, and notes what becomes of each."""

    __slots__ = ()

    def _around(
        self, flow: Flow[T], instances: Sequence[M], deletes: Iterable[Any] = ()
    ) -> Flow[T]:
        """Carry out *flow*, and let those who hear of batches know of it before and after."""
        model = self.model
        named = [(type(each) if isinstance(each, model) else model, each) for each in deletes]
        return around_batch(flow, instances, named, using=self._link.alias)

    def _written(
        self,
        items: Iterable[M | Mapping[str, Any]],
        deletes: Iterable[Any],
        *,
        overwrite: bool,
        validate: bool = True,
        atomic_chunks: bool = False,
        lists_deletes: bool = False,
        workers: int,
        progress: ProgressOption,
    ) -> Flow[BulkResult[Any]]:
        """Put *items* and delete *deletes*, of two with one key the last; return what became of them.

        :param lists_deletes: the list that is returned is of what was deleted.
        """
        instances, gone = [self._instance(item) for item in items], list(deletes)
        flow = self._write_all(
            instances,
            gone,
            overwrite=overwrite,
            validate=validate,
            atomic_chunks=atomic_chunks,
            lists_deletes=lists_deletes,
            workers=workers,
            progress=progress,
        )
        return (yield from self._around(flow, instances, gone))

    def _write_all(
        self,
        instances: Sequence[M],
        deletes: Sequence[Any],
        *,
        overwrite: bool,
        validate: bool,
        atomic_chunks: bool,
        lists_deletes: bool,
        workers: int,
        progress: ProgressOption,
    ) -> Flow[BulkResult[Any]]:
        jobs = [self._put_job(each, validate=validate) for each in instances]
        jobs += map(self._delete_job, deletes)
        tally: Tally[Any] = Tally([job.given for job in jobs], deletes=lists_deletes)
        kept = set(map(id, distinct(jobs, last_wins=overwrite, model=self.model.__name__)))
        todo = {at: job for at, job in enumerate(jobs) if id(job) in kept}
        superseded = [job for job in jobs if id(job) not in kept]
        for at in range(len(jobs)):
            if at not in todo:
                tally.note(at, "superseded")
        tell = shown(progress)
        if atomic_chunks:
            flows = {at: self._by_itself(job, insert=not overwrite) for at, job in todo.items()}
            status = _status(next(iter(todo.values())), overwrite) if todo else "unchanged"
            errors = yield from self._in_chunks(flows, status, tally, workers, tell)
        else:
            yield from self._carried_out(
                todo, tally, overwrite=overwrite, workers=workers, progress=tell
            )
            errors = tally.errors()
        self._gone_too(superseded, todo, tally)
        return tally.checked(errors)

    def _gone_too(
        self, superseded: Iterable[Job], jobs: Mapping[int, Job], tally: Tally[Any]
    ) -> None:
        """Let the instances of *superseded* know where one of *jobs* has deleted their item."""
        deleted = {
            job.place
            for at, job in jobs.items()
            if not isinstance(job.write, Put) and tally.is_done(at)
        }
        for job in superseded:
            if job.place in deleted and isinstance(job.given, self.model):
                mark_deleted(job.given)

    def _carried_out(
        self,
        jobs: Mapping[int, Job],
        tally: Tally[Any],
        *,
        overwrite: bool,
        workers: int,
        progress: Progress | None,
    ) -> Flow[None]:
        """Carry out *jobs*, no two of one key, by their places in *tally*, and note what comes of them."""
        guarded = self._meta.guarded or is_atomic(self._meta, None)
        puts = {at: job for at, job in jobs.items() if isinstance(job.write, Put)}
        deletes = {at: job for at, job in jobs.items() if at not in puts}
        # What has another class of the table for its owner is not deleted: that takes a condition.
        apart = guarded or (bool(deletes) and self._meta.free is not None)
        if overwrite and not apart:
            yield from batched(jobs, tally, self._done, workers, progress)
            return
        if guarded:
            flows = self._one_by_one(puts.values(), overwrite=overwrite)
        else:
            flows = [self._inserted(job) for job in puts.values()]
        told = counting(progress, len(jobs))
        if overwrite and not guarded:
            yield from batched(puts, tally, self._done, workers, told)
        else:
            yield from self._side_by_side(puts, flows, tally, workers, told)
        if tally.errors(puts) and (not overwrite or not guarded):
            for at in deletes:
                tally.note(at, "not tried")
            return
        if not deletes:
            return
        rest = counting(progress, len(jobs), len(puts))
        if apart:
            flows = self._one_by_one(deletes.values(), overwrite=overwrite)
            yield from self._side_by_side(deletes, flows, tally, workers, rest)
        else:
            yield from batched(deletes, tally, self._done, workers, rest)

    def _one_by_one(self, jobs: Iterable[Job], *, overwrite: bool) -> list[Flow[Status]]:
        return [
            ended(self._by_itself(job, insert=not overwrite), _status(job, overwrite))
            for job in jobs
        ]

    def _side_by_side(
        self,
        places: Iterable[int],
        flows: Sequence[Flow[Status]],
        tally: Tally[Any],
        workers: int,
        progress: Progress | None,
    ) -> Flow[None]:
        """Carry out *flows*, all of them, and note what comes of each at its place."""
        outcomes = yield from run_together(flows, workers, progress)
        for at, came in zip(places, outcomes, strict=True):
            tally.note(at, came)


def _status(job: Job, overwrite: bool) -> Status:
    """Return what *job* has come to when it is carried out."""
    if not isinstance(job.write, Put):
        return "deleted"
    return "written" if overwrite else "created"
