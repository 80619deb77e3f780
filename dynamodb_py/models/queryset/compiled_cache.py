"""Sketches: what query sets of one shape have in common, all but their values.

A program asks the same few questions over and over with other values. What it says anew each time,
the names of lookups, the order, the limit, leads from sketch to sketch, and a sketch knows the one
request that answers its questions. So the values are spelled and put in place, and nothing else is
made, as long as nobody looks at the conditions. Whatever is not as usual takes the long way.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from msgspec.structs import replace

from ...codec import Unstorable
from ...expressions import (
    And,
    BeginsWith,
    Between,
    Compare,
    Condition,
    Contains,
    Exists,
    In,
    NotExists,
    Path,
    Value,
)
from ...limits import MAX_DIGITS
from ...operations.base import Wire
from ...planning import Question, Shortcut
from ..fields.base import Field
from ..fields.scalars import CharField, IntegerField
from .lookup_resolution import conditions

if TYPE_CHECKING:
    from ..options import Options


MOST = 1000
"""How many sketches are kept for one model; lookups and limits may be built of data."""

_CHANGES = frozenset({"order", "backward", "index", "limit", "page_size"})
"""What else may be said of a question and be part of its shape."""


# Values that name no attribute; what else there is takes the long way.
_PLAIN = frozenset({str, int, float, bool, bytes, Decimal, datetime, date})
_KNOWN = frozenset({BeginsWith, Between, Compare, Contains, Exists, In, NotExists})
_USUAL: Any = Field
_AS_IS = (CharField.spell, IntegerField.spell)
_PLAIN_INT = 10**MAX_DIGITS
_KINDS = frozenset({"S", "N", "B", "BOOL"})

Wires: TypeAlias = "tuple[Wire, ...]"
Latest: TypeAlias = "tuple[str, bool, Shortcut | None]"
"""The table, whether to read consistently, and the shortcut; None where there is none."""
_Term: TypeAlias = "tuple[Path, str]"
_Speller: TypeAlias = "tuple[Field[Any, Any], str, bool]"
"""The field of a value, its kind, and whether it stores text or ints as they are."""


class Sketch:
    """Questions to one model that differ in their values alone."""

    __slots__ = (
        "_changes",
        "_next",
        "_root",
        "_spell",
        "_terms",
        "count",
        "head",
        "latest",
        "limited",
        "meta",
        "opaque",
    )

    def __init__(
        self,
        meta: Options,
        root: Sketch | None = None,
        terms: tuple[_Term, ...] | None = (),
        changes: Mapping[str, Any] | None = None,
        spell: tuple[_Speller, ...] = (),
    ) -> None:
        self.meta, self._terms, self._changes = meta, terms, dict(changes or {})
        self._root = self if root is None else root
        self._spell = spell
        self._next: dict[Hashable, Sketch | None] = {}
        self.latest: Latest | None = None
        """The shortcut that was last learned; one value, for threads."""
        self.head: Sketch | None = None
        """The sketch of the first of what this one asks for, once it was needed."""
        self.opaque = terms is None
        """Whether only a condition says what is asked: :meth:`question` does not know it."""
        self.limited = self._changes.get("limit") is not None
        """Whether the question has a limit."""
        self.count = 0
        """Of the root: how many sketches follow from it."""

    # -- from sketch to sketch -----------------------------------------------------------------

    def filtered(self, wires: Wires, lookups: Mapping[str, Any]) -> tuple[Sketch, Wires] | None:
        """Return the sketch and the values with *lookups* too; None where they go the long way."""
        names = tuple(lookups)
        after = self._next.get(names)
        if after is None:
            if names in self._next or not _PLAIN.issuperset(map(type, lookups.values())):
                return None
            after = self._keep(names, self._learned(lookups))
            if after is None:
                return None
        added: list[Wire] = []
        for (field, kind, is_plain), value in zip(after._spell, lookups.values()):  # noqa: B905 - quicker
            if value.__class__ not in _PLAIN:
                return None
            if is_plain and value.__class__ is str:
                wire: Wire | None = {"S": value}
            elif is_plain and value.__class__ is int and -_PLAIN_INT < value < _PLAIN_INT:
                wire = {"N": int.__repr__(value)}
            else:
                try:
                    wire = field.spell(value)
                except Unstorable:
                    return None  # the long way says what is wrong, and of which field
            if wire is None or kind not in wire or (kind == "S" and not wire["S"].isascii()):
                return None
            added.append(wire)
        return after, (*wires, *added)

    def _learned(self, lookups: Mapping[str, Any]) -> Sketch | None:
        found = [
            _term(conditions(self.meta, {said: lookups[said]}), lookups[said]) for said in lookups
        ]
        known = [each for each in found if each is not None]
        if len(known) < len(found):
            return None
        terms = tuple((path, sign) for path, sign, _ in known)
        spell = tuple(
            (field, field.kind, field.plain and type(field).spell in _AS_IS)
            for _, _, field in known
        )
        before = self._terms
        return self._another(None if before is None else (*before, *terms), self._changes, spell)

    def changed(self, changes: Mapping[str, Any]) -> Sketch | None:
        """Return the sketch of these questions with other *changes*; None where there is none."""
        if not _CHANGES.issuperset(changes):
            return None
        step = tuple(changes.items())
        if (after := self._next.get(step)) is not None:
            return after
        return self._keep(step, self._another(self._terms, {**self._changes, **changes}))

    def compared(
        self, wires: Wires, conditions: tuple[Condition, ...]
    ) -> tuple[Sketch, Wires] | None:
        """Return the sketch and the values with *conditions* too; None where they go the long way."""
        step: list[Hashable] = ["compared"]  # which a shape never begins with
        added: list[Wire] = []
        for each in conditions:
            if type(each) is not Compare:
                return None
            left, right = each.left, each.right
            if type(left) is not Path or type(right) is not Value or left.by_name:
                return None
            added.append(wire := right.wire)
            step += (each.operator, left.parts, *wire)
        names = tuple(step)
        after = self._next.get(names)
        if after is None:
            pairs = [(c.left, c.operator) for c in conditions if isinstance(c, Compare)]
            terms = [(path, sign) for path, sign in pairs if isinstance(path, Path)]
            after = self._keep(names, self._another((*(self._terms or ()), *terms), self._changes))
        return None if after is None else (after, (*wires, *added))

    def asked(self, condition: Condition) -> tuple[Sketch, Wires] | None:
        """Return the sketch and the values of *condition* too; None where it takes the long way.

        Nothing but the condition says where those values belong: this sketch makes no question.
        """
        if not _KNOWN.issuperset(map(type, condition.conjuncts)):
            return None
        added: list[Wire] = []
        step = condition.shape(added)
        after = self._next.get(step)
        if after is None:
            after = self._keep(step, self._another(None, self._changes))
        return None if after is None else (after, tuple(added))

    def first(self) -> Sketch:
        """Return the sketch of the first of what this one asks for."""
        self.head = Sketch(self.meta, self._root, self._terms, {**self._changes, "limit": 1})
        return self.head

    def forget(self) -> None:
        """Forget what was learned: what the model asks besides is another thing now."""
        self._next.clear()
        self.latest, self.head, self.count = None, None, 0

    def _keep(self, step: Hashable, after: Sketch | None) -> Sketch | None:
        if len(self._next) >= MOST:
            self._next.clear()
        self._next[step] = after
        return after

    def _another(
        self,
        terms: tuple[_Term, ...] | None,
        changes: Mapping[str, Any],
        spell: tuple[_Speller, ...] = (),
    ) -> Sketch:
        root = self._root
        if root.count >= MOST:
            root._next.clear()
            root.count = 0
        root.count += 1
        return Sketch(self.meta, root, terms, changes, spell)

    # -- what it asks --------------------------------------------------------------------------

    def question(self, wires: Wires) -> Question:
        """Return the question with these values."""
        terms = [
            Compare(path, sign, Value(wire))
            for (path, sign), wire in zip(self._terms or (), wires, strict=True)
        ]
        condition = And(tuple(terms)) if len(terms) > 1 else terms[0] if terms else Condition()
        return Question(condition, **self._changes)

    def learn(self, table: str, consistent: bool, question: Question) -> Latest:
        """Find out the shortcut to the request that answers *question*, one of these, from *table*.

        Raises as the planner does.
        """
        meta, shortcut = self.meta, None
        usual = meta.parts is None  # else the values are not in the request as they are
        if usual and all(type(f).key_problem is _USUAL.key_problem for f in meta.field_set):
            asked = replace(question, consistent=consistent)
            if (standing := meta.standing) is None:
                shortcut = meta.planner.shortcut(table, asked)
            else:
                shortcut = standing.timed(meta.planner.shortcut(table, standing.visible(asked)))
        self.latest = latest = (table, consistent, shortcut)
        return latest


def _term(condition: Condition, value: object) -> tuple[Path, str, Field[Any, Any]] | None:
    """Return what is compared with *value*, and how; None where the condition is of another kind."""
    if not isinstance(condition, Compare) or value.__class__ not in _PLAIN:
        return None
    left, right = condition.left, condition.right
    if type(left) is not Path or type(right) is not Value or len(left.parts) != 1:
        return None
    field, kind = cast("Any", left.coder), cast("Any", type(left.coder))
    if Field not in kind.__mro__ or kind.encode is not _USUAL.encode:
        return None
    if field.kind not in _KINDS or field.spell(value) != right.wire:
        return None
    return left, condition.operator, field


def sketch_of(meta: Options) -> Sketch:
    """Return the sketch of the question that asks nothing yet."""
    sketch: Any = meta.cache
    if sketch is None:
        sketch = meta.cache = Sketch(meta)
    return sketch  # type: ignore[no-any-return]
