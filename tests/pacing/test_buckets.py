"""Buckets: how long a request has to wait, and which rates there are."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py.exceptions import QueryError
from dynamodb_py.pacing.buckets import Bucket, Pacer, check_rate, limit_batch, make_pacer

from .paced import Clock

WRONG = [0, -1, 0.0, -0.5, float("nan"), float("inf"), float("-inf"), 10**400, True, False]
WRONG += ["5", b"5", Decimal(5), 5j, [5], object]


@pytest.mark.parametrize("rate", WRONG, ids=repr)
@pytest.mark.parametrize("take", [check_rate, make_pacer, Bucket, Pacer])
def test_a_rate_is_a_finite_number_over_zero(take, rate):
    with pytest.raises(QueryError) as raised:
        take(rate)
    assert str(raised.value).startswith(f"rate={rate!r}: give a number of capacity units per")
    assert "leave rate out" in str(raised.value)


@pytest.mark.parametrize("rate", [1, 25, 0.1, 1e-9, 1e300, 10**300])
def test_any_other_number_is_one(rate):
    check_rate(rate)
    assert make_pacer(rate)


def test_without_a_rate_there_is_no_pacer():
    assert make_pacer(None) is None


def spend(pacer: Pacer, read: float, written: float) -> None:
    assert pacer.wait() == 0
    pacer.spend((read, written))


@pytest.mark.parametrize(
    ("units", "seconds"), [((5, 0), 0.5), ((0, 5), 0.5), ((5, 5), 0.5), ((5, 20), 2), ((0, 0), 0)]
)
def test_read_units_and_write_units_do_not_add_up(units, seconds):
    pacer = Pacer(10, Clock())
    spend(pacer, *units)
    assert pacer.wait() == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("idle", "estimates", "count"),
    [
        (0, [(0, 1)], 1),
        (0, [(0, 1)] * 9, 1),  # an empty bucket lets one pass
        (0, [(0, 100), (0, 1)], 1),
        (0, [(0, 0)] * 9, 9),  # what costs nothing is not held up
        (0.5, [(0, 1)] * 9, 5),
        (0.5, [(1, 0)] * 9, 5),
        (0.5, [(1, 0), (0, 1)] * 9, 10),
        (0.5, [(0, 6), (0, 1)], 1),
        (0.5, [(0, 2), (0, 2), (0, 2)], 2),
        (3600, [(0, 1)] * 99, 10),  # a second's units at most are kept
        (3600, [(0, 1)] * 9, 9),
    ],
)
def test_as_many_requests_are_sent_at_once_as_there_are_units_for(idle, estimates, count):
    clock = Clock()
    pacer = Pacer(10, clock)
    pacer.wait()
    clock.now += idle
    pacer.wait()
    assert pacer.count_affordable(estimates) == count


@given(
    st.floats(0.1, 1000),
    st.floats(0, 3600),
    st.lists(st.tuples(st.floats(0, 50), st.floats(0, 50)), min_size=1, max_size=50),
)
def test_a_group_is_as_large_as_its_units_allow(rate, idle, estimates):
    clock = Clock()
    pacer = Pacer(rate, clock)
    pacer.wait()
    clock.now += idle
    pacer.wait()
    count = pacer.count_affordable(estimates)
    filled = min(rate, idle * rate) + 1e-6

    def fits(size: int) -> bool:
        parts = zip(*estimates[:size], strict=True)
        return all(sum(each) <= filled for each in parts)

    assert count == 1 or fits(count)
    assert count == len(estimates) or not fits(count + 1) or filled < rate * idle + 1e-3


@pytest.mark.parametrize(
    ("rate", "size", "limit"),
    [
        (None, 25, 25),
        (0.5, 25, 1),
        (1, 25, 1),
        (4.9, 25, 4),
        (25, 25, 25),
        (1e9, 25, 25),
        (9, 5, 5),
    ],
)
def test_a_batch_is_no_larger_than_the_units_of_a_second(rate, size, limit):
    assert limit_batch(size, make_pacer(rate)) == limit
