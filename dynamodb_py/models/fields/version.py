"""The field that counts the writes of an item, so that a stale copy of it is not written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...expressions import Action, Arithmetic, IfNotExists, Path, Value
from ...expressions.updates import Bump
from ...operations.base import Wire
from .numbers import IntegerField

if TYPE_CHECKING:
    from . import unknown_options
else:
    from ...lazy import unknown_options


class VersionField(IntegerField[int]):
    """The version of an item: it counts the writes, and a stale instance is refused.

    Every write of an instance that was loaded or saved requires that the item still has the version
    of the instance, and stores the next one; otherwise it raises
    :class:`~dynamodb_py.exceptions.StaleItem`. A new instance is written only if there is no item
    with its key. The version is 0 before the first write, and 1 afterwards. Writes without an instance, such
    as ``objects.filter(...).update()``, increase it without a condition.

    :param name: the attribute's name in DynamoDB; the Python name by default.

    >>> from dynamodb_py import CharField, Model, StaleItem, Table
    >>> class Account(Model):
    ...     name = CharField(hash_key=True)
    ...     points = IntegerField(default=0)
    ...     version = VersionField()
    >>> description = Table(Account).create()
    >>> account = Account.create(name="ann")
    >>> stale = Account.get("ann")
    >>> account.points = 5
    >>> account.save()
    Account(name='ann', points=5, version=2)
    >>> stale.points = 3
    >>> try:
    ...     stale.save()
    ... except StaleItem as error:
    ...     print(error.current)
    Account(name='ann', points=5, version=2)
    """

    if TYPE_CHECKING:

        def __init__(self, *, name: str | None = None) -> None: ...
    else:

        def __init__(self, *, name: str | None = None, **unknown: object) -> None:
            if unknown:
                raise unknown_options.make_unknown_option_error(type(self), unknown)
            super().__init__(name=name, default=0)


def bump(field: VersionField) -> Action:
    """Return the action that increases the version of an item by one."""
    path = Path((field.attribute,))
    return Bump(path, Arithmetic(IfNotExists(path, Value({"N": "0"})), "+", Value({"N": "1"})))


def next_version(field: VersionField, item: Mapping[str, Wire]) -> Wire:
    """Return the version after that of *item*, which may have none.

    Raises UnreadableValue if that version is not a whole number.
    """
    wire = item.get(field.attribute)
    version = None if wire is None else field.decode(wire)
    return {"N": str((version or 0) + 1)}
