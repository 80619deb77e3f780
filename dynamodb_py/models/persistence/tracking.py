"""Change tracking: how an instance differs from what was loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...codec import Unstorable
from ...exceptions import QueryError, UnreadableValue, ValidationError
from ...operations.base import Wire, WireItem
from ..attribute_values.diff import keep_spelling
from ..attribute_values.display import decode_or_free, describe_changes
from ..attribute_values.values import equal
from ..fields.base import AnyField, is_checking, without_validation
from ..instance import Instance
from ..records.attributes import stamp_field
from ..records.base import find_unread_fields, get_fetched_fields, state_of
from ..records.checks import Errors, check_value, encode_value
from ..records.validation import clean_changed
from .stored import replace_stored, stored_wires


def changes_to_write(
    instance: Instance,
    stored: Mapping[str, Wire],
    *,
    validate: bool,
    named: frozenset[str] | None = None,
) -> dict[str, Wire | None]:
    """Return what would be stored now of the fields that changed since *stored* was loaded.

    :param named: the fields to look at; the key is looked at in any case.
    """
    if not validate and is_checking():
        return without_validation(
            lambda: changes_to_write(instance, stored, validate=False, named=named)
        )

    def changed() -> list[AnyField]:
        fields = [field for field, _, _ in find_changed(instance, stored)]
        return fields if named is None else [field for field in fields if field.name in named]

    if validate and clean_changed(instance, changed):
        return changes_to_write(instance, stored, validate=False, named=named)  # that is done
    changes: dict[str, Wire | None] = {}
    errors: Errors = {}
    kind = instance._meta.kind
    for field, wire, wrong in find_changed(instance, stored):
        if named is not None and field.name not in named and not field.is_key:
            continue
        if wrong:
            errors.update(wrong)
            continue
        if field is instance._meta.version:
            errors[field.name] = ["it sets itself with each write: do not assign to it"]
            continue
        if kind is not None and kind.is_changed_by(field, wire, stored):
            errors[field.name] = [kind.describe_fixed_kind(wire)]
            continue
        if field.is_key:
            instance._meta.check_key(stored, {field.attribute: wire or {}})
        check_value(field, instance.__dict__[field.name], wire, errors, validate=validate)
        changes[field.attribute] = wire
    if errors:
        raise ValidationError(errors, model=instance._meta.name)
    if changes:
        _stamp_changes(instance, changes)
    if instance._fieldset.computed is not None:
        instance._fieldset.computed.compose_changes(instance, stored, changes, errors)
        if errors:
            raise ValidationError(errors, model=instance._meta.name)
    return changes


def find_changed(
    instance: Instance, stored: Mapping[str, Wire]
) -> list[tuple[AnyField, Wire | None, Errors]]:
    """Return each field that would be stored otherwise, as what, or what is wrong with it."""
    found: list[tuple[AnyField, Wire | None, Errors]] = []
    values = instance.__dict__
    unread = find_unread_fields(
        instance
    )  # a None there was assigned: what is stored, if anything, goes
    if (computed := instance._fieldset.computed) is not None:
        stored = computed.add_key_parts(stored)
    for field in instance._fieldset if computed is None else instance._fieldset.list_written():
        if field.name not in values:
            continue
        value = values[field.name]
        old = stored.get(field.attribute)
        wrong: Errors = {}
        wire = encode_value(field, value, wrong)
        if wrong:
            if not _reads_as(field, old, value):
                found.append((field, wire, wrong))
        elif _is_different(instance, field, wire, old) or (
            old is wire is None and field.name in unread
        ):
            found.append((field, wire, wrong))
    return found


def _stamp_changes(instance: Instance, changes: dict[str, Wire | None]) -> None:
    """Put what the fields themselves want to store into *changes*."""
    fields = [field for field in instance._fieldset if field.stamps]
    if fields and not instance._decoded:
        instance._decode()
    unread = find_unread_fields(instance)
    for field in fields:
        value = instance.__dict__.get(field.name)
        if value is None and field.name not in unread:
            value = instance._value_of_unset(field)
        stamped = stamp_field(instance, field, value, adding=False)
        if stamped is not value:
            changes[field.attribute] = field.to_wire_or_null(stamped)


def _is_different(instance: Instance, field: AnyField, wire: Wire | None, old: Wire | None) -> bool:
    if wire == old:
        return False
    if field.varies:
        return _has_other_value(instance, field, wire, old)
    if old is None:  # a default that was only read is no change
        state = instance._state
        return state is None or state.defaults.get(field.name) != wire
    try:  # the same value may have been spelled otherwise, by another writer
        return bool(field.to_wire_or_null(field.decode(old)) != wire)
    except (UnreadableValue, Unstorable):
        return True


def _has_other_value(
    instance: Instance, field: AnyField, wire: Wire | None, old: Wire | None
) -> bool:
    """Tell whether a field that stores one value in many ways has another one than *old*."""
    if wire is None:
        return old is not None
    value = instance.__dict__[field.name]
    try:
        if old is not None:
            return bool(field.decode(old) != value)
        state = instance._state
        read = None if state is None else state.defaults.get(field.name)
        return read is None or bool(field.decode(read) != value)
    except UnreadableValue:
        return True


def _reads_as(field: Any, wire: Wire | None, value: Any) -> bool:
    """Tell whether *value*, which could not be written, is what another writer stored."""
    try:
        return wire is not None and bool(field.decode(wire) == value)
    except UnreadableValue:
        return False


def keep_spelling_of(
    instance: Instance, name: str, wire: Wire | None, stored: WireItem
) -> Wire | None:
    """Return a value to store, with what did not change in it as another writer spelled it."""
    old = stored.get(name)
    if wire is None or old is None or not ("M" in wire or "L" in wire):
        return wire
    field = instance._fieldset.by_attribute[name]
    try:
        spelled = field.to_wire_or_null(field.decode(old))
    except (UnreadableValue, Unstorable):
        return wire
    return wire if spelled is None or equal(old, spelled) else keep_spelling(old, spelled, wire)


def describe_instance_changes(instance: Instance) -> dict[str, tuple[Any, Any]]:
    """Return the old and the new value of each place that changed, by path."""
    stored = stored_wires(instance)
    changes: dict[str, tuple[Any, Any]] = {}
    for field, wire, wrong in find_changed(instance, stored):
        old = stored.get(field.attribute)
        if wrong:
            value = instance.__dict__[field.name]
            changes[field.name] = (None if old is None else decode_or_free(field, old), value)
        else:
            spelled = keep_spelling_of(
                instance, field.attribute, wire, {field.attribute: old} if old else {}
            )
            changes.update(describe_changes(field, old, spelled))
    return changes


def revert_instance(instance: Instance) -> None:
    """Go back to what was loaded or saved last."""
    if instance._stored is None:
        raise QueryError(
            f"{type(instance).__name__}: there is nothing to go back to, as it was not loaded or "
            "saved, or was deleted: make another instance"
        )
    fetched = get_fetched_fields(instance)
    replace_stored(instance, instance._stored)
    if fetched is not None:
        state_of(instance).partial = fetched
