"""The differences of two values for people: the old and the new value at each path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from ...codec import decode
from ...exceptions import UnreadableValue
from ...expressions import FREE, Coder
from ...operations.base import Wire
from ..fields.base import Field
from ..fields.containers.embedded import EmbeddedField
from .values import Parts, equal, path_text


def describe_changes(
    field: Field[Any, Any], old: Wire | None, new: Wire | None
) -> dict[str, tuple[Any, Any]]:
    """Return the old and the new Python value at each path where two values of *field* differ."""
    return {
        path_text(parts, lambda parts: _name(field, parts)): (
            decode_or_free(coder := _coder(field, parts), was),
            decode_or_free(coder, now),
        )
        for parts, was, now in find_edits((field.attribute,), old, new)
    }


def decode_or_free(coder: Coder | None, wire: Wire | None) -> Any:
    """Return an attribute value decoded by its field, or freely if the field cannot read it."""
    if wire is None:
        return None
    if isinstance(coder, Field):
        try:
            return cast("Field[Any, Any]", coder).decode(wire)
        except UnreadableValue:
            pass
    return decode(wire)


def _coder(field: Field[Any, Any], parts: Parts) -> Coder | None:
    coder: Coder | None = field
    for part in parts[1:]:
        coder = FREE if coder is None else coder.sub(part)
    return coder


def _name(field: Field[Any, Any], parts: Parts) -> str:
    """Return the name of the last of *parts*; the attribute of a document is named by its field."""
    if len(parts) == 1:
        return field.name
    if isinstance(_coder(field, parts[:-1]), EmbeddedField):
        inner = _coder(field, parts)
        if isinstance(inner, Field):
            return cast("Field[Any, Any]", inner).name
    return str(parts[-1])


def find_edits(
    parts: Parts, old: Wire | None, new: Wire | None
) -> Iterator[tuple[Parts, Wire | None, Wire | None]]:
    """Yield each path that differs with both values: maps by keys, lists by elements.

    A list that became shorter, or longer in the middle, is yielded whole.
    """
    if old is not None and new is not None:
        if equal(old, new):
            return
        if "M" in old and "M" in new:
            for key in {**old["M"], **new["M"]}:
                yield from _edits_below(parts, key, old["M"].get(key), new["M"].get(key))
            return
        if "L" in old and "L" in new and _by_elements(old["L"], new["L"]):
            for at, wire in enumerate(new["L"]):
                was = old["L"][at] if at < len(old["L"]) else None
                yield from _edits_below(parts, at, was, wire)
            return
    yield parts, old, new


def _edits_below(
    parts: Parts, part: str | int, old: Wire | None, new: Wire | None
) -> Iterator[tuple[Parts, Wire | None, Wire | None]]:
    if old is not None or new is not None:
        yield from find_edits((*parts, part), old, new)


def _by_elements(old: list[Wire], new: list[Wire]) -> bool:
    if len(old) == len(new):
        return True
    return len(new) > len(old) and all(map(equal, old, new))
