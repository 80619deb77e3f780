"""Changing all items in rounds: each reads a page of every segment, writes its items, and updates the ledger."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ..batching import Progress, as_total, run_together
from ..codec import from_json, to_json
from ..exceptions import ConditionFailed, DoesNotExist, MigrationError, StaleItem
from ..expressions import Condition, Path
from ..flows import Flow
from ..limits import MAX_BATCH_WRITE
from ..models.instance import Instance, options_of
from ..models.managers.manager import all_items
from ..models.persistence.refresh import refresh_instance
from ..models.persistence.save import save_instance
from ..models.persistence.stored import stored_wires
from ..models.persistence.tracking import find_changed
from ..models.persistence.update_actions import was_applied
from ..models.queryset.base import with_question
from ..models.queryset.execution import plan_query
from ..models.queryset.write_execution import HOPELESS, primary_key_of, recheck_condition
from ..models.records.rows import make_loader
from ..operations.base import Call, Together
from ..operations.items import Key, StoredItem, UpdateItem
from ..operations.queries import Page, Query, Scan
from ..operations.read_expressions import Expressions
from ..operations.tables import DescribeTable
from ..pacing.buckets import make_pacer
from ..pacing.flows import pace
from ..planning import Plan
from ..reading.keys import make_key_reader
from .ledger import Lease, LedgerEntry
from .operations import Backfill, ItemsOperation

_PAGE = 1000
"""The most items of a segment in one round."""
_SECONDS = 10
"""The seconds in which the rate must allow a round; a low rate makes rounds smaller."""
_TRIES = 8
"""The most times that the function gets one item, if other programs keep changing it."""

_Place: TypeAlias = "Key | bool | None"
"""The place of a segment: the key to continue after, None at the beginning, True at the end."""


class _Work(Struct, frozen=True):
    """The requests that read the items, and the change of each item."""

    operation: ItemsOperation
    plan: Plan
    requests: Sequence[Query | Scan]
    still: Condition
    """The condition of each write."""
    using: str

    @property
    def page(self) -> int:
        """The most items of a segment in one round, by the rate."""
        rate = self.operation.rate
        if rate is None:
            return _PAGE
        return max(1, min(_PAGE, int(rate * _SECONDS / len(self.requests))))


def fill_items(
    operation: ItemsOperation,
    using: str,
    entry: LedgerEntry,
    lease: Lease,
    progress: Progress | None,
) -> Flow[None]:
    """Change the items of *operation*, from the places in *entry* on, and record the progress in *entry*."""
    places: list[_Place] = from_json(entry.places) if entry.places else []
    work = _make_work(operation, using, len(places) or operation.segments)
    places = places or [None] * len(work.requests)
    pacer, before, begun = make_pacer(operation.rate), entry.seconds, time.monotonic()
    total: int = (yield from DescribeTable(work.plan.table)).get("ItemCount", 0)
    while not all(place is True for place in places):
        pages = yield from pace(_read_pages(work, places), pacer)
        items = [item for page in pages.values() for item in page.items]
        outcomes = yield from pace(_change_items(work, items), pacer)
        _count(work, entry, items, outcomes)
        for at, page in pages.items():
            places[at] = True if page.last is None else page.last
            entry.scanned += page.scanned
        entry.places = to_json(places).decode()
        entry.seconds = before + time.monotonic() - begun
        yield from lease.write(entry)
        if progress is not None:
            ended = all(place is True for place in places)
            progress(entry.scanned, entry.scanned if ended else as_total(total, entry.scanned))


def _make_work(operation: ItemsOperation, using: str, segments: int) -> _Work:
    meta = options_of(operation.model)
    queryset = all_items(operation.model.objects).using(using).consistent().scan(segments)
    if not _takes_function(operation):
        queryset = with_question(queryset, wanted=())
    plan = plan_query(queryset)
    required = operation.required
    requests = [
        _add_filter(request, plan, required, whole=_takes_function(operation))
        for lane in plan.lanes
        for request in lane.requests
    ]
    return _Work(operation, plan, requests, recheck_condition(meta, plan) & required, using)


def _takes_function(operation: ItemsOperation) -> bool:
    return isinstance(operation, Backfill) and operation.function is not None


def _add_filter(
    request: Query | Scan, plan: Plan, required: Condition, *, whole: bool
) -> Query | Scan:
    """Add *required* to the filter of *request*; leave a Query alone, because it cannot filter by its keys."""
    if required.is_empty or isinstance(request, Query):
        return request
    keys = [] if whole else [Path((key.name,)) for key in plan.key]
    return replace(
        request, expressions=Expressions.of(filter=plan.condition & required, projection=keys)
    )


def _read_pages(work: _Work, places: Sequence[_Place]) -> Flow[dict[int, Page]]:
    """Return the next page of each segment that is not at its end, by the number of the segment."""
    at = [each for each, place in enumerate(places) if place is not True]
    requests: list[Any] = [
        replace(work.requests[each], limit=work.page, start=places[each] or None) for each in at
    ]
    pages: list[Page | Exception] = yield from Together(requests, len(requests))
    found: dict[int, Page] = {}
    for each, page in zip(at, pages, strict=True):
        if isinstance(page, Exception):
            raise page
        found[each] = page
    return found


def _change_items(work: _Work, items: Sequence[StoredItem]) -> Flow[list[bool | Exception]]:
    """Change *items*; return for each whether it was changed, or its error."""
    workers = work.operation.segments
    if _takes_function(work.operation):
        load = make_loader(work.operation.model, None, None, work.using)
        flows = [_change_by_function(work, load(item)) for item in items]
        return (yield from run_together(flows, workers))
    read, actions = make_key_reader(work.plan.key), work.operation.make_actions()
    outcomes: list[bool | Exception] = []
    size = MAX_BATCH_WRITE * workers  # small enough to renew the lease between two groups
    for first in range(0, len(items), size):
        updates = [_make_update(work, read(item), actions) for item in items[first : first + size]]
        results: list[Any] = yield from Together(updates, workers)
        for update, result in zip(updates, results, strict=True):
            failed = isinstance(result, Exception)
            if isinstance(result, ConditionFailed):
                outcomes.append(was_applied(update, result))
            else:
                outcomes.append(result if failed else True)
    return outcomes


def _make_update(work: _Work, key: Key, actions: Any) -> UpdateItem:
    computed = options_of(work.operation.model).computed
    if computed is not None and computed.beside:
        actions = computed.complete_for_key(actions, key)
    return UpdateItem(work.plan.table, key, actions, work.still)


def _change_by_function(work: _Work, row: Instance) -> Flow[bool]:
    """Pass an item to the function and save it; return whether it was changed."""
    assert isinstance(work.operation, Backfill)
    function: Any = work.operation.function
    # Without a version, the write compares all attributes with those that were read.
    atomic = True if options_of(type(row)).version is None else None
    for left in reversed(range(_TRIES)):
        try:
            returned = yield from Call(partial(function, row))
            if returned is not None:
                raise MigrationError(
                    f"the function returned {returned!r:.80}: it changes the instance in place, and returns nothing"
                )
            if not find_changed(row, stored_wires(row)):
                return False
            yield from save_instance(row, condition=work.operation.condition, atomic=atomic)
        except StaleItem:
            if not left:
                raise
            try:
                yield from refresh_instance(row, consistent=True)
            except DoesNotExist:
                return False
        except (ConditionFailed, DoesNotExist):
            return False
        else:
            return True
    return False


def _count(
    work: _Work,
    entry: LedgerEntry,
    items: Sequence[StoredItem],
    outcomes: Sequence[bool | Exception],
) -> None:
    """Add *outcomes* to the counts of *entry*; raise MigrationError for the first item that failed."""
    for item, outcome in zip(items, outcomes, strict=True):
        if isinstance(outcome, HOPELESS):
            raise outcome
        if isinstance(outcome, Exception):
            key: Any = primary_key_of(work.operation.model, make_key_reader(work.plan.key)(item))
            raise MigrationError(
                f"{work.operation.describe()}: the item {key!r}: {type(outcome).__name__}: {outcome}; running "
                "it again continues",
                key=key,
            ) from outcome
    entry.changed += sum(outcome is True for outcome in outcomes)
    entry.skipped += sum(outcome is False for outcome in outcomes)
