"""Indexes as attributes of models: ``Account.by_email.filter(email="a@example.org")``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from ...schema import GlobalIndex as _GlobalIndex
from ...schema import Index
from ...schema import LocalIndex as _LocalIndex
from ..instance import Instance

if TYPE_CHECKING:
    from .queryset import QuerySet

M = TypeVar("M", bound=Instance)


class _IndexAttribute(Index):
    """An index as an attribute of a model: its value is the query set that reads the index."""

    _attribute: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        super().__set_name__(owner, name)
        self._attribute = name

    def __get__(self, instance: object | None, owner: type[M]) -> QuerySet[M]:
        """Return the query set of *owner* that reads the index."""
        if instance is not None:
            raise AttributeError(
                f"{self._attribute} is an attribute of the class, not of its instances: use "
                f"{owner.__name__}.{self._attribute}"
            )
        model: Any = owner
        manager = model.objects
        return cast("QuerySet[M]", manager.get_queryset().index(self.name))


class GlobalIndex(_IndexAttribute, _GlobalIndex):
    """A global secondary index (GSI): a copy of the items under another hash key (partition key).

    As an attribute of a model it has the methods of ``objects``. An index in ``Meta.indexes`` is used by
    its name, ``objects.index(name)``.

    >>> from dynamodb_py import CharField, Model
    >>> class Account(Model):
    ...     id = CharField(hash_key=True)
    ...     email = CharField()
    ...     by_email = GlobalIndex(hash_key="email", projection="keys")
    >>> Account.by_email.filter(email="a@example.org").operation().index
    'by_email'

    :param name: the index's name; by default the name of the attribute.
    :param hash_key: the name of a field, or a list of one to four names
        (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html).
    :param range_key: the field of the range key (sort key), or a list of fields; by default the index has
        none.
    :param projection: ``"all"``, ``"keys"``, or a list of the fields that the index holds besides
        the keys.
    :param read_capacity: units per second; by default the table's, and none if it is billed on demand.
    :param write_capacity: the same for writes.
    :param warm_throughput: units per second that the index can serve at once, ``{"read": 12000}``.
    :param on_demand_maximum: the largest number of units per second that the index serves, if the table is
        billed on demand, ``{"read": 1000, "write": None}``; None sets no maximum.
    :param complete: True declares that every item of the model has the key fields, even if they are not
        ``required=True``: the index then has every item.
    """


class LocalIndex(_IndexAttribute, _LocalIndex):
    """A local secondary index (LSI): another range key (sort key) with the table's hash key.

    It is used as a :class:`GlobalIndex` is. The table needs a range key too, and the index can only be
    created together with the table
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html).

    >>> from dynamodb_py import CharField, IntegerField, Model
    >>> class Game(Model):
    ...     player = CharField(hash_key=True)
    ...     number = IntegerField(range_key=True)
    ...     points = IntegerField(required=True)
    ...     by_points = LocalIndex(range_key="points")
    >>> Game.by_points.filter(player="ann", points__gt=50).operation().index
    'by_points'

    :param name: the index's name; by default the name of the attribute.
    :param range_key: the name of a field.
    :param projection: ``"all"``, ``"keys"``, or a list of field names.
    :param complete: as for :class:`GlobalIndex`.
    """
