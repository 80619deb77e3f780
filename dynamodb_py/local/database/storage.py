"""A database in SQLite: its connections, and the snapshots and transactions on them.

A file has one writer at a time, among all threads and processes, and any number of readers. Each reader sees
the state that was committed when it began. In memory, there is one reader or writer at a time.
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
"""The letters DYNP, which mark a file as ours in the header of SQLite."""
VERSION = 1
"""The version of the file format."""

Durability = Literal["FULL", "NORMAL"]

_SECONDS_TO_PAUSE = 10


class Store:
    """A database in a file, or in memory if *path* is None."""

    def __init__(self, path: str | None, durability: Durability = "FULL") -> None:
        self.path, self._durability = path, durability
        self._lock = threading.RLock()
        self._gate = threading.Lock()
        """A lock that keeps new readers of a file waiting while the process is forked."""
        self._local = threading.local()
        self._process = os.getpid()
        self._opened = _Opened()
        finalize(self, self._opened.close)
        self._writer: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._parsed: dict[str, tuple[bytes, Table]] = {}
        self.watcher: Callable[[Sequence[Change]], None] | None = None
        """A function that is called with the changes of each committed transaction."""
        with self._lock:
            try:
                self._write_connection()
            except sqlite3.DatabaseError as error:
                raise ConfigurationError(explain_failure(path or ":memory:", error)) from None
        watch_forks(self)

    @contextmanager
    def read(self) -> Generator[Snapshot, None, None]:
        """Give a snapshot for a block: all that is read from it is the state of one moment."""
        self._renew_after_fork()
        if self.path is None:
            with self._lock:
                yield Snapshot(self._write_connection(), self._parse_table)
            return
        pretended: Transaction | None = getattr(self._local, "pretended", None)
        if pretended is not None:
            yield pretended
            return
        held = self._read_connection()  # this reference keeps the connection open after close()
        connection = held.connection
        connection.execute("BEGIN")
        try:
            yield Snapshot(connection, self._parse_table)
        finally:
            connection.execute("COMMIT")

    @contextmanager
    def write(self) -> Generator[Transaction, None, None]:
        """Give a transaction for a block. The end of the block commits it; an error rolls it back."""
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
        """Give the writing connection for a block, without a transaction. No other thread writes meanwhile."""
        self._renew_after_fork()
        with self._lock:
            yield self._write_connection()

    @contextmanager
    def pretend(self) -> Generator[Transaction, None, None]:
        """Give a transaction for a block, which is rolled back at the end. This thread reads from it meanwhile."""
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
        """Close all connections; those that are in use close when they are done. Memory is lost."""
        self._renew_after_fork()
        with self._lock:
            if self._writer is not None:
                self._opened.close_one(self._writer)
            self._writer, self._local = None, threading.local()

    def pause(self) -> None:
        """Wait for the requests under way, close the file, and block new requests until resume()."""
        self._lock.acquire()
        self._gate.acquire()
        if self.path is None or self._process != os.getpid():
            return
        self.close()
        end = time.monotonic() + _SECONDS_TO_PAUSE
        while self._opened.is_used and time.monotonic() < end:
            time.sleep(0.001)  # until the last reader has closed its connection

    def resume(self) -> None:
        """Allow requests again, in a forked child too."""
        self._gate.release()
        self._lock.release()

    def _renew_after_fork(self) -> None:
        if self._process != os.getpid():
            # A child must neither use nor close the connections of its parent.
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
            if self._writer is None:  # opening the writer creates the tables of a new file
                with self._lock:
                    self._write_connection()
            self._check_file()
            with self._gate:
                held = self._local.held = _Held(self._connect(), self._opened)
        return held

    @property
    def is_lost(self) -> bool:
        """Whether the file was deleted or replaced after it was opened."""
        if self.path is None or self._writer is None:
            return False
        return identify_file(self.path) != self._file

    def _check_file(self) -> None:
        """Raise ConfigurationError if the file was deleted or replaced: writes to it would be lost."""
        if self.is_lost:
            raise ConfigurationError(
                f"{self.path} was deleted or replaced while it was open: close() the connection, and "
                "the next request opens the file at that path, or creates a new one"
            )

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Create the tables of a new database; raise ConfigurationError if the file is not ours."""
        if self.path is not None and is_too_small(self.path):
            raise self._make_foreign()
        # Read this before the mark: another process may create the tables and the mark meanwhile.
        is_empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION and (application or not is_empty):
            raise self._make_foreign()
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

    def _make_foreign(self) -> ConfigurationError:
        return ConfigurationError(
            f"{self.path} is not a database of dynamodb_py: give the path of another file"
        )

    def _parse_table(self, name: str, number: int, description: bytes) -> Table:
        """Return the table of a stored description; each description is parsed once."""
        known = self._parsed.get(name)
        if known is None or known[0] != description or known[1].number != number:
            known = (description, Table(name, number, from_json(description)))
            self._parsed[name] = known
        return known[1]


class _Opened:
    """The open connections of one process. A child neither uses nor closes those of its parent."""

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
        """Close a connection, unless the parent opened it, or all are closed already."""
        if self._process is not None and self._process == os.getpid():
            connection.close()
            self._connections.discard(connection)

    def close(self) -> None:
        """Close all connections, unless the parent opened them. _KEPT then keeps those from deletion."""
        if self._process == os.getpid():
            _KEPT.remove(self)
            for connection in [*self._connections]:
                self.close_one(connection)
            self._process = None  # at exit of the interpreter, os.getpid() may be gone


_KEPT: list[_Opened] = []
"""The sets of open connections. A forked child keeps those of its parent, as their deletion would close them."""


class _Held:
    """The connection of a thread; it is closed when the thread ends."""

    def __init__(self, connection: sqlite3.Connection, opened: _Opened) -> None:
        self.connection, self._opened = connection, opened

    def __del__(self) -> None:
        self._opened.close_one(self.connection)
