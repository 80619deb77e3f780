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
    """Return the units that reading *size* bytes takes: at least those of one block of 4 KB."""
    blocks = max(1, -(-size // READ_UNIT_BYTES))
    return float(blocks) if consistent else blocks / 2


def count_write_units(size: int) -> float:
    """Return the units that writing *size* bytes takes."""
    return float(max(1, -(-size // WRITE_UNIT_BYTES)))


class _Units:
    """The units of one table: its own, and those of its indexes by kind and name."""

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

    *detail* is the request's ReturnConsumedCapacity. Where that is NONE, nothing is counted.
    *factor* is 2 for transactions: it is that of the table, and its indexes take what they always do.
    """

    def __init__(self, detail: str, factor: int = 1, kind: str = "") -> None:
        self.detail, self._factor, self._kind = detail, factor, kind
        self._tables: dict[str, _Units] = {}

    @property
    def is_wanted(self) -> bool:
        """Whether the answer has it."""
        return self.detail != "NONE"

    def add_read(
        self, table: Table, units: float, index: Index | None = None, *, own: float = 0.0
    ) -> None:
        """Count the *units* of a read from the table, or from its *index* with *own* ones of the table."""
        found = self._find(table)
        if index is None:
            found.own += units * self._factor
            return
        found.add(index, units * self._factor)
        found.own += own * self._factor

    def add_write(self, table: Table, outcome: Outcome) -> None:
        """Count what a write takes: in the table, and in each index whose entry changes."""
        if not self.is_wanted:
            return
        found = self._find(table)
        found.own += count_write_units(max(outcome.old_size, outcome.new_size)) * self._factor
        for index in table.indexes.values():
            units = _count_index_units(index, outcome.old, outcome.new)
            if units:
                found.add(index, units)

    def add_check(self, table: Table, size: int) -> None:
        """Count a write that is none: a failed condition, or a check of one."""
        self._find(table).own += count_write_units(size) * self._factor

    def describe(self) -> list[dict[str, Any]]:
        """Return the ConsumedCapacity of each table."""
        return [self._describe(name, units) for name, units in self._tables.items()]

    def into(self, answer: dict[str, Any], *, several: bool = False) -> dict[str, Any]:
        """Add the ConsumedCapacity to *answer*, if it is wanted: one, or a list of *several*."""
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
        found = {"TableName": name, **self._spell(total)}
        if self.detail == "INDEXES":
            found["Table"] = self._spell(units.own)
            for kind, counts in units.indexes.items():
                found[kind] = {index: self._spell(count) for index, count in counts.items()}
        return found

    def _spell(self, units: float) -> dict[str, Any]:
        """Return the members of a number of units; those of a transaction name their kind too."""
        found: dict[str, Any] = {"CapacityUnits": units}
        if self._kind:
            found[f"{self._kind}CapacityUnits"] = units
        return found


def _count_index_units(index: Index, old: Item | None, new: Item | None) -> float:
    """Return the units of bringing an index from *old* to *new*."""
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
    """Return the metrics of the collection of *item*, for a table with local indexes; else None."""
    if not any(index.is_local for index in table.indexes.values()):
        return None
    key = {part.name: item[part.name] for part in table.hash_parts}
    size = snapshot.measure_collection(table, list(key.values()))
    low = float(size // _GB)
    return {"ItemCollectionKey": key, "SizeEstimateRangeGB": [low, low + 1.0]}


def describe_collections(
    snapshot: Snapshot, written: Sequence[tuple[Table, Item]]
) -> dict[str, list[dict[str, Any]]]:
    """Return the metrics of all collections of the *written* items by table."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table, item in written:
        metrics = describe_collection(snapshot, table, item)
        if metrics is not None and metrics not in found.setdefault(table.name, []):
            found[table.name].append(metrics)
    return found
