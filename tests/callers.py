"""The blocking and the asyncio transport behind one face, so that each test is written once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import msgspec
import pytest

from dynamodb_py.exceptions import DynamoDBError
from dynamodb_py.flows import AsyncTransport, Transport, arun, run
from dynamodb_py.operations.base import Operation, Payload
from dynamodb_py.retries import Retries
from dynamodb_py.transports import Settings, open_transports

KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret"}


class Echo(Operation[Any], frozen=True):
    """A read whose answer, from the faulty server, is its own key."""

    api: ClassVar[str] = "GetItem"

    key: Any = "k"
    table: str = "test"

    def payload(self) -> Payload:
        return {"TableName": self.table, "Key": {"name": {"S": self.key}}}

    def parse(self, outcome: Any, /) -> Any:
        return msgspec.json.decode(outcome)["Item"]["name"]["S"]


class Link:
    """What a flow is driven over."""

    def __init__(
        self, transport: Transport, async_transport: AsyncTransport, attempts: int
    ) -> None:
        self.transport, self.async_transport = transport, async_transport
        self.retries = Retries(attempts=attempts, base=0)
        self.deadline: float | None = None
        self.sync_in_loop = "allow"


class Caller:
    """Sends with the blocking transport."""

    def __init__(self, settings: Settings) -> None:
        self.transport, self.async_transport = open_transports(settings)

    def send(self, operation: Operation[Any]) -> Any:
        return operation.parse(self.transport.send(operation))

    def run(self, operation: Operation[Any], attempts: int = 3) -> Any:
        return run(iter(operation), Link(self.transport, self.async_transport, attempts))

    def outcome(self, operation: Operation[Any], attempts: int = 1) -> Any:
        """Return what came of it, the exception if there was one."""
        try:
            return self.run(operation, attempts)
        except DynamoDBError as error:
            return error

    def close(self) -> None:
        self.transport.close()

    def end(self) -> None:
        """Be done for good."""
        self.close()


class AsyncCaller(Caller):
    """Sends with the asyncio transport, on a loop of its own."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.loop = asyncio.new_event_loop()

    def send(self, operation: Operation[Any]) -> Any:
        return operation.parse(self.loop.run_until_complete(self.async_transport.send(operation)))

    def run(self, operation: Operation[Any], attempts: int = 3) -> Any:
        link = Link(self.transport, self.async_transport, attempts)
        return self.loop.run_until_complete(arun(iter(operation), link))

    def close(self) -> None:
        self.loop.run_until_complete(self.async_transport.close())

    def end(self) -> None:
        self.close()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


def settings(endpoint_url: str | None = None, **given: Any) -> Settings:
    """Return settings with keys and a region."""
    return Settings(**{"region_name": "eu-west-1", "endpoint_url": endpoint_url, **KEYS, **given})


@pytest.fixture(params=[Caller, AsyncCaller], ids=["sync", "asyncio"])
def caller(request: pytest.FixtureRequest) -> Iterator[Callable[..., Caller]]:
    """Make callers for an endpoint, closed when the test is over."""
    made: list[Caller] = []

    def make(endpoint_url: str | None = None, **given: Any) -> Caller:
        made.append(request.param(settings(endpoint_url, **given)))
        return made[-1]

    yield make
    for one in made:
        one.end()
