"""Keys as bytes in DynamoDB's order: numbers by value, text by its UTF-8 bytes, binaries by their bytes."""

from __future__ import annotations

import hashlib
from binascii import a2b_base64
from collections.abc import Sequence

from .values import Value, format_number, parse_number

_NEGATIVE, _ZERO, _POSITIVE = b"\x01", b"\x02", b"\x03"
_INVERTED = bytes(0xFF - n for n in range(256))


def encode_key(parts: Sequence[Value]) -> bytes:
    """Return the bytes of a key of one or more attributes.

    All parts but the last end with a terminator that no part contains. So the encoded first parts are a
    prefix of the whole key.

    >>> encode_key([{"N": "-2"}]) < encode_key([{"N": "0.5"}]) < encode_key([{"N": "10"}])
    True
    """
    *first, last = parts
    return encode_prefix(first) + encode_part(last)


def encode_prefix(parts: Sequence[Value]) -> bytes:
    """Return the prefix of all keys that have *parts* as their first parts."""
    return b"".join(encode_part(each).replace(b"\x00", b"\x00\xff") + b"\x00\x01" for each in parts)


def encode_part(value: Value) -> bytes:
    """Return the bytes of one attribute of a key."""
    ((kind, content),) = value.items()
    if kind == "S":
        return content.encode()  # type: ignore[no-any-return]
    if kind == "B":
        return a2b_base64(content)
    return _encode_number(content)


def _encode_number(text: str) -> bytes:
    if text.isdecimal() and text[0] != "0":  # the usual case: a positive integer in normal form
        return _POSITIVE + bytes([len(text) + 129]) + text.rstrip("0").encode()
    number = parse_number(text)
    if not number:
        return _ZERO
    digits = format_number(number.copy_abs()).replace(".", "").strip("0")
    # The exponent of DynamoDB's numbers is from -130 to 125, so it fits a byte.
    body = bytes([number.adjusted() + 130]) + digits.encode()
    if number > 0:
        return _POSITIVE + body
    return _NEGATIVE + (body + b"\x00").translate(_INVERTED)


def after_prefix(prefix: bytes) -> bytes | None:
    """Return the lowest bytes that are greater than all keys with *prefix*, or None if there are none."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1]) if stripped else None


def hash_key(key: bytes) -> int:
    """Return the position of a hash key in the order of a scan: a hash value of 63 bits."""
    digest = _EMPTY.copy()  # a copy takes half the time of a new one
    digest.update(key)
    return int.from_bytes(digest.digest(), "big") >> 1


_EMPTY = hashlib.blake2b(digest_size=8)
