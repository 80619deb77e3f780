"""The conditions of writes by query: each item must still match."""

from __future__ import annotations

from ...expressions import (
    And,
    AttributeType,
    BeginsWith,
    Between,
    Compare,
    Condition,
    Contains,
    Exists,
    In,
    Not,
    NotExists,
    Or,
)
from ...operations.items import Key
from ...planning import Plan
from ...planning.comparisons import parse_comparison
from ..options import Options

# Conditions about no other attributes than those of their paths.
_KNOWN = frozenset(
    {And, AttributeType, BeginsWith, Between, Compare, Contains, Exists, In, Not, NotExists, Or}
)


def recheck_condition(meta: Options, plan: Plan) -> Condition:
    """Return the condition that an item found by *plan* still exists and still matches."""
    keys = {key.name for key in plan.key}
    still = meta.present
    for term in plan.condition.conjuncts:
        if not _is_about(term, keys):  # the key of an item never changes
            still &= term
    return still


def without_presence(meta: Options, still: Condition) -> Condition | None:
    """Return *still* without the term that the item exists; None if nothing is left."""
    left = Condition()
    for term in still.conjuncts:
        if term != meta.present:
            left &= term
    return None if left.is_empty else left


def find_whole_key(plan: Plan) -> Key | None:
    """Return the key of the item, if *plan* can find no more than one."""
    if plan.get is not None:
        return plan.get.key
    if plan.kind != "query" or plan.index is not None or plan.limit == 0:
        return None
    comparisons = filter(None, map(parse_comparison, plan.condition.conjuncts))
    fixed = {name: wires[0] for name, operator, wires in comparisons if operator == "="}
    names = [key.name for key in plan.key]
    return {name: fixed[name] for name in names} if fixed.keys() >= set(names) else None


def _is_about(condition: Condition, attributes: set[str]) -> bool:
    """Tell whether *condition* is about these attributes and no others."""
    return all(type(node) in _KNOWN for node in condition._nodes()) and all(
        path.parts[0] in attributes for path in condition.paths()
    )
