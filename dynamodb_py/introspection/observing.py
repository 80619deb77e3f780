"""Counting the types of the values of attributes, for ``inspect --json``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from ..operations.base import Wire

WireMap: TypeAlias = "Mapping[str, Wire]"
"""An item, or the content of an attribute value of type M."""


class Observation(Struct, frozen=True, omit_defaults=True):
    """The observed values of one attribute, or of one place inside an attribute."""

    seen: int
    """The number of values."""
    types: dict[str, int]
    """The number of values of each of DynamoDB's types."""
    members: dict[str, Observation] = {}
    """The observed values of each key of the maps among the values."""
    elements: Observation | None = None
    """The observed elements of the lists among the values."""


def gather_members(maps: Iterable[WireMap]) -> dict[str, list[Wire]]:
    """Return the values of each key of *maps*, the most frequent key first, others by name."""
    found: dict[str, list[Wire]] = {}
    for each in maps:
        for name, wire in each.items():
            found.setdefault(name, []).append(wire)
    return dict(sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0])))


def gather_contents(wires: Iterable[Wire], kind: str) -> list[Any]:
    """Return the contents of the attribute values of one type."""
    return [wire[kind] for wire in wires if kind in wire]


def find_kind(wire: Wire) -> str:
    """Return DynamoDB's type of an attribute value."""
    return next(iter(wire))


def observe(wires: Sequence[Wire]) -> Observation:
    """Count the types of *wires*, and of the values inside them.

    >>> observe([{"S": "a"}, {"L": [{"N": "1"}]}]).types
    {'L': 1, 'S': 1}
    """
    elements = [each for content in gather_contents(wires, "L") for each in content]
    return Observation(
        len(wires),
        dict(sorted(Counter(map(find_kind, wires)).items(), key=lambda pair: (-pair[1], pair[0]))),
        observe_members(gather_contents(wires, "M")),
        observe(elements) if elements else None,
    )


def observe_members(maps: Iterable[WireMap]) -> dict[str, Observation]:
    """Count the types of the values of each key of *maps*."""
    return {name: observe(wires) for name, wires in gather_members(maps).items()}
