"""Carries out writes to the items that a query set finds, and counts their outcomes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct

from ...batching import (
    KeyReader,
    Progress,
    ProgressOption,
    as_callback,
    as_total,
    batch_write,
    identify_key,
    run_together,
)
from ...exceptions import (
    AccessDenied,
    BatchIncomplete,
    ConditionFailed,
    MaxRequestsReached,
    RequestError,
    TableNotFound,
    UnreadableValue,
)
from ...expressions import (
    And,
    AttributeType,
    BeginsWith,
    Between,
    Compare,
    Condition,
    Contains,
    Exists,
    In,
    Not,
    NotExists,
    Or,
)
from ...flows import Flow
from ...limits import MAX_BATCH_WRITE
from ...operations.base import Together
from ...operations.batches import Delete
from ...operations.items import DeleteItem, Key, UpdateItem
from ...pacing.buckets import Pacer, limit_batch
from ...pacing.flows import pace, wait_for_units
from ...planning import Plan
from ...planning.comparisons import parse_comparison
from ...reading import Reader
from ...reading.pacing import Ledger, find_total
from ...reading.sources import check_workers
from ..bulk.bound_model import instance_of_key
from ..options.options import Options
from ..persistence.delete import remove_item
from ..persistence.update_actions import was_applied
from ..records.base import load_key
from .base import BaseQuerySet

HOPELESS = (AccessDenied, TableNotFound)
"""Errors after which all other writes would fail too."""
CONCERNING_ONE = (RequestError, UnreadableValue)
"""Errors that may be due to a single item."""


class Done(Struct, frozen=True):
    """The outcome of ``delete()`` or ``update()`` of a query set; it is false if no item was changed.

    >>> print(Done(matched=3, changed=2, skipped=1, requests=4))
    3 matched, 2 changed, 1 no longer matched, 0 failed; 4 requests
    """

    matched: int = 0
    """The number of items that the query found."""
    changed: int = 0
    """The number of items that were deleted or updated."""
    skipped: int = 0
    """The number of items that were not written, as they no longer matched, or did not exist any more."""
    failed: list[tuple[Any, Exception]] = []
    """The ``primary_key`` and the error of each item whose write failed.

    After :class:`~dynamodb_py.exceptions.ConnectionFailed` the item may have been changed nevertheless.
    """
    units: float | None = None
    """The read units that finding the items cost; None without ``rate``, and for items read by key."""
    requests: int = 0
    """The number of requests that read or write; several attempts at a request count as one."""

    def __bool__(self) -> bool:
        return self.changed > 0

    def __str__(self) -> str:
        text = (
            f"{self.matched} matched, {self.changed} changed, {self.skipped} no longer matched, "
            f"{len(self.failed)} failed; {self.requests} requests"
        )
        return text if self.units is None else f"{text}, {self.units:g} read units"


def primary_key_of(model: type[Any], key: Key) -> Any:
    """Return the ``primary_key`` that an instance with *key* has."""
    return load_key(model, key).primary_key


class WriteRun:
    """The base class of runs that write to the items of a query set, and count their outcomes."""

    def __init__(
        self,
        queryset: BaseQuerySet[Any, Any],
        workers: int,
        pacer: Pacer | None,
        progress: ProgressOption,
    ) -> None:
        self._model = queryset.model
        self._workers, self._pacer = check_workers(workers), pacer
        self._size = limit_batch(MAX_BATCH_WRITE, pacer)
        self._progress: Progress | None = as_callback(progress)
        self._matched = self._changed = self._skipped = self._total = 0
        self._failed: list[tuple[Any, Exception]] = []
        self._ledger = Ledger()

    def done(self, reader: Reader) -> Done:
        """Return the outcome so far."""
        return Done(
            self._matched,
            self._changed,
            self._skipped,
            list(self._failed),
            reader.units or None,  # every read costs something, so 0 means that the cost is unknown
            reader.requests + self._ledger.requests,
        )

    def write_one(self, key: Key) -> Flow[None]:
        """Write to the item of *key*, if it exists."""
        yield from pace(self._do([key]), self._pacer)
        # The item was not read before, so a skipped write means that no item matched.
        self._matched, self._skipped = 1 - self._skipped, 0

    def write_all(self, reader: Reader, read: KeyReader, *, first: bool) -> Flow[None]:
        """Write to all items of *reader*, with one page in memory.

        :param first: True reads all items before the first write.
        """
        size = self._size * self._workers
        waiting: dict[Hashable, Key] = {}
        reached: MaxRequestsReached | None = None
        while reached is None:
            try:
                items = yield from reader.more()
            except MaxRequestsReached as error:
                reached, items = error, []  # raised after writing the items before its cursor
            if items is None:
                break
            before = len(waiting)
            for item in items:
                key = read(item)
                waiting.setdefault(identify_key(key), key)
            self._matched += len(waiting) - before
            while len(waiting) >= size and not first:
                yield from self._write_some(waiting, size)
            self.report()
        while waiting:
            yield from self._write_some(waiting, size)
        if reached is not None:
            raise reached

    def _write_some(self, waiting: dict[Hashable, Key], size: int) -> Flow[None]:
        yield from wait_for_units(self._pacer)  # raises at a deadline, before more writes are tried
        places = list(islice(waiting, size))
        yield from pace(self._do([waiting.pop(place) for place in places]), self._pacer)
        self.report()

    def _do(self, keys: list[Key]) -> Flow[None]:
        """Write to the items of *keys*."""
        raise NotImplementedError

    def report(self, *, ended: bool = False) -> None:
        """Call the progress function; until the run has *ended*, the total is an estimate, or 0."""
        if self._progress is not None:
            over = self._changed + self._skipped + len(self._failed)
            self._progress(over, over if ended else as_total(self._total, over))

    def find_total(self, plan: Plan) -> Flow[None]:
        """Find the total for the progress function: the table's number of items if *plan* scans it whole."""
        if self._progress is not None and plan.condition.is_empty:
            self._total = yield from find_total(plan)

    def _note(
        self, keys: list[Key], outcomes: Sequence[Any], concerning_one: type[Any] | tuple[Any, ...]
    ) -> None:
        """Count the outcomes of writes; raise the first error after which all others would fail too."""
        hopeless: Exception | None = None
        for key, outcome in zip(keys, outcomes, strict=True):
            if not isinstance(outcome, Exception):
                self._changed += 1
            elif isinstance(outcome, ConditionFailed):
                self._skipped += 1
            elif isinstance(outcome, concerning_one) and not isinstance(outcome, HOPELESS):
                self._fail([key], outcome)
            else:
                hopeless = hopeless or outcome
        if hopeless is not None:
            raise hopeless

    def _fail(self, keys: list[Key], error: Exception) -> None:
        self._failed += [(primary_key_of(self._model, key), error) for key in keys]


class BatchDeletes(WriteRun):
    """Deletes, 25 to a request, without conditions."""

    def __init__(
        self,
        queryset: BaseQuerySet[Any, Any],
        workers: int,
        pacer: Pacer | None,
        progress: ProgressOption,
        table: str,
    ) -> None:
        super().__init__(queryset, workers, pacer, progress)
        self._table = table

    def _do(self, keys: list[Key]) -> Flow[None]:
        left, failure = yield from self._carry_out(keys, self._workers)
        if failure is None:
            return
        if len(left) <= self._size:
            self._fail(left, failure)
            return
        # One of several requests failed: sending them one by one shows which.
        for at in range(0, len(left), self._size):
            still, latest = yield from self._carry_out(left[at : at + self._size], 1)
            if latest is not None:
                self._fail(still, latest)

    def _carry_out(
        self, keys: list[Key], workers: int
    ) -> Flow[tuple[list[Key], BatchIncomplete | RequestError | None]]:
        """Delete the items of *keys*; return the keys that are left, and the error, None if all succeeded."""
        writes = [Delete(self._table, key) for key in keys]
        failure: BatchIncomplete | RequestError | None = None
        left: list[Key] = []
        try:
            flow = batch_write(writes, workers=workers, size=self._size)
            yield from self._ledger.drive(flow)
        except (BatchIncomplete, RequestError) as error:
            failure, left = error, [write.key for write in error.unprocessed]
            error.unprocessed = [primary_key_of(self._model, key) for key in left]
        self._changed += len(keys) - len(left)
        if isinstance(failure, HOPELESS):
            raise failure
        return left, failure


class ConditionalWrites(WriteRun):
    """Writes each item by a request of its own, on condition that it still matches."""

    def __init__(
        self,
        queryset: BaseQuerySet[Any, Any],
        workers: int,
        pacer: Pacer | None,
        progress: ProgressOption,
        make: Callable[[Key], DeleteItem | UpdateItem],
    ) -> None:
        super().__init__(queryset, workers, pacer, progress)
        self._make = make
        make({}).payload()  # raises before the first request if no request can hold the write

    def _do(self, keys: list[Key]) -> Flow[None]:
        operations = [self._make(key) for key in keys]
        outcomes = yield from self._ledger.drive(iter(Together(operations, self._workers)))
        for at, outcome in enumerate(outcomes):
            if isinstance(outcome, ConditionFailed) and was_applied(operations[at], outcome):
                outcomes[at] = None
        self._note(keys, outcomes, RequestError)


class GuardedDeletes(WriteRun):
    """Deletes items with unique values, each in a transaction with its sentinels."""

    def __init__(
        self,
        queryset: BaseQuerySet[Any, Any],
        workers: int,
        pacer: Pacer | None,
        progress: ProgressOption,
        condition: Condition | None,
    ) -> None:
        super().__init__(queryset, workers, pacer, progress)
        self._queryset, self._condition = queryset, condition

    def _do(self, keys: list[Key]) -> Flow[None]:
        flows = [
            remove_item(instance_of_key(self._queryset, key), self._condition, False)
            for key in keys
        ]
        outcomes = yield from self._ledger.drive(run_together(flows, self._workers))
        self._note(keys, outcomes, CONCERNING_ONE)


# The conditions that only depend on the attributes of their paths.
_KNOWN = frozenset(
    {And, AttributeType, BeginsWith, Between, Compare, Contains, Exists, In, Not, NotExists, Or}
)


def recheck_condition(meta: Options, plan: Plan) -> Condition:
    """Return the condition that an item which *plan* has found still exists and still matches."""
    keys = {key.name for key in plan.key}
    still = meta.present
    for term in plan.condition.conjuncts:
        if not _is_about(term, keys):  # conditions on the key, which never changes, need no check
            still &= term
    return still


def without_presence(meta: Options, still: Condition) -> Condition | None:
    """Return *still* without its term that the item exists; None if it has no other term."""
    left = Condition()
    for term in still.conjuncts:
        if term != meta.present:
            left &= term
    return None if left.is_empty else left


def find_whole_key(plan: Plan) -> Key | None:
    """Return the key of the item if *plan* can find only one item, by its whole key; else None."""
    if plan.get is not None:
        return plan.get.key
    if plan.kind != "query" or plan.index is not None or plan.limit == 0:
        return None
    comparisons = filter(None, map(parse_comparison, plan.condition.conjuncts))
    fixed = {name: wires[0] for name, operator, wires in comparisons if operator == "="}
    names = [key.name for key in plan.key]
    return {name: fixed[name] for name in names} if fixed.keys() >= set(names) else None


def _is_about(condition: Condition, attributes: set[str]) -> bool:
    """Tell whether *condition* depends only on these attributes."""
    return all(type(node) in _KNOWN for node in condition._nodes()) and all(
        path.parts[0] in attributes for path in condition.paths()
    )
