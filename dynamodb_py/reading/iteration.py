"""Iteration: driving readers to the end, page by page, sync or async."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextvars import copy_context
from functools import partial
from operator import length_hint
from threading import Thread
from typing import Generic, TypeAlias, TypeVar

from ..exceptions import DynamoDBError, QueryError
from ..flows import Flow, Link, arun, begin_trace, hides_frames, run
from ..observing import Trace
from ..operations.items import StoredItem
from .positions import Position
from .reader import Reader
from .sources import Place

R = TypeVar("R")
T = TypeVar("T")

_NextPage: TypeAlias = "Callable[[], Flow[T | None]]"


def drive_pages(more: _NextPage[T], link: Link, ahead: bool) -> Generator[T, None, None]:
    """Yield the results of the flows that *more* returns, until a result is None.

    With *ahead*, a thread with a copy of the context fetches the next page while the caller uses one. An
    error is raised in place of its page. Closing the generator waits for a running request.
    """
    with begin_trace("iterate") as trace:
        if not ahead:
            while (page := run(more(), link, trace=trace)) is not None:
                yield page
            return
        ahead_page = _PageAhead(more, link, trace)
        try:
            while (page := ahead_page.page()) is not None:
                ahead_page = _PageAhead(more, link, trace)
                yield page
        finally:
            ahead_page.thread.join()


class _PageAhead(Generic[T]):
    """A page that a thread of its own fetches."""

    def __init__(self, more: _NextPage[T], link: Link, trace: Trace | None) -> None:
        self._flow, self._link, self._trace = more(), link, trace
        self._page: T | None = None
        self._error: BaseException | None = None
        target = partial(copy_context().run, self._fetch)
        self.thread = Thread(target=target, name="dynamodb_py ahead")
        self.thread.start()

    def _fetch(self) -> None:
        try:
            self._page = run(self._flow, self._link, trace=self._trace)
        except BaseException as error:
            self._error = error

    def page(self) -> T | None:
        self.thread.join()
        if (error := self._error) is not None:
            short = isinstance(error, DynamoDBError) and hides_frames(error)
            raise error.with_traceback(None) if short else error
        return self._page


async def adrive_pages(more: _NextPage[T], link: Link, ahead: bool) -> AsyncGenerator[T, None]:
    """Yield the results of the flows that *more* returns, as :func:`drive_pages`; *ahead* uses a task."""
    import asyncio  # loaded by programs that await only

    ahead_page: asyncio.Future[T | None] | None = None
    try:
        # It ends before a page that was fetched in vain is cancelled.
        with begin_trace("iterate") as trace:
            if not ahead:
                while (page := await arun(more(), link, trace=trace)) is not None:
                    yield page
                return
            ahead_page = asyncio.ensure_future(arun(more(), link, trace=trace))
            while (page := await ahead_page) is not None:
                ahead_page = asyncio.ensure_future(arun(more(), link, trace=trace))
                yield page
    finally:
        if ahead_page is not None:
            ahead_page.cancel()
            await asyncio.gather(ahead_page, return_exceptions=True)


_Page: TypeAlias = "tuple[list[StoredItem], Place]"


def _read_page(reader: Reader) -> Flow[_Page | None]:
    items = yield from reader.more()
    return None if items is None else (items, reader.place())


class _WalkState(Generic[R]):
    """The state of a walk, in its own object so that generators of a walk do not keep the walk alive."""

    def __init__(
        self, reader: Reader, link: Link, load: Callable[[StoredItem], R], ahead: bool
    ) -> None:
        self.reader, self.link, self.load, self.ahead = reader, link, load, ahead
        self.more = partial(_read_page, reader)
        self.left: Iterator[StoredItem] = iter(())
        """The rest of the page."""
        self.size = 0
        self.place: Place = reader.place()
        self.pages: Generator[_Page, None, None] | None = None
        self.apages: AsyncGenerator[_Page, None] | None = None
        self.unloaded = False
        """Whether the latest item could not be loaded."""
        self.broken = self.interrupted = self.ended = False

    def begin(self, page: _Page | None) -> None:
        if page is None:
            self.ended = True
        else:
            items, self.place = page
            self.left, self.size = iter(items), len(items)

    def taken(self) -> int:
        return self.size - length_hint(self.left) - self.unloaded

    def take_page(self) -> None:
        self.check(self.apages)
        if self.pages is None:
            self.pages = drive_pages(self.more, self.link, self.ahead)
        try:
            page = next(self.pages, None)
        except BaseException as error:
            self.pages, self.broken = (
                None,
                True,
            )  # the next iteration sends the failed request again
            self.interrupted = not isinstance(error, Exception)
            raise
        self.begin(page)

    async def atake_page(self) -> None:
        self.check(self.pages)
        if self.apages is None:
            self.apages = adrive_pages(self.more, self.link, self.ahead)
        try:
            page = await anext(self.apages, None)
        except BaseException as error:
            self.apages, self.broken = None, True
            self.interrupted = self.ahead and not isinstance(error, Exception)
            raise
        self.begin(page)

    def check(self, others: object) -> None:
        if others is not None:
            raise QueryError("iterate with for or with async for, not both: make a walk for each")
        if self.interrupted:  # a page may be lost
            raise QueryError("this walk was interrupted: start a new one from its checkpoint")


def _rows(walking: _WalkState[R]) -> Generator[R, None, None]:
    walking.unloaded = walking.broken = False
    while not walking.ended:
        try:
            yield from map(walking.load, walking.left)
        except Exception:
            walking.unloaded = walking.broken = True
            raise
        walking.take_page()


async def _arows(walking: _WalkState[R]) -> AsyncGenerator[R, None]:
    walking.unloaded = walking.broken = False
    while not walking.ended:
        try:
            for row in map(walking.load, walking.left):
                yield row
        except Exception:
            walking.unloaded = walking.broken = True
            raise
        await walking.atake_page()


class Walk(Generic[R], Iterator[R], AsyncIterator[R]):
    """An iterator of rows, which reads page by page; ``queryset.iterator()`` returns one.

    One page is in memory, or two with ``ahead=True``. It can be iterated once, with ``for`` or with ``async
    for``. After an error the iteration can continue: a failed request is sent again, and a row that could
    not be loaded is skipped.

    >>> walk = Score.objects.filter(player="ann").iterator()
    >>> next(walk).points
    50
    >>> walk.checkpoint is None, walk.requests
    (False, 1)

    :param load: makes the row of an item.
    :param cursor: makes the cursor of a position.
    """

    def __init__(
        self,
        reader: Reader,
        link: Link,
        load: Callable[[StoredItem], R],
        ahead: bool,
        cursor: Callable[[Position | None], str | None],
    ) -> None:
        self._walking = _WalkState(reader, link, load, ahead)
        self._cursor = cursor
        self._rows: Generator[R, None, None] | None = None
        self._arows: AsyncGenerator[R, None] | None = None

    def __iter__(self) -> Iterator[R]:
        if self._rows is None or self._walking.broken:
            self._rows = _rows(self._walking)
        return self._rows

    def __next__(self) -> R:
        return next(self.__iter__())

    def __aiter__(self) -> AsyncIterator[R]:
        if self._arows is None or self._walking.broken:
            self._arows = _arows(self._walking)
        return self._arows

    async def __anext__(self) -> R:
        return await anext(self.__aiter__())

    @property
    def checkpoint(self) -> str | None:
        """The cursor after the rows so far; None at the end of the results.

        If the query's limit ended the walk before the end, it is the cursor after the last row.
        """
        return self._cursor(self._walking.place(self._walking.taken()))

    @property
    def scanned(self) -> int:
        """The number of items read so far, before filters; with those of a page that was fetched ahead."""
        return self._walking.reader.scanned

    @property
    def requests(self) -> int:
        """The number of requests so far."""
        return self._walking.reader.requests

    @property
    def units(self) -> float:
        """The consumed read units so far, if requests ask for them, as they do if there is a rate."""
        return self._walking.reader.units

    def close(self) -> None:
        """End the walk; a running request is completed first. The checkpoint stays.

        The twin ``aclose()`` cancels a running request.

        >>> walk = Score.objects.filter(player="ann").iterator()
        >>> next(walk).game
        1
        >>> walk.close()
        >>> [score.game for score in Score.objects.filter(player="ann").after(walk.checkpoint)]
        [2]
        """
        walking = self._walking
        walking.ended = True
        if self._rows is not None:
            self._rows.close()
        if walking.pages is not None:
            walking.pages.close()

    async def aclose(self) -> None:
        """End the walk and cancel a running request. The checkpoint stays."""
        walking = self._walking
        walking.ended = True
        if self._arows is not None:
            await self._arows.aclose()
        if walking.apages is not None:
            await walking.apages.aclose()
