"""The clock of an embedded database, which tests freeze and move."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from ..exceptions import ConfigurationError


class Clock:
    """The clock of one embedded database, for TTL, streams and tokens of transactions: ``engine.clock``.

    It shows Python's time until you freeze or move it. Each change at once deletes items past their TTL and
    expired records of streams. A moment is a datetime (a naive one is in UTC) or a number of seconds since
    1970. A span is a number of seconds or a timedelta.
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
        """Return the time as an aware datetime in UTC.

        >>> clock = Clock()  # in a test: engine.clock
        >>> clock.freeze(datetime(2026, 7, 1, 12))
        >>> clock.now()
        datetime.datetime(2026, 7, 1, 12, 0, tzinfo=datetime.timezone.utc)
        """
        return datetime.fromtimestamp(self(), timezone.utc)

    def freeze(self, at: datetime | float | None = None) -> None:
        """Stop the clock at the moment *at*, by default at its present time.

        :raises ConfigurationError: *at* is neither a datetime nor a finite number.

        >>> clock = Clock()  # in a test: engine.clock
        >>> clock.freeze(datetime(2026, 7, 1, 12))
        >>> clock.now() == clock.now()
        True
        """
        self._frozen = self() if at is None else _read_moment(at)
        self._report()

    def unfreeze(self) -> None:
        """Let a frozen clock run on from its present time.

        >>> clock = Clock()  # in a test: engine.clock
        >>> clock.freeze(datetime(2026, 7, 1, 12))
        >>> clock.unfreeze()
        >>> clock.now() > datetime(2026, 7, 1, 12, tzinfo=timezone.utc)
        True
        """
        if self._frozen is not None:
            self._ahead, self._frozen = self._frozen - time.time(), None

    def tick(self, seconds: float | timedelta = 1.0) -> None:
        """Move the clock on by *seconds*, or back if they are negative; a frozen clock stays frozen.

        :param seconds: a number of seconds, or a timedelta.
        :raises ConfigurationError: *seconds* is neither a finite number nor a timedelta.

        >>> clock = Clock()  # in a test: engine.clock
        >>> clock.freeze(datetime(2026, 7, 1, 12))
        >>> clock.tick(90)
        >>> clock.tick(timedelta(days=1))
        >>> clock.now().isoformat()
        '2026-07-02T12:01:30+00:00'
        """
        span = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        self._move_by(_check_number(span, "seconds, or a timedelta"))

    def move_to(self, at: datetime | float) -> None:
        """Move the clock to the moment *at*; a frozen clock stays frozen.

        :raises ConfigurationError: *at* is neither a datetime nor a finite number.

        >>> clock = Clock()  # in a test: engine.clock
        >>> clock.move_to(datetime(2040, 1, 1))
        >>> clock.now().year
        2040
        """
        self._move_by(_read_moment(at) - self())

    def reset(self) -> None:
        """Let the clock show Python's time again.

        >>> clock = Clock()  # in a test: engine.clock
        >>> clock.freeze(datetime(1999, 1, 1))
        >>> clock.reset()
        >>> clock.now().year > 1999
        True
        """
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
        raise ConfigurationError(f"the clock cannot take {given!r}: give {expected}")
    return given
