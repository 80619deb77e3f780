"""Executing the steps of a plan, one after the other, and checking the table after each step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..batching import Progress
from ..exceptions import (
    InvalidRequest,
    LimitExceeded,
    ServiceError,
    TableInUse,
    TableMismatch,
    TableNotFound,
)
from ..flows import Flow
from ..operations.base import Pause
from ..operations.tables import AddIndex, DropIndex, TableDescription
from ..schema import TableSchema
from ..waiting import wait_or_raise, wait_until_active
from .options import LiveTable, read_live
from .plans import find_all_differences, make_plan
from .steps import TablePlan, TableStep

_LOOKS = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Pauses in seconds between checks of a change that the table does not show yet: descriptions may be old."""


class _Update:
    """One run of the steps: the changes that were sent, ignored and rejected."""

    def __init__(
        self,
        table: str,
        schema: TableSchema,
        waits: Iterator[float],
        *,
        drop_indexes: bool,
        progress: Progress | None,
    ) -> None:
        self.table, self.schema, self.waits = table, schema, waits
        self.drop_indexes, self.progress = drop_indexes, progress
        self.made: set[tuple[str, str]] = set()
        self.ignored: dict[tuple[str, str], TableStep] = {}
        self.refused: tuple[tuple[str, str], ServiceError] | None = None
        self.looks = iter(_LOOKS)

    def look(self) -> Flow[tuple[LiveTable, list[TableStep]]]:
        """Wait until the table is active; return its descriptions and the steps that are left."""
        found = yield from wait_until_active(self.table, waits=self.waits)
        live = yield from read_live(self.table, self.schema, found)
        plan = make_plan(self.table, self.schema, live, drop_indexes=self.drop_indexes)
        check_possible(self.table, plan, self.schema, live, sent=bool(self.made))
        left = [step for step in plan if _name(step) not in self.ignored]
        if self.progress is not None and (left or self.made):
            done = len(self.made - {_name(step) for step in left})
            self.progress(done, done + len(left))
        return live, left

    def make(self, step: TableStep) -> Flow[Any]:
        """Send the request of *step*, unless it was sent or rejected before; return the response."""
        name = _name(step)
        if self.refused is not None and self.refused[0] == name:
            raise self.refused[1]
        if name in self.made:
            yield from self._look_again(step)
            return None
        self.looks = iter(_LOOKS)
        assert step.operation is not None
        try:
            response = yield from step.operation
        except ServiceError as error:
            yield from self._take_refusal(step, error)
            return None
        self.made.add(name)
        return response

    def _look_again(self, step: TableStep) -> Flow[None]:
        """Wait for a change that was sent to show in the table; if it never does, the engine ignored it."""
        pause = next(self.looks, None)
        if pause is None:
            self.ignored[_name(step)] = step
        else:
            yield Pause(pause)

    def _take_refusal(self, step: TableStep, error: ServiceError) -> Flow[None]:
        """Wait if a later attempt may succeed, remember *error* if the change may be there, else raise it."""
        is_of_index = isinstance(step.operation, (AddIndex, DropIndex))
        if isinstance(error, TableInUse) or (is_of_index and isinstance(error, LimitExceeded)):
            yield from wait_or_raise(self.waits, error)  # another run is changing the table
        elif error.in_doubt or isinstance(error, (InvalidRequest, TableNotFound)):
            # Another run, or an earlier attempt whose response was lost, may have made the change.
            self.refused = _name(step), error
        else:
            raise error

    def check_kept(self, live: LiveTable) -> None:
        """Raise TableMismatch for changes that DynamoDB accepted and the table does not show."""
        if not self.ignored:
            return
        steps = self.ignored.values()
        raise TableMismatch(
            f"the table {self.table}: DynamoDB, or the engine that speaks for it, accepted these changes and "
            f"did not keep them: {'; '.join(step.what for step in steps)}. Everything else was done",
            find_all_differences(self.table, self.schema, live),
        )


def _name(step: TableStep) -> tuple[str, str]:
    return step.part, step.what


def update_table(
    table: str,
    schema: TableSchema,
    waits: Iterator[float],
    *,
    wait: bool = True,
    drop_indexes: bool = False,
    progress: Progress | None = None,
) -> Flow[TableDescription]:
    """Change *table* to the declaration *schema*; return its description.

    :param wait: False sends only the first request, and waits for nothing.
    """
    run = _Update(table, schema, waits, drop_indexes=drop_indexes, progress=progress)
    while True:
        live, left = yield from run.look()
        if not left:
            run.check_kept(live)
            return live.description
        response = yield from run.make(left[0])
        if not wait and _name(left[0]) in run.made:
            # Some responses have no description.
            return live.description if response is None else response


def plan_table(
    table: str, schema: TableSchema, description: TableDescription, *, drop_indexes: bool
) -> Flow[tuple[TablePlan, LiveTable]]:
    """Return the steps from a live table to *schema*, and the descriptions of the table."""
    live = yield from read_live(table, schema, description)
    return make_plan(table, schema, live, drop_indexes=drop_indexes), live


def check_possible(
    table: str, plan: TablePlan, schema: TableSchema, live: LiveTable, *, sent: bool = False
) -> None:
    """Raise TableMismatch if the plan has a step that cannot be made."""
    if impossible := plan.impossible:
        reasons = "; ".join(f"{step.part}: {step.why}: {step.what}" for step in impossible)
        differences = schema.differences(TableSchema.parse(live.description))
        differences += [step.why for step in impossible if step.part == "ttl"]
        state = "" if sent else "; nothing was sent"
        raise TableMismatch(
            f"the table {table} is not the model's, and update() cannot change that{state}. {reasons}",
            differences,
        )
