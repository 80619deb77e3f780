"""The link to streams, which have another endpoint than tables."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from ..credentials.settings import Settings
from ..credentials.streams import make_streams_settings
from ..flows import AsyncTransport, Link, Transport
from ..operations.base import Operation
from ..operations.streams import StreamCall
from . import open_transports


class _Sender:
    """Sends calls on streams over one transport, and all other calls over another."""

    def __init__(self, tables: Transport, streams: Transport) -> None:
        self._tables, self._streams = tables, streams

    def send(self, operation: Operation[Any], /) -> bytes:
        """Send *operation* once and return the body of its response."""
        chosen = self._streams if isinstance(operation, StreamCall) else self._tables
        return chosen.send(operation)

    def close(self) -> None:
        """Close the connections to the endpoint of streams."""
        self._streams.close()


class _AsyncSender:
    """The same, awaited."""

    def __init__(self, tables: AsyncTransport, streams: AsyncTransport) -> None:
        self._tables, self._streams = tables, streams

    def send(self, operation: Operation[Any], /) -> Coroutine[Any, Any, bytes]:
        """Send *operation* once and return the body of its response, awaited."""
        chosen = self._streams if isinstance(operation, StreamCall) else self._tables
        return chosen.send(operation)

    async def close(self) -> None:
        """Close the connections to the endpoint of streams."""
        await self._streams.close()


class StreamsLink:
    """The link of a connection for flows that read streams, and perhaps tables too."""

    def __init__(self, origin: Link, transport: Transport, async_transport: AsyncTransport) -> None:
        self.origin = origin
        """The connection, whose observers see the requests."""
        self.transport, self.async_transport = transport, async_transport
        self.retries, self.deadline = origin.retries, origin.deadline
        self.sync_in_loop = origin.sync_in_loop


def open_senders(link: Link, settings: Settings) -> tuple[Transport, AsyncTransport]:
    """Return transports that send calls on streams to their endpoint, and all other calls over *link*."""
    streams, async_streams = open_transports(make_streams_settings(settings))
    return _Sender(link.transport, streams), _AsyncSender(link.async_transport, async_streams)
