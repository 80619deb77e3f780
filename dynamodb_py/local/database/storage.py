"""Tables, items and index entries in SQLite, read in snapshots and written in transactions.

In a file there is one writer at a time, of all threads and processes, and any number of readers, each
of which sees what was committed when it began. In memory, one at a time reads or writes.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, cast
from weakref import finalize

from ...codec import from_json, to_json
from ...exceptions import ConfigurationError
from .files import explain_failure, identify_file, is_too_small
from .forks import watch_forks
from .keys import encode_key, hash_key
from .statements import ENTRIES, ITEMS, SCHEMA, make_range_query
from .tables import Index, Key, Keyed, Table
from .values import Item, Value

APPLICATION = 0x44594E50
"""What marks a file as ours: DYNP, in the header of SQLite."""
VERSION = 1

Durability = Literal["FULL", "NORMAL"]

_SECONDS_TO_PAUSE = 10


class Store:
    """A database in a file, or in memory if *path* is None."""

    def __init__(self, path: str | None, durability: Durability = "FULL") -> None:
        self.path, self._durability = path, durability
        self._lock = threading.RLock()
        self._gate = threading.Lock()
        """Is closed to new readers of a file while the process is forked."""
        self._local = threading.local()
        self._process = os.getpid()
        self._opened = _Opened()
        finalize(self, self._opened.close)
        self._writer: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._parsed: dict[str, tuple[bytes, Table]] = {}
        self.watcher: Callable[[Sequence[Change]], None] | None = None
        """Takes the changes of each transaction that is committed here."""
        with self._lock:
            try:
                self._write_connection()
            except sqlite3.DatabaseError as error:
                raise ConfigurationError(explain_failure(path or ":memory:", error)) from None
        watch_forks(self)

    @contextmanager
    def read(self) -> Generator[Snapshot, None, None]:
        """Give a snapshot: everything read from it is of one moment."""
        self._renew_after_fork()
        if self.path is None:
            with self._lock:
                yield Snapshot(self, self._write_connection())
            return
        pretended: Transaction | None = getattr(self._local, "pretended", None)
        if pretended is not None:
            yield pretended
            return
        held = self._read_connection()  # until the end, so that close() waits for this
        connection = held.connection
        connection.execute("BEGIN")
        try:
            yield Snapshot(self, connection)
        finally:
            connection.execute("COMMIT")

    @contextmanager
    def write(self) -> Generator[Transaction, None, None]:
        """Give a transaction, which is committed at the end of the block unless that raises."""
        self._renew_after_fork()
        with self._lock:
            connection = self._write_connection()
            self._check_file()
            connection.execute("BEGIN IMMEDIATE")
            transaction = Transaction(self, connection)
            try:
                yield transaction
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            if self.watcher is not None:
                self.watcher(transaction.changes)

    @contextmanager
    def pretend(self) -> Generator[Transaction, None, None]:
        """Give a transaction that is undone at the end; until then, this thread reads from it."""
        self._renew_after_fork()
        with self._lock:
            connection = self._write_connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._local.pretended = Transaction(self, connection)
                yield self._local.pretended
            finally:
                self._local.pretended = None
                connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close all connections to the file, or let them close after what they do; memory is gone."""
        self._renew_after_fork()
        with self._lock:
            if self._writer is not None:
                self._opened.close_one(self._writer)
            self._writer, self._local = None, threading.local()

    def pause(self) -> None:
        """Wait for what is under way, close the file, and keep everybody out until resume()."""
        self._lock.acquire()
        self._gate.acquire()
        if self.path is None or self._process != os.getpid():
            return
        self.close()
        end = time.monotonic() + _SECONDS_TO_PAUSE
        while self._opened.is_used and time.monotonic() < end:
            time.sleep(0.001)  # until the last reader has closed its connection

    def resume(self) -> None:
        """Let everybody in again, in a forked child too."""
        self._gate.release()
        self._lock.release()

    def _renew_after_fork(self) -> None:
        if self._process != os.getpid():
            # SQLite's connections must not cross a fork, so that they are neither used nor closed.
            self._lock = threading.RLock()
            self._local, self._writer, self._process = threading.local(), None, os.getpid()
            self._opened = _Opened()
            finalize(self, self._opened.close)
            if self.path is None:
                self._parsed = {}
                self._write_connection()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path or ":memory:", timeout=60, isolation_level=None, check_same_thread=False
        )
        self._opened.add(connection)
        return connection

    def _write_connection(self) -> sqlite3.Connection:
        if self._writer is None:
            connection = self._connect()
            try:
                self._prepare(connection)
            except BaseException:
                self._opened.close_one(connection)
                raise
            if self.path is not None:
                connection.execute(f"PRAGMA synchronous={self._durability}")
                self._file = identify_file(self.path)
            self._writer = connection
        return self._writer

    def _read_connection(self) -> _Held:
        held: _Held | None = getattr(self._local, "held", None)
        if held is None:
            if self._writer is None:  # which makes the tables, if the file is new
                with self._lock:
                    self._write_connection()
            self._check_file()
            with self._gate:
                held = self._local.held = _Held(self._connect(), self._opened)
        return held

    @property
    def is_lost(self) -> bool:
        """Whether the file was deleted or replaced since it was opened."""
        if self.path is None or self._writer is None:
            return False
        return identify_file(self.path) != self._file

    def _check_file(self) -> None:
        """Raise ConfigurationError for a lost file: whatever is written to it is gone."""
        if self.is_lost:
            raise ConfigurationError(
                f"{self.path} was deleted or replaced while it was open: close() the connection, and "
                "the next request opens what is there, or makes it anew"
            )

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables of a new database; raise ConfigurationError for a file of others."""
        if self.path is not None and is_too_small(self.path):
            raise ConfigurationError(f"{self.path} is no database of dynamodb_py")
        # First, as another process may make the tables at this moment, and marks the file with them.
        is_empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION and (application or not is_empty):
            raise ConfigurationError(f"{self.path} is no database of dynamodb_py")
        if version > VERSION:
            raise ConfigurationError(
                f"{self.path} has version {version} of the format, and this package reads up to "
                f"{VERSION}: use a newer dynamodb_py"
            )
        if self.path is not None:
            connection.execute("PRAGMA journal_mode=WAL")
        if not is_empty:
            return
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id={APPLICATION}")
            connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")

    def parse_table(self, name: str, number: int, description: bytes) -> Table:
        """Return the table of a stored description, which is parsed once."""
        known = self._parsed.get(name)
        if known is None or known[0] != description or known[1].number != number:
            known = (description, Table(name, number, from_json(description)))
            self._parsed[name] = known
        return known[1]


class _Opened:
    """The open connections of one process: those of its parent are neither used nor closed."""

    def __init__(self) -> None:
        self._process: int | None = os.getpid()
        self._connections: set[sqlite3.Connection] = set()
        _KEPT.append(self)

    def add(self, connection: sqlite3.Connection) -> None:
        """Keep a new connection."""
        self._connections.add(connection)

    @property
    def is_used(self) -> bool:
        """Whether a connection is open."""
        return bool(self._connections)

    def close_one(self, connection: sqlite3.Connection) -> None:
        """Close a connection, unless it is of the parent, or all are closed."""
        if self._process is not None and self._process == os.getpid():
            connection.close()
            self._connections.discard(connection)

    def close(self) -> None:
        """Close all connections, unless they are of the parent, whose deletion would close them too."""
        if self._process == os.getpid():
            _KEPT.remove(self)
            for connection in [*self._connections]:
                self.close_one(connection)
            self._process = None  # at the interpreter's end nothing more can be called


_KEPT: list[_Opened] = []
"""Those whose connections are open; in a forked child, those of its parent for as long as it lives."""


class _Held:
    """The connection of a thread, which is closed when that ends."""

    def __init__(self, connection: sqlite3.Connection, opened: _Opened) -> None:
        self.connection, self._opened = connection, opened

    def __del__(self) -> None:
        self._opened.close_one(self.connection)


class Row:
    """An item of a table as it is stored: its key, size and JSON."""

    __slots__ = ("_item", "body", "key", "size")

    def __init__(self, key: Key, size: int, body: bytes) -> None:
        self.key, self.size, self.body = key, size, body
        self._item: Item | None = None

    @property
    def item(self) -> Item:
        """The attributes; they are not to be changed."""
        item = self._item
        if item is None:
            item = self._item = cast("Item", from_json(self.body))
        return item


class Snapshot:
    """What can be read at one moment."""

    def __init__(self, store: Store, connection: sqlite3.Connection) -> None:
        self._store, self._execute = store, connection.execute
        self.run = connection.execute
        """Runs a statement of a module that has tables of its own: those of streams and tokens."""

    def find_table(self, name: str) -> Table | None:
        """Return the table called *name*, or None."""
        row = self._execute(
            "SELECT number, description FROM tables WHERE name = ?", (name,)
        ).fetchone()
        return row and self._store.parse_table(name, *row)

    def list_tables(self) -> list[str]:
        """Return the names of all tables, in order."""
        return [name for (name,) in self._execute("SELECT name FROM tables ORDER BY name")]

    def find(self, table: Table, key: Key) -> Row | None:
        """Return the item with *key*, or None."""
        row = self._execute(
            f"SELECT size, item FROM t{table.number} WHERE place = ? AND hash = ? AND range = ?",
            key,
        ).fetchone()
        return row and Row(key, *row)

    def find_range(
        self,
        table: Table,
        index: Index | None,
        hashed: bytes | None,
        low: bytes = b"",
        high: bytes | None = None,
        *,
        places: tuple[int, int] | None = None,
        after: tuple[Key, Key] | None = None,
        backward: bool = False,
    ) -> Generator[tuple[Key, Row], None, None]:
        """Yield the key in the source, and the item, of all from *low* to before *high*, in order.

        The source is the table or its *index*. *hashed* is the hash key of a query; without, all items
        are scanned, or those from the first to the last of two *places*. *after* is where to begin
        behind, within the range: the key in the source, and the one in the table.
        """
        statement, values = make_range_query(
            table, index, hashed, low, high, places=places, after=after, backward=backward
        )
        found = self._execute(statement, values)
        if index is None:
            for place, hash_, range_, length, body in found:
                key = Key(place, hash_, range_)
                yield key, Row(key, length, body)
            return
        for place, hash_, range_, *own_key, length, body in found:
            yield Key(place, hash_, range_), Row(Key(*own_key), length, body)

    def count(self, table: Table) -> tuple[int, int]:
        """Return how many items a table has, and their size in bytes."""
        found = self._execute(f"SELECT count(*), coalesce(sum(size), 0) FROM t{table.number}")
        return found.fetchone()  # type: ignore[no-any-return]

    def count_entries(self, index: Index) -> int:
        """Return how many items an index has."""
        return self._execute(f"SELECT count(*) FROM i{index.number}").fetchone()[0]  # type: ignore[no-any-return]

    def measure_collection(self, table: Table, hashed: Sequence[Value]) -> int:
        """Return the size in bytes of all items of a table that share a hash key."""
        key = encode_key(hashed)
        statement = (
            f"SELECT coalesce(sum(size), 0) FROM t{table.number} WHERE place = ? AND hash = ?"
        )
        return self._execute(statement, (hash_key(key), key)).fetchone()[0]  # type: ignore[no-any-return]


class Change(NamedTuple):
    """What was at the key of an item before it was written; None if there was nothing."""

    table: Table
    key: Key
    old: Row | None


class Transaction(Snapshot):
    """What can be written, all or nothing."""

    def __init__(self, store: Store, connection: sqlite3.Connection) -> None:
        super().__init__(store, connection)
        self.changes: list[Change] = []
        """Those of tables with indexes, in order."""

    def take_number(self, counter: str) -> int:
        """Return the next number of *counter*: 1, 2, ..."""
        statement = (
            "INSERT INTO counters VALUES (?, 1) "
            "ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value"
        )
        return self._execute(statement, (counter,)).fetchone()[0]  # type: ignore[no-any-return]

    def put_table(self, name: str, number: int, description: dict[str, Any]) -> Table:
        """Store the description of a table; what its items and indexes need is not made by this."""
        body = to_json(description)
        self._execute("INSERT OR REPLACE INTO tables VALUES (?, ?, ?)", (name, number, body))
        return self._store.parse_table(name, number, body)

    def delete_table(self, table: Table) -> None:
        """Delete a table with its items and indexes."""
        self._execute("DELETE FROM tables WHERE name = ?", (table.name,))
        self._execute(f"DROP TABLE t{table.number}")
        self.drop_expiries(table)
        for index in table.indexes.values():
            self.drop_entries(index)

    def make_items(self, table: Table) -> None:
        """Make the place of a new table's items."""
        self._execute(ITEMS.format(name=f"t{table.number}"))

    def make_entries(self, index: Index) -> None:
        """Make the place of a new index's entries."""
        self._execute(ENTRIES.format(name=f"i{index.number}"))

    def drop_entries(self, index: Index) -> None:
        """Delete an index with its entries."""
        self._execute(f"DROP TABLE i{index.number}")

    def put(self, table: Table, key: Key, item: Item, size: int, old: Row | None) -> Row:
        """Store an item in the place of *old*, and its entries in the indexes."""
        row = Row(key, size, to_json(item))
        # An update in place takes half of what a replacement does.
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
        """Store the entry of the item at *key* in an index, if it has the attributes of its key."""
        if (entry := index.find_key(item)) is not None:
            self._execute(f"INSERT INTO i{index.number} VALUES (?, ?, ?, ?, ?, ?)", (*entry, *key))

    def fill_expiries(self, table: Table) -> None:
        """Note when each item of *table* expires, after its TTL attribute became another."""
        self.drop_expiries(table)
        if table.expires_by is None:
            return
        for key, row in self.find_range(table, None, None):
            self._move_expiry(table, key, None, row.item)

    def drop_expiries(self, table: Table) -> None:
        """Forget when the items of *table* expire."""
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
            before = old and _find_entry(index, old)
            after = new and _find_entry(index, new)
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


def _find_entry(index: Keyed, item: Item) -> Key | None:
    return index.find_key(item)
