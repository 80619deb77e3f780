"""The functions of the bookshop, for both layouts of its tables.

Each function takes the module of the models, ``tables`` or ``single``, as its first argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from documents import Address, Line

from dynamodb_py import F, Table, TransactionCanceled, save_all, transaction


class SoldOut(Exception):
    """There are not enough copies in stock."""


def open_shop(models: Any) -> None:
    """Create the tables."""
    for table in models.TABLES:
        Table(table).create()


def close_shop(models: Any) -> None:
    """Delete the tables with all items."""
    for table in models.TABLES:
        Table(table).delete()


def stock_up(models: Any, authors: Iterable[Any], books: Iterable[Any]) -> None:
    """Write authors and books, 25 in each request."""
    save_all([*authors, *books])


def shelf(models: Any, genre: str, count: int = 100) -> list[tuple[str, str]]:
    """Return the titles and authors of a genre: a Query, and a BatchGetItem for the authors."""
    books = models.Book.objects.filter(genre=genre).prefetch_related("author")[:count]
    return [(book.title, book.author.name) for book in books]


def bibliography(models: Any, author_id: str) -> list[str]:
    """Return the titles of an author: a GetItem, and a Query of the index on authors."""
    author = models.Author.objects.get(author_id=author_id)
    return [book.title for book in author.books.all()]


def sign_up(models: Any, customer_id: str, name: str, address: Address) -> Any:
    """Create a customer. An existing customer does not change and raises AlreadyExists."""
    return models.Customer.create(customer_id=customer_id, name=name, address=address)


def order(models: Any, customer_id: str, wanted: Mapping[str, int]) -> Any:
    """Order copies of books, if there are enough of all of them.

    A GetItem, a BatchGetItem and a transaction.
    """
    customer = models.Customer.objects.get(customer_id=customer_id)
    books = models.Book.batch_get(*({"isbn": isbn} for isbn in wanted))
    new = models.Order(
        customer_id=customer_id,
        number=customer.orders + 1,
        address=customer.address,
        lines=[
            Line(isbn=b.isbn, title=b.title, quantity=wanted[b.isbn], price=b.price) for b in books
        ],
    )
    if len(books) < len(wanted):
        raise SoldOut(f"there is no {', '.join(sorted(wanted.keys() - {b.isbn for b in books}))}")
    try:
        with transaction.atomic():
            for book in books:
                count = wanted[book.isbn]
                book.update(stock=F("stock") - count, condition=models.Book.stock >= count)
            # Of two orders at the same time, one finds another number than it has read.
            customer.update(
                orders=F("orders") + 1, condition=models.Customer.orders == customer.orders
            )
            new.save(force_insert=True)
    except TransactionCanceled as error:
        codes = [reason.code for reason in error.reasons]  # in the order of the calls
        titles = [
            book.title
            for book, code in zip(books, codes, strict=False)
            if code == "ConditionalCheckFailed"  # other codes: throttling, another transaction
        ]
        if not titles:
            raise
        raise SoldOut(f"not enough copies of {', '.join(titles)}") from error
    return new


def cancel(models: Any, customer_id: str, number: int) -> None:
    """Cancel an order that was not sent, and put the books back into stock: a GetItem and a transaction."""
    placed = models.Order.objects.get(customer_id=customer_id, number=number)
    with transaction.atomic():
        placed.update(status="cancelled", condition=models.Order.status == "placed")
        for line in placed.lines:
            models.Book.objects.filter(isbn=line.isbn).update(stock=F("stock") + line.quantity)


def send(models: Any, customer_id: str, number: int) -> None:
    """Mark an order as sent, unless it was cancelled: an UpdateItem."""
    found = models.Order.objects.filter(customer_id=customer_id, number=number)
    found.update(status="sent", condition=models.Order.status == "placed")


def redirect(models: Any, customer_id: str, number: int, city: str) -> None:
    """Send an order to another city: a GetItem, and an UpdateItem that writes only the city."""
    placed = models.Order.objects.get(customer_id=customer_id, number=number)
    placed.address.city = city
    placed.save()


def latest(models: Any, customer_id: str, count: int = 3) -> list[int]:
    """Return the numbers of the latest orders: a Query."""
    found = models.Order.objects.filter(customer_id=customer_id).reverse()[:count]
    return [placed.number for placed in found]


def statement(models: Any, customer_id: str) -> str:
    """Return the orders of a customer and their prices."""
    customer, orders = models.account(customer_id)
    lines = [f"{customer.name}, {customer.address.city}"]
    for each in orders:
        amount = sum(line.amount for line in each.lines)
        lines.append(f"{each.number}: {each.status}, {amount / 100:.2f}, to {each.address.city}")
    return "\n".join(lines)
