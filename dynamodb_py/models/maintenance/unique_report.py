"""The report on the sentinels of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from msgspec import Struct

Kind: TypeAlias = Literal["missing", "stale", "duplicate"]
"""``missing``: a value has no sentinel; ``stale``: the item of a sentinel is gone or no longer has the
value; ``duplicate``: several items have the same value."""


class Finding(Struct, frozen=True):
    """A wrong sentinel, or a wrong unique value."""

    kind: Kind
    model: str
    constraint: str
    sentinel: str
    """The hash key of the sentinel."""
    values: dict[str, Any]
    """The values by field; empty if no item has them."""
    keys: list[Any]
    """The primary keys of the items concerned; None for a key that cannot be read."""

    def __str__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        keys = ", ".join(map(repr, self.keys))
        if self.kind == "duplicate":
            return f"duplicate: {self.model} {values}: the items {keys} all have this value"
        if self.kind == "missing":
            return f"missing: {self.model} {values} of the item {keys} has no sentinel"
        return f"stale: the sentinel {self.sentinel} of the item {keys}, which does not have this value"


class UniqueReport(Struct):
    """The result of :func:`~dynamodb_py.check_unique`: the findings and the repairs."""

    items: int = 0
    """The number of items that were read."""
    sentinels: int = 0
    """The number of sentinels that were read."""
    others: int = 0
    """The number of sentinels of constraints that the model does not have; they are unchanged."""
    missing: int = 0
    """The number of values without a sentinel."""
    stale: int = 0
    """The number of sentinels whose items are gone or do not have the value."""
    made: int = 0
    """The number of sentinels that were made."""
    deleted: int = 0
    """The number of sentinels that were deleted, or given to the item that has the value."""
    duplicates: list[Finding] = []
    """The values that several items have; the items are unchanged."""
    unsettled: int = 0
    """The number of values with an unknown state, because other writers kept changing them."""

    @property
    def is_right(self) -> bool:
        """Whether every value has its sentinel now, and one owner."""
        left = self.missing + self.stale - self.made - self.deleted
        return not (left or self.duplicates or self.unsettled)


FindingCallback: TypeAlias = Callable[[Finding], object]
"""Called with each finding."""
