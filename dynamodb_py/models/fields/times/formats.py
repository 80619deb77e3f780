"""Formats in which dates and moments are stored for other programs, with strftime's directives."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import NamedTuple, TypeVar


class Part(NamedTuple):
    """A directive: the attribute of a datetime, its digits, its least number, and its name."""

    attribute: str
    width: int
    least: int
    name: str


PARTS = {
    "%Y": Part("year", 4, 1, "year"),
    "%m": Part("month", 2, 1, "month"),
    "%d": Part("day", 2, 1, "day of the month"),
    "%H": Part("hour", 2, 0, "hour"),
    "%M": Part("minute", 2, 0, "minute"),
    "%S": Part("second", 2, 0, "second"),
    "%f": Part("microsecond", 6, 0, "microsecond"),
}
_DATE_PARTS = ("%Y", "%m", "%d")
_ZONES = {"%z": "+0000", "%:z": "+00:00"}
_PIECES = re.compile(r"%:?.?|[^%]+", re.DOTALL)
_OTHER_ZONE = re.compile(r"[+-](?!00:?00)[0-9]{2}:?[0-9]{2}$")
_ZONE = r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})"

D = TypeVar("D", bound=date)


class TimeFormat:
    """Writes moments in UTC, or dates, as texts that all have the same number of characters.

    Unlike strftime, it does not depend on the locale or on the C library.

    :param text: the format, with ``%Y %m %d %H %M %S %f %z %:z %%``.
    :param of_day: whether it is for dates, which have no time of day.

    >>> TimeFormat("%d.%m.%Y %H:%M%z").spell(datetime(2026, 11, 1, 12, 30))
    '01.11.2026 12:30+0000'
    """

    problem: str = ""
    """Why the format cannot be used, for messages; "" if it can."""

    unordered: str = ""
    """Why its texts do not sort as the values do; "" if they do."""

    def __init__(self, text: str, *, of_day: bool = False) -> None:
        self.text = text
        given: object = text
        if not isinstance(given, str):
            self.problem = "give a text, such as '%Y-%m-%d'"
            return
        pieces: list[str] = _PIECES.findall(text)
        self.problem = _find_problem(pieces, of_day)
        if self.problem:
            return
        known = _DATE_PARTS if of_day else tuple(PARTS)
        used = [piece for piece in pieces if piece in PARTS]
        self.missing = [PARTS[each] for each in known if each not in used]
        if used != [each for each in known if each in used]:
            self.unordered = (
                f"texts of format={text!r} do not sort as the values do: a format sorts if its parts go "
                "from large to small, such as %Y-%m-%d"
            )
        self._template = "".join(map(_spell_piece, pieces))
        self._pattern = re.compile("".join(map(_match_piece, pieces)), re.DOTALL)
        self.width = len(self.spell(datetime(1, 1, 1, tzinfo=timezone.utc)))

    def spell(self, value: date) -> str:
        """Return the text of a date, or of a moment in UTC."""
        return self._template.format(value)

    def find_loss(self, value: date) -> str:
        """Return which part of *value* the text would not keep, for messages; "" if it keeps all."""
        for attribute, _, least, name in self.missing:
            number = getattr(value, attribute)
            if number != least:
                return f"the {name} {number}, which format={self.text!r} does not keep"
        return ""

    def cut(self, value: D) -> D:
        """Return *value* without the parts that the text does not keep."""
        return value.replace(**{part.attribute: part.least for part in self.missing})

    def parse(self, text: str) -> datetime | None:
        """Return the moment of a text, in UTC; None for a text in another format.

        Raises ValueError or OverflowError for a text in this format that is not a moment.
        """
        found = self._pattern.fullmatch(text)
        if found is None:
            return None
        parts = found.groupdict()
        zone = parts.pop("zone", None)
        numbers: dict[str, int] = {name: int(digits) for name, digits in parts.items()}
        moment = datetime(**({"month": 1, "day": 1} | numbers), tzinfo=timezone.utc)
        return moment if zone in (None, "Z", *_ZONES.values()) else moment - _parse_zone(zone)


def _find_problem(pieces: list[str], of_day: bool) -> str:
    directives = [piece for piece in pieces if piece[0] == "%" and piece != "%%"]
    for piece in directives:
        if piece not in PARTS and piece not in _ZONES:
            known = " ".join([*PARTS, *_ZONES, "%%"])
            return f"{piece} is not supported: use {known}, which no locale changes"
        if of_day and piece not in _DATE_PARTS:
            return f"{piece} is for a time of day, which a date does not have"
    if "%Y" not in directives:
        return "%Y is missing: without the year the text could not be read again"
    if len({each.replace(":", "") for each in directives}) < len(directives):
        return "it has the same part twice"
    if found := _OTHER_ZONE.search(pieces[-1]):
        return f"the stored text is in UTC, so {found[0]} would be wrong: write %z or %:z"
    return ""


def _spell_piece(piece: str) -> str:
    if piece in PARTS:
        part = PARTS[piece]
        return f"{{0.{part.attribute}:0{part.width}d}}"
    return _ZONES.get(piece) or _unescape(piece).replace("{", "{{").replace("}", "}}")


def _match_piece(piece: str) -> str:
    if piece in PARTS:
        part = PARTS[piece]
        return f"(?P<{part.attribute}>[0-9]{{{part.width}}})"
    return _ZONE if piece in _ZONES else re.escape(_unescape(piece))


def _unescape(piece: str) -> str:
    return "%" if piece == "%%" else piece


def _parse_zone(text: str) -> timedelta:
    """Return the offset of ``+02:00`` or ``+0200``."""
    span = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return -span if text[0] == "-" else span
