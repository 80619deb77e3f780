"""Plans by the shape of their question, so that each shape is planned once.

Two questions of the same shape differ only in their values, and so do their plans, unless the planner
compared values with each other. So a cached plan has the place of each value, and the assumptions that
the planner made about the values, such as that one bound is less than another. The assumptions are checked
for each question. A plan with assumptions that cannot be expressed is not cached.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ..codec import to_sort_key
from ..expressions import Condition
from ..limits import MAX_IN, MAX_RANGE_KEY_BYTES
from ..operations.base import Wire
from ..operations.queries import Expressions, Query
from .access_paths import AccessPath, Fit, check_value, is_hopeless
from .assumptions import Assumptions, Notes
from .intervals import has_content
from .plan import Lane, Plan, Question, Subject, Trim
from .ranking import find_cost, find_least_cost

MOST = 512
"""The maximum of cached shapes for one model."""

MOST_LANES = MAX_IN
"""The maximum of lanes of a cached plan: each number of values of a hash key has its own shape."""

_SHORT = MAX_RANGE_KEY_BYTES // 4
"""The number of characters, of at most four bytes each, that fit into any key."""

_Slots: TypeAlias = "tuple[tuple[str, int], ...]"

Shortcut: TypeAlias = "Callable[[Sequence[Wire]], Query | None]"
"""Builds the Query from the values of a question of one shape; returns None if the values do not meet the
assumptions."""

ExaminedPaths: TypeAlias = "Sequence[tuple[AccessPath, Notes]]"
"""The access paths that were examined, in order of preference, with their notes."""


class _Guards(Struct, frozen=True, eq=False):
    """The assumptions, with positions in place of values."""

    less: tuple[tuple[int, int], ...]
    distinct: tuple[tuple[int, ...], ...]
    unlike: tuple[tuple[tuple[int, ...], ...], ...]

    def hold(self, values: Sequence[Wire]) -> bool:
        for low, high in self.less:
            if not to_sort_key(values[low]) < to_sort_key(values[high]):
                return False
        for slots in self.distinct:
            if len({to_sort_key(values[slot]) for slot in slots}) < len(slots):
                return False
        for terms in self.unlike:
            groups = [[values[slot] for slot in slots] for slots in terms]
            if any(each in groups[:at] for at, each in enumerate(groups)):
                return False
        return True


class _Template(Struct, frozen=True, eq=False):
    plan: Plan
    keys: _Slots = ()
    """Positions of the values of a GetItem's key."""
    values: tuple[_Slots, ...] = ()
    """Positions of the values of each lane's request."""
    trims: tuple[tuple[int, ...], ...] = ()
    """Positions of the values that each lane drops."""
    checked: _Slots = ()
    """Positions of values of key attributes; each must be valid in a key."""
    filled: tuple[int, ...] = ()
    """Positions of other values that must not be empty."""
    guards: _Guards | None = None

    def fill(self, question: Question, values: Sequence[Wire], subject: Subject) -> Plan | None:
        if self.guards is not None and not self.guards.hold(values):
            return None
        if self.filled and not all(has_content(values[slot]) for slot in self.filled):
            return None
        surely = _find_length(subject)
        for name, slot in self.checked:
            (content,) = values[slot].values()
            if not content:
                return None
            if len(content) > surely:
                check_value(subject, name, values[slot])
        plan = self.plan
        if plan.get is not None:
            get = replace(plan.get, key={name: values[slot] for name, slot in self.keys})
            return replace(plan, get=get, condition=question.condition)
        lanes = tuple(
            _refill(lane, slots, trims, values) if slots else lane
            for lane, slots, trims in zip(plan.lanes, self.values, self.trims, strict=True)
        )
        return replace(plan, lanes=lanes, condition=question.condition)

    def shortcut(self, subject: Subject) -> Shortcut | None:
        """Return a function that builds the plan's only Query; None if the plan has another form."""
        plan, guards, filled = self.plan, self.guards, self.filled
        surely = _find_length(subject)
        if plan.kind != "query" or plan.full or len(plan.lanes) != 1 or plan.lanes[0].trims:
            return None
        (request,), (slots,) = plan.lanes[0].requests, self.values
        read = request.expressions
        if not isinstance(request, Query) or len(slots) != len(read.values):
            return None
        keys, filter_, projection, names = read.keys, read.filter, read.projection, read.names
        kinds = {slot: next(iter(read.values[name])) for name, slot in slots}
        checked = [(name, slot, kinds[slot]) for name, slot in self.checked]

        def fill(values: Sequence[Wire]) -> Query | None:
            if guards is not None and not guards.hold(values):
                return None
            for slot in filled:
                if not has_content(values[slot]):
                    return None
            for name, slot, kind in checked:
                if not 0 < len(content := values[slot][kind]) <= surely:
                    if not content:
                        return None
                    check_value(subject, name, values[slot])
            put: dict[str, Wire] = {}
            for name, slot in slots:  # faster than a comprehension
                put[name] = values[slot]
            return replace(request, expressions=Expressions(keys, filter_, projection, names, put))

        return fill


def _find_length(subject: Subject) -> int:
    """Return the length up to which every value that is not empty is valid in a key."""
    return _SHORT if subject.plain_keys else 0


def _refill(lane: Lane, slots: _Slots, dropped: tuple[int, ...], values: Sequence[Wire]) -> Lane:
    request = lane.requests[0]
    read = request.expressions
    filled = {**read.values} if len(slots) < len(read.values) else {}
    for name, slot in slots:
        filled[name] = values[slot]
    read = Expressions(read.keys, read.filter, read.projection, read.names, filled)
    requests = (replace(request, expressions=read),)
    if not dropped or not (trim := lane.trims[0]):
        return Lane(requests)
    return Lane(requests, (Trim(trim.attribute, tuple(values[slot] for slot in dropped)),))


class PlanCache:
    """The cached plans of one model, by shape."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._known: dict[Hashable, _Template] = {}

    def fill(self, table: str, question: Question) -> Plan | None:
        """Return the plan of *question*, if its shape is cached."""
        values: list[Wire] = []
        template = self._known.get(_make_shape(table, question, values))
        return None if template is None else template.fill(question, values, self._subject)

    def shortcut(self, table: str, question: Question) -> Shortcut | None:
        """Return a function that builds the Query for questions of this shape, if the shape is cached."""
        template = self._known.get(_make_shape(table, question, []))
        return None if template is None else template.shortcut(self._subject)

    def keep(self, table: str, question: Question, plan: Plan, assumptions: Assumptions) -> None:
        """Cache *plan*, if the place of each value of *question* in it is known."""
        values: list[Wire] = []
        shape = _make_shape(table, question, values)
        template = _make_template(plan, values, assumptions)
        if template is None:
            return
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[shape] = template


def _make_shape(table: str, question: Question, values: list[Wire]) -> Hashable:
    return (
        table,
        question.condition.shape(values),
        question.order,
        question.backward,
        question.index,
        question.consistent,
        question.wanted,
        question.along,
        question.limit,
        question.page_size,
        question.scan,
        question.segments,
        question.counting,
        question.full,
    )


def _make_template(
    plan: Plan, values: Sequence[Wire], assumptions: Assumptions
) -> _Template | None:
    """Return the template of *plan*; None if the place of a value in it is not known."""
    at = {id(wire): slot for slot, wire in enumerate(values)}
    if len(at) != len(values) or any(id(wire) not in at for wire in assumptions.wires()):
        return None
    checked, guards = _find_slots(assumptions.checked, at), _make_guards(assumptions, at)
    known = {slot for _, slot in checked}
    filled = tuple(slot for wire in assumptions.filled if (slot := at[id(wire)]) not in known)
    lanes = plan.lanes
    if plan.kind == "query":  # the lanes differ only in the key
        lanes = lanes[:1] * len(lanes)
    kept = replace(plan, lanes=lanes, explanation=None)
    if plan.get is not None:
        keys = _find_slots(plan.get.key.items(), at)
        used = set(keys)
        template = _Template(kept, keys=keys, checked=checked, filled=filled, guards=guards)
    elif any(len(lane.requests) != 1 for lane in plan.lanes):
        return None
    else:
        reads = [lane.requests[0].expressions for lane in plan.lanes]
        found = tuple(_find_slots(read.values.items(), at) for read in reads)
        dropped = [[w for trim in lane.trims if trim for w in trim.wires] for lane in plan.lanes]
        if any(id(wire) not in at for wires in dropped for wire in wires):
            return None
        trims = tuple(tuple(at[id(wire)] for wire in wires) for wires in dropped)
        used = {slot for slots in found for slot in slots}
        template = _Template(
            kept, values=found, trims=trims, checked=checked, filled=filled, guards=guards
        )
    everywhere = {slot for _, slot in used} == set(range(len(values)))
    return template if everywhere else None


def _make_guards(assumptions: Assumptions, at: Mapping[int, int]) -> _Guards | None:
    """Return the guards of *assumptions*; None if there is nothing to compare."""
    if not (assumptions.less or assumptions.distinct or assumptions.unlike):
        return None

    def find(wires: Iterable[Wire]) -> tuple[int, ...]:
        return tuple(at[id(wire)] for wire in wires)

    return _Guards(
        less=tuple((at[id(low)], at[id(high)]) for low, high in assumptions.less),
        distinct=tuple(map(find, assumptions.distinct)),
        unlike=tuple(tuple(map(find, terms)) for terms in assumptions.unlike),
    )


def _find_slots(pairs: Iterable[tuple[str, Wire]], at: dict[int, int]) -> _Slots:
    return tuple((name, at[id(wire)]) for name, wire in pairs if id(wire) in at)


def find_assumptions(
    question: Question, chosen: Fit | None, examined: ExaminedPaths
) -> Assumptions | None:
    """Return the assumptions under which *chosen*, or a scan if it is None, answers *question*.

    None if they cannot be expressed: such a plan is not cached.
    """
    if chosen is not None and (
        chosen.notes.compared or not 0 < len(chosen.stretches) <= MOST_LANES
    ):
        return None
    less: list[tuple[Wire, Wire]] = []
    distinct: list[tuple[Wire, ...]] = []
    filled: dict[int, Wire] = {}
    for access, notes in examined:
        is_chosen = chosen is not None and access is chosen.access
        if not is_chosen and is_hopeless(access, question):
            continue
        # If no value is between two bounds, or below an empty one, every access path matches nothing.
        less += notes.less
        filled.update((id(wire), wire) for wire in notes.filled)
        if not is_chosen and not _could_win(access, notes, question, chosen, examined):
            continue
        if notes.compared:
            return None
        distinct += map(tuple, notes.distinct)
    return Assumptions(
        checked=() if chosen is None else chosen.checked,
        less=tuple({(id(low), id(high)): (low, high) for low, high in less}.values()),
        distinct=tuple({tuple(map(id, each)): each for each in distinct}.values()),
        filled=tuple(filled.values()),
        unlike=() if chosen is None else _values_of_similar_terms(chosen.stretches[0].filter),
    )


def _could_win(
    access: AccessPath, notes: Notes, question: Question, chosen: Fit | None, paths: ExaminedPaths
) -> bool:
    """Tell whether *access*, which was not chosen, may be chosen for other values of the same shape."""
    if notes.met:
        return True
    if not notes.compared and not notes.distinct:
        return False
    least = find_least_cost(access, question)
    if least is None or chosen is None:
        return least is not None
    order = [each for each, _ in paths]
    price = find_cost(chosen, question)
    return (least, order.index(access)) < (price, order.index(chosen.access))


def _values_of_similar_terms(filter_: Condition) -> tuple[tuple[tuple[Wire, ...], ...], ...]:
    """Return the values of the terms of a filter that differ only in their values."""
    groups: dict[Hashable, list[tuple[Wire, ...]]] = {}
    for term in filter_.conjuncts:
        values: list[Wire] = []
        shape = term.shape(values)
        if values:
            groups.setdefault(shape, []).append(tuple(values))
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)
