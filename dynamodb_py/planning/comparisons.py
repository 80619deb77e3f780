"""Comparisons of attributes at the top level of a condition."""

from __future__ import annotations

from collections.abc import Iterator

from ..expressions import BeginsWith, Between, Compare, Condition, In, Path, Value

_KEY_TYPES = frozenset({"S", "N", "B"})
_BOUNDS = frozenset({"<", "<=", ">", ">="})


def find_fixed_attributes(condition: Condition) -> Iterator[str]:
    """Yield the attributes that *condition* fixes to one value or a list of values."""
    for term in condition.conjuncts:
        if isinstance(term, Compare) and term.operator == "=":
            yield from _find_attribute(term.left, term.right)
        elif isinstance(term, In):
            yield from _find_attribute(term.left, *term.values)


def find_bounded_attributes(condition: Condition) -> Iterator[str]:
    """Yield the attributes that *condition* bounds."""
    for term in condition.conjuncts:
        if isinstance(term, Compare) and term.operator in _BOUNDS:
            yield from _find_attribute(term.left, term.right)
        elif isinstance(term, Between):
            yield from _find_attribute(term.left, term.low, term.high)
        elif isinstance(term, BeginsWith):
            yield from _find_attribute(term.path, term.prefix)


def _find_attribute(left: object, *values: object) -> Iterator[str]:
    keyed = all(isinstance(value, Value) and value.kind in _KEY_TYPES for value in values)
    if isinstance(left, Path) and len(left.parts) == 1 and keyed:
        yield str(left.parts[0])
