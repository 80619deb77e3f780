"""Notes: what a way's fit followed from, beside the shape of the question."""

from __future__ import annotations

from collections.abc import Sequence

from ..operations.base import Wire


class Notes:
    """What was seen of the values while one way was fitted to a question.

    As long as *less* and *distinct* hold, and nothing was *compared*, any values of the same shape
    give the same: as many requests of the same kinds, or the same refusal.
    """

    __slots__ = ("compared", "distinct", "less", "met")

    def __init__(self) -> None:
        self.less: list[tuple[Wire, Wire]] = []
        """Pairs of values of which the first is less."""
        self.distinct: list[Sequence[Wire]] = []
        """Values of one IN, which all differ."""
        self.compared = False
        """Whether it followed from other comparisons too."""
        self.met = False
        """Whether other values could leave nothing to match, however it came out with these."""

    def clear(self) -> None:
        """Forget everything: what came of it follows from the shape alone."""
        self.less.clear()
        self.distinct.clear()
        self.compared = self.met = False
