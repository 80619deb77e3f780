"""Attribute values in requests and responses: equality, paths, and the result of an update."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from ...codec import as_sent, to_bytes
from ...expressions import (
    Action,
    Add,
    And,
    Compare,
    Condition,
    Delete,
    NotExists,
    Path,
    Remove,
    Set,
    Value,
)
from ...expressions.conditions import join
from ...operations.base import Wire, WireItem
from .sets import change_elements

Parts: TypeAlias = "tuple[str | int, ...]"


def equal(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two attribute values are equal.

    Numbers are compared by value, sets in any order, a B as bytes or as base64.

    >>> equal({"N": "1.0"}, {"N": "1"}), equal({"SS": ["a", "b"]}, {"SS": ["b", "a"]})
    (True, True)
    """
    if one == other:
        return True
    try:
        ((kind, value),) = one.items()
        ((other_kind, other_value),) = other.items()
        if kind != other_kind:
            return False
        match kind:
            case "N":
                return Decimal(value) == Decimal(other_value)
            case "M":
                return value.keys() == other_value.keys() and all(
                    equal(wire, other_value[key]) for key, wire in value.items()
                )
            case "L":
                return len(value) == len(other_value) and all(map(equal, value, other_value))
            case "B":
                return to_bytes(value) == to_bytes(other_value)
            case "SS":
                return set(value) == set(other_value)
            case "NS":
                return set(map(Decimal, value)) == set(map(Decimal, other_value))
            case "BS":
                return set(map(to_bytes, value)) == set(map(to_bytes, other_value))
            case _:
                return False
    except (ArithmeticError, AttributeError, TypeError, ValueError):  # not a value of its kind
        return False


def equal_or_absent(one: Wire | None, other: Wire | None) -> bool:
    """Tell whether two attribute values are equal, or both absent."""
    return one is other if one is None or other is None else equal(one, other)


def find_at(item: Mapping[str, Wire], parts: Iterable[str | int]) -> Wire | None:
    """Return the attribute value at a path of an item, or None."""
    found: Any = {"M": item}
    for part in parts:
        inside: Any = found.get("L" if isinstance(part, int) else "M")
        try:
            found = inside[part]
        except (TypeError, LookupError):
            return None
    wire: Wire = found
    return wire


def is_plain(action: Action) -> bool:
    """Tell whether *action* is a REMOVE, or a SET of a value, so that its result is known."""
    return isinstance(action, Remove) or (
        isinstance(action, Set) and isinstance(action.value, Value)
    )


def apply_actions(item: Mapping[str, Wire], actions: Iterable[Action]) -> WireItem:
    """Return *item* after SETs of values, REMOVEs, and changes of sets; *item* itself does not change.

    REMOVEs of elements of a list must go from the last element to the first.
    """
    result: WireItem = dict(item)
    fresh: set[int] = set()  # ids of the containers that are copies
    for action in actions:
        last: Any = action.path.parts[-1]
        inside: Any = result
        for part in action.path.parts[:-1]:
            inside = _copy_inner(inside, part, fresh)
        if isinstance(action, Remove):
            _take(inside, last)
        elif isinstance(action, Set) and isinstance(action.value, Value):
            _put(inside, last, action.value.wire)
        elif isinstance(action, (Add, Delete)):
            _put_or_take(inside, last, change_elements(action, inside.get(last)))
    return result


def _put_or_take(inside: dict[str, Wire], last: str, wire: Wire | None) -> None:
    if wire is None:
        inside.pop(last, None)
    else:
        inside[last] = wire


def _take(inside: dict[str, Wire] | list[Wire], last: Any) -> None:
    if isinstance(inside, dict):
        inside.pop(last, None)
    elif last < len(inside):
        del inside[last]


def _put(inside: dict[str, Wire] | list[Wire], last: Any, wire: Wire) -> None:
    if isinstance(inside, list) and last >= len(inside):
        inside.append(wire)
    else:
        inside[last] = wire


def _copy_inner(inside: Any, part: Any, fresh: set[int]) -> Any:
    """Return the members of the map or list at *part*, copied if they were not before."""
    ((kind, members),) = inside[part].items()
    if id(members) not in fresh:
        members = members.copy()
        inside[part] = {kind: members}
        fresh.add(id(members))
    return members


def path_text(parts: Parts, name: Callable[[Parts], str] = lambda parts: str(parts[-1])) -> str:
    """Return a path as text, for messages.

    >>> path_text(("doc", "a", 0))
    'doc.a[0]'
    """
    text = name(parts[:1])
    for at, part in enumerate(parts[1:], 2):
        text += f"[{part}]" if isinstance(part, int) else f".{name(parts[:at])}"
    return text


def has_changed(
    attributes: Iterable[str], before: Mapping[str, Wire], now: Mapping[str, Wire]
) -> bool:
    """Tell whether one of *attributes* differs between *before* and *now*."""
    return any(not equal_or_absent(before.get(name), now.get(name)) for name in attributes)


def require_unchanged(attributes: Iterable[str], item: Mapping[str, Wire]) -> Condition:
    """Return the condition that *attributes* are as in *item*: equal to its values, or absent."""
    terms: list[Condition] = []
    for name in attributes:
        wire, path = item.get(name), Path((name,))
        terms.append(NotExists(path) if wire is None else Compare(path, "=", Value(as_sent(wire))))
    return join(And, *terms)
