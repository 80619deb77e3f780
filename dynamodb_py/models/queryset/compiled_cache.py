"""Shapes of queries: questions without their values, with the request that answers them.

A program sends the same few questions over and over with other values. Each step, the names of lookups,
the order, the limit, leads from shape to shape, and a shape keeps the request that answers its questions.
So only the values are encoded and put in place. Questions that are not so simple have no shape: the
planner plans each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from ...codec import PLAIN_INT, Unstorable
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
from ...operations.base import Wire
from ...planning import Question
from ..fields.base import Field
from ..fields.scalars import FloatField
from .lookup_resolution import make_condition

if TYPE_CHECKING:
    from ...planning import Shortcut
    from ..options import Options


MOST = 1000
"""The number of shapes to keep for one model; lookups and limits may be built of data."""

_CHANGES = frozenset({"order", "backward", "index", "limit", "page_size"})
"""The other parts of a question that belong to its shape."""

# Values that name no attribute; others have no shape.
_PLAIN = frozenset({str, int, float, bool, bytes, Decimal, datetime, date})
_KNOWN = frozenset({BeginsWith, Between, Compare, Contains, Exists, In, NotExists})
_USUAL: Any = Field
_USUAL_ENCODERS: Any = (_USUAL.encode, FloatField.encode)
_KINDS = frozenset({"S", "N", "B", "BOOL"})

Wires: TypeAlias = "tuple[Wire, ...]"
Demand: TypeAlias = "bool | Literal['by default'] | None"
"""Whether to read consistently: None where neither ``options()`` nor the connection say it, and "by
default" where the connection does, which leaves out global indexes."""
Latest: TypeAlias = "tuple[str, Demand, Shortcut | None]"
"""The table, whether to read consistently, and the shortcut, if there is one."""
_Term: TypeAlias = "tuple[Path, str]"
_Speller: TypeAlias = "tuple[Field[Any, Any], str, bool]"
"""The field of a value, its kind, and whether it stores text or ints unchanged."""


class QueryShape:
    """Questions to one model that differ only in their values."""

    __slots__ = (
        "_changes",
        "_next",
        "_root",
        "_spell",
        "_terms",
        "count",
        "head",
        "latest",
        "limit",
        "meta",
        "opaque",
    )

    def __init__(
        self,
        meta: Options,
        root: QueryShape | None = None,
        terms: tuple[_Term, ...] | None = (),
        changes: Mapping[str, Any] | None = None,
        spell: tuple[_Speller, ...] = (),
    ) -> None:
        self.meta, self._terms, self._changes = meta, terms, dict(changes or {})
        self._root = self if root is None else root
        self._spell = spell
        self._next: dict[Hashable, QueryShape | None] = {}
        self.latest: Latest | None = None
        """The last compiled shortcut; one value, for threads."""
        self.head: QueryShape | None = None
        """The shape with a limit of 1, if it was needed."""
        self.opaque = terms is None
        """Whether the question needs a condition object: :meth:`question` cannot make it."""
        self.limit: int | None = self._changes.get("limit")
        self.count = 0
        """Of the root: the number of shapes that follow from it."""

    def with_lookups(
        self, wires: Wires, lookups: Mapping[str, Any]
    ) -> tuple[QueryShape, Wires] | None:
        """Return the shape and the values with *lookups* too; None if there is no such shape."""
        names = tuple(lookups)
        after = self._next.get(names)
        if after is None:
            if names in self._next or not _PLAIN.issuperset(map(type, lookups.values())):
                return None
            after = self._keep(names, self._make_filtered(lookups))
            if after is None:
                return None
        added: list[Wire] = []
        for (field, kind, is_plain), value in zip(after._spell, lookups.values()):  # noqa: B905 - quicker
            if value.__class__ not in _PLAIN:
                return None
            if is_plain and value.__class__ is str:
                wire: Wire | None = {"S": value}
            elif is_plain and value.__class__ is int and -PLAIN_INT < value < PLAIN_INT:
                wire = {"N": int.__repr__(value)}
            else:
                try:
                    wire = field.to_wire(value)
                except Unstorable:
                    return None  # the planner raises an error that names the field
            if wire is None or kind not in wire or (kind == "S" and not wire["S"].isascii()):
                return None
            added.append(wire)
        return after, (*wires, *added)

    def _make_filtered(self, lookups: Mapping[str, Any]) -> QueryShape | None:
        terms: list[_Term] = []
        spell: list[_Speller] = []
        for name, value in lookups.items():
            found = _find_term(make_condition(self.meta, {name: value}), value)
            if found is None:
                return None
            path, sign, field = found
            terms.append((path, sign))
            spell.append((field, field.kind, field.verbatim is not None))
        before = self._terms
        after = None if before is None else (*before, *terms)
        return self._make(after, self._changes, tuple(spell))

    def with_changes(self, changes: Mapping[str, Any]) -> QueryShape | None:
        """Return the shape of these questions with other *changes*; None if there is no such shape."""
        step = tuple(changes.items())
        if (after := self._next.get(step)) is not None:
            return after
        if not _CHANGES.issuperset(changes):
            return None
        return self._keep(step, self._make(self._terms, {**self._changes, **changes}))

    def with_order(
        self, names: tuple[Any, ...], order_of: Callable[[Any], Iterable[tuple[str, bool]]]
    ) -> QueryShape | None:
        """Return the shape of these questions in the order of the fields *names*."""
        step = ("order_by", names)
        if (after := self._next.get(step)) is not None:
            return after
        order = tuple(chain.from_iterable(map(order_of, names)))
        return self._keep(step, self._make(self._terms, {**self._changes, "order": order}))

    def with_comparisons(
        self, wires: Wires, conditions: tuple[Condition, ...]
    ) -> tuple[QueryShape, Wires] | None:
        """Return the shape and the values with *conditions* too; None if there is no such shape."""
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
            after = self._keep(names, self._make((*(self._terms or ()), *terms), self._changes))
        return None if after is None else (after, (*wires, *added))

    def with_condition(self, condition: Condition) -> tuple[QueryShape, Wires] | None:
        """Return the shape and the values of *condition* too; None if there is no such shape.

        Only the condition has the places of the values: this shape is opaque.
        """
        if not _KNOWN.issuperset(map(type, condition.conjuncts)):
            return None
        added: list[Wire] = []
        step = condition.shape(added)
        after = self._next.get(step)
        if after is None:
            after = self._keep(step, self._make(None, self._changes))
        return None if after is None else (after, tuple(added))

    def with_limit(self, count: int) -> QueryShape:
        """Return the shape of these questions with a limit of *count*, unless theirs is lower."""
        if self.limit is not None and self.limit <= count:
            return self
        if count != 1:
            return cast("QueryShape", self.with_changes({"limit": count}))
        if self.head is not None:
            return self.head
        self.head = QueryShape(self.meta, self._root, self._terms, {**self._changes, "limit": 1})
        return self.head

    def forget(self) -> None:
        """Forget the compiled requests, when the model has got another filter."""
        self._next.clear()
        self.latest, self.head, self.count = None, None, 0

    def _keep(self, step: Hashable, after: QueryShape | None) -> QueryShape | None:
        if len(self._next) >= MOST:
            self._next.clear()
        self._next[step] = after
        return after

    def _make(
        self,
        terms: tuple[_Term, ...] | None,
        changes: Mapping[str, Any],
        spell: tuple[_Speller, ...] = (),
    ) -> QueryShape:
        root = self._root
        if root.count >= MOST:
            root._next.clear()
            root.count = 0
        root.count += 1
        return QueryShape(self.meta, root, terms, changes, spell)

    def question(self, wires: Wires) -> Question:
        """Return the question with these values."""
        terms = [
            Compare(path, sign, Value(wire))
            for (path, sign), wire in zip(self._terms or (), wires, strict=True)
        ]
        condition = And(tuple(terms)) if len(terms) > 1 else terms[0] if terms else Condition()
        return Question(condition, **self._changes)

    def compile(self, table: str, demand: Demand, question: Question) -> Latest:
        """Make the shortcut to the request that answers *question*, one of these, from *table*.

        Raises as the planner does.
        """
        meta, shortcut = self.meta, None
        # With computed fields, the request has other values than the question.
        if meta.part_conditions is None and all(
            type(f).find_key_problem is _USUAL.find_key_problem for f in meta.field_set
        ):
            if (standing := meta.item_filter) is None:
                shortcut = meta.planner.shortcut(table, question)
            else:
                shortcut = standing.bind_shortcut(
                    meta.planner.shortcut(table, standing.apply_to(question))
                )
        self.latest = latest = (table, demand, shortcut)
        return latest


def _find_term(condition: Condition, value: object) -> tuple[Path, str, Field[Any, Any]] | None:
    """Return the path, operator and field that are compared with *value*; None for other conditions."""
    if not isinstance(condition, Compare) or value.__class__ not in _PLAIN:
        return None
    left, right = condition.left, condition.right
    if type(left) is not Path or type(right) is not Value or len(left.parts) != 1:
        return None
    field, kind = cast("Any", left.coder), cast("Any", type(left.coder))
    if Field not in kind.__mro__ or kind.encode not in _USUAL_ENCODERS:
        return None
    try:
        if field.kind not in _KINDS or field.to_wire(value) != right.wire:
            return None
    except Unstorable:  # it is compared, and could not be stored
        return None
    return left, condition.operator, field


def root_shape(meta: Options) -> QueryShape:
    """Return the shape of the question without conditions."""
    shape: Any = meta.cache
    if shape is None:
        shape = meta.cache = QueryShape(meta)
    return shape  # type: ignore[no-any-return]
