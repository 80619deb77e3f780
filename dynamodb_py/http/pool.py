"""The idle connections of the blocking transport, last in, first out."""

from __future__ import annotations

from .forks import watch
from .sockets import Connection


class Pool:
    """Up to *size* idle connections; it needs no lock, as ``append`` and ``pop`` of a list are atomic."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.idle: list[Connection] = []
        watch(self)

    def take(self) -> Connection | None:
        """Return an idle connection that is open and has nothing to read; None if there is none."""
        while True:
            try:
                connection = self.idle.pop()
            except IndexError:
                return None
            if not connection.poll(0):
                return connection
            connection.close()

    def give(self, connection: Connection, home: list[Connection]) -> None:
        """Take *connection* back if *home*, the list that it came from, is still in use; else close it."""
        if home is self.idle and len(home) < self._size:
            home.append(connection)
            if home is self.idle:
                return
            # close() or a fork came between: nothing uses the old list any more.
            _close_all(home)
        else:
            connection.close()

    def close(self) -> None:
        """Close the idle connections now, and those in use when they are returned."""
        home, self.idle = self.idle, []
        _close_all(home)

    def after_fork(self) -> None:
        # Closing a descriptor in a child sends nothing, even with TLS: the parent's connection stays open.
        self.close()

    def __del__(self) -> None:
        while self.idle:  # at the end of the interpreter, the globals of this module may be gone
            self.idle.pop().close()


def _close_all(home: list[Connection]) -> None:
    while True:
        try:
            home.pop().close()
        except IndexError:
            return
