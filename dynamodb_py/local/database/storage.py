"""A database in SQLite: its connections, and the snapshots and transactions on them.

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
from typing import Literal
from weakref import finalize

from ...codec import from_json
from ...exceptions import ConfigurationError
from .files import explain_failure, identify_file, is_too_small
from .forks import watch_forks
from .snapshots import Change, Snapshot, Transaction
from .statements import SCHEMA
from .tables import Table

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
                yield Snapshot(self._write_connection(), self._parse_table)
            return
        pretended: Transaction | None = getattr(self._local, "pretended", None)
        if pretended is not None:
            yield pretended
            return
        held = self._read_connection()  # until the end, so that close() waits for this
        connection = held.connection
        connection.execute("BEGIN")
        try:
            yield Snapshot(connection, self._parse_table)
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
            transaction = Transaction(connection, self._parse_table)
            try:
                yield transaction
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            if self.watcher is not None:
                self.watcher(transaction.changes)

    @contextmanager
    def hold(self) -> Generator[sqlite3.Connection, None, None]:
        """Give the connection that writes, outside of a transaction; until the end, no thread writes."""
        self._renew_after_fork()
        with self._lock:
            yield self._write_connection()

    @contextmanager
    def pretend(self) -> Generator[Transaction, None, None]:
        """Give a transaction that is undone at the end; until then, this thread reads from it."""
        self._renew_after_fork()
        with self._lock:
            connection = self._write_connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._local.pretended = Transaction(connection, self._parse_table)
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

    def _parse_table(self, name: str, number: int, description: bytes) -> Table:
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
