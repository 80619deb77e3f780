"""What is done with each item that a query set finds, and what came of it."""

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
    batch_write,
    identify_key,
    run_together,
)
from ...codec import decode
from ...exceptions import (
    AccessDenied,
    BatchIncomplete,
    ConditionFailed,
    MaxRequestsReached,
    RequestError,
    TableNotFound,
    UnreadableValue,
)
from ...expressions import Condition
from ...flows import Flow
from ...limits import MAX_BATCH_WRITE
from ...operations.base import Together
from ...operations.batches import Delete
from ...operations.items import DeleteItem, Key, UpdateItem
from ...reading import Reader
from ...reading.pacing import Ledger
from ...reading.sources import check_workers
from ..bulk.bound_model import instance_of_key
from ..persistence.delete import remove_item
from ..persistence.update_actions import was_applied
from ..records.base import load_key
from .base import BaseQuerySet

HOPELESS = (AccessDenied, TableNotFound)
"""What one write fails of, all others would too."""
CONCERNING_ONE = (RequestError, UnreadableValue)
"""What may be wrong with one item, and not with the next."""


class Done(Struct, frozen=True):
    """What ``delete()`` or ``update()`` of a query set did.

    >>> print(Done(matched=3, changed=2, skipped=1, requests=4))
    3 matched, 2 changed, 1 no longer matched, 0 failed; 4 requests
    """

    matched: int = 0
    """How many items were found."""
    changed: int = 0
    """How many of them were deleted, or updated."""
    skipped: int = 0
    """How many did not match any more, or were gone, when it was their turn; they were left alone."""
    failed: list[tuple[Any, Exception]] = []
    """The others, as far as they were tried: each item's ``primary_key``, and what went wrong. After
    a :class:`~dynamodb_py.exceptions.ConnectionFailed`, the item may have been changed all the same."""
    units: float | None = None
    """The read units that it cost to find them; None where DynamoDB was not asked: it is with a
    ``rate``, unless items are read by their keys."""
    requests: int = 0
    """How many requests were sent, to read and to write; attempts at one count as one."""

    def __str__(self) -> str:
        text = (
            f"{self.matched} matched, {self.changed} changed, {self.skipped} no longer matched, "
            f"{len(self.failed)} failed; {self.requests} requests"
        )
        return text if self.units is None else f"{text}, {self.units:g} read units"


def primary_key_of(model: type[Any], key: Key) -> Any:
    """Return *key* as instances have it: ``primary_key``."""
    try:
        return load_key(model, key).primary_key
    except UnreadableValue:
        values = [decode(wire) for wire in key.values()]
        return tuple(values) if len(values) > 1 else values[0]


class WriteRun:
    """What is to be done with each item that is found, and what was done so far."""

    def __init__(
        self, queryset: BaseQuerySet[Any, Any], workers: int, progress: ProgressOption
    ) -> None:
        self._model = queryset.model
        self._workers = check_workers(workers)
        self._tell: Progress | None = as_callback(progress)
        self._matched = self._changed = self._skipped = 0
        self._failed: list[tuple[Any, Exception]] = []
        self._ledger = Ledger()

    def done(self, reader: Reader) -> Done:
        """Return what was done so far."""
        return Done(
            self._matched,
            self._changed,
            self._skipped,
            list(self._failed),
            reader.units or None,  # a read costs something: 0 is what nobody was told of
            reader.requests + self._ledger.requests,
        )

    def only(self, key: Key) -> Flow[None]:
        """Do it with the item of *key*, if it is there."""
        yield from self._do([key])
        # The item was not read first: one that does not exist does not count as matched.
        self._matched, self._skipped = 1 - self._skipped, 0

    def all_of(self, reader: Reader, read: KeyReader, *, first: bool) -> Flow[None]:
        """Do it with all items that *reader* gives, in the memory of a page, or of all with *first*."""
        size = MAX_BATCH_WRITE * self._workers
        waiting: dict[Hashable, Key] = {}
        reached: MaxRequestsReached | None = None
        while reached is None:
            try:
                items = yield from reader.more()
            except MaxRequestsReached as error:
                reached, items = error, []  # its cursor is behind those that wait
            if items is None:
                break
            before = len(waiting)
            for item in items:
                key = read(item)
                waiting.setdefault(identify_key(key), key)
            self._matched += len(waiting) - before
            while len(waiting) >= size and not first:
                yield from self._some(waiting, size)
            self._tell_more()
        while waiting:
            yield from self._some(waiting, size)
        if reached is not None:
            raise reached

    def _some(self, waiting: dict[Hashable, Key], size: int) -> Flow[None]:
        places = list(islice(waiting, size))
        yield from self._do([waiting.pop(place) for place in places])
        self._tell_more()

    def _do(self, keys: list[Key]) -> Flow[None]:
        """Do it with the items of *keys*."""
        raise NotImplementedError

    @property
    def _over(self) -> int:
        return self._changed + self._skipped + len(self._failed)

    def _tell_more(self) -> None:
        if self._tell is not None:
            self._tell(self._over, 0)

    def tell_end(self) -> None:
        """Tell that this is all."""
        if self._tell is not None:
            self._tell(self._over, self._over)

    def _note(
        self, keys: list[Key], outcomes: Sequence[Any], concerning_one: type[Any] | tuple[Any, ...]
    ) -> None:
        """Note the outcomes of writes; raise the first that all others would fail of too."""
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
        self._failed += [(self._primary_key(key), error) for key in keys]

    def _primary_key(self, key: Key) -> Any:
        """Return *key* as instances have it: ``primary_key``."""
        return primary_key_of(self._model, key)


class BatchDeletes(WriteRun):
    """Deletes, 25 to a request, whatever became of the items since they were found."""

    def __init__(
        self, queryset: BaseQuerySet[Any, Any], workers: int, progress: ProgressOption, table: str
    ) -> None:
        super().__init__(queryset, workers, progress)
        self._table = table

    def _do(self, keys: list[Key]) -> Flow[None]:
        left, failure = yield from self._carry_out(keys, self._workers)
        if failure is None:
            return
        if len(left) <= MAX_BATCH_WRITE:
            self._fail(left, failure)
            return
        # Of several requests one failed: which keys were its own, the next attempt tells.
        for at in range(0, len(left), MAX_BATCH_WRITE):
            still, latest = yield from self._carry_out(left[at : at + MAX_BATCH_WRITE], 1)
            if latest is not None:
                self._fail(still, latest)

    def _carry_out(
        self, keys: list[Key], workers: int
    ) -> Flow[tuple[list[Key], BatchIncomplete | RequestError | None]]:
        """Delete; return what is left, and why."""
        writes = [Delete(self._table, key) for key in keys]
        failure: BatchIncomplete | RequestError | None = None
        left: list[Key] = []
        try:
            yield from self._ledger.drive(batch_write(writes, workers=workers))
        except (BatchIncomplete, RequestError) as error:
            failure, left = error, [write.key for write in error.unprocessed]
            error.unprocessed = [self._primary_key(key) for key in left]
        self._changed += len(keys) - len(left)
        if isinstance(failure, HOPELESS):
            raise failure
        return left, failure


class ConditionalWrites(WriteRun):
    """A request for each item, on condition that it still matches."""

    def __init__(
        self,
        queryset: BaseQuerySet[Any, Any],
        workers: int,
        progress: ProgressOption,
        make: Callable[[Key], DeleteItem | UpdateItem],
    ) -> None:
        super().__init__(queryset, workers, progress)
        self._make = make
        make({}).payload()  # what cannot be said at all is told before anything is sent

    def _do(self, keys: list[Key]) -> Flow[None]:
        operations = [self._make(key) for key in keys]
        outcomes = yield from self._ledger.drive(iter(Together(operations, self._workers)))
        for at, outcome in enumerate(outcomes):
            if isinstance(outcome, ConditionFailed) and was_applied(operations[at], outcome):
                outcomes[at] = None
        self._note(keys, outcomes, RequestError)


class GuardedDeletes(WriteRun):
    """Deletes of items with unique values: each goes together with what keeps those unique."""

    def __init__(
        self,
        queryset: BaseQuerySet[Any, Any],
        workers: int,
        progress: ProgressOption,
        condition: Condition | None,
    ) -> None:
        super().__init__(queryset, workers, progress)
        self._queryset, self._condition = queryset, condition

    def _do(self, keys: list[Key]) -> Flow[None]:
        flows: dict[int, Flow[None]] = {}
        for at, key in enumerate(keys):
            try:
                flows[at] = remove_item(
                    instance_of_key(self._queryset, key), self._condition, False
                )
            except UnreadableValue as error:  # of this item alone nobody knows whose values it has
                self._fail([key], error)
        outcomes = yield from self._ledger.drive(run_together(list(flows.values()), self._workers))
        self._note([keys[at] for at in flows], outcomes, CONCERNING_ONE)
