"""HTTP/1.1 without any I/O: the bytes of a request, and a reader of responses.

The reader returns a whole response or raises an error: a body always has the announced length. Features
of HTTP that DynamoDB does not use (compressed bodies, folded headers, a success without a length) are
errors, because such a response may be damaged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from ..credentials.settings import SecretBytes
from ..exceptions import ConnectionFailed, ResponseCorrupted
from .chunks import MAX_BODY, ChunkReader

MAX_HEAD = 64 * 1024
"""The maximum of a response's status line and headers, in bytes."""

_CHUNKED, _UNTIL_END = -1, -2


class Response(Struct, frozen=True):
    """A whole response: header names in lower case, the body without transfer coding."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes
    reusable: bool
    """Whether the connection may carry another request."""


def connect_request(host: str, port: int, authorization: str = "") -> SecretBytes:
    """Return the CONNECT request for a tunnel to *host* and *port*."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}"]
    if authorization:
        lines.append(f"Proxy-Authorization: {authorization}")
    return SecretBytes(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))


class _Names(dict[bytes, bytes]):
    """Header names in lower case, by the received name, so that each name is checked once."""

    def __missing__(self, name: bytes) -> bytes:
        # A space here is a folded line, or an attempt to smuggle a header.
        if not _TOKEN.fullmatch(name):
            raise ResponseCorrupted(
                f"The server sent a header with an invalid name: {name[:80]!r}."
            )
        if len(self) < 256:  # random names must not fill the memory
            self[name] = name.lower()
        return name.lower()


_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_names = _Names()


def _parse_fields(lines: list[bytes]) -> dict[bytes, bytes]:
    """Return the headers by name; the values of a repeated one are joined by commas."""
    names = _names
    try:
        pairs = [line.split(b":", 1) for line in lines]
        fields = {names[name]: value.strip() for name, value in pairs}
    except ValueError:
        raise ResponseCorrupted("The server sent a header without a colon.") from None
    if len(fields) != len(pairs):
        fields.clear()
        for name, value in pairs:
            name, value = names[name], value.strip()
            fields[name] = fields[name] + b"," + value if name in fields else value
    return fields


def _parse_status(line: bytes) -> int:
    found = _STATUS.fullmatch(line)
    if found is None:
        raise ResponseCorrupted(f"The server does not speak HTTP/1.1; it sent {line[:80]!r}.")
    return int(found[1])


_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: .*)?", re.DOTALL)


class _Head(Struct, frozen=True):
    status: int
    headers: dict[bytes, bytes]
    size: int  # of the body, or _CHUNKED, or _UNTIL_END
    keep: bool


def _parse_head(head: bytes, *, tunnel: bool) -> _Head:
    lines = head.split(b"\r\n")
    first = lines.pop(0)
    status = 200 if first == b"HTTP/1.1 200 OK" else _parse_status(first)
    fields = _parse_fields(lines)
    connection = fields.get(b"connection", b"")
    if connection == b"keep-alive":
        keep = True
    else:
        tokens = [token.strip() for token in connection.lower().split(b",")]
        keep = (first.startswith(b"HTTP/1.1") or b"keep-alive" in tokens) and b"close" not in tokens
    if b"content-encoding" in fields and fields[b"content-encoding"].lower() != b"identity":
        raise ResponseCorrupted(
            "The server compressed its response, which the request does not allow."
        )
    size = 0 if tunnel and status < 300 else _find_size(status, fields)
    return _Head(status, fields, size, keep and size != _UNTIL_END)


def _find_size(status: int, fields: dict[bytes, bytes]) -> int:
    """Return the size of the body, _CHUNKED or _UNTIL_END."""
    length, coding = fields.get(b"content-length"), fields.get(b"transfer-encoding")
    if status < 200 or status in (204, 304):
        return 0
    if coding is not None:
        if coding.lower() != b"chunked" or length is not None:
            raise ResponseCorrupted(
                "The server sent a response whose end is ambiguous: it has an unknown transfer coding, or a "
                "length besides."
            )
        return _CHUNKED
    if length is not None:
        if not length.isdigit() or len(length) > 15 or int(length) > MAX_BODY:
            raise ResponseCorrupted(f"The server announced a body of {length[:40]!r} bytes.")
        return int(length)
    if status >= 400:
        return _UNTIL_END  # a proxy's error page
    raise ResponseCorrupted("The server did not announce the length of its response.")


class _LearnedHead(NamedTuple):
    """The pattern of a head that was parsed before: status 200, the same names, and any plain values."""

    match: Callable[[bytes], re.Match[bytes] | None]
    names: tuple[bytes, ...]
    size_at: int


_learned: list[_LearnedHead] = []
_MOST_LEARNED = 4
_FRAMING = (b"connection", b"content-encoding")
_PLAIN_VALUE = rb"[!-~][ -~]*(?<! )"  # printable ASCII without spaces around


def _learn_head(text: bytes, head: _Head) -> None:
    """Learn a regular expression that reads heads like *text*, which was parsed to *head*.

    A head that it matches would be parsed to the same result. The parser reads all other heads.
    """
    first, *lines = text.split(b"\r\n")
    usual = first == b"HTTP/1.1 200 OK" and head.keep and head.size >= 0
    if not usual or len(head.headers) < len(lines) or len(_learned) >= _MOST_LEARNED:
        return
    pattern = re.escape(first)
    for line, (name, value) in zip(lines, head.headers.items(), strict=True):
        before = line[: -len(line.partition(b":")[2].lstrip(b" ")) or None]
        values = _PLAIN_VALUE
        if name == b"content-length":
            values = b"[0-9]{1,8}"
        elif name in _FRAMING:
            values = re.escape(value)
        pattern += rb"\r\n%b(%b)" % (re.escape(before), values)
    match, names = re.compile(pattern + rb"\r\n\r\n").match, tuple(head.headers)
    _learned.append(_LearnedHead(match, names, names.index(b"content-length")))


def read_usual(data: bytes) -> Response | None:
    """Return the response in *data* if it is complete and has a known head, else None."""
    for match, names, size_at in _learned:
        if (found := match(data)) is not None:
            values, end = found.groups(), found.end()
            if int(values[size_at]) != len(data) - end or end > MAX_HEAD:
                return None
            # Not strict=: a keyword costs as much as the rest of the call.
            return Response(200, dict(zip(names, values)), data[end:], True)  # noqa: B905
    return None


class ResponseReader:
    """A reader of one response: ``feed()`` takes received data until it returns a :class:`Response`.

    Connections try :func:`read_usual` first, which is faster.
    """

    tunnel = False  # whether a 2xx has no body, as after CONNECT
    _head: _Head | None = None
    _parts: list[bytes] | None = None  # of the head or the body, as they came
    _have = 0  # bytes of the body in them
    _chunks: ChunkReader | None = None

    @property
    def missing(self) -> int:
        """The number of missing bytes of the body; 0 if it is not known."""
        head = self._head
        return head.size - self._have if head is not None and head.size > 0 else 0

    def feed(self, data: bytes) -> Response | None:
        """Take received data; return the response when it is complete.

        Raises :class:`~dynamodb_py.exceptions.ResponseCorrupted` for data that is not HTTP.
        """
        head = self._head
        if head is None:
            if self._parts:
                data = b"".join((*self._parts, data))
            elif not self.tunnel and (response := read_usual(data)) is not None:
                return response
            head, data = self._read_head(data)
            if head is None:
                self._parts = [data]
                return None
            if head.size == len(data):  # the usual response, received at once
                return Response(head.status, head.headers, data, head.keep)
            self._head, self._parts = head, None
        if head.size == _CHUNKED:
            return self._feed_chunks(head, data)
        return self._feed_body(head, data)

    def end(self) -> Response:
        """Return the response that the end of the connection completes; raise an error if there is none."""
        head = self._head
        if head is None and not self._parts:
            raise ConnectionFailed("The server closed the connection without a response.")
        if head is not None and head.size == _UNTIL_END:
            return Response(head.status, head.headers, b"".join(self._parts or ()), False)
        raise ResponseCorrupted("The server closed the connection in the middle of its response.")

    def _read_head(self, data: bytes) -> tuple[_Head | None, bytes]:
        """Return the head, or None if it is incomplete, and the data after it; skip interim heads."""
        while True:
            end = data.find(b"\r\n\r\n")
            if end > MAX_HEAD or (end < 0 and len(data) > MAX_HEAD):
                raise ResponseCorrupted("The server's headers are over 64 KB.")
            if end < 0:
                if not b"HTTP/1.".startswith(data[:7]):
                    raise ResponseCorrupted(
                        f"The server does not speak HTTP/1.1; it sent {data[:80]!r}."
                    )
                return None, data
            text, data = data[:end], data[end + 4 :]
            head = _parse_head(text, tunnel=self.tunnel)
            if head.status >= 200:
                if not self.tunnel:
                    _learn_head(text, head)
                return head, data
            if head.status == 101:
                raise ResponseCorrupted("The server switched to a protocol other than HTTP/1.1.")

    def _feed_body(self, head: _Head, data: bytes) -> Response | None:
        size, have = head.size, self._have + len(data)
        parts = self._parts
        if parts is None:
            parts = self._parts = []
        parts.append(data)
        self._have = have
        if size == _UNTIL_END:
            if have > MAX_BODY:
                raise ResponseCorrupted("The server's response is over 256 MB.")
            return None
        if have < size:
            return None
        body = b"".join(parts) if len(parts) > 1 else data
        # With more data than announced, the response is whole, but the connection is unusable.
        return Response(head.status, head.headers, body[:size], head.keep and have == size)

    def _feed_chunks(self, head: _Head, data: bytes) -> Response | None:
        if self._chunks is None:
            self._chunks = ChunkReader()
        body = self._chunks.feed(data)
        if body is None:
            return None
        return Response(head.status, head.headers, body, head.keep and not self._chunks.rest)


class TunnelReader(ResponseReader):
    """A reader of the response to CONNECT."""

    tunnel = True
