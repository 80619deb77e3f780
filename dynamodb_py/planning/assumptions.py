"""Assumptions: what a plan, or one path's fit, follows from besides the shape of the question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

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


class Assumptions(Struct, frozen=True, eq=False):
    """Other values of the same shape have the same plan, if these hold of them."""

    checked: tuple[tuple[str, Wire], ...] = ()
    """Values of key attributes, which must be such as a key can have."""
    less: tuple[tuple[Wire, Wire], ...] = ()
    """Pairs of values of which the first must be less."""
    distinct: tuple[tuple[Wire, ...], ...] = ()
    """Values that must all differ, as keys do."""
    unlike: tuple[tuple[tuple[Wire, ...], ...], ...] = ()
    """The values of terms that must all differ, since DynamoDB is asked once what is said twice."""

    def wires(self) -> Iterator[Wire]:
        """Yield the values that are compared."""
        for several in (*self.less, *self.distinct):
            yield from several
        for terms in self.unlike:
            for wires in terms:
                yield from wires
