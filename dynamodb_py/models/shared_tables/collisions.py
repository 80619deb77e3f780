"""Checks that items of two models cannot have the same key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...exceptions import ModelDefinitionError
from ..fields.base import AnyField

if TYPE_CHECKING:
    from ..keys.template import BoundTemplate
    from ..options.options import Options


def get_template(field: AnyField | None) -> BoundTemplate | None:
    """Return the template of a field; None if it has none."""
    return getattr(field, "bound_template", None)


def can_be_equal(one: AnyField, other: AnyField) -> bool:
    """Tell whether two key fields may have the same value; False if their templates rule it out."""
    template, second = get_template(one), get_template(other)
    return template is None or second is None or template.can_equal(second)


def check_apart(name: str, one: Options, other: Options) -> None:
    """Raise ModelDefinitionError if items of two models of the table *name* may have the same key."""
    pairs = list(zip(one.keys, other.keys, strict=True))
    if not all(can_be_equal(*pair) for pair in pairs):
        return
    keys = "; ".join(
        f"{key.label} is {describe_key(key)}, {second.label} is {describe_key(second)}"
        for key, second in pairs
    )
    raise ModelDefinitionError(
        f"{one.name} and {other.name} are both in {name}, and an item of each could have the same key: "
        f"{keys}. One of the keys must differ in its literal text before the first part of varying "
        f'length: begin one template with a word of its own, such as "{one.name.upper()}#"'
    )


def check_kinds(name: str, discriminator: str | None, one: Options, other: Options) -> None:
    """Raise ModelDefinitionError if queries of one model could not exclude the items of the other."""
    if one.kind is not None and other.kind is not None and one.kind.value == other.kind.value:
        raise ModelDefinitionError(
            f"{one.name} and {other.name} both have the kind {one.kind.value!r} in {name}: give one "
            "of them another Meta.kind"
        )
    if discriminator is None and not have_distinct_prefixes(one, other):
        raise ModelDefinitionError(
            f"{name}.Meta has discriminator = None, and the keys of {one.name} and {other.name} do not "
            "begin with different words: "
            + "; ".join(f"{f.label} is {describe_key(f)}" for f in (*one.keys, *other.keys))
            + ". Begin a template with a word of its own, or name an attribute as discriminator"
        )


def can_share_prefix(one: str, other: str) -> bool:
    """Tell whether one of two texts begins with the other: then a text can begin with both."""
    return one.startswith(other) or other.startswith(one)


def get_prefix(field: AnyField | None) -> str:
    """Return the literal at the beginning of all values of a key field."""
    template = get_template(field)
    return "" if template is None else template.literal_prefix


def have_distinct_prefixes(one: Options, other: Options) -> bool:
    """Tell whether the beginnings of the keys of two models are different."""
    pairs = zip(one.keys, other.keys, strict=True)
    return any(not can_share_prefix(get_prefix(key), get_prefix(second)) for key, second in pairs)


class Members:
    """The models of a table by their kinds and by the prefixes of their keys.

    It finds the few models whose keys or kinds may collide with those of a new model.
    """

    def __init__(self, metas: Iterable[Options] = ()) -> None:
        self._places: dict[Options, int] = {}
        self._found: dict[tuple[int, str, bool], set[Options]] = {}
        """By the position of the key, a text, and whether the key's prefix is longer than that text."""
        self._by_kind: dict[str, set[Options]] = {}
        for meta in metas:
            self.add(meta)

    def add(self, meta: Options) -> None:
        """Add the options of a model."""
        self._places[meta] = len(self._places)
        for at, prefix in enumerate(map(get_prefix, meta.keys)):
            for end in range(len(prefix) + 1):
                text = prefix[:end]
                self._found.setdefault((at, text, text != prefix), set()).add(meta)
        if meta.kind is not None:
            self._by_kind.setdefault(meta.kind.value, set()).add(meta)

    def find_neighbours(self, meta: Options) -> list[Options]:
        """Return the models of the same kind, and the models whose keys may all have the prefixes of *meta*.

        They are in the order of :meth:`add`.
        """
        none: frozenset[Options] = frozenset()
        found: list[frozenset[Options]] = []
        for at, prefix in enumerate(map(get_prefix, meta.keys)):
            beginnings = [prefix[:end] for end in range(len(prefix) + 1)]
            same = [self._found.get((at, text, False), none) for text in beginnings]
            found.append(none.union(*same, self._found.get((at, prefix, True), none)))
        kinds = none if meta.kind is None else self._by_kind.get(meta.kind.value, none)
        return sorted(found[0].intersection(*found) | kinds, key=self._places.__getitem__)


def describe_key(field: AnyField) -> str:
    """Return the texts that a key field can have, for messages."""
    template = get_template(field)
    return "any text" if template is None else f'"{template}"'
