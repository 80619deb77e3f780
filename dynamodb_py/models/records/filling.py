"""Fills new records with the values of keyword arguments, and with defaults."""

from __future__ import annotations

from typing import Any

from .base import BaseRecord, state_of


def fill(record: BaseRecord, values: dict[str, Any]) -> None:
    """Set the fields from *values*, and the others to defaults that are made for each instance."""
    fields = record._fieldset.by_name
    filled = record.__dict__
    filled.update(values)
    if record._fieldset.computed is not None:
        record._fieldset.computed.split_texts(filled)
    elif len(filled) == len(fields) and filled.keys() == fields.keys():
        return
    if not values.keys() <= fields.keys():
        for name in values:
            filled.pop(name, None)
        _fill_references(record, values)
        return
    made = record._fieldset.computed.by_name if record._fieldset.computed is not None else ()
    constants = record._fieldset.constants
    for name, field in fields.items():
        if name not in filled and name not in constants and name not in made:
            filled[name] = value = field.make_default()
            if constants:
                state_of(record).kept[name] = value


def _fill_references(record: BaseRecord, values: dict[str, Any]) -> None:
    """Like ``fill``, for *values* with references or unknown names."""
    known: Any = record._fieldset
    if record._fieldset.references.keys() & values.keys():
        if not all(reference.is_settled for reference in record._fieldset.references.values()):
            record._settle_references()
        known = record._fieldset
    if unknown := [n for n in values if n not in known.by_name and n not in known.references]:
        raise known.make_unknown_error(unknown)
    fill(record, dict(known.expand_values(values)))
    for name in values.keys() & known.references.keys():
        known.references[name].keep(record, values[name])
