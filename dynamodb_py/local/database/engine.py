"""The engine: it accepts the name and the payload of an operation, and returns the status and the body."""

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
"""The answer as JSON, or as a dict to be encoded, in which an item may be msgspec.Raw."""
Handler: TypeAlias = "Callable[[Engine, Request], Answer]"


class Engine:
    """A DynamoDB in this process.

    Threads may share an engine. Several processes may have an engine on the same file.

    :param path: the file of the database; None for a database in memory.
    :param durability: "FULL", the default: a write returns when it is on the disk. "NORMAL": faster, but a crash
        of the machine may lose the last writes.
    :param clock: a function that returns the time in seconds since 1970; ``time.time`` by default.
    :raises ConfigurationError: the file cannot be opened, or is not a database of dynamodb_py.
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
        """Returns the time in seconds since 1970. TTL, streams and the tokens of transactions use it."""
        self.faults = Faults(self.store, clock, HANDLERS)
        """The fault rules of this engine."""
        self.next_sweep = 0.0
        """The time by the clock when expired items are deleted next; infinity for never."""

    def call(self, operation: str, payload: bytes) -> tuple[int, bytes]:
        """Carry out *operation*; return the status and the body of the response.

        Errors are responses too, as of DynamoDB: it raises none of them.

        >>> from dynamodb_py.local import Engine
        >>> engine = Engine()
        >>> engine.call("ListTables", b"{}")
        (200, b'{"TableNames":[]}')
        >>> engine.call("DescribeTable", b'{"TableName": "orders"}')
        (400, b'{"__type":"com...#ResourceNotFoundException","message":"Requested resource not found...

        :param operation: the name of an operation of DynamoDB or DynamoDB Streams.
        :param payload: the request as JSON.
        :raises ConnectionFailed: a fault rule loses the response.
        """
        try:
            return 200, self.answer(operation, _parse(payload))
        except ServiceError as error:
            return error.status, error.body()
        except sqlite3.Error as error:  # a full disk, a file that another process keeps locked
            failure = ServiceError("InternalServerError", f"SQLite: {error}", status=500)
            return failure.status, failure.body()

    def answer(self, operation: str, request: Request) -> bytes:
        """Carry out *operation* with the request as a dict; return the body of the response as JSON.

        Unlike :meth:`call`, it raises errors.

        >>> from dynamodb_py.local import Engine
        >>> engine = Engine()
        >>> engine.answer("ListTables", {"Limit": 1})
        b'{"TableNames":[]}'
        >>> engine.answer("DescribeTable", {"TableName": "orders"})
        Traceback (most recent call last):
        dynamodb_py.local.database.errors.ServiceError: ResourceNotFoundException: Requested resource not found...

        :param operation: the name of an operation of DynamoDB or DynamoDB Streams.
        :param request: the members of the request, as in DynamoDB's JSON.
        :raises ServiceError: the error of DynamoDB, with its ``code``, ``message`` and ``status``.
        :raises sqlite3.Error: the disk is full, or another process keeps the file locked.
        :raises ConnectionFailed: a fault rule loses the response.
        """
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
        # If the next sweep is more than an interval away, the clock was set back.
        if now >= self.next_sweep or now + INTERVAL < self.next_sweep < math.inf:
            self.next_sweep = now + INTERVAL
            if sweep(self):
                self.next_sweep = now

    def close(self) -> None:
        """Close the database. A database in memory loses its contents; the next request opens a file again.

        >>> from tempfile import TemporaryDirectory
        >>> from dynamodb_py.local import Engine
        >>> with TemporaryDirectory() as folder:
        ...     engine = Engine(f"{folder}/app.db")
        ...     engine.answer("ListTables", {})
        ...     engine.close()
        b'{"TableNames":[]}'
        """
        self.store.close()


HANDLERS: dict[str, Handler] = {}
"""The function of each operation; :mod:`.handlers` fills the dict."""


def _parse(payload: bytes) -> Request:
    try:
        request = from_json(payload)
    except (ValueError, RecursionError) as error:
        raise ServiceError("SerializationException", f"The payload is not JSON: {error}") from None
    if not isinstance(request, dict):
        raise ServiceError("SerializationException", "The payload is not a JSON object")
    return cast("Request", request)
