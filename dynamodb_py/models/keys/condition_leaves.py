"""Comparisons of one attribute in conditions, and the keys of a table and its indexes."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from ...expressions import (
    BeginsWith,
    Between,
    Compare,
    Condition,
    Exists,
    In,
    NotExists,
    Path,
    Value,
)
from ...operations.base import Wire
from ...schema import TableSchema


class Comparison(Struct, frozen=True, eq=False):
    """A condition that compares one part with values."""

    term: Condition
    name: str
    operator: str
    wires: tuple[Wire, ...]


class KeySchema(Struct, frozen=True):
    """The attributes of the key of the table or an index."""

    index: str | None
    hash_key: tuple[str, ...]
    range_key: tuple[str, ...]
    whole: bool = True
    """Whether it has whole items."""
    scope: str = ""


def parse_comparison(term: Condition) -> tuple[str, str, tuple[Wire, ...]] | None:
    """Return the attribute, the operator and the values of a comparison; None for other conditions."""
    left: Any
    values: tuple[Any, ...]
    if isinstance(term, Compare):
        left, operator, values = term.left, term.operator, (term.right,)
    elif isinstance(term, In):
        left, operator, values = term.left, "in", term.values
    elif isinstance(term, Between):
        left, operator, values = term.left, "between", (term.low, term.high)
    elif isinstance(term, BeginsWith):
        left, operator, values = term.path, "begins_with", (term.prefix,)
    elif isinstance(term, (Exists, NotExists)):
        left, values = term.path, ()
        operator = "exists" if isinstance(term, Exists) else "not_exists"
    else:
        return None
    if type(left) is not Path or len(left.parts) != 1:
        return None
    wires = tuple(value.wire for value in values if type(value) is Value)
    if len(wires) < len(values):
        return None
    return str(left.parts[0]), operator, wires


def list_keys(schema: TableSchema) -> list[KeySchema]:
    """Return the keys of the table and its indexes."""
    range_key = () if schema.range_key is None else (schema.range_key.name,)
    found = [KeySchema(None, (schema.hash_key.name,), range_key)]
    for index in schema.indexes:
        found.append(
            KeySchema(
                index.name,
                tuple(key.name for key in index.hash_key),
                tuple(key.name for key in index.range_key),
                index.projection.kind == "ALL",
                index.scope,
            )
        )
    return found
