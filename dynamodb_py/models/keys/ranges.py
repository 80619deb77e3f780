"""Ranges of keys, and the escaping that keeps texts of any length in order.

If a text is followed by a character *c* below ``/``, each of its characters up to *c* is escaped, and so is the
character after *c*, which is the escape character.
"""

from __future__ import annotations

import re

from msgspec import Struct

from ...expressions import BeginsWith, Between, Compare, Condition, Path, Value

_FIRST_ESCAPED = 0x30
_LAST_CHARACTER = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


class Prefix(Struct, frozen=True):
    """The beginning of a key whose first parts are known."""

    text: str
    parts: tuple[str, ...]
    """The names of the parts in it."""
    complete: bool
    """Whether it is the whole key."""
    exact: bool
    """Whether it contains its parts in full; otherwise a filter on their values is needed too."""


class KeyRange(Struct, frozen=True):
    """The keys with a part in a range; *prefix*, if it is set, is the whole condition."""

    low: str | None = None
    high: str | None = None
    open_low: bool = False
    open_high: bool = False
    prefix: str | None = None
    exact: bool = True
    """Whether it has no other keys; otherwise a filter on the part is needed too."""

    def condition(self, path: Path) -> Condition:
        """Return the condition that the key at *path* is in the range."""
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
    """Return a text without characters that would sort before *ends*, a character below ``/``."""
    last = chr(ord(ends) + 1)
    if not text or min(text) > last:  # the usual case
        return text
    return "".join(
        last + chr(_FIRST_ESCAPED + ord(each)) if each <= last else each for each in text
    )


def unescape(text: str, ends: str) -> str | None:
    """Return the text before :func:`escape`; None for a text that escaping does not give."""
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
