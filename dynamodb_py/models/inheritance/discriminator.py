"""Kinds: several model classes in one table, each item written with its kind and loaded as its class."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ...exceptions import UnreadableValue, ValidationError
from ...expressions import Action, Compare, Condition, IfNotExists, In, Path, Set, Value
from ...expressions.updates import SetOnce
from ...operations.base import Wire, WireItem
from ...operations.items import StoredItem
from ...planning import Plan, Told
from ...schema import TableSchema
from ..fields.base import AnyField


class _Text(Struct, gc=False):
    S: str | None = None


class InheritedOptions(Protocol):
    """The options of a model, as far as the classes that share its table need them."""

    model: type[Any]
    name: str
    declared: dict[str, Any]
    table_name: str
    schema: TableSchema
    kind: PolymorphicIdentity | None
    present: Condition

    @property
    def version(self) -> AnyField | None: ...
    @property
    def fields(self) -> Iterable[AnyField]: ...
    @property
    def scopes(self) -> frozenset[str]: ...
    def forget_plans(self) -> None: ...


class Hierarchy:
    """The classes of one table: the one that ``Meta.discriminator`` is said in, and those below it."""

    def __init__(self, root: type[Any], attribute: str, *, raises: bool) -> None:
        self.root, self.attribute = root, attribute
        self.raises = raises
        """Whether an item of a kind that no class has cannot be read."""
        self.metas: dict[str, InheritedOptions] = {}
        """What is known of each class, by kind."""
        self.classes: dict[str | None, type[Any]] = {}
        self.version = 0
        """How often a class came: what was made of the kinds before may lack it."""
        self._warned: set[str] = set()
        wires = msgspec.defstruct(
            "Kind", [("wire", _Text | None, None)], rename={"wire": attribute}, gc=False
        )
        self.read: Callable[[StoredItem], Any] = msgspec.json.Decoder(wires).decode

    def kind_of(self, item: StoredItem) -> str | None:
        """Return the kind of an item, and decode nothing else of it; None where it has none."""
        wire = self.read(item).wire
        return None if wire is None else cast("str | None", wire.S)

    def class_of(self, default: type[Any], item: StoredItem) -> type[Any]:
        """Return the class of an item; *default* where it has no kind, or where that was not fetched.

        Raises UnreadableValue for a kind that no class has, where ``Meta.unknown_kind`` says so.
        """
        try:
            wire = self.read(item).wire
        except ValueError:  # it is no item at all: reading its fields tells what is wrong
            return default
        if wire is None:
            return default
        return self.classes.get(wire.S) or self.unknown(wire.S)

    def unknown(self, kind: str | None) -> type[Any]:
        """Return the class for an item whose kind no class has."""
        name = self.root.__name__
        message = (
            f"{name}: an item is of the kind {kind!r}, and the classes are of the kinds "
            f"{', '.join(map(repr, self.metas))}: import the module of its class"
        )
        if self.raises:
            raise UnreadableValue(f'{message}, or say unknown_kind = "warn" in Meta')
        if repr(kind) not in self._warned:
            self._warned.add(repr(kind))
            warnings.warn(f"{message}; it is read as {name}", stacklevel=2)
        return self.root

    def add(self, meta: InheritedOptions, kind: str) -> None:
        """Count a class among those that there are, or the new one of a class that is made again."""
        model = meta.model
        self.metas = {
            each: other
            for each, other in self.metas.items()
            if not is_redefinition(model, other.model)
        }
        self.metas[kind] = meta
        self.classes.update({each: other.model for each, other in self.metas.items()})
        for gone in self.classes.keys() - self.metas.keys():
            del self.classes[gone]
        self.version += 1
        for other in self.metas.values():
            if other.kind is not None:
                other.present = other.kind.present(other.present)
                other.forget_plans()


def is_redefinition(model: type[Any], other: type[Any]) -> bool:
    """Tell whether *model* is *other*, or made by the same class statement, as in a notebook."""
    return (model.__module__, model.__qualname__) == (other.__module__, other.__qualname__)


class PolymorphicIdentity:
    """Which of the classes of a table one is, and which others are below it."""

    def __init__(self, tree: Hierarchy, model: type[Any], value: str, field: AnyField) -> None:
        self.hierarchy, self.model = tree, model
        self.value, self.field = value, field
        self.is_subclass = model is not tree.root
        """Whether the table has items that are none of this class: the root has all of them."""
        self.wire: Wire = {"S": value}
        self.path: Path = field._path()
        self._condition: tuple[int, Condition] | None = None

    @property
    def values(self) -> list[str]:
        """The kinds of this class and of those below it, in the order of the alphabet."""
        below = {
            v for v, meta in self.hierarchy.metas.items() if issubclass(meta.model, self.model)
        }
        return sorted(below | {self.value})

    def condition(self) -> Condition:
        """Return the condition that an item is there and is one of this class; of all, it is empty."""
        if not self.is_subclass:
            return Condition()
        if self._condition is None or self._condition[0] != self.hierarchy.version:
            values = [Value({"S": each}) for each in self.values]
            found: Condition = In(self.path, tuple(values))
            if len(values) == 1:
                found = Compare(self.path, "=", values[0])
            self._condition = self.hierarchy.version, found
        return self._condition[1]

    def present(self, usual: Condition) -> Condition:
        """Return the condition that there is an item of this class; *usual*, for a class of all."""
        return self.condition() if self.is_subclass else usual

    # -- what is read --------------------------------------------------------------------------

    def holds(self, item: StoredItem) -> bool:
        """Tell whether an item is one of this class."""
        return not self.is_subclass or self._is_below(self.hierarchy.kind_of(item))

    def holds_wires(self, wires: Mapping[str, Any]) -> bool:
        """Tell whether the item of these attributes is one of this class."""
        return not self.is_subclass or self._is_below(
            wires.get(self.hierarchy.attribute, {}).get("S")
        )

    def _is_below(self, kind: str | None) -> bool:
        found = self.hierarchy.classes.get(kind)
        return found is not None and issubclass(found, self.model)

    def explain(self, plan: Plan) -> Plan:
        """Return *plan* with a note that says how it leaves the other classes out."""
        if not self.is_subclass or plan.kind == "nothing":
            return plan
        told = plan.told or Told()
        filtered = any(path.parts[0] == self.hierarchy.attribute for path in told.filter.paths())
        names = sorted(
            meta.model.__name__
            for meta in self.hierarchy.metas.values()
            if issubclass(meta.model, self.model)
        )
        how = "by a filter, as no key that is read holds it" if filtered else "by the key"
        note = f"only {', '.join(names)}: {self.field.name} is asked for {how}"
        return replace(plan, told=replace(told, notes=(*told.notes, note)))

    # -- what is written -----------------------------------------------------------------------

    def set_discriminator(self, wires: WireItem, stored: Mapping[str, Wire]) -> None:
        """Put the kind into what is to be stored of an instance, which was loaded as *stored*, if it was.

        Raises ValidationError where another was assigned.
        """
        name = self.hierarchy.attribute
        wire, known = wires.get(name), stored.get(name)
        if wire is None or "NULL" in wire:
            wires[name] = self.wire if known is None else known
        elif wire != (self.wire if known is None else known):
            raise ValidationError(
                {self.field.name: [self.unchanging(wire)]}, model=self.field.owner
            )

    def is_changed_by(self, field: AnyField, wire: Wire | None, stored: Mapping[str, Wire]) -> bool:
        """Tell whether to store *wire* for *field* gives the item another kind than it has."""
        return field is self.field and (wire != self.wire or field.attribute in stored)

    def unchanging(self, wire: Wire | None) -> str:
        """Return the message for an instance of this class whose discriminator was set to *wire*."""
        kind = None if wire is None else wire.get("S")
        there = self.hierarchy.classes.get(kind)
        make = "leave it out" if there is None else f"make an instance of {there.__name__}"
        return (
            f"it tells the classes of the table apart, and that of {self.model.__name__} is "
            f"{self.value!r}, not {kind!r}: {make}"
        )

    def setter(self) -> Action:
        """Return what an update writes that may make the item: its kind, where it has none."""
        value = Value(self.wire)
        if self.is_subclass and self.values == [self.value]:
            return Set(self.path, value)  # the condition of the update allows for no other
        return SetOnce(self.path, IfNotExists(self.path, value))

    def check(self, actions: Iterable[Action], errors: dict[str, list[str]]) -> None:
        """Say in *errors* that an update would change the kind, where it would."""
        if any(action.path.parts[0] == self.hierarchy.attribute for action in actions):
            errors[self.field.name] = [
                "it tells the classes of the table apart, and is written by itself: an item's kind "
                "cannot change; create a new item and delete this one"
            ]


# -- loading ---------------------------------------------------------------------------------------
def make_loaders(tree: Hierarchy, plain: Any) -> dict[str, Any]:
    """Return the methods that load items as the classes that they are, for the root of *tree*.

    :param plain: the class whose own methods load items as the class that they are called on.
    """
    read, classes = tree.read, tree.classes

    def load(cls: type[Any], stored: StoredItem) -> Any:
        try:  # as class_of() does, but for the call: this is done for every item
            wire = read(stored).wire
        except ValueError:
            wire = None
        found = cls if wire is None else classes.get(wire.S) or tree.unknown(wire.S)
        return plain._load.__func__(found, stored)

    def holding(cls: type[Any], held: frozenset[str]) -> Callable[[StoredItem], Any]:
        if tree.attribute not in held:
            return cast("Callable[[StoredItem], Any]", plain._load_partially.__func__(cls, held))
        loads: dict[type[Any], Callable[[StoredItem], Any]] = {}

        def load_held(stored: StoredItem) -> Any:
            found = tree.class_of(cls, stored)
            if found not in loads:
                loads[found] = plain._load_partially.__func__(found, held)
            return loads[found](stored)

        return load_held

    return {"_load": classmethod(load), "_load_partially": classmethod(holding)}
