"""Buckets of capacity units, which compute how long a request has to wait."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from ..exceptions import QueryError

Clock: TypeAlias = Callable[[], float]
Units: TypeAlias = "tuple[float, float]"
"""Read units and write units."""


_LARGEST = sys.float_info.max


def check_rate(rate: Any) -> None:
    """Raise QueryError unless *rate* is a finite number over 0."""
    if type(rate) is bool or not isinstance(rate, int | float) or not 0 < rate <= _LARGEST:
        raise QueryError(
            f"rate={rate!r}: give a number of capacity units per second, over 0, or leave rate out"
        )


class Bucket:
    """A token bucket: it gains *rate* units a second, and holds the units of one second at most.

    It is empty at first. A request may be sent unless units are owed. So the units spent before a
    request never exceed the rate times the elapsed seconds.

    :raises QueryError: *rate* is not a finite number over 0.
    """

    def __init__(self, rate: float, clock: Clock = time.monotonic) -> None:
        check_rate(rate)
        self._rate, self._clock = rate, clock
        self._level = 0.0
        self._at: float | None = None

    @property
    def rate(self) -> float:
        """The units per second."""
        return self._rate

    @property
    def level(self) -> float:
        """The units in the bucket at the latest :meth:`wait`; negative if units are owed."""
        return self._level

    def wait(self) -> float:
        """Return the seconds to wait from now on; 0 if no units are owed."""
        now = self._clock()
        if self._at is not None:
            self._level = min(self._rate, self._level + (now - self._at) * self._rate)
        self._at = now
        return max(0.0, -self._level / self._rate)

    def spend(self, units: float) -> None:
        """Take *units* out; missing units are owed."""
        self._level -= units


class Pacer:
    """The buckets of one verb: one for read units and one for write units, each with *rate*."""

    def __init__(self, rate: float, clock: Clock = time.monotonic) -> None:
        self._reads, self._writes = Bucket(rate, clock), Bucket(rate, clock)

    def wait(self) -> float:
        """Return the seconds to wait before the next request; 0 if no units are owed."""
        return max(self._reads.wait(), self._writes.wait())

    def spend(self, units: Units) -> None:
        """Take *units* out; missing units are owed."""
        self._reads.spend(units[0])
        self._writes.spend(units[1])

    def count_affordable(self, estimates: Sequence[Units]) -> int:
        """Return how many requests with these *estimates* the buckets have units for; at least one."""
        read = written = 0.0
        for count, (reads, writes) in enumerate(estimates):
            read, written = read + reads, written + writes
            if count and (read > self._reads.level or written > self._writes.level):
                return count
        return len(estimates)

    def limit_batch(self, size: int) -> int:
        """Return how many writes to put into one request: no more than the units of one second."""
        return max(1, min(size, int(self._writes.rate)))


def make_pacer(rate: float | None) -> Pacer | None:
    """Return the pacer for a verb's option ``rate``; None (no limit) for None.

    :raises QueryError: *rate* is not a finite number over 0.
    """
    return None if rate is None else Pacer(rate)


def limit_batch(size: int, pacer: Pacer | None) -> int:
    """Return the largest number of writes to a request, of at most *size*."""
    return size if pacer is None else pacer.limit_batch(size)
