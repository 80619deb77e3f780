"""Many items of one table, page by page: Query and Scan."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import replace

from ..expressions import Condition, Names
from .base import Operation, Payload
from .items import Key, StoredItem


class _PageOutput(Struct):
    Items: list[Raw] = []
    Count: int = 0
    ScannedCount: int = 0
    LastEvaluatedKey: dict[str, Any] | UnsetType = UNSET


_read_page = msgspec.json.Decoder(_PageOutput).decode


class Page(Struct, frozen=True):
    """Some items, how many were read for them, and the request for the rest, if there is more."""

    items: list[StoredItem]
    count: int
    scanned: int
    rest: Query | Scan | None


class _Reading(Operation[Page], frozen=True):
    table: str
    filter: Condition | None = None
    index: str | None = None
    consistent: bool = False
    limit: int | None = None
    start: Key | None = None

    def parse(self, outcome: bytes, /) -> Page:
        page = _read_page(outcome)
        last = page.LastEvaluatedKey
        # An empty page is not the end: only the absence of a LastEvaluatedKey is.
        rest: Any = replace(self, start=last) if last else None
        return Page(list(map(bytes, page.Items)), page.Count, page.ScannedCount, rest)

    def _fill(self, payload: Payload, names: Names) -> Payload:
        if self.index is not None:
            payload["IndexName"] = self.index
        if self.filter is not None and (text := self.filter.render(names)):
            payload["FilterExpression"] = text
        if self.consistent:
            payload["ConsistentRead"] = True
        if self.limit is not None:
            payload["Limit"] = self.limit
        if self.start is not None:
            payload["ExclusiveStartKey"] = self.start
        names.into(payload)
        return payload


class Query(_Reading, frozen=True, kw_only=True):
    """Read the items of one hash key, in the order of the range key.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
    """

    api: ClassVar[str] = "Query"

    keys: Condition
    forward: bool = True

    def payload(self) -> Payload:
        names = Names()
        payload: Payload = {
            "TableName": self.table,
            "KeyConditionExpression": self.keys.render(names),
        }
        if not self.forward:
            payload["ScanIndexForward"] = False
        return self._fill(payload, names)


class Scan(_Reading, frozen=True, kw_only=True):
    """Read a whole table or index, or one of several segments of it.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
    """

    api: ClassVar[str] = "Scan"

    segment: tuple[int, int] | None = None

    def payload(self) -> Payload:
        payload: Payload = {"TableName": self.table}
        if self.segment is not None:
            payload["Segment"], payload["TotalSegments"] = self.segment
        return self._fill(payload, Names())
