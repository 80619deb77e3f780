"""The HTTP codec: whatever the bytes and however they arrive, a whole answer or an exception."""

from __future__ import annotations

from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamodb_py.exceptions import ConnectionFailed, ResponseCorrupted
from dynamodb_py.http import chunks, codec
from dynamodb_py.http.codec import Response, ResponseReader, TunnelReader, connect_request


def read(*pieces: bytes, tunnel: bool = False) -> Response | None:
    reader, response = TunnelReader() if tunnel else ResponseReader(), None
    for piece in pieces:
        assert response is None, "fed after the end"
        response = reader.feed(piece)
    return response


def head(*lines: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join((status, *lines)).encode("latin-1") + b"\r\n\r\n"


WHOLE = [
    pytest.param(head("Content-Length: 2") + b"{}", 200, b"{}", True, id="plain"),
    pytest.param(head("CONTENT-LENGTH:2  ") + b"{}", 200, b"{}", True, id="spelling and spaces"),
    pytest.param(head("Content-Length: 0"), 200, b"", True, id="empty"),
    pytest.param(
        head("Content-Length: 2", status="HTTP/1.1 400 Bad Request") + b"{}",
        400, b"{}", True, id="400",
    ),
    pytest.param(
        head("Content-Length: 2", status="HTTP/1.1 200 ") + b"{}", 200, b"{}", True, id="no reason"
    ),
    pytest.param(
        head("Content-Length: 2", status="HTTP/1.1 200") + b"{}", 200, b"{}", True, id="no space"
    ),
    pytest.param(
        head("Content-Length: 2", status="HTTP/1.0 200 OK") + b"{}", 200, b"{}", False, id="1.0"
    ),
    pytest.param(
        head("Content-Length: 2", "Connection: Keep-Alive", status="HTTP/1.0 200 OK") + b"{}",
        200, b"{}", True, id="1.0 kept",
    ),
    pytest.param(
        head("Content-Length: 2", "Connection: close") + b"{}", 200, b"{}", False, id="close"
    ),
    pytest.param(
        head("Content-Length: 2", "Connection: x, CLOSE") + b"{}", 200, b"{}", False, id="CLOSE"
    ),
    pytest.param(
        head("Content-Length: 2", "Content-Encoding: identity") + b"{}",
        200, b"{}", True, id="identity",
    ),
    pytest.param(
        head("Transfer-Encoding: chunked") + b"1\r\n{\r\n1;a=b\r\n}\r\n0\r\n\r\n",
        200, b"{}", True, id="chunked",
    ),
    pytest.param(
        head("Transfer-Encoding: Chunked") + b"0A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
        200, b"0123456789", True, id="trailers",
    ),
    pytest.param(head("Transfer-Encoding: chunked") + b"0\r\n\r\n", 200, b"", True, id="no chunk"),
    pytest.param(
        head(status="HTTP/1.1 100 Continue") + head("Content-Length: 2") + b"{}",
        200, b"{}", True, id="100 first",
    ),
    pytest.param(head(status="HTTP/1.1 204 No Content"), 204, b"", True, id="204"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "status", "body", "reusable"), WHOLE)
def test_a_whole_answer_is_read(data, status, body, reusable):
    response = read(data)
    assert response is not None
    assert (response.status, response.body, response.reusable) == (status, body, reusable)


@pytest.mark.parametrize(("data", "status", "body", "reusable"), WHOLE)
def test_every_byte_on_its_own_gives_the_same_answer(data, status, body, reusable):
    response = read(*(data[i : i + 1] for i in range(len(data))))
    assert response == read(data)


@pytest.mark.parametrize(("data", "status", "body", "reusable"), WHOLE)
def test_every_truncation_of_an_answer_raises(data, status, body, reusable):
    for end in range(len(data)):
        reader = ResponseReader()
        if end:
            assert reader.feed(data[:end]) is None
        with pytest.raises(ConnectionFailed if end == 0 else ResponseCorrupted):
            reader.end()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"HTTP/2 200 OK\r\n\r\n", id="HTTP/2"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="another protocol"),
        pytest.param(b"\r\nHTTP/1.1 200 OK\r\n", id="an empty line first"),
        pytest.param(head(status="HTTP/1.1 99 OK"), id="two digits"),
        pytest.param(head(status="HTTP/1.1 099 OK"), id="099"),
        pytest.param(head(status="HTTP/1.1 2000 OK"), id="four digits"),
        pytest.param(head(status="HTTP/1.1 abc OK"), id="no digits"),
        pytest.param(head(status="HTTP/1.1200 OK"), id="no space before the status"),
        pytest.param(head(status="HTTP/1.1 101 Switching Protocols"), id="101"),
        pytest.param(head("no colon", "Content-Length: 0"), id="no colon"),
        pytest.param(head(": x", "Content-Length: 0"), id="no name"),
        pytest.param(head("Content-Length : 0"), id="space before the colon"),
        pytest.param(head("X: 1", " folded", "Content-Length: 0"), id="folded"),
        pytest.param(head("X: 1", " folded: 2", "Content-Length: 0"), id="folded with a colon"),
        pytest.param(head("Content-Length: -1"), id="negative length"),
        pytest.param(head("Content-Length: +1"), id="signed length"),
        pytest.param(head("Content-Length: 0x1"), id="hexadecimal length"),
        pytest.param(head("Content-Length: 1_0"), id="length with an underscore"),
        pytest.param(head("Content-Length: "), id="empty length"),
        pytest.param(head("Content-Length: 2", "Content-Length: 2") + b"{}", id="two lengths"),
        pytest.param(head("Content-Length: 2", "content-length: 3") + b"{}", id="which length"),
        pytest.param(head(f"Content-Length: {chunks.MAX_BODY + 1}"), id="a length too large"),
        pytest.param(head("Content-Length: " + "9" * 5000), id="a length of 5000 digits"),
        pytest.param(head("Content-Length: 2", "Transfer-Encoding: chunked"), id="length, chunks"),
        pytest.param(head("Transfer-Encoding: gzip, chunked"), id="gzip within chunks"),
        pytest.param(head("Transfer-Encoding: identity"), id="identity as a transfer coding"),
        pytest.param(head("Content-Length: 2", "Content-Encoding: gzip"), id="gzip"),
        pytest.param(head(), id="no length"),
        pytest.param(head("Transfer-Encoding: chunked") + b"\r\n", id="chunk without a size"),
        pytest.param(head("Transfer-Encoding: chunked") + b"g\r\n", id="chunk of size g"),
        pytest.param(head("Transfer-Encoding: chunked") + b"-1\r\n", id="negative chunk"),
        pytest.param(head("Transfer-Encoding: chunked") + b"0x1\r\n", id="chunk of size 0x1"),
        pytest.param(head("Transfer-Encoding: chunked") + b"fffffffff\r\n", id="huge size"),
        pytest.param(head("Transfer-Encoding: chunked") + b"ffffffff\r\n", id="huge chunk"),
        pytest.param(head("Transfer-Encoding: chunked") + b"1\r\nab\r\n", id="chunk too long"),
        pytest.param(head("Transfer-Encoding: chunked") + b"1" * 20_000, id="endless chunk size"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000, id="endless headers"),
        pytest.param(head("X: " + "y" * codec.MAX_HEAD, "Content-Length: 0"), id="huge header"),
    ],
)
def test_what_is_no_answer_raises_at_once(data):
    with pytest.raises(ResponseCorrupted):
        read(data)


def test_headers_are_found_by_their_names_in_lower_case():
    response = read(head("X-Amzn-RequestId: AbC", "A: 1", "Content-Length: 0", "a: 2"))
    assert response is not None
    assert response.headers[b"x-amzn-requestid"] == b"AbC"
    assert response.headers[b"a"] == b"1,2"


def test_bytes_after_the_answer_are_not_part_of_it_and_end_the_connection():
    for data in (
        head("Content-Length: 2") + b"{}HTTP/1.1 200 OK",
        head("Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\nHTTP/1.1",
    ):
        response = read(data)
        assert response is not None
        assert (response.body, response.reusable) == (b"{}", False)


def test_an_error_page_without_a_length_ends_with_the_connection():
    reader = ResponseReader()
    assert reader.feed(head(status="HTTP/1.1 503 Busy") + b"come ") is None
    assert reader.feed(b"back") is None
    assert reader.end() == Response(503, {}, b"come back", False)


def test_a_server_that_invents_header_names_does_not_fill_the_memory():
    for number in range(1000):
        read(head(f"X-{number}: 1", "Content-Length: 0"))
    assert len(codec._names) <= 256


def test_missing_says_how_many_bytes_are_still_to_come():
    reader = ResponseReader()
    assert reader.missing == 0
    reader.feed(head("Content-Length: 10") + b"123")
    assert reader.missing == 7
    reader.feed(b"4567")
    assert reader.missing == 3


def test_a_tunnel_is_open_once_the_head_is_read():
    response = read(head(status="HTTP/1.1 200 Connection established"), tunnel=True)
    assert response is not None
    assert (response.status, response.body, response.reusable) == (200, b"", True)


def test_a_refused_tunnel_is_an_answer_like_any_other():
    data = head("Content-Length: 2", status="HTTP/1.1 407 Who are you") + b"no"
    response = read(data, tunnel=True)
    assert response is not None
    assert (response.status, response.body) == (407, b"no")


def test_the_request_for_a_tunnel():
    assert connect_request("dynamodb.eu-west-1.amazonaws.com", 443, "Basic eDp5") == (
        b"CONNECT dynamodb.eu-west-1.amazonaws.com:443 HTTP/1.1\r\n"
        b"Host: dynamodb.eu-west-1.amazonaws.com:443\r\n"
        b"Proxy-Authorization: Basic eDp5\r\n\r\n"
    )
    assert (
        connect_request("::1", 8000) == b"CONNECT [::1]:8000 HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n"
    )


bodies = st.binary(max_size=300)
cuts = st.lists(st.integers(0, 600), max_size=12)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place for place in places if 0 < place < len(data)}), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


@given(bodies, cuts)
def test_however_a_body_with_a_length_is_split_it_is_the_same(body, places):
    data = head(f"Content-Length: {len(body)}", "X: y") + body
    response = read(*cut(data, places))
    assert response == Response(200, {b"content-length": b"%d" % len(body), b"x": b"y"}, body, True)


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=6), cuts)
def test_however_chunks_are_split_the_body_is_the_same(parts, places):
    coded = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    data = head("Transfer-Encoding: chunked") + coded + b"0\r\n\r\n"
    response = read(*cut(data, places))
    assert response is not None
    assert (response.body, response.reusable) == (b"".join(parts), True)


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=4), st.booleans(), st.data())
def test_no_truncation_passes_for_an_answer(parts, chunked, data):
    body = b"".join(parts)
    coded = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    whole = (
        head("Transfer-Encoding: chunked") + coded
        if chunked
        else head(f"Content-Length: {len(body)}") + body
    )
    end = data.draw(st.integers(1, len(whole) - 1))
    reader = ResponseReader()
    for piece in cut(whole[:end], data.draw(cuts)):
        assert reader.feed(piece) is None
    with pytest.raises(ResponseCorrupted):
        reader.end()


@given(st.binary(min_size=1, max_size=200))
def test_arbitrary_bytes_are_an_answer_or_an_exception_of_ours(data):
    try:
        read(data)
        read(b"HTTP/1.1 200 OK\r\n" + data)
        read(head("Transfer-Encoding: chunked") + data)
    except ResponseCorrupted:
        pass


fields = st.sampled_from(
    ["Server: two  words", "Connection: keep-alive", "Content-Encoding: identity", "x-amz-crc32: 7",
     "X-Amz-Crc32: 7", "Via:", "content-length: 2", "Transfer-Encoding: chunked", "no name: 7"]
)  # fmt: skip
other_values = st.sampled_from(
    ["", " ", "  x", " x ", "\tx", "x\r", "x\nX: y", "\x00", "\xff", "y" * 700, " close", " gzip"]
)


@st.composite
def similar_answers(draw) -> list[bytes]:
    """Draw a usual answer, and others that differ from it in one place."""
    usual = draw(st.lists(fields, min_size=1, max_size=3))
    answers = [head(*usual, "Content-Length: 2") + b"{}"]
    for _ in range(4):
        lines, status, body = [*usual, "Content-Length: 2"], "HTTP/1.1 200 OK", b"{}"
        place = draw(st.integers(-3, len(usual) - 1))
        if place >= 0:
            lines[place] = lines[place].partition(":")[0] + ":" + draw(other_values)
        elif place == -1:
            lines[-1] = "Content-Length:" + draw(st.sampled_from(["2", " 2 ", "02", "+2", "3"]))
        elif place == -2:
            status = draw(st.sampled_from(["HTTP/1.0 200 OK", "HTTP/1.1 400 Bad Request"]))
        else:
            body = draw(st.sampled_from([b"", b"{ }"]))
        answers.append(head(*lines, status=status) + body)
    return answers


def outcome(data: bytes) -> tuple[object, str]:
    try:
        return ResponseReader().feed(data), ""
    except ResponseCorrupted as error:
        return None, str(error)


@settings(max_examples=300)
@given(similar_answers())
def test_a_head_like_one_before_is_read_as_the_parser_reads_it(answers):
    with patch.object(codec, "_learn_head", lambda *_: None), patch.object(codec, "_learned", []):
        expected = [outcome(data) for data in answers]
    with patch.object(codec, "_learned", []):
        assert [outcome(data) for data in answers] == expected


def test_the_parser_sees_each_form_of_head_once_and_learns_few():
    parsed = []

    def parse(text: bytes, *, tunnel: bool):
        parsed.append(text)
        return original(text, tunnel=tunnel)

    original = codec._parse_head
    with patch.object(codec, "_learned", []), patch.object(codec, "_parse_head", parse):
        for number in range(5):
            read(head(f"Date: {number} Nov", f"x-amz-crc32: {number}", "Content-Length: 2") + b"{}")
        assert len(parsed) == 1
        for number in range(100):
            read(head(f"X-{number}: 1", "Content-Length: 0"))
        assert len(codec._learned) == 4


def test_a_head_over_64_kb_is_refused_after_a_short_one_like_it():
    with patch.object(codec, "_learned", []):
        assert read(head("X: y", "Content-Length: 0"))
        with pytest.raises(ResponseCorrupted, match="over 64 KB"):
            read(head("X: " + "y" * codec.MAX_HEAD, "Content-Length: 0"))
