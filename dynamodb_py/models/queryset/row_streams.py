"""Courses: query sets on their way, from lists of items to lists of rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeAlias, TypeVar

from ...batching import KeyReader, identity
from ...flows import Flow
from ...operations.items import StoredItem
from ...operations.queries import Query, Scan
from ...reading import Reader

R = TypeVar("R")

Coming: TypeAlias = "Course[R] | Straight[R] | Several[R]"
Loadable: TypeAlias = "tuple[Callable[[StoredItem], R], StoredItem]"


class Course(Generic[R]):
    """The rows of one query set, a list at a time."""

    __slots__ = ("load", "reader")

    def __init__(self, reader: Reader, load: Callable[[StoredItem], R]) -> None:
        self.reader, self.load = reader, load

    def more(self) -> Flow[list[R] | None]:
        """Return the next rows, if only none of them; None at the end."""
        items = yield from self.reader.more()
        return None if items is None else list(map(self.load, items))

    def more_items(self) -> Flow[list[Loadable[R]] | None]:
        """Return the next items, each with what makes a row of it; None at the end."""
        items = yield from self.reader.more()
        return None if items is None else [(self.load, item) for item in items]


class Straight(Generic[R]):
    """The rows of one request and its pages, to the end."""

    __slots__ = ("load", "rest")

    def __init__(self, request: Query, load: Callable[[StoredItem], R]) -> None:
        self.rest: Query | Scan | None = request
        self.load = load

    def more(self) -> Flow[list[R] | None]:
        """Return the next rows, if only none of them; None at the end."""
        if self.rest is None:
            return None
        page = yield from self.rest
        self.rest = page.rest
        return list(map(self.load, page.items))

    def more_items(self) -> Flow[list[Loadable[R]] | None]:
        """Return the next items, each with what makes a row of it; None at the end."""
        if self.rest is None:
            return None
        page = yield from self.rest
        self.rest = page.rest
        return [(self.load, item) for item in page.items]


class Completed(Generic[R]):
    """The rows of a query set with what they refer to, which is read a list at a time."""

    __slots__ = ("_coming", "_complete")

    def __init__(self, coming: Coming[R], complete: Callable[[list[R]], Flow[None]]) -> None:
        self._coming, self._complete = coming, complete

    def more(self) -> Flow[list[R] | None]:
        """Return the next rows, if only none of them; None at the end."""
        rows = yield from self._coming.more()
        if rows:
            yield from self._complete(rows)
        return rows


class Several(Generic[R]):
    """The rows of several query sets, one after the other, each item once."""

    def __init__(
        self,
        starts: Iterable[Callable[[], Coming[R]]],
        key_of: KeyReader,
        limit: int | None,
    ) -> None:
        self._waiting = iter(starts)
        self._key_of, self._left = key_of, limit
        self._seen: set[Hashable] = set()
        self._current: Coming[R] | None = None

    def more(self) -> Flow[list[R] | None]:
        """Return the next rows, if only none of them; None at the end."""
        items = yield from self.more_items()
        return None if items is None else [load(item) for load, item in items]

    def more_items(self) -> Flow[list[Loadable[R]] | None]:
        """Return the next items, each with what makes a row of it; None at the end."""
        if self._left == 0:
            return None
        if self._current is None:
            start = next(self._waiting, None)
            if start is None:
                return None
            self._current = start()
        items = yield from self._current.more_items()
        if items is None:
            self._current = None
            return []
        fresh = [each for each in items if self._is_new(each[1])][: self._left]
        if self._left is not None:
            self._left -= len(fresh)
        return fresh

    def _is_new(self, item: StoredItem) -> bool:
        place = identity(self._key_of(item))
        if place in self._seen:
            return False
        self._seen.add(place)
        return True
