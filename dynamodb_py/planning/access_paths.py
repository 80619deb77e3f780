"""Access paths: the table and its indexes, and how each can answer a question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, product, takewhile
from math import prod
from typing import TypeAlias

from msgspec import Struct

from ..exceptions import ValidationError
from ..expressions import Compare, Condition, Path, Value
from ..operations.base import Wire
from ..schema import IndexSchema, KeyAttribute, TableSchema
from .alternatives import MOST, Alternative, Extraction, Unfit
from .assumptions import Notes
from .comparisons import find_bounded_attributes, find_fixed_attributes
from .intervals import WHOLE, Interval, Span, overlap
from .plan import Question, Subject

MOST_READS = 100_000
"""The most keys, or requests, of one plan; a condition with more values of the hash key may have more."""

Place: TypeAlias = "tuple[Wire, ...]"
"""The values of the fixed attributes: those of the hash key, and the first ones of the range key."""


class AccessPath(Struct, frozen=True):
    """The table or an index: its key, and the attributes that it holds."""

    index: IndexSchema | None
    hash_key: tuple[KeyAttribute, ...]
    range_key: tuple[KeyAttribute, ...]
    table_key: tuple[KeyAttribute, ...]
    held: frozenset[str] | None
    """The attributes that its items have there; None: all."""

    @classmethod
    def all_of(cls, schema: TableSchema) -> list[AccessPath]:
        """Return the access paths of a table: itself, then its local and its global indexes."""
        table = cls(None, (schema.hash_key,), schema.key[1:], schema.key, None)
        ordered = (*schema.local_indexes, *schema.global_indexes)
        return [table, *(cls._of(index, schema.key) for index in ordered)]

    @classmethod
    def _of(cls, index: IndexSchema, table_key: tuple[KeyAttribute, ...]) -> AccessPath:
        held = None
        if index.projection.kind != "ALL":
            keys = (*table_key, *index.keys)
            held = frozenset(index.projection.names).union(key.name for key in keys)
        return cls(index, index.hash_key, index.range_key, table_key, held)

    @property
    def name(self) -> str | None:
        """The name of the index."""
        return None if self.index is None else self.index.name

    @property
    def title(self) -> str:
        """Its name in messages."""
        return "the table" if self.index is None else f"index {self.index.name}"

    @property
    def is_global(self) -> bool:
        """Whether it is a global index."""
        return self.index is not None and self.index.scope == "global"

    @property
    def keys(self) -> dict[str, KeyAttribute]:
        """The attributes of its own key, by name."""
        return {key.name: key for key in (*self.hash_key, *self.range_key)}

    def find_fixed(self, fixed: int) -> tuple[KeyAttribute, ...]:
        """Return the attributes of the hash key, and the first *fixed* ones of the range key."""
        return (*self.hash_key, *self.range_key[:fixed])

    @property
    def position(self) -> tuple[KeyAttribute, ...]:
        """The attributes of the table's key and of its own."""
        found = {key.name: key for key in (*self.table_key, *self.hash_key, *self.range_key)}
        return tuple(found.values())

    @property
    def sparse(self) -> frozenset[str]:
        """The attributes that an item must have to be in it, besides the table's key."""
        return frozenset(self.keys).difference(key.name for key in self.table_key)


class Stretch(Struct, frozen=True, eq=False, gc=False):
    """The items that one Query reads: those at one place, within an interval, that pass a filter."""

    place: Place
    ranks: tuple[object, ...]
    """The place in a form that is equal for equal values, as for the numbers 1 and 1.0."""
    interval: Interval
    filter: Condition


class Fit(Struct, frozen=True, eq=False):
    """How an access path answers a question."""

    access: AccessPath
    stretches: tuple[Stretch, ...]
    fixed: int
    """How many attributes of the range key are fixed."""
    order: tuple[KeyAttribute, ...]
    forward: bool
    lacking: tuple[str, ...]
    """The attributes that the index requires of its items and the condition does not."""
    checked: tuple[tuple[str, Wire], ...]
    """The values of key attributes; each must be valid in a key."""
    notes: Notes
    """The properties of the values that it depends on."""

    @property
    def has_whole_keys(self) -> bool:
        """Whether each stretch is one item of the table, without a filter."""
        return (
            self.access.index is None
            and self.fixed == len(self.access.range_key)
            and all(stretch.filter.is_empty for stretch in self.stretches)
        )

    @property
    def hash_keys(self) -> int:
        """How many values of the hash key are read."""
        hashes = len(self.access.hash_key)
        return len({stretch.ranks[:hashes] for stretch in self.stretches})

    @property
    def overlapping(self) -> bool:
        """Whether an item can be in two stretches."""
        if len({stretch.ranks for stretch in self.stretches}) == len(self.stretches):
            return False
        spans: dict[object, list[Span]] = {}
        for stretch in self.stretches:
            spans.setdefault(stretch.ranks, []).append((stretch.interval,))
        return any(len(each) > 1 and overlap(each) for each in spans.values())


def fit(
    access: AccessPath, subject: Subject, question: Question, notes: Notes | None = None
) -> Fit:
    """Return how *access* answers *question*; raise Unfit with the reason if it cannot.

    *notes* records how the result depends on the values, also where Unfit is raised.
    """
    if question.consistent and access.is_global:
        raise Unfit("a global index cannot be read consistently")
    notes = Notes() if notes is None else notes
    extraction = Extraction(access.keys, notes)
    try:
        options = extraction.alternatives(question.condition)
    except Unfit:
        if (name := find_unfixed(access, question.condition)) is not None:
            raise _make_unfixed_error(access, subject, name) from None  # a clearer reason
        raise
    missing = frozenset[str]().union(*(option.missing for option in options)) & access.sparse
    if missing and question.index is None:
        raise Unfit(f"items without {subject.join_fields(missing)} match too, and are not in it")
    options = [option for option in options if not option.is_empty]
    fixed, stretches = _find_stretches(access, subject, options)
    _check_held(access, subject, question, options)
    order, forward = _find_order(access, subject, question, fixed, stretches)
    lacking = frozenset(n for n in access.sparse if not all(n in each.needs for each in options))
    if lacking and question.index is None:
        _check_complete(access, subject, question, options, lacking)
    found = Fit(
        access=access,
        stretches=tuple(stretches),
        fixed=fixed,
        order=order,
        forward=forward,
        lacking=tuple(sorted(lacking)),
        checked=tuple(_list_key_values(access, fixed, stretches)),
        notes=notes,
    )
    _check_merging(found, question)
    return found


def _check_merging(fit: Fit, question: Question) -> None:
    """Refuse to merge more than MOST queries: each has a page in memory."""
    if len(fit.stretches) <= MOST or fit.has_whole_keys:
        return
    ordered = bool(question.order) or question.backward
    if fit.overlapping:
        raise Unfit(
            f"it would take {len(fit.stretches)} queries that may find the same items, and at most {MOST} "
            "are merged: split it into several queries"
        )
    if ordered and fit.order and not question.counting and fit.hash_keys > MOST:
        raise Unfit(
            f"it would merge the items of {fit.hash_keys} hash keys, and at most {MOST} are merged: "
            "leave out order_by(), reverse() and last(), or split it into several queries"
        )


def _check_complete(
    access: AccessPath,
    subject: Subject,
    question: Question,
    options: Sequence[Alternative],
    lacking: frozenset[str],
) -> None:
    """Refuse an index that may lack matching items."""
    first, *others = (each.needs for each in options)
    present = first.intersection(*others).union(
        (name for name, _ in question.order),
        find_fixed_attributes(question.condition),
        find_bounded_attributes(question.condition),
    )
    if optional := subject.find_optional(access.name, lacking, present):
        names = subject.join_fields(optional)
        raise Unfit(
            f"items that have no {names} are not in it: filter by {names} too, order by it, or choose "
            f'the index with .index("{access.name}")',
            cure=f"if every item has {names}, declare {names} with required=True, or index "
            f"{access.name} with complete=True",
        )


def find_unfixed(access: AccessPath, condition: Condition) -> str | None:
    """Return an attribute of the hash key that no term of *condition* fixes, or None."""
    found = set(find_fixed_attributes(condition))
    return next((key.name for key in access.hash_key if key.name not in found), None)


def _make_unfixed_error(access: AccessPath, subject: Subject, name: str) -> Unfit:
    role = "its hash key" if len(access.hash_key) == 1 else "a part of its hash key"
    return Unfit(f"{role}, {subject.field(name)}, is not fixed")


def _check_held(
    access: AccessPath, subject: Subject, question: Question, options: Sequence[Alternative]
) -> None:
    """Refuse an index that lacks attributes that the question reads or filters by."""
    if access.held is None:
        return
    filtered = {str(path.parts[0]) for b in options for t in b.filter for path in t.paths()}
    if lost := filtered - access.held:
        raise Unfit(f"it does not hold {subject.join_fields(lost)}, which the filter needs")
    if not lacks_attributes(access, question):
        return
    if question.wanted is None:
        raise Unfit(
            "it does not hold whole items: choose it with .index(), and .full() to complete "
            "them from the table, or name what you need with .only()"
        )
    lost = {str(path.parts[0]) for path in question.wanted} - access.held
    names = subject.join_fields(lost)
    raise Unfit(f"it does not hold {names}: .full() reads whole items from the table")


def lacks_attributes(access: AccessPath, question: Question) -> bool:
    """Tell whether *access* lacks attributes that *question* reads, whatever its condition."""
    if access.held is None or question.full or question.counting:
        return False
    if question.wanted is None:
        return question.index is None
    return any(str(path.parts[0]) not in access.held for path in question.wanted)


def is_hopeless(access: AccessPath, question: Question) -> bool:
    """Tell whether *access* cannot answer *question*, whatever its condition."""
    return lacks_attributes(access, question) or (
        access.index is not None and lacks_order(access, question)
    )


def lacks_order(access: AccessPath, question: Question) -> bool:
    """Tell whether *question* orders by an attribute outside the key of *access*."""
    return any(name not in access.keys for name, _ in question.order)


def _find_stretches(
    access: AccessPath, subject: Subject, options: Sequence[Alternative]
) -> tuple[int, list[Stretch]]:
    """Return how many attributes of the range key are fixed, and the stretches to read."""
    fixed = min((_count_fixed(access, option) for option in options), default=len(access.range_key))
    every = (each for option in options for each in _stretches_of(access, subject, option, fixed))
    most = max(MOST_READS, sum(_count_hash_keys(access, option) for option in options))
    stretches = list(islice(every, most + 1))
    if len(stretches) > most:
        raise Unfit(
            f"it would take more than {most} keys or requests: split it into several queries"
        )
    return fixed, stretches


def _count_hash_keys(access: AccessPath, option: Alternative) -> int:
    return prod(len(option.spans.get(key.name, ())) for key in access.hash_key)


def _count_fixed(access: AccessPath, option: Alternative) -> int:
    """Return how many attributes of the range key, from the left, have single values."""
    return len(list(takewhile(lambda key: option.has_points(key.name), access.range_key)))


def _stretches_of(
    access: AccessPath, subject: Subject, option: Alternative, fixed: int
) -> Iterator[Stretch]:
    for key in access.hash_key:
        if not option.has_points(key.name):
            raise _make_unfixed_error(access, subject, key.name)
    free = [key.name for key in access.range_key[fixed:]]
    for name in free[1:]:
        if not all(each.is_whole for each in option.spans.get(name, ())):
            before = subject.field(free[0])
            raise Unfit(f"{subject.field(name)} can limit the query only if {before} is fixed by =")
    names = [key.name for key in access.find_fixed(fixed)]
    condition = option.condition
    span = option.spans.get(free[0], (WHOLE,)) if free else (WHOLE,)
    fixings = [
        [(point.low.wire, point.signature) for point in option.spans[name] if point.low is not None]
        for name in names
    ]
    for points in product(*fixings):
        place, ranks = zip(*points, strict=True)
        for interval in span:
            yield Stretch(place, ranks, interval, condition)


def _list_key_values(
    access: AccessPath, fixed: int, stretches: Sequence[Stretch]
) -> Iterator[tuple[str, Wire]]:
    """Yield the names and values of key attributes; those of a shared interval only once."""
    names = [key.name for key in access.find_fixed(fixed)]
    seen: set[int] = set()
    for stretch in stretches:
        yield from zip(names, stretch.place, strict=True)
        interval = stretch.interval
        if id(interval) in seen:
            continue
        seen.add(id(interval))
        if interval.prefix is not None:
            yield access.range_key[fixed].name, interval.prefix
            continue
        for edge in (interval.low, interval.high):
            if edge is not None:
                yield access.range_key[fixed].name, edge.wire


def check_value(subject: Subject, name: str, wire: Wire) -> None:
    """Raise ValidationError for a value that no key can have."""
    if (problem := subject.problem(name, wire)) is not None:
        raise ValidationError({subject.field(name): [problem]}, model=subject.name)


def _find_order(
    access: AccessPath,
    subject: Subject,
    question: Question,
    fixed: int,
    stretches: Sequence[Stretch],
) -> tuple[tuple[KeyAttribute, ...], bool]:
    """Return the attributes that order the items for *question*, and whether they ascend."""
    free = access.range_key[fixed:]
    same = _find_common_attributes(access, fixed, stretches)
    requested = [(name, descends) for name, descends in question.order if name not in same]
    single = len(stretches) <= 1 and access.index is None and not free
    # The items of several places are ordered by the fixed attributes too.
    order = tuple(key for key in access.range_key if key.name not in same)
    if requested and not single:
        names = [key.name for key in order[: len(requested)]]
        if (
            names != [name for name, _ in requested]
            or len({descends for _, descends in requested}) > 1
        ):
            by = ", ".join(subject.field(key.name) for key in order) or "nothing"
            raise Unfit(f"its items are in order of {by}")
    descends = bool(requested and requested[0][1]) != question.backward
    if not requested and question.order and not single:
        descends = question.order[0][1] != question.backward
    return order, not descends


def _find_common_attributes(
    access: AccessPath, fixed: int, stretches: Sequence[Stretch]
) -> frozenset[str]:
    """Return the fixed attributes that have the same value in all *stretches*."""
    if not stretches:
        return frozenset()
    columns = zip(*(stretch.ranks for stretch in stretches), strict=True)
    found = zip(access.find_fixed(fixed), columns, strict=True)
    return frozenset(key.name for key, ranks in found if ranks.count(ranks[0]) == len(ranks))


def make_key_condition(access: AccessPath, fixed: int, stretch: Stretch) -> Condition:
    """Return the key condition that reads *stretch*."""
    condition = Condition()
    for key, wire in zip(access.find_fixed(fixed), stretch.place, strict=True):
        condition &= Compare(Path((key.name,)), "=", Value(wire))
    if fixed < len(access.range_key):
        condition &= stretch.interval.condition(Path((access.range_key[fixed].name,)))
    return condition
