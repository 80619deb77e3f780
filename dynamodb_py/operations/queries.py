"""Many items of one table, page by page: Query and Scan."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from .base import Operation, Payload
from .items import Key, StoredItem
from .read_expressions import Expressions

__all__ = ["Expressions", "Page", "Query", "Scan"]


class _Consumed(Struct):
    CapacityUnits: float | None = None


class _PageOutput(Struct):
    Items: list[Raw] = []
    Count: int = 0
    ScannedCount: int = 0
    LastEvaluatedKey: dict[str, Any] | None = None
    ConsumedCapacity: _Consumed | None = None


_read_page = msgspec.json.Decoder(_PageOutput).decode


class Page(Struct, frozen=True):
    """Some items, the number of items read for them, and the request for the rest, if any."""

    items: list[StoredItem]
    count: int
    """The number of items that matched; with ``select="COUNT"``, ``items`` is empty."""
    scanned: int
    """The number of items that were read, before the filter."""
    last: Key | None = None
    """The key after which the rest begins; None at the end."""
    rest: Query | Scan | None = None
    """The request for the rest; None at the end."""
    units: float | None = None
    """The capacity units consumed; None unless ``measured``."""


class _Reading(Operation[Page], frozen=True):
    """The base of Query and Scan."""

    table: str
    expressions: Expressions = Expressions()
    index: str | None = None
    consistent: bool = False
    limit: int | None = None
    """The most items to read, before the filter; by default 1 MB."""
    start: Key | None = None
    """The key to start after."""
    select: str | None = None
    """``"COUNT"`` to count items without returning them; by default the projection."""
    measured: bool = False
    """Whether DynamoDB reports the capacity units consumed."""

    def payload(self) -> Payload:
        payload = self.expressions.into({"TableName": self.table})
        if self.index is not None:
            payload["IndexName"] = self.index
        if self.consistent:
            payload["ConsistentRead"] = True
        if self.limit is not None:
            payload["Limit"] = self.limit
        if self.start is not None:
            payload["ExclusiveStartKey"] = self.start
        if self.select is not None:
            payload["Select"] = self.select
        if self.measured:
            payload["ReturnConsumedCapacity"] = "TOTAL"
        return payload

    def parse(self, outcome: bytes, /) -> Page:
        page = _read_page(outcome)
        # An empty page is not the end: only the absence of a LastEvaluatedKey is.
        last = page.LastEvaluatedKey or None
        rest: Any = None if last is None else replace(self, start=last)
        used = page.ConsumedCapacity
        units = None if used is None else used.CapacityUnits
        items = list(map(bytes, page.Items))
        return Page(items, page.Count, page.ScannedCount, last, rest, units)


class Query(_Reading, frozen=True, kw_only=True):
    """Read the items of one hash key (partition key), in the order of the range key (sort key).

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
    """

    api: ClassVar[str] = "Query"

    forward: bool = True

    def payload(self) -> Payload:
        payload = super().payload()
        if not self.forward:
            payload["ScanIndexForward"] = False
        return payload


class Scan(_Reading, frozen=True, kw_only=True):
    """Read a whole table or index, or one of several segments of it.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
    """

    api: ClassVar[str] = "Scan"

    segment: tuple[int, int] | None = None
    """The number of the segment, from 0, and the number of segments."""

    def payload(self) -> Payload:
        payload = super().payload()
        if self.segment is not None:
            payload["Segment"], payload["TotalSegments"] = self.segment
        return payload
