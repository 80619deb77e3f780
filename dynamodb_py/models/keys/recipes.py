"""Recipes: the values of a question about keys, made from the values of the question about their parts.

A question that was rewritten (``rewriting.py``) and filtered has three sorts of values: those of the original
question, constants, and texts that templates compose from the values of parts. Questions that differ only in
their values have the same sorts in the same places. A recipe records these, so that only the first of
such questions is rewritten.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from ...exceptions import ValidationError
from ...expressions import Condition, Path, Unexpired
from ...operations.base import Wire
from ...planning.comparisons import RANGES, parse_comparison
from .computed import ComputedReads
from .merged import BoundMerge
from .ranges import KeyRange
from .template import BoundTemplate

Maker: TypeAlias = "Callable[[Sequence[Wire]], Sequence[Wire] | None]"
"""A function that makes values from those of the question; None if its condition would be another one."""
_Compared: TypeAlias = "tuple[str, tuple[Wire, ...]]"
"""The operator and the values of a comparison with a key."""
_KEY = Path(("key",))
"""Any key: only the texts in conditions on it count."""


class Recipe(Struct, frozen=True, eq=False):
    """Makes the values of a rewritten question, in the order of its condition's shape."""

    constants: list[Wire]
    """The values of the first such question; all but the constants are replaced."""
    kept: list[tuple[int, int]]
    """For each value that is kept: its place in the rewritten question, and that in the original one."""
    made: list[tuple[list[int], Maker]]
    """The functions that make the other values, each with the places of these."""

    def make(self, values: Sequence[Wire]) -> list[Wire] | None:
        """Return the values for a question with *values*; None if that question must be rewritten itself."""
        found = self.constants.copy()
        for place, slot in self.kept:
            found[place] = values[slot]
        try:
            for places, make in self.made:
                if (wires := make(values)) is None:
                    return None
                for place, wire in zip(places, wires):  # noqa: B905 - quicker
                    found[place] = wire
        except ValidationError:
            return None  # rewriting raises it too, with all that is wrong
        return found


class _Part(Struct, frozen=True):
    """A comparison of a part: its values are those of the question at the places *slots*."""

    name: str
    operator: str
    slots: tuple[int, ...]


def find_recipe(
    given: Condition,
    rewritten: Condition,
    computed: ComputedReads | None,
    constant: Collection[str],
    now: Callable[[], Wire] | None,
) -> Recipe | None:
    """Return the recipe that makes the values of *rewritten* from those of *given*; None if there is none.

    :param constant: the attributes that filters compare with constants.
    :param now: returns the current time, with which the filter on expired items compares.
    """
    before, after = _find_values(given), _find_values(rewritten)
    slots = {id(wire): at for at, wire in enumerate(before)}
    places = {id(wire): at for at, wire in enumerate(after)}
    if len(slots) < len(before) or len(places) < len(after):
        return None
    recipe = Recipe(after, [], [])
    texts: dict[str, list[_Compared]] = {}
    for term in rewritten.conjuncts:
        wires, comparison = _find_values(term), parse_comparison(term)
        if all(id(wire) in slots for wire in wires):
            recipe.kept.extend((places[id(wire)], slots[id(wire)]) for wire in wires)
        elif type(term) is Unexpired and now is not None:
            recipe.made.append(([places[id(wire)] for wire in wires], _make_now(now)))
        elif comparison is None:
            return None
        elif comparison[0] not in constant:
            texts.setdefault(comparison[0], []).append(comparison[1:])
    parts = None if computed is None else _find_parts(given, computed, slots)
    for attribute, compared in texts.items():
        field = None if computed is None else computed.by_attribute.get(attribute)
        if field is None or parts is None or isinstance(field.template, BoundMerge):
            return None
        found = _trace(field.template, compared, parts, before)
        if found is None:
            return None
        recipe.made.extend(([places[id(wire)] for wire in wires], make) for wires, make in found)
    return recipe if recipe.make(before) == after else None


def _find_values(condition: Condition) -> list[Wire]:
    values: list[Wire] = []
    condition.shape(values)
    return values


def _make_now(now: Callable[[], Wire]) -> Maker:
    return lambda _: (now(),)


def _find_parts(
    given: Condition, computed: ComputedReads, slots: Mapping[int, int]
) -> list[_Part] | None:
    """Return the comparisons of parts; None if there are others, or two values for one part."""
    names = {part.attribute: part.name for each in computed.all for part in each.parts}
    found: list[_Part] = []
    for term in given.conjuncts:
        if names.keys().isdisjoint(str(path.parts[0]) for path in term.paths()):
            continue
        comparison = parse_comparison(term)
        if comparison is None or comparison[1] not in RANGES | {"="}:
            return None
        attribute, operator, wires = comparison
        found.append(_Part(names[attribute], operator, tuple(slots[id(wire)] for wire in wires)))
    fixed = [part.name for part in found if part.operator == "="]
    return found if len(set(fixed)) == len(fixed) else None


def _trace(
    template: BoundTemplate,
    compared: Sequence[_Compared],
    parts: Sequence[_Part],
    before: Sequence[Wire],
) -> list[tuple[Sequence[Wire], Maker]] | None:
    """Return the texts that a key is compared with, and their makers; None if a text has none.

    It follows ``rewriting.py``: the whole key or its beginning, or ranges of its next part.
    """
    equal = {part.name: part.slots[0] for part in parts if part.operator == "="}
    prefix = template.prefix_wires({name: before[slot] for name, slot in equal.items()})
    known = [(name, equal[name]) for name in prefix.parts]
    literal = {"S": template.literal_prefix}
    constant = [("=", (literal,)), ("begins_with", (literal,))]
    rest = [each for each in compared if each not in constant]
    if known and prefix.text == template.literal_prefix:
        return None  # other values of the parts make another text than that constant
    if not rest:
        return []
    operator, text = "=" if prefix.complete else "begins_with", {"S": prefix.text}
    if known and rest == [(operator, (text,))]:
        return [(rest[0][1], _make_prefix(template, known))]
    found: list[tuple[Sequence[Wire], Maker]] = []
    expected: list[_Compared] = []
    next_ = None if prefix.complete else template.parts[len(known)].name
    for part in parts:
        if part.name != next_ or part.operator == "=":
            continue
        wires = [before[slot] for slot in part.slots]
        keys = template.bounds_after(prefix, part.name, part.operator, wires)
        if keys is None:
            return None
        comparisons = filter(None, map(parse_comparison, keys.condition(_KEY).conjuncts))
        at = len(expected)
        expected += [each[1:] for each in comparisons]
        wires = [wire for _, several in rest[at : len(expected)] for wire in several]
        found.append((wires, _make_range(template, known, part, keys)))
    return found if expected == rest else None


def _make_prefix(template: BoundTemplate, known: Sequence[tuple[str, int]]) -> Maker:
    # A filter looks for texts that the template cannot have made.
    parsed = len(known) == len(template.parts) and not template.parses_all

    def make(values: Sequence[Wire]) -> Sequence[Wire] | None:
        prefix = template.prefix_wires({name: values[slot] for name, slot in known})
        if parsed and template.parse_wires(prefix.text) is None:
            return None
        return ({"S": prefix.text},)

    return make


def _make_range(
    template: BoundTemplate, known: Sequence[tuple[str, int]], part: _Part, keys: KeyRange
) -> Maker:
    form, name, operator, slots = _form_of(keys), part.name, part.operator, part.slots
    constant = None if known else template.prefix_wires({})

    def make(values: Sequence[Wire]) -> Sequence[Wire] | None:
        prefix = constant or template.prefix_wires({name: values[slot] for name, slot in known})
        found = template.bounds_after(prefix, name, operator, [values[slot] for slot in slots])
        if found is None or _form_of(found) != form:
            return None
        texts = (found.prefix, found.low, found.high)
        return [{"S": text} for text in texts if text is not None]

    return make


def _form_of(keys: KeyRange) -> Hashable:
    """Return the form of a range's condition, which does not depend on the texts."""
    return keys.prefix is None, keys.low is None, keys.high is None, keys.open_low, keys.open_high
