"""The engine: an operation's name and payload in, the answer's status and body out."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable
from typing import Any, TypeAlias, cast

from ...codec import from_json, to_json
from .errors import ServiceError
from .expiry import INTERVAL, sweep
from .faults import Faults
from .storage import Durability, Store

Request: TypeAlias = dict[str, Any]
Answer: TypeAlias = "dict[str, Any] | bytes"
"""The answer as JSON, or as what becomes JSON: an item in it may be msgspec.Raw."""
Handler: TypeAlias = "Callable[[Engine, Request], Answer]"


class Engine:
    """DynamoDB in this process.

    *path* is the file of the database, or None for one in memory. Threads may share an engine;
    several processes may have engines on one file.
    """

    def __init__(
        self,
        path: str | None = None,
        *,
        durability: Durability = "FULL",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store = Store(path, durability)
        self.clock = clock
        """Gives the time in seconds since 1970, which TTL, streams and tokens go by."""
        self.faults = Faults(self.store, clock, HANDLERS)
        """What goes wrong here, by rules."""
        self.next_sweep = 0.0
        """When expired items are deleted next, by the clock; infinity for never."""

    def call(self, operation: str, payload: bytes) -> tuple[int, bytes]:
        """Carry out *operation*; return the status and the body of the answer."""
        try:
            return 200, self.answer(operation, _parse(payload))
        except ServiceError as error:
            return error.status, error.body()
        except sqlite3.Error as error:  # a full disk, a file that others keep locked
            failure = ServiceError("InternalServerError", f"SQLite: {error}", status=500)
            return failure.status, failure.body()

    def answer(self, operation: str, request: Request) -> bytes:
        """Like :meth:`call` with the payload as a dict, but raise :class:`ServiceError`."""
        handler = HANDLERS.get(operation)
        if handler is None:
            raise ServiceError("UnknownOperationException", f"{operation} is not supported here")
        self._sweep_in_time()
        if self.faults.rules:
            with self.faults.around(operation, request):
                found = handler(self, request)
        else:
            found = handler(self, request)
        return found if isinstance(found, bytes) else to_json(found)

    def _sweep_in_time(self) -> None:
        now = self.clock()
        # Further away than any sweep is: the clock was set back.
        if now >= self.next_sweep or now + INTERVAL < self.next_sweep < math.inf:
            self.next_sweep = now + INTERVAL
            if sweep(self):
                self.next_sweep = now

    def close(self) -> None:
        """Close the database; what was in memory is gone."""
        self.store.close()


HANDLERS: dict[str, Handler] = {}
"""By the name of the operation; :mod:`.handlers` fills it."""


def _parse(payload: bytes) -> Request:
    try:
        request = from_json(payload)
    except (ValueError, RecursionError) as error:
        raise ServiceError("SerializationException", f"The payload is no JSON: {error}") from None
    if not isinstance(request, dict):
        raise ServiceError("SerializationException", "The payload is no JSON object")
    return cast("Request", request)
