"""boto3's client with its own TypeSerializer and TypeDeserializer: items of Python values.

What an application on plain boto3 does to get the values that an ORM gives.
"""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Mapping, Sequence
from typing import Any

import shapes
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from contenders import Contender
from contenders.boto3 import Contestant as Dicts


class Contestant(Dicts):
    """boto3's client, with every value converted by its TypeSerializer and TypeDeserializer."""

    title = "boto3 client and types"
    note = (
        "items pass through TypeSerializer and TypeDeserializer, the datetime through fromisoformat"
    )
    imports = "import boto3, boto3.dynamodb.types"
    cold = f"""
import boto3
from boto3.dynamodb.types import TypeDeserializer
client = boto3.client("dynamodb")
item = client.get_item(TableName={shapes.TABLE!r}, Key={shapes.key(0)!r})["Item"]
decode = TypeDeserializer().deserialize
item = {{name: decode(value) for name, value in item.items()}}
assert item["title"] == {shapes.values(0)["title"]!r}
"""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        self._from_wire = TypeDeserializer().deserialize
        self._to_wire = TypeSerializer().serialize

    def get(self) -> Any:
        return self.decode(super().get())

    def put(self) -> Any:
        return self.client.put_item(TableName=shapes.TABLE, Item=self.encode(shapes.values(1)))

    def query(self) -> list[Any]:
        return [self.decode(item) for item in super().query()]

    def first(self) -> Any:
        return self.decode(super().first())

    def first_filtered(self) -> Any:
        return self.decode(super().first_filtered())

    def slice(self) -> list[Any]:
        return [self.decode(item) for item in super().slice()]

    def batch_get(self, number: int = shapes.PAGE) -> list[Any]:
        return [self.decode(item) for item in super().batch_get(number)]

    def decode(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return the Python values of an item."""
        values = {name: self._from_wire(value) for name, value in item.items()}
        values["created"] = dt.datetime.fromisoformat(values["created"])
        return values

    def encode(self, item: Mapping[str, Any]) -> Mapping[str, Any]:  # type: ignore[override]
        """Write an item's Python values as DynamoDB's dicts; boto3 refuses floats."""
        geo = {key: decimal.Decimal(str(value)) for key, value in item["address"]["geo"].items()}
        values = {
            **item,
            "created": item["created"].isoformat(),
            "rating": decimal.Decimal(str(item["rating"])),
            "scores": [decimal.Decimal(str(score)) for score in item["scores"]],
            "address": {**item["address"], "geo": geo},
        }
        return {name: self._to_wire(value) for name, value in values.items()}

    @staticmethod
    def plain(values: Sequence[Any]) -> list[Any]:
        return Contender.plain(values)
