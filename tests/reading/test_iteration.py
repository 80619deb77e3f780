"""Walks: to the end and one page ahead, waiting and awaited, and where they stand."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from contextvars import ContextVar

import msgspec
import pytest

from dynamodb_py.exceptions import QueryError, Throttled
from dynamodb_py.reading import Reader, Walk, adrive_pages, decode, drive_pages, encode

from .fake import INDEX, Link, Table, drive, expected, item, key_of, keys_in, plan, query, scan

ROWS = [item(h, r, s=r % 3, f=r % 4 == 0) for h in "ab" for r in range(25)]
PLANS = {
    "a query": plan(query("a")),
    "a merge": plan(query("a"), query("b")),
    "overlapping": plan(query("g", index=INDEX), query("g", f=1, index=INDEX), distinct=True),
    "a scan": plan(*(scan(at, 3) for at in range(3))),
    "nothing": plan(),
}

ahead_or_not = pytest.mark.parametrize("ahead", [False, True], ids=["in step", "ahead"])
every_plan = pytest.mark.parametrize("asked", PLANS.values(), ids=PLANS)


def load(stored):
    return key_of(msgspec.json.decode(stored))


def cursor(position):
    return None if position is None else encode(position, b"q")


def walk(asked, table, ahead=False, start=None, **options):
    position = None if start is None else decode(start, b"q")
    reader = Reader(asked, start=position, **options)
    return Walk(reader, Link(table), load, ahead, cursor)


def one_ahead() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "dynamodb_py ahead"]


def whole(asked):
    table = Table(ROWS, page_size=7)
    found = []
    reader = Reader(asked)
    while (items := drive(reader.more(), table)) is not None:
        found += keys_in(items)
    assert sorted(found) == sorted(expected(table, asked))
    return found


@every_plan
@ahead_or_not
def test_pages_go_to_the_end(asked, ahead):
    found = [
        key
        for page in drive_pages(Reader(asked).more, Link(Table(ROWS, page_size=7)), ahead)
        for key in keys_in(page)
    ]
    assert found == whole(asked)
    assert not one_ahead()


@every_plan
@ahead_or_not
def test_awaited_pages_go_to_the_end(asked, ahead):
    async def read():
        link = Link(Table(ROWS, page_size=7))
        return [
            key
            async for page in adrive_pages(Reader(asked).more, link, ahead)
            for key in keys_in(page)
        ]

    assert asyncio.run(read()) == whole(asked)


@every_plan
@ahead_or_not
def test_a_walk_gives_every_row(asked, ahead):
    table = Table(ROWS, page_size=7)
    walking = walk(asked, table, ahead)
    assert list(walking) == whole(asked)
    assert list(walking) == []
    assert walking.checkpoint is None
    assert walking.requests == len(table.sent)
    assert walking.units == 0
    assert walking.scanned >= len(whole(asked))


@every_plan
@ahead_or_not
def test_an_awaited_walk_gives_every_row(asked, ahead):
    async def read():
        walking = walk(asked, Table(ROWS, page_size=7), ahead)
        found = [row async for row in walking]
        assert [row async for row in walking] == []
        return found, walking.checkpoint

    assert asyncio.run(read()) == (whole(asked), None)


@every_plan
@ahead_or_not
def test_a_walk_can_go_on_from_each_checkpoint(asked, ahead):
    table, want = Table(ROWS, page_size=7), whole(asked)
    walking = walk(asked, table, ahead)
    checkpoints = [walking.checkpoint]
    for _ in want:
        next(walking)
        checkpoints.append(walking.checkpoint)
    for taken, checkpoint in enumerate(checkpoints):
        rest = [] if checkpoint is None else list(walk(asked, table, start=checkpoint))
        assert sorted(want[:taken] + rest) == sorted(want)


@pytest.mark.parametrize("taken", [0, 1, 6, 7, 8, 20])
@ahead_or_not
def test_an_awaited_walk_has_the_same_checkpoints(taken, ahead):
    async def read():
        walking = walk(PLANS["a query"], Table(ROWS, page_size=7), ahead)
        for _ in range(taken):
            await anext(walking)
        checkpoint = walking.checkpoint
        await walking.aclose()
        assert walking.checkpoint == checkpoint
        return checkpoint

    walking = walk(PLANS["a query"], Table(ROWS, page_size=7), ahead)
    for _ in range(taken):
        next(walking)
    assert asyncio.run(read()) == walking.checkpoint


def test_a_checkpoint_within_a_loop_is_after_the_row_of_the_loop():
    table = Table(ROWS, page_size=7)
    walking = walk(PLANS["a query"], table)
    for taken, _ in enumerate(walking, 1):
        checkpoint = walking.checkpoint
        rest = [] if checkpoint is None else list(walk(PLANS["a query"], table, start=checkpoint))
        assert rest == [("a", r) for r in range(taken, 25)]


def test_two_loops_go_on_with_each_other():
    walking = walk(PLANS["a query"], Table(ROWS, page_size=7))
    first = []
    for row in walking:
        first.append(row)
        if len(first) == 10:
            break
    assert first + list(walking) == whole(PLANS["a query"])


@ahead_or_not
def test_no_more_than_one_page_is_fetched_ahead(ahead):
    table = Table(ROWS, page_size=7)
    given = drive_pages(Reader(PLANS["a query"]).more, Link(table), ahead)
    for nth in range(1, 4):
        next(given)
        while one_ahead():
            one_ahead()[0].join()
        assert len(table.sent) == nth + ahead
    given.close()
    assert not one_ahead()


def test_no_more_than_one_awaited_page_is_fetched_ahead():
    async def read():
        table = Table(ROWS, page_size=7)
        given = adrive_pages(Reader(PLANS["a query"]).more, Link(table), True)
        for nth in range(1, 4):
            await anext(given)
            for _ in range(5):
                await asyncio.sleep(0)
            assert len(table.sent) == nth + 1
        await given.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(read())


def test_nothing_is_sent_before_the_first_row_is_asked_for():
    table = Table(ROWS)
    walk(PLANS["a query"], table, True).close()
    drive_pages(Reader(PLANS["a query"]).more, Link(table), True).close()
    assert table.sent == []


def test_what_is_fetched_ahead_has_the_context():
    seen = []
    variable = ContextVar("variable", default="nothing")
    table = Table(ROWS, page_size=7)
    table.fails = lambda _: seen.append((variable.get(), threading.current_thread().name))
    variable.set("here")
    list(drive_pages(Reader(PLANS["a query"]).more, Link(table), True))
    assert set(seen) == {("here", "dynamodb_py ahead")}


def test_breaking_off_leaves_no_thread():
    for _ in walk(PLANS["a query"], Table(ROWS, page_size=7), True):
        break
    for _ in drive_pages(Reader(PLANS["a query"]).more, Link(Table(ROWS, page_size=7)), True):
        break
    assert not one_ahead()


def test_breaking_off_leaves_no_task():
    async def read():
        async for _ in walk(PLANS["a query"], Table(ROWS, page_size=7), True):
            break
        for _ in range(20):
            await asyncio.sleep(0)
        return asyncio.all_tasks() == {asyncio.current_task()}

    assert asyncio.run(read())


@ahead_or_not
def test_closing_waits_for_what_is_under_way_and_ends_the_walk(ahead):
    table = Table(ROWS, page_size=7)
    walking = walk(PLANS["a query"], table, ahead)
    next(walking)
    checkpoint = walking.checkpoint
    walking.close()
    assert not one_ahead()
    assert list(walking) == []
    assert walking.checkpoint == checkpoint


def test_closing_in_the_middle_of_a_request_leaves_no_thread():
    table, answers = Table(ROWS, page_size=7), threading.Event()

    def waits(_):
        if len(table.sent) > 1:
            answers.wait(10)

    table.fails = waits
    given = drive_pages(Reader(PLANS["a query"]).more, Link(table), True)
    next(given)
    assert one_ahead()
    later = threading.Timer(0.02, answers.set)
    later.start()
    given.close()
    assert not one_ahead()
    later.join()


def test_closing_cancels_an_awaited_request_that_is_under_way():
    class Stuck(Link):
        """A link over which only one answer comes."""

        async def send(self, operation):
            if self.transport.table.sent:
                await asyncio.Event().wait()
            return self.transport.table.answer(operation)

        def __init__(self, table):
            super().__init__(table)
            self.async_transport = self

    async def read():
        given = adrive_pages(Reader(PLANS["a query"]).more, Stuck(Table(ROWS, page_size=7)), True)
        await anext(given)
        await asyncio.wait_for(given.aclose(), 5)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(read())


def test_a_walk_that_nobody_holds_is_gone_at_once():
    gc.disable()
    try:
        for ahead in (False, True):
            walking = walk(PLANS["a query"], Table(ROWS, page_size=7), ahead)
            next(walking)
            gone = weakref.ref(walking._walking)
            del walking
            assert gone() is None
    finally:
        gc.enable()


def failing(table, *numbers):
    def fails(operation):
        return Throttled("slow down") if len(table.sent) in numbers else None

    table.fails = fails


@ahead_or_not
def test_an_error_comes_where_the_page_would_have_come(ahead):
    table = Table(ROWS, page_size=7)
    failing(table, 2)
    walking, found = walk(PLANS["a query"], table, ahead), []
    with pytest.raises(Throttled):
        found.extend(walking)
    assert found == [("a", r) for r in range(7)]
    # Whoever goes on misses nothing.
    found += walking
    assert found == whole(PLANS["a query"])


@ahead_or_not
def test_an_awaited_error_comes_where_the_page_would_have_come(ahead):
    async def read():
        table = Table(ROWS, page_size=7)
        failing(table, 1, 3)
        walking, found, errors = walk(PLANS["a query"], table, ahead), [], 0
        while True:
            try:
                found.append(await anext(walking))
            except StopAsyncIteration:
                return found, errors
            except Throttled:
                errors += 1

    assert asyncio.run(read()) == (whole(PLANS["a query"]), 2)


def unreadable(stored):
    row = load(stored)
    if row[1] % 6 == 5:
        raise ValueError(row)
    return row


@ahead_or_not
def test_a_row_that_cannot_be_loaded_loses_no_other(ahead):
    table = Table(ROWS, page_size=7)
    walking = walk(PLANS["a query"], table, ahead)
    walking._walking.load = unreadable
    found, errors = [], 0
    while True:
        try:
            found.append(next(walking))
        except StopIteration:
            break
        except ValueError:
            errors += 1
            # The checkpoint is before it: it was not given.
            rest = list(walk(PLANS["a query"], table, start=walking.checkpoint))
            assert rest == [("a", r) for r in range(len(found) + errors - 1, 25)]
    assert found == [("a", r) for r in range(25) if r % 6 != 5]
    assert errors == 4


def test_an_awaited_row_that_cannot_be_loaded_loses_no_other():
    async def read():
        walking = walk(PLANS["a query"], Table(ROWS, page_size=7))
        walking._walking.load = unreadable
        found = []
        while True:
            try:
                found.append(await anext(walking))
            except StopAsyncIteration:
                return found
            except ValueError:
                continue

    assert asyncio.run(read()) == [("a", r) for r in range(25) if r % 6 != 5]


def test_waiting_and_awaiting_do_not_mix():
    walking = walk(PLANS["a query"], Table(ROWS, page_size=7))
    next(walking)

    async def read():
        for _ in range(10):
            await anext(walking)

    with pytest.raises(QueryError, match="not both"):
        asyncio.run(read())


class Interrupt(BaseException):
    """As a KeyboardInterrupt."""


def test_an_interrupted_walk_does_not_go_on_as_if_nothing_had_happened():
    table = Table(ROWS, page_size=7)
    walking = walk(PLANS["a query"], table)
    next(walking)

    def interrupts(_):
        raise Interrupt

    table.fails = interrupts
    with pytest.raises(Interrupt):
        list(walking)
    table.fails = lambda _: None
    with pytest.raises(QueryError, match="from its checkpoint"):
        list(walking)
    assert list(walk(PLANS["a query"], table, start=walking.checkpoint)) == [
        ("a", r) for r in range(7, 25)
    ]


@ahead_or_not
def test_a_cancelled_walk_loses_nothing(ahead):
    async def read():
        table = Table(ROWS, page_size=7)
        walking = walk(PLANS["a query"], table, ahead)
        found = [await anext(walking) for _ in range(7)]
        waiting = asyncio.ensure_future(anext(walking))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert asyncio.all_tasks() == {asyncio.current_task()}
        if ahead:
            with pytest.raises(QueryError, match="from its checkpoint"):
                await anext(walking)
            walking = walk(PLANS["a query"], table, start=walking.checkpoint)
        return found + [row async for row in walking]

    assert asyncio.run(read()) == whole(PLANS["a query"])


@ahead_or_not
def test_a_walk_holds_a_page_or_two(ahead):
    alive = []

    class Item(bytes):
        """An item whose end is seen."""

        def __del__(self):
            alive.pop()

    class Watched(Reader):
        def more(self):
            items = yield from super().more()
            watched = [Item(each) for each in items or ()]
            for each in watched:
                alive.append(each[:0])
            return None if items is None else watched

    table = Table([item("a", r) for r in range(200)], page_size=10)
    walking = Walk(Watched(PLANS["a query"]), Link(table), load, ahead, cursor)
    most = 0
    for _ in walking:
        while one_ahead():
            one_ahead()[0].join()
        most = max(most, len(alive))
    assert most <= (30 if ahead else 20)
    del walking
    assert not alive
