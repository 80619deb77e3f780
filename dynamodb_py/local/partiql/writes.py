"""INSERT, UPDATE, DELETE and EXISTS, converted to the writes of the other operations."""

from __future__ import annotations

from ..database.errors import ServiceError, make_invalid
from ..database.tables import Table
from ..database.values import Item, check_item
from ..expressions import terms
from ..operations.writes import Write, make_put
from .bindings import Bound, bind_changes, bind_where
from .keys import split_key
from .statements import Delete, Exists, Insert, Update


class IsNew:
    """The condition of an INSERT: there is no item with its key."""

    def holds(self, item: Item) -> bool:
        """Return True if *item* is empty; else raise a DuplicateItemException."""
        if item:
            raise ServiceError("DuplicateItemException", "Duplicate primary key exists in table")
        return True


def make_write(table: Table, bound: Bound) -> Write:
    """Return the write of a statement to *table*; raise a ValidationException if it does not fit."""
    statement = bound.statement
    if isinstance(statement, Insert):
        return _make_insert(table, statement, bound)
    if isinstance(statement, Exists):
        return _make_check(table, statement, bound)
    assert isinstance(statement, (Update, Delete))  # the callers handle SELECT
    key, rest = split_key(table, bind_where(statement.where, bound.values))
    is_there = terms.Exists(terms.Attribute(table.names[0]))
    condition: terms.Test | None
    if isinstance(statement, Delete):
        condition = None if rest is None else terms.Either((terms.Not(is_there), rest))
        return Write(table.name, "Delete", key, condition, None, bound.returns_failed)
    condition = is_there if rest is None else terms.All((is_there, rest))
    changes = bind_changes(statement, bound.values)
    return Write(table.name, "Update", key, condition, changes, bound.returns_failed)


def _make_insert(table: Table, statement: Insert, bound: Bound) -> Write:
    item = check_item(statement.item.build(bound.parameters)["M"])
    return make_put(table.name, item, IsNew(), returns_failed=bound.returns_failed)


def _make_check(table: Table, statement: Exists, bound: Bound) -> Write:
    select = statement.select
    if select.source.index_name is not None:
        raise make_invalid("Reads on indices are not supported within transactions")
    key, rest = split_key(table, bind_where(select.where, bound.values))
    if rest is None:
        raise make_invalid("EXISTS() must contain a single item read with additional condition")
    return Write(table.name, "ConditionCheck", key, rest, None, bound.returns_failed)
