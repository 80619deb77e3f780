"""Cleans the fields of a record, and encodes them as attribute values."""

from __future__ import annotations

from ...codec import Unstorable, decode
from ...exceptions import ValidationError
from ...operations.base import WireItem
from ..fields.base import is_checking, without_validation
from .attributes import (
    encode_field,
    encode_own,
    find_assigned_keys,
    find_known_fields,
    keep_stored_spelling,
)
from .base import BaseRecord
from .checks import Errors
from .validation import clean_fields, hooks_of


def encode_fields(record: BaseRecord, *, adding: bool, validate: bool = True) -> WireItem:
    """Return the attribute values of the declared fields, without absent ones.

    Raises ValidationError with every field that is wrong.
    """
    if not validate and is_checking():
        return without_validation(lambda: encode_fields(record, adding=adding, validate=False))
    if not record._decoded:
        record._decode()
    if validate and not (record._fieldset._clean_hooks or hooks_of(record)).is_empty:
        return _clean_and_encode(record, adding=adding)
    wires: WireItem = {}
    errors: Errors = {}
    values, state = record.__dict__, record._state
    if record._stored is None and (state is None or not (state.deleted or state.unreadable)):
        values = {**record._fieldset.constants, **values}
    for name, attribute, field, careful in record._fieldset.get_plan():
        if careful or name not in values:
            wire = encode_field(record, field, errors, adding=adding, validate=validate)
        elif (value := values[name]) is None:
            continue
        else:
            try:
                wire = field.to_wire(value)
            except Unstorable:
                wire = encode_own(record, field, value, errors)
        if wire is not None:
            wires[attribute] = wire
    return _complete(record, wires, errors)


def _complete(record: BaseRecord, wires: WireItem, errors: Errors) -> WireItem:
    """Return *wires* with the composed attributes, and with what stays as it is stored."""
    if record._stored is not None:
        keep_stored_spelling(record, wires)
    if record._fieldset.references:
        _put_assigned_keys(record, wires, errors)
    if record._fieldset.computed is not None:
        record._fieldset.computed.compose_item(record, wires, errors)
    if errors:
        raise ValidationError(errors, model=type(record).__name__)
    return wires


def _put_assigned_keys(record: BaseRecord, wires: WireItem, errors: Errors) -> None:
    """Put the keys of assigned instances into *wires*, as they are stored."""
    fields, computed = record._fieldset, record._fieldset.computed
    for name, wire in find_assigned_keys(record).items():
        attribute = fields.by_name[name].attribute
        if computed is not None and attribute in computed.virtual and wire != wires.get(attribute):
            errors[name] = [
                f"the item that it refers to is stored with the key {decode(wire)!r}, in the spelling of "
                f"another program, which {computed.virtual[attribute].name} cannot contain"
            ]
        wires[attribute] = wire


def _clean_and_encode(record: BaseRecord, *, adding: bool) -> WireItem:
    """Like ``encode_fields``, for a class with clean hooks."""
    known = find_known_fields(record)
    wires = clean_fields(record, [f for f in known if not f.stamps], [f.name for f in known])
    by_name = record._fieldset.by_name
    item = {by_name[name].attribute: wire for name, wire in wires.items() if wire is not None}
    errors: Errors = {}
    for field in known:
        if field.stamps:
            wire = encode_field(record, field, errors, adding=adding, validate=True)
            if wire is not None:
                item[field.attribute] = wire
    return _complete(record, item, errors)
