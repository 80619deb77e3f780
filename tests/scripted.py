"""Transports that answer from a list, for what is tested without a server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import msgspec

from dynamodb_py.codec import as_sent
from dynamodb_py.connections import Connection
from dynamodb_py.operations.base import Operation
from dynamodb_py.retries import Retries
from dynamodb_py.transports import Settings

from .expressions.spelling import check_request

Answer: TypeAlias = "bytes | Mapping[str, Any] | BaseException | Callable[[Operation[Any]], Any]"


class Script:
    """Answers, in order, and the operations that were sent for them."""

    def __init__(self, answers: Iterable[Answer] = ()) -> None:
        self.answers = list(answers)
        self.sent: list[Any] = []
        self.under_way = self.most_under_way = 0

    def answer(self, operation: Operation[Any]) -> bytes:
        self.sent.append(operation)
        assert self.answers, f"nobody expected {operation.api}"
        answer: Any = self.answers.pop(0)
        if callable(answer):
            answer = answer(operation)
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, bytes) else msgspec.json.encode(answer)

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """What was sent, as the JSON of the requests says."""
        return [msgspec.json.decode(msgspec.json.encode(each.payload())) for each in self.sent]


class ScriptedTransport:
    """A transport that answers from a script."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.closed = 0

    def send(self, operation: Operation[Any], /) -> bytes:
        return self.script.answer(operation)

    def close(self) -> None:
        self.closed += 1


class AsyncScriptedTransport:
    """The same, awaited."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.closed = 0

    async def send(self, operation: Operation[Any], /) -> bytes:
        return self.script.answer(operation)

    async def close(self) -> None:
        self.closed += 1


class Link:
    """What a flow is driven over: a script, and retries that do not sleep."""

    def __init__(self, script: Script, attempts: int = 4) -> None:
        self.transport = ScriptedTransport(script)
        self.async_transport = AsyncScriptedTransport(script)
        self.retries = Retries(attempts=attempts, base=0)
        self.deadline: float | None = None
        self.sync_in_loop = "allow"


def scripted_connection(script: Script, alias: str = "default", **given: Any) -> Connection:
    """Return a connection that answers from *script*."""
    connection = Connection(
        Settings(region_name="eu-west-1"), alias=alias, retries=Retries(base=0), **given
    )
    connection.transport = ScriptedTransport(script)
    connection.async_transport = AsyncScriptedTransport(script)
    connection._senders = connection.transport, connection.async_transport
    return connection


def checked(operation: Operation[Any]) -> dict[str, Any]:
    """Return the payload of *operation* as boto3 would have it, after botocore looked at it."""
    payload: dict[str, Any] = _as_boto3_has_it(operation.payload())
    check_request(operation.api, payload)
    return payload


def _as_boto3_has_it(part: Any) -> Any:
    if isinstance(part, msgspec.Raw):
        return {name: as_sent(wire) for name, wire in msgspec.json.decode(part).items()}
    if isinstance(part, dict):
        return {name: _as_boto3_has_it(each) for name, each in part.items()}
    return [_as_boto3_has_it(each) for each in part] if isinstance(part, list) else part
