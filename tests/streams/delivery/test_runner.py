"""The runner on the engines: what is delivered, how often, in which order, and what is kept of it."""

import asyncio
import json
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest

from dynamodb_py import (
    CharField,
    ConfigurationError,
    DeliveryFailed,
    FailedRecord,
    IntegerField,
    Model,
    StreamNotFound,
    StreamRunner,
    Table,
    get_connection,
    record_from_event,
    stream_handler,
)
from dynamodb_py.flows import run
from dynamodb_py.signals import item_changed
from dynamodb_py.streams.delivery.leases import LEASE_TABLE, Lease, LeaseTable, read_leases


class Order(Model):
    class Meta:
        table_name = "orders"
        stream = "new_and_old_images"

    id = CharField(hash_key=True)
    total = IntegerField(default=0)


class Customer(Model):
    class Meta:
        table_name = "customers"
        stream = "new_and_old_images"

    id = CharField(hash_key=True)


class Plain(Model):
    class Meta:
        table_name = "plain"

    id = CharField(hash_key=True)


class Seen:
    """Receivers, what they were called with, and the end of a run after so many records."""

    def __init__(self, do) -> None:
        self.do = do
        self.records: list = []
        self.connected: list = []

    def connect(self, function, sender=Order) -> None:
        item_changed.connect(function, sender, weak=False)
        self.connected.append(function)

    @property
    def totals(self) -> list[tuple[str, int]]:
        return [(each.key["id"], each.new.total) for each in self.records]

    def note(self, record) -> None:
        """Note a record, and stop the runner at the last one."""
        self.records.append(record)
        if len(self.records) == self.expected:
            self.runner.stop()

    def run(self, models=Order, *, until: int, **given) -> None:
        """Run until so many records were delivered, sync or async."""
        self.expected = len(self.records) + until
        self.runner = StreamRunner(models, **{"name": "test", "poll": 0.05, **given})
        ends = threading.Timer(120, self.runner.stop)
        ends.start()

        def look(record, **kwargs) -> None:
            self.note(record)

        async def alook(record, **kwargs) -> None:
            await asyncio.sleep(0)
            self.note(record)

        receiver = look if self.do.mode == "sync" else alook
        item_changed.connect(receiver, weak=False)
        if not until:
            self.runner.stop()
        try:
            self.do(self.runner.run)
        finally:
            ends.cancel()
            item_changed.disconnect(receiver)
        assert len(self.records) == self.expected


@pytest.fixture
def seen(engine, do):
    Table(Order).create()
    found = Seen(do)
    yield found
    for each in found.connected:
        item_changed.disconnect(each)


def leases(name: str = "test") -> list[Lease]:
    """Return the leases of shards."""
    connection = get_connection()
    place = LeaseTable(connection.table_name(LEASE_TABLE), name)
    return [each for each in run(read_leases(place), connection).values() if each.number]


def write(*totals: int, id: str = "a") -> None:
    for total in totals:
        Order(id=id, total=total).save()


def test_each_change_is_delivered_and_each_name_gets_all(seen):
    write(1, 2)
    Order.get(id="a").delete()
    seen.run(until=3)
    assert [each.kind for each in seen.records] == ["insert", "modify", "remove"]
    assert seen.records[1].changes() == {"total": (1, 2)}
    write(4)
    seen.run(until=1)
    seen.run(until=4, name="other")
    kinds = [each.kind for each in seen.records]
    assert kinds == ["insert", "modify", "remove", "insert"] * 2


def test_a_stopped_runner_leaves_checkpoints_and_free_leases(seen):
    write(1, 2, 3)
    seen.run(until=2)
    held = [each for each in leases() if each.checkpoint]
    assert [each.checkpoint for each in held] == [seen.records[1].sequence_number]
    assert [each.owner for each in leases()] == [""] * len(leases())
    seen.run(until=1)
    assert seen.totals == [("a", 1), ("a", 2), ("a", 3)]


def test_several_models_are_delivered_by_one_runner(seen):
    Table(Customer).create()
    write(1)
    Customer.create(id="c")
    seen.run([Order, Customer], until=2)
    assert {each.model for each in seen.records} == {Order, Customer}


def test_a_runner_may_start_at_a_time(seen):
    write(1)
    later = datetime.now(timezone.utc) + timedelta(seconds=1)  # records have whole seconds
    seen.run(until=0, start=later)
    wait_until(later)
    write(2)
    seen.run(until=1, start="trim_horizon")  # the first run under a name decides
    assert seen.totals == [("a", 2)]


def test_a_runner_may_start_now(seen):
    write(1)
    wait_until(datetime.now(timezone.utc) + timedelta(seconds=1))
    seen.run(until=0, start="latest")
    write(2)
    seen.run(until=1)
    assert seen.totals == [("a", 2)]


def wait_until(moment: datetime) -> None:
    while (left := (moment - datetime.now(timezone.utc)).total_seconds()) >= 0:
        time.sleep(left + 0.001)


def test_a_receiver_that_fails_is_called_again(seen):
    calls = []

    def fail(record, **kwargs):
        calls.append(record.new.total)
        if len(calls) < 3:
            raise LookupError("not yet")

    seen.connect(fail)
    write(1, 2)
    seen.run(until=2, attempts=3)
    assert calls == [1, 1, 1, 2]
    assert seen.totals == [("a", 1), ("a", 2)]


def test_a_record_that_fails_goes_to_a_function_and_the_shard_goes_on(seen, do):
    failures = []

    def fail(record, **kwargs):
        if record.new.total == 2:
            raise LookupError("never")

    async def give(failed):
        failures.append(failed)

    seen.connect(fail)
    write(1, 2, 3)
    seen.run(until=3, attempts=2, on_failure=give if do.mode == "async" else failures.append)
    [failed] = failures
    assert (str(failed.error), failed.record.new.total) == ("never", 2)
    event = json.loads(json.dumps(failed.event))
    assert record_from_event(event, Order).changes() == {"total": (1, 2)}
    assert stream_handler(Order)({"Records": [event]})["batchItemFailures"]


def test_a_record_that_fails_stops_the_runner_where_no_function_takes_it(seen):
    broken = [True]

    def fail(record, **kwargs):
        if record.new.total == 2 and broken:
            raise LookupError("for now")

    seen.connect(fail)
    write(1, 2, 3)
    with pytest.raises(
        DeliveryFailed, match=r"fail failed 2 times for <StreamRecord modify of Order"
    ) as info:
        seen.run(until=3, attempts=2)
    assert info.value.failed.record.new.total == 2
    assert isinstance(info.value.__cause__, LookupError)
    assert seen.totals == [("a", 1)]
    broken.clear()
    seen.run(until=2)
    assert seen.totals == [("a", 1), ("a", 2), ("a", 3)]


class Kind(Model):
    class Meta:
        table_name = "orders"
        discriminator = "kind"
        unknown_kind = "raise"

    id = CharField(hash_key=True)


def test_an_item_that_cannot_be_loaded_goes_to_the_function_too(seen, engine):
    item = {"id": {"S": "b"}, "kind": {"S": "unknown"}}
    engine.boto3().put_item(TableName=engine.table_name("orders"), Item=item)
    message = r"a record cannot be loaded: record \d+ of the stream of"
    with pytest.raises(DeliveryFailed, match=message):
        seen.run(Kind, until=1)
    Kind.create(id="c")
    seen.run(Kind, until=2, on_failure=seen.note)
    [failed] = [each for each in seen.records if isinstance(each, FailedRecord)]
    assert (failed.record, failed.event["dynamodb"]["NewImage"]) == (None, item)
    [record] = [each for each in seen.records if each is not failed]
    assert record.key == {"id": "c"}


def test_a_table_needs_a_stream(seen, do):
    Table(Plain).create()
    with pytest.raises(StreamNotFound, match=r"set Meta.stream"):
        do(StreamRunner([Order, Plain], name="test").run)


@pytest.mark.known_fault("moto", "cannot switch a stream on again")
def test_a_stream_that_is_switched_off_and_on_is_read_on(seen, engine):
    client, name = engine.boto3(), engine.table_name("orders")
    write(1)
    seen.run(until=1)
    write(2)
    client.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})
    Table(Order).wait()
    specification = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    client.update_table(TableName=name, StreamSpecification=specification)
    Table(Order).wait()
    write(3)
    seen.run(until=2)
    assert seen.totals == [("a", 1), ("a", 2), ("a", 3)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": ""}, "a runner needs a name"),
        ({"attempts": 0}, "attempts=0: give a number from 1"),
        ({"lease_seconds": 0.5}, "lease_seconds=0.5: give a number from 1"),
        ({"poll": -1}, "poll=-1: give a number from 0"),
        ({"checkpoint_seconds": None}, "checkpoint_seconds=None: give a number"),
        ({"start": "now"}, "start='now': give \"trim_horizon\""),
        ({"start": datetime(2026, 1, 1)}, "a datetime with a time zone"),
    ],
)
def test_wrong_arguments_are_refused(given, message):
    with pytest.raises(ConfigurationError, match=message):
        StreamRunner(Order, **{"name": "test", **given})
