"""Shapes of queries: questions without their values, each with its compiled request.

Most programs send the same few queries again and again, with other values. Each step of building a query
set, such as the names of lookups, an order or a limit, leads from one shape to the next. A shape keeps the
request for its questions, so that a later query set only encodes its values and inserts them. Complex
questions have no shape; the planner plans each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from msgspec.structs import replace

from ...codec import PLAIN_INT, Unstorable
from ...expressions import And, Compare, Condition, Lookup, Path, Value
from ...operations.base import Wire
from ...planning import Question
from ..fields.base import Field
from ..fields.numbers import FloatField
from ..records.rows import Loader, make_bound_loader
from ..visibility import filter_question
from .lookup_resolution import PLAIN, is_known, make_condition, read_lookups, resolver_of

if TYPE_CHECKING:
    from ...operations.queries import Query
    from ...planning import Shortcut
    from ..keys import recipes
    from ..options.options import Options
else:
    from ...lazy import recipes

MOST = 1000
"""The largest number of shapes to keep for one model: some programs build lookups and limits from data."""

_CHANGES = frozenset({"order", "backward", "index", "limit", "page_size"})
"""The other parts of a question that belong to its shape."""

_USUAL: Any = Field
_USUAL_ENCODERS: Any = (_USUAL.encode, FloatField.encode)
_KINDS = frozenset({"S", "N", "B", "BOOL"})

Wires: TypeAlias = "tuple[Wire, ...]"
Demand: TypeAlias = "bool | Literal['by default'] | None"
"""Whether to make strongly consistent reads: the value of ``options()``.

Without one it is "by default" if the connection makes them, except for global indexes, else None.
"""
Latest: TypeAlias = "tuple[str, Demand, Shortcut | None, frozenset[str] | None]"
"""A table, whether reads are strongly consistent, the shortcut or None, and the attributes that its request
reads, None for all."""
_Term: TypeAlias = "tuple[Path, str]"
_Speller: TypeAlias = "tuple[Field[Any, Any], str, bool]"
"""The field that encodes a value, its kind, and whether it stores text or ints unchanged."""


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
        "loader",
        "meta",
        "opaque",
        "options",
    )

    def __init__(
        self,
        meta: Options,
        options: Any,
        root: QueryShape | None = None,
        terms: tuple[_Term, ...] | None = (),
        changes: Mapping[str, Any] | None = None,
        spell: tuple[_Speller, ...] = (),
    ) -> None:
        self.meta, self._terms, self._changes = meta, terms, dict(changes or {})
        self.options = options
        """The read options of the query sets that may use the request of this shape."""
        self._root = self if root is None else root
        self._spell = spell
        self._next: dict[Hashable, QueryShape | None] = {}
        self.latest: Latest | None = None
        """The last compiled shortcut; it is one value, so that threads replace it as a whole."""
        self.loader: tuple[Latest, Loader] | None = None
        """The last shortcut and its loader of rows, if ``options()`` does not choose a connection."""
        self.head: QueryShape | None = None
        """The shape with a limit of 1; None until it is needed."""
        self.opaque = terms is None
        """Whether :meth:`question` cannot make the question, because that needs a condition object."""
        self.limit: int | None = self._changes.get("limit")
        self.count = 0
        """The number of shapes that follow from the root; only the root counts."""

    def with_lookups(
        self, wires: Wires, lookups: Mapping[str, Any]
    ) -> tuple[QueryShape, Wires] | None:
        """Return the shape and the values after adding *lookups*; None if there is no such shape."""
        names = tuple(lookups)
        after = self._next.get(names)
        if after is None:
            if names in self._next or not PLAIN.issuperset(map(type, lookups.values())):
                return None
            after = self._keep(names, self._make_filtered(lookups))
            if after is None:
                return None
        added = after._encode(lookups.values())
        return None if added is None else (after, (*wires, *added))

    def _encode(self, values: Iterable[Any]) -> list[Wire] | None:
        """Return the attribute values of the lookups' *values*; None if a value does not fit this shape."""
        added: list[Wire] = []
        for (field, kind, is_plain), value in zip(self._spell, values):  # noqa: B905 - quicker
            if value.__class__ not in PLAIN:
                return None
            if is_plain and value.__class__ is str:
                wire: Wire | None = {"S": value}
            elif is_plain and value.__class__ is int and -PLAIN_INT < value < PLAIN_INT:
                wire = {"N": int.__repr__(value)}
            else:
                try:
                    wire = field.to_wire(value)
                except Unstorable:
                    return None  # the planner then raises an error that names the field
            if wire is None or kind not in wire or (kind == "S" and not wire["S"].isascii()):
                return None
            added.append(wire)
        return added

    def _make_filtered(self, lookups: Mapping[str, Any]) -> QueryShape | None:
        terms: list[_Term] = []
        spell: list[_Speller] = []
        for name, value in lookups.items():
            found = _find_term(make_condition(self.meta, {name: value}), value)
            if found is None:
                return None
            path, sign, field = found
            terms.append((path, sign))
            spell.append(_make_speller(field))
        before = self._terms
        after = None if before is None else (*before, *terms)
        return self._make(after, self._changes, tuple(spell))

    def with_joined_lookups(
        self, wires: Wires, condition: Condition
    ) -> tuple[QueryShape, Wires] | None:
        """Return the shape, which is opaque, and the values after adding *condition*, which is not bound yet.

        Returns None if *condition* has other parts than lookups, or if there is no such shape.
        """
        lookups: list[Lookup] = []
        form: list[Hashable] = [Lookup]
        if not read_lookups(condition, form, lookups):
            return None
        step = tuple(form)
        after = self._next.get(step)
        if after is None:
            if step in self._next:
                return None
            after = self._keep(step, self._make_joined(condition, lookups))
            if after is None:
                return None
        added = after._encode([each.value for each in lookups])
        return None if added is None else (after, (*wires, *added))

    def _make_joined(self, condition: Condition, lookups: Iterable[Lookup]) -> QueryShape | None:
        resolve = resolver_of(self.meta)
        condition.bind(resolve)  # raises if it has too many terms
        spell: list[_Speller] = []
        for each in lookups:
            found = _find_term(each.bind(resolve), each.value)
            if found is None:
                return None
            spell.append(_make_speller(found[2]))
        return self._make(None, self._changes, tuple(spell))

    def with_changes(self, changes: Mapping[str, Any]) -> QueryShape | None:
        """Return the shape of these questions with *changes*; None if there is no such shape."""
        step = tuple(changes.items())
        if (after := self._next.get(step)) is not None:
            return after
        if not _CHANGES.issuperset(changes):
            return None
        return self._keep(step, self._make(self._terms, {**self._changes, **changes}))

    def follow(self, step: Hashable) -> QueryShape | None:
        """Return the shape that an earlier *step* led to; None if there is none yet."""
        return self._next.get(step)

    def with_rows(self, step: Hashable, options: Any, changes: Mapping[str, Any]) -> QueryShape:
        """Make the shape of these questions with other rows, keep it for *step*, and return it.

        :param options: the read options of query sets with these rows.
        :param changes: the changes of the question.
        """
        after = self._make(self._terms, {**self._changes, **changes}, options=options)
        self._keep(step, after)
        return after

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
        """Return the shape and the values after adding *conditions*; None if there is no such shape."""
        step: list[Hashable] = ["compared"]  # no other step begins with this text
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
        """Return the shape after adding *condition*, and its values; None if there is no such shape.

        The shape is opaque: only the condition knows the places of its values.
        """
        if not all(is_known(each) for each in condition.conjuncts):
            return None
        added: list[Wire] = []
        step = condition.shape(added)
        after = self._next.get(step)
        if after is None:
            after = self._keep(step, self._make(None, self._changes))
        return None if after is None else (after, tuple(added))

    def with_condition_alone(self, condition: Condition) -> tuple[QueryShape, Wires] | None:
        """Return the shape with *condition* in place of all others, and its values; None if there is none."""
        root = self._root
        if self.options is not root.options:
            return None
        bare = root.with_changes(self._changes) if self._changes else root
        return None if bare is None else bare.with_condition(condition)

    def with_limit(self, count: int) -> QueryShape:
        """Return the shape of these questions with a limit of *count*, unless their limit is lower."""
        if self.limit is not None and self.limit <= count:
            return self
        if count != 1:
            return cast("QueryShape", self.with_changes({"limit": count}))
        if self.head is not None:
            return self.head
        changes = {**self._changes, "limit": 1}
        self.head = QueryShape(self.meta, self.options, self._root, self._terms, changes)
        return self.head

    def forget(self) -> None:
        """Forget the compiled requests: called when the filter of the model has changed."""
        self._next.clear()
        self.latest, self.loader, self.head, self.count = None, None, None, 0

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
        options: Any = None,
    ) -> QueryShape:
        root = self._root
        if root.count >= MOST:
            root._next.clear()
            root.count = 0
        root.count += 1
        options = self.options if options is None else options
        return QueryShape(self.meta, options, root, terms, changes, spell)

    def change(self, question: Question) -> Question:
        """Return *question* with the parts that belong to this shape."""
        return replace(question, **self._changes)

    def question(self, wires: Wires) -> Question:
        """Return the question with these values."""
        terms = [
            Compare(path, sign, Value(wire))
            for (path, sign), wire in zip(self._terms or (), wires, strict=True)
        ]
        condition = And(tuple(terms)) if len(terms) > 1 else terms[0] if terms else Condition()
        return Question(condition, **self._changes)

    def compile(self, table: str, demand: Demand, question: Question) -> Latest:
        """Compile the request for *question*, which has this shape, to a shortcut; keep and return it.

        Raises the errors of the planner.
        """
        meta = self.meta
        filtered = filter_question(meta, question)
        shortcut = meta.planner.shortcut(table, filtered)
        if shortcut is not None and filtered is not question:
            shortcut = self._bind(shortcut, question.condition, filtered.condition)
        held = meta.planner.plan(table, filtered).held
        self.latest = latest = (table, demand, shortcut, held)
        return latest

    def _bind(self, shortcut: Shortcut, given: Condition, filtered: Condition) -> Shortcut | None:
        """Return a shortcut that takes the values of *given* and fills in those of *filtered*, or None.

        :param shortcut: the shortcut that takes the values of *filtered*.
        """
        meta, item_filter = self.meta, self.meta.item_filter
        constant = () if meta.kind is None else (meta.kind.hierarchy.attribute,)
        now = None if meta.expiry is None else meta.expiry.now
        recipe = recipes.find_recipe(given, filtered, meta.computed, constant, now)
        if recipe is None or not (item_filter is None or item_filter.is_stable(given, filtered)):
            return None
        basis = None if item_filter is None else item_filter.basis

        def fill(wires: Sequence[Wire]) -> Query | None:
            if item_filter is not None and item_filter.basis is not basis:
                self.latest = None  # classes were added to the table
                return None
            values = recipe.make(wires)
            return None if values is None else shortcut(values)

        return fill

    def make_row_loader(self, latest: Latest, alias: str | None) -> Loader:
        """Return a function that makes a row of an item that *latest* reads, on the connection *alias*."""
        known = self.loader
        if alias is None and known is not None and known[0] is latest:
            return known[1]
        load = make_bound_loader(self.meta.model, self.options.shape, latest[3], alias)
        if alias is None:
            self.loader = latest, load
        return load


def _make_speller(field: Field[Any, Any]) -> _Speller:
    return field, field.kind, field.verbatim is not None


def _find_term(condition: Condition, value: object) -> tuple[Path, str, Field[Any, Any]] | None:
    """Return the path, the operator and the field that *condition* compares with *value*.

    Returns None for other conditions.
    """
    if not isinstance(condition, Compare) or value.__class__ not in PLAIN:
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
    except Unstorable:  # a value that can be compared, but not stored
        return None
    return left, condition.operator, field


def root_shape(meta: Options, options: Any) -> QueryShape:
    """Return the shape of the question without conditions, and with the read options *options*."""
    shape: Any = meta.cache
    if shape is None:
        shape = meta.cache = QueryShape(meta, options)
    return shape  # type: ignore[no-any-return]
