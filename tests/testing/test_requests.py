"""Assertions on requests: when they fail, what they print, and that they hide nothing."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    ConfigurationError,
    GlobalIndex,
    IntegerField,
    Model,
    Table,
    connect,
    connections,
    get_connection,
    options,
    transaction,
)
from dynamodb_py.observing import OBSERVERS
from dynamodb_py.testing import (
    assert_capacity,
    assert_no_scans,
    assert_requests,
    capture_requests,
)
from dynamodb_py.testing.descriptions import _simplify


class Score(Model):
    class Meta:
        table_name = "scores"
        indexes = (GlobalIndex("by_points", hash_key="player", range_key="points"),)

    player = CharField(hash_key=True)
    day = IntegerField(range_key=True)
    points = IntegerField(required=True)
    text = CharField()


@pytest.fixture(autouse=True)
def database(monkeypatch):
    monkeypatch.setattr(connections, "_connections", {})
    connection = connect("memory://")
    Table(Score).create()
    items = [{"player": "ann", "day": day, "points": day * 10} for day in range(10)]
    Score.batch_write(items, overwrite=True)
    yield connection
    assert OBSERVERS == []


def get(day=1):
    return Score.objects.get(player="ann", day=day)


def scan():
    return list(Score.objects.all())


def two_reads_and_a_write():
    get()
    get(2)
    Score(player="bob", day=1, points=1).save()


# -- capturing -------------------------------------------------------------------------------------
def test_requests_are_captured_in_order_with_their_total():
    with capture_requests() as sent:
        assert len(sent) == 0
        get()
        assert len(sent) == 1
        scan()
    get()
    assert sent.operations == ["GetItem", "Scan"]
    assert (sent.total.requests, sent.total.read_units, sent.total.items_read) == (2, 1.0, 11)


def test_the_code_that_awaits_is_captured_too():
    async def main():
        with capture_requests() as sent:
            await asyncio.gather(*(Score.objects.aget(player="ann", day=n) for n in range(3)))
            async for _ in Score.objects.filter(player="ann").page_size(4):
                pass
        return sent

    sent = asyncio.run(main())
    assert sent.operations == ["GetItem"] * 3 + ["Query"] * 3


def test_other_threads_are_captured_too():
    with capture_requests() as sent:
        thread = threading.Thread(target=get)
        thread.start()
        thread.join()
    assert sent.operations == ["GetItem"]


def test_blocks_are_nested():
    with capture_requests() as outer:
        get()
        with capture_requests() as inner:
            scan()
        get()
    assert outer.operations == ["GetItem", "Scan", "GetItem"]
    assert inner.operations == ["Scan"]


def test_one_object_may_be_used_again():
    assertion = assert_requests(1)
    for _ in range(2):
        with assertion as sent:
            get()
        assert len(sent) == 1


def test_a_transaction_is_one_request():
    with capture_requests() as sent, transaction.atomic():
        for day in range(20, 23):
            Score(player="ann", day=day, points=1).save()
    assert sent.operations == ["TransactWriteItems"]
    assert sent.total.write_units > 0


# -- assertions ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "assertion",
    [
        assert_requests(3),
        assert_requests(at_most=3),
        assert_requests(at_most=4),
        assert_requests(3, at_most=3, GetItem=2, PutItem=1),
        assert_requests(GetItem=2),
        assert_requests(Scan=0, Query=0),
        assert_no_scans(),
        assert_capacity(read=1),
        assert_capacity(write=2),
        assert_capacity(read=5.5, write=2.0),
    ],
)
def test_what_is_so_passes(assertion):
    with assertion:
        two_reads_and_a_write()


@pytest.mark.parametrize(
    ("assertion", "message"),
    [
        (assert_requests(2), "3 requests instead of 2"),
        (assert_requests(4), "3 requests instead of 4"),
        (assert_requests(0), "3 requests instead of 0"),
        (assert_requests(at_most=2), "3 requests, and at most 2 expected"),
        (assert_requests(GetItem=1), "2 GetItem instead of 1"),
        (assert_requests(3, GetItem=2, Query=1), "0 Query instead of 1"),
        (assert_requests(GetItem=1, PutItem=0), "2 GetItem instead of 1, 1 PutItem instead of 0"),
        (assert_capacity(read=0.5), "1 read units, and at most 0.5 expected"),
        (assert_capacity(write=0, read=1), "2 write units, and at most 0 expected"),
    ],
)
def test_what_is_not_so_fails_with_all_requests(assertion, message):
    with pytest.raises(AssertionError) as raised, assertion:
        two_reads_and_a_write()
    lines = str(raised.value).splitlines()
    assert lines[0] == message
    titles = [line.partition(":")[0] for line in lines if line[0].isdigit()][2:]
    assert titles == ["1. GetItem scores", "2. GetItem scores", "3. PutItem scores"]


@pytest.mark.parametrize(
    ("read", "scans"),
    [(scan, 1), (lambda: Score.objects.filter(points=3).scan(segments=2).count(), 2)],
    ids=["all", "segments"],
)
def test_scans_fail_where_none_may_be(read, scans):
    expected = rf"^{scans} requests? scanned\n"
    with pytest.raises(AssertionError, match=expected), assert_no_scans():
        read()


@pytest.mark.parametrize(
    "assertion",
    [assert_requests(0), assert_no_scans(), assert_capacity(read=0), capture_requests()],
)
def test_an_error_in_the_block_is_not_hidden(assertion):
    def work():
        scan()
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"), assertion:
        work()


def test_a_failed_assertion_shows_no_frame_of_the_package_in_pytest():
    with pytest.raises(AssertionError) as raised, assert_requests(0):
        get()
    assert raised.traceback[-1].ishidden(raised)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: assert_requests(), r"assert_requests\(\) asserts nothing"),
        (lambda: assert_requests(-1), "count=-1"),
        (lambda: assert_requests(True), "count=True"),
        (lambda: assert_requests(at_most=1.5), "at_most=1.5"),
        (lambda: assert_requests(Query="1"), "Query='1'"),
        (lambda: assert_capacity(), r"assert_capacity\(\) asserts nothing"),
        (lambda: assert_capacity(read=-1), "read=-1"),
        (lambda: assert_capacity(write="3"), "write='3'"),
        (lambda: assert_capacity(read=True), "read=True"),
        (lambda: assert_capacity(read=float("nan")), "read=nan"),
    ],
)
def test_arguments_that_mean_nothing_are_refused_before_the_block(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_an_operation_that_there_is_not_is_refused():
    with pytest.raises(ConfigurationError, match="get_item"):
        assert_requests(get_item=1)


# -- what is printed -------------------------------------------------------------------------------
def show(work) -> str:
    with capture_requests() as sent:
        work()
    return str(sent)


def test_it_shows_the_plan_of_a_query_set_as_explain_does():
    scores = Score.objects.filter(player="ann", points__gt=30, text__contains="x")
    text = show(lambda: list(scores))
    for line in str(scores.explain()).splitlines():
        assert line in text
    assert "plan: Query on scores" in text
    assert "after reading: " in text


@pytest.mark.parametrize(
    "read",
    [
        lambda rows: rows.first(),
        lambda rows: rows.last(),
        lambda rows: rows.count(),
        lambda rows: rows.exists(),
        lambda rows: list(rows[:2]),
        lambda rows: list(rows.page_size(2)),
        lambda rows: rows.page(size=3),
        lambda rows: list(rows.iterator()),
        lambda rows: list(rows.values("points")),
        lambda rows: list(rows.consistent()),
    ],
    ids=[
        "first",
        "last",
        "count",
        "exists",
        "slice",
        "page_size",
        "page",
        "iterator",
        "values",
        "consistent",
    ],
)
def test_it_shows_the_plan_for_every_verb_that_reads(read):
    text = show(lambda: read(Score.objects.filter(player="ann", day__gt=2)))
    assert "plan: Query on scores" in text
    assert "why: player is fixed, day is bounded" in text


def test_later_pages_and_equal_requests_refer_to_the_plan():
    text = show(lambda: list(Score.objects.filter(player="ann").page_size(4)))
    assert text.count("why: ") == 1
    assert text.count("plan: same as 1.") == 2


def test_a_request_of_no_query_set_has_no_plan():
    def work():
        Score.objects.filter(player="ann").first()
        get()

    second = show(work).partition("2. GetItem")[2]
    assert "plan" not in second
    assert "key: {'player': 'ann', 'day': 1}" in second


def test_it_shows_the_line_of_user_code():
    text = show(get)
    line = get.__code__.co_firstlineno + 1
    assert f"from {__file__}:{line} in get\n" in text
    assert text.splitlines()[-1].strip() == 'return Score.objects.get(player="ann", day=day)'


def test_it_shows_conditions_updates_and_errors_with_their_values():
    def work():
        score = get()
        score.points = 7
        score.save(condition=Score.text.exists())

    with capture_requests() as sent, pytest.raises(Exception, match="ConditionalCheckFailed"):
        work()
    update = str(sent).partition("2. UpdateItem")[2]
    assert "ConditionFailed" in update.splitlines()[0]
    assert "update: SET points = 7" in update
    assert "condition: " in update
    assert "attribute_exists(text)" in update


def test_it_shows_items_units_and_milliseconds():
    text = show(lambda: list(Score.objects.filter(player="ann", points__gt=70, text=None)))
    first = next(line for line in text.splitlines() if line.startswith("1."))
    assert "read units" in first
    assert first.endswith(" ms")


def test_long_values_are_shortened():
    text = show(lambda: Score(player="ann", day=1, points=1, text="x" * 10_000).save())
    assert len(text) < 1000


def test_many_requests_are_shown_in_part():
    def work():
        for _ in range(60):
            get()

    text = show(work)
    assert "50. GetItem" in text
    assert "51. GetItem" not in text
    assert text.endswith("and 10 more")


def test_a_batch_shows_its_keys():
    text = show(lambda: Score.batch_get(("ann", 1), ("ann", 2)))
    assert "BatchGetItem scores" in text
    assert "'player': 'ann', 'day': 2" in text


def test_the_plan_is_that_of_the_options_at_the_request():
    def work():
        with options(consistent=True):
            list(Score.objects.filter(player="ann"))

    text = show(work)
    assert "plan: Query on scores" in text
    assert "'ConsistentRead': True" in text


def test_a_connection_that_is_gone_leaves_the_request_shown():
    connect("memory://", alias="gone")
    Table(Score, using="gone").create()
    with capture_requests() as sent:
        list(Score.objects.using("gone").filter(player="ann"))
    del connections._connections["gone"]
    assert "key condition: player = 'ann'" in str(sent)
    assert get_connection() is not None


wires = st.recursive(
    st.builds(lambda text: {"S": text}, st.text())
    | st.builds(lambda number: {"N": str(number)}, st.integers()),
    lambda inner: (
        st.builds(lambda each: {"L": each}, st.lists(inner))
        | st.builds(lambda each: {"M": each}, st.dictionaries(st.text(), inner))
    ),
)


@given(wires)
def test_any_value_can_be_shown(wire):
    assert repr(_simplify(wire))
