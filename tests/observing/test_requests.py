"""Finished requests: one record for each, whatever became of it, and nothing while nobody observes."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest

from dynamodb_py import ConfigurationError, capacity, connect, connections
from dynamodb_py.exceptions import ConditionFailed, ConnectionFailed, Throttled, make_service_error
from dynamodb_py.flows import arun, run
from dynamodb_py.metering import METERS
from dynamodb_py.observing import OBSERVERS, Observer, requests
from dynamodb_py.operations.base import Together
from dynamodb_py.operations.items import GetItem, PutItem
from dynamodb_py.operations.queries import Query
from dynamodb_py.operations.tables import DescribeTable

from ..scripted import Link, Script

THROTTLED = make_service_error("ThrottlingException", "slow down")
FAILED = make_service_error("ConditionalCheckFailedException", "no")
GET = GetItem("scores", {"player": {"S": "ann"}})
PUT = PutItem("scores", b'{"player":{"S":"ann"}}')
USED = {"ConsumedCapacity": {"TableName": "scores", "CapacityUnits": 1.5}}
ITEM = {"Item": {"player": {"S": "ann"}}}


@pytest.fixture(params=["sync", "async"])
def drive(request):
    """Drive a flow over a link, and return its value."""
    if request.param == "sync":
        return run
    return lambda flow, link: asyncio.run(arun(flow, link))


@pytest.fixture
def seen():
    """The requests that end in this test."""
    found: list[Any] = []
    observer = Observer(found.append, asks_units=True).begin()
    yield found
    observer.end()


def one(step):
    return (yield from step)


def test_a_request_is_one_record(drive, seen):
    script = Script([{**ITEM, **USED}])
    assert drive(one(GET), Link(script)) == b'{"player":{"S":"ann"}}'
    (request,) = seen
    assert (request.operation, request.table, request.index) == ("GetItem", "scores", None)
    assert (request.attempts, request.units, request.error) == (1, 1.5, None)
    assert (request.used.items_read, request.used.items_returned) == (1, 1)
    assert request.seconds >= 0
    assert request.call is GET
    assert request.bytes_received == len(requests._encode({**ITEM, **USED}))
    sent = {**GET.payload(), "ReturnConsumedCapacity": "INDEXES"}
    assert request.payload == sent
    assert request.bytes_sent == len(requests._encode(sent))


def test_all_attempts_are_one_record(drive, seen):
    script = Script([THROTTLED, ConnectionFailed("reset"), {**ITEM, **USED}])
    drive(one(GET), Link(script))
    (request,) = seen
    assert (request.attempts, request.error, request.units) == (3, None, 1.5)
    assert len(script.sent) == 3


def test_the_error_after_the_last_attempt_is_on_it_and_raised(drive, seen):
    with pytest.raises(Throttled) as raised:
        drive(one(GET), Link(Script([THROTTLED] * 4)))
    (request,) = seen
    assert (request.attempts, request.units, request.bytes_received) == (4, None, 0)
    assert request.error is raised.value


def test_an_error_that_is_not_tried_again_is_on_it_and_raised(drive, seen):
    with pytest.raises(ConditionFailed) as raised:
        drive(one(PUT), Link(Script([FAILED])))
    assert [(each.attempts, each.error) for each in seen] == [(1, raised.value)]


def test_a_broken_answer_is_asked_for_again_which_is_another_request(drive, seen):
    drive(one(GET), Link(Script([b"{", {**ITEM, **USED}])))
    assert [each.attempts for each in seen] == [1, 1]


def test_requests_that_run_together_are_a_record_each(drive, seen):
    together = Together([GET, PUT, GET], workers=3)
    drive(one(together), Link(Script([{}, FAILED, {}])))
    assert sorted(type(each.error).__name__ for each in seen) == [
        "ConditionFailed",
        "NoneType",
        "NoneType",
    ]


def test_a_deadline_is_kept_and_recorded(drive, seen):
    link = Link(Script([THROTTLED] * 4))
    link.deadline = 60.0
    link.retries = type(link.retries)(attempts=4, base=1e6, cap=1e6)
    with pytest.raises(Exception, match=r"deadline of 60 seconds") as raised:
        drive(one(GET), link)
    (request,) = seen
    assert request.error is raised.value
    assert request.attempts == 1


def test_what_has_no_units_says_none(drive, seen):
    drive(one(DescribeTable("scores")), Link(Script([{"Table": {"TableName": "scores"}}])))
    assert [each.units for each in seen] == [None]


def test_it_names_the_index(drive, seen):
    drive(one(Query("scores", index="by_day")), Link(Script([{}])))
    assert [each.index for each in seen] == ["by_day"]
    assert seen[0].title == "Query scores, index by_day"


def test_its_payload_is_plain_values(drive, seen):
    drive(one(PUT), Link(Script([{}])))
    assert seen[0].payload["Item"] == {"player": {"S": "ann"}}


def test_its_repr_has_no_keys_and_no_values(drive, seen):
    drive(one(GET), Link(Script([{}])))
    assert "ann" not in repr(seen)
    assert "GetItem" in repr(seen)


# -- who observes ----------------------------------------------------------------------------------
def test_nothing_is_asked_where_units_are_not_wanted(drive):
    seen = []
    observer = Observer(seen.append).begin()
    try:
        answers = [lambda _: {"Count": len(METERS.get()) and 1}]
        drive(one(GET), Link(Script(answers)))
    finally:
        observer.end()
    (request,) = seen
    assert "ReturnConsumedCapacity" not in request.payload
    assert (request.units, request.attempts) == (None, 1)


def test_a_block_that_measures_is_not_disturbed(drive, seen):
    with capacity() as used:
        drive(one(GET), Link(Script([THROTTLED, {**ITEM, **USED}])))
    assert (used.units, used.requests, used.attempts) == (1.5, 1, 2)
    assert METERS.get() == ()


def test_after_the_end_nothing_is_observed(drive):
    seen = []
    observer = Observer(seen.append).begin()
    observer.end()
    observer.end()
    drive(one(GET), Link(Script([{}])))
    assert seen == OBSERVERS == []


def test_one_link_may_be_meant(drive):
    mine, other = Link(Script([{}])), Link(Script([{}]))
    seen = []
    observer = Observer(seen.append, link=mine).begin()
    drive(one(GET), other)
    assert seen == []
    drive(one(PUT), mine)
    assert [each.operation for each in seen] == ["PutItem"]
    assert observer in OBSERVERS
    del mine
    gc.collect()
    assert observer not in OBSERVERS


def test_requests_of_an_observer_are_not_observed(drive):
    link, seen = Link(Script([{}, {}])), []

    def report(request):
        seen.append(request)
        yield PUT

    observer = Observer(report).begin()
    try:
        drive(one(GET), link)
    finally:
        observer.end()
    assert [each.operation for each in seen] == ["GetItem"]
    assert [each.api for each in link.transport.script.sent] == ["GetItem", "PutItem"]


def test_a_cancelled_request_leaves_no_meter_behind(seen):
    async def main():
        link = Link(Script())

        async def never(operation):
            await asyncio.Event().wait()

        link.async_transport.send = never
        task = asyncio.ensure_future(arun(one(GET), link))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert seen == []
    assert METERS.get() == ()


def test_threads_of_users_are_seen(seen):
    threads = [threading.Thread(target=run, args=(one(GET), Link(Script([{}])))) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(seen) == 8


# -- connect(slow=) --------------------------------------------------------------------------------
@pytest.mark.parametrize("slow", [0, -1, "1", True, float("nan"), float("inf")])
def test_a_limit_that_is_none_is_refused(slow):
    with pytest.raises(ConfigurationError, match="slow="):
        connect("memory://", slow=slow)


@pytest.mark.parametrize("flag", [1, "yes", None])
def test_a_flag_that_is_none_is_refused(flag):
    with pytest.raises(ConfigurationError, match="warn_n_plus_one="):
        connect("memory://", warn_n_plus_one=flag)


def test_connections_observe_nothing_unless_they_say_so():
    connect("memory://")
    assert OBSERVERS == []
    connection = connect("memory://", slow=1, warn_n_plus_one=True)
    assert len(OBSERVERS) == 2
    assert all(each.observes(connection) for each in OBSERVERS)
    assert connections.get_connection() is connection
