"""Cleans the fields of a record, and encodes them as attribute values."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ...codec import (
    PLAIN_INT,
    Unstorable,
    decode,
    encode_list,
    encode_map,
    format_decimal,
    format_float,
)
from ...exceptions import ValidationError
from ...operations.base import WireItem
from ..fields.base import AnyField, Field, bind_name
from ..fields.containers.elements import to_inner_wire
from ..fields.containers.lists import ListField, SetField
from ..fields.containers.maps import DictField
from ..fields.ids import UUIDField
from ..fields.numbers import BooleanField, DecimalField, FloatField, IntegerField
from ..fields.refusals import is_checking, without_validation
from ..fields.text import BinaryField, CharField
from ..fields.times.dates import DateField
from ..fields.times.datetimes import DateTimeField
from ..fields.times.moments import UTC, spell_moment
from .attributes import (
    encode_field,
    encode_own,
    find_assigned_keys,
    find_known_fields,
    keep_stored_spelling,
)
from .base import BaseRecord
from .checks import Errors
from .fieldset import FieldSet, Writer
from .validation import clean_fields, hooks_of


def encode_fields(record: BaseRecord, *, adding: bool, validate: bool = True) -> WireItem:
    """Return the attribute values of the declared fields, without absent ones.

    Raises ValidationError with every field that is wrong.
    """
    if not validate and is_checking():
        return without_validation(lambda: encode_fields(record, adding=adding, validate=False))
    if not record._decoded:
        record._decode()
    fields, state = record._fieldset, record._state
    if validate and not (fields._clean_hooks or hooks_of(record)).is_empty:
        return _clean_and_encode(record, adding=adding)
    write: Writer = encode_in_turn
    if record._stored is None and (state is None or not (state.deleted or state.unreadable)):
        write = fields._writer or _choose_writer(fields)
    errors: Errors = {}
    return _complete(record, write(record, record.__dict__, errors, adding, validate), errors)


def encode_in_turn(
    record: BaseRecord, values: dict[str, Any], errors: Errors, adding: bool, validate: bool, /
) -> WireItem:
    """Return the attribute values of the declared fields; add problems to *errors*."""
    wires: WireItem = {}
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
    return wires


def _choose_writer(fields: FieldSet) -> Writer:
    """Return the loop for the first records of a class, then a compiled writer.

    Compiling takes as long as encoding dozens of records.
    """
    fields.written += 1
    return encode_in_turn if fields.written <= _FEW else compile_writer(fields)


_FEW = 20


def compile_writer(fields: FieldSet) -> Writer:
    """Compile ``encode_in_turn`` for new records of one class.

    It encodes values of exact types without a call for each, and all others by the functions of the loop.
    """
    names = dict(_NAMES)
    lines = [
        "def write(record, values, errors, adding, validate):",
        "    wires, get = {}, values.get",
    ]
    for name, attribute, field, careful in fields.get_plan():
        known = bind_name(names, field)
        default = fields.constants.get(name)
        given = "" if default is None else f", {bind_name(names, default)}"
        general = failed = (
            f"encode_field(record, {known}, errors, adding=adding, validate=validate)"
        )
        form = _find_form(field, "v", known, names)
        if careful:
            form, other = _add_checks(field, known, form), general
        else:
            absent = "" if name in fields.constants else f" if {name!r} in values else {general}"
            other = f"{bind_name(names, field.to_wire)}(v) if v is not None else None{absent}"
            failed = f"encode_own(record, {known}, v, errors)"
        short = form and f"{form} else "
        lines += [
            f"    v = get({name!r}{given})",
            "    try:",
            f"        wire = {short}{other}",
            "    except Unstorable:",
            f"        wire = {failed}",
            "    if wire is not None:",
            f"        wires[{attribute!r}] = wire",
        ]
    # Safe: the source holds only names of ours, and repr() of texts.
    exec("\n".join([*lines, "    return wires"]), names)
    fields._writer = names["write"]
    return names["write"]  # type: ignore[no-any-return]


def _find_form(field: AnyField, value: str, known: str, names: dict[str, Any]) -> str:
    """Return the source that encodes the variable *value* of the field *known*; "" if there is none."""
    form = _FORMS.get(_identify(type(field)), "").replace("$", value).replace("@", known)
    if not form or not field.plain or getattr(field, "time_format", None) is not None:
        return ""
    inner: AnyField | None = getattr(field, "inner", None)
    if inner is None or getattr(field, "_texts", False):
        return form
    is_list = _identify(type(field)) == _identify(ListField)
    if not is_list or inner.constrained or hasattr(inner, "inner"):
        return ""
    each, element = bind_name(names, None), bind_name(names, inner)
    form = _find_form(inner, each, element, names)
    if not form:
        return ""
    other = f"to_inner_wire({element}, {each}, 1)"
    return f"{{'L': [{form} else {other} for {each} in {value}]}} if type({value}) is list"


def _add_checks(field: AnyField, known: str, form: str) -> str:
    """Return *form* with the checks of ``v`` that the options of a field require; "" if they need a call."""
    kind: Any = type(field)
    overrides = any(getattr(kind, name) is not getattr(Field, name) for name in _OF_VALUES)
    if not form or field.stamps or field.normalises or field.validators or overrides:
        return ""
    if field.constrained:
        # find_problems() cannot compare a NaN, which only the encoder refuses.
        fails = _identify(kind) in (_identify(DecimalField), _identify(FloatField))
        checked = f"{form} and not (validate and {known}.find_problems(v))"
        return "" if field.key_limit or fails else checked
    if not field.key_limit:
        return form
    if field.kind == "B":
        return ""
    if _identify(kind) != _identify(CharField):
        return form  # no number and no moment is too long
    # A character has four bytes at most, and a key is not empty.
    return f"{form} and 0 < len(v) <= {field.key_limit // 4}"


_OF_VALUES = ("find_key_problem", "to_wire_or_null")
"""The methods that a user's class may override to treat some values in its own way."""


def _identify(kind: Any) -> tuple[Any, Any]:
    """Return the key of a class of fields in ``_FORMS``: its methods to_wire() and to_db()."""
    return kind.to_wire, kind.to_db


# The source that encodes values of exact types, by _identify() of the class of the field: beginnings of
# conditional expressions. $ is the value, @ the field. A float can hold every int up to 2**53.
_FORMS: dict[tuple[Any, Any], str] = {
    _identify(kind): form
    for kind, form in (
        (CharField, "{'S': $} if type($) is str"),
        (IntegerField, f"{{'N': f'{{$}}'}} if type($) is int and {-PLAIN_INT} < $ < {PLAIN_INT}"),
        (
            FloatField,
            "{'N': format_float($)} if type($) is float else "
            f"{{'N': f'{{$}}'}} if type($) is int and {-(2**53)} <= $ <= {2**53}",
        ),
        (DecimalField, "{'N': format_decimal($)} if type($) is Decimal"),
        (BooleanField, "{'BOOL': $} if type($) is bool"),
        (BinaryField, "{'B': $} if type($) is bytes"),
        (UUIDField, "{'S': str($)} if type($) is @.leaf"),
        (DateTimeField, "{'S': spell_moment($)} if type($) is datetime and $.tzinfo is UTC"),
        (DateField, "{'S': $.isoformat()} if type($) is date"),
        (SetField, "{'SS': sorted($)} if type($) is set and {*map(type, $)} == TEXT"),
        (ListField, "encode_list($) if type($) is list"),
        (DictField, "encode_map($) if type($) is dict"),
    )
}

_NAMES: dict[str, Any] = {
    each.__name__: each
    for each in (
        *(Unstorable, Decimal, date, datetime, encode_field, encode_own, to_inner_wire),
        *(encode_list, encode_map, format_decimal, format_float, spell_moment),
    )
} | {
    "TEXT": {str},
    "UTC": UTC,
}


def _complete(record: BaseRecord, wires: WireItem, errors: Errors) -> WireItem:
    """Return *wires* with the composed attributes, and with the stored spelling of unchanged values."""
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
    """Do as :func:`encode_fields` for a class with clean hooks."""
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
