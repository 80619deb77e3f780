"""Compiles lookups of a model's fields, such as ``top_score__gt=9000``, once, and reads their joins."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ...expressions import (
    And,
    BeginsWith,
    Between,
    Compare,
    Condition,
    Contains,
    Exists,
    In,
    Lookup,
    Not,
    NotExists,
    Or,
    Path,
    compile_lookup,
)

if TYPE_CHECKING:
    from ...expressions.lookups import Make
    from ..options.options import Options


# Most programs write few lookups in their source, but some build them from data.
_MOST = 1000

PLAIN = frozenset({str, int, float, bool, bytes, Decimal, datetime, date})
"""The types of plain values: values that are not paths or expressions."""

_KNOWN = frozenset({BeginsWith, Between, Compare, Contains, Exists, In, NotExists})
_DEEPEST = 4
"""The most levels of AND, OR and NOT in a condition that has a shape."""


def make_condition(meta: Options, lookups: Mapping[str, Any]) -> Condition:
    """Return the condition that all *lookups* hold, such as ``title="a", wins__gt=3``.

    :raises TypeError: the model does not have a field.
    :raises QueryError: DynamoDB has no such lookup.
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
    """Resolves the names in conditions for one model, and keeps its compiled lookups."""

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


def is_known(condition: Condition, depth: int = 0) -> bool:
    """Tell whether *condition* consists of conditions that shapes can have, joined by AND, OR and NOT."""
    if type(condition) in _KNOWN:
        return True
    terms = _terms_of(condition)
    return bool(terms) and depth < _DEEPEST and all(is_known(term, depth + 1) for term in terms)


def _terms_of(condition: Condition) -> tuple[Condition, ...]:
    """Return the conditions that AND, OR or NOT join in *condition*; () for other conditions."""
    if isinstance(condition, (And, Or)):
        return condition.terms
    return (condition.term,) if type(condition) is Not and isinstance(condition, Not) else ()


def read_lookups(
    condition: Condition, form: list[Hashable], lookups: list[Lookup], depth: int = 0
) -> bool:
    """Append the lookups in *condition* to *lookups*, and the way it joins them to *form*.

    Return whether it consists of lookups of plain values alone.
    """
    if isinstance(condition, Lookup):
        form.append(condition.text)
        lookups.append(condition)
        return condition.value.__class__ in PLAIN
    terms = _terms_of(condition)
    if not terms or depth == _DEEPEST:
        return False
    form += (type(condition), len(terms))
    for term in terms:  # noqa: SIM110 - quicker
        if not read_lookups(term, form, lookups, depth + 1):
            return False
    return True
