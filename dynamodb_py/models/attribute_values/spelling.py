"""Spelling: what other programs stored stays as they spelled it, where a value did not change."""

from __future__ import annotations

from typing import Any, cast

from ...codec import Unstorable, as_sent, to_json
from ...exceptions import DynamoDBError, UnreadableValue
from ...operations.base import Wire
from ..fields.base import AnyField
from ..fields.containers import SetField
from .values import equal

_SETS = frozenset({"SS", "NS", "BS"})


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
    return spell_again(field, old) == wire


def stays_same(field: AnyField, old: Wire, value: Any) -> bool:
    """Tell whether *value* is the stored value *old*; the field need not be able to store it."""
    if type(value) is str and field.verbatim is str:
        return old.get("S") == value
    try:
        return is_same(field, old, value, field.to_wire_or_null(value))
    except Unstorable:
        return reads_as(field, old, value)


def keep_spelling_of(
    field: AnyField, old: Wire | None, wire: Wire | None, spelled: Wire | None = None
) -> Wire | None:
    """Return a value to store, with what did not change in it as another writer spelled it.

    :param spelled: *old* as the field spells it, where that is known.
    """
    if wire is None or old is None or field.normalises:
        return wire
    if not ("M" in wire or "L" in wire):
        if field.kind in _SETS and isinstance(field, SetField):
            return _keep_elements(cast("Any", field), old, wire)
        return wire
    if spelled is None:
        spelled = spell_again(field, old)
    if spelled is None or spelled == old or spelled == as_sent(old):
        return wire
    return keep_spelling(old, spelled, wire)


def _keep_elements(field: SetField[Any, Any], old: Wire, wire: Wire) -> Wire:
    kind, inner = field.kind, cast("AnyField", field.inner)
    stored: dict[Any, Any] = {}
    for text in as_sent(old).get(kind, ()):
        spelled = spell_again(inner, {inner.kind: text})
        if spelled is not None:
            stored[spelled[inner.kind]] = text
    return {kind: sorted(stored.get(text, text) for text in wire[kind])}


def keep_spelling(raw: Wire, old: Wire, new: Wire) -> Wire:
    """Return *new*, where all that equals *old* is spelled as in *raw*.

    *old* is *raw* decoded and encoded by the fields; another writer may spell values differently.
    """
    if equal(old, new):
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
        return {"L": _keep_list(raw["L"], old["L"], new["L"])}
    return new


def _keep_list(raw: list[Wire], old: list[Wire], new: list[Wire]) -> list[Wire]:
    """Return the elements *new*: those that stay or only move are spelled as in *raw*."""
    taken = {at: at for at, wire in enumerate(new) if at < len(old) and equal(old[at], wire)}
    places: dict[bytes, list[int]] = {}
    for at in reversed(range(len(old))):
        if at not in taken:
            places.setdefault(to_json(old[at]), []).append(at)
    for at, wire in enumerate(new):
        if at not in taken and (free := places.get(to_json(wire))):
            taken[at] = free.pop()
    moved = set(taken.values())
    return [
        raw[taken[at]]
        if at in taken
        else wire
        if at >= len(old) or at in moved
        else keep_spelling(raw[at], old[at], wire)
        for at, wire in enumerate(new)
    ]
