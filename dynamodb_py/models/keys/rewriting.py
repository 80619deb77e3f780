"""What is asked of the parts of keys, as what it asks of the keys.

A pure function of the model's templates and a question: conditions on parts become conditions on the
attributes that are made of them, for the table or the index that can answer best, and the planner goes
on from there. What a key says all of is not asked a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import TypeAlias

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
from ...planning import Plan, Question, Told
from ...schema import TableSchema
from .computed import ComputedField, ComputedReads
from .condition_leaves import Comparison, KeySchema, list_keys, parse_comparison
from .template import BoundPart

Known: TypeAlias = "Mapping[str, Wire]"

MOST = 100
"""How many keys a question may come to by lists of parts: as many as an IN has."""
_RANGES = frozenset({"<", "<=", ">", ">=", "between", "begins_with"})


class PartConditions:
    """Turns questions about the parts of a model's keys into questions about the keys."""

    def __init__(self, computed: ComputedReads, schema: TableSchema) -> None:
        self._composing = computed
        self._made = computed.by_attribute
        self._parts = {p.attribute: p.name for each in computed.all for p in each.parts}
        self._ways = list_keys(schema)

    # -- questions -----------------------------------------------------------------------------

    def rewrite(self, question: Question) -> Question:
        """Return *question*, asked of the keys; raise QueryError for what they cannot say."""
        said = question.condition
        asks = self._is_about_parts(said) or any(name in self._parts for name, _ in question.order)
        if not asks:
            return question
        key = self._way(question)
        group = _Group(self, key)
        condition = group.rewritten(said.conjuncts, {}, ())
        known = {leaf.name for leaf in self._leaves(said.conjuncts) if leaf.operator == "="}
        order = tuple(self._ordered(question.order, key, known))
        return replace(question, condition=condition, order=order)

    def rewrite_condition(self, condition: Condition) -> Condition:
        """Return a condition of a write, asked of the key where a part is stored only there."""
        if not self._is_about_parts(condition):
            return condition
        return _Group(self, None).rewritten(condition.conjuncts, {}, ())

    def explain(self, plan: Plan) -> Plan:
        """Return *plan* with notes that say what the keys that it asks for are made of."""
        key = next(each for each in self._ways if each.index == plan.index)
        notes = [
            f"{made.name} is made of {made.said}"
            for name in (*key.hash_key, *key.range_key)
            if (made := self._made.get(name)) is not None
        ]
        if plan.kind == "nothing" or not notes:
            return plan
        told = plan.told or Told()
        return replace(plan, told=replace(told, notes=(*told.notes, *notes)))

    def _is_about_parts(self, condition: Condition) -> bool:
        return any(path.parts[0] in self._parts for path in condition.paths())

    # -- which key -----------------------------------------------------------------------------

    def _way(self, question: Question) -> KeySchema:
        """Return the table or the index whose key the question says most of."""
        keys = [each for each in self._ways if question.index in (None, each.index)]
        fixed, bounded = self._named(question.condition)
        best, most = self._ways[0], (0, 0, 0)
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

    def _named(self, condition: Condition) -> tuple[set[str], set[str]]:
        """Return the attributes that are compared by = or IN, and those by a range."""
        fixed: set[str] = set()
        bounded: set[str] = set()
        terms = list(condition.conjuncts)
        for term in terms:
            if isinstance(term, Or):
                terms += term.terms[0].conjuncts  # the others are hoped to be alike
        for term in terms:
            leaf = parse_comparison(term)
            if leaf is not None:
                attribute, operator, _ = leaf
                (fixed if operator in ("=", "in") else bounded).add(attribute)
        return fixed, bounded

    def _score(self, key: KeySchema, fixed: set[str], bounded: set[str]) -> tuple[int, int, int]:
        for name in key.hash_key:
            made = self._made.get(name)
            if name not in fixed and (made is None or not _all_in(made, fixed)):
                return 0, 0, 0
        ranges = 0
        for name in key.range_key:
            made = self._made.get(name)
            if made is None:
                ranges += 2 * (name in fixed) + (name in bounded)
            elif _all_in(made, fixed):
                ranges += 2
            elif made.parts:
                ranges += made.parts[0].attribute in (fixed | bounded)
        return 1, ranges, key.index is None

    def _ordered(
        self, order: Sequence[tuple[str, bool]], key: KeySchema, known: set[str]
    ) -> Iterator[tuple[str, bool]]:
        """Yield what to order by: the key, in place of the parts that it is in the order of."""
        found = [self._made[name] for name in key.range_key if name in self._made]
        waiting = [part for made in found for part in made.template.parts if part.name not in known]
        ordered: tuple[str, bool] | None = None
        for attribute, descends in order:
            name = self._parts.get(attribute)
            if name is None:
                yield attribute, descends
                continue
            if name in known:
                continue
            fits = waiting and waiting[0].name == name and waiting[0].sorts
            if not fits or waiting[0].lossy or (ordered is not None and ordered[1] != descends):
                raise self._unordered(name, key, waiting)
            waiting.pop(0)
            made = next(each for each in found if name in each.template.by_name)
            if ordered is None:
                ordered = (made.attribute, descends)
                yield ordered

    def _unordered(self, name: str, key: KeySchema, waiting: Sequence[BoundPart]) -> QueryError:
        parts: list[str] = []
        for part in waiting:
            if not part.sorts or part.lossy:
                break
            parts.append(part.name)
        title = "the table" if key.index is None else f"index {key.index}"
        return QueryError(
            f"{self._composing.name}: order_by({name!r}): the items of {title} are in order of "
            f"{', '.join(parts) or 'their key'}: order by that, or sort in Python"
        )

    # -- terms ---------------------------------------------------------------------------------

    def _leaves(self, terms: Iterable[Condition]) -> list[Comparison]:
        """Return those of *terms* that compare a part with values."""
        found: list[Comparison] = []
        for term in terms:
            leaf = parse_comparison(term)
            if leaf is not None and (name := self._parts.get(leaf[0])) is not None:
                found.append(Comparison(term, name, leaf[1], leaf[2]))
        return found

    def of_key(self, leaf: Comparison, known: Known) -> Condition:
        """Return what a condition on a part that is stored in the key alone asks of the key."""
        made = self._composing.in_key[leaf.name]
        path, template = _path(made), made.template
        before = {name: known[name] for name in _before(made, leaf.name) if name in known}
        if leaf.operator == "exists":
            return Exists(path)
        if leaf.operator == "not_exists":
            return NotExists(path)
        if lost := [name for name in _before(made, leaf.name) if name not in known]:
            raise QueryError(
                f"{self._composing.name}: {leaf.name} is stored in {made.name} alone, behind "
                f"{', '.join(lost)}: ask for {'that' if len(lost) == 1 else 'those'} by = too, or store "
                f"it: store_parts=True of {made.name}"
            )
        if leaf.operator in ("=", "<>"):
            same = self._begins(made, {**before, leaf.name: leaf.wires[0]})
            return same if leaf.operator == "=" else Not(same)
        if leaf.operator == "in":
            return self._any(made, [{**before, leaf.name: wire} for wire in leaf.wires])
        found = template.bounds_wires(before, leaf.name, leaf.operator, list(leaf.wires))
        if found is None:
            raise QueryError(
                f"{self._composing.name}: {leaf.name} has no order in {made.name}: ask by =, "
                "give it a width, as in {number:08d}, or store it: store_parts=True"
            )
        return found.condition(path)

    def _begins(self, made: ComputedField, known: Known) -> Condition:
        prefix = made.template.prefix_wires(known)
        value = Value({"S": prefix.text})
        return (
            Compare(_path(made), "=", value) if prefix.complete else BeginsWith(_path(made), value)
        )

    def _any(self, made: ComputedField, several: Sequence[Known]) -> Condition:
        """Return the condition that the key begins with one of several tuples of parts."""
        terms = list(dict.fromkeys(self._begins(made, known) for known in several))
        values = [term.right for term in terms if isinstance(term, Compare)]
        if len(values) == len(terms) > 1:
            return In(_path(made), tuple(values))
        return join(Or, *terms)


class _Group:
    """Rewrites what must hold together, and what is inside of it."""

    def __init__(self, all_: PartConditions, key: KeySchema | None) -> None:
        self._all, self._way = all_, key
        self._composing = all_._composing

    def rewritten(
        self, terms: Sequence[Condition], outer: Known, pushed: Sequence[Comparison]
    ) -> Condition:
        """Return what *terms* ask together, where *outer* is known, and *pushed* is to hold too."""
        terms = [*terms, *(leaf.term for leaf in pushed)]
        leaves = self._all._leaves(terms)
        known = dict(outer)
        for leaf in leaves:
            if leaf.operator == "=":
                known.setdefault(leaf.name, leaf.wires[0])
        added: list[Condition] = []
        done: set[int] = set()
        for made, role in self._keys():
            self._of_key(made, role, leaves, known, outer, added, done)
        rest = [leaf for leaf in leaves if id(leaf.term) not in done]
        virtual = self._composing.virtual
        names = {p.name: p.attribute for each in self._composing.all for p in each.parts}
        hidden = [leaf for leaf in rest if names[leaf.name] in virtual]
        skipped = done | {id(leaf.term) for leaf in hidden}
        others = [term for term in terms if id(term) not in skipped]
        into = next((t for t in others if isinstance(t, Or) and self._all._is_about_parts(t)), None)
        down = hidden if into is not None else []
        if into is None:
            added += [self._all.of_key(leaf, known) for leaf in hidden]
        return join(
            And, *added, *(self._inside(t, known, down if t is into else ()) for t in others)
        )

    def _keys(self) -> Iterator[tuple[ComputedField, str]]:
        if self._way is None:
            return
        for role, names in (("hash", self._way.hash_key), ("range", self._way.range_key)):
            for name in names:
                if (made := self._all._made.get(name)) is not None and made.parts:
                    yield made, role

    def _inside(self, term: Condition, known: Known, pushed: Sequence[Comparison]) -> Condition:
        """Return a term that is no comparison of a part with values, rewritten inside."""
        if not pushed and not self._all._is_about_parts(term):
            return term
        if isinstance(term, Or):
            return join(Or, *(self.rewritten(t.conjuncts, known, pushed) for t in term.terms))
        if type(term) is Not:
            return ~self.rewritten(term.term.conjuncts, known, ())
        if isinstance(term, And):
            return self.rewritten(term.terms, known, ())
        for path in term.paths():
            made = self._composing.virtual.get(str(path.parts[0]))
            if made is not None:
                raise QueryError(
                    f"{self._composing.name}: {path} is stored in {made.name} alone, which cannot be "
                    f"asked so: compare it with a value, or store it: store_parts=True of {made.name}"
                )
        return term

    def _of_key(
        self,
        made: ComputedField,
        role: str,
        leaves: Sequence[Comparison],
        known: Known,
        outer: Known,
        added: list[Condition],
        done: set[int],
    ) -> None:
        """Add what *leaves* ask of one key, and note those that it says all of."""
        listed = {leaf.name: leaf for leaf in leaves if leaf.operator == "in"}
        names = made.template.names
        news = [leaf for leaf in leaves if leaf.name in names]
        if not news:
            return
        if all(name in known or name in listed for name in names):
            choices = [[known[n]] if n in known else list(listed[n].wires) for n in names]
            several = [dict(zip(names, each, strict=True)) for each in product(*choices)]
            if len(several) > MOST:
                raise QueryError(
                    f"{self._composing.name}: this asks for {len(several)} keys {made.name}: ask for "
                    f"at most {MOST} at a time"
                )
            added.append(self._all._any(made, several))
            used = [n for n in names if n in known]
            self._note(made, [*used, *listed], news, known, listed, done)
            return
        if role == "hash":
            return
        self._of_beginning(made, news, known, outer, added, done)

    def _of_beginning(
        self,
        made: ComputedField,
        news: Sequence[Comparison],
        known: Known,
        outer: Known,
        added: list[Condition],
        done: set[int],
    ) -> None:
        """Add what is asked of the first parts of a range key."""
        template = made.template
        prefix = template.prefix_wires({n: known[n] for n in template.names if n in known})
        next_ = template.parts[len(prefix.parts)]
        before = {name: known[name] for name in prefix.parts}
        found: list[Condition] = []
        for leaf in news:
            if leaf.name != next_.name:
                continue
            if leaf.operator == "in":
                found.append(self._all._any(made, [{**before, leaf.name: w} for w in leaf.wires]))
            elif leaf.operator in _RANGES:
                keys = template.bounds_wires(before, leaf.name, leaf.operator, list(leaf.wires))
                if keys is None:
                    continue
                found.append(keys.condition(_path(made)))
            else:
                continue
            if not next_.lossy:
                done.add(id(leaf.term))
        if not found and any(name not in outer for name in prefix.parts):
            found.append(BeginsWith(_path(made), Value({"S": prefix.text})))
        added += found
        self._note(made, prefix.parts, news, known, {}, done)

    def _note(
        self,
        made: ComputedField,
        used: Iterable[str],
        news: Sequence[Comparison],
        known: Known,
        listed: Mapping[str, Comparison],
        done: set[int],
    ) -> None:
        """Note which of *news* the key says all of."""
        parts = made.template.by_name
        for leaf in news:
            if leaf.name not in used or parts[leaf.name].lossy:
                continue
            same = leaf.operator == "=" and leaf.wires[0] == known[leaf.name]
            if same or (leaf.name not in known and listed.get(leaf.name) is leaf):
                done.add(id(leaf.term))


def _path(made: ComputedField) -> Path:
    return made.field._path()


def _before(made: ComputedField, name: str) -> list[str]:
    """Return the parts of a template that stand before another."""
    names = made.template.names
    return list(names[: names.index(name)])


def _all_in(made: ComputedField, attributes: set[str]) -> bool:
    return bool(made.parts) and all(part.attribute in attributes for part in made.parts)
