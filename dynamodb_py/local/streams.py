"""Streams: what has changed in a table, in order."""

from __future__ import annotations

from .storage import Transaction
from .tables import Table
from .values import Item


def note_change(
    transaction: Transaction,
    table: Table,
    key: Item,
    old: Item | None,
    new: Item | None,
    at: float,
    *,
    by_ttl: bool = False,
) -> None:
    """Add a record to the stream of a table, if that has one and anything has changed."""
