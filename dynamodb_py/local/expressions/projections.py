"""Projections: which parts of an item are returned."""

from __future__ import annotations

from ..values import Item
from .placeholders import Placeholders


class Projection:
    """Parts of an item."""

    paths: tuple[tuple[str | int, ...], ...]
    names: frozenset[str]

    def project(self, item: Item) -> Item:
        """Return a new item with those parts of *item* that it has."""
        raise NotImplementedError


def parse_projection(text: object, placeholders: Placeholders) -> Projection:
    """Return the projection in *text*; raise a ValidationException."""
    raise NotImplementedError
