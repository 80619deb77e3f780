"""Retries: after which errors, after which pauses, and until which deadline.

The rules are those of boto3's *standard* mode for DynamoDB
(https://boto3.amazonaws.com/v1/documentation/api/latest/guide/retries.html#standard-retry-mode):
four attempts, and exponential backoff with full jitter up to twenty seconds. After errors other than
throttling, the pauses begin forty times shorter.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from msgspec import Struct

from .exceptions import (
    ConnectionFailed,
    ConnectTimeout,
    DeadlineExceeded,
    RequestError,
    ServiceError,
    ServiceUnavailable,
    TransactionCanceled,
)

TRANSIENT = frozenset({500, 502, 503, 504})
"""HTTP statuses after which a request is retried, whatever the error code."""

_THROTTLING = (
    "BandwidthLimitExceeded EC2ThrottledException LimitExceededException PriorRequestNotComplete "
    "ProvisionedThroughputExceededException RequestLimitExceeded RequestThrottled "
    "RequestThrottledException SlowDown ThrottledException Throttling ThrottlingException "
    "TooManyRequestsException TransactionInProgressException"
)
THROTTLING = frozenset(_THROTTLING.split())
"""Error codes of throttling: DynamoDB wants fewer requests."""

# DynamoDB's service model marks the last one as retryable.
_TIMED_OUT = frozenset({"RequestTimeout", "RequestTimeoutException"})
RETRYABLE = THROTTLING | _TIMED_OUT | {"ReplicatedWriteConflictException"}
"""Error codes after which a request is retried, whatever the HTTP status."""

TOO_MANY_REQUESTS = 429

_THROTTLED_CALLS = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded"})
"""Reasons of a cancelled transaction that are throttling."""
PASSING_CALLS = _THROTTLED_CALLS | {"TransactionConflict"}
"""Reasons of a cancelled transaction that may be gone when it is sent again.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CancellationReason.html
"""


def is_throttling(error: BaseException) -> bool:
    """Tell whether *error* is throttling: DynamoDB wants fewer requests.

    A known error code decides, else the HTTP status. A cancelled transaction was throttled if one of
    its reasons is throttling, and none would cancel it again.
    """
    if not isinstance(error, ServiceError):
        return False
    if isinstance(error, TransactionCanceled):
        reasons = {each.code for each in error.reasons if each.is_to_blame}
        return not reasons.isdisjoint(_THROTTLED_CALLS) and reasons <= PASSING_CALLS
    unknown = type(error) is ServiceError and error.status == TOO_MANY_REQUESTS
    return unknown or error.code in THROTTLING


def is_retryable(error: BaseException, *, repeatable: bool = True) -> bool:
    """Tell whether the same request may succeed when it is sent again.

    If a request is not *repeatable*, such as an ADD, this is True only if it was certainly not
    executed: after throttling, or without a connection.

    >>> is_retryable(ConnectionFailed("reset"))
    True
    """
    if not repeatable and is_in_doubt(error):
        return False
    if isinstance(error, ServiceError):
        return error.status in TRANSIENT or error.code in RETRYABLE or is_throttling(error)
    return isinstance(error, ConnectionFailed)


def is_in_doubt(error: BaseException) -> bool:
    """Tell whether a request may have been executed although it, or its flow, ended with *error*.

    >>> is_in_doubt(ConnectionFailed("reset")), is_in_doubt(ConnectTimeout("far"))
    (True, False)
    """
    if isinstance(error, TransactionCanceled):
        return False
    if isinstance(error, RequestError) and error.in_doubt:
        return True
    if isinstance(error, ServiceError):
        failed = isinstance(error, ServiceUnavailable) or error.status in TRANSIENT
        return (failed or error.code in _TIMED_OUT) and not is_throttling(error)
    if isinstance(error, ConnectionFailed) and not isinstance(error, ConnectTimeout):
        return not isinstance(error.__cause__, ConnectionRefusedError)
    return isinstance(error, GeneratorExit)  # the flow was cancelled


def _draw() -> float:
    from random import random  # imported only for the pause before a retry

    return random()


def backoff(
    base: float = 1.0, cap: float = 20.0, jitter: Callable[[], float] = _draw
) -> Iterator[float]:
    """Yield pauses in seconds without end: a random share of *base* doubled each time, up to *cap*.

    >>> pauses = backoff(0.05, 0.2, jitter=lambda: 1.0)
    >>> [next(pauses) for _ in range(4)]
    [0.05, 0.1, 0.2, 0.2]
    """
    ceiling = base
    while True:
        yield jitter() * min(ceiling, cap)
        ceiling = min(ceiling * 2, cap)


class Retries(Struct, frozen=True):
    """How often a request is sent: at most *attempts* times, the first one included.

    The pauses after throttling grow from *base* to *cap* seconds; after other errors they begin at a
    fortieth of *base*. Each pause is a random share of its length (full jitter).
    """

    attempts: int = 4
    """The most attempts of a request."""
    base: float = 1.0
    """The longest first pause after throttling, in seconds; it doubles with each attempt."""
    cap: float = 20.0
    """The longest pause, in seconds."""

    @classmethod
    def from_environment(cls) -> Retries:
        """Return the default retries, with the attempts of ``AWS_MAX_ATTEMPTS`` if it is set.

        >>> import os
        >>> os.environ["AWS_MAX_ATTEMPTS"] = "6"
        >>> Retries.from_environment()
        Retries(attempts=6, base=1.0, cap=20.0)
        >>> del os.environ["AWS_MAX_ATTEMPTS"]
        """
        attempts = os.environ.get("AWS_MAX_ATTEMPTS", "")
        return cls(attempts=int(attempts)) if attempts.isdigit() and int(attempts) else cls()

    def pause(
        self, error: BaseException, attempts: int, jitter: Callable[[], float] = _draw
    ) -> float:
        """Return the seconds to wait after attempt number *attempts* failed with *error*.

        >>> Retries().pause(ConnectionFailed("reset"), 2, jitter=lambda: 1.0)
        0.05

        :param jitter: a function that returns the share of the longest pause, from 0 to 1; by default random.
        """
        base = self.base if is_throttling(error) else self.base / 40
        return jitter() * min(base * 2.0 ** (attempts - 1), self.cap)


_SLACK = 0.001
"""Seconds before a deadline that count as past it: timers may fire that much too early."""


class Deadline(Struct, eq=False):
    """A deadline: its length in seconds, and its end as ``time.monotonic()`` counts."""

    seconds: float
    ends: float
    is_over: bool = False
    """Whether its block has ended; a block that ends in another context cannot remove it here."""


DEADLINES: ContextVar[tuple[Deadline, ...]] = ContextVar("dynamodb_py.deadlines", default=())
"""The deadlines around the running code; threads and tasks that flows start inherit them."""


def _list_running() -> list[Deadline]:
    return [each for each in DEADLINES.get() if not each.is_over]


def push_deadline(seconds: float) -> Deadline:
    """Set a deadline in *seconds* from now, in addition to those around the running code."""
    deadline = Deadline(seconds, time.monotonic() + seconds)
    DEADLINES.set((*_list_running(), deadline))
    return deadline


def drop_deadline(deadline: Deadline) -> None:
    """Remove a deadline from those of the running code."""
    DEADLINES.set(tuple(each for each in _list_running() if each is not deadline))


def find_deadline() -> Deadline | None:
    """Return the deadline that ends first; None if there is none."""
    if not DEADLINES.get():  # nearly always
        return None
    return min(_list_running(), key=lambda each: each.ends, default=None)


def count_seconds_left(deadline: Deadline) -> float:
    """Return the seconds until *deadline*; raise DeadlineExceeded if none are left."""
    left = deadline.ends - time.monotonic()
    if left < _SLACK:
        raise make_exceeded(deadline, "no time is left for a request")
    return left


def is_past(deadline: Deadline) -> bool:
    """Tell whether *deadline* is over."""
    return deadline.ends - time.monotonic() < _SLACK


def make_exceeded(deadline: Deadline, why: str) -> DeadlineExceeded:
    """Return the exception for a request that *deadline* ended."""
    return DeadlineExceeded(f"Not done within the deadline of {deadline.seconds:g} seconds: {why}")
