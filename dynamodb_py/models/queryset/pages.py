"""Reads query sets in parts: pages with cursors, and iterators with checkpoints."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ...exceptions import MaxRequestsReached, QueryError
from ...flows import Flow
from ...operations.items import StoredItem
from ...planning import Lane, Plan
from ...reading import Position, Reader, Walk, adrive_pages, drive_pages, reversed_plan
from .base import M, R, check_single
from .builders import Builders
from .execution import (
    CursorReader,
    complete_rows,
    cursors_of,
    loader_of,
    make_reader,
    plan_query,
    position_of,
    reader_options,
)

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True):
    """One page of a query set: some rows, and the cursors of the next and the previous page.

    >>> page = Score.objects.filter(player="ann").page(size=1)
    >>> [score.game for score in page], page.has_next, page.has_previous
    ([1], True, False)
    """

    items: list[T]
    next_cursor: str | None = None
    """The argument of ``page(cursor=...)`` or ``after()`` for the next page; None at the end. It is URL-safe."""
    previous_cursor: str | None = None
    """The argument of ``page(cursor=...)`` for the previous page; None at the beginning, and for Scans."""
    scanned: int = 0
    """The number of items that were read for this page, before filters."""
    requests: int = 0
    """The number of requests that were sent for this page."""
    units: float | None = None
    """The read units that this page cost; None except for pages of ``pages()``."""

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
    """The pages that DynamoDB returns: iterated once, by ``for`` or ``async for``."""

    def __init__(self, more: Callable[[], Flow[Page[T] | None]], link: Any) -> None:
        self._more, self._link = more, link

    def __iter__(self) -> Iterator[Page[T]]:
        return drive_pages(self._more, self._link, ahead=False)

    def __aiter__(self) -> AsyncIterator[Page[T]]:
        return adrive_pages(self._more, self._link, ahead=False)


def walk_rows(queryset: Builders[M, R]) -> Walk[R]:
    """Return an iterator over the rows, with one page in memory."""
    check_single(queryset, "iterator()")
    plan = plan_query(queryset)
    load, cursors = loader_of(queryset, plan), cursors_of(queryset, plan)
    link, ahead = queryset._link, queryset._read_options.prefetch
    if not queryset._read_options.related:
        return Walk(make_reader(queryset, plan), link, load, ahead, cursors)
    reader = _CompletingReader(queryset, plan)
    return Walk(reader, link, reader.take, ahead, cursors)


class _CompletingReader(CursorReader):
    """A reader that converts each list of items to rows, and reads the relations of these rows."""

    __slots__ = ("_queryset", "_rows")

    def __init__(self, queryset: Builders[Any, Any], plan: Plan) -> None:
        super().__init__(queryset, plan)
        self._queryset = queryset
        self._rows: dict[int, Any] = {}

    def more(self) -> Flow[list[StoredItem] | None]:
        items = yield from super().more()
        if items:
            rows = list(map(loader_of(self._queryset, self._plan), items))
            yield from complete_rows(self._queryset, rows)
            self._rows.update({id(item): row for item, row in zip(items, rows, strict=True)})
        return items

    def take(self, item: StoredItem) -> Any:
        """Return the row of *item*, and forget it."""
        return self._rows.pop(id(item))


def read_pages(queryset: Builders[M, R]) -> Pages[R]:
    """Return the pages that DynamoDB returns."""
    check_single(queryset, "pages()")
    plan = plan_query(queryset)
    load, cursor = loader_of(queryset, plan), cursors_of(queryset, plan)
    reader = make_reader(queryset, _with_costs(plan))
    measured = plan.kind in ("query", "scan")

    def more() -> Flow[Page[R] | None]:
        scanned, requests, units = reader.scanned, reader.requests, reader.units
        items = yield from reader.more()
        if items is None:
            return None
        rows = list(map(load, items))
        yield from complete_rows(queryset, rows)
        return Page(
            rows,
            cursor(reader.position()),
            None,
            reader.scanned - scanned,
            reader.requests - requests,
            reader.units - units if measured else None,
        )

    return Pages(more, queryset._link)


def get_page(queryset: Builders[M, R], size: int = 20, cursor: str | None = None) -> Flow[Page[R]]:
    """Return a page of *size* rows; the last page may have fewer.

    If filters drop items, it sends more requests until the page is full. With ``max_requests()`` any page
    may have fewer rows, even if ``has_next`` is true.

    >>> page = Score.objects.filter(player="ann").page(size=1)
    >>> [each.game for each in page.items], page.has_next
    ([1], True)
    >>> after = Score.objects.filter(player="ann").page(size=1, cursor=page.next_cursor)
    >>> [each.game for each in after.items], after.has_next
    ([2], False)

    :param size: the number of rows, 1 or more.
    :param cursor: ``next_cursor`` or ``previous_cursor`` of a page of the same query; by default the page
        is the first.
    :raises InvalidCursor: the cursor was altered or cut short, or is of another query.
    :raises QueryError: a wrong *size*, or a query set with a limit; nothing was sent.
    """
    _check_paged(queryset, size, cursor)
    question = replace(queryset._question, limit=size + 1)  # one more, for has_next
    plan, options = plan_query(queryset, question), queryset._read_options
    start = position_of(queryset, plan, options.start if cursor is None else cursor)
    back = start is not None and start.backward
    reader = Reader(reversed_plan(plan) if back else plan, start=start, **reader_options(queryset))
    items, rest = yield from _fill_page(reader, size)
    if back:
        items.reverse()
    text_of = cursors_of(queryset, plan)
    onward, before = text_of(rest), text_of(reader.before())
    rows = list(map(loader_of(queryset, plan), items))
    yield from complete_rows(queryset, rows)
    return Page(
        rows,
        before if back else onward,
        onward if back else before,
        reader.scanned,
        reader.requests,
    )


def _check_paged(queryset: Builders[Any, Any], size: int, cursor: str | None) -> None:
    check_single(queryset, "page()")
    name = queryset.model.__name__
    if type(size) is not int:
        raise QueryError(f"page(size={size!r}): the size must be an int")
    if size < 1:
        raise QueryError(f"page(size={size!r}): a page has at least one row")
    if queryset._question.limit is not None:
        raise QueryError(f"{name}: page(size) is the limit of rows: leave out limit() and slices")
    if queryset._read_options.start is not None and cursor is not None:
        raise QueryError(
            f"{name}: page(cursor=...) and after(...) both start the page: use one of them"
        )


def _fill_page(reader: Reader, size: int) -> Flow[tuple[list[StoredItem], Position | None]]:
    """Read *size* items; return them, and the position behind the last of them, None at the end."""
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


def _with_costs(plan: Plan) -> Plan:
    """Return *plan* with requests that ask DynamoDB for their cost."""
    lanes = tuple(
        Lane(tuple(replace(each, measured=True) for each in lane.requests), lane.trims)
        for lane in plan.lanes
    )
    return replace(plan, lanes=lanes) if lanes else plan
