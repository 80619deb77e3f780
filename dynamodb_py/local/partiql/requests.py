"""Statements of requests: parsed, and bound to the values of their parameters."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..database.values import Value
from ..operations.requests import (
    FAILURE_VALUES,
    Members,
    read,
    read_choice,
    read_flag,
    require,
    require_lengths,
)
from .bindings import Values, bind_values
from .grammar import MAX_STATEMENT
from .parser import parse_statement
from .statements import Parsed, Statement


class Bound(NamedTuple):
    """A statement with the values of its request."""

    statement: Statement
    values: Values
    parameters: list[Value]
    consistent: bool
    returns_failed: bool


def read_parsed(members: Members, path: str = "") -> Parsed:
    """Return what the member Statement says; raise a ValidationException."""
    text: str = require(members, "Statement", str, path)
    require_lengths(text, 1, MAX_STATEMENT, f"{path}statement")
    return parse_statement(text)


def bind_statement(parsed: Parsed, members: Members, path: str = "") -> Bound:
    """Return a statement with the other members of its request; raise a ValidationException."""
    given: list[Any] | None = read(members, "Parameters", list)
    if given is not None:
        require_lengths(given, 1, None, f"{path}parameters")
    returns = read_choice(
        members, "ReturnValuesOnConditionCheckFailure", FAILURE_VALUES, "NONE", path
    )
    parameters, values = bind_values(parsed, given or ())
    consistent = read_flag(members, "ConsistentRead")
    return Bound(parsed.statement, values, parameters, consistent, returns == "ALL_OLD")
