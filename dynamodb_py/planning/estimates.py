"""Estimates: what a plan would cost, from the table's description."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from msgspec import Struct

from ..limits import READ_UNIT_BYTES
from .plan import Plan


class Estimate(Struct, frozen=True):
    """What a plan would cost, in read units.

    A unit is a consistent read of up to 4 KB; reads that need not be consistent cost half
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html).
    DynamoDB updates the sizes about every six hours, and does not count the items of one hash key:
    for a query, *most* is the price of the whole table or index.
    """

    least: float
    """Units if nothing is found."""
    most: float
    """Units if everything is read."""
    per_item: float
    """Average units for each item that is read; filters do not lower it."""
    items: int
    """How many items the table, or the index, has."""
    item_size: float
    """Their average size there, in bytes."""

    def __str__(self) -> str:
        span = f"{self.most:g}" if self.least == self.most else f"{self.least:g} to {self.most:g}"
        return (
            f"{span} read units; {self.per_item:.3g} for each item read, "
            f"of {self.items} items of {self.item_size:.0f} bytes"
        )


def estimate(plan: Plan, description: Mapping[str, Any]) -> Estimate:
    """Return what *plan* would cost.

    :param description: the member ``Table`` of the answer to DescribeTable.
    """
    unit = 1.0 if plan.consistent else 0.5
    items, size = find_sizes(description, plan.index)
    each = size / items if items else 0.0
    of_one = max(ceil(each / READ_UNIT_BYTES), 1) * unit
    per_item = each / READ_UNIT_BYTES * unit
    if plan.kind == "nothing":
        return Estimate(0.0, 0.0, 0.0, items, each)
    if plan.kind == "unique":  # the sentinel, and the item
        return Estimate(unit, unit + of_one, of_one, items, each)
    if plan.kind in ("get", "batch_get"):
        count = max(len(plan.keys), 1)
        return Estimate(count * unit, count * of_one, of_one, items, each)
    requests = sum(len(lane.requests) for lane in plan.lanes)
    least = requests * unit
    most = max(ceil(size / READ_UNIT_BYTES) * unit, least)
    read = items
    filtered = any(each.expressions.filter for lane in plan.lanes for each in lane.requests)
    if plan.limit is not None and not filtered:
        read = min(items, plan.limit * requests)
        most = min(most, max(ceil(read * each / READ_UNIT_BYTES) * unit, least))
    if plan.full:
        table_items, table_size = find_sizes(description, None)
        whole = table_size / table_items if table_items else 0.0
        completed = max(ceil(whole / READ_UNIT_BYTES), 1) * unit
        per_item, most = per_item + completed, most + read * completed
    if plan.kind == "scan" and plan.limit is None:
        least = most
    return Estimate(least, most, per_item, items, each)


def find_sizes(description: Mapping[str, Any], index: str | None) -> tuple[int, int]:
    """Return how many items the table, or an index, has, and their size in bytes."""
    if index is None:
        return description.get("ItemCount", 0), description.get("TableSizeBytes", 0)
    for member in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        for described in description.get(member) or ():
            if described["IndexName"] == index:
                return described.get("ItemCount", 0), described.get("IndexSizeBytes", 0)
    return 0, 0
