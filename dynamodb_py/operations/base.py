"""What every operation is: a frozen value that can spell its request and read its response."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar, Union, cast

import msgspec
from msgspec import Struct

from ..exceptions import QueryError, ResponseCorrupted

T = TypeVar("T")

Wire: TypeAlias = "dict[str, Any]"
"""One attribute value as DynamoDB spells it, ``{"S": "text"}``; a B holds bytes."""

WireItem: TypeAlias = "dict[str, Wire]"
Payload: TypeAlias = "dict[str, Any]"


class BaseStep(Struct, Generic[T], frozen=True):
    """Something that a flow may ask for, and what it will then know."""

    def parse(self, outcome: Any, /) -> T:
        """Return what came of it."""
        raise NotImplementedError

    def __iter__(self) -> Generator[Step, Any, T]:
        """Let a flow write ``item = yield from GetItem(...)``."""
        outcome = yield cast("Step", self)
        try:
            return self.parse(outcome)
        except msgspec.DecodeError as error:
            raise ResponseCorrupted(f"the answer is not what DynamoDB sends: {error}") from error


class Operation(BaseStep[T], frozen=True):
    """One API call: how to ask, and how to read the answer.

    ``payload()`` is a plain dict that msgspec encodes to the request's JSON: a B is bytes there, and
    an item may be :class:`msgspec.Raw` JSON. ``parse()`` takes the body of the response, as bytes.
    """

    api: ClassVar[str] = ""
    """DynamoDB's name of the call, ``GetItem``."""

    @property
    def tables(self) -> Sequence[str]:
        """The tables that it speaks of, for messages."""
        return (getattr(self, "table", ""),)

    @property
    def repeatable(self) -> bool:
        """Whether carrying it out twice comes to the same as once."""
        return True

    def payload(self) -> Payload:
        """Return the body of the request, as DynamoDB spells it."""
        raise NotImplementedError


class Pause(BaseStep[None], frozen=True):
    """Wait a while."""

    seconds: float

    def parse(self, outcome: object, /) -> None:
        """Nothing is known afterwards."""


class Together(BaseStep["list[T | Exception]"], Generic[T], frozen=True):
    """Several operations that may run side by side, at most *workers* at once.

    Each is carried out, whatever becomes of the others: the outcome has, in the order of the
    operations, what each one gave or the exception that it raised.
    """

    operations: Sequence[Operation[T]]
    workers: int = 1

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise QueryError(f"workers={self.workers}: at least one request is under way")

    def parse(self, outcome: Any, /) -> list[T | Exception]:
        return [
            body if isinstance(body, Exception) else operation.parse(body)
            for operation, body in zip(self.operations, outcome, strict=True)
        ]


class Call(BaseStep[Any], frozen=True):
    """Call a function of the user's; what it gives is awaited where that can be awaited.

    Where one blocks, it is run by an event loop of its own. Within a running loop that is not
    possible, and the call is refused: of a function that is known to be async, before it is called.
    """

    function: Callable[[], Any] | None = None
    """None calls nothing: for a look ahead whether what comes later can be awaited."""
    awaits: str = ""
    """What has to be awaited, in words for a message; empty where that is not known to be so."""

    def parse(self, outcome: Any, /) -> Any:
        return outcome


Step: TypeAlias = Union["Operation[Any]", "Pause", "Together[Any]", "Call"]
