"""Forks: a child process must neither use nor shut down the connections of its parent."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forked(Protocol):
    """An object with state that a child process must not use."""

    def after_fork(self) -> None:
        """Reset the state of the parent."""
        ...


_watched: WeakSet[Forked] = WeakSet()


def watch(forked: Forked) -> None:
    """Call ``forked.after_fork()`` in every child process, as long as *forked* lives."""
    _watched.add(forked)


def _call_after_fork() -> None:
    for forked in list(_watched):
        forked.after_fork()


if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(after_in_child=_call_after_fork)
