"""Log lines about requests: their level, their fields, and that nothing of an item is in them."""

from __future__ import annotations

import asyncio

import pytest

from dynamodb_py import batching, connect, signals
from dynamodb_py.exceptions import ConnectionFailed, Throttled, make_service_error
from dynamodb_py.flows import arun, run
from dynamodb_py.operations.batches import Put
from dynamodb_py.operations.items import GetItem
from dynamodb_py.operations.queries import Query
from dynamodb_py.reading.keys import make_identity_reader
from dynamodb_py.schema import KeyAttribute

from ..scripted import Link, Script
from .models import Author, Book

SECRET = "s3cr3t"
THROTTLED = make_service_error("ThrottlingException", f"slow down, {SECRET}")
GET = GetItem("scores", {"player": {"S": SECRET}})
FIELDS = ("operation", "table", "index", "seconds", "attempts", "units", "bytes", "error")


def fields_of(record):
    return {name: getattr(record, name) for name in FIELDS}


def one(step):
    return (yield from step)


def drive_async(flow, link):
    return asyncio.run(arun(flow, link))


@pytest.mark.parametrize("drive", [run, drive_async])
def test_each_retry_after_throttling_is_a_warning(drive, caplog):
    drive(one(GET), Link(Script([THROTTLED, ConnectionFailed("reset"), THROTTLED, {}])))
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert [record.attempts for record in caplog.records] == [1, 3]
    first = caplog.records[0]
    assert first.name == "dynamodb_py"
    text = "GetItem scores: throttled (ThrottlingException), attempt 2 in 0.00 s"
    assert first.getMessage() == text
    assert fields_of(first) == {
        "operation": "GetItem",
        "table": "scores",
        "index": None,
        "seconds": None,
        "attempts": 1,
        "units": None,
        "bytes": None,
        "error": "ThrottlingException",
    }
    assert SECRET not in caplog.text


@pytest.mark.parametrize("drive", [run, drive_async])
def test_the_last_attempt_is_no_retry(drive, caplog):
    with pytest.raises(Throttled):
        drive(one(GET), Link(Script([THROTTLED] * 4)))
    assert len(caplog.records) == 3


LEFT = {"UnprocessedItems": {"scores": [{"PutRequest": {"Item": {"player": {"S": SECRET}}}}]}}
KEY = {"player": {"S": SECRET}}
UNREAD = {"Responses": {}, "UnprocessedKeys": {"scores": {"Keys": [KEY]}}}


@pytest.mark.parametrize("drive", [run, drive_async])
def test_what_a_batch_left_unprocessed_is_a_warning(drive, caplog, monkeypatch):
    monkeypatch.setattr(batching, "BASE_PAUSE", 0.0)
    flow = batching.batch_write([Put("scores", KEY, b'{"player":{"S":"s3cr3t"}}')])
    drive(flow, Link(Script([LEFT, LEFT, {}])))
    texts = [record.getMessage() for record in caplog.records]
    assert texts == ["BatchWriteItem scores: throttled, 1 left unprocessed, again in 0.00 s"] * 2
    assert caplog.records[0].operation == "BatchWriteItem"
    assert SECRET not in caplog.text


@pytest.mark.parametrize("drive", [run, drive_async])
def test_keys_that_were_not_read_are_a_warning_unless_others_were(drive, caplog, monkeypatch):
    monkeypatch.setattr(batching, "BASE_PAUSE", 0.0)
    wanted = [("scores", KEY), ("scores", {"player": {"S": "ann"}})]
    read = {"scores": make_identity_reader((KeyAttribute("player", "S"),))}
    answers = [
        {"Responses": {"scores": [{"player": {"S": "ann"}}]}, **_without_responses(UNREAD)},
        UNREAD,
        {"Responses": {"scores": [KEY]}},
    ]
    found = drive(batching.batch_get(wanted, read), Link(Script(answers)))
    assert None not in found
    texts = [record.getMessage() for record in caplog.records]
    assert texts == ["BatchGetItem scores: throttled, 1 left unprocessed, again in 0.00 s"]


def _without_responses(answer):
    return {name: each for name, each in answer.items() if name != "Responses"}


def test_a_failure_of_the_network_is_no_throttling(caplog):
    run(one(GET), Link(Script([ConnectionFailed("reset"), {}])))
    assert not caplog.records


def test_each_answer_is_a_debug_line_with_fields(caplog):
    with caplog.at_level("DEBUG", logger="dynamodb_py"):
        list(Book.objects.filter(author=SECRET))
    (record,) = caplog.records
    assert record.getMessage().startswith("Query books: status 200, ")
    found = fields_of(record)
    assert found.pop("seconds") > 0
    assert found.pop("bytes") > 0
    assert found == {
        "operation": "Query",
        "table": "books",
        "index": "by_author",
        "attempts": None,
        "units": None,
        "error": None,
    }
    assert SECRET not in caplog.text


@pytest.fixture
def slow(database):
    """A connection for which every request is slow, to the database of the test."""
    connection = connect("memory://", alias="slow", slow=1e-9)
    connection.transport, connection.async_transport = (
        database.transport,
        database.async_transport,
    )
    return connection


def test_a_slow_request_is_a_warning_with_fields(slow, caplog):
    list(Book.objects.using("slow").filter(author=SECRET))
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("dynamodb_py", "WARNING")
    assert record.getMessage().startswith("Query books, index by_author: took ")
    found = fields_of(record)
    assert (found["operation"], found["table"], found["index"]) == ("Query", "books", "by_author")
    assert (found["attempts"], found["units"], found["error"]) == (1, None, None)
    assert found["seconds"] > 0
    assert found["bytes"] > 100
    assert SECRET not in caplog.text


def test_a_slow_request_that_fails_has_its_error_but_not_its_message(slow, caplog):
    with pytest.raises(Author.AlreadyExists):
        Author.objects.using("slow").create(name="author 1")
    (record,) = caplog.records
    assert record.error == "ConditionalCheckFailedException"
    assert "author 1" not in caplog.text


def test_slow_requests_are_those_of_the_connection(slow, caplog):
    Author.objects.get(name="author 1")
    assert not caplog.records


def test_what_is_quick_is_not_logged(database, caplog):
    connection = connect("memory://", alias="patient", slow=1000)
    connection.transport = database.transport
    Author.objects.using("patient").get(name="author 1")
    assert not caplog.records


def test_with_a_receiver_the_line_has_units_too(slow, caplog):
    def receive(**event):
        pass

    signals.request_sent.connect(receive)
    Author.objects.using("slow").get(name="author 1")
    assert [record.units for record in caplog.records] == [0.5]


def test_the_index_of_a_request_is_in_the_fields(caplog):
    run(one(Query("scores", index="by_day")), Link(Script([THROTTLED, {}])))
    assert [record.index for record in caplog.records] == ["by_day"]
