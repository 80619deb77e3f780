"""Runners in processes, of which one is killed: each change is delivered, and in order for each item."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from dynamodb_py import CharField, IntegerField, Model, Table, connect, get_connection
from dynamodb_py.flows import run
from dynamodb_py.streams.delivery.leases import LEASE_TABLE, LeaseTable, read_leases

ROOT = Path(__file__).parents[3]
WRITERS, ITEMS = 8, 5
LEASE_SECONDS = 1.0


class Order(Model):
    class Meta:
        table_name = "orders"
        stream = "new_and_old_images"

    id = CharField(hash_key=True)
    total = IntegerField(default=0)


SCRIPT = """
import asyncio, json, os, signal, sys
from dynamodb_py import StreamRunner, connect
from dynamodb_py.signals import item_changed
from tests.streams.delivery.test_killed import LEASE_SECONDS, Order

options = json.loads(sys.argv[1])
connect(options["address"], **options["access"], table_prefix=options["prefix"])
log = os.open(options["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def look(record, **kwargs):
    os.write(log, f"{record.key['id']} {record.new.total}\\n".encode())

async def alook(record, **kwargs):
    look(record)

item_changed.connect(alook if options["is_async"] else look, Order)
runner = StreamRunner(
    Order, name="killed", lease_seconds=LEASE_SECONDS, poll=0.1, checkpoint_seconds=0.5
)
signal.signal(signal.SIGTERM, lambda *_: runner.stop())
print("ready", flush=True)
if options["is_async"]:
    asyncio.run(runner.arun())
else:
    runner.run()
"""


class Processes:
    """Runners in processes of their own, which log what is delivered, one line for each record."""

    def __init__(self, **options) -> None:
        self.options = options
        self.log = Path(options["log"])
        self.started: list[subprocess.Popen] = []

    def start(self, *, is_async: bool) -> subprocess.Popen:
        options = json.dumps({**self.options, "is_async": is_async})
        command = [sys.executable, "-c", SCRIPT, options]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        started = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        self.started.append(started)
        assert started.stdout
        assert started.stdout.readline() == b"ready\n"
        return started

    def read(self) -> list[tuple[str, int]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [(id, int(total)) for id, total in map(str.split, lines)]

    def wait(self, count: int) -> None:
        """Wait until so many different changes were delivered."""
        end = time.monotonic() + 300
        while len(set(self.read())) < count:
            assert time.monotonic() < end, f"{len(set(self.read()))} of {count} were delivered"
            time.sleep(0.1)

    def stop(self) -> None:
        for each in self.started:
            each.kill()
            each.communicate()


@pytest.fixture
def processes(engine, tmp_path):
    address = engine.address and f"sqlite:///{tmp_path}/app.db?synchronous=NORMAL"
    connection = connect(address, **engine.access, table_prefix=engine.prefix)
    Table(Order).create()
    found = Processes(
        address=address, access=engine.access, prefix=engine.prefix, log=str(tmp_path / "log")
    )
    yield found
    found.stop()
    connection.close()


def write(writer: int, count: int) -> None:
    for number in range(count):
        total, item = divmod(number, ITEMS)
        Order(id=f"{writer}-{item}", total=total + 1).save()


@pytest.mark.engines("dynoxide", "extenddb")
@pytest.mark.parametrize("size", [800, pytest.param(10_000, marks=pytest.mark.slow)])
def test_each_change_is_delivered_in_order_although_a_runner_is_killed(processes, size):
    each = size // WRITERS
    threads = [threading.Thread(target=write, args=(number, each)) for number in range(WRITERS)]
    killed, kept = (processes.start(is_async=is_async) for is_async in (False, True))
    for thread in threads:
        thread.start()
    processes.wait(size // 4)
    killed.kill()
    assert killed.wait(60) == -signal.SIGKILL
    for thread in threads:
        thread.join()
    processes.wait(size)
    kept.send_signal(signal.SIGTERM)
    assert kept.wait(60) == 0

    delivered = processes.read()
    last: Counter[str] = Counter()
    for id, total in delivered:
        assert total <= last[id] + 1, f"{id} {total} was delivered, and {last[id] + 1} was not"
        last[id] = max(last[id], total)
    stored = {order.id: order.total for order in Order.objects.consistent()}
    assert dict(last) == stored
    assert sum(stored.values()) == len(set(delivered)) == size
    place = LeaseTable(get_connection().table_name(LEASE_TABLE), "killed")
    assert {each.owner for each in run(read_leases(place), get_connection()).values()} == {""}
