"""The steps of a flow, and Operation: a value that encodes its request and parses its response."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar, Union

import msgspec
from msgspec import Struct

from ..exceptions import DynamoDBError, QueryError, RequestError, ResponseCorrupted

T = TypeVar("T")

Wire: TypeAlias = "dict[str, Any]"
"""One attribute value in DynamoDB's form, ``{"S": "text"}``; a B holds bytes."""

WireItem: TypeAlias = "dict[str, Wire]"
Payload: TypeAlias = "dict[str, Any]"


class BaseStep(Struct, Generic[T], frozen=True):
    """A step that a flow may yield, and the parser of its outcome."""

    def parse(self, outcome: Any, /) -> T:
        """Return the result."""
        raise NotImplementedError

    def __iter__(self) -> Generator[Step, Any, T]:
        """Let a flow write ``item = yield from GetItem(...)``."""
        step: Any = self
        outcome = yield step
        try:
            return self.parse(outcome)
        except DynamoDBError:
            raise
        except BROKEN as error:
            found: Any = make_corrupted(error)
            found.__cause__ = error
        if isinstance(self, Operation) and self.repeatable:
            try:
                found = _parse_safely(step, (yield step))  # the next response may be whole
            except RequestError as error:
                error.in_doubt = True  # the first attempt may have succeeded
                raise
        if isinstance(found, ResponseCorrupted):
            raise found
        return found  # type: ignore[no-any-return]


def as_item(raw: msgspec.Raw) -> bytes:
    """Return an item of a response; raise ValueError if it is not a JSON object."""
    item = bytes(raw)
    if item[:1] != b"{":
        raise ValueError("an item that is not a JSON object")
    return item


def _parse_safely(step: BaseStep[Any], outcome: Any) -> Any:
    """Return the result of *step*, or ResponseCorrupted for a response that cannot be read."""
    try:
        return step.parse(outcome)
    except DynamoDBError:
        raise
    except BROKEN as error:
        found = make_corrupted(error)
        found.__cause__ = error
        return found


BROKEN = (
    msgspec.DecodeError,
    AttributeError,
    ArithmeticError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""The errors that parsing raises for a response that does not have DynamoDB's form."""


def make_corrupted(error: Exception) -> ResponseCorrupted:
    """Return the exception for a response that cannot be read because of *error*."""
    return ResponseCorrupted(f"the response does not have DynamoDB's form: {error!r:.200}")


class Operation(BaseStep[T], frozen=True):
    """One API call: its request, and the parser of its response.

    ``payload()`` returns a plain dict, which msgspec encodes as the JSON of the request. A B in it holds
    bytes, and an item may be :class:`msgspec.Raw` JSON. ``parse()`` takes the body of the response, as bytes.
    """

    api: ClassVar[str] = ""
    """DynamoDB's name of the call, ``GetItem``."""

    @property
    def tables(self) -> Sequence[str]:
        """The tables of the request, for messages."""
        return (getattr(self, "table", ""),)

    @property
    def repeatable(self) -> bool:
        """Whether a second execution changes nothing."""
        return True

    def payload(self) -> Payload:
        """Return the body of the request."""
        raise NotImplementedError


class Pause(BaseStep[None], frozen=True):
    """Wait some seconds."""

    seconds: float

    def parse(self, outcome: object, /) -> None:
        """A pause has no result."""


class Together(BaseStep["list[T | Exception]"], Generic[T], frozen=True):
    """Several operations that may run in parallel, at most *workers* at once.

    All are executed, even if some fail: the result has, in the order of the operations, the result or
    the exception of each.
    """

    operations: Sequence[Operation[T]]
    workers: int = 1

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise QueryError(f"workers={self.workers}: give a number from 1")

    def parse(self, outcome: Any, /) -> list[T | Exception]:
        results: list[Any] = []
        for operation, body in zip(self.operations, outcome, strict=True):
            if not isinstance(body, Exception):
                try:
                    body = _parse_safely(operation, body)
                except DynamoDBError as error:
                    body = error
            results.append(body)
        return results


class Call(BaseStep[Any], frozen=True):
    """Call a function of the user, and await its result if it is awaitable.

    The sync driver awaits it in a new event loop. Within a running loop that is impossible, so the driver
    raises QueryError; for a function that is known to be async, it does so before the call.
    """

    function: Callable[[], Any] | None = None
    """None calls nothing, and only checks whether a later call could be awaited."""
    awaits: str = ""
    """A description, for the message, of a function that is known to be async; else empty."""

    def parse(self, outcome: Any, /) -> Any:
        return outcome


Step: TypeAlias = Union["Operation[Any]", "Pause", "Together[Any]", "Call"]
