"""Managers: ``Model.objects``, which creates and fetches items, and gives query sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast, overload

from ...connections import Connection, connection_for, current_options
from ...expressions import Condition
from ...flows import awaiting, blocking, name_verbs
from ..instance import Instance, options_of
from ..queryset.base import DEFAULT_OPTIONS, ReadOptions
from ..queryset.builders import Builders, filter_by_lookups
from ..reserved_names import MANAGER, refuse_reserved
from ..visibility import Scope
from .forwarding import Forwarding, make_forwarded
from .item_verbs import ItemVerbs
from .queryset import QuerySet

if TYPE_CHECKING:
    from typing_extensions import Never, Self

    from . import delete_by_key as key_deletes
    from . import partiql
else:
    from ...lazy import key_deletes, partiql


M = TypeVar("M", bound=Instance)
X = TypeVar("X", bound=Instance)
Q = TypeVar("Q")
G = TypeVar("G", bound="Manager[Any]")


# The types of ``Model.objects``. On an instance, where access raises, it is Never: the attribute of a class
# is then compatible with that of its base, whatever managers they have.
class Objects:
    """The type of ``Model.objects``, at run time a Manager: a manager of the model it is read from."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type[M]) -> Manager[M]: ...
        @overload
        def __get__(self, instance: object, owner: type[Any]) -> Never: ...
        def __get__(self, instance: object | None, owner: type[Any]) -> Any: ...


class ObjectsAs(Objects, Generic[Q]):
    """The type of ``as_manager()``: a manager with the methods of a class of query sets."""

    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def __get__(self, instance: None, owner: type[Any]) -> Q: ...
        @overload
        def __get__(self, instance: object, owner: type[Any]) -> Never: ...
        def __get__(self, instance: object | None, owner: type[Any]) -> Any: ...  # pyright: ignore[reportIncompatibleMethodOverride]


def all_items(manager: Manager[M]) -> QuerySet[M]:
    """Return the query set of all items, including those that the manager's class leaves out."""
    return QuerySet[M](manager.model, manager._alias)


def _bind_manager(manager: G, model: type[Any], alias: str | None = None) -> G:
    """Return a copy of *manager* for *model*, and for the connection *alias* if it is given."""
    new = object.__new__(type(manager))
    new.__dict__.update(manager.__dict__)
    new.model, new._base, kind = model, None, cast("Any", type(manager))
    if alias is not None:
        new._alias = alias
    if kind._queryset is QuerySet and kind.get_queryset is cast("Any", Manager).get_queryset:
        new._base = QuerySet(model, new._alias)
        new._base._read_options = DEFAULT_OPTIONS if new._alias is None else ReadOptions(new._alias)
    return new


@name_verbs
class Manager(Forwarding[M], ItemVerbs[M], Objects, Generic[M]):
    """Creates and fetches the items of one model, and gives query sets of them.

    Each model has a manager called ``objects``. To choose other items, define a class with its own
    :meth:`get_queryset`, and a manager of that class:

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

    :param model: the model; a manager that is an attribute of a model knows it already.
    :param using: the alias of a connection; by default, the model's ``Meta.using``.
    """

    _queryset: ClassVar[type[Any]] = QuerySet
    _name: str = "objects"
    _scope: Scope | None = None
    """The items that managers of this class leave out."""
    _alias: str | None

    model: type[M]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_reserved(cls, Manager, MANAGER)

    def __init__(self, model: type[M] | None = None, using: str | None = None) -> None:
        if model is not None:
            self.model = model
        self._alias = using

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload  # type: ignore[override]
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> Never: ...
    def __get__(self, instance: object | None, owner: type[Any]) -> Any:
        """Return this manager for the class *owner*."""
        if instance is not None:
            raise AttributeError(
                f"{self._name} is an attribute of the class, not of its instances: use "
                f"{owner.__name__}.{self._name}"
            )
        try:
            return owner.__dict__["_managers"][id(self)][1]
        except KeyError:  # at the first use
            pass
        kept: dict[int, tuple[Any, Any]] | None = owner.__dict__.get("_managers")
        if kept is None:
            kept = owner._managers = {}
        # This manager is kept too: as long as it lives, no other manager has its id.
        found = kept[id(self)] = (self, _bind_manager(self, owner))
        return found[1]

    def __repr__(self) -> str:
        of = f" of {self.model.__name__}" if hasattr(self, "model") else ""
        return f"<{type(self).__name__}{of}>"

    @property
    def _link(self) -> Connection:
        return connection_for(self._alias, options_of(self.model).using)

    def using(self, alias: str) -> Self:
        """Return a manager of the same items that uses the connection called *alias*.

        >>> Score.objects.using("default").get("ann", 1).points
        50
        """
        return _bind_manager(self, self.model, alias)

    def get_queryset(self) -> QuerySet[M]:
        """Return the query set that all methods start from; override it to choose items.

        >>> Score.objects.get_queryset()
        <QuerySet of Score: <Condition: none>>
        """
        queryset: QuerySet[M] = self._queryset(self.model, self._alias)
        return queryset

    def filter(self, /, *conditions: Condition, **lookups: Any) -> QuerySet[M]:
        base = self._base
        if base is None or current_options().using is not None:
            return self.get_queryset().filter(*conditions, **lookups)
        return (
            base.filter(*conditions, **lookups) if conditions else filter_by_lookups(base, lookups)
        )

    @classmethod
    def from_queryset(
        cls, queryset: type[QuerySet[X]], name: str | None = None
    ) -> type[Manager[X]]:
        """Return a class of managers that also has the methods of the class *queryset*.

        Methods whose names begin with ``_``, or whose attribute ``queryset_only`` is true, are left out.

        >>> from dynamodb_py import CharField, IntegerField, Manager, Model, QuerySet
        >>> class Wins(QuerySet["Match"]):
        ...     def over(self, points):
        ...         return self.filter(points__gt=points)
        >>> class Match(Model):
        ...     player = CharField(hash_key=True)
        ...     number = IntegerField(range_key=True)
        ...     points = IntegerField()
        ...     wins = Manager.from_queryset(Wins)()
        >>> Match.wins.over(60).filter(player="ann")
        <Wins of Match: <Condition: (points > 60 AND player = 'ann')>>

        :param queryset: a subclass of :class:`QuerySet`.
        :param name: the name of the new class; by default ``ManagerFromWins`` for a class ``Wins``.
        """
        methods = make_forwarded(queryset, QuerySet)
        words = {"__module__": queryset.__module__, "__doc__": queryset.__doc__}
        name = name or f"{cls.__name__}From{queryset.__name__}"
        made: Any = type(name, (cls,), {**methods, **words})
        made._queryset = queryset
        return cast("type[Manager[X]]", made)

    delete = blocking(key_deletes.delete_by_key)
    adelete = awaiting(key_deletes.delete_by_key)
    execute = blocking(partiql.execute_statement)
    aexecute = awaiting(partiql.execute_statement)

    def raw(
        self,
        statement: str,
        /,
        *parameters: Any,
        consistent: bool | None = None,
        limit: int | None = None,
        page_size: int | None = None,
    ) -> partiql.RawQuery[M]:
        """Return a PartiQL statement that is sent when it is iterated, and gives its rows as instances.

        ``SELECT *`` from the table gives whole instances. A SELECT of some attributes, or from an index
        (``{table}."by_wins"``), gives instances with only those fields: other fields raise FieldNotLoaded.
        Items that other reads of the model leave out, expired items and items of other classes, are left
        out here too. ``as_dicts()`` gives all rows as dicts. ``execute_all()`` and
        ``transaction.execute()`` take several statements, and also statements that write.

        Errors that depend on the table are raised when the statement is sent.

        >>> rows = Score.objects.raw("SELECT * FROM {table} WHERE player = ?", "ann")
        >>> [each.game for each in rows]
        [1, 2]

        :param statement: one statement; ``{table}`` is replaced by the quoted name of the table.
        :param parameters: a value for each question mark: any value that a free-form document can have.
        :param consistent: True makes strongly consistent reads, at twice the price. The default is that of
            ``options()``, as for :meth:`execute`.
        :param limit: the largest number of rows.
        :param page_size: the number of items that each request reads; by default *limit*, but at least 100,
            and without *limit* as many as 1 MB holds.
        :raises ValidationError: a parameter cannot be stored.
        :raises QueryError: there are more or fewer question marks than parameters. When the statement is
            sent: it does not read an attribute that instances need: those of the key, the attribute that
            distinguishes the classes, and that of ``Meta.hide_expired``.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html
        """
        return partiql.make_raw_query(
            self, statement, parameters, consistent=consistent, limit=limit, page_size=page_size
        )


QuerySet._manager = Manager
vars(Manager)["filter"].__doc__ = vars(Builders)["filter"].__doc__


class OfManager:
    """The name of a manager's method on a model: reading it raises an error that names the manager.

    A field or an attribute of that name replaces it.
    """

    def __init__(self, name: str, verb: str) -> None:
        self._name, self._verb = name, verb

    def __get__(self, instance: object | None, owner: type[Any]) -> Never:
        name = owner.__name__
        raise AttributeError(
            f"{name} has no {self._name}(), but its manager has: {name}.objects.{self._verb}(...)"
        )


_OF_DJANGO = (
    "all exclude filter order_by only values values_list first last count exists in_bulk none scan "
    "get_or_create update_or_create bulk_create bulk_update bulk_delete"
)
VERBS_OF_MANAGERS = {**{name: name for name in _OF_DJANGO.split()}, "query": "filter"}
"""The methods that other mappers have on models, and the methods of managers that replace them."""
