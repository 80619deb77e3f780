"""Conditions on parts of keys become conditions on keys.

A pure function of the model's templates and a question: conditions on parts become conditions on the
attributes composed of them, for the table or the index that fits best, and the planner continues from there.
A condition that the key implies is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product, takewhile
from math import prod
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ...exceptions import QueryError
from ...expressions import (
    And,
    BeginsWith,
    Compare,
    Condition,
    Exists,
    In,
    Not,
    NotExists,
    Or,
    Path,
    Value,
)
from ...expressions.conditions import join
from ...operations.base import Wire
from ...planning import Explanation, Plan, Question
from ...planning.comparisons import EQUALS, RANGES, parse_comparison
from ...schema import TableSchema
from .computed import ComputedField, ComputedReads
from .merged import MergedPart
from .template import BoundPart

Known: TypeAlias = "Mapping[str, Wire]"

MOST = 100_000
"""The maximum number of keys that several lists of parts may combine to; a single list may be longer."""


class Comparison(Struct, frozen=True, eq=False):
    """A condition that compares one part with values."""

    term: Condition
    name: str
    operator: str
    wires: tuple[Wire, ...]


class KeySchema(Struct, frozen=True):
    """The attributes of the key of the table or an index."""

    index: str | None
    hash_key: tuple[str, ...]
    range_key: tuple[str, ...]
    whole: bool = True
    """Whether it holds whole items."""
    scope: str = ""


def _list_keys(schema: TableSchema) -> list[KeySchema]:
    """Return the keys of the table and its indexes."""
    range_key = () if schema.range_key is None else (schema.range_key.name,)
    found = [KeySchema(None, (schema.hash_key.name,), range_key)]
    for index in schema.indexes:
        hashes = tuple(key.name for key in index.hash_key)
        ranges = tuple(key.name for key in index.range_key)
        whole = index.projection.kind == "ALL"
        found.append(KeySchema(index.name, hashes, ranges, whole, index.scope))
    return found


class PartConditions:
    """Turns questions about the parts of a model's keys into questions about the keys."""

    def __init__(self, computed: ComputedReads, schema: TableSchema) -> None:
        self._computed = computed
        self._by_attribute = computed.by_attribute
        self._parts = {p.attribute: p.name for each in computed.all for p in each.parts}
        sorting = [each for each in computed.all if not each.is_merged]
        self._sorted_parts = {p.attribute: p.name for each in sorting for p in each.parts}
        """The parts of templates, by which keys may be sorted."""
        self._keys_to_read = _list_keys(schema)

    def rewrite(self, question: Question) -> Question:
        """Return *question* with conditions on keys; raise QueryError for conditions that keys cannot have."""
        condition = question.condition
        ordered = any(name in self._sorted_parts for name, _ in question.order)
        if not ordered and not self._is_about_parts(condition):
            return question
        key = self._choose_key(question)
        rewritten = _Rewriter(self, key).rewrite(condition.conjuncts, {}, ())
        comparisons = self._find_comparisons(condition.conjuncts)
        known = {each.name for each in comparisons if each.operator == "="}
        order = tuple(self._order_by_key(question.order, key, known))
        return replace(question, condition=rewritten, order=order)

    def rewrite_condition(self, condition: Condition) -> Condition:
        """Return a condition of a write with conditions on the key for parts that are stored only there."""
        if not self._is_about_parts(condition):
            return condition
        return _Rewriter(self, None).rewrite(condition.conjuncts, {}, ())

    def explain(self, plan: Plan) -> Plan:
        """Return *plan* with notes on the parts of its keys."""
        key = next(each for each in self._keys_to_read if each.index == plan.index)
        notes = [
            f"{computed.name} is made of {computed.parts_text}"
            for name in (*key.hash_key, *key.range_key)
            if (computed := self._by_attribute.get(name)) is not None
        ]
        if plan.kind == "nothing" or not notes:
            return plan
        explanation = plan.explanation or Explanation()
        return replace(plan, explanation=replace(explanation, notes=(*explanation.notes, *notes)))

    def _is_about_parts(self, condition: Condition) -> bool:
        return any(path.parts[0] in self._parts for path in condition.paths())

    def _choose_key(self, question: Question) -> KeySchema:
        """Return the key of the table or the index that the question determines most."""
        keys = [each for each in self._keys_to_read if question.index in (None, each.index)]
        fixed, bounded = self._find_compared(question.condition)
        best, most = self._keys_to_read[0], (0, 0, 0, 0)
        for key in keys:
            if key.scope == "global" and question.consistent:
                continue
            held = key.whole or question.wanted is not None or question.full or question.counting
            if not held and question.index is None:
                continue
            score = self._score(key, fixed, bounded)
            if score > most or (question.index is not None and key.index == question.index):
                best, most = key, score
        return best

    def _find_compared(self, condition: Condition) -> tuple[set[str], set[str]]:
        """Return the attributes that are compared by = or IN, and those by a range."""
        fixed: set[str] = set()
        bounded: set[str] = set()
        terms = list(condition.conjuncts)
        for term in terms:
            if isinstance(term, Or):
                terms += term.terms[0].conjuncts  # the other alternatives are assumed to be similar
        for attribute, operator, _ in filter(None, map(parse_comparison, terms)):
            (fixed if operator in EQUALS else bounded).add(attribute)
        return fixed, bounded

    def _score(
        self, key: KeySchema, fixed: set[str], bounded: set[str]
    ) -> tuple[int, int, int, int]:
        determined = 0
        for name in key.hash_key:
            computed = self._by_attribute.get(name)
            if name not in fixed and (computed is None or not _has_all_parts(computed, fixed)):
                return 0, 0, 0, 0
            determined += 1 if computed is None else len(computed.parts)
        ranges = 0
        for name in key.range_key:
            computed = self._by_attribute.get(name)
            if computed is None:
                ranges += 2 * (name in fixed) + (name in bounded)
            elif _has_all_parts(computed, fixed):
                ranges += 2
            elif computed.parts and not computed.is_merged:
                ranges += computed.parts[0].attribute in (fixed | bounded)
        return 1, ranges, key.index is None, determined

    def _order_by_key(
        self, order: Sequence[tuple[str, bool]], key: KeySchema, known: set[str]
    ) -> Iterator[tuple[str, bool]]:
        """Yield the order with the key in place of the parts that it sorts by."""
        found = [self._by_attribute[name] for name in key.range_key if name in self._by_attribute]
        waiting = [
            part for computed in found for part in computed.template.parts if part.name not in known
        ]
        ordered: tuple[str, bool] | None = None
        for attribute, descends in order:
            name = self._sorted_parts.get(attribute)
            if name is None or attribute in key.range_key:  # it may be a part of another key too
                yield attribute, descends
                continue
            if name in known:
                continue
            fits = waiting and waiting[0].name == name and waiting[0].sorts
            if not fits or waiting[0].lossy or (ordered is not None and ordered[1] != descends):
                raise self._make_order_error(name, key, waiting)
            waiting.pop(0)
            computed = next(each for each in found if name in each.template.by_name)
            if ordered is None:
                ordered = (computed.attribute, descends)
                yield ordered

    def _make_order_error(
        self, name: str, key: KeySchema, waiting: Sequence[BoundPart | MergedPart]
    ) -> QueryError:
        parts = [part.name for part in takewhile(lambda p: p.sorts and not p.lossy, waiting)]
        title = "the table" if key.index is None else f"index {key.index}"
        return QueryError(
            f"{self._computed.name}: order_by({name!r}): the items of {title} are in order of "
            f"{', '.join(parts) or 'their key'}: order by that, or sort in Python"
        )

    def _find_comparisons(self, terms: Iterable[Condition]) -> list[Comparison]:
        """Return the comparisons of parts among *terms*."""
        found: list[Comparison] = []
        for term in terms:
            comparison = parse_comparison(term)
            if comparison is not None and (name := self._parts.get(comparison[0])) is not None:
                found.append(Comparison(term, name, comparison[1], comparison[2]))
        return found

    def to_key_condition(self, comparison: Comparison, known: Known) -> Condition:
        """Return the condition on the key for a comparison of a part that is stored in it alone."""
        computed = self._computed.in_key[comparison.name]
        path, template = _path(computed), computed.template
        name, operator, wires = comparison.name, comparison.operator, comparison.wires
        if operator == "exists":
            return Exists(path)
        if operator == "not_exists":
            return NotExists(path)
        names = template.names[: template.names.index(name)]
        if lost := [each for each in names if each not in known]:
            raise QueryError(
                f"{self._computed.name}: {name} is stored in {computed.name} alone, behind "
                f"{', '.join(lost)}: compare {'that' if len(lost) == 1 else 'those'} with = too, or "
                f"declare {computed.name} with store_parts=True"
            )
        before = {each: known[each] for each in names}
        if operator in ("=", "<>"):
            same = self._require_prefix(computed, {**before, name: wires[0]})
            return same if operator == "=" else Not(same)
        if operator == "in":
            return self._require_any(computed, [{**before, name: wire} for wire in wires])
        found = template.bounds_wires(before, name, operator, wires)
        if found is None:
            raise QueryError(
                f"{self._computed.name}: {name} has no order in {computed.name}: compare it with =, "
                f"give it a width, as in {{number:08d}}, or declare {computed.name} with store_parts=True"
            )
        return found.condition(path)

    def _require_prefix(self, computed: ComputedField, known: Known) -> Condition:
        if computed.is_merged:
            return Compare(_path(computed), "=", Value(_merge(computed, known) or {}))
        prefix = computed.template.prefix_wires(known)
        path, value = _path(computed), Value({"S": prefix.text})
        return Compare(path, "=", value) if prefix.complete else BeginsWith(path, value)

    def _require_any(self, computed: ComputedField, several: Sequence[Known]) -> Condition:
        """Return the condition that the key begins with one of several tuples of parts."""
        terms = list(dict.fromkeys(self._require_prefix(computed, known) for known in several))
        values = [term.right for term in terms if isinstance(term, Compare)]
        if len(values) == len(terms) > 1:
            return In(_path(computed), tuple(values))
        return join(Or, *terms)


class _Rewriter:
    """Rewrites conditions that are joined by AND, and those inside of them."""

    def __init__(self, all_: PartConditions, key: KeySchema | None) -> None:
        self._all, self._key = all_, key
        self._computed = all_._computed

    def rewrite(
        self, terms: Sequence[Condition], outer: Known, pushed: Sequence[Comparison]
    ) -> Condition:
        """Return *terms* and *pushed* rewritten, joined by AND; *outer* are known values of parts."""
        terms = [*terms, *(each.term for each in pushed)]
        comparisons = self._all._find_comparisons(terms)
        known = dict(outer)
        for each in comparisons:
            if each.operator == "=":
                known.setdefault(each.name, each.wires[0])
        added: list[Condition] = []
        done: set[int] = set()
        for computed, role in self._keys():
            self._add_key_condition(computed, role, comparisons, known, outer, added, done)
        virtual = {part.name for each in self._computed.all for part in each.only_in_key}
        rest = [each for each in comparisons if id(each.term) not in done]
        hidden = [each for each in rest if each.name in virtual]
        skipped = done | {id(each.term) for each in hidden}
        others = [term for term in terms if id(term) not in skipped]
        into = next((t for t in others if isinstance(t, Or) and self._all._is_about_parts(t)), None)
        down = hidden if into is not None else []
        if into is None:
            added += [self._all.to_key_condition(each, known) for each in hidden]
        inside = [self._rewrite_inside(t, known, down if t is into else ()) for t in others]
        return join(And, *added, *inside)

    def _keys(self) -> Iterator[tuple[ComputedField, str]]:
        if self._key is None:
            return
        for role, names in (("hash", self._key.hash_key), ("range", self._key.range_key)):
            for name in names:
                if (computed := self._all._by_attribute.get(name)) is not None and computed.parts:
                    yield computed, role

    def _rewrite_inside(
        self, term: Condition, known: Known, pushed: Sequence[Comparison]
    ) -> Condition:
        """Return a term that does not compare a part, rewritten inside."""
        if not pushed and not self._all._is_about_parts(term):
            return term
        if isinstance(term, Or):
            return join(Or, *(self.rewrite(t.conjuncts, known, pushed) for t in term.terms))
        if type(term) is Not:
            return ~self.rewrite(term.term.conjuncts, known, ())
        if isinstance(term, And):
            return self.rewrite(term.terms, known, ())
        for path in term.paths():
            computed = self._computed.virtual.get(str(path.parts[0]))
            if computed is not None:
                raise QueryError(
                    f"{self._computed.name}: {path} is stored in {computed.name} alone, which cannot "
                    f"answer this: compare it with a value, or declare {computed.name} with store_parts=True"
                )
        return term

    def _add_key_condition(
        self,
        computed: ComputedField,
        role: str,
        comparisons: Sequence[Comparison],
        known: Known,
        outer: Known,
        added: list[Condition],
        done: set[int],
    ) -> None:
        """Add the condition on one key, and mark the comparisons that it implies as done."""
        listed = {each.name: each for each in comparisons if each.operator == "in"}
        names = computed.template.names
        own = [each for each in comparisons if each.name in names]
        if not own:
            return
        if all(name in known or name in listed for name in names):
            choices = [[known[n]] if n in known else list(listed[n].wires) for n in names]
            lengths = list(map(len, choices))
            if prod(lengths) > max(MOST, *lengths):
                raise QueryError(
                    f"{self._computed.name}: this asks for {prod(lengths)} keys {computed.name}: ask for "
                    f"at most {MOST} at a time"
                )
            several = [dict(zip(names, each, strict=True)) for each in product(*choices)]
            if computed.is_merged and None in [_merge(computed, each) for each in several]:
                return  # items with these parts do not have the attribute
            added.append(self._all._require_any(computed, several))
            used = [n for n in names if n in known]
            self._mark_done(computed, [*used, *listed], own, known, listed, done)
            return
        if role == "hash" or computed.is_merged:
            return
        self._add_prefix_condition(computed, own, known, outer, added, done)

    def _add_prefix_condition(
        self,
        computed: ComputedField,
        own: Sequence[Comparison],
        known: Known,
        outer: Known,
        added: list[Condition],
        done: set[int],
    ) -> None:
        """Add the condition on the first parts of a range key."""
        template = computed.template
        prefix = template.prefix_wires({n: known[n] for n in template.names if n in known})
        next_ = template.parts[len(prefix.parts)]
        before = {name: known[name] for name in prefix.parts}
        found: list[Condition] = []
        for each in own:
            name, operator = each.name, each.operator
            if name != next_.name:
                continue
            if operator == "in":
                choices = [{**before, name: wire} for wire in each.wires]
                found.append(self._all._require_any(computed, choices))
            elif operator not in RANGES:
                continue
            elif keys := template.bounds_wires(before, name, operator, each.wires):
                found.append(keys.condition(_path(computed)))
            else:
                continue
            if not next_.lossy:
                done.add(id(each.term))
        if not found and any(name not in outer for name in prefix.parts):
            found.append(BeginsWith(_path(computed), Value({"S": prefix.text})))
        added += found
        self._mark_done(computed, prefix.parts, own, known, {}, done)

    def _mark_done(
        self,
        computed: ComputedField,
        used: Iterable[str],
        own: Sequence[Comparison],
        known: Known,
        listed: Mapping[str, Comparison],
        done: set[int],
    ) -> None:
        """Mark those of *own* that the key implies as done."""
        parts = computed.template.by_name
        for each in own:
            name = each.name
            if name not in used or parts[name].lossy:
                continue
            same = each.operator == "=" and each.wires[0] == known[name]
            if same or (name not in known and listed.get(name) is each):
                done.add(id(each.term))


def _path(computed: ComputedField) -> Path:
    return computed.field._path()


def _merge(computed: ComputedField, known: Known) -> Wire | None:
    """Return the value that a function makes of these parts."""
    return computed.compose({part.attribute: known[part.name] for part in computed.parts})


def _has_all_parts(computed: ComputedField, attributes: set[str]) -> bool:
    return bool(computed.parts) and all(part.attribute in attributes for part in computed.parts)
