"""A server on this machine that does to its clients what networks and servers do at their worst.

It echoes: the answer to a request has the request's key as its item, so that every answer can be
told from every other. A script says what to do to one request after the other; after the script,
and where it says ``fine``, the answers are right.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any
from zlib import crc32

import msgspec

TYPE = "application/x-amz-json-1.0"


class Request(msgspec.Struct):
    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def payload(self) -> Any:
        return json.loads(self.body)

    def answer(self) -> bytes:
        return json.dumps({"Item": self.payload.get("Key")}).encode()


class Visit(msgspec.Struct):
    """One request, and the socket that it came on."""

    socket: socket.socket
    request: Request
    stopping: threading.Event


Fault = Callable[[Visit], bool]
"""What to do to a request; True keeps the connection open."""


def respond(
    visit: Visit, body: bytes, status: str = "200 OK", *headers: str, crc: int | None = None
) -> bool:
    visit.socket.sendall(response(body, status, *headers, crc=crc))
    return True


def response(body: bytes, status: str = "200 OK", *headers: str, crc: int | None = None) -> bytes:
    head = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {TYPE}",
        f"Content-Length: {len(body)}",
        "x-amzn-RequestId: REQUEST1",
        f"x-amz-crc32: {crc32(body) if crc is None else crc}",
        *headers,
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def fine(visit: Visit) -> bool:
    return respond(visit, visit.request.answer())


def close_at_once(visit: Visit) -> bool:
    """Close when a connection is accepted, before anything is read, or instead of an answer."""
    return False


def close_after_request(visit: Visit) -> bool:
    return False


def close_after_answer(visit: Visit) -> bool:
    """Promise to keep the connection, and close it."""
    fine(visit)
    return False


def say_close(visit: Visit) -> bool:
    respond(visit, visit.request.answer(), "200 OK", "Connection: close")
    return False


def error(code: str, status: str = "400 Bad Request", **members: Any) -> Fault:
    def fault(visit: Visit) -> bool:
        said = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "so it is"}
        return respond(visit, json.dumps(said | members).encode(), status)

    return fault


def answer(members: dict[str, Any]) -> Fault:
    """Answer with *members*."""
    return lambda visit: respond(visit, json.dumps(members).encode())


def page(status: str) -> Fault:
    """Answer as a proxy or a load balancer does: with no JSON."""

    def fault(visit: Visit) -> bool:
        body = f"<html>{status}</html>".encode()
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        visit.socket.sendall(head.encode() + body)
        return True

    return fault


def page_without_length(visit: Visit) -> bool:
    visit.socket.sendall(b"HTTP/1.0 503 Service Unavailable\r\n\r\n<html>come back later</html>")
    return False


def stall(visit: Visit) -> bool:
    """Never answer; wait until the client gives up."""
    with suppress(OSError):
        while visit.socket.recv(1024):
            pass
    return False


def cut(at: Callable[[bytes], int]) -> Fault:
    """Send the answer up to a place, and close."""

    def fault(visit: Visit) -> bool:
        whole = response(visit.request.answer())
        visit.socket.sendall(whole[: at(whole)])
        return False

    return fault


half_head = cut(lambda whole: 40)
half_body = cut(lambda whole: len(whole) - 5)
no_body = cut(lambda whole: whole.index(b"\r\n\r\n") + 4)


def stall_in_body(visit: Visit) -> bool:
    whole = response(visit.request.answer())
    visit.socket.sendall(whole[:-5])
    return stall(visit)


def wrong_crc(visit: Visit) -> bool:
    return respond(visit, visit.request.answer(), crc=12345)


def no_crc(visit: Visit) -> bool:
    body = visit.request.answer()
    visit.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    return True


def flipped_byte(visit: Visit) -> bool:
    """Change the body after its checksum was taken."""
    body = visit.request.answer()
    return respond(visit, body.replace(b"S", b"N"), crc=crc32(body))


def no_json(visit: Visit) -> bool:
    return respond(visit, b"It works!")


def garbage(visit: Visit) -> bool:
    visit.socket.sendall(b"\x15\x03\x03\x00\x02\x02\x0a" * 10)
    return False


def empty_success(visit: Visit) -> bool:
    return respond(visit, b"")


def compressed(visit: Visit) -> bool:
    return respond(visit, visit.request.answer(), "200 OK", "Content-Encoding: gzip")


def two_lengths(visit: Visit) -> bool:
    return respond(visit, visit.request.answer(), "200 OK", "Content-Length: 3")


def trickle(visit: Visit) -> bool:
    """Send a byte now and then, so that no single read takes long."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    with suppress(OSError):
        visit.socket.sendall(head)
        while not visit.stopping.wait(0.02):
            visit.socket.sendall(b"x")
    return False


def chunked(visit: Visit) -> bool:
    body = visit.request.answer()
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:7], body[7:]))
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nx-amz-crc32: {crc32(body)}\r\n\r\n"
    visit.socket.sendall(head.encode() + chunks + b"0\r\n\r\n")
    return True


def chunked_cut(visit: Visit) -> bool:
    visit.socket.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")
    return False


def in_pieces(visit: Visit) -> bool:
    """Send a right answer in pieces, each on its own."""
    whole = response(visit.request.answer())
    for start in range(0, len(whole), 17):
        visit.socket.sendall(whole[start : start + 17])
        visit.stopping.wait(0.001)
    return True


def interim(visit: Visit) -> bool:
    visit.socket.sendall(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    )
    return fine(visit)


def too_much(visit: Visit) -> bool:
    """Send a right answer, and the beginning of another that nobody asked for."""
    visit.socket.sendall(response(visit.request.answer()) + b"HTTP/1.1 200 OK\r\nContent-Le")
    return True


def then(extra: bytes, sent: list[bytes]) -> Fault:
    """Send a right answer and then, on its own, data that belongs to no request; add it to *sent*."""

    def fault(visit: Visit) -> bool:
        fine(visit)
        visit.stopping.wait(0.001)
        visit.socket.sendall(extra)
        sent.append(extra)
        return True

    return fault


class FaultyServer:
    """Use as a context manager; ``url`` is where it listens, ``received`` what it was sent."""

    def __init__(self, *script: Fault, tls: ssl.SSLContext | None = None) -> None:
        self._script = list(script)
        self._lock = threading.Lock()
        self._tls = tls
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._sockets: set[socket.socket] = set()
        self.received: list[Request] = []
        self.accepted = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def open(self) -> int:
        """How many connections are open now."""
        with self._lock:
            return len(self._sockets)

    def wait_until_empty(self, seconds: float = 5.0) -> bool:
        """Tell whether all connections are closed within a while."""
        return self.wait_until_open(0, seconds)

    def wait_until_open(self, count: int, seconds: float = 5.0) -> bool:
        """Tell whether the open connections become *count* in number within a while."""
        pause = threading.Event()
        for _ in range(int(seconds * 200)):
            if self.open == count:
                return True
            pause.wait(0.005)
        return False

    def script(self, *faults: Fault) -> None:
        """Say what to do to the next requests."""
        with self._lock:
            self._script = list(faults)

    def __enter__(self) -> FaultyServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()
        for thread in self._threads:
            thread.join(5)

    def drop(self) -> None:
        """Close every connection, as a server that is restarted."""
        with self._lock:
            opened = list(self._sockets)
        for one in opened:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                opened, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.accepted += 1
                at_once = bool(self._script) and self._script[0] is close_at_once
                if at_once:
                    self._script.pop(0)
            if at_once:
                opened.close()
                continue
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(opened,), daemon=True)
            with self._lock:
                self._sockets.add(opened)
            thread.start()
            self._threads.append(thread)

    def _serve(self, opened: socket.socket) -> None:
        plain = opened
        try:
            if self._tls is not None:
                opened = self._tls.wrap_socket(opened, server_side=True)
                with self._lock:
                    self._sockets.discard(plain)
                    self._sockets.add(opened)
            while (request := _read(opened)) is not None:
                with self._lock:
                    self.received.append(request)
                    fault = self._script.pop(0) if self._script else fine
                if not fault(Visit(opened, request, self._stopping)):
                    break
        except OSError:
            pass  # the client left
        finally:
            opened.close()
            with self._lock:
                self._sockets -= {plain, opened}


def _read(opened: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = opened.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (i.partition(":") for i in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        more = opened.recv(65536)
        if not more:
            return None
        body += more
    return Request(line, headers, body)


def texts(faults: Iterable[Fault]) -> str:
    """Return a name for a script, for the ids of tests."""
    return "-".join(getattr(fault, "__name__", "fault") for fault in faults)
