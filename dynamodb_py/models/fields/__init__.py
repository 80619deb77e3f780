"""The field types, one class for each kind of value."""

from .base import Field
from .containers import DictField, EmbeddedField, ListField, MapField, SetField
from .scalars import (
    BinaryField,
    BooleanField,
    CharField,
    CounterField,
    DecimalField,
    EnumField,
    FloatField,
    IntegerField,
    TextField,
    UUIDField,
)
from .times import DateField, DateTimeField, TimeDeltaField, TimeField, TimestampField
from .versions import VersionField

__all__ = [
    "BinaryField",
    "BooleanField",
    "CharField",
    "CounterField",
    "DateField",
    "DateTimeField",
    "DecimalField",
    "DictField",
    "EmbeddedField",
    "EnumField",
    "Field",
    "FloatField",
    "IntegerField",
    "ListField",
    "MapField",
    "SetField",
    "TextField",
    "TimeDeltaField",
    "TimeField",
    "TimestampField",
    "UUIDField",
    "VersionField",
]
