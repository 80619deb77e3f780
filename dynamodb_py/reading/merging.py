"""Merging several lanes in their common order, with each item once.

An item is returned only if every unfinished lane has an item to compare it with. Of items with equal order
values, those of the first lane come first. So an item that is in several lanes is returned from the first of
them. In the other lanes it is a duplicate: its key was returned with the same order value before.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice, repeat
from operator import itemgetter
from typing import Any, TypeAlias

from msgspec import Struct

from ..flows import Flow
from ..operations.items import Key, StoredItem
from ..planning.plan import Plan
from .keys import make_key_reader, make_value_reader, to_comparable, to_key, to_wires, wires_in
from .lanes import Sheet, Stream, find_before, read_pages, streams_of
from .pacing import Ledger
from .positions import Mark, Position, position_of
from .sources import Place

_Entry: TypeAlias = "tuple[Any, int, StoredItem]"
"""An order value, the lane, and the item."""

_value = itemgetter(0)


class _LatestList(Struct):
    """The latest list, and the state before it."""

    stand: list[tuple[Sheet, int]]
    entries: list[_Entry] = []
    firsts: list[int] | None = None
    """The entries that were returned; None for all of them."""
    value: Any = None
    """The last order value before the list."""
    seen: dict[Any, int] = {}
    known: int = 0
    """The number of keys in *seen* that were returned before the list."""


class Merge:
    """A source of several lanes, merged in their common order."""

    def __init__(self, plan: Plan, ledger: Ledger, start: Position | None, workers: int) -> None:
        self._plan, self._ledger, self._workers = plan, ledger, workers
        self._streams = streams_of(plan, ledger, start)
        self._value_of = make_value_reader(plan.order)
        self._id_of = make_value_reader(plan.key)
        self._value: Any = None
        self._seen: dict[Any, int] = {}
        """The keys that were returned with the current order value, and their lanes."""
        self._unknown: Position | None = None
        """The position to start from, while its duplicates are not known yet."""
        if start is not None and any(mark.run is not None for mark in start.lanes):
            self._recall(start)
        self._latest = _LatestList(self._list_states(), value=self._value)

    def more(self, want: int | None) -> Flow[list[StoredItem] | None]:
        """Read the empty lanes, and return all items whose order is certain."""
        if self._unknown is not None:
            yield from self._find_seen(self._unknown)
            self._unknown = None
        if dry := self._list_dry():
            yield from self._fill(dry, want)
            if self._list_dry():
                return self._return_entries([])
        entries = self._merge(want)
        return self._return_entries(entries) if entries or dry else None

    def _list_dry(self) -> list[Stream]:
        """Return the lanes that need a page before any item can be returned."""
        return [each for each in self._streams if each.rest is not None and each.is_empty]

    def _list_states(self) -> list[tuple[Sheet, int]]:
        return [(stream.sheet, stream.used) for stream in self._streams]

    def _fill(self, dry: list[Stream], want: int | None) -> Flow[None]:
        former = [stream.sheet for stream in dry]
        try:
            yield from read_pages(dry, self._ledger, self._workers, want)
        finally:  # keep the pages that arrived if another one failed
            for stream, sheet in zip(dry, former, strict=True):
                if stream.sheet is not sheet and (stream.sheet.items or self._plan.distinct):
                    stream.sheet.values = list(map(self._value_of, stream.sheet.items))
                    if self._plan.distinct:
                        stream.sheet.run = self._find_last_run(sheet)

    def _find_last_run(self, sheet: Sheet) -> tuple[Any, int, Key | None] | None:
        """Return the last order value of *sheet*, and the request and key after which its items begin."""
        if not sheet.items:
            return sheet.run
        value = sheet.values[-1]
        return (value, *self._find_run(value, sheet, len(sheet.items)))

    def _find_run(self, value: Any, sheet: Sheet, used: int) -> tuple[int, Key | None]:
        """Return the request and the key after which the items of *value* begin.

        *used* is the index after the last of these items.
        """
        while used and sheet.values[used - 1] == value:
            used -= 1
        if used:
            return sheet.at, make_key_reader(self._plan.position)(sheet.items[used - 1])
        if sheet.run is not None and sheet.run[0] == value:
            return sheet.run[1:]
        return sheet.at, sheet.after

    def _merge(self, want: int | None) -> list[_Entry]:
        """Return the next entries in order."""
        forward = self._plan.forward
        bound, last = self._find_bound()
        entries: list[_Entry] = []
        for lane, stream in enumerate(self._streams):
            values, low = stream.sheet.values, stream.used
            high = len(values)
            if low == high:
                continue
            if last is not None and lane != last:
                high = find_end(values, low, bound, included=lane < last, forward=forward)
            if want is not None:
                high = min(high, low + want)
            items = stream.sheet.items[low:high]
            entries += zip(values[low:high], repeat(lane), items, strict=False)
        entries.sort(key=_value, reverse=not forward)  # stable: the first lane stays first
        return entries if want is None else entries[:want]

    def _find_bound(self) -> tuple[Any, int | None]:
        """Return the order value up to which the items of all lanes were read, and its lane."""
        streams = enumerate(self._streams)
        ends = [(each.sheet.values[-1], lane) for lane, each in streams if each.rest is not None]
        if not ends:
            return None, None
        return (min if self._plan.forward else max)(ends, key=_value)

    def _return_entries(self, entries: list[_Entry]) -> list[StoredItem]:
        latest = _LatestList(
            self._list_states(), entries, value=self._value, seen=self._seen, known=len(self._seen)
        )
        for _, lane, _ in entries:
            self._streams[lane].used += 1
        if self._plan.distinct:
            latest.firsts = [at for at, entry in enumerate(entries) if self._is_first(entry)]
            items = [entries[at][2] for at in latest.firsts]
        else:
            items = [entry[2] for entry in entries]
        self._latest = latest
        return items

    def _is_first(self, entry: _Entry) -> bool:
        """Tell whether no other lane returned the item, and record that it was returned."""
        value, lane, item = entry
        if value != self._value:
            self._value, self._seen = value, {}
        return self._seen.setdefault(self._id_of(item), lane) == lane

    def place(self) -> Place:
        """Return the place of the latest list."""
        if (start := self._unknown) is not None:
            return lambda taken: start
        return partial(self._place, self._latest)

    def _place(self, latest: _LatestList, taken: int | None) -> Position | None:
        entries, firsts = latest.entries, latest.firsts
        cut = len(entries) if taken is None else taken
        if firsts is not None and taken is not None:
            # Skip duplicates before the next item.
            cut = firsts[taken] if taken < len(firsts) else len(entries)
        used = [each for _, each in latest.stand]
        for _, lane, _ in islice(entries, cut):
            used[lane] += 1
        runs: dict[int, tuple[int, Key | None]] = {}
        value: Any = None
        if self._plan.distinct:
            value, seen = self._find_seen_at(latest, len(firsts or ()) if taken is None else taken)
            runs = self._find_runs(latest.stand, used, value, seen)
        marks = [
            self._mark(lane, sheet, used[lane], runs.get(lane))
            for lane, (sheet, _) in enumerate(latest.stand)
        ]
        return position_of(marks, self._plan, to_wires(value) if runs else ())

    def _mark(self, lane: int, sheet: Sheet, used: int, run: tuple[int, Key | None] | None) -> Mark:
        mark = self._streams[lane].mark(sheet, used)
        if run is None:
            return mark
        at, after = run
        key = None if after is None else wires_in(self._plan.position, after)
        return Mark(mark.request, mark.after, (at, key))

    def _find_seen_at(self, latest: _LatestList, taken: int) -> tuple[Any, dict[Any, int]]:
        """Return the order value of the last taken item, and the keys that were returned with it."""
        firsts = (latest.firsts or [])[:taken]
        value = latest.entries[firsts[-1]][0] if firsts else latest.value
        seen = dict(islice(latest.seen.items(), latest.known)) if value == latest.value else {}
        for at in reversed(firsts):
            each, lane, item = latest.entries[at]
            if each != value:
                break
            seen[self._id_of(item)] = lane
        return value, seen

    def _find_runs(
        self, stand: list[tuple[Sheet, int]], used: list[int], value: Any, seen: dict[Any, int]
    ) -> dict[int, tuple[int, Key | None]]:
        """Move *used* over duplicates; return the runs that are needed to find later duplicates.

        A run is the items of a lane with the current order value. It is needed if another lane may still
        have items of that value. This is rare: nearly always each lane has a later value already.
        """
        still: list[int] = []
        for lane, (sheet, _) in enumerate(stand):
            items, values, at = sheet.items, sheet.values, used[lane]
            while at < len(items) and values[at] == value:
                if seen.get(self._id_of(items[at]), lane) == lane:
                    break
                at += 1
            used[lane] = at
            unread = at == len(items) and sheet.next_at < len(self._plan.lanes[lane].requests)
            if unread or (at < len(items) and values[at] == value):
                still.append(lane)
        lanes = [lane for lane in sorted(set(seen.values())) if any(each != lane for each in still)]
        return {lane: self._find_run(value, stand[lane][0], used[lane]) for lane in lanes}

    def _recall(self, start: Position) -> None:
        """Start with the order value and the runs of *start*."""
        plan = self._plan
        self._unknown = start
        self._value = to_comparable(plan.order, start.value)
        for stream, mark in zip(self._streams, start.lanes, strict=True):
            if mark.run is not None:
                at, after = mark.run
                key = None if after is None else to_key(plan.position, after)
                stream.sheet.run = (self._value, at, key)

    def _find_seen(self, start: Position) -> Flow[None]:
        """Read the runs again to find the keys that were returned with the current order value."""
        plan, seen = self._plan, dict[Any, int]()
        for lane, mark in enumerate(start.lanes):
            if mark.run is None:
                continue
            stream = Stream(plan.lanes[lane], plan, self._ledger, Mark(*mark.run))
            goes_on = True
            while goes_on and stream.rest is not None:
                page = yield from self._ledger.send(stream.rest)
                for item in stream.take_page(page):
                    goes_on = self._value_of(item) == self._value
                    if not goes_on:
                        break
                    seen.setdefault(self._id_of(item), lane)
                if goes_on and page.last is not None:
                    wires = wires_in(plan.order, page.last)
                    goes_on = to_comparable(plan.order, wires) == self._value
        self._seen = seen
        self._latest = _LatestList(
            self._list_states(), value=self._value, seen=seen, known=len(seen)
        )

    def before(self) -> Position | None:
        """Return the position before the items, as one of the reversed plan; None if items may repeat."""
        return None if self._plan.distinct else find_before(self._streams, self._plan)


def find_end(values: Sequence[Any], low: int, bound: Any, *, included: bool, forward: bool) -> int:
    """Return the index after the *values* that come before *bound*, or equal it if *included*.

    *values* are sorted; the search begins at the index *low*.

    >>> find_end([1, 2, 2, 3], 0, 2, included=True, forward=True)
    3
    >>> find_end([3, 2, 2, 1], 0, 2, included=False, forward=False)
    1
    """
    high = len(values)
    while low < high:
        middle = (low + high) // 2
        value = values[middle]
        past = value > bound if forward else value < bound
        if past or (value == bound and not included):
            high = middle
        else:
            low = middle + 1
    return low
