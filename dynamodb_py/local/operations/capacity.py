"""Consumed capacity and item collection metrics, computed from the sizes of items.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...codec import measure_item
from ...limits import READ_UNIT_BYTES, WRITE_UNIT_BYTES
from ..database.snapshots import Snapshot
from ..database.tables import Index, Table
from ..database.values import Item
from .requests import CAPACITIES, METRICS, Members, read_choice
from .writes import Outcome

_GB = 2**30


def read_detail(members: Members) -> str:
    """Return the member ReturnConsumedCapacity: INDEXES, TOTAL or NONE."""
    return read_choice(members, "ReturnConsumedCapacity", CAPACITIES, "NONE")


def read_metrics(members: Members) -> bool:
    """Tell whether the member ReturnItemCollectionMetrics is SIZE."""
    return read_choice(members, "ReturnItemCollectionMetrics", METRICS, "NONE") == "SIZE"


def count_read_units(size: int, *, consistent: bool) -> float:
    """Return the units for reading *size* bytes, in blocks of 4 KB; at least one block counts."""
    blocks = max(1, -(-size // READ_UNIT_BYTES))
    return float(blocks) if consistent else blocks / 2


def count_write_units(size: int) -> float:
    """Return the units for writing *size* bytes, in blocks of 1 KB; at least one block counts."""
    return float(max(1, -(-size // WRITE_UNIT_BYTES)))


class _Units:
    """The units of one table: those of the table itself, and those of its indexes by kind and name."""

    def __init__(self) -> None:
        self.own = 0.0
        self.indexes: dict[str, dict[str, float]] = {}

    def add(self, index: Index, units: float) -> None:
        """Count the units of an index."""
        kind = "LocalSecondaryIndexes" if index.is_local else "GlobalSecondaryIndexes"
        counts = self.indexes.setdefault(kind, {})
        counts[index.name] = counts.get(index.name, 0.0) + units


class Consumed:
    """The capacity that a request consumes, by table.

    :param detail: the request's ReturnConsumedCapacity; with NONE, nothing is counted.
    :param factor: the factor for the units of tables, 2 in transactions. Writes to indexes count once.
    :param kind: "Read" or "Write" for a transaction, whose units are also shown under that kind.
    """

    def __init__(self, detail: str, factor: int = 1, kind: str = "") -> None:
        self.detail, self._factor, self._kind = detail, factor, kind
        self._tables: dict[str, _Units] = {}

    @property
    def is_wanted(self) -> bool:
        """Whether the answer contains the capacity."""
        return self.detail != "NONE"

    def add_read(
        self, table: Table, units: float, index: Index | None = None, *, own: float = 0.0
    ) -> None:
        """Count the *units* of a read from the table, or from its *index*.

        :param own: with *index*, the units for reading the same items from the table too.
        """
        found = self._find(table)
        if index is None:
            found.own += units * self._factor
            return
        found.add(index, units * self._factor)
        found.own += own * self._factor

    def add_write(self, table: Table, outcome: Outcome) -> None:
        """Count the units of a write: those of the table, and of each index with a changed entry."""
        if not self.is_wanted:
            return
        found = self._find(table)
        found.own += count_write_units(max(outcome.old_size, outcome.new_size)) * self._factor
        for index in table.indexes.values():
            units = _count_index_units(index, outcome.old, outcome.new)
            if units:
                found.add(index, units)

    def add_check(self, table: Table, size: int) -> None:
        """Count the units of a ConditionCheck, which costs as much as a write."""
        self._find(table).own += count_write_units(size) * self._factor

    def describe(self) -> list[dict[str, Any]]:
        """Return the ConsumedCapacity of each table."""
        return [self._describe(name, units) for name, units in self._tables.items()]

    def into(self, answer: dict[str, Any], *, several: bool = False) -> dict[str, Any]:
        """Add the ConsumedCapacity to *answer*, if it is wanted; return *answer*.

        :param several: whether it is a list, as in operations on several tables.
        """
        if self.is_wanted:
            found = self.describe()
            if several:
                answer["ConsumedCapacity"] = found
            elif found:
                answer["ConsumedCapacity"] = found[0]
        return answer

    def _find(self, table: Table) -> _Units:
        return self._tables.setdefault(table.name, _Units())

    def _describe(self, name: str, units: _Units) -> dict[str, Any]:
        total = units.own + sum(sum(counts.values()) for counts in units.indexes.values())
        found = {"TableName": name, **self._show(total)}
        if self.detail == "INDEXES":
            found["Table"] = self._show(units.own)
            for kind, counts in units.indexes.items():
                found[kind] = {index: self._show(count) for index, count in counts.items()}
        return found

    def _show(self, units: float) -> dict[str, Any]:
        """Return the members of the answer for a number of units."""
        found: dict[str, Any] = {"CapacityUnits": units}
        if self._kind:
            found[f"{self._kind}CapacityUnits"] = units
        return found


def _count_index_units(index: Index, old: Item | None, new: Item | None) -> float:
    """Return the units for updating an index, when an item changes from *old* to *new*."""
    before = None if old is None else index.find_key(old)
    after = None if new is None else index.find_key(new)
    old_entry = {} if before is None or old is None else index.project(old)
    new_entry = {} if after is None or new is None else index.project(new)
    if before == after:
        if old_entry == new_entry:
            return 0.0
        return count_write_units(max(measure_item(old_entry), measure_item(new_entry)))
    units = 0.0
    if before is not None:
        units += count_write_units(measure_item(old_entry))
    if after is not None:
        units += count_write_units(measure_item(new_entry))
    return units


def describe_collection(snapshot: Snapshot, table: Table, item: Item) -> dict[str, Any] | None:
    """Return the metrics of the item collection of *item*, or None if the table has no local indexes."""
    if not any(index.is_local for index in table.indexes.values()):
        return None
    key = {part.name: item[part.name] for part in table.hash_parts}
    size = snapshot.measure_collection(table, list(key.values()))
    low = float(size // _GB)
    return {"ItemCollectionKey": key, "SizeEstimateRangeGB": [low, low + 1.0]}


def describe_collections(
    snapshot: Snapshot, written: Sequence[tuple[Table, Item]]
) -> dict[str, list[dict[str, Any]]]:
    """Return the metrics of the item collections of all *written* items, by table."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table, item in written:
        metrics = describe_collection(snapshot, table, item)
        if metrics is not None and metrics not in found.setdefault(table.name, []):
            found[table.name].append(metrics)
    return found
