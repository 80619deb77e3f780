"""The methods of query sets on managers: ``objects.filter`` is ``objects.get_queryset().filter``."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    NoReturn,
    ParamSpec,
    Protocol,
    TypeVar,
)

from ...connections import ambient_alias
from ...expressions import Condition
from ...flows import Flow, arun, run
from ...lazy.loading import LazyFunction
from ...operations.base import Operation
from ..fields.base import Field
from ..instance import Instance
from ..queryset.builders import Builders
from ..records.rows import Name
from .queryset import QuerySet

if TYPE_CHECKING:
    from ...batching import ProgressOption
    from ...planning import Plan
    from ...reading import Walk
    from ..queryset import reads, writes
    from ..queryset.pages import Pages, get_page
    from ..queryset.prefetch.wants import Selection
    from .queryset import ValuesList

M = TypeVar("M", bound=Instance)
Q = TypeVar("Q")
T = TypeVar("T")
P = ParamSpec("P")
Q_co = TypeVar("Q_co", covariant=True)

_CO_COROUTINE = 0x80  # as in inspect, whose import takes 5 ms

NOT_FORWARDED = frozenset({"adelete", "as_manager", "aupdate", "delete", "update", "using"})
"""The methods of query sets that managers lack, or define themselves: ``objects.all()`` has these."""


class _HasQuerySet(Protocol[Q_co]):
    def get_queryset(self) -> Q_co: ...


if TYPE_CHECKING:  # the types of what forward() returns

    def _blocking(
        flow: Callable[Concatenate[Q, P], Flow[T]],
    ) -> Callable[Concatenate[_HasQuerySet[Q], P], T]: ...
    def _awaiting(
        flow: Callable[Concatenate[Q, P], Flow[T]],
    ) -> Callable[Concatenate[_HasQuerySet[Q], P], Coroutine[Any, Any, T]]: ...


class Forwarding(Generic[M]):
    """The builders and verbs of query sets, executed by the query set of :meth:`get_queryset`."""

    __slots__ = ()

    _base: QuerySet[Any] | None = None
    """The result of ``get_queryset()``, if no class overrides that method; it keeps no rows."""

    def get_queryset(self) -> QuerySet[M]:
        """Return the query set that all other methods start from."""
        raise NotImplementedError

    def all(self) -> QuerySet[M]:
        """Return the query set of all items, which reads the whole table by a Scan.

        >>> sorted({score.player for score in Score.objects.all()})
        ['ann', 'bob']
        """
        return self.get_queryset()

    if TYPE_CHECKING:  # the loop at the end of the file makes the methods

        def all(self) -> QuerySet[M]: ...
        def none(self) -> QuerySet[M]: ...
        def filter(self, /, *conditions: Condition, **lookups: Any) -> QuerySet[M]: ...
        def exclude(self, /, *conditions: Condition, **lookups: Any) -> QuerySet[M]: ...
        def order_by(self, *names: str | Field[Any, Any]) -> QuerySet[M]: ...
        def reverse(self) -> QuerySet[M]: ...
        def limit(self, count: int | None) -> QuerySet[M]: ...
        def consistent(self, consistent: bool = True) -> QuerySet[M]: ...
        def index(self, name: str) -> QuerySet[M]: ...
        def full(self) -> QuerySet[M]: ...
        def page_size(self, count: int) -> QuerySet[M]: ...
        def max_requests(self, count: int) -> QuerySet[M]: ...
        def prefetch(self, prefetch: bool = True) -> QuerySet[M]: ...
        def prefetch_related(self, *paths: str | Selection | None) -> QuerySet[M]: ...
        def after(self, place: str | M | tuple[Any, ...] | Mapping[str, Any]) -> QuerySet[M]: ...
        def scan(
            self,
            segments: int = 1,
            *,
            rate: float | None = None,
            progress: ProgressOption = None,
            checkpoint: str | None = None,
        ) -> QuerySet[M]: ...
        def only(self, *fields: str | Field[Any, Any]) -> QuerySet[M]: ...
        def defer(self, *fields: str | Field[Any, Any] | None) -> QuerySet[M]: ...
        def values(self, *names: Name) -> QuerySet[M, dict[str, Any]]: ...

        values_list: ValuesList[M]

        def as_dicts(self) -> QuerySet[M, dict[str, Any]]: ...
        def union(self, *others: QuerySet[M]) -> QuerySet[M]: ...
        def iterator(self, chunk_size: int | None = None) -> Walk[M]: ...
        def pages(self) -> Pages[M]: ...
        def explain(self) -> Plan: ...
        def operation(self) -> Operation[Any]: ...
        def distinct(self, /, *args: Any, **kwargs: Any) -> NoReturn: ...
        def annotate(self, /, *args: Any, **kwargs: Any) -> NoReturn: ...
        def aggregate(self, /, *args: Any, **kwargs: Any) -> NoReturn: ...
        def aaggregate(self, /, *args: Any, **kwargs: Any) -> NoReturn: ...
        def select_related(self, /, *args: Any, **kwargs: Any) -> NoReturn: ...

        get = _blocking(reads.get_one)
        aget = _awaiting(reads.get_one)
        get_or_none = _blocking(reads.get_or_none)
        aget_or_none = _awaiting(reads.get_or_none)
        first = _blocking(reads.get_first)
        afirst = _awaiting(reads.get_first)
        last = _blocking(reads.get_last)
        alast = _awaiting(reads.get_last)
        count = _blocking(reads.count_rows)
        acount = _awaiting(reads.count_rows)
        exists = _blocking(reads.has_rows)
        aexists = _awaiting(reads.has_rows)
        contains = _blocking(reads.contains_item)
        acontains = _awaiting(reads.contains_item)
        earliest = _blocking(reads.get_earliest)
        aearliest = _awaiting(reads.get_earliest)
        latest = _blocking(reads.get_latest)
        alatest = _awaiting(reads.get_latest)
        in_bulk = _blocking(reads.get_in_bulk)
        ain_bulk = _awaiting(reads.get_in_bulk)
        modify = _blocking(writes.modify_one)
        amodify = _awaiting(writes.modify_one)
        page = _blocking(get_page)
        apage = _awaiting(get_page)
        estimate = _blocking(reads.estimate_cost)
        aestimate = _awaiting(reads.estimate_cost)


def forward(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method of managers that calls the method *name* of their query sets."""
    if isinstance(method, LazyFunction):
        return LazyFunction(lambda: forward(name, method.load()))
    flow: Any = getattr(method, "flow", None)
    if getattr(getattr(method, "__code__", None), "co_flags", 0) & _CO_COROUTINE:

        async def aforwarded(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            base = self._base
            if base is None or flow is None or ambient_alias() is not None:
                return await getattr(self.get_queryset(), name)(*args, **kwargs)
            link = base._link  # from here on as awaiting() does, without its call
            try:
                started = flow(base, *args, **kwargs)
            except TypeError:  # the method raises it again, with its own name in the message
                return await method(base, *args, **kwargs)
            return await arun(started, link, method)

        made: Any = aforwarded
    elif flow is not None:

        def forwarded_verb(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            base = self._base
            if base is None or ambient_alias() is not None:
                return getattr(self.get_queryset(), name)(*args, **kwargs)
            link = base._link  # from here on as blocking() does, without its call
            try:
                started = flow(base, *args, **kwargs)
            except TypeError:  # as above
                return method(base, *args, **kwargs)
            return run(started, link, method)

        made = forwarded_verb
    else:

        def forwarded(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            base = self._base
            if base is None or ambient_alias() is not None:
                base = self.get_queryset()
            return getattr(base, name)(*args, **kwargs)

        made = forwarded
    made.__name__, made.__doc__, made.__wrapped__ = name, method.__doc__, method
    made.__qualname__, made.__module__ = f"{Forwarding.__name__}.{name}", __name__
    return made  # type: ignore[no-any-return]


def make_forwarded(queryset: type[Any], base: type[Any] = object) -> dict[str, Any]:
    """Return methods that forward to the public methods of *queryset* which *base* lacks.

    Methods whose attribute ``queryset_only`` is true are left out.
    """
    return {
        name: forward(name, method)
        for each in reversed(queryset.__mro__)
        for name, method in vars(each).items()
        if callable(method) and name[0] != "_" and not hasattr(base, name)
        if not getattr(method, "queryset_only", False)
    }


for _class in (Builders, QuerySet):
    for _name, _method in vars(_class).items():
        if callable(_method) and _name[0] != "_" and _name not in {*NOT_FORWARDED, "all"}:
            _made: Any = forward(_name, _method)
            setattr(Forwarding, _name, _made)
            if isinstance(_made, LazyFunction):
                _made.__set_name__(Forwarding, _name)
