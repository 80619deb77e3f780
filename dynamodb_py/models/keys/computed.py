"""Computed fields: fields that a template or a function makes from others, and the reading of their parts.

A computed field has no value of its own: it is composed of its parts. Parts that the table's key contains
in full are not stored a second time, but read from the key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Protocol, cast

from ...codec import from_json
from ...exceptions import ModelDefinitionError, UnreadableValue, ValidationError
from ...expressions import Path
from ...operations.base import Wire, WireItem
from ...operations.items import StoredItem
from ...schema import TableSchema
from ..attribute_values.spelling import stays_same
from ..fields.base import AnyField
from ..fields.version import VersionField
from .declared import get_template_text, is_computed
from .merged import BoundMerge
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
    if state is None:
        return frozenset()
    return cast("frozenset[str]", state.find_unread(record._fieldset.by_name))


def value_of_part(record: ComputedRecord, part: AnyField) -> Any:
    """Return the current value of a part of a key; a new record may have its default."""
    absent = record._fieldset.constants.get(part.name) if record._stored is None else None
    return record.__dict__.get(part.name, absent)


class ComputedField:
    """A field that is computed from others, its parts."""

    def __init__(self, field: AnyField, template: BoundTemplate | BoundMerge) -> None:
        self.field, self.template = field, template
        self.is_merged = isinstance(template, BoundMerge)
        """Whether a function makes it: it does not determine its parts."""
        self.name, self.attribute = field.name, field.attribute
        self.parts = tuple(part.field for part in template.parts)
        self.is_key = field.is_key
        self.only_in_key: tuple[AnyField, ...] = ()
        """The parts that only this field contains."""

    def __repr__(self) -> str:
        return f"<ComputedField {self.name} of {', '.join(self.template.names)}>"

    def compose(self, wires: Mapping[str, Wire]) -> Wire | None:
        """Return its attribute value from those of its parts; None if one is missing.

        Raises ValidationError for values that a key cannot contain.
        """
        found: dict[str, Wire] = {}
        for part in self.parts:
            wire = wires.get(part.attribute)
            if wire is None or "NULL" in wire:
                return None
            found[part.name] = wire
        if isinstance(self.template, BoundMerge):
            return self.template.compose_wire(found)
        return {"S": self.template.compose_wires(found)}

    @property
    def parts_text(self) -> str:
        """The names of its parts, for messages."""
        return ", ".join(self.template.names) or "no field"


class ComputedReads:
    """The computed fields of one model: reading their parts, and keys that are given by parts."""

    def __init__(
        self, name: str, fields: Mapping[str, AnyField], keys: tuple[AnyField, ...]
    ) -> None:
        self.name, self.fields, self.keys = name, fields, keys
        self.all = [self._bind(each) for each in fields.values() if is_computed(each)]
        self.by_name = {each.name: each for each in self.all}
        self.by_attribute = {each.attribute: each for each in self.all}
        self.primary = [each for each in self.all if each.is_key]
        self.in_key: dict[str, ComputedField] = {}
        """The computed fields of the table's key, by the names of their parts."""
        for each in self.primary:
            for part in each.parts:
                self.in_key.setdefault(part.name, each)
                part.required = True
        self.virtual: dict[str, ComputedField] = {}
        """The computed fields by the attributes of the parts that only they contain."""

    def _bind(self, field: AnyField) -> ComputedField:
        merge: Any = getattr(field, "merge", None)
        if merge is not None:
            names: tuple[str, ...] = getattr(field, "part_names", ())
            if lost := [name for name in names if name not in self.fields]:
                raise field.misdeclared(
                    f"it is made of {', '.join(lost)}, and there is no such field: the fields are "
                    f"{', '.join(self.fields)}"
                )
            merged = BoundMerge(field, merge, [self.fields[name] for name in names])
            self._check_parts(field, merged, lambda p: field.misdeclared(f"its merge= {p}"))
            return ComputedField(field, merged)
        template = KeyTemplate(get_template_text(field) or "", field.label)
        bound = template.bind(self.fields)
        self._check_parts(field, bound, template.make_error)
        template_field: Any = field
        template_field.bound_template = bound
        return ComputedField(field, bound)

    def _check_parts(
        self,
        field: AnyField,
        bound: BoundTemplate | BoundMerge,
        make_error: Callable[[str], ModelDefinitionError],
    ) -> None:
        """Refuse parts that are computed themselves, or that every save or write changes."""
        for part in bound.parts:
            if is_computed(part.field):
                how = "a function" if get_template_text(part.field) is None else "a template"
                raise make_error(f"names {part.name}, which is made of {how} itself")
            if field.is_key and getattr(part.field, "auto_now", False):
                raise make_error(
                    f"names {part.name}, which every save sets anew, and an item's key cannot "
                    "change: use a field with auto_now_add"
                )
            if isinstance(part.field, VersionField):
                raise make_error(f"names {part.name}, the version, which changes with each write")

    def settle(self, schema: TableSchema, stored: Iterable[str]) -> None:
        """Find the parts that need not be stored, once the table's indexes are known.

        :param stored: attributes that are needed for another purpose.
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
        """The attributes of the parts that are stored in addition to the key."""
        self.fixed = frozenset(
            part.name for each in self.primary for part in each.template.parts if not part.lossy
        )
        """The names of the fields that cannot change, as the key contains them."""
        required = {each.attribute for each in self.fields.values() if each.required or each.is_key}
        required |= self.virtual.keys()
        self.always = frozenset(
            each.attribute
            for each in self.all
            if required.issuperset(part.attribute for part in each.parts)
            and (each.is_key or not each.is_merged)
        )
        """The computed attributes that every item has."""
        self.beside: dict[str, list[ComputedField]] = {}
        """For each attribute: the computed fields in the keys of the indexes whose key has the attribute."""
        for index in schema.indexes:
            names = [key.name for key in index.keys]
            inside = [each for each in self.all if not each.is_key and each.attribute in names]
            for name in names:
                self.beside.setdefault(name, []).extend(inside)
        self.parts = {
            each.attribute: frozenset(p.attribute for p in each.parts)
            for each in self.all
            if not each.is_merged  # a function may return None though all parts exist
        }
        """The attributes of the parts, by computed attributes that exist exactly if all their parts do."""

    @property
    def key_names(self) -> str:
        """The names that make up a key, for messages."""
        names: list[str] = []
        for field in self.keys:
            computed = self.by_name.get(field.name)
            names += [field.name] if computed is None else computed.template.names
        return " and ".join(dict.fromkeys(names))

    def is_key(self, named: Mapping[str, Any]) -> bool:
        """Tell whether *named* are a whole key and nothing else: its fields, or all parts of these."""
        names: set[str] = set()
        for field in self.keys:
            computed = self.by_name.get(field.name)
            if computed is None or field.name in named:
                names.add(field.name)
            else:
                names.update(computed.template.names)
        return names == set(named)

    def compose_key_values(self, named: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of the key's fields, from these or from their parts.

        Raises KeyError if *named* are not a key, ValidationError for values that a key cannot contain.
        """
        if not self.is_key(named):
            raise KeyError
        return {
            name: named[name] if name in named else self.by_name[name].template.compose(named)
            for name in [field.name for field in self.keys]
        }

    def compose_key(self, record: ComputedRecord) -> dict[str, Any]:
        """Return the values of the key's fields of an instance; raise ValidationError if a part is missing."""
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

    def fill(
        self, values: dict[str, Any], unreadable: dict[str, UnreadableValue] | None = None
    ) -> None:
        """Replace the texts of keys in *values*, which were read, by the parts that they contain.

        :param unreadable: if given, errors of unreadable parts are added to it instead of raised.
        """
        for each, text in [(each, values.pop(each.name, None)) for each in self.all]:
            missing = [part for part in each.only_in_key if part.name not in values]
            if text is None or not missing:
                continue
            wires = each.template.parse_wires(text)
            if wires is not None:
                values.update((part.name, part.decode(wires[part.name])) for part in missing)
            elif unreadable is None:
                raise self._make_unreadable(each, text)
            else:
                error = self._make_unreadable(each, text)
                unreadable.update(dict.fromkeys([part.name for part in missing], error))

    def _make_unreadable(self, computed: ComputedField, text: str) -> UnreadableValue:
        return UnreadableValue(
            f"{self.name}: the stored {computed.name} {text!r} is not a key of the template "
            f"{computed.template}: {', '.join(part.name for part in computed.only_in_key)} cannot be read from it"
        )

    def split_texts(self, values: dict[str, Any]) -> None:
        """Replace the texts of templates in the values of a new instance by their parts.

        Raises ValidationError for a text that differs from the one composed of the parts.
        """
        for name in self.by_name.keys() & values.keys():
            each, text = self.by_name[name], values.pop(name)
            if text is None:
                continue
            known = isinstance(text, str) or each.is_merged
            parts = each.template.parse(text) if known else None
            if parts is None:
                raise self._make_value_error(
                    name,
                    f"{text!r} does not match the template {each.template}: give {each.parts_text}",
                )
            for part in each.parts:
                if part.name in parts and values.setdefault(part.name, parts[part.name]) is None:
                    values[part.name] = parts[part.name]
            try:
                same = each.template.compose(values) == text
            except ValidationError:
                lacking = any(name not in parts for name in each.template.names)
                same = lacking and not each.is_merged
            if not same:
                raise self._make_value_error(
                    name,
                    f"{text!r} is not the value that {each.parts_text} make: leave it out",
                )

    def _make_value_error(self, name: str, message: str) -> ValidationError:
        return ValidationError({name: [message]}, model=self.name)

    def compose_text(self, record: ComputedRecord, computed: ComputedField) -> Any:
        """Return the current text of a template field of an instance; None if a part is missing."""
        if not record._decoded:
            record._decode()
        values = record.__dict__
        known = [value_of_part(record, part) for part in computed.parts]
        if all(each is not None for each in known):
            try:
                return computed.template.compose(
                    dict(zip(computed.template.names, known, strict=True))
                )
            except ValidationError:
                if record._stored is None:
                    return None
        if computed.name in values:  # an instance that has only its key
            return values[computed.name]
        if record._stored is None:
            return None
        unread = unread_names(record)
        lost = [part.name for part in computed.parts if values.get(part.name) is None]
        if lost and not computed.is_key and unread.isdisjoint(lost):
            return None  # a part is missing in the item
        wire: Wire | None = from_json(record._stored).get(computed.attribute)
        return None if wire is None else computed.field.decode(wire)

    def is_key_changed(self, record: ComputedRecord, name: str, key: Mapping[str, Wire]) -> bool:
        """Tell whether the parts of the template field *name* have other values than in the stored *key*."""
        computed = self.by_name[name]
        if not record._decoded and not any(p.name in record.__dict__ for p in computed.parts):
            return False
        text = self.compose_text(record, computed)
        if text is None or text == key[computed.attribute].get("S"):
            return False
        stored: WireItem = {} if record._stored is None else from_json(record._stored)
        stored = self.add_key_parts({**stored, **key})
        for part in computed.parts:
            old = stored.get(part.attribute)
            if old is None or not stays_same(part, old, record.__dict__.get(part.name)):
                return True
        return False

    def add_key_parts(self, stored: Mapping[str, Wire]) -> WireItem:
        """Return the stored attributes with the parts that only the key contains."""
        found = dict(stored)
        for each, parts in self._parse_keys(stored):
            for part in each.only_in_key:
                found.setdefault(part.attribute, parts[part.name])
        return found

    def parse_key(self, key: Mapping[str, Wire]) -> WireItem:
        """Return a key and the parts that it contains in full, by attribute."""
        found = dict(key)
        for each, parts in self._parse_keys(key):
            for part in each.parts:
                if part.name in parts:
                    found.setdefault(part.attribute, parts[part.name])
        return found

    def _parse_keys(
        self, wires: Mapping[str, Wire]
    ) -> Iterator[tuple[ComputedField, dict[str, Wire]]]:
        """Yield the templates of the key with the parts that their texts in *wires* contain in full."""
        for each in self.primary:
            wire = wires.get(each.attribute)
            if wire is None or each.is_merged:
                continue
            parts = each.template.parse_wires(wire.get("S", ""))
            if parts is not None:
                yield each, parts

    def find_lossy_parts(self, record: ComputedRecord) -> WireItem:
        """Return the values of an instance for parts that its key contains incompletely, by attribute."""
        found: WireItem = {}
        for part in (part for each in self.primary for part in each.template.parts if part.lossy):
            value = value_of_part(record, part.field)
            wire = None if value is None else part.field.to_wire(value)
            if wire is not None:
                found[part.field.attribute] = wire
        return found

    def resolve_paths(self, paths: tuple[Path, ...]) -> tuple[Path, ...]:
        """Return *paths* with the key's attributes in place of parts that are stored only there."""
        found = [(path, self.virtual.get(str(path.parts[0]))) for path in paths]
        return tuple(dict.fromkeys(p if c is None else Path((c.attribute,)) for p, c in found))

    def find_held(self, attributes: frozenset[str]) -> frozenset[str]:
        """Return the names of the parts that only *attributes* contain."""
        return frozenset(
            part.name
            for each in self.primary
            if each.attribute in attributes
            for part in each.only_in_key
        )
