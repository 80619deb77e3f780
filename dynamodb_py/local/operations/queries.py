"""Query and Scan."""

from __future__ import annotations

from typing import Any

from ...limits import MAX_SEGMENTS
from ..database.engine import Answer, Engine, Request
from ..database.errors import ServiceError, make_invalid
from ..database.snapshots import Snapshot
from ..database.tables import Keyed, Range
from ..database.values import Item, check_item
from ..expressions.conditions import Condition, parse_condition
from ..expressions.key_conditions import parse_key_condition
from ..expressions.legacy import make_filter, make_key_condition, make_projection
from ..expressions.placeholders import Placeholders
from ..expressions.projections import Projection, parse_projection
from .capacity import Consumed, read_detail
from .items import read_placeholders
from .pages import Page, Reading, find_index, find_places, find_start, read_page
from .requests import (
    Members,
    read,
    read_choice,
    read_count,
    read_flag,
    read_table_name,
    refuse_mixture,
    require_lengths,
    to_member,
)
from .writes import find_table

_SELECTS = ("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")
_EXPRESSIONS = ("ProjectionExpression", "FilterExpression", "KeyConditionExpression")
_LEGACY = ("AttributesToGet", "QueryFilter", "ScanFilter", "ConditionalOperator", "KeyConditions")


class _Common:
    """The common members of Query and Scan, with all checks that do not need the table."""

    def __init__(self, request: Members, filter_name: str) -> None:
        self.table_name = read_table_name(request)
        self.index_name: str | None = read(request, "IndexName", str)
        if self.index_name is not None:
            require_lengths(self.index_name, 3, 255, "indexName")
        self.limit = read_count(request, "Limit")
        self.select = read_choice(request, "Select", _SELECTS, "")
        self.detail = read_detail(request)
        self.consistent = read_flag(request, "ConsistentRead")
        refuse_mixture(request, _EXPRESSIONS, _LEGACY)
        self.start = _read_start(request)
        self.placeholders = read_placeholders(request)
        self.condition = _read_filter(request, filter_name, self.placeholders)
        self.projection = self._read_projection(request)
        self._check_select()

    def _read_projection(self, request: Members) -> Projection | None:
        if (names := read(request, "AttributesToGet", list)) is not None:
            self._projected_by = "AttributesToGet"
            return make_projection(names)
        self._projected_by = "ProjectionExpression"
        text = read(request, "ProjectionExpression", str)
        return None if text is None else parse_projection(text, self.placeholders)

    def _check_select(self) -> None:
        if self.projection is not None and self.select not in ("", "SPECIFIC_ATTRIBUTES"):
            wanted = "only the Count" if self.select == "COUNT" else self.select
            raise make_invalid(
                f"Cannot specify the {self._projected_by} when choosing to get {wanted}"
            )
        if self.projection is None and self.select == "SPECIFIC_ATTRIBUTES":
            raise make_invalid(
                "Must specify the AttributesToGet or ProjectionExpression when choosing to get "
                "SPECIFIC_ATTRIBUTES"
            )
        if self.select == "ALL_PROJECTED_ATTRIBUTES" and self.index_name is None:
            raise make_invalid(
                "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
            )

    def plan(self, snapshot: Snapshot) -> Reading:
        """Find the table and the index, and return how to read a page from them."""
        table = find_table(snapshot, self.table_name)
        index = find_index(table, self.index_name)
        if index is not None and not index.is_local and self.consistent:
            raise make_invalid("Consistent reads are not supported on global secondary indexes")
        reading = Reading(
            table,
            index,
            self.condition,
            self.projection,
            self.limit,
            self.consistent,
            counts=self.select == "COUNT",
            whole=self.select == "ALL_ATTRIBUTES",
        )
        reading.check_attributes()
        table.check_scalars(self.placeholders.nested)
        return reading


def query(engine: Engine, request: Request) -> Answer:
    """Return items of one hash key, in the order of their range keys."""
    common = _Common(request, "QueryFilter")
    forward = read(request, "ScanIndexForward", bool)
    if request.get("KeyConditions") is None and request.get("KeyConditionExpression") is None:
        raise make_invalid(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the "
            "request."
        )
    consumed = Consumed(common.detail)
    with engine.store.read() as snapshot:
        reading = common.plan(snapshot)
        area = _read_area(request, common.placeholders, reading.keyed, backward=forward is False)
        common.placeholders.check_used()
        _check_filter(request, reading)
        start = None
        if common.start is not None:
            start = find_start(reading, common.start)
            area.check_start(start[0])
        page = read_page(snapshot, reading, [area], start, consumed)
    return _make_answer(page, reading, consumed)


def scan(engine: Engine, request: Request) -> Answer:
    """Return the items of a table, an index, or a segment of them."""
    segment, total = _read_segment(request)
    common = _Common(request, "ScanFilter")
    common.placeholders.check_used()
    places = None if total is None else find_places(segment, total)
    consumed = Consumed(common.detail)
    with engine.store.read() as snapshot:
        reading = common.plan(snapshot)
        start = None if common.start is None else find_start(reading, common.start)
        if start is not None and places and not places[0] <= start[0].place <= places[1]:
            raise make_invalid(
                "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use "
                "ExclusiveStartKey with correct Segment. "
                f"TotalSegments: {total} Segment: {segment}"
            )
        page = read_page(snapshot, reading, [Range(places=places)], start, consumed)
    return _make_answer(page, reading, consumed)


def _read_start(request: Members) -> Item | None:
    start: dict[str, Any] | None = read(request, "ExclusiveStartKey", dict)
    if start is None:
        return None
    try:
        return check_item(start)
    except ServiceError as error:
        raise make_invalid(f"The provided starting key is invalid: {error.message}") from None


def _read_filter(request: Members, name: str, placeholders: Placeholders) -> Condition | None:
    text = read(request, "FilterExpression", str)
    if text is not None:
        return parse_condition(text, placeholders, "FilterExpression")
    filters, operator = read(request, name, dict), read(request, "ConditionalOperator", str)
    if filters:
        return make_filter(filters, operator, to_member(name))
    if operator is not None:
        raise make_invalid("ConditionalOperator cannot be used without Filter or Expected")
    return None


def _read_area(
    request: Members, placeholders: Placeholders, keyed: Keyed, *, backward: bool
) -> Range:
    text = read(request, "KeyConditionExpression", str)
    if text is not None:
        condition = parse_key_condition(text, placeholders, keyed)
    else:
        condition = make_key_condition(read(request, "KeyConditions", dict), keyed)
    return Range(*condition, backward=backward)


def _check_filter(request: Members, reading: Reading) -> None:
    """Raise a ValidationException if a query filters by its key, or by attributes that its index lacks."""
    if reading.condition is None:
        return
    reading.check_filter()
    for name in reading.keyed.names:
        if name in reading.condition.names:
            kind = "QueryFilter" if request.get("QueryFilter") else "Filter Expression"
            raise make_invalid(
                f"{kind} can only contain non-primary key attributes: Primary key attribute: {name}"
            )


def _read_segment(request: Members) -> tuple[int, int | None]:
    segment = read_count(request, "Segment", 0, MAX_SEGMENTS - 1)
    total = read_count(request, "TotalSegments", 1, MAX_SEGMENTS)
    if segment is None and total is None:
        return 0, None
    if total is None:
        raise make_invalid(
            "The TotalSegments parameter is required but was not present in the request when "
            "Segment parameter is present"
        )
    if segment is None:
        raise make_invalid(
            "The Segment parameter is required but was not present in the request when parameter "
            "TotalSegments is present"
        )
    if segment >= total:
        raise make_invalid(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {total}"
        )
    return segment, total


def _make_answer(page: Page, reading: Reading, consumed: Consumed) -> Answer:
    answer: dict[str, Any] = {} if reading.counts else {"Items": page.items}
    answer["Count"], answer["ScannedCount"] = page.count, page.scanned
    if page.last is not None:
        answer["LastEvaluatedKey"] = page.last
    return consumed.into(answer)
