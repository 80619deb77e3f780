"""The reader: it executes a plan, list by list, and returns its position."""

from __future__ import annotations

import time
from functools import partial

from msgspec.structs import replace

from ..batching import Progress
from ..flows import Flow
from ..operations.items import StoredItem
from ..pacing.buckets import Bucket, Clock
from ..planning.plan import Plan
from .lanes import SideBySide, Stream
from .merging import Merge
from .pacing import Ledger
from .positions import Position, check_fits, is_beginning
from .sources import ByKeys, ByOwner, Completed, Nothing, One, Place, Source, check_workers


class Reader:
    """An execution of a plan. It does no I/O itself: :meth:`more` and :meth:`count` are flows.

    One page is in memory of each lane that is merged or read at the same time. A flow that fails, or is
    cancelled, loses nothing: the next one sends the same request again.

    :param start: a position of the same plan to continue from; ``limit`` counts from there.
    :param max_requests: the largest number of requests, without retries. Each merged lane needs one before the
        first item.
    :param rate: the largest number of read units per second, over 0; by default, no limit. A response without
        consumed capacity counts as half a unit for each 4 KB of items (one if consistent), at least one.
    :param progress: called after each round of requests with the number of items read and the total. The total
        is DynamoDB's number of items, for a scan from its beginning; otherwise it is 0.
    :param workers: the largest number of requests at a time; by default, 8.
    :raises InvalidCursor: *start* is not a position of *plan*.
    """

    __slots__ = ("_before", "_ledger", "_limit", "_plan", "_source", "_start", "returned")

    def __init__(
        self,
        plan: Plan,
        *,
        start: Position | None = None,
        max_requests: int | None = None,
        rate: float | None = None,
        progress: Progress | None = None,
        workers: int = 8,
        clock: Clock = time.monotonic,
    ) -> None:
        if start is not None:
            check_fits(start, plan)
        self._plan, self._start, self._limit = plan, start, plan.limit
        ledger = self._ledger = Ledger()
        if max_requests is not None or rate is not None:
            ledger.restrict(max_requests, None if rate is None else Bucket(rate, clock))
        ledger.progress = progress
        lanes = plan.lanes
        if len(lanes) == 1 and not plan.full:  # the usual case
            mark = None if start is None else start.lanes[0]
            self._source: Source = Stream(lanes[0], plan, ledger, mark)
        else:
            self._source = _make_source(plan, ledger, start, check_workers(workers))
        self.returned = 0
        """The number of items that were returned."""

    @property
    def scanned(self) -> int:
        """The number of items that were read, before filters."""
        return self._ledger.scanned

    @property
    def requests(self) -> int:
        """The number of requests that were sent."""
        return self._ledger.requests

    @property
    def units(self) -> float:
        """The consumed read units, if requests ask for them, as they do if there is a rate."""
        return self._ledger.units

    def more(self) -> Flow[list[StoredItem] | None]:
        """Return the next items; [] for an empty page, and None at the end and afterwards.

        :raises MaxRequestsReached: there may be more; continue from :meth:`position`.
        """
        ledger, want = self._ledger, self._limit
        if want is not None:
            want -= self.returned + ledger.counted
            if want <= 0:
                ledger.report_progress(ended=True)
                return None
        requests = ledger.requests
        if ledger.progress is not None and not requests and self._start is None:
            yield from ledger.find_total(self._plan)
        items = yield from self._source.more(want)
        if items:
            self.returned += len(items)
        if ledger.progress is not None and (items is None or ledger.requests != requests):
            ledger.report_progress(ended=items is None or self.position() is None)
        return items

    def count(self) -> Flow[int]:
        """Return the number of items from here to the end, or to the plan's limit."""
        before = self.returned + self._ledger.counted
        while (yield from self.more()) is not None:
            pass
        count = self.returned + self._ledger.counted
        return (count if self._limit is None else min(count, self._limit)) - before

    def position(self, taken: int | None = None) -> Position | None:
        """Return the position after the first *taken* items of the latest list, or after all if it is None.

        The result is None at the end of the results; not if the plan's limit ended the read before.
        """
        return self.place()(taken)

    def place(self) -> Place:
        """Return the function :meth:`position` for the latest list; it stays valid when the next one is read."""
        place = self._source.place()
        if self._start is not None and self._start.backward:
            return partial(_make_backward, place)
        return place

    def before(self) -> Position | None:
        """Return the position before this reader's items, for :func:`~dynamodb_py.reading.reversed_plan`.

        None if this reader started at the beginning, or has returned nothing yet. It is also None for
        scans, which have no order, and for lanes that may repeat an item.
        """
        start = self._start
        if start is None or is_beginning(start):
            return None
        position = self._source.before()
        if position is None or start.backward:
            return position
        return replace(position, backward=True)


def _make_backward(place: Place, taken: int | None) -> Position | None:
    position = place(taken)
    return None if position is None else replace(position, backward=True)


def _make_source(plan: Plan, ledger: Ledger, start: Position | None, workers: int) -> Source:
    if plan.kind == "nothing":
        return Nothing()
    if plan.kind == "get":
        return One(plan, ledger, start)
    if plan.kind == "unique":
        return ByOwner(plan, ledger, start)
    if plan.kind == "batch_get":
        return ByKeys(plan, ledger, start, workers)
    source: Source
    if len(plan.lanes) == 1:
        source = Stream(plan.lanes[0], plan, ledger, None if start is None else start.lanes[0])
    elif plan.order or plan.distinct:
        source = Merge(plan, ledger, start, workers)
    else:  # with a limit, one lane after the other reads less
        source = SideBySide(plan, ledger, start, workers if plan.limit is None else 1)
    return Completed(source, plan, ledger, workers) if plan.full else source
