"""Positions: the state of a read as plain data, and the plan of the opposite direction."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ..exceptions import InvalidCursor, QueryError
from ..operations.queries import Query
from ..planning.plan import Lane, Plan
from .keys import Attributes, Wires


class Mark(Struct, frozen=True):
    """The state of a lane: its current request, and the last item before the rest."""

    request: int = 0
    """The request, counted from 0; the number of requests means the end."""
    after: Wires | None = None
    """The key of the last item, by the plan's ``position``; None before the first."""
    run: tuple[int, Wires | None] | None = None
    """The request and the key after which the lane's items of the current order value begin; None if
    not needed."""


class Position(Struct, frozen=True):
    """The state of a plan's execution: the place between the returned items and the rest."""

    lanes: tuple[Mark, ...] = ()
    used: int = 0
    """The number of keys of a GetItem or BatchGetItem that were read."""
    value: Wires = ()
    """The current order value, if a lane has a ``run``."""
    backward: bool = False
    """Whether it belongs to the plan of the opposite direction."""


def check_fits(position: Position, plan: Plan) -> None:
    """Raise :class:`~dynamodb_py.exceptions.InvalidCursor` unless *position* belongs to *plan*."""
    if plan.lanes:
        fits = position.used == 0 and len(position.lanes) == len(plan.lanes)
        fits = fits and all(
            _mark_fits(mark, lane, plan)
            for mark, lane in zip(position.lanes, plan.lanes, strict=True)
        )
        runs = any(mark.run is not None for mark in position.lanes)
        fits = fits and (_match_types(position.value, plan.order) if runs else not position.value)
    else:
        size = len(plan.keys) if plan.kind == "batch_get" else int(plan.kind in ("get", "unique"))
        fits = 0 <= position.used <= size and not position.lanes and not position.value
    if not fits:
        raise InvalidCursor(
            f"{plan.model}: this cursor belongs to another query, or to another plan of it: begin again "
            "without it"
        )


def _mark_fits(mark: Mark, lane: Lane, plan: Plan) -> bool:
    if mark.run is not None and (
        not plan.distinct or not _place_fits(mark.run[0], mark.run[1], lane, plan)
    ):
        return False
    return _place_fits(mark.request, mark.after, lane, plan)


def _place_fits(request: int, after: Wires | None, lane: Lane, plan: Plan) -> bool:
    if request == len(lane.requests):
        return after is None
    return 0 <= request < len(lane.requests) and (
        after is None or _match_types(after, plan.position)
    )


def _match_types(wires: Wires, attributes: Attributes) -> bool:
    """Tell whether *wires* are values of *attributes*."""
    return len(wires) == len(attributes) and all(
        wire.keys() == {each.type} for wire, each in zip(wires, attributes, strict=True)
    )


def position_of(marks: list[Mark], plan: Plan, value: Wires = ()) -> Position | None:
    """Return the position of these lanes; None if each is at its end."""
    ends = zip(marks, plan.lanes, strict=True)
    if all(mark.request == len(lane.requests) for mark, lane in ends):
        return None
    return Position(tuple(marks), value=value)


def is_beginning(position: Position | None) -> bool:
    """Tell whether *position* is the beginning; None is."""
    if position is None:
        return True
    return not position.used and all(mark == _FIRST for mark in position.lanes)


_FIRST = Mark()


def reversed_plan(plan: Plan) -> Plan:
    """Return the plan that returns the same items in the opposite order.

    Raises :class:`~dynamodb_py.exceptions.QueryError` for a scan, which has no order.
    """
    if plan.kind == "scan":
        raise QueryError(f"{plan.model}: a scan has no order, so that it cannot be reversed")
    lanes = tuple(_reverse_lane(lane) for lane in reversed(plan.lanes))
    return replace(plan, keys=plan.keys[::-1], lanes=lanes, forward=not plan.forward)


def _reverse_lane(lane: Lane) -> Lane:
    requests: list[Any] = [
        replace(request, forward=not request.forward)
        for request in reversed(lane.requests)
        if isinstance(request, Query)
    ]
    return Lane(tuple(requests), lane.trims[::-1])
