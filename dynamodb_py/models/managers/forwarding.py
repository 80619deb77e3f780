"""What managers hand on to their query sets: ``objects.filter`` is ``objects.get_queryset().filter``."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from ...batching import ProgressOption
from ...expressions import Action, Computable, Condition
from ...planning import Estimate, Plan
from ..fields.base import Field
from ..records.rows import Name

if TYPE_CHECKING:
    from ...flows import Flow
    from ...operations.base import Operation
    from ...reading import Walk
    from ..model import Model
    from ..queryset.pages import Page, Pages
    from .queryset import QuerySet


M = TypeVar("M", bound="Model")


class Proxies(Generic[M]):
    """The builders and verbs of query sets, on the manager's own."""

    __slots__ = ()

    def get_queryset(self) -> QuerySet[M]:
        """Return the query set that is asked."""
        raise NotImplementedError

    # -- builders ------------------------------------------------------------------------------

    def all(self) -> QuerySet[M]:
        """Return the query set of all items, which reads the whole table: a scan."""
        return self.get_queryset()

    def none(self) -> QuerySet[M]:
        return self.get_queryset().none()

    def filter(self, /, *conditions: Condition, **lookups: Any) -> QuerySet[M]:
        return self.get_queryset().filter(*conditions, **lookups)

    def exclude(self, /, *conditions: Condition, **lookups: Any) -> QuerySet[M]:
        return self.get_queryset().exclude(*conditions, **lookups)

    def order_by(self, *names: str | Field[Any, Any]) -> QuerySet[M]:
        return self.get_queryset().order_by(*names)

    def reverse(self) -> QuerySet[M]:
        return self.get_queryset().reverse()

    def limit(self, count: int | None) -> QuerySet[M]:
        return self.get_queryset().limit(count)

    def consistent(self, consistent: bool = True) -> QuerySet[M]:
        return self.get_queryset().consistent(consistent)

    def index(self, name: str) -> QuerySet[M]:
        return self.get_queryset().index(name)

    def full(self) -> QuerySet[M]:
        return self.get_queryset().full()

    def page_size(self, count: int) -> QuerySet[M]:
        return self.get_queryset().page_size(count)

    def max_requests(self, count: int) -> QuerySet[M]:
        return self.get_queryset().max_requests(count)

    def prefetch(self, prefetch: bool = True) -> QuerySet[M]:
        return self.get_queryset().prefetch(prefetch)

    def prefetch_related(self, *paths: str) -> QuerySet[M]:
        return self.get_queryset().prefetch_related(*paths)

    def after(self, cursor: str) -> QuerySet[M]:
        return self.get_queryset().after(cursor)

    def scan(
        self,
        segments: int = 1,
        *,
        rate: float | None = None,
        progress: ProgressOption = None,
        checkpoint: str | None = None,
    ) -> QuerySet[M]:
        return self.get_queryset().scan(
            segments, rate=rate, progress=progress, checkpoint=checkpoint
        )

    def only(self, *fields: str | Field[Any, Any]) -> QuerySet[M]:
        return self.get_queryset().only(*fields)

    def defer(self, *fields: str | Field[Any, Any]) -> QuerySet[M]:
        return self.get_queryset().defer(*fields)

    def values(self, *names: Name) -> QuerySet[M, dict[str, Any]]:
        return self.get_queryset().values(*names)

    @overload
    def values_list(
        self, *names: Name, flat: Literal[False] = False, named: Literal[False] = False
    ) -> QuerySet[M, tuple[Any, ...]]: ...
    @overload
    def values_list(
        self, *names: Name, flat: bool = False, named: bool = False
    ) -> QuerySet[M, Any]: ...
    def values_list(self, *names: Name, flat: bool = False, named: bool = False) -> Any:
        return self.get_queryset().values_list(*names, flat=flat, named=named)

    def as_dicts(self) -> QuerySet[M, dict[str, Any]]:
        return self.get_queryset().as_dicts()

    def union(self, *others: QuerySet[M]) -> QuerySet[M]:
        return self.get_queryset().union(*others)

    # -- verbs ---------------------------------------------------------------------------------

    def _get(self, /, *given: Any, consistent: bool | None = None, **lookups: Any) -> Flow[M]:
        return self.get_queryset()._get(*given, consistent=consistent, **lookups)

    def get(self, /, *given: Any, consistent: bool | None = None, **lookups: Any) -> M:
        return self.get_queryset().get(*given, consistent=consistent, **lookups)

    async def aget(self, /, *given: Any, consistent: bool | None = None, **lookups: Any) -> M:
        return await self.get_queryset().aget(*given, consistent=consistent, **lookups)

    def _get_or_none(
        self, /, *key: Any, consistent: bool | None = None, **named: Any
    ) -> Flow[M | None]:
        return self.get_queryset()._get_or_none(*key, consistent=consistent, **named)

    def get_or_none(self, /, *key: Any, consistent: bool | None = None, **named: Any) -> M | None:
        return self.get_queryset().get_or_none(*key, consistent=consistent, **named)

    async def aget_or_none(
        self, /, *key: Any, consistent: bool | None = None, **named: Any
    ) -> M | None:
        return await self.get_queryset().aget_or_none(*key, consistent=consistent, **named)

    def first(self) -> M | None:
        return self.get_queryset().first()

    async def afirst(self) -> M | None:
        return await self.get_queryset().afirst()

    def last(self) -> M | None:
        return self.get_queryset().last()

    async def alast(self) -> M | None:
        return await self.get_queryset().alast()

    def count(self) -> int:
        return self.get_queryset().count()

    async def acount(self) -> int:
        return await self.get_queryset().acount()

    def exists(self) -> bool:
        return self.get_queryset().exists()

    async def aexists(self) -> bool:
        return await self.get_queryset().aexists()

    def in_bulk(
        self,
        keys: Iterable[Any],
        *,
        consistent: bool | None = None,
        workers: int = 1,
        progress: ProgressOption = None,
    ) -> dict[Hashable, M]:
        return self.get_queryset().in_bulk(
            keys, consistent=consistent, workers=workers, progress=progress
        )

    async def ain_bulk(
        self,
        keys: Iterable[Any],
        *,
        consistent: bool | None = None,
        workers: int = 1,
        progress: ProgressOption = None,
    ) -> dict[Hashable, M]:
        return await self.get_queryset().ain_bulk(
            keys, consistent=consistent, workers=workers, progress=progress
        )

    def modify(
        self,
        /,
        *actions: Action | Computable,
        old: bool = False,
        upsert: bool = False,
        condition: Condition | None = None,
        create_parents: bool = False,
        **values: Any,
    ) -> M | None:
        return self.get_queryset().modify(
            *actions,
            old=old,
            upsert=upsert,
            condition=condition,
            create_parents=create_parents,
            **values,
        )

    async def amodify(
        self,
        /,
        *actions: Action | Computable,
        old: bool = False,
        upsert: bool = False,
        condition: Condition | None = None,
        create_parents: bool = False,
        **values: Any,
    ) -> M | None:
        return await self.get_queryset().amodify(
            *actions,
            old=old,
            upsert=upsert,
            condition=condition,
            create_parents=create_parents,
            **values,
        )

    def iterator(self) -> Walk[M]:
        return self.get_queryset().iterator()

    def pages(self) -> Pages[M]:
        return self.get_queryset().pages()

    def page(self, size: int = 20, cursor: str | None = None) -> Page[M]:
        return self.get_queryset().page(size, cursor)

    async def apage(self, size: int = 20, cursor: str | None = None) -> Page[M]:
        return await self.get_queryset().apage(size, cursor)

    def explain(self) -> Plan:
        return self.get_queryset().explain()

    def operation(self) -> Operation[Any]:
        return self.get_queryset().operation()

    def estimate(self) -> Estimate:
        return self.get_queryset().estimate()

    async def aestimate(self) -> Estimate:
        return await self.get_queryset().aestimate()
