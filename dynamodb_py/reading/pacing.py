"""The cost of a read, and its limits: requests, items, read units, and units per second."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from ..batching import Progress, as_total, execute_step, next_step
from ..exceptions import MaxRequestsReached, RequestError
from ..flows import Flow
from ..limits import READ_UNIT_BYTES
from ..operations.base import Operation, Pause, Step, Together
from ..operations.items import StoredItem
from ..operations.queries import Page, Query, Scan
from ..pacing.buckets import Bucket
from ..planning.plan import Plan

if TYPE_CHECKING:
    from .. import planning
    from ..operations import tables
else:
    from ..lazy import planning, tables

T = TypeVar("T")


def estimate_units(items: Iterable[StoredItem], *, consistent: bool, scanned: int = 0) -> float:
    """Return the estimated units for reading *items*: half a unit for each 4 KB, one if *consistent*.

    It is at least 1. The size of an item is that of its JSON.

    :param scanned: the number of items that were read, if a filter dropped some.
    """
    sizes = [len(item) for item in items]
    size = sum(sizes) * max(1.0, scanned / len(sizes) if sizes else 1.0)
    return max(1.0, -(-size // READ_UNIT_BYTES) * (1.0 if consistent else 0.5))


def find_total(plan: Plan) -> Flow[int]:
    """Return the number of items that a scan will read, as DescribeTable reports it; 0 if it is not known.

    It is not known for other plans, or if DescribeTable fails. It may be six hours old:
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
    """
    if plan.kind != "scan":
        return 0
    try:
        described = yield from tables.DescribeTable(plan.table)
    except RequestError:  # the usual reason is a missing permission
        return 0
    return planning.find_sizes(described, plan.index)[0]


class Ledger:
    """The counters of a read's requests and items, with its limits and its progress function."""

    # On the class, as most reads are one request and need no values of their own.
    requests = scanned = counted = 0
    units = 0.0
    guarded = False
    """Whether requests are limited, in number or in speed."""
    _most: int | None = None
    _bucket: Bucket | None = None
    progress: Progress | None = None
    _total = 0

    def restrict(self, most: int | None, bucket: Bucket | None) -> None:
        """Allow at most *most* requests, at the rate of *bucket*."""
        self._most, self._bucket = most, bucket
        self.guarded = True

    def send(self, request: Query | Scan) -> Flow[Page]:
        """Send one request."""
        if self.guarded:
            self.allowance(1)
            request = yield from self._pace(request)
        self.requests += 1
        page = yield from request
        self.note(request, page)
        return page

    def send_together(
        self, requests: Sequence[Query | Scan], workers: int
    ) -> Flow[list[Page | Exception]]:
        """Send *requests* side by side, as many as the limit still allows."""
        sent = requests[: self.allowance(len(requests))]
        if len(sent) == 1:
            return [(yield from self.send(sent[0]))]
        if self._bucket is not None:
            first = yield from self._pace(sent[0])
            sent = [first, *(replace(each, measured=True) for each in sent[1:])]
        self.requests += len(sent)
        outcomes = yield from Together(sent, workers)
        for request, outcome in zip(sent, outcomes, strict=True):
            if isinstance(outcome, Page):
                self.note(request, outcome)
        return outcomes

    def drive(self, flow: Flow[T]) -> Flow[T]:
        """Execute *flow* and count its requests."""
        outcome: Any = None
        try:
            while True:
                step = next_step(flow, outcome)
                if sent := _count_requests(step):
                    self._admit(sent)
                    yield from self._pause()
                    self.requests += sent
                outcome = yield from execute_step(step)
        except StopIteration as stop:
            value: T = stop.value
            return value
        finally:
            flow.close()

    def count_items(self, items: Sequence[StoredItem], *, consistent: bool) -> None:
        """Count items that were read by key, without consumed capacity."""
        self.scanned += len(items)
        if self._bucket is not None:
            each = (estimate_units([item], consistent=consistent) for item in items)
            self._bucket.spend(sum(each))

    def find_total(self, plan: Plan) -> Flow[None]:
        """Find the total for the progress function: the items of a scan, else 0, which means unknown."""
        self._total = yield from find_total(plan)

    def report_progress(self, *, ended: bool) -> None:
        """Report the number of items read."""
        if self.progress is not None:
            done = self.scanned
            self.progress(done, done if ended else as_total(self._total, done))
            if ended:
                self.progress = None

    def allowance(self, wanted: int) -> int:
        """Return how many of *wanted* requests may be sent; at least one.

        :raises MaxRequestsReached: none may be sent.
        """
        if self._most is None:
            return wanted
        self._admit(1)
        return min(wanted, self._most - self.requests)

    def _admit(self, count: int) -> None:
        if self._most is not None and self.requests + count > self._most:
            raise MaxRequestsReached(
                f"max_requests({self._most}) is reached and there is more: allow more requests, "
                "or continue from .cursor"
            )

    def _pace(self, request: Query | Scan) -> Flow[Query | Scan]:
        """Wait for the rate; return *request*, changed so that it asks for its consumed capacity."""
        if self._bucket is None:
            return request
        yield from self._pause()
        return request if request.measured else replace(request, measured=True)

    def _pause(self) -> Flow[None]:
        if self._bucket is not None and (seconds := self._bucket.wait()):
            yield from Pause(seconds)

    def note(self, request: Query | Scan, page: Page) -> None:
        """Count the result of *request*."""
        self.scanned += page.scanned
        units, consistent = page.units, request.consistent
        if request.select is not None:
            self.counted += page.count
        if units is not None:
            self.units += units
        if self._bucket is not None:
            if units is None:
                units = estimate_units(page.items, consistent=consistent, scanned=page.scanned)
            self._bucket.spend(units)


def _count_requests(step: Step) -> int:
    if isinstance(step, Together):
        return len(step.operations)
    return int(isinstance(step, Operation))
