"""Updates of an item."""

from __future__ import annotations

from ..values import Item
from .placeholders import Placeholders


class Update:
    """Changes of an item."""

    paths: tuple[tuple[str | int, ...], ...]
    names: frozenset[str]

    def apply(self, item: Item) -> Item:
        """Return a new item with the changes; *item* stays as it is."""
        raise NotImplementedError

    def project_touched(self, item: Item) -> Item:
        """Return what *item* has of the parts that are changed."""
        raise NotImplementedError


def parse_update(text: object, placeholders: Placeholders) -> Update:
    """Return the update in *text*; raise a ValidationException."""
    raise NotImplementedError
