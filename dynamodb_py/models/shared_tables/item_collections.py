"""Item collections: the items of all models under one hash key of a shared table."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ...codec import decode, from_json
from ...connections import Connection
from ...exceptions import QueryError
from ...flows import Flow, awaiting, blocking, name_verbs
from ...operations.base import Wire
from ...operations.items import StoredItem
from ...planning import Plan
from ...reading import Reader
from ..queryset.execution import make_reader, plan_query
from ..queryset.reads import is_narrowed, read_keys
from ..records.rows import make_loader
from ..visibility import Scope
from .layout import SharedTableLayout

if TYPE_CHECKING:
    from ..model import Model
    from ..options.options import Options


M = TypeVar("M", bound="Model")


@name_verbs
class Collection:
    """The items of one hash key (partition key) as instances of their models, in the order of the range key.

    The items are read at the first use, by one Query and its further pages, and cached. With asyncio,
    ``await App.acollection(...)`` or ``await collection.afetch()`` reads them.

    The examples use these models::

        class App(SharedTable):
            pk = CharField(hash_key=True)
            sk = CharField(range_key=True)


        class User(Model):
            class Meta:
                table = App
                keys = {"pk": "USER#{name}", "sk": "PROFILE"}

            name = CharField()


        class Order(Model):
            class Meta:
                table = App
                keys = {"pk": "USER#{user}", "sk": "ORDER#{number:08d}"}

            user = CharField()
            number = IntegerField()
    """

    def __init__(
        self,
        layout: SharedTableLayout,
        queryset: Any,
        hash_key: tuple[str, Any],
        only: frozenset[type[Model]] | None,
        limit: int | None,
    ) -> None:
        self._layout, self._queryset = layout, queryset
        self._hash_key, self._only, self._limit = hash_key, only, limit
        self._read: list[Model] | None = None
        self._others: list[dict[str, Any]] = []

    @property
    def _link(self) -> Connection:
        link: Connection = self._queryset._link
        return link

    def _fetch(self) -> Flow[list[Model]]:
        """Read the items if they were not read before, and return the instances.

        >>> len(App.collection(pk="USER#ann").fetch())
        3
        """
        if self._read is None:
            plan: Plan = plan_query(self._queryset)
            reader: Reader = make_reader(self._queryset, plan)
            load = _Loading(self._layout, plan.held, self._queryset._alias, self._only)
            yield from self._read_shown(load)
            left = self._limit
            while left != 0:
                items = yield from reader.more()
                if items is None:
                    break
                left = load.take(items, left)
            self._read, self._others = load.found, load.others
        return self._read

    def _read_shown(self, load: _Loading) -> Flow[None]:
        """For each model whose ``objects`` has conditions of its own, read the keys that it does not hide."""
        index, consistent = self._queryset._question.index, self._queryset._read_options.consistent
        attribute, value = self._hash_key
        for meta in find_members(self._layout, index, self._only):
            shown = query_default(meta, self._queryset._alias)
            load.scopes[meta.model] = shown._scope
            if not is_narrowed(shown):
                continue
            shown = shown.filter(**{meta.field_set.by_attribute[attribute].name: value})
            shown = shown if index is None else shown.index(index)
            shown = shown if consistent is None else shown.consistent(consistent)
            load.shown[meta.model] = yield from read_keys(shown)

    fetch = blocking(_fetch)
    afetch = awaiting(_fetch)

    def plan(self) -> Plan:
        """Return the plan of the Query; nothing is sent.

        >>> App.collection(pk="USER#ann").explain().kind
        'query'
        """
        plan: Plan = self._queryset.explain()
        return plan

    explain = plan

    def __iter__(self) -> Iterator[Model]:
        return iter(self.fetch())

    async def __aiter__(self) -> AsyncIterator[Model]:
        for each in await self.afetch():
            yield each

    def __len__(self) -> int:
        return len(self.fetch())

    def __bool__(self) -> bool:
        return bool(self.fetch())

    def __contains__(self, instance: object) -> bool:
        return instance in self.fetch()

    def of(self, model: type[M]) -> list[M]:
        """Return the items of *model* and its subclasses, in order.

        >>> [order.number for order in App.collection(pk="USER#ann").of(Order)]
        [1, 2]
        """
        self._check(model)
        return [each for each in self.fetch() if isinstance(each, model)]

    def first(self, model: type[M]) -> M | None:
        """Return the first item of *model*, or None.

        >>> App.collection(pk="USER#ann", reverse=True).first(Order).number
        2
        """
        return next(iter(self.of(model)), None)

    def one(self, model: type[M]) -> M:
        """Return the only item of *model*.

        >>> App.collection(pk="USER#ann").one(User).name
        'ann'

        :raises DoesNotExist: there is no such item; the error is of the model's own subclass.
        :raises MultipleObjectsReturned: there are several; the error is of the model's own subclass.
        """
        found = self.of(model)
        if len(found) == 1:
            return found[0]
        here = f"{self._layout.name}: {self._queryset._question.condition!r}"
        if found:
            raise model.MultipleObjectsReturned(
                f"{here} has {len(found)} items of {model.__name__}: call first(), or of()"
            )
        raise model.DoesNotExist(f"{here} has no {model.__name__}")

    def grouped(self) -> dict[type[Model], list[Model]]:
        """Return the items by class, in the order of the first item of each class.

        >>> for model, items in App.collection(pk="USER#ann").grouped().items():
        ...     print(model.__name__, len(items))
        Order 2
        User 1
        """
        found: dict[type[Model], list[Model]] = {}
        for each in self.fetch():
            found.setdefault(type(each), []).append(each)
        return found

    @property
    def others(self) -> list[dict[str, Any]]:
        """The items that belong to no model, as plain dicts of their attributes."""
        self.fetch()
        return self._others

    def __repr__(self) -> str:
        if self._read is None:
            return f"<Collection of {self._layout.name}: {self._queryset._question.condition!r}>"
        parts = ", ".join(f"{len(group)} {m.__name__}" for m, group in self.grouped().items())
        more = f", {len(self._others)} others" if self._others else ""
        return f"<Collection of {self._layout.name}: {parts or 'nothing'}{more}>"

    def _check(self, model: type[Model]) -> None:
        known = self._layout.models
        if not any(issubclass(each, model) for each in known):
            names = ", ".join(each.__name__ for each in known)
            raise QueryError(f"{model.__name__} is not in {self._layout.name}, which has {names}")


class _Loading:
    """Loads the items of a collection."""

    def __init__(
        self,
        layout: SharedTableLayout,
        held: frozenset[str] | None,
        using: str | None,
        only: frozenset[type[Model]] | None,
    ) -> None:
        self._layout = layout
        self._held, self._using, self._only = held, using, only
        self._loaders: dict[type[Any], Any] = {}
        self.scopes: dict[type[Any], Scope | None] = {}
        """By model: the items that its ``objects`` hides."""
        self.shown: dict[type[Any], set[Any]] = {}
        """By model whose ``objects`` has conditions of its own: the keys of the items that it does not hide."""
        self.found: list[Model] = []
        self.others: list[dict[str, Any]] = []

    def take(self, items: Sequence[StoredItem], left: int | None) -> int | None:
        """Load a page of items, at most *left*; return how many more may be loaded."""
        for item in items:
            if left == 0:
                break
            if self._take_item(item) and left is not None:
                left -= 1
        return left

    def _take_item(self, item: StoredItem) -> bool:
        meta = self._layout.find_model(item)
        if meta is None:
            if self._only is not None:
                return False
            wires = cast("Mapping[str, Wire]", from_json(item))
            self.others.append({name: decode(wire) for name, wire in wires.items()})
            return True
        model: type[Any] = meta.model
        if self._only is not None and model not in self._only:
            return False
        if meta.expiry is not None and meta.expiry.hides(item):
            return False
        load = self._loaders.get(model)
        if load is None:
            load = make_loader(cast("Any", model), None, self._held, self._using)
            self._loaders[model] = load
        found = load(item)
        scope, shown = self.scopes.get(model), self.shown.get(model)
        if scope is not None and scope.hides(found):
            return False
        if shown is not None and found.primary_key not in shown:
            return False
        self.found.append(found)
        return True


def find_members(
    layout: SharedTableLayout, index: str | None, only: frozenset[type[Model]] | None
) -> Iterator[Options]:
    """Yield the options of the models in *only* whose items can be in the table, or in *index*."""
    for meta in layout.members:
        if (only is None or meta.model in only) and (
            index is None or any(index == each.name for each in meta.schema.indexes)
        ):
            yield meta


def query_default(meta: Options, using: str | None) -> Any:
    """Return the query set of a model's ``objects``, on the connection *using*."""
    manager: Any = meta.model.objects
    return (manager if using is None else manager.using(using)).get_queryset()
