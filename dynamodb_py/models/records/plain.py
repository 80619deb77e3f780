"""Records as dicts of plain values, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypeVar

from ...codec import Unstorable
from ...exceptions import ValidationError
from ..fields.base import AnyField
from ..fields.json_forms import PLAINLY, Reading
from ..fields.refusals import REQUIRED, UNFIT, without_validation
from .attributes import find_known_fields
from .base import BaseRecord, find_unread_fields
from .checks import Errors, check_value, encode_value
from .filling import fill, list_missing, make_missing_error
from .validation import clean_record

R = TypeVar("R", bound=BaseRecord)

Mode: TypeAlias = Literal["python", "json"]
ReadMode: TypeAlias = Literal["python", "json", "any"]


def check_mode(mode: str) -> bool:
    """Tell whether *mode* is ``"json"``; raise TypeError for an unknown one."""
    if mode not in ("python", "json"):
        raise TypeError(f'mode={mode!r}: it takes "python" or "json"; from_dict() takes "any" too')
    return mode == "json"


def make_reading(mode: str, *, strict: bool) -> Reading:
    """Return how values are read in *mode*; raise TypeError for an unknown one."""
    typed = mode == "any"
    how = Reading(typed or check_mode(mode), strict, typed)
    return PLAINLY if how == PLAINLY else how


def list_fetched(record: BaseRecord) -> list[AnyField]:
    """Return the fields that were fetched or set, and that can be read."""
    if not record._decoded:
        record._decode()
    unread, values = find_unread_fields(record), record.__dict__
    return [field for field in record._fieldset if field.name not in unread or field.name in values]


def form_record(record: BaseRecord) -> dict[str, Any]:
    """Return the JSON forms of the values by field name; raise ValidationError if a value cannot be stored."""
    errors: Errors = {}
    forms = without_validation(lambda: _form_fields(record, errors))
    if errors:
        raise ValidationError(errors, model=type(record).__name__)
    return forms


def _form_fields(record: BaseRecord, errors: Errors) -> dict[str, Any]:
    forms: dict[str, Any] = {}
    for field in list_fetched(record):
        value = getattr(record, field.name)
        try:
            forms[field.name] = None if value is None else field.to_json(value)
        except Unstorable as error:
            errors.update(error.errors(field.name))
        except UNFIT as error:
            errors[field.name] = [str(error) or repr(error)]
    return forms


def read_record(kind: type[R], values: Mapping[str, Any], how: Reading) -> R:
    """Return a new record with *values* by field name.

    Raises ValidationError with all problems, and TypeError for unknown names that are not among these.
    """
    record = kind.__new__(kind)
    given: object = values
    if not isinstance(given, Mapping):
        problem = f"from_dict() takes a dict of values by field name, not {values!r:.80}"
        raise ValidationError(problem, model=kind.__name__)
    errors: Errors = {}
    known = _drop_unknown(kind, values, errors) if how.strict else values
    found: dict[str, Any] = {}
    for name, each in known.items():
        try:
            found[name] = kind._fieldset.get_field(name).from_plain(each, how)
        except Unstorable as error:
            errors.update(error.errors(name))
        except RecursionError:
            errors[name] = ["it is nested too deeply"]
    wrong = known.keys() - found.keys()
    if not wrong or how.strict:
        try:
            fill(record, found)
            missing = [name for name in list_missing(record) if name not in wrong]
            if how.strict:
                errors.update((name, [REQUIRED]) for name in missing)
                parts = [part for name in missing for part in record._fieldset.needed[name]]
                _check_strictly(record, {*wrong, *missing, *parts})
            elif missing:
                raise make_missing_error(record, missing)
        except ValidationError as error:
            errors.update(error.errors)
    if errors:
        raise ValidationError(errors, model=kind.__name__)
    return record


def _drop_unknown(
    kind: type[BaseRecord], values: Mapping[str, Any], errors: Errors
) -> Mapping[str, Any]:
    """Return *values* without the names that no field has, which are added to *errors*."""
    fields = kind._fieldset
    unknown = [n for n in values if n not in fields.by_name and n not in fields.references]
    for name in unknown:
        errors[str(name)] = [str(fields.make_unknown_error([str(name)]))]
    return {name: each for name, each in values.items() if name not in unknown}


def _check_strictly(record: BaseRecord, wrong: set[str]) -> None:
    """Check *record* as a write does; without hooks if there are fields whose values are *wrong*."""
    if not wrong:
        clean_record(record, ())
        return
    errors: Errors = {}
    for field in find_known_fields(record):
        value = record.__dict__.get(field.name)
        if field.name not in wrong and not (field.stamps and value is None):
            check_value(field, value, encode_value(field, value, errors), errors, validate=True)
    if errors:
        raise ValidationError(errors, model=type(record).__name__)
