"""Conditions and filters."""

from __future__ import annotations

from ..values import Item
from .placeholders import Placeholders


class Condition:
    """Something that an item fulfils or not."""

    names: frozenset[str]
    """The top-level attributes that it reads."""

    def holds(self, item: Item) -> bool:
        """Return whether *item* fulfils it."""
        raise NotImplementedError


def parse_condition(
    text: object, placeholders: Placeholders, kind: str = "ConditionExpression"
) -> Condition:
    """Return the condition in *text*; raise a ValidationException."""
    raise NotImplementedError
