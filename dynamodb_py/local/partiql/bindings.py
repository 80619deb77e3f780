"""Binding the values of a request to a parsed statement: its conditions, updates and columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from ..database.errors import ServiceError, make_invalid
from ..database.values import Item, Value, check_value
from ..expressions.conditions import Condition, bind_condition
from ..expressions.paths import Path, find_value
from ..expressions.placeholders import Placeholders
from ..expressions.syntax.conditions import ConditionSyntax
from ..expressions.syntax.grammar import PathName
from ..expressions.updates import Update, bind_update
from ..operations.requests import (
    FAILURE_VALUES,
    Members,
    read,
    read_choice,
    read_flag,
    require,
    require_lengths,
)
from .grammar import MAX_STATEMENT
from .parser import parse_statement
from .statements import Parsed, SetArgument, Statement
from .statements import Update as UpdateSyntax

Found = TypeVar("Found")


class Values(Placeholders):
    """The values of a statement by their names. Its paths have no placeholders."""

    def __init__(self, values: dict[str, Value]) -> None:
        super().__init__(None, None)
        self.values = values

    def resolve_path(self, path: PathName, kind: str) -> Path:
        """Return the parts of the path, which are names already."""
        return path.parts


class Bound(NamedTuple):
    """A statement with the values of its request."""

    statement: Statement
    values: Values
    parameters: list[Value]
    consistent: bool
    returns_failed: bool


def read_parsed(members: Members) -> Parsed:
    """Return the parsed member Statement; raise a ValidationException if it is not valid."""
    text: str = require(members, "Statement", str)
    require_lengths(text, 1, MAX_STATEMENT, "statement")
    return parse_statement(text)


def bind_statement(parsed: Parsed, members: Members) -> Bound:
    """Return a statement with the values of its request; raise a ValidationException if they do not fit."""
    given: list[Any] | None = read(members, "Parameters", list)
    if given is not None:
        require_lengths(given, 1, None, "parameters")
    returns = read_choice(members, "ReturnValuesOnConditionCheckFailure", FAILURE_VALUES, "NONE")
    parameters, values = bind_values(parsed, given or ())
    consistent = read_flag(members, "ConsistentRead")
    return Bound(parsed.statement, values, parameters, consistent, returns == "ALL_OLD")


class Columns:
    """The parts of items that a SELECT returns.

    >>> columns = Columns([("a", "b", 0), ("c",)])
    >>> columns.project({"a": {"M": {"b": {"L": [{"S": "x"}]}}}})
    {'b[0]': {'S': 'x'}}
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.names = frozenset(str(path[0]) for path in paths)
        """The top-level attributes of the paths."""
        self._paths = {_make_label(path): path for path in paths}

    def project(self, item: Item) -> Item:
        """Return a new item with the chosen parts of *item*, by their labels."""
        found = {label: find_value(item, path) for label, path in self._paths.items()}
        return {label: value for label, value in found.items() if value is not None}


def _make_label(path: Path) -> str:
    """Return the last name of a path, with the positions after it."""
    at = max(number for number, part in enumerate(path) if isinstance(part, str))
    return f"{path[at]}{''.join(f'[{position}]' for position in path[at + 1 :])}"


def bind_values(parsed: Parsed, parameters: Sequence[object]) -> tuple[list[Value], Values]:
    """Return the checked parameters, and the values of a statement; raise a ValidationException for bad ones."""
    if len(parameters) != parsed.parameters:
        raise make_invalid("Number of parameters in request and statement don't match.")
    checked = [check_value(parameter) for parameter in parameters]
    values = {f":{number}": each.build(checked) for number, each in enumerate(parsed.values)}
    return checked, Values(values)


def bind_where(where: ConditionSyntax | None, values: Values) -> Condition | None:
    """Return the condition of WHERE, or None; raise a ValidationException if it is not valid."""
    if where is None:
        return None
    return _without_prefix("WHERE", bind_condition, where, values, "WHERE")


def bind_changes(statement: UpdateSyntax, values: Values) -> Update:
    """Return the changes of an UPDATE; raise a ValidationException if they are not valid."""
    for argument in statement.set_arguments:
        _check_set(argument, values)
    return _without_prefix("UpdateExpression", bind_update, statement.actions, values)


def _check_set(argument: SetArgument, values: Values) -> None:
    (kind,) = values.values[argument.value]
    if kind not in ("SS", "NS", "BS"):
        raise make_invalid(argument.refusal)


def _without_prefix(kind: str, bind: Callable[..., Found], *arguments: object) -> Found:
    """Return the result of *bind*; its errors lose the prefix with *kind*, as the request has no expression."""
    try:
        return bind(*arguments)
    except ServiceError as error:
        raise make_invalid(error.message.removeprefix(f"Invalid {kind}: ")) from None
