"""Finding kinds of items in one table, by the value of an attribute or by the patterns of their keys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ..schema import TableSchema
from .naming import name_field
from .observing import WireMap, gather_members

_MOST_KINDS = 30
_LIKELY = re.compile(r"(?i)type|kind|cls|class|entity|model|discriminator")
_WORD = re.compile(r"[A-Za-z][A-Za-z_-]*")


def find_discriminator(items: Sequence[WireMap], keys: set[str]) -> str | None:
    """Return the attribute whose text seems to name the kind of an item, or None.

    Each item has this attribute, it has few different values, and some other attributes are only in the items of one
    value. If its name is not like ``type``, two values must have at least two such attributes each.
    """
    best: tuple[int, str] | None = None
    for name, wires in gather_members(items).items():
        if name in keys or len(wires) < len(items) or not all(wire.get("S") for wire in wires):
            continue
        groups = group_by_text(items, name)
        if not 2 <= len(groups) <= min(_MOST_KINDS, len(items) // 2):
            continue
        own = _count_own(list(groups.values()))
        is_likely = _LIKELY.search(name) and sum(own) > 0
        if is_likely or sum(number > 1 for number in own) > 1:
            best = max(best or (0, ""), (sum(own), name))
    return best and best[1]


def group_by_text(items: Sequence[WireMap], name: str) -> dict[str, list[WireMap]]:
    """Return the items by their text in the attribute *name*, which each item has."""
    groups: dict[str, list[WireMap]] = {}
    for item in items:
        groups.setdefault(item[name]["S"], []).append(item)
    return dict(sorted(groups.items()))


def _count_own(groups: Sequence[Sequence[WireMap]]) -> list[int]:
    """Return for each group the number of attributes that only its items have."""
    names = [{name for item in group for name in item} for group in groups]
    return [sum(sum(name in each for each in names) == 1 for name in own) for own in names]


class KeyPattern(NamedTuple):
    """The templates of the keys of one kind of items."""

    label: str
    """A word from the keys, for the name of the class."""
    templates: tuple[tuple[str, str], ...]
    """Pairs of an attribute and its template: ``("pk", "USER#{user_key}")``."""
    parts: tuple[str, ...]
    """The names in the templates, without duplicates."""


def group_by_keys(
    items: Sequence[WireMap], schema: TableSchema
) -> dict[KeyPattern, list[WireMap]] | None:
    """Return the items by the pattern of their keys, if the hash key of each begins with a word and a ``#``.

    Return None if a hash key does not, or if all items have the same pattern.
    """
    if schema.range_key is None or {key.type for key in schema.key} != {"S"}:
        return None
    names = [key.name for key in schema.key]
    words = _find_words(items, [*names, *(key.name for key in schema.all_keys())])
    groups: dict[KeyPattern, list[WireMap]] = {}
    for item in items:
        if item[names[0]]["S"].partition("#")[0] not in words:
            return None
        groups.setdefault(_make_pattern(item, names, words), []).append(item)
    if not 2 <= len(groups) <= min(_MOST_KINDS, len(items) // 2):
        return None
    return {_add_indexes(found, group, schema, words): group for found, group in groups.items()}


def _add_indexes(
    pattern: KeyPattern, items: Sequence[WireMap], schema: TableSchema, words: set[str]
) -> KeyPattern:
    """Add the keys of each index to the pattern, if all of *items* have these keys and one pattern for them."""
    names = [name for name, _ in pattern.templates]
    for index in schema.global_indexes:
        keys = [key.name for key in index.keys]
        if all("S" in item.get(key, ()) for item in items for key in keys):
            found = {_make_pattern(item, [*names, *keys], words) for item in items}
            if len(found) == 1:
                names = list(dict.fromkeys([*names, *keys]))
                pattern = found.pop()._replace(label=pattern.label)
    return pattern


def _find_words(items: Sequence[WireMap], names: Sequence[str]) -> set[str]:
    """Return the pieces of keys that are fixed words of templates: capital letters in several items."""
    seen: dict[str, int] = {}
    for item in items:
        texts = (item[name]["S"] for name in names if "S" in item.get(name, ()))
        for piece in {piece for text in texts for piece in text.split("#")}:
            seen[piece] = seen.get(piece, 0) + 1
    return {piece for piece, times in seen.items() if times > 1 and _is_word(piece)}


def _is_word(piece: str) -> bool:
    return piece.isupper() and _WORD.fullmatch(piece) is not None


def _make_pattern(item: WireMap, names: Sequence[str], words: set[str]) -> KeyPattern:
    """Return the pattern of the keys *names* of one item; a piece after a word gets the word's name."""
    templates, parts, label = dict[str, str](), dict[str, str](), "item"
    for attribute in names:
        pieces, word = list[str](), attribute
        for piece in item[attribute]["S"].split("#"):
            if piece in words:
                word = label = piece
                pieces.append(piece)
                continue
            name = name_field(f"{word.lower()}_key", ())
            while parts.setdefault(name, piece) != piece:
                name += "_2"
            pieces.append(f"{{{name}}}")
        templates[attribute] = "#".join(pieces)
    return KeyPattern(label, tuple(templates.items()), tuple(parts))
