"""Transports that choose between HTTP and botocore for each request."""

from __future__ import annotations

import threading
from collections.abc import Coroutine
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from ..credentials.endpoints import Endpoint
from ..credentials.sessions import describe_configured_endpoint, make_client, make_session
from ..credentials.settings import Settings
from ..credentials.targets import LazyTarget
from ..exceptions import ConfigurationError, DeadlineExceeded
from ..http.forks import watch
from ..http.sync import HttpTransport
from ..http.waits import await_in_time, call_in_time
from ..observing import TRACERS
from ..observing.log import get_debug_logger, warn
from ..operations.base import Operation
from ..retries import count_seconds_left, find_deadline
from .hooks import INSTRUMENTED, MOCK, MOCK_SERVER, WRAPPED, Hooks

if TYPE_CHECKING:
    from ..http import aio as http_aio
    from . import boto
else:
    from ..lazy import boto, http_aio

_HOOK_NAMES = {
    MOCK: "moto's mock",
    MOCK_SERVER: "moto's server",
    WRAPPED: "a wrapper of botocore's calls",
    INSTRUMENTED: "instrumentation of botocore",
}


class Router:
    """The decision whether requests go through botocore now, and the client for it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._always = settings.client is not None or settings.session is not None
        self._diverting = MOCK | MOCK_SERVER | WRAPPED
        if settings.through_instrumented_botocore:
            self._diverting |= INSTRUMENTED
        self._hooks = Hooks()
        self._seen = 0
        self.lock = threading.Lock()
        self.boto: boto.BotoTransport | None = None
        watch(self)

    def uses_botocore(self) -> bool:
        """Tell whether the next request must go through botocore."""
        if self._always:
            return True
        seen = self._hooks.detect()
        if seen != self._seen:
            self._switch(seen)
        return seen & self._diverting != 0

    def make(self) -> boto.BotoTransport:
        """Return the transport through botocore; the first call creates it, which is slow.

        Raises :class:`~dynamodb_py.exceptions.ConfigurationError` if the settings are invalid.
        """
        with self.lock:
            if self.boto is None:
                given, served = self._settings.client, bool(self._seen & MOCK_SERVER)
                session = None if given is not None else make_session(self._settings)
                client = given or make_client(self._settings, session, boto3_default=served)
                configured = ""
                if not served and self._settings.endpoint_url is None:
                    configured = describe_configured_endpoint(
                        self._settings.service, client, session
                    )
                through = boto.BotoTransport(client, owned=given is None, configured=configured)
                try:
                    through.check_mock()
                except ConfigurationError:  # the next request reads the environment again
                    through.close()
                    raise
                self.boto = through
            return self.boto

    def _switch(self, seen: int) -> None:
        """Record the hooks *seen* and drop the client, which may lack a new hook or have keys of a mock."""
        with self.lock:
            if seen == self._seen:
                return
            diverted, diverting = self._seen & self._diverting, seen & self._diverting
            self._seen = seen
            before, self.boto = self.boto, None
        if before is not None:
            before.close()
        logger = get_debug_logger()
        if logger is not None and diverting:
            names = " and ".join(name for bit, name in _HOOK_NAMES.items() if diverting & bit)
            logger.debug("%s is active: requests go through botocore", names)
        elif logger is not None and diverted:
            logger.debug("no hooks in botocore any more: requests go over the wire")
        asked = self._settings.through_instrumented_botocore is not None
        if not diverting and seen & INSTRUMENTED and not asked and not TRACERS:
            warn_of_untraced()

    def after_fork(self) -> None:
        """Replace the lock: a thread that holds it does not exist in the child process."""
        self.lock = threading.Lock()


@cache
def warn_of_untraced() -> None:
    """Log, once in a process, that a tool instruments botocore and does not see this package's requests."""
    warn(
        "botocore is instrumented, and requests of this package do not go through botocore: the tool does not "
        "see them. Switch on dynamodb_py.contrib.opentelemetry, or let them go through botocore by "
        "connect(through_instrumented_botocore=True), which makes a get 25 times as long; False silences this line",
        fields={},
    )


_THROUGH_BOTOCORE = "the request through botocore"


def _send_through_botocore(router: Router, operation: Operation[Any]) -> bytes:
    return (router.boto or router.make()).send(operation)


class RoutingTransport:
    """The blocking transport of a connection."""

    def __init__(self, router: Router, lazy: LazyTarget) -> None:
        self._router, self._lazy = router, lazy
        self._wire = HttpTransport(lazy)

    @property
    def endpoint(self) -> Endpoint | None:
        """The endpoint of requests; None until the first one was sent."""
        if (through := self._router.boto) is not None:
            return through.endpoint
        return None if self._lazy.found is None else self._lazy.found.endpoint

    def send(self, operation: Operation[Any], /) -> bytes:
        """Send *operation* once and return the body of its response."""
        if self._router.uses_botocore():
            deadline = find_deadline()
            if deadline is None:
                return _send_through_botocore(self._router, operation)
            count_seconds_left(deadline)
            try:
                send = partial(_send_through_botocore, self._router, operation)
                return call_in_time(send, deadline, _THROUGH_BOTOCORE)
            except DeadlineExceeded as error:
                error.in_doubt = True  # botocore continues with the request
                raise
        return self._wire.send(operation)

    def close(self) -> None:
        """Close the open connections; the next request opens new ones."""
        self._wire.close()
        if self._router.boto is not None:
            self._router.boto.close()


class AsyncRoutingTransport:
    """The asyncio transport of a connection."""

    def __init__(self, router: Router, lazy: LazyTarget) -> None:
        self._router = router
        self._lazy = lazy
        self._opened: http_aio.AsyncHttpTransport | None = None

    def send(self, operation: Operation[Any], /) -> Coroutine[Any, Any, bytes]:
        """Send *operation* once and return the body of its response, awaited."""
        if self._router.uses_botocore():
            return self._send_through_botocore(operation)
        return (self._opened or self._wire).send(operation)

    async def _send_through_botocore(self, operation: Operation[Any]) -> bytes:
        from asyncio import to_thread  # copies the context, for tracing

        deadline = find_deadline()
        if deadline is not None:
            count_seconds_left(deadline)
        try:
            sending = to_thread(_send_through_botocore, self._router, operation)
            return await await_in_time(sending, deadline, _THROUGH_BOTOCORE)
        except DeadlineExceeded as error:
            error.in_doubt = True  # botocore continues with the request
            raise

    @property
    def _wire(self) -> http_aio.AsyncHttpTransport:
        """The transport over HTTP, created at its first use: one for the event loops of all threads."""
        with self._router.lock:
            if self._opened is None:
                self._opened = http_aio.AsyncHttpTransport(self._lazy)
            return self._opened

    async def close(self) -> None:
        """Close the open connections; the next request opens new ones."""
        if self._opened is not None:
            await self._opened.close()
        if self._router.boto is not None:
            self._router.boto.close()
