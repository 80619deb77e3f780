"""Composed fields: which fields of a model are made of others, and what of them is stored where.

A template field has no value of its own: it is made of its parts. Parts of the table's own key that the
key says all of are not stored a second time, and are read back from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol

from ...codec import from_json
from ...exceptions import UnreadableValue, ValidationError
from ...expressions import Path
from ...operations.base import Wire, WireItem
from ...operations.items import StoredItem
from ...schema import TableSchema
from ..fields.base import AnyField
from ..fields.version import VersionField
from .template import BoundTemplate, KeyTemplate


class ComputedRecord(Protocol):
    """A record, as far as composing its keys needs it: the values are in its ``__dict__``."""

    __dict__: dict[str, Any]
    _decoded: bool
    _fieldset: ClassVar[Any]

    @property
    def _stored(self) -> StoredItem | None: ...
    def _decode(self) -> None: ...
    @property
    def _state(self) -> Any: ...


def unread_names(record: ComputedRecord) -> frozenset[str]:
    """Return the names of the fields that the item may have, but the record does not."""
    state = record._state
    unread: frozenset[str] = (
        frozenset() if state is None else state.unread(record._fieldset.by_name)
    )
    return unread


class ComputedField:
    """A field that is made of others."""

    def __init__(self, field: AnyField, template: BoundTemplate) -> None:
        self.field, self.template = field, template
        self.name, self.attribute = field.name, field.attribute
        self.parts = tuple(part.field for part in template.parts)
        self.is_key = field.is_key
        self.only_in_key: tuple[AnyField, ...] = ()
        """The parts that are stored nowhere but in it."""

    def __repr__(self) -> str:
        return f"<Composed {self.name} of {', '.join(self.template.names)}>"

    def compose(self, wires: Mapping[str, Wire]) -> Wire | None:
        """Return its value, of what is stored of its parts by attribute; None where one is missing.

        Raises ValidationError for values that cannot be there.
        """
        found: dict[str, Wire] = {}
        for part in self.parts:
            wire = wires.get(part.attribute)
            if wire is None or "NULL" in wire:
                return None
            found[part.name] = wire
        return {"S": self.template.compose_wires(found)}

    @property
    def parts_text(self) -> str:
        """What it is made of, for messages."""
        return ", ".join(self.template.names) or "no field"


class ComputedReads:
    """The template fields of one model: how their parts are read, and what names a key."""

    def __init__(
        self, name: str, fields: Mapping[str, AnyField], keys: tuple[AnyField, ...]
    ) -> None:
        self.name, self.fields, self.keys = name, fields, keys
        self.all = [
            self._bind(field) for field in fields.values() if get_template_text(field) is not None
        ]
        self.by_name = {each.name: each for each in self.all}
        self.by_attribute = {each.attribute: each for each in self.all}
        self.primary = [each for each in self.all if each.is_key]
        self.in_key: dict[str, ComputedField] = {}
        """The parts of the table's own key, by name."""
        for each in self.primary:
            for part in each.parts:
                self.in_key.setdefault(part.name, each)
                part.required = True
        self.virtual: dict[str, ComputedField] = {}
        """The parts that are stored in the key alone, by attribute."""

    def _bind(self, field: AnyField) -> ComputedField:
        template = KeyTemplate(get_template_text(field) or "", field.label)
        bound = template.bind(self.fields)
        for part in bound.parts:
            if get_template_text(part.field) is not None:
                raise template.make_error(f"names {part.name}, which is made of a template itself")
            if field.is_key and getattr(part.field, "auto_now", False):
                raise template.make_error(
                    f"names {part.name}, which is set anew with each save, and an item's key cannot "
                    "change: take a field with auto_now_add"
                )
            if isinstance(part.field, VersionField):
                raise template.make_error(
                    f"names {part.name}, the version, which changes with each write"
                )
        template_field: Any = field
        template_field.bound_template = bound
        return ComputedField(field, bound)

    def settle(self, schema: TableSchema, stored: Iterable[str]) -> None:
        """Find out which parts need not be stored, now that the table's indexes are known.

        :param stored: attributes that are needed for something else.
        """
        needed = {key.name for index in schema.indexes for key in index.keys}
        needed.update(stored, (field.attribute for field in self.keys))
        for each in self.primary:
            if getattr(each.field, "store_parts", False):
                needed.update(part.attribute for part in each.parts)
        for each in self.primary:
            each.only_in_key = tuple(
                part.field
                for part in each.template.parts
                if not part.lossy
                and part.field.attribute not in needed
                and part.field.attribute not in self.virtual
            )
            self.virtual.update((part.attribute, each) for part in each.only_in_key)
        own = {field.attribute for field in self.keys}
        self.repeated = frozenset(
            part.attribute
            for each in self.primary
            for part in each.parts
            if part.attribute not in self.virtual and part.attribute not in own
        )
        """The attributes of the parts that are stored beside the key."""
        self.fixed = frozenset(
            part.name for each in self.primary for part in each.template.parts if not part.lossy
        )
        """The fields that cannot change without the key, by name."""
        required = {
            field.attribute for field in self.fields.values() if field.required or field.is_key
        }
        required |= self.virtual.keys()
        self.always = frozenset(
            each.attribute
            for each in self.all
            if all(part.attribute in required for part in each.parts)
        )
        """The attributes that every item has which has its parts."""

    # -- keys by their parts -------------------------------------------------------------------

    @property
    def key_names(self) -> str:
        """What names a key, for messages."""
        names: dict[str, None] = {}
        for field in self.keys:
            computed = self.by_name.get(field.name)
            names.update(
                dict.fromkeys([field.name] if computed is None else computed.template.names)
            )
        return " and ".join(names)

    def is_key(self, named: Mapping[str, Any]) -> bool:
        """Tell whether *named* are just what names a key: texts, or all parts."""
        names: set[str] = set()
        for field in self.keys:
            computed = self.by_name.get(field.name)
            if computed is None or field.name in named:
                names.add(field.name)
            else:
                names.update(computed.template.names)
        return names == set(named)

    def compose_key_values(self, named: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of the key's fields, of those or of their parts.

        Raises KeyError where they are not just what names a key, ValidationError for what cannot be.
        """
        if not self.is_key(named):
            raise KeyError
        found: dict[str, Any] = {}
        for field in self.keys:
            if field.name in named:
                found[field.name] = named[field.name]
            else:
                found[field.name] = self.by_name[field.name].template.compose(named)
        return found

    def compose_key(self, record: ComputedRecord) -> dict[str, Any]:
        """Return the values of the key's fields of an instance; raise ValidationError for none."""
        found: dict[str, Any] = {}
        for field in self.keys:
            computed = self.by_name.get(field.name)
            if computed is None:
                found[field.name] = getattr(record, field.name)
                continue
            text = self.compose_text(record, computed)
            if text is None:
                computed.template.compose(
                    {part.name: getattr(record, part.name) for part in computed.parts}
                )
            found[field.name] = text
        return found

    # -- instances -----------------------------------------------------------------------------

    def fill(self, values: dict[str, Any]) -> None:
        """Put the parts that the key says into what was read, and take the key's texts out of it."""
        for each, text in [(each, values.pop(each.name, None)) for each in self.all]:
            if text is None or all(part.name in values for part in each.only_in_key):
                continue
            wires = each.template.parse_wires(text)
            if wires is None:  # which is told of each part, when all else was read
                raise self._make_unreadable(each, text)
            for part in each.only_in_key:
                if part.name not in values:
                    values[part.name] = part.decode(wires[part.name])

    def fill_readable(self, values: dict[str, Any], unreadable: dict[str, UnreadableValue]) -> None:
        """Do as :meth:`fill`, and say in *unreadable* which parts cannot be read."""
        for each in self.all:
            text = values.pop(each.name, None)
            missing = [part for part in each.only_in_key if part.name not in values]
            if text is None or not missing:
                continue
            wires = each.template.parse_wires(text)
            for part in missing:
                if wires is None:
                    unreadable[part.name] = self._make_unreadable(each, text)
                else:
                    values[part.name] = part.decode(wires[part.name])

    def _make_unreadable(self, computed: ComputedField, text: str) -> UnreadableValue:
        return UnreadableValue(
            f"{self.name}: the stored {computed.name} {text!r} is no key of the template "
            f"{computed.template}: {', '.join(part.name for part in computed.only_in_key)} cannot be read from it"
        )

    def split_texts(self, values: dict[str, Any]) -> None:
        """Take the texts of templates out of the values of a new instance, and their parts for them.

        Raises ValidationError for a text that is not what the parts make.
        """
        for name in self.by_name.keys() & values.keys():
            each, text = self.by_name[name], values.pop(name)
            if text is None:
                continue
            parts = each.template.parse(text) if isinstance(text, str) else None
            if parts is None:
                raise self._make_value_error(
                    name,
                    f"{text!r} is no text of the template {each.template}: give {each.parts_text}",
                )
            for part in each.parts:
                if part.name in parts and values.setdefault(part.name, parts[part.name]) is None:
                    values[part.name] = parts[part.name]
            try:
                same = each.template.compose(values) == text
            except ValidationError:
                same = any(name not in parts for name in each.template.names)
            if not same:
                raise self._make_value_error(
                    name,
                    f"{text!r} is not what {each.parts_text} make: leave it out, it is made of them",
                )

    def _make_value_error(self, name: str, message: str) -> ValidationError:
        return ValidationError({name: [message]}, model=self.name)

    def compose_text(self, record: ComputedRecord, computed: ComputedField) -> Any:
        """Return the text of a template field of an instance as it is now; None without its parts."""
        if not record._decoded:
            record._decode()
        values = record.__dict__
        known = [values.get(part.name) for part in computed.parts]
        if None not in known:
            try:
                return computed.template.compose(
                    dict(zip(computed.template.names, known, strict=True))
                )
            except ValidationError:
                if record._stored is None:
                    return None
        if computed.name in values:  # an instance of which nothing but the key is known
            return values[computed.name]
        if record._stored is None:
            return None
        unread = unread_names(record)
        lost = [part.name for part in computed.parts if values.get(part.name) is None]
        if lost and not computed.is_key and unread.isdisjoint(lost):
            return None  # what it is made of is not there
        wire: Wire | None = from_json(record._stored).get(computed.attribute)
        return None if wire is None else wire.get("S")

    def add_key_parts(self, stored: Mapping[str, Wire]) -> WireItem:
        """Return what is stored, with the parts that only the key says beside it."""
        found = dict(stored)
        for each in self.primary:
            wire = stored.get(each.attribute)
            parts = None if wire is None else each.template.parse_wires(wire.get("S", ""))
            for part in each.only_in_key if parts is not None else ():
                found.setdefault(part.attribute, (parts or {})[part.name])
        return found

    def parse_key(self, key: Mapping[str, Wire]) -> WireItem:
        """Return what a key says all of, by attribute: itself, and its parts, stored too or not."""
        found = dict(key)
        for each in self.primary:
            wire = key.get(each.attribute)
            parts = None if wire is None else each.template.parse_wires(wire.get("S", ""))
            for part in each.parts if parts is not None else ():
                if part.name in (parts or {}):
                    found.setdefault(part.attribute, (parts or {})[part.name])
        return found

    def find_lossy_parts(self, record: ComputedRecord) -> WireItem:
        """Return what an instance has of the parts that its key says only in part, by attribute."""
        found: WireItem = {}
        for part in (part for each in self.primary for part in each.template.parts if part.lossy):
            value = record.__dict__.get(part.name)
            wire = None if value is None else part.field.to_wire(value)
            if wire is not None:
                found[part.field.attribute] = wire
        return found

    # -- reading -------------------------------------------------------------------------------

    def resolve_paths(self, paths: tuple[Path, ...]) -> tuple[Path, ...]:
        """Return *paths* with the key's attributes for the parts that are stored only there."""
        found: dict[Path, None] = {}
        for path in paths:
            computed = self.virtual.get(str(path.parts[0]))
            found[path if computed is None else Path((computed.attribute,))] = None
        return tuple(found)

    def find_held(self, attributes: frozenset[str]) -> frozenset[str]:
        """Return the names of the fields that *attributes* say, though they are stored in others."""
        return frozenset(
            part.name
            for each in self.primary
            if each.attribute in attributes
            for part in each.only_in_key
        )


def get_template_text(field: AnyField) -> str | None:
    """Return the template of a field as it was declared, if it has one."""
    template: str | None = getattr(field, "template", None)
    return template
