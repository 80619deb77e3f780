"""A sample of a table: its description, and items from all its parts."""

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
"""The number of parts of a table to read items from; DynamoDB distributes the hash keys over them evenly."""


class Sample(Struct, frozen=True):
    """The description of a table, and some of its items."""

    description: TableDescription
    """DynamoDB's description of the table."""
    ttl: str | None
    """The attribute of the TTL, or None if TTL is off."""
    items: list[StoredItem]
    """The items, in DynamoDB's JSON."""
    units: float
    """The read units that the items cost."""
    is_whole: bool
    """Whether the sample has all items of the table."""


def read_sample(table: str, count: int) -> Flow[Sample]:
    """Return the description of a table and about *count* of its items.

    The items are the first ones of each of 16 segments of a parallel scan; if a segment has too few, the others give
    more.

    :raises TableNotFound: the table does not exist.
    """
    if count < 1:
        raise QueryError(f"sample={count}: give a number from 1")
    description = yield from DescribeTable(table)
    try:
        ttl = yield from DescribeTimeToLive(table)
    except ServiceError:  # the policy does not allow it, or the engine does not know it
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
