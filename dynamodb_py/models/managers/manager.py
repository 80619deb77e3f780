"""Managers: ``Model.objects``, where items are created, fetched and asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast, overload

from ...connections import Connection, get_connection
from ...exceptions import ConditionFailed
from ...expressions import Condition
from ...flows import Flow, awaiting, blocking
from ...operations.items import DeleteItem, Key
from ..foreign_keys.referrers import find_restricting_references
from ..persistence.delete import mine
from ..unit_of_work.collector import COLLECTOR
from .batch_get import Writing
from .forwarding import Proxies
from .objects import Objects
from .partiql import Statements
from .queryset import QuerySet

if TYPE_CHECKING:
    from typing_extensions import Never, Self

    from ..model import Model


M = TypeVar("M", bound="Model")
X = TypeVar("X", bound="Model")


class Manager(Proxies[M], Writing[M], Statements, Objects, Generic[M]):
    """Creates and fetches the items of one model, and gives query sets of them.

    Each model has one, ``objects``. A class of your own says with :meth:`get_queryset` which items
    it is about:

    >>> from dynamodb_py import CharField, IntegerField, Manager, Model
    >>> class Winners(Manager["Score"]):
    ...     def get_queryset(self):
    ...         return super().get_queryset().filter(wins__gt=0)
    >>> class Score(Model):
    ...     player = CharField(hash_key=True)
    ...     wins = IntegerField(default=0)
    ...     winners = Winners()
    >>> Score.winners
    <Winners of Score>

    :param using: the alias of a connection, in place of the model's own.
    """

    _queryset: ClassVar[type[Any]] = QuerySet
    _name: str = "objects"
    _base: QuerySet[Any] | None = None
    """The query set of all items, kept where it is always the same."""

    model: type[M]

    def __init__(self, model: type[M] | None = None, using: str | None = None) -> None:
        if model is not None:
            self.model = model
        self._using = using

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload  # type: ignore[override]
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> Never: ...
    def __get__(self, instance: object | None, owner: type[Any]) -> Any:
        """Return this manager for the class that it is asked of."""
        if instance is not None:
            raise AttributeError(
                f"{self._name} is of the class: {owner.__name__}.{self._name}, not of an instance"
            )
        kept: dict[int, tuple[Any, Any]] | None = owner.__dict__.get("_managers")
        if kept is None:
            kept = owner._managers = {}
        found = kept.get(id(self))
        if found is None:  # itself beside it, so that no other manager comes to have its id
            found = kept[id(self)] = (self, self._of(owner))
        return found[1]

    def _of(self, model: type[Any]) -> Self:
        manager = object.__new__(type(self))
        manager.__dict__.update(self.__dict__)
        manager.model, manager._base = model, None
        return manager

    def __repr__(self) -> str:
        of = f" of {self.model.__name__}" if hasattr(self, "model") else ""
        return f"<{type(self).__name__}{of}>"

    @property
    def _alias(self) -> str | None:
        return self._using

    @property
    def _link(self) -> Connection:
        return get_connection(self._using or self._meta.using)

    def using(self, alias: str) -> Self:
        """Return the manager of the same items over the connection called *alias*."""
        manager = self._of(self.model)
        manager._using = alias
        return manager

    def get_queryset(self) -> QuerySet[M]:
        """Return the query set that all others of this manager come from: override it to choose."""
        queryset: QuerySet[M] = self._queryset(self.model, self._using)
        return queryset

    def _everything(self) -> QuerySet[M]:
        """Return the query set of all items, whatever a class of managers leaves out."""
        return QuerySet[M](self.model, self._using)

    def filter(self, /, *conditions: Condition, **lookups: Any) -> QuerySet[M]:
        base = self._base
        if base is None:
            base = self.get_queryset()
            kind, usual = cast("Any", type(self)), cast("Any", Manager)
            if kind._queryset is QuerySet and kind.get_queryset is usual.get_queryset:
                self._base = base  # nobody else has a say in what it is
        if conditions or type(base) is not QuerySet:
            return base.filter(*conditions, **lookups)
        return base._having(lookups)

    @classmethod
    def from_queryset(
        cls, queryset: type[QuerySet[X]], name: str | None = None
    ) -> type[Manager[X]]:
        """Return a class of managers that has the methods of *queryset* too.

        Those that begin with ``_``, or whose attribute ``queryset_only`` is true, are left out.
        """
        methods: dict[str, Any] = {
            method: _handed_on(method, function)
            for each in reversed(queryset.__mro__)
            for method, function in vars(each).items()
            if callable(function) and method[0] != "_" and not hasattr(QuerySet, method)
            if not getattr(function, "queryset_only", False)
        }
        said = {"__module__": queryset.__module__, "__doc__": queryset.__doc__}
        name = name or f"{cls.__name__}From{queryset.__name__}"
        made: Any = type(name, (cls,), {**methods, **said, "_queryset": queryset})
        return cast("type[Manager[X]]", made)

    def _delete(self, /, *key: Any, condition: Condition | None = None, **named: Any) -> Flow[None]:
        """Delete the item with this key, without reading it; one that is not there counts as deleted.

        :param condition: delete only where it holds.
        :raises ConditionFailed: *condition* does not hold; ``current`` is the item as it stands,
            None where there is none.
        """
        wire = self._meta.check_own_key(self._meta.key(key, named))
        if find_restricting_references(self.model, below=True):
            yield from self._known_by(wire)._delete_for_good(condition=condition, atomic=False)
            return
        if self._meta.constraints or COLLECTOR.get() is not None:
            yield from self._known_by(wire)._remove(self._meta.condition(condition), atomic=False)
            return
        asked = self._meta.condition(condition)
        try:
            yield from DeleteItem(self._table, wire, mine(self._meta, asked))
        except ConditionFailed as error:
            if asked is None or asked.is_empty:
                return  # what is there is of another class: no item of this one is
            if error.current is not None:
                error.current = self._here(self.model.from_db(error.current))
            raise

    delete = blocking(_delete)
    adelete = awaiting(_delete)

    def _delete_for_good(self, /, *key: Any, **named: Any) -> Flow[None]:
        """Do as ``_delete``, whatever a class of managers makes of that."""
        flow: Flow[None] = Manager[M]._delete(self, *key, **named)
        return flow

    def _known_by(self, key: Key) -> M:
        """Return an instance of which nothing is known but the key."""
        instance = self.model.__new__(self.model)
        instance.__dict__["_known_as"] = key  # which another writer may have spelled otherwise
        for field in self._meta.keys:
            instance.__dict__[field.name] = field.decode(key[field.attribute])
        return self._here(instance)


def _handed_on(name: str, function: Any) -> Any:
    def method(self: Manager[Any], /, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.get_queryset(), name)(*args, **kwargs)

    method.__name__, method.__doc__, method.__wrapped__ = name, function.__doc__, function  # type: ignore[attr-defined]
    return method


QuerySet._manager = Manager

# What the query set's method does, that of the manager does.
for _name, _method in (*vars(Proxies).items(), ("filter", vars(Manager)["filter"])):
    if callable(_method) and not _method.__doc__ and hasattr(QuerySet, _name):
        _method.__doc__ = getattr(QuerySet, _name).__doc__
