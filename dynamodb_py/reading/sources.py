"""The sources of a reader's items: one class for each kind of plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeAlias

from ..batching import batch_get, finish_flow
from ..exceptions import QueryError
from ..flows import Flow
from ..limits import MAX_BATCH_GET
from ..operations.items import GetItem, Key, StoredItem
from ..planning.plan import Plan
from .keys import make_identity_reader, make_key_reader
from .pacing import Ledger
from .positions import Position

Place: TypeAlias = "Callable[[int | None], Position | None]"
"""Takes a number of items, and returns the position after so many items of one list; None means all."""


class Source(Protocol):
    """A reader of a plan's items, list by list. A failure does not change its state, and can be retried."""

    def more(self, want: int | None) -> Flow[list[StoredItem] | None]:
        """Return the next items, at most *want*; None at the end."""
        ...

    def place(self) -> Place:
        """Return the place of the latest list; it stays valid when the next one is read."""
        ...

    def before(self) -> Position | None:
        """Return the position before the items, as one of the reversed plan; None if it is not known."""
        ...


class Nothing:
    """No items, and no request."""

    def more(self, want: int | None) -> Flow[list[StoredItem] | None]:
        """Return None."""
        del want
        return finish_flow(None)

    def place(self) -> Place:
        """Return the place at the end."""
        return lambda taken: None

    def before(self) -> Position | None:
        """Return None: there are no items."""
        return None


class One:
    """The item of one key, by a GetItem."""

    def __init__(self, plan: Plan, ledger: Ledger, start: Position | None) -> None:
        self._plan, self._ledger = plan, ledger
        self._used = self._since = 0 if start is None else start.used

    def more(self, want: int | None) -> Flow[list[StoredItem] | None]:
        """Return the item, if it exists."""
        del want
        if self._used:
            return None
        item = yield from self._read()
        self._used = 1
        found = [] if item is None else [item]
        self._since = 0 if found else 1
        return found

    def _read(self) -> Flow[StoredItem | None]:
        get = self._plan.get
        return None if get is None else (yield from self._read_by(get))

    def _read_by(self, get: GetItem) -> Flow[StoredItem | None]:
        item: StoredItem | None = yield from self._ledger.drive(iter(get))
        found = [] if item is None else [item]
        self._ledger.count_items(found, consistent=get.consistent)
        return item

    def place(self) -> Place:
        """Return the place before the item, or at the end."""
        used, since = self._used, self._since
        return lambda taken: None if (used if taken is None else since + taken) else Position()

    def before(self) -> Position | None:
        """Return the place before the item."""
        return Position()


class ByOwner(One):
    """The item that a sentinel names, if it still has the unique value; it is read at most twice."""

    def _read(self) -> Flow[StoredItem | None]:
        owner = self._plan.owner
        if owner is None:
            return None
        for _ in range(2):  # another item may get the value between the two requests
            sentinel = yield from self._read_by(owner.sentinel)
            if sentinel is None:
                return None
            item = yield from self._read_by(owner.make_request(sentinel))
            if item is not None and owner.has_value(item):
                return None if owner.hides(item) else item
        return None


class ByKeys:
    """The items of a list of keys by BatchGetItem, in the order of the keys."""

    def __init__(self, plan: Plan, ledger: Ledger, start: Position | None, workers: int) -> None:
        self._plan, self._ledger, self._workers = plan, ledger, workers
        self._used = self._begun = 0 if start is None else start.used
        self._ends: list[int] = []
        """The number of keys that were read up to each item of the latest list."""
        self._since = self._used

    def more(self, want: int | None) -> Flow[list[StoredItem] | None]:
        """Return the items of the next keys, at most of *want* keys."""
        plan, ledger = self._plan, self._ledger
        if self._used == len(plan.keys):
            return None
        chunks = self._workers if want is None else -(-want // MAX_BATCH_GET)
        chunks = ledger.allowance(min(chunks, self._workers))
        most = chunks * MAX_BATCH_GET
        keys = plan.keys[self._used : self._used + (most if want is None else min(want, most))]
        found = yield from ledger.drive(_read_keys(plan, keys, chunks))
        self._since = self._used
        self._used += len(keys)
        self._ends = [self._since + at for at, item in enumerate(found, 1) if item is not None]
        items = [item for item in found if item is not None]
        ledger.count_items(items, consistent=plan.consistent)
        return items

    def place(self) -> Place:
        """Return the place of the latest list."""
        return partial(self._place, self._since, self._used, self._ends)

    def _place(self, since: int, used: int, ends: list[int], taken: int | None) -> Position | None:
        if taken is not None and taken < len(ends):
            used = ends[taken - 1] if taken else since
        return None if used == len(self._plan.keys) else Position(used=used)

    def before(self) -> Position | None:
        """Return the place after the later keys, counted from the other end."""
        return Position(used=len(self._plan.keys) - self._begun)


def _read_keys(plan: Plan, keys: Sequence[Key], workers: int) -> Flow[list[StoredItem | None]]:
    return batch_get(
        [(plan.table, key) for key in keys],
        {plan.table: make_identity_reader(plan.key)},
        consistent=plan.consistent,
        workers=workers,
        expressions={} if plan.expressions is None else {plan.table: plan.expressions},
    )


class Completed:
    """Whole items from the table, for the items of an index that another source reads.

    They come in the order of the index, without items that were deleted meanwhile.
    """

    def __init__(self, source: Source, plan: Plan, ledger: Ledger, workers: int) -> None:
        self._source, self._plan, self._ledger = source, plan, ledger
        self._workers = workers
        self._parts: list[StoredItem] = []
        """The latest items of the index."""
        self._done = 0
        """The number of parts that were completed."""
        self._place = source.place()

    def more(self, want: int | None) -> Flow[list[StoredItem] | None]:
        """Return the next whole items: at most as many as the workers read at once."""
        if self._done == len(self._parts):
            parts = yield from self._source.more(want)
            if parts is None:
                return None
            self._parts, self._done = parts, 0
        begun = self._done
        found: list[StoredItem | None] = []
        if self._parts:
            most = MAX_BATCH_GET * self._ledger.allowance(self._workers)
            found = yield from self._whole(self._parts[begun : begun + most])
        self._done += len(found)
        ends = [begun + at for at, item in enumerate(found, 1) if item is not None]
        done = None if self._done == len(self._parts) else self._done
        self._place = partial(_place_of_completed, self._source.place(), begun, ends, done)
        return [item for item in found if item is not None]

    def _whole(self, parts: list[StoredItem]) -> Flow[list[StoredItem | None]]:
        plan, ledger = self._plan, self._ledger
        keys = list(map(make_key_reader(plan.key), parts))
        found = yield from ledger.drive(_read_keys(plan, keys, self._workers))
        scanned = ledger.scanned
        ledger.count_items([item for item in found if item is not None], consistent=plan.consistent)
        ledger.scanned = scanned  # they were counted as items of the index
        return found

    def place(self) -> Place:
        """Return the place of the latest list."""
        return self._place

    def before(self) -> Position | None:
        """Return the position of the other source."""
        return self._source.before()


def _place_of_completed(
    place: Place, begun: int, ends: list[int], done: int | None, taken: int | None
) -> Position | None:
    """Return the position in the source after *taken* whole items.

    It is after *done* items of the source's latest list if all were taken, else after one of *ends*.
    """
    if taken is None or taken == len(ends):
        return place(done)
    return place(ends[taken - 1] if taken else begun)


def check_workers(workers: int) -> int:
    """Return *workers*; raise :class:`~dynamodb_py.exceptions.QueryError` if it is less than 1."""
    if workers < 1:
        raise QueryError(f"workers={workers}: give a number from 1")
    return workers
