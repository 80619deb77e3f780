"""The blocking transport."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from ..credentials.keys import Keys
from ..credentials.targets import LazyTarget, Target
from ..exceptions import ConnectionFailed
from ..metering import payload_of
from ..observing.log import get_debug_logger, log_answer
from ..operations.base import Operation
from ..retries import Deadline, count_seconds_left, find_deadline
from .forks import watch
from .pool import Pool
from .responses import describe_request, read_answer
from .sockets import Connection, open_connection
from .waits import call_in_time

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

        Raises :class:`~dynamodb_py.exceptions.RequestError`, or ConfigurationError if there is no region
        or there are no credentials.
        """
        deadline = find_deadline()
        target = self._target
        if target is None:
            target = self._target = self._find(deadline)
        keys = target.credentials.keys() if deadline is None else _keys_in_time(target, deadline)
        body = encode(payload_of(operation))
        request = target.signer.request(operation.api, body, keys)
        logger = get_debug_logger()
        started = 0.0 if logger is None else time.perf_counter()
        pool = self._pool
        home = pool.idle
        try:
            connection = pool.take()
            if connection is None:
                connection = self._open(target, deadline)
            try:
                if deadline is None:
                    response = connection.exchange(request)
                else:
                    response = connection.exchange(request, count_seconds_left(deadline))
            except BaseException:  # an interrupt too: half a response may follow
                connection.close()
                raise
        except ConnectionFailed as error:
            describe_request(error, operation)
            raise
        if response.reusable:
            pool.give(connection, home)
        else:
            connection.close()
        if logger is not None:
            seconds = time.perf_counter() - started
            log_answer(logger, operation, response.status, seconds, len(response.body))
        return read_answer(response, operation)

    def _find(self, deadline: Deadline | None) -> Target:
        if deadline is None or self._lazy.quick:
            return self._lazy.get()
        return call_in_time(self._lazy.get, deadline, "finding endpoint and credentials")

    def _open(self, target: Target, deadline: Deadline | None) -> Connection:
        settings = self._lazy.settings
        seconds = settings.connect_timeout
        if deadline is None:
            return open_connection(target, seconds, settings.read_timeout)
        # In a thread, as the lookup of a host's name has no timeout.
        return call_in_time(
            lambda: open_connection(target, seconds, settings.read_timeout),
            deadline,
            "opening a connection",
            Connection.close,
        )

    def close(self) -> None:
        """Close the idle connections; the next request opens new ones."""
        self._pool.close()


def _keys_in_time(target: Target, deadline: Deadline) -> Keys:
    count_seconds_left(deadline)
    credentials = target.credentials
    if not credentials.due:
        return credentials.keys()
    return call_in_time(credentials.keys, deadline, "fetching credentials")
