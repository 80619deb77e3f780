"""The model after the change: the name is two fields, and cities have an index."""

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
    """The field of the version before. One release later, the field and the attribute can be removed."""
