"""An asyncio connection: a protocol with one request at a time."""

from __future__ import annotations

import os
from asyncio import AbstractEventLoop, BufferedProtocol, Future, TimerHandle, Transport, wait
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..credentials.targets import Target
from ..exceptions import ConnectionFailed
from .codec import Response, ResponseReader, TunnelReader, connect_request, read_usual
from .sockets import make_connect_error, make_poll, make_read_timeout, make_tunnel_error

_BUFFER, _LARGE_BUFFER = 64 * 1024, 256 * 1024


class Stream(BufferedProtocol):
    """One connection, which :func:`open_stream` opens.

    *lost* is called once, when the connection is closed for any reason.
    """

    def __init__(
        self, loop: AbstractEventLoop, read_timeout: float, lost: Callable[[Stream], None]
    ) -> None:
        self.loop = loop
        self._read_timeout = self._timeout = read_timeout
        self._lost: Callable[[Stream], None] | None = lost
        self._transport: Transport | None = None
        self._poll: Callable[[int], object] = bool
        self._waiter: Future[Response] | None = None  # for the current request
        self._reader: ResponseReader | None = None  # for a response that comes in parts
        self._deadline = 0.0
        self._timer: TimerHandle | None = None
        self._buffer = memoryview(bytearray(_BUFFER))

    @property
    def open(self) -> bool:
        """Whether a request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def exchange(
        self, request: bytes, seconds: float | None = None, *, tunnel: bool = False
    ) -> Future[Response]:
        """Send *request* and return the future of its whole response.

        The future raises ConnectionFailed or one of its subclasses. A caller that stops waiting for it must
        call :meth:`abort`.

        :param seconds: the time for both; the default, and the maximum, is the read timeout.
        :param tunnel: whether *request* is a CONNECT to a proxy.
        """
        loop, transport = self.loop, self._transport
        if transport is None or transport.is_closing():  # closed by the server while idle
            raise ConnectionFailed("The server closed the connection without a response.")
        waiter = self._waiter = loop.create_future()
        if tunnel:
            self._reader = TunnelReader()
        # One timer serves all requests of a connection: it is set again only after it has fired.
        self._timeout = self._read_timeout
        if seconds is not None and seconds < self._timeout:
            self._timeout = seconds
            self._stop_timer()  # it may fire too late for this request
        self._deadline = loop.time() + self._timeout
        if self._timer is None:
            self._timer = loop.call_at(self._deadline, self._time_out)
        transport.write(request)
        return waiter

    def is_stale(self) -> bool:
        """Tell whether it is closed, or has data that the loop has not read yet."""
        transport = self._transport
        return transport is None or transport.is_closing() or bool(self._poll(0))

    def abort(self) -> None:
        """Close the connection at once."""
        self._forget()
        if self._transport is not None:
            self._transport.abort()

    def discard(self) -> None:
        """Close a connection whose event loop was closed before it."""
        transport: Any = self._transport
        self._forget()
        if transport is None:  # the loop was closed while it connected
            return
        with suppress(Exception):  # the loop is closed
            transport.abort()
        # The loop would call this next; without it the socket stays open until garbage collection.
        transport = getattr(getattr(transport, "_ssl_protocol", None), "_transport", transport)
        finish = getattr(transport, "_call_connection_lost", None)
        if finish is not None:
            with suppress(Exception):
                finish(None)

    def leave(self) -> None:
        """Leave the connection to the parent of this process.

        The child's event loop still watches the descriptor. It must not read responses of the parent, and
        cannot be unregistered, as both processes may share the kernel's list of watched descriptors. So
        the descriptor is replaced by a closed socket.
        """
        self._lost = None
        opened = None if self._transport is None else self._transport.get_extra_info("socket")
        if opened is not None and opened.fileno() >= 0:
            from socket import socketpair

            dead, other = socketpair()
            other.close()
            os.dup2(dead.fileno(), opened.fileno(), inheritable=False)
            dead.close()

    def rewire(self, transport: Any) -> None:
        """Continue over *transport*, which may be TLS inside the open tunnel."""
        self._transport = transport
        opened = transport.get_extra_info("socket")
        if opened is not None:
            self._poll = make_poll(opened)

    # Called by the event loop.

    def connection_made(self, transport: Any) -> None:
        self.rewire(transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        # asyncio's own buffer would be a new one for every read, which costs more than the reading.
        if self._reader is not None and self._reader.missing > len(self._buffer) < _LARGE_BUFFER:
            self._buffer = memoryview(bytearray(_LARGE_BUFFER))
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        data, reader = bytes(self._buffer[:nbytes]), self._reader
        if self._waiter is None:  # unexpected data
            self.abort()
            return
        response = None if reader is not None else read_usual(data)
        if response is None:
            reader = self._reader = reader or ResponseReader()
            try:
                response = reader.feed(data)
            except ConnectionFailed as error:
                self._fail(error)
                return
        if response is not None:
            self._finish(response)

    def eof_received(self) -> bool:
        self._end(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)
        self._forget()

    def _finish(self, response: Response) -> None:
        waiter, self._waiter, self._reader = self._waiter, None, None
        if waiter is not None and not waiter.done():
            waiter.set_result(response)

    def _end(self, error: Exception | None) -> None:
        if self._waiter is None:
            return
        try:
            if error is not None:
                raise ConnectionFailed(f"The connection broke: {error}.") from error
            self._finish((self._reader or ResponseReader()).end())
        except ConnectionFailed as failed:
            self._fail(failed)

    def _fail(self, error: ConnectionFailed) -> None:
        waiter, self._waiter, self._reader = self._waiter, None, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)
        self.abort()

    def _time_out(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if self.loop.time() < self._deadline:  # set for an earlier request
            self._timer = self.loop.call_at(self._deadline, self._time_out)
            return
        self._fail(make_read_timeout(self._timeout))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _forget(self) -> None:
        self._stop_timer()
        lost, self._lost = self._lost, None
        if lost is not None:
            lost(self)


async def open_stream(stream: Stream, target: Target, connect_timeout: float) -> None:
    """Connect *stream* to *target*, through its proxy and with TLS if it has them.

    Raises ConnectTimeout, or ConnectionFailed with the reason, and closes the stream.
    """
    connecting = stream.loop.create_task(_connect(stream, target))
    try:
        # Not wait_for(): before Python 3.12, it can swallow a cancellation.
        done, _ = await wait((connecting,), timeout=connect_timeout)
        if not done:
            raise TimeoutError
        connecting.result()
    except BaseException as error:
        stream.abort()
        with suppress(RuntimeError):  # the loop is closed
            # asyncio logs an exception that nothing retrieves.
            connecting.add_done_callback(lambda task: task.cancelled() or task.exception())
            connecting.cancel()
        if not isinstance(error, GeneratorExit):
            await wait((connecting,))  # it closes its socket
        if isinstance(error, OSError):
            raise make_connect_error(error, target, connect_timeout) from error
        raise


async def _connect(stream: Stream, target: Target) -> None:
    def factory() -> Stream:
        return stream

    loop = stream.loop
    host, port = target.address
    name = target.endpoint.host
    if target.context is None:
        await loop.create_connection(factory, host, port)
    elif target.proxy is None:
        await loop.create_connection(factory, host, port, ssl=target.context, server_hostname=name)
    else:
        transport, _ = await loop.create_connection(factory, host, port)
        request = connect_request(name, target.endpoint.port, target.proxy.authorization)
        refused = make_tunnel_error(await stream.exchange(request, tunnel=True))
        if refused is not None:
            raise refused
        secure = await loop.start_tls(transport, stream, target.context, server_hostname=name)
        stream.rewire(secure)
