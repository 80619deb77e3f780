"""Deleting expired data: items past their TTL, old stream records, tokens of transactions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .snapshots import Snapshot, Transaction
from .storage import Store
from .stream_records import RETENTION, has_old_records, note_change, trim_streams
from .tables import Key, Table

INTERVAL = 5.0
"""The seconds between two sweeps."""
MOST = 200
"""The maximum of items, and of records, that one sweep deletes, as a request waits for the sweep."""
TOKEN_LIFE = 10 * 60
"""The seconds after which the token of a transaction expires.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""
TOO_OLD = 5 * 365 * 24 * 60 * 60
"""Items that expired more than this number of seconds ago are not deleted.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
"""


class Swept(Protocol):
    """The part of an engine that a sweep needs."""

    store: Store
    clock: Callable[[], float]


def sweep(engine: Swept) -> bool:
    """Delete expired data; return whether there may be more."""
    now = engine.clock()
    with engine.store.read() as snapshot:
        is_due = _has_expired(snapshot, now)
    if not is_due:
        return False
    with engine.store.write() as transaction:
        items = _delete_expired(transaction, now)
        records = trim_streams(transaction, now - RETENTION, MOST)
        transaction.run("DELETE FROM tokens WHERE at < ?", (now - TOKEN_LIFE,))
    return max(items, records) >= MOST


def _has_expired(snapshot: Snapshot, now: float) -> bool:
    """Tell whether there is expired data. This does not wait for a writer."""
    return (
        any(_find_expired(snapshot, table, now, 1) for table in _list_tables(snapshot))
        or has_old_records(snapshot, now - RETENTION)
        or bool(
            snapshot.run(
                "SELECT 1 FROM tokens WHERE at < ? LIMIT 1", (now - TOKEN_LIFE,)
            ).fetchone()
        )
    )


def _delete_expired(transaction: Transaction, now: float) -> int:
    """Delete items past their TTL; return the number of items."""
    count = 0
    for table in _list_tables(transaction):
        for key in _find_expired(transaction, table, now, MOST - count):
            _delete(transaction, table, key, now)
            count += 1
    return count


def _delete(transaction: Transaction, table: Table, key: Key, now: float) -> None:
    row = transaction.find(table, key)
    if row is None:
        return
    transaction.delete(table, row)
    names = {name: row.item[name] for name in table.names}
    note_change(transaction, table, names, row.item, None, now, by_ttl=True)


def _list_tables(snapshot: Snapshot) -> list[Table]:
    """Return the tables with a TTL."""
    tables = map(snapshot.find_table, snapshot.list_tables())
    return [table for table in tables if table is not None and table.expires_by is not None]


def _find_expired(snapshot: Snapshot, table: Table, now: float, limit: int) -> list[Key]:
    """Return the keys of up to *limit* items of *table* that are past their TTL."""
    rows = snapshot.run(
        "SELECT place, hash, range FROM expiries WHERE source = ? AND at >= ? AND at < ? "
        "ORDER BY at LIMIT ?",
        (table.number, now - TOO_OLD, now, limit),
    )
    return [Key(*row) for row in rows.fetchall()]
