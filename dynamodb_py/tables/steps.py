"""The steps that change a live table to the model's declaration: values that print well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, overload

from msgspec import Struct

from ..metering import format_count
from ..operations.base import Operation


class TableStep(Struct, frozen=True):
    """One change of a table by one request; ``print(step)`` describes it in a sentence."""

    table: str
    """The table's name in DynamoDB."""
    part: str
    """What changes: ``"index by_title"``, ``"stream"``, ``"billing"``."""
    what: str
    """The change, in words."""
    why: str
    """The difference between the table and the model."""
    operation: Operation[Any] | None = None
    """The request. None means that ``update()`` cannot make the change; ``what`` is then the remedy."""
    needs_backfill: bool = False
    """Whether DynamoDB reads the whole table for the change, which may take hours."""
    undo: str = ""
    """How to undo the change; empty if that is impossible."""

    def __str__(self) -> str:
        parts = [f"{self.table}: {self.what}", self.why]
        if self.operation is not None:
            parts += ["backfills from the whole table"] if self.needs_backfill else []
            parts.append(f"undo: {self.undo}" if self.undo else "cannot be undone")
        return "; ".join(parts)


class TablePlan(Sequence[TableStep]):
    """The steps that change live tables to the models' declarations, in order; empty if nothing differs.

    ``print(plan)`` shows them. ``notes`` has a sentence for each index that the steps leave unchanged although no
    model declares it.
    """

    def __init__(self, steps: Iterable[TableStep] = (), notes: Iterable[str] = ()) -> None:
        self.steps, self.notes = tuple(steps), tuple(notes)

    @overload
    def __getitem__(self, at: int) -> TableStep: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[TableStep, ...]: ...
    def __getitem__(self, at: int | slice) -> TableStep | tuple[TableStep, ...]:
        return self.steps[at]

    def __len__(self) -> int:
        return len(self.steps)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TablePlan):
            return NotImplemented
        return (self.steps, self.notes) == (other.steps, other.notes)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<TablePlan of {format_count(len(self.steps), 'step')}>"

    def __str__(self) -> str:
        lines = [f"{number}. {step}" for number, step in enumerate(self.steps, 1)]
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines) or "nothing to do"

    def __add__(self, other: TablePlan) -> TablePlan:
        return TablePlan(self.steps + other.steps, self.notes + other.notes)

    @property
    def impossible(self) -> tuple[TableStep, ...]:
        """The steps that ``update()`` cannot make."""
        return tuple(step for step in self.steps if step.operation is None)
