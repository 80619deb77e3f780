"""What cannot be used is refused by an error of the package, with its own message."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest

from dynamodb_py import (
    BinaryField,
    CharField,
    ConfigurationError,
    DecimalField,
    DictField,
    DynamoDBError,
    FloatField,
    IntegerField,
    ListField,
    Model,
    ValidationError,
    connect,
    connections,
)  # fmt: skip


class Odd(Model):
    id = CharField(hash_key=True)
    number = IntegerField()
    exact = DecimalField()
    share = FloatField()
    raw = BinaryField()
    doc = DictField()
    rows = ListField()


AMOUNTS = [None, True, "1", b"1", [], Odd, float("nan"), float("inf"), Decimal("NaN")]


@pytest.mark.parametrize("verb", ["incr", "decr"])
@pytest.mark.parametrize("field", ["number", "exact", "share"])
@pytest.mark.parametrize("amount", AMOUNTS, ids=repr)
def test_amounts_that_are_no_numbers(verb, field, amount):
    with pytest.raises(ValidationError, match=f"Odd.*{field}: "):
        getattr(Odd(id="a"), verb)(**{field: amount})


@pytest.mark.parametrize(
    "item",
    [
        {"id": "a"}, {"id": {"S": "a"}, "number": Decimal(5)}, {"id": {}}, {"id": {"X": "a"}}, {"id": None},
        {"id": {"S": "\ud800"}}, [1], 5, None, Odd, {"id": {"S": Odd}}, "\ud800",
    ],
    ids=ascii,
)  # fmt: skip
def test_items_that_from_db_refuses(item):
    with pytest.raises(ValidationError):
        Odd.from_db(item)


@pytest.mark.parametrize("values", [[1], None, "abc", 5], ids=repr)
def test_values_that_from_dict_refuses(values):
    with pytest.raises(ValidationError, match="takes a dict of values"):
        Odd.from_dict(values)


WIRES = [
    {"N": "1" * 5000}, {"N": "-" + "1" * 5000}, {"N": "1e999999999"}, {"N": "sNaN"}, {"N": "Infinity"}, {"N": "1_0x"},
    {"N": ""}, {"B": "!"}, {"S": ""}, {"L": [{"Z": 1}]}, {"M": {"a": {"N": "x"}}}, {"BOOL": "yes"}, {"NS": ["x"]},
]  # fmt: skip


@pytest.mark.parametrize("field", [field.name for field in Odd._fieldset])
@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: repr(wire)[:20])
def test_stored_values_of_every_kind_are_read_or_unreadable(field, wire):
    odd = Odd.from_db({"id": {"S": "a"}, field: wire, "undeclared": wire})
    for read in (lambda: repr(getattr(odd, field)), lambda: repr(odd), lambda: dict(odd.extra)):
        with suppress(DynamoDBError):
            read()


def test_lists_that_are_nested_too_deeply():
    item = b'{"id":{"S":"a"},"rows":' + b'{"L":[' * 30_000 + b'{"S":"x"}' + b"]}" * 30_000 + b"}"
    odd = Odd.from_db(item)
    for read in (lambda: odd.rows, lambda: odd.is_changed, lambda: odd.extra, lambda: repr(odd)):
        with pytest.raises(DynamoDBError):
            read()


SETTINGS = [
    *({name: value} for name in ("read_timeout", "connect_timeout")
      for value in (None, "5", 0, -1, float("inf"), float("nan"), True)),
    *({"pool_size": value} for value in (None, "5", -1, 1.5)),
    *({"retries": value} for value in ("5", 0, 1.5, True)),
    *({name: 5} for name in ("region_name", "endpoint_url", "profile_name", "aws_access_key_id",
      "aws_secret_access_key", "aws_session_token", "table_prefix", "table_name_format", "cursor_key", "verify",
      "session", "client")),
]  # fmt: skip


@pytest.mark.parametrize("given", SETTINGS, ids=repr)
def test_settings_that_connect_refuses(given, monkeypatch):
    monkeypatch.setattr(connections, "_connections", {})
    with pytest.raises(ConfigurationError, match=next(iter(given))):
        connect(**given)
    assert connections._connections == {}


def test_another_service_is_no_client(monkeypatch):
    import boto3

    monkeypatch.setattr(connections, "_connections", {})
    other, session = boto3.client("s3", "us-east-1"), boto3.Session(region_name="us-east-1")
    dynamodb = session.client("dynamodb")
    for given in ({"client": other}, {"client": session}, {"session": dynamodb}):
        with pytest.raises(ConfigurationError, match=next(iter(given))):
            connect(**given)
    for client in (dynamodb, session.resource("dynamodb")):
        assert connect(client=client).settings.client is client
