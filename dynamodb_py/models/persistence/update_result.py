"""The result of an update: the returned values, and the known attributes of the item after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

from msgspec import Struct

from ...codec import from_json, to_json
from ...exceptions import QueryError
from ...expressions import Action, Delete, Set, Value
from ...expressions.updates import SetOnce
from ...operations.base import Wire, WireItem
from ...operations.items import StoredItem
from ..attribute_values.values import is_plain
from ..records.rows import Shape, make_loader

Returning: TypeAlias = Literal["new", "old", "updated_new", "updated_old"]

RETURN_VALUES: dict[Any, str] = {
    None: "NONE",
    "new": "ALL_NEW",
    "old": "ALL_OLD",
    "updated_new": "UPDATED_NEW",
    "updated_old": "UPDATED_OLD",
}


class UpdateResult(Struct, frozen=True):
    """The actions of an update, its ReturnValues, and the returned attributes."""

    actions: tuple[Action, ...]
    return_values: str
    item: WireItem = {}

    @property
    def attributes(self) -> list[str]:
        """The changed attributes."""
        return list(dict.fromkeys(str(action.path.parts[0]) for action in self.actions))

    def _find_plain(self, attribute: str) -> Action | None:
        """Return the action that contains the new value of the attribute, if there is one."""
        for action in self.actions:
            if action.path.parts == (attribute,) and is_plain(action):
                return action
        return None

    def is_known(self, attribute: str) -> bool:
        """Tell whether the new value of *attribute* is known."""
        whole = self.return_values == "ALL_NEW"
        is_returned = self.return_values == "UPDATED_NEW" and attribute not in find_nested(
            self.actions
        )
        is_lost = any(
            isinstance(a, Delete) or (isinstance(a, SetOnce) and attribute not in self.item)
            for a in self.actions
            if a.path.parts[0] == attribute
        )
        return whole or (is_returned and not is_lost) or self._find_plain(attribute) is not None

    def wire_of(self, attribute: str, before: Mapping[str, Wire]) -> Wire | None:
        """Return the new value of *attribute*; None if it is absent."""
        plain = self._find_plain(attribute)
        if isinstance(plain, Set):
            wire: Wire = from_json(to_json(cast("Value", plain.value).wire))
            return wire
        if plain is not None:
            return None
        if self.return_values == "UPDATED_NEW":  # unchanged attributes may be missing
            return self.item.get(attribute, before.get(attribute))
        return self.item.get(attribute)


def find_nested(actions: Iterable[Action]) -> set[str]:
    """Return the attributes inside which *actions* change a value."""
    return {str(action.path.parts[0]) for action in actions if len(action.path.parts) > 1}


def choose_return_values(actions: Sequence[Action], returning: str | None) -> str:
    """Return the ReturnValues that make the new values of the changed attributes known."""
    if returning is not None:
        return as_return_values(returning)
    if any(len(a.path.parts) > 1 or isinstance(a, Delete) for a in actions):
        return "ALL_NEW"  # for a path inside, UPDATED_NEW returns only a part of the attribute
    if all(map(is_plain, actions)):
        return "NONE"
    return "UPDATED_NEW"


def as_return_values(returning: str | None) -> str:
    """Return the ReturnValues for *returning*; raise QueryError for another word."""
    try:
        return RETURN_VALUES[returning]
    except (KeyError, TypeError):
        known = ", ".join(map(repr, RETURN_VALUES))
        raise QueryError(f"returning={returning!r}: it takes {known}") from None


def as_plain(
    model: type[Any], item: StoredItem | None, returning: str | None, alias: str | None
) -> dict[str, Any]:
    """Return the values that an update returned, by field name, or by attribute if no field declares it."""
    if item is None:
        return {}
    held = frozenset(cast("WireItem", from_json(item))) if "updated" in str(returning) else None
    row: dict[str, Any] = make_loader(model, Shape("item"), held, alias)(item)
    return row
