"""The transport over botocore: the same requests, the same bodies, the same errors as the wire's."""

from __future__ import annotations

import asyncio
import datetime as dt

import boto3
import botocore.config
import pytest
from moto import mock_aws

from dynamodb_py.credentials.sessions import make_client
from dynamodb_py.exceptions import (
    ConfigurationError,
    ConnectionFailed,
    DynamoDBError,
    ReadTimeout,
    ResponseCorrupted,
    ServiceUnavailable,
)
from dynamodb_py.http.binaries import with_bytes
from dynamodb_py.operations.base import Operation
from dynamodb_py.transports import AsyncBotoTransport, BotoTransport, Settings

from .. import faulty
from ..callers import Caller, Echo, settings
from ..faulty import FaultyServer, respond


class Anything(Operation[bytes], frozen=True):
    name: str
    body: dict[str, object]

    @property
    def api(self):
        return self.name

    def payload(self):
        return self.body

    def parse(self, outcome, /):
        return outcome


def client(url, **given):
    return make_client(settings(url, **given))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        pytest.param(faulty.close_after_request, ConnectionFailed, id="closed"),
        pytest.param(faulty.close_at_once, ConnectionFailed, id="closed at once"),
        pytest.param(faulty.half_body, ResponseCorrupted, id="half a body"),
        pytest.param(faulty.no_body, ResponseCorrupted, id="no body"),
        pytest.param(faulty.chunked_cut, ConnectionFailed, id="chunks without an end"),
        pytest.param(faulty.wrong_crc, ResponseCorrupted, id="wrong checksum"),
        pytest.param(faulty.no_json, ResponseCorrupted, id="no JSON"),
        pytest.param(faulty.stall, ReadTimeout, id="stall"),
        pytest.param(faulty.error("InternalServerError", "500 X"), ServiceUnavailable, id="500"),
        pytest.param(faulty.page("503 Service Unavailable"), ServiceUnavailable, id="503, no JSON"),
    ],
)
def test_faults_are_the_same_errors_through_botocore(fault, kind):
    with FaultyServer(fault, fault) as server:
        one = client(server.url, read_timeout=0.3 if kind is ReadTimeout else 10)
        door, adoor = BotoTransport(one), AsyncBotoTransport(one)
        for send in (door.send, lambda operation: asyncio.run(adoor.send(operation))):
            with pytest.raises(DynamoDBError) as caught:
                send(Echo("k"))
            assert type(caught.value) is kind, caught.value
            assert (caught.value.operation, caught.value.table) == ("GetItem", "test")
        one.close()


def test_binaries_and_numbers_go_there_and_come_back():
    item = {
        "name": {"S": "k"},
        "raw": {"B": b"\0\xff"},
        "set": {"BS": [b"\1", b"\2"]},
        "deep": {"L": [{"M": {"B": {"B": b"x"}, "BS": {"S": "AAE="}}}]},
        "number": {"N": "0.10"},
        "none": {"NULL": True},
    }

    def mirror(visit):
        return respond(visit, b'{"Item":%b}' % visit.request.body.split(b'"Item":', 1)[1][:-1])

    with FaultyServer(mirror, mirror) as server:
        one = client(server.url)
        put = Anything("PutItem", {"TableName": "test", "Item": item})
        get = Anything("GetItem", {"TableName": "test", "Key": {"name": {"S": "k"}}, "Item": item})
        BotoTransport(one).send(put)
        over_botocore = server.received[-1].payload
        wire = Caller(settings(server.url))
        wire.send(get)
        over_the_wire = server.received[-1].payload
        assert over_botocore["Item"] == over_the_wire["Item"]
        assert over_botocore["Item"]["deep"]["L"][0]["M"]["B"] == {"B": "eA=="}
        wire.end()
        one.close()


def test_the_bodies_of_both_ways_are_equal():
    body = b'{"Item":{"a":{"B":"AAE="},"b":{"BS":["AA=="]},"c":{"N":"1.50"},"d":{"BOOL":false}}}'
    with FaultyServer(*[lambda visit: respond(visit, body)] * 2) as server:
        one = client(server.url)
        wire = Caller(settings(server.url))
        assert BotoTransport(one).send(Echo("k")) == body == wire.transport.send(Echo("k"))
        wire.end()
        one.close()


def test_times_are_seconds_as_on_the_wire():
    body = b'{"Table":{"TableName":"test","CreationDateTime":1795000000.5}}'
    with FaultyServer(lambda visit: respond(visit, body)) as server:
        one = client(server.url)
        door = BotoTransport(one)
        assert door.send(Anything("DescribeTable", {"TableName": "test"})) == body
        when = dt.datetime(2026, 11, 18, tzinfo=dt.timezone.utc).timestamp()
        parameters = {"TableArn": "arn", "S3Bucket": "b", "ExportTime": when}
        door.send(Anything("ExportTableToPointInTime", parameters))
        assert server.received[-1].payload["ExportTime"] == when
        one.close()


def test_wrong_parameters_are_an_invalid_request_even_if_botocore_finds_them():
    one = boto3.client("dynamodb", region_name="eu-west-1")
    with pytest.raises(DynamoDBError, match="ValidationException") as caught:
        BotoTransport(one).send(Anything("GetItem", {"TableName": "t", "Key": 7}))
    assert type(caught.value).__name__ == "InvalidRequest"


def test_no_credentials_is_a_configuration_error_that_says_what_to_set(monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    door = BotoTransport(boto3.Session().client("dynamodb", region_name="eu-west-1"))
    with pytest.raises(ConfigurationError, match="Set AWS_ACCESS_KEY_ID and AWS_SECRET"):
        door.send(Echo("k"))


def test_a_failure_of_the_users_own_handler_is_left_alone():
    one = boto3.client("dynamodb", region_name="eu-west-1")

    def handler(**given):
        raise KeyError("mine")

    one.meta.events.register("before-call.dynamodb.GetItem", handler)
    with pytest.raises(KeyError, match="mine"):
        BotoTransport(one).send(Echo("k"))


def test_a_client_of_ours_has_the_settings_and_leaves_retries_to_the_driver():
    given = settings(
        "http://127.0.0.1:1", connect_timeout=1.5, read_timeout=2.5, pool_size=7, verify=False
    )
    config = make_client(given).meta.config
    assert isinstance(config, botocore.config.Config)
    assert (config.connect_timeout, config.read_timeout) == (1.5, 2.5)
    assert config.max_pool_connections == 7
    assert config.retries["total_max_attempts"] == 1


def test_a_client_of_ours_does_not_check_parameters_that_are_known_to_be_right():
    with FaultyServer() as server:
        one = client(server.url)
        BotoTransport(one).send(
            Anything("GetItem", {"TableName": "test", "Key": {"name": {"S": 7}}})
        )
        assert len(server.received) == 1
        one.close()


def test_only_our_own_requests_are_checked_on_a_users_client():
    with FaultyServer(faulty.fine, faulty.half_body, faulty.half_body) as server:
        one = client(server.url)
        door = BotoTransport(one)
        door.send(Echo("k"))
        assert "Item" not in one.get_item(**Echo("k").payload())  # as botocore has it
        with pytest.raises(ResponseCorrupted):
            door.send(Echo("k"))
        one.close()


def test_answers_of_moto_are_whole_by_every_measure():
    with mock_aws():
        one = boto3.client("dynamodb", region_name="eu-west-1")
        one.create_table(
            TableName="test",
            KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        one.put_item(TableName="test", Item={"name": {"S": "日本é"}})
        assert Echo("日本é").parse(BotoTransport(one).send(Echo("日本é"))) == "日本é"


def test_closing_leaves_the_users_client_open():
    with FaultyServer() as server:
        one = client(server.url)
        door = Caller(Settings(client=one))
        door.send(Echo("a"))
        door.end()
        assert server.open == 1
        one.close()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"B": "AAE="}, {"B": b"\0\1"}),
        ({"BS": ["AA==", ""]}, {"BS": [b"\0", b""]}),
        ({"B": {"S": "AAE="}}, {"B": {"S": "AAE="}}),
        ({"BS": [{"S": "x"}]}, {"BS": [{"S": "x"}]}),
        ({"M": {"B": {"B": ""}}}, {"M": {"B": {"B": b""}}}),
        ({"B": "x", "other": 1}, {"B": "x", "other": 1}),
        ([1, None, True, "B"], [1, None, True, "B"]),
    ],
)
def test_only_binaries_become_bytes(value, expected):
    assert with_bytes(value) == expected
