"""Faults of an embedded database for the time of a block."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeAlias

from ..exceptions import ConfigurationError
from ..local import Engine, Rule
from ..local.database.engine import HANDLERS
from ..local.database.faults import Kind
from ..schema import HasOptions
from ..tables.table import Table

TableName: TypeAlias = "type[HasOptions] | str"


class Faults:
    """What goes wrong in one embedded database: ``with faults.throttle("PutItem", nth=1): ...``.

    Each method is a context manager. It gives the rule, whose ``applied`` counts how often it made
    something go wrong, and removes it at the end. Its arguments choose the requests:

    * *operation*: the name of one, as ``"PutItem"``; all by default;
    * *table*: a model, or the name of a table as DynamoDB has it; all by default;
    * *probability*: for how many of them the rule holds, from 0 to 1;
    * *nth*: it holds for this one only, counted from 1.

    ConfigurationError is raised for arguments that no request could fit.
    """

    def __init__(self, engine: Engine) -> None:
        self._faults = engine.faults

    def throttle(
        self,
        operation: str | None = None,
        *,
        table: TableName | None = None,
        probability: float = 1.0,
        nth: int | None = None,
    ) -> AbstractContextManager[Rule]:
        """Refuse requests for too much traffic; of a transaction, cancel it."""
        return self._hold("throttle", operation, table, probability, nth)

    def conflict(
        self,
        operation: str | None = None,
        *,
        table: TableName | None = None,
        probability: float = 1.0,
        nth: int | None = None,
    ) -> AbstractContextManager[Rule]:
        """Refuse writes and transactions because another transaction holds an item."""
        return self._hold("conflict", operation, table, probability, nth)

    def unprocessed(
        self,
        operation: str | None = None,
        *,
        table: TableName | None = None,
        probability: float = 1.0,
        nth: int | None = None,
    ) -> AbstractContextManager[Rule]:
        """Leave items of batches to be sent again: items are counted, not requests."""
        return self._hold("unprocessed", operation, table, probability, nth)

    def stale(
        self,
        seconds: float,
        operation: str | None = None,
        *,
        table: TableName | None = None,
        probability: float = 1.0,
        nth: int | None = None,
    ) -> AbstractContextManager[Rule]:
        """Let reads of indexes give what was there *seconds* ago, except consistent ones."""
        return self._hold("stale", operation, table, probability, nth, seconds)

    def latency(
        self,
        seconds: float,
        operation: str | None = None,
        *,
        table: TableName | None = None,
        probability: float = 1.0,
        nth: int | None = None,
    ) -> AbstractContextManager[Rule]:
        """Let requests take *seconds* longer, in real time."""
        return self._hold("latency", operation, table, probability, nth, seconds)

    def lose(
        self,
        operation: str | None = None,
        *,
        table: TableName | None = None,
        probability: float = 1.0,
        nth: int | None = None,
    ) -> AbstractContextManager[Rule]:
        """Carry requests out, and lose their answers."""
        return self._hold("lose", operation, table, probability, nth)

    def seed(self, seed: int) -> None:
        """Begin the choices of probabilities anew: with one seed they are the same each time."""
        self._faults.seed(seed)

    def clear(self) -> None:
        """Let nothing go wrong any more, and begin the choices of probabilities anew."""
        self._faults.clear()
        self._faults.seed(0)

    @contextmanager
    def _hold(
        self,
        kind: Kind,
        operation: str | None,
        table: Any,
        probability: float,
        nth: int | None,
        seconds: float = 0.0,
    ) -> Generator[Rule, None, None]:
        if operation is not None and operation not in HANDLERS:
            raise ConfigurationError(
                f"no operation is called {operation!r}: give a name of DynamoDB's, as 'PutItem'"
            )
        name = table if table is None or isinstance(table, str) else Table(table).name
        rule = Rule(
            kind,
            operation=operation,
            table=name,
            probability=probability,
            nth=nth,
            seconds=seconds,
        )
        self._faults.add(rule)
        try:
            yield rule
        finally:
            self._faults.remove(rule)
