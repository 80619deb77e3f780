"""What was sent: transports that hand every operation on, and remember it."""

from __future__ import annotations

from typing import Any

import msgspec

from dynamodb_py.flows import AsyncTransport, Transport
from dynamodb_py.operations.base import Operation


class Sent(list["Operation[Any]"]):
    """The operations that a connection sent, in order."""

    @property
    def calls(self) -> list[str]:
        return [operation.api for operation in self]

    def payload(self, at: int = -1) -> dict[str, Any]:
        """Return the body of one request as JSON has it."""
        return msgspec.json.decode(msgspec.json.encode(self[at].payload()))


class Recorder:
    def __init__(self, inner: Transport, sent: Sent) -> None:
        self.inner, self.sent = inner, sent

    def send(self, operation: Operation[Any], /) -> bytes:
        self.sent.append(operation)
        return self.inner.send(operation)

    def close(self) -> None:
        self.inner.close()


class AsyncRecorder:
    def __init__(self, inner: AsyncTransport, sent: Sent) -> None:
        self.inner, self.sent = inner, sent

    async def send(self, operation: Operation[Any], /) -> bytes:
        self.sent.append(operation)
        return await self.inner.send(operation)

    async def close(self) -> None:
        await self.inner.close()


def record(connection: Any) -> Sent:
    """Remember from now on what *connection* sends."""
    sent = Sent()
    connection.transport = Recorder(connection.transport, sent)
    connection.async_transport = AsyncRecorder(connection.async_transport, sent)
    return sent
