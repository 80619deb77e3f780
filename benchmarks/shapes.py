"""What the benchmarks write and read: one kind of item, about 1 KB on the wire, 12 attributes.

:func:`values` is the item as Python sees it, :func:`wire` the same in DynamoDB's JSON.
"""

from __future__ import annotations

import datetime as dt
import decimal
import json
import random
from collections.abc import Callable, Mapping
from typing import Any

TABLE = "bench"
PK = "customer#000042"
PAGE = 100
SLICE = 10
IN_TRANSACTION = 10
NEW = 1_000_000  # more than any value of an item but its range key

FIELDS = (
    "pk",
    "sk",
    "title",
    "body",
    "quantity",
    "total",
    "rating",
    "active",
    "created",
    "tags",
    "scores",
    "address",
)

PROJECTED = ("title", "quantity")  # the attributes of a query with a projection

_BODY = (
    "The parcel was handed over at the front desk; the customer asked for a second delivery "
    "window between nine and eleven, and for a note to the driver: ring twice, third floor, leave "
    "it with the neighbour if nobody opens. Refund of the first attempt was agreed on the phone; "
    "the invoice follows by post, with the corrected address and the reference of the claim."
)
_START = dt.datetime(2026, 3, 1, 8, 30, 15, 123456, tzinfo=dt.timezone.utc)


def values(n: int) -> dict[str, Any]:
    """Item number *n*, its values as a Python program has them; fresh at each call."""
    return {
        "pk": PK,
        "sk": 1_700_000_000 + n,
        "title": f"Order {n:06d}, two parcels and a letter",
        "body": _BODY,
        "quantity": 3 + n % 7,
        "total": decimal.Decimal(120_001 + 10 * n).scaleb(-2),
        "rating": 4.5 + n % 2 / 4,
        "active": n % 3 != 0,
        "created": _START + dt.timedelta(minutes=n),
        "tags": {"fragile", "gift", f"route-{n % 20:02d}"},
        "scores": [n, 7, 12.5, 3, 99],
        "address": {
            "street": f"{n} Long Acre",
            "city": "London",
            "zip": "WC2E 9LH",
            "floor": 3,
            "lift": True,
            "geo": {"lat": 51.5125, "lon": -0.125},
        },
    }


def wire(item: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return *item* as DynamoDB's JSON, written out by hand as a user of boto3 would."""
    address = item["address"]
    geo = address["geo"]
    return {
        "pk": {"S": item["pk"]},
        "sk": {"N": str(item["sk"])},
        "title": {"S": item["title"]},
        "body": {"S": item["body"]},
        "quantity": {"N": str(item["quantity"])},
        "total": {"N": str(item["total"])},
        "rating": {"N": str(item["rating"])},
        "active": {"BOOL": item["active"]},
        "created": {"S": item["created"].isoformat()},
        "tags": {"SS": list(item["tags"])},
        "scores": {"L": [{"N": str(score)} for score in item["scores"]]},
        "address": {
            "M": {
                "street": {"S": address["street"]},
                "city": {"S": address["city"]},
                "zip": {"S": address["zip"]},
                "floor": {"N": str(address["floor"])},
                "lift": {"BOOL": address["lift"]},
                "geo": {"M": {"lat": {"N": str(geo["lat"])}, "lon": {"N": str(geo["lon"])}}},
            }
        },
    }


def plain(value: Any) -> Any:
    """Return *value* in a form in which what any two libraries read can be compared.

    Numbers become floats, datetimes ISO 8601 text, sets sorted lists; PynamoDB's maps dicts.
    """
    if hasattr(value, "as_dict"):
        value = value.as_dict()
    if isinstance(value, dict):
        return {str(key): plain(element) for key, element in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(element) for element in value]
    if isinstance(value, (set, frozenset)):
        return sorted(plain(element) for element in value)
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool):
        return float(value)
    return value


def untag(value: Mapping[str, Any]) -> Any:
    """Read one attribute value of DynamoDB's JSON, in the form of :func:`plain`."""
    ((tag, content),) = value.items()
    readers: dict[str, Callable[[Any], Any]] = {
        "N": float,
        "SS": sorted,
        "L": lambda elements: [untag(element) for element in elements],
        "M": lambda elements: {key: untag(element) for key, element in elements.items()},
    }
    return readers.get(tag, lambda same: same)(content)


def key(n: int) -> dict[str, dict[str, str]]:
    """Return the primary key of item number *n* as DynamoDB's JSON."""
    return {"pk": {"S": PK}, "sk": {"N": str(1_700_000_000 + n)}}


def _page() -> list[dict[str, dict[str, Any]]]:
    items = [wire(values(n)) for n in range(PAGE)]
    for item in items:
        item["tags"]["SS"].sort()  # the same bytes in each run, whatever the hash seed
    return items


def _table() -> dict[str, Any]:
    return {
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
        "TableName": TABLE,
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        "TableStatus": "ACTIVE",
        "CreationDateTime": 1_772_000_000.125,
        "ProvisionedThroughput": {
            "NumberOfDecreasesToday": 0,
            "ReadCapacityUnits": 0,
            "WriteCapacityUnits": 0,
        },
        "TableSizeBytes": 100_000,
        "ItemCount": PAGE,
        "TableArn": f"arn:aws:dynamodb:eu-west-1:123456789012:table/{TABLE}",
        "TableId": "b0c6f5d2-3d5c-4c6e-9f4e-2d6a5f1c7e42",
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "DeletionProtectionEnabled": False,
    }


def responses() -> dict[str, tuple[int, bytes]]:
    """Return what the null server answers: the operation's name -> (status, body)."""
    page = _page()
    shuffled = random.Random(7).sample(page, PAGE)  # DynamoDB returns a batch in any order
    one = {"Count": 1, "Items": page[:1]}
    bodies: dict[str, tuple[int, Any]] = {
        "GetItem": (200, {"Item": page[0]}),
        "PutItem": (200, {}),
        "UpdateItem": (200, {}),
        "UpdateItem/ALL_NEW": (200, {"Attributes": page[0]}),
        "DeleteItem": (200, {}),
        "Query": (200, {"Count": PAGE, "Items": page, "ScannedCount": PAGE}),
        "Query/LIMIT": (200, {**one, "ScannedCount": 1, "LastEvaluatedKey": key(0)}),
        "Query/BACKWARD": (
            200,
            {
                "Count": SLICE,
                "Items": page[: -SLICE - 1 : -1],
                "ScannedCount": SLICE,
                "LastEvaluatedKey": key(PAGE - SLICE),
            },
        ),
        "Query/PROJECTED": (
            200,
            {
                "Count": PAGE,
                "Items": [{name: item[name] for name in PROJECTED} for item in page],
                "ScannedCount": PAGE,
            },
        ),
        "Query/FILTERED": (200, {**one, "ScannedCount": PAGE}),
        "BatchGetItem": (200, {"Responses": {TABLE: shuffled}, "UnprocessedKeys": {}}),
        "BatchGetItem/ONE": (200, {"Responses": {TABLE: page[:1]}, "UnprocessedKeys": {}}),
        "BatchWriteItem": (200, {"UnprocessedItems": {}}),
        "TransactWriteItems": (200, {}),
        "DescribeTable": (200, {"Table": _table()}),
        "unsigned": (400, _error("MissingAuthenticationTokenException", "Not signed.")),
        "unknown": (400, _error("UnknownOperationException", "Not in the null server.")),
    }
    return {
        name: (status, json.dumps(body, separators=(",", ":")).encode())
        for name, (status, body) in bodies.items()
    }


def _error(code: str, message: str) -> dict[str, str]:
    return {"__type": f"com.amazon.coral.service#{code}", "message": message}
