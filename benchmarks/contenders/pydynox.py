"""pydynox, whose core is the AWS SDK for Rust: models, blocking and under asyncio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import shapes
from pydynox import DynamoDBClient, Model, ModelConfig, SyncBatchWriter, SyncTransaction
from pydynox.attributes import (
    BooleanAttribute,
    DatetimeAttribute,
    DecimalAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    StringAttribute,
    StringSetAttribute,
)

from contenders import ACCESS_KEY, REGION, SECRET_KEY, Contender


def _model(client: DynamoDBClient) -> Any:
    class Item(Model):
        model_config = ModelConfig(table=shapes.TABLE, client=client)

        pk = StringAttribute(partition_key=True)
        sk = NumberAttribute(sort_key=True)
        title = StringAttribute()
        body = StringAttribute()
        quantity = NumberAttribute()
        total = DecimalAttribute()
        rating = NumberAttribute()
        active = BooleanAttribute()
        created = DatetimeAttribute()
        tags = StringSetAttribute()
        scores = ListAttribute()
        address: Any = MapAttribute()

    return Item


class Contestant(Contender):
    """pydynox's models."""

    title = "pydynox"
    distribution = "pydynox"
    sets_as_lists = True  # 1.8.0: put() of a model sends {"L": [{"S": ...}]} for a StringSet
    note = (
        "batch writes take its dicts, not models; its models store a string set as a list; "
        "the CPU of its Rust threads is counted"
    )
    imports = "import pydynox, pydynox.attributes"
    cold = f"""
import os
from pydynox import DynamoDBClient, Model, ModelConfig
from pydynox.attributes import NumberAttribute, StringAttribute
class Item(Model):
    model_config = ModelConfig(
        table={shapes.TABLE!r},
        client=DynamoDBClient(endpoint_url=os.environ["AWS_ENDPOINT_URL_DYNAMODB"]),
    )
    pk = StringAttribute(partition_key=True)
    sk = NumberAttribute(sort_key=True)
    title = StringAttribute()
item = Item.sync_get(pk={shapes.PK!r}, sk={shapes.values(0)["sk"]!r})
assert item.title == {shapes.values(0)["title"]!r}
"""

    def __init__(self, endpoint: str) -> None:
        self.client = DynamoDBClient(
            region=REGION, access_key=ACCESS_KEY, secret_key=SECRET_KEY, endpoint_url=endpoint
        )
        self.model = _model(self.client)
        self.sort_key = shapes.values(0)["sk"]

    def get(self) -> Any:
        return self.model.sync_get(pk=shapes.PK, sk=self.sort_key)

    async def aget(self) -> Any:
        return await self.model.get(pk=shapes.PK, sk=self.sort_key)

    def put(self) -> Any:
        return self.model(**shapes.values(1)).sync_save()

    def create(self) -> Any:
        return self.model(**shapes.values(1)).sync_save(condition=self.model.pk.not_exists())

    def transaction(self) -> None:
        with SyncTransaction(self.client) as writes:
            for n in range(shapes.IN_TRANSACTION):
                item = self.model(**shapes.values(n))
                writes.save_model(item, condition=self.model.pk.not_exists())

    def update(self) -> Any:
        number = next(self.numbers)
        return self.loaded.sync_update(title=f"Order, revision {number}", quantity=number)

    def save(self) -> Any:
        self.loaded.quantity = next(self.numbers)
        return self.loaded.sync_save()

    def save_list(self) -> Any:
        self.loaded.scores = [next(self.numbers), *self.loaded.scores[1:]]
        return self.loaded.sync_save()

    def save_list_shift(self) -> Any:
        self.loaded.scores = [next(self.numbers), *self.loaded.scores[:-1]]
        return self.loaded.sync_save()

    def delete(self) -> Any:
        return self.deleted.sync_delete()

    def query(self) -> list[Any]:
        return list(self.model.sync_query(partition_key=shapes.PK))

    def first(self) -> Any:
        return next(iter(self.model.sync_query(partition_key=shapes.PK, limit=1, page_size=1)))

    def first_filtered(self) -> Any:
        model: Any = self.model
        above, enough = model.sk > self.sort_key - 1, model.quantity > 2
        found = model.sync_query(
            partition_key=shapes.PK, sort_key_condition=above, filter_condition=enough
        )
        return next(iter(found))

    def slice(self) -> list[Any]:
        found = self.model.sync_query(
            partition_key=shapes.PK,
            sort_key_condition=self.model.sk > self.sort_key - 1,
            limit=shapes.SLICE,
            page_size=shapes.SLICE,
            scan_index_forward=False,
        )
        return list(found)

    def values_list(self) -> list[Any]:
        found = self.model.sync_query(
            partition_key=shapes.PK, as_dict=True, fields=list(shapes.PROJECTED)
        )
        return [(item["title"], item["quantity"]) for item in found]

    def batch_get(self, number: int = shapes.PAGE) -> list[Any]:
        keys = [{"pk": shapes.PK, "sk": self.sort_key + n} for n in range(number)]
        items: list[Any] = self.model.sync_batch_get(keys)
        return items

    def batch_write(self, items: Sequence[Mapping[str, Any]]) -> None:
        with SyncBatchWriter(self.client, shapes.TABLE) as batch:
            for item in items:
                batch.put({**item, "created": item["created"].isoformat()})
