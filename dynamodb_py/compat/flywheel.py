"""Fields of tables that flywheel uses too.

Its ``datetime`` is a ``TimestampField``: seconds since 1970, with their fraction.

>>> from datetime import date
>>> DateField().encode(date(2026, 11, 1)), FloatField().encode(0.1)
({'N': '1793491200'}, {'N': '0.10000000000000000555111512312578270212'})
"""

from typing import TYPE_CHECKING

from ..models.fields.times.datetimes import TimestampField as DateTimeField
from .spellings import BinaryFloatField, DaySecondsField, JSONField, NumberBooleanField

if TYPE_CHECKING:
    # For the type checkers, these are the fields whose keywords and values they have.
    from ..models.fields.numbers import BooleanField as LegacyBooleanField
    from ..models.fields.numbers import FloatField
    from ..models.fields.times.dates import DateField
else:

    class DateField(DaySecondsField):
        """A ``date``: the seconds from 1970 to its midnight in UTC."""

    class FloatField(BinaryFloatField):
        """A ``float``: its binary value in 38 digits, not its shortest text."""

    class LegacyBooleanField(NumberBooleanField):
        """A ``bool`` that is stored as a number: 1 or 0. BOOL is read too."""


__all__ = ["DateField", "DateTimeField", "FloatField", "JSONField", "LegacyBooleanField"]
