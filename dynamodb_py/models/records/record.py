"""Records: what models and documents have in common.

A loaded record keeps its attributes as the bytes that came from the wire, and decodes them all when
a field is first read. The values then sit in its ``__dict__``; the bytes stay as the snapshot that
saving compares with, and hold the attributes that the class does not declare.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct

from ...codec import Unstorable, as_sent, decode, from_json, item_size, to_json
from ...exceptions import FieldNotLoaded, UnreadableValue, ValidationError
from ...operations.base import Wire, WireItem
from ...operations.items import StoredItem
from ..fields.base import UNFIT, AnyField, is_checking, without_validation
from ..foreign_keys.expansion import References
from .fieldset import FieldSet
from .validation import Cleaned
from .validation import check as check
from .validation import spell as spell

if TYPE_CHECKING:
    from typing_extensions import Self


class Aside(Struct):
    """What is rarely needed of a loaded record."""

    defaults: dict[str, Wire | None] = {}
    """The defaults that were put in for absent attributes, as they would be stored."""
    unreadable: dict[str, UnreadableValue] = {}
    partial: frozenset[str] | None = None
    """The names of the fields that were fetched, if not all were."""
    kept: WireItem = {}
    """Of an item that was deleted: what no field declares."""
    stub: bool = False
    """Whether it was made of a reference, of which nothing but the key is known."""
    spelled: WireItem | None = None
    """Of a document with fields that set themselves: what the others were when they last did."""


class Record(Cleaned):
    """An object with fields. Subclasses are models, which have tables, and documents."""

    __slots__ = ("_aside", "_decoded", "_stored")

    _fields: ClassVar[FieldSet]
    _references: ClassVar[References] = {}

    _stored: StoredItem | None
    _decoded: bool
    _aside: Aside | None

    def __new__(cls, *_: Any, **__: Any) -> Self:
        """Make a record that was not loaded, whatever the ``__init__`` of its class does."""
        self = object.__new__(cls)
        self._stored, self._decoded, self._aside = None, True, None
        return self

    def __init__(self, **values: Any) -> None:
        self._fill(values)

    def _fill(self, values: dict[str, Any]) -> None:
        """Set the fields from *values*, and those that they leave out to their defaults."""
        fields = self._fields.by_name
        mine = self.__dict__
        mine.update(values)
        if self._fields.computed is not None:
            self._fields.computed.split_texts(mine)
        elif len(mine) == len(fields) and mine.keys() == fields.keys():
            return
        if not values.keys() <= fields.keys():
            for name in values:
                mine.pop(name, None)
            self._fill_references(values)
            return
        made = self._fields.computed.by_name if self._fields.computed is not None else ()
        for name, field in fields.items():
            if name not in mine and name not in made:
                mine[name] = field.make_default()

    def _fill_references(self, values: dict[str, Any]) -> None:
        """Do as ``_fill`` where references are among the values, or what is unknown."""
        known: Any = self._fields
        if self._references.keys() & values.keys():
            if not all(reference.is_settled for reference in self._references.values()):
                self._settle_references()
            known = self._fields
        if unknown := [n for n in values if n not in known.by_name and n not in known.references]:
            raise known.unknown(unknown)
        self._fill(dict(known.expanded(values)))
        for name in values.keys() & known.references.keys():
            known.references[name].keep(self, values[name])

    @classmethod
    def _settle_references(cls) -> None:
        """Find the classes that references name, wherever they are; somebody needs them now."""

    @classmethod
    def _load(cls, stored: StoredItem) -> Self:
        self = object.__new__(cls)
        self._stored, self._decoded, self._aside = stored, False, None
        return self

    @classmethod
    def _load_key(cls, key: Mapping[str, Wire]) -> Self:
        """Load a key alone, to read what it says: nobody is told of it, as nobody gets it."""
        self = object.__new__(cls)
        self._stored, self._decoded, self._aside = to_json(key), False, None
        return self

    @classmethod
    def _load_partial(cls, stored: StoredItem, held: frozenset[str] | None) -> Self:
        """Load an item of which the attributes *held* were fetched; None stands for all of it."""
        return cls._load(stored) if held is None else cls._holding(held)(stored)

    @classmethod
    def _holding(cls, held: frozenset[str]) -> Callable[[StoredItem], Self]:
        """Return what loads items of which the attributes *held* were fetched."""
        return cls._partially(cls._fields.held(held))

    @classmethod
    def _partially(cls, names: frozenset[str]) -> Callable[[StoredItem], Self]:
        """Return what loads items of which the fields *names* were fetched."""

        def load(stored: StoredItem) -> Any:
            self = object.__new__(cls)
            self._stored, self._decoded, self._aside = stored, False, Aside(partial=names)
            return self

        return load

    @classmethod
    def from_db(cls, item: StoredItem | str | Mapping[str, Any]) -> Self:
        """Return the record that *item* holds, without calling ``__init__``.

        :param item: the attributes as DynamoDB spells them, ``{"name": {"S": "gs1"}}``: a mapping as
            boto3's client gives it, or JSON.
        """
        if isinstance(item, str):
            item = item.encode()
        return cls._load(item if isinstance(item, bytes) else to_json(item))

    def _decode(self) -> None:
        """Decode what is stored; values that were set since it was loaded stay."""
        values = self.__dict__
        assigned = dict(values) if values else None
        fields = self._fields
        stored: Any = self._stored
        try:
            (fields._reader or fields.reader())(stored, values)
        except UNFIT:
            readable, unreadable = fields.read_one_by_one(stored)
            values.update(readable)
            self._apart().unreadable = unreadable
        if assigned:
            values.update(assigned)
        self._decoded = True

    def _apart(self) -> Aside:
        if self._aside is None:
            self._aside = Aside()
        return self._aside

    def _missing(self, field: AnyField) -> Any:
        """Return the value of a field without one: its default, which reading alone never stores."""
        aside, computed = self._aside, self._fields.computed
        if computed is not None and (made := computed.by_name.get(field.name)) is not None:
            text = computed.compose_text(self, made)
            if text is not None or aside is None or aside.partial is None:
                return text
        if aside is not None:
            if field.name in aside.unreadable:
                raise aside.unreadable[field.name]
            if aside.stub and aside.partial is not None and field.name not in aside.partial:
                raise FieldNotLoaded(
                    f"{field.label} was not fetched with this instance, which was made of a reference and "
                    "knows only its key: fetch() or refresh_from_db() fetches it, in asyncio await "
                    "afetch(), and prefetch_related() many at once"
                )
            if aside.partial is not None and field.name not in aside.partial:
                raise FieldNotLoaded(
                    f"{field.label} was not fetched with this instance: refresh_from_db() fetches "
                    "it; a query reads it where only() and defer() do not leave it out, and through "
                    "an index with .full(), or where the index's projection includes it"
                )
        value = field.make_default() if self._stored is None else field.make_absent_value()
        self.__dict__[field.name] = value
        if self._stored is not None and value is not None:
            self._apart().defaults[field.name] = field.to_wire_or_null(value)
        return value

    # -- what would be stored ------------------------------------------------------------------

    def _wires(self, *, adding: bool, validate: bool = True) -> WireItem:
        """Return what would be stored of the declared fields; absent ones are left out.

        Raises ValidationError with every field that is wrong.
        """
        if not validate and is_checking():
            return without_validation(lambda: self._wires(adding=adding, validate=False))
        if not self._decoded:
            self._decode()
        if validate and not (self._fields._cleaning or self._cleaning()).idle:
            return self._cleaned_wires(adding=adding)
        wires: WireItem = {}
        errors: dict[str, list[str]] = {}
        values = self.__dict__
        for name, attribute, field, careful in self._fields.plan():
            if careful or name not in values:
                wire = self._careful_wire(field, errors, adding=adding, validate=validate)
            elif (value := values[name]) is None:
                continue
            else:
                try:
                    wire = field.to_wire(value)
                except Unstorable as error:
                    errors.update(error.errors(name))
                    continue
            if wire is not None:
                wires[attribute] = wire
        if self._fields.computed is not None:
            self._fields.computed.compose_item(self, wires, errors)
        if errors:
            raise ValidationError(errors, model=type(self).__name__)
        return wires

    def _known_fields(self) -> list[AnyField]:
        """Return the fields that have a value here, or have none in the item either."""
        unread = self._unread() - self.__dict__.keys()
        return [field for field in self._fields.written() if field.name not in unread]

    def _is_untouched(self) -> bool:
        """Tell whether this is as it was loaded, since nobody has read or set anything in it."""
        return not self._decoded and self._stored is not None and not self.__dict__

    def _largest(self, wires: Mapping[str, Wire], count: int = 3) -> str:
        """Return the names of the fields that take most of an item, with their bytes."""
        sizes = {name: item_size({name: wire}) for name, wire in wires.items()}
        declared = self._fields.by_attribute
        return ", ".join(
            f"{declared[name].name if name in declared else name} ({sizes[name]} bytes)"
            for name in sorted(sizes, key=lambda name: -sizes[name])[:count]
        )

    def _careful_wire(
        self, field: AnyField, errors: dict[str, list[str]], *, adding: bool, validate: bool
    ) -> Wire | None:
        """Return the attribute value of one field, with all that its options ask for."""
        name = field.name
        if name in self.__dict__:
            value = self.__dict__[name]
        elif name in self._unread():
            return None
        else:
            value = self._missing(field)
        if field.stamps:
            value = self._stamp(field, value, adding=adding)
        wire = spell(field, value, errors)
        check(field, value, wire, errors, validate=validate)
        return wire

    def _stamp(self, field: AnyField, value: Any, *, adding: bool) -> Any:
        """Return what the field itself wants to store, such as the present time."""
        stamped = field.pre_save(value, adding=adding)
        if stamped is not value:
            self.__dict__[field.name] = stamped
        return stamped

    def _unread(self) -> frozenset[str]:
        """Return the fields that have no value here though the item may have one."""
        aside = self._aside
        if aside is None:
            return frozenset()
        unread = frozenset(aside.unreadable)
        if aside.partial is None:
            return unread
        return unread | (self._fields.by_name.keys() - aside.partial)

    @property
    def _partial(self) -> frozenset[str] | None:
        """The names of the fields that were fetched; None where all of the item was."""
        return None if self._aside is None else self._aside.partial

    def _undeclared(self) -> WireItem:
        """Return the stored attributes that no field declares, as they are spelled to send."""
        if self._stored is None:
            return {} if self._aside is None else self._aside.kept
        declared = self._fields.by_attribute
        stored: WireItem = from_json(self._stored)
        return {name: as_sent(wire) for name, wire in stored.items() if name not in declared}

    def _left_alone(self) -> WireItem:
        """Return what writing the whole item must take along: what is undeclared or not readable.

        Raises FieldNotLoaded where not all of the item was fetched.
        """
        if not self._decoded:
            self._decode()  # before that, nobody knows what cannot be read
        aside, values = self._aside, self.__dict__
        if aside is None:
            return self._undeclared()
        if aside.partial is not None:
            unread = self._unread() - values.keys()
            lost = [name for name in self._fields.by_name if name in unread]
            raise FieldNotLoaded(
                f"{type(self).__name__}: {', '.join([*lost, 'undeclared attributes'])} would be lost, "
                "as they were not fetched with this instance: refresh_from_db() first, "
                "or save() what changed"
            )
        names = [name for name in aside.unreadable if name not in values]
        if not names or self._stored is None:
            return self._undeclared()
        stored: WireItem = from_json(self._stored)
        attributes = [self._fields.by_name[name].attribute for name in names]
        return self._undeclared() | {
            name: as_sent(stored[name]) for name in attributes if name in stored
        }

    # -- for users -----------------------------------------------------------------------------

    @property
    def extra(self) -> Mapping[str, Any]:
        """The stored attributes that no field declares, by name; every save leaves them alone.

        Raises FieldNotLoaded where not all of the item was fetched.
        """
        if self._partial is not None:
            raise FieldNotLoaded(
                f"{type(self).__name__}: not all of the item was fetched with this instance, so its "
                "undeclared attributes are not known: refresh_from_db() fetches them"
            )
        return MappingProxyType({name: decode(wire) for name, wire in self._undeclared().items()})

    def to_dict(self) -> dict[str, Any]:
        """Return the values of all fields that were fetched by name, documents as dicts too."""
        names = list(self._fields.by_name)
        if (partial := self._partial) is not None:
            names = [name for name in names if name in partial or name in self.__dict__]
        return {name: _plain(getattr(self, name)) for name in names}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return a new, unsaved record with these values by field name, as of :meth:`to_dict`."""
        self = cls.__new__(cls)
        self._fill({name: _restored(cls._fields, name, value) for name, value in values.items()})
        return self

    def __repr__(self) -> str:
        values = self.__dict__ if self._decoded else {}
        if not self._decoded:
            self._decode()
            values = self.__dict__
        said = ", ".join(
            f"{name}={values[name]!r}"
            for name in self._fields.by_name
            if values.get(name) is not None
        )
        return f"{type(self).__name__}({said})"


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value


def _restored(fields: FieldSet, name: str, value: Any) -> Any:
    return fields.named(name).from_plain(value)
