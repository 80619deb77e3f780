"""Attribute values as they are on the wire: what is equal, what lies where, what an update makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from ...codec import as_sent, binary
from ...expressions import Action, And, Compare, Condition, NotExists, Path, Remove, Set, Value
from ...expressions.conditions import join
from ...operations.base import Wire, WireItem

Parts: TypeAlias = "tuple[str | int, ...]"


def equal(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two attribute values mean the same.

    Numbers do by value, sets whatever their order, a B as bytes or as base64.

    >>> equal({"N": "1.0"}, {"N": "1"}), equal({"SS": ["a", "b"]}, {"SS": ["b", "a"]})
    (True, True)
    """
    if one == other:
        return True
    ((kind, mine),) = one.items()
    ((other_kind, theirs),) = other.items()
    if kind != other_kind:
        return False
    match kind:
        case "N":
            return Decimal(mine) == Decimal(theirs)
        case "M":
            return mine.keys() == theirs.keys() and all(
                equal(wire, theirs[key]) for key, wire in mine.items()
            )
        case "L":
            return len(mine) == len(theirs) and all(map(equal, mine, theirs))
        case "B":
            return binary(mine) == binary(theirs)
        case "SS":
            return set(mine) == set(theirs)
        case "NS":
            return set(map(Decimal, mine)) == set(map(Decimal, theirs))
        case "BS":
            return set(map(binary, mine)) == set(map(binary, theirs))
        case _:
            return False


def equal_or_absent(one: Wire | None, other: Wire | None) -> bool:
    """Tell whether two attribute values, or the lack of one, mean the same."""
    return one is other if one is None or other is None else equal(one, other)


def find_at(item: Mapping[str, Wire], parts: Iterable[str | int]) -> Wire | None:
    """Return what lies at a path of an item, or None."""
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
    """Tell whether *action* writes a value that it says, or removes what is there."""
    return isinstance(action, Remove) or (
        isinstance(action, Set) and isinstance(action.value, Value)
    )


def apply_actions(item: Mapping[str, Wire], actions: Iterable[Action]) -> WireItem:
    """Return what SETs of values and REMOVEs make of *item*, which stays as it is.

    Elements of a list are removed from the last one on.
    """
    result: WireItem = dict(item)
    fresh: set[int] = set()  # the containers that are copies already
    for action in actions:
        last: Any = action.path.parts[-1]
        inside: Any = result
        for part in action.path.parts[:-1]:
            inside = _opened(inside, part, fresh)
        if isinstance(action, Remove):
            _take(inside, last)
        elif isinstance(action, Set) and isinstance(action.value, Value):
            _put(inside, last, action.value.wire)
    return result


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


def _opened(inside: Any, part: Any, fresh: set[int]) -> Any:
    """Return the members of the map or list at *part*, after they were copied."""
    ((kind, members),) = inside[part].items()
    if id(members) not in fresh:
        members = members.copy()
        inside[part] = {kind: members}
        fresh.add(id(members))
    return members


def path_text(parts: Parts, name: Callable[[Parts], str] = lambda parts: str(parts[-1])) -> str:
    """Return a path as messages have it.

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
    """Tell whether one of *attributes* is not in *now* as it is in *before*."""
    return any(not equal_or_absent(before.get(name), now.get(name)) for name in attributes)


def require_unchanged(attributes: Iterable[str], item: Mapping[str, Wire]) -> Condition:
    """Return the condition that *attributes* are as in *item*: equal, or absent."""
    terms: list[Condition] = []
    for name in attributes:
        wire, path = item.get(name), Path((name,))
        terms.append(NotExists(path) if wire is None else Compare(path, "=", Value(as_sent(wire))))
    return join(And, *terms)
