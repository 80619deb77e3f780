"""Dumps and loads whose process is killed (SIGKILL) at any step, and run again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import pytest

from dynamodb_py import DumpError, Table, connect
from dynamodb_py.dumps import dump_table, load_table

from .items import Copy, Thing, make_items, read_lines, write_lines

# Each file is brought to the disk before the next one is touched: the process ends before one of these moments.
DUMP = """
import os, signal, sys
import dynamodb_py
from dynamodb_py.dumps import dump_table
dynamodb_py.connect(sys.argv[1])
left, sync = int(os.environ["STEPS"]), os.fsync
def end_or_sync(file):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    sync(file)
os.fsync = end_or_sync
print(dump_table("things", sys.argv[2], segments=2).continued)
"""

LOAD = """
import os, signal, sys
import dynamodb_py
from dynamodb_py.dumps import load, load_table
dynamodb_py.connect(sys.argv[1])
load._SECONDS = 0
left = int(os.environ["STEPS"])
def report(done, total):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
print(load_table("copies", sys.argv[2], workers=1, progress=report).continued)
"""


def run_until_it_ends(script: str, steps: list[int], *arguments: str) -> list[int]:
    """Run *script* again and again, killed after so many steps; return the exit statuses."""
    root, codes = Path(__file__).parents[2], list[int]()
    for left in cycle(steps):
        environment = {**os.environ, "STEPS": str(left), "PYTHONPATH": str(root)}
        command = [sys.executable, "-c", script, *arguments]
        done = subprocess.run(command, env=environment, timeout=120, check=False)
        codes.append(done.returncode)
        if done.returncode != -signal.SIGKILL:
            return codes
    raise AssertionError


@pytest.fixture
def address(tmp_path):
    address = f"sqlite:///{tmp_path}/app.db"
    connection = connect(address, alias="killed")
    Table(Thing, using="killed").create()
    Table(Copy, using="killed").create()
    yield address
    connection.close()


# First the checkpoint is written, then in each of two rounds the lines, and the checkpoint again.
@pytest.mark.parametrize(
    ("name", "steps"), [("all.jsonl", [2, 4]), ("all.jsonl.gz", [1, 2, 3, 4, 5])]
)
def test_a_dump_that_is_killed_at_every_step_has_each_item_once(address, tmp_path, name, steps):
    items = make_items(24, large={"S": "x" * 100_000})
    (tmp_path / "source").write_bytes(write_lines(items))
    load_table("things", tmp_path / "source", using="killed")
    output = tmp_path / name
    codes = run_until_it_ends(DUMP, steps, address, str(output))
    assert codes[-1] == 0
    assert len(codes) > 2
    load_table("copies", output, using="killed")
    dump_table("copies", tmp_path / "again", using="killed")
    assert read_lines((tmp_path / "again").read_bytes()) == items
    assert dump_table("things", output, using="killed", overwrite=True).continued == 0
    assert not list(tmp_path.glob("*checkpoint*"))
    assert not list(tmp_path.glob("*.part"))


def test_a_load_that_is_killed_three_times_leaves_what_one_run_leaves(address, tmp_path):
    items = make_items(250)
    source = tmp_path / "source.jsonl"
    source.write_bytes(write_lines(items))
    codes = run_until_it_ends(LOAD, [3], address, str(source))
    assert codes == [-signal.SIGKILL] * 3 + [0]
    dump_table("copies", tmp_path / "all", using="killed")
    assert read_lines((tmp_path / "all").read_bytes()) == items
    assert not list(tmp_path.glob("*checkpoint"))


def test_a_run_that_ended_between_its_last_steps_is_complete(address, tmp_path):
    """The file has its name, and its checkpoint is still there."""
    (tmp_path / "source").write_bytes(write_lines(make_items(3)))
    load_table("things", tmp_path / "source", using="killed")
    output, checkpoint = tmp_path / "all", tmp_path / "all.dump-checkpoint"
    with pytest.raises(RuntimeError):
        dump_table("things", output, using="killed", progress=_fail)
    saved = checkpoint.read_bytes()
    assert dump_table("things", output, using="killed").items == 3
    checkpoint.write_bytes(saved)
    report = dump_table("things", output, using="killed")
    assert (report.items, report.continued) == (3, 3)
    assert read_lines(output.read_bytes()) == make_items(3)
    assert not checkpoint.exists()
    checkpoint.write_bytes(saved)
    output.unlink()
    with pytest.raises(DumpError, match=r"all\.part is missing"):
        dump_table("things", output, using="killed")


def _fail(done: int, total: int) -> None:
    raise RuntimeError
