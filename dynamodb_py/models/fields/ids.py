"""Identifiers that sort by the time when they were made: UUIDs of version 7, and ULIDs.

Both begin with milliseconds since 1970, followed by random bits. Within a process each is greater than
the one before, also within a millisecond and after the clock is set back.

https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7, https://github.com/ulid/spec
"""

from __future__ import annotations

import os
from datetime import datetime, timezone
from threading import Lock
from time import time_ns
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID


_UUID_BITS = 74  # the 80 bits after the milliseconds without the version and the variant
_ULID_BITS = 80
_STEP_BYTES = 4
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: no I, L, O and U. In the order of their code points."""
LENGTH = 26
_DIGITS = frozenset(ALPHABET)
_MAX_MILLISECONDS = 2**48 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Ticks:
    """Makes growing numbers: milliseconds, and *bits* random bits below them."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self.forget()

    def forget(self) -> None:
        """Start again, in a child process, where a lock of the parent may be held for ever."""
        self._lock = Lock()
        self._latest = 0

    def next(self) -> int:
        """Return a number greater than all before."""
        now = time_ns() // 1_000_000
        with self._lock:
            if now > self._latest >> self._bits:
                # The first bit is zero, as room for more numbers in the same millisecond.
                self._latest = now << self._bits | _random(10) >> (81 - self._bits)
            else:
                self._latest += 1 + _random(_STEP_BYTES)
            return self._latest


def _random(count: int) -> int:
    return int.from_bytes(os.urandom(count), "big")


_for_uuids, _for_ulids = Ticks(_UUID_BITS), Ticks(_ULID_BITS)

if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(after_in_child=_for_uuids.forget)
    os.register_at_fork(after_in_child=_for_ulids.forget)


def make_uuid7() -> UUID:
    """Return a new UUID of version 7, greater than all before it in this process.

    >>> one, other = make_uuid7(), make_uuid7()
    >>> one.version, one < other, str(one) < str(other)
    (7, True, True)
    """
    from uuid import UUID  # imported only for models with a UUID

    tick = _for_uuids.next()
    head, tail = tick >> 62, tick & (1 << 62) - 1
    milliseconds, middle = head >> 12, head & 0xFFF
    return UUID(int=milliseconds << 80 | 7 << 76 | middle << 64 | 2 << 62 | tail)


def make_ulid() -> str:
    """Return a new ULID, greater than all before it in this process.

    >>> one, other = make_ulid(), make_ulid()
    >>> len(one), one < other
    (26, True)
    """
    return _text(_for_ulids.next())


def _text(number: int) -> str:
    return "".join([ALPHABET[number >> shift & 31] for shift in range(125, -1, -5)])


def is_ulid(text: str) -> bool:
    """Tell whether *text* is a ULID, in capital letters."""
    return len(text) == LENGTH and text[0] <= "7" and _DIGITS.issuperset(text)


def find_least_ulid(moment: datetime) -> str:
    """Return the least ULID of the millisecond of *moment*; a naive one is in UTC.

    >>> find_least_ulid(datetime(2026, 11, 1, tzinfo=timezone.utc))
    '01M6A6FT000000000000000000'
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    since = moment - _EPOCH
    milliseconds = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    if not 0 <= milliseconds <= _MAX_MILLISECONDS:
        raise ValueError(f"{moment!r} is no moment that a ULID can say: from 1970 on")
    return _text(milliseconds << _ULID_BITS)


def parse_moment(text: str) -> datetime:
    """Return the moment of a ULID, in UTC, to the millisecond.

    >>> parse_moment("01M6A6FT000000000000000000").isoformat()
    '2026-11-01T00:00:00+00:00'
    """
    if not is_ulid(text):
        raise ValueError(f"{text!r} is no ULID")
    number = 0
    for character in text[:10]:
        number = number << 5 | ALPHABET.index(character)
    seconds, rest = divmod(number, 1000)
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).replace(microsecond=rest * 1000)
    except (OverflowError, OSError, ValueError) as error:
        raise ValueError(f"{text!r} says a moment that is past the year 9999") from error
