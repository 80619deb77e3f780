"""Estimates of the cost of plans, from the table's description."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from msgspec import Struct

from ..limits import READ_UNIT_BYTES
from .plan import Plan


class Estimate(Struct, frozen=True):
    """The estimated cost of a plan, in read units; ``str()`` of it is a sentence.

    A unit is a strongly consistent read of up to 4 KB; an eventually consistent read costs half
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html).
    DynamoDB updates its sizes about every six hours, and has no size for the items of one hash key
    (partition key): for a query, *most* is the price of the whole table or index.
    """

    least: float
    """The units if nothing is found."""
    most: float
    """The units if everything is read."""
    per_item: float
    """The average units for each item that is read; a filter does not lower it."""
    items: int
    """The number of items in the table or index."""
    item_size: float
    """The average size of these items, in bytes."""

    def __str__(self) -> str:
        span = f"{self.most:g}" if self.least == self.most else f"{self.least:g} to {self.most:g}"
        return (
            f"{span} read units; {self.per_item:.3g} for each item read, "
            f"of {self.items} items of {self.item_size:.0f} bytes"
        )


def estimate(plan: Plan, description: Mapping[str, Any]) -> Estimate:
    """Return the estimated cost of *plan*, without a request.

    :param plan: the plan of a query set, by its ``explain()``.
    :param description: the member ``Table`` of the response to DescribeTable; ``ItemCount`` and
        ``TableSizeBytes`` are read, or ``IndexSizeBytes`` if the plan reads an index.

    >>> from dynamodb_py.planning import estimate
    >>> plan = Score.objects.filter(player="ann").explain()
    >>> print(estimate(plan, {"ItemCount": 50_000, "TableSizeBytes": 102_400_000}))
    0.5 to 12500 read units; 0.25 for each item read, of 50000 items of 2048 bytes
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
    """Return the number of items in the table, or in *index*, and their size together in bytes."""
    if index is None:
        return description.get("ItemCount", 0), description.get("TableSizeBytes", 0)
    for member in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        for described in description.get(member) or ():
            if described["IndexName"] == index:
                return described.get("ItemCount", 0), described.get("IndexSizeBytes", 0)
    return 0, 0
