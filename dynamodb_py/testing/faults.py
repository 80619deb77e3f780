"""Faults that a test causes in an embedded database for the time of a block."""

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
    """The faults of one embedded database: ``with engine.faults.throttle("PutItem", nth=1): ...``.

    Each fault is a context manager, which adds a rule and removes it at the end of the block. The value of the
    block is the rule; its ``matched`` is the number of requests that fit, and its ``applied`` is the number of
    faults. The arguments choose the requests:

    * *operation*: the name of an operation, such as ``"PutItem"``; by default, all operations;
    * *table*: a model, or the name of a table in DynamoDB; by default, all tables;
    * *probability*: the share of the requests that get the fault, from 0 to 1;
    * *nth*: the number of the only request that gets the fault, counted from 1.

    Arguments that no request could fit raise :class:`~dynamodb_py.exceptions.ConfigurationError`.
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
        """Reject requests as throttled; cancel transactions.

        >>> from dynamodb_py.testing import EmbeddedEngine
        >>> with EmbeddedEngine() as engine:
        ...     engine.create_tables(Score)
        ...     with engine.faults.throttle("PutItem", nth=1) as rule:
        ...         score = Score.create(player="eve", game=1)
        >>> rule.matched, rule.applied  # the second attempt succeeded
        (2, 1)
        """
        return self._hold("throttle", operation, table, probability, nth)

    def conflict(
        self,
        operation: str | None = None,
        *,
        table: TableName | None = None,
        probability: float = 1.0,
        nth: int | None = None,
    ) -> AbstractContextManager[Rule]:
        """Reject writes and transactions as if another transaction held an item.

        >>> from dynamodb_py.testing import EmbeddedEngine
        >>> with EmbeddedEngine() as engine:
        ...     engine.create_tables(Score)
        ...     score = Score.create(player="eve", game=1)
        ...     with engine.faults.conflict("UpdateItem", nth=1):
        ...         score.update(points=5)
        Traceback (most recent call last):
            ...
        dynamodb_py.exceptions.TransactionConflict: UpdateItem on scores: TransactionConflictException: ...
        """
        return self._hold("conflict", operation, table, probability, nth)

    def unprocessed(
        self,
        operation: str | None = None,
        *,
        table: TableName | None = None,
        probability: float = 1.0,
        nth: int | None = None,
    ) -> AbstractContextManager[Rule]:
        """Leave items of batches unprocessed; the rule counts items, not requests.

        >>> from dynamodb_py.testing import EmbeddedEngine
        >>> with EmbeddedEngine() as engine:
        ...     engine.create_tables(Score)
        ...     with engine.faults.unprocessed("BatchWriteItem", nth=2) as rule:
        ...         scores = [Score(player="eve", game=number) for number in (1, 2, 3)]
        ...         scores = Score.objects.bulk_create(scores, overwrite=True)
        ...     Score.objects.count(), rule.applied  # a second request wrote the rest
        (3, 1)
        """
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
        """Let eventually consistent reads of indexes return the state of *seconds* ago, by the engine's clock.

        >>> from dynamodb_py.testing import EmbeddedEngine
        >>> with EmbeddedEngine() as engine:
        ...     engine.create_tables(Score)
        ...     engine.clock.freeze()
        ...     with engine.faults.stale(5):
        ...         score = Score.create(player="eve", game=1)
        ...         Score.by_game.filter(game=1).count()
        ...         engine.clock.tick(6)
        ...         Score.by_game.filter(game=1).count()
        0
        1
        """
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
        """Let requests take *seconds* longer, in real time.

        >>> from dynamodb_py.testing import EmbeddedEngine
        >>> with EmbeddedEngine() as engine:
        ...     engine.create_tables(Score)
        ...     with engine.faults.latency(0.01, "GetItem") as rule:
        ...         Score.get(player="eve", game=1)
        >>> rule.applied
        1
        """
        return self._hold("latency", operation, table, probability, nth, seconds)

    def lose(
        self,
        operation: str | None = None,
        *,
        table: TableName | None = None,
        probability: float = 1.0,
        nth: int | None = None,
    ) -> AbstractContextManager[Rule]:
        """Carry out requests, and lose their responses.

        >>> from dynamodb_py.testing import EmbeddedEngine
        >>> with EmbeddedEngine() as engine:
        ...     engine.create_tables(Score)
        ...     with engine.faults.lose("PutItem", nth=1) as rule:
        ...         Score.create(player="eve", game=1)  # the second attempt finds an item
        Traceback (most recent call last):
            ...
        examples.scores.Score.AlreadyExists: PutItem on scores: ...
        """
        return self._hold("lose", operation, table, probability, nth)

    def seed(self, seed: int) -> None:
        """Restart the random choices of *probability*; the same *seed* leads to the same choices.

        >>> from dynamodb_py.testing import EmbeddedEngine
        >>> def count_faults(faults):
        ...     faults.seed(7)
        ...     with faults.latency(0.001, "GetItem", probability=0.5) as rule:
        ...         found = [Score.get(player="eve", game=number) for number in range(10)]
        ...     return rule.applied
        >>> with EmbeddedEngine() as engine:
        ...     engine.create_tables(Score)
        ...     count_faults(engine.faults) == count_faults(engine.faults)
        True
        """
        self._faults.seed(seed)

    def clear(self) -> None:
        """Remove all rules, and restart the random choices from the default seed.

        >>> from dynamodb_py.testing import EmbeddedEngine
        >>> with EmbeddedEngine() as engine:
        ...     engine.create_tables(Score)
        ...     with engine.faults.throttle() as rule:
        ...         engine.faults.clear()
        ...         score = Score.create(player="eve", game=1)
        >>> rule.applied
        0
        """
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
                f"no operation is called {operation!r}: give a name of DynamoDB's, such as 'PutItem'"
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
