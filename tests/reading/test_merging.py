"""Many lanes, random data: every read and every resumption is what plain Python finds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dynamodb_py.exceptions import Throttled
from dynamodb_py.planning.plan import Lane
from dynamodb_py.reading import Reader, decode, encode, reversed_plan
from dynamodb_py.reading.merging import find_end

from .fake import (
    INDEX,
    UNHURRIED,
    Table,
    drive,
    expected,
    item,
    keys_in,
    plan,
    query,
    read_all,
    take,
    trimmed,
)

HASHES = "abc"

items = st.dictionaries(
    st.tuples(st.sampled_from(HASHES), st.integers(0, 9)),
    st.tuples(st.integers(0, 3), st.integers(0, 1), st.sampled_from("gk")),
    max_size=24,
).map(lambda found: [item(h, r, s, f, g) for (h, r), (s, f, g) in found.items()])

page_sizes = st.integers(1, 5)
limits = st.none() | st.integers(1, 4)


@st.composite
def disjoint(draw, index=None):
    """Lanes that have no item in common, some of several requests."""
    forward = draw(st.booleans())
    lanes = []
    for value in draw(st.permutations("gk" if index else HASHES)):
        edges = draw(st.sampled_from([(0, 9), (0, 1, 2, 9), (1, 4, 5, 7)]))
        f, limit = draw(st.none() | st.integers(0, 1)), draw(limits)
        requests = [
            query(value, low, high, f=f, forward=forward, limit=limit, index=index)
            for low, high in zip(edges[::2], edges[1::2], strict=True)
        ]
        lane = Lane(tuple(requests if forward else requests[::-1]))
        if len(requests) == 1 and draw(st.booleans()):
            lane = trimmed(requests[0], *draw(st.sampled_from([(0,), (0, 3), (2,)])))
        lanes.append(lane)
    return plan(*lanes, forward=forward, limit=draw(st.none() | st.integers(0, 12)))


@st.composite
def overlapping(draw, index=None):
    """Lanes in which the same item comes several times."""
    forward = draw(st.booleans())
    lanes = []
    for _ in range(draw(st.integers(2, 4))):
        value = draw(st.sampled_from("ggk" if index else "aab"))
        low = draw(st.integers(0, 5))
        high = draw(st.integers(low, 9))
        f = draw(st.none() | st.integers(0, 1))
        lanes.append(query(value, low, high, f=f, forward=forward, limit=draw(limits), index=index))
    return plan(*lanes, forward=forward, distinct=True)


plans = st.one_of(disjoint(), disjoint(INDEX), overlapping(), overlapping(INDEX))


@given(items, plans, page_sizes)
@UNHURRIED
def test_a_merge_gives_what_python_would(rows, asked, page_size):
    table = Table(rows, page_size)
    want = expected(table, asked)
    reader = Reader(asked)
    assert read_all(reader, table) == want[: asked.limit]
    assert reader.returned == len(want[: asked.limit])
    assert reader.requests == len(table.sent)


@given(items, plans, page_sizes, st.data())
@settings(UNHURRIED, max_examples=300)
def test_a_read_can_be_resumed_at_every_item(rows, asked, page_size, data):
    table = Table(rows, page_size)
    asked = replace(asked, limit=None)
    want = expected(table, asked)
    cut = data.draw(st.integers(0, len(want)))
    head, position = take(Reader(asked), table, cut)
    assert head == want[:cut]
    if position is None:
        assert cut == len(want)
        return
    position = decode(encode(position, b"q"), b"q")
    assert read_all(Reader(asked, start=position), table) == want[cut:]


@given(items, plans, page_sizes, st.data())
@UNHURRIED
def test_the_place_of_a_list_stays_right_while_others_are_read(rows, asked, page_size, data):
    table = Table(rows, page_size)
    asked = replace(asked, limit=None)
    reader, found, places = Reader(asked), [], []
    while (some := drive(reader.more(), table)) is not None:
        places += [(len(found) + taken, reader.place(), taken) for taken in range(len(some) + 1)]
        found += keys_in(some)
    if not places:
        return
    before, place, taken = data.draw(st.sampled_from(places))
    position = place(taken)
    tail = [] if position is None else read_all(Reader(asked, start=position), table)
    assert found[:before] + tail == expected(table, asked)


@given(items, plans, page_sizes, st.lists(st.integers(1, 6), min_size=30, max_size=30))
@UNHURRIED
def test_pages_of_any_size_make_up_the_whole(rows, asked, page_size, sizes):
    table = Table(rows, page_size)
    asked = replace(asked, limit=None)
    found, position = [], None
    for size in sizes:
        reader = Reader(replace(asked, limit=size + 1), start=position)
        page, position = take(reader, table, size)
        found += page
        if position is None:
            break
    assert found == expected(table, asked)


@given(items, overlapping(INDEX), page_sizes, st.data())
@UNHURRIED
def test_without_an_order_duplicates_are_known_too(rows, asked, page_size, data):
    table = Table(rows, page_size)
    asked = replace(asked, order=())
    want = [key for lane in asked.lanes for key in expected(table, plan(lane))]
    want = list(dict.fromkeys(want))
    cut = data.draw(st.integers(0, len(want)))
    head, position = take(Reader(asked), table, cut)
    tail = [] if position is None else read_all(Reader(asked, start=position), table)
    assert head + tail == want


@given(items, disjoint() | disjoint(INDEX), page_sizes, st.data())
@UNHURRIED
def test_the_page_before_is_the_former_page(rows, asked, page_size, data):
    table = Table(rows, page_size)
    asked = replace(asked, limit=None)
    want = expected(table, asked)
    size = data.draw(st.integers(1, 5))
    position, pages = None, []
    while True:
        reader = Reader(replace(asked, limit=size), start=position)
        page, position = take(reader, table, size)
        pages.append(page)
        if position is None or sum(map(len, pages)) == len(want):
            break
    # The lanes that the last reader never came to make no difference: it has given something.
    before = reader.before()
    if len(pages) == 1:
        assert before is None
        return
    back = reversed_plan(asked)
    while len(pages) > 1:
        pages.pop()
        if before is None:  # the last page was empty, and did not come to an end
            return
        assert before.backward
        reader = Reader(back, start=before)
        page, rest = take(reader, table, size)
        assert page[::-1] == pages[-1]
        if (forward := reader.before()) is not None:
            assert not forward.backward
            done = sum(map(len, pages))
            assert read_all(Reader(asked, start=forward), table) == want[done:]
        if rest is None:
            assert len(pages) == 1
            return
        assert rest.backward
        before = rest


@given(items, plans, page_sizes, st.integers(0, 12))
@UNHURRIED
def test_reading_again_after_a_failure_loses_nothing(rows, asked, page_size, nth):
    table = Table(rows, page_size)
    failures = []

    def fails(operation):
        if len(table.sent) == nth + 1:
            failures.append(operation)
            return Throttled("slow down")
        return None

    table.fails = fails
    reader, found = Reader(asked), []
    while True:
        try:
            some = drive(reader.more(), table)
        except Throttled:
            position = reader.position()
            want = expected(Table(rows), asked)
            if asked.limit is None:
                table.fails = lambda _: None
                assert read_all(Reader(asked, start=position), table) == want[len(found) :]
            continue
        if some is None:
            break
        found += keys_in(some)
    assert found == expected(Table(rows), asked)[: asked.limit]


@given(items, disjoint() | disjoint(INDEX))
@UNHURRIED
def test_reversing_gives_the_opposite_order(rows, asked):
    table = Table(rows)
    asked = replace(asked, limit=None)
    backward = read_all(Reader(reversed_plan(asked)), table)
    assert backward == read_all(Reader(asked), table)[::-1]
    assert reversed_plan(reversed_plan(asked)) == asked


ROWS = [item(h, r) for h in "ab" for r in range(10)]


def test_the_first_pages_of_all_lanes_are_asked_for_together():
    table = Table(ROWS, page_size=3)
    reader = Reader(plan(query("a"), query("b")))
    step = next(reader.more())
    assert [each.expressions.values[":0"]["S"] for each in step.operations] == ["a", "b"]
    assert step.workers == 8
    assert read_all(reader, table) == expected(table, plan(query("a"), query("b")))


def test_later_only_those_that_have_run_dry_are_asked():
    table = Table([item("a", r) for r in range(9)] + [item("b", r + 100) for r in range(9)], 3)
    reader = Reader(plan(query("a"), query("b")))
    drive(reader.more(), table)
    drive(reader.more(), table)
    assert [each.expressions.values[":0"]["S"] for each in table.sent] == ["a", "b", "a"]


def test_nothing_is_sent_once_the_limit_is_reached():
    table = Table(ROWS, page_size=3)
    reader = Reader(plan(query("a"), query("b"), limit=4))
    assert len(read_all(reader, table)) == 4
    assert len(table.sent) == 2


@pytest.mark.parametrize("count", [1, 3, 7, 20])
def test_a_duplicate_at_the_seam_is_not_given_again(count):
    # Every item is in both lanes, so each seam lies between an item and its duplicate.
    table = Table(ROWS, page_size=count)
    asked = plan(query("a"), query("a"), distinct=True)
    for cut in range(11):
        head, position = take(Reader(asked), table, cut)
        tail = [] if position is None else read_all(Reader(asked, start=position), table)
        assert head + tail == [("a", r) for r in range(10)]


def test_a_duplicate_that_is_seen_is_passed_over_and_nothing_is_read_again():
    table = Table(ROWS, page_size=100)
    asked = plan(query("a"), query("a"), distinct=True)
    for cut in range(10):
        # The limit ends the list between an item and its duplicate.
        reader = Reader(replace(asked, limit=cut))
        assert read_all(reader, table) == [("a", r) for r in range(cut)]
        position = reader.position()
        assert position.value == ()
        assert all(mark.run is None for mark in position.lanes)
        assert len({mark.after and mark.after[1]["N"] for mark in position.lanes}) == 1


def test_finding_duplicates_out_reads_no_further_than_the_present_order_value():
    table = Table(
        [item("a", r, s=r // 10, f=r < 10 and r % 2 == 0) for r in range(100)], page_size=2
    )
    asked = plan(query("g", f=1, index=INDEX), query("g", index=INDEX), distinct=True)
    want = expected(table, asked)
    for cut in (1, 2, 3):
        _, position = take(Reader(asked), table, cut)
        assert position.lanes[0].run is not None
        sent = len(table.sent)
        resumed = Reader(asked, start=position, max_requests=6 + 2)
        assert drive(resumed.more(), table) is not None
        assert len(table.sent) - sent <= 8
        assert read_all(Reader(asked, start=position), table) == want[cut:]


def test_duplicates_of_one_order_value_are_known_after_the_seam():
    # One order value for all, and lane 2 begins with an item that lane 1 has not.
    table = Table([item("a", r, s=5, f=r % 2) for r in range(12)], page_size=2)
    asked = plan(query("g", f=0, index=INDEX), query("g", index=INDEX), distinct=True)
    want = expected(table, asked)
    assert len(want) == 12
    for cut in range(12):
        head, position = take(Reader(asked), table, cut)
        assert head == want[:cut]
        assert position is not None
        resumed = Reader(asked, start=position)
        assert resumed.position() == position
        assert read_all(resumed, table) == want[cut:]


def test_a_resumption_survives_the_deletion_of_the_item_that_it_goes_on_after():
    rows = [item("a", r, s=5, f=r % 2) for r in range(12)]
    asked = plan(query("g", f=0, index=INDEX), query("g", index=INDEX), distinct=True)
    want = expected(Table(rows), asked)
    for cut in range(1, 12):
        table = Table(rows, page_size=2)
        _, position = take(Reader(asked), table, cut)
        del table.items[want[cut - 1]]
        assert read_all(Reader(asked, start=position), table) == want[cut:]


def test_what_came_beside_a_failure_is_kept():
    table = Table(ROWS, page_size=10)
    table.fails = lambda operation: (
        Throttled("slow down")
        if operation.expressions.values[":0"]["S"] == "b" and len(table.sent) < 3
        else None
    )
    reader = Reader(plan(query("a"), query("b")))
    with pytest.raises(Throttled):
        drive(reader.more(), table)
    assert read_all(reader, table) == expected(table, plan(query("a"), query("b")))
    assert [each.expressions.values[":0"]["S"] for each in table.sent] == ["a", "b", "b", "a", "b"]


@given(
    st.lists(st.integers(0, 5)), st.integers(0, 5), st.booleans(), st.booleans(), st.integers(0, 3)
)
def test_until_is_where_python_would_stop(values, bound, included, forward, low):
    values.sort(reverse=not forward)
    low = min(low, len(values))

    def comes_before(value):
        if value == bound:
            return included
        return value < bound if forward else value > bound

    count = sum(comes_before(value) for value in values[low:])
    assert find_end(values, low, bound, included=included, forward=forward) == low + count
