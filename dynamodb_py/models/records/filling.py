"""Fills new records with the values of keyword arguments, and with defaults."""

from __future__ import annotations

from typing import Any

from .base import BaseRecord


def fill(record: BaseRecord, values: dict[str, Any]) -> None:
    """Set the fields from *values*, and the others to their defaults."""
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
    for name, field in fields.items():
        if name not in filled and name not in made:
            filled[name] = field.make_default()


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
