"""The fields of one class, and the compiled reader of its items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from ...exceptions import ModelDefinitionError, UnreadableValue
from ...operations.base import WireItem
from ...operations.items import StoredItem
from ..fields.base import AnyField
from .clean_hooks import Cleaning

if TYPE_CHECKING:
    from ..foreign_keys.field import ForeignKey
    from ..keys.computed_writes import ComputedFields


_Reader = Callable[[StoredItem, "dict[str, Any]"], None]


class FieldSet:
    """The fields of one class, by their names and by their attributes' names."""

    def __init__(
        self,
        owner: str,
        fields: Mapping[str, AnyField],
        references: Mapping[str, ForeignKey[Any, Any]] = MappingProxyType({}),
    ) -> None:
        self.owner = owner
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
        self.computed: ComputedFields | None = None
        """What composes the key templates, of a model that has some."""
        self._reader: _Reader | None = None
        self._plan: list[tuple[str, str, AnyField, bool]] | None = None
        self._cleaning: Cleaning | None = None

    def plan(self) -> list[tuple[str, str, AnyField, bool]]:
        """Return how each field is written: its names, itself, and whether its options ask for care."""
        if self._plan is None:
            self._plan = [
                (
                    field.name,
                    field.attribute,
                    field,
                    field.stamps
                    or field.constrained
                    or field.required
                    or field.null
                    or field.is_key,
                )
                for field in self.written()
            ]
        return self._plan

    def written(self) -> list[AnyField]:
        """Return the fields that have values of their own: not those that are made of others."""
        made = self.computed.by_name if self.computed is not None else ()
        return [field for field in self if field.name not in made]

    def __iter__(self) -> Iterator[AnyField]:
        return iter(self.by_name.values())

    def named(self, name: str) -> AnyField:
        """Return the field called *name*; raise TypeError with the names that there are."""
        try:
            return self.by_name[name]
        except KeyError:
            if (reference := self.references.get(name)) is None:
                raise self.unknown([name]) from None
            field: AnyField = reference.single
            return field

    def spread(self, names: Iterable[str]) -> list[str]:
        """Return *names* with those of the fields that hold keys in the place of references."""
        found: list[str] = []
        for name in names:
            reference = self.references.get(name)
            if reference is None:
                found.append(name)
            else:
                found += [part.name for part in (*reference.parts, *reference.copies.values())]
        return found

    def expanded(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return *values* by field, with those of the fields that hold keys for those of references.

        Raises TypeError where a key is given by both.
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
            found = {**reference.expand(values[name]), **found}
        return found

    def held(self, attributes: frozenset[str]) -> frozenset[str]:
        """Return the names of the fields that are stored in one of *attributes*."""
        held = frozenset(field.name for field in self if field.attribute in attributes)
        return held if self.computed is None else held | self.computed.find_held(attributes)

    def attributes(self, names: Iterable[str]) -> frozenset[str]:
        """Return the attributes in which the fields *names* are stored."""
        return frozenset(self.by_name[name].attribute for name in names)

    def unknown(self, names: list[str]) -> TypeError:
        """Return the error for *names* that are no fields."""
        known = ", ".join(self.by_name)
        return TypeError(f"{self.owner} has no field {', '.join(names)}: its fields are {known}")

    def reader(self) -> _Reader:
        """Return what decodes an item into a dict of values; it raises where one is unreadable."""
        return self._reader or self._compiled()

    def read_one_by_one(
        self, item: StoredItem
    ) -> tuple[dict[str, Any], dict[str, UnreadableValue]]:
        """Decode an item of which some attribute is not what its field says."""
        values: dict[str, Any] = {}
        unreadable: dict[str, UnreadableValue] = {}
        try:
            wires: WireItem = msgspec.json.decode(item, type=dict[str, Any])
        except ValueError as error:
            raise UnreadableValue(
                f"{self.owner}: the stored {item!r} is no JSON of attributes: {error}"
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

    def _compiled(self) -> _Reader:
        """Compile the reader of this class: straight source, run once per item."""
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
        wires = msgspec.defstruct("Wires", members, rename=rename, gc=False)
        names["parse"] = msgspec.json.Decoder(wires, strict=False).decode
        # The only names in the source are our own, and repr() of identifiers.
        exec("\n".join(lines), names)
        self._reader = names["read"]
        return names["read"]  # type: ignore[no-any-return]
