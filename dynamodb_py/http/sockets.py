"""A blocking connection: a socket with one request at a time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from ..credentials.targets import Target
from ..exceptions import ConnectionFailed, ConnectTimeout, ReadTimeout
from .codec import Response, ResponseReader, connect_request

if TYPE_CHECKING:
    import socket

_CHUNK = 64 * 1024

# On Linux the kernel enforces the timeout: a blocking socket takes one system call less than polling.
# Not with TLS: OpenSSL would try again.
_KERNEL_TIMEOUTS = sys.platform == "linux"


class Connection:
    """One open connection, with one user at a time."""

    __slots__ = ("_plain", "_poll", "_read_timeout", "_recv", "_sendall", "_socket")

    def __init__(self, opened: socket.socket, *, tls: bool, read_timeout: float) -> None:
        self._socket = opened
        self._sendall, self._recv = opened.sendall, opened.recv
        self._read_timeout = read_timeout
        self._plain = not tls
        self._poll = make_poll(opened)
        if self._plain and _KERNEL_TIMEOUTS:
            _set_kernel_timeout(opened, read_timeout)
        else:
            opened.settimeout(read_timeout)

    def exchange(self, request: bytes) -> Response:
        """Send *request* and return the whole response.

        Raises ConnectionFailed and its subclasses; after any exception, the connection can only be
        closed.
        """
        reader = ResponseReader()
        try:
            self._sendall(request)
            data = self._recv(_CHUNK)
            response = reader.feed(data) if data else reader.end()
            return response or self._go_on(reader)
        except (BlockingIOError, TimeoutError) as error:
            raise make_read_timeout(self._read_timeout) from error
        except OSError as error:
            if isinstance(error, ConnectionFailed):
                raise
            raise ConnectionFailed(f"The connection broke: {error}.") from error

    def _go_on(self, reader: ResponseReader) -> Response:
        """Read the rest of a long answer, within the timeout for the whole answer."""
        from socket import MSG_WAITALL

        deadline = time.monotonic() + self._read_timeout
        while time.monotonic() < deadline:
            # MSG_WAITALL: one call, without joining parts afterwards.
            missing = min(reader.missing, 1024 * _CHUNK)
            if missing and self._plain and _KERNEL_TIMEOUTS:
                data = self._recv(missing, MSG_WAITALL)
            else:
                data = self._recv(max(_CHUNK, missing) if self._plain else _CHUNK)
            response = reader.feed(data) if data else reader.end()
            if response is not None:
                return response
        raise TimeoutError

    def is_stale(self) -> bool:
        """Tell whether the server closed the idle connection, or sent unexpected data."""
        return bool(self._poll(0))

    def close(self) -> None:
        """Close it, without waiting for the other side."""
        with suppress(OSError):  # it may be closed already
            self._socket.close()


def open_connection(target: Target, connect_timeout: float, read_timeout: float) -> Connection:
    """Open a connection to *target*, through its proxy and with TLS where there is one.

    Raises ConnectTimeout, or ConnectionFailed with the reason.
    """
    import socket  # 3 ms, not during `import dynamodb_py`

    deadline = time.monotonic() + connect_timeout
    opened = None
    try:
        opened = socket.create_connection(target.address, connect_timeout)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if target.context is not None:
            if target.proxy is not None:
                _tunnel(opened, target, deadline)
            opened.settimeout(_count_seconds_until(deadline))
            opened = target.context.wrap_socket(opened, server_hostname=target.endpoint.host)
        return Connection(opened, tls=target.context is not None, read_timeout=read_timeout)
    except BaseException as error:
        if opened is not None:
            opened.close()
        if isinstance(error, OSError):
            raise make_connect_error(error, target, connect_timeout) from error
        raise


def make_read_timeout(seconds: float) -> ReadTimeout:
    """Return the exception for an answer that did not arrive in *seconds*."""
    text = f"No whole answer within {seconds:g} seconds; give connect() a longer read_timeout"
    return ReadTimeout(f"{text} if that can be.")


def make_connect_error(error: OSError, target: Target, connect_timeout: float) -> ConnectionFailed:
    """Return the exception for *error* of connecting to *target*."""
    if isinstance(error, ConnectionFailed):
        return error
    host, port = target.address
    place = f"the proxy {host}:{port}" if target.proxy else f"{host}:{port}"
    if isinstance(error, TimeoutError):
        return ConnectTimeout(f"No connection to {place} within {connect_timeout:g} seconds.")
    if type(error).__name__ == "gaierror":
        return ConnectionFailed(
            f"The name {host!r} is not known: {error.strerror}. Check region_name, endpoint_url "
            "and the network."
        )
    if type(error).__name__ == "SSLCertVerificationError":
        return ConnectionFailed(
            f"The certificate of {target.endpoint.host} cannot be trusted: "
            f"{getattr(error, 'verify_message', error)}. Name the right authorities in "
            "AWS_CA_BUNDLE or verify=."
        )
    return ConnectionFailed(f"No connection to {place}: {error}.")


def make_tunnel_error(response: Response) -> ConnectionFailed | None:
    """Return the exception for a proxy's answer to CONNECT; None if the tunnel is open."""
    if 200 <= response.status < 300:
        return None
    hint = " Put user:password@ into HTTPS_PROXY." if response.status == 407 else ""
    return ConnectionFailed(f"The proxy refused a tunnel with status {response.status}.{hint}")


def _tunnel(opened: socket.socket, target: Target, deadline: float) -> None:
    """Open a tunnel to the endpoint through the proxy."""
    assert target.proxy is not None
    endpoint = target.endpoint
    opened.settimeout(_count_seconds_until(deadline))
    opened.sendall(connect_request(endpoint.host, endpoint.port, target.proxy.authorization))
    reader, response = ResponseReader(tunnel=True), None
    while response is None:
        opened.settimeout(_count_seconds_until(deadline))
        data = opened.recv(_CHUNK)
        response = reader.feed(data) if data else reader.end()
    refused = make_tunnel_error(response)
    if refused is not None:
        raise refused


def _count_seconds_until(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def make_poll(opened: socket.socket) -> Callable[[int], object]:
    """Return a function that waits up to some milliseconds for input, or the end, of *opened*.

    Its result is true if there is something to read.
    """
    import select

    poll: Any = getattr(select, "poll", None)
    if getattr(poll, "__module__", "") == "select":  # select() cannot handle descriptors over 1023
        poller = poll()
        poller.register(opened, select.POLLIN)
        return cast("Callable[[int], object]", poller.poll)

    def wait(milliseconds: int) -> object:
        try:
            if poll is None:  # Windows
                return select.select([opened], [], [], milliseconds / 1000)[0]
            poller = poll()  # gevent's belongs to the thread that makes it
            poller.register(opened.fileno(), select.POLLIN)
            return poller.poll(milliseconds)
        except (OSError, ValueError):
            return True

    return wait


def _set_kernel_timeout(opened: socket.socket, seconds: float) -> None:
    import socket
    from struct import pack

    opened.settimeout(None)
    # Never zero, which means no timeout.
    whole, rest = divmod(max(round(seconds * 1_000_000), 1), 1_000_000)
    timeval = pack("@ll", whole, rest)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)
