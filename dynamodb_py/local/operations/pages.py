"""Pages: reading the items of one response to a query, a scan or a statement."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from typing import Any, TypeAlias

import msgspec

from ...codec import measure_item
from ..database.errors import INVALID, ServiceError, make_invalid
from ..database.snapshots import Row, Snapshot
from ..database.tables import Index, Key, Keyed, Range, Table
from ..database.values import Item
from ..expressions.conditions import Condition
from ..expressions.projections import Selection
from .capacity import Consumed, count_read_units

MAX_PAGE_BYTES = 1024 * 1024
"""The maximum size of the items of a page in bytes, before the filter.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
"""
PLACES = 2**63
"""The number of places of hash keys."""

_INVALID_START = "The provided starting key is invalid"
_OTHER_SCHEMA = f"{_INVALID_START}: The provided key element does not match the schema"


class Reading(msgspec.Struct, frozen=True):
    """How a request reads a page: from which table or index, and which parts of which items it returns."""

    table: Table
    index: Index | None = None
    condition: Condition | None = None
    """The filter."""
    projection: Selection | None = None
    limit: int | None = None
    """The maximum of items to read, before the filter."""
    consistent: bool = False
    counts: bool = False
    """Whether the items are only counted."""
    whole: bool = False
    """Whether a read from a local index also returns the attributes that only the table has."""

    @property
    def keyed(self) -> Keyed:
        """The index that is read, or the table."""
        return self.table if self.index is None else self.index

    @property
    def key_names(self) -> dict[str, None]:
        """The attributes of ExclusiveStartKey and LastEvaluatedKey, in order."""
        return dict.fromkeys((*self.table.names, *self.keyed.names))

    @property
    def fetches(self) -> bool:
        """Whether each item is also read from the table, as the local index lacks attributes to return."""
        return self.whole or bool(self._find_unprojected(self.projection))

    def check_attributes(self) -> None:
        """Raise a ValidationException if a global index lacks attributes to return."""
        if self.index is None or self.index.is_local or self.index.projected is None:
            return
        if self.whole:
            raise make_invalid(
                f"{INVALID}Select type ALL_ATTRIBUTES is not supported for global secondary index "
                f"{self.index.name} because its projection type is not ALL"
            )
        if missing := self._find_unprojected(self.projection):
            raise make_invalid(
                f"{INVALID}Global secondary index {self.index.name} does not project "
                f"[{', '.join(missing)}]"
            )

    def check_filter(self) -> None:
        """Raise a ValidationException if the index of a query lacks attributes of the filter.

        For a scan, these attributes count as missing.
        """
        if self.index is not None and (missing := self._find_unprojected(self.condition)):
            raise make_invalid(
                f"{INVALID}Secondary index {self.index.name} does not project one or more filter "
                f"attributes: [{', '.join(missing)}]"
            )

    def _find_unprojected(self, part: Condition | Selection | None) -> list[str]:
        known = None if self.index is None else self.index.projected
        return [] if known is None or part is None else sorted(part.names - known)


class Page(msgspec.Struct, frozen=True):
    """The result of reading a page."""

    items: list[Any]
    """The items as JSON or dicts; empty if they are only counted."""
    count: int
    """The number of items after the filter."""
    scanned: int
    """The number of items before the filter."""
    last: Item | None
    """The key of the last item that was read; None if there are no more items."""


def find_index(table: Table, name: str | None) -> Index | None:
    """Return the index called *name*; raise a ValidationException if it is missing. None returns None."""
    if name is None:
        return None
    index = table.indexes.get(name)
    if index is None:
        raise make_invalid(f"The table does not have the specified index: {name}")
    return index


def find_start(reading: Reading, start: Item) -> tuple[Key, Key]:
    """Return the position of an ExclusiveStartKey: the key in the index or the table, and that in the table.

    :raises ServiceError: a ValidationException, if *start* does not fit the keys.
    """
    table, names = reading.table, reading.key_names
    if start.keys() != names.keys():
        raise make_invalid(_OTHER_SCHEMA if reading.index is None else _INVALID_START)
    try:
        own = table.check_key({name: start[name] for name in table.names})
    except ServiceError as error:
        raise make_invalid(f"{_INVALID_START}: {error.message}") from None
    if reading.index is None:
        return own, own
    for name, kind in reading.index.parts:
        if not start[name].get(kind):
            raise make_invalid(_OTHER_SCHEMA)
    key = reading.index.find_key(start)
    assert key is not None
    return key, own


def find_places(segment: int, total: int) -> tuple[int, int]:
    """Return the first and the last place of hash keys of a segment of a scan.

    >>> find_places(0, 2)[1] + 1 == find_places(1, 2)[0]
    True
    """
    return PLACES * segment // total, PLACES * (segment + 1) // total - 1


def read_page(
    snapshot: Snapshot,
    reading: Reading,
    areas: Sequence[Range],
    start: tuple[Key, Key] | None,
    consumed: Consumed,
) -> Page:
    """Read a page from *areas*, in their order.

    :param start: the position in the first area after which the page begins: see :func:`find_start`.
    :param consumed: counts the capacity of the read.
    """
    # The statement of SQLite must be closed before the snapshot ends.
    with closing(_find_rows(snapshot, reading, areas, start)) as rows:
        return _fill_page(reading, rows, consumed)


def _find_rows(
    snapshot: Snapshot, reading: Reading, areas: Sequence[Range], start: tuple[Key, Key] | None
) -> Generator[Row, None, None]:
    for area in areas:
        with closing(snapshot.find_range(reading.table, reading.index, area, start)) as rows:
            yield from rows
        start = None


def _fill_page(reading: Reading, rows: Iterable[Row], consumed: Consumed) -> Page:
    see = _make_view(reading)
    condition, projection, counts = reading.condition, reading.projection, reading.counts
    items: list[Any] = []
    count = scanned = size = 0
    fetched = 0.0
    last: Row | None = None
    is_full = False
    for row in rows:
        seen, length, units = see(row)
        if size + length > MAX_PAGE_BYTES and last is not None:
            is_full = True
            break
        last, scanned, size, fetched = row, scanned + 1, size + length, fetched + units
        if condition is None or condition.holds(row.item if seen is None else seen):
            count += 1
            if not counts:
                is_whole = seen is None or projection is not None
                items.append(show_row(row, projection) if is_whole else seen)
        if scanned == reading.limit:
            is_full = True
            break
    if consumed.is_wanted:
        whole = count_read_units(size, consistent=reading.consistent)
        consumed.add_read(reading.table, whole, reading.index, own=fetched)
    key = None
    if is_full and last is not None:
        key = {name: last.item[name] for name in reading.key_names}
    return Page(items, count, scanned, key)


_Seen: TypeAlias = "tuple[Item | None, int, float]"
"""The attributes that the filter sees, None for all; their size; the units for reading the item from the table."""


def _make_view(reading: Reading) -> Callable[[Row], _Seen]:
    """Return a function that returns the view of a row in the table or the index."""
    index, consistent, whole = reading.index, reading.consistent, reading.whole
    if index is None or index.projected is None:
        return lambda row: (None, row.size, 0.0)
    fetches = reading.fetches

    def see_entry(row: Row) -> _Seen:
        entry = index.project(row.item)
        units = count_read_units(row.size, consistent=consistent) if fetches else 0.0
        return None if whole else entry, measure_item(entry), units

    return see_entry


def show_row(row: Row, projection: Selection | None) -> Any:
    """Return an item for an answer: a dict, or its stored JSON, which need not be decoded."""
    return msgspec.Raw(row.body) if projection is None else projection.project(row.item)
