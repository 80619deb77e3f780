"""Copying, restoring and deleting the whole contents of a database."""

from __future__ import annotations

import sqlite3

from .database.storage import Store


def copy_contents(store: Store) -> sqlite3.Connection:
    """Return a copy of *store* in memory, with its tables, items, streams and tokens."""
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    with store.hold() as connection:
        connection.backup(copy)
    return copy


def put_back(store: Store, copy: sqlite3.Connection) -> None:
    """Replace the contents of *store* by those of *copy*."""
    with store.hold() as connection:
        copy.backup(connection)


def delete_contents(store: Store) -> None:
    """Delete all items, stream records and tokens, but keep the tables."""
    with store.write() as transaction:
        for name in transaction.list_tables():
            table = transaction.find_table(name)
            assert table is not None
            transaction.run(f"DELETE FROM t{table.number}")
            for index in table.indexes.values():
                transaction.run(f"DELETE FROM i{index.number}")
        for name in ("expiries", "records", "tokens"):
            transaction.run(f"DELETE FROM {name}")
