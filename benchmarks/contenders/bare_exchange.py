"""No library: a blocking socket, requests that were signed beforehand, and nothing read of the answers.

What is left of the others' CPU without this is their own. One request is made for each step.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import checking
import shapes
from null_server import Request

from contenders import ACCESS_KEY, REGION, Contender

MOMENT = "20260301T083015Z"
SIGNED = "content-type;host;x-amz-date;x-amz-target"
MOST = 1 << 20


class Contestant(Contender):
    """Sends the bytes of a request and receives those of the answer."""

    title = "bare exchange"
    note = "a socket's send and recv alone: what is above it is the library's own"

    def __init__(self, endpoint: str) -> None:
        self.host = endpoint.removeprefix("http://")
        host, _, port = self.host.partition(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        steps = {step: self._exchange(*request) for step, request in _requests().items()}
        self.exchanges = {**steps, "query": steps["query_unread"]}

    async def close(self) -> None:
        self.socket.close()

    def _exchange(self, operation: str, payload: Any) -> Callable[[], None]:
        request = self._signed(operation, json.dumps(payload, separators=(",", ":")).encode())
        send, receive = self.socket.sendall, self.socket.recv
        length = 0

        def exchange() -> None:
            nonlocal length
            send(request)
            answer = receive(length or MOST)
            if not length:
                head, _, _ = answer.partition(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 ")
                length = len(head) + 4 + int(head.lower().split(b"content-length:")[1].split()[0])
            left = length - len(answer)
            while left:
                left -= len(receive(left))

        return exchange

    def _signed(self, operation: str, body: bytes) -> bytes:
        headers = {
            "host": self.host,
            "user-agent": "bare",
            "accept-encoding": "identity",
            "content-type": "application/x-amz-json-1.0",
            "x-amz-date": MOMENT,
            "x-amz-target": f"DynamoDB_20120810.{operation}",
            "content-length": str(len(body)),
        }
        headers["authorization"] = checking.authorization(
            Request(operation, headers, body),
            {
                "Credential": f"{ACCESS_KEY}/{MOMENT[:8]}/{REGION}/dynamodb/aws4_request",
                "SignedHeaders": SIGNED,
            },
        )
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST / HTTP/1.1\r\n{head}\r\n".encode() + body


def _requests() -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the operation and the payload of each step: the least that does the same."""
    item = {"TableName": shapes.TABLE, "Key": shapes.key(0)}
    items = [shapes.wire(shapes.values(n)) for n in range(shapes.PAGE)]
    put = {"TableName": shapes.TABLE, "Item": items[1]}
    absent = {"ConditionExpression": "attribute_not_exists(pk)"}
    page = {
        "TableName": shapes.TABLE,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": shapes.PK}},
    }
    keys = [shapes.key(n) for n in range(shapes.PAGE)]

    def change(expression: str, **values: Any) -> tuple[str, dict[str, Any]]:
        named = {f":{name}": value for name, value in values.items()}
        update = {"UpdateExpression": expression, "ExpressionAttributeValues": named}
        return "UpdateItem", {**item, **update}

    number = {"N": str(shapes.NEW)}
    title = {"S": f"Order, revision {shapes.NEW}"}
    return {
        "get": ("GetItem", item),
        "put": ("PutItem", put),
        "create": ("PutItem", {**put, **absent}),
        "update": change("SET title = :t, quantity = :q", t=title, q=number),
        "save": change("SET quantity = :q", q=number),
        "delete": ("DeleteItem", item),
        "query_unread": ("Query", page),
        "first": ("Query", {**page, "Limit": 1}),
        "values_list": ("Query", {**page, "ProjectionExpression": "title, quantity"}),
        "batch_get": ("BatchGetItem", {"RequestItems": {shapes.TABLE: {"Keys": keys}}}),
        "batch_write_25": (
            "BatchWriteItem",
            {"RequestItems": {shapes.TABLE: [{"PutRequest": {"Item": i}} for i in items[:25]]}},
        ),
        "transaction_10": (
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {**put, **absent, "Item": item}}
                    for item in items[: shapes.IN_TRANSACTION]
                ]
            },
        ),
    }
