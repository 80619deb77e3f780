"""Values as other programs store them: the fields that read them spell them otherwise, or cannot read them."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from dynamodb_py import (
    CharField,
    DateField,
    DateTimeField,
    EnumField,
    Field,
    FloatField,
    IntegerField,
    TimeDeltaField,
    TimeField,
    TimestampField,
    ULIDField,
    UUIDField,
)

Wire = dict[str, Any]


class Kind(Enum):
    RED = "r"


class Caseless(Field[str]):
    """Reads capitals, and writes small letters."""

    kind = "S"

    def to_db(self, value: str) -> str:
        return value.lower()

    def to_python(self, stored: str) -> str:
        return stored.lower()


SPELLED: dict[str, tuple[Callable[..., Field[Any]], Wire]] = {
    "a retired member": (lambda **o: EnumField(Kind, **o), {"S": "renamed"}),
    "a small ULID": (ULIDField, {"S": "01m6a6ft000000000000000000"}),
    "a capital UUID": (UUIDField, {"S": "0F8FAD5B-D9CB-469F-A165-70867728950E"}),
    "a UUID without dashes": (UUIDField, {"S": "0f8fad5bd9cb469fa16570867728950e"}),
    "no UUID": (UUIDField, {"S": "{0f8fad5b-d9cb-469f-a165-70867728950e}"}),
    "a moment with Z": (DateTimeField, {"S": "2021-01-01T00:00:00Z"}),
    "a moment with +0000": (DateTimeField, {"S": "2021-01-01T00:00:00+0000"}),
    "a moment of elsewhere": (DateTimeField, {"S": "2021-01-01T02:00:00+02:00"}),
    "no moment": (DateTimeField, {"S": "yesterday"}),
    "a date without dashes": (DateField, {"S": "20210101"}),
    "no date": (DateField, {"S": "01.02.2021"}),
    "a time without fractions": (TimeField, {"S": "10:00:00"}),
    "a span in hours": (TimeDeltaField, {"S": "PT24H"}),
    "a field of one's own": (Caseless, {"S": "ABC"}),
    "no text of the template": (
        lambda **o: CharField(template="U#{number:04d}", **o),
        {"S": "U#7"},
    ),
    "many digits": (FloatField, {"N": "0.12345678901234567890123"}),
    "no whole number": (IntegerField, {"N": "1.5"}),
    "no moment of time": (TimestampField, {"N": "1" + "0" * 30}),
}
"""By name: a field, and a value as another program stored it."""
