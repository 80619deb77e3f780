"""Sets in requests and responses: their elements by value, and the results of ADD and DELETE."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ...codec import as_sent, to_bytes
from ...expressions import Action, Add, Delete, Path, Value
from ...operations.base import Wire

_READERS: dict[str, Callable[[Any], Any]] = {"SS": str, "NS": Decimal, "BS": to_bytes}


def is_set(wire: Wire | None) -> bool:
    """Tell whether an attribute value is a set."""
    return wire is not None and not _READERS.keys().isdisjoint(wire)


def list_elements(wire: Wire | None, kind: str) -> dict[Any, Any]:
    """Return the elements of a set of *kind* by value, each as it is spelled; {} for any other value."""
    read = _READERS[kind]
    return {read(each): each for each in (wire or {}).get(kind, ())}


def make_set_action(path: Path, old: Wire | None, new: Wire | None) -> Action | None:
    """Return the ADD or DELETE of elements that turns the set *old* into *new*; None if one is not enough.

    An absent attribute is an empty set.

    >>> make_set_action(Path(("tags",)), {"SS": ["a", "b"]}, {"SS": ["a"]}).clause
    'DELETE'
    """
    (kind,) = new or old or {"": None}
    if kind not in _READERS or (old is not None and kind not in old):
        return None
    was, now = list_elements(old, kind), list_elements(new, kind)
    added = [text for value, text in now.items() if value not in was]
    removed = [text for value, text in was.items() if value not in now]
    if bool(added) == bool(removed):
        return None
    value = Value(as_sent({kind: added or removed}))
    return Add(path, value) if added else Delete(path, value)


def change_elements(action: Add | Delete, wire: Wire | None) -> Wire | None:
    """Return the set *wire* after *action*; None for an empty one."""
    assert isinstance(action.value, Value)
    kind = action.value.kind
    old, given = list_elements(wire, kind), list_elements(action.value.wire, kind)
    if isinstance(action, Add):
        return {kind: [*old.values(), *(text for each, text in given.items() if each not in old)]}
    left = [text for each, text in old.items() if each not in given]
    return {kind: left} if left else None


def has_effect(action: Add | Delete, wire: Wire | None) -> bool:
    """Tell whether the set *wire* has all elements that *action* adds, or none that it deletes."""
    if not isinstance(action.value, Value) or action.value.kind not in _READERS:
        return False  # an ADD to a number: the sum does not show whether it was executed
    kind = action.value.kind
    there, given = list_elements(wire, kind).keys(), list_elements(action.value.wire, kind).keys()
    return given <= there if isinstance(action, Add) else given.isdisjoint(there)
