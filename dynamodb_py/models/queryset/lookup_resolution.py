"""Lookups of a model's fields, ``top_score__gt=9000``; each is compiled once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...expressions import And, Condition, Path, compile_lookup

if TYPE_CHECKING:
    from ...expressions.lookups import Make
    from ..options import Options


# Lookups are words of the source, so there are few; but a program may build them of data.
_MOST = 1000


def make_condition(meta: Options, lookups: Mapping[str, Any]) -> Condition:
    """Return the conjunction of *lookups*, such as ``title="a", wins__gt=3``.

    Raises TypeError for a field that the model does not have, QueryError for a lookup that DynamoDB
    cannot answer.
    """
    known: dict[str, Make] | None = vars(meta).get("lookups")
    if known is None:
        known = vars(meta)["lookups"] = {}
    terms = [
        (known.get(lookup) or _find_maker(meta, known, lookup))(value)
        for lookup, value in lookups.items()
    ]
    if len(terms) == 1:
        return terms[0]
    return And(tuple(terms)) if terms else Condition()


class Resolver:
    """Resolves the names in conditions for one model, and remembers its lookups."""

    __slots__ = ("_resolve", "makers")

    def __init__(self, meta: Options) -> None:
        self._resolve = meta.resolve
        self.makers: dict[str, Make] = {}

    def __call__(self, path: Path) -> Path:
        return self._resolve(path)


def resolver_of(meta: Options) -> Resolver:
    """Return the resolver of a model."""
    found: Resolver | None = vars(meta).get("resolver")
    if found is None:
        found = vars(meta)["resolver"] = Resolver(meta)
    return found


def _find_maker(meta: Options, known: dict[str, Make], lookup: str) -> Make:
    def field(name: str) -> Path:
        return meta.get_field(name)._path()

    name, _, word = lookup.partition("__")
    reference = meta.field_set.references.get(name)
    make = None if reference is None else reference.lookup(word)  # None: its one field has lookups
    make = make or compile_lookup(lookup, field, meta.resolve)
    if len(known) >= _MOST:
        known.clear()
    known[lookup] = make
    return make
