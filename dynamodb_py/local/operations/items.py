"""The operations on one item: GetItem, PutItem, UpdateItem, DeleteItem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..database.engine import Answer, Engine, Request
from ..database.errors import make_invalid
from ..database.values import Item, check_item
from ..expressions.conditions import Condition, parse_condition
from ..expressions.legacy import make_expected, make_projection, make_update
from ..expressions.placeholders import Placeholders
from ..expressions.projections import Projection, parse_projection
from ..expressions.updates import Update, parse_update
from .capacity import Consumed, count_read_units, describe_collection, read_detail, read_metrics
from .requests import (
    FAILURE_VALUES,
    RETURN_VALUES,
    Members,
    read,
    read_choice,
    read_flag,
    read_table_name,
    refuse_mixture,
    require,
)
from .writes import Kind, Outcome, Write, find_table, find_target, make_put, write_item

_EXPRESSIONS = ("ConditionExpression", "UpdateExpression", "ProjectionExpression")
_LEGACY = ("Expected", "ConditionalOperator", "AttributeUpdates", "AttributesToGet")
_PLAIN = frozenset(
    (*_EXPRESSIONS, *_LEGACY, "ExpressionAttributeNames", "ExpressionAttributeValues")
)
"""The members that a plain read or write lacks. It is quicker to look for them all at once."""
_NEEDED = {"ConditionCheck": "ConditionExpression", "Update": "UpdateExpression"}
"""The members that parts of transactions must have, by kind."""


def get_item(engine: Engine, request: Request) -> Answer:
    """Return an item by its key."""
    name = read_table_name(request)
    key_item = read_key(request)
    consistent = read_flag(request, "ConsistentRead")
    consumed = Consumed(read_detail(request))
    projection = read_projection(request)
    with engine.store.read() as snapshot:
        table = find_table(snapshot, name)
        key = table.check_key(key_item)
        if projection is not None:
            table.check_scalars(projection.nested)
        row = snapshot.find(table, key)
    if projection is None and not consumed.is_wanted:
        return b"{}" if row is None else b'{"Item":%b}' % row.body
    answer: dict[str, Any] = {}
    if row is not None:
        answer["Item"] = row.item if projection is None else projection.project(row.item)
    if consumed.is_wanted:
        size = 0 if row is None else row.size
        consumed.add_read(table, count_read_units(size, consistent=consistent))
    return consumed.into(answer)


def put_item(engine: Engine, request: Request) -> Answer:
    """Store an item; replace the item with its key."""
    return _write_one(engine, request, "Put", ("NONE", "ALL_OLD"))


def update_item(engine: Engine, request: Request) -> Answer:
    """Change attributes of an item; create the item if it is missing."""
    return _write_one(engine, request, "Update", RETURN_VALUES)


def delete_item(engine: Engine, request: Request) -> Answer:
    """Delete an item."""
    return _write_one(engine, request, "Delete", ("NONE", "ALL_OLD"))


def read_write(members: Members, kind: Kind, path: str = "") -> Write:
    """Return the write of a request, or of a part of a transaction, which has a *path*."""
    table = read_table_name(members, path)
    item = read_key(members, path, "Item" if kind == "Put" else "Key")
    if path and kind in _NEEDED:
        require(members, _NEEDED[kind], str, path)
    returns_failed = _read_returns_failed(members, path)
    condition: Condition | None = None
    changes: Update | None = None
    if not _PLAIN.isdisjoint(members):
        refuse_mixture(members, _EXPRESSIONS, _LEGACY)
        placeholders = read_placeholders(members)
        changes = _read_changes(members, placeholders) if kind == "Update" else None
        condition = _read_condition(members, placeholders)
        placeholders.check_used()
    if kind == "Put":
        return make_put(table, item, condition, returns_failed=returns_failed)
    # An UpdateExpression always creates a missing item; AttributeUpdates that only remove do not.
    is_legacy = members.get("UpdateExpression") is None
    creates = not is_legacy or changes is None or changes.creates
    return Write(table, kind, item, condition, changes, returns_failed, creates=creates)


def read_key(members: Members, path: str = "", name: str = "Key") -> Item:
    """Return the member Key, or the member *name*, with checked values."""
    return check_item(require(members, name, dict, path))


def read_placeholders(members: Members) -> Placeholders:
    """Return the placeholders of a request, or of a part of it."""
    return Placeholders(
        members.get("ExpressionAttributeNames"), members.get("ExpressionAttributeValues")
    )


def read_projection(members: Members) -> Projection | None:
    """Return the projection of a read by key, or None for whole items."""
    if _PLAIN.isdisjoint(members):
        return None
    refuse_mixture(members, _EXPRESSIONS, _LEGACY)
    if (names := read(members, "AttributesToGet", list)) is not None:
        return make_projection(names)
    text = read(members, "ProjectionExpression", str)
    if text is None and members.get("ExpressionAttributeNames") is None:
        return None
    placeholders = Placeholders(members.get("ExpressionAttributeNames"), None)
    projection = None if text is None else parse_projection(text, placeholders)
    placeholders.check_used()
    return projection


def _read_changes(members: Members, placeholders: Placeholders) -> Update | None:
    if (text := read(members, "UpdateExpression", str)) is not None:
        return parse_update(text, placeholders)
    updates = read(members, "AttributeUpdates", dict)
    return None if updates is None else make_update(updates)


def _read_condition(members: Members, placeholders: Placeholders) -> Condition | None:
    text = read(members, "ConditionExpression", str)
    if text is not None:
        return parse_condition(text, placeholders)
    expected, operator = members.get("Expected"), members.get("ConditionalOperator")
    if expected is None:
        if operator is not None:
            raise make_invalid("ConditionalOperator cannot be used without Filter or Expected")
        return None
    return make_expected(expected, operator) if expected or operator else None


def _read_returns_failed(members: Members, path: str) -> bool:
    found = read_choice(
        members, "ReturnValuesOnConditionCheckFailure", FAILURE_VALUES, "NONE", path
    )
    return found == "ALL_OLD"


def _write_one(engine: Engine, request: Request, kind: Kind, returnable: Sequence[str]) -> Answer:
    """Carry out the write of a request; return the answer.

    :param returnable: the values of ReturnValues that the operation allows.
    """
    returning = read_choice(request, "ReturnValues", RETURN_VALUES, "NONE")
    write = read_write(request, kind)
    if returning not in returnable:
        raise make_invalid("ReturnValues can only be ALL_OLD or NONE")
    consumed = Consumed(read_detail(request))
    wants_metrics = read_metrics(request)
    needs_old = returning != "NONE" or consumed.is_wanted
    metrics = None
    with engine.store.write() as transaction:
        table = find_table(transaction, write.table)
        key = find_target(table, write)
        outcome = write_item(
            transaction, table, write, engine.clock(), key=key, needs_old=needs_old
        )
        if wants_metrics:
            metrics = describe_collection(transaction, table, write.item)
    answer: dict[str, Any] = {}
    attributes = choose_attributes(outcome, returning, write.changes)
    if attributes:
        answer["Attributes"] = attributes
    if metrics:
        answer["ItemCollectionMetrics"] = metrics
    consumed.add_write(table, outcome)
    return consumed.into(answer) if answer or consumed.is_wanted else b"{}"


def choose_attributes(outcome: Outcome, returning: str, changes: Update | None) -> Item | None:
    """Return the attributes of the outcome of a write that *returning*, the member ReturnValues, selects."""
    if returning == "NONE":
        return None
    item = outcome.old if returning.endswith("OLD") else outcome.new
    if item is None or returning.startswith("ALL"):
        return item
    return None if changes is None else changes.project_touched(item)
