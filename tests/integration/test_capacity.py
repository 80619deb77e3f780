"""What requests cost, as the engines tell it."""

from __future__ import annotations

import asyncio

import pytest

from dynamodb_py import (
    CharField,
    ConditionFailed,
    GlobalIndex,
    IntegerField,
    LocalIndex,
    Model,
    transaction,
)
from dynamodb_py.codec import to_json
from dynamodb_py.connections import get_connection
from dynamodb_py.expressions import F
from dynamodb_py.flows import arun, run
from dynamodb_py.metering import capacity
from dynamodb_py.operations import transactions
from dynamodb_py.operations.queries import Query
from dynamodb_py.operations.read_expressions import Expressions

from ..engines import known_fault
from ..eventually import eventually


class Score(Model):
    class Meta:
        table_name = "scores"
        indexes = [
            GlobalIndex("by_team", hash_key="team", range_key="wins"),
            LocalIndex("by_wins", range_key="wins"),
        ]

    player = CharField(hash_key=True)
    day = IntegerField(range_key=True)
    team = CharField()
    wins = IntegerField()
    text = CharField()


class Plain(Model):
    class Meta:
        table_name = "plains"

    key = CharField(hash_key=True)
    text = CharField()


TABLES = [Score, Plain]


def soon(ask):
    return eventually(ask, bool)


def query(engine, index, **named):
    ((name, value),) = named.items()
    said = Expressions.of(keys=F(name) == value)
    return Query(engine.table_name("scores"), said, index, measured=True)


@known_fault("moto", "does not tell the units of indexes")
def test_a_write_is_paid_for_in_the_table_and_in_each_index_that_holds_the_item(engine, do, key):
    with capacity() as used:
        do(Score.create, player=key, day=1, team="a", wins=3)
        do(Score.create, player=key, day=2)
    assert (used.units, used.write_units, used.read_units) == (4, 4, 0)
    assert (used.requests, used.items_read) == (2, 0)
    cost = used.by_table[engine.table_name("scores")]
    assert (cost.units, cost.own_units) == (4, 2)
    assert {name: each.write_units for name, each in cost.indexes.items()} == {
        "by_team": 1,
        "by_wins": 1,
    }


@pytest.mark.parametrize(("kilobytes", "units"), [(1, 0.5), (9, 1.5)])
@pytest.mark.parametrize("consistent", [False, True])
@pytest.mark.engines("dynoxide", "extenddb")  # moto counts each read as half a unit
def test_a_read_is_paid_for_by_size_and_by_consistency(
    engine, do, key, kilobytes, units, consistent
):
    do(Plain.create, key=key, text="x" * (kilobytes * 1000))
    with capacity() as used:
        assert do(Plain.objects.get, key, consistent=consistent).key == key
    units *= 2 if consistent else 1
    assert (used.units, used.read_units, used.requests) == (units, units, 1)
    assert (used.items_read, used.items_returned) == (1, 1)


def test_what_is_not_there_is_paid_for_too(engine, do, key):
    with capacity() as used:
        assert do(Plain.objects.get_or_none, key) is None
    assert (used.units, used.items_read) == (0.5, 0)


def test_pages_and_filters_show_what_was_read_for_what_was_returned(engine, do, key):
    items = [{"player": key, "day": day, "wins": day % 5} for day in range(30)]
    do(Score.batch_write, items, overwrite=True)
    with capacity() as used:
        mine = Score.objects.filter(player=key)
        rows = do.list(mine.exclude(wins__in=[0, 1, 2, 4]).page_size(10))
    assert len(rows) == 6
    assert (used.items_read, used.items_returned) == (30, 6)
    assert used.requests in (3, 4)  # the fourth finds that there is no more
    assert used.by_table[engine.table_name("scores")].items_read == 30


@pytest.mark.parametrize("index", ["by_team", "by_wins"])
@pytest.mark.engines("dynoxide", "extenddb")  # moto counts an index's units as the table's
def test_a_query_of_an_index_is_paid_for_there(engine, do, key, index):
    do(Score.create, player=key, day=1, team=key, wins=3)
    asked = query(engine, index, **({"team": key} if index == "by_team" else {"player": key}))

    def ask():
        with capacity() as used:
            page = do(run, iter(asked), get_connection())
        return (used, page) if page.items else None

    used, page = soon(ask)
    cost = used.by_table[engine.table_name("scores")]
    assert (cost.units, cost.own_units, cost.requests) == (0.5, 0, 1)
    assert (cost.indexes[index].units, cost.indexes[index].items_read) == (0.5, 1)
    assert page.units == 0.5


@pytest.mark.parametrize("workers", [1, 4])
def test_batches_count_however_many_workers_there_are(engine, do, key, workers):
    items = [{"key": f"{key}{n}", "text": "x"} for n in range(110)]
    with capacity() as writing:
        do(Plain.batch_write, items, overwrite=True, workers=workers)
    with capacity() as reading:
        found = do(Plain.batch_get, *[{"key": f"{key}{n}"} for n in range(110)], workers=workers)
    assert len(found) == 110
    assert (writing.requests, reading.requests) == (5, 2)
    assert (reading.items_read, reading.items_returned) == (110, 110)
    if engine.name != "moto":  # which counts a unit for each request
        assert (writing.write_units, reading.read_units) == (110, 55)


def test_a_snapshot_is_paid_for_in_each_table_and_its_items_count_there(engine, do, key):
    do(Score.create, player=key, day=1)
    do(Score.create, player=key, day=2)
    do(Plain.create, key=key)
    asked = [(Score, (key, 1)), (Plain, key), (Score, (key, 2)), (Plain, f"{key}-not")]
    with capacity() as used:
        found = do(transaction.get, asked)
    assert [each is not None for each in found] == [True, True, True, False]
    scores = used.by_table[engine.table_name("scores")]
    plains = used.by_table[engine.table_name("plains")]
    # moto takes nothing for what is not there.
    assert (scores.read_units, plains.read_units) == (4, 2 if engine.name == "moto" else 4)
    assert (scores.items_read, plains.items_read, used.items_read) == (2, 1, 3)
    assert (scores.requests, plains.requests, used.requests) == (1, 1, 1)


@known_fault("moto", "does not tell the units of transactions that write")
def test_a_transaction_is_paid_for_twice_and_when_it_is_repeated_as_reading(engine, do, key):
    scores, plains = engine.table_name("scores"), engine.table_name("plains")
    writes = [
        transactions.Put(scores, to_json({"player": {"S": key}, "day": {"N": "1"}})),
        transactions.Put(plains, to_json({"key": {"S": key}})),
        transactions.Put(scores, to_json({"player": {"S": key}, "day": {"N": "2"}})),
    ]
    operation = transactions.TransactWriteItems(writes, key)

    def send():
        with capacity() as used:
            if do.mode == "sync":
                run(iter(operation), engine.connection)
            else:
                do.run(arun(iter(operation), engine.connection))
        return {
            name: (cost.read_units, cost.write_units, cost.items_read)
            for name, cost in used.by_table.items()
        }

    assert send() == {scores: (0, 4, 0), plains: (0, 2, 0)}
    assert send() == {scores: (4, 0, 0), plains: (2, 0, 0)}


def test_a_failed_condition_is_an_attempt_that_tells_no_price(engine, do, key):
    do(Plain.create, key=key)
    with capacity() as used:
        with pytest.raises(ConditionFailed):
            do(Plain.create, key=key)
        do(Plain.objects.get, key)
    assert (used.requests, used.attempts, used.write_units) == (1, 2, 0)


@pytest.mark.engines("dynoxide", "extenddb")  # moto is for one thread
def test_tasks_that_run_together_count_in_blocks_of_their_own_and_in_the_outer_one(engine, key):
    Plain.create(key=key)

    async def work(count):
        with capacity() as used:
            for _ in range(count):
                await Plain.objects.aget(key)
        return used.units

    async def main():
        with capacity() as used:
            units = await asyncio.gather(work(1), work(3), work(5))
        await get_connection().aclose()
        return units, used.units

    assert asyncio.run(main()) == ([0.5, 1.5, 2.5], 4.5)
