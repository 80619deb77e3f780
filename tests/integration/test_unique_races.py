"""One value has one owner, whoever writes at once, and whenever one of them dies."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dynamodb_py import CharField, IntegerField, Model
from dynamodb_py.models.maintenance.unique import check_unique, repair_unique

from ..engines import ACCESS_KEY, REGION, SECRET_KEY
from ..eventually import eventually


class Racer(Model):
    class Meta:
        table_name = "racers"

    id = CharField(hash_key=True)
    email = CharField(unique=True)
    turn = IntegerField(default=0)


TABLES = [Racer]


def sentinels(engine, client):
    table = engine.table_name("racers-unique")
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [item["value"]["S"] for page in pages for item in page["Items"]]


@pytest.fixture
def empty(engine, client):
    for table, name in (("racers", "id"), ("racers-unique", "value")):
        for each in client.scan(TableName=engine.table_name(table))["Items"]:
            client.delete_item(TableName=engine.table_name(table), Key={name: each[name]})


@pytest.mark.engines("dynoxide", "extenddb")
@pytest.mark.parametrize("mode", ["threads", "tasks"])
def test_of_a_thousand_creates_of_one_value_one_wins(engine, client, empty, mode):
    lost = []

    def create(at: int) -> bool:
        try:
            Racer.objects.create(id=f"r{at}", email="one@x")
        except Racer.AlreadyExists as error:
            lost.append(error)
            return False
        return True

    async def acreate(at: int, gate: asyncio.Semaphore) -> bool:
        async with gate:
            try:
                await Racer.objects.acreate(id=f"r{at}", email="one@x")
            except Racer.AlreadyExists as error:
                lost.append(error)
                return False
            return True

    async def all_of_them() -> list[bool]:
        gate = asyncio.Semaphore(64)
        won = await asyncio.gather(*(acreate(at, gate) for at in range(1000)))
        await engine.connection.aclose()
        return won

    if mode == "threads":
        with ThreadPoolExecutor(16) as pool:
            won = list(pool.map(create, range(1000)))
    else:
        won = asyncio.run(all_of_them())

    assert (sum(won), len(lost)) == (1, 999)
    [winner] = list(Racer.objects.all())
    assert winner.id == f"r{won.index(True)}"
    assert {(tuple(error.fields), error.owner) for error in lost} == {(("email",), winner.id)}
    assert sentinels(engine, client) == ['["email","one@x"]']
    assert check_unique(Racer).is_right


WRITER = """
import itertools, sys
from threading import Thread
from dynamodb_py import CharField, IntegerField, Model, connect

connect(endpoint_url={endpoint!r}, region_name={region!r}, table_prefix={prefix!r})

class Racer(Model):
    class Meta:
        table_name = "racers"
    id = CharField(hash_key=True)
    email = CharField(unique=True)
    turn = IntegerField(default=0)

def write(name):
    for at in itertools.count():
        racer = Racer.objects.create(id=f"{{name}}-{{at}}", email=f"{{name}}-{{at}}@x")
        racer.email = f"{{name}}-{{at}}-changed@x"
        racer.turn = 1
        racer.save()
        if at % 3 == 0:
            racer.delete()
        if at == 5 and name == "a":
            print("under way", flush=True)

for name in "abcd":
    Thread(target=write, args=(name,), daemon=True).start()
sys.stdin.read()
"""


def is_quiet(engine, client):
    """Tell whether the engine has carried out the last requests of a process that was killed."""
    before, _ = sentinels(engine, client), time.sleep(0.3)
    return sentinels(engine, client) == before


# ExtendDB 0.1.10 answers 500 from then on, to some of all requests, once a client goes away in the
# middle of a transaction: it would spoil the tests that come after this one.
@pytest.mark.engines("dynoxide")
def test_a_process_that_is_killed_leaves_nothing_to_repair(engine, client, empty):
    script = WRITER.format(
        endpoint=engine.endpoint_url, region=REGION, prefix=engine.table_name("")
    )
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    for pause in (0.0, 0.02, 0.05):
        with subprocess.Popen(
            [sys.executable, "-c", script],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "under way\n"
            time.sleep(pause)
            process.kill()
        eventually(lambda: is_quiet(engine, client), bool)
        report = check_unique(Racer)
        assert report.is_right, report
        assert report.items > 0 < report.sentinels
        for racer in Racer.objects.all():
            racer.delete()
        assert sentinels(engine, client) == []


@pytest.mark.engines("dynoxide")
def test_repairing_beside_an_application_takes_nothing_from_it(engine, client, empty):
    began = time.monotonic()
    reports = []

    def live(name: str) -> int:
        count = 0
        while (seconds := time.monotonic() - began) < 2 or (
            seconds < 60 and (count <= 5 or len(reports) <= 3)  # on a busy machine
        ):
            racer = Racer.objects.create(id=f"{name}{count}", email=f"{name}@x")
            racer.email = f"{name}{count % 5}@y"
            racer.save()
            racer.delete()
            count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        lives = [pool.submit(live, name) for name in "abcd"]
        while not all(each.done() for each in lives):
            reports.append(repair_unique(Racer))
        # An AlreadyExists of a value of one's own would have been raised here.
        assert all(each.result() > 5 for each in lives)
    assert len(reports) > 3
    assert not any(report.duplicates for report in reports)
    assert check_unique(Racer).is_right
    assert sentinels(engine, client) == []
