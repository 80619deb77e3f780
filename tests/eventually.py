"""Waiting for an index: those of ExtendDB lag behind their tables, as DynamoDB's do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(read: Callable[[], T], holds: Callable[[T], bool], seconds: float = 60) -> T:
    """Return the first result of *read* for which *holds* is true; fail after *seconds*."""
    until = time.monotonic() + seconds
    while not holds(found := read()):
        assert time.monotonic() < until, f"after {seconds} s an index still has {found!r}"
        time.sleep(0.01)
    return found
