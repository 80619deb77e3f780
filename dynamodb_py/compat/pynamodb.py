"""Fields for tables that PynamoDB uses too.

>>> from datetime import datetime
>>> UTCDateTimeField().encode(datetime(2026, 11, 1))
{'S': '2026-11-01T00:00:00.000000+0000'}
"""

from typing import TYPE_CHECKING, Any

from ..models.fields.times.datetimes import DateTimeField
from .spellings import Base64Field, JSONField, NumberBooleanField

if TYPE_CHECKING:
    # Type checkers see the usual fields, which have the same keywords and values.
    from ..models.fields.numbers import BooleanField as LegacyBooleanField
    from ..models.fields.text import BinaryField as LegacyBinaryField
    from ..models.fields.times.datetimes import DateTimeField as UTCDateTimeField
else:

    class UTCDateTimeField(DateTimeField):
        """A ``UTCDateTimeAttribute``: text in UTC that ends in ``+0000``."""

        def __init__(self, **options: Any) -> None:
            super().__init__(**{"format": "%Y-%m-%dT%H:%M:%S.%f%z", **options})

    class LegacyBinaryField(Base64Field):
        """A ``BinaryAttribute(legacy_encoding=True)``: base64 in a B.

        ``SetField(LegacyBinaryField())`` is a ``BinarySetAttribute`` with that option.
        """

    class LegacyBooleanField(NumberBooleanField):
        """A ``LegacyBooleanAttribute``: 1 or 0. The field also reads BOOL."""


__all__ = ["JSONField", "LegacyBinaryField", "LegacyBooleanField", "UTCDateTimeField"]
