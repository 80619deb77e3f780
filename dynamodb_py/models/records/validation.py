"""Cleaning: what fields, and the methods that a class has for it, check before anything is written.

In this order: the field's own checks (its type, ``required``, choices, bounds, validators), then
``clean_<field>(value)``, which returns the value to keep, then ``clean()``, which sees the whole.
The documents inside a field come before its own ``clean_<field>``. All that is wrong is told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, cast

from msgspec import Struct

from ...codec import Unstorable
from ...exceptions import DynamoDBError, FieldNotLoaded, ValidationError
from ...operations.base import Wire, WireItem
from ..fields.base import REQUIRED, AnyField, without_validation
from ..fields.compressed import CompressedField
from ..fields.containers import DictField, EmbeddedField, ListField
from .clean_hooks import Cleaning

if TYPE_CHECKING:
    from .fieldset import FieldSet
    from .record import Record


Errors: TypeAlias = "dict[str, list[str]]"


def spell(field: AnyField, value: Any, errors: Errors, depth: int = 0) -> Wire | None:
    """Return the attribute value of a field's value, or say in *errors* why there is none."""
    try:
        return field.to_wire_or_null(value, depth)
    except Unstorable as error:
        errors.update(error.errors(field.name))
        return None


def check(
    field: AnyField, value: Any, wire: Wire | None, errors: Errors, *, validate: bool
) -> None:
    """Say in *errors* what the field's options have against its value."""
    if value is None:
        if field.is_key or (field.required and validate):
            errors[field.name] = [REQUIRED]
    elif (
        wire is not None and field.is_key and (problem := field.find_key_problem(wire)) is not None
    ):
        errors[field.name] = [problem]
    elif (
        validate
        and field.constrained
        and field.name not in errors
        and (said := field.find_problems(value))
    ):
        errors[field.name] = said


def _documents_in(field: AnyField, value: Any, where: str) -> Iterator[tuple[str, Record]]:
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
    record: Record, fields: Sequence[AnyField], names: Iterable[str]
) -> dict[str, Wire | None]:
    """Check *fields*, call the hooks of the fields *names* and ``clean()``.

    Returns what would be stored of *fields* afterwards, by name. Raises ValidationError with all that
    is wrong.
    """
    errors: Errors = {}
    wires = {field.name: _own(record, field, errors) for field in fields}
    cleaning = record._cleaning()
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


def _own(record: Record, field: AnyField, errors: Errors) -> Wire | None:
    """Return what would be stored of a field, or say in *errors* what its own checks refuse."""
    values = record.__dict__
    value = values[field.name] if field.name in values else record._missing(field)
    wire = spell(field, value, errors)
    check(field, value, wire, errors, validate=True)
    return wire


def _check_again(
    record: Record,
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


def _is_new(record: Record, field: AnyField, wire: Wire | None) -> bool:
    try:
        return field.to_wire_or_null(getattr(record, field.name)) != wire
    except Unstorable:
        return True


def _run(
    record: Record, cleaning: Cleaning, names: Iterable[str], where: str, errors: Errors
) -> None:
    """Call the hooks of a record that lies at *where*."""
    fields = record._fields.by_name
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


def _run_hook(record: Record, name: str, hook: str, where: str, errors: Errors) -> None:
    method = getattr(record, hook)
    value = getattr(record, name)

    def keep() -> None:
        record.__dict__[name] = method(value)

    blame = _Blame(errors, where, _joined(where, name))
    blame.call(keep, f"{type(record).__name__}.{hook}()")


def _run_document(document: Record, where: str, errors: Errors) -> bool:
    """Call the hooks of a document; tell whether there were any to call."""
    cleaning = document._cleaning()
    if cleaning.idle or document._is_untouched():
        return False
    if not document._decoded:
        document._decode()
    # Of a loaded one, what is absent or cannot be read is left as it is.
    here = document.__dict__ if document._stored is not None else document._fields.by_name
    names = [name for name in document._fields.by_name if name in here]
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


def _is_sound(record: Record, where: str, errors: Errors) -> bool:
    """Tell whether each field holds a value of its type, so that ``clean()`` can do with them."""
    said = [each for path in errors if _is_inside(path, where) for each in errors[path]]
    if REQUIRED in said:
        return False
    return not said or without_validation(lambda: _has_its_types(record))


def _has_its_types(record: Record) -> bool:
    wrong: Errors = {}
    for field in record._fields:
        if field.name in record.__dict__:
            spell(field, record.__dict__[field.name], wrong)
    return not wrong


class Cleaned:
    """What models and documents have of this: ``full_clean()``, and what runs it on writing."""

    __slots__ = ()

    if TYPE_CHECKING:  # what it is a part of has these
        _fields: ClassVar[FieldSet]
        _decoded: bool

        def _decode(self) -> None: ...
        def _known_fields(self) -> list[AnyField]: ...
        def _careful_wire(
            self, field: AnyField, errors: Errors, *, adding: bool, validate: bool
        ) -> Wire | None: ...
        def _differing(
            self, stored: Mapping[str, Wire]
        ) -> list[tuple[AnyField, Wire | None, Errors]]: ...

    def full_clean(self, exclude: Iterable[str] = ()) -> None:
        """Check this object as writing it would, without writing.

        Each field's own checks, then ``clean_<field>``, then ``clean()``. Fields that were not fetched
        are left out, and those that set themselves on saving may still be None.

        :param exclude: names of fields to leave out; ``clean()`` is called all the same.
        :raises ValidationError: with everything that is wrong, by field.
        """
        left_out = frozenset(self._fields.spread(exclude))
        if not left_out <= self._fields.by_name.keys():
            raise self._fields.unknown(sorted(left_out - self._fields.by_name.keys()))
        if not self._decoded:
            self._decode()
        known = [field for field in self._known_fields() if field.name not in left_out]
        checked = [f for f in known if not f.stamps or self.__dict__.get(f.name) is not None]
        cleaned(cast("Any", self), checked, [field.name for field in known])

    def clean(self) -> None:
        """Check what several fields say together, or set one by another: override it.

        Raise ValueError with a sentence about the whole, or ValidationError with messages by field.
        Every write calls it unless ``validate=False``, after ``clean_<field>``.
        """

    @classmethod
    def _has_clean(cls) -> bool:
        return cls.clean is not Cleaned.clean

    def _cleaning(self) -> Cleaning:
        """Return what the class asks for beside the options of its fields."""
        fields = self._fields
        if fields._cleaning is None:
            # Not with the class: a document may get subclasses after the model that holds it.
            fields._cleaning = Cleaning.of(cast("Any", type(self)))
        return fields._cleaning

    def _clean_changed(
        self, stored: Mapping[str, Wire], among: Iterable[str] | None = None
    ) -> bool:
        """Check the fields that changed since *stored* was loaded, for a class that has methods for it.

        Tells whether it has: then all that ``validate`` asks for has been asked.

        :param among: only the fields of these names are to be written.
        """
        if self._cleaning().idle:
            return False
        changed = self._changed(stored, among)
        if not changed:
            return True
        wires = cleaned(cast("Any", self), changed, [field.name for field in changed])
        # What a clean() has put into further fields.
        more = [f for f in self._changed(stored, among) if f.name not in wires]
        errors: Errors = {}
        for field in more:
            value = self.__dict__[field.name]
            check(field, value, spell(field, value, errors), errors, validate=True)
        if errors:
            raise ValidationError(errors, model=type(self).__name__)
        return True

    def _changed(self, stored: Mapping[str, Wire], among: Iterable[str] | None) -> list[AnyField]:
        fields = [field for field, _, _ in without_validation(lambda: self._differing(stored))]
        if among is None:
            return fields
        names = frozenset(among)
        return [field for field in fields if field.name in names]

    def _cleaned_wires(self, *, adding: bool) -> WireItem:
        """Do as ``_wires`` for a class that has methods to be called before."""
        known = self._known_fields()
        wires = cleaned(
            cast("Any", self), [f for f in known if not f.stamps], [f.name for f in known]
        )
        by_name = self._fields.by_name
        item = {by_name[name].attribute: wire for name, wire in wires.items() if wire is not None}
        errors: Errors = {}
        for field in known:
            if field.stamps:
                wire = self._careful_wire(field, errors, adding=adding, validate=True)
                if wire is not None:
                    item[field.attribute] = wire
        if self._fields.computed is not None:
            self._fields.computed.compose_item(cast("Any", self), item, errors)
        if errors:
            raise ValidationError(errors, model=type(self).__name__)
        return item
