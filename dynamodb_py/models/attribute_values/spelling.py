"""Spelling: one value may be stored in several forms, such as the numbers 1 and 1.0.

If a value did not change, its stored form stays, though another program spelled it otherwise than its field.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import compress
from operator import ne
from typing import Any

import msgspec

from ...codec import (
    Unstorable,
    as_sent,
    decode,
    encode_value,
    to_json,
)
from ...exceptions import DynamoDBError, UnreadableValue
from ...limits import MAX_DIGITS
from ...operations.base import Wire, WireItem
from ..fields.base import AnyField
from ..fields.containers.elements import encode_common, find_common_type
from ..fields.containers.lists import ListField, SetField
from ..fields.containers.maps import DictField
from ..fields.refusals import UNFIT
from .values import equal

_CONTAINERS = frozenset({"M", "L"})
_LISTS: dict[Any, Any] = {int: list[int], float: list[float]}
# In a map with at most so many keys, inner maps are walked without comparing them first: comparing again at
# each level would cost the square of the depth. In a wider map most are equal, and comparing is faster.
_NARROW = 8


def spell_again(field: AnyField, old: Wire) -> Wire | None:
    """Return a stored value as *field* spells it; *old* itself if the field cannot read it."""
    try:
        return field.to_wire_or_null(field.decode(old))
    except (UnreadableValue, Unstorable):
        return old


def reads_as(field: AnyField, old: Wire | None, value: Any) -> bool:
    """Tell whether *value* is what *field* reads in the stored value *old*."""
    try:
        return old is not None and bool(field.decode(old) == value)
    except (DynamoDBError, TypeError):  # unreadable, or an expression, whose == makes a condition
        return False


def is_same(field: AnyField, old: Wire, value: Any, wire: Wire | None) -> bool:
    """Tell whether *value*, which would be stored as *wire*, is the stored value *old*."""
    if wire == old:
        return True
    if field.varies or field.normalises:
        return reads_as(field, old, value)
    if wire is None:
        return spell_again(field, old) is None
    return keep_spelling_of(field, old, wire) is old


def stays_same(field: AnyField, old: Wire, value: Any) -> bool:
    """Tell whether *value* is the stored value *old*; the field need not be able to store it."""
    if type(value) is str and field.verbatim is str:
        return old.get("S") == value
    try:
        return is_same(field, old, value, field.to_wire_or_null(value))
    except Unstorable:
        return reads_as(field, old, value)


def encode_as_stored(
    field: AnyField, value: Any, old: Wire | None, wire: Wire | None = None
) -> Wire | None:
    """Return *value* as an attribute value; unchanged values inside it are as stored in *old*.

    It is *old* itself if nothing changed. Raises :class:`~dynamodb_py.codec.Unstorable`.

    :param wire: the attribute value, if it is encoded already.
    """
    if wire is None:
        if old is not None and type(value) is list:
            wire = _encode_list_as_stored(field, value, old)  # pyright: ignore[reportUnknownArgumentType]
            if wire is not None:
                return wire
        wire = field.to_wire_or_null(None) if value is None else field.to_wire(value)
    if wire == old:
        return old
    if old is None or wire is None:
        return wire if old is None or spell_again(field, old) is not None else old
    if field.varies or (field.normalises and not field.is_key):
        return old if reads_as(field, old, value) else keep_spelling_of(field, old, wire)
    if field.normalises:
        return old if spell_again(field, old) == wire else wire
    if field.verbatim is not None:  # the result of _keep(), without its checks for containers
        return old if _spell(field, old) == wire else wire
    return _keep(field, old, wire)


def _encode_list_as_stored(field: AnyField, value: list[Any], old: Wire) -> Wire | None:
    """Do as :func:`encode_as_stored` for a list of texts, ints or floats; None if all must be encoded.

    It reads the stored elements, and encodes only the elements that differ from these.
    """
    inner: AnyField | None = getattr(field, "inner", None)
    was: list[Wire] | None = old.get("L")
    if was is None or inner is None or type(field) is not ListField:
        return None
    if (known := find_common_type(inner, value)) is None:
        return None
    try:
        kind = inner.kind
        read: list[Any] = [each[kind] for each in was]
        if known is not str:
            read = msgspec.convert(read, _LISTS[inner.leaf], strict=False)
        differ = [*compress(range(len(value)), map(ne, read, value))]
        if not differ and len(was) == len(value):
            return old
        encoded = encode_common(known, [value[at] for at in differ] + value[len(was) :])
    except (*UNFIT, Unstorable):
        return None  # encoding all of them raises errors with their places
    now = was[: len(value)] + encoded[len(differ) :]
    for at, wire in zip(differ, encoded):  # noqa: B905 - a keyword takes longer
        now[at] = wire
    if len(differ) > 1 or len(was) != len(now):  # else nothing can have moved
        now = _keep_list(was, now, differ, lambda at: _spell(inner, was[at]), now.__getitem__)
    return {"L": now}


def keep_spelling_of(field: AnyField, old: Wire | None, wire: Wire | None) -> Wire | None:
    """Return *wire*, the value to store, with unchanged values inside it as spelled in *old*.

    It is *old* itself if nothing changed.
    """
    if wire is None or old is None or field.normalises:
        return wire
    return _keep(field, old, wire)


def _keep(field: AnyField | None, old: Wire, wire: Wire) -> Wire:
    """Do as :func:`keep_spelling_of`; without a field, for a free value.

    Only values that differ are decoded, and encoded again.
    """
    inner = getattr(field, "inner", None)
    if "M" in wire and "M" in old and (field is None or type(field) is DictField):
        members: WireItem = old["M"]
        kept: WireItem = dict(wire["M"])
        wide = len(kept) > _NARROW
        for key, each in kept.items():
            if (one := members.get(key)) is not None:
                same = (wide or "M" not in each) and each == one
                kept[key] = one if same else _keep(inner, one, each)
        same = all(each is members.get(key) for key, each in kept.items())
        return old if same and len(members) == len(kept) else {"M": kept}
    if wire == old:
        return old
    if _CONTAINERS.isdisjoint(wire):
        kind = _find_set_kind(field)
        if (kind in wire and sorted(old.get(kind, ())) == wire[kind]) or _spell(field, old) == wire:
            return old
        return _keep_elements(field, old, wire) if kind in wire else wire
    if "L" in wire and "L" in old and (field is None or type(field) is ListField):
        was, now = old["L"], wire["L"]

        def spell(at: int) -> Wire:
            return _spell(inner, was[at])

        def keep(at: int) -> Wire:
            return _keep(inner, was[at], now[at])

        found = {"L": _keep_list(was, now, _find_different(was, now), spell, keep)}
    else:
        spelled = _spell(field, old)
        plain = spelled != wire and spelled == as_sent(old)
        found = wire if plain else keep_spelling(old, spelled, wire)
    return old if found == old else found


def _spell(field: AnyField | None, old: Wire) -> Wire:
    """Return a stored value as the field, or a free value, spells it; *old* itself if it cannot be read or stored."""
    verbatim = None if field is None else field.verbatim
    if "S" in old and (field is None or verbatim is str):
        return old
    if "N" in old and (field is None or verbatim is int) and _is_plain_integer(old["N"]):
        return old
    if field is not None:
        return spell_again(field, old) or old
    try:
        return encode_value(decode(old))
    except (UnreadableValue, Unstorable):
        return old


def _is_plain_integer(text: Any) -> bool:
    """Tell whether *text* is an int as DynamoDB and all fields of ints spell it."""
    return (
        type(text) is str
        and text.isascii()
        and text.isdigit()
        and len(text) <= MAX_DIGITS
        and (text[0] != "0" or text == "0")
    )


def _find_set_kind(field: Any) -> str:
    """Return SS, NS or BS for a field of sets, else the empty text."""
    return str(field.kind) if isinstance(field, SetField) else ""


def _keep_elements(field: Any, old: Wire, wire: Wire) -> Wire:
    kind, inner = field.kind, field.inner
    stored: dict[Any, Any] = {}
    for text in as_sent(old).get(kind, ()):
        spelled = spell_again(inner, {inner.kind: text})
        if spelled is not None:
            stored[spelled[inner.kind]] = text
    return {kind: sorted(stored.get(text, text) for text in wire[kind])}


def keep_spelling(raw: Wire, old: Wire, new: Wire) -> Wire:
    """Return *new*, with each value inside it that equals *old* spelled as in *raw*.

    *old* is *raw* decoded and encoded by the fields; another writer may spell values differently.
    """
    if old == new:
        return raw
    if "M" in raw and "M" in old and "M" in new:
        was, had, now = raw["M"], old["M"], new["M"]
        undeclared = {key: wire for key, wire in was.items() if key not in had and key not in now}
        return {
            "M": undeclared
            | {
                key: keep_spelling(was[key], had[key], wire) if key in was and key in had else wire
                for key, wire in now.items()
            }
        }
    if "L" in raw and "L" in old and "L" in new and len(raw["L"]) == len(old["L"]):
        was, had, now = raw["L"], old["L"], new["L"]

        def keep(at: int) -> Wire:
            return keep_spelling(was[at], had[at], now[at])

        return {"L": _keep_list(was, now, _find_different(was, now), had.__getitem__, keep)}
    return raw if equal(old, new) else new


def _find_different(raw: list[Wire], new: list[Wire]) -> list[int]:
    return [*compress(range(len(new)), map(ne, raw, new))]


def _keep_list(
    raw: list[Wire],
    new: list[Wire],
    differ: list[int],
    spell: Callable[[int], Wire],
    keep: Callable[[int], Wire],
) -> list[Wire]:
    """Return the elements *new*: those that stay or only move are spelled as in *raw*.

    :param differ: the indexes at which *raw* and *new* may differ.
    :param spell: returns an element of *raw* as its field spells it.
    :param keep: returns an element of *new*, with unchanged values inside it spelled as in *raw*.
    """
    kept = [*raw[: len(new)], *new[len(raw) :]]
    if len(differ) == 1 and len(raw) == len(new):  # the usual case: nothing can have moved
        (at,) = differ
        kept[at] = keep(at)
        return kept
    spelled = {at: spell(at) for at in (*differ, *range(len(new), len(raw)))}
    stay = {at for at in differ if equal(spelled[at], new[at])}
    places: dict[bytes, list[int]] = {}
    for at in reversed(spelled):
        if at not in stay:
            places.setdefault(to_json(spelled[at]), []).append(at)
    taken = {at: at for at in stay}
    changed = [at for at in (*differ, *range(len(raw), len(new))) if at not in stay]
    for at in changed:
        if free := places.get(to_json(new[at])):
            taken[at] = free.pop()
    moved = set(taken.values())
    for at in changed:
        own = at < len(raw) and at not in taken and at not in moved
        kept[at] = new[at] if not own or _CONTAINERS.isdisjoint(new[at]) else keep(at)
    for at, place in taken.items():
        kept[at] = raw[place]
    return kept
