"""The model after the change: a name was one text before, and cities have an index now."""

from __future__ import annotations

from dynamodb_py import CharField, GlobalIndex, Model


class Customer(Model):
    class Meta:
        table_name = "customers"

    id = CharField(hash_key=True)
    first = CharField()
    last = CharField()
    city = CharField(name="town")
    by_city = GlobalIndex(hash_key="city")

    name = CharField()
    """Of the version before; a release later, the field and the attribute can go."""
