"""The actions of an update: the given actions and values, and those of fields that set themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from ...codec import Unstorable, as_sent, check_text, decode, measure_item, to_json
from ...exceptions import ConditionFailed, ItemTooLarge, QueryError, ValidationError
from ...expressions import (
    Action,
    Add,
    Computable,
    Delete,
    IfNotExists,
    Path,
    PythonValue,
    Remove,
    Set,
    Value,
    as_action,
    as_source,
    check_apart,
)
from ...expressions.updates import SetOnce
from ...limits import MAX_ITEM_BYTES
from ...operations.base import Wire
from ...operations.items import DeleteItem, UpdateItem
from ..attribute_values.sets import has_effect
from ..attribute_values.values import find_at, is_plain
from ..fields.base import AnyField, Field
from ..fields.version import bump, next_version
from ..records.checks import check_value, find_key_problem
from ..records.validation import clean_value

if TYPE_CHECKING:
    from ..options.options import Options


def build_update(
    meta: Options,
    actions: Sequence[object],
    values: Mapping[str, Any],
    *,
    version_of: Mapping[str, Wire] | None = None,
    claims: bool = False,
    making: bool = False,
    key: Mapping[str, Wire] | None = None,
    parts: Mapping[str, Wire] | None = None,
    stored: Mapping[str, Wire] | None = None,
    spelled: Mapping[str, Wire] | None = None,
) -> tuple[Action, ...]:
    """Return the actions of an update: *actions*, *values* by field, and the actions that fields add.

    :param version_of: the item with the known version; without it, the version is increased from any value.
    :param claims: whether unique values can be changed, by plain values.
    :param making: whether the update creates a missing item.
    :param key: the item's key, if it is known: parts of computed fields may be parsed from it.
    :param parts: other known parts of the key, for an item that is created.
    :param stored: the item as it was loaded: it shows which attributes the touched indexes still need.
    :param spelled: the attribute values of some of *values*, by field, if they are known.
    :raises ValidationError: values are wrong; the error has every wrong field.
    :raises QueryError: no change is given.
    :raises TypeError: a name is not a field, or an argument is not an action.
    """
    if not actions and not values:
        raise QueryError(
            f"{meta.name}: update() has nothing to change: give values by field, or actions"
        )
    spelled = spelled or {}
    if meta.field_set.references:
        spelled = spelled or meta.field_set.spell_references(values)
        values = meta.field_set.expand_values(values)
    errors: dict[str, list[str]] = {}
    found = [_bind_action(meta, action, errors) for action in actions]
    for name, value in values.items():
        field = meta.get_field(name)
        if field.is_key:
            errors[name] = [_IN_KEY]
        elif isinstance(value, (Computable, Action)):
            found.append(_bind_action(meta, _make_action(meta, field, value), errors))
        elif name in spelled:
            check_value(field, value, spelled[name], errors, validate=True)
            found.append(Set(_path_of(meta, field), Value(spelled[name])))
        else:
            found.append(_make_set(meta, field, field.pre_save(value, adding=False), errors))
    reached = {action.path.parts[0] for action in found}
    for field in meta.field_set.stamping:
        if field.attribute not in reached:
            stamped = field.pre_save(None, adding=False)
            if stamped is not None:
                found.append(_make_set(meta, field, stamped, errors))
    if meta.computed is not None:
        found += list(meta.computed.recompute(found, key, stored or {}, errors))
        if making and key is not None:
            own = None if meta.kind is None else meta.kind.hierarchy.attribute
            more = meta.computed.complete_upsert(found, key, parts or {}, errors)
            found += [action for action in more if action.path.parts[0] != own]
    if meta.guarded:
        _check_guarded(meta, found, errors, claims=claims)
    if meta.kind is not None:
        meta.kind.check(found, errors)
    if errors:
        raise ValidationError(errors, model=meta.name)
    if making and meta.kind is not None and not meta.kind.field.is_key:
        found.append(meta.kind.make_setter())
    if meta.version is not None:
        raised = None if version_of is None else next_version(meta.version, version_of)
        path = Path((meta.version.attribute,))
        found.append(bump(meta.version) if raised is None else Set(path, Value(raised)))
    if len(found) > 1:
        check_apart(action.path for action in found)
    _check_size(meta, found)
    return tuple(found)


def _check_guarded(
    meta: Options, actions: Sequence[Action], errors: dict[str, list[str]], *, claims: bool
) -> None:
    """Add to *errors* the impossible changes of the version and of unique values."""
    version = meta.version
    for action in actions:
        if version is not None and action.path.parts[0] == version.attribute:
            errors[version.name] = ["it sets itself with each write: do not change it"]
    changed = {action.path.parts[0] for action in actions}
    for name in (name for name in unique_among(meta, actions) if name in changed):
        field = meta.field_set.by_attribute[name]
        if not claims:
            errors[field.name] = [
                "it is unique, which an update by a query cannot keep: load the items and save() them"
            ]
        elif not all(is_plain(a) for a in actions if a.path.parts[0] == name):
            errors[field.name] = ["it is unique: give the value itself, not an expression"]


def unique_among(meta: Options, actions: Sequence[Action]) -> list[str]:
    """Return the attributes of all constraints that *actions* touch."""
    return meta.unique_attributes({str(action.path.parts[0]) for action in actions})


_IN_KEY = "it is part of the key, which cannot change: create a new item and delete this one"


def _make_action(meta: Options, field: AnyField, value: Computable | Action) -> Action:
    """Return the action of the keyword argument ``field=value``."""
    if not isinstance(value, Action):
        return Set(field._path(), as_source(value))
    path = meta.resolve(value.path) if value.path.by_name else value.path
    if path.parts[0] != field.attribute:
        raise QueryError(
            f"{meta.name}: {field.name}= got an action on {path}: pass that action by position"
        )
    return value


def _bind_action(meta: Options, given: object, errors: dict[str, list[str]]) -> Action:
    """Return the action *given* with resolved names and encoded values; add its problems to *errors*."""
    action = as_action(given)
    if action is None:
        raise TypeError(
            f"{meta.name}: update() takes values by field, and actions: F(...).add(1), "
            f".remove(), .set(...), or Set, Remove, Add, Delete, not {given!r}"
        )
    path = meta.resolve(action.path) if action.path.by_name else action.path
    where = _describe_path(meta, path)
    if any(field.attribute == path.parts[0] for field in meta.keys):
        errors[where] = [_IN_KEY]
        return action
    try:
        bound = action.bind(meta.resolve, where)
        for source in bound.sources:
            if isinstance(source, Value):
                check_text(source.wire)
    except ValidationError as error:
        errors.update(error.errors)
        return action
    except Unstorable as error:
        errors.update(error.errors(where))
        return action
    if problems := _find_problems(path, action, bound) or _find_key_problems(meta, bound):
        errors[where] = problems
    return bound


def _describe_path(meta: Options, path: Path) -> str:
    """Return *path* as messages show it: the field's name, and the parts inside."""
    first, *inside = path.parts
    field = meta.field_set.by_attribute.get(str(first))
    name = str(first) if field is None else field.name
    return name + "".join(f"[{at}]" if isinstance(at, int) else f".{at}" for at in inside)


def _find_problems(path: Path, action: Action, bound: Action) -> list[str]:
    """Return the problems that the options of the field at *path* find in the new value."""
    field = path.coder
    if not isinstance(field, Field):
        return []
    known = cast("AnyField", field)
    if isinstance(bound, Remove):
        # An element of a list may be removed although the field of the elements is required.
        required = known.required and isinstance(path.parts[-1], str)
        return ["it is required: give it a value"] if required else []
    whole = action.value if isinstance(action, Set) else None
    while isinstance(whole, IfNotExists):
        whole = whole.value
    if not isinstance(whole, PythonValue) or whole.value is None or not known.constrained:
        return []
    return known.find_problems(whole.value)


def _find_key_problems(meta: Options, bound: Action) -> list[str]:
    """Return the problems of the new value as a key of an index."""
    field = meta.field_set.by_attribute.get(str(bound.path.parts[0]))
    if field is None or not field.key_limit or not isinstance(bound, (Set, Add)):
        return []
    wires = [source.wire for source in bound.sources if isinstance(source, Value)]
    return [problem for wire in wires if (problem := find_key_problem(field, wire))]


def _make_set(meta: Options, field: AnyField, value: Any, errors: dict[str, list[str]]) -> Action:
    """Return the action that writes *value*; add to *errors* if it cannot be stored."""
    wire = clean_value(field, value, errors)
    path = _path_of(meta, field)
    if wire is None:
        return Remove(path)
    try:
        return Set(path, Value(check_text(wire)))
    except Unstorable as error:
        errors.update(error.errors(field.name))
        return Remove(path)


def _path_of(meta: Options, field: AnyField) -> Path:
    return Path((field.attribute,), label=f"{meta.name}.{field.attribute}")


def _check_size(meta: Options, actions: Sequence[Action]) -> None:
    """Raise ItemTooLarge if the new values alone exceed DynamoDB's 400 KB."""
    wires = [
        source.wire
        for action in actions
        if not isinstance(action, Delete)
        for source in action.sources
        if isinstance(source, Value)
    ]
    if len(to_json(wires)) <= MAX_ITEM_BYTES:
        return  # the JSON is at least as long as the size that DynamoDB counts
    if (size := sum(measure_item({"": wire}) for wire in wires)) > MAX_ITEM_BYTES:
        raise ItemTooLarge(
            f"the new values have {size} bytes, and DynamoDB takes {MAX_ITEM_BYTES} for an item",
            model=meta.name,
        )


def was_applied(operation: DeleteItem | UpdateItem, error: ConditionFailed) -> bool:
    """Tell whether an earlier attempt, whose response was lost, has applied *operation*."""
    if not error.in_doubt:
        return False
    if isinstance(operation, DeleteItem):
        return error.current is None
    if error.current is None:
        return False
    current: dict[str, Wire] = error.current
    return all(_is_done(action, current) for action in operation.actions)


def _is_done(action: Action, current: Mapping[str, Wire]) -> bool:
    found = find_at(current, action.path.parts)
    if isinstance(action, Remove):
        return found is None
    if isinstance(action, (Add, Delete)):
        return has_effect(action, found)
    if isinstance(action, SetOnce):
        return found is not None
    if not isinstance(action, Set) or not isinstance(action.value, Value) or found is None:
        return False
    return bool(decode(found) == decode(as_sent(action.value.wire)))


RACES = 8
"""How often an item may appear and vanish between two requests before an error is raised."""


def without_automatic(meta: Options, actions: Iterable[Action]) -> list[Action]:
    """Return *actions* without those that ``update()`` adds itself: of the version, and of computed fields."""
    version, computed = meta.version, meta.computed
    own: set[str] = set() if computed is None else set(computed.by_attribute)
    if version is not None:
        own.add(version.attribute)
    return [action for action in actions if action.path.parts[0] not in own]
