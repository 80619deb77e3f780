"""When to try again, and after how long.

The rules are those of boto3's *standard* mode
(https://boto3.amazonaws.com/v1/documentation/api/latest/guide/retries.html#standard-retry-mode):
three attempts, exponential backoff with full jitter up to twenty seconds.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator

from msgspec import Struct

from .exceptions import ConnectionFailed, ServiceError

TRANSIENT = frozenset({500, 502, 503, 504})
"""HTTP statuses after which a request is tried again, whatever the code."""

RETRYABLE = frozenset(
    {
        "RequestTimeout",
        "RequestTimeoutException",
        "PriorRequestNotComplete",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "TransactionInProgressException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "SlowDown",
        "EC2ThrottledException",
        # DynamoDB's service model marks this one as retryable.
        "InternalServerError",
        "ReplicatedWriteConflictException",
    }
)


def is_retryable(error: BaseException) -> bool:
    """Tell whether the same request may succeed when it is sent again.

    >>> is_retryable(ConnectionFailed("reset"))
    True
    """
    if isinstance(error, ServiceError):
        return error.status in TRANSIENT or error.code in RETRYABLE
    return isinstance(error, ConnectionFailed)


def backoff(
    base: float = 1.0, cap: float = 20.0, jitter: Callable[[], float] = random.random
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
    """How often a request is tried: *attempts* in all, pauses from *base* to *cap* seconds."""

    attempts: int = 3
    base: float = 1.0
    cap: float = 20.0

    @classmethod
    def from_environment(cls) -> Retries:
        """Return the default, or what ``AWS_MAX_ATTEMPTS`` says."""
        attempts = os.environ.get("AWS_MAX_ATTEMPTS", "")
        return cls(attempts=int(attempts)) if attempts.isdigit() and int(attempts) else cls()

    def pauses(self) -> Iterator[float]:
        """Yield the pauses between the attempts, one fewer than there are attempts."""
        pauses = backoff(self.base, self.cap)
        for _ in range(self.attempts - 1):
            yield next(pauses)
