"""The cost of a read, its rate, and its progress."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dynamodb_py.exceptions import QueryError, make_service_error
from dynamodb_py.reading import Reader
from dynamodb_py.reading.pacing import Bucket, estimate_units

from .fake import Table, drive, item, keyed, plan, query, read_all, scan

ROWS = [item("a", r) for r in range(40)]


class Clock:
    """Time that goes by when somebody says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Waiting(Table):
    """A table for which pauses take their time, and requests *latency* seconds."""

    def __init__(self, *args, latency=0.0, **options) -> None:
        super().__init__(*args, **options)
        self.clock, self.latency = Clock(), latency
        self.at: list[float] = []
        clock = self.clock

        class Pauses(list):
            def append(self, seconds: float) -> None:
                super().append(seconds)
                clock.now += seconds

        self.pauses = Pauses()

    def answer(self, operation):
        self.at.append(self.clock.now - 1000)
        self.clock.now += self.latency
        return super().answer(operation)


@given(
    st.floats(0.5, 1000),
    st.lists(st.tuples(st.floats(0, 300), st.floats(0, 30)), min_size=1, max_size=30),
)
def test_what_is_spent_before_a_request_never_exceeds_the_rate(rate, spent):
    clock = Clock()
    bucket = Bucket(rate, clock)
    total, wait = 0.0, bucket.wait()
    assert wait == 0
    for units, idle in spent:
        clock.now += wait
        assert total <= rate * (clock.now - 1000) * (1 + 1e-6) + 1e-6
        total += units
        bucket.spend(units)
        clock.now += idle
        wait = bucket.wait()
        assert wait <= max(0.0, units / rate) + 1e-6


def test_what_was_not_spent_is_kept_for_a_second_at_most():
    clock = Clock()
    bucket = Bucket(10, clock)
    bucket.wait()
    clock.now += 3600
    bucket.wait()
    bucket.spend(25)
    assert bucket.wait() == 1.5


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_is_over_zero(rate):
    with pytest.raises(QueryError, match="rate="):
        Reader(plan(query("a")), rate=rate)


def test_a_query_is_slowed_to_its_rate():
    table = Waiting(ROWS, page_size=4)
    reader = Reader(plan(query("a")), rate=1, clock=table.clock)
    assert len(read_all(reader, table)) == 40
    # Two units a request, one unit a second.
    assert table.at == [2.0 * at for at in range(11)]
    assert reader.units == 20
    assert all(each.measured for each in table.sent)


def test_the_time_that_passes_anyway_counts():
    table = Waiting(ROWS, page_size=4, latency=1.5)
    read_all(Reader(plan(query("a")), rate=1, clock=table.clock), table)
    assert table.at == [2.0 * at for at in range(11)]


def test_without_a_rate_no_price_is_asked_for():
    table = Table(ROWS, page_size=4)
    reader = Reader(plan(query("a")))
    read_all(reader, table)
    assert not any(each.measured for each in table.sent)
    assert reader.units == 0
    assert table.pauses == []


def test_segments_pay_together():
    table = Waiting(ROWS, page_size=4)
    reader = Reader(plan(*(scan(at, 3) for at in range(3))), rate=10, clock=table.clock)
    assert len(read_all(reader, table)) == 40
    assert reader.units == 20
    spent = 0.0
    for at, operation in zip(table.at, table.sent, strict=True):
        assert operation.measured
        assert spent - 6 <= 10 * at + 1e-9  # the round itself is paid for before the next
        spent += 2


@pytest.mark.parametrize(
    ("sizes", "consistent", "scanned", "units"),
    [
        ([], False, 0, 1),
        ([100], False, 1, 1),
        ([4096 * 10], False, 1, 5),
        ([4096 * 10], True, 1, 10),
        ([4096 * 10 + 1], True, 1, 11),
        ([4096], True, 50, 50),
        ([], True, 50, 1),
    ],
)
def test_without_a_price_the_size_tells(sizes, consistent, scanned, units):
    items = [b"x" * size for size in sizes]
    assert estimate_units(items, consistent=consistent, scanned=scanned) == units


def test_an_engine_that_tells_no_price_is_slowed_too():
    table = Waiting(ROWS, page_size=4, units=False)
    reader = Reader(plan(query("a")), rate=2, clock=table.clock)
    read_all(reader, table)
    assert table.at == [0.5 * at for at in range(11)]
    assert reader.units == 0


def test_keys_are_slowed_by_their_number():
    table = Waiting([item("a", r) for r in range(300)])
    reader = Reader(keyed([("a", r) for r in range(300)]), rate=50, workers=1, clock=table.clock)
    assert len(read_all(reader, table)) == 300
    assert table.at == [0, 2, 4]


def test_progress_is_reported_after_each_round_and_ends_with_its_total():
    reported = []
    table = Table(ROWS, page_size=15)
    reader = Reader(plan(query("a", f=1)), progress=lambda *args: reported.append(args))
    assert read_all(reader, table) == []
    assert reported == [(15, 0), (30, 0), (40, 40)]


def test_progress_counts_what_was_read_by_keys_and_segments():
    reported = []
    table = Table(ROWS, page_size=1000, described={"ItemCount": 40})
    for asked in (keyed([("a", r) for r in range(50)]), plan(*(scan(at, 4) for at in range(4)))):
        read_all(Reader(asked, progress=lambda *args: reported.append(args)), table)
    assert reported == [(40, 40), (40, 40)]


def read_scan(asked, described, **options):
    """Scan 40 items in pages of 15; return what was reported, and which operations were sent."""
    reported, table = [], Table(ROWS, page_size=15, described=described)
    read_all(Reader(asked, progress=lambda *args: reported.append(args), **options), table)
    return reported, [type(each).__name__ for each in table.sent]


BY_INDEX = {"ItemCount": 9, "GlobalSecondaryIndexes": [{"IndexName": "by_f", "ItemCount": 50}]}
DENIED = make_service_error("AccessDeniedException", "no dynamodb:DescribeTable")


@pytest.mark.parametrize(
    ("described", "totals"),
    [
        ({"ItemCount": 60}, [60, 60, 40]),
        ({"ItemCount": 40}, [40, 40, 40]),
        ({"ItemCount": 30}, [30, 0, 40]),  # six hours old
        ({"ItemCount": 0}, [0, 0, 40]),
        ({}, [0, 0, 40]),
        (DENIED, [0, 0, 40]),
    ],
)
def test_the_total_of_a_scan_is_what_dynamodb_last_counted(described, totals):
    reported, sent = read_scan(plan(scan(0, 1)), described)
    assert reported == [*zip([15, 30, 40], totals, strict=True)]
    assert sent == ["DescribeTable", "Scan", "Scan", "Scan"]


def test_the_total_of_a_scan_of_an_index_is_that_of_the_index():
    asked = replace(plan(scan(0, 1)), index="by_f")
    assert read_scan(asked, BY_INDEX)[0] == [(15, 50), (30, 50), (40, 40)]


def test_a_scan_that_goes_on_from_a_position_has_no_total():
    table = Table(ROWS, page_size=15, described={"ItemCount": 40})
    first = Reader(plan(scan(0, 1)))
    drive(first.more(), table)
    reported, sent = read_scan(plan(scan(0, 1)), {"ItemCount": 40}, start=first.position())
    assert reported == [(15, 0), (25, 25)]
    assert sent == ["Scan", "Scan"]


def test_a_scan_with_a_limit_ends_with_what_was_read():
    reported, _ = read_scan(replace(plan(scan(0, 1)), limit=20), {"ItemCount": 40})
    assert reported[-1] == (20, 20)


def test_nothing_is_described_without_a_progress_function():
    table = Table(ROWS, page_size=15)
    read_all(Reader(plan(scan(0, 1))), table)
    assert {type(each).__name__ for each in table.sent} == {"Scan"}


def test_lists_without_a_request_tell_nothing():
    reported = []
    table = Table(ROWS, page_size=10)
    reader = Reader(
        plan(query("a"), query("a", f=0)),
        progress=lambda *args: reported.append(args),
        workers=1,
    )
    drive(reader.more(), table)
    assert reported == [(20, 0)]
