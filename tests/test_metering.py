"""What requests cost: collected by table and index, for each block its own, whoever sends."""

from __future__ import annotations

import asyncio
import decimal
import pickle
import threading
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py.connections import current_options, options
from dynamodb_py.exceptions import (
    ConditionFailed,
    QueryError,
    ResponseCorrupted,
    make_service_error,
)
from dynamodb_py.flows import arun, run
from dynamodb_py.metering import Cost, TableCost, UsedCapacity, capacity, payload_of
from dynamodb_py.operations import transactions
from dynamodb_py.operations.base import Together
from dynamodb_py.operations.batches import BatchGetItem, BatchWriteItem, Put
from dynamodb_py.operations.items import DeleteItem, GetItem, PutItem, UpdateItem
from dynamodb_py.operations.queries import Query, Scan
from dynamodb_py.operations.statements import ExecuteStatement
from dynamodb_py.operations.tables import DescribeTable, ListTables
from dynamodb_py.operations.transactions import TransactGetItems, TransactWriteItems

from .expressions.spelling import check_request
from .scripted import Link, Script, checked

KEY = {"k": {"S": "a"}}
ITEM = {"k": {"S": "a"}}
GET = GetItem("t", KEY)


def transact_get(*tables: str) -> TransactGetItems:
    return TransactGetItems([(table, KEY) for table in tables])


def transact_write(*tables: str) -> TransactWriteItems:
    return TransactWriteItems([transactions.Delete(table, KEY) for table in tables], "T")


def consumed(units: float, table: str = "t", **more: Any) -> dict[str, Any]:
    return {"TableName": table, "CapacityUnits": units, **more}


def answer(units: float = 0.5, **more: Any) -> dict[str, Any]:
    return {"ConsumedCapacity": consumed(units), **more}


@pytest.fixture(params=["run", "arun"])
def drive(request):
    """Drive a flow to its value, waiting or awaiting."""
    if request.param == "run":
        return run
    return lambda flow, link: asyncio.run(arun(flow, link))


# -- what is asked ---------------------------------------------------------------------------------

TELLING = [
    GET,
    PutItem("t", b"{}"),
    UpdateItem("t", KEY),
    DeleteItem("t", KEY),
    Query("t"),
    Scan("t", measured=True),
    BatchGetItem({"t": [KEY]}),
    BatchWriteItem([Put("t", KEY, b"{}")]),
    transact_write("t"),
    transact_get("t"),
    ExecuteStatement('SELECT * FROM "t"'),
]


@pytest.mark.parametrize("operation", TELLING, ids=lambda each: each.api)
def test_while_a_meter_is_active_requests_ask_for_their_price_by_index(operation):
    before = checked(operation)
    with capacity():
        payload = payload_of(operation)
        assert payload["ReturnConsumedCapacity"] == "INDEXES"
        assert checked(operation) == before
    check_request(operation.api, {**before, "ReturnConsumedCapacity": "INDEXES"})
    assert payload_of(operation) == operation.payload()


@pytest.mark.parametrize("operation", [DescribeTable("t"), ListTables()], ids=["one", "all"])
def test_requests_that_cost_no_units_do_not_ask(operation):
    with capacity():
        assert payload_of(operation) == operation.payload()


# -- what is counted -------------------------------------------------------------------------------

INDEXED = consumed(
    3.5,
    Table={"CapacityUnits": 2.0},
    GlobalSecondaryIndexes={"by_wins": {"CapacityUnits": 1.0}},
    LocalSecondaryIndexes={"by_day": {"CapacityUnits": 0.5}},
)


@pytest.mark.parametrize(
    ("operation", "body", "units", "items"),
    [
        (GET, answer(0.5, Item=ITEM), (0.5, 0), (1, 1)),
        (GET, answer(0.5), (0.5, 0), (0, 0)),
        (GET, {"Item": ITEM}, (0, 0), (1, 1)),
        (Query("t"), answer(2.5, Items=[ITEM], Count=1, ScannedCount=7), (2.5, 0), (7, 1)),
        (Scan("t", select="COUNT"), answer(1, Count=3, ScannedCount=7), (1, 0), (7, 3)),
        (Scan("t"), answer(1, Items=[ITEM, ITEM]), (1, 0), (2, 2)),
        (PutItem("t", b"{}"), answer(1), (0, 1), (0, 0)),
        (UpdateItem("t", KEY), answer(2, Attributes=ITEM), (0, 2), (0, 0)),
        (DeleteItem("t", KEY), {"ConsumedCapacity": INDEXED}, (0, 3.5), (0, 0)),
        (BatchWriteItem([Put("t", KEY, b"{}")]), {"ConsumedCapacity": [INDEXED]}, (0, 3.5), (0, 0)),
        (
            BatchGetItem({"t": [KEY]}),
            {"Responses": {"t": [ITEM, ITEM]}, "ConsumedCapacity": [consumed(1)]},
            (1, 0),
            (2, 2),
        ),
        (
            transact_get("t", "t"),
            {
                "Responses": [{"Item": ITEM}, {}],
                "ConsumedCapacity": [consumed(4, ReadCapacityUnits=4)],
            },
            (4, 0),
            (1, 1),
        ),
        (
            transact_write("t"),
            {"ConsumedCapacity": [consumed(6, ReadCapacityUnits=2, WriteCapacityUnits=4)]},
            (2, 4),
            (0, 0),
        ),
        (
            transact_write("t", "t"),
            {"ConsumedCapacity": [consumed(2, WriteCapacityUnits=2), consumed(4)]},
            (0, 6),
            (0, 0),
        ),
        (
            transact_write("t"),
            {"ConsumedCapacity": [consumed(4, ReadCapacityUnits=4)]},
            (4, 0),
            (0, 0),
        ),
        (ExecuteStatement("select * from t", table="t"), answer(1, Items=[ITEM]), (1, 0), (1, 1)),
        (ExecuteStatement("DELETE FROM t", table="t"), answer(1), (0, 1), (0, 0)),
    ],
    ids=range(17),
)
def test_an_answer_tells_units_and_items(drive, operation, body, units, items):
    with capacity() as used:
        drive(iter(operation), Link(Script([body])))
    total = Cost(sum(units), *units, 1, *items)
    for cost in (used, used.by_table["t"]):
        assert all(getattr(cost, name) == getattr(total, name) for name in Cost.__struct_fields__)
    assert used.attempts == 1
    assert list(used.by_table) == ["t"]


def test_the_parts_of_a_table_and_of_its_indexes_are_told_apart(drive):
    bodies = [
        {"ConsumedCapacity": INDEXED},
        {
            "ConsumedCapacity": consumed(
                0.5,
                Table={"CapacityUnits": 0.0},
                GlobalSecondaryIndexes={"by_wins": {"CapacityUnits": 0.5}},
            ),
            "Count": 2,
            "ScannedCount": 5,
        },
        # As it is where only the total is told.
        {"ConsumedCapacity": consumed(1)},
    ]
    script = Script(bodies)
    with capacity() as used:
        for each in (PutItem("t", b"{}"), Query("t", index="by_wins"), GET):
            drive(iter(each), Link(script))
    by_wins = Cost(1.5, 0.5, 1.0, requests=1, items_read=5, items_returned=2)
    by_day = Cost(0.5, 0.0, 0.5)
    table = TableCost(5.0, 1.5, 3.5, 3, 5, 2, 3.0, {"by_wins": by_wins, "by_day": by_day})
    assert used == UsedCapacity(5.0, 1.5, 3.5, 3, 5, 2, 3, {"t": table})


def test_tables_of_one_request_have_each_their_part(drive):
    body = {
        "Responses": {"a": [ITEM], "b": [ITEM, ITEM]},
        "ConsumedCapacity": [consumed(0.5, "a"), consumed(1, "b")],
    }
    with capacity() as used:
        drive(iter(BatchGetItem({"a": [KEY], "b": [KEY], "c": [KEY]})), Link(Script([body])))
    parts = {name: (each.units, each.items_read) for name, each in used.by_table.items()}
    assert parts == {"a": (0.5, 1), "b": (1.0, 2), "c": (0, 0)}
    assert (used.units, used.requests, used.items_read) == (1.5, 1, 3)


def test_items_of_a_snapshot_of_several_tables_count_where_they_are(drive):
    found = {"Item": ITEM}
    body = {
        "Responses": [found, found, {}, found, {}],
        "ConsumedCapacity": [consumed(4, "b", ReadCapacityUnits=4), consumed(6, "a")],
    }
    with capacity() as used:
        drive(iter(transact_get("a", "b", "b", "a", "c")), Link(Script([body])))
    assert (used.units, used.read_units, used.requests) == (10, 10, 1)
    assert (used.items_read, used.items_returned) == (3, 3)
    parts = {
        name: (each.read_units, each.requests, each.items_read, each.items_returned)
        for name, each in used.by_table.items()
    }
    assert parts == {"a": (6, 1, 2, 2), "b": (4, 1, 1, 1), "c": (0, 1, 0, 0)}


def test_a_snapshot_that_is_not_what_was_asked_for_counts_in_all(drive):
    body = {"Responses": [{"Item": ITEM}]}
    with capacity() as used, pytest.raises(ResponseCorrupted):
        drive(iter(transact_get("a", "b")), Link(Script([body])))
    assert used.items_read == 1
    assert {name: each.items_read for name, each in used.by_table.items()} == {"a": 0, "b": 0}


def test_writes_of_a_transaction_are_paid_for_in_each_table_and_index(drive):
    units = {"CapacityUnits": 2.0, "WriteCapacityUnits": 2.0}
    again = {"CapacityUnits": 4.0, "ReadCapacityUnits": 4.0}
    told = [
        consumed(
            6, "a", WriteCapacityUnits=6, Table={"CapacityUnits": 4.0, "WriteCapacityUnits": 4.0},
            GlobalSecondaryIndexes={"by_wins": units},
        ),
        consumed(2, "b", WriteCapacityUnits=2, Table=units),
    ]  # fmt: skip
    # With a token that is known nothing is written, and the items are read.
    known = [
        consumed(8, "a", ReadCapacityUnits=8, Table=again, LocalSecondaryIndexes={"by_day": again})
    ]
    script = Script([{"ConsumedCapacity": told}, {"ConsumedCapacity": known}])
    with capacity() as used:
        for _ in range(2):
            drive(iter(transact_write("a", "a", "b")), Link(script))
    assert (used.units, used.read_units, used.write_units) == (16, 8, 8)
    assert (used.requests, used.items_read) == (2, 0)
    indexes = {"by_wins": Cost(2, 0, 2), "by_day": Cost(4, 4, 0)}
    assert used.by_table == {
        "a": TableCost(14, 8, 6, 2, own_units=8, indexes=indexes),
        "b": TableCost(2, 0, 2, 2, own_units=2),
    }


def test_requests_that_cost_no_units_count_as_requests(drive):
    body = {"Table": {"TableName": "t"}}
    with capacity() as used:
        drive(iter(DescribeTable("t")), Link(Script([body])))
    assert (used.requests, used.units) == (1, 0)


def test_attempts_that_failed_are_told_apart_from_requests(drive):
    slow = make_service_error("ThrottlingException", "slow")
    failed = make_service_error("ConditionalCheckFailedException", "no")
    script = Script([slow, slow, answer(), failed])
    with capacity() as used:
        drive(iter(GET), Link(script))
        with pytest.raises(ConditionFailed):
            drive(iter(PutItem("t", b"{}")), Link(script))
    assert (used.requests, used.attempts, used.units) == (1, 4, 0.5)


@pytest.mark.parametrize(
    ("body", "requests"), [(b"", 2), (b"{", 2), (b'{"ConsumedCapacity": 5}', 1)]
)
def test_an_answer_that_cannot_be_read_is_told_by_who_asked(drive, body, requests):
    with capacity() as used:
        if body.endswith(b"}"):
            assert drive(iter(GET), Link(Script([body]))) is None
        else:
            with pytest.raises(ResponseCorrupted):
                drive(iter(GET), Link(Script([body, body])))
    assert (used.requests, used.units) == (requests, 0)  # a read is sent once more


# -- whose it is -----------------------------------------------------------------------------------


def test_nested_blocks_both_count_and_a_block_ends(drive):
    script = Script([answer(1), answer(2), answer(4), answer(8)])
    link = Link(script)
    with capacity() as outer:
        drive(iter(GET), link)
        with capacity() as inner:
            drive(iter(GET), link)
        drive(iter(GET), link)
    drive(iter(GET), link)
    assert (outer.units, inner.units) == (7, 2)
    assert "ReturnConsumedCapacity" not in payload_of(GET)


def test_a_block_ends_when_it_raises():
    with pytest.raises(KeyError), capacity():
        raise KeyError
    assert "ReturnConsumedCapacity" not in payload_of(GET)


def test_one_capacity_can_be_used_again_and_within_itself():
    meter = capacity()
    with meter as outer:
        run(iter(GET), Link(Script([answer(1)])))
        with meter as inner:
            run(iter(GET), Link(Script([answer(2)])))
    with meter as after:
        run(iter(GET), Link(Script([answer(4)])))
    assert (outer.units, inner.units, after.units) == (3, 2, 4)


def together(workers: int, count: int):
    def flow():
        return (yield from Together([GET] * count, workers))

    return flow()


@pytest.mark.parametrize("workers", [1, 3])
def test_requests_side_by_side_count_and_see_the_options(drive, workers):
    seen = []

    def reply(operation):
        seen.append((payload_of(operation).get("ReturnConsumedCapacity"), current_options().using))
        return answer(0.5, Item=ITEM)

    with capacity() as used, options(using="archive"):
        outcomes = drive(together(workers, 20), Link(Script([reply] * 20)))
    assert outcomes == [b'{"k":{"S":"a"}}'] * 20
    assert seen == [("INDEXES", "archive")] * 20
    assert (used.units, used.requests, used.items_read) == (10, 20, 20)


def test_options_changed_by_one_of_several_side_by_side_stay_there(drive):
    def reply(operation):
        options(using="inside").__enter__()
        return answer()

    drive(together(2, 4), Link(Script([reply] * 4)))
    assert current_options().using is None


def test_threads_with_blocks_of_their_own_do_not_see_each_other():
    both_are_in = threading.Barrier(2)
    seen: dict[int, UsedCapacity] = {}

    def work(count: int) -> None:
        with capacity() as used:
            both_are_in.wait(10)
            run(together(2, count), Link(Script([answer()] * count)))
            both_are_in.wait(10)
        seen[count] = used

    with capacity() as outer:
        threads = [threading.Thread(target=work, args=(count,)) for count in (3, 8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert {count: used.requests for count, used in seen.items()} == {3: 3, 8: 8}
    assert outer.requests == 0


def test_tasks_count_in_their_own_block_and_in_the_one_they_started_in():
    async def work(count: int) -> UsedCapacity:
        with capacity() as used:
            for _ in range(count):
                await arun(iter(GET), Link(Script([answer()])))
                await asyncio.sleep(0)
        return used

    async def main() -> tuple[list[UsedCapacity], UsedCapacity]:
        with capacity() as outer:
            return await asyncio.gather(work(2), work(5)), outer

    inner, outer = asyncio.run(main())
    assert [each.requests for each in inner] == [2, 5]
    assert (outer.requests, outer.units) == (7, 3.5)


def test_many_threads_lose_no_count():
    count = 300
    with capacity() as used:
        run(together(8, count), Link(Script([answer(0.5, Item=ITEM)] * count)))
    assert (used.units, used.requests, used.attempts) == (count / 2, count, count)
    assert used.by_table["t"].items_read == count


# -- how it reads ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used", "message"),
    [
        (UsedCapacity(), "0 capacity units in 0 requests"),
        (UsedCapacity(1, 1, 0, 1, 1, 1, 1), "1 read unit in 1 request, 1 item read, 1 returned"),
        (UsedCapacity(2, 0, 2, 1, attempts=3), "2 write units in 1 request, 2 attempts failed"),
        (
            UsedCapacity(
                1234567.5,
                1234563.5,
                4,
                12,
                1300,
                30,
                12,
                {
                    "users": TableCost(2, 0, 2, 2, own_units=2),
                    "scores": TableCost(
                        1234565.5,
                        1234563.5,
                        2,
                        10,
                        1300,
                        30,
                        1234564.5,
                        {"by_wins": Cost(1, 0.5, 0.5)},
                    ),
                },
            ),
            "1,234,567.5 capacity units (1,234,563.5 read, 4 write) in 12 requests, "
            "1,300 items read, 30 returned\n"
            "  scores: 1,234,565.5 capacity units (1,234,563.5 read, 2 write) in 10 requests, "
            "1,300 items read, 30 returned\n"
            "    by_wins: 1 capacity unit (0.5 read, 0.5 write)\n"
            "  users: 2 write units in 2 requests",
        ),
    ],
    ids=["nothing", "a read", "failures", "tables and indexes"],
)
def test_it_reads_well(used, message):
    assert str(used) == message


def test_it_is_a_value_that_comes_back_from_a_pickle():
    with capacity() as used:
        run(iter(GET), Link(Script([answer()])))
    assert pickle.loads(pickle.dumps(used)) == used


# -- prices ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used", "read", "write", "expected"),
    [
        (UsedCapacity(read_units=1_000_000), "0.125", "0.625", "0.125"),
        (UsedCapacity(write_units=1_000_000), "0.125", "0.625", "0.625"),
        (UsedCapacity(read_units=0.5, write_units=2.0), Decimal("0.125"), 1, "0.0000020625"),
        (UsedCapacity(read_units=3.0), 0.1, 0.1, "0.0000003"),
        (UsedCapacity(), 1, 1, "0"),
        (TableCost(read_units=2_000_000), 0, 5, "0"),
        (Cost(units=9.0, write_units=9.0), 100, 0.5, "0.0000045"),
    ],
)
def test_units_have_a_cost_at_the_prices_of_a_million(used, read, write, expected):
    with decimal.localcontext(decimal.Context(prec=1)):
        cost = used.cost(read=read, write=write)
    assert type(cost) is Decimal
    assert cost == Decimal(expected)


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.decimals(0, 10**6, places=4))
def test_the_cost_is_exact(reads, writes, price):
    used = UsedCapacity(read_units=reads / 2, write_units=float(writes))
    expected = (Fraction(used.read_units) + Fraction(used.write_units)) * Fraction(price) / 10**6
    assert Fraction(used.cost(read=price, write=price)) == expected


@pytest.mark.parametrize("price", [-1, "x", "", float("nan"), Decimal("Infinity"), True, None, 1j])
@pytest.mark.parametrize("name", ["read", "write"])
def test_what_is_no_price_is_refused_by_name(name, price):
    prices = {"read": 1, "write": 1, name: price}
    with pytest.raises(QueryError, match=f"{name}=.*price of a million units"):
        UsedCapacity().cost(**prices)


def test_a_transaction_costs_its_units_twice_as_dynamodb_says():
    link = Link(Script([{"ConsumedCapacity": [consumed(4.0, WriteCapacityUnits=4.0)]}]))
    with capacity() as used:
        run(iter(transact_write("t", "t")), link)
    assert used.cost(read=1, write=1_000_000) == 4
