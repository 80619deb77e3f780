"""The redirection of all connections of the process to one embedded database."""

from __future__ import annotations

import threading

from ..connections import Registry, get_registry, set_registry
from ..credentials.addresses import Address


class Redirection:
    """One block of redirected connections, and the connections before it."""

    def __init__(self, before: Registry) -> None:
        self.before = before


_active: list[Redirection] = []
"""The blocks that have begun and not ended; the last one is in force."""
_lock = threading.Lock()


def redirect_connections(address: Address) -> Redirection:
    """Let every connection, also new ones, use the embedded database at *address*, until ``end_redirection()``.

    Each connection keeps its prefix, retries and other options.
    """
    with _lock:
        before = get_registry()
        copies = {
            alias: None if known is None else known.copy_to(address)
            for alias, known in before.connections.items()
        }
        redirection = Redirection(before)
        _active.append(redirection)
        set_registry(Registry(copies, set(before.atomic_aliases), address))
        return redirection


def end_redirection(redirection: Redirection) -> None:
    """Restore the connections from before the block; a block that began later keeps its database until its end."""
    with _lock:
        at = _active.index(redirection)
        del _active[at]
        if at == len(_active):
            set_registry(redirection.before)
        else:
            _active[at].before = redirection.before
