"""The reader: every kind of plan, exact limits, nothing sent in vain, nothing lost."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dynamodb_py.exceptions import (
    BatchIncomplete,
    InvalidCursor,
    MaxRequestsReached,
    QueryError,
    ResponseCorrupted,
    Throttled,
)
from dynamodb_py.expressions import Path
from dynamodb_py.operations.queries import Expressions
from dynamodb_py.planning.plan import Lane, Trim
from dynamodb_py.reading import Mark, Position, Reader, decode, encode, reversed_plan

from ..scripted import checked
from .fake import (
    INDEX,
    TABLE,
    UNHURRIED,
    Table,
    drive,
    expected,
    got,
    item,
    key_of,
    keyed,
    keys_in,
    plan,
    query,
    read_all,
    scan,
    take,
    trimmed,
)

ROWS = [item("a", r, s=r % 3, f=r % 2) for r in range(10)]
MANY = [item(h, r, s=r % 3, f=r % 4 == 0) for h in "abcd" for r in range(60)]


def everything(h="a", rows=10):
    return [(h, r) for r in range(rows)]


# -- each kind of plan -----------------------------------------------------------------------------


def test_a_plan_of_nothing_sends_nothing():
    table = Table(ROWS)
    reader = Reader(plan())
    assert read_all(reader, table) == []
    assert reader.position() is None
    assert table.sent == []


@pytest.mark.parametrize(("r", "found"), [(3, [("a", 3)]), (99, [])])
def test_a_whole_key_is_one_get_item(r, found):
    table = Table(ROWS)
    reader = Reader(got("a", r))
    assert reader.position() == Position()
    assert read_all(reader, table) == found
    assert [each.api for each in table.sent] == ["GetItem"]
    assert (reader.requests, reader.scanned, reader.returned) == (1, len(found), len(found))
    assert reader.position() is None
    if found:
        assert reader.position(0) == Position()


def test_a_get_can_be_resumed_before_and_after():
    table = Table(ROWS)
    assert read_all(Reader(got("a", 3), start=Position()), table) == [("a", 3)]
    assert read_all(Reader(got("a", 3), start=Position(used=1)), table) == []


@pytest.mark.parametrize("page_size", [1, 3, 9, 10, 11, 100])
def test_a_query_is_read_to_its_end(page_size):
    table = Table(ROWS, page_size)
    reader = Reader(plan(query("a")))
    assert read_all(reader, table) == everything()
    assert reader.scanned == reader.returned == 10
    assert reader.requests == len(table.sent)
    assert reader.position() is None
    assert [checked(each)["TableName"] for each in table.sent] == [TABLE] * len(table.sent)


def test_an_empty_page_is_not_the_end():
    table = Table([item("a", r, f=r > 7) for r in range(10)], page_size=2)
    reader = Reader(plan(query("a", f=1)))
    lists = []
    while (items := drive(reader.more(), table)) is not None:
        lists.append(keys_in(items))
    assert lists == [[], [], [], [], [("a", 8), ("a", 9)], []]
    assert (reader.scanned, reader.returned) == (10, 2)


def test_requests_of_a_lane_are_sent_one_after_the_other():
    table = Table(ROWS, page_size=2)
    lane = Lane((query("a", 0, 2), query("a", 5, 5), query("a", 7, 8)))
    assert read_all(Reader(plan(lane)), table) == [("a", r) for r in (0, 1, 2, 5, 7, 8)]


def test_a_bound_that_does_not_count_is_dropped_by_its_value():
    table = Table(ROWS, page_size=3)
    assert read_all(Reader(plan(trimmed(query("a", 2, 6), 2, 6))), table) == [
        ("a", r) for r in (3, 4, 5)
    ]


def test_only_the_request_of_a_trim_is_trimmed():
    table = Table(ROWS)
    lane = trimmed(query("a", 2, 4), 4)
    both = Lane((*lane.requests, query("a", 4, 5)), (*lane.trims, None))
    assert read_all(Reader(plan(both)), table) == [("a", r) for r in (2, 3, 4, 5)]


@pytest.mark.parametrize("segments", [1, 2, 5])
@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("f", [None, 1])
def test_a_scan_gives_every_item_once(segments, workers, f):
    table = Table(MANY, page_size=7)
    asked = plan(*(scan(at, segments, f=f) for at in range(segments)))
    found = read_all(Reader(asked, workers=workers), table)
    assert len(found) == len(set(found))
    assert set(found) == set(expected(table, asked))


def test_a_round_asks_as_many_segments_as_there_are_workers_each_in_its_turn():
    table = Table(MANY, page_size=5)
    reader = Reader(plan(*(scan(at, 5) for at in range(5))), workers=2)
    for _ in range(5):
        drive(reader.more(), table)
    assert [each.segment[0] for each in table.sent] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]


KEYS = [("a", 7), ("b", 1), ("a", 2), ("a", 99), ("a", 5)]


def test_keys_are_read_in_their_order_without_those_that_are_missing():
    table = Table(ROWS)
    reader = Reader(keyed(KEYS))
    assert read_all(reader, table) == [("a", 7), ("a", 2), ("a", 5)]
    assert len(table.sent) == 1
    assert reader.position() is None
    assert reader.scanned == 3


@pytest.mark.parametrize(
    ("limit", "asked"),
    [
        (1, [1]),
        (2, [2, 1]),
        (3, [3, 1]),
        (150, [100, 50, 3, 1]),
        (240, [100, 100, 40, 5]),
        (None, [100, 100, 50]),
    ],
)
def test_no_more_keys_are_asked_for_than_are_needed(limit, asked):
    # The second of every fifty is missing.
    table = Table([item("a", r) for r in range(250) if r % 50 != 1])
    reader = Reader(keyed([("a", r) for r in range(250)], limit=limit))
    found = read_all(reader, table)
    assert found == [("a", r) for r in range(250) if r % 50 != 1][:limit]
    assert [len(each.keys[TABLE]) for each in table.sent] == asked


def test_chunks_of_keys_go_side_by_side_where_no_limit_makes_them_needless():
    reader = Reader(keyed([("a", r) for r in range(450)]), workers=3)
    step = next(reader.more())
    assert [len(each.keys[TABLE]) for each in step.operations] == [100, 100, 100]
    assert step.workers == 3


def test_the_projection_of_keys_is_sent():
    table = Table(ROWS)
    said = Expressions.of(projection=[Path(("h",)), Path(("r",))])
    read_all(Reader(keyed(KEYS, expressions=said)), table)
    assert table.payloads[0]["RequestItems"][TABLE]["ProjectionExpression"] == "#0, #1"


def test_keys_that_dynamodb_leaves_undone_are_asked_for_again():
    table = Table(ROWS)
    table.unprocessed = lambda asked: asked // 2
    assert read_all(Reader(keyed(KEYS)), table) == [("a", 7), ("a", 2), ("a", 5)]
    table.unprocessed = lambda asked: asked
    reader = Reader(keyed(KEYS))
    with pytest.raises(BatchIncomplete):
        drive(reader.more(), table)
    table.unprocessed = lambda asked: 0
    assert len(read_all(reader, table)) == 3


@pytest.mark.parametrize("count", [1, 2])
def test_items_of_an_index_are_completed_in_its_order(count):
    table = Table(MANY, page_size=17)
    requests = [query("g", index=INDEX), query("g", f=1, index=INDEX)][:count]
    asked = plan(*requests, full=True, distinct=count > 1)
    said = Expressions.of(projection=[Path(("h",)), Path(("r",))])
    reader = Reader(replace(asked, expressions=said))
    assert read_all(reader, table) == expected(table, asked)
    assert {each.api for each in table.sent} == {"Query", "BatchGetItem"}
    assert reader.scanned == 240 * count
    batches = [each for each in table.sent if each.api == "BatchGetItem"]
    assert all(each.expressions == {TABLE: said} for each in batches)


class Lagging(Table):
    """An index that still has what is gone from the table."""

    gone = {("a", 3), ("a", 4), ("b", 0)}

    def _BatchGetItem(self, payload):
        answer = super()._BatchGetItem(payload)
        found = answer["Responses"][TABLE]
        answer["Responses"][TABLE] = [each for each in found if key_of(each) not in self.gone]
        return answer


@given(st.integers(1, 9), st.none() | st.integers(1, 20), st.integers(0, 17))
@UNHURRIED
def test_what_is_gone_from_the_table_is_left_out_and_the_limit_stays_exact(page_size, limit, cut):
    table = Lagging([item(h, r, s=r % 3) for h in "ab" for r in range(10)], page_size)
    asked = plan(query("g", index=INDEX), full=True)
    want = [key for key in expected(table, asked) if key not in table.gone]
    assert read_all(Reader(replace(asked, limit=limit)), table) == want[:limit]
    head, position = take(Reader(asked), table, cut)
    tail = [] if position is None else read_all(Reader(asked, start=position), table)
    assert head == want[:cut]
    assert head + tail == want


def test_a_completion_that_fails_is_tried_again_with_the_same_items():
    table = Table(ROWS, page_size=4)
    failures = iter([Throttled("slow down")])
    table.fails = lambda operation: (
        next(failures, None) if operation.api == "BatchGetItem" else None
    )
    asked = plan(query("g", index=INDEX), full=True)
    reader = Reader(asked)
    with pytest.raises(Throttled):
        drive(reader.more(), table)
    assert reader.position() == Position((Mark(),))
    assert read_all(reader, table) == expected(table, asked)


# -- limits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, 1, 3, 4, 9, 10, 11])
@pytest.mark.parametrize("f", [None, 1])
@pytest.mark.parametrize("page_size", [1, 4, 100])
def test_a_limit_is_exact_and_counted_after_filters(limit, f, page_size):
    table = Table(ROWS, page_size)
    asked = plan(query("a", f=f), limit=limit)
    reader = Reader(asked)
    want = expected(table, asked)[:limit]
    assert read_all(reader, table) == want
    assert reader.returned == len(want)
    if limit == 0:
        assert table.sent == []


@pytest.mark.parametrize("limit", [1, 3, 6])
def test_a_limit_counts_after_trims(limit):
    table = Table(ROWS, page_size=2)
    reader = Reader(plan(trimmed(query("a", 2, 7, limit=2), 2), limit=limit))
    assert read_all(reader, table) == [("a", r) for r in (3, 4, 5, 6, 7)][:limit]
    assert {each.limit for each in table.sent} == {2}


def test_following_requests_read_no_more_than_is_needed():
    table = Table(ROWS)
    read_all(Reader(plan(query("a", limit=4), limit=10)), table)
    assert [each.limit for each in table.sent] == [4, 4, 2]


def test_following_requests_are_not_narrowed_where_a_filter_may_drop_items():
    table = Table(ROWS)
    read_all(Reader(plan(query("a", limit=4, f=1), limit=4)), table)
    assert [each.limit for each in table.sent] == [4, 4]


def test_following_requests_are_narrowed_again_and_again():
    table = Table(ROWS, page_size=2)
    lane = Lane((query("a", 0, 2), query("a", 3, 4, limit=9), query("a", 5, 9)))
    read_all(Reader(plan(lane, limit=6)), table)
    assert [each.limit for each in table.sent] == [None, 4, 3, 1, 1]


@pytest.mark.parametrize("segments", [1, 3])
def test_a_limited_scan_stops_asking(segments):
    table = Table(MANY, page_size=10)
    asked = plan(*(scan(at, segments) for at in range(segments)), limit=12)
    assert len(read_all(Reader(asked), table)) == 12
    assert len(table.sent) <= 2 * segments


# -- counting --------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [None, 1, 7, 500])
@pytest.mark.parametrize("f", [None, 1])
@pytest.mark.parametrize(
    "lanes",
    [
        lambda **o: [query("a", **o)],
        lambda **o: [query("a", **o), query("b", **o)],
        lambda **o: [scan(at, 3, **o) for at in range(3)],
    ],
    ids=["a query", "queries", "a scan"],
)
@pytest.mark.parametrize("select", [None, "COUNT"])
def test_counting_counts_what_would_be_given(lanes, f, limit, select):
    table = Table(MANY, page_size=9)
    asked = plan(*lanes(f=f, select=select), limit=limit, order=())
    reader = Reader(asked)
    assert drive(reader.count(), table) == len(expected(table, asked)[:limit])
    assert reader.requests == len(table.sent)


def test_a_count_stops_at_its_limit():
    table = Table(MANY, page_size=10)
    reader = Reader(plan(query("a", select="COUNT"), limit=15))
    assert drive(reader.count(), table) == 15
    assert [each.limit for each in table.sent] == [None, 5]


@pytest.mark.parametrize(
    ("asked", "count"), [(plan(), 0), (got("a", 1), 1), (got("a", 99), 0), (keyed(KEYS), 3)]
)
def test_keys_are_counted_by_what_is_there(asked, count):
    assert drive(Reader(asked).count(), Table(ROWS)) == count


# -- how many requests -----------------------------------------------------------------------------


@pytest.mark.parametrize("most", [0, 1, 3, 5])
def test_no_more_requests_are_sent_than_allowed_and_nothing_is_lost(most):
    table = Table(ROWS, page_size=2)
    reader = Reader(plan(query("a")), max_requests=most)
    found = [key for _ in range(most) for key in keys_in(drive(reader.more(), table))]
    with pytest.raises(MaxRequestsReached, match=rf"max_requests\({most}\)"):
        drive(reader.more(), table)
    assert len(table.sent) == most == reader.requests
    assert found == everything()[: 2 * most]
    position = reader.position()
    assert found + read_all(Reader(plan(query("a")), start=position), table) == everything()


@pytest.mark.parametrize("full", [False, True])
def test_as_many_keys_are_read_as_requests_are_left_for(full):
    table = Table([item("a", r, s=r) for r in range(250)])
    asked = plan(query("g", index=INDEX), full=True) if full else keyed(everything(rows=250))
    reader = Reader(asked, max_requests=2 + full)  # one for the index
    assert keys_in(drive(reader.more(), table)) == everything(rows=200)
    assert len(table.sent) == 2 + full
    with pytest.raises(MaxRequestsReached):
        drive(reader.more(), table)
    rest = read_all(Reader(asked, start=reader.position()), table)
    assert rest == everything(rows=250)[200:]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_large_page_of_an_index_is_completed_in_parts(workers):
    gone = {("a", 0), ("a", 99), ("a", 100), ("a", 199), ("a", 249)}
    table = Lagging([item("a", r, s=r) for r in range(250)])
    table.gone = gone
    asked = plan(query("g", index=INDEX), full=True)
    want = [key for key in everything(rows=250) if key not in gone]
    assert read_all(Reader(asked, workers=workers), table) == want
    for cut in (0, 1, 97, 98, 99, 195, 196, 197, 244, 245):
        reader = Reader(asked, workers=workers)
        head, position = take(reader, table, cut)
        assert head == want[:cut]
        tail = [] if position is None else read_all(Reader(asked, start=position), table)
        assert head + tail == want
    for limit in (1, 98, 99, 150, 245):
        limited = Reader(replace(asked, limit=limit), workers=workers)
        assert read_all(limited, table) == want[:limit]


def test_exactly_as_many_requests_as_needed_are_no_error():
    table = Table(ROWS, page_size=4)
    assert read_all(Reader(plan(query("a")), max_requests=3), table) == everything()


SHAPES = {
    "a merge": plan(query("a"), query("b"), query("c", f=1)),
    "overlapping": plan(query("a"), query("a", f=1), query("b"), distinct=True),
    "of an index": plan(query("g", index=INDEX), query("g", f=1, index=INDEX), distinct=True),
    "completed": plan(query("g", index=INDEX), full=True),
    "a scan": plan(*(scan(at, 3) for at in range(3))),
    "a filtered scan": plan(*(scan(at, 3, f=1) for at in range(3))),
    "keys": keyed([("a", r) for r in range(250)]),
}


@pytest.mark.parametrize("most", [1, 2, 5])
@pytest.mark.parametrize("asked", SHAPES.values(), ids=SHAPES)
def test_few_requests_at_a_time_get_through_everything(asked, most):
    table = Table(MANY, page_size=23)
    most = 2 if asked.full else most  # one for the index, one for the table
    whole = read_all(Reader(asked), table)
    found, position = [], None
    for _ in range(100):
        # A merge has to read each lane before it can give anything.
        reader = Reader(asked, start=position, max_requests=max(most, len(asked.lanes)) + 4)
        sent = len(table.sent)
        try:
            while (items := drive(reader.more(), table)) is not None:
                found += keys_in(items)
            break
        except MaxRequestsReached:
            position = reader.position()
        finally:
            assert len(table.sent) - sent <= max(most, len(asked.lanes)) + 4
    assert sorted(found) == sorted(whole)
    assert found == whole or asked.kind == "scan"


# -- positions -------------------------------------------------------------------------------------


@given(
    st.sampled_from([*SHAPES, "a query", "filtered", "requests", "trims"]),
    st.integers(2, 30),
    st.data(),
)
@UNHURRIED
def test_every_plan_can_be_resumed_at_every_item(name, page_size, data):
    shapes = SHAPES | {
        "a query": plan(query("a")),
        "filtered": plan(query("a", f=1, limit=7)),
        "requests": plan(Lane((query("a", 0, 9), query("a", 20, 29), query("a", 40, 50)))),
        "trims": plan(trimmed(query("a", 3, 40), 3, 40)),
    }
    asked = shapes[name]
    table = Table([each for each in MANY if int(each["r"]["N"]) % 4 < 2], page_size)
    whole = read_all(Reader(asked), table)
    cut = data.draw(st.integers(0, len(whole)))
    head, position = take(Reader(asked), table, cut)
    if position is None:
        assert sorted(head) == sorted(whole)
        return
    position = decode(encode(position, b"q", b"key"), b"q", b"key")
    tail = read_all(Reader(asked, start=position), table)
    assert sorted(head + tail) == sorted(whole)
    assert head + tail == whole or asked.kind == "scan"


def test_a_position_stays_that_of_the_latest_list_at_the_end():
    table = Table(ROWS)
    reader = Reader(plan(query("a")))
    drive(reader.more(), table)
    assert drive(reader.more(), table) is None
    assert reader.position() is None
    assert reader.position(9) == Position((Mark(0, ({"S": "a"}, {"N": "8"})),))
    assert reader.position(0) == Position((Mark(),))


def test_after_a_page_it_goes_on_where_dynamodb_stopped_reading():
    # Not after the last item that passed the filter: the rest of the page was paid for.
    table = Table([item("a", r, f=r == 1) for r in range(10)], page_size=5)
    reader = Reader(plan(query("a", f=1)))
    drive(reader.more(), table)
    assert reader.position() == Position((Mark(0, ({"S": "a"}, {"N": "4"})),))
    assert reader.position(1) == reader.position()


def test_the_place_of_a_list_stays_when_the_next_is_read():
    for asked in SHAPES.values():
        table = Table(MANY, page_size=10)
        reader = Reader(asked)
        while not (items := drive(reader.more(), table)):
            assert items is not None
        place = reader.place()
        before = [place(taken) for taken in (None, 0, 1, len(items))]
        drive(reader.more(), table)
        assert [place(taken) for taken in (None, 0, 1, len(items))] == before


def test_keys_of_bytes_survive():
    from dynamodb_py.schema import KeyAttribute

    key = KeyAttribute("k", "B")
    asked = plan(query("a"), key=(key,), position=(key,), order=())
    bodies = [
        {
            "Items": [{"k": {"B": "AP8="}}, {"k": {"B": "/w=="}}],
            "Count": 2,
            "ScannedCount": 2,
            "LastEvaluatedKey": {"k": {"B": "/w=="}},
        }
    ]
    reader = Reader(asked)
    flow = reader.more()
    next(flow)
    with pytest.raises(StopIteration):
        flow.send(msgspec.json.encode(bodies[0]))
    assert reader.position(1) == Position((Mark(0, ({"B": b"\0\xff"},)),))
    assert reader.position() == Position((Mark(0, ({"B": b"\xff"},)),))
    position = decode(encode(reader.position(), b""), b"")
    assert next(Reader(asked, start=position).more()).start == {"k": {"B": b"\xff"}}


@pytest.mark.parametrize("key", [{"h": {"S": "a"}}, {"h": {"S": "a"}, "r": {"S": "1"}}])
@pytest.mark.parametrize("last", [True, False])
def test_a_key_that_is_not_one_is_a_corrupted_response(key, last):
    two = [item("a", 0), item("a", 1)]
    answer = {"Items": two, "LastEvaluatedKey": key} if last else {"Items": [key, two[1]]}
    reader = Reader(plan(query("a")))
    flow = reader.more()
    next(flow)
    with pytest.raises(StopIteration):
        flow.send(msgspec.json.encode(answer))
    with pytest.raises(ResponseCorrupted, match="key"):
        reader.position(None if last else 1)


A, R1 = {"S": "a"}, {"N": "1"}


@pytest.mark.parametrize(
    ("asked", "position"),
    [
        (plan(), Position(used=1)),
        (got("a", 1), Position(used=2)),
        (keyed(KEYS), Position(used=6)),
        (keyed(KEYS), Position(used=-1)),
        (keyed(KEYS), Position((Mark(),))),
        (plan(query("a")), Position()),
        (plan(query("a")), Position(used=1)),
        (plan(query("a")), Position((Mark(), Mark()))),
        (plan(query("a")), Position((Mark(2),))),
        (plan(query("a")), Position((Mark(-1),))),
        (plan(query("a")), Position((Mark(1, (A, R1)),))),
        (plan(query("a")), Position((Mark(0, (A,)),))),
        (plan(query("a")), Position((Mark(0, (A, A)),))),
        (plan(query("a")), Position((Mark(0, (A, R1)),), value=(R1,))),
        (plan(query("a")), Position((Mark(0, (A, R1), (0, None)),), value=(R1,))),
        (SHAPES["overlapping"], Position((Mark(0, None, (0, None)), Mark(), Mark()))),
        (SHAPES["overlapping"], Position((Mark(0, None, (2, None)), Mark(), Mark()), value=(R1,))),
        (SHAPES["overlapping"], Position((Mark(0, None, (0, (A,))), Mark(), Mark()), value=(R1,))),
        (plan(query("g", index=INDEX)), Position((Mark(0, (A, R1)),))),
    ],
)
def test_a_position_that_does_not_fit_is_an_invalid_cursor(asked, position):
    with pytest.raises(InvalidCursor, match="Score: this cursor belongs to another query"):
        Reader(asked, start=position)


# -- backwards -------------------------------------------------------------------------------------


@pytest.mark.parametrize("page_size", [2, 4, 100])
@pytest.mark.parametrize(
    "asked",
    [
        plan(query("a")),
        plan(query("a", f=1)),
        plan(query("a", forward=False), forward=False),
        plan(Lane((query("a", 0, 3), query("a", 4, 4), query("a", 7, 9)))),
        plan(trimmed(query("a", 2, 8), 2, 8)),
        plan(
            Lane(
                (query("a", 0, 3), query("a", 3, 9)),
                (Trim("r", ({"N": "3"},)), Trim("r", ({"N": "4"}, {"N": "8"}))),
            )
        ),
        plan(query("g", index=INDEX)),
        plan(query("g", index=INDEX), full=True),
        keyed([("a", r) for r in (5, 99, 3, 8, 1, 98, 0)]),
    ],
    ids=[
        "plain",
        "filtered",
        "descending",
        "requests",
        "trims",
        "several trims",
        "index",
        "completed",
        "keys",
    ],
)
def test_the_page_before_is_the_former_page(asked, page_size):
    table = Table(ROWS, page_size)
    whole = read_all(Reader(asked), table)
    back = reversed_plan(asked)
    for cut in range(1, len(whole)):
        _, position = take(Reader(asked), table, cut)
        reader = Reader(asked, start=position)
        drive(reader.more(), table)
        while not reader.returned:
            assert drive(reader.more(), table) is not None
        before = reader.before()
        assert before is not None
        assert before.backward
        reader = Reader(back, start=before)
        assert read_all(reader, table) == whole[:cut][::-1]


def test_nothing_lies_before_the_beginning():
    table = Table(ROWS)
    for start in (None, Position((Mark(),))):
        reader = Reader(plan(query("a")), start=start)
        drive(reader.more(), table)
        assert reader.before() is None


def test_before_anything_was_given_it_is_unknown():
    position = Position((Mark(0, ({"S": "a"}, {"N": "8"})),))
    assert Reader(plan(query("a")), start=position).before() is None


def test_after_the_end_lies_all_of_it():
    table = Table(ROWS)
    position = Position((Mark(0, ({"S": "a"}, {"N": "9"})),))
    reader = Reader(plan(query("a")), start=position)
    assert read_all(reader, table) == []
    before = reader.before()
    assert (
        read_all(Reader(reversed_plan(plan(query("a"))), start=before), table)
        == (everything()[::-1])
    )


@pytest.mark.parametrize("name", ["a scan", "overlapping"])
def test_what_cannot_be_known_is_none(name):
    table = Table(MANY, page_size=10)
    _, position = take(Reader(SHAPES[name]), table, 5)
    reader = Reader(SHAPES[name], start=position)
    assert drive(reader.more(), table) is not None
    assert reader.before() is None


def test_a_scan_is_not_reversed():
    with pytest.raises(QueryError, match="a scan has no order"):
        reversed_plan(plan(scan(0, 1)))


def test_some_worker_there_must_be():
    with pytest.raises(QueryError, match="workers=0"):
        Reader(plan(query("a"), query("b")), workers=0)
