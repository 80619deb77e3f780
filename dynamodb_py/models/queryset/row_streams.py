"""Row streams: they read the rows of query sets, one list at a time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec.structs import replace

from ...batching import KeyReader, identify_key
from ...flows import Flow
from ...operations.items import StoredItem
from ...operations.queries import Query, Scan
from ...reading import Reader

R = TypeVar("R")

Loader: TypeAlias = "Callable[[StoredItem], R]"
Loadable: TypeAlias = "tuple[Loader[R], list[StoredItem]]"


class RowStream(Generic[R]):
    """The base class: rows that are read when they are needed."""

    __slots__ = ()

    def more(self) -> Flow[list[R] | None]:
        """Return the next rows, perhaps an empty list; None at the end."""
        found = yield from self.more_items()
        return None if found is None else list(map(*found))

    def more_items(self) -> Flow[Loadable[R] | None]:
        """Return the next items, after the function that converts each to a row; None at the end."""
        raise NotImplementedError


class ReaderRowStream(RowStream[R], Generic[R]):
    """The rows of one query set."""

    __slots__ = ("_load", "_reader")

    def __init__(self, reader: Reader, load: Loader[R]) -> None:
        self._reader, self._load = reader, load

    def more_items(self) -> Flow[Loadable[R] | None]:
        items = yield from self._reader.more()
        return None if items is None else (self._load, items)


class DirectRowStream(RowStream[R], Generic[R]):
    """The rows of one request and its pages, up to a limit."""

    __slots__ = ("_left", "_load", "_request", "_rest")

    def __init__(self, request: Query, load: Loader[R], limit: int | None) -> None:
        self._rest: Query | Scan | None = request
        self._request, self._load, self._left = request, load, limit

    def more_items(self) -> Flow[Loadable[R] | None]:
        request, left = self._rest, self._left
        if request is None or left == 0:
            return None
        # Later pages read only as many items as rows are missing, unless a filter may drop items.
        if left is not None and request is not self._request and not request.expressions.filter:
            request = replace(request, limit=min(left, request.limit or left))
        page = yield from request
        self._rest, items = page.rest, page.items
        if left is not None:
            if len(items) > left:
                items = items[:left]
            self._left = left - len(items)
        return self._load, items


class CompletedRowStream(RowStream[R], Generic[R]):
    """The rows of another stream, whose related items it reads for each list of rows."""

    __slots__ = ("_complete", "_stream")

    def __init__(self, stream: RowStream[R], complete: Callable[[list[R]], Flow[None]]) -> None:
        self._stream, self._complete = stream, complete

    def more(self) -> Flow[list[R] | None]:
        rows = yield from self._stream.more()
        if rows:
            yield from self._complete(rows)
        return rows


class UnionRowStream(RowStream[R], Generic[R]):
    """The rows of several query sets, one after the other, each item once."""

    __slots__ = ("_current", "_key_of", "_left", "_seen", "_starts")

    def __init__(
        self, starts: Iterable[Callable[[], RowStream[R]]], key_of: KeyReader, limit: int | None
    ) -> None:
        self._starts = iter(starts)
        self._key_of, self._left = key_of, limit
        self._seen: set[Hashable] = set()
        self._current: RowStream[R] | None = None

    def more_items(self) -> Flow[Loadable[R] | None]:
        if self._left == 0:
            return None
        if self._current is None:
            if (start := next(self._starts, None)) is None:
                return None
            self._current = start()
        found = yield from self._current.more_items()
        if found is None:
            self._current = None
            return _load_nothing, []
        load, items = found
        items = [each for each in items if self._is_new(each)][: self._left]
        if self._left is not None:
            self._left -= len(items)
        return load, items

    def _is_new(self, item: StoredItem) -> bool:
        key = identify_key(self._key_of(item))
        if key in self._seen:
            return False
        self._seen.add(key)
        return True


def _load_nothing(item: StoredItem) -> Any:
    raise AssertionError(f"{item!r} is not converted to a row")
