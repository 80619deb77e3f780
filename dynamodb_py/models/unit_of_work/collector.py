"""Which transaction collects what this thread or task writes, if one does."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

from ...exceptions import QueryError
from ...flows import Flow

if TYPE_CHECKING:
    from .pending import PendingWrite


class Collector(Protocol):
    """What takes writes in place of DynamoDB, until they are sent together."""

    def add(self, pending: PendingWrite, /) -> None:
        """Take one write; raises QueryError for one that does not fit."""
        ...

    def has_write_of(self, instance: object, /) -> bool:
        """Tell whether it has taken a write of *instance*."""
        ...

    def call_after(self, flow: Callable[[], Flow[None]], /) -> None:
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
