"""The fixtures ``engine`` and ``do``: every test that uses them runs on every engine, both ways."""

from __future__ import annotations

import asyncio
import functools
import sys
import uuid
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import settings

from dynamodb_py.connections import get_registry, set_registry

from .engines import ENGINES, SERVERS, Engine, Servers, find_engines, read_engines

# The machine may be busy with other workers: examples count, not how long one takes.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine_name" not in metafunc.fixturenames:
        return
    faults = {
        mark.args[0]: mark.args[1] for mark in metafunc.definition.iter_markers("known_fault")
    }
    names = find_engines(metafunc.definition)
    if unknown := {*names, *faults} - set(ENGINES):
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: no engine is named {unknown}")
    # Where none of them is chosen the items are deselected: without parameters they would be skipped.
    chosen = read_engines(metafunc.config)
    names = [name for name in names if name in chosen] or names
    params = [
        pytest.param(
            name,
            marks=[
                pytest.mark.xfail(strict=True, reason=f"{SERVERS.get(name, name)} {faults[name]}")
            ]
            if name in faults
            else [],
        )
        for name in names
    ]
    metafunc.parametrize("engine_name", params, indirect=True, scope="module")


@pytest.fixture(scope="session", autouse=True)
def loader() -> Iterator[None]:
    """Let all sessions of botocore read its descriptions of services once."""
    import botocore.session

    with pytest.MonkeyPatch.context() as patch:
        once = functools.cache(botocore.session.create_loader)
        patch.setattr(botocore.session, "create_loader", once)
        yield


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The real servers of this run."""
    running = Servers()
    yield running
    running.stop()


@contextmanager
def _keeping_connections() -> Iterator[None]:
    """Leave the connections as they were before the block, which may define some."""
    registry = get_registry()
    known, atomic = dict(registry.connections), set(registry.atomic_aliases)
    yield
    set_registry(registry._replace(connections=known, atomic_aliases=atomic))


@pytest.fixture(scope="module", autouse=True)
def connections_before_module() -> Iterator[None]:
    with _keeping_connections():
        yield


@pytest.fixture(autouse=True)
def connections_before_test() -> Iterator[None]:
    with _keeping_connections():
        yield


@pytest.fixture(scope="module")
def engine_name(request: pytest.FixtureRequest) -> str:
    """The engine that the test runs on; ``@pytest.mark.engines(...)`` chooses."""
    name: str = request.param
    return name


@contextmanager
def _mocked(name: str) -> Iterator[None]:
    """Have moto active, where that is the engine, keeping what is in its tables."""
    if name != "moto":
        yield
        return
    from moto import mock_aws
    from moto.core.custom_responses_mock import reset_responses_mock
    from moto.core.model_instances import reset_model_data
    from moto.core.models import responses_mock

    mock = mock_aws()
    mock.start(reset=False)
    try:
        yield
    finally:
        mock.stop(remove_data=False)
        # What moto has ever made it keeps in lists of its own: gigabytes, in the end.
        reset_responses_mock(responses_mock)
        reset_model_data()


def _engine(name: str, servers: Servers) -> Engine:
    endpoint_url = servers[name].url if name in SERVERS else None
    return Engine(name, endpoint_url, prefix=f"t{uuid.uuid4().hex[:12]}-")


@pytest.fixture(scope="module")
def module_engine(
    request: pytest.FixtureRequest, engine_name: str, servers: Servers
) -> Iterator[Engine | None]:
    """The engine with the tables of a module that says ``TABLES = [Model, ...]``, made once.

    The tests of such a module share them, and use keys of their own.
    """
    servers.renew(engine_name)
    models = getattr(request.module, "TABLES", ())
    if not models:
        yield None
        return
    import dynamodb_py

    engine = _engine(engine_name, servers)
    with _mocked(engine_name):
        connection = engine.connect()
        for model in models:
            dynamodb_py.Table(model).create()
        connection.close()
    yield engine
    with _mocked(engine_name):
        engine.remove_tables()
    engine.close()


@pytest.fixture
def bare_engine(engine_name: str, servers: Servers) -> Iterator[Engine]:
    """An engine that dynamodb_py is not connected to, for what is tested below that."""
    engine = _engine(engine_name, servers)
    with _mocked(engine_name):
        yield engine
        try:
            _check(engine_name, servers)
            engine.remove_tables()
        finally:
            engine.close()


@pytest.fixture
def engine(engine_name: str, servers: Servers, module_engine: Engine | None) -> Iterator[Engine]:
    """One engine after the other, each the default connection of dynamodb_py.

    The tables of a test are its own, and are removed after it, unless its module has ``TABLES``.
    """
    engine = module_engine or _engine(engine_name, servers)
    with _mocked(engine_name):
        connection = engine.connect()
        yield engine
        connection.close()
        try:
            _check(engine_name, servers)
            if module_engine is None:
                engine.remove_tables()
        finally:
            engine.close()


def _check(name: str, servers: Servers) -> None:
    """Tell which test an engine did not survive; the next one starts it anew."""
    if name in SERVERS and (server := servers.running(name)) and not server.alive():
        pytest.fail(f"{server.recipe} ended during this test:\n{server.output()}")


class Do:
    """Calls a method as it is, or its twin for asyncio; see the fixture ``do``."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if self.mode == "sync":
            return function(*args, **kwargs)
        return self.run(_twin(function)(*args, **kwargs))

    def list(self, rows: Iterable[Any] | AsyncIterable[Any]) -> list[Any]:
        """Return everything that *rows* gives, by ``for`` or by ``async for``."""
        if self.mode == "sync":
            assert isinstance(rows, Iterable)
            return list(rows)
        assert isinstance(rows, AsyncIterable)

        async def collect() -> list[Any]:
            return [row async for row in rows]

        return self.run(collect())

    def run(self, awaitable: Any) -> Any:
        """Await on the test's own event loop."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(awaitable)

    def close(self, connection: Any = None) -> None:
        if self._loop is None:
            return
        if connection is not None:
            self.run(connection.aclose())
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self.run(_settled(left))
        self.run(self._loop.shutdown_asyncgens())
        self.run(self._loop.shutdown_default_executor())
        self._loop.close()
        assert not left, f"the test left tasks behind: {left}"


async def _settled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def _twin(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what has the function's name with an ``a`` in front, in the same place."""
    owner = getattr(function, "__self__", None)
    if owner is None:
        owner = sys.modules[function.__module__]
    name = f"a{function.__name__}"
    twin = getattr(owner, name, None)
    assert twin is not None, f"{function.__qualname__} has no twin {name} on {owner!r}"
    found: Callable[..., Any] = twin
    return found


@pytest.fixture(params=["sync", "async"])
def do(request: pytest.FixtureRequest) -> Iterator[Do]:
    """``do(Test.objects.create, name="a")`` calls ``create``, and in a second run ``acreate``.

    ``do.list(queryset)`` iterates, ``do.run(coroutine)`` awaits.
    """
    doing = Do(request.param)
    # Asked for first, so that the connection outlives the event loop.
    engine = request.getfixturevalue("engine") if "engine" in request.fixturenames else None
    yield doing
    doing.close(engine.connection if engine else None)
