"""Fills new records with keyword arguments and defaults; makes the signature of constructors for help()."""

from __future__ import annotations

from typing import Any

from .base import BaseRecord, state_of

_PACKAGE = __name__.partition(".")[0]


def fill(record: BaseRecord, values: dict[str, Any]) -> None:
    """Set the fields from *values*, and the others to defaults that are made for each instance."""
    fields, filled = record._fieldset, record.__dict__
    filled.update(values)
    if fields.computed is not None:
        fields.computed.split_texts(filled)
    if not values.keys() <= fields.by_name.keys():
        for name in values:
            filled.pop(name, None)
        _fill_references(record, values)
        return
    for name, make in fields.fresh_defaults:
        if name not in filled:
            filled[name] = value = make()
            if fields.constants:
                state_of(record).kept[name] = value


OWN_CONSTRUCTORS: set[Any] = set()
"""The ``__init__`` methods of the package that only call :func:`fill` if no signal is connected."""


def is_filled_only(kind: type[BaseRecord]) -> bool:
    """Tell whether constructing a record without signals only fills it: no user's class changes that."""
    own = kind.__init__ in OWN_CONSTRUCTORS and kind.__new__ is BaseRecord.__new__
    return own and type(kind) is type


def _fill_references(record: BaseRecord, values: dict[str, Any]) -> None:
    """Do as :func:`fill` for *values* with references or unknown names."""
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


def list_missing(record: BaseRecord) -> list[str]:
    """Return the names of the fields and references that a typed constructor needs, and that have no value."""
    here = record.__dict__.keys()
    return [name for name, parts in record._fieldset.needed.items() if not here >= set(parts)]


def check_constructed(record: BaseRecord, values: dict[str, Any]) -> None:
    """Raise TypeError for a new record of a typed class that lacks a value, or got one that it does not accept."""
    fields = record._fieldset
    if fields.needed_fields <= record.__dict__.keys() and fields.kept_out.isdisjoint(values):
        return
    if unwanted := sorted(fields.kept_out & values.keys()):
        raise TypeError(
            f"{fields.owner}() takes no {', '.join(unwanted)}: it is declared with init=False"
        )
    raise make_missing_error(record, list_missing(record))


def make_missing_error(record: BaseRecord, names: list[str]) -> TypeError:
    """Return the error for *names* of fields that a typed constructor did not get."""
    one = "it, or declare the field" if len(names) == 1 else "them, or declare the fields"
    return TypeError(
        f"{record._fieldset.owner}() needs a value of {' and of '.join(names)}: give {one} with default="
    )


class FieldsSignature:
    """The attribute ``__signature__`` of a class, made when inspect asks for it."""

    def __get__(self, instance: object | None, owner: type[BaseRecord]) -> Any:
        if instance is not None:
            raise AttributeError("__signature__")
        from inspect import Parameter, Signature, signature  # only help() and IDEs need it

        fields = owner._fieldset
        if owner.__init__.__module__.partition(".")[0] != _PACKAGE or not fields.by_name:
            return Signature(list(signature(owner.__init__).parameters.values())[1:])
        written = fields.list_written()
        keys = sorted((each for each in written if each.is_key), key=lambda key: not key.hash_key)
        in_order = not fields.computed and not fields.needed
        kinds = {key.name: Parameter.POSITIONAL_OR_KEYWORD for key in keys if in_order}
        defaults = {
            each.name: _FACTORY if callable(each.default) else each.default
            for each in [*keys, *(each for each in written if not each.is_key)]
        }
        defaults |= dict.fromkeys(fields.references) | dict.fromkeys(fields.needed, Parameter.empty)
        return Signature(
            [
                Parameter(name, kinds.get(name, Parameter.KEYWORD_ONLY), default=default)
                for name, default in defaults.items()
                if name not in fields.kept_out
            ]
        )


class _Factory:
    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()
