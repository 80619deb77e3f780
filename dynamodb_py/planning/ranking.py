"""The ranking of access paths by cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from .. import expressions
from ..expressions import Condition
from ..schema import KeyAttribute
from .access_paths import AccessPath, Fit, lacks_order
from .plan import Question

Cost: TypeAlias = "tuple[Any, ...]"
"""A value to compare: the smallest is the cheapest."""


def find_cost(fit: Fit, question: Question) -> Cost:
    """Return the cost of *fit* for comparisons."""
    return (_rate_reading(fit), len(fit.stretches), *_fixed_costs(fit.access, question))


def explain_rejection(worse: Fit, chosen: Fit) -> str:
    """Return why *chosen* is better than *worse*."""
    if _rate_reading(worse) != _rate_reading(chosen):
        return "it would read more items"
    if len(worse.stretches) != len(chosen.stretches):
        return "it would take more requests"
    if _rate_breadth(worse.access) != _rate_breadth(chosen.access):
        return "its entries are larger"
    return "it would read as much"


def _fixed_costs(access: AccessPath, question: Question) -> Cost:
    twice = question.full and access.held is not None  # each item is read twice
    return twice, _rate_breadth(access), 0 if access.index is None else 1 + access.is_global


def _rate_reading(fit: Fit) -> int:
    """Return a rough measure of how much of an item collection is read."""
    if not fit.stretches:
        return 0
    return _rate_open_end(fit.access, fit.fixed, min(each.interval.ends for each in fit.stretches))


def _rate_open_end(access: AccessPath, fixed: int, ends: int) -> int:
    """Return that measure for *fixed* attributes of the range key, and *ends* bounds of the next one."""
    if fixed == len(access.range_key):  # a single key, but an index may have several items with it
        return 0 if access.index is None else 1 if access.range_key else 5
    return 4 - ends + (not fixed)


def _rate_breadth(access: AccessPath) -> int:
    """Return a rough measure of the size of an access path's entries."""
    if access.index is None:
        return 2
    return {"ALL": 2, "INCLUDE": 1}.get(access.index.projection.kind, 0)


_POINTS = 3

_Tightness: TypeAlias = "Mapping[str, int] | None"
"""For each attribute, the most bounds that its intervals have, or _POINTS for single values; None if
nothing can match."""


def find_least_cost(access: AccessPath, question: Question) -> Cost | None:
    """Return the least cost of *access* for any values; None if it can never answer the question.

    Only for questions that match something for all values (see ``Notes.met``).
    """
    tightness = _find_tightness(question.condition, access.keys, negated=False)
    if tightness is None:
        return (0,)  # less than any other
    if any(tightness.get(key.name) != _POINTS for key in access.hash_key):
        return None
    fixed = 0
    while fixed < len(access.range_key) and tightness.get(access.range_key[fixed].name) == _POINTS:
        fixed += 1
    if lacks_order(access, question) and (
        access.index is not None or fixed < len(access.range_key)
    ):
        return None  # a single item needs no order
    ends = tightness.get(access.range_key[fixed].name, 0) if fixed < len(access.range_key) else 0
    return (_rate_open_end(access, fixed, ends), 1, *_fixed_costs(access, question))


def _find_tightness(
    condition: Condition, keys: Mapping[str, KeyAttribute], *, negated: bool
) -> _Tightness:
    """Return how tightly *condition* bounds *keys*; it follows AND, OR and NOT as ``Extraction`` does."""
    if isinstance(condition, expressions.Never):
        return {} if negated else None
    if not any(path.parts[0] in keys for path in condition.paths()):
        return {}
    if isinstance(condition, expressions.Not):
        return _find_tightness(condition.term, keys, negated=not negated)
    if isinstance(condition, (expressions.And, expressions.Or)):
        parts = [_find_tightness(term, keys, negated=negated) for term in condition.terms]
        return (
            _join_and(parts)
            if isinstance(condition, expressions.Or) is negated
            else _join_or(parts)
        )
    name = next(str(path.parts[0]) for path in condition.paths() if path.parts[0] in keys)
    ends = _count_ends(condition, keys[name], negated=negated)
    return None if ends is None else {name: ends}


def _join_and(parts: Iterable[_Tightness]) -> _Tightness:
    joined: dict[str, int] = {}
    for part in parts:
        if part is None:
            return None
        for name, ends in part.items():
            before = joined.get(name, 0)
            joined[name] = _POINTS if _POINTS in (before, ends) else min(before + ends, 2)
    return joined


def _join_or(parts: Iterable[_Tightness]) -> _Tightness:
    possible = [part for part in parts if part is not None]
    if not possible:
        return None
    return {name: min(each.get(name, 0) for each in possible) for name in possible[0]}


def _count_ends(leaf: Condition, key: KeyAttribute, *, negated: bool) -> int | None:
    match leaf:
        case expressions.Compare(operator="<>"):
            return _POINTS if negated else 1
        case expressions.Compare(operator="=") | expressions.In():
            return 1 if negated else _POINTS
        case expressions.Between() | expressions.BeginsWith():
            return 1 if negated else 2
        case expressions.Exists():
            return None if negated else 0
        case expressions.NotExists():
            return 0 if negated else None
        case expressions.AttributeType(type=kind):
            return 0 if (kind == key.type) is not negated else None
        case _:
            return 1
