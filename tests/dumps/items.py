"""Items with every type of attribute, and tables to put them into."""

from __future__ import annotations

import base64
import json
from typing import Any

from dynamodb_py import CharField, IntegerField, Model

EVERY_TYPE: dict[str, Any] = {
    "text": {"S": 'a\n"é\u2028'},
    "empty": {"S": ""},
    "digits": {"N": "12345678901234567890123456789012345678"},
    "small": {"N": "-0.000012345678901234567890123456789012345678"},
    "bytes": {"B": base64.b64encode(bytes(range(256))).decode()},
    "no bytes": {"B": ""},
    "yes": {"BOOL": True},
    "no": {"BOOL": False},
    "none": {"NULL": True},
    "list": {"L": [{"S": ""}, {"L": []}, {"M": {}}, {"N": "0"}]},
    "map": {"M": {"a.b": {"M": {"ü": {"L": [{"B": "AA=="}, {"NULL": True}]}}}}},
    "texts": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2.5"]},
    "blobs": {"BS": ["AA==", "AQ=="]},
}


class Thing(Model):
    class Meta:
        table_name = "things"

    id = CharField(hash_key=True)
    n = IntegerField(range_key=True)


class Copy(Model):
    class Meta:
        table_name = "copies"

    id = CharField(hash_key=True)
    n = IntegerField(range_key=True)


def make_items(count: int, **more: Any) -> list[dict[str, Any]]:
    """Return items with different keys."""
    return [
        {"id": {"S": f"thing {n}"}, "n": {"N": str(n)}, **EVERY_TYPE, **more} for n in range(count)
    ]


def write_lines(items: list[dict[str, Any]]) -> bytes:
    """Return the lines of a dump, as another program could write them."""
    return b"".join(json.dumps({"Item": item}).encode() + b"\n" for item in items)


def read_lines(text: bytes) -> list[dict[str, Any]]:
    """Return the items in the lines of a dump, those of one table in one order."""
    items = [json.loads(line)["Item"] for line in text.splitlines()]
    return sorted(map(_sort_sets, items), key=lambda item: int(item["n"]["N"]))


def _sort_sets(item: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {kind: sorted(value) if kind in ("SS", "NS", "BS") else value}
        for name, wire in item.items()
        for kind, value in wire.items()
    }
