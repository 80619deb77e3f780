"""Runs that are killed: before and after any request, and with their whole process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

import dynamodb_py
from dynamodb_py import connect, migrations
from dynamodb_py.operations.items import UpdateItem

from .models import COUNTED, PlainUser, make_users, write
from .test_lease import LEDGER, expire

ENGINES = pytest.mark.engines("dynoxide", "extenddb")


class Killed(BaseException):
    """The end of a run: no code of it runs any more."""


class Killer:
    """Lets requests through to a connection, and kills the run at one of them, before or after it."""

    def __init__(self, connection, at, *, after, counts=lambda _: True):
        self.left, self.after, self.counts = at, after, counts
        self.inner, self.async_inner = connection.transport, connection.async_transport
        connection.transport, connection.async_transport = self, AsyncKiller(self)

    def is_last(self, operation):
        """Tell whether the run ends after *operation*; end it, if that is before it."""
        if self.left <= 0:
            raise Killed
        if self.counts(operation):
            self.left -= 1
        if self.left == 0 and not self.after:
            raise Killed
        return self.left == 0

    def send(self, operation, /):
        last = self.is_last(operation)
        body = self.inner.send(operation)
        if last:
            raise Killed
        return body

    def close(self):
        self.inner.close()


class AsyncKiller:
    """The same, awaited: tasks of a run that ends are cancelled."""

    def __init__(self, killer):
        self.killer = killer

    async def send(self, operation, /):
        try:
            last = self.killer.is_last(operation)
            body = await self.killer.async_inner.send(operation)
            if last:
                raise Killed
        except Killed:
            raise asyncio.CancelledError from None
        return body

    async def close(self):
        await self.killer.async_inner.close()


def kill(engine, do, folder, at, **options):
    """Run the migrations until they are killed at a request; tell whether they were."""
    connection = dynamodb_py.connect(
        engine.address, alias="killed", **engine.access, table_prefix=engine.prefix
    )
    Killer(connection, at, **options)
    try:
        do(migrations.run, folder, using="killed")
    except (Killed, asyncio.CancelledError):
        return True
    finally:
        if do.mode == "async":
            do.run(connection.async_transport.close())
        connection.transport.close()
    return False


def is_update(operation):
    return isinstance(operation, UpdateItem) and operation.table.endswith("users")


@ENGINES
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("size", [300, pytest.param(20_000, marks=pytest.mark.slow)])
def test_a_backfill_that_is_killed_three_times_changes_each_item_once(
    engine, do, tmp_path, size, after
):
    names = make_users(size)
    write(tmp_path / "m", "0001_fill", COUNTED)
    for at in (size // 5, size // 3, size // 4):
        assert kill(engine, do, tmp_path / "m", at, after=after, counts=is_update)
        changed = sum(user.count for user in PlainUser.objects.consistent())
        assert 0 < changed < size
        assert [each.state for each in migrations.status(tmp_path / "m")] == ["begun"]
        expire()  # as its time would
    [done] = do(migrations.run, tmp_path / "m")
    assert done.state == "applied"
    assert {user.name: user.count for user in PlainUser.objects.consistent()} == dict.fromkeys(
        names, 1
    )


FUNCTION = """
def fill(user):
    user.city = "Berlin"
    user.count += 1
operations = [
    Backfill(PlainUser, fill, condition=PlainUser.city.not_exists(), segments=2),
    RenameAttribute(PlainUser, "city", "town", segments=1),
]
"""


@ENGINES
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_run_that_is_killed_at_any_request_is_continued_by_the_next(engine, do, tmp_path, after):
    """Every request in turn: those of the ledger and the lease too."""
    names = make_users(4)
    write(tmp_path / "m", "0001_fill", FUNCTION)
    for at in count(1):
        killed = kill(engine, do, tmp_path / "m", at, after=after)
        if not killed:
            break
        if dynamodb_py.Table(migrations.ledger.make_model(LEDGER)).exists():
            expire()
    done = do(migrations.status, tmp_path / "m")
    assert [each.state for each in done] == ["applied"]
    found = {user.name: (user.count, user.extra) for user in PlainUser.objects.consistent()}
    assert found == dict.fromkeys(names, (1, {"town": "Berlin"}))
    assert at > 5


SCRIPT = """
import sys
import dynamodb_py
from dynamodb_py import migrations
dynamodb_py.connect(sys.argv[1])
print("begun", flush=True)
migrations.run(sys.argv[2], lease=0.5, wait=60)
"""


def test_a_process_that_is_killed_three_times_changes_each_item_once(tmp_path):
    """SIGKILL, on the file of the embedded database."""
    address = f"sqlite:///{tmp_path}/app.db"
    text = """
        import os, signal
        calls = []
        def fill(user):
            user.city = "Berlin"
            user.count += 1
            calls.append(user)
            if len(calls) == int(os.environ["CALLS"]):
                os.kill(os.getpid(), signal.SIGKILL)
        operations = [Backfill(PlainUser, fill, condition=PlainUser.city.not_exists())]
        """
    connect(address)
    names = make_users(600)
    write(tmp_path / "m", "0001_fill", text)
    root = Path(__file__).parents[2]
    for calls in (150, 120, 180, 0):
        environment = {**os.environ, "CALLS": str(calls), "PYTHONPATH": str(root)}
        command = [sys.executable, "-c", SCRIPT, address, str(tmp_path / "m")]
        done = subprocess.run(command, env=environment, cwd=root, timeout=120, check=False)
        changed = sum(user.count for user in PlainUser.objects.consistent())
        assert 0 < changed < 600 if calls else changed == 600
        assert done.returncode == (-signal.SIGKILL if calls else 0)
    assert {user.name: user.count for user in PlainUser.objects.consistent()} == dict.fromkeys(
        names, 1
    )
    assert [each.state for each in migrations.status(tmp_path / "m")] == ["applied"]
    dynamodb_py.connections.get_connection().close()
