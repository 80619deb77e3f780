"""Does each contender do the same work? Looked at once, on both ends, before anything is timed.

The worker asserts that what it read has the right values; here a recording server shows what was
sent: the right operation, the whole item, and a SigV4 signature that fits the request.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import shapes
from contenders import ACCESS_KEY, REGION, SECRET_KEY
from null_server import Request

Sent = list[tuple[str, Any]]  # what was sent: the operation and its payload

EXPECTED = [shapes.plain(shapes.values(n)) for n in range(shapes.PAGE)]


def wrong(step: str, requests: Sequence[Request], *, sets_as_lists: bool = False) -> str | None:
    """Return what is wrong with the *requests* that a contender sent for *step*, or None.

    With *sets_as_lists*, the set may come as a list in any order: a fault that is known.
    """
    if not requests:
        return "nothing was sent"
    if not all(signature_fits(request) for request in requests):
        return "a request is not signed, or its signature is wrong"
    sent = [(request.operation, json.loads(request.body)) for request in requests]
    if not all(_names_the_table(body) for _, body in sent):
        return "a request does not name the table"
    if sets_as_lists:
        for item in _items(sent):
            if "L" in item["tags"]:
                item["tags"] = {"SS": [tag["S"] for tag in item["tags"]["L"]]}
    return _RULES[step](sent)


def differ(requests: Sequence[Request], others: Sequence[Request]) -> str | None:
    """Return how the bodies of *others* differ from those of *requests*, or None."""
    mine, theirs = ([json.loads(each.body) for each in asked] for asked in (requests, others))
    return None if mine == theirs else f"{theirs} was sent instead of {mine}"


def _items(sent: Sent) -> list[dict[str, Any]]:
    puts = [body for operation, body in sent if operation == "PutItem"]
    return [put["Item"] for put in [*puts, *_transacted(sent)]]


def _transacted(sent: Sent) -> list[dict[str, Any]]:
    return [
        each["Put"]
        for operation, body in sent
        if operation == "TransactWriteItems"
        for each in body["TransactItems"]
        if "Put" in each
    ]


def _one(sent: Sent, *operations: str) -> str | None:
    names = [operation for operation, _ in sent]
    if len(names) != 1 or names[0] not in operations:
        return (
            f"{' or '.join(operations)} was expected once, {', '.join(names) or 'nothing'} was sent"
        )
    return None


def _get(sent: Sent) -> str | None:
    if problem := _one(sent, "GetItem"):
        return problem
    key = sent[0][1]["Key"]
    return None if key == shapes.key(0) else f"the key is {key}"


def _put(sent: Sent) -> str | None:
    return _one(sent, "PutItem") or _differs(sent[0][1]["Item"], EXPECTED[1])


def _create(sent: Sent) -> str | None:
    return _put(sent) or _overwrites(sent[0][1])


def _overwrites(put: dict[str, Any]) -> str | None:
    is_guarded = "attribute_not_exists" in put.get("ConditionExpression", "")
    return None if is_guarded else "an item that is there would be overwritten"


def _transaction(sent: Sent) -> str | None:
    if problem := _one(sent, "TransactWriteItems"):
        return problem
    puts = _transacted(sent)
    if len(puts) != shapes.IN_TRANSACTION:
        return f"{len(puts)} items were put instead of {shapes.IN_TRANSACTION}"
    each = (_differs(put["Item"], EXPECTED[n]) or _overwrites(put) for n, put in enumerate(puts))
    return next((problem for problem in each if problem), None)


def _values_list(sent: Sent) -> str | None:
    if problem := _query(sent):
        return problem
    return None if "ProjectionExpression" in sent[0][1] else "whole items were asked for"


def _update(sent: Sent) -> str | None:
    # The worker may have read the item that it changes.
    writes = [(operation, body) for operation, body in sent if operation != "GetItem"]
    if problem := _one(writes, "UpdateItem", "PutItem"):
        return problem
    return None if "revision" in json.dumps(writes[0][1]) else "the new title was not sent"


def _save(sent: Sent) -> str | None:
    writes = [(operation, body) for operation, body in sent if operation != "GetItem"]
    if problem := _one(writes, "UpdateItem", "PutItem"):
        return problem
    is_new = re.search(rf'"N": "{shapes.NEW // 1000}\d\d\d"', json.dumps(writes[0][1]))
    return None if is_new else "no new number was sent"


def _delete(sent: Sent) -> str | None:
    writes = [(operation, body) for operation, body in sent if operation != "GetItem"]
    if problem := _one(writes, "DeleteItem"):
        return problem
    key = writes[0][1]["Key"]
    return None if key == shapes.key(0) else f"the key is {key}"


def _query(sent: Sent) -> str | None:
    problem = _one(sent, "Query")
    return problem or (None if shapes.PK in json.dumps(sent[0][1]) else "the hash key was not sent")


def _first(sent: Sent) -> str | None:
    if problem := _query(sent):
        return problem
    return None if sent[0][1].get("Limit") == 1 else "more than the first item was asked for"


def _first_filtered(sent: Sent) -> str | None:
    if problem := _query(sent):
        return problem
    said = sent[0][1]
    numbers = {value["N"] for value in said["ExpressionAttributeValues"].values() if "N" in value}
    if str(shapes.values(0)["sk"] - 1) not in numbers:
        return "the range key was not sent"
    return None if said.get("FilterExpression") and "2" in numbers else "no filter was sent"


def _slice(sent: Sent) -> str | None:
    if problem := _query(sent):
        return problem
    body = sent[0][1]
    if str(shapes.values(0)["sk"] - 1) not in json.dumps(body):
        return "the range key was not sent"
    if body.get("ScanIndexForward") is not False:
        return "ascending order was asked for"
    return None if body.get("Limit") == shapes.SLICE else f"the limit is {body.get('Limit')}"


def _batch_get(number: int) -> Callable[[Sent], str | None]:
    def rule(sent: Sent) -> str | None:
        if problem := _one(sent, "BatchGetItem"):
            return problem
        keys = sent[0][1]["RequestItems"][shapes.TABLE]["Keys"]
        numbers = sorted(int(key["sk"]["N"]) for key in keys)
        wanted = [int(shapes.key(n)["sk"]["N"]) for n in range(number)]
        return None if numbers == wanted else "the keys of the page were not asked for"

    return rule


def _batch_write(number: int) -> Callable[[Sent], str | None]:
    def rule(sent: Sent) -> str | None:
        if any(operation != "BatchWriteItem" for operation, _ in sent):
            return f"{sent[0][0]} was sent"
        puts = [put for _, body in sent for put in body["RequestItems"][shapes.TABLE]]
        if len(puts) != number:
            return f"{len(puts)} items were sent instead of {number}"
        items = sorted((put["PutRequest"]["Item"] for put in puts), key=lambda i: int(i["sk"]["N"]))
        differences = (_differs(item, EXPECTED[n]) for n, item in enumerate(items))
        return next((difference for difference in differences if difference), None)

    return rule


def _differs(item: dict[str, Any], expected: dict[str, Any]) -> str | None:
    seen = {name: shapes.untag(value) for name, value in item.items()}
    if seen == expected:
        return None
    names = [n for n in sorted(seen.keys() | expected.keys()) if seen.get(n) != expected.get(n)]
    return "sent with other values: " + ", ".join(f"{n}={seen.get(n)!r}" for n in names)


_RULES: dict[str, Callable[[Sent], str | None]] = {
    "get": _get,
    "put": _put,
    "create": _create,
    "update": _update,
    "save": _save,
    "save_list": _save,
    "save_list_shift": _save,
    "delete": _delete,
    "query": _query,
    "query_unread": _query,
    "first": _first,
    "first_filtered": _first_filtered,
    "slice": _slice,
    "values_list": _values_list,
    "batch_get": _batch_get(shapes.PAGE),
    "batch_get_1": _batch_get(1),
    "batch_write_25": _batch_write(25),
    "batch_write_100": _batch_write(100),
    "transaction_10": _transaction,
    "aget": _get,
    "aget_64": lambda sent: None if len(sent) == 64 else f"{len(sent)} requests instead of 64",
}


def _names_the_table(body: dict[str, Any]) -> bool:
    if "TransactItems" in body:
        return all(shapes.TABLE in json.dumps(each) for each in body["TransactItems"])
    return body.get("TableName") == shapes.TABLE or shapes.TABLE in body.get("RequestItems", {})


def signature_fits(request: Request) -> bool:
    """Return whether *request* carries the SigV4 signature that AWS would compute for it.

    A signed Host without its port is let pass: DynamoDB's own endpoints have none, and aiodynamo
    signs as if there were none anywhere.
    """
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if scheme != "AWS4-HMAC-SHA256" or not {"Credential", "SignedHeaders", "Signature"} <= set(
        parts
    ):
        return False
    names = parts["SignedHeaders"].split(";")
    if not {"host", "x-amz-date", "x-amz-target"} <= set(names):
        return False
    host = request.headers["host"]
    hosts = (host, host.partition(":")[0])
    return any(
        hmac.compare_digest(parts["Signature"], _signature(request, parts, {"host": host}))
        for host in hosts
    )


def authorization(request: Request, parts: dict[str, str]) -> str:
    """Return the header that signs *request*, given the *parts* of it other than the signature."""
    whole = {**parts, "Signature": _signature(request, parts, {})}
    return f"AWS4-HMAC-SHA256 {', '.join(f'{name}={value}' for name, value in whole.items())}"


def _signature(request: Request, parts: dict[str, str], instead: dict[str, str]) -> str:
    headers = {**request.headers, **instead}
    names = parts["SignedHeaders"]
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names.split(";"))
    digest = hashlib.sha256(request.body).hexdigest()
    canonical = f"POST\n/\n\n{lines}\n{names}\n{digest}"
    moment = request.headers["x-amz-date"]
    scope = f"{moment[:8]}/{REGION}/dynamodb/aws4_request"
    if parts["Credential"] != f"{ACCESS_KEY}/{scope}":
        return ""
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{SECRET_KEY}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashed}"
    return hmac.new(key, text.encode(), "sha256").hexdigest()
