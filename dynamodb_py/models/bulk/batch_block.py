"""The block of ``with Model.objects.batch_write() as batch:``, which sends writes as they fill requests."""

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
    """The base class of the synchronous and the asynchronous block."""

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
        """The outcomes of all puts and deletes so far; the status of a pending one is "not tried"."""
        return self._tally.result()

    def __repr__(self) -> str:
        text = f"{len(self._tally)} writes, {len(self._pending)} of them not sent, {self._state}"
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
        """Send as many pending jobs as fit in one request of each worker."""
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
        for at in jobs:  # if the request is interrupted, its outcome is unknown
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
        """Return *job* with the present values of its instance, if a receiver may have changed it."""
        given: Any = job.given
        if not isinstance(job.write, Put) or not is_observed(given.__class__, "batch_write"):
            return job
        now = put_job(given, job.write.table, validate=self._validate)
        if now.place != job.place:
            raise ValidationError(
                f"{job.given!r}: its key changed after it was put in the block and before it was sent: "
                "put another instance for each item",
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
    """The block of ``batch_write()``: sends puts and deletes as they fill requests, and the rest at its end.

    A request holds 25 writes, and ``workers=`` requests are sent at a time. If the block raises, pending
    writes are not sent; those that were sent before stay: see ``result``. Only one thread may use a block.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html

    >>> with Score.objects.batch_write() as batch:
    ...     batch.put(Score(player="cat", game=1, points=5))
    ...     batch.delete(("ann", 1))
    >>> [outcome.status for outcome in batch.result.outcomes]
    ['created', 'deleted']
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
        """Write *item* with its present values; if it fills the requests, send them.

        >>> with Score.objects.batch_write(overwrite=True) as batch:
        ...     for game in range(1, 101):
        ...         batch.put({"player": "cat", "game": game, "points": 5})
        >>> Score.objects.filter(player="cat").count()
        100

        :param item: an instance, or a dict of field values.
        :raises ValidationError: *item* cannot be stored, or, without ``overwrite=True``, the block has
            another item with its key. *item* is not written.
        :raises AlreadyExists: keys of items that were sent were taken. This and other errors of requests
            are as for ``batch_write(items)``.
        :raises QueryError: the block is over, or was not entered.
        """
        self._put(item)
        self._send()

    save = put

    def delete(self, key: Any) -> None:
        """Delete an item; if that fills the requests, send them.

        >>> with Score.objects.batch_write() as batch:
        ...     for score in Score.objects.filter(player="ann"):
        ...         batch.delete(score)
        >>> Score.objects.filter(player="ann").exists()
        False

        :param key: an instance, or a key as for ``batch_get``. Errors are as for :meth:`put`.
        """
        self._delete(key)
        self._send()

    def _send(self) -> None:
        while self._is_full:
            run(self._write_batch(), self._bound._link)


class AsyncBatchBlock(Block[M], Generic[M]):
    """The block of ``abatch_write()``: like :class:`BatchBlock`, for ``async with``.

    ``put()`` and ``delete()`` add the item to the block at once. Awaiting their result sends the requests
    that are full. Without ``await`` the item stays in memory until a later ``await``, or the end of the
    block; it is not lost.

    >>> import asyncio
    >>> async def save_games(count):
    ...     async with Score.objects.abatch_write() as batch:
    ...         for game in range(count):
    ...             await batch.put(Score(player="cat", game=game))
    ...     return len(batch.result)
    >>> asyncio.run(save_games(60))
    60
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
        """Add *item*, with its present values, to the block; send full requests when awaited.

        >>> import asyncio
        >>> async def save():
        ...     async with Score.objects.abatch_write(overwrite=True) as batch:
        ...         await batch.put(Score(player="ann", game=1, points=99))
        >>> asyncio.run(save())
        >>> Score.get("ann", 1).points
        99

        :param item: an instance, or a dict of field values.
        :return: an awaitable. Errors are as for :meth:`BatchBlock.put`: the call raises those of *item*,
            and ``await`` those of requests.
        """
        self._put(item)
        return _Sending(self)

    save = put

    def delete(self, key: Any) -> Awaitable[None]:
        """Add a delete to the block; send full requests when awaited.

        >>> import asyncio
        >>> async def delete():
        ...     async with Score.objects.abatch_write() as batch:
        ...         await batch.delete(("ann", 1))
        >>> asyncio.run(delete())
        >>> Score.objects.filter(player="ann").count()
        1

        :param key: an instance, or a key as for ``batch_get``. The result and errors are as for :meth:`put`.
        """
        self._delete(key)
        return _Sending(self)

    async def _send(self) -> None:
        while self._is_full:
            await arun(self._write_batch(), self._bound._link)


class _Sending:
    """An awaitable that sends full requests; not awaiting it gives no warning, unlike a coroutine."""

    def __init__(self, block: AsyncBatchBlock[Any]) -> None:
        self._block = block

    def __await__(self) -> Generator[Any, None, None]:
        return self._block._send().__await__()
