"""The field types, one class for each kind of value."""

from .base import Field
from .composite import CompositeField
from .compressed import CompressedField
from .containers.elements import register_field
from .containers.embedded import EmbeddedField
from .containers.lists import ListField, SetField
from .containers.maps import DictField, MapField
from .ids import ULIDField, UUIDField
from .numbers import BooleanField, CounterField, DecimalField, FloatField, IntegerField
from .text import BinaryField, CharField, EnumField, TextField
from .times.dates import DateField, TimeField
from .times.datetimes import DateTimeField, TimestampField
from .times.durations import TimeDeltaField
from .version import VersionField

__all__ = [
    "BinaryField",
    "BooleanField",
    "CharField",
    "CompositeField",
    "CompressedField",
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
    "ULIDField",
    "UUIDField",
    "VersionField",
    "register_field",
]
