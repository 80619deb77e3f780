"""Validates and cleans the values of a record before they are written.

The order is: the checks of each field (type, ``required``, choices, bounds, validators), then
``clean_<field>(value)``, which returns the value to keep, then ``clean()``, which sees all fields.
Documents inside a field come before its own ``clean_<field>``. The error has all problems at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from msgspec import Struct

from ...codec import Unstorable
from ...exceptions import DynamoDBError, FieldNotLoaded, ValidationError
from ...operations.base import Wire
from ..fields.base import AnyField
from ..fields.containers.compressed import CompressedField
from ..fields.containers.embedded import EmbeddedField
from ..fields.containers.lists import ListField
from ..fields.containers.maps import DictField
from ..fields.refusals import REQUIRED, without_validation
from .attributes import encode_own, find_known_fields, normalise_field
from .base import BaseRecord, is_deleted, is_untouched
from .checks import Errors, check_value, encode_value
from .clean_hooks import CleanHooks


def _documents_in(field: AnyField, value: Any, where: str) -> Iterator[tuple[str, BaseRecord]]:
    """Yield the documents in a value of *field* at the path *where*, with their own paths."""
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


def clean_fields(
    record: BaseRecord, fields: Sequence[AnyField], names: Iterable[str]
) -> dict[str, Wire | None]:
    """Check *fields*, call the hooks of the fields *names* and ``clean()``.

    Returns the attribute values of *fields* afterwards, by name. Raises ValidationError with all
    problems.
    """
    errors: Errors = {}
    wires = {field.name: _encode_field(record, field, errors) for field in fields}
    cleaning = hooks_of(record)
    if not cleaning.is_empty:
        refused = {name: list(messages) for name, messages in errors.items()}
        _call_hooks(record, cleaning, names, "", errors)
        touched = fields
        if not cleaning.has_clean:
            touched = [f for f in fields if f.name in cleaning.hooks or f.name in cleaning.nested]
        _check_again(record, touched, wires, refused, errors)
        for field in record._fieldset.normalising:
            if field.name in record.__dict__:
                normalise_field(record, field, record.__dict__[field.name])
    if errors:
        raise ValidationError(errors, model=type(record).__name__)
    return wires


def clean_value(field: AnyField, value: Any, errors: Errors) -> Wire | None:
    """Check a value that belongs to no instance, call the hooks of its documents, and encode it.

    Adds the problems to *errors*.
    """
    wire = _encode_checked(field, value, errors)
    had_hooks = False
    for where, document in _documents_in(field, value, field.name):
        had_hooks |= _call_document_hooks(document, where, errors)
    if not had_hooks or _is_wrong(errors, field.name):
        return wire
    return _encode_checked(field, value, errors)  # the hooks may have changed the documents


def _encode_checked(field: AnyField, value: Any, errors: Errors) -> Wire | None:
    wire = encode_value(field, value, errors)
    check_value(field, value, wire, errors, validate=True)
    return wire


def _encode_field(record: BaseRecord, field: AnyField, errors: Errors) -> Wire | None:
    values = record.__dict__
    if is_deleted(record, field.name):
        check_value(field, None, None, errors, validate=True)
        return None
    value = values[field.name] if field.name in values else record._value_of_unset(field)
    if field.normalises:
        if (wire := normalise_field(record, field, value)) is not None:
            return wire
        value = values.get(field.name, value)
    wire = encode_own(record, field, value, errors)
    check_value(field, value, wire, errors, validate=True)
    return wire


def _check_again(
    record: BaseRecord,
    fields: Sequence[AnyField],
    wires: dict[str, Wire | None],
    refused: Errors,
    errors: Errors,
) -> None:
    """Check the values that the hooks have replaced, and update *wires*.

    :param refused: the *errors* from before the hooks, which no longer count for replaced values.
    """

    def find() -> list[AnyField]:
        return [field for field in fields if _is_new(record, field, wires[field.name])]

    for field in without_validation(find):
        name = field.name
        if wires[name] is not None and name in refused and errors[name] == refused[name]:
            del errors[name]
        if not _is_wrong(errors, name):
            wires[name] = _encode_field(record, field, errors)


def _is_new(record: BaseRecord, field: AnyField, wire: Wire | None) -> bool:
    try:
        return field.to_wire_or_null(getattr(record, field.name)) != wire
    except Unstorable:
        return True


def _call_hooks(
    record: BaseRecord, cleaning: CleanHooks, names: Iterable[str], where: str, errors: Errors
) -> None:
    """Call the hooks of a record at the path *where*."""
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
        call = _HookCall(errors, where, where)
        call.run(record.clean, f"{type(record).__name__}.clean()")


def _call_field_hook(record: BaseRecord, name: str, hook: str, where: str, errors: Errors) -> None:
    method = getattr(record, hook)
    value = getattr(record, name)

    def keep() -> None:
        cleaned = method(value)
        if name in record.__dict__ or cleaned != value:  # a default that stays is not assigned
            record.__dict__[name] = cleaned

    call = _HookCall(errors, where, _join(where, name))
    call.run(keep, f"{type(record).__name__}.{hook}()")


def _call_document_hooks(document: BaseRecord, where: str, errors: Errors) -> bool:
    """Call the hooks of a document; return whether it has any."""
    cleaning = hooks_of(document)
    if cleaning.is_empty or is_untouched(document):
        return False
    if not document._decoded:
        document._decode()
    # Absent and unreadable fields of a loaded one stay as they are.
    here = document.__dict__ if document._stored is not None else document._fieldset.by_name
    names = [name for name in document._fieldset.by_name if name in here]
    _call_hooks(document, cleaning, names, where, errors)
    return True


class _HookCall(Struct):
    """A call of a hook: the path *where* of its record, and the *place* of its own messages."""

    errors: Errors
    where: str
    place: str

    def run(self, hook: Callable[[], None], name: str) -> None:
        try:
            hook()
        except ValidationError as error:
            for key, messages in error.errors.items():
                self.errors.setdefault(self._find_path(key), []).extend(messages)
        except FieldNotLoaded as error:
            raise FieldNotLoaded(
                f"{name} reads a field that was not fetched: {error}; validate=False skips the check"
            ) from error
        except DynamoDBError:
            raise  # such as the error of a failed read: the value may be right
        except ValueError as error:
            self.errors.setdefault(self.place, []).append(str(error) or repr(error))

    def _find_path(self, key: str) -> str:
        if not key or key[0] in ".[":
            return self.place + key
        return _join(self.where, key)


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _is_wrong(errors: Errors, path: str) -> bool:
    """Tell whether there are errors at *path* or inside it."""
    return any(_is_inside(each, path) for each in errors)


def _is_inside(path: str, outer: str) -> bool:
    return path == outer or not outer or path.startswith((f"{outer}.", f"{outer}["))


def _can_call_clean(record: BaseRecord, where: str, errors: Errors) -> bool:
    """Tell whether each field holds a value of its type, as ``clean()`` expects."""
    messages = [each for path in errors if _is_inside(path, where) for each in errors[path]]
    if REQUIRED in messages:
        return False
    return not messages or without_validation(lambda: _has_right_types(record))


def _has_right_types(record: BaseRecord) -> bool:
    wrong: Errors = {}
    for field in record._fieldset:
        if field.name in record.__dict__:
            encode_value(field, record.__dict__[field.name], wrong)
    return not wrong


def clean_record(record: BaseRecord, exclude: Iterable[str]) -> None:
    """Check *record* as a write does; raise ValidationError with all problems."""
    fields = record._fieldset
    if isinstance(exclude, str):
        raise TypeError(f"exclude={exclude!r}: give a list of names, [{exclude!r}]")
    left_out = frozenset(fields.expand_references(exclude))
    if not left_out <= fields.by_name.keys():
        raise fields.make_unknown_error(sorted(left_out - fields.by_name.keys()))
    if not record._decoded:
        record._decode()
    known = [field for field in find_known_fields(record) if field.name not in left_out]
    checked = [f for f in known if not f.stamps or record.__dict__.get(f.name) is not None]
    clean_fields(record, checked, [field.name for field in known])


def hooks_of(record: BaseRecord) -> CleanHooks:
    """Return the methods of the class that clean its values."""
    fields = record._fieldset
    if fields._clean_hooks is None:
        # Not at class creation: a document may get subclasses after the model that holds it.
        fields._clean_hooks = CleanHooks.of(type(record))
    return fields._clean_hooks


def clean_changed(record: BaseRecord, find_changed: Callable[[], list[AnyField]]) -> None:
    """Check the changed fields as ``validate`` does, for a class with hooks.

    :param find_changed: returns the fields that changed and are to be written.
    """
    changed = without_validation(find_changed)
    if not changed:
        return
    wires = clean_fields(record, changed, [field.name for field in changed])
    errors: Errors = {}
    for field in without_validation(find_changed):  # clean() may have set further fields
        if field.name not in wires:
            value = record.__dict__.get(field.name)
            check_value(field, value, encode_value(field, value, errors), errors, validate=True)
    if errors:
        raise ValidationError(errors, model=type(record).__name__)
