"""Bulk by query: ``delete()`` and ``update()`` of every item that a query set matches."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import islice
from typing import Any, Generic

from msgspec import Struct
from msgspec.structs import replace

from ..batching import KeyReader, Progress, batch_write, identity
from ..codec import decode, to_json
from ..exceptions import (
    AccessDenied,
    BatchIncomplete,
    ConditionFailed,
    MaxRequestsReached,
    QueryError,
    RequestError,
    TableNotFound,
    UnreadableValue,
)
from ..expressions import Action
from ..flows import Flow, awaiting, blocking
from ..limits import MAX_BATCH_WRITE
from ..operations.base import Together
from ..operations.batches import Delete
from ..operations.items import DeleteItem, Key, UpdateItem
from ..planning import Plan
from ..reading import Reader
from ..reading.keys import key_of
from ..reading.pacing import Ledger
from ..reading.sources import checked_workers
from .builders import M, R
from .bulk import ProgressOption, shown
from .changes import changes, has_changed, still_asked
from .pages import Paging

HOPELESS = (AccessDenied, TableNotFound)
"""What one write fails of, all others would too."""


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
        said = (
            f"{self.matched} matched, {self.changed} changed, {self.skipped} no longer matched, "
            f"{len(self.failed)} failed; {self.requests} requests"
        )
        return said if self.units is None else f"{said}, {self.units:g} read units"


class BulkByQuery(Paging[M, R], Generic[M, R]):
    """The verbs of query sets that change every item that matches."""

    __slots__ = ()

    def _delete(
        self,
        *,
        workers: int = 1,
        checked: bool = False,
        rate: float | None = None,
        progress: ProgressOption = None,
    ) -> Flow[Done]:
        """Delete every item that matches: the keys are read, and deleted 25 to a request.

        What fails of single items is told by ``failed``, and the others are gone on with. An item
        that is changed between the two, so that it does not match any more, is deleted all the same,
        unless *checked*. A whole key is not read: it takes one request.

        :param workers: how many requests that delete may be under way at once.
        :param checked: delete each item by a request of its own, on condition that it still matches.
        :param rate: how many read units to consume per second at most; the deletes are not counted.
        :param progress: called with how many items are done, and 0 until it is known how many there
            are; or True for a bar.
        :raises ScanRequired: only reading the whole table could find them; nothing was sent.
        :raises MaxRequestsReached: there is more than ``max_requests()`` could read: ``cursor`` is
            where to go on, ``after(cursor)``.
        :raises RequestError: reading failed, or no write can succeed. This and all else that is
            raised on the way has what was done so far in ``done``.
        """
        plan, asked = self._of_keys("delete()", rate)
        condition = still_asked(self.model._options(), plan)

        def delete(key: Key) -> DeleteItem:
            return DeleteItem(plan.table, key, condition)

        work: _Work
        if checked or asked._is_whole_key(plan):
            work = _OneByOne(self, workers, progress, delete)
        else:
            work = _Batches(self, workers, progress, plan.table)
        return (yield from asked._worked(plan, work))

    delete = blocking(_delete)
    adelete = awaiting(_delete)

    def _update(
        self,
        /,
        *actions: Action,
        workers: int = 1,
        rate: float | None = None,
        progress: ProgressOption = None,
        **values: Any,
    ) -> Flow[Done]:
        """Change every item that matches, each by a request of its own.

        Each is changed on condition that it is still there and still matches: none is made, and
        what somebody else changed meanwhile is not overwritten, but counted in ``skipped``. Fields
        that set themselves on saving, such as those with ``auto_now``, do so here too. What fails of
        single items is told by ``failed``, and the others are gone on with. A whole key is not read.

        :param actions: ``Set``, ``Remove``, ``Add`` and ``Delete`` of ``dynamodb_py.expressions``.
        :param workers: how many requests that write may be under way at once.
        :param rate: how many read units to consume per second at most; the writes are not counted.
        :param progress: called with how many items are done, and 0 until it is known how many there
            are; or True for a bar.
        :param values: new values by field, which are spelled and validated as ``save()`` does; None
            removes the attribute, or stores a NULL where the field has ``null=True``.
        :raises ValidationError: values cannot be stored, or are of the key; nothing was sent.
        :raises ScanRequired: only reading the whole table could find them; nothing was sent.
        :raises MaxRequestsReached: there is more than ``max_requests()`` could read: ``cursor`` is
            where to go on, ``after(cursor)``.
        :raises RequestError: reading failed, or no write can succeed. This and all else that is
            raised on the way has what was done so far in ``done``.
        """
        meta = self.model._options()
        self._check_no_clash(workers=workers != 1, rate=rate is not None, progress=bool(progress))
        found = changes(meta, actions, values)
        plan, asked = self._of_keys("update()", rate)
        condition = still_asked(meta, plan)

        def update(key: Key) -> UpdateItem:
            return UpdateItem(plan.table, key, found, condition)

        work = _OneByOne(self, workers, progress, update)
        # An item that moves in the index that is read would be found again, further on.
        moved = {action.path.parts[0] for action in found} & {key.name for key in plan.position}
        return (yield from asked._worked(plan, work, first=bool(moved)))

    update = blocking(_update)
    aupdate = awaiting(_update)

    def _check_no_clash(self, **options: bool) -> None:
        for option, given in options.items():
            if given and option in self.model._options().field_set.by_name:
                raise TypeError(
                    f"update({option}=...) is the option, and {self.model.__name__}.{option} is a "
                    f'field: change that by an action, Set(Path(("{option}",), by_name=True), ...)'
                )

    def _of_keys(self, verb: str, rate: float | None) -> tuple[Plan, BulkByQuery[M, R]]:
        """Return what finds the keys of what matches, and the query set that reads it."""
        self._check_single(verb)
        if self._question.full:
            raise QueryError(
                f"{self.model.__name__}: {verb} reads nothing but keys, and full() reads whole items: "
                "drop full()"
            )
        self._kept = None  # what was read before is no longer so
        question = replace(self._question, wanted=())
        how = self._how if rate is None else replace(self._how, rate=rate)
        asked = self._but(question, how)
        return asked._plan(), asked

    def _is_whole_key(self, plan: Plan) -> bool:
        return plan.get is not None and self._how.start is None

    def _worked(self, plan: Plan, work: _Work, *, first: bool = False) -> Flow[Done]:
        """Work through what *plan* finds; with *first*, find all of it before anything is changed."""
        reader = self._reader(plan)
        try:
            if plan.get is not None and self._is_whole_key(plan):
                yield from work.only(plan.get.key)
            else:
                yield from work.all_of(reader, key_of(plan.key), first=first)
            work.tell_end()
        except Exception as error:
            vars(error)["done"] = work.done(reader)
            raise
        return work.done(reader)


class _Work:
    """What is to be done with each item that is found, and what was done so far."""

    def __init__(
        self, queryset: BulkByQuery[Any, Any], workers: int, progress: ProgressOption
    ) -> None:
        self._model = queryset.model
        self._workers = checked_workers(workers)
        self._tell: Progress | None = shown(progress)
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
        # Nobody had seen it before: what is not there was not found either.
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
                waiting.setdefault(identity(key), key)
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

    def _fail(self, keys: list[Key], error: Exception) -> None:
        self._failed += [(self._said(key), error) for key in keys]

    def _said(self, key: Key) -> Any:
        """Return *key* as instances have it: ``primary_key``."""
        try:
            return self._model._load(to_json(key)).primary_key
        except UnreadableValue:
            values = [decode(wire) for wire in key.values()]
            return tuple(values) if len(values) > 1 else values[0]


class _Batches(_Work):
    """Deletes, 25 to a request, whatever became of the items since they were found."""

    def __init__(
        self,
        queryset: BulkByQuery[Any, Any],
        workers: int,
        progress: ProgressOption,
        table: str,
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
            error.unprocessed = [self._said(key) for key in left]
        self._changed += len(keys) - len(left)
        if isinstance(failure, HOPELESS):
            raise failure
        return left, failure


class _OneByOne(_Work):
    """A request for each item, on condition that it still matches."""

    def __init__(
        self,
        queryset: BulkByQuery[Any, Any],
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
        hopeless: Exception | None = None
        for key, operation, outcome in zip(keys, operations, outcomes, strict=True):
            if not isinstance(outcome, Exception):
                self._changed += 1
            elif isinstance(outcome, ConditionFailed):
                if has_changed(operation, outcome):
                    self._changed += 1
                else:
                    self._skipped += 1
            elif isinstance(outcome, RequestError) and not isinstance(outcome, HOPELESS):
                self._fail([key], outcome)
            else:
                hopeless = hopeless or outcome
        if hopeless is not None:
            raise hopeless
