"""Ranges of keys, and what keeps texts of any length in order inside them.

Where a text is followed by a character *c* below ``/``, what would come before the end of the part is
escaped: each character up to *c*, and the next one after it, which is the escape character itself.
"""

from __future__ import annotations

import re

from msgspec import Struct

from ...expressions import BeginsWith, Between, Compare, Condition, Path, Value

_FIRST_ESCAPED = 0x30
_LAST_CHARACTER = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


class Prefix(Struct, frozen=True):
    """How a key begins whose first parts are known."""

    text: str
    parts: tuple[str, ...]
    """The parts that are in it."""
    complete: bool
    """Whether it is all of the key."""
    exact: bool
    """Whether it says all of what is known of its parts; else those values are to be filtered by too."""


class KeyRange(Struct, frozen=True):
    """The keys that can have a part in a range. *prefix*, where it is set, says all of it."""

    low: str | None = None
    high: str | None = None
    open_low: bool = False
    open_high: bool = False
    prefix: str | None = None
    exact: bool = True
    """Whether it has no other keys; else the part is to be filtered by too."""

    def condition(self, path: Path) -> Condition:
        """Return what says so of the key at *path*."""
        if self.prefix is not None:
            return BeginsWith(path, Value({"S": self.prefix}))
        low, high = self.low, self.high
        if low is not None and high is not None and not (self.open_low or self.open_high):
            return Between(path, Value({"S": low}), Value({"S": high}))
        condition = Condition()
        if low is not None:
            condition &= Compare(path, ">" if self.open_low else ">=", Value({"S": low}))
        if high is not None:
            condition &= Compare(path, "<" if self.open_high else "<=", Value({"S": high}))
        return condition


def escape(text: str, ends: str) -> str:
    """Return a text with nothing in it that would come before *ends*, a character below ``/``."""
    last = chr(ord(ends) + 1)
    if not text or min(text) > last:  # nearly always
        return text
    return "".join(
        last + chr(_FIRST_ESCAPED + ord(each)) if each <= last else each for each in text
    )


def unescape(text: str, ends: str) -> str | None:
    """Return the text that was escaped so; None for what no text is escaped to."""
    last = chr(ord(ends) + 1)
    if not text or min(text) > last:
        return text
    found = re.sub(
        f"{re.escape(last)}(.)",
        lambda met: chr((ord(met[1]) - _FIRST_ESCAPED) % 0x110000),
        text,
        flags=re.DOTALL,
    )
    return found if escape(found, ends) == text else None


def find_following(text: str) -> str:
    """Return the least text that is greater than all that begin with *text*, which is not empty."""
    kept = text.rstrip(chr(_LAST_CHARACTER))
    code = ord(kept[-1]) + 1
    if code in _SURROGATES:
        code = _SURROGATES.stop
    return kept[:-1] + chr(code)
