"""Outcomes: what an update returns, and what is known of the item after it."""

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

RETURNING: dict[Any, str] = {
    "new": "ALL_NEW",
    "old": "ALL_OLD",
    "updated_new": "UPDATED_NEW",
    "updated_old": "UPDATED_OLD",
}


class Outcome(Struct, frozen=True):
    """What an update did: its actions, what was asked to be returned, and the answer."""

    actions: tuple[Action, ...]
    asked: str
    item: WireItem = {}

    @property
    def attributes(self) -> list[str]:
        """The attributes that were changed."""
        return list(dict.fromkeys(str(action.path.parts[0]) for action in self.actions))

    def _plain(self, attribute: str) -> Action | None:
        """Return the change that says by itself what the attribute is now, if it does."""
        for action in self.actions:
            if action.path.parts == (attribute,) and is_plain(action):
                return action
        return None

    def knows(self, attribute: str) -> bool:
        """Tell whether it is known what *attribute* is now."""
        whole = self.asked == "ALL_NEW"
        told = self.asked == "UPDATED_NEW" and attribute not in changed_inside(self.actions)
        untold = any(
            isinstance(a, Delete) or (isinstance(a, SetOnce) and attribute not in self.item)
            for a in self.actions
            if a.path.parts[0] == attribute
        )
        return whole or (told and not untold) or self._plain(attribute) is not None

    def wire(self, attribute: str, before: Mapping[str, Wire]) -> Wire | None:
        """Return what *attribute*, which was *before*, is now; None where it is absent."""
        plain = self._plain(attribute)
        if isinstance(plain, Set):
            wire: Wire = from_json(to_json(cast("Value", plain.value).wire))
            return wire
        if plain is not None:
            return None
        if self.asked == "UPDATED_NEW":  # what did not change may be left out of it
            return self.item.get(attribute, before.get(attribute))
        return self.item.get(attribute)


def changed_inside(actions: Iterable[Action]) -> set[str]:
    """Return the attributes of which something inside is changed."""
    return {str(action.path.parts[0]) for action in actions if len(action.path.parts) > 1}


def asked_for(actions: Sequence[Action], returning: str | None) -> str:
    """Return what DynamoDB must return, so that the instance knows what was changed."""
    if returning is not None:
        return returned(returning)
    if any(len(a.path.parts) > 1 or isinstance(a, Delete) for a in actions):
        return "ALL_NEW"  # of what lies inside, UPDATED_NEW returns a part
    if all(map(is_plain, actions)):
        return "NONE"
    return "UPDATED_NEW"


def returned(returning: str | None) -> str:
    """Return DynamoDB's word for what *returning* asks for; raise QueryError for no such thing."""
    if returning is None:
        return "NONE"
    try:
        return RETURNING[returning]
    except (KeyError, TypeError):
        said = ", ".join(map(repr, RETURNING))
        raise QueryError(f"returning={returning!r}: it takes None, {said}") from None


def as_plain(model: type[Any], item: StoredItem | None, returning: str | None) -> dict[str, Any]:
    """Return the values of what an update returned, by field; of undeclared ones by attribute."""
    if item is None:
        return {}
    held = frozenset(cast("WireItem", from_json(item))) if "updated" in str(returning) else None
    row: dict[str, Any] = make_loader(model, Shape("item"), held, None)(item)
    return row
