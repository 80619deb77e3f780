"""Lookups beside a model's fields: ``top_score__gt=9000``, what it means known from the second time on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...expressions import And, Condition, Path, compile_lookup

if TYPE_CHECKING:
    from ...expressions.lookups import Make
    from ..options import Options


# Lookups are words of the source, so there are few; but someone may build them of data.
_MOST = 1000


def conditions(meta: Options, lookups: Mapping[str, Any]) -> Condition:
    """Return the condition that all of *lookups*, such as ``title="a", wins__gt=3``, hold.

    Raises TypeError, with the names that there are, for a field that the model does not have, and
    :class:`~dynamodb_py.exceptions.QueryError` for a lookup that DynamoDB cannot answer.
    """
    known: dict[str, Make] | None = vars(meta).get("lookups")
    if known is None:
        known = vars(meta)["lookups"] = {}
    terms: list[Condition] = []
    for lookup, value in lookups.items():
        make = known.get(lookup) or _find_maker(meta, known, lookup)
        terms.append(make(value))
    if len(terms) == 1:
        return terms[0]
    return And(tuple(terms)) if terms else Condition()


def _find_maker(meta: Options, known: dict[str, Make], lookup: str) -> Make:
    def field(name: str) -> Path:
        return meta.get_field(name)._path()

    make = _find_reference_maker(meta, lookup) or compile_lookup(lookup, field, meta.resolve)
    if len(known) >= _MOST:
        known.clear()
    known[lookup] = make
    return make


def _find_reference_maker(meta: Options, lookup: str) -> Make | None:
    """Return what makes conditions of a lookup of a reference; None where its one field does."""
    name, _, word = lookup.partition("__")
    reference = meta.field_set.references.get(name)
    return None if reference is None else reference.lookup(word)
