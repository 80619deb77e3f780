"""Grounds: what a plan rests on, beside the shape of its question."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import TypeAlias

from msgspec import Struct

from ..expressions import Condition
from ..operations.base import Wire
from .costs import cost, least_cost
from .notes import Notes
from .plan import Question
from .ways import Fit, Way, hopeless

Noted: TypeAlias = "Sequence[tuple[Way, Notes]]"
"""The ways that were looked at, in the order in which they are preferred, with what was noted."""


class Grounds(Struct, frozen=True, eq=False):
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


def grounds(question: Question, chosen: Fit | None, noted: Noted) -> Grounds | None:
    """Return what it rests on that *chosen*, or a scan where it is None, answers *question*.

    None where it rests on more than can be told: such a plan is made for each question by itself.
    """
    if chosen is not None and (chosen.notes.compared or len(chosen.stretches) != 1):
        return None
    less: list[tuple[Wire, Wire]] = []
    distinct: list[tuple[Wire, ...]] = []
    for way, notes in noted:
        mine = chosen is not None and way is chosen.way
        if not mine and hopeless(way, question):
            continue
        # Where bounds have nothing between them, any way knows that nothing matches.
        less += notes.less
        if not mine and not _counts(way, notes, question, chosen, noted):
            continue
        if notes.compared:
            return None
        distinct += map(tuple, notes.distinct)
    return Grounds(
        checked=() if chosen is None else chosen.checked,
        less=tuple({(id(low), id(high)): (low, high) for low, high in less}.values()),
        distinct=tuple({tuple(map(id, each)): each for each in distinct}.values()),
        unlike=() if chosen is None else _unlike(chosen.stretches[0].filter),
    )


def _counts(way: Way, notes: Notes, question: Question, chosen: Fit | None, noted: Noted) -> bool:
    """Tell whether *way*, which was not chosen, could have been for other values."""
    if notes.met:
        return True
    if not notes.compared and not notes.distinct:
        return False
    least = least_cost(way, question)
    if least is None or chosen is None:
        return least is not None
    ways = [each for each, _ in noted]
    return (least, ways.index(way)) < (cost(chosen, question), ways.index(chosen.way))


def _unlike(filter_: Condition) -> tuple[tuple[tuple[Wire, ...], ...], ...]:
    """Return the values of those terms of a filter that differ in their values only."""
    groups: dict[Hashable, list[tuple[Wire, ...]]] = {}
    for term in filter_.conjuncts:
        values: list[Wire] = []
        shape = term.shape(values)
        if values:
            groups.setdefault(shape, []).append(tuple(values))
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)
