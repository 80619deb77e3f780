"""Which transaction collects what this thread or task writes, if one does."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from ...exceptions import QueryError
from ...flows import Flow
from ...operations.base import Step

if TYPE_CHECKING:
    from .pending import Pending


class Collector(Protocol):
    """What takes writes in place of DynamoDB, until they are sent together."""

    def add(self, pending: Pending, /) -> None:
        """Take one write; raises QueryError for one that does not fit."""
        ...

    def holds(self, instance: object, /) -> bool:
        """Tell whether it has taken a write of *instance*."""
        ...

    def then(self, flow: Callable[[], Flow[None]], /) -> None:
        """Have *flow* run once they were sent."""
        ...


COLLECTOR: ContextVar[Collector | None] = ContextVar("dynamodb_py.collector", default=None)


def check_outside(verb: str) -> None:
    """Refuse *verb*, which sends its writes itself, inside ``transaction.atomic()``."""
    if COLLECTOR.get() is not None:
        raise QueryError(
            f"{verb} writes at once, and cannot be part of a transaction: call it outside of "
            "transaction.atomic(), or save(), update() and delete() single items in there"
        )


class _Catcher:
    """Takes the one write of a flow."""

    def __init__(self) -> None:
        self.pending: Pending | None = None

    def add(self, pending: Pending, /) -> None:
        if self.pending is not None:
            raise QueryError(
                f"{self.pending} and {pending}: while an item is checked to be written in a chunk, "
                "nothing else can be written: do that in a receiver of pre_batch_write"
            )
        self.pending = pending

    def holds(self, instance: object, /) -> bool:
        del instance
        return False

    def then(self, flow: Callable[[], Flow[None]], /) -> None:
        raise AssertionError(f"nobody hears of single items of a chunk, but {flow} wants to")


def caught(flow: Flow[Any]) -> Flow[Pending | None]:
    """Return the write that *flow* comes to, in place of sending it; None where there is none.

    What it reads on the way is read.
    """
    catcher, outcome = _Catcher(), None
    try:
        while True:
            step = _caught_step(flow, outcome, catcher)
            try:
                outcome = yield step
            except Exception as error:
                outcome = error
    except StopIteration:
        return catcher.pending
    finally:
        flow.close()


def _caught_step(flow: Flow[Any], outcome: Any, catcher: _Catcher) -> Step:
    """Go on to the next step of *flow*, with *catcher* in place until then and no longer."""
    token = COLLECTOR.set(catcher)
    try:
        return flow.throw(outcome) if isinstance(outcome, Exception) else flow.send(outcome)
    finally:
        COLLECTOR.reset(token)
