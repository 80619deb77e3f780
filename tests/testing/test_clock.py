"""The clock of an engine: what it shows, and what happens when it moves."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import Any

import pytest

from dynamodb_py import ConfigurationError
from dynamodb_py.testing import Clock, EmbeddedEngine

from .models import Account, Session

UTC = dt.timezone.utc
NOON = dt.datetime(2026, 7, 1, 12, tzinfo=UTC)
START = NOON.timestamp()
DAY = 86400


@pytest.fixture
def clock(monkeypatch):
    """A clock in a world where Python's stands at noon."""
    monkeypatch.setattr(time, "time", lambda: START)
    return Clock()


@pytest.fixture
def engine():
    with EmbeddedEngine() as engine:
        engine.clock.freeze(NOON)
        engine.create_tables(Session, Account)
        yield engine


def call(engine: EmbeddedEngine, api: str, **request: Any) -> Any:
    return json.loads(engine.local.answer(api, request))


def count(engine: EmbeddedEngine, model: Any = Session) -> int:
    """Return how many items are stored; models hide expired ones by Python's clock."""
    found: int = call(engine, "Scan", TableName=model._meta.table_name)["Count"]
    return found


# -- what it shows ---------------------------------------------------------------------------------


def test_it_goes_with_pythons_clock(clock, monkeypatch):
    assert clock() == START
    monkeypatch.setattr(time, "time", lambda: START + 5)
    assert (clock(), clock.now()) == (START + 5, NOON + dt.timedelta(seconds=5))


@pytest.mark.parametrize(
    ("do", "then", "later"),
    [
        pytest.param(lambda clock: clock.freeze(), 0, 0, id="freeze"),
        pytest.param(lambda clock: clock.freeze(START + 60), 60, 60, id="freeze at seconds"),
        pytest.param(
            lambda clock: clock.freeze(NOON + dt.timedelta(minutes=1)),
            60,
            60,
            id="freeze at a datetime",
        ),
        pytest.param(
            lambda clock: clock.freeze(dt.datetime(2026, 7, 1, 12, 1)),
            60,
            60,
            id="freeze at a naive datetime",
        ),
        pytest.param(
            lambda clock: (clock.freeze(), clock.tick(30)), 30, 30, id="frozen, tick by seconds"
        ),
        pytest.param(lambda clock: (clock.freeze(), clock.tick()), 1, 1, id="frozen, tick"),
        pytest.param(
            lambda clock: (clock.freeze(), clock.move_to(START + 9)), 9, 9, id="frozen, move"
        ),
        pytest.param(
            lambda clock: (clock.freeze(START + 60), clock.unfreeze()), 60, 65, id="unfreeze"
        ),
        pytest.param(
            lambda clock: (clock.freeze(START + 60), clock.reset()), 0, 5, id="frozen, reset"
        ),
        pytest.param(lambda clock: clock.tick(30), 30, 35, id="tick"),
        pytest.param(lambda clock: clock.tick(dt.timedelta(minutes=-1)), -60, -55, id="tick back"),
        pytest.param(
            lambda clock: clock.move_to(NOON + dt.timedelta(days=1)), DAY, DAY + 5, id="move"
        ),
        pytest.param(lambda clock: (clock.tick(30), clock.freeze()), 30, 30, id="tick, freeze"),
        pytest.param(lambda clock: (clock.tick(30), clock.reset()), 0, 5, id="tick, reset"),
        pytest.param(lambda clock: (clock.tick(30), clock.unfreeze()), 30, 35, id="tick, unfreeze"),
    ],
)
def test_it_can_be_frozen_and_moved(clock, monkeypatch, do, then, later):
    do(clock)
    assert clock() - START == then
    monkeypatch.setattr(time, "time", lambda: START + 5)
    assert clock() - START == later


@pytest.mark.parametrize("given", ["noon", True, float("nan"), float("inf"), b"1"])
@pytest.mark.parametrize(
    "do", [Clock.tick, Clock.move_to, Clock.freeze], ids=lambda do: do.__name__
)
def test_it_refuses_what_is_no_time(clock, do, given):
    with pytest.raises(ConfigurationError, match=r"the clock cannot take .*: give "):
        do(clock, given)
    assert clock() == START


# -- what happens when it moves --------------------------------------------------------------------


@pytest.mark.parametrize(
    "move",
    [
        lambda clock: clock.tick(61),
        lambda clock: clock.move_to(NOON + dt.timedelta(seconds=61)),
        lambda clock: clock.freeze(NOON + dt.timedelta(seconds=61)),
    ],
    ids=["tick", "move_to", "freeze"],
)
def test_expired_items_are_deleted_when_it_moves(engine, move):
    for at in range(500):  # more than one sweep takes
        Session.create(id=f"{at}", expires=NOON + dt.timedelta(seconds=60))
    Session.create(id="later", expires=NOON + dt.timedelta(hours=1))
    engine.clock.tick(59)
    assert count(engine) == 501
    move(engine.clock)
    with engine.local.store.read() as snapshot:  # no request was needed
        assert snapshot.count(snapshot.find_table("sessions"))[0] == 1


def test_deletions_by_ttl_are_in_the_stream_until_a_day_has_passed(engine):
    view = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    call(engine, "UpdateTable", TableName="sessions", StreamSpecification=view)
    Session.create(id="a", expires=NOON + dt.timedelta(seconds=60))

    def names():
        (stream,) = call(engine, "ListStreams", TableName="sessions")["Streams"]
        arn = stream["StreamArn"]
        described = call(engine, "DescribeStream", StreamArn=arn)["StreamDescription"]
        iterator = call(
            engine,
            "GetShardIterator",
            StreamArn=arn,
            ShardId=described["Shards"][0]["ShardId"],
            ShardIteratorType="TRIM_HORIZON",
        )["ShardIterator"]
        found = call(engine, "GetRecords", ShardIterator=iterator)["Records"]
        return [each["eventName"] for each in found]

    engine.clock.tick(61)
    assert names() == ["INSERT", "REMOVE"]
    engine.clock.tick(DAY - 30)
    assert names() == ["REMOVE"]
    engine.clock.tick(60)
    assert names() == []


def test_tokens_of_transactions_are_known_for_ten_minutes(engine):
    update = {
        "TableName": "accounts",
        "Key": {"id": {"S": "a"}},
        "UpdateExpression": "ADD balance :n",
        "ExpressionAttributeValues": {":n": {"N": "1"}},
    }

    def send() -> int:
        items = [{"Update": update}]
        call(engine, "TransactWriteItems", TransactItems=items, ClientRequestToken="once")
        return Account.objects.get(id="a").balance

    assert (send(), send()) == (1, 1)
    engine.clock.tick(599)
    assert send() == 1
    engine.clock.tick(2)
    assert send() == 2


def test_it_moves_for_one_engine_only_and_is_pythons_after_the_block(engine):
    with EmbeddedEngine() as other:
        assert abs(other.clock() - time.time()) < 60
    clock = engine.clock
    with pytest.raises(ConfigurationError), engine:
        pass
    assert clock() == START


def test_a_new_block_of_an_engine_begins_with_pythons_time():
    engine = EmbeddedEngine()
    with engine:
        engine.clock.freeze(NOON)
    with engine:
        assert abs(engine.clock() - time.time()) < 60


def test_whatever_freezes_pythons_time_freezes_the_engine_and_auto_now(monkeypatch):
    with EmbeddedEngine() as engine:
        engine.create_tables(Session)
        later = time.time() + 3600
        Session.create(id="a", expires=dt.datetime.fromtimestamp(later, UTC))
        monkeypatch.setattr(time, "time", lambda: later + 10)
        assert count(engine) == 0
