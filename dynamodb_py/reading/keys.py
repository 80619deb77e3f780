"""Reading the keys of stored items, without decoding the rest of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeAlias, cast

import msgspec

from ..batching import IdentityReader, KeyReader
from ..codec import EXACT, make_attributes_reader, parse_number, to_bytes, to_sort_key
from ..exceptions import ResponseCorrupted
from ..operations.base import Wire
from ..operations.items import Key, StoredItem
from ..schema import KeyAttribute

Attributes: TypeAlias = tuple[KeyAttribute, ...]
Wires: TypeAlias = tuple[dict[str, Any], ...]
"""Attribute values in the order of the attributes; one of type B has bytes."""

# Types that compare as in DynamoDB, as codec.to_sort_key() returns them.
_COMPARABLE: dict[str, type] = {"S": str, "N": Decimal, "B": bytes}
# The same with numbers as text.
_SPELLED: dict[str, type] = {"S": str, "N": str, "B": bytes}


@lru_cache(256)
def make_value_reader(attributes: Attributes) -> Callable[[StoredItem], Any]:
    """Return a function that reads comparable values: the value of a single attribute, else a tuple."""
    return _make_reader(attributes, _COMPARABLE)


@lru_cache(256)
def make_wire_reader(attributes: Attributes) -> Callable[[StoredItem], Wires]:
    """Return a function that reads the attributes as wires."""
    read, kinds = _make_reader(attributes, _SPELLED), [each.type for each in attributes]
    if len(kinds) == 1:
        (kind,) = kinds
        return lambda item: ({kind: read(item)},)
    return lambda item: tuple([{kind: leaf} for kind, leaf in zip(kinds, read(item), strict=True)])


@lru_cache(256)
def make_key_reader(attributes: Attributes) -> KeyReader:
    """Return a function that reads the attributes as a key."""
    read, names = make_wire_reader(attributes), [each.name for each in attributes]
    return lambda item: dict(zip(names, read(item), strict=True))


@lru_cache(256)
def make_identity_reader(attributes: Attributes) -> IdentityReader:
    """Return a function that reads the attributes as ``identify_key`` returns them for a key."""
    ordered = tuple(sorted(attributes, key=attrgetter("name")))
    read, one = _make_reader(ordered, _SPELLED), len(ordered) == 1
    numbers = [at for at, each in enumerate(ordered) if each.type == "N"]

    def read_identity(item: StoredItem) -> Hashable:
        found = read(item)
        if not numbers:
            return (found,) if one else found
        leaves = [found] if one else list(found)
        for at in numbers:
            leaves[at] = parse_number(leaves[at])
        return tuple(leaves)

    return read_identity


def _make_reader(attributes: Attributes, leaves: dict[str, type]) -> Callable[[StoredItem], Any]:
    if not attributes:
        return lambda _: ()
    members = [
        (f"k{at}", msgspec.defstruct("Wire", [(each.type, leaves[each.type])], gc=False))
        for at, each in enumerate(attributes)
    ]
    rename = {f"k{at}": each.name for at, each in enumerate(attributes)}
    decode = make_attributes_reader(members, rename)
    pick = attrgetter(*(f"k{at}.{each.type}" for at, each in enumerate(attributes)))

    def read(item: StoredItem) -> Any:
        try:
            return pick(decode(item))
        except msgspec.DecodeError as error:
            names = ", ".join(map(str, attributes))
            raise ResponseCorrupted(f"an item came without its key, {names}: {error}") from error

    return read


def to_comparable(attributes: Attributes, wires: Sequence[Wire]) -> Any:
    """Return the values of *wires* in the form of :func:`make_value_reader`."""
    values = tuple(to_sort_key(wire) for wire in wires)
    return values[0] if len(attributes) == 1 else values


def to_wires(value: Any) -> Wires:
    """Return the wires of a value in the form of :func:`make_value_reader`."""
    values = cast("tuple[Any, ...]", value) if isinstance(value, tuple) else (value,)
    return tuple(
        {_KIND[type(each)]: EXACT.to_sci_string(each) if type(each) is Decimal else each}
        for each in values
    )


_KIND: dict[type, str] = {str: "S", Decimal: "N", bytes: "B"}


def to_key(attributes: Attributes, wires: Wires) -> Key:
    """Return *wires* as the key that a request starts after."""
    return {each.name: wire for each, wire in zip(attributes, wires, strict=True)}


def wires_in(attributes: Attributes, key: Key) -> Wires:
    """Return the wires of a key from DynamoDB, such as a LastEvaluatedKey."""
    try:
        wires = [(each.type, key[each.name][each.type]) for each in attributes]
        return tuple({kind: to_bytes(leaf) if kind == "B" else leaf} for kind, leaf in wires)
    except KeyError as error:
        names = ", ".join(each.name for each in attributes)
        raise ResponseCorrupted(
            f"DynamoDB's LastEvaluatedKey has {', '.join(key)}, and the keys are {names}"
        ) from error
