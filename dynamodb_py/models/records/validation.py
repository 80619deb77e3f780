"""Cleaning: what fields, and the methods that a class has for it, check before anything is written.

In this order: the field's own checks (its type, ``required``, choices, bounds, validators), then
``clean_<field>(value)``, which returns the value to keep, then ``clean()``, which sees the whole.
The documents inside a field come before its own ``clean_<field>``. All that is wrong is told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from msgspec import Struct

from ...codec import Unstorable
from ...exceptions import DynamoDBError, FieldNotLoaded, ValidationError
from ...operations.base import Wire
from ..fields.base import REQUIRED, AnyField, without_validation
from ..fields.compressed import CompressedField
from ..fields.containers import DictField, EmbeddedField, ListField
from .attributes import find_known_fields
from .base import BaseRecord, is_untouched
from .checks import Errors, check_value, encode_value
from .clean_hooks import CleanHooks


def _documents_in(field: AnyField, value: Any, where: str) -> Iterator[tuple[str, BaseRecord]]:
    """Yield the documents in a value of *field*, which lies at *where*, with their paths."""
    if isinstance(field, EmbeddedField):
        if isinstance(value, field.document):
            yield where, value
    elif isinstance(field, CompressedField):
        if field.inner is not None:
            yield from _documents_in(field.inner, value, where)
    elif isinstance(field, ListField):
        if field.inner is not None and isinstance(value, (list, tuple)):
            for at, each in enumerate(cast("Sequence[Any]", value)):
                yield from _documents_in(field.inner, each, f"{where}[{at}]")
    elif isinstance(field, DictField) and isinstance(value, Mapping):
        for key, each in cast("Mapping[str, Any]", value).items():
            inner = field._field_at(key)
            if inner is not None:
                yield from _documents_in(inner, each, f"{where}.{key}")


# -- carrying it out -----------------------------------------------------------------------------
def clean_fields(
    record: BaseRecord, fields: Sequence[AnyField], names: Iterable[str]
) -> dict[str, Wire | None]:
    """Check *fields*, call the hooks of the fields *names* and ``clean()``.

    Returns what would be stored of *fields* afterwards, by name. Raises ValidationError with all that
    is wrong.
    """
    errors: Errors = {}
    wires = {field.name: _encode_checked(record, field, errors) for field in fields}
    cleaning = hooks_of(record)
    if not cleaning.is_empty:
        refused = {name: list(said) for name, said in errors.items()}
        _call_hooks(record, cleaning, names, "", errors)
        touched = fields
        if not cleaning.has_clean:
            touched = [f for f in fields if f.name in cleaning.hooks or f.name in cleaning.nested]
        _check_again(record, touched, wires, refused, errors)
    if errors:
        raise ValidationError(errors, model=type(record).__name__)
    return wires


def clean_value(field: AnyField, value: Any, errors: Errors) -> Wire | None:
    """Return the attribute value of a field's value alone, which belongs to no instance.

    The field's own checks count, and the hooks of the documents in it; says in *errors* what is wrong.
    """
    wire = encode_value(field, value, errors)
    check_value(field, value, wire, errors, validate=True)
    asked = False
    for where, document in _documents_in(field, value, field.name):
        asked |= _call_document_hooks(document, where, errors)
    if not asked or _is_wrong(errors, field.name):
        return wire
    wire = encode_value(field, value, errors)  # the hooks may have changed what is in there
    check_value(field, value, wire, errors, validate=True)
    return wire


def _encode_checked(record: BaseRecord, field: AnyField, errors: Errors) -> Wire | None:
    """Return what would be stored of a field, or say in *errors* what its own checks refuse."""
    values = record.__dict__
    value = values[field.name] if field.name in values else record._value_of_unset(field)
    wire = encode_value(field, value, errors)
    check_value(field, value, wire, errors, validate=True)
    return wire


def _check_again(
    record: BaseRecord,
    fields: Sequence[AnyField],
    wires: dict[str, Wire | None],
    refused: Errors,
    errors: Errors,
) -> None:
    """Check what the hooks have put in the place of what was checked; bring *wires* up to it.

    :param refused: what there was in *errors* before the hooks: of a value that a hook has replaced it
        no longer counts.
    """

    def find() -> list[AnyField]:
        return [field for field in fields if _is_new(record, field, wires[field.name])]

    for field in without_validation(find):
        name = field.name
        if wires[name] is not None and name in refused and errors[name] == refused[name]:
            del errors[name]
        if not _is_wrong(errors, name):
            wires[name] = _encode_checked(record, field, errors)


def _is_new(record: BaseRecord, field: AnyField, wire: Wire | None) -> bool:
    try:
        return field.to_wire_or_null(getattr(record, field.name)) != wire
    except Unstorable:
        return True


def _call_hooks(
    record: BaseRecord, cleaning: CleanHooks, names: Iterable[str], where: str, errors: Errors
) -> None:
    """Call the hooks of a record that lies at *where*."""
    fields = record._fieldset.by_name
    for name in names:
        hook = cleaning.hooks.get(name)
        if hook is None and name not in cleaning.nested:
            continue
        place = _join(where, name)
        if name in cleaning.nested:
            for inner, document in _documents_in(fields[name], getattr(record, name), place):
                _call_document_hooks(document, inner, errors)
        if hook is not None and not _is_wrong(errors, place):
            _call_field_hook(record, name, hook, where, errors)
    if cleaning.has_clean and _can_call_clean(record, where, errors):
        with_where = _HookCall(errors, where, where)
        with_where.call(record.clean, f"{type(record).__name__}.clean()")


def _call_field_hook(record: BaseRecord, name: str, hook: str, where: str, errors: Errors) -> None:
    method = getattr(record, hook)
    value = getattr(record, name)

    def keep() -> None:
        record.__dict__[name] = method(value)

    blame = _HookCall(errors, where, _join(where, name))
    blame.call(keep, f"{type(record).__name__}.{hook}()")


def _call_document_hooks(document: BaseRecord, where: str, errors: Errors) -> bool:
    """Call the hooks of a document; tell whether there were any to call."""
    cleaning = hooks_of(document)
    if cleaning.is_empty or is_untouched(document):
        return False
    if not document._decoded:
        document._decode()
    # Of a loaded one, what is absent or cannot be read is left as it is.
    here = document.__dict__ if document._stored is not None else document._fieldset.by_name
    names = [name for name in document._fieldset.by_name if name in here]
    _call_hooks(document, cleaning, names, where, errors)
    return True


class _HookCall(Struct):
    """Where what a hook refuses is told: *where* its record lies, *place* what it speaks of."""

    errors: Errors
    where: str
    place: str

    def call(self, hook: Callable[[], None], called: str) -> None:
        try:
            hook()
        except ValidationError as error:
            for key, said in error.errors.items():
                self.errors.setdefault(self.path(key), []).extend(said)
        except FieldNotLoaded as error:
            raise FieldNotLoaded(
                f"{called} reads what was not fetched: {error}; validate=False skips the check"
            ) from error
        except DynamoDBError:
            raise  # such as that of a read that failed: no verdict on the value
        except ValueError as error:
            self.errors.setdefault(self.place, []).append(str(error) or repr(error))

    def path(self, key: str) -> str:
        if not key or key[0] in ".[":
            return self.place + key
        return _join(self.where, key)


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _is_wrong(errors: Errors, path: str) -> bool:
    """Tell whether anything at *path*, or inside it, is wrong."""
    return any(_is_inside(each, path) for each in errors)


def _is_inside(path: str, outer: str) -> bool:
    return path == outer or not outer or path.startswith((f"{outer}.", f"{outer}["))


def _can_call_clean(record: BaseRecord, where: str, errors: Errors) -> bool:
    """Tell whether each field holds a value of its type, so that ``clean()`` can do with them."""
    said = [each for path in errors if _is_inside(path, where) for each in errors[path]]
    if REQUIRED in said:
        return False
    return not said or without_validation(lambda: _has_right_types(record))


def _has_right_types(record: BaseRecord) -> bool:
    wrong: Errors = {}
    for field in record._fieldset:
        if field.name in record.__dict__:
            encode_value(field, record.__dict__[field.name], wrong)
    return not wrong


def clean_record(record: BaseRecord, exclude: Iterable[str]) -> None:
    """Check *record* as writing it would; raise ValidationError with everything that is wrong."""
    fields = record._fieldset
    left_out = frozenset(fields.expand_references(exclude))
    if not left_out <= fields.by_name.keys():
        raise fields.make_unknown_error(sorted(left_out - fields.by_name.keys()))
    if not record._decoded:
        record._decode()
    known = [field for field in find_known_fields(record) if field.name not in left_out]
    checked = [f for f in known if not f.stamps or record.__dict__.get(f.name) is not None]
    clean_fields(record, checked, [field.name for field in known])


def hooks_of(record: BaseRecord) -> CleanHooks:
    """Return what the class asks for beside the options of its fields."""
    fields = record._fieldset
    if fields._clean_hooks is None:
        # Not with the class: a document may get subclasses after the model that holds it.
        fields._clean_hooks = CleanHooks.of(type(record))
    return fields._clean_hooks


def clean_changed(record: BaseRecord, find_changed: Callable[[], list[AnyField]]) -> bool:
    """Check the fields that changed, for a class that has methods for it; tell whether it has.

    Where it has, all that ``validate`` asks for is checked.

    :param find_changed: returns the fields that changed and are to be written.
    """
    if hooks_of(record).is_empty:
        return False
    changed = without_validation(find_changed)
    if not changed:
        return True
    wires = clean_fields(record, changed, [field.name for field in changed])
    errors: Errors = {}
    for field in without_validation(find_changed):  # clean() may have set further fields
        if field.name not in wires:
            value = record.__dict__[field.name]
            check_value(field, value, encode_value(field, value, errors), errors, validate=True)
    if errors:
        raise ValidationError(errors, model=type(record).__name__)
    return True
