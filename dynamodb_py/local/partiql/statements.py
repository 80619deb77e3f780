"""What statements say: the result of parsing, which holds no values of parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from ..database.errors import make_invalid
from ..database.values import Value, check_value
from ..expressions.paths import Path
from ..expressions.syntax.conditions import ConditionSyntax
from ..expressions.syntax.updates import ActionSyntax


class Constant(NamedTuple):
    """A value that is written in the statement."""

    value: Value

    def build(self, parameters: Sequence[Value]) -> Value:
        return self.value


class Parameter(NamedTuple):
    """A question mark: the value is that of a parameter."""

    position: int

    def build(self, parameters: Sequence[Value]) -> Value:
        return parameters[self.position]


class ListSyntax(NamedTuple):
    """A list of values, between brackets."""

    parts: tuple[ValueSyntax, ...]

    def build(self, parameters: Sequence[Value]) -> Value:
        return {"L": [part.build(parameters) for part in self.parts]}


class MapSyntax(NamedTuple):
    """A map of names to values, between braces."""

    parts: tuple[tuple[str, ValueSyntax], ...]

    def build(self, parameters: Sequence[Value]) -> Value:
        return {"M": {name: part.build(parameters) for name, part in self.parts}}


class SetSyntax(NamedTuple):
    """A set of values, between double angle brackets."""

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
"""What builds a value that is checked and in the one spelling."""


class Source(NamedTuple):
    """A table, or an index of it."""

    table: str
    index_name: str | None = None


class OrderSyntax(NamedTuple):
    """An attribute of ORDER BY."""

    name: str
    backward: bool


class Select(NamedTuple):
    """SELECT: which parts of which items are read."""

    source: Source
    paths: tuple[Path, ...] | None
    """None for whole items."""
    where: ConditionSyntax | None
    order: tuple[OrderSyntax, ...] = ()


class Insert(NamedTuple):
    """INSERT: an item that is stored if there is none with its key."""

    source: Source
    item: MapSyntax


class SetArgument(NamedTuple):
    """The name of a value that must be a set, and what the error says otherwise."""

    value: str
    refusal: str


class Update(NamedTuple):
    """UPDATE: changes of the item with a key."""

    source: Source
    actions: tuple[ActionSyntax, ...]
    where: ConditionSyntax | None
    returning: str = "NONE"
    """A value of ReturnValues: UPDATED_OLD for MODIFIED OLD."""
    set_arguments: tuple[SetArgument, ...] = ()


class Delete(NamedTuple):
    """DELETE: the item with a key is deleted."""

    source: Source
    where: ConditionSyntax | None
    returning: str = "NONE"


class Exists(NamedTuple):
    """EXISTS: a condition on the item with a key, in a transaction."""

    select: Select

    @property
    def source(self) -> Source:
        """The table or the index that is read."""
        return self.select.source


Statement: TypeAlias = "Select | Insert | Update | Delete | Exists"


class Parsed(NamedTuple):
    """A statement and the values in it.

    Conditions and updates name the values by their positions: ``:0``, ``:1``, ...
    """

    statement: Statement
    values: tuple[ValueSyntax, ...]
    parameters: int
    """How many question marks there are."""
