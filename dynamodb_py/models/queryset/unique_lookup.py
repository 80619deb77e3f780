"""Reads by unique values: the sentinel, an item that claims the value, names the item that has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

from ...codec import from_json
from ...expressions import Compare, Path, Value
from ...operations.base import Wire, WireItem
from ...operations.items import GetItem, Key, StoredItem
from ...operations.read_expressions import Expressions
from ...planning import Explanation, Plan, Question
from ..constraints import OWNER, Constraint, make_sentinel_key
from ..instance import options_of
from ..options.options import Options
from ..records.base import load_key
from ..visibility import filter_item
from .builders import Builders


class SentinelOwner(Struct, frozen=True):
    """The requests that read a sentinel, and the item that it names."""

    sentinel: GetItem
    request: GetItem
    """The request for the item, without a key, which only the sentinel knows."""
    queryset: Builders[Any, Any]
    constraint: Constraint
    value: str
    """The hash key of the sentinel."""

    def make_request(self, sentinel: StoredItem, /) -> GetItem:
        """Return the request for the item that *sentinel* names."""
        owner = cast("WireItem", from_json(sentinel))[OWNER]
        return replace(self.request, key=cast("Key", owner["M"]))

    def has_value(self, item: StoredItem, /) -> bool:
        """Tell whether *item* still has the value."""
        return self.constraint.text(from_json(item)) == self.value

    def hides(self, item: StoredItem, /) -> bool:
        """Tell whether reads of the model, or the query set, leave out *item*."""
        model, scope = self.queryset.model, self.queryset._scope
        if filter_item(options_of(model), item) is None:
            return True
        return scope is not None and scope.hides(load_key(model, from_json(item)))


def find_constraint(meta: Options, question: Question) -> tuple[Constraint, str] | None:
    """Return the constraint whose fields *question* compares, and the hash key of the sentinel.

    Returns None unless the question is ``=`` for exactly the fields of one constraint.
    """
    if (
        not meta.constraints
        or question.index is not None
        or question.order
        or question.backward
        or question.scan
        or question.limit == 0
    ):
        return None
    wires: dict[str, Wire] = {}
    for term in question.condition.conjuncts:
        if not isinstance(term, Compare) or term.operator != "=":
            return None
        path, value = term.left, term.right
        if not isinstance(path, Path) or len(path.parts) != 1 or not isinstance(value, Value):
            return None
        wires[str(path.parts[0])] = value.wire
    if len(wires) != len(question.condition.conjuncts):
        return None
    for constraint in meta.constraints:
        if wires.keys() == {*constraint.attributes}:
            text = constraint.text(wires)
            return None if text is None else (constraint, text)
    return None


def names_constraint(meta: Options, named: Mapping[str, Any]) -> bool:
    """Tell whether *named* are exactly the fields of a unique constraint."""
    names = {*meta.field_set.expand_references(named)}
    return any({field.name for field in each.fields} == names for each in meta.constraints)


def plan_unique(
    queryset: Builders[Any, Any], question: Question, *, consistent: bool
) -> Plan | None:
    """Return the plan that reads a sentinel and its item; None if the question is not by unique values."""
    meta = options_of(queryset.model)
    found = find_constraint(meta, question)
    if found is None:
        return None
    constraint, value = found
    link = queryset._link
    table = link.table_name(meta.table_name)
    held, expressions = _find_projection(queryset, meta, question, constraint)
    sentinel = GetItem(link.table_name(meta.unique_table), make_sentinel_key(value), consistent)
    request = GetItem(table, {}, consistent, expressions)
    names = " and ".join(field.name for field in constraint.fields)
    return Plan(
        kind="unique",
        model=meta.name,
        table=table,
        owner=SentinelOwner(sentinel, request, queryset, constraint, value),
        key=meta.schema.key,
        position=meta.schema.key,
        consistent=consistent,
        limit=question.limit,
        counting=question.counting,
        held=held,
        condition=question.condition,
        explanation=Explanation(reason=f"{names} can have each value once"),
    )


def _find_projection(
    queryset: Builders[Any, Any], meta: Options, question: Question, constraint: Constraint
) -> tuple[frozenset[str] | None, Expressions | None]:
    """Return the attributes to read, and their projection; both are None to read whole items."""
    wanted = () if question.counting else question.wanted
    if wanted is None:
        return None, None
    names = [*question.along, *(key.attribute for key in meta.keys), *constraint.attributes]
    if queryset._scope is not None:
        names.append(queryset._scope.attribute(queryset.model))
    paths = [*wanted, *(Path((name,)) for name in names)]
    if meta.kind is not None:
        paths.append(meta.kind.path)
    if meta.item_filter is not None:
        paths += meta.item_filter.paths
    held = frozenset(str(path.parts[0]) for path in paths)
    return held, Expressions.of(projection=dict.fromkeys(paths))
