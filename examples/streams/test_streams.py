"""Tests of the receivers, each on an empty database in its own process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import totals
from models import AppliedChange, CustomerTotal, Order
from search import SearchIndex

from dynamodb_py.signals import item_changed
from dynamodb_py.testing import EmbeddedEngine

pytestmark = pytest.mark.dynamodb_engine(tables=[Order, CustomerTotal, AppliedChange])


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SearchIndex]:
    """An index that a receiver keeps up to date."""
    index = SearchIndex(str(tmp_path / "index.db"))
    item_changed.connect(index.index, sender=Order)
    yield index
    item_changed.disconnect(index.index)
    index.connection.close()


@pytest.fixture
def records() -> Iterator[list[Any]]:
    """The delivered records."""
    found: list[Any] = []

    def note(record: Any, **kwargs: Any) -> None:
        found.append(record)

    item_changed.connect(note, sender=Order)
    yield found
    item_changed.disconnect(note)


def read_totals() -> dict[str, tuple[int, int]]:
    return {each.customer: (each.amount, each.orders) for each in CustomerTotal.objects.all()}


def test_totals_follow_the_orders(dynamodb_engine: EmbeddedEngine) -> None:
    first = Order.create(number="1", customer="ann", amount=30)
    Order.create(number="2", customer="ann", amount=5)
    dynamodb_engine.deliver_changes(Order)
    assert read_totals() == {"ann": (35, 2)}
    first.customer, first.amount = "bob", 31
    first.save()
    Order.get(number="2").delete()
    dynamodb_engine.deliver_changes(Order)
    assert read_totals() == {"ann": (0, 0), "bob": (31, 1)}


def test_a_change_counts_once(dynamodb_engine: EmbeddedEngine, records: list[Any]) -> None:
    Order.create(number="1", customer="ann", amount=30)
    dynamodb_engine.deliver_changes(Order)
    for record in records:
        totals.add_up(Order, record)
    assert read_totals() == {"ann": (30, 1)}


def test_the_index_follows_the_notes(dynamodb_engine: EmbeddedEngine, index: SearchIndex) -> None:
    first = Order.create(number="1", customer="ann", amount=30, note="a red lamp")
    Order.create(number="2", customer="bob", amount=5, note="red paper, no lamp")
    dynamodb_engine.deliver_changes(Order)
    assert index.find("red") == ["1", "2"]
    first.note = "a green lamp"
    first.save()
    Order.get(number="2").delete()
    dynamodb_engine.deliver_changes(Order)
    assert (index.find("red"), index.find("green lamp")) == ([], ["1"])


def test_the_index_passes_over_changes_that_are_not_newer(
    dynamodb_engine: EmbeddedEngine, index: SearchIndex, records: list[Any]
) -> None:
    order = Order.create(number="1", customer="ann", amount=30, note="red")
    order.note = "green"
    order.save()
    order.delete()
    dynamodb_engine.deliver_changes(Order)
    for record in records:
        index.index(Order, record)
    assert index.find("red OR green") == []
