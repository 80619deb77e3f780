"""FieldSet: the fields of one class, and the compiled reader of its items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ...codec import make_attributes_reader
from ...exceptions import ModelDefinitionError, UnreadableValue
from ...expressions import SETS
from ...operations.base import Wire, WireItem
from ...operations.items import StoredItem
from ..fields.base import AnyField, Comparer, Field, bind_name
from ..fields.containers.embedded import EmbeddedField
from ..fields.model_key import KeyOf
from ..keys.declared import is_computed
from .clean_hooks import CleanHooks

if TYPE_CHECKING:
    from ..foreign_keys.field import ForeignKey
    from ..keys.computed_writes import ComputedFields


_Reader = Callable[[StoredItem, "dict[str, Any]"], None]
Writer = Callable[[Any, "dict[str, Any]", "dict[str, list[str]]", bool, bool], WireItem]
"""A function that encodes the fields of a record.

It takes the record, its values, a dict for errors, ``adding`` and ``validate``.
"""
_ValuesReader = Callable[[StoredItem], "tuple[Any, ...]"]

_MOST_READERS = 100
"""The maximum number of cached readers of values: a program may choose their fields by data."""


def _is_plain(kind: type[Any] | None, name: str) -> bool:
    """Tell whether the attribute *name* is plain data in a user's class."""
    here = [] if kind is None else [vars(each) for each in kind.__mro__ if name in vars(each)]
    own = bool(here) and not str(here[0].get("__module__")).startswith("dynamodb_py.")
    return own and not callable(here[0][name]) and not hasattr(here[0][name], "__get__")


class FieldSet:
    """The fields of one class, by their names and by their attributes' names."""

    def __init__(
        self,
        owner: str,
        fields: Mapping[str, AnyField],
        references: Mapping[str, ForeignKey[Any, Any]] = MappingProxyType({}),
        kind: type[Any] | None = None,
    ) -> None:
        self.owner, self._kind = owner, kind
        self.references = references
        """The references of the class by name; their keys are in fields of their own."""
        self.by_name = dict(fields)
        self.by_attribute: dict[str, AnyField] = {}
        for field in fields.values():
            twin = self.by_attribute.setdefault(field.attribute, field)
            if twin is not field:
                raise ModelDefinitionError(
                    f"{owner}: the fields {twin.name} and {field.name} are both stored as "
                    f"{field.attribute!r}: give one of them another name="
                )
        self.stamping = tuple(field for field in fields.values() if field.stamps)
        """The fields that may set themselves with each write."""
        self.constants: Mapping[str, Any] = MappingProxyType({})
        """The defaults that all new instances of a model share: they are not in their ``__dict__``."""
        self.sets: tuple[str, ...] = ()
        """The names of a model's sets, which are compared with those that were loaded."""
        self.normalising = tuple(field for field in fields.values() if field.normalises)
        """The fields whose values may be stored in another form than they were given."""
        self.computed: ComputedFields | None = None
        """The computed fields, of a model that has some."""
        self._reader: _Reader | None = None
        self._value_readers: dict[tuple[str, ...], _ValuesReader] = {}
        self._plan: list[tuple[str, str, AnyField, bool]] | None = None
        self._writer: Writer | None = None
        self.written = 0
        """The number of new records that were encoded, until the writer is compiled."""
        self._clean_hooks: CleanHooks | None = None
        if kind is not None:
            _share_names(kind, fields)

    @cached_property
    def holders(self) -> tuple[str, ...]:
        """The names of the fields whose values may hold references or documents."""
        return tuple(field.name for field in self if _may_hold_records(field))

    @cached_property
    def fresh_defaults(self) -> tuple[tuple[str, Callable[[], Any]], ...]:
        """The names of the fields whose defaults are made for each instance, and the functions that make these."""
        return tuple(
            (field.name, field.make_default)
            for field in self.list_written()
            if field.name not in self.constants and field.name not in self.needed_fields
        )

    @cached_property
    def _typed(self) -> tuple[AnyField, ...]:
        """The fields and references of a typed constructor: those that a typed class declares."""
        typed: dict[str, bool] = {}
        for base in reversed(() if self._kind is None else self._kind.__mro__):
            for name, field in vars(base).items():
                if isinstance(field, Field) and not field.is_inherited:
                    typed[name] = getattr(base, "__typed__", False)
        fields = [each for each in self if not each.part_of]
        return tuple(each for each in (*fields, *self.references.values()) if typed.get(each.name))

    @cached_property
    def needed(self) -> Mapping[str, tuple[str, ...]]:
        """The fields and references that a typed constructor requires, each with the fields that hold it."""
        needed: dict[str, tuple[str, ...]] = {}
        for field in self._typed:
            if field.needs_value and not is_computed(field):
                parts = self.references[field.name].parts if field.name in self.references else ()
                needed[field.name] = tuple([part.name for part in parts]) or (field.name,)
        return needed

    @cached_property
    def needed_fields(self) -> frozenset[str]:
        """The names of the fields that have values once ``needed`` is given."""
        return frozenset(name for parts in self.needed.values() for name in parts)

    @cached_property
    def kept_out(self) -> frozenset[str]:
        """The names of the fields and references that a typed constructor does not take."""
        return frozenset(field.name for field in self._typed if not field.init)

    @cached_property
    def respellable(self) -> tuple[AnyField, ...]:
        """The fields for which one value may be stored in several forms."""
        return tuple(field for field in self if field.verbatim is None)

    @cached_property
    def comparers(self) -> tuple[dict[Comparer, list[tuple[int, str, str]]], list[int]]:
        """The fields of each ``comparer``, by places in the plan and names; and the places of the other fields."""
        groups: dict[Any, list[tuple[int, str, str]]] = {}
        for at, (name, attribute, field, _) in enumerate(self.get_plan()):
            groups.setdefault(field.comparer, []).append((at, name, attribute))
        others = groups.pop(None, [])
        return groups, [at for at, *_ in others]

    def get_plan(self) -> list[tuple[str, str, AnyField, bool]]:
        """Return, for each written field: its name and attribute, the field, and whether its options need checks."""
        if self._plan is None:
            self._plan = [
                (
                    f.name,
                    f.attribute,
                    f,
                    f.stamps
                    or f.constrained
                    or f.required
                    or f.null
                    or f.normalises
                    or f.key_limit > 0,
                )
                for f in self.list_written()
            ]
        return self._plan

    def settle_defaults(self) -> None:
        """Find the defaults that all instances of a model share, and its sets."""
        self.constants = {f.name: f.default for f in self.list_written() if f.has_constant_default}
        self.sets = tuple(field.name for field in self if field.kind in SETS)

    def forget_plan(self) -> None:
        """Drop the plan, as another class has put fields into the key of an index."""
        self._plan = self._writer = None

    def list_written(self) -> list[AnyField]:
        """Return the fields without the computed ones."""
        made = self.computed.by_name if self.computed is not None else ()
        return [field for field in self if field.name not in made]

    def __iter__(self) -> Iterator[AnyField]:
        return iter(self.by_name.values())

    def get_field(self, name: str) -> AnyField:
        """Return the field *name*; raise TypeError with all names if there is none."""
        try:
            return self.by_name[name]
        except KeyError:
            if (reference := self.references.get(name)) is None:
                raise self.make_unknown_error([name]) from None
            field: AnyField = reference.single
            return field

    def expand_references(self, names: Iterable[str]) -> list[str]:
        """Return *names* with references replaced by the fields that hold their keys and copies."""
        found: list[str] = []
        for name in names:
            reference = self.references.get(name)
            if reference is None:
                found.append(name)
            else:
                found += [part.name for part in (*reference.parts, *reference.copies.values())]
        return found

    def expand_values(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return *values* with those of references replaced by the values of their key fields.

        Raises TypeError if a key is given twice.
        """
        if self.references.keys().isdisjoint(values):
            return values
        found = {name: each for name, each in values.items() if name not in self.references}
        for name in values.keys() & self.references.keys():
            reference = self.references[name]
            for part in reference.parts:
                if part.name in values:
                    raise TypeError(
                        f"{self.owner} got two values for {name}: {part.name} is its key"
                    )
            found = {**reference.expand_value(values[name]), **found}
        return found

    def spell_references(self, values: Mapping[str, Any]) -> dict[str, Wire]:
        """Return the keys of the stored instances among *values*, as they are stored, by field."""
        found: dict[str, Wire] = {}
        for name in values.keys() & self.references.keys():
            found.update(self.references[name].spell(values[name]))
        return found

    def find_held(self, attributes: frozenset[str]) -> frozenset[str]:
        """Return the names of the fields that are stored in *attributes*."""
        held = frozenset(field.name for field in self if field.attribute in attributes)
        return held if self.computed is None else held | self.computed.find_held(attributes)

    def find_attributes(self, names: Iterable[str]) -> frozenset[str]:
        """Return the attributes in which the fields *names* are stored."""
        return frozenset(self.by_name[name].attribute for name in names)

    def make_unknown_error(self, names: list[str]) -> TypeError:
        """Return the error for *names* that no field has."""
        text = f"{self.owner} has no field {', '.join(names)}: its fields are {', '.join(self.by_name)}"
        plain = next((name for name in names if _is_plain(self._kind, name)), None)
        if plain is not None:
            text += (
                f"; {self.owner}.{plain} is a plain attribute of the class: declare a field, "
                f"{plain} = CharField() or of another type"
            )
        return TypeError(text)

    def get_reader(self) -> _Reader:
        """Return the function that decodes an item into a dict; it raises for unreadable attributes."""
        return self._reader or self._compile()

    def read_one_by_one(
        self, item: StoredItem
    ) -> tuple[dict[str, Any], dict[str, UnreadableValue]]:
        """Decode an item attribute by attribute; return the values, and the errors of unreadable ones."""
        values: dict[str, Any] = {}
        unreadable: dict[str, UnreadableValue] = {}
        try:
            wires: WireItem = msgspec.json.decode(item, type=dict[str, Any])
        except (ValueError, RecursionError) as error:
            raise UnreadableValue(
                f"{self.owner}: the stored {item!r:.200} is not JSON of attributes: {error}"
            ) from error
        for attribute, wire in wires.items():
            field = self.by_attribute.get(attribute)
            if field is not None:
                try:
                    values[field.name] = field.decode(wire)
                except UnreadableValue as error:
                    unreadable[field.name] = error
        if self.computed is not None:
            self.computed.fill(values, unreadable)
        return values, unreadable

    def _compile(self) -> _Reader:
        """Compile the reader of this class from source without loops, as it runs once per item."""
        names: dict[str, Any] = {}
        members: list[tuple[str, Any, Any]] = []
        rename: dict[str, str] = {}
        lines = ["def read(item, values):", "    wires = parse(item)"]
        for at, field in enumerate(self):
            members.append((f"a{at}", field.wire_type() | None, None))
            rename[f"a{at}"] = field.attribute
            lines.append(f"    if (wire := wires.a{at}) is not None:")
            lines.append(f"        values[{field.name!r}] = {field.reader_source('wire', names)}")
        if self.computed is not None:
            lines.append("    fill(values)")
            names["fill"] = self.computed.fill
        names["parse"] = make_attributes_reader(members, rename, strict=False)
        # Safe: the source holds only names of ours, and repr() of identifiers.
        exec("\n".join(lines), names)
        self._reader = names["read"]
        return names["read"]  # type: ignore[no-any-return]

    def get_values_reader(self, fields: Sequence[AnyField]) -> _ValuesReader | None:
        """Return a function that reads only the values of *fields*; None if it needs an instance for that.

        The function returns the values that an instance has, and raises for unreadable attributes. It is
        compiled once.
        """
        place = tuple([field.name for field in fields])
        if (read := self._value_readers.get(place)) is not None:
            return read
        if self.computed is not None or any(
            _may_hold_records(field) or type(field).__get__ is not _GET for field in fields
        ):
            return None
        names: dict[str, Any] = {}
        members: list[tuple[str, Any, Any]] = []
        rename: dict[str, str] = {}
        values: list[str] = []
        for at, field in enumerate(fields):
            members.append((f"a{at}", field.wire_type() | None, None))
            rename[f"a{at}"] = field.attribute
            absent = bind_name(names, field.make_absent_value)
            source = field.reader_source("wire", names)
            values.append(f"{absent}() if (wire := wires.a{at}) is None else {source}")
        names["parse"] = make_attributes_reader(members, rename, strict=False)
        # Safe: the source holds only names of ours.
        source = f"def read(item):\n    wires = parse(item)\n    return ({', '.join(values)},)"
        exec(source, names)
        if len(self._value_readers) >= _MOST_READERS:
            self._value_readers.clear()
        self._value_readers[place] = names["read"]
        return names["read"]  # type: ignore[no-any-return]


_GET: Any = cast("Any", Field).__get__


def _share_names(kind: type[Any], names: Iterable[str]) -> None:
    """Let the dicts of all instances share these keys, which saves 300 bytes for each.

    CPython 3.11 to 3.13 stops sharing keys in a class after some instances with empty dicts, such as unread ones.
    """
    if not hasattr(kind, "__del__"):
        with suppress(TypeError):  # an abstract class
            values = object.__new__(kind).__dict__
            for name in names:
                values[name] = None


def _may_hold_records(field: Any) -> bool:
    if isinstance(field, (EmbeddedField, KeyOf)) or hasattr(field, "get_key_field"):
        return True
    inner: Any = getattr(field, "inner", None)
    members: Any = getattr(field, "schema", {})
    return any(map(_may_hold_records, ([] if inner is None else [inner]) + list(members.values())))
