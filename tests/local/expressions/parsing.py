"""Expressions and requests by hand, as boto3 would send them."""

from __future__ import annotations

import re
from typing import Any

from dynamodb_py.local.database.errors import ServiceError
from dynamodb_py.local.database.tables import Keyed, KeyPart
from dynamodb_py.local.expressions.conditions import parse_condition
from dynamodb_py.local.expressions.key_conditions import parse_key_condition
from dynamodb_py.local.expressions.placeholders import Placeholders
from dynamodb_py.local.expressions.projections import parse_projection
from dynamodb_py.local.expressions.updates import parse_update

ITEM: dict[str, Any] = {
    "id": {"S": "1"},
    "n": {"N": "5"},
    "s": {"S": "héllo"},
    "b": {"B": "YWJj"},  # abc
    "t": {"BOOL": True},
    "nil": {"NULL": True},
    "l": {"L": [{"N": "0"}, {"N": "1"}, {"M": {"x": {"S": "in"}}}]},
    "m": {"M": {"x": {"N": "1"}, "y": {"M": {"z": {"S": "deep"}}}}},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2"]},
    "bs": {"BS": ["YQ==", "Yg=="]},
    "size": {"N": "7"},
}
VALUES: dict[str, Any] = {
    ":n": {"N": "5"},
    ":one": {"N": "1"},
    ":nine": {"N": "9.0"},
    ":ten": {"N": "10"},
    ":s": {"S": "h"},
    ":a": {"S": "a"},
    ":z": {"S": "z"},
    ":empty": {"S": ""},
    ":t": {"BOOL": True},
    ":null": {"NULL": True},
    ":b": {"B": "YQ=="},  # a
    ":l": {"L": [{"N": "9"}]},
    ":m": {"M": {}},
    ":ss": {"SS": ["b", "c"]},
    ":all": {"SS": ["b", "a"]},
    ":ns": {"NS": ["2.0", "3"]},
    ":N": {"S": "N"},
    ":S": {"S": "S"},
}
KEYED = Keyed([KeyPart("k", "S")], [KeyPart("r", "S")])


def make_placeholders(text: str) -> Placeholders:
    """Return placeholders for those in *text* that are known: ``#n`` is the name ``n``."""
    names = {each: each[1:] for each in re.findall(r"#\w+", text) if each != "#none"}
    values = {each: VALUES[each] for each in re.findall(r":\w+", text) if each in VALUES}
    return Placeholders(names or None, values or None)


def holds(text: str, item: Any = ITEM) -> bool:
    placeholders = make_placeholders(text)
    found = parse_condition(text, placeholders).holds(item)
    placeholders.check_used()
    return found


def update(text: str, item: Any = ITEM) -> Any:
    placeholders = make_placeholders(text)
    parsed = parse_update(text, placeholders)
    placeholders.check_used()
    return parsed.apply(item)


def project(text: str, item: Any = ITEM) -> Any:
    return parse_projection(text, make_placeholders(text)).project(item)


def read_key(text: str, keyed: Keyed = KEYED) -> Any:
    return parse_key_condition(text, make_placeholders(text), keyed)


def refusal(call: Any, *args: Any) -> str:
    """Return the message of the ValidationException that a call raises, or "" if it raises none."""
    try:
        call(*args)
    except ServiceError as error:
        return error.message if error.code == "ValidationException" else error.code
    return ""
