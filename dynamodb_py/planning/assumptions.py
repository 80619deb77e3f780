"""Assumptions: the properties of a question's values that a plan, or one access path, depends on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from ..operations.base import Wire


class Notes:
    """The properties of the values that mattered when one access path was fitted to a question.

    Other values of the same shape give the same result (as many requests of the same kinds, or the same
    refusal) if *less*, *distinct* and *filled* are true of them too and *compared* is False.
    """

    __slots__ = ("compared", "distinct", "filled", "less", "met")

    def __init__(self) -> None:
        self.less: list[tuple[Wire, Wire]] = []
        """Pairs of values; the first is less."""
        self.distinct: list[Sequence[Wire]] = []
        """The values of each IN, which all differ."""
        self.filled: list[Wire] = []
        """Values that keys are compared with, and that are not empty: an empty one is less than every key."""
        self.compared = False
        """Whether the result depends on other comparisons of the values as well."""
        self.met = False
        """Whether intervals were intersected that may be disjoint for other values, so that nothing matches."""

    def clear(self) -> None:
        """Forget everything: the result depends on the shape alone."""
        self.less.clear()
        self.distinct.clear()
        self.filled.clear()
        self.compared = self.met = False


class Assumptions(Struct, frozen=True, eq=False):
    """The properties that other values of the same shape must have to get the same plan."""

    checked: tuple[tuple[str, Wire], ...] = ()
    """Values of key attributes; each must be valid in a key."""
    less: tuple[tuple[Wire, Wire], ...] = ()
    """Pairs of values; the first must be less."""
    distinct: tuple[tuple[Wire, ...], ...] = ()
    """Groups of values that must all differ."""
    filled: tuple[Wire, ...] = ()
    """Values that must not be empty."""
    unlike: tuple[tuple[tuple[Wire, ...], ...], ...] = ()
    """Groups of terms whose values must differ, as a filter has each term only once."""

    def wires(self) -> Iterator[Wire]:
        """Yield the values of all assumptions, except *checked*."""
        for several in (*self.less, *self.distinct, self.filled):
            yield from several
        for terms in self.unlike:
            for wires in terms:
                yield from wires
