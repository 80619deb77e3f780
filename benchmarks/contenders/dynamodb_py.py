"""dynamodb_py itself, with a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, ClassVar

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
)
from dynamodb_py.connections import get_connection
from dynamodb_py.flows import run
from dynamodb_py.operations.queries import Expressions, Query


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
        self.loaded: Any = None
        self.numbers = count()

    def get(self) -> Any:
        return Item.objects.get(customer=shapes.PK, sk=self.sort_key)

    async def aget(self) -> Any:
        return await Item.objects.aget(customer=shapes.PK, sk=self.sort_key)

    def put(self) -> Any:
        return Item(**self._values(shapes.values(1))).save()

    def update(self) -> Any:
        if self.loaded is None:
            self.loaded = self.get()
        number = next(self.numbers)
        self.loaded.title = f"Order, revision {number}"
        self.loaded.quantity = number
        return self.loaded.save()

    def query(self) -> list[Any]:
        return list(Item.objects.filter(customer=shapes.PK))

    def first(self) -> Any:
        return Item.objects.filter(customer=shapes.PK).first()

    def first_filtered(self) -> Any:
        return Item.objects.filter(
            customer=shapes.PK, sk__gt=self.sort_key - 1, quantity__gt=2
        ).first()

    # The same by a Query that is spelled by hand: what a query set costs is what it costs over these.
    bare: ClassVar[Mapping[str, tuple[str, str]]] = {
        "first": ("first", "bare_first"),
        "first_filtered": ("first_filtered", "bare_first_filtered"),
        "query_unread": ("query", "bare_query"),
    }

    def bare_first(self) -> Any:
        said = Expressions("#0 = :0", names={"#0": "pk"}, values={":0": {"S": shapes.PK}})
        page = run(iter(Query(shapes.TABLE, said, limit=1)), get_connection())
        return Item._load(page.items[0])

    def bare_first_filtered(self) -> Any:
        said = Expressions(
            "(#0 = :0 AND #1 > :1)",
            "#2 > :2",
            names={"#0": "pk", "#1": "sk", "#2": "quantity"},
            values={
                ":0": {"S": shapes.PK},
                ":1": {"N": str(self.sort_key - 1)},
                ":2": {"N": "2"},
            },
        )
        page = run(iter(Query(shapes.TABLE, said)), get_connection())
        return Item._load(page.items[0])

    def bare_query(self) -> list[Any]:
        said = Expressions("#0 = :0", names={"#0": "pk"}, values={":0": {"S": shapes.PK}})
        page = run(iter(Query(shapes.TABLE, said)), get_connection())
        return list(map(Item._load, page.items))

    def batch_get(self) -> list[Any]:
        keys = [(shapes.PK, self.sort_key + n) for n in range(shapes.PAGE)]
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
