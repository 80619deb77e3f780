"""Assumptions: what a plan, or the fit of one access path, depends on besides the question's shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from ..operations.base import Wire


class Notes:
    """What the planner found out about the values while it fitted one access path to a question.

    If *less*, *distinct* and *filled* hold, and nothing was *compared*, other values of the same shape give
    the same result: as many requests of the same kinds, or the same refusal.
    """

    __slots__ = ("compared", "distinct", "filled", "less", "met")

    def __init__(self) -> None:
        self.less: list[tuple[Wire, Wire]] = []
        """Pairs of values; the first is less."""
        self.distinct: list[Sequence[Wire]] = []
        """Values of one IN, which all differ."""
        self.filled: list[Wire] = []
        """Values that keys are compared with, and that are not empty: an empty one is below all keys."""
        self.compared = False
        """Whether the result depends on other comparisons as well."""
        self.met = False
        """Whether with other values nothing could match."""

    def clear(self) -> None:
        """Forget everything: the result depends on the shape alone."""
        self.less.clear()
        self.distinct.clear()
        self.filled.clear()
        self.compared = self.met = False


class Assumptions(Struct, frozen=True, eq=False):
    """Values of the same shape have the same plan if these hold for them."""

    checked: tuple[tuple[str, Wire], ...] = ()
    """Values of key attributes; each must be valid in a key."""
    less: tuple[tuple[Wire, Wire], ...] = ()
    """Pairs of values; the first must be less."""
    distinct: tuple[tuple[Wire, ...], ...] = ()
    """Groups of values that must all differ."""
    filled: tuple[Wire, ...] = ()
    """Values that must not be empty."""
    unlike: tuple[tuple[tuple[Wire, ...], ...], ...] = ()
    """Groups of terms whose values must differ, since a filter has each term once."""

    def wires(self) -> Iterator[Wire]:
        """Yield the values that are compared."""
        for several in (*self.less, *self.distinct, self.filled):
            yield from several
        for terms in self.unlike:
            for wires in terms:
                yield from wires
