"""Requests to the embedded engine, built by hand as boto3 sends them."""

from __future__ import annotations

import json
from typing import Any

from dynamodb_py.local.database.engine import Engine


class Calls:
    """Calls operations of an engine whose clock stands still until it is set."""

    def __init__(self, path: str | None = None) -> None:
        self.now = 1_800_000_000.0
        self.engine = Engine(path, clock=lambda: self.now)

    def __call__(self, api: str, **request: Any) -> dict[str, Any]:
        """Return the answer of an operation that succeeds."""
        status, body = self.engine.call(api, json.dumps(request).encode())
        answer: dict[str, Any] = json.loads(body)
        assert status == 200, answer
        return answer

    def fail(self, api: str, **request: Any) -> dict[str, Any]:
        """Return the answer of an operation that fails, with its code as ``code``."""
        status, body = self.engine.call(api, json.dumps(request).encode())
        answer: dict[str, Any] = json.loads(body)
        assert status == 400, answer
        return {**answer, "code": answer["__type"].partition("#")[2]}

    def refuse(self, match: str, api: str, **request: Any) -> None:
        """Check that an operation is refused with a ValidationException that says *match*."""
        answer = self.fail(api, **request)
        assert answer["code"] == "ValidationException"
        assert match in answer["message"]

    def read(self, table: str, **key: Any) -> Any:
        """Return a stored item, or None."""
        return self("GetItem", TableName=table, Key=wire(**key)).get("Item")

    def fill(self, table: str, *items: dict[str, Any]) -> None:
        """Store some items."""
        for item in items:
            self("PutItem", TableName=table, Item=item)


def wire(**values: Any) -> dict[str, Any]:
    """Return attributes: a text becomes an S, a number an N, and a dict stays what it is."""
    return {
        name: value
        if isinstance(value, dict)
        else {"S": value}
        if isinstance(value, str)
        else {"N": str(value)}
        for name, value in values.items()
    }


def define(*attributes: str) -> list[dict[str, str]]:
    """Return AttributeDefinitions: ``define("id:S", "n:N")``."""
    pairs = [each.split(":") for each in attributes]
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in pairs]


def schema(hashed: str | list[str], ranged: str | list[str] = ()) -> list[dict[str, str]]:  # type: ignore[assignment]
    """Return a KeySchema of one or several attributes."""
    found: list[dict[str, str]] = []
    for kind, names in (("HASH", hashed), ("RANGE", ranged)):
        for name in [names] if isinstance(names, str) else names:
            found.append({"AttributeName": name, "KeyType": kind})
    return found


def index(name: str, *keys: Any, kind: str = "ALL", **options: Any) -> dict[str, Any]:
    """Return an index with a projection of *kind*."""
    projection = {"ProjectionType": kind}
    return {"IndexName": name, "KeySchema": schema(*keys), "Projection": projection, **options}


def table(name: str = "scores", **changes: Any) -> dict[str, Any]:
    """Return the request for a table with the keys id and n, with *changes*; None leaves one out."""
    request = {
        "TableName": name,
        "AttributeDefinitions": define("id:S", "n:N"),
        "KeySchema": schema("id", "n"),
        "BillingMode": "PAY_PER_REQUEST",
        **changes,
    }
    return {member: value for member, value in request.items() if value is not None}
