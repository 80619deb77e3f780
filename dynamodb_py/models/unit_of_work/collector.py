"""The current transaction: it collects the writes of this thread or task."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

from ...exceptions import QueryError
from ...flows import Flow

if TYPE_CHECKING:
    from ...operations.items import Key
    from ...operations.transactions import Write
    from .pending import PendingWrite


class Collector(Protocol):
    """An object that collects writes until they are sent together."""

    def add(self, pending: PendingWrite, /) -> None:
        """Add a write; raise QueryError if it does not fit."""
        ...

    def has_write_of(self, instance: object, /) -> bool:
        """Tell whether a write of *instance* was added."""
        ...

    def find_write(self, table: str, key: Key, /) -> tuple[Write, object] | None:
        """Return the write of an item that was added, and the instance that it writes last."""
        ...

    def call_after(self, flow: Callable[[], Flow[None]], /) -> None:
        """Run *flow* after the writes were sent."""
        ...


COLLECTOR: ContextVar[Collector | None] = ContextVar("dynamodb_py.collector", default=None)


def check_outside(verb: str) -> None:
    """Raise QueryError inside ``transaction.atomic()``, because *verb* sends its writes itself."""
    if COLLECTOR.get() is not None:
        raise QueryError(
            f"{verb} writes at once, and cannot be part of a transaction: call it outside of "
            "transaction.atomic(), or save(), update() and delete() single items in there"
        )
