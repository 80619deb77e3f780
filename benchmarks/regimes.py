"""How soon the null server answers, which decides whether the client sleeps while it waits.

A client that has slept in ``recv`` runs slower for a while, by up to a factor of two, and differently
each time. So:

``spinning``  The client is always at work. Everything is pinned to one core, where the server has
              real-time priority: the client's ``send`` wakes the server, which answers before ``send``
              returns. So the answer is there when the client reads, and the client never sleeps.
``quiet``     The server sleeps in epoll, and the kernel places it: as on an idle machine.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import null_server

NAMES = ("spinning", "quiet")


@contextlib.contextmanager
def running(regime: str, *, python: bool = False) -> Iterator[tuple[null_server.Server, str]]:
    """Run a null server in *regime*, and pin this process; give the server and what was done."""
    with null_server.running(python=python) as server:
        yield server, _pin(server.process.pid, regime)


def _pin(pid: int, regime: str) -> str:
    if regime == "quiet":
        return "quiet"
    if not hasattr(os, "sched_setaffinity"):
        return f"{regime} without pinning, which this system does not have"
    core = sorted(os.sched_getaffinity(0))[-1:]
    os.sched_setaffinity(pid, core)
    os.sched_setaffinity(0, core)
    try:
        # The server never waits for its turn, so that it answers within the client's send.
        os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        return f"{regime} on core {core[0]}, without real-time priority"
    return f"{regime} on core {core[0]}"
