"""One contender in a process of its own; run.py says over a pipe what to do and how often.

A process each, so that no library pays for the garbage, the threads or the imports of another.
The protocol is a JSON object per line: ``{"do": "time", "step": "get", "count": 100}`` is answered
with ``{"cpu": 0.0123}``, the CPU seconds of this whole process, all threads, user and system.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import os
import sys
import time
import traceback
import tracemalloc
from collections.abc import Callable
from typing import Any

import contenders
import shapes

AT_ONCE = 64
PAGES_IN_MEMORY = 10
TURNS = 10  # of a step and its bare twin, within one round
ONE = ("get", "aget", "first", "first_filtered")  # the steps that read item 0
EXPECTED = [shapes.plain(tuple(shapes.values(n).values())) for n in range(shapes.PAGE)]

Step = Callable[[], Any]

# The steps that read several items: the method, and what it has to return.
PAGES: dict[str, tuple[Callable[[contenders.Contender], Step], list[Any]]] = {
    "query": (lambda contender: contender.query, EXPECTED),
    "query_unread": (lambda contender: contender.query, EXPECTED),
    "slice": (lambda contender: contender.slice, EXPECTED[: -shapes.SLICE - 1 : -1]),
    "batch_get": (lambda contender: contender.batch_get, EXPECTED),
    "batch_get_1": (lambda contender: lambda: contender.batch_get(1), EXPECTED[:1]),
}


class Worker:
    """Does with one contender what is asked."""

    def __init__(self, name: str, endpoint: str) -> None:
        self.contender = contenders.find(name)(endpoint)
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self.contender.open())
        self.steps = (
            awaited(self.contender) if self.contender.asynchronous else blocking(self.contender)
        )
        optional = {name: getattr(self.contender, name) for name in contenders.OPTIONAL}
        self.steps |= {name: step for name, step in optional.items() if step is not None}
        if self.contender.aget is not None:
            self.steps |= asyncio_steps(self.contender)

    def close(self) -> None:
        """Close the contender and its event loop."""
        self.loop.run_until_complete(self.contender.close())
        self.loop.close()

    def do_folder(self) -> str:
        """Return the folder that the contender's library was imported from."""
        package = sys.modules[self.contender.distribution].__path__[0]
        return os.path.dirname(package)

    def do_steps(self) -> list[str]:
        """Return the names of the steps that this contender can do."""
        return list(self.steps)

    def do_time(self, step: str, count: int) -> float:
        """Do *step* *count* times; return the CPU seconds of this process for each."""
        _clear_garbage()
        work = self.steps[step]
        if step == "aget_64":
            return self._time_at_once(count)
        if inspect.iscoroutinefunction(work):
            return self.loop.run_until_complete(_time_awaited(work, count))
        return _time_blocking(work, count)

    def do_beside(self, step: str, count: int) -> list[float]:
        """Do *step* and its bare twin *count* times each, by turns; return the CPU seconds of both."""
        _clear_garbage()
        ours, bare = self._twins(step)
        turns = [ours, bare]
        spent = {ours: 0.0, bare: 0.0}
        each = max(count // TURNS, 1)
        for _ in range(TURNS):
            for work in turns:
                spent[work] += _time_blocking(work, each) / TURNS
            turns.reverse()  # neither always follows the other
        return [spent[ours], spent[bare]]

    def _twins(self, step: str) -> list[Step]:
        return [getattr(self.contender, name) for name in self.contender.bare[step]]

    def do_bare(self) -> list[str]:
        """Return the steps that have a bare twin."""
        return list(self.contender.bare)

    def do_check_bare(self, step: str) -> None:
        """Do the bare twin of *step* once."""
        self._twins(step)[1]()

    def _time_at_once(self, count: int) -> float:
        waves = max(count // AT_ONCE, 1)
        seconds = self.loop.run_until_complete(_time_awaited(self.steps["aget_64"], waves))
        return seconds / AT_ONCE

    def do_check(self, step: str) -> None:
        """Do *step* once; an AssertionError says where it read anything but the right values."""
        if self.contender.exchanges:
            self.steps[step]()  # which looks at no value
            return
        seen = self._run(self._checked(step))
        if step == "values_list":
            expected = [(item[2], item[4]) for item in EXPECTED]
            assert [(title, float(quantity)) for title, quantity in seen] == expected
        elif step in ONE:
            _assert_items(
                "the item", [self.contender.plain(values) for values in seen], EXPECTED[:1]
            )
        elif step in PAGES:
            items = [self.contender.plain(values) for values in seen]
            if step == "batch_get":
                items.sort(key=lambda item: item[1])
            _assert_items("the page", items, PAGES[step][1])

    def _checked(self, step: str) -> Step:
        """Return *step* with what it read, every attribute, as its value."""
        contender, read = self.contender, self.contender.read
        if step in ONE:
            one = getattr(contender, step)
            return _then(one, lambda item: [read(item)])
        if step in PAGES:
            page = PAGES[step][0](contender)
            return _then(page, lambda items: [read(item) for item in items])
        return self.steps[step]

    def _run(self, work: Step) -> Any:
        result = work()
        return self.loop.run_until_complete(result) if inspect.isawaitable(result) else result

    def do_memory(self) -> dict[str, float]:
        """Return the bytes per instance of loaded pages, unread and then read."""
        contender = self.contender
        gc.unfreeze()
        for _ in range(3):
            self._run(contender.query)
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        pages = [self._run(contender.query) for _ in range(PAGES_IN_MEMORY)]
        instances = PAGES_IN_MEMORY * shapes.PAGE
        gc.collect()
        unread = tracemalloc.get_traced_memory()[0] - before
        for page in pages:
            for item in page:
                contender.read(item)
        gc.collect()
        whole = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        return {"memory": unread / instances, "memory_read": whole / instances}


def blocking(contender: contenders.Contender) -> dict[str, Step]:
    """Return the steps of a contender that blocks."""
    if contender.exchanges:
        return dict(contender.exchanges)
    read = contender.read

    def get() -> None:
        read(contender.get())

    def query() -> None:
        for item in contender.query():
            read(item)

    def query_unread() -> None:
        contender.query()

    def first() -> None:
        read(contender.first())

    def first_filtered() -> None:
        read(contender.first_filtered())

    def batch_get(number: int) -> Step:
        def step() -> None:
            for item in contender.batch_get(number):
                read(item)

        return step

    def write(number: int) -> Step:
        return lambda: contender.batch_write([shapes.values(n) for n in range(number)])

    return {
        "get": get,
        "put": contender.put,
        "create": contender.create,
        "update": contender.update,
        "query": query,
        "query_unread": query_unread,
        "first": first,
        "first_filtered": first_filtered,
        "batch_get": batch_get(shapes.PAGE),
        "batch_get_1": batch_get(1),
        "batch_write_25": write(25),
        "batch_write_100": write(100),
        "transaction_10": contender.transaction,
    }


def awaited(contender: contenders.Contender) -> dict[str, Step]:
    """Return the same steps for a contender that is asynchronous throughout."""
    read = contender.read

    async def query() -> None:
        for item in await contender.query():
            read(item)

    async def query_unread() -> None:
        await contender.query()

    async def first() -> None:
        read(await contender.first())

    async def first_filtered() -> None:
        read(await contender.first_filtered())

    def batch_get(number: int) -> Step:
        async def step() -> None:
            for item in await contender.batch_get(number):
                read(item)

        return step

    def write(number: int) -> Step:
        async def step() -> None:
            await contender.batch_write([shapes.values(n) for n in range(number)])

        return step

    return {
        "get": asyncio_steps(contender)["aget"],
        "put": contender.put,
        "create": contender.create,
        "update": contender.update,
        "query": query,
        "query_unread": query_unread,
        "first": first,
        "first_filtered": first_filtered,
        "batch_get": batch_get(shapes.PAGE),
        "batch_get_1": batch_get(1),
        "batch_write_25": write(25),
        "batch_write_100": write(100),
        "transaction_10": contender.transaction,
    }


def asyncio_steps(contender: contenders.Contender) -> dict[str, Step]:
    """Return the reads under asyncio, one at a time and 64 at once."""
    read = contender.read

    async def aget() -> None:
        read(await contender.aget())

    async def at_once() -> None:
        await asyncio.gather(*[aget() for _ in range(AT_ONCE)])

    return {"aget": aget, "aget_64": at_once}


def _clear_garbage() -> None:
    """Collect, and keep what is left out of later collections: what a sample creates is all it pays for."""
    gc.collect()
    gc.freeze()


def _time_blocking(work: Step, count: int) -> float:
    start = time.process_time()
    for _ in range(count):
        work()
    return (time.process_time() - start) / count


async def _time_awaited(work: Step, count: int) -> float:
    start = time.process_time()
    for _ in range(count):
        await work()
    return (time.process_time() - start) / count


def _then(work: Step, use: Callable[[Any], Any]) -> Step:
    def step() -> Any:
        result = work()
        return wait(result) if inspect.isawaitable(result) else use(result)

    async def wait(result: Any) -> Any:
        return use(await result)

    return step


def _assert_items(what: str, seen: list[Any], expected: list[Any]) -> None:
    if len(seen) != len(expected):
        raise AssertionError(f"{what}: {len(seen)} items came instead of {len(expected)}")
    for got, wanted in zip(seen, expected, strict=True):
        for name, a, b in zip(shapes.FIELDS, got, wanted, strict=True):
            if a != b:
                raise AssertionError(f"{what}: {name} is {a!r} instead of {b!r}")


def main(name: str, endpoint: str) -> None:
    """Answer the lines of standard input until it ends."""
    # Whatever a library prints must not get into the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(**answer: Any) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        worker = Worker(name, endpoint)
    except Exception as error:  # the library is missing, or its API has changed
        say(error=f"{type(error).__name__}: {error}", trace=traceback.format_exc())
        return
    say(ready=True)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            say(value=getattr(worker, f"do_{command.pop('do')}")(**command))
        except Exception as error:
            say(error=f"{type(error).__name__}: {error}", trace=traceback.format_exc())
    worker.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
