"""Forks: while a process is forked, no file is open and no request is under way.

If a child inherits an open file, SQLite in the child believes that it holds the locks of its parent. It then
takes no locks of its own. Another process that closes the file deletes the log that the child writes to.

https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_across_a_fork_
"""

from __future__ import annotations

import os
import threading
from typing import Protocol
from weakref import WeakSet


class Pausing(Protocol):
    """An object that pauses during a fork: a store."""

    def pause(self) -> None:
        """Wait for the requests under way, close the file, and block new requests."""

    def resume(self) -> None:
        """Allow requests again."""


_stores: WeakSet[Pausing] = WeakSet()
_lock = threading.Lock()
_paused: list[Pausing] = []


def watch_forks(store: Pausing) -> None:
    """Pause *store* at each fork from now on."""
    with _lock:
        _stores.add(store)


def _pause_all() -> None:
    _lock.acquire()
    for store in [*_stores]:
        store.pause()
        _paused.append(store)


def _resume_all() -> None:
    while _paused:
        _paused.pop().resume()
    _lock.release()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_pause_all, after_in_parent=_resume_all, after_in_child=_resume_all)
