"""Costs: what ways are chosen by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from ..expressions import (
    And,
    AttributeType,
    BeginsWith,
    Between,
    Compare,
    Condition,
    Exists,
    In,
    Never,
    Not,
    NotExists,
    Or,
)
from ..schema import KeyAttribute
from .access_paths import AccessPath, Fit, lacks_order
from .plan import Question

Cost: TypeAlias = "tuple[Any, ...]"
"""Least first."""


def cost(fit: Fit, question: Question) -> Cost:
    """Return what *fit* is compared with others by."""
    return (_reading(fit), len(fit.stretches), *_fixed_costs(fit.access, question))


def explain_rejection(worse: Fit, chosen: Fit) -> str:
    """Return what is better about *chosen*."""
    if _reading(worse) != _reading(chosen):
        return "it would read more items"
    if len(worse.stretches) != len(chosen.stretches):
        return "it would take more requests"
    if _breadth(worse.access) != _breadth(chosen.access):
        return "its entries are larger"
    return "it would read as much"


def _fixed_costs(access: AccessPath, question: Question) -> Cost:
    return (
        question.full and access.held is not None,  # which are read a second time
        _breadth(access),
        (0 if access.index is None else 1 + access.is_global),
    )


def _reading(fit: Fit) -> int:
    """Return how much of what has the same hash key is read, roughly: less is less."""
    if not fit.stretches:
        return 0
    if fit.fixed == len(fit.access.range_key):
        return _reading_of(fit.access, fit.fixed, 0)
    return _reading_of(fit.access, fit.fixed, min(each.interval.ends for each in fit.stretches))


def _reading_of(access: AccessPath, fixed: int, ends: int) -> int:
    """Return the same, of the range key's fixed attributes and of the next one's bounds."""
    if fixed == len(access.range_key):  # nothing is left open but, for an index, how many there are
        return 0 if access.index is None else 1 if access.range_key else 5
    return 4 - ends + (not fixed)


def _breadth(access: AccessPath) -> int:
    """Return how large the entries of a way are, roughly."""
    if access.index is None:
        return 2
    return {"ALL": 2, "INCLUDE": 1}.get(access.index.projection.kind, 0)


# -- whatever the values -----------------------------------------------------------------------------

_POINTS = 3

_Tightness: TypeAlias = "Mapping[str, int] | None"
"""How many ends the intervals of each attribute have at most, _POINTS for single values; None where
nothing can match."""


def least_cost(access: AccessPath, question: Question) -> Cost | None:
    """Return what *access* costs at least, whatever the values; None where it can never serve.

    Of questions only that match something whatever the values (see ``Notes.met``).
    """
    tightness = _tightness(question.condition, access.keys, negated=False)
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
        return None  # only one item of the table needs no order
    ends = tightness.get(access.range_key[fixed].name, 0) if fixed < len(access.range_key) else 0
    return (_reading_of(access, fixed, ends), 1, *_fixed_costs(access, question))


def _tightness(
    condition: Condition, keys: Mapping[str, KeyAttribute], *, negated: bool
) -> _Tightness:
    """Return what *condition* says of *keys*; it is taken apart as by ``Extraction``."""
    if isinstance(condition, Never):
        return {} if negated else None
    if not any(path.parts[0] in keys for path in condition.paths()):
        return {}
    if isinstance(condition, Not):
        return _tightness(condition.term, keys, negated=not negated)
    if isinstance(condition, (And, Or)):
        parts = [_tightness(term, keys, negated=negated) for term in condition.terms]
        return _of_all(parts) if isinstance(condition, Or) is negated else _of_any(parts)
    name = next(str(path.parts[0]) for path in condition.paths() if path.parts[0] in keys)
    ends = _ends(condition, keys[name], negated=negated)
    return None if ends is None else {name: ends}


def _of_all(parts: Iterable[_Tightness]) -> _Tightness:
    joined: dict[str, int] = {}
    for part in parts:
        if part is None:
            return None
        for name, ends in part.items():
            before = joined.get(name, 0)
            joined[name] = _POINTS if _POINTS in (before, ends) else min(before + ends, 2)
    return joined


def _of_any(parts: Iterable[_Tightness]) -> _Tightness:
    possible = [part for part in parts if part is not None]
    if not possible:
        return None
    first, *rest = possible
    return {
        name: min(ends, *(each.get(name, 0) for each in rest)) if rest else ends
        for name, ends in first.items()
    }


def _ends(leaf: Condition, key: KeyAttribute, *, negated: bool) -> int | None:
    match leaf:
        case Compare(operator="<>"):
            return _POINTS if negated else 1
        case Compare(operator="=") | In():
            return 1 if negated else _POINTS
        case Between() | BeginsWith():
            return 1 if negated else 2
        case Exists():
            return None if negated else 0
        case NotExists():
            return 0 if negated else None
        case AttributeType(type=kind):
            return 0 if (kind == key.type) is not negated else None
        case _:
            return 1
