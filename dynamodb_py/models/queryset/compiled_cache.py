"""Shapes of queries: questions without their values, with the request that answers them.

A program sends the same few questions over and over with other values. Each step, the names of lookups,
the order, the limit, leads from shape to shape, and a shape keeps the request that answers its questions.
So only the values are encoded and put in place. Questions that are not so simple have no shape: the
planner plans each of them.
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
"""The number of shapes to keep for one model; lookups and limits may be built of data."""

_CHANGES = frozenset({"order", "backward", "index", "limit", "page_size"})
"""The other parts of a question that belong to its shape."""

_USUAL: Any = Field
_USUAL_ENCODERS: Any = (_USUAL.encode, FloatField.encode)
_KINDS = frozenset({"S", "N", "B", "BOOL"})

Wires: TypeAlias = "tuple[Wire, ...]"
Demand: TypeAlias = "bool | Literal['by default'] | None"
"""Whether to read consistently: None where neither ``options()`` nor the connection say it, and "by
default" where the connection does, which leaves out global indexes."""
Latest: TypeAlias = "tuple[str, Demand, Shortcut | None, frozenset[str] | None]"
"""The table, whether to read consistently, the shortcut, if there is one, and the attributes that its
request reads, None for all."""
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
        """The read options of query sets whose rows are those of the request itself."""
        self._root = self if root is None else root
        self._spell = spell
        self._next: dict[Hashable, QueryShape | None] = {}
        self.latest: Latest | None = None
        """The last compiled shortcut; one value, for threads."""
        self.loader: tuple[Latest, Loader] | None = None
        """What makes the rows of the last shortcut, where ``options()`` give no connection."""
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
            if names in self._next or not PLAIN.issuperset(map(type, lookups.values())):
                return None
            after = self._keep(names, self._make_filtered(lookups))
            if after is None:
                return None
        added = after._encode(lookups.values())
        return None if added is None else (after, (*wires, *added))

    def _encode(self, values: Iterable[Any]) -> list[Wire] | None:
        """Return the attribute values for *values* of lookups; None if one is not of this shape."""
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
                    return None  # the planner raises an error that names the field
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
        """Return the shape and the values with *condition* too, which is not bound yet.

        None if it is of other things than lookups, or if there is no such shape. This shape is opaque.
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
        condition.bind(resolve)  # which raises where it has too many terms
        spell: list[_Speller] = []
        for each in lookups:
            found = _find_term(each.bind(resolve), each.value)
            if found is None:
                return None
            spell.append(_make_speller(found[2]))
        return self._make(None, self._changes, tuple(spell))

    def with_changes(self, changes: Mapping[str, Any]) -> QueryShape | None:
        """Return the shape of these questions with other *changes*; None if there is no such shape."""
        step = tuple(changes.items())
        if (after := self._next.get(step)) is not None:
            return after
        if not _CHANGES.issuperset(changes):
            return None
        return self._keep(step, self._make(self._terms, {**self._changes, **changes}))

    def follow(self, step: Hashable) -> QueryShape | None:
        """Return the shape that *step* led to before; None if there is none yet."""
        return self._next.get(step)

    def with_rows(self, step: Hashable, options: Any, changes: Mapping[str, Any]) -> QueryShape:
        """Keep for *step*, and return, the shape of these questions with other rows.

        :param options: the read options of query sets with these rows; *changes* of the question.
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
        if not all(is_known(each) for each in condition.conjuncts):
            return None
        added: list[Wire] = []
        step = condition.shape(added)
        after = self._next.get(step)
        if after is None:
            after = self._keep(step, self._make(None, self._changes))
        return None if after is None else (after, tuple(added))

    def with_condition_alone(self, condition: Condition) -> tuple[QueryShape, Wires] | None:
        """Return the shape and the values of *condition* in the place of those that there are."""
        root = self._root
        if self.options is not root.options:
            return None
        bare = root.with_changes(self._changes) if self._changes else root
        return None if bare is None else bare.with_condition(condition)

    def with_limit(self, count: int) -> QueryShape:
        """Return the shape of these questions with a limit of *count*, unless theirs is lower."""
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
        """Forget the compiled requests, when the model has got another filter."""
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
        """Make the shortcut to the request that answers *question*, one of these, from *table*.

        Raises as the planner does.
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
        """Return *shortcut*, which takes the values of *filtered*, for those of *given*; None if none can."""
        meta, standing = self.meta, self.meta.item_filter
        constant = () if meta.kind is None else (meta.kind.hierarchy.attribute,)
        now = None if meta.expiry is None else meta.expiry.now
        recipe = recipes.find_recipe(given, filtered, meta.computed, constant, now)
        if recipe is None or not (standing is None or standing.is_stable(given, filtered)):
            return None
        basis = None if standing is None else standing.basis

        def fill(wires: Sequence[Wire]) -> Query | None:
            if standing is not None and standing.basis is not basis:
                self.latest = None  # there are other kinds, or other models in the table
                return None
            values = recipe.make(wires)
            return None if values is None else shortcut(values)

        return fill

    def make_row_loader(self, latest: Latest, alias: str | None) -> Loader:
        """Return what makes the rows of *latest* on the connection *alias*."""
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
    """Return the path, operator and field that are compared with *value*; None for other conditions."""
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
    except Unstorable:  # it is compared, and could not be stored
        return None
    return left, condition.operator, field


def root_shape(meta: Options, options: Any) -> QueryShape:
    """Return the shape of the question without conditions, and with the read options *options*."""
    shape: Any = meta.cache
    if shape is None:
        shape = meta.cache = QueryShape(meta, options)
    return shape  # type: ignore[no-any-return]
