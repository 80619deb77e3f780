"""How long a suite takes in which each test has a fresh engine: ``python benchmarks/testing_kit.py``.

Each test has three tables and sends five requests. The seconds are those of the whole run of pytest, start
and imports included. The second part is one engine with snapshots.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import contenders  # noqa: F401 - puts this checkout on the path

from dynamodb_py import CharField, Model
from dynamodb_py.testing import EmbeddedEngine

ROOT = Path(__file__).parent.parent
TESTS = 200
AIM = 5.0  # seconds for all of them
ITEMS = 1000
SUITE = f"""
import pytest
from dynamodb_py import CharField, ForeignKey, GlobalIndex, IntegerField, Model

class Author(Model):
    id = CharField(hash_key=True)
    name = CharField()

class Book(Model):
    id = CharField(hash_key=True)
    author = ForeignKey(Author, related_name="books")
    by_author = GlobalIndex(hash_key="author")

class Order(Model):
    customer = CharField(hash_key=True)
    number = IntegerField(range_key=True)

@pytest.mark.dynamodb_engine(tables=[Author, Book, Order])
@pytest.mark.parametrize("number", range({TESTS}))
def test_shop(number):
    author = Author.create(id="a", name="Ann")
    Book.create(id="b", author=author)
    Order.create(customer="c", number=number)
    assert [each.id for each in author.books.all()] == ["b"]
    assert [each.number for each in Order.objects.filter(customer="c")] == [number]
"""


class Note(Model):
    class Meta:
        table_name = "notes"

    id = CharField(hash_key=True)
    text = CharField()


def run_suite(*options: str) -> tuple[float, float]:
    """Return the seconds that the suite takes, and those of the processor."""
    with tempfile.TemporaryDirectory() as place:
        Path(place, "test_suite.py").write_text(SUITE)
        Path(place, "pytest.ini").write_text("[pytest]\n")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "pytest_dynamodb_py", *options]
        started, used = time.perf_counter(), read_used()
        done = subprocess.run(
            command,
            cwd=place,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
            capture_output=True,
            text=True,
        )
        seconds = time.perf_counter() - started, read_used() - used
    if f"{TESTS} passed" not in done.stdout:
        raise SystemExit(done.stdout + done.stderr)
    return seconds


def read_used() -> float:
    """Return the seconds of the processor that ended children took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(function: Callable[[], object], times: int = 50) -> float:
    """Return the milliseconds of a call, the best of some."""
    best = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - started)
    return best * 1000


def main() -> None:
    for name, options in {"one process": (), "pytest-xdist, two": ("-n2",)}.items():
        seconds, used = run_suite(*options)
        print(f"{TESTS} tests, {name}: {seconds:.2f} s, {used:.2f} s CPU (aim: {AIM:.0f} s)")
    with EmbeddedEngine() as engine:
        engine.create_tables(Note)
        Note.batch_write([Note(id=f"{at}", text="x" * 200) for at in range(ITEMS)], overwrite=True)
        snapshot = engine.snapshot()
        print(f"snapshot of {ITEMS} items: {measure(engine.snapshot):.2f} ms")
        print(f"restore of {ITEMS} items: {measure(lambda: engine.restore(snapshot)):.2f} ms")


if __name__ == "__main__":
    main()
