"""The field that counts the writes of an item, so that a stale copy of it is not written."""

from __future__ import annotations

from typing import Any

from .scalars import IntegerField


class VersionField(IntegerField[int]):
    """The version of an item, which sets itself: an instance that is stale is not written.

    Every write of an instance that was loaded or saved is on condition that the item still has the
    version that the instance has, and stores the next one; otherwise it raises
    :class:`~dynamodb_py.exceptions.StaleItem`. A new instance is written only where there is no item
    with its key. It is 0 before the first write, and 1 afterwards. What is written without an
    instance that knows the version, such as ``objects.filter(...).update()``, raises it unasked.

    :param name: the attribute's name in DynamoDB; the Python name by default.

    >>> from dynamodb_py import CharField, Model
    >>> class Account(Model):
    ...     name = CharField(hash_key=True)
    ...     version = VersionField()
    >>> Account(name="ann").version
    0
    """

    def __init__(self, *, name: str | None = None) -> None:
        base: Any = IntegerField
        base.__init__(self, name=name, default=0)
