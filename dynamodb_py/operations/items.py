"""One item at a time: GetItem, PutItem, UpdateItem, DeleteItem.

Items are bytes: the JSON of their attributes, as in the request or response.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from ..expressions import (
    Action,
    Condition,
    Exists,
    Names,
    NotExists,
    Path,
    Remove,
    Set,
    Value,
    is_repeatable,
    render_update,
)
from .base import Operation, Payload, as_item
from .read_expressions import Expressions

StoredItem: TypeAlias = bytes
"""An item as the JSON of its attributes."""

Key: TypeAlias = Mapping[str, Any]
"""A primary key on the wire, ``{"name": {"S": "gs1"}, "score": {"N": "100"}}``."""


class _Output(Struct):
    Item: Raw | UnsetType = UNSET
    Attributes: Raw | UnsetType = UNSET


_read = msgspec.json.Decoder(_Output).decode


class GetItem(Operation["StoredItem | None"], frozen=True):
    """Read one item by its key.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
    """

    api: ClassVar[str] = "GetItem"

    table: str
    key: Key
    consistent: bool = False
    expressions: Expressions | None = None
    """The projection; by default the whole item."""

    def payload(self) -> Payload:
        payload: Payload = {"TableName": self.table, "Key": self.key}
        if self.consistent:
            payload["ConsistentRead"] = True
        return payload if self.expressions is None else self.expressions.into(payload)

    def parse(self, outcome: bytes, /) -> StoredItem | None:
        item = _read(outcome).Item
        return None if item is UNSET else as_item(item)


class _Write(Operation["StoredItem | None"], frozen=True):
    """The base of writes: their result is the old or new item, if requested."""

    table: str

    def parse(self, outcome: bytes, /) -> StoredItem | None:
        item = _read(outcome).Attributes
        return None if item is UNSET else as_item(item)


def add_condition(
    payload: Payload, condition: Condition | None, names: Names, returning: str = "NONE"
) -> Payload:
    """Add *condition* and all *names* to *payload*; with the error of a failed condition comes the item."""
    if condition is not None and (text := condition.render(names)):
        payload["ConditionExpression"] = text
        payload["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if returning != "NONE":
        payload["ReturnValues"] = returning
    return names.into(payload)


class PutItem(_Write, frozen=True):
    """Write one whole item; with ``returning="ALL_OLD"`` the result is the old item.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
    """

    api: ClassVar[str] = "PutItem"

    item: StoredItem
    condition: Condition | None = None
    returning: str = "NONE"

    def payload(self) -> Payload:
        return make_put(self.table, self.item, self.condition, self.returning)


def make_put(
    table: str, item: StoredItem, condition: Condition | None, returning: str = "NONE"
) -> Payload:
    """Return the payload that writes one whole item."""
    payload: Payload = {"TableName": table, "Item": Raw(item)}
    if condition is None and returning == "NONE":
        return payload
    if type(condition) is NotExists:
        return payload | _prepare_condition(condition, returning)
    return add_condition(payload, condition, Names(), returning)


def add_update(
    payload: Payload,
    actions: Sequence[Action],
    condition: Condition | None,
    returning: str = "NONE",
) -> Payload:
    """Add *actions* and *condition* to *payload*, as expressions with names and values."""
    if condition is None or type(condition) is Exists:
        wires: dict[str, Any] = {}
        removed: dict[str, None] = {}
        for action in actions:
            parts = action.path.parts
            name: Any = parts[0]
            if len(parts) > 1 or name in wires or name in removed:
                break
            if type(action) is Set and type(action.value) is Value:
                wires[name] = action.value.wire
            elif type(action) is Remove:
                removed[name] = None
            else:
                break
        else:
            return _fill_update(payload, wires, (*removed,), condition, returning)
    names = Names()
    if actions:
        payload["UpdateExpression"] = render_update(actions, names)
    return add_condition(payload, condition, names, returning)


def _fill_update(
    payload: Payload,
    wires: Mapping[str, Any],
    removed: tuple[str, ...],
    condition: Condition | None,
    returning: str,
) -> Payload:
    """Add an update of whole attributes to *payload*: its text is cached, its values are new."""
    texts, placeholders = _prepare_update((*wires,), removed, condition, returning)
    payload |= texts
    if wires:
        values = zip(placeholders, wires.values(), strict=True)
        payload["ExpressionAttributeValues"] = dict(values)
    return payload


@lru_cache(maxsize=256)
def _prepare_update(
    names: tuple[str, ...], removed: tuple[str, ...], condition: Condition | None, returning: str
) -> tuple[Payload, tuple[str, ...]]:
    """Return the request of an update of whole attributes without its values, and their placeholders.

    :param condition: a condition without values, or None.
    """
    found, none = Names(), Value({"NULL": True})
    actions: list[Action] = [Set(Path((name,)), none) for name in names]
    actions += [Remove(Path((name,))) for name in removed]
    payload: Payload = {"UpdateExpression": render_update(actions, found)} if actions else {}
    add_condition(payload, condition, found, returning)
    return payload, tuple(payload.pop("ExpressionAttributeValues", ()))


@lru_cache(maxsize=256)
def _prepare_condition(condition: NotExists, returning: str) -> Payload:
    """Return the members of a request for a condition without values, which are rendered once."""
    return add_condition({}, condition, Names(), returning)


class UpdateItem(_Write, frozen=True):
    """Change attributes of one item, or create it.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
    """

    api: ClassVar[str] = "UpdateItem"

    key: Key
    actions: Sequence[Action] = ()
    condition: Condition | None = None
    returning: str = "NONE"

    @property
    def repeatable(self) -> bool:
        return is_repeatable(self.actions)

    def payload(self) -> Payload:
        payload: Payload = {"TableName": self.table, "Key": self.key}
        return add_update(payload, self.actions, self.condition, self.returning)


class DeleteItem(_Write, frozen=True):
    """Delete one item; with ``returning="ALL_OLD"`` the result is the old item.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html
    """

    api: ClassVar[str] = "DeleteItem"

    key: Key
    condition: Condition | None = None
    returning: str = "NONE"

    def payload(self) -> Payload:
        payload: Payload = {"TableName": self.table, "Key": self.key}
        return add_condition(payload, self.condition, Names(), self.returning)
