"""The results of plan(), run() and status(): values that print well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Generic, Literal, TypeVar, overload

from msgspec import Struct

from ..metering import format_count

T = TypeVar("T", bound=Struct)


class PlannedOperation(Struct, frozen=True):
    """An operation of a plan; ``print(operation)`` describes it in a sentence."""

    migration: str
    """The name of its migration."""
    what: str
    """A description of the change."""
    notes: tuple[str, ...] = ()
    """Facts to consider before the run: what an interrupted run repeats, what takes long."""
    scanned: int = 0
    """The number of items that earlier runs have read; the next run continues after them."""

    def __str__(self) -> str:
        so_far = (f"continues after {format_count(self.scanned, 'item')}",) if self.scanned else ()
        return "; ".join((f"{self.migration}: {self.what}", *self.notes, *so_far))


class MigrationStatus(Struct, frozen=True):
    """A migration and its state in the ledger."""

    name: str
    """The file's name without ``.py``."""
    state: Literal["pending", "begun", "applied"] = "pending"
    """``"begun"``: a run was interrupted, and the next one continues."""
    at: datetime | None = None
    """The time when it was applied, in UTC."""
    seconds: float = 0.0
    """The duration in seconds, without the time between two runs."""
    changed: int = 0
    """The number of items that its operations changed."""
    skipped: int = 0
    """The number of items that were deleted, or no longer met the condition, at the time of their write."""
    fake: bool = False
    """Whether it was only marked as applied."""
    problem: str = ""
    """The reason why no migration can run: the file changed or disappeared after it was applied. Else empty."""

    def __str__(self) -> str:
        text = f"[{'X' if self.state == 'applied' else ' '}] {self.name}"
        if self.at is not None:
            took = "marked as applied" if self.fake else f"{self.seconds:.1f} s"
            text += f"  {self.at:%Y-%m-%d %H:%M} UTC, {took}"
            text += f", {format_count(self.changed, 'item')} changed" if self.changed else ""
        elif self.state == "begun":
            text += f"  begun, {format_count(self.changed, 'item')} changed so far"
        return f"{text}  PROBLEM: {self.problem}" if self.problem else text


class _Lines(Sequence[T], Generic[T]):
    """Values in order; ``print()`` shows each on a line."""

    def __init__(self, values: Iterable[T] = ()) -> None:
        self._values = tuple(values)

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[T, ...]: ...
    def __getitem__(self, at: int | slice) -> T | tuple[T, ...]:
        return self._values[at]

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)}>"

    def __str__(self) -> str:
        return "\n".join(map(str, self._values)) or "nothing to do"


class MigrationPlan(_Lines[PlannedOperation]):
    """The operations that :func:`run` would run, in order; empty if there are none."""


class MigrationList(_Lines[MigrationStatus]):
    """Migrations in order: those that :func:`run` applied, or all migrations, from :func:`status`."""
