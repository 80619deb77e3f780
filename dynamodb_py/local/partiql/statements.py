"""Parsed statements, without the values of their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from ..database.errors import make_invalid
from ..database.values import Value, check_value
from ..expressions.paths import Path
from ..expressions.syntax.conditions import ConditionSyntax
from ..expressions.syntax.updates import ActionSyntax


class Constant(NamedTuple):
    """A value in the text of the statement."""

    value: Value

    def build(self, parameters: Sequence[Value]) -> Value:
        return self.value


class Parameter(NamedTuple):
    """A question mark: the place of a parameter's value."""

    position: int

    def build(self, parameters: Sequence[Value]) -> Value:
        return parameters[self.position]


class ListSyntax(NamedTuple):
    """A list: values in brackets."""

    parts: tuple[ValueSyntax, ...]

    def build(self, parameters: Sequence[Value]) -> Value:
        return {"L": [part.build(parameters) for part in self.parts]}


class MapSyntax(NamedTuple):
    """A map: names and values in braces."""

    parts: tuple[tuple[str, ValueSyntax], ...]

    def build(self, parameters: Sequence[Value]) -> Value:
        return {"M": {name: part.build(parameters) for name, part in self.parts}}


class SetSyntax(NamedTuple):
    """A set: values in double angle brackets."""

    parts: tuple[ValueSyntax, ...]

    def build(self, parameters: Sequence[Value]) -> Value:
        found = [part.build(parameters) for part in self.parts]
        kinds = {kind for value in found for kind in value}
        if not found:
            raise make_invalid("Empty bags are not supported")
        if len(kinds) > 1 or not kinds <= {"S", "N", "B"}:
            raise make_invalid(
                "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags"
            )
        (kind,) = kinds
        return check_value({f"{kind}S": [value[kind] for value in found]})


ValueSyntax: TypeAlias = "Constant | Parameter | ListSyntax | MapSyntax | SetSyntax"
"""A value of a statement. Its method ``build`` returns a checked value in normal form."""


class Source(NamedTuple):
    """A table, or an index of it."""

    table: str
    index_name: str | None = None


class OrderSyntax(NamedTuple):
    """An attribute of ORDER BY."""

    name: str
    backward: bool


class Select(NamedTuple):
    """SELECT: reads parts of items."""

    source: Source
    paths: tuple[Path, ...] | None
    """None for whole items."""
    where: ConditionSyntax | None
    order: tuple[OrderSyntax, ...] = ()


class Insert(NamedTuple):
    """INSERT: stores an item if there is no item with its key."""

    source: Source
    item: MapSyntax


class SetArgument(NamedTuple):
    """A value that must be a set."""

    value: str
    """The name of the value."""
    refusal: str
    """The message of the error if it is not a set."""


class Update(NamedTuple):
    """UPDATE: changes the item with a key."""

    source: Source
    actions: tuple[ActionSyntax, ...]
    where: ConditionSyntax | None
    returning: str = "NONE"
    """The value of ReturnValues that RETURNING means: UPDATED_OLD for MODIFIED OLD."""
    set_arguments: tuple[SetArgument, ...] = ()


class Delete(NamedTuple):
    """DELETE: deletes the item with a key."""

    source: Source
    where: ConditionSyntax | None
    returning: str = "NONE"


class Exists(NamedTuple):
    """EXISTS: checks a condition on the item with a key, in a transaction."""

    select: Select

    @property
    def source(self) -> Source:
        """The table or the index that is read."""
        return self.select.source


Statement: TypeAlias = "Select | Insert | Update | Delete | Exists"


class Parsed(NamedTuple):
    """A statement and its values.

    Conditions and updates refer to the values by their positions: ``:0``, ``:1``, ...
    """

    statement: Statement
    values: tuple[ValueSyntax, ...]
    parameters: int
    """The number of question marks."""
