"""``with Model.objects.batch_write() as batch:``, writes that go out as they fill requests."""

from __future__ import annotations

from collections.abc import Awaitable, Generator, Iterable, Mapping
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ...batching import ProgressOption, as_callback
from ...exceptions import QueryError, ValidationError
from ...flows import Flow, arun, run
from ...limits import MAX_BATCH_WRITE
from ...operations.batches import Delete, Put
from ...pacing.buckets import limit_batch, make_pacer
from ...pacing.flows import pace
from ...reading.sources import check_workers
from ..instance import Instance, check_many
from ..signals.events import is_observed
from ..unit_of_work.collector import check_outside
from .bound_model import BoundModel, as_instance, table_name
from .execution import carry_out, detach_duplicates, send_batch_signals
from .jobs import Job, Place, check_batch_delete, key_job, make_duplicate_error, put_job
from .results import BulkResult, Tally

if TYPE_CHECKING:
    from typing_extensions import Self


M = TypeVar("M", bound=Instance)


class Block(Generic[M]):
    """The base of the blocks for waiting and for asyncio."""

    def __init__(
        self,
        bound: BoundModel[M],
        *,
        overwrite: bool = False,
        validate: bool = True,
        workers: int = 1,
        rate: float | None = None,
        progress: ProgressOption = None,
        keep_written: bool = True,
    ) -> None:
        self._bound, self._overwrite, self._validate = bound, overwrite, validate
        self._keeps = keep_written
        self._workers, self._report = check_workers(workers), as_callback(progress)
        self._pacer = make_pacer(rate)
        self._tally: Tally[Any] = Tally()
        self._pending: dict[Place, tuple[int, Job]] = {}
        self._superseded: dict[Place, list[Job]] = {}
        self._seen: set[Place] = set()
        self._sent = 0
        self._state = "not begun"

    @property
    def result(self) -> BulkResult[M]:
        """The outcomes of everything that was given so far; what was not sent yet is "not tried"."""
        return self._tally.result()

    def __repr__(self) -> str:
        text = f"{len(self._tally)} given, {len(self._pending)} of them not sent, {self._state}"
        return f"<{type(self).__name__} of {self._bound.model.__name__}: {text}>"

    def _begin(self) -> None:
        check_outside("batch_write()")
        if self._state != "not begun":
            raise QueryError(f"this block is {self._state}: make another one by batch_write()")
        self._state = "open"

    def _check_open(self) -> None:
        if self._state != "open":
            raise QueryError(
                f"this block is {self._state}: write inside of `with ....batch_write() as batch:`"
            )

    def _put(self, item: Any) -> None:
        self._check_open()
        instance = as_instance(self._bound, item)
        self._queue(put_job(instance, table_name(self._bound), validate=self._validate))

    def _delete(self, key: Any) -> None:
        self._check_open()
        check_batch_delete(self._bound)
        self._queue(key_job(self._bound, key, table_name(self._bound)))

    def _queue(self, job: Job) -> None:
        place = job.place
        if not self._overwrite:
            if place in self._seen or place in self._pending:
                raise make_duplicate_error(job.write.key, self._bound.model.__name__)
            if self._keeps:
                self._seen.add(place)
        if place in self._pending:
            at, earlier = self._pending.pop(place)
            self._tally.note(at, "superseded")
            if not self._keeps:
                self._tally.forget_done((at,))
            self._superseded.setdefault(place, []).append(earlier)
            self._sent += 1
        self._pending[place] = self._tally.add(job.given), job

    @property
    def _is_full(self) -> bool:
        return len(self._pending) >= MAX_BATCH_WRITE * self._workers

    def _write_batch(self) -> Flow[None]:
        """Send as many jobs as fill the requests of all workers, or all that there are."""
        check_outside("batch_write()")
        places = list(islice(self._pending, MAX_BATCH_WRITE * self._workers))
        jobs = dict(self._pending.pop(place) for place in places)
        puts = [job.given for job in jobs.values() if isinstance(job.write, Put)]
        deletes = [job.given for job in jobs.values() if isinstance(job.write, Delete)]
        try:
            yield from send_batch_signals(self._bound, self._send_jobs(jobs), puts, deletes)
        except Exception as error:
            for at in jobs:
                if not self._tally.is_noted(at):
                    self._tally.note(at, error)
            raise

    def _send_jobs(self, jobs: Mapping[int, Job]) -> Flow[None]:
        jobs = {at: self._renew(job) for at, job in jobs.items()}
        for at in jobs:  # the outcome of a request that is left in the middle is unknown
            self._tally.note(at, "unknown")
        carried_out = carry_out(
            self._bound,
            jobs,
            self._tally,
            overwrite=self._overwrite,
            workers=self._workers,
            progress=None,
            size=limit_batch(MAX_BATCH_WRITE, self._pacer),
        )
        yield from pace(carried_out, self._pacer)
        for job in jobs.values():
            superseded = self._superseded.pop(job.place, ())
            detach_duplicates(self._bound, superseded, jobs, self._tally)
        self._sent += len(jobs)
        if self._report is not None:
            self._report(self._sent, len(self._tally))
        if not self._keeps:
            self._tally.forget_done(jobs)
        self._tally.check_errors(jobs)

    def _renew(self, job: Job) -> Job:
        """Return *job* with the instance as it is now, if a receiver may have changed it."""
        given: Any = job.given
        if not isinstance(job.write, Put) or not is_observed(given.__class__, "batch_write"):
            return job
        now = put_job(given, job.write.table, validate=self._validate)
        if now.place != job.place:
            raise ValidationError(
                f"{job.given!r}: its key has changed since it was put in the block, where a receiver "
                "hears of it: put another instance for each item",
                model=self._bound.model.__name__,
            )
        return now


def stream_items(
    block: Block[M], items: Iterable[Any], deletes: Iterable[Any]
) -> Flow[BulkResult[M]]:
    """Put *items* and delete *deletes* in *block*, which sends them as they fill requests."""
    items, deletes = check_many(items, "items"), check_many(deletes, "keys to delete")
    block._begin()
    for take, given in ((block._put, items), (block._delete, deletes)):
        for each in given:
            take(each)
            while block._is_full:
                yield from block._write_batch()
    while block._pending:
        yield from block._write_batch()
    return block.result


class BatchBlock(Block[M], Generic[M]):
    """Puts and deletes that are sent as they fill requests, 25 for each worker, and at the end.

    If the block raises, nothing that is pending is sent. What was sent before stays: see ``result``.
    It is of one thread.
    """

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            while error is None and self._pending:
                run(self._write_batch(), self._bound._link)
        finally:
            self._state, self._pending = "over", {}

    def put(self, item: M | Mapping[str, Any]) -> None:
        """Write an item, an instance or a dict of field values, as it is now.

        If that fills the requests, they are sent.

        :raises ValidationError: it cannot be stored, or, without *overwrite*, there was one with its
            key in the block; it is not written.
        :raises AlreadyExists: and others: of what was sent, as for ``batch_write(items)``.
        :raises QueryError: the block is over, or was not entered.
        """
        self._put(item)
        self._send()

    save = put

    def delete(self, key: Any) -> None:
        """Delete the item with this key, or this instance; the rest is as for ``put``."""
        self._delete(key)
        self._send()

    def _send(self) -> None:
        while self._is_full:
            run(self._write_batch(), self._bound._link)


class AsyncBatchBlock(Block[M], Generic[M]):
    """The same for asyncio: ``put`` and ``delete`` take the item at once, and send when awaited.

    ``await batch.put(item)`` sends if that fills the requests. Without the ``await``, the item waits
    for the next one, or the end of the block: it is not lost, but takes memory meanwhile.
    """

    async def __aenter__(self) -> Self:
        self._begin()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            while error is None and self._pending:
                await arun(self._write_batch(), self._bound._link)
        finally:
            self._state, self._pending = "over", {}

    def put(self, item: M | Mapping[str, Any]) -> Awaitable[None]:
        """Write an item, an instance or a dict of field values, as it is now.

        It is taken before this returns; awaiting what it returns sends what fills the requests. It
        raises as that of a block for waiting does, when it is called or awaited.
        """
        self._put(item)
        return _Sending(self)

    save = put

    def delete(self, key: Any) -> Awaitable[None]:
        """Delete the item with this key, or this instance; the rest is as for ``put``."""
        self._delete(key)
        return _Sending(self)

    async def _send(self) -> None:
        while self._is_full:
            await arun(self._write_batch(), self._bound._link)


class _Sending:
    """An awaitable that need not be awaited, unlike a coroutine."""

    def __init__(self, block: AsyncBatchBlock[Any]) -> None:
        self._block = block

    def __await__(self) -> Generator[Any, None, None]:
        return self._block._send().__await__()
