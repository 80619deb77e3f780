"""Comparisons of attributes at the top level of a condition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..expressions import (
    BeginsWith,
    Between,
    Compare,
    Condition,
    Exists,
    In,
    NotExists,
    Path,
    Value,
)
from ..operations.base import Wire

_KEY_TYPES = frozenset({"S", "N", "B"})
EQUALS = frozenset({"=", "in"})
RANGES = frozenset({"<", "<=", ">", ">=", "between", "begins_with"})


def parse_comparison(term: Condition) -> tuple[str, str, tuple[Wire, ...]] | None:
    """Return the attribute, the operator and the values of a comparison; None for other conditions."""
    left: Any
    values: tuple[Any, ...]
    if isinstance(term, Compare):
        left, operator, values = term.left, term.operator, (term.right,)
    elif isinstance(term, In):
        left, operator, values = term.left, "in", term.values
    elif isinstance(term, Between):
        left, operator, values = term.left, "between", (term.low, term.high)
    elif isinstance(term, BeginsWith):
        left, operator, values = term.path, "begins_with", (term.prefix,)
    elif isinstance(term, (Exists, NotExists)):
        left, values = term.path, ()
        operator = "exists" if isinstance(term, Exists) else "not_exists"
    else:
        return None
    if type(left) is not Path or len(left.parts) != 1:
        return None
    wires = tuple([value.wire for value in values if type(value) is Value])
    return (str(left.parts[0]), operator, wires) if len(wires) == len(values) else None


def find_fixed_attributes(condition: Condition) -> Iterator[str]:
    """Yield the attributes that *condition* fixes to one value or a list of values."""
    return _compared_attributes(condition, EQUALS)


def find_bounded_attributes(condition: Condition) -> Iterator[str]:
    """Yield the attributes that *condition* bounds."""
    return _compared_attributes(condition, RANGES)


def _compared_attributes(condition: Condition, operators: frozenset[str]) -> Iterator[str]:
    for attribute, operator, wires in filter(None, map(parse_comparison, condition.conjuncts)):
        if operator in operators and all(wire.keys() <= _KEY_TYPES for wire in wires):
            yield attribute
