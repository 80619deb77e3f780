"""Whether two key templates can make the same text, by their literals at known places."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct


class Outline(Struct, frozen=True):
    """The beginning of all texts of a template, up to its first part of varying length."""

    characters: tuple[str | None, ...] = ()
    """The literal characters; None for each character of a part of fixed length."""
    complete: bool = False
    """Whether this is the whole text: no part has a varying length."""

    @classmethod
    def of(cls, pieces: Iterable[str | int | None]) -> Outline:
        """Return the outline of literals and the lengths of parts, None for a varying length."""
        characters: list[str | None] = []
        for piece in pieces:
            if piece is None:
                return cls(tuple(characters))
            characters += piece if isinstance(piece, str) else [None] * piece
        return cls(tuple(characters), complete=True)

    def can_equal(self, other: Outline) -> bool:
        """Tell whether one text may have both outlines; True if they do not rule it out.

        >>> order = Outline.of(["ORDER#", 8])
        >>> order.can_equal(Outline.of(["ORDER#", None]))
        True
        >>> order.can_equal(Outline.of(["ORDER#", 8, "#LINE#", 3]))
        False
        """
        own, others = self.characters, other.characters
        if (self.complete and len(own) < len(others)) or (
            other.complete and len(others) < len(own)
        ):
            return False
        pairs = zip(own, others, strict=False)
        return all(one is None or two is None or one == two for one, two in pairs)
