"""Descriptions of requests, for the messages of failed assertions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from textwrap import indent, shorten
from typing import Any, cast

from ..exceptions import DynamoDBError
from ..metering import Cost
from ..observing.requests import SentRequest

_EXPRESSIONS = {
    "KeyConditionExpression": "key condition",
    "FilterExpression": "filter, after reading",
    "ProjectionExpression": "attributes",
    "UpdateExpression": "update",
    "ConditionExpression": "condition",
    "Statement": "statement",
}
_VALUES = {
    "Key": "key",
    "Item": "item",
    "ExclusiveStartKey": "start after",
    "Limit": "limit",
    "Parameters": "parameters",
    "RequestItems": "items",
    "TransactItems": "writes or reads",
    "Statements": "statements",
    "TransactStatements": "statements",
}
_PLACEHOLDER = re.compile(r"[#:]\w+")
_WIDTH = 300
_MOST = 50
"""The most requests that a message describes; of the others, it has only the number."""


def describe_requests(requests: Sequence[SentRequest], total: Cost) -> str:
    """Return the total cost, and below it the requests, numbered."""
    lines = [str(total)]
    plans: dict[str, int] = {}
    latest = ""
    for number, request in enumerate(requests[:_MOST], 1):
        lines += _describe(number, request, plans)
        for caller in request.call_site.callers[:1]:
            place = str(caller)
            lines.append(f"     from {place if place == latest else caller.show('     ')}")
            latest = place
    if len(requests) > _MOST:
        lines.append(f"and {len(requests) - _MOST} more")
    return "\n".join(lines)


def _describe(number: int, request: SentRequest, plans: dict[str, int]) -> Iterator[str]:
    yield f"{number}. {request.title}: {_describe_outcome(request)}"
    plan = _find_plan(request)
    if plan and plan not in plans:  # a plan has the payload too
        plans[plan] = number
        yield indent(f"plan: {plan}", "     ")
        return
    if plan:
        yield f"     plan: same as {plans[plan]}."
    yield from (f"     {line}" for line in _describe_payload(request.payload))


def _describe_outcome(request: SentRequest) -> str:
    used = request.used
    parts = [] if request.attempts == 1 else [f"{request.attempts} attempts"]
    if request.error is not None:
        parts.append(f"{type(request.error).__name__}: {shorten(str(request.error), _WIDTH)}")
    elif used.items_read or used.items_returned:
        parts.append(f"{used.items_read} read, {used.items_returned} returned")
    if request.units is not None:
        parts.append(used._units())
    return ", ".join([*parts, f"{request.seconds * 1000:.3g} ms"])


def _find_plan(request: SentRequest) -> str:
    if request.explain is None:
        return ""
    with suppress(DynamoDBError):  # the connection of the query set may be closed, for example
        return request.explain(request.call)
    return ""


def _describe_payload(payload: Mapping[str, Any]) -> Iterator[str]:
    names: dict[str, str] = payload.get("ExpressionAttributeNames", {})
    values: dict[str, Any] = payload.get("ExpressionAttributeValues", {})
    known = names | {name: _show(wire) for name, wire in values.items()}
    for member, title in _EXPRESSIONS.items():
        if member in payload:
            text = _PLACEHOLDER.sub(lambda found: known.get(found[0], found[0]), payload[member])
            yield f"{title}: {shorten(text, _WIDTH)}"
    for member, title in _VALUES.items():
        if member in payload:
            yield f"{title}: {_show(payload[member])}"


def _show(value: Any) -> str:
    return shorten(repr(_simplify(value)), _WIDTH)


def _simplify(value: Any) -> Any:
    """Return *value* with ``{"S": "a"}`` as ``"a"``, and ``{"N": "1.0"}`` as a number with the same digits."""
    if isinstance(value, list):
        return [_simplify(each) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    members = cast("dict[str, Any]", value)
    if len(members) == 1:
        ((kind, inner),) = members.items()
        if kind == "S":
            return inner
        if kind == "N":
            return _Number(inner)
    return {name: _simplify(each) for name, each in members.items()}


class _Number(str):
    """A number, printed with the digits of DynamoDB's JSON and without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)
