"""Fields for tables that Dynamoid, for Ruby, uses too.

Its ``:datetime`` is a ``TimestampField``: seconds since 1970, with their fraction.

>>> from datetime import date
>>> DateField().encode(date(2026, 11, 1)), BooleanField().encode(True)
({'N': '20758'}, {'S': 't'})
"""

from typing import TYPE_CHECKING, Any

from ..models.fields.times.datetimes import DateTimeField as _DateTimeField
from ..models.fields.times.datetimes import TimestampField as DateTimeField
from .spellings import Base64TextField, DayNumberField, LetterBooleanField
from .spellings import CompactJSONField as JSONField

if TYPE_CHECKING:
    # Type checkers see the usual fields, which have the same keywords and values.
    from ..models.fields.numbers import BooleanField
    from ..models.fields.text import BinaryField
    from ..models.fields.times.dates import DateField
    from ..models.fields.times.datetimes import DateTimeField as TextDateTimeField
else:

    class TextDateTimeField(_DateTimeField):
        """A ``:datetime`` with ``store_as_string``: text in UTC, without a fraction of a second."""

        def __init__(self, **options: Any) -> None:
            super().__init__(**{"format": "%Y-%m-%dT%H:%M:%S%:z", **options})

    class DateField(DayNumberField):
        """A ``:date``: days since 1970. With ``store_as_string``, use the usual ``DateField``."""

    class BooleanField(LetterBooleanField):
        """A ``:boolean`` without native booleans: ``t`` or ``f``. The field also reads BOOL."""

    class BinaryField(Base64TextField):
        """A ``:binary``: base64 as text."""


__all__ = [
    "BinaryField",
    "BooleanField",
    "DateField",
    "DateTimeField",
    "JSONField",
    "TextDateTimeField",
]
