"""The whole contents of a database: copied, put back, and emptied."""

from __future__ import annotations

import sqlite3

from .database.storage import Store


def copy_contents(store: Store) -> sqlite3.Connection:
    """Return a database in memory with all that *store* has: tables, items, streams, tokens."""
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    with store.hold() as connection:
        connection.backup(copy)
    return copy


def put_back(store: Store, copy: sqlite3.Connection) -> None:
    """Replace all that *store* has by what is in *copy*."""
    with store.hold() as connection:
        copy.backup(connection)


def delete_contents(store: Store) -> None:
    """Delete all items, records of streams and tokens; the tables stay."""
    with store.write() as transaction:
        for name in transaction.list_tables():
            table = transaction.find_table(name)
            assert table is not None
            transaction.run(f"DELETE FROM t{table.number}")
            for index in table.indexes.values():
                transaction.run(f"DELETE FROM i{index.number}")
        for name in ("expiries", "records", "tokens"):
            transaction.run(f"DELETE FROM {name}")
