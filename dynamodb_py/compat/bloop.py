"""Fields of tables that bloop uses too.

Its ``DateTime`` is a ``DateTimeField``, spelled alike.

>>> BinaryField().encode(b"raw")
{'B': b'cmF3'}
"""

from typing import TYPE_CHECKING

from ..models.fields.times.datetimes import DateTimeField
from .spellings import Base64Field, WholeTimestampField

if TYPE_CHECKING:
    # For the type checkers, these are the fields whose keywords and values they have.
    from ..models.fields.text import BinaryField
    from ..models.fields.times.datetimes import TimestampField
else:

    class BinaryField(Base64Field):
        """A ``Binary``: base64 within B."""

    class TimestampField(WholeTimestampField):
        """A ``Timestamp``: whole seconds. bloop would cut off a fraction without a word."""


__all__ = ["BinaryField", "DateTimeField", "TimestampField"]
