"""Reading lanes of requests: one lane, or several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ..flows import Flow
from ..operations.items import Key, StoredItem
from ..operations.queries import Page, Query, Scan
from ..planning.plan import Lane, Plan, Trim
from ..schema import KeyAttribute
from .keys import make_value_reader, make_wire_reader, to_comparable, to_key, wires_in
from .pacing import Ledger
from .positions import Mark, Position, position_of
from .sources import Place


class Sheet(Struct):
    """A page of a lane: its beginning, its items, and the beginning of the next page."""

    at: int
    """The request, counted from 0."""
    after: Key | None
    """The key that it begins after; None: the first page of the request."""
    items: list[StoredItem]
    next_at: int
    next_after: Key | None
    values: Sequence[Any] = ()
    """The order values of the items, where lanes are merged."""
    run: tuple[Any, int, Key | None] | None = None
    """The last order value, and the request and key after which its items begin; None if not needed."""


_BEGINNING = Sheet(0, None, [], 0, None)


class Stream:
    """A reader of one lane, page by page. It is the source of a plan with one lane."""

    # On the class, as most streams are one request and need no values of their own.
    sheet = _BEGINNING
    used = 0
    """The number of items of the sheet that were returned."""
    head: tuple[int, StoredItem] | None = None
    """The first item, and its request."""
    _since = 0
    _fresh = True

    def __init__(self, lane: Lane, plan: Plan, ledger: Ledger, mark: Mark | None) -> None:
        self._lane, self._plan, self._ledger = lane, plan, ledger
        self.rest: Query | Scan | None = lane.requests[0]
        """The next request; None at the end."""
        if mark is not None:
            self._start_at(mark)

    def _start_at(self, mark: Mark) -> None:
        at, requests = mark.request, self._lane.requests
        after = None if mark.after is None else to_key(self._plan.position, mark.after)
        self.sheet = Sheet(at, after, [], at, after)
        self.rest = requests[at] if at < len(requests) else None
        if self.rest is not None and after is not None:
            self.rest = replace(self.rest, start=after)

    @property
    def is_empty(self) -> bool:
        """Whether all items of the sheet were returned."""
        return self.used == len(self.sheet.items)

    def more(self, want: int | None) -> Flow[list[StoredItem] | None]:
        """Return the rest of the page, or the next one."""
        items, used = self.sheet.items, self.used
        if used == len(items):
            request, ledger = self.request(want), self._ledger
            if request is None:
                return None
            if ledger.guarded:
                page = yield from ledger.send(request)
            else:  # the same as send(), without another generator
                ledger.requests += 1
                page = yield from request
                ledger.note(request, page)
            items, used = self.take_page(page), 0
        self._since = used
        if want is None or len(items) - used <= want:
            self.used = len(items)
            return items[used:] if used else items
        self.used = used + want
        return items[used : self.used]

    def request(self, want: int | None) -> Query | Scan | None:
        """Return the next request; from the second one on it reads at most *want* items."""
        request = self.rest
        if want is None or self._fresh or request is None:
            return request
        drops = request.expressions.filter or self._lane.trims
        if not drops and (request.limit is None or request.limit > want):
            return replace(request, limit=want)
        return request

    def take_page(self, page: Page) -> list[StoredItem]:
        """Make *page* the sheet, and return its items."""
        at, after = self.sheet.next_at, self.sheet.next_after
        requests, trims = self._lane.requests, self._lane.trims
        items, rest = page.items, page.rest
        if trims:
            items = _trim(items, trims[at])
        if rest is None:
            following = at + 1
            self.rest = requests[following] if following < len(requests) else None
            self.sheet = Sheet(at, after, items, following, None)
        else:
            self.rest = rest  # its lowered limit is still enough
            self.sheet = Sheet(at, after, items, at, page.last)
        self.used = self._since = 0
        self._fresh = False
        if self.head is None and items:
            self.head = (at, items[0])
        return items

    def mark(self, sheet: Sheet, used: int) -> Mark:
        """Return the mark of the lane after the first *used* items of *sheet*."""
        if used == len(sheet.items):
            at, after = sheet.next_at, sheet.next_after
        elif used:
            return Mark(sheet.at, make_wire_reader(self._plan.position)(sheet.items[used - 1]))
        else:
            at, after = sheet.at, sheet.after
        return Mark(at, None if after is None else wires_in(self._plan.position, after))

    def place(self) -> Place:
        """Return the place of the latest list."""
        return partial(self._place, self.sheet, self._since, self.used)

    def _place(
        self, sheet: Sheet, since: int, used: int, taken: int | None = None
    ) -> Position | None:
        used = used if taken is None else since + taken
        return position_of([self.mark(sheet, used)], self._plan)

    def before(self) -> Position | None:
        """Return the position before the first item, as one of the reversed plan."""
        return find_before([self], self._plan)

    def before_mark(self) -> Mark | None:
        """Return the mark of :meth:`before` for this lane; None if it is not known yet."""
        if self.head is not None:
            at, item = self.head
            return Mark(
                len(self._lane.requests) - 1 - at, make_wire_reader(self._plan.position)(item)
            )
        return Mark() if self.rest is None else None


def find_before(streams: list[Stream], plan: Plan) -> Position | None:
    """Return the position before the first items of all lanes, as one of the reversed plan."""
    if plan.kind != "query":
        return None
    marks = [stream.before_mark() for stream in reversed(streams)]
    known = [mark for mark in marks if mark is not None]
    return Position(tuple(known)) if len(known) == len(marks) else None


def streams_of(plan: Plan, ledger: Ledger, start: Position | None) -> list[Stream]:
    """Return a stream for each lane of *plan*."""
    marks: Sequence[Mark | None] = [None] * len(plan.lanes) if start is None else start.lanes
    return [Stream(lane, plan, ledger, mark) for lane, mark in zip(plan.lanes, marks, strict=True)]


def _trim(items: list[StoredItem], trim: Trim | None) -> list[StoredItem]:
    if trim is None or not trim.wires:
        return items
    (kind,) = {kind for wire in trim.wires for kind in wire}
    attributes = (KeyAttribute(trim.attribute, kind),)
    dropped = {to_comparable(attributes, (wire,)) for wire in trim.wires}
    read = make_value_reader(attributes)
    return [item for item in items if read(item) not in dropped]


def read_pages(streams: list[Stream], ledger: Ledger, workers: int, want: int | None) -> Flow[None]:
    """Read the next page of each of *streams*, as many as may be sent; raise the first error."""
    following = (stream.request(want) for stream in streams)
    requests = [request for request in following if request is not None]
    outcomes = yield from ledger.send_together(requests, workers)
    failure: Exception | None = None
    for stream, outcome in zip(streams, outcomes, strict=False):
        if isinstance(outcome, Page):
            stream.take_page(outcome)
        else:
            failure = failure or outcome
    if failure is not None:
        raise failure


class SideBySide:
    """A source of several lanes without a common order: items are returned as they come."""

    def __init__(self, plan: Plan, ledger: Ledger, start: Position | None, workers: int) -> None:
        self._plan, self._ledger, self._workers = plan, ledger, workers
        self._streams = streams_of(plan, ledger, start)
        self._turn = 0
        """The first lane of the next round, so that all lanes have their turn."""
        self._stand = [(stream.sheet, stream.used) for stream in self._streams]
        """The sheet of each lane, and the number of used items, before the latest list."""
        self._shares: list[tuple[int, int]] = []
        """The lanes of the latest list, and the number of its items from each."""

    def more(self, want: int | None) -> Flow[list[StoredItem] | None]:
        """Return the items of the next round of requests, or the rest of the latest one."""
        streams = self._streams
        if all(stream.is_empty for stream in streams):
            following = self._next()
            if not following:
                return None
            yield from read_pages(following, self._ledger, self._workers, want)
            self._turn = (streams.index(following[-1]) + 1) % len(streams)
        self._stand = [(stream.sheet, stream.used) for stream in streams]
        self._shares = []
        items: list[StoredItem] = []
        for at, stream in enumerate(streams):
            left = len(stream.sheet.items) - stream.used
            if left and want is not None:
                left = min(left, want - len(items))
            if left:
                items += stream.sheet.items[stream.used : stream.used + left]
                stream.used += left
                self._shares.append((at, left))
        return items

    def _next(self) -> list[Stream]:
        """Return the next lanes to read; only one for each worker, as their pages are in memory."""
        lanes = self._streams[self._turn :] + self._streams[: self._turn]
        return [stream for stream in lanes if stream.rest is not None][: self._workers]

    def place(self) -> Place:
        """Return the place of the latest list."""
        return partial(self._place, self._stand, self._shares)

    def _place(
        self, stand: list[tuple[Sheet, int]], shares: list[tuple[int, int]], taken: int | None
    ) -> Position | None:
        used = [each for _, each in stand]
        left = sum(count for _, count in shares) if taken is None else taken
        for at, count in shares:
            share = min(count, left)
            used[at] += share
            left -= share
        marks = [
            stream.mark(sheet, each)
            for stream, (sheet, _), each in zip(self._streams, stand, used, strict=True)
        ]
        return position_of(marks, self._plan)

    def before(self) -> Position | None:
        """Return None: without an order there is no position before the items."""
        return None
