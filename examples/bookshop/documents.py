"""The documents inside items, in both layouts: addresses, and the lines of orders."""

from __future__ import annotations

from dynamodb_py import CharField, Document, IntegerField


class Address(Document):
    """The address of a delivery."""

    name = CharField(required=True)
    street = CharField(required=True)
    city = CharField(required=True)
    country = CharField(required=True, min_length=2, max_length=2)


class Line(Document):
    """A number of copies of one book, at the price of the time of the order."""

    isbn = CharField(required=True)
    title = CharField(required=True)
    quantity = IntegerField(required=True, min_value=1)
    price = IntegerField(required=True)

    @property
    def amount(self) -> int:
        """The price of the line, in cents."""
        return self.quantity * self.price
