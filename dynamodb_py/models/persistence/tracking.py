"""Change tracking: how an instance differs from the item that was loaded."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ...codec import Unstorable, from_json
from ...exceptions import QueryError, ValidationError
from ...operations.base import Wire, WireItem
from ...operations.items import StoredItem
from ..attribute_values.display import decode_or_free, describe_changes
from ..attribute_values.spelling import encode_as_stored, keep_spelling_of, reads_as
from ..fields.base import AnyField
from ..fields.refusals import REQUIRED, is_checking, without_validation
from ..instance import Instance
from ..records.attributes import find_assigned_keys, normalise_field, stamp_field
from ..records.base import (
    find_edited_defaults,
    find_unread_fields,
    get_fetched_fields,
    get_kept_sets,
    state_of,
)
from ..records.checks import Errors, check_value
from ..records.fieldset import FieldSet
from ..records.validation import clean_changed, hooks_of
from .stored import check_names, replace_stored, reset_fields, stored_wires


def changes_to_write(
    instance: Instance,
    stored: Mapping[str, Wire],
    *,
    validate: bool,
    named: frozenset[str] | None = None,
) -> dict[str, Wire | None]:
    """Return the attribute values to write for the fields that changed since *stored* was loaded.

    Unchanged parts of a value keep their stored spelling.

    :param named: the fields to compare, besides those of the key; None for all.
    """
    if not validate and is_checking():
        return without_validation(
            lambda: changes_to_write(instance, stored, validate=False, named=named)
        )
    fields, meta, values = instance._fieldset, instance._meta, instance.__dict__
    for field in fields.normalising:
        if field.name in values and (named is None or field.name in named):
            normalise_field(instance, field, values[field.name])
    changes: dict[str, Wire | None]
    if instance._state is not None:
        for name in find_edited_defaults(instance):
            values[name] = getattr(instance, name)  # an edited default is stored
    if validate and not (fields._clean_hooks or hooks_of(instance)).is_empty:

        def changed() -> list[AnyField]:
            fields = [f for f, *_ in find_changed(instance, stored) if f.name in values]
            return fields if named is None else [field for field in fields if field.name in named]

        clean_changed(instance, changed)
        changes = changes_to_write(instance, stored, validate=False, named=named)  # validated above
        if lost := [f.name for f in fields if f.required and changes.get(f.attribute, f) is None]:
            raise ValidationError({name: [REQUIRED] for name in lost}, model=meta.name)
        return changes
    changes = {}
    errors: Errors = {}
    for field, wire, wrong in find_changed(instance, stored):
        name, in_key = field.attribute, field.hash_key or field.range_key
        if named is not None and field.name not in named and not in_key:
            continue
        if wrong:
            errors.update(wrong)
        elif field is meta.version:
            errors[field.name] = ["it sets itself with each write: do not assign to it"]
        elif meta.kind is not None and meta.kind.is_changed_by(field, wire, stored):
            errors[field.name] = [meta.kind.describe_fixed_kind(wire)]
        else:
            if in_key and name in stored:
                raise meta.make_changed_error(field, stored)
            value = values.get(field.name)
            if value is None or field.key_limit or field.constrained:
                check_value(field, value, wire, errors, validate=validate)
            changes[name] = wire
    if errors:
        raise ValidationError(errors, model=meta.name)
    if changes and fields.stamping:
        _stamp_changes(instance, stored, changes, errors)
    if fields.computed is not None:
        fields.computed.compose_changes(instance, stored, changes, errors)
    if errors:
        raise ValidationError(errors, model=meta.name)
    return changes


def find_changed(
    instance: Instance, stored: Mapping[str, Wire]
) -> list[tuple[AnyField, Wire | None, Errors]]:
    """Return each field that changed, with its attribute value to write, and its errors.

    Unchanged parts of a value keep their stored spelling.
    """
    found: list[tuple[AnyField, Wire | None, Errors]] = []
    values, fields = instance.__dict__, instance._fieldset
    unread: Collection[str] = ()
    edited: Collection[str] = ()
    deleted: Collection[str] = ()
    if instance._state is not None:
        # These fields were assigned None, which removes the attribute.
        unread, edited = find_unread_fields(instance), find_edited_defaults(instance)
        state = instance._state
        deleted = state.deleted if instance._stored is None else state.find_deleted_unread()
    assigned = find_assigned_keys(instance) if fields.references else {}
    if fields.computed is not None:
        stored = fields.computed.add_key_parts(stored)
    if instance._decoded:  # every stored value is in *values*, unless it was removed
        suspects = _find_suspects(fields, values, stored, assigned)
    else:
        suspects = [each for each in fields.get_plan() if each[0] in values]
    for name, attribute, field, _ in suspects:
        value, old = values.get(name), stored.get(attribute)
        if value is not None or name in values:
            pass
        elif name in edited or (instance._stored is None and name not in deleted):
            value = getattr(instance, name)
        else:
            if (name in deleted and instance._stored is not None) or (
                old is not None and name not in unread
            ):
                found.append((field, None, {}))
            continue
        try:
            wire = encode_as_stored(field, value, old, assigned.get(name))
        except Unstorable as error:
            if not reads_as(field, old, value):
                found.append((field, None, error.errors(name)))
            continue
        if wire is not old or (old is None and name in unread):
            found.append((field, wire, {}))
    return found


def find_set_edits(instance: Instance, attributes: Collection[str]) -> dict[str, bool]:
    """Return the sets among *attributes*, and whether each was edited in place, not assigned."""
    values, state, found = instance.__dict__, instance._state, dict[str, bool]()
    for name, kept in zip(instance._fieldset.sets, get_kept_sets(instance), strict=True):
        attribute = instance._fieldset.by_name[name].attribute
        if attribute in attributes and (value := values.get(name)) is not None:
            made, absent = (None, None) if state is None else state.find_made(name)
            found[attribute] = value is kept or value is made or value is absent
    return found


def _find_suspects(
    fields: FieldSet,
    values: Mapping[str, Any],
    stored: Mapping[str, Wire],
    assigned: Mapping[str, Wire],
) -> list[tuple[str, str, AnyField, bool]]:
    """Return the plan's entries that may have changed: without those that a comparer finds unchanged."""
    plan, (groups, others) = fields.get_plan(), fields.comparers
    value_of, suspects = values.get, [*others]
    for (known, kind, is_read_as), members in groups.items():
        for at, name, attribute in members:
            try:
                if (
                    type(value := value_of(name)) is known
                    and is_read_as(stored[attribute][kind], value)
                    and not assigned
                ):
                    continue
            except (KeyError, ValueError):
                pass  # the stored value is of another type, or cannot be parsed
            suspects.append(at)
    suspects.sort()
    return [plan[at] for at in suspects]


def _stamp_changes(
    instance: Instance,
    stored: Mapping[str, Wire],
    changes: dict[str, Wire | None],
    errors: Errors,
) -> None:
    """Add to *changes* the values of fields that set themselves."""
    if not instance._decoded:
        instance._decode()
    unread = find_unread_fields(instance)
    for field in instance._fieldset.stamping:
        value = instance.__dict__.get(field.name)
        if value is None and field.name not in unread:
            value = instance._value_of_unset(field)
        stamped = stamp_field(instance, field, value, adding=False)
        if stamped is not value:
            wire = field.to_wire_or_null(stamped)
            check_value(field, stamped, wire, errors, validate=False)
            changes[field.attribute] = keep_spelling_of(field, stored.get(field.attribute), wire)


def describe_instance_changes(instance: Instance) -> dict[str, tuple[Any, Any]]:
    """Return the old and the new value of each path that changed."""
    stored = stored_wires(instance)
    changes: dict[str, tuple[Any, Any]] = {}
    for field, wire, wrong in find_changed(instance, stored):
        old = stored.get(field.attribute)
        if wrong:
            value = getattr(instance, field.name)
            changes[field.name] = (None if old is None else decode_or_free(field, old), value)
        else:
            changes.update(describe_changes(field, old, wire))
    return changes


def describe_previous_changes(instance: Instance) -> dict[str, tuple[Any, Any]]:
    """Return the old and the new value of each path that the last write changed."""
    previous = getattr(instance, "__previous__", None)
    if previous is None:
        return {}
    before, after = _read_wires(previous[0]), _read_wires(previous[1])
    fields, computed = instance._fieldset.list_written(), instance._fieldset.computed
    if computed is not None:
        before, after = computed.add_key_parts(before), computed.add_key_parts(after)
    changes: dict[str, tuple[Any, Any]] = {}
    for field in fields:
        old, new = before.get(field.attribute), after.get(field.attribute)
        if old != new:
            changes.update(describe_changes(field, old, new))
    return changes


def _read_wires(item: StoredItem | Mapping[str, Any] | None) -> WireItem:
    """Return the attributes of an item, encoded or decoded; an empty dict for None."""
    if item is None:
        return {}
    return from_json(item) if isinstance(item, bytes) else dict(item)


def revert_instance(instance: Instance, names: Sequence[str] = ()) -> None:
    """Restore the last loaded or saved values of all fields, or of the fields *names*."""
    if instance._stored is None:
        raise QueryError(
            f"{type(instance).__name__}: revert() has nothing to restore, because the instance was never "
            "loaded or saved, or was deleted: make a new one"
        )
    if names:
        chosen = check_names(instance, "revert()", names)
        reset_fields(instance, chosen, stored_wires(instance))
        return
    fetched = get_fetched_fields(instance)
    replace_stored(instance, instance._stored)
    if fetched is not None:
        state_of(instance).partial = fetched
