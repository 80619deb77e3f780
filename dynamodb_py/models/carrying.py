"""How puts and deletes of many items are carried out: in batches, by themselves, in transactions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..batching import Progress, abreast
from ..flows import Flow
from ..operations.batches import Put
from .atomic_chunks import AtomicChunks
from .bulk import ProgressOption, counting, shown
from .jobs import Job, batched, distinct
from .locking import is_atomic
from .results import BulkResult, Status, Tally

if TYPE_CHECKING:
    from .base import Model

M = TypeVar("M", bound="Model")


class Carrying(AtomicChunks[M], Generic[M]):
    """Carries out puts and deletes, and notes what becomes of each."""

    __slots__ = ()

    def _written(
        self,
        jobs: Sequence[Job],
        *,
        overwrite: bool,
        validate: bool = True,
        atomic_chunks: bool = False,
        workers: int,
        progress: ProgressOption,
        verb: str = "bulk_create",
    ) -> Flow[BulkResult[Any]]:
        """Carry out *jobs*, of two with one key the last, and return what became of them."""
        if atomic_chunks:
            self._check_atomic(verb)
        given = [job.given for job in jobs]
        tally: Tally[Any] = Tally(given, deletes=verb == "bulk_delete")
        kept = set(map(id, distinct(jobs, last_wins=overwrite, model=self.model.__name__)))
        todo: dict[int, Job] = {}
        for at, job in enumerate(jobs):
            if id(job) in kept:
                todo[at] = job
            else:
                tally.note(at, "superseded")
        if atomic_chunks:
            flows = {at: self._alone(job, overwrite=overwrite) for at, job in todo.items()}
            errors = yield from self._in_chunks(flows, given, tally, workers, shown(progress))
            return tally.checked(errors)
        yield from self._carried_out(
            todo,
            tally,
            overwrite=overwrite,
            validate=validate,
            workers=workers,
            progress=shown(progress),
        )
        return tally.checked()

    def _carried_out(
        self,
        jobs: Mapping[int, Job],
        tally: Tally[Any],
        *,
        overwrite: bool,
        validate: bool,
        workers: int,
        progress: Progress | None,
    ) -> Flow[None]:
        """Carry out *jobs*, no two of one key, by their places in *tally*, and note what comes of them."""
        guarded = self._meta.guarded or is_atomic(self._meta, None)
        if overwrite and not guarded:
            yield from batched(jobs, tally, self._done, workers, progress)
            return
        puts = {at: job for at, job in jobs.items() if isinstance(job.write, Put)}
        deletes = {at: job for at, job in jobs.items() if at not in puts}
        if guarded:
            flows = [
                self._saved(self._at_home(job.given), insert=not overwrite, validate=validate)
                for job in puts.values()
            ]
        else:
            flows = [self._inserted(job) for job in puts.values()]
        told = counting(progress, len(jobs))
        yield from self._side_by_side(puts, flows, tally, workers, told)
        if not deletes or (tally.errors(puts) and not overwrite):
            return
        rest = counting(progress, len(jobs), len(puts))
        if guarded:
            flows = [self._deleted(job.given) for job in deletes.values()]
            yield from self._side_by_side(deletes, flows, tally, workers, rest)
        else:
            yield from batched(deletes, tally, self._done, workers, rest)

    def _side_by_side(
        self,
        places: Iterable[int],
        flows: Sequence[Flow[Status]],
        tally: Tally[Any],
        workers: int,
        progress: Progress | None,
    ) -> Flow[None]:
        """Carry out *flows*, all of them, and note what comes of each at its place."""
        outcomes = yield from abreast(flows, workers, progress)
        for at, came in zip(places, outcomes, strict=True):
            tally.note(at, came)
