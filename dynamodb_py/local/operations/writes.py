"""Writing one item: the common part of PutItem, BatchWriteItem, TransactWriteItems, PartiQL and others.

A :class:`Write` is a write as the request describes it. :func:`find_target` checks it against its table, and
:func:`write_item` carries it out in a transaction.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

from ..database.errors import INVALID, ServiceError, make_invalid, make_not_found
from ..database.snapshots import Row, Snapshot, Transaction
from ..database.stream_records import is_streamed, note_change
from ..database.tables import Key, Table
from ..database.values import Item, check_size
from ..expressions.terms import Test
from ..expressions.updates import Update

Kind: TypeAlias = Literal["Put", "Update", "Delete", "ConditionCheck"]


class Write(NamedTuple):
    """A write as a request describes it, with checked values."""

    table: str
    kind: Kind
    item: Item
    """The whole item of a Put; the key of others."""
    condition: Test | None = None
    changes: Update | None = None
    """The changes of an Update, which may have none."""
    returns_failed: bool = False
    """Whether the error for a failed condition contains the item."""
    size: int = 0
    """The size of a Put's item in bytes."""
    creates: bool = True
    """Whether an Update creates a missing item."""


class Outcome(NamedTuple):
    """An item and its size in bytes, before and after a write."""

    old: Item | None
    new: Item | None
    old_size: int = 0
    new_size: int = 0


def find_table(snapshot: Snapshot, name: str, error: ServiceError | None = None) -> Table:
    """Return the table called *name*; if it is missing, raise *error*, by default a ResourceNotFoundException."""
    table = snapshot.find_table(name)
    if table is None:
        raise error or make_not_found("Requested resource not found")
    return table


def make_put(
    table: str, item: Item, condition: Test | None = None, *, returns_failed: bool = False
) -> Write:
    """Return the Put of an item with checked values; raise a ValidationException if the item is too large."""
    return Write(table, "Put", item, condition, None, returns_failed, check_size(item))


def find_target(table: Table, write: Write) -> Key:
    """Return the key of the item to write; raise a ValidationException if *write* does not fit *table*."""
    if write.kind == "Put":
        return table.check_new(write.item)
    key = table.check_key(write.item)
    if write.changes is not None:
        names = write.changes.names
        for name in table.names:
            if name in names:
                raise make_invalid(
                    f"{INVALID}Cannot update attribute {name}. This attribute is part of the key"
                )
    return key


def write_item(
    transaction: Transaction,
    table: Table,
    write: Write,
    at: float,
    *,
    key: Key | None = None,
    needs_old: bool = True,
) -> Outcome:
    """Carry out *write*; return the item before and after.

    :param at: the time, for the stream.
    :param key: the key, if :func:`find_target` was called before.
    :param needs_old: whether the outcome must contain the old item.
    :raises ServiceError: a ConditionalCheckFailedException, whose fields may have the Item, or a
        ValidationException.
    """
    if key is None:
        key = find_target(table, write)
    if write.kind == "Put" and write.condition is None and not needs_old and _is_plain(table):
        transaction.put(table, key, write.item, write.size, None)
        return Outcome(None, write.item, 0, write.size)
    row = transaction.find(table, key)
    check_condition(write, row)
    outcome = _carry_out(transaction, table, write, key, row)
    if outcome.old is not outcome.new:
        names = {name: write.item[name] for name in table.names}
        note_change(transaction, table, names, outcome.old, outcome.new, at)
    return outcome


def check_condition(write: Write, row: Row | None) -> None:
    """Raise a ConditionalCheckFailedException if the condition of *write* does not hold."""
    if write.condition is None or write.condition.holds({} if row is None else row.item):
        return
    fields: dict[str, Any] = {"Item": row.item} if row is not None and write.returns_failed else {}
    raise ServiceError(
        "ConditionalCheckFailedException", "The conditional request failed", **fields
    )


def _is_plain(table: Table) -> bool:
    """Tell whether a put changes only the items of the table: there is no index, TTL or stream."""
    return not table.indexes and table.expires_by is None and not is_streamed(table)


def _carry_out(
    transaction: Transaction, table: Table, write: Write, key: Key, row: Row | None
) -> Outcome:
    old, old_size = (None, 0) if row is None else (row.item, row.size)
    if write.kind == "Put":
        transaction.put(table, key, write.item, write.size, row)
        return Outcome(old, write.item, old_size, write.size)
    if write.kind == "Delete":
        if row is not None:
            transaction.delete(table, row)
        return Outcome(old, None, old_size, 0)
    if write.kind == "Update" and (old is not None or write.creates):
        new = update_item(table, write, old)
        size = check_update_size(new)
        transaction.put(table, key, new, size, row)
        return Outcome(old, new, old_size, size)
    return Outcome(old, old, old_size, old_size)


def update_item(table: Table, write: Write, old: Item | None) -> Item:
    """Return the new item of an Update."""
    base = write.item if old is None else old
    if write.changes is None:
        return base
    new = write.changes.apply(base)
    table.check_index_keys(new)
    return new


def check_update_size(item: Item) -> int:
    """Return the size of an updated item; raise a ValidationException if it is too large."""
    try:
        return check_size(item)
    except ServiceError:
        raise make_invalid("Item size to update has exceeded the maximum allowed size") from None
