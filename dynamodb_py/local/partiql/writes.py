"""INSERT, UPDATE, DELETE and EXISTS: the writes of the other operations."""

from __future__ import annotations

from ..database.errors import ServiceError, make_invalid
from ..database.tables import Table
from ..database.values import Item, check_item
from ..expressions.conditions import Condition
from ..operations.writes import Predicate, Write, make_put
from .bindings import bind_changes, bind_where
from .keys import split_key
from .requests import Bound
from .statements import Delete, Exists, Insert, Update


class IsNew:
    """The condition of an INSERT: there is no item with its key."""

    def holds(self, item: Item, /) -> bool:
        """Return whether there is none; raise a DuplicateItemException for one."""
        if item:
            raise ServiceError("DuplicateItemException", "Duplicate primary key exists in table")
        return True


class IsThere:
    """The condition of an UPDATE: there is an item, and it satisfies the rest of WHERE."""

    def __init__(self, rest: Condition | None) -> None:
        self._rest = rest

    def holds(self, item: Item, /) -> bool:
        """Return whether that is so."""
        return bool(item) and (self._rest is None or self._rest.holds(item))


class FitsIfThere:
    """The condition of a DELETE: the item satisfies the rest of WHERE, or there is none."""

    def __init__(self, rest: Condition) -> None:
        self._rest = rest

    def holds(self, item: Item, /) -> bool:
        """Return whether that is so."""
        return not item or self._rest.holds(item)


def make_write(table: Table, bound: Bound) -> Write:
    """Return the write to *table* that a statement says; raise a ValidationException."""
    statement, values = bound.statement, bound.values
    if isinstance(statement, Insert):
        return _make_insert(table, statement, bound)
    if isinstance(statement, Update):
        key, rest = split_key(table, bind_where(statement.where, values))
        changes = bind_changes(statement, values)
        return Write(table.name, "Update", key, IsThere(rest), changes, bound.returns_failed)
    if isinstance(statement, Delete):
        key, rest = split_key(table, bind_where(statement.where, values))
        condition: Predicate | None = None if rest is None else FitsIfThere(rest)
        return Write(table.name, "Delete", key, condition, None, bound.returns_failed)
    assert isinstance(statement, Exists)  # whoever calls this has no SELECT
    return _make_check(table, statement, bound)


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
