"""Statements with the values of their parameters: conditions, updates and columns of a request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ..database.errors import ServiceError, make_invalid
from ..database.values import Item, Value, check_value
from ..expressions.conditions import Condition, bind_condition
from ..expressions.paths import Path, find_value
from ..expressions.placeholders import Placeholders
from ..expressions.syntax.conditions import ConditionSyntax
from ..expressions.syntax.grammar import PathName
from ..expressions.updates import Update, bind_update
from .statements import Parsed, SetArgument
from .statements import Update as UpdateSyntax

Found = TypeVar("Found")


class Values(Placeholders):
    """The values of a statement by their names; its paths have no placeholders."""

    def __init__(self, values: dict[str, Value]) -> None:
        super().__init__(None, None)
        self.values = values

    def resolve_path(self, path: PathName, kind: str) -> Path:
        """Return the path as it is."""
        return path.parts


class Columns:
    """The parts of items that a SELECT names.

    >>> columns = Columns([("a", "b", 0), ("c",)])
    >>> columns.project({"a": {"M": {"b": {"L": [{"S": "x"}]}}}})
    {'b[0]': {'S': 'x'}}
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.names = frozenset(str(path[0]) for path in paths)
        """The top-level attributes of the paths."""
        self._paths = {_make_label(path): path for path in paths}

    def project(self, item: Item) -> Item:
        """Return a new item with those parts that *item* has."""
        found = {label: find_value(item, path) for label, path in self._paths.items()}
        return {label: value for label, value in found.items() if value is not None}


def _make_label(path: Path) -> str:
    """Return the last name of a path, and the positions behind it."""
    at = max(number for number, part in enumerate(path) if isinstance(part, str))
    return f"{path[at]}{''.join(f'[{position}]' for position in path[at + 1 :])}"


def bind_values(parsed: Parsed, parameters: Sequence[object]) -> tuple[list[Value], Values]:
    """Return the parameters and the values of a statement; raise a ValidationException."""
    if len(parameters) != parsed.parameters:
        raise make_invalid("Number of parameters in request and statement don't match.")
    checked = [check_value(parameter) for parameter in parameters]
    values = {f":{number}": each.build(checked) for number, each in enumerate(parsed.values)}
    return checked, Values(values)


def bind_where(where: ConditionSyntax | None, values: Values) -> Condition | None:
    """Return the condition of WHERE; raise a ValidationException."""
    if where is None:
        return None
    return _without_prefix("WHERE", bind_condition, where, values, "WHERE")


def bind_changes(statement: UpdateSyntax, values: Values) -> Update:
    """Return the changes of an UPDATE; raise a ValidationException."""
    for argument in statement.set_arguments:
        _check_set(argument, values)
    return _without_prefix("UpdateExpression", bind_update, statement.actions, values)


def _check_set(argument: SetArgument, values: Values) -> None:
    (kind,) = values.values[argument.value]
    if kind not in ("SS", "NS", "BS"):
        raise make_invalid(argument.refusal)


def _without_prefix(kind: str, bind: Callable[..., Found], *arguments: object) -> Found:
    """Call *bind*; its errors do not name an expression, because the request has none."""
    try:
        return bind(*arguments)
    except ServiceError as error:
        raise make_invalid(error.message.removeprefix(f"Invalid {kind}: ")) from None
