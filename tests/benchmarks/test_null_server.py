"""The null server answers as DynamoDB would: botocore reads its answers, whichever program serves."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import zlib
from pathlib import Path

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))  # a directory of scripts, not a package

import null_server  # noqa: E402
import shapes  # noqa: E402

KEY = shapes.key(0)
TABLE = shapes.TABLE
SIGNED = b"Authorization: AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=x\r\n"


@pytest.fixture(scope="module", params=["C", "Python"])
def server(request):
    with null_server.running(python=request.param == "Python", lifetime=120) as running:
        if running.kind != request.param:
            pytest.skip("no C compiler, or not Linux: the null server in C cannot be built")
        yield running


@pytest.fixture(scope="module")
def client(server):
    client = botocore.session.get_session().create_client(
        "dynamodb",
        region_name="eu-west-1",
        endpoint_url=server.url,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )
    yield client
    client.close()


@pytest.fixture
def connection(server):
    with connect(server) as opened:
        yield opened


@contextlib.contextmanager
def connect(server):
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as opened:
        yield opened, opened.makefile("rb")


def request_for(operation, body=b"{}", headers=SIGNED):
    return (
        b"POST / HTTP/1.1\r\nHost: localhost\r\n"
        b"X-Amz-Target: DynamoDB_20120810." + operation.encode() + b"\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n" + headers + b"\r\n" + body
    )


def read_response(file):
    status = int(file.readline().split()[1])
    headers = {}
    while (line := file.readline().strip()) != b"":
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return status, headers, file.read(int(headers["content-length"]))


UPDATE = {"TableName": TABLE, "Key": KEY, "UpdateExpression": "REMOVE title"}
QUERY = {
    "TableName": TABLE,
    "KeyConditionExpression": "pk = :pk",
    "ExpressionAttributeValues": {":pk": KEY["pk"]},
}
PUT = {"Put": {"TableName": TABLE, "Item": KEY}}
ITEMS = [shapes.wire(shapes.values(n)) for n in range(shapes.PAGE)]


def by_number(items):
    for item in items:
        item["tags"]["SS"].sort()
    return sorted(items, key=lambda item: int(item["sk"]["N"]))


EXPECTED = by_number(ITEMS)
PROJECTED = [{name: item[name] for name in shapes.PROJECTED} for item in EXPECTED]


@pytest.mark.parametrize(
    ("method", "arguments", "expected"),
    [
        ("get_item", {"TableName": TABLE, "Key": KEY}, {"Item": EXPECTED[0]}),
        ("put_item", {"TableName": TABLE, "Item": KEY}, {}),
        ("update_item", UPDATE, {}),
        ("update_item", {**UPDATE, "ReturnValues": "ALL_NEW"}, {"Attributes": EXPECTED[0]}),
        ("delete_item", {"TableName": TABLE, "Key": KEY}, {}),
        ("query", QUERY, {"Count": 100, "ScannedCount": 100, "Items": EXPECTED}),
        (
            "query",
            {**QUERY, "Limit": 1},
            {"Count": 1, "ScannedCount": 1, "Items": EXPECTED[:1], "LastEvaluatedKey": KEY},
        ),
        (
            "query",
            {**QUERY, "Limit": 10, "ScanIndexForward": False},
            {
                "Count": 10,
                "ScannedCount": 10,
                "Items": EXPECTED[:89:-1],
                "LastEvaluatedKey": shapes.key(90),
            },
        ),
        (
            "batch_get_item",
            {"RequestItems": {TABLE: {"Keys": [KEY]}}},
            {"Responses": {TABLE: EXPECTED[:1]}, "UnprocessedKeys": {}},
        ),
        (
            "query",
            {**QUERY, "FilterExpression": "quantity > :pk"},
            {"Count": 1, "ScannedCount": 100, "Items": EXPECTED[:1]},
        ),
        (
            "query",
            {**QUERY, "ProjectionExpression": "title, quantity"},
            {"Count": 100, "ScannedCount": 100, "Items": PROJECTED},
        ),
        (
            "batch_write_item",
            {"RequestItems": {TABLE: [{"PutRequest": {"Item": KEY}}]}},
            {"UnprocessedItems": {}},
        ),
        ("transact_write_items", {"TransactItems": [PUT]}, {}),
    ],
)
def test_botocore_reads_the_answer(client, method, arguments, expected):
    answer = getattr(client, method)(**arguments)
    assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    assert answer == expected


def test_a_batch_get_has_every_item_of_the_page(client):
    keys = [shapes.key(n) for n in range(shapes.PAGE)]
    answer = client.batch_get_item(RequestItems={TABLE: {"Keys": keys}})
    assert by_number(answer["Responses"][TABLE]) == EXPECTED
    assert answer["UnprocessedKeys"] == {}


def test_describe_table_names_the_keys(client):
    table = client.describe_table(TableName=TABLE)["Table"]
    assert table["TableStatus"] == "ACTIVE"
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]


def test_an_operation_that_is_not_canned_is_an_error(client):
    with pytest.raises(ClientError) as raised:
        client.list_tables()
    assert raised.value.response["Error"]["Code"] == "UnknownOperationException"


@pytest.mark.parametrize("headers", [b"", b"Authorization: Bearer token\r\n"])
def test_a_request_that_is_not_signed_is_an_error(connection, headers):
    sock, file = connection
    sock.sendall(request_for("GetItem", headers=headers))
    status, _, body = read_response(file)
    assert status == 400
    assert b"MissingAuthenticationTokenException" in body


@pytest.mark.parametrize("name", [name for name in shapes.responses() if name.isalpha()])
def test_length_and_checksum_fit_the_body(connection, name):
    sock, file = connection
    for _ in range(2):  # the second time over the same connection
        sock.sendall(request_for(name))
        _, headers, body = read_response(file)
        assert int(headers["x-amz-crc32"]) == zlib.crc32(body)
        assert len(headers["x-amzn-requestid"]) == 52


def test_requests_may_come_in_pieces_and_several_at_once(connection):
    sock, file = connection
    three = request_for("GetItem", b'{"a": 1}') + request_for("PutItem") + request_for("GetItem")
    for start in range(0, len(three), 50):
        sock.sendall(three[start : start + 50])
    bodies = [read_response(file)[2] for _ in range(3)]
    assert [len(body) > 900 for body in bodies] == [True, False, True]
    assert bodies[0] == bodies[2]


def test_a_reader_that_is_slow_gets_every_byte(connection):
    sock, file = connection
    count = 150  # some 14 MB, more than the sockets' buffers take
    sock.sendall(request_for("Query") * count)
    bodies = {read_response(file)[2] for _ in range(count)}
    assert bodies == {shapes.responses()["Query"][1]}


def test_a_large_request_is_read_to_its_end(connection):
    sock, file = connection
    sock.sendall(request_for("BatchWriteItem", b'{"a": "' + b"x" * 3_000_000 + b'"}'))
    assert read_response(file)[2] == b'{"UnprocessedItems":{}}'
    sock.sendall(request_for("DeleteItem"))
    assert read_response(file)[2] == b"{}"


def test_a_client_that_asks_for_it_is_hung_up_on(connection):
    sock, file = connection
    sock.sendall(request_for("PutItem", headers=SIGNED + b"Connection: close\r\n"))
    assert read_response(file)[0] == 200
    assert file.read() == b""


def test_many_connections_are_served_side_by_side(server):
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(connect(server)) for _ in range(300)]
        for sock, _ in opened:
            sock.sendall(request_for("GetItem"))
        assert {read_response(file)[0] for _, file in opened} == {200}


def test_the_server_ends_when_its_time_is_over(server):
    with null_server.running(python=server.kind == "Python", lifetime=0.3) as short:
        assert short.process.wait(timeout=10) == 0


def test_the_server_ends_when_its_parent_is_gone(server, tmp_path):
    program = (
        "import os, sys, null_server\n"
        f"running = null_server.running(python={server.kind == 'Python'}, lifetime=60)\n"
        "print(running.__enter__().url, flush=True)\n"
        "os._exit(0)\n"  # no chance to stop it
    )
    started = subprocess.run(
        [sys.executable, "-c", program],
        cwd=BENCHMARKS,
        env={**os.environ, "TMPDIR": str(tmp_path)},  # what it has no time to remove
        stdout=subprocess.PIPE,
        text=True,
        timeout=30,
        check=True,
    )
    host, _, port = started.stdout.strip().removeprefix("http://").partition(":")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            return
        time.sleep(0.05)
    pytest.fail("the server still listens ten seconds after its parent has ended")


def test_the_recording_server_keeps_what_was_asked():
    with null_server.recording() as (url, requests):
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as sock:
            sock.sendall(request_for("PutItem", b'{"TableName": "bench"}'))
            assert read_response(sock.makefile("rb"))[2] == b"{}"
    assert [(request.operation, request.body) for request in requests] == [
        ("PutItem", b'{"TableName": "bench"}')
    ]
