"""The verbs and builders of query sets on managers: ``objects.filter`` is ``objects.get_queryset().filter``."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from ...batching import ProgressOption
from ...expressions import Action, Computable, Condition
from ...operations.base import Operation
from ...planning import Estimate, Plan
from ...reading import Walk
from ..fields.base import Field
from ..instance import Instance
from ..queryset.builders import Builders
from ..queryset.pages import Page, Pages
from ..records.rows import Name
from .queryset import QuerySet

M = TypeVar("M", bound=Instance)

NOT_FORWARDED = frozenset({"adelete", "as_manager", "aupdate", "delete", "update", "using"})
"""What query sets have and managers have not, or otherwise: for that, ``all()`` comes first."""


class Forwarding(Generic[M]):
    """The builders and verbs of query sets, carried out by the query set of :meth:`get_queryset`."""

    __slots__ = ()

    _base: QuerySet[Any] | None = None
    """What ``get_queryset()`` gives, where that is always the same; it keeps no rows."""

    def get_queryset(self) -> QuerySet[M]:
        """Return the query set that all others come from."""
        raise NotImplementedError

    def all(self) -> QuerySet[M]:
        """Return the query set of all items, which reads the whole table: a scan."""
        return self.get_queryset()

    if TYPE_CHECKING:  # the bodies are made below
        # -- builders ------------------------------------------------------------------------------

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

        def prefetch_related(self, *paths: str) -> QuerySet[M]: ...

        def after(self, cursor: str) -> QuerySet[M]: ...

        def scan(
            self,
            segments: int = 1,
            *,
            rate: float | None = None,
            progress: ProgressOption = None,
            checkpoint: str | None = None,
        ) -> QuerySet[M]: ...

        def only(self, *fields: str | Field[Any, Any]) -> QuerySet[M]: ...

        def defer(self, *fields: str | Field[Any, Any]) -> QuerySet[M]: ...

        def values(self, *names: Name) -> QuerySet[M, dict[str, Any]]: ...

        @overload
        def values_list(
            self, *names: Name, flat: Literal[False] = False, named: Literal[False] = False
        ) -> QuerySet[M, tuple[Any, ...]]: ...
        @overload
        def values_list(
            self, *names: Name, flat: bool = False, named: bool = False
        ) -> QuerySet[M, Any]: ...
        def values_list(self, *names: Name, flat: bool = False, named: bool = False) -> Any: ...

        def as_dicts(self) -> QuerySet[M, dict[str, Any]]: ...

        def union(self, *others: QuerySet[M]) -> QuerySet[M]: ...

        def get(self, /, *given: Any, consistent: bool | None = None, **lookups: Any) -> M: ...

        async def aget(
            self, /, *given: Any, consistent: bool | None = None, **lookups: Any
        ) -> M: ...

        def get_or_none(
            self, /, *key: Any, consistent: bool | None = None, **named: Any
        ) -> M | None: ...

        async def aget_or_none(
            self, /, *key: Any, consistent: bool | None = None, **named: Any
        ) -> M | None: ...

        def first(self) -> M | None: ...

        async def afirst(self) -> M | None: ...

        def last(self) -> M | None: ...

        async def alast(self) -> M | None: ...

        def count(self) -> int: ...

        async def acount(self) -> int: ...

        def exists(self) -> bool: ...

        async def aexists(self) -> bool: ...

        def in_bulk(
            self,
            keys: Iterable[Any],
            *,
            consistent: bool | None = None,
            workers: int = 1,
            progress: ProgressOption = None,
        ) -> dict[Hashable, M]: ...

        async def ain_bulk(
            self,
            keys: Iterable[Any],
            *,
            consistent: bool | None = None,
            workers: int = 1,
            progress: ProgressOption = None,
        ) -> dict[Hashable, M]: ...

        def modify(
            self,
            /,
            *actions: Action | Computable,
            old: bool = False,
            upsert: bool = False,
            condition: Condition | None = None,
            create_parents: bool = False,
            **values: Any,
        ) -> M | None: ...

        async def amodify(
            self,
            /,
            *actions: Action | Computable,
            old: bool = False,
            upsert: bool = False,
            condition: Condition | None = None,
            create_parents: bool = False,
            **values: Any,
        ) -> M | None: ...

        def iterator(self) -> Walk[M]: ...

        def pages(self) -> Pages[M]: ...

        def page(self, size: int = 20, cursor: str | None = None) -> Page[M]: ...

        async def apage(self, size: int = 20, cursor: str | None = None) -> Page[M]: ...

        def explain(self) -> Plan: ...

        def operation(self) -> Operation[Any]: ...

        def estimate(self) -> Estimate: ...

        async def aestimate(self) -> Estimate: ...


def forward(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method of managers that calls the method *name* of their query sets."""
    if iscoroutinefunction(method):

        async def aforwarded(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            base = self._base
            queryset = self.get_queryset() if base is None else base
            return await getattr(queryset, name)(*args, **kwargs)

        made: Any = aforwarded
    else:

        def forwarded(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            base = self._base
            queryset = self.get_queryset() if base is None else base
            return getattr(queryset, name)(*args, **kwargs)

        made = forwarded
    made.__name__, made.__doc__, made.__wrapped__ = name, method.__doc__, method
    made.__qualname__, made.__module__ = f"{Forwarding.__name__}.{name}", __name__
    return made  # type: ignore[no-any-return]


def forwarded_methods(queryset: type[Any], base: type[Any] = object) -> dict[str, Any]:
    """Return what forwards to the public methods of *queryset* that *base* does not have.

    Those whose attribute ``queryset_only`` is true are left out.
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
            setattr(Forwarding, _name, forward(_name, _method))
