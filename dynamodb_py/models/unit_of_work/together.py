"""Several writes as one: both sides of a change of relations go in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...exceptions import QueryError
from ...flows import Flow
from .collector import COLLECTOR
from .commit import Transaction, make_token
from .pending import PendingWrite


class TransactionBatcher:
    """Takes writes in place of DynamoDB; as many transactions as they take follow one another."""

    def __init__(self) -> None:
        self._transactions: list[Transaction] = []
        self._later: list[Callable[[], Flow[None]]] = []

    def add(self, pending: PendingWrite, /) -> None:
        """Take one write, into another transaction where the latest one is full."""
        if self._transactions:
            try:
                self._transactions[-1].add(pending)
            except QueryError:  # it is as it was before
                pass
            else:
                return
        fresh = Transaction()
        fresh.add(pending)
        self._transactions.append(fresh)

    def has_write_of(self, instance: object, /) -> bool:
        """Tell whether it has taken a write of *instance*."""
        return any(call.instance is instance for each in self._transactions for call in each.calls)

    def call_after(self, flow: Callable[[], Flow[None]], /) -> None:
        """Have *flow* run once they were sent."""
        self._later.append(flow)

    def commit(self) -> Flow[None]:
        """Send what was taken: a write that is alone by itself, others as transactions."""
        for each in self._transactions:
            yield from each.commit(make_token(), each.calls[0].link.retries)
        for flow in self._later:
            yield from flow()


def write_together(flows: Iterable[Callable[[], Flow[object]]]) -> Flow[None]:
    """Carry out the writes of *flows* in one transaction, or as many as they take, in order.

    Inside ``transaction.atomic()`` they are part of that one. A single write is sent by itself.
    """
    all_ = list(flows)
    if COLLECTOR.get() is not None or len(all_) == 1:
        for flow in all_:
            yield from flow()
        return
    gathering = TransactionBatcher()
    before = COLLECTOR.get()
    COLLECTOR.set(gathering)
    try:
        for flow in all_:
            yield from flow()
    finally:
        COLLECTOR.set(before)
    yield from gathering.commit()
