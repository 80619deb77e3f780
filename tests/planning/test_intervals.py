"""Intervals: sets of key values that are joined, met and turned about as sets are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py.codec import to_sort_key
from dynamodb_py.expressions import Path
from dynamodb_py.planning import intervals
from dynamodb_py.planning.intervals import Interval, Span

from ..expressions.reference import holds
from .tables import TEXTS

WIRES = {
    "S": TEXTS.map(lambda text: {"S": text}),
    "N": st.integers(-3, 3).map(lambda number: {"N": str(number)}),
    "B": st.sampled_from([b"", b"\x00", b"a", b"a\xff", b"b", b"\xff", b"\xff\xff"]).map(
        lambda data: {"B": data}
    ),
}


def one_of(kind: str) -> st.SearchStrategy[Interval]:
    wires = WIRES[kind]
    found = [
        st.builds(intervals.point, wires),
        st.builds(intervals.above, wires, open=st.booleans()),
        st.builds(intervals.below, wires, open=st.booleans()),
        st.builds(
            lambda one, other: intervals.between(*sorted((one, other), key=to_sort_key)),
            wires,
            wires,
        ),
    ]
    if kind != "N":
        found.append(st.builds(intervals.with_prefix, wires))
    return st.one_of(found)


def holds_in(span: Span, wire: dict[str, str]) -> bool:
    """Tell whether *wire* is in *span*, from the conditions that it is read by."""
    found = [
        each
        for each in span
        if (each.is_whole or holds(each.condition(Path(("k",))), {"k": wire}))
        and wire not in each.trimmed_values()
    ]
    assert len(found) <= 1, "the intervals of a span have nothing in common"
    return bool(found)


CASES = st.sampled_from(sorted(WIRES)).flatmap(
    lambda kind: st.tuples(
        st.lists(one_of(kind), max_size=4), st.lists(one_of(kind), max_size=4), WIRES[kind]
    )
)


@given(CASES)
def test_spans_are_sets(case):
    one, other, wire = case
    mine, theirs = intervals.unite(one), intervals.unite(other)
    inside = any(holds_in((each,), wire) for each in one)
    assert holds_in(mine, wire) == inside
    assert holds_in(intervals.complement(mine), wire) is not inside
    both = intervals.intersect(mine, theirs)
    assert holds_in(both, wire) == (inside and holds_in(theirs, wire))
    if inside and holds_in(theirs, wire):
        assert intervals.overlap([mine, theirs])
    assert list(intervals.sort_intervals(mine)) == list(mine)


@pytest.mark.parametrize(
    ("prefix", "after"),
    [
        ({"S": "ab"}, {"S": "ac"}),
        ({"S": "a\U0010ffff"}, {"S": "b"}),
        ({"S": "\ud7ff"}, {"S": "\ue000"}),
        ({"S": "\U0010ffff"}, None),
        ({"B": b"a\xff"}, {"B": b"b"}),
        ({"B": b"\xff\xff"}, None),
    ],
)
def test_a_prefix_ends_before_the_next_one(prefix, after):
    high = intervals.with_prefix(prefix).high
    assert (high.wire if high else None) == after
