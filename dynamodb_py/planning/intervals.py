"""Intervals: the values of a key attribute that a condition allows.

Values are ordered as DynamoDB orders keys, by :func:`~dynamodb_py.codec.to_sort_key`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from ..codec import to_bytes, to_sort_key
from ..expressions import BeginsWith, Between, Compare, Condition, Path, Value
from ..operations.base import Wire

_LAST_CHARACTER = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


class Edge(Struct, frozen=True, eq=False, gc=False):
    """One end of an interval: a value, and whether the interval excludes it."""

    wire: Wire
    rank: Any
    open: bool = False


class Interval(Struct, frozen=True, eq=False, gc=False):
    """The values from *low* to *high*; None means no bound. *prefix* is set if a prefix defines it."""

    low: Edge | None = None
    high: Edge | None = None
    prefix: Wire | None = None

    @property
    def is_point(self) -> bool:
        """Whether it holds a single value; a BETWEEN of two equal values is not a point."""
        return self.low is not None and self.low is self.high

    @property
    def is_whole(self) -> bool:
        """Whether it holds every value."""
        return self.low is None and self.high is None

    @property
    def ends(self) -> int:
        """How many bounds it has; a prefix counts as two."""
        return 2 if self.prefix is not None else (self.low is not None) + (self.high is not None)

    @property
    def signature(self) -> tuple[Any, ...]:
        """Return a value that is equal for intervals of the same values."""
        low, high = self.low, self.high
        first = None if low is None else (low.rank, low.open)
        if high is low:
            return first, first
        return first, None if high is None else (high.rank, high.open)

    def condition(self, path: Path) -> Condition:
        """Return the key condition of the attribute at *path* that reads the interval."""
        low, high = self.low, self.high
        if self.prefix is not None:
            return BeginsWith(path, Value(self.prefix))
        if low is not None and high is not None:
            if self.is_point:
                return Compare(path, "=", Value(low.wire))
            return Between(path, Value(low.wire), Value(high.wire))
        if low is not None:
            return Compare(path, ">" if low.open else ">=", Value(low.wire))
        if high is not None:
            return Compare(path, "<" if high.open else "<=", Value(high.wire))
        return Condition()

    def trimmed_values(self) -> tuple[Wire, ...]:
        """Return the excluded bounds that the key condition reads all the same, as it is a BETWEEN."""
        if self.prefix is not None or self.low is None or self.high is None:
            return ()
        return tuple(edge.wire for edge in (self.low, self.high) if edge.open)


WHOLE = Interval()

Span: TypeAlias = "tuple[Interval, ...]"
"""Disjoint intervals, in ascending order; listed single values keep their order."""


def has_content(wire: Wire) -> bool:
    """Tell whether a value is not empty: a key is neither an empty text nor empty bytes."""
    return any(wire.values())


def point(wire: Wire) -> Interval:
    """Return the interval of one value."""
    edge = Edge(wire, to_sort_key(wire))
    return Interval(edge, edge)


def above(wire: Wire, *, open: bool) -> Interval:
    """Return the interval with a value as its lower bound."""
    return Interval(Edge(wire, to_sort_key(wire), open), None)


def below(wire: Wire, *, open: bool) -> Interval:
    """Return the interval with a value as its upper bound."""
    return Interval(None, Edge(wire, to_sort_key(wire), open))


def between(low: Wire, high: Wire) -> Interval:
    """Return the interval between two values, both included."""
    return Interval(Edge(low, to_sort_key(low)), Edge(high, to_sort_key(high)))


def with_prefix(prefix: Wire) -> Interval:
    """Return the interval of the texts, or bytes, that begin with *prefix*."""
    after = _find_next(prefix)
    high = None if after is None else Edge(after, to_sort_key(after), open=True)
    return Interval(Edge(prefix, to_sort_key(prefix)), high, prefix)


def _find_next(prefix: Wire) -> Wire | None:
    """Return the least value above all values that begin with *prefix*, or None."""
    ((kind, value),) = prefix.items()
    if kind == "B":
        kept = bytes(to_bytes(value)).rstrip(b"\xff")
        return {"B": kept[:-1] + bytes([kept[-1] + 1])} if kept else None
    text = value.rstrip(chr(_LAST_CHARACTER))
    if not text:
        return None
    following = ord(text[-1]) + 1
    if following in _SURROGATES:
        following = _SURROGATES.stop
    return {"S": text[:-1] + chr(following)}


def _find_narrower(one: Edge | None, other: Edge | None, *, low: bool) -> Edge | None:
    """Return the narrower of two *low* bounds, or of two upper ones."""
    if one is None or other is None:
        return other if one is None else one
    if one.rank == other.rank:
        return one if one.open else other
    return one if (one.rank > other.rank) is low else other


def _meet(one: Interval, other: Interval) -> Interval | None:
    low = _find_narrower(one.low, other.low, low=True)
    high = _find_narrower(one.high, other.high, low=False)
    for whole in (one, other):
        if low is whole.low and high is whole.high:
            return whole  # with its prefix
    if low is not None and high is not None and not _holds_value(low, high):
        return None
    return _make_interval(low, high)


def intersect(one: Span, other: Span) -> Span:
    """Return the values that are in *one* and in *other*."""
    if all(each.is_point for each in (*one, *other)):  # there may be thousands: no pairs
        ranks = {each.signature for each in one}
        return sort_intervals(each for each in other if each.signature in ranks)
    met = (_meet(a, b) for a in one for b in other)
    return sort_intervals(interval for interval in met if interval is not None)


def _make_interval(low: Edge | None, high: Edge | None) -> Interval:
    """Return the interval between two bounds, a point if they are equal."""
    if low is not None and high is not None and low.rank == high.rank:
        return Interval(low, low)
    return Interval(low, high)


def unite(intervals: Iterable[Interval]) -> Span:
    """Return the values of all *intervals*, which may overlap, as a span."""
    joined: list[Interval] = []
    for interval in sort_intervals(intervals):
        if joined and _touch(joined[-1], interval):
            last = joined[-1]
            high = _greater_high(last.high, interval.high)
            if high is last.high:
                continue
            joined[-1] = Interval(last.low, high)
        else:
            joined.append(interval)
    return tuple(joined)


def sort_intervals(intervals: Iterable[Interval]) -> Span:
    """Return *intervals* ordered by their lower bounds, inclusive ones first."""
    return tuple(sorted(intervals, key=_Start))


class _Start:
    """The sort key of an interval."""

    __slots__ = ("interval",)

    def __init__(self, interval: Interval) -> None:
        self.interval = interval

    def __lt__(self, other: _Start) -> bool:
        low, other_low = self.interval.low, other.interval.low
        if low is None or other_low is None:
            return low is None and other_low is not None
        if low.rank != other_low.rank:
            return bool(low.rank < other_low.rank)
        return other_low.open and not low.open


def _touch(one: Interval, other: Interval) -> bool:
    """Tell whether *other*, which begins no earlier, leaves no gap after *one*."""
    if one.high is None or other.low is None:
        return True
    if one.high.rank == other.low.rank:
        return not (one.high.open and other.low.open)
    return bool(one.high.rank > other.low.rank)


def _greater_high(one: Edge | None, other: Edge | None) -> Edge | None:
    """Return the greater of two upper bounds."""
    if one is None or other is None:
        return None
    return other if _find_narrower(one, other, low=False) is one else one


def points(wires: Iterable[Wire]) -> Span:
    """Return the intervals of single values, each once, in the given order."""
    found: dict[Any, Interval] = {}
    for wire in wires:
        each = point(wire)
        found.setdefault(each.signature, each)
    return tuple(found.values())


def complement(span: Span) -> Span:
    """Return the values that are not in *span*."""
    rest: list[Interval] = []
    low: Edge | None = None
    for interval in sort_intervals(span):
        if interval.low is not None:
            rest.append(_make_interval(low, _flip(interval.low)))
        if interval.high is None:
            return tuple(rest)
        low = _flip(interval.high)
    return (*rest, Interval(low, None))


def _flip(edge: Edge) -> Edge:
    return Edge(edge.wire, edge.rank, not edge.open)


def overlap(spans: Sequence[Span]) -> bool:
    """Tell whether a value lies in more than one of *spans*."""
    intervals = sort_intervals(interval for span in spans for interval in span)
    furthest: Edge | None = None
    for at, interval in enumerate(intervals):
        if at and (
            furthest is None or interval.low is None or _holds_value(interval.low, furthest)
        ):
            return True
        furthest = interval.high if not at else _greater_high(furthest, interval.high)
    return False


def _holds_value(low: Edge, high: Edge) -> bool:
    """Tell whether there is a value between these bounds."""
    if low.rank == high.rank:
        return not (low.open or high.open)
    return bool(low.rank < high.rank)
