"""Many at once: threads and tasks lose nothing, and leave no connection behind."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import pytest

from dynamodb_py import CharField, ConditionFailed, CounterField, IntegerField, Model, SetField

from ..engines import EMBEDDED

THREADS = 16
TASKS = 64

# moto, in process, loses updates and tears reads under threads.
pytestmark = pytest.mark.engines("dynoxide", "extenddb")


class Counter(Model):
    class Meta:
        table_name = "counters"

    key = CharField(hash_key=True)
    count = CounterField()
    other = IntegerField(default=0)
    names = SetField()


class Item(Model):
    class Meta:
        table_name = "items"

    key = CharField(hash_key=True)
    number = IntegerField(range_key=True)
    text = CharField()
    seen = IntegerField(default=0)


TABLES = [Counter, Item]


def sockets():
    """Return the inodes of the sockets that this process has open."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(entry)
        except FileNotFoundError:
            continue  # the one of the directory itself
        if target.startswith("socket:"):
            found.add(target)
    return found


class Leaks:
    """Counts the connections that are open beside those from before the test."""

    def __init__(self, allowed):
        self.allowed = allowed
        self.before = sockets()
        self.most = 0

    def __call__(self):
        self.most = max(self.most, len(sockets() - self.before))


@pytest.fixture
def leaks(engine, do, client):
    """Check, after a test, that no more connections are open than there may be, and then none."""
    client.list_tables()  # what looks from outside has its connection before
    if do.mode == "async":
        do.run(asyncio.sleep(0))  # and so has the event loop its sockets
    leaks = Leaks(THREADS if do.mode == "sync" else TASKS)
    yield leaks
    leaks()
    if engine.name == EMBEDDED:
        assert not leaks.most
    else:
        assert 1 <= leaks.most <= leaks.allowed
    if do.mode == "async":
        do.run(engine.connection.aclose())
    else:
        engine.connection.close()
    assert sockets() <= leaks.before


def at_once(do, work, awork):
    """Do the work in 16 threads that start together, or in 64 tasks; return what came of each."""
    if do.mode == "sync":
        start = threading.Barrier(THREADS)

        def one(number):
            start.wait()
            return work(number)

        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(one, range(THREADS)))

    async def all_of_them():
        return await asyncio.gather(*(awork(number) for number in range(TASKS)))

    return do.run(all_of_them())


def test_every_increment_of_one_counter_counts(engine, do, leaks, stored, key):
    each = {"sync": 25, "async": 8}[do.mode]

    def work(number):
        counter = Counter(key=key)
        seen = []
        for _ in range(each):
            counter.incr(count=1)
            seen.append(counter.count)
        leaks()
        return seen

    async def awork(number):
        counter = Counter(key=key)
        seen = []
        for _ in range(each):
            await counter.aincr(count=1)
            seen.append(counter.count)
        leaks()
        return seen

    seen = at_once(do, work, awork)
    total = each * len(seen)
    assert stored(Counter(key=key))["count"] == {"N": str(total)}
    assert all(numbers == sorted(numbers) for numbers in seen)
    assert sorted(chain.from_iterable(seen)) == list(range(1, total + 1)), (
        "each saw a count of its own"
    )


@pytest.mark.usefixtures("short_turns")
def test_optimistic_saves_lose_nothing(engine, do, leaks, stored, key):
    do(Counter.create, key=key)
    each = {"sync": 4, "async": 1}[do.mode]

    def work(number):
        conflicts = 0
        for turn in range(each):
            counter = Counter.objects.get(key, consistent=True)
            while True:
                before = counter.count
                counter.count += 1
                counter.names.add(f"{number}.{turn}")
                try:
                    counter.save(condition=Counter.count == before)
                    break
                except ConditionFailed as error:
                    conflicts += 1
                    counter = error.current
        leaks()
        return conflicts

    async def awork(number):
        conflicts = 0
        for turn in range(each):
            counter = await Counter.objects.aget(key, consistent=True)
            while True:
                before = counter.count
                counter.count += 1
                counter.names.add(f"{number}.{turn}")
                try:
                    await counter.asave(condition=Counter.count == before)
                    break
                except ConditionFailed as error:
                    conflicts += 1
                    counter = error.current
        leaks()
        return conflicts

    conflicts = at_once(do, work, awork)
    item = stored(Counter(key=key))
    assert item["count"] == {"N": str(each * len(conflicts))}
    assert len(item["names"]["SS"]) == each * len(conflicts)
    assert sum(conflicts) > 0, "nobody met anybody: the test saw nothing"


def test_many_items_are_written_read_changed_and_deleted(engine, do, leaks, client, key):
    each = {"sync": 12, "async": 3}[do.mode]

    def work(number):
        for at in range(number * each, (number + 1) * each):
            item = Item.create(key=key, number=at, text=f"{number}")
            read = Item.objects.get(key, at, consistent=True)
            assert (read.number, read.text) == (at, f"{number}"), "another's answer"
            read.seen += 1
            read.save()
            if at % 3 == 0:
                item.delete()
        leaks()

    async def awork(number):
        for at in range(number * each, (number + 1) * each):
            item = await Item.acreate(key=key, number=at, text=f"{number}")
            read = await Item.objects.aget(key, at, consistent=True)
            assert (read.number, read.text) == (at, f"{number}"), "another's answer"
            read.seen += 1
            await read.asave()
            if at % 3 == 0:
                await item.adelete()
        leaks()

    at_once(do, work, awork)
    total = each * (THREADS if do.mode == "sync" else TASKS)
    rows = do.list(Item.objects.filter(key=key).consistent())
    assert [row.number for row in rows] == [at for at in range(total) if at % 3]
    assert {row.seen for row in rows} == {1}
    assert all(row.text == str(row.number // each) for row in rows)


def test_batches_side_by_side_do_not_mix(engine, do, leaks, key):
    leaks.allowed *= 2  # two workers each

    def given(number):
        return [{"key": f"{key}-{number}", "number": n, "text": f"{number}"} for n in range(30)]

    def work(number):
        Item.batch_write(given(number), overwrite=True, workers=2)
        found = Item.batch_get(*((f"{key}-{number}", n) for n in range(31)), workers=2)
        leaks()
        return [(item.number, item.text) for item in found]

    async def awork(number):
        if number >= 12:
            return None
        await Item.abatch_write(given(number), overwrite=True, workers=2)
        keys = ((f"{key}-{number}", n) for n in range(31))
        found = await Item.abatch_get(*keys, consistent=True, workers=2)
        return [(item.number, item.text) for item in found]

    for number, found in enumerate(at_once(do, work, awork)):
        if found is not None:
            assert found == [(n, f"{number}") for n in range(30)]


# ExtendDB 0.1.10 may answer 500 to everything after clients went away in the middle of requests.
@pytest.mark.engines("dynoxide")
@pytest.mark.parametrize("do", ["async"], indirect=True)
def test_cancelled_tasks_leave_no_connection_and_no_wrong_answer(engine, do, leaks, key):
    async def story():
        await asyncio.gather(*(Item.acreate(key=key, number=n, text=str(n)) for n in range(20)))
        tasks = [asyncio.ensure_future(Item.aget(key, n % 20)) for n in range(TASKS)]
        for turn, task in enumerate(tasks):
            if turn % 2:
                await asyncio.sleep(0)
                task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert any(isinstance(each, asyncio.CancelledError) for each in done)
        again = await asyncio.gather(*(Item.aget(key, n) for n in range(20)))
        return done, again

    done, again = do.run(story())
    for number, item in enumerate(done):
        if not isinstance(item, asyncio.CancelledError):
            assert (item.number, item.text) == (number % 20, str(number % 20))
    assert [item.text for item in again] == [str(n) for n in range(20)]
