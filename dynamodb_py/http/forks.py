"""Forks: a child process must not use, nor shut down, what its parent has open."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forked(Protocol):
    """Something that must be told when it finds itself in a child process."""

    def after_fork(self) -> None:
        """Forget what belongs to the parent."""
        ...


_watched: WeakSet[Forked] = WeakSet()


def watch(forked: Forked) -> None:
    """Call ``forked.after_fork()`` in every child process, as long as *forked* lives."""
    _watched.add(forked)


def _in_child() -> None:
    for forked in list(_watched):
        forked.after_fork()


if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(after_in_child=_in_child)
