"""Whatever an answer holds, the call returns or raises a DynamoDBError: a fuzzer."""

from __future__ import annotations

import asyncio
import random

import pytest

from dynamodb_py import (
    BinaryField,
    CharField,
    DateTimeField,
    DecimalField,
    DictField,
    DynamoDBError,
    FloatField,
    IntegerField,
    ListField,
    Model,
    SetField,
    Table,
    VersionField,
    connections,
    transaction,
)  # fmt: skip
from dynamodb_py.credentials.settings import Settings
from dynamodb_py.exceptions import ResponseCorrupted, make_service_error
from dynamodb_py.http.codec import Response
from dynamodb_py.http.responses import read_answer
from dynamodb_py.retries import Retries


class Thing(Model):
    class Meta:
        table_name = "things"

    id = CharField(hash_key=True)
    n = IntegerField(range_key=True)
    size = IntegerField()
    exact = DecimalField()
    share = FloatField()
    raw = BinaryField()
    at = DateTimeField()
    doc = DictField()
    rows = ListField()
    tags = SetField(CharField())
    version = VersionField()


ITEM = (
    b'{"id":{"S":"a"},"n":{"N":"1"},"size":{"N":"7"},"exact":{"N":"1.5"},"share":{"N":"2.5"},"raw":{"B":"AAE="},'
    b'"at":{"S":"2024-01-02T03:04:05Z"},"doc":{"M":{"k":{"L":[{"N":"1"},{"NULL":true}]}}},'
    b'"rows":{"L":[{"S":"x"},{"BOOL":true}]},"tags":{"SS":["t"]},"version":{"N":"1"},"other":{"NS":["1"]}}'
)
KEY = b'{"id":{"S":"a"},"n":{"N":"1"}}'


def look(thing):
    """Read what an application would."""
    if isinstance(thing, list):
        return [look(each) for each in thing]
    if isinstance(thing, Model):
        return repr(thing), thing.is_changed, dict(thing.extra), thing.changes()
    return repr(thing)


def change():
    thing = Thing.from_db(ITEM)
    thing.size = 8
    thing.save()
    return look(thing)


def transact():
    with transaction.atomic():
        Thing(id="a", n=1).save(force_insert=True)
        Thing(id="b", n=1).save(force_insert=True)


CALLS = {
    "get": (lambda: look(Thing.get("a", 1)), b'{"Item":%b}' % ITEM),
    "aget": (lambda: look(asyncio.run(Thing.aget("a", 1))), b'{"Item":%b}' % ITEM),
    "batch_get": (
        lambda: look(Thing.batch_get(("a", 1), ("b", 1))),
        b'{"Responses":{"things":[%b]},"UnprocessedKeys":{}}' % ITEM,
    ),
    "batch_get, unprocessed": (
        lambda: look(Thing.batch_get(("a", 1), ("b", 1))),
        b'{"Responses":{},"UnprocessedKeys":{"things":{"Keys":[%b]}}}' % KEY,
    ),
    "query": (
        lambda: look(list(Thing.objects.filter(id="a"))),
        b'{"Items":[%b],"Count":1,"ScannedCount":1}' % ITEM,
    ),
    "query, more": (
        lambda: look(list(Thing.objects.filter(id="a").limit(2))),
        b'{"Items":[%b],"Count":1,"ScannedCount":1,"LastEvaluatedKey":%b}' % (ITEM, KEY),
    ),
    "page": (
        lambda: look(Thing.objects.filter(id="a").page(size=1).next_cursor),
        b'{"Items":[%b],"Count":1,"ScannedCount":1,"LastEvaluatedKey":%b}' % (ITEM, KEY),
    ),
    "values": (
        lambda: look(list(Thing.objects.filter(id="a").values("size", "doc"))),
        b'{"Items":[%b],"Count":1,"ScannedCount":1}' % ITEM,
    ),
    "count": (
        lambda: look(Thing.objects.filter(id="a").count()),
        b'{"Count":1,"ScannedCount":1}',
    ),
    "update": (
        lambda: look(Thing.from_db(ITEM).update(size=8, returning="new")),
        b'{"Attributes":%b}' % ITEM,
    ),
    "incr": (lambda: look(Thing.from_db(ITEM).incr(size=1)), b'{"Attributes":%b}' % ITEM),
    "save": (change, b'{"Attributes":{}}'),
    "batch_write": (
        lambda: Thing.batch_write([Thing(id="a", n=1), Thing(id="b", n=1)], overwrite=True),
        b'{"UnprocessedItems":{"things":[{"PutRequest":{"Item":%b}}]}}' % ITEM,
    ),
    "transaction": (transact, b"{}"),
    "transaction.get": (
        lambda: look(transaction.get([Thing(id="a", n=1)])),
        b'{"Responses":[{"Item":%b}]}' % ITEM,
    ),
    "describe": (
        lambda: Table(Thing).exists(),
        b'{"Table":{"TableName":"things","TableStatus":"ACTIVE","KeySchema":[]}}',
    ),
}
ERRORS = {
    "condition": b'{"__type":"x#ConditionalCheckFailedException","message":"no","Item":%b}' % ITEM,
    "throttled": b'{"__type":"x#ThrottlingException","ThrottlingReasons":[{"reason":"r","resource":"t"}]}',
    "canceled": b'{"__type":"x#TransactionCanceledException","CancellationReasons":[{"Code":"ConditionalCheckFailed",'
    b'"Message":"m","Item":%b},{"Code":"None"}]}' % ITEM,
}


class Answering:
    """A transport that answers always the same."""

    def __init__(self, status: int, body: bytes) -> None:
        self.response = Response(status, {}, body, True)
        self.sent = 0

    def send(self, operation):
        self.sent += 1
        if self.sent > 12:  # an answer may say for ever that there is more
            raise make_service_error("ValidationException", "enough")
        return read_answer(self.response, operation)

    def close(self):
        pass


class AsyncAnswering(Answering):
    async def send(self, operation):
        self.sent += 1
        if self.sent > 12:  # an answer may say for ever that there is more
            raise make_service_error("ValidationException", "enough")
        return read_answer(self.response, operation)


def mutate(body: bytes, seed: int):
    """Yield answers: cut and doubled at places, and with changed bytes and members."""
    chance = random.Random(seed)
    for at in range(0, len(body), 4):
        yield body[:at] + b"}"
        yield body[:at] + body[at : at + 12] + body[at:]
        for new in (b"0", b'"', b"\xff", chance.randbytes(1)):
            yield body[:at] + new + body[at + 1 :]
    for old in (
        b'"S"',
        b'"N"',
        b'"M"',
        b'"L"',
        b'"B"',
        b'"1"',
        b'"7"',
        b'"a"',
        b"[",
        b"true",
        b"things",
        b'"SS"',
        KEY,
    ):
        for new in (
            b'"N"',
            b'"B"',
            b'"Z"',
            b'"1e999999999"',
            b'"sNaN"',
            b"null",
            b"[]",
            b"1",
            b"{}",
            b'"\\ud800"',
        ):
            yield body.replace(old, new)
            yield body.replace(old, new, 1)


def ask(call, status, body, monkeypatch):
    """Return the answer of *call*, or its error, which has to be a DynamoDBError."""
    connection = connections.Connection(
        Settings(region_name="eu-west-1"), retries=Retries(attempts=1)
    )
    connection.transport, connection.async_transport = (
        Answering(status, body), AsyncAnswering(status, body),
    )  # fmt: skip
    monkeypatch.setitem(connections._connections, "default", connection)
    try:
        return call()
    except DynamoDBError as error:
        return str(error), error


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Do not wait for a batch that gets no further."""
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.mark.parametrize("name", CALLS)
def test_every_answer_ends_in_a_result_or_a_dynamodb_error(name, monkeypatch):
    call, body = CALLS[name]
    for seed, broken in enumerate(mutate(body, 0)):
        try:
            ask(call, 200, broken, monkeypatch)
        except Exception as error:
            raise AssertionError(f"{seed}: {broken!r}") from error


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("name", ["get", "save", "transaction"])
def test_every_error_is_a_dynamodb_error(name, kind, monkeypatch):
    call, _ = CALLS[name]
    for broken in mutate(ERRORS[kind], 1):
        try:
            ask(call, 400, broken, monkeypatch)
        except Exception as error:
            raise AssertionError(f"{broken!r}") from error


@pytest.mark.parametrize(("name", "tries"), [("get", 2), ("batch_get", 1), ("incr", 1)])
def test_a_broken_answer_is_asked_for_again_where_that_is_safe(name, tries, monkeypatch):
    call, _ = CALLS[name]
    _, error = ask(call, 200, b'{"Item":1,"Attributes":[],"Responses":3}', monkeypatch)
    assert isinstance(error, ResponseCorrupted)
    assert connections.get_connection().transport.sent == tries
