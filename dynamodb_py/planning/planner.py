"""The planner: it finds the cheapest requests that answer a question completely."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

from msgspec.structs import replace

from ..exceptions import QueryError, ScanRequired
from ..expressions import Condition, Path
from ..operations.items import GetItem, Key
from ..operations.queries import Expressions, Query, Scan
from .access_paths import (
    AccessPath,
    Fit,
    Stretch,
    check_value,
    find_unfixed,
    fit,
    make_key_condition,
)
from .alternatives import MOST, Unfit
from .assumptions import Assumptions, Notes
from .intervals import sort_intervals
from .plan import Explanation, Lane, Plan, Question, Rejected, Subject, Trim
from .plan_cache import ExaminedPaths, PlanCache, Shortcut, find_assumptions
from .ranking import explain_rejection, find_cost
from .suggestions import RANGE_CONDITIONS, find_helpful_index, find_serving_index

SIDE_BY_SIDE = 8
"""The number of lanes for queries that are too many to merge: as many as a reader has workers."""


class Planner:
    """The planner of the questions to one model."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._access_paths = AccessPath.all_of(subject.schema)
        self._cache = PlanCache(subject)

    def plan(self, table: str, question: Question) -> Plan:
        """Return the plan that answers *question* from *table*; the cache has it if its shape is known.

        Raises :class:`~dynamodb_py.exceptions.ScanRequired` if only a scan could answer the question, and
        :class:`~dynamodb_py.exceptions.QueryError` if DynamoDB cannot answer it.
        """
        known = self._cache.fill(table, question)
        if known is not None:
            return known
        plan, assumptions = self._make_plan(table, question)
        if assumptions is not None:
            self._cache.keep(table, question, plan, assumptions)
        return plan

    def shortcut(self, table: str, question: Question) -> Shortcut | None:
        """Return a function that builds the Query from the values of a condition of this shape.

        It takes the values in the order of the condition. None if the shape needs more than one Query, or
        is not cached. Raises the errors of :meth:`plan`.
        """
        self.plan(table, question)
        return self._cache.shortcut(table, question)

    def explain(self, table: str, question: Question) -> Plan:
        """Return the plan with its explanation."""
        return self._make_plan(table, question)[0]

    def _make_plan(self, table: str, question: Question) -> tuple[Plan, Assumptions | None]:
        """Return the plan and its assumptions, None if they cannot be expressed."""
        if question.limit == 0 or question.condition.is_never:
            return self._plan_nothing(table, question), None
        if question.scan or (question.condition.is_empty and not question.order):
            reason = "scan() was called" if question.scan else "there is no condition"
            explanation = Explanation(reason=reason)
            return self._plan_scan(table, question, explanation), Assumptions()
        fits, rejected, examined = self._fit_all(question)
        if not fits:
            if self.subject.allow_scan and question.index is None and not question.order:
                explanation = Explanation(reason="Meta.allow_scan allows it", others=rejected)
                assumptions = find_assumptions(question, None, examined)
                return self._plan_scan(table, question, explanation), assumptions
            raise self._make_refusal(question, rejected)
        chosen, *others = sorted(fits, key=lambda each: find_cost(each, question))
        for name, wire in chosen.checked:
            check_value(self.subject, name, wire)
        explanation = self._explain(question, chosen, others, rejected)
        assumptions = find_assumptions(question, chosen, examined)
        return self._plan_query(table, question, chosen, explanation), assumptions

    def _fit_all(self, question: Question) -> tuple[list[Fit], tuple[Rejected, ...], ExaminedPaths]:
        fits: list[Fit] = []
        rejected: list[Rejected] = []
        examined: list[tuple[AccessPath, Notes]] = []
        index = question.index
        paths = self._access_paths if index is None else [self._find_access(index)]
        for access in paths:
            notes = Notes()
            examined.append((access, notes))
            try:
                fits.append(fit(access, self.subject, question, notes))
            except Unfit as error:
                rejected.append(Rejected(access.name, str(error), error.cure))
        return fits, tuple(rejected), examined

    def _find_access(self, index: str | None) -> AccessPath:
        found = next((each for each in self._access_paths if each.name == index), None)
        if found is not None:
            return found
        known = ", ".join(str(access.name) for access in self._access_paths[1:]) or "none"
        raise QueryError(f"{self.subject.name} has no index {index!r}: its indexes are {known}")

    def _make_refusal(self, question: Question, rejected: Sequence[Rejected]) -> QueryError:
        name = self.subject.name
        reasons = "; ".join(f"{each.title}: {each.why}" for each in rejected)
        if question.index is not None:
            return QueryError(f"{name}: {reasons} ({RANGE_CONDITIONS}, = on a hash key)")
        cures = "".join(f"; {each.cure}" for each in rejected if each.cure)
        index = find_serving_index(self.subject, self._access_paths, question)
        more = [f"declare {index}"] if index else []
        if not question.order and not question.backward:  # a scan has no order
            more.append("use .scan() to read all and pay for it")
        if any(find_unfixed(access, question.condition) is None for access in self._access_paths):
            advice = _join_or("query for more and filter in Python", *more)
            text = f"{name}: DynamoDB cannot answer this ({reasons}): {RANGE_CONDITIONS}; {advice}"
            return QueryError(text + cures)
        hash_key = self.subject.field(self.subject.schema.hash_key.name)
        return ScanRequired(
            f"{name}: only reading the whole table could answer this ({reasons}): "
            f"{_join_or(f'filter by {hash_key}=...', *more)}{cures}"
        )

    def _make_members(
        self, table: str, question: Question, access: AccessPath, explanation: Explanation
    ) -> dict[str, Any]:
        return {
            "model": self.subject.name,
            "table": table,
            "index": access.name,
            "key": access.table_key,
            "position": access.position,
            "consistent": question.consistent,
            "limit": question.limit,
            "counting": question.counting,
            "full": question.full and access.held is not None and not question.counting,
            "held": _find_held(access, question),
            "condition": question.condition,
            "explanation": explanation,
        }

    def _plan_nothing(self, table: str, question: Question) -> Plan:
        access = self._find_access(question.index)
        why = "limit(0) needs no items" if question.limit == 0 else "nothing can match"
        explanation = Explanation(reason=why)
        return Plan(kind="nothing", **self._make_members(table, question, access, explanation))

    def _plan_scan(self, table: str, question: Question, explanation: Explanation) -> Plan:
        access = self._find_access(question.index)
        name = self.subject.name
        if question.order or question.backward:
            raise QueryError(
                f"{name}: a scan has no order: filter by a hash key, or sort in Python: "
                "sorted(rows, key=...)"
            )
        if question.consistent and access.is_global:
            raise QueryError(
                f"{name}: a global index cannot be read consistently: drop consistent(), or scan "
                "the table"
            )
        _check_scanned(self.subject, access, question)
        filter_ = question.condition
        projection = _list_paths(access, question, trims=False)
        expressions = Expressions.of(filter=filter_, projection=projection)
        limit = _find_page_limit(question, filtered=not filter_.is_empty, extra=0)
        total, select = question.segments, "COUNT" if question.counting else None
        scan = Scan(table, expressions, access.name, question.consistent, limit, select=select)
        scans = [replace(scan, segment=(at, total)) for at in range(total)] if total > 1 else [scan]
        lanes = tuple(Lane((each,)) for each in scans)
        notes = _describe_absence(self.subject, access.sparse)
        explanation = replace(explanation, filter=filter_, notes=notes)
        base = self._make_members(table, question, access, explanation)
        return Plan(kind="scan", lanes=lanes, expressions=_make_completion(base, question), **base)

    def _plan_query(
        self, table: str, question: Question, fit: Fit, explanation: Explanation
    ) -> Plan:
        base = self._make_members(table, question, fit.access, explanation)
        if not fit.stretches:
            base["explanation"] = Explanation(reason="nothing can match")
            return Plan(kind="nothing", **base)
        if fit.has_whole_keys:
            return self._plan_keys(table, question, fit, base)
        overlapping = fit.overlapping
        trims = any(stretch.interval.trimmed_values() for stretch in fit.stretches)
        by_items = trims or overlapping
        groups = _group_stretches(fit, apart=overlapping)
        unordered = not overlapping and question.counting and len(groups) > 1
        if len(groups) > MOST and not overlapping:
            groups, unordered = _deal_out(groups), True
            base["explanation"] = _note_missing_order(explanation, fit)
        known: dict[tuple[int, int], Query] = {}
        lanes = [
            self._make_lane(table, question, fit, group, known, by_items=by_items)
            for group in groups
        ]
        return Plan(
            kind="query",
            lanes=tuple(lanes),
            order=() if unordered else fit.order,
            forward=fit.forward,
            distinct=overlapping,
            expressions=_make_completion(base, question),
            **base,
        )

    def _plan_keys(self, table: str, question: Question, fit: Fit, base: dict[str, Any]) -> Plan:
        keys = _list_keys(fit)
        projection: tuple[Path, ...] = ()
        if question.counting:
            projection = tuple(Path((key.name,)) for key in fit.access.table_key)
        elif question.wanted is not None:
            projection = _list_paths(fit.access, question, trims=True)
        expressions = Expressions.of(projection=projection) if projection else None
        base.update(order=fit.order, forward=fit.forward, expressions=expressions)
        if len(keys) == 1:
            get = GetItem(table, keys[0], question.consistent, expressions)
            return Plan(kind="get", get=get, **base)
        return Plan(kind="batch_get", keys=tuple(keys), **base)

    def _make_lane(
        self,
        table: str,
        question: Question,
        fit: Fit,
        stretches: Sequence[Stretch],
        known: dict[tuple[int, int], Query],
        *,
        by_items: bool,
    ) -> Lane:
        """Return the lane of *stretches*; *known* caches requests by interval and filter."""
        access = fit.access
        requests: list[Query] = []
        trims: list[Trim | None] = []
        for stretch in stretches:
            dropped = stretch.interval.trimmed_values()
            kind = id(stretch.interval), id(stretch.filter)
            if kind in known:
                requests.append(_move(known[kind], stretch))
            else:
                known[kind] = self._make_request(table, question, fit, stretch, by_items=by_items)
                requests.append(known[kind])
            trims.append(Trim(access.range_key[fit.fixed].name, dropped) if dropped else None)
        return Lane(tuple(requests), tuple(trims) if any(trims) else ())

    def _make_request(
        self, table: str, question: Question, fit: Fit, stretch: Stretch, *, by_items: bool
    ) -> Query:
        access = fit.access
        expressions = Expressions.of(
            keys=make_key_condition(access, fit.fixed, stretch),
            filter=stretch.filter,
            projection=_list_paths(access, question, trims=by_items),
        )
        extra = len(stretch.interval.trimmed_values())
        return Query(
            table,
            expressions,
            access.name,
            question.consistent,
            _find_page_limit(question, filtered=bool(expressions.filter), extra=extra),
            select="COUNT" if question.counting and not by_items else None,
            forward=fit.forward,
        )

    def _explain(
        self, question: Question, chosen: Fit, others: Sequence[Fit], rejected: Sequence[Rejected]
    ) -> Explanation:
        subject = self.subject
        apart = {id(stretch.filter): stretch.filter for stretch in chosen.stretches}
        filters = dict.fromkeys(apart.values())
        filter_ = reduce(Condition.__or__, filters, Condition())
        worse = [Rejected(each.access.name, explain_rejection(each, chosen)) for each in others]
        suggestion = ""
        if not question.consistent:
            suggestion = find_helpful_index(subject, self._access_paths, chosen, filter_)
        return Explanation(
            filter=filter_,
            reason=_describe_choice(subject, question, chosen, alone=not others),
            others=(*worse, *rejected),
            notes=_describe_absence(subject, chosen.lacking),
            suggestion=suggestion,
        )


def _join_or(*options: str) -> str:
    *first, last = options
    return f"{', '.join(first)}, or {last}" if first else last


def _move(request: Query, stretch: Stretch) -> Query:
    """Return a copy of *request* with the place of *stretch*, which has the same interval and filter."""
    read = request.expressions
    place = {
        f":{at}": wire for at, wire in enumerate(stretch.place)
    }  # the place has the first values
    values = {**read.values, **place}
    read = Expressions(read.keys, read.filter, read.projection, read.names, values)
    return replace(request, expressions=read)


def _describe_choice(subject: Subject, question: Question, chosen: Fit, *, alone: bool) -> str:
    access = chosen.access
    if question.index is not None:
        return "index() chose it"
    names = [key.name for key in access.find_fixed(chosen.fixed)]
    reason = f"{' and '.join(map(subject.field, names))} {'is' if len(names) == 1 else 'are'} fixed"
    alone = alone and access.index is not None
    if chosen.fixed < len(access.range_key):
        bound = subject.field(access.range_key[chosen.fixed].name)
        if not all(stretch.interval.is_whole for stretch in chosen.stretches):
            reason += f", {bound} is bounded"
        elif any(name == access.range_key[chosen.fixed].name for name, _ in question.order):
            reason += f", {bound} gives the order"
    return f"{reason}, and nothing else can answer it" if alone else reason


def _find_held(access: AccessPath, question: Question) -> frozenset[str] | None:
    """Return the attributes that are read; None: all of them."""
    if question.wanted is not None:
        keys = (key.name for key in access.position)
        return frozenset(str(path.parts[0]) for path in _list_wanted_paths(access, question)).union(
            keys
        )
    return None if question.full else access.held


def _list_paths(access: AccessPath, question: Question, *, trims: bool) -> tuple[Path, ...]:
    """Return the paths to read of each item; () for all."""
    keys = tuple(Path((key.name,)) for key in access.position)
    if question.counting:
        return keys if trims else ()
    if question.full and access.held is not None:
        return keys  # the table gives the rest
    return () if question.wanted is None else (*_list_wanted_paths(access, question), *keys)


def _list_wanted_paths(access: AccessPath, question: Question) -> tuple[Path, ...]:
    """Return the paths to read of each item besides its keys, for a question with *wanted*."""
    whole = access.held is None or question.full
    along = [name for name in question.along if whole or name in (access.held or ())]
    return (*(question.wanted or ()), *(Path((name,)) for name in along))


def _make_completion(base: dict[str, Any], question: Question) -> Expressions | None:
    """Return the projection of the BatchGetItem that completes the items of an index."""
    if not base["full"] or question.wanted is None:
        return None
    keys = tuple(Path((key.name,)) for key in base["key"])
    along = (Path((name,)) for name in question.along)
    return Expressions.of(projection=(*question.wanted, *along, *keys))


def _find_page_limit(question: Question, *, filtered: bool, extra: int) -> int | None:
    if question.page_size is not None:
        return question.page_size
    if question.limit is None or filtered:
        return None
    return question.limit + extra


def _describe_absence(subject: Subject, names: Iterable[str]) -> tuple[str, ...]:
    fields = map(subject.field, sorted(names))
    return tuple(f"items that have no {field} are not in this index" for field in fields)


def _check_scanned(subject: Subject, access: AccessPath, question: Question) -> None:
    """Refuse to scan an index that lacks attributes that the question reads or filters by."""
    if access.held is None:
        return
    uses = [("filters by", question.condition.paths())]
    if question.wanted is not None and not question.full and not question.counting:
        uses.append(("reads", iter(question.wanted)))
    for verb, paths in uses:
        if lost := {str(path.parts[0]) for path in paths} - access.held:
            raise QueryError(
                f"{subject.name}: this {verb} {subject.join_fields(lost)}, which index {access.name} does not hold: "
                "scan the table, or add it to the index's projection"
            )


def _list_keys(fit: Fit) -> list[Key]:
    """Return the keys of whole items, in the order of the results, each once."""
    names = list(fit.access.keys)
    stretches = list(fit.stretches)
    if fit.order:  # items with equal range keys follow the order of the hash keys in the condition
        places = {each.ranks[:1]: at for at, each in reversed(list(enumerate(stretches)))}
        stretches.sort(key=lambda each: (each.ranks[1:], places[each.ranks[:1]]))
    if not fit.forward:
        stretches.reverse()
    unique: dict[object, Key] = {}
    for stretch in stretches:
        unique.setdefault(stretch.ranks, dict(zip(names, stretch.place, strict=True)))
    return list(unique.values())


def _group_stretches(fit: Fit, *, apart: bool) -> list[list[Stretch]]:
    """Return the stretches of each lane, in the order in which they are read."""
    if apart:
        return [[stretch] for stretch in fit.stretches]
    hashes = len(fit.access.hash_key)
    groups: dict[object, list[Stretch]] = {}
    for stretch in fit.stretches:
        groups.setdefault(stretch.ranks[:hashes], []).append(stretch)
    found = [_sort_stretches(group, hashes) for group in groups.values()]
    return found if fit.forward else [group[::-1] for group in reversed(found)]


def _deal_out(groups: list[list[Stretch]]) -> list[list[Stretch]]:
    """Distribute *groups*, which are too many to merge, over the few lanes that are read side by side."""
    dealt: list[list[Stretch]] = [[] for _ in range(SIDE_BY_SIDE)]
    for at, group in enumerate(groups):
        dealt[at % SIDE_BY_SIDE] += group
    return dealt


def _note_missing_order(explanation: Explanation, fit: Fit) -> Explanation:
    if not fit.order:
        return explanation
    note = f"more than {MOST} hash keys: the items come in no order"
    return replace(explanation, notes=(*explanation.notes, note))


def _sort_stretches(stretches: list[Stretch], hashes: int) -> list[Stretch]:
    """Return the stretches of one hash key in the order of the range key."""
    if len(stretches) == 1:
        return stretches
    intervals = sort_intervals(each.interval for each in stretches)
    by_interval = {id(each): at for at, each in enumerate(intervals)}
    return sorted(stretches, key=lambda s: (s.ranks[hashes:], by_interval[id(s.interval)]))
