"""Tests of the bookshop, each on an empty database in its own process."""

from __future__ import annotations

import pytest
import shop
import tables
from documents import Address
from tables import Author, Book, Customer, Order

from dynamodb_py import Throttled, TransactionCanceled
from dynamodb_py.testing import EmbeddedEngine, Faults

pytestmark = pytest.mark.dynamodb_engine(tables=tables.TABLES)


@pytest.fixture
def emma() -> Book:
    """Two copies of a book, and a customer."""
    home = Address(name="Ann", street="1 High Street", city="Bath", country="GB")
    shop.sign_up(tables, "ann", "Ann", home)
    author = Author.create(author_id="austen", name="Jane Austen")
    return Book.create(isbn="1", title="Emma", genre="novel", price=900, stock=2, author=author)


def test_an_order_takes_books_from_the_stock(emma: Book) -> None:
    shop.order(tables, "ann", {"1": 2})
    emma.refresh_from_db()
    assert emma.stock == 0
    assert Order.objects.filter(customer_id="ann").count() == 1


def test_what_is_sold_out_cannot_be_ordered(emma: Book) -> None:
    with pytest.raises(shop.SoldOut):
        shop.order(tables, "ann", {"1": 3})
    assert Order.objects.count() == 0


def test_nothing_is_ordered_while_dynamodb_refuses(emma: Book, dynamodb_faults: Faults) -> None:
    with dynamodb_faults.throttle("GetItem", table=Customer), pytest.raises(Throttled):
        shop.order(tables, "ann", {"1": 1})
    assert Order.objects.count() == 0


def test_what_throttling_cancels_is_not_sold_out(emma: Book, dynamodb_faults: Faults) -> None:
    with dynamodb_faults.throttle("TransactWriteItems"), pytest.raises(TransactionCanceled):
        shop.order(tables, "ann", {"1": 1})


def test_cancelling_puts_back_any_number(emma: Book, dynamodb_engine: EmbeddedEngine) -> None:
    before = dynamodb_engine.snapshot()
    for copies in (1, 2):
        shop.order(tables, "ann", {"1": copies})
        shop.cancel(tables, "ann", 1)
        emma.refresh_from_db()
        assert emma.stock == 2
        dynamodb_engine.restore(before)
