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
    """An index as an attribute of a model: reading it gives the query set of its items."""

    _attribute: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        super().__set_name__(owner, name)
        self._attribute = name

    def __get__(self, instance: object | None, owner: type[M]) -> QuerySet[M]:
        """Return the query set of the index, for the model *owner*."""
        if instance is not None:
            raise AttributeError(
                f"{self._attribute} is of the class: {owner.__name__}.{self._attribute}, "
                "not of an instance"
            )
        model: Any = owner
        manager = model.objects
        return cast("QuerySet[M]", manager.get_queryset().index(self.name))


class GlobalIndex(_IndexAttribute, _GlobalIndex):
    """A global secondary index: another hash key, and maybe another range key, for the same items.

    As an attribute of a model it has the verbs of ``objects``; one in ``Meta.indexes`` is used by its
    name, ``objects.index(name)``.

    >>> from dynamodb_py import CharField, Model
    >>> class Account(Model):
    ...     id = CharField(hash_key=True)
    ...     email = CharField()
    ...     by_email = GlobalIndex(hash_key="email", projection="keys")
    >>> Account.by_email.filter(email="a@example.org").operation().index
    'by_email'

    :param name: the index's name; that of the attribute unless given.
    :param hash_key: the name of a field, or a list of one to four of them
        (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html).
    :param range_key: the same, or nothing.
    :param projection: ``"all"``, ``"keys"``, or a list of the fields that the index holds beside
        the keys.
    :param read_capacity: units per second; by default the table's, and on demand none.
    :param write_capacity: the same.
    :param warm_throughput: units per second that the index can serve at once, ``{"read": 12000}``.
    :param on_demand_maximum: units per second that it serves at most, if the table is billed on demand,
        ``{"read": 1000, "write": None}``; None is no maximum.
    :param complete: True declares that every item of the model has the key fields, so that the index
        has every item, though the fields are not ``required=True``.
    """


class LocalIndex(_IndexAttribute, _LocalIndex):
    """A local secondary index: another range key under the table's hash key.

    The rest is as for :class:`GlobalIndex`. The table needs a range key of its own, and the index
    can only be made together with the table
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html).

    :param name: the index's name; that of the attribute unless given.
    :param range_key: the name of a field.
    :param projection: ``"all"``, ``"keys"``, or a list of field names.
    :param complete: as for :class:`GlobalIndex`.
    """
