"""A block of the embedded database: every connection leads to it, and everything is put back after it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import Counter

import pytest

from dynamodb_py import (
    CharField,
    ConfigurationError,
    Model,
    QueryError,
    Retries,
    Table,
    TableNotFound,
    connect,
    connections,
    options,
)
from dynamodb_py.exceptions import TableMismatch
from dynamodb_py.local import Engine
from dynamodb_py.local.transport import LocalTransport
from dynamodb_py.testing import EmbeddedEngine

from .models import Account, Customer, Order, Remote

FORBIDDEN = "http://127.0.0.1:9"
"""Nobody listens there: a request that left the block would fail."""


def connect_elsewhere(alias="default", **given):
    return connect(
        alias=alias,
        region_name="eu-west-1",
        endpoint_url=FORBIDDEN,
        aws_access_key_id="a",
        aws_secret_access_key="b",
        retries=1,
        **given,
    )


def ids(model=Order):
    return sorted(each.id for each in model.objects.all())


def test_an_engine_is_empty_and_has_the_tables_that_it_is_given():
    with EmbeddedEngine() as engine:
        with engine.local.store.read() as snapshot:
            assert snapshot.list_tables() == []
        engine.create_tables(Customer, Order)
        assert [Table(each).exists() for each in (Customer, Order, Account)] == [True, True, False]
        assert Table(Customer).diff() == Table(Order).diff() == []


def test_each_block_has_a_database_of_its_own():
    engine = EmbeddedEngine()
    for _ in range(2):
        with engine:
            engine.create_tables(Order)
            assert ids() == []
            Order.create(id="a")


@pytest.mark.parametrize(
    "given",
    [
        {"table_prefix": "dev-"},
        {"table_name_format": str.upper},
        {"retries": Retries(attempts=7)},
        {"consistent": True},
        {"atomic": True},
        {"deadline": 3.0},
        {"sync_in_loop": "raise"},
        {"cursor_key": "secret"},
        {"log_keys": True},
    ],
    ids=lambda given: next(iter(given)),
)
def test_connections_keep_their_options_within_the_block(given):
    names = ("alias", "retries", "consistent", "atomic", "deadline", "sync_in_loop", "cursor_key")
    names = (*names, "log_keys", "renames")

    def describe(known):
        return [getattr(known, each) for each in names] + [known.table_name("x")]

    outside = connect("main", region_name="eu-west-1", **given)
    with EmbeddedEngine() as engine:
        inside = connections.get_connection("main")
        assert inside is not outside
        assert isinstance(inside.transport, LocalTransport)
        assert inside.transport.engine is engine.local
        assert describe(inside) == describe(outside)
    assert connections.get_connection("main") is outside


def test_requests_of_every_alias_go_to_the_engine():
    connect_elsewhere(table_prefix="dev-")
    connect_elsewhere("second", table_prefix="two-")
    with EmbeddedEngine() as engine:
        engine.create_tables(Order)
        engine.create_tables(Order, using="second")
        Order.create(id="a")
        with options(using="second"):
            Order.create(id="b")
        assert ids() == ["a"]
        assert [each.id for each in Order.objects.using("second").all()] == ["b"]
        with engine.local.store.read() as snapshot:
            assert snapshot.list_tables() == ["dev-orders", "two-orders"]


def test_atomic_by_default_holds_within_the_block_and_ends_with_it():
    connect("plain", region_name="eu-west-1")
    with EmbeddedEngine():
        connect(alias="plain", atomic=True)
        assert connections._atomic_aliases == {"plain"}
    assert connections._atomic_aliases == set()


def test_an_alias_that_a_model_names_is_defined_for_its_table():
    with EmbeddedEngine() as engine:
        engine.create_tables(Remote)
        Remote.create(id="a")
        assert ids(Remote) == ["a"]
    with pytest.raises(ConfigurationError, match="no connection is called 'elsewhere'"):
        Remote.objects.get(id="a")


def test_a_process_without_a_default_connection_has_none_in_the_block():
    connect("main", region_name="eu-west-1", default=False)
    with EmbeddedEngine() as engine:
        with pytest.raises(ConfigurationError, match="there is no default connection"):
            engine.create_tables(Order)
        engine.create_tables(Order, using="main")
        assert Order.objects.using("main").count() == 0


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"region_name": "eu-west-1"},
        {"endpoint_url": FORBIDDEN, "region_name": "eu-west-1"},
        {"alias": "default", "table_prefix": "dev-"},
    ],
    ids=["nothing", "a region", "an endpoint", "a prefix"],
)
def test_what_the_tested_code_connects_leads_to_the_engine_too(given):
    with EmbeddedEngine() as engine:
        connect(**given)
        engine.create_tables(Order)
        assert Order.create(id="a").id == "a"
        assert "to memory://" in repr(connections.get_connection())


def test_a_database_that_the_tested_code_connects_is_not_opened(tmp_path):
    with EmbeddedEngine() as engine:
        connect(f"sqlite:///{tmp_path}/app.db")
        engine.create_tables(Order)
        Order.create(id="a")
    assert list(tmp_path.iterdir()) == []


def test_what_was_connected_in_the_block_is_gone_after_it():
    before = connect_elsewhere()
    with EmbeddedEngine():
        connect(region_name="us-east-1")
        connect("extra", region_name="us-east-1")
    assert connections._connections == {"default": before}
    assert "to memory" not in repr(connect("extra", region_name="us-east-1"))


def test_the_innermost_block_counts():
    with EmbeddedEngine() as outer:
        outer.create_tables(Order)
        Order.create(id="outer")
        with EmbeddedEngine() as inner:
            with pytest.raises(TableNotFound):
                Order.objects.get(id="outer", number=1)
            inner.create_tables(Order)
            Order.create(id="inner")
        assert ids() == ["outer"]


def test_blocks_that_end_in_another_order_leave_what_was_there_before():
    before = connect_elsewhere()
    first, second = EmbeddedEngine(), EmbeddedEngine()
    first.__enter__()
    second.__enter__()
    second.create_tables(Order)
    first.__exit__()
    Order.create(id="a")
    assert ids() == ["a"]
    second.__exit__()
    assert connections._connections == {"default": before}
    assert connections.get_registry().redirected_to is None


def test_an_error_ends_the_block_as_well():
    before = connect_elsewhere()
    with pytest.raises(ZeroDivisionError), EmbeddedEngine():
        raise ZeroDivisionError
    assert connections.get_connection() is before


@pytest.mark.parametrize(
    "use",
    [
        lambda engine: engine.create_tables(Order),
        lambda engine: engine.clear(),
        lambda engine: engine.snapshot(),
        lambda engine: engine.local,
        lambda engine: engine.faults,
    ],
    ids=["create_tables", "clear", "snapshot", "local", "faults"],
)
def test_outside_of_the_block_nothing_can_be_done(use):
    engine = EmbeddedEngine()
    with engine:
        use(engine)
    with pytest.raises(ConfigurationError, match="is not open"):
        use(engine)


def test_an_open_engine_is_not_opened_again():
    with EmbeddedEngine() as engine:
        with pytest.raises(ConfigurationError, match="open already"):
            engine.__enter__()
        engine.create_tables(Order)
        assert ids() == []


def test_threads_use_the_engine():
    with EmbeddedEngine() as engine:
        engine.create_tables(Order)
        threads = [
            threading.Thread(target=lambda at=at: Order.create(id=f"{at}")) for at in range(8)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert ids() == [str(at) for at in range(8)]


def test_tasks_use_the_engine():
    async def main():
        connect_elsewhere()
        async with EmbeddedEngine() as engine:
            engine.create_tables(Order)
            await asyncio.gather(*[Order.objects.acreate(id=f"{at}") for at in range(8)])
            return sorted([each.id async for each in Order.objects.all()])

    assert asyncio.run(main()) == [str(at) for at in range(8)]


def test_methods_of_the_engine_are_allowed_where_verbs_may_not_block(tmp_path):
    async def main():
        connect_elsewhere(sync_in_loop="raise")
        async with EmbeddedEngine() as engine:
            engine.create_tables(Order)
            await Order.objects.acreate(id="a")
            with pytest.raises(QueryError, match="would block the event loop"):
                Order.create(id="b")
            assert engine.dump(tmp_path / "x.jsonl", Order) == 1
            engine.clear()
            assert engine.load(tmp_path / "x.jsonl") == 1
            return await Order.objects.acount()

    assert asyncio.run(main()) == 1


def test_each_call_of_a_decorated_function_has_a_database():
    @EmbeddedEngine()
    def work(given):
        """Work."""
        Table(Order).create()
        Order.create(id=given)
        return ids()

    @EmbeddedEngine()
    async def awork(given):
        await Table(Order).acreate()
        await Order.objects.acreate(id=given)
        return [each.id async for each in Order.objects.all()]

    assert (work("a"), work("b"), work.__doc__) == (["a"], ["b"], "Work.")
    assert (asyncio.run(awork("a")), asyncio.run(awork("b"))) == (["a"], ["b"])


def test_a_file_keeps_what_was_written(tmp_path):
    path = tmp_path / "app.db"
    with EmbeddedEngine(path) as engine:
        engine.create_tables(Order)
        Order.create(id="a")
    with EmbeddedEngine(path) as engine:
        engine.create_tables(Order)
        assert ids() == ["a"]
        assert repr(engine) == f"<EmbeddedEngine {path}, open>"
    connection = connect(f"sqlite:///{path}")
    assert ids() == ["a"]
    connection.close()


class Plain(Model):
    class Meta:
        table_name = "orders"

    id = CharField(hash_key=True)


def test_a_table_that_is_there_stays_and_one_with_other_keys_is_refused():
    with EmbeddedEngine() as engine:
        engine.create_tables(Order)
        Order.create(id="a")
        engine.create_tables(Order)
        assert ids() == ["a"]
        with pytest.raises(TableMismatch, match="exists with other keys"):
            engine.create_tables(Plain)


def test_clear_deletes_items_of_tables_and_indexes_and_keeps_the_tables():
    with EmbeddedEngine() as engine:
        engine.create_tables(Order, Customer)
        Order.create(id="a")
        Customer.create(id="a", email="a@example.org")
        engine.clear()
        assert (ids(), ids(Customer)) == ([], [])
        assert list(Order.by_status.filter(status="open")) == []
        assert Customer.create(id="b", email="a@example.org").id == "b"


def test_models_without_a_table_are_refused():
    with EmbeddedEngine() as engine, pytest.raises(TypeError, match="str has no table"):
        engine.create_tables("Order")  # type: ignore[arg-type]


def test_an_engine_with_three_tables_is_little_work(monkeypatch):
    """What a test pays for a fresh engine, counted: its time is that of these."""
    opened, requests, statements = [], [], []
    connect_to_sqlite, answer = sqlite3.connect, Engine.answer

    def count_opened(*given, **options):
        opened.append(connect_to_sqlite(*given, **options))
        opened[-1].set_trace_callback(statements.append)
        return opened[-1]

    def count_requests(engine, operation, request):
        requests.append(operation)
        return answer(engine, operation, request)

    monkeypatch.setattr(sqlite3, "connect", count_opened)
    monkeypatch.setattr(Engine, "answer", count_requests)
    with EmbeddedEngine() as engine:
        engine.create_tables(Order, Account, Remote)
        assert Counter(requests) == {"CreateTable": 3, "DescribeTable": 6}
        assert len(statements) <= 80
        requests.clear()
        snapshot = engine.snapshot()
        engine.restore(snapshot)
        assert requests == []
    assert len(opened) == 2  # the engine and the snapshot
