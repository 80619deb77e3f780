"""What the type checkers know of the testing kit."""

from __future__ import annotations

from contextlib import AbstractContextManager

from typing_extensions import assert_type

from dynamodb_py import CharField, Model
from dynamodb_py.local import Rule
from dynamodb_py.testing import Clock, DynamoDBTestCase, EmbeddedEngine, Faults, Snapshot
from pytest_dynamodb_py import CreateTables


class Order(Model):
    id = CharField(hash_key=True)


def using_an_engine() -> None:
    with EmbeddedEngine("app.db") as engine:
        assert_type(engine, EmbeddedEngine)
        engine.create_tables(Order, using="orders")
        assert_type(engine.clock, Clock)
        assert_type(engine.faults, Faults)
        assert_type(engine.snapshot("a"), Snapshot)
        assert_type(engine.load("x.jsonl", Order), int)
        assert_type(engine.faults.throttle(table=Order), AbstractContextManager[Rule])
        engine.create_tables("Order")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        engine.clock.tick("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def awaiting() -> None:
    async with EmbeddedEngine() as engine:
        assert_type(engine, EmbeddedEngine)


@EmbeddedEngine()
def work(given: str) -> int:
    return len(given)


@EmbeddedEngine()
async def awork(given: str) -> int:
    return len(given)


async def calling(dynamodb_tables: CreateTables) -> None:
    assert_type(work("a"), int)
    assert_type(await awork("a"), int)
    dynamodb_tables(Order, using="orders")


class OrderTests(DynamoDBTestCase):
    tables = (Order,)
    fixtures = ("orders.jsonl",)

    def test_it(self) -> None:
        assert_type(self.dynamodb, EmbeddedEngine)


class ListedTests(DynamoDBTestCase):
    tables = [Order]
