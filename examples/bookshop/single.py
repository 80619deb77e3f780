"""The bookshop in a single table, with two indexes that its models share.

======== ===================== ================ ======================== ==============
Item     pk                    sk               gsi1pk, gsi1sk           gsi2pk, gsi2sk
======== ===================== ================ ======================== ==============
Author   AUTHOR#{author_id}    AUTHOR
Book     BOOK#{isbn}           BOOK             AUTHOR#{...}, title      GENRE#{genre}, title
Customer CUSTOMER#{...}        CUSTOMER
Order    CUSTOMER#{...}        ORDER#{number}
======== ===================== ================ ======================== ==============

A customer and the orders have the same hash key, so one Query returns all of them.
"""

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
    SharedTable,
)


class Shop(SharedTable):
    """The table."""

    class Meta:
        table_name = "bookshop"

    pk = CharField(hash_key=True)
    sk = CharField(range_key=True)
    gsi1pk = CharField()
    gsi1sk = CharField()
    gsi2pk = CharField()
    gsi2sk = CharField()
    gsi1 = GlobalIndex(hash_key="gsi1pk", range_key="gsi1sk")
    gsi2 = GlobalIndex(hash_key="gsi2pk", range_key="gsi2sk")


class Author(Model):
    """An author of books."""

    class Meta:
        table = Shop
        keys = {"pk": "AUTHOR#{author_id}", "sk": "AUTHOR"}

    author_id = CharField()
    name = CharField(required=True)


class Book(Model):
    """A book, and the number of its copies in stock."""

    class Meta:
        table = Shop
        keys = {
            "pk": "BOOK#{isbn}",
            "sk": "BOOK",
            "gsi1pk": "AUTHOR#{author_id}",
            "gsi1sk": "BOOK#{title}",
            "gsi2pk": "GENRE#{genre}",
            "gsi2sk": "BOOK#{title}",
        }

    isbn = CharField()
    title = CharField(required=True)
    genre = CharField(required=True)
    price = IntegerField(required=True)  # in cents
    stock = IntegerField(default=0)
    author = ForeignKey(Author, required=True, related_name="books")


class Customer(Model):
    """A customer, who buys books."""

    class Meta:
        table = Shop
        keys = {"pk": "CUSTOMER#{customer_id}", "sk": "CUSTOMER"}

    customer_id = CharField()
    name = CharField(required=True)
    address = EmbeddedField(Address)
    orders = IntegerField(default=0)  # the number of orders so far


class Order(Model):
    """An order of a customer."""

    class Meta:
        table = Shop
        keys = {"pk": "CUSTOMER#{customer_id}", "sk": "ORDER#{number:06d}"}

    customer_id = CharField()
    number = IntegerField()
    placed = DateTimeField(auto_now_add=True)
    status = CharField(default="placed", choices=["placed", "sent", "cancelled"])
    address = EmbeddedField(Address, required=True)
    lines = ListField(Line, default=list)


TABLES = [Shop]


def account(customer_id: str) -> tuple[Customer, list[Order]]:
    """Return a customer and all orders, by number: one Query."""
    found = Shop.collection(customer_id=customer_id)
    return found.one(Customer), found.of(Order)
