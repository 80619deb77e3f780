"""Fields for tables that flywheel uses too.

Its ``datetime`` is a ``TimestampField``: seconds since 1970, with their fraction.

>>> from datetime import date
>>> DateField().encode(date(2026, 11, 1)), FloatField().encode(0.1)
({'N': '1793491200'}, {'N': '0.10000000000000000555111512312578270212'})
"""

from typing import TYPE_CHECKING

from ..models.fields.times.datetimes import TimestampField as DateTimeField
from .spellings import BinaryFloatField, DaySecondsField, JSONField, NumberBooleanField

if TYPE_CHECKING:
    # Type checkers see the usual fields, which have the same keywords and values.
    from ..models.fields.numbers import BooleanField as LegacyBooleanField
    from ..models.fields.numbers import FloatField
    from ..models.fields.times.dates import DateField
else:

    class DateField(DaySecondsField):
        """A ``date``: the seconds from 1970 to its midnight in UTC."""

    class FloatField(BinaryFloatField):
        """A ``float``: the first 38 digits of its binary value, not its shortest text."""

    class LegacyBooleanField(NumberBooleanField):
        """A ``bool`` that is stored as a number: 1 or 0. The field also reads BOOL."""


__all__ = ["DateField", "DateTimeField", "FloatField", "JSONField", "LegacyBooleanField"]
