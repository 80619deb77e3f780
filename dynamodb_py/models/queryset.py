"""Query sets: the items of one hash key, or of the whole table, read when they are iterated."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..connections import Connection, get_connection
from ..exceptions import QueryError, ScanRequired, ValidationError
from ..expressions import And, BeginsWith, Between, Compare, Condition, Path, Value
from ..flows import arun, run
from ..operations.items import StoredItem
from ..operations.queries import Query, Scan
from .bulk import consistently
from .fields.base import Field
from .lookups import conditions as looked_up

if TYPE_CHECKING:
    from typing_extensions import Self

    from .base import Model

M = TypeVar("M", bound="Model")

_RANGE_OPERATORS = frozenset({"=", "<", "<=", ">", ">="})


class QuerySet(Generic[M]):
    """A lazy, immutable set of items: every method returns a new one, iterating sends.

    The hash key must be said (``filter(userid="abc")``), unless nothing is: ``all()`` reads the whole
    table. Conditions on the range key narrow what is read; others are applied by DynamoDB after
    reading, and what they drop is paid for. Iterating goes on to the end of what DynamoDB has.
    """

    def __init__(self, model: type[M], using: str | None = None) -> None:
        self.model = model
        self._using = using
        self._condition = Condition()
        self._forward = True
        self._consistent: bool | None = None
        self._limit: int | None = None
        self._page_size: int | None = None

    def _but(self, **changes: Any) -> Self:
        changed = copy.copy(self)
        vars(changed).update(changes)
        return changed

    @property
    def _link(self) -> Connection:
        return get_connection(self._using or self.model._options().using)

    def filter(self, *conditions: Condition, **lookups: Any) -> Self:
        """Return those that match all of these, and all before: ``filter(Score.wins > 3, title="a")``."""
        meta = self.model._options()
        condition = self._condition & looked_up(meta, lookups)
        for each in conditions:
            condition &= each.bind(meta.resolve)
        return self._but(_condition=condition)

    def reverse(self) -> Self:
        """Return them in the opposite order of the range key; a scan, which has no order, refuses."""
        return self._but(_forward=not self._forward)

    def consistent(self, consistent: bool = True) -> Self:
        """Return them as read consistently: every write before is seen, for twice the price."""
        return self._but(_consistent=consistent)

    def limit(self, count: int) -> Self:
        """Return the first *count* of them, counted after filters."""
        if count < 0:
            raise QueryError(f"limit({count}): a limit is 0 or more")
        return self._but(_limit=count)

    def page_size(self, count: int) -> Self:
        """Read *count* items to a request, before filters; by default what DynamoDB puts in 1 MB."""
        if count < 1:
            raise QueryError(f"page_size({count}): a page has at least one item")
        return self._but(_page_size=count)

    def operation(self) -> Query | Scan:
        """Return the first request that iterating would send, a value that can be looked at."""
        meta = self.model._options()
        table = self._link.table_name(meta.table_name)
        options: dict[str, Any] = {
            "consistent": consistently(self._consistent),
            "limit": self._page_size,
        }
        if self._condition.is_empty:
            if not self._forward:
                raise QueryError(
                    f"{meta.name}: a scan has no order that could be reversed: "
                    f"filter by {meta.hash_key.name}, or sort in Python"
                )
            return Scan(table, **options)
        keys, rest = self._split()
        filter_ = None if rest.is_empty else rest
        return Query(table, filter_, keys=keys, forward=self._forward, **options)

    def _split(self) -> tuple[Condition, Condition]:
        """Return what the conditions say of the key, and the rest."""
        meta = self.model._options()
        condition = self._condition
        terms = list(condition.terms) if isinstance(condition, And) else [condition]
        terms = list(dict.fromkeys(terms))  # what is said twice is asked once
        hash_path = meta.hash_key._path()
        hashes = [term for term in terms if _compares(term, hash_path, frozenset("="))]
        if not hashes:
            raise self._needs_hash_key()
        keys = hashes[0]
        self._check_key(meta.hash_key, keys)
        rest = [term for term in terms if term is not keys]
        if meta.range_key is not None:
            range_path = meta.range_key._path()
            ranges = [term for term in rest if _compares(term, range_path, _RANGE_OPERATORS)]
            if ranges:
                self._check_key(meta.range_key, ranges[0])
                keys &= ranges[0]
                rest = [term for term in rest if term is not ranges[0]]
        remaining = Condition()
        for term in rest:
            remaining &= term
        self._check_filter(remaining)
        return keys, remaining

    def _needs_hash_key(self) -> ScanRequired:
        meta = self.model._meta
        return ScanRequired(
            f"{meta.name}: only reading the whole table could answer this: filter by the hash key too, "
            f"{meta.hash_key.name}=..., or read all() and choose in Python"
        )

    def _check_key(self, field: Field[Any, Any], term: Condition) -> None:
        """Refuse a value that no key can have."""
        for operand in term._operands():
            if isinstance(operand, Value) and operand.kind == field.kind:
                problem = field.key_problem(operand.wire)
                if problem is not None:
                    raise ValidationError({field.name: [problem]}, model=self.model._meta.name)

    def _check_filter(self, condition: Condition) -> None:
        """Refuse what DynamoDB refuses: a filter on the keys of what is queried."""
        keys = {field.attribute: field for field in self.model._meta.keys}
        for path in condition.paths():
            field = keys.get(str(path.parts[0]))
            if field is not None:
                raise QueryError(
                    f"{field.label}: a query takes one condition on it, and of the hash key only its "
                    "value: =, and for the range key <, <=, >, >=, between or begins_with"
                )

    def _load(self, item: StoredItem) -> M:
        instance = self.model._load(item)
        if self._using is not None:
            instance.__dict__["_using"] = self._using
        return instance

    def __iter__(self) -> Iterator[M]:
        return islice(self._all(), self._limit)

    def _all(self) -> Iterator[M]:
        if self._limit == 0:
            return
        link = self._link
        load = self.model._load if self._using is None else self._load
        rest: Query | Scan | None = self.operation()
        while rest is not None:
            page = run(iter(rest), link)
            yield from map(load, page.items)
            rest = page.rest

    async def __aiter__(self) -> AsyncIterator[M]:
        left = self._limit
        if left == 0:
            return
        link = self._link
        rest: Query | Scan | None = self.operation()
        while rest is not None:
            page = await arun(iter(rest), link)
            for item in page.items[:left]:
                yield self._load(item)
            if left is not None:
                left -= len(page.items)
                if left <= 0:
                    return
            rest = page.rest

    def first(self) -> M | None:
        """Return the first one, or None."""
        return next(iter(self._one()), None)

    async def afirst(self) -> M | None:
        """Return the first one, or None."""
        async for each in self._one():
            return each
        return None

    def _one(self) -> Self:
        return self if self._limit == 0 else self.limit(1)

    def __repr__(self) -> str:
        return f"<QuerySet of {self.model.__name__}: {self._condition!r}>"


def _compares(term: Condition, path: Path, operators: frozenset[str]) -> bool:
    """Tell whether *term* compares just *path* with values, in a way that a key condition can."""
    if isinstance(term, Compare):
        return term.left == path and term.operator in operators and isinstance(term.right, Value)
    if isinstance(term, Between):
        values = isinstance(term.low, Value) and isinstance(term.high, Value)
        return term.left == path and values and "<" in operators
    if isinstance(term, BeginsWith):
        return term.path == path and isinstance(term.prefix, Value) and "<" in operators
    return False
