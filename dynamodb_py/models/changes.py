"""Changes: what an update of many items writes, and on which condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import replace

from ..codec import Unstorable, as_sent, checked_text, decode, item_size
from ..exceptions import ConditionFailed, ItemTooLarge, QueryError, ValidationError
from ..expressions import (
    Action,
    And,
    AttributeType,
    BeginsWith,
    Between,
    Compare,
    Condition,
    Contains,
    Exists,
    In,
    Not,
    NotExists,
    Or,
    Path,
    Remove,
    Set,
    Value,
)
from ..limits import MAX_ITEM_BYTES
from ..operations.base import Wire
from ..operations.items import DeleteItem, UpdateItem
from ..planning import Plan
from .records import check, spell

if TYPE_CHECKING:
    from .options import AnyField, Options

# Conditions that say nothing of other attributes than their paths.
_KNOWN = frozenset(
    {And, AttributeType, BeginsWith, Between, Compare, Contains, Exists, In, Not, NotExists, Or}
)


def still_asked(meta: Options, plan: Plan) -> Condition:
    """Return the condition that an item which *plan* found is still there and still matches."""
    keys = {key.name for key in plan.key}
    condition = plan.condition
    terms = condition.terms if isinstance(condition, And) else (condition,)
    still = meta.present
    for term in terms:
        if not _is_about(term, keys):  # an item's key is what it was
            still &= term
    return still


def _is_about(condition: Condition, attributes: set[str]) -> bool:
    """Tell whether *condition* says something of these attributes, and of no others."""
    return all(type(node) in _KNOWN for node in condition._nodes()) and all(
        path.parts[0] in attributes for path in condition.paths()
    )


def changes(
    meta: Options, actions: Sequence[Action], values: Mapping[str, Any]
) -> tuple[Action, ...]:
    """Return what is written: *actions*, *values* by field, and what fields set themselves.

    Raises :class:`~dynamodb_py.exceptions.ValidationError` with every field that is wrong,
    :class:`~dynamodb_py.exceptions.QueryError` for nothing at all, and TypeError for what is no
    field or no action.
    """
    if not actions and not values:
        raise QueryError(
            f"{meta.name}: update() has nothing to change: give values by field, or actions"
        )
    errors: dict[str, list[str]] = {}
    found = [_bound(meta, action, errors) for action in actions]
    reached = {action.path.parts[0] for action in found}
    for name, value in values.items():
        field = meta.get_field(name)
        if field.is_key:
            errors[name] = [_IN_KEY]
        else:
            found.append(_set(meta, field, field.pre_save(value, adding=False), errors))
            reached.add(field.attribute)
    for field in meta.fields:
        if field.stamps and field.attribute not in reached:
            stamped = field.pre_save(None, adding=False)
            if stamped is not None:
                found.append(_set(meta, field, stamped, errors))
    if errors:
        raise ValidationError(errors, model=meta.name)
    _check_size(meta, found)
    return tuple(found)


_IN_KEY = "it is part of the key, which cannot change: create a new item and delete this one"


def _bound(meta: Options, action: Action, errors: dict[str, list[str]]) -> Action:
    """Return *action* with the names in it turned into the fields' paths, as in a condition."""
    if not isinstance(action, Action):
        raise TypeError(
            f"{meta.name}: update() takes values by field, and actions of dynamodb_py.expressions: "
            f"Set, Remove, Add, Delete, not {action!r}"
        )
    path = meta.resolve(action.path) if action.path.by_name else action.path
    for field in meta.keys:
        if field.attribute == path.parts[0]:
            errors[field.name] = [_IN_KEY]
    action = replace(action, path=path)
    if isinstance(action, Set) and isinstance(action.value, Path) and action.value.by_name:
        return replace(action, value=meta.resolve(action.value))
    return action


def _set(meta: Options, field: AnyField, value: Any, errors: dict[str, list[str]]) -> Action:
    """Return what writes *value*, or say in *errors* what is wrong with it."""
    wire = spell(field, value, errors)
    check(field, value, wire, errors, validate=True)
    path = Path((field.attribute,), label=f"{meta.name}.{field.attribute}")
    if wire is None:
        return Remove(path)
    try:
        return Set(path, Value(checked_text(wire)))
    except Unstorable as error:
        errors.update(error.errors(field.name))
        return Remove(path)


def _check_size(meta: Options, actions: Sequence[Action]) -> None:
    """Raise ItemTooLarge where what is set alone is over DynamoDB's 400 KB."""
    wires: dict[str, Wire] = {
        str(action.path): action.value.wire
        for action in actions
        if isinstance(action, Set) and isinstance(action.value, Value)
    }
    size = sum(item_size({"": wire}) for wire in wires.values())
    if size > MAX_ITEM_BYTES:
        raise ItemTooLarge(
            f"the new values have {size} bytes, DynamoDB takes {MAX_ITEM_BYTES} for an item",
            model=meta.name,
        )


def has_changed(operation: DeleteItem | UpdateItem, error: ConditionFailed) -> bool:
    """Tell whether an earlier attempt, whose answer was lost, did what *error* now refuses to do.

    Then the item is as *operation* leaves it.
    """
    if error.attempts < 2:
        return False
    if isinstance(operation, DeleteItem):
        return error.current is None
    if error.current is None:
        return False
    current: dict[str, Wire] = error.current
    return all(_is_done(action, current) for action in operation.actions)


def _is_done(action: Action, current: Mapping[str, Wire]) -> bool:
    found = _lies(current, action.path)
    if isinstance(action, Remove):
        return found is None
    if not isinstance(action, Set) or not isinstance(action.value, Value) or found is None:
        return False
    return bool(decode(found) == decode(as_sent(action.value.wire)))


def _lies(current: Mapping[str, Wire], path: Path) -> Wire | None:
    """Return what lies at *path* in an item, if anything."""
    found: Wire | None = {"M": current}
    for part in path.parts:
        if found is None:
            return None
        if isinstance(part, str):
            found = cast("dict[str, Wire]", found.get("M", {})).get(part)
        else:
            among = cast("list[Wire]", found.get("L", []))
            found = among[part] if part < len(among) else None
    return found
