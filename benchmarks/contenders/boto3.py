"""boto3's client, and items as the dicts that it takes and gives: ``{"title": {"S": "..."}}``.

The cheapest way to use boto3: numbers stay text, datetimes too, nothing is converted.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import boto3
import shapes

from contenders import ACCESS_KEY, REGION, SECRET_KEY, Contender, read_keys


class Contestant(Contender):
    """boto3's client with DynamoDB's own dicts."""

    title = "boto3 client"
    distribution = "boto3"
    note = "items are DynamoDB's dicts as they come: nothing is converted"
    imports = "import boto3"
    cold = f"""
import boto3
client = boto3.client("dynamodb")
item = client.get_item(TableName={shapes.TABLE!r}, Key={shapes.key(0)!r})["Item"]
assert item["title"]["S"] == {shapes.values(0)["title"]!r}
"""

    def __init__(self, endpoint: str) -> None:
        self.client = boto3.client(
            "dynamodb",
            region_name=REGION,
            endpoint_url=endpoint,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )

    read = staticmethod(read_keys)

    def get(self) -> Any:
        return self.client.get_item(TableName=shapes.TABLE, Key=shapes.key(0))["Item"]

    def put(self) -> Any:
        return self.client.put_item(TableName=shapes.TABLE, Item=shapes.wire(shapes.values(1)))

    def create(self) -> Any:
        return self.client.put_item(
            TableName=shapes.TABLE,
            Item=self.encode(shapes.values(1)),
            ConditionExpression="attribute_not_exists(pk)",
        )

    def transaction(self) -> Any:
        puts = [
            {
                "TableName": shapes.TABLE,
                "Item": self.encode(shapes.values(n)),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
            for n in range(shapes.IN_TRANSACTION)
        ]
        return self.client.transact_write_items(TransactItems=[{"Put": put} for put in puts])

    def update(self) -> Any:
        number = next(self.numbers)
        return self.client.update_item(
            TableName=shapes.TABLE,
            Key=shapes.key(0),
            UpdateExpression="SET #title = :title, #quantity = :quantity",
            ExpressionAttributeNames={"#title": "title", "#quantity": "quantity"},
            ExpressionAttributeValues={
                ":title": {"S": f"Order, revision {number}"},
                ":quantity": {"N": str(number)},
            },
        )

    def save(self) -> Any:
        return self._set("quantity", {"N": str(next(self.numbers))})

    def save_list(self) -> Any:
        return self._set("scores[0]", {"N": str(next(self.numbers))})

    def save_list_shift(self) -> Any:
        scores = [{"N": str(next(self.numbers))}, *self.scores[:-1]]
        return self._set("scores", {"L": scores})

    @functools.cached_property
    def scores(self) -> Any:
        """The list of the item that is changed again and again."""
        return self.client.get_item(TableName=shapes.TABLE, Key=shapes.key(0))["Item"]["scores"][
            "L"
        ]

    def _set(self, path: str, value: Mapping[str, Any]) -> Any:
        return self.client.update_item(
            TableName=shapes.TABLE,
            Key=shapes.key(0),
            UpdateExpression=f"SET {path} = :value",
            ExpressionAttributeValues={":value": value},
        )

    def delete(self) -> Any:
        return self.client.delete_item(TableName=shapes.TABLE, Key=shapes.key(0))

    def query(self) -> list[Any]:
        return self._pages()

    def values_list(self) -> list[Any]:
        items = self._pages(ProjectionExpression=", ".join(shapes.PROJECTED))
        return [(item["title"]["S"], int(item["quantity"]["N"])) for item in items]

    def _pages(self, **arguments: Any) -> list[Any]:
        items: list[Any] = []
        arguments |= {
            "TableName": shapes.TABLE,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": shapes.PK}},
        }
        while True:
            page = self.client.query(**arguments)
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                return items
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def first(self) -> Any:
        answer = self.client.query(
            TableName=shapes.TABLE,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": shapes.PK}},
            Limit=1,
        )
        return answer["Items"][0]

    def first_filtered(self) -> Any:
        answer = self.client.query(
            TableName=shapes.TABLE,
            KeyConditionExpression="pk = :pk AND sk > :sk",
            FilterExpression="quantity > :quantity",
            ExpressionAttributeValues={
                ":pk": {"S": shapes.PK},
                ":sk": {"N": str(shapes.values(0)["sk"] - 1)},
                ":quantity": {"N": "2"},
            },
        )
        return answer["Items"][0]

    def slice(self) -> list[Any]:
        answer = self.client.query(
            TableName=shapes.TABLE,
            KeyConditionExpression="pk = :pk AND sk > :sk",
            ExpressionAttributeValues={
                ":pk": {"S": shapes.PK},
                ":sk": {"N": str(shapes.values(0)["sk"] - 1)},
            },
            Limit=shapes.SLICE,
            ScanIndexForward=False,
        )
        items: list[Any] = answer["Items"]
        return items

    def batch_get(self, number: int = shapes.PAGE) -> list[Any]:
        keys = [shapes.key(n) for n in range(number)]
        answer = self.client.batch_get_item(RequestItems={shapes.TABLE: {"Keys": keys}})
        assert not answer["UnprocessedKeys"]
        items: list[Any] = answer["Responses"][shapes.TABLE]
        return items

    def batch_write(self, items: Sequence[Mapping[str, Any]]) -> None:
        for start in range(0, len(items), 25):
            puts = [{"PutRequest": {"Item": self.encode(i)}} for i in items[start : start + 25]]
            answer = self.client.batch_write_item(RequestItems={shapes.TABLE: puts})
            assert not answer["UnprocessedItems"]

    @staticmethod
    def encode(item: Mapping[str, Any]) -> Mapping[str, Any]:
        """Write an item's Python values as DynamoDB's dicts."""
        return shapes.wire(item)

    @staticmethod
    def plain(values: Sequence[Any]) -> list[Any]:
        return [shapes.untag(value) for value in values]
