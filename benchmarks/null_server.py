"""Starts the null server: canned DynamoDB answers on 127.0.0.1, so that the client is measured.

The server itself is ``null_server.c``, built with ``cc`` where there is one (and Linux's epoll).
Elsewhere the class :class:`Answering` serves from Python: some ten times slower, which costs the
clients nothing in CPU but lets them sleep longer. ``Server.kind`` says which one runs.

    with running() as server:
        print(server.url, server.kind)

The same answers from within the process, with every request kept for inspection, are what
:func:`recording` gives.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import email.utils
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import shapes

HOST = "127.0.0.1"
LIFETIME = 3600.0  # seconds: a server that was forgotten ends by itself
PARENT_CHECK = 0.2  # seconds between two looks at whether the parent is still there
BACKWARD = (b'"ScanIndexForward":false', b'"ScanIndexForward": false')
SOURCE = Path(__file__).with_name("null_server.c")


@dataclasses.dataclass(frozen=True)
class Server:
    """A null server that runs: where, and whether it is the C program or Python."""

    url: str
    kind: str
    process: subprocess.Popen[str]


@dataclasses.dataclass(frozen=True)
class Request:
    """A request as it came: the operation of X-Amz-Target, lower-case headers, the body."""

    operation: str
    headers: dict[str, str]
    body: bytes


def canned() -> dict[str, bytes]:
    """Return the whole HTTP responses: the operation's name -> head and body."""
    return {name: _response(status, body) for name, (status, body) in shapes.responses().items()}


def _response(status: int, body: bytes) -> bytes:
    reason = {200: "OK", 400: "Bad Request"}[status]
    head = (
        f"HTTP/1.1 {status} {reason}\r\n"
        "Server: Server\r\n"
        f"Date: {email.utils.formatdate(usegmt=True)}\r\n"  # clients correct their clocks by it
        "Content-Type: application/x-amz-json-1.0\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Connection: keep-alive\r\n"
        "x-amzn-RequestId: 7QK5AK3A3P5N1V7O8H0D3C4B2FVV4KQNSO5AEMVJF66Q9ASUAAJG\r\n"
        f"x-amz-crc32: {zlib.crc32(body)}\r\n"
        "\r\n"
    )
    return head.encode("ascii") + body


def write_canned(path: Path) -> None:
    """Write the responses to *path* in the format that null_server.c reads."""
    with path.open("wb") as file:
        for name, response in canned().items():
            file.write(b"%s %d\n" % (name.encode(), len(response)) + response)


def build(directory: Path) -> Path | None:
    """Build the C server in *directory*; None where no compiler is found or it does not build."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or not sys.platform.startswith("linux"):
        return None
    program = directory / "null_server"
    command = [compiler, "-O2", "-std=gnu11", "-o", str(program), str(SOURCE)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode:
        sys.stderr.write(f"null_server.c does not build, Python serves instead:\n{built.stderr}\n")
        return None
    return program


@contextlib.contextmanager
def running(*, python: bool = False, lifetime: float = LIFETIME) -> Iterator[Server]:
    """Run a null server for the time of the ``with`` block, at most *lifetime* seconds.

    With ``python=True`` it is the one in Python, even where the C server could be built.
    """
    with tempfile.TemporaryDirectory(prefix="null-server-") as name:
        directory = Path(name)
        program = None if python else build(directory)
        if program is None:
            kind, command = "Python", [sys.executable, __file__, str(lifetime)]
        else:
            write_canned(directory / "canned")
            kind, command = "C", [str(program), str(directory / "canned"), str(lifetime)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            if not port:
                message = f"the null server ended with status {process.wait()} before it listened"
                raise RuntimeError(message)
            yield Server(f"http://{HOST}:{port}", kind, process)
        finally:
            process.terminate()
            process.communicate()


class Answering(asyncio.Protocol):
    """One connection of the server in Python: HTTP/1.1, keep-alive, pipelined requests."""

    def __init__(
        self, responses: dict[str, bytes], seen: Callable[[Request], None] | None = None
    ) -> None:
        """Answer from *responses*; hand each request to *seen*, where given."""
        self.responses = responses
        self.seen = seen
        self.waiting = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        waiting = self.waiting + data
        while (end := waiting.find(b"\r\n\r\n")) >= 0:
            headers = _headers(waiting[:end])
            whole = end + 4 + int(headers.get("content-length", "0"))
            if len(waiting) < whole:
                break
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            request = Request(operation, headers, waiting[end + 4 : whole])
            waiting = waiting[whole:]
            if self.seen is not None:
                self.seen(request)
            self.transport.write(self._answer(request))
            if headers.get("connection", "").lower() == "close":
                self.transport.close()
                return
        self.waiting = waiting

    def _answer(self, request: Request) -> bytes:
        if not request.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
            return self.responses["unsigned"]
        name = _answered(request.operation, request.body)
        return self.responses.get(name) or self.responses["unknown"]


def _answered(operation: str, body: bytes) -> str:
    """Return the name of the response to *operation*, as null_server.c does."""
    if operation == "UpdateItem" and b'"ALL_NEW"' in body:
        return "UpdateItem/ALL_NEW"
    if operation == "Query" and b'"FilterExpression"' in body:
        return "Query/FILTERED"
    if operation == "Query" and b'"ProjectionExpression"' in body:
        return "Query/PROJECTED"
    if operation == "Query" and any(backward in body for backward in BACKWARD):
        return "Query/BACKWARD"
    if operation == "Query" and b'"Limit"' in body:
        return "Query/LIMIT"
    if operation == "BatchGetItem" and body.count(b'"sk"') == 1:
        return "BatchGetItem/ONE"
    return operation


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines)
    return {name.lower(): value.strip() for name, _, value in pairs}


@contextlib.contextmanager
def recording() -> Iterator[tuple[str, list[Request]]]:
    """Serve from a thread of this process; give the URL and the list that requests go to."""
    requests: list[Request] = []
    ready: list[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = []
    started = threading.Event()

    async def serve() -> None:
        stop = asyncio.Event()
        server, port = await _listen(canned(), requests.append)
        ready.append((f"http://{HOST}:{port}", asyncio.get_running_loop(), stop))
        started.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    if not started.wait(10):
        message = "the recording server did not start within 10 seconds"
        raise RuntimeError(message)
    url, loop, stop = ready[0]
    try:
        yield url, requests
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


async def _listen(
    responses: dict[str, bytes], seen: Callable[[Request], None] | None = None
) -> tuple[asyncio.Server, int]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(responses, seen), HOST, 0, backlog=1024)
    port: int = server.sockets[0].getsockname()[1]
    return server, port


async def _serve(lifetime: float) -> None:
    """Serve until *lifetime* seconds have passed or the parent process is gone."""
    parent = os.getppid()
    server, port = await _listen(canned())
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    end = loop.time() + lifetime
    while loop.time() < end and os.getppid() == parent:
        await asyncio.sleep(PARENT_CHECK)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
