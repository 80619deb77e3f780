"""What a plan says of itself when it is printed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .plan import Plan

_SHOWN = 5
"""How many requests are printed whole."""


def described(plan: Plan) -> str:
    """Return *plan* in lines for people."""
    return "\n".join(_lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    yield _title(plan)
    told = plan.told
    if told is not None and told.reason:
        yield f"  why: {told.reason}"
    for other in told.others if told is not None else ():
        where = "the table" if other.index is None else f"index {other.index}"
        yield f"  not {where}: {other.why}"
    requests = plan.operations
    for request in requests[:_SHOWN]:
        yield f"  {request.api}: {request.payload()!r}"
    if len(requests) > _SHOWN:
        yield f"  ... and {len(requests) - _SHOWN} more of these"
    yield from _afterwards(plan)
    for note in told.notes if told is not None else ():
        yield f"  note: {note}"
    if told is not None and told.suggestion:
        yield f"  an index would read only what matches: {told.suggestion}"


def _title(plan: Plan) -> str:
    if plan.kind == "nothing":
        return f"Nothing is sent for {plan.model}"
    name = {"get": "GetItem", "batch_get": "BatchGetItem", "query": "Query", "scan": "Scan"}
    said = f"{name[plan.kind]} on {plan.table}"
    if plan.index is not None:
        said += f", index {plan.index}"
    count = len(plan.operations)
    if count > 1:
        said += f", {count} requests" + (" side by side" if len(plan.lanes) > 1 else "")
    if plan.order and plan.kind != "get":
        direction = "ascending" if plan.forward else "descending"
        said += f", by {', '.join(key.name for key in plan.order)}, {direction}"
    return said


def _afterwards(plan: Plan) -> Iterator[str]:
    told = plan.told
    if told is not None and not told.filter.is_empty:
        said = told.filter.described()
        yield f"  after reading: {said} (DynamoDB drops what does not match, and it is paid for)"
    dropped = [trim for lane in plan.lanes for trim in lane.trims if trim is not None]
    for trim in dropped[:1]:
        values = ", ".join(repr(wire) for trim in dropped for wire in trim.wires)
        yield f"  dropped here: items at the open end of the interval, {trim.attribute} {values}"
    if plan.distinct:
        yield "  once each: an item may come from several of the requests"
    if plan.full:
        yield "  afterwards: BatchGetItem of the whole items, a hundred to a request"
    if plan.counting:
        yield "  counted: the items are not sent"
    if plan.limit is not None and plan.kind != "nothing":
        yield f"  until: {plan.limit} found"
