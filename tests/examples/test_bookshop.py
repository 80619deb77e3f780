"""The bookshop of ``examples/bookshop``: the same steps over four tables and over one, request by request."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
import uuid
from collections import Counter
from pathlib import Path

import pytest

from dynamodb_py import AlreadyExists, ConditionFailed, Table

from ..integration.recording import record

PLACE = Path(__file__).parent.parent.parent / "examples" / "bookshop"
sys.path.insert(0, str(PLACE))
try:
    documents, shop, single, tables = map(
        importlib.import_module, ["documents", "shop", "single", "tables"]
    )
finally:
    sys.path.remove(str(PLACE))

TABLES = [*tables.TABLES, *single.TABLES]
BOOKS = 100
AUTHORS = 10


@pytest.fixture(params=[tables, single], ids=["tables", "single"])
def models(request):
    """The models of either layout."""
    return request.param


@pytest.fixture
def requests(engine):
    """Return what was sent since the last time, and how often."""
    sent = record(engine.connection)

    def since():
        calls = Counter(sent.calls)
        sent.clear()
        return dict(calls)

    return since


@pytest.fixture
def home():
    return documents.Address(name="Ann", street="1 High Street", city="Bath", country="GB")


@pytest.fixture
def stocked(engine, models):
    """A genre of its own with some books of two authors, two copies of each."""
    return stock(models, 5, 2)


@pytest.fixture
def full(engine, models):
    """A genre of its own with a hundred books of ten authors, by when the indexes have them."""
    mark = stock(models, BOOKS, AUTHORS)
    author = models.Author.objects.get(author_id=f"{mark}-a3")
    until = time.monotonic() + 60  # ExtendDB's global indexes lag by some milliseconds
    while time.monotonic() < until:
        of_genre = len(list(models.Book.objects.filter(genre=mark)))
        of_author = len(list(author.books.all()))
        if (of_genre, of_author) == (BOOKS, BOOKS // AUTHORS):
            break
        time.sleep(0.002)
    return mark


def stock(models, of_books, of_authors):
    """Write so many books and authors, and return what their keys begin with."""
    mark = uuid.uuid4().hex[:8]
    authors = [
        models.Author(author_id=f"{mark}-a{at}", name=f"Author {at}") for at in range(of_authors)
    ]
    books = [
        models.Book(
            isbn=f"{mark}-{at:03d}",
            title=f"Title {at:03d}",
            genre=mark,
            price=100 + at,
            stock=2,
            author=authors[at % of_authors],
        )
        for at in range(of_books)
    ]
    shop.stock_up(models, authors, books)
    return mark


def test_stock_is_written_25_to_a_request(stocked, models, requests):
    author = models.Author(author_id=f"{stocked}-b", name="B")
    books = [
        models.Book(isbn=f"{stocked}-b{at}", title=f"B {at}", genre="b", price=1, author=author)
        for at in range(49)
    ]
    requests()
    shop.stock_up(models, [author], books)
    assert requests() == {"BatchWriteItem": 2}


def test_a_page_of_100_books_with_their_authors_is_two_requests(full, models, requests):
    requests()
    found = shop.shelf(models, full, 100)
    assert requests() == {"Query": 1, "BatchGetItem": 1}
    assert found[:2] == [("Title 000", "Author 0"), ("Title 001", "Author 1")]
    assert len(found) == BOOKS


def test_the_books_of_an_author_are_one_query_more(full, models, requests):
    requests()
    found = shop.bibliography(models, f"{full}-a3")
    assert requests() == {"GetItem": 1, "Query": 1}
    assert found == [f"Title {at:03d}" for at in range(3, BOOKS, AUTHORS)]


def test_a_customer_signs_up_once(stocked, models, requests, home):
    requests()
    shop.sign_up(models, stocked, "Ann", home)
    assert requests() == {"PutItem": 1}
    with pytest.raises(AlreadyExists):
        shop.sign_up(models, stocked, "Bob", home)
    customer = models.Customer.objects.get(customer_id=stocked)
    assert (customer.name, customer.address.city) == ("Ann", "Bath")


def test_an_order_is_a_transaction(stocked, models, requests, home):
    shop.sign_up(models, stocked, "Ann", home)
    requests()
    made = shop.order(models, stocked, {f"{stocked}-000": 1, f"{stocked}-001": 2})
    assert requests() == {"GetItem": 1, "BatchGetItem": 1, "TransactWriteItems": 1}
    assert made.number == 1
    assert [(line.title, line.amount) for line in made.lines] == [
        ("Title 000", 100),
        ("Title 001", 202),
    ]
    left = models.Book.batch_get({"isbn": f"{stocked}-000"}, {"isbn": f"{stocked}-001"})
    assert [book.stock for book in left] == [1, 0]


def test_nothing_is_ordered_where_there_is_not_enough(stocked, models, requests, home):
    shop.sign_up(models, stocked, "Ann", home)
    with pytest.raises(shop.SoldOut, match="not enough copies of Title 001"):
        shop.order(models, stocked, {f"{stocked}-000": 1, f"{stocked}-001": 3})
    with pytest.raises(shop.SoldOut, match="there is no nothing"):
        shop.order(models, stocked, {f"{stocked}-000": 1, "nothing": 1})
    assert models.Book.get(isbn=f"{stocked}-000").stock == 2
    customer, orders = models.account(stocked)
    assert (customer.orders, orders) == (0, [])


def test_a_cancelled_order_puts_the_books_back(stocked, models, requests, home):
    shop.sign_up(models, stocked, "Ann", home)
    shop.order(models, stocked, {f"{stocked}-000": 2})
    requests()
    shop.cancel(models, stocked, 1)
    assert requests() == {"GetItem": 1, "TransactWriteItems": 1}
    assert models.Book.get(isbn=f"{stocked}-000").stock == 2
    with pytest.raises(ConditionFailed):
        shop.send(models, stocked, 1)


def test_an_order_is_sent_by_one_request(stocked, models, requests, home):
    shop.sign_up(models, stocked, "Ann", home)
    shop.order(models, stocked, {f"{stocked}-000": 1})
    requests()
    shop.send(models, stocked, 1)
    assert requests() == {"UpdateItem": 1}
    assert models.Order.objects.get(customer_id=stocked, number=1).status == "sent"


def test_nothing_but_the_city_is_written_of_an_address(stocked, models, requests, home):
    shop.sign_up(models, stocked, "Ann", home)
    shop.order(models, stocked, {f"{stocked}-000": 1})
    requests()
    shop.redirect(models, stocked, 1, "London")
    assert requests() == {"GetItem": 1, "UpdateItem": 1}
    order = models.Order.objects.get(customer_id=stocked, number=1)
    assert (order.address.city, order.address.street) == ("London", "1 High Street")
    assert models.Customer.objects.get(customer_id=stocked).address.city == "Bath"


def test_the_latest_orders_are_one_query(stocked, models, requests, home):
    shop.sign_up(models, stocked, "Ann", home)
    for at in range(5):
        shop.order(models, stocked, {f"{stocked}-{at:03d}": 1})
    requests()
    assert shop.latest(models, stocked) == [5, 4, 3]
    assert requests() == {"Query": 1}


@pytest.mark.parametrize(
    ("models", "expected"),
    [(tables, {"GetItem": 1, "Query": 1}), (single, {"Query": 1})],
    ids=["tables", "single"],
    indirect=["models"],
)
def test_a_customer_with_all_orders(stocked, models, expected, requests, home):
    shop.sign_up(models, stocked, "Ann", home)
    shop.order(models, stocked, {f"{stocked}-000": 1, f"{stocked}-001": 2})
    shop.order(models, stocked, {f"{stocked}-002": 1})
    shop.cancel(models, stocked, 2)
    requests()
    assert shop.statement(models, stocked) == (
        "Ann, Bath\n1: placed, 3.02, to Bath\n2: cancelled, 1.02, to Bath"
    )
    assert requests() == expected


def test_the_tables_are_what_the_models_say(engine, models):
    assert [Table(each).diff() for each in models.TABLES] == [[] for _ in models.TABLES]


def test_its_own_tests_pass_on_the_testing_kit():
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, str(PLACE / "test_shop.py")],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=PLACE.parent.parent,
        env={**os.environ, "PYTHONPATH": str(PLACE)},
    )
    assert "\n5 passed" in done.stdout, done.stdout + done.stderr


def test_the_story_runs_as_a_program():
    done = subprocess.run(
        [sys.executable, str(PLACE / "main.py")],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=PLACE.parent.parent,
    )
    assert done.returncode == 0, done.stderr
    of_tables, of_one = done.stdout.split("single:\n")
    assert of_tables == f"tables:\n{of_one}"
    assert "on the shelf: Emma by Jane Austen" in of_one
    assert "1: sent, 33.00, to London" in of_one
