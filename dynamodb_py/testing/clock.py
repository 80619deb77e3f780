"""The clock of an embedded database: frozen, moved, and let run again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from ..exceptions import ConfigurationError


class Clock:
    """The time that TTL, streams and tokens of one embedded database go by.

    It is Python's until it is frozen or moved. Each change deletes at once what has had its time.
    Moments are datetimes, naive ones in UTC, or seconds since 1970; spans are seconds or timedeltas.
    """

    def __init__(self) -> None:
        self._frozen: float | None = None
        self._ahead = 0.0
        self.on_change: Callable[[], None] | None = None
        """Called after each change."""

    def __call__(self) -> float:
        """Return the time in seconds since 1970."""
        # Looked up at each call: libraries that freeze Python's time replace it.
        return time.time() + self._ahead if self._frozen is None else self._frozen

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        return datetime.fromtimestamp(self(), timezone.utc)

    def freeze(self, at: datetime | float | None = None) -> None:
        """Stop the clock, at the moment *at* or where it is."""
        self._frozen = self() if at is None else _read_moment(at)
        self._report()

    def unfreeze(self) -> None:
        """Let the clock run on from where it is."""
        if self._frozen is not None:
            self._ahead, self._frozen = self._frozen - time.time(), None

    def tick(self, seconds: float | timedelta = 1.0) -> None:
        """Move the clock on by *seconds*, back if they are negative; a frozen one stays frozen."""
        span = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        self._move_by(_check_number(span, "seconds, or a timedelta"))

    def move_to(self, at: datetime | float) -> None:
        """Move the clock to the moment *at*; a frozen one stays frozen."""
        self._move_by(_read_moment(at) - self())

    def reset(self) -> None:
        """Let the clock be Python's again."""
        self._frozen, self._ahead = None, 0.0
        self._report()

    def _report(self) -> None:
        if self.on_change is not None:
            self.on_change()

    def _move_by(self, seconds: float) -> None:
        if self._frozen is None:
            self._ahead += seconds
        else:
            self._frozen += seconds
        self._report()


def _read_moment(at: datetime | float) -> float:
    if isinstance(at, datetime):
        return (at if at.tzinfo else at.replace(tzinfo=timezone.utc)).timestamp()
    return _check_number(at, "a datetime, or seconds since 1970")


def _check_number(given: object, expected: str) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
        raise ConfigurationError(f"the clock cannot go by {given!r}: give {expected}")
    return given
