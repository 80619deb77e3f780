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
from .attributes import known_fields
from .base import BaseRecord, is_untouched
from .checks import Errors, check, spell
from .clean_hooks import Cleaning


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
def cleaned(
    record: BaseRecord, fields: Sequence[AnyField], names: Iterable[str]
) -> dict[str, Wire | None]:
    """Check *fields*, call the hooks of the fields *names* and ``clean()``.

    Returns what would be stored of *fields* afterwards, by name. Raises ValidationError with all that
    is wrong.
    """
    errors: Errors = {}
    wires = {field.name: _own(record, field, errors) for field in fields}
    cleaning = cleaning_of(record)
    if not cleaning.idle:
        refused = {name: list(said) for name, said in errors.items()}
        _run(record, cleaning, names, "", errors)
        touched = fields
        if not cleaning.whole:
            touched = [f for f in fields if f.name in cleaning.hooks or f.name in cleaning.inside]
        _check_again(record, touched, wires, refused, errors)
    if errors:
        raise ValidationError(errors, model=type(record).__name__)
    return wires


def clean_value(field: AnyField, value: Any, errors: Errors) -> Wire | None:
    """Return the attribute value of a field's value alone, which belongs to no instance.

    The field's own checks count, and the hooks of the documents in it; says in *errors* what is wrong.
    """
    wire = spell(field, value, errors)
    check(field, value, wire, errors, validate=True)
    asked = False
    for where, document in _documents_in(field, value, field.name):
        asked |= _run_document(document, where, errors)
    if not asked or _is_wrong(errors, field.name):
        return wire
    wire = spell(field, value, errors)  # the hooks may have changed what is in there
    check(field, value, wire, errors, validate=True)
    return wire


def _own(record: BaseRecord, field: AnyField, errors: Errors) -> Wire | None:
    """Return what would be stored of a field, or say in *errors* what its own checks refuse."""
    values = record.__dict__
    value = values[field.name] if field.name in values else record._value_of_unset(field)
    wire = spell(field, value, errors)
    check(field, value, wire, errors, validate=True)
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
            wires[name] = _own(record, field, errors)


def _is_new(record: BaseRecord, field: AnyField, wire: Wire | None) -> bool:
    try:
        return field.to_wire_or_null(getattr(record, field.name)) != wire
    except Unstorable:
        return True


def _run(
    record: BaseRecord, cleaning: Cleaning, names: Iterable[str], where: str, errors: Errors
) -> None:
    """Call the hooks of a record that lies at *where*."""
    fields = record._fieldset.by_name
    for name in names:
        hook = cleaning.hooks.get(name)
        if hook is None and name not in cleaning.inside:
            continue
        place = _joined(where, name)
        if name in cleaning.inside:
            for inner, document in _documents_in(fields[name], getattr(record, name), place):
                _run_document(document, inner, errors)
        if hook is not None and not _is_wrong(errors, place):
            _run_hook(record, name, hook, where, errors)
    if cleaning.whole and _is_sound(record, where, errors):
        with_where = _Blame(errors, where, where)
        with_where.call(record.clean, f"{type(record).__name__}.clean()")


def _run_hook(record: BaseRecord, name: str, hook: str, where: str, errors: Errors) -> None:
    method = getattr(record, hook)
    value = getattr(record, name)

    def keep() -> None:
        record.__dict__[name] = method(value)

    blame = _Blame(errors, where, _joined(where, name))
    blame.call(keep, f"{type(record).__name__}.{hook}()")


def _run_document(document: BaseRecord, where: str, errors: Errors) -> bool:
    """Call the hooks of a document; tell whether there were any to call."""
    cleaning = cleaning_of(document)
    if cleaning.idle or is_untouched(document):
        return False
    if not document._decoded:
        document._decode()
    # Of a loaded one, what is absent or cannot be read is left as it is.
    here = document.__dict__ if document._stored is not None else document._fieldset.by_name
    names = [name for name in document._fieldset.by_name if name in here]
    _run(document, cleaning, names, where, errors)
    return True


class _Blame(Struct):
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
        return _joined(self.where, key)


def _joined(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _is_wrong(errors: Errors, path: str) -> bool:
    """Tell whether anything at *path*, or inside it, is wrong."""
    return any(_is_inside(each, path) for each in errors)


def _is_inside(path: str, outer: str) -> bool:
    return path == outer or not outer or path.startswith((f"{outer}.", f"{outer}["))


def _is_sound(record: BaseRecord, where: str, errors: Errors) -> bool:
    """Tell whether each field holds a value of its type, so that ``clean()`` can do with them."""
    said = [each for path in errors if _is_inside(path, where) for each in errors[path]]
    if REQUIRED in said:
        return False
    return not said or without_validation(lambda: _has_its_types(record))


def _has_its_types(record: BaseRecord) -> bool:
    wrong: Errors = {}
    for field in record._fieldset:
        if field.name in record.__dict__:
            spell(field, record.__dict__[field.name], wrong)
    return not wrong


def clean_record(record: BaseRecord, exclude: Iterable[str]) -> None:
    """Check *record* as writing it would; raise ValidationError with everything that is wrong."""
    fields = record._fieldset
    left_out = frozenset(fields.spread(exclude))
    if not left_out <= fields.by_name.keys():
        raise fields.unknown(sorted(left_out - fields.by_name.keys()))
    if not record._decoded:
        record._decode()
    known = [field for field in known_fields(record) if field.name not in left_out]
    checked = [f for f in known if not f.stamps or record.__dict__.get(f.name) is not None]
    cleaned(record, checked, [field.name for field in known])


def cleaning_of(record: BaseRecord) -> Cleaning:
    """Return what the class asks for beside the options of its fields."""
    fields = record._fieldset
    if fields._cleaning is None:
        # Not with the class: a document may get subclasses after the model that holds it.
        fields._cleaning = Cleaning.of(type(record))
    return fields._cleaning


def clean_changed(record: BaseRecord, find_changed: Callable[[], list[AnyField]]) -> None:
    """Check the fields that changed, for a class with hooks: all that ``validate`` asks for.

    :param find_changed: returns the fields that changed and are to be written.
    """
    changed = without_validation(find_changed)
    if not changed:
        return
    wires = cleaned(record, changed, [field.name for field in changed])
    errors: Errors = {}
    for field in without_validation(find_changed):  # clean() may have set further fields
        if field.name not in wires:
            value = record.__dict__[field.name]
            check(field, value, spell(field, value, errors), errors, validate=True)
    if errors:
        raise ValidationError(errors, model=type(record).__name__)
