"""The attributes of a record as they would be stored: of its fields, and those that it preserves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...codec import as_sent, from_json, measure_item
from ...exceptions import FieldNotLoaded
from ...operations.base import Wire, WireItem
from ..fields.base import AnyField
from .base import BaseRecord, unread_fields
from .checks import Errors, check, spell


def known_fields(record: BaseRecord) -> list[AnyField]:
    """Return the fields that have a value here, or have none in the item either."""
    unread = unread_fields(record) - record.__dict__.keys()
    return [field for field in record._fieldset.written() if field.name not in unread]


def describe_largest(record: BaseRecord, wires: Mapping[str, Wire], count: int = 3) -> str:
    """Return the names of the fields that take most of an item, with their bytes."""
    sizes = {name: measure_item({name: wire}) for name, wire in wires.items()}
    declared = record._fieldset.by_attribute
    return ", ".join(
        f"{declared[name].name if name in declared else name} ({sizes[name]} bytes)"
        for name in sorted(sizes, key=lambda name: -sizes[name])[:count]
    )


def encode_field(
    record: BaseRecord,
    field: AnyField,
    errors: Errors,
    *,
    adding: bool,
    validate: bool,
) -> Wire | None:
    """Return the attribute value of one field, with all that its options ask for."""
    name = field.name
    if name in record.__dict__:
        value = record.__dict__[name]
    elif name in unread_fields(record):
        return None
    else:
        value = record._value_of_unset(field)
    if field.stamps:
        value = stamp_field(record, field, value, adding=adding)
    wire = spell(field, value, errors)
    check(field, value, wire, errors, validate=validate)
    return wire


def stamp_field(record: BaseRecord, field: AnyField, value: Any, *, adding: bool) -> Any:
    """Return what the field itself wants to store, such as the present time."""
    stamped = field.pre_save(value, adding=adding)
    if stamped is not value:
        record.__dict__[field.name] = stamped
    return stamped


def undeclared_attributes(record: BaseRecord) -> WireItem:
    """Return the stored attributes that no field declares, as they are spelled to send."""
    if record._stored is None:
        return {} if record._state is None else record._state.kept
    declared = record._fieldset.by_attribute
    stored: WireItem = from_json(record._stored)
    return {name: as_sent(wire) for name, wire in stored.items() if name not in declared}


def preserved_attributes(record: BaseRecord) -> WireItem:
    """Return what writing the whole item must take along: what is undeclared or not readable.

    Raises FieldNotLoaded where not all of the item was fetched.
    """
    if not record._decoded:
        record._decode()  # before that, nobody knows what cannot be read
    state, values = record._state, record.__dict__
    if state is None:
        return undeclared_attributes(record)
    if state.partial is not None:
        unread = unread_fields(record) - values.keys()
        lost = [name for name in record._fieldset.by_name if name in unread]
        raise FieldNotLoaded(
            f"{type(record).__name__}: {', '.join([*lost, 'undeclared attributes'])} would be lost, "
            "as they were not fetched with this instance: refresh_from_db() first, "
            "or save() what changed"
        )
    names = [name for name in state.unreadable if name not in values]
    if not names or record._stored is None:
        return undeclared_attributes(record)
    stored: WireItem = from_json(record._stored)
    attributes = [record._fieldset.by_name[name].attribute for name in names]
    return undeclared_attributes(record) | {
        name: as_sent(stored[name]) for name in attributes if name in stored
    }
