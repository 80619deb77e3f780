"""Sends several writes as one transaction, such as the writes of both sides of a relation."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...exceptions import QueryError
from ...flows import Flow
from ...operations.items import Key
from ...operations.transactions import Write
from .collector import COLLECTOR
from .commit import Transaction, make_token
from .pending import PendingWrite


class TransactionBatcher:
    """A collector that sends its writes as one transaction, or as several in order if they do not fit."""

    def __init__(self) -> None:
        self._transactions: list[Transaction] = []
        self._later: list[Callable[[], Flow[None]]] = []

    def add(self, pending: PendingWrite, /) -> None:
        """Add a write, to a new transaction if the last one is full."""
        if self._transactions:
            try:
                self._transactions[-1].add(pending)
            except QueryError:  # the transaction is unchanged
                pass
            else:
                return
        fresh = Transaction()
        fresh.add(pending)
        self._transactions.append(fresh)

    def has_write_of(self, instance: object, /) -> bool:
        """Tell whether a write of *instance* was added."""
        return any(call.instance is instance for each in self._transactions for call in each.calls)

    def find_write(self, table: str, key: Key, /) -> tuple[Write, object] | None:
        """Return the write of an item that was added, and the instance that it writes last."""
        found = [each.find_write(table, key) for each in reversed(self._transactions)]
        return next(filter(None, found), None)

    def call_after(self, flow: Callable[[], Flow[None]], /) -> None:
        """Run *flow* after the writes were sent."""
        self._later.append(flow)

    def commit(self) -> Flow[None]:
        """Send all transactions."""
        for each in self._transactions:
            yield from each.commit(make_token(), each.calls[0].link.retries)
        for flow in self._later:
            yield from flow()


def write_together(flows: Iterable[Callable[[], Flow[object]]]) -> Flow[None]:
    """Send the writes of *flows* in one transaction, or in several if they do not fit, in order.

    Inside ``transaction.atomic()`` they are added to that one. A single write is sent alone.
    """
    all_ = list(flows)
    if COLLECTOR.get() is not None or len(all_) == 1:
        for flow in all_:
            yield from flow()
        return
    batcher = TransactionBatcher()
    COLLECTOR.set(batcher)
    try:
        for flow in all_:
            yield from flow()
    finally:
        COLLECTOR.set(None)
    yield from batcher.commit()
