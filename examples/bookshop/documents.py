"""What lies inside of items, in both layouts: addresses, and the lines of orders."""

from __future__ import annotations

from dynamodb_py import CharField, Document, IntegerField


class Address(Document):
    """Where something is sent to."""

    name = CharField(required=True)
    street = CharField(required=True)
    city = CharField(required=True)
    country = CharField(required=True, min_length=2, max_length=2)


class Line(Document):
    """So many copies of one book, at the price that it had."""

    isbn = CharField(required=True)
    title = CharField(required=True)
    quantity = IntegerField(required=True, min_value=1)
    price = IntegerField(required=True)

    @property
    def amount(self) -> int:
        """What the line costs, in cents."""
        return self.quantity * self.price
