"""A sample of a table: its description, and items from all over it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ..exceptions import QueryError, ServiceError
from ..flows import Flow
from ..operations.base import Together
from ..operations.items import StoredItem
from ..operations.queries import Page, Scan
from ..operations.tables import DescribeTable, DescribeTimeToLive, TableDescription

_SEGMENTS = 16
"""How many parts of a table the items come from: DynamoDB spreads the hash keys over them evenly."""


class Sample(Struct, frozen=True):
    """What is known of a table."""

    description: TableDescription
    ttl: str | None
    """The attribute of the TTL, if it is on."""
    items: list[StoredItem]
    units: float
    """The read units that the items took."""
    is_whole: bool
    """Whether these are all items of the table."""


def read_sample(table: str, count: int) -> Flow[Sample]:
    """Return the description of a table and about *count* of its items.

    They are the first of each of 16 segments of a parallel scan; of a segment that has fewer, the others give more.

    :raises TableNotFound: there is no such table.
    """
    if count < 1:
        raise QueryError(f"a sample of {count} items: take one at least")
    description = yield from DescribeTable(table)
    try:
        ttl = yield from DescribeTimeToLive(table)
    except ServiceError:  # not allowed, or not known to the engine
        attribute = None
    else:
        attribute = ttl.attribute if ttl.is_on else None
    total = min(count, _SEGMENTS)
    rest: list[Any] = [
        Scan(table=table, segment=(each, total), measured=True) for each in range(total)
    ]
    items: list[StoredItem] = []
    units = 0.0
    while rest and len(items) < count:
        limit = -(-(count - len(items)) // len(rest))
        requests = [replace(each, limit=limit) for each in rest]
        pages: list[Page | Exception] = yield from Together(requests, len(requests))
        rest = []
        for page in pages:
            if isinstance(page, Exception):
                raise page
            items += page.items
            units += page.units or 0.0
            if page.rest is not None:
                rest.append(page.rest)
    return Sample(description, attribute, items[:count], units, not rest and len(items) <= count)
