"""The engines side by side, with one table that the tests of a module share by keys of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .differences import DIFFERENCES
from .peers import Bench, HttpCaller

TABLE = {
    "TableName": "things",
    "KeySchema": [
        {"AttributeName": "h", "KeyType": "HASH"},
        {"AttributeName": "r", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": "h", "AttributeType": "S"},
        {"AttributeName": "r", "AttributeType": "N"},
        {"AttributeName": "l", "AttributeType": "S"},
        {"AttributeName": "g", "AttributeType": "S"},
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "by_l",
            "KeySchema": [
                {"AttributeName": "h", "KeyType": "HASH"},
                {"AttributeName": "l", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_g",
            "KeySchema": [
                {"AttributeName": "g", "KeyType": "HASH"},
                {"AttributeName": "l", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Have what compares run where one of the others is chosen: it fetches and starts both."""
    if "bench" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.engines("dynoxide", "extenddb", embedded=False))


@pytest.fixture(scope="module")
def bench(servers) -> Iterator[Bench]:
    callers = {name: HttpCaller(servers[name].port) for name in ("dynoxide", "extenddb")}
    bench = Bench(callers, DIFFERENCES)
    bench.send_to_all("CreateTable", **TABLE)
    yield bench
    bench.send_to_all("DeleteTable", TableName="things")
    for caller in callers.values():
        caller.close()
    bench.engine.close()
