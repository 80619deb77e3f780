"""Which types were seen of attributes, and how often: what ``inspect --json`` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from ..operations.base import Wire

WireMap: TypeAlias = "Mapping[str, Wire]"
"""An item, or the content of an M."""


class Observation(Struct, frozen=True, omit_defaults=True):
    """The values of one attribute, or inside one."""

    seen: int
    """How many there were."""
    types: dict[str, int]
    """How many of each of DynamoDB's types."""
    members: dict[str, Observation] = {}
    """Of the maps among them: the values of each key."""
    elements: Observation | None = None
    """Of the lists among them: their elements."""


def gather_members(maps: Iterable[WireMap]) -> dict[str, list[Wire]]:
    """Return the values of each key of *maps*, the most frequent key first, others by name."""
    found: dict[str, list[Wire]] = {}
    for each in maps:
        for name, wire in each.items():
            found.setdefault(name, []).append(wire)
    return dict(sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0])))


def gather_contents(wires: Iterable[Wire], kind: str) -> list[Any]:
    """Return the contents of those of *wires* that are of one type."""
    return [wire[kind] for wire in wires if kind in wire]


def find_kind(wire: Wire) -> str:
    """Return DynamoDB's type of an attribute value."""
    return next(iter(wire))


def observe(wires: Sequence[Wire]) -> Observation:
    """Return which types *wires* have, and what is inside them.

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
    """Return what was seen of each key of *maps*, items or others."""
    return {name: observe(wires) for name, wires in gather_members(maps).items()}
