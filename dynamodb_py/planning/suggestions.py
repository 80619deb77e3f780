"""Suggestions: the index that would help, and what to do about a question that cannot be asked."""

from __future__ import annotations

from collections.abc import Sequence

from ..expressions import Condition
from .access_paths import Fit, Way
from .comparisons import bounded_attributes, fixed_attributes
from .plan import Question, Subject

ASKABLE = "a query takes =, <, <=, >, >=, between, begins_with and in on a range key"


def serving_index(subject: Subject, ways: Sequence[Way], question: Question) -> str:
    """Return the index that would answer *question* without a scan, as it is declared, or ""."""
    fixed = list(fixed_attributes(question.condition))
    if not fixed or question.consistent:  # no global index is read consistently
        return ""
    hash_key, *more = fixed
    ordered = [name for name, _ in question.order]
    others = [*ordered, *bounded_attributes(question.condition), *more]
    return _declared(subject, ways, hash_key, next((n for n in others if n != hash_key), None))


def helpful_index(subject: Subject, ways: Sequence[Way], chosen: Fit, filter_: Condition) -> str:
    """Return the index that would spare reading what *filter_* drops, or ""."""
    way = chosen.way
    single = way.index is None and chosen.fixed == len(way.range_key)
    if single or len(way.hash_key) > 1:
        return ""
    for name in (*fixed_attributes(filter_), *bounded_attributes(filter_)):
        return _declared(subject, ways, next(iter(way.hash_key)).name, name)
    return ""


def _declared(subject: Subject, ways: Sequence[Way], hash_key: str, range_key: str | None) -> str:
    """Return the declaration of an index; "" where the table, or an index, has such a key."""
    for way in ways:
        hashes, ranges = ([key.name for key in keys] for keys in (way.hash_key, way.range_key[:1]))
        if hashes == [hash_key] and (range_key is None or ranges == [range_key]):
            return ""
    said = f'GlobalIndex(hash_key="{subject.field(hash_key)}"'
    return f'{said}, range_key="{subject.field(range_key)}")' if range_key else f"{said})"
