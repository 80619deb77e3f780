"""Fields for encodings that several mappers use: values stored as another type, or as other text."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, ClassVar

from ..codec import EXACT, Unstorable, parse_decimal
from ..models.fields.base import Field
from ..models.fields.numbers import BooleanField, FloatField
from ..models.fields.text import BinaryField
from ..models.fields.times.dates import DateField
from ..models.fields.times.datetimes import TimestampField

_EPOCH = date(1970, 1, 1)
_DIGITS = Context(prec=38, rounding=ROUND_HALF_EVEN)


class JSONField(Field[Any, Any]):
    """A value of JSON, stored as text: None, bool, int, float, str, and lists and dicts of them.

    The field rejects values that JSON would change, such as a tuple or a number as a key, and NaN and the infinities.
    Conditions compare the text, so equal dicts match only if their keys have the same order.

    >>> JSONField().encode({"a": [1, None]})
    {'S': '{"a": [1, null]}'}
    """

    kind = "S"
    leaf: Any = str
    unordered = "texts of JSON do not sort as the values do: keep the value that you sort by in its own field"
    separators: ClassVar[tuple[str, str]] = (", ", ": ")

    def to_db(self, value: Any, /) -> Any:
        try:
            text = json.dumps(value, separators=self.separators, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise Unstorable(f"{value!r} cannot be stored as JSON: {error}") from None
        if (found := json.loads(text)) != value:
            raise Unstorable(
                f"{value!r} would read back from JSON as {found!r}: use lists, and texts as keys"
            )
        return text

    def to_python(self, stored: Any, /) -> Any:
        return json.loads(stored, strict=False, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class CompactJSONField(JSONField):
    """A value of JSON, stored as text without spaces; otherwise like :class:`JSONField`."""

    separators: ClassVar[tuple[str, str]] = (",", ":")


class Base64Field(BinaryField[Any]):
    """Bytes, stored as B in base64, which DynamoDB's API then encodes again."""

    unordered = "base64 does not sort as the bytes do: use a BinaryField, which does"

    def to_db(self, value: bytes, /) -> Any:
        return b64encode(super().to_db(value))

    def to_python(self, stored: Any, /) -> bytes:
        return b64decode(stored, validate=True)


class Base64TextField(Base64Field):
    """Bytes, stored as S in base64."""

    kind = "S"
    leaf: Any = str

    def to_db(self, value: bytes, /) -> Any:
        return super().to_db(value).decode()


class SpelledBooleanField(BooleanField[Any]):
    """True or False, stored as another type than BOOL; the field also reads BOOL."""

    leaf: Any = None
    false_and_true: ClassVar[tuple[Any, Any]]

    def to_db(self, value: bool, /) -> Any:
        return self.false_and_true[super().to_db(value)]

    def decode(self, wire: Mapping[str, Any], /) -> bool | None:
        return super().decode({self.kind: wire["BOOL"]} if "BOOL" in wire else wire)

    def read(self, stored: Any, /) -> bool:
        if type(stored) is bool:
            return stored
        found = parse_decimal(stored) if self.kind == "N" else stored
        return self.to_python(bool(self.false_and_true.index(found)))


class NumberBooleanField(SpelledBooleanField):
    """True or False, stored as N: 1 or 0."""

    kind = "N"
    false_and_true = (0, 1)


class LetterBooleanField(SpelledBooleanField):
    """True or False, stored as S: ``t`` or ``f``."""

    kind = "S"
    false_and_true = ("f", "t")


class BinaryFloatField(FloatField[Any]):
    """A float, stored as N with the first 38 digits of its binary value, so 0.1 is a little more than 0.1."""

    def to_db(self, value: float, /) -> Any:
        number = super().to_db(value)
        return _DIGITS.plus(Decimal(number)) if isinstance(number, float) else number


class NumberDateField(DateField[Any]):
    """A date, stored as N: the units of time since the beginning of 1970."""

    kind = "N"
    text_width = None
    leaf: Any = str
    units_of_a_day: ClassVar[int]

    def to_db(self, value: date, /) -> Any:
        super().to_db(value)  # rejects other values than dates
        return (value - _EPOCH).days * self.units_of_a_day

    def to_python(self, stored: Any, /) -> date:
        days, rest = EXACT.divmod(parse_decimal(stored), Decimal(self.units_of_a_day))
        if rest:
            raise ValueError("it is a time of day, not a date")
        return _EPOCH + timedelta(days=int(days))


class DayNumberField(NumberDateField):
    """A date, stored as N: the days since the beginning of 1970."""

    units_of_a_day = 1


class DaySecondsField(NumberDateField):
    """A date, stored as N: the seconds from 1970 to its midnight in UTC."""

    units_of_a_day = 24 * 60 * 60


class WholeTimestampField(TimestampField[Any]):
    """A moment, stored as N: whole seconds since 1970. The field rejects a fraction of a second."""

    def now(self) -> datetime:
        return self.to_zone(datetime.now(timezone.utc).replace(microsecond=0))

    def to_db(self, value: datetime, /) -> Any:
        seconds = super().to_db(value)
        if seconds != int(seconds):
            raise Unstorable(
                f"{value!r} has a fraction of a second: remove it with replace(microsecond=0)"
            )
        return seconds
