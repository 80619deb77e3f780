"""Executes query sets: makes the plan of a question, and the readers, cursors and row streams of a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import replace

from ...batching import as_callback
from ...connections import ambient_alias, current_options, get_connection
from ...exceptions import InvalidCursor, MaxRequestsReached, QueryError
from ...expressions import Compare, Path, Value
from ...flows import Flow
from ...observing import OBSERVERS
from ...operations.base import Operation, Wire
from ...operations.items import StoredItem
from ...operations.queries import Query
from ...planning import Plan, Question
from ...reading import Mark, Position, Reader, decode, encode, hash_query
from ...reading.keys import make_key_reader, wires_in
from ..attribute_values.values import equal
from ..instance import options_of
from ..records.rows import make_loader
from ..visibility import Scope, filter_question
from .base import DEFAULT_OPTIONS, M, R, check_single
from .builders import Builders
from .compiled_cache import Demand
from .prefetch.levels import prefetch_tree
from .prefetch.paths import tree_of
from .row_streams import (
    CompletedRowStream,
    DirectRowStream,
    ReaderRowStream,
    RowStream,
    UnionRowStream,
)
from .unique_lookup import find_constraint, plan_unique

if TYPE_CHECKING:
    from ...observing import requests
else:
    from ...lazy import requests


def plan_query(
    queryset: Builders[M, Any], question: Question | None = None, *, explained: bool = False
) -> Plan:
    """Return the plan of the requests for *queryset*, or for *question* instead of its own.

    :param explained: True makes a plan for ``explain()``, with reasons.
    :raises QueryError: *queryset* is a union, or DynamoDB cannot answer the question.
    """
    check_single(queryset, "this")
    question = queryset._question if question is None else question
    if OBSERVERS and not explained:
        _note_question(queryset, question)
    consistent = queryset._read_options.consistent
    if consistent is None:  # options() may choose
        consistent = current_options().consistent
    unique = plan_unique(queryset, question, consistent=consistent is not False)
    if unique is not None:
        return unique
    if consistent is None and queryset._link.consistent:
        plan = _make_plan(queryset, question, consistent=False, explained=explained)
        consistent = not _is_of_global_index(queryset, plan)
        if not consistent:
            return plan
    return _make_plan(queryset, question, consistent=bool(consistent), explained=explained)


def _note_question(queryset: Builders[Any, Any], question: Question | None = None) -> None:
    """Let observers of requests explain the requests of *queryset*."""
    requests.note_question(partial(explain_request, queryset, question))


def explain_request(
    queryset: Builders[Any, Any], question: Question | None, sent: Operation[Any]
) -> str:
    """Return the text of the plan of *queryset* if *sent* is one of its requests, of any page, else ""."""
    plan = plan_query(queryset, question, explained=True)
    parts = requests.split_payload(sent.payload())
    planned = (requests.split_payload(each.payload()) for each in plan.operations)
    return str(plan) if parts in planned else ""


def _is_of_global_index(queryset: Builders[Any, Any], plan: Plan) -> bool:
    """Tell whether *plan* reads a global index, which has no strongly consistent reads."""
    indexes = options_of(queryset.model).schema.indexes
    return any(each.name == plan.index and each.scope == "global" for each in indexes)


def _make_plan(
    queryset: Builders[Any, Any], question: Question, *, consistent: bool, explained: bool
) -> Plan:
    if queryset._scope is not None:
        question = _apply_scope(queryset._scope, queryset.model, question)
    if consistent:
        question = replace(question, consistent=True)
    meta = options_of(queryset.model)
    question = filter_question(meta, question)
    table = queryset._link.table_name(meta.table_name)
    if explained:
        plan = meta.planner.explain(table, question)
        if meta.part_conditions is not None:
            plan = meta.part_conditions.explain(plan)
        if meta.item_filter is not None:
            plan = meta.item_filter.explain(plan)
        return plan if meta.kind is None else meta.kind.explain(plan)
    return meta.planner.plan(table, question)


def _apply_scope(scope: Scope, model: type[Any], question: Question) -> Question:
    """Return *question* without the items that *scope* leaves out."""
    condition = question.condition
    everything = condition.is_empty and not question.order  # all() needs no .scan()
    return replace(
        question, condition=condition & scope.condition(model), scan=question.scan or everything
    )


def make_reader(queryset: Builders[Any, Any], plan: Plan) -> Reader:
    """Return the reader of *plan*, with the options of *queryset*."""
    options = queryset._read_options
    if options is DEFAULT_OPTIONS:
        return Reader(plan)
    if options.max_requests is None and options.start is None:
        return Reader(plan, **reader_options(queryset))
    return CursorReader(queryset, plan)


def reader_options(queryset: Builders[Any, Any]) -> dict[str, Any]:
    """Return the options of *queryset* as keyword arguments of a reader."""
    options = queryset._read_options
    progress = as_callback(options.progress)
    return {"max_requests": options.max_requests, "rate": options.rate, "progress": progress}


class CursorReader(Reader):
    """A reader that starts at the cursor of its query set, and sets ``cursor`` of MaxRequestsReached."""

    __slots__ = ("_cursor",)

    def __init__(self, queryset: Builders[Any, Any], plan: Plan) -> None:
        start = position_of(queryset, plan, queryset._read_options.start)
        if start is not None and start.backward:
            raise InvalidCursor(
                f"{queryset.model.__name__}: this is the previous_cursor of a page: pass it to "
                "page(cursor=...), or use a next_cursor here"
            )
        super().__init__(plan, start=start, **reader_options(queryset))
        self._cursor = cursors_of(queryset, plan)

    def more(self) -> Flow[list[StoredItem] | None]:
        try:
            return (yield from super().more())
        except MaxRequestsReached as error:
            error.cursor = self._cursor(self.position())
            raise


def cursors_of(queryset: Builders[Any, Any], plan: Plan) -> Callable[[Position | None], str | None]:
    """Return a function that makes the cursor of a position in *plan*."""
    key = queryset._link.cursor_key
    digest: list[bytes] = []

    def text(position: Position | None) -> str | None:
        if position is None:
            return None
        if not digest:  # computed for the first cursor
            digest.append(hash_query(plan))
        return encode(position, digest[0], key)

    return text


def position_of(
    queryset: Builders[Any, Any], plan: Plan, start: str | Mapping[str, Wire] | None
) -> Position | None:
    """Return the position of the cursor *start*, or behind the item with the keys *start*."""
    if start is None:
        return None
    if isinstance(start, str):
        return decode(start, hash_query(plan), queryset._link.cursor_key)
    return _position_after(plan, start)


def _position_after(plan: Plan, keys: Mapping[str, Wire]) -> Position:
    """Return the position of *plan* behind the item with these keys."""
    if len(plan.lanes) != 1 or len(plan.lanes[0].requests) != 1:
        raise QueryError(
            f"{plan.model}: after(item) needs one Query or Scan, but this query set sends other requests, as "
            "explain() shows: use a cursor of page() instead"
        )
    names = [each.name for each in plan.position]
    if missing := [each.name for each in plan.position if each.type not in keys.get(each.name, {})]:
        where = "the table" if plan.index is None else f"the index {plan.index}"
        raise QueryError(
            f"{plan.model}: after(item): a place in {where} needs {', '.join(names)}, and the item has no "
            f"{', '.join(missing)}: pass an instance that has it, or a cursor of page()"
        )
    for name, wire in _find_fixed(plan):
        if not equal(keys[name], wire):
            raise QueryError(
                f"{plan.model}: after(item): its {name} differs from that of this query: pass an item of "
                "this query"
            )
    return Position((Mark(0, wires_in(plan.position, dict(keys))),))


def _find_fixed(plan: Plan) -> Iterator[tuple[str, Wire]]:
    """Yield the attributes of keys that are equal in all items of *plan*, with their values."""
    names = {each.name for each in plan.position}
    for each in plan.condition.conjuncts:
        if isinstance(each, Compare) and each.operator == "=":
            left, right = each.left, each.right
            if isinstance(left, Path) and isinstance(right, Value) and left.parts[0] in names:
                yield str(left.parts[0]), right.wire


def loader_of(queryset: Builders[M, R], plan: Plan) -> Callable[[StoredItem], R]:
    """Return a function that converts an item that *plan* reads to a row."""
    options = queryset._read_options
    model: Any = queryset.model
    if options is DEFAULT_OPTIONS and plan.held is None:
        return cast("Callable[[StoredItem], R]", make_loader(model, None, None, None))
    return make_loader(model, options.shape, plan.held, options.using)


def direct_query(queryset: Builders[Any, Any], limit: int | None = None) -> Query | None:
    """Return the Query that reads the rows, at most *limit*, without a plan; None if a plan is needed."""
    direct = find_direct(queryset, limit)
    return None if direct is None else direct[0]


def find_direct(
    queryset: Builders[M, R], limit: int | None = None
) -> tuple[Query, Callable[[StoredItem], R]] | None:
    """Like :func:`direct_query`, with the function that converts an item to a row."""
    shape = queryset._query_shape
    if shape is None or queryset._read_options is not shape.options:
        return None
    if queryset._scope is not None:
        return None
    if limit is not None:
        shape = (shape.head if limit == 1 else None) or shape.with_limit(limit)
    meta = shape.meta
    table, link = meta.table_name, get_connection(meta.using)
    if link.renames:
        table = link.table_name(table)
    demand: Demand = current_options().consistent
    if demand is None and link.consistent:
        demand = "by default"
    latest = shape.latest
    if latest is None or latest[0] != table or latest[1] is not demand:
        question = queryset._question
        if question.limit != shape.limit:
            question = replace(question, limit=shape.limit)
        if find_constraint(meta, question) is not None:
            shape.latest = (table, demand, None, None)
            return None
        if demand == "by default":
            question = replace(question, consistent=plan_query(queryset, question).consistent)
        else:
            question = replace(question, consistent=bool(demand))
        latest = shape.compile(table, demand, question)
    shortcut = latest[2]
    request = None if shortcut is None else shortcut(queryset._wires)
    if request is None:
        return None
    if OBSERVERS:
        _note_question(queryset)
    return request, shape.make_row_loader(latest, ambient_alias())


def open_rows(
    queryset: Builders[M, R], limit: int | None = None, *, bare: bool = False
) -> RowStream[R]:
    """Return the stream of the rows.

    :param limit: the largest number of rows, if it is lower than that of *queryset*.
    :param bare: True leaves out the related items.
    """
    if (direct := find_direct(queryset, limit)) is not None:
        shape: Any = queryset._query_shape
        if limit is None or (shape.limit is not None and shape.limit < limit):
            limit = shape.limit
        return DirectRowStream(*direct, limit)
    options, question = queryset._read_options, queryset._question
    if limit is not None and (question.limit is None or limit < question.limit):
        question = replace(question, limit=limit)
    stream: RowStream[R]
    if options.parts:
        parts = cast("tuple[Builders[M, R], ...]", options.parts)
        starts = [partial(open_rows, part, question.limit, bare=True) for part in parts]
        read_key = make_key_reader(options_of(queryset.model).schema.key)
        stream = UnionRowStream(starts, read_key, question.limit)
    else:
        plan = plan_query(queryset, question)
        stream = ReaderRowStream(make_reader(queryset, plan), loader_of(queryset, plan))
    if options.related and not bare:
        return CompletedRowStream(stream, partial(complete_rows, queryset))
    return stream


def complete_rows(queryset: Builders[Any, Any], rows: list[Any]) -> Flow[None]:
    """Read the relations that ``prefetch_related()`` names into *rows*."""
    related = queryset._read_options.related
    if related and rows:
        yield from prefetch_tree(rows, tree_of(queryset.model, related), queryset._link)


def read_all(queryset: Builders[M, R]) -> Flow[list[R]]:
    """Read all rows, keep them in *queryset*, and return them."""
    if queryset._result_cache is None:
        rows: list[R] = []
        stream = open_rows(queryset)
        while (more := (yield from stream.more())) is not None:
            rows += more
        queryset._result_cache = rows
    return queryset._result_cache


def read_first(queryset: Builders[M, R], count: int) -> Flow[list[R]]:
    """Return the first *count* rows; they are not kept."""
    if queryset._result_cache is not None:
        return queryset._result_cache[:count]
    rows: list[R] = []
    stream = open_rows(queryset, count)
    while len(rows) < count and (more := (yield from stream.more())) is not None:
        rows += more
    return rows
