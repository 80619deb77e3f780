"""The asyncio transport: one pool of connections per event loop."""

from __future__ import annotations

import asyncio  # this room is loaded with the first await
import time
from asyncio import AbstractEventLoop, Future, get_running_loop
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from ..credentials.keys import Credentials, Keys
from ..credentials.settings import Settings
from ..credentials.targets import LazyTarget, Target
from ..exceptions import ConnectionFailed
from ..metering import payload_of
from ..observing.log import get_debug_logger, log_answer
from ..operations.base import Operation
from ..retries import count_seconds_left, find_deadline
from .forks import watch
from .responses import describe_request, read_answer
from .streams import Stream, open_stream
from .sync import encode
from .waits import await_in_time


class StreamPool:
    """The connections of one event loop, at most ``pool_size``; the task that waited longest is next."""

    def __init__(self, loop: AbstractEventLoop, settings: Settings) -> None:
        self.loop = loop
        self._settings = settings
        self._size = max(settings.pool_size, 1)
        self.idle: list[Stream] = []
        self.streams: set[Stream] = set()
        self._places = 0  # connections that are open or being opened
        self._waiting: deque[Future[Stream | None]] = deque()
        self._closed = False
        self._keeper: AsyncGenerator[None] | None = None

    def pop(self) -> Stream | None:
        """Return an idle connection that is open and has nothing to read; None if there is none."""
        while self.idle:
            stream = self.idle.pop()
            if not stream.is_stale():
                return stream
            stream.abort()
        return None

    async def take(self, target: Target) -> Stream:
        """Return a connection for the caller: an idle one, else a new one, else the next free one."""
        while True:
            stream = self.pop()
            if stream is not None:
                return stream
            if self._places < self._size:
                self._places += 1
                break
            stream = await self._wait()
            if stream is None:  # the right to open one
                break
            if not stream.is_stale():  # it may have closed before this task could run
                return stream
            stream.abort()
        stream = Stream(self.loop, self._settings.read_timeout, self._lost)
        self.streams.add(stream)
        await open_stream(stream, target, self._settings.connect_timeout)
        return stream

    def give(self, stream: Stream) -> None:
        """Return a connection to the pool, or pass it to the task that waited longest."""
        if not stream.open:
            stream.abort()
        elif not (self._waiting and self._hand_over(stream)):
            if self._closed:
                stream.abort()
                return
            self.idle.append(stream)

    def close(self) -> None:
        """Close the idle connections now, and those in use when they are returned."""
        self._closed = True
        while self.idle:
            self.idle.pop().abort()

    def discard(self) -> None:
        """Close all connections after the loop was closed."""
        self._waiting.clear()  # their tasks cannot continue
        for stream in list(self.streams):
            stream.discard()
        self.idle.clear()

    def after_fork(self) -> None:
        """Leave all connections to the parent process."""
        for stream in self.streams:
            stream.leave()
        self.streams.clear()
        self.idle.clear()
        self._places = 0
        with suppress(RuntimeError):  # the loop is closed
            while self._places < self._size and self._hand_over(None):
                self._places += 1

    async def keep(self) -> None:
        """Close the connections when the loop shuts down.

        ``asyncio.run()`` closes the async generators of a loop before it closes the loop.
        """
        if self._keeper is None:
            self._keeper = self._until_shutdown()
            await self._keeper.__anext__()

    async def release(self) -> None:
        """Close the pool as :meth:`close` does, and let the loop close the sockets."""
        self.close()
        await asyncio.sleep(0)

    async def _until_shutdown(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            for stream in list(self.streams):  # their tasks have been cancelled by now
                stream.abort()
            await asyncio.sleep(0)  # lets the loop close the sockets

    async def _wait(self) -> Stream | None:
        """Wait for a connection, or for None: the right to open one."""
        waiter: Future[Stream | None] = self.loop.create_future()
        self._waiting.append(waiter)
        try:
            return await waiter
        except BaseException:
            # The task was cancelled after it got a place.
            if waiter.done() and not waiter.cancelled():
                stream = waiter.result()
                if stream is None:
                    self._free_place()
                else:
                    self.give(stream)
            raise

    def _lost(self, stream: Stream) -> None:
        self.streams.discard(stream)
        if stream in self.idle:
            self.idle.remove(stream)
        self._free_place()

    def _free_place(self) -> None:
        if not self._hand_over(None):
            self._places -= 1

    def _hand_over(self, stream: Stream | None) -> bool:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(stream)
                return True
        return False


class AsyncHttpTransport:
    """Sends operations over pooled connections; tasks, loops and threads may share it."""

    def __init__(self, lazy: LazyTarget) -> None:
        self._lazy = lazy
        self._target: Target | None = lazy.found
        self._pools: dict[AbstractEventLoop, StreamPool] = {}
        watch(lazy)
        watch(self)

    async def send(self, operation: Operation[Any], /) -> bytes:
        """Send *operation* once and return the body of its response.

        Raises :class:`~dynamodb_py.exceptions.RequestError`, or ConfigurationError if there is no region
        or there are no credentials. A cancelled request closes its connection.
        """
        deadline = find_deadline()
        target = self._target
        if target is None:
            target = await await_in_time(self._find(), deadline, "finding endpoint and credentials")
        loop = get_running_loop()
        credentials = target.credentials
        if credentials.due:  # a refresh takes time, and must not block the loop
            fetching = _fetch_keys(loop, credentials)
            keys = await await_in_time(fetching, deadline, "fetching credentials")
        else:
            keys = credentials.keys()
        body = encode(payload_of(operation))
        request = target.signer.request(operation.api, body, keys)
        pool = self._pools.get(loop) or await self._new_pool(loop)
        logger = get_debug_logger()
        started = 0.0 if logger is None else time.perf_counter()
        try:
            stream = pool.pop()
            if stream is None:
                taking = pool.take(target)
                stream = await await_in_time(taking, deadline, "getting a connection", pool.give)
            try:
                seconds = None if deadline is None else count_seconds_left(deadline)
                response = await stream.exchange(request, seconds)
            except BaseException:  # cancellation too: half a response may follow
                stream.abort()
                raise
        except ConnectionFailed as error:
            describe_request(error, operation)
            raise
        if response.reusable:
            pool.give(stream)
        else:
            stream.abort()
        if logger is not None:
            elapsed = time.perf_counter() - started
            log_answer(logger, operation, response.status, elapsed, len(response.body))
        return read_answer(response, operation)

    async def _find(self) -> Target:
        if self._lazy.found is None and not self._lazy.quick:
            # In a thread: it imports botocore, reads files, and may use the network.
            target = await get_running_loop().run_in_executor(None, self._lazy.get)
        else:
            target = self._lazy.get()
        self._target = target
        return target

    async def _new_pool(self, loop: AbstractEventLoop) -> StreamPool:
        for other in list(self._pools):
            # Another thread may have found the closed loop too.
            if other.is_closed() and (left := self._pools.pop(other, None)) is not None:
                left.discard()
        pool = self._pools[loop] = StreamPool(loop, self._lazy.settings)
        await pool.keep()
        return pool

    async def close(self) -> None:
        """Close the idle connections; the next request opens new ones."""
        running = get_running_loop()
        for loop in list(self._pools):
            pool = self._pools.pop(loop, None)
            if pool is None:  # closed by another thread
                continue
            if loop is running:
                await pool.release()
            elif loop.is_closed():
                pool.discard()
            else:
                with suppress(RuntimeError):  # closed at this very moment
                    loop.call_soon_threadsafe(pool.close)

    def after_fork(self) -> None:
        """Forget the connections of the parent; the child may go on to use its event loop."""
        for pool in self._pools.values():
            pool.after_fork()


async def _fetch_keys(loop: AbstractEventLoop, credentials: Credentials) -> Keys:
    return await loop.run_in_executor(None, credentials.keys)
