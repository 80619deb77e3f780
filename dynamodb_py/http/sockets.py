"""A blocking connection: a socket with one request at a time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, Any, cast

from ..credentials.targets import Target
from ..exceptions import ConnectionFailed, ConnectTimeout, ReadTimeout
from .codec import Response, ResponseReader, TunnelReader, connect_request, read_usual

if TYPE_CHECKING:
    import socket

_CHUNK = 64 * 1024
_LARGE_CHUNK = 1024 * 1024
_KERNEL_WAIT = 0.005
"""The seconds that recv() itself waits for a response, which saves a system call; after them poll() waits.

It must be short, as the kernel begins this wait again after each signal.
"""
_LONGEST_WAIT = 2_000_000.0
"""The longest wait of poll() in seconds."""


class Connection:
    """One open connection, with one user at a time."""

    __slots__ = (
        "_again",
        "_flags",
        "_milliseconds",
        "_read_timeout",
        "_recv",
        "_send",
        "_socket",
        "_waits",
        "poll",
    )

    def __init__(self, opened: socket.socket, *, tls: bool, read_timeout: float) -> None:
        # A socket's own timeout begins again with each call; poll() can wait until one deadline for all.
        opened.setblocking(False)
        self._socket, self._send, self._recv = opened, opened.send, opened.recv
        self._again: tuple[type[OSError], ...] = (BlockingIOError,)
        if tls:
            from ssl import SSLWantReadError, SSLWantWriteError

            self._again = (SSLWantReadError, SSLWantWriteError)
        self.poll = make_poll(opened)
        self._flags = 0
        self._waits = not tls and sys.platform == "linux" and has_kernel_poll()
        if self._waits:
            self._flags = _wait_in_kernel(opened)
        self._read_timeout = read_timeout
        self._milliseconds = _count_milliseconds(read_timeout)

    def exchange(self, request: bytes, seconds: float | None = None) -> Response:
        """Send *request* and return the whole response.

        :param seconds: the time for both; the default, and the maximum, is the read timeout.
        :raises ConnectionFailed: or one of its subclasses. After any exception, close the connection.
        """
        timeout, milliseconds = self._read_timeout, self._milliseconds
        if seconds is not None and seconds < timeout:
            timeout, milliseconds = seconds, _count_milliseconds(seconds)
        deadline = time.monotonic() + timeout
        try:
            # The usual request is sent in one call, and the usual response received in one.
            try:
                sent = self._send(request, self._flags)
            except self._again:
                sent = 0
            if sent < len(request):
                self._send_rest(memoryview(request)[sent:], deadline)
            elif self._waits or self.poll(milliseconds):
                try:
                    data = self._recv(_CHUNK)
                except self._again:
                    return self._go_on(deadline)
                return read_usual(data) or self._go_on(deadline, data)
            return self._go_on(deadline)
        except TimeoutError as error:
            raise make_read_timeout(timeout) from error
        except OSError as error:
            if isinstance(error, ConnectionFailed):
                raise
            raise ConnectionFailed(f"The connection broke: {error}.") from error

    def _send_rest(self, rest: memoryview, deadline: float) -> None:
        """Send the rest of a long request."""
        while rest:
            seconds = _count_seconds_until(deadline)
            try:
                rest = rest[self._send(rest, self._flags) :]
            except self._again as error:
                # TLS sometimes has to read before it can write.
                self._wait(seconds, output=type(error).__name__ != "SSLWantReadError")

    def _go_on(self, deadline: float, data: bytes | None = None) -> Response:
        """Read the response, or the rest of it after *data*."""
        reader = ResponseReader()
        while True:
            if data is not None:
                response = reader.feed(data) if data else reader.end()
                if response is not None:
                    return response
            seconds = _count_seconds_until(deadline)
            try:
                size = min(max(reader.missing, _CHUNK), _LARGE_CHUNK)
                data = self._recv(size, self._flags)
            except self._again as error:
                data = None
                self._wait(seconds, output=type(error).__name__ == "SSLWantWriteError")

    def _wait(self, seconds: float, *, output: bool) -> None:
        poll = make_poll(self._socket, output=True) if output else self.poll
        if not poll(_count_milliseconds(seconds)):
            raise TimeoutError

    def close(self) -> None:
        """Close it, without waiting for the other side."""
        # Not suppress(): at the end of the interpreter, the globals of this module may be gone.
        try:  # noqa: SIM105
            self._socket.close()
        except OSError:  # it may be closed already
            pass


def open_connection(target: Target, connect_timeout: float, read_timeout: float) -> Connection:
    """Open a connection to *target*, through its proxy and with TLS if it has them.

    Raises ConnectTimeout, or ConnectionFailed with the reason.
    """
    import socket  # takes 3 ms: not during `import dynamodb_py`

    deadline = time.monotonic() + connect_timeout
    opened = None
    try:
        host, port = target.address
        opened = socket.create_connection((_encode_host(host), port), connect_timeout)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if target.context is not None:
            if target.proxy is not None:
                _tunnel(opened, target, deadline)
            opened.settimeout(_count_seconds_until(deadline))
            name = target.endpoint.host
            if type(target.context).__module__ == "ssl":  # gevent's needs a text
                name = _encode_host(name)
            opened = target.context.wrap_socket(opened, server_hostname=name)
        return Connection(opened, tls=target.context is not None, read_timeout=read_timeout)
    except BaseException as error:
        if opened is not None:
            opened.close()
        if isinstance(error, OSError):
            raise make_connect_error(error, target, connect_timeout) from error
        raise


def _encode_host(host: str) -> Any:
    """Return *host* as bytes if it is plain ASCII: then Python does not import its IDNA codec, for 3 ms."""
    plain = host.isascii() and all(0 < len(label) < 64 for label in host.split("."))
    return host.encode() if plain else host


def make_read_timeout(seconds: float) -> ReadTimeout:
    """Return the exception for a response that did not arrive in *seconds*."""
    text = f"No whole response within {seconds:g} seconds; give connect() a longer read_timeout"
    return ReadTimeout(f"{text} if requests may take that long.")


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
            f"{getattr(error, 'verify_message', error)}. Give a file with its authorities by "
            "AWS_CA_BUNDLE or verify=."
        )
    return ConnectionFailed(f"No connection to {place}: {error}.")


def make_tunnel_error(response: Response) -> ConnectionFailed | None:
    """Return the exception for a proxy's response to CONNECT; None if the tunnel is open."""
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
    reader, response = TunnelReader(), None
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


def _count_milliseconds(seconds: float) -> int:
    return ceil(min(seconds, _LONGEST_WAIT) * 1000)


def has_kernel_poll() -> bool:
    """Tell whether select.poll() is Python's own, not gevent's."""
    import select

    return getattr(getattr(select, "poll", None), "__module__", "") == "select"


def _wait_in_kernel(opened: socket.socket) -> int:
    """Let recv() wait for a moment; return the flags of a call that does not wait."""
    import socket
    from struct import pack

    opened.setblocking(True)
    timeval = pack("@ll", 0, round(_KERNEL_WAIT * 1_000_000))
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
    return socket.MSG_DONTWAIT


def make_poll(opened: socket.socket, *, output: bool = False) -> Callable[[int], object]:
    """Return a function that waits until *opened* can be read, or was closed by the other side.

    It takes the maximum of milliseconds, and returns a true value if the socket can be read. With *output*,
    it waits until the socket can be written.
    """
    import select

    poll: Any = getattr(select, "poll", None)
    if has_kernel_poll():  # select() cannot handle descriptors over 1023
        poller = poll()
        poller.register(opened, select.POLLOUT if output else select.POLLIN)
        return cast("Callable[[int], object]", poller.poll)

    def wait(milliseconds: int) -> object:
        try:
            if poll is None:  # Windows
                files, seconds = [opened], milliseconds / 1000
                ready = select.select([] if output else files, files if output else [], [], seconds)
                return ready[0] or ready[1]
            poller = poll()  # gevent's works only in the thread that creates it
            poller.register(opened.fileno(), select.POLLOUT if output else select.POLLIN)
            return poller.poll(milliseconds)
        except (OSError, ValueError):
            return True

    return wait
