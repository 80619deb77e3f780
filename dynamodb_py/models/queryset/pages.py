"""Query sets in parts: pages with cursors, and walks that can be left and taken up again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Generic, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from ...exceptions import InvalidCursor, MaxRequestsReached, QueryError
from ...flows import Flow, arun, awaiting, blocking, run
from ...operations.items import StoredItem
from ...planning import Lane, Plan
from ...reading import Position, Reader, Walk, decode, encode, query_digest, reversed_plan
from .builders import M, R
from .reads import Answers

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True):
    """Some rows of a query set, and where those before and after them are."""

    items: list[T]
    next_cursor: str | None = None
    """What ``page(cursor=...)`` and ``after()`` go on with, a text that fits into a URL; None at the end."""
    previous_cursor: str | None = None
    """What ``page(cursor=...)`` goes back with; None at the beginning, and for scans, which cannot."""
    scanned: int = 0
    """How many items were read for it, before filters."""
    requests: int = 0
    """How many requests were sent for it."""
    units: float | None = None
    """The read units that it cost, where DynamoDB was asked for them: by ``pages()``."""

    @property
    def has_next(self) -> bool:
        """Whether there is a page after this one."""
        return self.next_cursor is not None

    @property
    def has_previous(self) -> bool:
        """Whether there is a page before this one."""
        return self.previous_cursor is not None

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


class Pages(Generic[T]):
    """The pages of a query set as DynamoDB gives them: iterated once, by ``for`` or ``async for``."""

    def __init__(self, more: Callable[[], Flow[Page[T] | None]], link: Any) -> None:
        self._more, self._link = more, link

    def __iter__(self) -> Iterator[Page[T]]:
        while (page := run(self._more(), self._link)) is not None:
            yield page

    async def __aiter__(self) -> AsyncIterator[Page[T]]:
        while (page := await arun(self._more(), self._link)) is not None:
            yield page


class Paging(Answers[M, R], Generic[M, R]):
    """The verbs that give a part at a time."""

    __slots__ = ()

    def iterator(self) -> Walk[R]:
        """Return the rows, one after the other, in the memory of a page; nothing is kept.

        It is iterated once, by ``for`` or ``async for``. Its ``checkpoint`` tells at any time where
        to go on: ``after(checkpoint)``, or ``scan(checkpoint=...)``.
        """
        self._check_single("iterator()")
        plan = self._plan()
        reader, load, cursors = self._reader(plan), self._loader(plan), self._cursors(plan)
        if self._how.related:
            ready = Ready(reader, load, self._complete)
            return Walk(cast("Reader", ready), self._link, ready.take, self._how.prefetch, cursors)
        return Walk(reader, self._link, load, self._how.prefetch, cursors)

    def pages(self) -> Pages[R]:
        """Return the pages as DynamoDB gives them, empty ones too, each with what it cost."""
        self._check_single("pages()")
        plan = self._plan()
        load, cursor = self._loader(plan), self._cursors(plan)
        reader = self._reader(_measured(plan))
        told = plan.kind in ("query", "scan")

        def more() -> Flow[Page[R] | None]:
            scanned, requests, units = reader.scanned, reader.requests, reader.units
            items = yield from reader.more()
            if items is None:
                return None
            rows = list(map(load, items))
            yield from self._complete(rows)
            return Page(
                rows,
                cursor(reader.position()),
                None,
                reader.scanned - scanned,
                reader.requests - requests,
                reader.units - units if told else None,
            )

        return Pages(more, self._link)

    def _page(self, size: int = 20, cursor: str | None = None) -> Flow[Page[R]]:
        """Return a page of *size* rows, full also where filters drop items; the last has what is left.

        With ``max_requests()`` it may have fewer, and ``has_next`` all the same.

        :param cursor: ``next_cursor`` or ``previous_cursor`` of a page of the same query.
        :raises InvalidCursor: it was altered, cut short, or made for another query.
        """
        self._check_paged(size, cursor)
        question = replace(self._question, limit=size + 1)  # one more tells whether there is more
        plan, how = self._plan(question), self._how
        start = self._position(plan, how.start if cursor is None else cursor)
        back = start is not None and start.backward
        reader = Reader(reversed_plan(plan) if back else plan, start=start, **self._pace())
        items, rest = yield from _filled(reader, size)
        if back:
            items.reverse()
        tell = self._cursors(plan)
        onward, before = tell(rest), tell(reader.before())
        rows = list(map(self._loader(plan), items))
        yield from self._complete(rows)
        return Page(
            rows,
            before if back else onward,
            onward if back else before,
            reader.scanned,
            reader.requests,
        )

    page = blocking(_page)
    apage = awaiting(_page)

    def _check_paged(self, size: int, cursor: str | None) -> None:
        self._check_single("page()")
        name = self.model.__name__
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise QueryError(f"page(size={size!r}): a page has at least one row")
        if self._question.limit is not None:
            raise QueryError(f"{name}: page(size) is itself a limit: drop limit() and slices")
        if self._how.start is not None and cursor is not None:
            raise QueryError(f"{name}: page(cursor=...) or after(...): one place to go on from")

    def _cursors(self, plan: Plan) -> Callable[[Position | None], str | None]:
        """Return what makes the text of a position of *plan*."""
        key = self._link.cursor_key
        digest: list[bytes] = []

        def text(position: Position | None) -> str | None:
            if position is None:
                return None
            if not digest:  # made when there is something to bind
                digest.append(query_digest(plan))
            return encode(position, digest[0], key)

        return text

    def _position(self, plan: Plan, cursor: str | None) -> Position | None:
        if cursor is None:
            return None
        return decode(cursor, query_digest(plan), self._link.cursor_key)

    def _reader(self, plan: Plan) -> Reader:
        how = self._how
        if how.max_requests is None and how.start is None:
            return super()._reader(plan)
        start = self._position(plan, how.start)
        if start is not None and start.backward:
            raise InvalidCursor(
                f"{self.model.__name__}: this is the previous_cursor of a page: give it to "
                "page(cursor=...), or go on from a next_cursor"
            )
        return _Telling(plan, self._cursors(plan), start, **self._pace())


class Ready(Generic[T]):
    """A reader that makes rows of what it has read, and completes them, a list at a time."""

    def __init__(
        self,
        reader: Reader,
        load: Callable[[StoredItem], T],
        complete: Callable[[list[T]], Flow[None]],
    ) -> None:
        self._reader, self._load, self._complete = reader, load, complete
        self._rows: dict[int, T] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def more(self) -> Flow[list[StoredItem] | None]:
        items = yield from self._reader.more()
        if items:
            rows = list(map(self._load, items))
            yield from self._complete(rows)
            self._rows.update({id(item): row for item, row in zip(items, rows, strict=True)})
        return items

    def take(self, item: StoredItem) -> T:
        """Return the row of an item, which was made when that was read."""
        return self._rows.pop(id(item))


class _Telling(Reader):
    """A reader whose errors say where to go on."""

    __slots__ = ("_cursor",)

    def __init__(
        self,
        plan: Plan,
        cursor: Callable[[Position | None], str | None],
        start: Position | None,
        **pace: Any,
    ) -> None:
        super().__init__(plan, start=start, **pace)
        self._cursor = cursor

    def more(self) -> Flow[list[StoredItem] | None]:
        try:
            return (yield from super().more())
        except MaxRequestsReached as error:
            error.cursor = self._cursor(self.position())
            raise


def _filled(reader: Reader, size: int) -> Flow[tuple[list[StoredItem], Position | None]]:
    """Read *size* items, and find out whether there are more: where to go on, None if there are not."""
    items: list[StoredItem] = []
    while True:
        try:
            more = yield from reader.more()
        except MaxRequestsReached:
            return items, reader.position()
        if more is None:
            return items, None
        if len(items) + len(more) > size:
            taken = size - len(items)
            return [*items, *more[:taken]], reader.position(taken)
        items += more


def _measured(plan: Plan) -> Plan:
    """Return *plan* with requests that ask what they cost."""
    lanes = tuple(
        Lane(tuple(replace(each, measured=True) for each in lane.requests), lane.trims)
        for lane in plan.lanes
    )
    return replace(plan, lanes=lanes) if lanes else plan
