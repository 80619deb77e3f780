"""PynamoDB, with models."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import shapes
from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.connection import Connection
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from contenders import ACCESS_KEY, REGION, SECRET_KEY, Contender


class IsoDateTimeAttribute(UTCDateTimeAttribute):
    """ISO 8601 with ``+00:00``; PynamoDB's own attribute reads ``+0000`` alone."""

    def serialize(self, value: dt.datetime) -> str:
        return value.isoformat()

    def deserialize(self, value: str) -> dt.datetime:
        return dt.datetime.fromisoformat(value)


def _model(endpoint: str) -> Any:
    class Item(Model):
        class Meta:
            table_name = shapes.TABLE
            region = REGION
            host = endpoint
            aws_access_key_id = ACCESS_KEY
            aws_secret_access_key = SECRET_KEY

        pk = UnicodeAttribute(hash_key=True)
        sk = NumberAttribute(range_key=True)
        title = UnicodeAttribute()
        body = UnicodeAttribute()
        quantity = NumberAttribute()
        total = NumberAttribute()
        rating = NumberAttribute()
        active = BooleanAttribute()
        created = IsoDateTimeAttribute()
        tags = UnicodeSetAttribute()
        scores: Any = ListAttribute()
        address: Any = MapAttribute()

    return Item


class Contestant(Contender):
    """PynamoDB's models."""

    title = "PynamoDB"
    distribution = "pynamodb"
    note = "no decimals: total is a float"
    imports = "import pynamodb.models, pynamodb.attributes"
    cold = f"""
from pynamodb.models import Model
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
class Item(Model):
    class Meta:
        table_name = {shapes.TABLE!r}
    pk = UnicodeAttribute(hash_key=True)
    sk = NumberAttribute(range_key=True)
    title = UnicodeAttribute()
item = Item.get({shapes.PK!r}, {shapes.values(0)["sk"]!r})
assert item.title == {shapes.values(0)["title"]!r}
"""

    def __init__(self, endpoint: str) -> None:
        self.model = _model(endpoint)
        self.connection = Connection(
            region=REGION,
            host=endpoint,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )
        self.sort_key = shapes.values(0)["sk"]

    def get(self) -> Any:
        return self.model.get(shapes.PK, self.sort_key)

    def put(self) -> Any:
        return self.model(**self._values(shapes.values(1))).save()

    def create(self) -> Any:
        item = self.model(**self._values(shapes.values(1)))
        return item.save(condition=self.model.pk.does_not_exist())

    def transaction(self) -> None:
        absent = self.model.pk.does_not_exist()
        with TransactWrite(connection=self.connection) as writes:
            for n in range(shapes.IN_TRANSACTION):
                writes.save(self.model(**self._values(shapes.values(n))), condition=absent)

    def update(self) -> Any:
        number = next(self.numbers)
        model = self.model
        return self.loaded.update(
            actions=[model.title.set(f"Order, revision {number}"), model.quantity.set(number)]
        )

    def save(self) -> Any:
        self.loaded.quantity = next(self.numbers)
        return self.loaded.save()

    def save_list(self) -> Any:
        self.loaded.scores[0] = next(self.numbers)
        return self.loaded.save()

    def save_list_shift(self) -> Any:
        self.loaded.scores = [next(self.numbers), *self.loaded.scores[:-1]]
        return self.loaded.save()

    def delete(self) -> Any:
        return self.deleted.delete()

    def query(self) -> list[Any]:
        return list(self.model.query(shapes.PK))

    def first(self) -> Any:
        return next(self.model.query(shapes.PK, limit=1))

    def first_filtered(self) -> Any:
        model = self.model
        above, enough = model.sk > self.sort_key - 1, model.quantity > 2
        return next(model.query(shapes.PK, above, enough))

    def slice(self) -> list[Any]:
        above = self.model.sk > self.sort_key - 1
        found = self.model.query(shapes.PK, above, scan_index_forward=False, limit=shapes.SLICE)
        return list(found)

    def values_list(self) -> list[Any]:
        found = self.model.query(shapes.PK, attributes_to_get=list(shapes.PROJECTED))
        return [(item.title, item.quantity) for item in found]

    def batch_get(self, number: int = shapes.PAGE) -> list[Any]:
        keys = [(shapes.PK, self.sort_key + n) for n in range(number)]
        return list(self.model.batch_get(keys))

    def batch_write(self, items: Sequence[Mapping[str, Any]]) -> None:
        with self.model.batch_write() as batch:
            for item in items:
                batch.save(self.model(**self._values(item)))

    @staticmethod
    def _values(item: Mapping[str, Any]) -> dict[str, Any]:
        return {**item, "total": float(item["total"])}
