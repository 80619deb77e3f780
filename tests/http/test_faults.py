"""What a server may do to a request: it is survived or gives the right error, never a wrong answer."""

from __future__ import annotations

import pytest

from dynamodb_py.exceptions import (
    ConnectionFailed,
    DynamoDBError,
    InvalidRequest,
    ReadTimeout,
    ResponseCorrupted,
    ServiceError,
    ServiceUnavailable,
    Throttled,
)
from dynamodb_py.http import codec, sockets, streams

from .. import faulty
from ..callers import Caller, Echo, settings
from ..faulty import FaultyServer, error


def patience(kind: type[Exception]) -> float:
    """Return the seconds to wait: few where that is the test, more than a busy machine needs elsewhere."""
    return 0.5 if kind is ReadTimeout else 10.0


# What is done to one request, and the exact class of the exception that comes of it alone.
TRANSIENT = [
    pytest.param(faulty.close_at_once, ConnectionFailed, id="closed at once"),
    pytest.param(faulty.close_after_request, ConnectionFailed, id="closed after the request"),
    pytest.param(error("InternalServerError", "500 X"), ServiceUnavailable, id="500"),
    pytest.param(error("Unheard", "500 X"), ServiceUnavailable, id="500 with an unknown code"),
    pytest.param(faulty.page("503 Service Unavailable"), ServiceUnavailable, id="503, no JSON"),
    pytest.param(faulty.page_without_length, ServiceUnavailable, id="503, no length"),
    pytest.param(faulty.page("429 Too Many Requests"), Throttled, id="429, no JSON"),
    pytest.param(faulty.page("408 Request Timeout"), ServiceError, id="408, no JSON"),
    pytest.param(error("ThrottlingException"), Throttled, id="throttled"),
    pytest.param(faulty.stall, ReadTimeout, id="stall"),
    pytest.param(faulty.stall_in_body, ReadTimeout, id="stall in the body"),
    pytest.param(faulty.trickle, ReadTimeout, id="trickle"),
    pytest.param(faulty.half_head, ResponseCorrupted, id="half a head"),
    pytest.param(faulty.no_body, ResponseCorrupted, id="no body"),
    pytest.param(faulty.half_body, ResponseCorrupted, id="half a body"),
    pytest.param(faulty.chunked_cut, ResponseCorrupted, id="chunks without an end"),
    pytest.param(faulty.wrong_crc, ResponseCorrupted, id="wrong checksum"),
    pytest.param(faulty.flipped_byte, ResponseCorrupted, id="changed on its way"),
    pytest.param(faulty.garbage, ResponseCorrupted, id="garbage"),
    pytest.param(faulty.no_json, ResponseCorrupted, id="success without JSON"),
    pytest.param(faulty.empty_success, ResponseCorrupted, id="success without a body"),
    pytest.param(faulty.compressed, ResponseCorrupted, id="compressed"),
    pytest.param(faulty.two_lengths, ResponseCorrupted, id="two lengths"),
]


@pytest.mark.parametrize(("fault", "kind"), TRANSIENT)
def test_a_fault_gives_its_error_and_leaves_the_transport_usable(caller, fault, kind):
    with FaultyServer(fault) as server:
        client = caller(server.url, read_timeout=patience(kind))
        said = client.outcome(Echo("a"))
        assert type(said) is kind, said
        assert (said.operation, said.table, said.attempts) == ("GetItem", "test", 1)
        assert client.send(Echo("b")) == "b"
        client.close()
        assert server.wait_until_empty()


@pytest.mark.parametrize(("fault", "kind"), TRANSIENT)
def test_two_faults_in_a_row_are_survived_by_three_attempts(caller, fault, kind):
    with FaultyServer(fault, fault) as server:
        client = caller(server.url, read_timeout=patience(kind))
        assert client.run(Echo("a")) == "a"
        client.close()
        assert server.wait_until_empty()


@pytest.mark.parametrize(
    ("fault", "kind"), [case for case in TRANSIENT if case.id in ("stall", "500", "half a body")]
)
def test_three_faults_in_a_row_are_the_error_of_the_last(caller, fault, kind):
    with FaultyServer(fault, fault, fault) as server:
        client = caller(server.url, read_timeout=patience(kind))
        said = client.outcome(Echo("a"), attempts=3)
        assert type(said) is kind
        assert said.attempts == 3
        assert len(server.received) == 3
        assert client.send(Echo("b")) == "b"


@pytest.mark.parametrize(
    "fault",
    [
        faulty.fine,
        faulty.no_crc,
        faulty.chunked,
        faulty.in_pieces,
        faulty.interim,
        faulty.say_close,
        faulty.close_after_answer,
        faulty.too_much,
    ],
)
def test_a_right_answer_in_any_shape_is_the_answer(caller, fault):
    with FaultyServer(fault) as server:
        client = caller(server.url)
        assert client.send(Echo("a")) == "a"
        assert client.run(Echo("b")) == "b"
        client.close()
        assert server.wait_until_empty()


@pytest.mark.parametrize(
    ("code", "members", "kind", "words"),
    [
        ("ValidationException", {}, InvalidRequest, "GetItem on test: ValidationException: so it"),
        ("ValidationException", {"message": None, "Message": "M"}, InvalidRequest, "Exception: M"),
        ("NobodyKnows", {}, ServiceError, "NobodyKnows: so it is (request REQUEST1)"),
    ],
)
def test_a_refusal_is_not_tried_again(caller, code, members, kind, words):
    with FaultyServer(error(code, **members)) as server:
        said = caller(server.url).outcome(Echo("a"), attempts=3)
    assert type(said) is kind
    assert words in str(said)
    assert (said.code, said.status, said.request_id) == (code, 400, "REQUEST1")
    assert len(server.received) == 1


def test_a_failed_condition_carries_the_item_with_its_bytes(caller):
    item = {"data": {"B": "AAE="}, "parts": {"BS": ["AA=="]}, "B": {"S": "AAE="}}
    with FaultyServer(error("ConditionalCheckFailedException", Item=item)) as server:
        said = caller(server.url).outcome(Echo("a"))
    assert said.current == {
        "data": {"B": b"\0\1"},
        "parts": {"BS": [b"\0"]},
        "B": {"S": "AAE="},
    }


def test_a_canceled_transaction_carries_its_reasons(caller):
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": {"a": {"B": "AA=="}}}]
    fault = error("TransactionCanceledException", CancellationReasons=reasons)
    with FaultyServer(fault) as server:
        said = caller(server.url).outcome(Echo("a"))
    assert said.reasons[1].item == {"a": {"B": b"\0"}}


def test_requests_go_over_one_connection_as_long_as_it_is_kept(caller):
    with FaultyServer() as server:
        client = caller(server.url)
        assert [client.send(Echo(str(i))) for i in range(20)] == [str(i) for i in range(20)]
        assert server.accepted == 1
        client.close()
        assert server.wait_until_empty()
        assert client.send(Echo("again")) == "again"


def test_an_idle_connection_that_the_server_closed_is_not_used(caller):
    with FaultyServer() as server:
        client = caller(server.url)
        client.send(Echo("a"))
        server.drop()
        assert server.wait_until_empty()
        assert client.send(Echo("b")) == "b"  # without a retry
        assert server.accepted == 2


def test_no_server_is_a_connection_failure_that_names_the_place(caller):
    with FaultyServer() as server:
        pass
    said = caller(server.url).outcome(Echo("a"))
    assert type(said) is ConnectionFailed
    assert f"127.0.0.1:{server.port}" in str(said)
    assert said.operation == "GetItem"


def test_a_host_that_nobody_knows_says_what_to_check(caller):
    said = caller("http://nowhere.invalid:8000").outcome(Echo("a"))
    assert type(said) is ConnectionFailed
    assert "region_name, endpoint_url" in str(said)


def test_every_error_is_of_our_own_tree(caller):
    with FaultyServer(faulty.garbage) as server:
        assert isinstance(caller(server.url).outcome(Echo("a")), DynamoDBError)


@pytest.mark.parametrize("size", [70_000, 3_000_000])
def test_a_long_answer_arrives_whole(caller, size):
    with FaultyServer() as server:
        client = caller(server.url)
        text = "é" * size
        assert client.send(Echo(text)) == text
        assert client.send(Echo("short")) == "short"
        assert server.accepted == 1


def test_an_answer_like_one_before_that_comes_at_once_takes_no_reader(caller, monkeypatch):
    monkeypatch.setattr(codec, "_learned", [])
    with FaultyServer() as server:
        client = caller(server.url)
        assert client.send(Echo("a")) == "a"
        for room in (sockets, streams):
            monkeypatch.setattr(room, "ResponseReader", None)
        assert client.send(Echo("b")) == "b"
        assert server.accepted == 1


@pytest.mark.parametrize(("fault", "kind"), TRANSIENT)
def test_where_the_system_has_no_poll_the_errors_are_the_same(monkeypatch, fault, kind):
    monkeypatch.delattr("select.poll")
    at_once = fault is faulty.close_at_once
    with FaultyServer(*([fault] if at_once else [faulty.fine, fault])) as server:
        client = Caller(settings(server.url, read_timeout=patience(kind)))
        assert at_once or client.send(Echo("first")) == "first"
        assert type(client.outcome(Echo("a"))) is kind
        text = "é" * 100_000
        assert client.send(Echo(text)) == text
        server.drop()
        assert server.wait_until_empty()
        assert client.send(Echo("b")) == "b"
        client.end()
