"""Query sets: the items that answer a question, read when they are iterated."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Generic, overload

from ...exceptions import DynamoDBError
from ...flows import run
from ...planning import Question
from ...reading.iteration import adrive_pages, drive_pages
from ..queryset.builders import How, M, R, portable
from ..queryset.writes import BulkByQuery
from .batch_get import Writing
from .objects import ObjectsAs

if TYPE_CHECKING:
    from typing_extensions import Self


_SHOWN = 20
_TRUNCATED = "...(remaining elements truncated)..."


class QuerySet(BulkByQuery[M, R], Writing[M], Generic[M, R]):
    """A lazy, immutable set of items: every method returns a new one, iterating sends.

    >>> from dynamodb_py import CharField, IntegerField, Model
    >>> class Score(Model):
    ...     player = CharField(hash_key=True)
    ...     game = IntegerField(range_key=True)
    >>> Score.objects.filter(player="ann", game__gt=3).reverse().limit(5).operation().forward
    False

    Iterating goes on to the end of what DynamoDB has. What was iterated to the end is kept: ``len()``,
    ``bool()``, ``list()`` and another loop over the same object send nothing more, whereas ``all()``
    gives a fresh one. A loop that is left early keeps nothing, and ``iterator()`` never does.
    """

    __slots__ = ()

    def __iter__(self) -> Iterator[R]:
        if self._kept is not None:  # looked at now, not before: list() asks for len() first
            yield from self._kept
            return
        kept: list[R] = []
        course, link = self._rows(), self._link
        for rows in drive_pages(course.more, link, self._how.prefetch):
            kept += rows
            yield from rows
        self._kept = kept

    async def __aiter__(self) -> AsyncIterator[R]:
        if self._kept is None:
            kept: list[R] = []
            course, link = self._rows(), self._link
            coming = adrive_pages(course.more, link, self._how.prefetch)
            try:
                async for rows in coming:
                    kept += rows
                    for row in rows:
                        yield row
            finally:  # of a loop that is left, nothing stays under way
                await coming.aclose()
            self._kept = kept
        else:
            for row in self._kept:
                yield row

    def __len__(self) -> int:
        return len(run(self._all_rows(), self._link))

    def __bool__(self) -> bool:
        return len(self) > 0

    @overload
    def __getitem__(self, wanted: slice) -> Self: ...
    @overload
    def __getitem__(self, wanted: int) -> R: ...
    def __getitem__(self, wanted: slice | int) -> Self | R:
        """Return a query set with a limit for ``[:n]``, the first row for ``[0]``."""
        if isinstance(wanted, slice):
            return self._sliced(wanted)
        if wanted != 0:
            raise self._no_offset(wanted)
        for row in run(self._first_rows(1), self._link):
            return row
        raise IndexError(f"no {self.model.__name__} matches: there is no first row")

    __reversed__: ClassVar[None] = None  # reverse() asks DynamoDB

    def __repr__(self) -> str:
        rows = self._shown()
        if rows is None:
            return f"<{type(self).__name__} of {self.model.__name__}: {self._question.condition!r}>"
        said = [repr(row) for row in rows[:_SHOWN]]
        if len(rows) > _SHOWN:
            said.append(repr(_TRUNCATED))
        return f"<{type(self).__name__} [{', '.join(said)}]>"

    def _shown(self) -> list[R] | None:
        """Return some rows to show; None where nothing may be sent for it, or cannot."""
        if self._kept is not None:
            return self._kept
        if _is_in_event_loop():  # a debugger, or a log: no place to block
            return None
        try:
            return run(self._first_rows(_SHOWN + 1), self._link)
        except (DynamoDBError, TypeError):  # TypeError: the model is abstract
            return None

    def __reduce__(self) -> tuple[Any, ...]:
        own = self.__dict__ if type(self).__dictoffset__ else {}
        question = portable(self._question)
        return restored, (type(self), self.model, question, self._how, own)

    @classmethod
    def as_manager(cls) -> ObjectsAs[Self]:
        """Return a manager with the methods of this class: ``objects = Scores.as_manager()``."""
        return cls._manager.from_queryset(cls)()  # type: ignore[no-any-return]

    _manager: ClassVar[Any]
    """The class of managers: its module, which needs this one, says so."""


def restored(
    kind: type[Any], model: type[Any], question: Question, how: How, own: dict[str, Any]
) -> Any:
    """Return the query set that was pickled."""
    queryset: Any = object.__new__(kind)
    queryset.model, queryset._how, queryset._kept = model, how, None
    queryset._said, queryset._sketch, queryset._wires = question, None, ()
    if own:
        queryset.__dict__.update(own)
    return queryset


def _is_in_event_loop() -> bool:
    asyncio = sys.modules.get("asyncio")  # a script that never awaits does not pay for its import
    return asyncio is not None and asyncio._get_running_loop() is not None
