"""The signal ``request_sent``: what receivers get, and that they change no outcome."""

from __future__ import annotations

import asyncio

import pytest

from dynamodb_py import CharField, Model, Table, connect, connections
from dynamodb_py.observing import OBSERVERS
from dynamodb_py.signals import request_sent


class Letter(Model):
    class Meta:
        table_name = "letters"

    number = CharField(hash_key=True)


@pytest.fixture(autouse=True)
def database(monkeypatch):
    monkeypatch.setattr(connections, "_connections", {})
    connection = connect("memory://")
    Table(Letter).create()
    return connection


@pytest.fixture
def connected():
    """Connect receivers for the time of a test."""
    receivers = []

    def connect_receiver(receiver):
        receivers.append(request_sent.connect(receiver))

    yield connect_receiver
    for receiver in receivers:
        request_sent.disconnect(receiver)
    assert OBSERVERS == []


def write():
    Letter.create(number="1")


def write_async():
    asyncio.run(Letter.acreate(number="1"))


WAYS = pytest.mark.parametrize("write", [write, write_async])


@WAYS
def test_a_receiver_gets_each_request_once(write, connected):
    events = []

    def receive(sender, **event):
        events.append((sender.__name__, event))

    connected(receive)
    write()
    ((sender, event),) = events
    assert event.pop("signal") is request_sent
    assert sender == "PutItem"
    assert event.pop("seconds") > 0
    request = event.pop("request")
    assert event == {
        "operation": "PutItem",
        "table": "letters",
        "index": None,
        "attempts": 1,
        "units": 1.0,
        "bytes": request.bytes_sent + request.bytes_received,
        "error": None,
    }


@WAYS
def test_a_receiver_may_be_async(write, connected):
    seen = []

    async def receive(sender, operation, **event):
        await asyncio.sleep(0)
        seen.append(operation)

    connected(receive)
    write()
    assert seen == ["PutItem"]


@WAYS
def test_a_receiver_gets_the_error_that_is_raised(write, connected):
    errors = []

    def receive(error, **event):
        errors.append(error)

    write()
    connected(receive)
    with pytest.raises(Letter.AlreadyExists) as raised:
        write()
    assert len(errors) == 1
    assert raised.value.__cause__ is errors[0] or raised.value.__context__ is errors[0]


@WAYS
def test_a_receiver_that_fails_is_logged_and_changes_nothing(write, connected, caplog):
    seen = []

    def fail(**event):
        raise KeyError("mine")

    async def afail(**event):
        raise KeyError("also mine")

    def receive(**event):
        seen.append(event["operation"])

    for each in (fail, afail, receive):
        connected(each)
    write()
    assert Letter.objects.get_or_none("1") is not None
    assert seen[0] == "PutItem"
    assert [record.levelname for record in caplog.records[:2]] == ["ERROR"] * 2
    assert "fail" in caplog.records[0].getMessage()
    assert "mine" in caplog.text


def test_an_async_receiver_that_cannot_be_awaited_is_logged(connected, caplog):
    async def receive(**event):
        raise AssertionError("never called")

    async def main():
        write()

    connected(receive)
    asyncio.run(main())
    assert Letter.objects.get_or_none("1") is not None
    assert "has to be awaited" in caplog.text


@WAYS
def test_requests_of_a_receiver_are_not_sent_to_it(write, connected):
    seen = []

    def receive(operation, **event):
        seen.append(operation)
        Letter(number=f"for {operation}").save()

    connected(receive)
    write()
    assert seen == ["PutItem"]
    assert Letter.objects.get_or_none("for PutItem") is not None
    assert seen == ["PutItem", "GetItem"]


def test_nobody_observes_while_no_receiver_is_connected():
    assert OBSERVERS == []

    def receive(**event):
        pass

    request_sent.connect(receive)
    assert len(OBSERVERS) == 1
    request_sent.connect(receive)
    assert len(OBSERVERS) == 1
    del receive
    assert OBSERVERS == []


def test_it_cannot_be_connected_for_one_model():
    with pytest.raises(TypeError, match="request_sent cannot be connected for one model only"):
        request_sent.connect(lambda **event: None, sender=Letter, weak=False)
