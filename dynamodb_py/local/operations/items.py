"""One item at a time: GetItem, PutItem, UpdateItem, DeleteItem."""

from __future__ import annotations

from typing import Any

from ..database.engine import Answer, Engine, Request
from ..database.errors import make_invalid
from ..database.values import Item, check_item
from ..expressions.conditions import Condition, parse_condition
from ..expressions.legacy import make_expected, make_projection, make_update
from ..expressions.placeholders import Placeholders
from ..expressions.projections import Projection, parse_projection
from ..expressions.updates import parse_update
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
from .writes import Changes, Outcome, Write, find_table, find_target, make_put, write_item

_EXPRESSIONS = ("ConditionExpression", "UpdateExpression", "ProjectionExpression")
_LEGACY = ("Expected", "ConditionalOperator", "AttributeUpdates", "AttributesToGet")
_PLAIN = frozenset(
    (*_EXPRESSIONS, *_LEGACY, "ExpressionAttributeNames", "ExpressionAttributeValues")
)
"""The members that a plain read or write has none of, which is quick to see."""


def get_item(engine: Engine, request: Request) -> Answer:
    """Return an item by its key.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
    """
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
    """Store an item in the place of another.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
    """
    returning = _read_returning(request)
    write = read_put(request)
    if returning not in ("NONE", "ALL_OLD"):
        raise make_invalid("ReturnValues can only be ALL_OLD or NONE")
    return _write_one(engine, request, write, returning)


def update_item(engine: Engine, request: Request) -> Answer:
    """Change attributes of an item, or make one.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
    """
    returning = _read_returning(request)
    return _write_one(engine, request, read_update(request), returning)


def delete_item(engine: Engine, request: Request) -> Answer:
    """Delete an item.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html
    """
    returning = _read_returning(request)
    write = read_delete(request)
    if returning not in ("NONE", "ALL_OLD"):
        raise make_invalid("ReturnValues can only be ALL_OLD or NONE")
    return _write_one(engine, request, write, returning)


def read_put(members: Members, path: str = "") -> Write:
    """Return the write of PutItem, or of the Put of a transaction at *path*."""
    table = read_table_name(members, path=path)
    item = check_item(require(members, "Item", dict, path))
    returns_failed = _read_returns_failed(members, path)
    condition = _read_condition_alone(members)
    return make_put(table, item, condition, returns_failed=returns_failed)


def read_delete(members: Members, path: str = "") -> Write:
    """Return the write of DeleteItem, or of the Delete of a transaction at *path*."""
    table = read_table_name(members, path=path)
    key = read_key(members, path)
    returns_failed = _read_returns_failed(members, path)
    condition = _read_condition_alone(members)
    return Write(table, "Delete", key, condition, None, returns_failed)


def read_check(members: Members, path: str = "") -> Write:
    """Return the ConditionCheck of a transaction at *path*."""
    table = read_table_name(members, path=path)
    key = read_key(members, path)
    require(members, "ConditionExpression", str, path)
    returns_failed = _read_returns_failed(members, path)
    condition = _read_condition_alone(members)
    return Write(table, "ConditionCheck", key, condition, None, returns_failed)


def read_update(members: Members, path: str = "") -> Write:
    """Return the write of UpdateItem, or of the Update of a transaction at *path*."""
    table = read_table_name(members, path=path)
    key = read_key(members, path)
    if path:
        require(members, "UpdateExpression", str, path)
    returns_failed = _read_returns_failed(members, path)
    refuse_mixture(members, _EXPRESSIONS, _LEGACY)
    placeholders = read_placeholders(members)
    changes: Changes | None = None
    creates = True
    if (text := read(members, "UpdateExpression", str)) is not None:
        changes = parse_update(text, placeholders)
    elif (updates := read(members, "AttributeUpdates", dict)) is not None:
        changes = make_update(updates)
        creates = not updates or any(
            each.get("Action", "PUT") != "DELETE" for each in updates.values()
        )
    condition = _read_condition(members, placeholders)
    placeholders.check_used()
    return Write(table, "Update", key, condition, changes, returns_failed, creates=creates)


def read_key(members: Members, path: str = "") -> Item:
    """Return the member Key with its values checked."""
    return check_item(require(members, "Key", dict, path))


def read_placeholders(members: Members) -> Placeholders:
    """Return the placeholders of a request or of a part of one."""
    return Placeholders(
        members.get("ExpressionAttributeNames"), members.get("ExpressionAttributeValues")
    )


def read_projection(members: Members) -> Projection | None:
    """Return the projection of a read of items by key, or None for whole items."""
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


def _read_condition_alone(members: Members) -> Condition | None:
    """Return the condition of a write that has no other expression."""
    if _PLAIN.isdisjoint(members):
        return None
    refuse_mixture(members, _EXPRESSIONS, _LEGACY)
    placeholders = read_placeholders(members)
    condition = _read_condition(members, placeholders)
    placeholders.check_used()
    return condition


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


def _read_returning(members: Members) -> str:
    return read_choice(members, "ReturnValues", RETURN_VALUES, "NONE")


def _read_returns_failed(members: Members, path: str) -> bool:
    found = read_choice(
        members, "ReturnValuesOnConditionCheckFailure", FAILURE_VALUES, "NONE", path
    )
    return found == "ALL_OLD"


def _write_one(engine: Engine, request: Request, write: Write, returning: str) -> Answer:
    """Carry out *write* alone, and return its answer."""
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


def choose_attributes(outcome: Outcome, returning: str, changes: Changes | None) -> Item | None:
    """Return what *returning*, the member ReturnValues, selects of the outcome of a write."""
    if returning == "NONE":
        return None
    item = outcome.old if returning.endswith("OLD") else outcome.new
    if item is None or returning.startswith("ALL"):
        return item
    return None if changes is None else changes.project_touched(item)
