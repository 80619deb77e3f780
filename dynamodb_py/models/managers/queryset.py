"""The class ``QuerySet``: the items that match conditions, read when it is iterated."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    Literal,
    Protocol,
    TypeAlias,
    TypeVar,
    cast,
    overload,
)

from ...exceptions import QueryError
from ...flows import awaiting, blocking, name_verbs, run
from ..queryset.base import M, R, ReadOptions
from ..queryset.builders import Builders, make_offset_error, slice_rows, without_fields
from ..records.rows import Name, show_rows
from .item_verbs import ItemVerbs
from .unsupported_verbs import refuse

if TYPE_CHECKING:
    from typing_extensions import Self

    from ...operations.batches import BatchGetItem
    from ...operations.items import GetItem
    from ...operations.queries import Query, Scan
    from ...planning import Plan, Question
    from ...reading import iteration
    from ..queryset import execution, projection, reads, writes
    from ..queryset import pages as paging
    from ..queryset.write_execution import Done
    from .manager import ObjectsAs

    A = TypeVar("A")
    B = TypeVar("B")
    C = TypeVar("C")
    D = TypeVar("D")
    E = TypeVar("E")
    F = TypeVar("F")
    A_co = TypeVar("A_co", covariant=True)

    class Of(Protocol[A_co]):
        """A field, by the type of its values in rows."""

        def _row_value(self) -> A_co: ...

    class ValuesList(Protocol[M]):
        """The types of ``values_list()``: those of up to six fields; names of fields give Any."""

        @overload
        def __call__(self, a: Of[A], /, *, flat: Literal[True]) -> QuerySet[M, A]: ...
        @overload
        def __call__(self, a: Of[A], /) -> QuerySet[M, tuple[A]]: ...
        @overload
        def __call__(self, a: Of[A], b: Of[B], /) -> QuerySet[M, tuple[A, B]]: ...
        @overload
        def __call__(self, a: Of[A], b: Of[B], c: Of[C], /) -> QuerySet[M, tuple[A, B, C]]: ...
        @overload
        def __call__(
            self, a: Of[A], b: Of[B], c: Of[C], d: Of[D], /
        ) -> QuerySet[M, tuple[A, B, C, D]]: ...
        @overload
        def __call__(
            self, a: Of[A], b: Of[B], c: Of[C], d: Of[D], e: Of[E], /
        ) -> QuerySet[M, tuple[A, B, C, D, E]]: ...
        @overload
        def __call__(
            self, a: Of[A], b: Of[B], c: Of[C], d: Of[D], e: Of[E], f: Of[F], /
        ) -> QuerySet[M, tuple[A, B, C, D, E, F]]: ...
        @overload
        def __call__(
            self, *names: Name, flat: Literal[False] = False, named: Literal[False] = False
        ) -> QuerySet[M, tuple[Any, ...]]: ...
        @overload
        def __call__(
            self, *names: Name, flat: bool = False, named: bool = False
        ) -> QuerySet[M, Any]: ...

else:
    from ...lazy import execution, iteration, paging, projection, reads, writes


_Update: TypeAlias = "writes.UpdateMatching[Done, dict[str, Any]]"
_AsyncUpdate: TypeAlias = (
    "writes.UpdateMatching[Coroutine[Any, Any, Done], Coroutine[Any, Any, dict[str, Any]]]"
)


@name_verbs
class QuerySet(Builders[M, R], ItemVerbs[M], Generic[M, R]):
    """The items that match conditions: immutable, and read when it is iterated.

    Methods such as ``filter()`` return a new query set, and send nothing.

    >>> from dynamodb_py import CharField, IntegerField, Model
    >>> class Score(Model):
    ...     player = CharField(hash_key=True)
    ...     game = IntegerField(range_key=True)
    >>> Score.objects.filter(player="ann", game__gt=3).reverse().limit(5).operation().forward
    False

    Iterating reads all pages. After a complete loop the query set keeps its rows: ``len()``, ``bool()``,
    ``list()`` and another loop over the same object send nothing more; ``all()`` returns a query set
    that reads again. A loop that ends early keeps no rows, and ``iterator()`` never keeps any.

    :param model: the model whose items these are.
    :param using: the alias of the connection; by default that of the model.
    """

    __slots__ = ()

    def __iter__(self) -> Iterator[R]:
        if self._result_cache is not None:  # list() has called len(), which fills the cache
            yield from self._result_cache
            return
        kept: list[R] = []
        stream, link = execution.open_rows(self), self._link
        for rows in iteration.drive_pages(stream.more, link, self._read_options.prefetch):
            kept += rows
            yield from rows
        self._result_cache = kept

    async def __aiter__(self) -> AsyncIterator[R]:
        if self._result_cache is None:
            kept: list[R] = []
            stream, link = execution.open_rows(self), self._link
            coming = iteration.adrive_pages(stream.more, link, self._read_options.prefetch)
            try:
                async for rows in coming:
                    kept += rows
                    for row in rows:
                        yield row
            finally:  # leaving the loop cancels its request
                await coming.aclose()
            self._result_cache = kept
        else:
            for row in self._result_cache:
                yield row

    def __len__(self) -> int:
        return len(run(execution.read_all(self), self._link))

    def __bool__(self) -> bool:
        return len(self) > 0

    @overload
    def __getitem__(self, wanted: slice) -> Self: ...
    @overload
    def __getitem__(self, wanted: int) -> R: ...
    def __getitem__(self, wanted: slice | int) -> Self | R:
        """Return a query set with a limit for ``[:n]``, and the first row for ``[0]``."""
        if isinstance(wanted, slice):
            return slice_rows(self, wanted)
        if wanted != 0:
            raise make_offset_error(self, wanted)
        for row in run(execution.read_first(self, 1), self._link):
            return row
        raise IndexError(f"no {self.model.__name__} matches, so there is no first row")

    __reversed__: ClassVar[None] = None  # reverse() replaces it

    def __repr__(self) -> str:
        rows = self._result_cache  # never reads: error reports call this
        if rows is None:
            return f"<{type(self).__name__} of {self.model.__name__}: {self._question.condition!r}>"
        return f"<{type(self).__name__} {show_rows(rows)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        own = self.__dict__ if type(self).__dictoffset__ else {}
        question = without_fields(self._question)
        return restore, (type(self), self.model, question, self._read_options, own)

    def values(self, *names: Name) -> QuerySet[M, dict[str, Any]]:
        """Return a dict for each item, with these fields, by default all.

        If an item lacks an attribute, the dict has the field's default; inside of documents, None.

        :param names: fields or their names, and places inside them: ``"doc__a__0"``,
            ``Score.doc["a"][0]``.

        >>> list(Score.objects.filter(player="bob").values("game", "points"))
        [{'game': 1, 'points': 70}]
        """
        return cast("QuerySet[M, dict[str, Any]]", projection.shape_rows(self, "dict", names))

    if TYPE_CHECKING:
        values_list: ValuesList[M]
    else:

        def values_list(self, *names: Name, flat: bool = False, named: bool = False) -> Any:
            """Return a tuple for each item, with these fields, by default all.

            >>> list(Score.objects.filter(player="ann").values_list("points", flat=True))
            [50, 80]

            :param names: as for :meth:`values`. With fields instead of names,
                ``values_list(Score.player, Score.points)``, type checkers know the types of the values.
            :param flat: with one field: return its values instead of tuples.
            :param named: return named tuples.
            """
            if flat and (named or len(names) != 1):
                raise QueryError(
                    f"{self.model.__name__}: values_list(flat=True) takes one name: leave out other names "
                    "and named=True"
                )
            kind = "flat" if flat else "named" if named else "tuple"
            return projection.shape_rows(self, kind, names)

    def as_dicts(self) -> QuerySet[M, dict[str, Any]]:
        """Return each item as a dict: fields by their names, undeclared attributes by the stored names.

        >>> list(Score.objects.filter(player="bob").as_dicts())
        [{'player': 'bob', 'game': 1, 'points': 70}]
        """
        return cast("QuerySet[M, dict[str, Any]]", projection.shape_rows(self, "item", ()))

    get = blocking(reads.get_one)
    aget = awaiting(reads.get_one)
    get_or_none = blocking(reads.get_or_none)
    aget_or_none = awaiting(reads.get_or_none)
    first = blocking(reads.get_first)
    afirst = awaiting(reads.get_first)
    last = blocking(reads.get_last)
    alast = awaiting(reads.get_last)
    count = blocking(reads.count_rows)
    acount = awaiting(reads.count_rows)
    exists = blocking(reads.has_rows)
    aexists = awaiting(reads.has_rows)
    contains = blocking(reads.contains_item)
    acontains = awaiting(reads.contains_item)
    earliest = blocking(reads.get_earliest)
    aearliest = awaiting(reads.get_earliest)
    latest = blocking(reads.get_latest)
    alatest = awaiting(reads.get_latest)
    in_bulk = blocking(reads.get_in_bulk)
    ain_bulk = awaiting(reads.get_in_bulk)
    page = blocking(paging.get_page)
    apage = awaiting(paging.get_page)

    def iterator(self, chunk_size: int | None = None) -> iteration.Walk[R]:
        """Return an iterator over the rows, with one page in memory; it keeps no rows.

        Iterate it once, by ``for`` or ``async for``. Its ``checkpoint`` is the place behind the last row
        that it gave: continue there by ``after(checkpoint)``, or ``scan(checkpoint=...)``.

        >>> [each.game for each in Score.objects.filter(player="ann").iterator()]
        [1, 2]

        :param chunk_size: the number of items that each request reads, as for ``page_size()``; by default
            as many as 1 MB holds.
        """
        return paging.walk_rows(self if chunk_size is None else self.page_size(chunk_size))

    def pages(self) -> paging.Pages[R]:
        """Return the pages that DynamoDB returns, with empty ones, each with its cost.

        >>> [len(page.items) for page in Score.objects.filter(player="ann").pages()]
        [2]
        """
        return paging.read_pages(self)

    distinct = refuse("distinct")
    annotate = refuse("annotate")
    aggregate = aaggregate = refuse("aggregate")
    select_related = refuse("select_related")

    delete = blocking(writes.delete_matching)
    adelete = awaiting(writes.delete_matching)
    update = cast("_Update", blocking(writes.update_matching))
    aupdate = cast("_AsyncUpdate", awaiting(writes.update_matching))
    modify = blocking(writes.modify_one)
    amodify = awaiting(writes.modify_one)

    def operation(self) -> GetItem | BatchGetItem | Query | Scan:
        """Return the first request that iterating would send.

        >>> Score.objects.filter(player="ann").operation().payload()["KeyConditionExpression"]
        '#0 = :0'
        """
        operations = execution.plan_query(self).operations
        if not operations:
            raise QueryError(
                f"{self.model.__name__}: no item can match these conditions, so there is no request"
            )
        return operations[0]

    def explain(self) -> Plan:
        """Return the plan of the requests; ``print()`` it. Nothing is sent.

        >>> Score.objects.filter(player="ann").explain().kind
        'query'
        """
        return execution.plan_query(self, explained=True)

    estimate = blocking(reads.estimate_cost)
    aestimate = awaiting(reads.estimate_cost)

    @classmethod
    def as_manager(cls) -> ObjectsAs[Self]:
        """Return a manager that also has the methods of this class.

        >>> from dynamodb_py import CharField, IntegerField, Model, QuerySet
        >>> class Matches(QuerySet["Match"]):
        ...     def over(self, points):
        ...         return self.filter(points__gt=points)
        >>> class Match(Model):
        ...     player = CharField(hash_key=True)
        ...     number = IntegerField(range_key=True)
        ...     points = IntegerField()
        ...     objects = Matches.as_manager()
        >>> Match.objects.over(60).filter(player="ann")
        <Matches of Match: <Condition: (points > 60 AND player = 'ann')>>
        """
        return cls._manager.from_queryset(cls)()  # type: ignore[no-any-return]

    _manager: ClassVar[Any]
    """The class Manager; its module imports this one, and sets it."""


def restore(
    kind: type[Any], model: type[Any], question: Question, options: ReadOptions, own: dict[str, Any]
) -> Any:
    """Return the query set that was pickled: see ``__reduce__``."""
    queryset: Any = object.__new__(kind)
    queryset.model, queryset._read_options, queryset._result_cache = model, options, None
    queryset._known_question, queryset._query_shape, queryset._wires = question, None, ()
    if own:
        queryset.__dict__.update(own)
    return queryset
