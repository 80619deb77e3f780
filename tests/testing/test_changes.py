"""``deliver_changes()``: receivers are called within a test, when it says so."""

import asyncio
from datetime import timedelta

import pytest

from dynamodb_py import (
    CharField,
    IntegerField,
    Model,
    SharedTable,
    StreamNotFound,
    StreamTrimmed,
    TimestampField,
)
from dynamodb_py.signals import item_changed
from dynamodb_py.testing import EmbeddedEngine


class Order(Model):
    class Meta:
        table_name = "orders"
        stream = "new_and_old_images"

    id = CharField(hash_key=True)
    total = IntegerField(default=0)


class App(SharedTable):
    class Meta:
        table_name = "app"
        stream = "new_image"

    pk = CharField(hash_key=True)


class User(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{name}"}

    name = CharField()


class Team(Model):
    class Meta:
        table = App
        keys = {"pk": "TEAM#{name}"}

    name = CharField()


class Session(Model):
    class Meta:
        table_name = "sessions"
        stream = "old_image"

    id = CharField(hash_key=True)
    until = TimestampField(ttl=True, after=timedelta(days=1))


class Plain(Model):
    class Meta:
        table_name = "plain"

    id = CharField(hash_key=True)


@pytest.fixture
def engine():
    with EmbeddedEngine() as engine:
        engine.create_tables(Order, App, Plain)
        yield engine


@pytest.fixture
def seen():
    """The senders and kinds of what is delivered."""
    found: list[tuple[str, str]] = []

    def look(sender, record, **kwargs):
        found.append((sender.__name__, record.kind))

    item_changed.connect(look)
    yield found
    item_changed.disconnect(look)


def test_each_call_delivers_what_has_changed_since_the_last_one(engine, seen):
    assert engine.deliver_changes(Order) == 0
    order = Order.create(id="a")
    assert engine.deliver_changes(Order) == 1
    assert engine.deliver_changes(Order) == 0
    order.delete()
    assert engine.deliver_changes([Order]) == 1
    assert seen == [("Order", "insert"), ("Order", "remove")]


def test_several_models_and_shared_tables_are_delivered(engine, seen):
    Order.create(id="a")
    User.create(name="x")
    Team.create(name="y")
    assert engine.deliver_changes([Order, User]) == 2
    assert seen == [("Order", "insert"), ("User", "insert")]
    Team.create(name="z")
    assert engine.deliver_changes(App) == 1


def test_what_was_there_before_a_snapshot_is_not_delivered_after_it(engine, seen):
    Order.create(id="a")
    snapshot = engine.snapshot()
    Order.create(id="b")
    assert engine.deliver_changes(Order) == 2
    engine.restore(snapshot)
    assert engine.deliver_changes(Order) == 0
    Order.create(id="c")
    assert engine.deliver_changes(Order) == 1
    engine.clear()
    Order.create(id="a")
    assert engine.deliver_changes(Order) == 1


def test_what_a_receiver_raises_is_raised_and_the_record_comes_again(engine):
    calls = []

    def fail(record, **kwargs):
        calls.append(record.key["id"])
        if calls == ["a", "b"]:
            raise LookupError("no such thing")

    item_changed.connect(fail, Order)
    for id in "abc":
        Order.create(id=id)
    with pytest.raises(LookupError, match="no such thing"):
        engine.deliver_changes(Order)
    assert engine.deliver_changes(Order) == 2
    assert calls == ["a", "b", "b", "c"]


def test_what_receivers_change_is_for_the_next_call(engine):
    def count(record, **kwargs):
        if record.kind == "insert" and record.new.total < 3:
            Order.create(id=record.key["id"] + "+", total=record.new.total + 1)

    item_changed.connect(count, Order)
    Order.create(id="a")
    assert [engine.deliver_changes(Order) for _ in range(5)] == [1, 1, 1, 1, 0]


def test_async_receivers_are_awaited(engine):
    seen = []

    async def look(record, **kwargs):
        await asyncio.sleep(0)
        seen.append(record.key["id"])

    item_changed.connect(look, Order)

    async def change():
        await Order.objects.acreate(id="b")
        return await engine.adeliver_changes(Order)

    Order.create(id="a")
    assert engine.deliver_changes(Order) == 1
    assert asyncio.run(change()) == 1
    assert seen == ["a", "b"]


def test_a_record_tells_that_ttl_removed_the_item(engine):
    records = []

    def look(record, **kwargs):
        records.append(record)

    item_changed.connect(look, Session)
    engine.create_tables(Session)
    Session.create(id="a")
    Session.create(id="b").delete()
    assert engine.deliver_changes(Session) == 3
    engine.clock.tick(timedelta(days=2))
    assert engine.deliver_changes(Session) == 1
    removed = {each.key["id"]: each.by_ttl for each in records if each.kind == "remove"}
    assert removed == {"a": True, "b": False}


def test_changes_that_are_trimmed_meanwhile_are_not_skipped_silently(engine, seen):
    for id in "ab":
        Order.create(id=id)
    engine.clock.tick(timedelta(hours=25))
    Order.create(id="c")
    with pytest.raises(StreamTrimmed, match="the clock moved on by over 24 hours"):
        engine.deliver_changes(Order)
    assert engine.deliver_changes(Order) == 1


def test_a_table_without_a_stream_is_refused(engine):
    Plain.create(id="a")
    with pytest.raises(StreamNotFound, match=r"the table plain has no stream: set Meta.stream"):
        engine.deliver_changes(Plain)
