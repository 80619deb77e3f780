"""Codecs of the parts of key templates: the text of a field's stored value, and back."""

from __future__ import annotations

import re
from datetime import date, datetime, timezone
from typing import Any

from ...codec import Unstorable
from ...exceptions import UnreadableValue
from ...operations.base import Wire
from ..fields.base import AnyField
from ..fields.numbers import DecimalField, FloatField
from ..fields.text import CharField, TextField
from ..fields.times.dates import DateField
from ..fields.times.datetimes import DateTimeField, TimestampField
from ..fields.times.durations import TimeDeltaField
from ..fields.times.moments import to_utc


class PartCodec:
    """Encodes the value of *field* as a part of a key."""

    width: int | None = None
    """The length of each text; None if it varies."""
    sorts = True
    """Whether the texts sort as the stored values do."""
    lossy = False
    """Whether the text loses something of the value."""
    parses_all = False
    """Whether :meth:`wire` returns a value for each text that :meth:`text` returns."""
    greatest: str | None = None
    """The greatest text, if there is one."""

    def __init__(self, field: AnyField) -> None:
        self.field = field
        self.name = field.name

    def text(self, wire: Wire) -> str:
        """Return the text of a stored value; raise Unstorable for values that a key cannot contain."""
        raise NotImplementedError

    def wire(self, text: str) -> Wire | None:
        """Return the stored value of a text; None for a text that no value has.

        For a lossy part it is one of the values with this text.
        """
        raise NotImplementedError

    def make_refusal(self, wire: Wire, problem: str) -> Unstorable:
        """Return the error for a value that cannot be a part of a key."""
        return Unstorable(f"{self.name}={self.field.decode(wire)!r} {problem}")


class TextPart(PartCodec):
    """A text, as it is stored."""

    def __init__(self, field: AnyField) -> None:
        super().__init__(field)
        self.width = field.text_width if field.plain else None
        self.parses_all = type(field) in (CharField, TextField)

    def text(self, wire: Wire) -> str:
        text: str = wire["S"]
        if self.width is not None and len(text) != self.width:
            raise self.make_refusal(
                wire, f"is stored in {len(text)} characters, not in {self.width}"
            )
        return text

    def wire(self, text: str) -> Wire | None:
        wire: Wire = {"S": text}
        if self.parses_all:
            return wire
        try:
            same = self.field.to_wire(self.field.decode(wire)) == wire
        except (UnreadableValue, Unstorable):
            return None
        return wire if same else None


class NumberPart(PartCodec):
    """An int as its digits, which do not sort as numbers of different lengths."""

    sorts = False
    parses_all = True

    def text(self, wire: Wire) -> str:
        number: str = wire["N"]
        if _INTEGER.fullmatch(number) is None:
            raise self.make_refusal(wire, "is not a whole number: keys with it would not sort")
        return number

    def wire(self, text: str) -> Wire | None:
        return {"N": text} if _INTEGER.fullmatch(text) else None


class PaddedPart(NumberPart):
    """An int of 0 or more, with zeros before it: ``{number:08d}``."""

    sorts = True

    def __init__(self, field: AnyField, width: int) -> None:
        super().__init__(field)
        self.width = self._digits = width
        self.greatest = "9" * width

    def text(self, wire: Wire) -> str:
        number = super().text(wire)
        if number[0] == "-":
            raise self.make_refusal(wire, "is negative: keys with it would not sort")
        if len(number) > self._digits:
            raise self.make_refusal(
                wire, f"has more than {self._digits} digits: keys with it would not sort"
            )
        return number.zfill(self._digits)

    def wire(self, text: str) -> Wire | None:
        if _DIGITS.fullmatch(text) is None or len(text) != self._digits:
            return None
        return {"N": text.lstrip("0") or "0"}


_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_DIGITS = re.compile(r"[0-9]+")


# The directives of formats: for each, the number of digits, and the least and the greatest number.
_DIRECTIVES = {
    "Y": (4, 1, 9999),
    "m": (2, 1, 12),
    "d": (2, 1, 31),
    "H": (2, 0, 23),
    "M": (2, 0, 59),
    "S": (2, 0, 59),
    "f": (6, 0, 999_999),
}
_ORDER = "YmdHMSf"
_OF_A_DAY = frozenset("HMSf")


class MomentPart(PartCodec):
    """A date, or a moment in UTC, by a format: ``{created:%Y-%m-%d}``."""

    def __init__(self, field: AnyField, pieces: list[str]) -> None:
        super().__init__(field)
        self.pieces = pieces
        directives = "".join(piece[1] for piece in pieces if piece[0] == "%")
        self.sorts = _ORDER.startswith(directives)
        whole = _ORDER
        if isinstance(field, DateField):
            whole = "Ymd"
        elif isinstance(field, TimestampField) and field.in_whole_seconds:
            whole = "YmdHMS"
        self.lossy = not set(whole) <= set(directives)  # whatever the order of the directives
        self.greatest = "".join(str(_DIRECTIVES[p[1]][2]) if p[0] == "%" else p for p in pieces)
        self.width = len(self.greatest)

    def text(self, wire: Wire) -> str:
        moment: Any = self.field.decode(wire)
        numbers = _split_moment(to_utc(moment) if isinstance(moment, datetime) else moment)
        text = ""
        for piece in self.pieces:
            if piece[0] != "%":
                text += piece
                continue
            text += str(numbers[piece[1]]).zfill(_DIRECTIVES[piece[1]][0])
        return text

    def wire(self, text: str) -> Wire | None:
        numbers: dict[str, int] = {}
        at = 0
        for piece in self.pieces:
            width = len(piece) if piece[0] != "%" else _DIRECTIVES[piece[1]][0]
            here, at = text[at : at + width], at + width
            if piece[0] != "%":
                if here != piece:
                    return None
                continue
            _, low, high = _DIRECTIVES[piece[1]]
            if len(here) != width or _DIGITS.fullmatch(here) is None:
                return None
            number = int(here)
            if not low <= number <= high or numbers.setdefault(piece[1], number) != number:
                return None
        if at != len(text):
            return None
        return self._wire_of(numbers, text)

    def _wire_of(self, numbers: dict[str, int], text: str) -> Wire | None:
        try:
            moment = _first_moment(numbers)
            value = moment if not isinstance(self.field, DateField) else moment.date()
            wire = self.field.to_wire(value)
        except (ValueError, OverflowError, Unstorable):
            return None
        # A text such as 2026-02-30 is not a date.
        return wire if wire is not None and self.text(wire) == text else None


def _split_moment(moment: date) -> dict[str, int]:
    found = {"Y": moment.year, "m": moment.month, "d": moment.day}
    if isinstance(moment, datetime):
        found |= {"H": moment.hour, "M": moment.minute, "S": moment.second, "f": moment.microsecond}
    return found


def _first_moment(numbers: dict[str, int]) -> datetime:
    """Return the first moment that has these numbers; without a year, one of a leap year."""
    n = {"Y": 2000, "m": 1, "d": 1, "H": 0, "M": 0, "S": 0, "f": 0, **numbers}
    return datetime(n["Y"], n["m"], n["d"], n["H"], n["M"], n["S"], n["f"], timezone.utc)


def make_codec(field: AnyField, format: str) -> PartCodec:
    """Return the codec of *field* in a key; raise ValueError with a message for a field that has none."""
    name = field.name
    if isinstance(field, (DecimalField, FloatField, TimeDeltaField)) and field.kind == "N":
        raise ValueError(
            f"{name} is a {type(field).__name__}, whose numbers have no text that sorts as they do: "
            "use an IntegerField, as for cents, or leave it out of the key"
        )
    if field.kind not in ("S", "N"):
        raise ValueError(
            f"{name} is stored as {field.kind}: parts of a key are texts, whole numbers and moments"
        )
    if field.null:
        raise ValueError(f"{name} has null=True, and a key cannot contain None: drop null=True")
    if isinstance(field, (DateField, DateTimeField, TimestampField)) and "%" in format:
        return MomentPart(field, _parse_format(field, format))
    if not format:
        return TextPart(field) if field.kind == "S" else NumberPart(field)
    padded = re.fullmatch(r"0([1-9][0-9]?)d", format)
    if padded is not None and field.kind == "N":
        return PaddedPart(field, int(padded[1]))
    wanted = "0 and the number of digits, as in 08d" if field.kind == "N" else "none"
    if isinstance(field, (DateField, DateTimeField, TimestampField)):
        wanted = "%Y %m %d %H %M %S %f, as in %Y-%m-%d"
    raise ValueError(
        f"{{{name}:{format}}} is not a format of keys for a {type(field).__name__}: "
        f"it takes {wanted}"
    )


def _parse_format(field: AnyField, format: str) -> list[str]:
    """Return the directives of a format and the texts between them."""
    pieces: list[str] = []
    for found in re.finditer(r"%(.?)|[^%]+", format, re.DOTALL):
        piece, letter = found[0], found[1]
        if letter is None or letter in _DIRECTIVES:
            pieces.append(piece)
        else:
            raise ValueError(
                f"{{{field.name}:{format}}} has {piece}: keys take "
                f"{' '.join('%' + each for each in _DIRECTIVES)}, which always have the same width"
            )
        if letter in _OF_A_DAY and isinstance(field, DateField):
            raise ValueError(
                f"{{{field.name}:{format}}} has {piece}, and a date has no time of day"
            )
    return pieces
