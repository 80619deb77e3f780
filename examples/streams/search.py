"""Keeps a full-text index of the notes of orders, in SQLite: ``python search.py index.db`` runs until SIGTERM.

The index keeps the number of the last change of each order, also of deleted orders. It skips a change that is not
newer. So a change may be delivered twice, or late by a slow worker.
"""

from __future__ import annotations

import signal
import sqlite3
import sys
from typing import Any

from models import Order

from dynamodb_py import StreamRunner
from dynamodb_py.signals import item_changed


class SearchIndex:
    """A file with the words in the notes of orders."""

    def __init__(self, path: str) -> None:
        self.connection = sqlite3.connect(path, check_same_thread=False)
        with self.connection:
            self.connection.executescript(
                "CREATE TABLE IF NOT EXISTS changes (number TEXT PRIMARY KEY, sequence TEXT, row INTEGER UNIQUE);"
                "CREATE VIRTUAL TABLE IF NOT EXISTS notes USING fts5(number UNINDEXED, note);"
            )

    def index(self, sender: type[Order], record: Any, **kwargs: Any) -> None:
        """Index the new state of an order: a receiver of ``item_changed``."""
        number, sequence = record.key["number"], record.sequence_number.zfill(40)
        with self.connection:
            newer = self.connection.execute(
                "INSERT INTO changes VALUES (?, ?, (SELECT coalesce(max(row), 0) + 1 FROM changes)) "
                "ON CONFLICT (number) DO UPDATE SET sequence = excluded.sequence "
                "WHERE excluded.sequence > sequence RETURNING row",
                (number, sequence),
            ).fetchall()
            for (row,) in newer:
                self.connection.execute("DELETE FROM notes WHERE rowid = ?", (row,))
                if record.new is not None:
                    self.connection.execute(
                        "INSERT INTO notes (rowid, number, note) VALUES (?, ?, ?)",
                        (row, number, record.new.note),
                    )

    def find(self, words: str) -> list[str]:
        """Return the numbers of the orders whose note has *words*, the best match first."""
        rows = self.connection.execute(
            "SELECT number FROM notes WHERE notes MATCH ? ORDER BY rank, number", (words,)
        )
        return [number for (number,) in rows]


def main(path: str) -> None:
    """Run until the process gets a signal to end."""
    index = SearchIndex(path)
    item_changed.connect(index.index, sender=Order)
    runner = StreamRunner(Order, name="search")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: runner.stop())
    runner.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
