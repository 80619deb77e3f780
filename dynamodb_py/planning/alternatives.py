"""Alternatives: a condition as a list of key intervals, each with a filter for the rest.

DynamoDB allows one comparison for each attribute in a key condition, and no attribute of the key in a
filter. So the comparisons of key attributes are taken out of a condition as intervals, also from inside
``AND``, ``OR`` and ``NOT``. The rest of each alternative is a filter without key attributes.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import reduce
from itertools import product

from msgspec import Struct
from msgspec.structs import replace

from .. import expressions
from ..exceptions import QueryError
from ..expressions import Condition, Path, Value
from ..operations.base import Wire
from ..schema import KeyAttribute
from . import intervals
from .assumptions import Notes
from .intervals import WHOLE, Span

MOST = 1000
"""The maximum of alternatives of a condition, and of queries that are merged."""


class Unfit(QueryError):
    """The access path cannot answer the question, with the reason as its text."""

    def __init__(self, reason: str, *, cure: str = "") -> None:
        super().__init__(reason)
        self.cure = cure
        """The declaration that would let the index answer it; empty if none would."""


class Alternative(Struct, frozen=True, eq=False):
    """One alternative: intervals of key attributes, and the terms of its filter."""

    spans: Mapping[str, Span] = {}
    filter: tuple[Condition, ...] = ()
    needs: frozenset[str] = frozenset()
    """The attributes that a matching item must have."""
    spares: frozenset[str] = frozenset()
    """The attributes with comparisons that are also true for items without the attribute."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing can match."""
        return any(not span for span in self.spans.values())

    def has_points(self, name: str) -> bool:
        """Tell whether the attribute *name* is fixed to single values."""
        return name in self.spans and all(interval.is_point for interval in self.spans[name])

    @property
    def missing(self) -> frozenset[str]:
        """The compared attributes that matching items may lack."""
        return self.spares - self.needs

    @property
    def condition(self) -> Condition:
        """The filter as a condition."""
        return reduce(Condition.__and__, dict.fromkeys(self.filter), Condition())  # each term once


class Extraction:
    """Takes the comparisons of the attributes *keys* out of a condition."""

    def __init__(self, keys: Mapping[str, KeyAttribute], notes: Notes) -> None:
        self._keys = keys
        self._notes = notes
        self._vague: set[str] = set()
        """The attributes that several alternatives compare, and those with a prefix, which may have no end."""
        self._cut: set[str] = set()
        """The attributes whose bounds were intersected, so that they depend on the values."""

    def alternatives(self, condition: Condition) -> list[Alternative]:
        """Return the alternatives of *condition*; raise Unfit if a query cannot express it."""
        return self._merge(self._expand(condition, negated=False))

    def _expand(self, condition: Condition, *, negated: bool) -> list[Alternative]:
        if condition.is_empty:
            return [Alternative()]
        if isinstance(condition, expressions.Never):
            return [Alternative()] if negated else []
        if not any(path.parts[0] in self._keys for path in condition.paths()):
            return [Alternative(filter=(~condition if negated else condition,))]
        if isinstance(condition, expressions.Not):
            return self._expand(condition.term, negated=not negated)
        if isinstance(condition, (expressions.And, expressions.Or)):
            parts = [self._expand(term, negated=negated) for term in condition.terms]
            if isinstance(condition, expressions.Or) is negated:
                return self._combine_all(parts)
            self._notes.compared = True  # alternatives may coincide or overlap
            options = [option for part in parts for option in part]
            self._vague.update(name for option in options for name in option.spans)
            return self._merge(options)
        return [self._make_alternative(condition, negated=negated)]

    def _combine_all(self, parts: list[list[Alternative]]) -> list[Alternative]:
        """Return the alternatives that combine one of each of *parts*."""
        found = [Alternative()]
        for part in parts:
            if len(found) * len(part) > MOST:
                raise Unfit(
                    f"it comes to more than {MOST} alternatives: split it into several queries"
                )
            found = [self._combine(one, other) for one, other in product(found, part)]
        return found

    def _combine(self, one: Alternative, other: Alternative) -> Alternative:
        spans = dict(one.spans)
        for name, span in other.spans.items():
            if name in spans:
                self._record(name, spans[name], span)
                spans[name] = intervals.intersect(spans[name], span)
            else:
                spans[name] = span
        return Alternative(
            spans, one.filter + other.filter, one.needs | other.needs, one.spares | other.spares
        )

    def _record(self, name: str, one: Span, other: Span) -> None:
        """Record how the intersection of two spans of an attribute depends on the values."""
        if name in self._vague:
            self._notes.compared = self._notes.met = True
            return
        if any(all(each.is_whole for each in span) for span in (one, other)):
            return  # one span is everything or nothing, whatever the values
        bounds = _find_bounds(one, other) or _find_bounds(other, one)
        if bounds and name not in self._cut:
            self._notes.less.append(bounds)
            return
        self._cut.add(name)
        self._notes.compared = True
        if not _meet_beyond(one, other):
            self._notes.met = True

    def _make_alternative(self, leaf: Condition, *, negated: bool) -> Alternative:
        name = next(str(p.parts[0]) for p in leaf.paths() if p.parts[0] in self._keys)
        key = self._keys[name]
        try:
            span = self._find_span(leaf, key, negated=negated)
        except Unfit:
            self._notes.clear()  # the access path is unfit, whatever the values
            raise
        if negated:
            if isinstance(leaf, expressions.BeginsWith):  # no value is above some prefixes
                self._notes.compared = True
            span = intervals.complement(span)
        # Only these are true for a missing attribute.
        when_missing = isinstance(leaf, expressions.NotExists) or (
            isinstance(leaf, expressions.Compare) and leaf.operator == "<>"
        )
        found, none = frozenset((name,)), frozenset[str]()
        needs, spares = (found, none) if when_missing is negated else (none, found)
        return Alternative({name: span}, needs=needs, spares=spares)

    def _find_span(self, leaf: Condition, key: KeyAttribute, *, negated: bool) -> Span:
        """Return the values of *key* for which *leaf* is true."""
        left, *others = leaf._operands()
        values = [each for each in others if isinstance(each, Value)]
        if left != Path((key.name,)) or len(values) != len(others):
            raise Unfit(f"{leaf.describe()} cannot be a key condition")
        for value in values:
            if value.kind != key.type:
                raise Unfit(
                    f"{left} is of type {key.type}, and is compared with a value of type {value.kind}"
                )
        wires = [value.wire for value in values]
        if not all(map(intervals.has_content, wires)):
            self._notes.compared = True
            equals = isinstance(leaf, expressions.Compare) and leaf.operator == "="
            if negated or not equals:  # a key that equals an empty value is refused later
                return self._find_span_beside_empty(leaf, wires)
        elif key.type != "N":
            self._notes.filled += wires
        match leaf:
            case expressions.Compare(operator=operator):
                return self._compare(operator, wires[0])
            case expressions.Between():
                return (intervals.between(*wires),)
            case expressions.BeginsWith():
                self._vague.add(key.name)
                return (intervals.with_prefix(wires[0]),)
            case expressions.In():
                return self._make_points(wires)
            case expressions.Exists():
                return (WHOLE,)
            case expressions.NotExists():
                return ()
            case expressions.AttributeType(type=kind):
                return (WHOLE,) if kind == key.type else ()
            case _:
                raise Unfit(f"{leaf.describe()} cannot be a key condition")

    def _find_span_beside_empty(self, leaf: Condition, wires: list[Wire]) -> Span:
        """Return the values of a key for which *leaf* is true, if it compares with an empty value.

        No key is empty, so that an empty value is less than every key.
        """
        match leaf:
            case expressions.Between():
                return self._compare("<=", wires[1]) if intervals.has_content(wires[1]) else ()
            case expressions.In():
                return self._make_points([wire for wire in wires if intervals.has_content(wire)])
            case expressions.Compare(operator="=" | "<" | "<="):
                return ()
            case _:  # >, >=, <> and begins_with
                return (WHOLE,)

    def _make_points(self, wires: list[Wire]) -> Span:
        span = intervals.points(wires)
        if len(span) < len(wires):
            self._notes.compared = True
        elif len(wires) > 1:
            self._notes.distinct.append(wires)
        return span

    def _compare(self, operator: str, wire: dict[str, str]) -> Span:
        match operator:
            case "=":
                return (intervals.point(wire),)
            case "<>":
                return intervals.complement((intervals.point(wire),))
            case ">" | ">=":
                return (intervals.above(wire, open=operator == ">"),)
            case _:
                return (intervals.below(wire, open=operator == "<"),)

    def _merge(self, alternatives: list[Alternative]) -> list[Alternative]:
        """Join the *alternatives* that differ only in one interval or in the filter."""
        if len(alternatives) < 2:
            return alternatives
        for name in self._keys:
            alternatives = _join(alternatives, name)
        return _join_filters(alternatives)


def _find_bounds(one: Span, other: Span) -> tuple[Wire, Wire] | None:
    """Return both bounds if *one* has only a lower bound, and *other* only an upper bound above it."""
    if len(one) != 1 or len(other) != 1:
        return None
    low, high = one[0].low, other[0].high
    if low is None or one[0].high is not None or high is None or other[0].low is not None:
        return None
    return (low.wire, high.wire) if low.rank < high.rank else None


def _meet_beyond(one: Span, other: Span) -> bool:
    """Tell whether both spans are unbounded on the same side, so that they overlap there in any case."""
    below, above = (
        all(any(getattr(each, edge) is None for each in span) for span in (one, other))
        for edge in ("low", "high")
    )
    return below or above


def _make_signature(option: Alternative, but: str = "") -> Hashable:
    """Return a value that is equal for alternatives with the same key intervals, not counting *but*."""
    spans = {name: tuple(each.signature for each in span) for name, span in option.spans.items()}
    spans.pop(but, None)
    return frozenset(spans.items()), option.needs, option.spares


def _join(alternatives: list[Alternative], name: str) -> list[Alternative]:
    """Join the *alternatives* that differ only in the intervals of *name*."""
    groups: dict[Hashable, list[Alternative]] = {}
    for option in alternatives:
        place = (_make_signature(option, but=name), frozenset(option.filter), name in option.spans)
        groups.setdefault(place, []).append(option)
    joined: list[Alternative] = []
    for first, *rest in groups.values():
        if rest and name in first.spans:
            found = intervals.unite(i for option in (first, *rest) for i in option.spans[name])
            first = replace(first, spans={**first.spans, name: found})
        joined.append(first)
    return joined


def _join_filters(alternatives: list[Alternative]) -> list[Alternative]:
    """Join the *alternatives* with the same intervals, by an OR of their filters."""
    groups: dict[Hashable, list[Alternative]] = {}
    for option in alternatives:
        groups.setdefault(_make_signature(option), []).append(option)
    joined: list[Alternative] = []
    for first, *rest in groups.values():
        if rest:
            filters = [option.condition for option in (first, *rest)]
            either = reduce(Condition.__or__, filters)
            terms = () if any(each.is_empty for each in filters) else (either,)
            first = replace(first, filter=terms)
        joined.append(first)
    return joined
