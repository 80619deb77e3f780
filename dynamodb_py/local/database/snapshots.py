"""Snapshots, which read tables, items and index entries, and transactions, which write them all or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

from ...codec import from_json, to_json
from .keys import encode_key, hash_key
from .statements import ENTRIES, ITEMS, make_range_query
from .tables import Index, Key, Range, Table
from .values import Item, Value

ParseTable: TypeAlias = Callable[[str, int, bytes], Table]
"""A function that returns the table for a name, a number and a stored description."""


class Row:
    """A stored item: its key, its size in bytes, and its JSON."""

    __slots__ = ("_item", "body", "key", "size")

    def __init__(self, key: Key, size: int, body: bytes) -> None:
        self.key, self.size, self.body = key, size, body
        self._item: Item | None = None

    @property
    def item(self) -> Item:
        """The attributes. Do not change them: they are cached."""
        item = self._item
        if item is None:
            item = self._item = cast("Item", from_json(self.body))
        return item


class Snapshot:
    """The state of the database at one moment."""

    def __init__(self, connection: sqlite3.Connection, parse_table: ParseTable) -> None:
        self._execute, self._parse_table = connection.execute, parse_table
        self.run = connection.execute
        """Runs a statement on the SQLite tables of other modules: those of streams and tokens."""

    def find_table(self, name: str) -> Table | None:
        """Return the table called *name*, or None."""
        row = self._execute(
            "SELECT number, description FROM tables WHERE name = ?", (name,)
        ).fetchone()
        return row and self._parse_table(name, *row)

    def list_tables(self) -> list[str]:
        """Return the names of all tables, in order."""
        return [name for (name,) in self._execute("SELECT name FROM tables ORDER BY name")]

    def find(self, table: Table, key: Key) -> Row | None:
        """Return the item with *key*, or None if there is none."""
        row = self._execute(
            f"SELECT size, item FROM t{table.number} WHERE place = ? AND hash = ? AND range = ?",
            key,
        ).fetchone()
        return row and Row(key, *row)

    def find_range(
        self,
        table: Table,
        index: Index | None = None,
        area: Range | None = None,
        after: tuple[Key, Key] | None = None,
    ) -> Generator[Row, None, None]:
        """Yield the items of a table, or of its *index*, in order.

        :param area: the range to read; None for all items.
        :param after: the position in the area after which to begin: the key in the index or the table, and the
            key in the table.
        """
        found = self._execute(*make_range_query(table, index, area or Range(), after))
        for place, hash_, range_, size, body in found:
            yield Row(Key(place, hash_, range_), size, body)

    def count(self, table: Table) -> tuple[int, int]:
        """Return the number of items in a table, and their size in bytes."""
        found = self._execute(f"SELECT count(*), coalesce(sum(size), 0) FROM t{table.number}")
        return found.fetchone()  # type: ignore[no-any-return]

    def count_entries(self, index: Index) -> int:
        """Return the number of items in an index."""
        return self._execute(f"SELECT count(*) FROM i{index.number}").fetchone()[0]  # type: ignore[no-any-return]

    def measure_collection(self, table: Table, hashed: Sequence[Value]) -> int:
        """Return the size in bytes of all items of a table that share a hash key."""
        key = encode_key(hashed)
        statement = (
            f"SELECT coalesce(sum(size), 0) FROM t{table.number} WHERE place = ? AND hash = ?"
        )
        return self._execute(statement, (hash_key(key), key)).fetchone()[0]  # type: ignore[no-any-return]


class Change(NamedTuple):
    """A write of an item."""

    table: Table
    key: Key
    old: Row | None
    """The item before the write; None if there was none."""


class Transaction(Snapshot):
    """A snapshot that can also be written to; all of its writes are committed, or none."""

    def __init__(self, connection: sqlite3.Connection, parse_table: ParseTable) -> None:
        super().__init__(connection, parse_table)
        self.changes: list[Change] = []
        """The writes to tables with indexes, in order."""

    def take_number(self, counter: str) -> int:
        """Return the next number of *counter*: 1, 2, ..."""
        statement = (
            "INSERT INTO counters VALUES (?, 1) "
            "ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value"
        )
        return self._execute(statement, (counter,)).fetchone()[0]  # type: ignore[no-any-return]

    def put_table(self, name: str, number: int, description: dict[str, Any]) -> Table:
        """Store the description of a table, without creating the SQLite tables for its items and indexes."""
        body = to_json(description)
        self._execute("INSERT OR REPLACE INTO tables VALUES (?, ?, ?)", (name, number, body))
        return self._parse_table(name, number, body)

    def delete_table(self, table: Table) -> None:
        """Delete a table with its items and indexes."""
        self._execute("DELETE FROM tables WHERE name = ?", (table.name,))
        self._execute(f"DROP TABLE t{table.number}")
        self.drop_expiries(table)
        for index in table.indexes.values():
            self.drop_entries(index)

    def make_items(self, table: Table) -> None:
        """Create the SQLite table for the items of a new table."""
        self._execute(ITEMS.format(name=f"t{table.number}"))

    def make_entries(self, index: Index) -> None:
        """Create the SQLite table for the entries of a new index."""
        self._execute(ENTRIES.format(name=f"i{index.number}"))

    def drop_entries(self, index: Index) -> None:
        """Delete an index with its entries."""
        self._execute(f"DROP TABLE i{index.number}")

    def put(self, table: Table, key: Key, item: Item, size: int, old: Row | None) -> Row:
        """Store an item in place of *old*, with its entries in the indexes."""
        row = Row(key, size, to_json(item))
        # An update in place takes half the time of a replacement.
        self._execute(
            f"INSERT INTO t{table.number} VALUES (?, ?, ?, ?, ?) ON CONFLICT (place, hash, range) "
            "DO UPDATE SET size = excluded.size, item = excluded.item",
            (*key, size, row.body),
        )
        if table.indexes:
            self.changes.append(Change(table, key, old))
        self._move_entries(table, key, None if old is None else old.item, item)
        return row

    def delete(self, table: Table, old: Row) -> None:
        """Delete an item and its entries in the indexes."""
        self._execute(
            f"DELETE FROM t{table.number} WHERE place = ? AND hash = ? AND range = ?", old.key
        )
        if table.indexes:
            self.changes.append(Change(table, old.key, old))
        self._move_entries(table, old.key, old.item, None)

    def put_entry(self, index: Index, key: Key, item: Item) -> None:
        """Store the entry of the item at *key* in an index, if it has the attributes of the index's key."""
        if (entry := index.find_key(item)) is not None:
            self._execute(f"INSERT INTO i{index.number} VALUES (?, ?, ?, ?, ?, ?)", (*entry, *key))

    def fill_expiries(self, table: Table) -> None:
        """Store the expiry time of each item of *table*, after its TTL attribute has changed."""
        self.drop_expiries(table)
        if table.expires_by is None:
            return
        for row in self.find_range(table):
            self._move_expiry(table, row.key, None, row.item)

    def drop_expiries(self, table: Table) -> None:
        """Delete the expiry times of the items of *table*."""
        self._execute("DELETE FROM expiries WHERE source = ?", (table.number,))

    def _move_expiry(self, table: Table, key: Key, old: Item | None, new: Item | None) -> None:
        before, after = old and table.find_expiry(old), new and table.find_expiry(new)
        if before == after:
            return
        if before is not None:
            self._execute(
                "DELETE FROM expiries WHERE source = ? AND at = ? AND place = ? AND hash = ? "
                "AND range = ?",
                (table.number, before, *key),
            )
        if after is not None:
            self._execute(
                "INSERT INTO expiries VALUES (?, ?, ?, ?, ?)", (table.number, after, *key)
            )

    def _move_entries(self, table: Table, key: Key, old: Item | None, new: Item | None) -> None:
        if table.expires_by is not None:
            self._move_expiry(table, key, old, new)
        for index in table.indexes.values():
            before = old and index.find_key(old)
            after = new and index.find_key(new)
            if before == after:
                continue
            if before:
                self._execute(
                    f"DELETE FROM i{index.number} WHERE place = ? AND hash = ? AND range = ? "
                    "AND item_hash = ? AND item_range = ?",
                    (*before, key.hash, key.range),
                )
            if after:
                self._execute(
                    f"INSERT INTO i{index.number} VALUES (?, ?, ?, ?, ?, ?)", (*after, *key)
                )
