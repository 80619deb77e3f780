"""Addresses of embedded databases: what they mean, who shares one, and how requests reach it."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from dynamodb_py import (
    CharField,
    ConfigurationError,
    DeadlineExceeded,
    F,
    IntegerField,
    Model,
    ServiceUnavailable,
    Table,
    connect,
    connections,
    options,
)
from dynamodb_py.credentials.addresses import parse_address
from dynamodb_py.local.database import storage


class Counter(Model):
    class Meta:
        table_name = "counters"

    id = CharField(hash_key=True)
    count = IntegerField(default=0)


@pytest.fixture(autouse=True)
def none_known(monkeypatch):
    """Begin without any connection, and leave none behind."""
    monkeypatch.setattr(connections, "_connections", {})


@pytest.fixture
def file(tmp_path):
    return f"sqlite:///{tmp_path}/app.db"


# -- addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path", "name", "durability"),
    [
        ("sqlite:///app.db", "{here}/app.db", "", "FULL"),
        ("sqlite:///data/app.db", "{here}/data/app.db", "", "FULL"),
        ("sqlite:////var/app.db", "/var/app.db", "", "FULL"),
        ("sqlite:////var/my%20%3F.db", "/var/my ?.db", "", "FULL"),
        ("sqlite:////var/app.db?synchronous=NORMAL", "/var/app.db", "", "NORMAL"),
        ("sqlite:////var/app.db?synchronous=FULL", "/var/app.db", "", "FULL"),
        ("memory://", None, "", "FULL"),
        ("memory://tests", None, "tests", "FULL"),
    ],
)
def test_an_address_names_a_file_or_memory(text, path, name, durability):
    found = parse_address(text)
    expected = path and path.format(here=Path.cwd())
    assert (found.path, found.name, found.durability) == (expected, name, durability)
    assert repr(found) == text


@pytest.mark.parametrize(
    "text",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite://app.db",
        "sqlite:///:memory:",
        "sqlite:///app.db?synchronous=OFF",
        "sqlite:///app.db?mode=ro",
        "sqlite:///app.db?synchronous",
        "memory://a/b",
        "memory://a?synchronous=FULL",
        "http://127.0.0.1:8000",
        "postgres://x",
        "://",
        "app.db",
        "/var/app.sqlite3",
        ":memory:",
    ],
)
def test_another_address_is_refused(text):
    with pytest.raises(ConfigurationError, match=r"sqlite|memory"):
        connect(text)
    assert not connections._connections


@pytest.mark.parametrize("option", ["region_name", "endpoint_url", "profile_name", "session"])
def test_an_embedded_database_takes_nothing_of_a_server(option):
    with pytest.raises(ConfigurationError, match=f"{option}: an embedded database"):
        connect("memory://", **{option: "x"})


def test_the_alias_stands_beside_the_address():
    first = connect("memory://", alias="first")
    assert (first.alias, repr(first)) == ("first", "<Connection 'first' to memory://>")
    assert connections.get_connection("first") is first
    assert connect("memory://").alias == "default"
    assert connect("second", region_name="eu-west-1").alias == "second"
    with pytest.raises(ConfigurationError, match="two aliases"):
        connect("second", alias="third")


def test_a_program_without_an_address_does_not_load_sqlite():
    script = (
        "import sys, dynamodb_py; dynamodb_py.connect(region_name='eu-west-1');"
        "assert 'sqlite3' not in sys.modules, 'loaded';"
        "dynamodb_py.connect('memory://'); print('sqlite3' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_a_file_that_cannot_be_opened_or_is_of_others_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"app\.db"):
        connect(f"sqlite:///{tmp_path}/nowhere/app.db")
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE theirs (x)")
    database.close()
    text = tmp_path / "text.db"
    text.write_text("this is a text and no database, which is long enough to have a header")
    for path in (other, text):
        with pytest.raises(ConfigurationError, match="not a database of dynamodb_py"):
            connect(f"sqlite:///{path}")


# -- who shares a database -----------------------------------------------------------------------


def count_in(alias: str) -> int | None:
    found = Counter.objects.using(alias).get_or_none(id="a")
    return found and found.count


def test_memory_is_new_each_time_and_shared_by_its_name():
    for alias, address in {
        "a": "memory://",
        "b": "memory://",
        "c": "memory://x1",
        "d": "memory://x1",
    }.items():
        connect(address, alias=alias)
    for alias, count in (("a", 1), ("b", 2), ("c", 3)):
        Table(Counter, using=alias).create()
        Counter(id="a", count=count).save(using=alias)
    assert [count_in(alias) for alias in "abcd"] == [1, 2, 3, 3]
    connections.get_connection("c").close()
    assert count_in("c") == 3


def test_what_is_in_a_file_stays(file):
    connect(file)
    Table(Counter).create()
    Counter(id="a", count=1).save()
    connections.get_connection().close()
    Counter.objects.get(id="a").update(count=F("count") + 1)  # a closed connection opens again
    connections.get_connection().close()
    connect(f"{file}?synchronous=NORMAL", alias="other")
    assert count_in("other") == 2
    script = f"import sys; sys.path.insert(0, {os.getcwd()!r})\n"
    script += "from dynamodb_py import *\nfrom tests.local.test_connecting import Counter\n"
    script += f"connect({file!r}); print(Counter.objects.get(id='a').count)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("2\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.parametrize("address", ["memory://forked", None], ids=["memory", "file"])
def test_a_forked_child_has_the_file_and_an_empty_memory(address, file):
    connect(address or file)
    Table(Counter).create(if_not_exists=True)
    Counter(id="a", count=1).save()
    child = os.fork()
    if not child:
        status = 1
        try:
            if address is None:
                Counter.objects.get(id="a").update(count=F("count") + 1)
                asyncio.run(Counter.objects.aget(id="a"))
            else:
                assert not Table(Counter).exists()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert Counter.objects.get(id="a").count == (2 if address is None else 1)


def test_the_connections_of_threads_that_ended_are_closed(file):
    connection = connect(file)
    Table(Counter).create()
    Counter(id="a").save()
    for _ in range(20):
        thread = threading.Thread(target=lambda: Counter.objects.get(id="a"))
        thread.start()
        thread.join()
    gc.collect()
    assert len(connection.transport.engine.store._opened._connections) <= 3


def test_a_read_under_way_ends_before_its_connection_is_closed(file):
    connection = connect(file)
    Table(Counter).create()
    for n in range(10):
        Counter(id=str(n)).save()
    store = connection.transport.engine.store
    with store.read() as snapshot:
        rows = snapshot.find_range(snapshot.find_table("counters"), None, None)
        next(rows)
        thread = threading.Thread(target=connection.close)
        thread.start()
        thread.join()
        assert len([*rows]) == 9
    gc.collect()
    assert not store._opened._connections


def test_what_goes_after_the_modules_at_the_end_of_a_program_fails_at_nothing(file, monkeypatch):
    store = connect(file).transport.engine.store
    with store.read():
        pass
    store._opened.close()  # as the interpreter's end has it
    monkeypatch.setattr(storage, "os", None)
    del store._local.held


def test_a_database_that_nobody_uses_is_closed():
    connection = connect("memory://")
    Table(Counter).create()
    opened = connection.transport.engine.store._opened
    assert len(opened._connections) == 1
    del connection
    connect("memory://")
    gc.collect()
    assert not opened._connections


# -- requests ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_the_event_loop_runs_while_requests_do(kind, file):
    async def count() -> tuple[int, int]:
        ticks, is_over = 0, False

        async def tick() -> None:
            nonlocal ticks
            while not is_over:
                ticks += 1
                await asyncio.sleep(0)

        task = asyncio.ensure_future(tick())
        for n in range(50):
            await Counter(id=str(n)).asave()
        is_over = True
        await task
        await connections.get_connection().aclose()
        return ticks, len([row async for row in Counter.objects.scan()])

    connect("memory://" if kind == "memory" else file)
    Table(Counter).create()
    ticks, rows = asyncio.run(count())
    assert (ticks >= 50, rows) == (True, 50)


@contextmanager
def hold(path: str) -> Iterator[Callable[[], None]]:
    """Keep the only writer of a file busy, as another process may, until the function is called."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    database.execute("BEGIN IMMEDIATE")
    try:
        yield partial(database.execute, "ROLLBACK")
    finally:
        database.close()


def test_a_write_waits_for_another_process_and_a_read_does_not(file):
    connect(file)
    Table(Counter).create()
    Counter(id="a", count=1).save()
    released = threading.Event()
    with hold(file.removeprefix("sqlite:///")) as release:

        def release_soon() -> None:
            time.sleep(0.3)
            released.set()
            release()

        assert count_in("default") == 1
        thread = threading.Thread(target=release_soon)
        thread.start()
        Counter(id="a", count=2).save()
        assert released.is_set()
        thread.join()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_deadline_ends_the_wait_for_another_process(mode, file):
    connect(file)
    Table(Counter).create()

    async def write(release: Callable[[], None]) -> None:
        with options(deadline=0.1), pytest.raises(DeadlineExceeded):
            await Counter(id="a").asave()
        release()  # the end of the loop waits for its threads

    with hold(file.removeprefix("sqlite:///")) as release:
        if mode == "async":
            asyncio.run(write(release))
        else:
            with options(deadline=0.1), pytest.raises(DeadlineExceeded):
                Counter(id="a").save()


def test_a_failure_of_sqlite_is_an_internal_error_of_the_service(monkeypatch):
    connection = connect("memory://", retries=1)
    Table(Counter).create()

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk is full")

    monkeypatch.setattr(connection.transport.engine, "answer", fail)
    with pytest.raises(ServiceUnavailable, match="disk is full") as raised:
        Counter(id="a").save()
    assert (raised.value.status, raised.value.code) == (500, "InternalServerError")
    assert raised.value.operation == "PutItem"


def test_requests_are_logged(caplog):
    connect("memory://")
    Table(Counter).create()
    with caplog.at_level("DEBUG", logger="dynamodb_py"):
        Counter(id="a").save()
    assert "PutItem counters: status 200, 2 bytes" in caplog.text
