"""The embedded database over HTTP, as clients of every kind reach it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing
from http.client import HTTPConnection
from zlib import crc32

import pytest

from dynamodb_py.cli import main
from dynamodb_py.local.database.engine import Engine
from dynamodb_py.local.database.faults import Rule
from dynamodb_py.local.server import Server

SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=AKID/20261130/us-east-1/dynamodb/aws4_request, "
    f"SignedHeaders=host;x-amz-date;x-amz-target, Signature={'0' * 64}",
    "X-Amz-Date": "20261130T120000Z",
}
LIST_TABLES = {**SIGNED, "X-Amz-Target": "DynamoDB_20120810.ListTables"}


@pytest.fixture
def server():
    engine = Engine()
    with Server(engine, port=0) as server:
        server.engine = engine  # type: ignore[attr-defined]
        yield server
    engine.close()


@pytest.fixture
def http(server):
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        yield connection


def post(http, headers, body=b"{}"):
    http.request("POST", "/", body, headers)
    response = http.getresponse()
    return response, response.read()


def code(body: bytes) -> str:
    return json.loads(body)["__type"]


def test_an_answer_has_its_checksum_and_an_identifier(http):
    response, body = post(http, LIST_TABLES)
    assert (response.status, json.loads(body)) == (200, {"TableNames": []})
    assert response.headers["x-amz-crc32"] == str(crc32(body))
    assert len(response.headers["x-amzn-RequestId"]) == 52
    assert response.headers["Content-Type"] == "application/x-amz-json-1.0"


def test_a_connection_answers_many_requests(http):
    answers = [post(http, LIST_TABLES) for _ in range(3)]
    assert len({response.headers["x-amzn-RequestId"] for response, _ in answers}) == 3
    response, _ = post(http, {**LIST_TABLES, "Connection": "close"})
    assert response.headers["Connection"] == "close"


CORAL = "com.amazon.coral.service#"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Authorization": None}, "MissingAuthenticationTokenException"),
        ({"Authorization": "Bearer x"}, "IncompleteSignatureException"),
        ({"Authorization": "AWS4-HMAC-SHA256"}, "IncompleteSignatureException"),
        ({"Authorization": "AWS4-HMAC-SHA256 Credential=x"}, "IncompleteSignatureException"),
        (
            {"Authorization": SIGNED["Authorization"].replace("/us-east-1", "")},
            "IncompleteSignatureException",
        ),
        ({"Authorization": SIGNED["Authorization"][:-1]}, "IncompleteSignatureException"),
        ({"X-Amz-Date": None}, "IncompleteSignatureException"),
        ({"X-Amz-Target": None}, "UnknownOperationException"),
        ({"X-Amz-Target": "ListTables"}, "UnknownOperationException"),
        ({"X-Amz-Target": "DynamoDB_20111205.ListTables"}, "UnknownOperationException"),
        ({"X-Amz-Target": "DynamoDB_20120810.Explode"}, "UnknownOperationException"),
        ({"X-Amz-Target": "DynamoDB_20120810.ListStreams"}, "UnknownOperationException"),
        ({"X-Amz-Target": "DynamoDBStreams_20120810.ListTables"}, "UnknownOperationException"),
    ],
)
def test_a_request_that_is_not_signed_or_names_no_operation_is_refused(http, changes, expected):
    given = {name: value for name, value in {**LIST_TABLES, **changes}.items() if value}
    response, body = post(http, given)
    assert (response.status, code(body)) == (400, CORAL + expected)
    assert post(http, LIST_TABLES)[0].status == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 5000])
def test_a_body_that_is_no_json_object_is_refused(http, body):
    response, answer = post(http, LIST_TABLES, body)
    assert (response.status, code(answer)) == (400, CORAL + "SerializationException")


def test_the_streams_are_a_service_of_their_own(http):
    target = {"X-Amz-Target": "DynamoDBStreams_20120810.ListStreams"}
    assert json.loads(post(http, {**SIGNED, **target})[1]) == {"Streams": []}


def test_a_page_in_a_browser_gets_nothing(http):
    assert post(http, {**LIST_TABLES, "Origin": "http://example.com"})[0].status == 403


def test_its_health_is_shown_without_a_signature(http):
    http.request("GET", "/")
    response = http.getresponse()
    assert (response.status, response.read()) == (200, b"healthy: dynamodb_py")


HEAD = "".join(f"{name}: {value}\r\n" for name, value in LIST_TABLES.items())


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (f"POST / HTTP/1.1\r\n{HEAD}Content-Length: 2\r\n\r\n{{}}", b"200"),
        (f"\r\nPOST / HTTP/1.1\r\n{HEAD}Content-Length: 2\r\n\r\n{{}}", b"200"),
        (f"POST / HTTP/1.0\r\n{HEAD}Content-Length: 2\r\n\r\n{{}}", b"200"),
        (f"POST / HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n1;x=y\r\n}}\r\n0\r\n\r\n", b"200"),
        (f"POST / HTTP/1.1\r\n{HEAD}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{{}}", b"100"),
        (f"PUT / HTTP/1.1\r\n{HEAD}\r\n", b"405"),
        ("HEAD / HTTP/1.1\r\n\r\n", b"200"),
        ("POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (f"POST / HTTP/1.1\r\nContent-Length: {'9' * 5000}\r\n\r\n", b"413"),
        ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", b"400"),
        ("POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        ("POST / HTTP/1.1\r\nno header\r\n\r\n", b"400"),
        ("POST / HTTP/1.1\r\n" + "a: b\r\n" * 200 + "\r\n", b"400"),
        ("hello\r\n\r\n", b"400"),
        ("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{}", b""),
        ("POST / HTT", b""),
    ],
)  # fmt: skip
def test_what_arrives_is_read_or_refused(server, sent, expected):
    with socket.create_connection(("127.0.0.1", server.port), 10) as client:
        client.sendall(sent.encode())
        client.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: client.recv(65536), b""))
    assert received[9:12] == expected


def test_a_lost_answer_closes_the_connection(server, http):
    server.engine.faults.add(Rule("lose", nth=1))
    with pytest.raises(ConnectionError):
        post(http, LIST_TABLES)
    assert post(http, LIST_TABLES)[0].status == 200


def test_a_fault_of_the_engine_is_answered_as_one(server, http, monkeypatch, capsys):
    monkeypatch.setattr(server.engine, "answer", lambda *_: 1 / 0)
    response, body = post(http, LIST_TABLES)
    assert (response.status, code(body).rpartition("#")[2]) == (500, "InternalServerError")
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_request_under_way_is_answered_before_the_end(server):
    server.engine.faults.add(Rule("latency", seconds=0.3))
    found = []

    def send():
        with closing(HTTPConnection("127.0.0.1", server.port)) as http:
            http.connect()
            ready.set()
            found.append(post(http, LIST_TABLES)[0].status)

    ready = threading.Event()
    thread = threading.Thread(target=send)
    thread.start()
    ready.wait()
    threading.Event().wait(0.1)
    server.stop()
    thread.join()
    assert found == [200]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), 1)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_the_command_serves_a_file_until_it_is_ended(tmp_path, ending):
    path = tmp_path / "app.db"
    command = [sys.executable, "-m", "dynamodb_py", "local", "--port", "0", "--path", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().split()[0]
        with closing(HTTPConnection(url.removeprefix("http://"), timeout=10)) as http:
            assert post(http, LIST_TABLES)[0].status == 200
            process.send_signal(ending)
            assert process.wait(10) == 0
    assert [each.name for each in tmp_path.iterdir()] == ["app.db"]


def test_the_command_line_is_checked(server, tmp_path, capsys):
    assert main(["local", "--port", "70000"]) == 2
    assert main(["local", "--port", str(server.port)]) == 2
    path = tmp_path / "other.db"
    path.write_text("no database" * 100)
    assert main(["local", "--port", "0", "--path", str(path)]) == 3
    assert main(["local", "--port", "0", "--path", str(tmp_path / "none" / "app.db")]) == 3
    errors = capsys.readouterr().err.splitlines()
    assert ["70000" in errors[0], "cannot listen" in errors[1], "not a database" in errors[2]] == [
        True
    ] * 3
