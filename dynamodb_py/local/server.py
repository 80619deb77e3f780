"""A server that answers DynamoDB's HTTP requests by an engine, for other processes, languages and tools."""

from __future__ import annotations

import os
import socket
import threading
import traceback
from base64 import b32encode
from collections.abc import Mapping
from contextlib import suppress
from typing import BinaryIO, NamedTuple
from zlib import crc32

from ..exceptions import ConnectionFailed
from .database.engine import Engine
from .database.errors import ServiceError
from .signatures import check_signature

TYPE = "application/x-amz-json-1.0"
MOST_BODY = 16 * 1024 * 1024
"""The maximum size of a request's body in bytes.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
"""

STREAM_OPERATIONS = frozenset({"ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"})
"""The operations of the other service, DynamoDBStreams."""

_SERVICES = ("DynamoDB_20120810", "DynamoDBStreams_20120810")
_MOST_LINE = 65536
_MOST_HEADERS = 100
_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Not Allowed"}
_SECONDS_TO_END = 10


class Server:
    """An HTTP server of an :class:`~dynamodb_py.local.Engine`, with a thread for each connection.

    Use it as a context manager, which starts the server, and at its end calls :meth:`stop`. It answers requests
    with any key, but they need a signature. It has no TLS: everybody who can connect can read and change the data.

    >>> from dynamodb_py import CharField, Model, Table, connect
    >>> from dynamodb_py.local import Engine
    >>> from dynamodb_py.local.server import Server
    >>> class Note(Model):
    ...     class Meta:
    ...         table_name = "notes"
    ...         using = "served"
    ...
    ...     id = CharField(hash_key=True)
    >>> with Server(Engine(), port=0) as server:
    ...     connection = connect(
    ...         alias="served",
    ...         endpoint_url=server.url,
    ...         region_name="us-east-1",
    ...         aws_access_key_id="any",
    ...         aws_secret_access_key="thing",
    ...     )
    ...     description = Table(Note).create()
    ...     Note.create(id="a")
    ...     connection.close()
    Note(id='a')

    :param engine: the database that answers.
    :param host: the name or address to listen on; by default 127.0.0.1, which only this machine can reach.
    :param port: the port to listen on, 8000 by default; 0 for a free one.
    :raises OSError: the port is in use, or may not be opened.
    """

    def __init__(self, engine: Engine, host: str = "127.0.0.1", port: int = 8000) -> None:
        self._engine = engine
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=256)
        self._listener.settimeout(1)  # on some platforms, stop() does not end accept()
        self.host, self.port = self._listener.getsockname()[:2]
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._stopping = threading.Event()
        self._acceptor = threading.Thread(target=self._accept, name="dynamodb_py-accept")

    @property
    def url(self) -> str:
        """The URL of the server, for the parameter ``endpoint_url`` of clients."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def __enter__(self) -> Server:
        self._acceptor.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Answer the requests under way, close all connections, and free the port.

        The end of the context manager calls this. To stop a server twice has no effect.

        >>> from dynamodb_py.local import Engine
        >>> from dynamodb_py.local.server import Server
        >>> from socket import create_connection
        >>> with Server(Engine(), port=0) as server:
        ...     address = server.host, server.port
        ...     create_connection(address).close()
        ...     server.stop()
        >>> create_connection(address)
        Traceback (most recent call last):
        ConnectionRefusedError: ...
        """
        self._stopping.set()
        with suppress(OSError):  # this connection ends the wait of accept()
            socket.create_connection((self.host, self.port), 1).close()
        self._acceptor.join()
        with self._lock:
            left = dict(self._connections)
        for connection, thread in left.items():
            with suppress(OSError):
                connection.shutdown(
                    socket.SHUT_RD
                )  # a thread that waits for a request gets its end
            thread.join(_SECONDS_TO_END)

    def _accept(self) -> None:
        with self._listener:
            while not self._stopping.is_set():
                with suppress(OSError):  # a timeout, or a client that left at once
                    connection, _ = self._listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                    with self._lock:
                        self._connections[connection] = thread
                    thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as file, suppress(OSError):
                while self._answer_next(connection, file):
                    pass
        finally:
            with self._lock:
                del self._connections[connection]

    def _answer_next(self, connection: socket.socket, file: BinaryIO) -> bool:
        """Answer one request; return whether the connection stays open."""
        try:
            request = _read_request(connection, file)
        except BadRequest as error:
            connection.sendall(_make_response(error.status, str(error).encode(), keep=False))
            return False
        if request is None:
            return False
        keep = request.keeps_open and not self._stopping.is_set()
        try:
            response = self._answer(request, keep=keep)
        except ConnectionFailed:  # a fault rule loses the response
            return False
        connection.sendall(response)
        return keep

    def _answer(self, request: _Request, *, keep: bool) -> bytes:
        if request.method != "POST":
            if request.method in ("GET", "HEAD"):
                return _make_response(200, b"healthy: dynamodb_py", keep=keep, request=request)
            return _make_response(405, b"", keep=keep)
        try:
            operation = find_operation(request.headers)
            check_signature(request.headers)
            status, body = self._engine.call(operation, request.body)
        except ServiceError as error:
            status, body = error.status, error.body()
        except ConnectionFailed:
            raise
        except Exception:  # a bug of the engine must not look like a lost connection
            traceback.print_exc()
            failure = ServiceError("InternalServerError", "The request failed", status=500)
            status, body = failure.status, failure.body()
        return _make_response(status, body, keep=keep, kind=TYPE)


def find_operation(headers: Mapping[str, str]) -> str:
    """Return the operation that the header X-Amz-Target names.

    :raises ServiceError: an UnknownOperationException, if it names no operation of its service.
    """
    service, _, operation = headers.get("x-amz-target", "").partition(".")
    expected = _SERVICES[operation in STREAM_OPERATIONS]
    if not operation or service != expected:
        raise ServiceError("UnknownOperationException", "")
    return operation


class BadRequest(Exception):
    """A request is not valid HTTP, or not allowed; *status* is the HTTP status of the response."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class _Request(NamedTuple):
    method: str
    headers: dict[str, str]
    body: bytes
    keeps_open: bool


def _read_request(connection: socket.socket, file: BinaryIO) -> _Request | None:
    """Return the next request, or None at the end of the connection."""
    line = file.readline(_MOST_LINE)
    if line in (b"\r\n", b"\n"):  # some clients send an empty line after a body
        line = file.readline(_MOST_LINE)
    if not line.endswith(b"\n"):
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest("The request line is not HTTP/1.1")
    headers = _read_headers(file)
    if "origin" in headers:
        # A page in a browser must not reach the database, whatever its host name resolves to.
        raise BadRequest("Requests from web pages are not allowed", 403)
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = _read_body(file, headers)
    choice = headers.get("connection", "").lower()
    keeps_open = choice == "keep-alive" if words[2] == "HTTP/1.0" else choice != "close"
    return _Request(words[0], headers, body, keeps_open)


def _read_headers(file: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(_MOST_HEADERS):
        line = file.readline(_MOST_LINE)
        if line in (b"\r\n", b"\n"):
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not line.endswith(b"\n") or name != name.strip():
            raise BadRequest("A header cannot be read")
        if headers.setdefault(name.lower(), value.strip()) != value.strip():
            raise BadRequest(f"The header {name} has two values")
    raise BadRequest("There are too many headers")


def _read_body(file: BinaryIO, headers: Mapping[str, str]) -> bytes:
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"].lower() != "chunked" or "content-length" in headers:
            raise BadRequest("The transfer encoding is not supported")
        return _read_chunks(file)
    digits = headers.get("content-length", "0")
    if not (digits.isascii() and digits.isdigit()):
        raise BadRequest("The content length is not a number")
    length = int(digits) if len(digits) < 20 else MOST_BODY + 1  # int() accepts 4300 digits
    return _read_exactly(file, _check_length(length))


def _read_chunks(file: BinaryIO) -> bytes:
    chunks: list[bytes] = []
    total = 0
    while True:
        digits = file.readline(_MOST_LINE).partition(b";")[0].strip()
        if not digits or digits.strip(b"0123456789abcdefABCDEF"):
            raise BadRequest("A chunk has no length")
        length = int(digits, 16)
        if not length:
            while file.readline(_MOST_LINE) not in (b"\r\n", b"\n", b""):
                pass  # trailers
            return b"".join(chunks)
        total = _check_length(total + length)
        chunks.append(_read_exactly(file, length))
        if file.readline(3) != b"\r\n":
            raise BadRequest("A chunk is longer than its length")


def _check_length(length: int) -> int:
    if length > MOST_BODY:
        raise BadRequest("The request is larger than 16 MB", 413)
    return length


def _read_exactly(file: BinaryIO, length: int) -> bytes:
    body = file.read(length)
    if len(body) < length:
        raise ConnectionError("The client closed the connection within a request")
    return body


def _make_response(
    status: int,
    body: bytes,
    *,
    keep: bool,
    kind: str = "text/plain",
    request: _Request | None = None,
) -> bytes:
    """Return the bytes of a response to *request*; without a body, if that is a HEAD request."""
    head = (
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\r\n"
        f"Content-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"x-amz-crc32: {crc32(body)}\r\n"
        f"x-amzn-RequestId: {make_request_id()}\r\n"
        f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
    ).encode()
    return head if request and request.method == "HEAD" else head + body


def make_request_id() -> str:
    """Return a request id in DynamoDB's form: 52 letters and digits."""
    return b32encode(os.urandom(32)).decode().rstrip("=")
