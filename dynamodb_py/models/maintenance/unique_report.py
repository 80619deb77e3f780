"""What a look at the sentinels of a table finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from msgspec import Struct

Kind: TypeAlias = Literal["missing", "stale", "duplicate"]
"""``missing``: a value without its sentinel; ``stale``: a sentinel whose item is gone or no longer has
the value; ``duplicate``: a value that several items have."""


class Finding(Struct, frozen=True):
    """Something that is not as it should be."""

    kind: Kind
    model: str
    constraint: str
    sentinel: str
    """The hash key of the sentinel."""
    values: dict[str, Any]
    """The values by field; empty where no item has them."""
    keys: list[Any]
    """The primary keys of the items concerned; None for one that cannot be told."""

    def __str__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        keys = ", ".join(map(repr, self.keys))
        if self.kind == "duplicate":
            return f"duplicate: {self.model} {values}: the items {keys} all have it"
        if self.kind == "missing":
            return f"missing: {self.model} {values} of the item {keys} has no sentinel"
        return f"stale: the sentinel {self.sentinel} of the item {keys}, which does not have it"


class UniqueReport(Struct):
    """What was found and done."""

    items: int = 0
    """How many items were read."""
    sentinels: int = 0
    """How many sentinels were read."""
    others: int = 0
    """How many of them are of constraints that the model does not have; they are left alone."""
    missing: int = 0
    """How many values had no sentinel."""
    stale: int = 0
    """How many sentinels were of items that are gone or do not have the value."""
    made: int = 0
    """How many sentinels were made."""
    deleted: int = 0
    """How many sentinels were deleted, or given to the item that has the value."""
    duplicates: list[Finding] = []
    """The values that several items have. None of these items is touched."""
    unsettled: int = 0
    """How many values others kept changing, so that nothing can be said of them."""

    @property
    def is_right(self) -> bool:
        """Whether every value has its sentinel now, and one owner."""
        left = self.missing + self.stale - self.made - self.deleted
        return not (left or self.duplicates or self.unsettled)


Told: TypeAlias = Callable[[Finding], object]
"""Called with each finding."""
