"""The bookshop with a table for each model: the usual way."""

from __future__ import annotations

from documents import Address, Line

from dynamodb_py import (
    CharField,
    DateTimeField,
    EmbeddedField,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    ListField,
    Model,
)


class Author(Model):
    """An author of books."""

    class Meta:
        table_name = "bookshop-authors"

    author_id = CharField(hash_key=True)
    name = CharField(required=True)


class Book(Model):
    """A book, and the number of its copies in stock."""

    class Meta:
        table_name = "bookshop-books"

    isbn = CharField(hash_key=True)
    title = CharField(required=True)
    genre = CharField(required=True)
    price = IntegerField(required=True)  # in cents
    stock = IntegerField(default=0)
    author = ForeignKey(Author, required=True, related_name="books")

    by_author = GlobalIndex(hash_key="author", range_key="title")
    by_genre = GlobalIndex(hash_key="genre", range_key="title")


class Customer(Model):
    """A customer, who buys books."""

    class Meta:
        table_name = "bookshop-customers"

    customer_id = CharField(hash_key=True)
    name = CharField(required=True)
    address = EmbeddedField(Address)
    orders = IntegerField(default=0)  # the number of orders so far


class Order(Model):
    """An order of a customer."""

    class Meta:
        table_name = "bookshop-orders"

    customer_id = CharField(hash_key=True)
    number = IntegerField(range_key=True)
    placed = DateTimeField(auto_now_add=True)
    status = CharField(default="placed", choices=["placed", "sent", "cancelled"])
    address = EmbeddedField(Address, required=True)
    lines = ListField(Line, default=list)


TABLES = [Author, Book, Customer, Order]


def account(customer_id: str) -> tuple[Customer, list[Order]]:
    """Return a customer and all orders, by number: a GetItem and a Query."""
    customer = Customer.objects.get(customer_id=customer_id)
    return customer, list(Order.objects.filter(customer_id=customer_id))
