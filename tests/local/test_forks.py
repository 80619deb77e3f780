"""Forked processes on one file: what each of them wrote stays, whoever ends first."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

from dynamodb_py.local import Engine

from .worker import make_put, make_table, read_number, send

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "app.db")


@pytest.fixture
def engine(path):
    engine = Engine(path)
    make_table(engine)
    yield engine
    engine.close()


def fork(work: Callable[[], object]) -> int:
    """Return the process that does *work*, and then ends without closing anything."""
    child = os.fork()
    if not child:
        signal.alarm(10)
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return child


def wait(child: int) -> int:
    return os.waitpid(child, 0)[1]


def test_what_a_child_writes_stays_when_its_parent_closes_the_file(engine, path):
    to_parent, to_child = os.pipe(), os.pipe()

    def work() -> None:
        send(engine, "PutItem", **make_put("before", 1))
        os.write(to_parent[1], b".")
        os.read(to_child[0], 1)
        send(engine, "PutItem", **make_put("after", 2))

    child = fork(work)
    os.read(to_parent[0], 1)
    engine.close()
    os.write(to_child[1], b".")
    assert wait(child) == 0
    other = Engine(path)
    assert [read_number(other, key) for key in ("before", "after")] == [1, 2]
    other.close()
    for end in (*to_parent, *to_child):
        os.close(end)


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_a_child_that_is_forked_while_threads_write_and_read_works(kind, path):
    engine = Engine(path if kind == "file" else None)
    make_table(engine)
    is_over = threading.Event()

    def work(number: int) -> None:
        while not is_over.is_set():
            send(engine, "PutItem", **make_put(f"thread{number}", 1))
            send(engine, "Scan", TableName="things")

    def work_in_child(number: int) -> None:
        if kind == "memory":
            make_table(engine)
        send(engine, "PutItem", **make_put(f"child{number}", number))
        assert read_number(engine, f"child{number}") == number

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    found: list[int] = []
    for number in range(10):
        time.sleep(0.01)  # so that the threads are under way again
        found.append(wait(fork(lambda number=number: work_in_child(number))))
    is_over.set()
    for thread in threads:
        thread.join()
    assert found == [0] * 10
    if kind == "file":
        assert [read_number(engine, f"child{number}") for number in range(10)] == [*range(10)]
    engine.close()


def test_a_child_of_a_child_works(engine):
    def work() -> None:
        send(engine, "PutItem", **make_put("child", 1))
        assert wait(fork(lambda: send(engine, "PutItem", **make_put("grandchild", 2)))) == 0

    assert wait(fork(work)) == 0
    assert [read_number(engine, key) for key in ("child", "grandchild")] == [1, 2]
