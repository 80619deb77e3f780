"""Events of AWS Lambda, EventBridge Pipes and Kinesis: read, and handed to receivers."""

import asyncio
import base64
import json
import logging
import sys
from datetime import datetime, timezone

import pytest

from dynamodb_py import (
    BinaryField,
    CharField,
    ConfigurationError,
    IntegerField,
    Model,
    QueryError,
    SharedTable,
    UnreadableValue,
    connect,
    record_from_event,
    stream_handler,
)
from dynamodb_py.signals import item_changed

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/event-orders/stream/2026-01-01T00:00:00.000"


class Order(Model):
    class Meta:
        table_name = "event-orders"

    id = CharField(hash_key=True)
    total = IntegerField(default=0)
    photo = BinaryField()


class App(SharedTable):
    class Meta:
        table_name = "event-app"

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


def event(number: int = 1, **given) -> dict:
    """Return a record as Lambda has it, from the documentation of AWS."""
    image = {"id": {"S": "a"}, "total": {"N": str(number)}, "photo": {"B": "AP8="}}
    change = {
        "ApproximateCreationDateTime": 1479499740.0,
        "Keys": {"id": {"S": "a"}},
        "NewImage": image,
        "SequenceNumber": f"{number:021}",
        "SizeBytes": 41,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    return {
        "eventID": str(number),
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": change,
        "eventSourceARN": ARN,
        **given,
    }


def app_event(kind: str) -> dict:
    image = {"pk": {"S": f"{kind.upper()}#x"}, "name": {"S": "x"}, "_kind": {"S": kind}}
    change = {**event()["dynamodb"], "Keys": {"pk": image["pk"]}, "NewImage": image}
    return event(dynamodb=change, eventSourceARN=ARN.replace("event-orders", "event-app"))


@pytest.fixture(autouse=True)
def connection():
    connect(region_name="eu-west-1")


@pytest.fixture
def receive():
    """Connect functions to ``item_changed``, until the test ends."""
    connected = []

    def connect(function, sender=Order):
        item_changed.connect(function, sender, weak=False)
        connected.append(function)
        return function

    yield connect
    for each in connected:
        item_changed.disconnect(each)


def test_a_record_of_lambda_is_read():
    record = record_from_event(event(7))
    assert (record.kind, record.model, record.key) == ("insert", Order, {"id": "a"})
    assert isinstance(record.new, Order)
    assert (record.new.total, record.new.photo, record.old) == (7, b"\x00\xff", None)
    assert record.at == datetime(2016, 11, 18, 20, 9, tzinfo=timezone.utc)
    assert (record.sequence_number, record.stream) == (f"{7:021}", ARN)


def test_a_record_tells_that_ttl_removed_the_item():
    identity = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert record_from_event(event(userIdentity=identity)).by_ttl
    assert not record_from_event(event()).by_ttl


KINESIS = {
    "awsRegion": "eu-west-1",
    "eventID": "1",
    "eventName": "MODIFY",
    "userIdentity": None,
    "recordFormat": "application/json",
    "tableName": "event-orders",
    "dynamodb": {
        "ApproximateCreationDateTime": 1636000000123456,
        "ApproximateCreationDateTimePrecision": "MICROSECOND",
        "Keys": {"id": {"S": "a"}},
        "NewImage": event(7)["dynamodb"]["NewImage"],
        "OldImage": event(6)["dynamodb"]["NewImage"],
        "SizeBytes": 81,
    },
    "eventSource": "aws:dynamodb",
}
DATA = json.dumps(KINESIS).encode()
TEXT = base64.b64encode(DATA).decode()
SOURCE = {"eventSource": "aws:kinesis", "eventSourceARN": "arn:aws:kinesis:eu-west-1:1:stream/s"}


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (KINESIS, ""),
        (DATA, ""),
        (DATA.decode(), ""),
        (TEXT, ""),
        (TEXT.encode(), ""),
        ({"kinesis": {"data": TEXT, "sequenceNumber": "495"}, **SOURCE}, "495"),
        ({"data": TEXT, "sequenceNumber": "495", **SOURCE}, "495"),
    ],
    ids=["values", "bytes", "text", "base64", "base64 as bytes", "of Lambda", "of Pipes"],
)
def test_a_record_of_kinesis_is_read(given, number):
    record = record_from_event(given, Order)
    assert record.changes() == {"total": (6, 7)}
    assert record.at == datetime(2021, 11, 4, 4, 26, 40, 123456, tzinfo=timezone.utc)
    assert record.sequence_number == number


def test_times_of_kinesis_are_in_milliseconds_by_default():
    change = {**KINESIS["dynamodb"], "ApproximateCreationDateTime": 1636000000123}
    del change["ApproximateCreationDateTimePrecision"]
    record = record_from_event({**KINESIS, "dynamodb": change})
    assert record.at == datetime(2021, 11, 4, 4, 26, 40, 123000, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"dynamodb": {}},
        {"eventSourceARN": ARN, "dynamodb": 7},
        {"eventSourceARN": ARN, "dynamodb": {"Keys": {}}},
        {"kinesis": {}},
        {"kinesis": 7},
        {"Records": [event()]},
        {
            **KINESIS,
            "dynamodb": {**KINESIS["dynamodb"], "ApproximateCreationDateTimePrecision": "h"},
        },
        b"{}",
        "not base64",
        None,
        7,
    ],
)
def test_what_is_no_record_is_refused(given):
    with pytest.raises(QueryError, match="an event is a record of a stream"):
        record_from_event(given)


def test_the_model_of_an_event_is_found():
    assert record_from_event(app_event("User")).model is User
    assert record_from_event(app_event("Team"), User, Team).model is Team
    assert record_from_event(app_event("Team"), App).model is Team
    with pytest.raises(QueryError, match="belongs to none of the models User"):
        record_from_event(app_event("Team"), User)
    with pytest.raises(ConfigurationError, match="no model has the table 'of-no-model'"):
        record_from_event({**KINESIS, "tableName": "of-no-model"})
    with pytest.raises(ConfigurationError, match="given models have event-app"):
        record_from_event(event(), User)


def test_names_of_tables_are_those_of_the_connection():
    connect(region_name="eu-west-1", table_prefix="dev-")
    with pytest.raises(ConfigurationError, match="check the table_prefix of the connection"):
        record_from_event(event())
    arn = ARN.replace("table/", "table/dev-")
    assert record_from_event(event(eventSourceARN=arn)).model is Order


FINE = {"batchItemFailures": []}


@pytest.mark.parametrize(
    "wrap", [lambda records: {"Records": records}, list], ids=["Lambda", "Pipes"]
)
def test_a_handler_delivers_the_records_in_order(receive, wrap):
    seen = []

    @receive
    def look(sender, record, **kwargs):
        seen.append((sender, record.new.total))

    handler = stream_handler(Order)
    assert handler(wrap([event(1), event(2), event(3)]), None) == FINE
    assert seen == [(Order, 1), (Order, 2), (Order, 3)]


def test_a_handler_awaits_async_receivers(receive):
    seen = []

    @receive
    async def look(sender, record, **kwargs):
        await asyncio.sleep(0)
        seen.append(record.new.total)

    assert stream_handler([Order])({"Records": [event(1)]}, None) == FINE
    assert seen == [1]


@pytest.mark.parametrize(
    ("records", "number", "delivered"),
    [
        ([event(1), event(2), event(3)], f"{2:021}", [1, 2]),
        ([{"kinesis": {"data": TEXT, "sequenceNumber": "495"}, **SOURCE}], "495", [7]),
    ],
    ids=["DynamoDB", "Kinesis"],
)
def test_a_handler_stops_at_the_first_record_that_fails(
    receive, caplog, records, number, delivered
):
    seen = []

    @receive
    def look(sender, record, **kwargs):
        seen.append(record.new.total)
        if record.new.total in (2, 7):
            raise LookupError("no such thing")

    with caplog.at_level(logging.ERROR, "dynamodb_py"):
        answer = stream_handler(Order)({"Records": records})
    assert answer == {"batchItemFailures": [{"itemIdentifier": number}]}
    assert seen == delivered
    assert "no such thing" in caplog.text
    assert number in caplog.text


def test_a_record_that_cannot_be_loaded_fails(receive, caplog):
    receive(lambda sender, **kwargs: None)
    poison = event(5)
    poison["dynamodb"]["NewImage"] = {"id": {"S": "a"}, "total": {"S": "many"}}
    seen = receive(lambda record, **kwargs: record.new.total)
    answer = stream_handler(Order)({"Records": [event(4), poison]})
    assert answer == {"batchItemFailures": [{"itemIdentifier": f"{5:021}"}]}
    with pytest.raises(UnreadableValue):
        seen(record=record_from_event(poison))


def test_nothing_is_delivered_where_a_record_is_of_another_table(receive):
    seen = []
    receive(lambda record, **kwargs: seen.append(record))
    other = event(eventSourceARN=ARN.replace("event-orders", "others"))
    handler = stream_handler(Order)
    with pytest.raises(
        ConfigurationError, match="of the table 'others', and the given models have"
    ):
        handler({"Records": [event(1), other]})
    with pytest.raises(QueryError, match="an event is a record"):
        handler({"Records": [event(1), {}]})
    for wrong in ({}, {"Records": None}, None, "text", 7):
        with pytest.raises(QueryError, match="an event has a list of"):
            handler(wrong)
    assert seen == []


def test_items_of_other_models_are_passed_over(receive):
    seen = []
    for sender in (User, Team):
        receive(lambda sender, **kwargs: seen.append(sender), sender)
    records = {"Records": [app_event("User"), app_event("Team")]}
    assert stream_handler(Team)(records) == FINE
    assert seen == [Team]
    assert stream_handler(App)(records) == FINE
    assert seen == [Team, User, Team]


def test_a_handler_takes_a_module(receive):
    seen = []
    for sender in (Order, User, Team):
        receive(lambda sender, **kwargs: seen.append(sender), sender)
    handler = stream_handler(sys.modules[__name__])
    assert handler([event(), app_event("User"), app_event("Team")], None) == FINE
    assert seen == [Order, User, Team]


def test_a_handler_takes_models_only():
    with pytest.raises(ConfigurationError, match="no models were given"):
        stream_handler([])
    with pytest.raises(TypeError, match="has no table"):
        stream_handler(int)
