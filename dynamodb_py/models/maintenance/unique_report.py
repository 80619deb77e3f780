"""The report on the sentinels of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from msgspec import Struct

Kind: TypeAlias = Literal["missing", "stale", "duplicate"]
"""``missing``: a value without its sentinel; ``stale``: a sentinel whose item is gone or no longer has
the value; ``duplicate``: a value that several items have."""


class Finding(Struct, frozen=True):
    """A sentinel or a value that is wrong."""

    kind: Kind
    model: str
    constraint: str
    sentinel: str
    """The hash key of the sentinel."""
    values: dict[str, Any]
    """The values by field; empty if no item has them."""
    keys: list[Any]
    """The primary keys of the items concerned; None for one that cannot be read."""

    def __str__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        keys = ", ".join(map(repr, self.keys))
        if self.kind == "duplicate":
            return f"duplicate: {self.model} {values}: the items {keys} all have it"
        if self.kind == "missing":
            return f"missing: {self.model} {values} of the item {keys} has no sentinel"
        return f"stale: the sentinel {self.sentinel} of the item {keys}, which does not have it"


class UniqueReport(Struct):
    """The findings and the repairs."""

    items: int = 0
    """The number of items that were read."""
    sentinels: int = 0
    """The number of sentinels that were read."""
    others: int = 0
    """The number of sentinels of constraints that the model does not have; they do not change."""
    missing: int = 0
    """The number of values without a sentinel."""
    stale: int = 0
    """The number of sentinels whose items are gone or do not have the value."""
    made: int = 0
    """The number of sentinels that were made."""
    deleted: int = 0
    """The number of sentinels that were deleted, or given to the item that has the value."""
    duplicates: list[Finding] = []
    """The values that several items have. These items do not change."""
    unsettled: int = 0
    """The number of values that others kept changing, whose state is not known."""

    @property
    def is_right(self) -> bool:
        """Whether every value has its sentinel now, and one owner."""
        left = self.missing + self.stale - self.made - self.deleted
        return not (left or self.duplicates or self.unsettled)


FindingCallback: TypeAlias = Callable[[Finding], object]
"""Called with each finding."""
