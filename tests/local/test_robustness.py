"""Threads, processes and kills: nothing acknowledged is lost, and nothing is seen in half."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dynamodb_py.local.database.engine import Engine

from . import worker
from .worker import ACCOUNTS, BALANCE, make_put, make_table, read_number, send

PROCESSES = 3
WORKER = Path(worker.__file__)


def start(path: Path, work: str, number: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(WORKER), str(path), work, str(number)]
    environment = {**os.environ, "PYTHONPATH": str(WORKER.parents[2])}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def run_in_processes(path: Path, work: str, number: int) -> int:
    """Return the sum of what *work* returns in each of some processes."""
    running = [start(path, work, number) for _ in range(PROCESSES)]
    found = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0] * PROCESSES
    return sum(map(int, found))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "app.db"


@pytest.fixture
def engine(path):
    engine = Engine(str(path))
    make_table(engine)
    yield engine
    engine.close()


def test_increments_of_threads_and_processes_are_all_counted(engine, path):
    done = run_in_processes(path, "increment", 17)
    assert done >= 400
    assert read_number(engine, "counter") == done


def test_as_many_compare_and_set_succeed_as_the_version_says(engine, path):
    send(engine, "PutItem", **make_put("version", 0))
    done = run_in_processes(path, "compare_and_set", 10)
    assert 0 < done == read_number(engine, "version")


def test_transfers_keep_the_sum_at_every_moment(engine, path):
    for number in range(ACCOUNTS):
        send(engine, "PutItem", **make_put(f"account{number}", BALANCE, "accounts"))
    run_in_processes(path, "transfer", 5)
    for _ in range(8):  # by both ways to look
        balances = worker.look(engine)
        assert sum(balances) == ACCOUNTS * BALANCE
        assert min(balances) >= 0


def test_threads_share_a_database_in_memory():
    engine = Engine()
    make_table(engine)
    assert worker.increment(engine, 50) == read_number(engine, "counter") == 400
    send(engine, "PutItem", **make_put("version", 0))
    assert worker.compare_and_set(engine, 20) == read_number(engine, "version")
    for number in range(ACCOUNTS):
        send(engine, "PutItem", **make_put(f"account{number}", BALANCE, "accounts"))
    worker.transfer(engine, 10)
    engine.close()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_what_was_acknowledged_before_a_kill_is_there(path, kills):
    engine = Engine(str(path))
    make_table(engine)
    engine.close()
    written = 0
    for _ in range(kills):
        written = max(written, kill_while_writing(path, written + 1))
        engine = Engine(str(path))
        found = read_all(engine, {})
        assert found == read_all(engine, {"IndexName": "by_g"})
        engine.close()
        halves = [{int(k[1:]) for k in found if k[0] == half} for half in "ab"]
        assert halves[0] == halves[1], "a pair was torn"
        assert set(range(1, written + 1)) <= halves[0], "an acknowledged write is gone"
        written = max(halves[0])
    assert written > kills


def kill_while_writing(path: Path, first: int) -> int:
    """Return the last number that was acknowledged."""
    with start(path, "write", first) as process:
        assert process.stdout
        seen = process.stdout.readline()
        time.sleep(random.uniform(0, 0.05))
        process.kill()
        lines = [seen, *process.stdout.read().splitlines(keepends=True)]
    return max(int(line) for line in lines if line.endswith("\n"))


def read_all(engine: Engine, source: dict[str, str]) -> set[str]:
    found: set[str] = set()
    start: dict[str, object] = {}
    while True:
        answer = send(engine, "Scan", TableName="things", **source, **start)
        found |= {item["k"]["S"] for item in answer["Items"]}
        if "LastEvaluatedKey" not in answer:
            return found
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
