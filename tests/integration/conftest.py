"""The fixtures of the tests that talk to engines."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dynamodb_py import Connection, Retries, batching, connect, options

from ..conftest import Do
from ..engines import ACCESS_KEY, REGION, SECRET_KEY, Engine
from .proxy import ATTEMPTS, Proxy
from .recording import Sent, record


@pytest.fixture
def sent(engine: Engine) -> Sent:
    """The operations that dynamodb_py sends in this test."""
    return record(engine.connection)


@pytest.fixture
def key() -> str:
    """A key that no other test has."""
    return uuid.uuid4().hex


@pytest.fixture
def short_turns() -> Iterator[None]:
    """Let threads take turns so often that they meet even where none waits for an answer."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="module")
def client(module_engine: Engine) -> Iterator[Any]:
    """A boto3 client of a module's engine: to make one takes longer than most tests."""
    if module_engine.name == "moto":
        import moto  # noqa: F401 - it puts its handlers where new clients take theirs from
    client = module_engine.make_client()
    yield client
    client.close()


@pytest.fixture
def stored(engine: Engine, client: Any) -> Callable[..., dict[str, Any] | None]:
    """Return what boto3 reads for an instance, a B as bytes; None where there is no item."""

    def look(instance: Any) -> dict[str, Any] | None:
        table = engine.table_name(type(instance)._meta.table_name)
        wire = type(instance)._meta.key_of(instance)
        found: dict[str, Any] = client.get_item(TableName=table, Key=wire, ConsistentRead=True)
        return found.get("Item")

    return look


@pytest.fixture
def put(engine: Engine, client: Any) -> Callable[..., None]:
    """Write an item of a model with boto3, as somebody else would."""

    def write(model: Any, item: dict[str, Any]) -> None:
        client.put_item(TableName=engine.table_name(model._meta.table_name), Item=item)

    return write


@pytest.fixture
def proxy(engine: Engine, client: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy before the engine, a real server, that injects faults: ``proxy.py`` says which.

    It strikes what goes through ``proxy.url``, which with the fixture ``faulty`` are all models of
    the test; ``client``, ``put`` and ``stored`` go past it.
    """
    monkeypatch.setattr(batching, "BASE_PAUSE", 0.0)
    with Proxy(str(engine.endpoint_url), client) as running:
        yield running


@pytest.fixture
def faulty(engine: Engine, do: Do, proxy: Proxy) -> Iterator[Connection]:
    """The connection through the proxy, which the models of the test use; it tries three times.

    The option that says so is of the test's own thread: others are started with ``copy_context()``.
    """
    connection = connect(
        "faulty",
        region_name=REGION,
        endpoint_url=proxy.url,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        table_prefix=engine.prefix,
        read_timeout=10,
        retries=Retries(attempts=ATTEMPTS, base=0),
    )
    with options(using="faulty"):
        yield connection
    if do.mode == "async":
        do.run(connection.aclose())
    connection.close()
