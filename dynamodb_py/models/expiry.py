"""Expiry: the TTL field of a model, and the condition that an item has not expired.

DynamoDB deletes an item some time after its TTL, often a day or more. With ``Meta.hide_expired`` reads
hide it at once (``visibility.py``).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import time
from typing import Any, cast

from ..codec import make_attributes_reader
from ..exceptions import ModelDefinitionError
from ..expressions import Compare, Condition, Path, Unexpired, Value
from ..operations.base import Wire
from ..operations.items import StoredItem
from .fields.base import AnyField
from .fields.numbers import IntegerField
from .fields.times.datetimes import TimestampField


class Expiry:
    """Finds expired items of a model, and makes the conditions on the TTL."""

    def __init__(self, field: AnyField) -> None:
        self.attribute = field.attribute
        self.path = Path((field.attribute,), field, field.label)
        """The path of the TTL."""
        self._read: Callable[[bytes], Any] = make_attributes_reader(
            [("wire", Any, None)], {"wire": field.attribute}
        )

    @staticmethod
    def now() -> Wire:
        """Return the current time as an attribute value, in whole seconds since 1970."""
        return {"N": str(int(time()))}

    def require_expired(self) -> Condition:
        """Return the condition that the TTL is past; it does not hold for an item without one."""
        return Compare(self.path, "<=", Value(self.now()))

    def require_unexpired(self) -> Condition:
        """Return the condition that the TTL is not past, or that there is none.

        It is a NOT, so it also holds for values that are not numbers; DynamoDB never deletes such items.
        """
        return Unexpired(self.require_expired())

    def hides(self, item: StoredItem) -> bool:
        """Tell whether *item* has expired."""
        return self._is_past(self._read(item).wire)

    def hides_wires(self, wires: Mapping[str, Any]) -> bool:
        """Tell whether the item with these attributes has expired."""
        return self._is_past(wires.get(self.attribute))

    def _is_past(self, wire: Any) -> bool:
        if not isinstance(wire, dict):
            return False
        seconds: str | None = cast("Wire", wire).get("N")
        return seconds is not None and float(seconds) <= int(time())


def find_ttl_field(model: str, fields: Mapping[str, AnyField], named: object) -> AnyField | None:
    """Return the TTL field of a model, or None.

    :param named: ``Meta.ttl``.
    :raises ModelDefinitionError: there are several, or the named field cannot hold a TTL.
    """
    found = [field for field in fields.values() if isinstance(field, TimestampField) and field.ttl]
    chosen: list[AnyField] = [*found]
    if named is not None:
        field = _find_named(model, fields, named)
        chosen += [] if any(field is each for each in found) else [field]
    if len(chosen) > 1:
        names = " and ".join(field.name for field in chosen)
        raise ModelDefinitionError(
            f"{model} has {len(chosen)} fields for the TTL, {names}: a table has one; keep ttl=True, "
            "or Meta.ttl, for one of them"
        )
    for each in chosen:
        if isinstance(each, TimestampField):
            each.in_whole_seconds = True
    return chosen[0] if chosen else None


def _find_named(model: str, fields: Mapping[str, AnyField], named: object) -> AnyField:
    field = fields.get(named) if isinstance(named, str) else None
    if field is None:
        raise ModelDefinitionError(
            f"{model}.Meta.ttl is {named!r}: it takes the name of a field, one of {', '.join(fields)}"
        )
    if not isinstance(field, (TimestampField, IntegerField)):
        raise ModelDefinitionError(
            f"{model}.Meta.ttl names {field.name}, a {type(field).__name__}: DynamoDB's TTL is in "
            "seconds since 1970, so take a TimestampField, or an IntegerField of such seconds"
        )
    return field


def make_expiry(model: str, field: AnyField | None, hide_expired: object) -> Expiry | None:
    """Return the Expiry of a model, or None without ``Meta.hide_expired``."""
    if not isinstance(hide_expired, bool):
        raise ModelDefinitionError(
            f"{model}.Meta.hide_expired is {hide_expired!r}: it takes True or False"
        )
    if not hide_expired:
        return None
    if field is None:
        raise ModelDefinitionError(
            f"{model}.Meta.hide_expired hides items that are past their TTL, and the model has no TTL "
            "field: declare TimestampField(ttl=True), or name a field in Meta.ttl"
        )
    if field.hash_key:
        raise ModelDefinitionError(
            f"{model}.Meta.hide_expired: {field.name} is the hash key, which a query can only compare "
            "with one value: choose another field for the TTL"
        )
    return Expiry(field)
