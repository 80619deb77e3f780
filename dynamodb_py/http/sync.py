"""The blocking transport."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from ..credentials.targets import LazyTarget, Target
from ..exceptions import ConnectionFailed
from ..metering import payload_of
from ..operations.base import Operation
from .codec import Response
from .forks import watch
from .log import get_debug_logger
from .pool import Pool
from .responses import describe_request, read_answer
from .sockets import open_connection

encode = msgspec.json.Encoder().encode


class HttpTransport:
    """Sends operations over pooled connections; threads may share it."""

    def __init__(self, lazy: LazyTarget) -> None:
        self._lazy = lazy
        self._target: Target | None = lazy.found
        self._pool = Pool(lazy.settings.pool_size)
        watch(lazy)

    def send(self, operation: Operation[Any], /) -> bytes:
        """Send *operation* once and return the body of its response.

        Raises :class:`~dynamodb_py.exceptions.RequestError`, or ConfigurationError without a
        region or credentials.
        """
        target = self._target
        if target is None:
            target = self._target = self._lazy.get()
        body = encode(payload_of(operation))
        request = target.signer.request(operation.api, body, target.credentials.keys())
        logger = get_debug_logger()
        if logger is not None:
            started = time.perf_counter()
            response = self._exchange(target, request, operation)
            log_line(logger, operation, response, time.perf_counter() - started)
        else:
            response = self._exchange(target, request, operation)
        return read_answer(response, operation)

    def _exchange(self, target: Target, request: bytes, operation: Operation[Any]) -> Response:
        pool = self._pool
        home = pool.idle
        try:
            connection = pool.take()
            if connection is None:
                settings = self._lazy.settings
                connection = open_connection(
                    target, settings.connect_timeout, settings.read_timeout
                )
            try:
                response = connection.exchange(request)
            except BaseException:  # an interrupt too: half an answer may follow
                connection.close()
                raise
        except ConnectionFailed as error:
            describe_request(error, operation)
            raise
        if response.reusable:
            pool.give(connection, home)
        else:
            connection.close()
        return response

    def close(self) -> None:
        """Close the idle connections; the next request opens new ones."""
        self._pool.close()


def log_line(logger: Any, operation: Operation[Any], response: Response, seconds: float) -> None:
    """Write the debug line of one attempt."""
    logger.debug(
        "%s %s: status %d, %d bytes, %.2f ms",
        operation.api,
        ", ".join(operation.tables),
        response.status,
        len(response.body),
        seconds * 1000,
    )
