"""Key conditions: which range of keys a query reads."""

from __future__ import annotations

from ..tables import Keyed
from .placeholders import Placeholders


class KeyCondition:
    """One hash key and a half-open range of range keys, all encoded."""

    hashed: bytes
    low: bytes
    high: bytes | None


def parse_key_condition(text: object, placeholders: Placeholders, keyed: Keyed) -> KeyCondition:
    """Return the key condition in *text*; raise a ValidationException."""
    raise NotImplementedError
