"""dynamodb_py itself, with a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import shapes

from contenders import ACCESS_KEY, REGION, SECRET_KEY, Contender
from dynamodb_py import (
    BooleanField,
    CharField,
    DateTimeField,
    DecimalField,
    DictField,
    FloatField,
    IntegerField,
    ListField,
    Model,
    SetField,
    connect,
    transaction,
)


class Item(Model):
    """The item of the benchmarks."""

    class Meta:
        table_name = shapes.TABLE

    customer = CharField(name="pk", hash_key=True)
    sk = IntegerField(range_key=True)
    title = CharField()
    body = CharField()
    quantity = IntegerField()
    total = DecimalField()
    rating = FloatField()
    active = BooleanField()
    created = DateTimeField()
    tags = SetField(str)
    scores = ListField(float)
    address = DictField()


class Contestant(Contender):
    """dynamodb_py's models."""

    title = "dynamodb_py"
    distribution = "dynamodb_py"
    note = "an update is two assignments to a loaded instance, and save()"
    imports = "import dynamodb_py"
    cold = f"""
from dynamodb_py import CharField, IntegerField, Model
class Item(Model):
    class Meta:
        table_name = {shapes.TABLE!r}
    customer = CharField(name="pk", hash_key=True)
    sk = IntegerField(range_key=True)
    title = CharField()
item = Item.objects.get(customer={shapes.PK!r}, sk={shapes.values(0)["sk"]!r})
assert item.title == {shapes.values(0)["title"]!r}
"""

    def __init__(self, endpoint: str) -> None:
        connect(
            region_name=REGION,
            endpoint_url=endpoint,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )
        self.sort_key = shapes.values(0)["sk"]

    def get(self) -> Any:
        return Item.objects.get(customer=shapes.PK, sk=self.sort_key)

    async def aget(self) -> Any:
        return await Item.objects.aget(customer=shapes.PK, sk=self.sort_key)

    def put(self) -> Any:
        return Item(**self._values(shapes.values(1))).save()

    def create(self) -> Any:
        return Item.create(**self._values(shapes.values(1)))

    def transaction(self) -> None:
        with transaction.atomic():
            for n in range(shapes.IN_TRANSACTION):
                Item.create(**self._values(shapes.values(n)))

    def update(self) -> Any:
        number = next(self.numbers)
        self.loaded.title = f"Order, revision {number}"
        self.loaded.quantity = number
        return self.loaded.save()

    def save(self) -> Any:
        self.loaded.quantity = next(self.numbers)
        return self.loaded.save()

    def save_list(self) -> Any:
        self.loaded.scores[0] = next(self.numbers)
        return self.loaded.save()

    def save_list_shift(self) -> Any:
        scores = self.loaded.scores
        scores.insert(0, next(self.numbers))
        del scores[-1]
        return self.loaded.save()

    def delete(self) -> Any:
        return self.deleted.delete()

    def query(self) -> list[Any]:
        return list(Item.objects.filter(customer=shapes.PK))

    def first(self) -> Any:
        return Item.objects.filter(customer=shapes.PK).first()

    def first_filtered(self) -> Any:
        return Item.objects.filter(
            customer=shapes.PK, sk__gt=self.sort_key - 1, quantity__gt=2
        ).first()

    def slice(self) -> list[Any]:
        above = Item.objects.filter(customer=shapes.PK, sk__gt=self.sort_key - 1)
        return list(above.order_by("-sk")[: shapes.SLICE])

    def values_list(self) -> list[Any]:
        return list(Item.objects.filter(customer=shapes.PK).values_list(*shapes.PROJECTED))

    def batch_get(self, number: int = shapes.PAGE) -> list[Any]:
        keys = [(shapes.PK, self.sort_key + n) for n in range(number)]
        return list(Item.objects.batch_get(*keys))

    def batch_write(self, items: Sequence[Mapping[str, Any]]) -> None:
        Item.batch_write([Item(**self._values(item)) for item in items], overwrite=True)

    @staticmethod
    def read(item: Any) -> tuple[Any, ...]:
        return (
            item.customer,
            item.sk,
            item.title,
            item.body,
            item.quantity,
            item.total,
            item.rating,
            item.active,
            item.created,
            item.tags,
            item.scores,
            item.address,
        )

    @staticmethod
    def _values(item: Mapping[str, Any]) -> dict[str, Any]:
        values = dict(item)
        values["customer"] = values.pop("pk")
        return values
