"""Paced flows: never faster than the rate, whatever is sent, and nothing else about them changes."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import flows
from dynamodb_py.batching import batch_get, batch_write, identify_key, run_together
from dynamodb_py.codec import to_json
from dynamodb_py.exceptions import (
    DeadlineExceeded,
    Throttled,
    make_service_error,
)
from dynamodb_py.expressions import Path, Remove
from dynamodb_py.flows import arun, run
from dynamodb_py.metering import METERS, capacity
from dynamodb_py.operations import transactions
from dynamodb_py.operations.base import Call, Together
from dynamodb_py.operations.batches import BatchGetItem, BatchWriteItem, Delete, Put
from dynamodb_py.operations.items import DeleteItem, GetItem, PutItem, UpdateItem
from dynamodb_py.operations.queries import Scan
from dynamodb_py.operations.tables import DescribeTable
from dynamodb_py.pacing.buckets import Pacer
from dynamodb_py.pacing.flows import estimate_units, pace

from ..scripted import Link, Script
from .paced import Server


def key(n: int) -> dict:
    return {"n": {"N": str(n)}}


def item(n: int, size: int = 30) -> bytes:
    bare = to_json({**key(n), "t": {"S": ""}})
    return to_json({**key(n), "t": {"S": "x" * (size - len(bare))}})


def put(n: int, units: int = 1) -> PutItem:
    return PutItem("t", item(n, max(30, 1024 * units)))


def puts(count: int) -> list[Put]:
    return [Put("t", key(n), item(n)) for n in range(count)]


def paced(flow, rate: float, server: Server):
    return server.drive(pace(flow, Pacer(rate, server.clock)))


def send_all(steps):
    """Send *steps*: a request, or a list of them that run in parallel with so many workers."""
    outcomes = []
    for step in steps:
        outcomes.append((yield from step))
    return outcomes


# -- how fast --------------------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.integers(1, 8).map(lambda units: put(0, units)),
        st.tuples(st.lists(st.integers(1, 8), max_size=40), st.integers(1, 8)).map(
            lambda each: Together([put(n, units) for n, units in enumerate(each[0])], each[1])
        ),
        st.integers(1, 25).map(lambda count: BatchWriteItem(puts(count))),
    ),
    max_size=12,
)


@given(STEPS, st.floats(0.5, 200), st.floats(0, 2), st.booleans())
def test_no_window_of_time_has_more_units_than_the_rate(steps, rate, latency, reports):
    server = Server(lambda each: estimate_units(each)[1] if reports else None, latency=latency)
    paced(send_all(steps), rate, server)
    units = [estimate_units(each)[1] for each in server.sent]
    at = [when for when, count in server.groups for _ in range(count)]
    largest = max(units, default=0)
    for first in range(len(at)):
        spent = 0.0
        for last in range(first, len(at)):
            spent += units[last]
            window = at[last] - at[first]
            assert spent <= rate * (window + 1) + largest + 1e-6
    if at:
        _, last_group = server.groups[-1]
        paid = sum(units[: len(units) - last_group])
        assert at[-1] >= paid / rate - 1e-6  # from the first request on


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=30),
    st.floats(0.5, 200),
    st.floats(0.5, 5),
    st.floats(0, 0.5),
)
def test_a_price_that_nobody_expected_is_paid_off_before_the_next_request(
    prices, rate, times, latency
):
    # As indexes make it: each request costs so many times its estimate.
    left = [price * times for price in prices]
    server = Server(lambda _: left[len(server.sent) - 1], latency=latency)
    paced(send_all([Together([put(n) for n in range(len(prices))], 4)]), rate, server)
    sent = 0
    for at, count in server.groups:
        assert sum(left[:sent]) <= rate * at + 1e-6
        sent += count
    assert sent == len(prices)


@given(STEPS, st.floats(0.5, 200), st.floats(0, 0.01))
def test_no_pause_is_longer_than_it_must_be(steps, rate, latency):
    server = Server(lambda each: estimate_units(each)[1], latency=latency)
    paced(send_all(steps), rate, server)
    spent = sum(estimate_units(each)[1] for each in server.sent)
    assert sum(server.pauses) <= spent / rate + 1e-6


@pytest.mark.parametrize(
    ("rate", "price", "groups"),
    [
        (1, 1, [(0, 1), (1, 1), (2, 1), (3, 1)]),
        (2, 1, [(0, 1), (0.5, 1), (1, 1), (1.5, 1)]),
        (1, 3, [(0, 1), (3, 1), (6, 1), (9, 1)]),
        (0.5, 1, [(0, 1), (2, 1), (4, 1), (6, 1)]),
    ],
)
def test_requests_are_as_far_apart_as_their_price(rate, price, groups):
    server = Server(lambda _: price)
    paced(send_all([put(n) for n in range(4)]), rate, server)
    assert server.groups == groups


def test_the_time_that_passes_anyway_counts_and_makes_room_for_workers():
    server = Server(lambda _: 1, latency=0.5)
    paced(send_all([Together([put(n) for n in range(40)], 8)]), 20, server)
    assert server.pauses == []
    assert [count for _, count in server.groups] == [1, 9, 10, 10, 10]


def test_batches_are_paid_for_as_a_whole():
    server = Server(lambda each: len(each.writes))
    paced(batch_write(puts(60), size=25), 10, server)
    assert server.groups == [(0, 1), (2.5, 1), (5, 1)]


def test_parallel_batches_share_the_units():
    server = Server(lambda each: len(each.writes), latency=0.1)
    paced(batch_write(puts(100), workers=4), 100, server)
    assert [count for _, count in server.groups] == [1, 1, 1, 1]
    assert server.clock.now - 1000 == pytest.approx(0.75 + 0.1)


def test_flows_in_parallel_share_the_units():
    def one(n):
        yield from put(n)
        return (yield from put(n))

    server = Server(lambda _: 1)
    outcomes = paced(run_together([one(n) for n in range(10)], workers=4), 10, server)
    assert outcomes == [None] * 10
    assert [round(at, 6) for at, _ in server.groups] == [n / 10 for n in range(20)]


def test_paced_flows_side_by_side_leave_no_meter_and_share_a_pacer():
    server = Server(lambda _: 2)
    pacer = Pacer(1, server.clock)
    flows_of_two = [pace(send_all([put(0), put(1)]), pacer) for _ in range(2)]
    assert server.drive(run_together(flows_of_two, workers=2)) == [[None, None]] * 2
    assert METERS.get() == ()
    # Each waits by itself: what both send at once is paid off before the next round.
    assert server.groups == [(0, 2), (4, 2)]


def test_the_units_are_kept_from_one_flow_to_the_next():
    server = Server(lambda _: 4)
    pacer = Pacer(2, server.clock)
    for _ in range(3):
        server.drive(pace(send_all([put(0)]), pacer))
    assert [at for at, _ in server.groups] == [0, 2, 4]


def test_reads_and_writes_are_paid_for_apart():
    server = Server(lambda _: 2)
    paced(send_all([GetItem("t", key(1)), put(1), GetItem("t", key(1)), put(1)]), 1, server)
    # What a second fills of the one, while the other is waited for, makes the next wait shorter.
    assert [at for at, _ in server.groups] == [0, 2, 3, 4]


# -- without units in the answers ---------------------------------------------------------------

PRICES = {
    "a put": (PutItem("t", item(1, 100)), (0, 1)),
    "a put of a KB": (PutItem("t", item(1, 1024)), (0, 1)),
    "a put of more": (PutItem("t", item(1, 1025)), (0, 2)),
    "an update": (UpdateItem("t", key(1), (Remove(Path(("a",))),)), (0, 1)),
    "a delete": (DeleteItem("t", key(1)), (0, 1)),
    "a batch": (
        BatchWriteItem([Put("t", key(1), item(1, 3000)), Put("t", key(2), item(2)), Delete("t", key(3))]),
        (0, 5),
    ),
    "a transaction": (
        transactions.TransactWriteItems(
            [transactions.Put("t", item(1, 3000)), transactions.Delete("t", key(2))], "token"
        ),
        (0, 8),
    ),
    "a read": (GetItem("t", key(1)), (0.5, 0)),
    "a consistent read": (GetItem("t", key(1), True), (1, 0)),
    "reads": (BatchGetItem({"t": [key(1), key(2)], "u": [key(3)]}), (1.5, 0)),
    "consistent reads": (BatchGetItem({"t": [key(1), key(2)]}, True), (2, 0)),
    "a scan": (Scan("t"), (0.5, 0)),
    "a description": (DescribeTable("t"), (0, 0)),
}  # fmt: skip


@pytest.mark.parametrize(("operation", "units"), PRICES.values(), ids=PRICES)
def test_what_is_sent_tells_its_price(operation, units):
    assert estimate_units(operation) == units


@pytest.mark.parametrize(
    ("body", "consistent", "wait"),
    [
        (b"{}", True, 1),
        (b"{}", False, 0.5),
        (to_json({"Item": {"t": {"S": "x" * 9000}}}), True, 3),
        (to_json({"Item": {"t": {"S": "x" * 9000}}}), False, 1.5),
        (to_json({"Item": {}, "ConsumedCapacity": {"CapacityUnits": 0}}), True, 1),
        (b"no JSON", True, 1),
    ],
)
def test_an_answer_without_units_is_paid_for_by_its_size(body, consistent, wait):
    server = Server(lambda _: body)

    def send():
        yield GetItem("t", key(1), consistent)
        yield GetItem("t", key(1), consistent)

    paced(send(), 1, server)
    assert server.pauses == [wait]


def test_an_engine_that_reports_no_units_is_slowed_too():
    server = Server(lambda _: None)
    paced(batch_write(puts(60)), 10, server)
    assert server.groups == [(0, 1), (2.5, 1), (5, 1)]


def test_a_request_that_fails_is_paid_for():
    server = Server(lambda _: make_service_error("ConditionalCheckFailedException", "no"))

    def try_all():
        return (yield from Together([put(n) for n in range(3)]))

    outcomes = paced(try_all(), 1, server)
    assert len({id(each) for each in outcomes}) == 3
    assert server.groups == [(0, 1), (1, 1), (2, 1)]


# -- what does not change -----------------------------------------------------------------------


def test_without_a_rate_the_steps_are_the_same():
    steps = [put(1), Together([put(2)], 3), Call(None)]

    meters = []

    def flow():
        outcomes = []
        for each in steps:
            outcomes.append((yield each))
            meters.append(METERS.get())
        return outcomes

    driven = pace(flow(), None)
    seen = [next(driven), driven.send(1), driven.send(2)]
    assert [id(each) for each in seen] == [id(each) for each in steps]
    with pytest.raises(StopIteration) as stop:
        driven.send(3)
    assert stop.value.value == [1, 2, 3]
    assert meters == [()] * 3


def test_outcomes_come_back_in_order():
    def answer(operation):
        n = operation.key["n"]["N"]
        return Throttled(n) if n in "37" else to_json({"Item": {"n": {"N": n}}})

    def ask():
        return (yield from Together([GetItem("t", key(n)) for n in range(9)], 2))

    outcomes = paced(ask(), 3, Server(answer))
    for n, outcome in enumerate(outcomes):
        assert isinstance(outcome, Throttled) if n in (3, 7) else outcome == to_json(key(n))


def test_an_error_reaches_the_flow_and_what_it_raises_comes_out():
    def flow():
        try:
            yield from put(1)
        except Throttled:
            yield from put(2)
            raise KeyError("mine") from None

    def fail_first(_):
        return Throttled("slow down") if len(server.sent) == 1 else 1

    server = Server(fail_first)
    with pytest.raises(KeyError, match="mine"):
        paced(flow(), 1, server)
    assert len(server.sent) == 2


def test_calls_are_made_without_a_meter():
    def flow():
        yield from put(1)
        return (yield from Call(METERS.get))

    assert paced(flow(), 1, Server(lambda _: 1)) == ()


def test_a_closed_flow_leaves_no_meter_and_closes_what_it_drives():
    closed = []

    def flow():
        try:
            yield put(1)
        finally:
            closed.append(True)

    driven = pace(flow(), Pacer(1))
    next(driven)
    assert len(METERS.get()) == 1
    driven.close()
    assert METERS.get() == ()
    assert closed == [True]


def test_the_users_meter_counts_each_request_once():
    script = Script([{"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 3}}] * 2)
    with capacity() as used:
        run(pace(send_all([put(1), put(2)]), Pacer(1e6)), Link(script))
    assert (used.write_units, used.requests, used.attempts) == (6, 2, 2)


def test_items_that_are_left_are_written_later_and_paid_for_then():
    def leave_half(operation):
        half = operation.writes[len(operation.writes) // 2 :]
        left = [each.request() for each in half] if len(server.sent) < 3 else []
        return to_json(
            {
                "UnprocessedItems": {"t": left} if left else {},
                "ConsumedCapacity": [
                    {"TableName": "t", "CapacityUnits": len(operation.writes) - len(left)}
                ],
            }
        )

    server = Server(leave_half)
    told = []
    flow = batch_write(puts(8), progress=lambda *each: told.append(each))
    paced(flow, 1, server)
    assert [len(each.writes) for each in server.sent] == [8, 4, 2]
    assert told == [(4, 8), (6, 8), (8, 8)]
    assert server.groups[1][0] >= 4
    assert server.groups[2][0] >= 6


def test_items_are_read_as_without_a_rate():
    def answer(operation):
        found = [{**each, "t": {"S": "x"}} for each in operation.keys["t"]]
        consumed = [{"TableName": "t", "CapacityUnits": len(found) / 2}]
        return to_json({"Responses": {"t": found}, "ConsumedCapacity": consumed})

    def read():
        readers = {"t": lambda stored: identify_key({"n": json.loads(stored)["n"]})}
        return batch_get([("t", key(n)) for n in range(250)], readers)

    plain, server = Server(answer), Server(answer)
    assert paced(read(), 10, server) == plain.drive(read())
    assert [at for at, _ in server.groups] == [0, 5, 10]


# -- deadlines ----------------------------------------------------------------------------------


def late() -> DeadlineExceeded:
    return DeadlineExceeded("too late")


def test_a_pause_that_does_not_fit_fails_what_was_not_sent_each_with_an_error_of_its_own():
    server = Server(lambda _: 1, late=late)

    def send():
        return (yield from Together([put(n) for n in range(4)], 2))

    first, *rest = paced(send(), 1, server)
    assert first is None
    assert len({id(each) for each in rest}) == 3
    for each in rest:
        assert isinstance(each, DeadlineExceeded)
        assert (each.operation, each.table, each.in_doubt) == ("PutItem", "t", False)
    assert len(server.sent) == 1


def test_a_batch_that_is_too_late_has_the_rest_in_unprocessed():
    server = Server(lambda each: len(each.writes), late=late)
    writes = puts(60)
    with pytest.raises(DeadlineExceeded) as raised:
        paced(batch_write(writes), 10, server)
    assert raised.value.unprocessed == writes[25:]


@pytest.fixture(params=["run", "arun"])
def drive(request):
    if request.param == "run":
        return run
    return lambda flow, link: asyncio.run(arun(flow, link))


@pytest.fixture
def pauses(monkeypatch):
    """Where the drivers would sleep, the seconds are noted."""
    noted: list[float] = []

    async def asleep(seconds: float) -> None:
        noted.append(seconds)

    monkeypatch.setattr(flows.time, "sleep", noted.append)
    monkeypatch.setattr(asyncio, "sleep", asleep)
    return noted


def test_both_drivers_ask_for_the_units_and_wait_for_them(drive, pauses):
    script = Script(
        [{"ConsumedCapacity": [{"TableName": "t", "CapacityUnits": 1000.0}]} for _ in range(3)]
    )
    pacer = Pacer(1, lambda: 1000.0 * len(script.sent) + sum(pauses) - 600 * len(script.sent))
    drive(pace(batch_write(puts(3), size=1), pacer), Link(script))
    assert pauses == [600, 600]
    assert METERS.get() == ()
