"""An embedded database as tests use it: a clock of their own, and requests as boto3 sends them."""

from __future__ import annotations

import json
from typing import Any

import dynamodb_py.local  # noqa: F401  the engine finds its operations there
from dynamodb_py.local.database.engine import Engine


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body, self.code = body, body["__type"].partition("#")[2]
        super().__init__(f"{self.code}: {body['message']}")


class Database:
    """An engine; ``database("GetItem", TableName=...)`` carries out an operation."""

    def __init__(self, path: str | None = None) -> None:
        self.now = 1_700_000_000.0
        self.engine = Engine(path, clock=lambda: self.now)

    def __call__(self, operation: str, **members: Any) -> Any:
        status, body = self.engine.call(operation, json.dumps(members).encode())
        answer = json.loads(body)
        if status != 200:
            raise Refused(answer)
        return answer

    def refuse(self, operation: str, **members: Any) -> str:
        """Return the code and message of an operation that must be refused."""
        try:
            answer = self(operation, **members)
        except Refused as refused:
            return str(refused)
        raise AssertionError(f"{operation} was answered: {answer}")

    def make_table(self, name: str = "tab", key: str = "h:S r:N", **members: Any) -> str:
        """Create a table; *key* and those of *indexes* are as ``h:S r:N``."""
        types: dict[str, str] = {}
        members["KeySchema"] = make_schema(key, types)
        for kind, what in (("lsi", "LocalSecondaryIndexes"), ("gsi", "GlobalSecondaryIndexes")):
            given = members.pop(kind, None)
            if given:
                members[what] = [
                    {
                        "IndexName": index,
                        "KeySchema": make_schema(parts, types, hashes),
                        "Projection": projection,
                    }
                    for index, (parts, projection, *hashes) in given.items()
                ]
        definitions = [{"AttributeName": n, "AttributeType": t} for n, t in types.items()]
        self(
            "CreateTable",
            TableName=name,
            AttributeDefinitions=definitions,
            BillingMode="PAY_PER_REQUEST",
            **members,
        )
        return name

    def put(self, *items: Any, table: str = "tab") -> None:
        for item in items:
            self("PutItem", TableName=table, Item=item)


def make_schema(
    key: str, types: dict[str, str], hashes: list[int] | None = None
) -> list[dict[str, str]]:
    parts = [part.split(":") for part in key.split()]
    types.update((name, kind) for name, kind in parts)
    count = hashes[0] if hashes else 1
    return [
        {"AttributeName": name, "KeyType": "HASH" if number < count else "RANGE"}
        for number, (name, _) in enumerate(parts)
    ]


ALL = {"ProjectionType": "ALL"}
KEYS = {"ProjectionType": "KEYS_ONLY"}


def include(*names: str) -> dict[str, Any]:
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(names)}


def to_item(**attributes: Any) -> dict[str, Any]:
    """Return an item of numbers and texts."""
    return {
        name: {"S": value} if isinstance(value, str) else {"N": str(value)}
        for name, value in attributes.items()
    }
