"""Fields for tables that bloop uses too.

Its ``DateTime`` is the usual ``DateTimeField``.

>>> BinaryField().encode(b"raw")
{'B': b'cmF3'}
"""

from typing import TYPE_CHECKING

from ..models.fields.times.datetimes import DateTimeField
from .spellings import Base64Field, WholeTimestampField

if TYPE_CHECKING:
    # Type checkers see the usual fields, which have the same keywords and values.
    from ..models.fields.text import BinaryField
    from ..models.fields.times.datetimes import TimestampField
else:

    class BinaryField(Base64Field):
        """A ``Binary``: base64 in a B."""

    class TimestampField(WholeTimestampField):
        """A ``Timestamp``: whole seconds; this field rejects a fraction, which bloop would drop silently."""


__all__ = ["BinaryField", "DateTimeField", "TimestampField"]
