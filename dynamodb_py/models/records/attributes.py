"""The attribute values of a record: those of its fields, and those that it preserves undecoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...codec import as_sent, from_json, measure_item
from ...exceptions import FieldNotLoaded, UnreadableValue
from ...operations.base import Wire, WireItem
from ..fields.base import AnyField
from ..fields.refusals import UNFIT
from .base import BaseRecord, find_unread_fields, is_deleted, state_of
from .checks import Errors, check_value, encode_value

if TYPE_CHECKING:
    from ..attribute_values import spelling
else:
    from ...lazy import spelling


def find_known_fields(record: BaseRecord) -> list[AnyField]:
    """Return the written fields, except those that the item may have and the record does not."""
    unread = find_unread_fields(record) - record.__dict__.keys()
    return [field for field in record._fieldset.list_written() if field.name not in unread]


def describe_largest(record: BaseRecord, wires: Mapping[str, Wire], count: int = 3) -> str:
    """Return the names of the fields that take most of an item, with their bytes."""
    sizes = {name: measure_item({name: wire}) for name, wire in wires.items()}
    declared = record._fieldset.by_attribute
    return ", ".join(
        f"{declared[name].name if name in declared else name} ({sizes[name]} bytes)"
        for name in sorted(sizes, key=lambda name: -sizes[name])[:count]
    )


def encode_field(
    record: BaseRecord, field: AnyField, errors: Errors, *, adding: bool, validate: bool
) -> Wire | None:
    """Return the attribute value of one field; its options are applied and checked."""
    name = field.name
    if name in record.__dict__:
        value = record.__dict__[name]
    elif is_deleted(record, name) and not field.stamps:
        check_value(field, None, None, errors, validate=validate)
        return None
    elif name in find_unread_fields(record):
        return None
    else:
        value = record._value_of_unset(field)
    if field.stamps:
        value = stamp_field(record, field, value, adding=adding)
    if field.normalises:
        if (wire := normalise_field(record, field, value)) is not None:
            return wire
        value = record.__dict__.get(name, value)
    wire = encode_own(record, field, value, errors)
    check_value(field, value, wire, errors, validate=validate)
    return wire


def encode_own(record: BaseRecord, field: AnyField, value: Any, errors: Errors) -> Wire | None:
    """Return the attribute value of *value*; the stored one if the field can only read it, as *value*."""
    wrong: Errors = {}
    wire = encode_value(field, value, wrong)
    if wrong:
        if field.name in (spelled := find_assigned_keys(record)):
            return spelled[field.name]
        stored: WireItem = {} if record._stored is None else from_json(record._stored)
        old = stored.get(field.attribute)
        if old is None or not spelling.reads_as(field, old, value):
            errors.update(wrong)
        else:
            wire = as_sent(old)
    return wire


def find_assigned_keys(record: BaseRecord) -> dict[str, Wire]:
    """Return the keys of the stored instances that were assigned to references, as stored, by field."""
    found: dict[str, Wire] = {}
    for name, reference in record._fieldset.references.items():
        if name in record.__dict__:
            found.update(reference.spell_assigned(record))
    return found


def keep_stored_spelling(record: BaseRecord, wires: WireItem) -> None:
    """Give the values in *wires* that did not change since the record was loaded their stored spelling."""
    if not record._fieldset.respellable:
        return
    stored: WireItem = from_json(record._stored or b"{}")
    for field in record._fieldset.respellable:
        old, wire = stored.get(field.attribute), wires.get(field.attribute)
        if old is None or wire is None or wire == old or field.name not in record.__dict__:
            continue
        if spelling.is_same(field, old, record.__dict__[field.name], wire):
            wires[field.attribute] = as_sent(old)
        else:
            wires[field.attribute] = spelling.keep_spelling_of(field, old, wire) or wire


def stamp_field(record: BaseRecord, field: AnyField, value: Any, *, adding: bool) -> Any:
    """Return the value that the field sets itself, such as the current time, and keep it."""
    stamped = field.pre_save(value, adding=adding)
    if stamped is not value:
        record.__dict__[field.name] = stamped
        if record._stored is None:  # it counts as a default, not as given
            state_of(record).kept[field.name] = stamped
    return stamped


def normalise_field(record: BaseRecord, field: AnyField, value: Any) -> Wire | None:
    """Normalise the value of a field in the record; return the stored one if *value* was read from it."""
    if record._stored is not None:
        stored: WireItem = from_json(record._stored)
        if (computed := record._fieldset.computed) is not None:
            stored = computed.add_key_parts(stored)
        old = stored.get(field.attribute)
        if old is not None and spelling.reads_as(field, old, value):
            kept: Wire = as_sent(old)
            return kept
    if value is not None:
        record.__dict__[field.name] = field.normalise(value)
    return None


def find_undeclared(record: BaseRecord) -> WireItem:
    """Return the stored attributes that no field declares, as they are sent."""
    if record._stored is None:
        return {} if record._state is None else record._state.undeclared
    declared = record._fieldset.by_attribute
    try:
        stored: WireItem = from_json(record._stored)
        return {name: as_sent(wire) for name, wire in stored.items() if name not in declared}
    except UNFIT as error:
        raise UnreadableValue(f"{type(record).__name__}: the stored item: {error}") from error


def find_preserved(record: BaseRecord) -> WireItem:
    """Return the undeclared and unreadable attributes, which a write of the whole item must include.

    Raises FieldNotLoaded if only a part of the item was fetched.
    """
    if not record._decoded:
        record._decode()  # finds the unreadable attributes
    state, values = record._state, record.__dict__
    if state is None:
        return find_undeclared(record)
    if state.partial is not None:
        unread = find_unread_fields(record) - values.keys()
        lost = [name for name in record._fieldset.by_name if name in unread]
        raise FieldNotLoaded(
            f"{type(record).__name__}: {', '.join([*lost, 'undeclared attributes'])} would be lost, "
            "as they were not fetched with this instance: refresh_from_db() first, "
            "or save() only the changes"
        )
    return find_undeclared(record) | find_unreadable(record)


def find_unreadable(record: BaseRecord) -> WireItem:
    """Return the stored attributes that their fields cannot read, of a decoded record, as they are sent."""
    names = (
        () if record._state is None else record._state.unreadable.keys() - record.__dict__.keys()
    )
    if not names or record._stored is None:
        return {}
    stored: WireItem = from_json(record._stored)
    attributes = [record._fieldset.by_name[name].attribute for name in names]
    return {name: as_sent(stored[name]) for name in attributes if name in stored}
