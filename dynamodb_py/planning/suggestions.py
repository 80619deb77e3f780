"""Suggestions: the index that would answer a question, or make it cheaper."""

from __future__ import annotations

from collections.abc import Sequence

from ..expressions import Condition
from .access_paths import AccessPath, Fit
from .comparisons import find_bounded_attributes, find_fixed_attributes
from .plan import Question, Subject

RANGE_CONDITIONS = "a query takes =, <, <=, >, >=, between, begins_with and in on a range key"


def find_serving_index(
    subject: Subject, access_paths: Sequence[AccessPath], question: Question
) -> str:
    """Return the declaration of the index that would answer *question* without a scan, or ""."""
    fixed = list(find_fixed_attributes(question.condition))
    if not fixed or question.consistent:  # no global index is read consistently
        return ""
    hash_key, *more = fixed
    ordered = [name for name, _ in question.order]
    others = [*ordered, *find_bounded_attributes(question.condition), *more]
    range_key = next((name for name in others if name != hash_key), None)
    return _declare(subject, access_paths, hash_key, range_key)


def find_helpful_index(
    subject: Subject, access_paths: Sequence[AccessPath], chosen: Fit, filter_: Condition
) -> str:
    """Return the declaration of the index that avoids reading what *filter_* drops, or ""."""
    access = chosen.access
    single = access.index is None and chosen.fixed == len(access.range_key)
    if single or len(access.hash_key) > 1:
        return ""
    for name in (*find_fixed_attributes(filter_), *find_bounded_attributes(filter_)):
        return _declare(subject, access_paths, next(iter(access.hash_key)).name, name)
    return ""


def _declare(
    subject: Subject, access_paths: Sequence[AccessPath], hash_key: str, range_key: str | None
) -> str:
    """Return the declaration of an index; "" if the table or an index has that key already."""
    for access in access_paths:
        known = [key.name for key in (*access.hash_key, *access.range_key[:1])]
        if (
            len(access.hash_key) == 1
            and known[:1] == [hash_key]
            and range_key in (None, *known[1:])
        ):
            return ""
    declared = f'GlobalIndex(hash_key="{subject.field(hash_key)}"'
    return f'{declared}, range_key="{subject.field(range_key)}")' if range_key else f"{declared})"
