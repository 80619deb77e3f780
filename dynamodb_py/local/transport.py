"""Transports to an engine in this process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from types import coroutine
from typing import Any
from weakref import WeakValueDictionary

from ..codec import to_json
from ..http.codec import Response
from ..http.responses import read_answer
from ..http.waits import await_in_time, call_in_time
from ..metering import payload_of
from ..observing.log import get_debug_logger, log_answer
from ..operations.base import Operation
from ..retries import count_seconds_left, find_deadline
from .database.engine import Engine
from .database.storage import Durability

_WHAT = "the embedded database"
_WORKERS = 8

_shared: dict[str, Engine] = {}
"""The databases in memory by name. They exist until the process ends."""
_files: WeakValueDictionary[tuple[str, Durability], Engine] = WeakValueDictionary()
"""The open databases in files. All connections of the process to a file share its engine, and so its lock."""
_lock = threading.Lock()


def open_engine(path: str | None, name: str = "", durability: Durability = "FULL") -> Engine:
    """Return the engine of the file at *path*, or of the database in memory called *name*.

    Without a path and a name, it is a new database in memory.
    """
    with _lock:
        if path is not None:
            engine = _files.get((path, durability))
            if engine is None or engine.store.is_lost:
                engine = _files[path, durability] = Engine(path, durability=durability)
            return engine
        if not name:
            return Engine()
        if name not in _shared:
            _shared[name] = Engine()
        return _shared[name]


def share_engine(name: str, engine: Engine) -> None:
    """Make *engine* the engine of the name *name*: :func:`open_engine` returns it from now on."""
    with _lock:
        _shared[name] = engine


def forget_engine(name: str) -> None:
    """Forget the engine of the name *name*. Transports that use it still work."""
    with _lock:
        _shared.pop(name, None)


def open_transports(
    path: str | None, name: str = "", durability: Durability = "FULL"
) -> tuple[LocalTransport, AsyncLocalTransport]:
    """Return a blocking and an asyncio transport to the engine that :func:`open_engine` returns."""
    engine = open_engine(path, name, durability)
    return LocalTransport(engine), AsyncLocalTransport(engine)


class LocalTransport:
    """The blocking transport to an engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def send(self, operation: Operation[Any], /) -> bytes:
        """Carry out *operation* and return the body of the response."""
        deadline = find_deadline()
        if deadline is not None:
            count_seconds_left(deadline)
        work = _prepare(self.engine, operation)
        if deadline is None or (self.engine.store.path is None and not self.engine.faults.rules):
            return work()
        # Another process may keep the file locked, and a rule may delay the request.
        return call_in_time(work, deadline, _WHAT)

    def close(self) -> None:
        """Close the file, which the next request opens again. A database in memory stays as it is."""
        if self.engine.store.path is not None:
            self.engine.close()


class AsyncLocalTransport:
    """The asyncio transport to an engine. Threads wait for a file, as the event loop must not wait."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0
        self._lock = threading.Lock()

    async def send(self, operation: Operation[Any], /) -> bytes:
        """Carry out *operation* and return the body of the response."""
        deadline = find_deadline()
        if deadline is not None:
            count_seconds_left(deadline)
        work = _prepare(self.engine, operation)
        if self.engine.store.path is None and not self.engine.faults.rules:
            # A thread would take longer than the request. Other tasks run first, once.
            await _give_way()
            return work()
        return await await_in_time(self._call(work), deadline, _WHAT)

    async def close(self) -> None:
        """Close the file, which the next request opens again. A database in memory stays as it is."""
        if self.engine.store.path is not None:
            await self._call(self.engine.close)

    async def _call(self, function: Callable[[], Any]) -> Any:
        from asyncio import get_running_loop  # a script without await does not load asyncio

        return await get_running_loop().run_in_executor(self._find_pool(), function)

    def _find_pool(self) -> ThreadPoolExecutor:
        """Return the threads of this process. A forked child has none of the threads of its parent."""
        if self._pool is None or self._process != os.getpid():
            with self._lock:
                if self._pool is None or self._process != os.getpid():
                    self._pool = ThreadPoolExecutor(_WORKERS, "dynamodb_py-local")
                    self._process = os.getpid()
        return self._pool


def _prepare(engine: Engine, operation: Operation[Any]) -> Callable[[], bytes]:
    """Return a function that carries out *operation* and returns the body of the response."""
    payload = to_json(payload_of(operation))  # here, as it depends on the context of the caller

    def work() -> bytes:
        logger = get_debug_logger()
        started = time.perf_counter() if logger is not None else 0.0
        status, body = engine.call(operation.api, payload)
        if status == 200 and logger is None:
            return body
        response = Response(status, {}, body, True)
        if logger is not None:
            log_answer(logger, operation, status, time.perf_counter() - started, len(body))
        return read_answer(response, operation)

    return work


@coroutine
def _give_way() -> Generator[None, None, None]:
    """Let the event loop run other tasks, as asyncio.sleep(0) does."""
    yield
