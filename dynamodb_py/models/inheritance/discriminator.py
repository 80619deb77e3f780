"""Several model classes in one table: each item stores its kind, and is loaded as the class of that kind."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from msgspec import Struct
from msgspec.structs import replace

from ...codec import make_attributes_reader
from ...exceptions import ModelDefinitionError, UnreadableValue, ValidationError
from ...expressions import Action, Compare, Condition, IfNotExists, In, Path, Set, Value
from ...expressions.updates import SetOnce
from ...operations.base import Wire, WireItem
from ...operations.items import StoredItem
from ...schema import IndexSchema, TableSchema
from ..fields.base import AnyField

if TYPE_CHECKING:
    from ... import planning
else:
    from ...lazy import planning


class _Text(Struct, gc=False):
    S: str | None = None


class Discriminator:
    """A root and its subclasses, which an attribute of the stored item or document distinguishes."""

    def __init__(self, root: type[Any], attribute: str, *, raises: bool) -> None:
        self.root, self.attribute = root, attribute
        self.raises = raises
        """Whether an unknown kind raises; otherwise it warns."""
        self.classes: dict[str | None, type[Any]] = {}
        """The classes by kind."""
        self._warned: set[str] = set()
        self.read: Callable[[StoredItem], Any] = make_attributes_reader(
            [("wire", _Text | None, None)], {"wire": attribute}
        )

    def use_default(
        self, kind: object, default: type[Any], message: str, error: Exception
    ) -> type[Any]:
        """Return *default*, with a warning, for an unknown kind; raise *error* if ``raises``."""
        if self.raises:
            raise error
        if repr(kind) not in self._warned:
            self._warned.add(repr(kind))
            warnings.warn(f"{message}; it is read as {default.__name__}", stacklevel=3)
        return default


def raises_for_unknown(cls: type[Any], unknown: object) -> bool:
    """Tell whether ``unknown_kind`` in the Meta of *cls* is "raise"; refuse values other than "warn"."""
    if unknown not in ("warn", "raise"):
        raise ModelDefinitionError(
            f'{cls.__name__}.Meta.unknown_kind is {unknown!r}: it takes "warn" or "raise"'
        )
    return unknown == "raise"


def check_kind(cls: type[Any], kind: object) -> str:
    """Return the kind of *cls*; raise ModelDefinitionError if it is not a text."""
    if not isinstance(kind, str) or not kind:
        raise ModelDefinitionError(f"{cls.__name__}.Meta.kind is {kind!r}: it takes a text")
    return kind


def require_kinds(path: Path, kinds: Iterable[str]) -> Condition:
    """Return the condition that the discriminator at *path* is one of *kinds*."""
    values = tuple(Value({"S": kind}) for kind in kinds)
    return Compare(path, "=", values[0]) if len(values) == 1 else In(path, values)


class InheritedOptions(Protocol):
    """The part of a model's options that the classes of the same table use."""

    model: type[Any]
    name: str
    declared: dict[str, Any]
    table_name: str
    schema: TableSchema
    kind: PolymorphicIdentity | None

    @property
    def planner(self) -> planning.Planner: ...
    @property
    def version(self) -> AnyField | None: ...
    @property
    def fields(self) -> Iterable[AnyField]: ...
    @property
    def scopes(self) -> frozenset[str]: ...
    def forget_plans(self) -> None: ...


class SharedSchema(Struct, frozen=True):
    """The schema of the table of several classes, and the class that first declared each part of it."""

    schema: TableSchema
    indexes: dict[str, tuple[IndexSchema, InheritedOptions]]
    ttl: tuple[str, InheritedOptions] | None


class Hierarchy(Discriminator):
    """The model classes of one table: the root, whose Meta has the discriminator, and its subclasses."""

    def __init__(self, root: type[Any], attribute: str, *, raises: bool) -> None:
        super().__init__(root, attribute, raises=raises)
        self.metas: dict[str, InheritedOptions] = {}
        """The options of the classes by kind."""
        self._by_name: dict[tuple[str, str], InheritedOptions] = {}
        """The options of the classes by module and qualified name."""
        self.table: SharedSchema | None = None
        """The table of all classes."""

    def kind_of(self, item: StoredItem) -> str | None:
        """Return the kind of an item, or None, without decoding the rest of the item."""
        wire = self.read(item).wire
        return None if wire is None else cast("str | None", wire.S)

    def class_of(self, default: type[Any], item: StoredItem) -> type[Any]:
        """Return the class of an item; *default* if it has no kind, or if the kind was not fetched.

        Raises UnreadableValue for an unknown kind with ``unknown_kind = "raise"`` in Meta.
        """
        try:
            wire = self.read(item).wire
        except ValueError:  # not a valid item: reading its fields raises with details
            return default
        if wire is None:
            return default
        return self.classes.get(wire.S) or self.use_root(wire.S)

    def use_root(self, kind: str | None) -> type[Any]:
        """Return the root for an item of an unknown kind; raise UnreadableValue if ``raises``."""
        message = (
            f"{self.root.__name__}: an item is of the kind {kind!r}, and the classes are of the kinds "
            f"{', '.join(map(repr, list(self.metas)))}: import the module of its class"
        )
        error = UnreadableValue(f'{message}, or declare unknown_kind = "warn" in Meta')
        return self.use_default(kind, self.root, message, error)

    def find(self, model: type[Any]) -> InheritedOptions | None:
        """Return the registered options of *model*, or of an earlier definition of it."""
        return self._by_name.get(get_name(model))

    def add(self, meta: InheritedOptions, kind: str, table: SharedSchema) -> None:
        """Add a class, which replaces an earlier definition of it, and set the table that results."""
        before = self.find(meta.model)
        if before is not None and before.kind is not None:
            del self.metas[before.kind.value], self.classes[before.kind.value]
        self._by_name[get_name(meta.model)] = self.metas[kind] = meta
        self.classes[kind] = meta.model
        bases = [self.find(base) for base in meta.model.__mro__[1:]]
        changed = bases if table is self.table else [before, *self.metas.values()]
        self.table = table
        for each in changed:
            if each is not None and each.kind is not None:
                each.kind.forget_condition()
                each.forget_plans()


def get_name(model: type[Any]) -> tuple[str, str]:
    """Return the module and the qualified name of a class; a redefinition of the class has the same."""
    return model.__module__, model.__qualname__


def is_redefinition(model: type[Any], other: type[Any]) -> bool:
    """Tell whether *model* is *other*, or a second definition of it, as in a notebook."""
    return get_name(model) == get_name(other)


class PolymorphicIdentity:
    """One class in the hierarchy of its table."""

    def __init__(self, hierarchy: Hierarchy, model: type[Any], value: str, field: AnyField) -> None:
        self.hierarchy, self.model = hierarchy, model
        self.value, self.field = value, field
        self.is_subclass = model is not hierarchy.root
        """Whether the table has items of other classes; the root has all items."""
        self.wire: Wire = {"S": value}
        self.path: Path = field._path()
        self._condition: Condition | None = None

    @property
    def values(self) -> list[str]:
        """The kinds of this class and its subclasses, in alphabetical order."""
        metas = list(self.hierarchy.metas.items())
        below = {kind for kind, meta in metas if issubclass(meta.model, self.model)}
        return sorted(below | {self.value})

    def condition(self) -> Condition:
        """Return the condition that an item exists and is of this class; it is empty for the root.

        The condition is cached until a subclass is added.
        """
        if not self.is_subclass:
            return Condition()
        found = self._condition
        if found is None:
            found = self._condition = require_kinds(self.path, self.values)
        return found

    def forget_condition(self) -> None:
        """Drop the cached condition, because the subclasses have changed."""
        self._condition = None

    def require_class(self, present: Condition) -> Condition:
        """Return the condition that an item of this class exists; *present* for the root."""
        return self.condition() if self.is_subclass else present

    def holds(self, item: StoredItem) -> bool:
        """Tell whether an item is of this class."""
        return not self.is_subclass or self._is_below(self.hierarchy.kind_of(item))

    def holds_wires(self, wires: Mapping[str, Any]) -> bool:
        """Tell whether the item with these attributes is of this class."""
        kind = wires.get(self.hierarchy.attribute, {}).get("S")
        return not self.is_subclass or self._is_below(kind)

    def _is_below(self, kind: str | None) -> bool:
        found = self.hierarchy.classes.get(kind)
        return found is not None and issubclass(found, self.model)

    def explain(self, plan: planning.Plan) -> planning.Plan:
        """Return *plan* with a note on how it leaves out other classes."""
        if not self.is_subclass or plan.kind == "nothing":
            return plan
        explanation = plan.explanation or planning.Explanation()
        attributes = {path.parts[0] for path in explanation.filter.paths()}
        filtered = self.hierarchy.attribute in attributes
        models = [meta.model for meta in list(self.hierarchy.metas.values())]
        names = sorted(each.__name__ for each in models if issubclass(each, self.model))
        how = "by a filter, as no key that is read holds it" if filtered else "by the key"
        note = f"only {', '.join(names)}: {self.field.name} is selected {how}"
        return replace(plan, explanation=replace(explanation, notes=(*explanation.notes, note)))

    def find_class(self, values: Mapping[str, Any], model: type[Any]) -> type[Any]:
        """Return the class of the kind in *values*, by field name, if it is a subclass of *model*, else *model*."""
        given = values.get(self.field.name)
        named = self.hierarchy.classes.get(str(getattr(given, "value", given)))  # or of an enum
        return named if named is not None and issubclass(named, model) else model

    def set_discriminator(self, wires: WireItem, stored: Mapping[str, Wire]) -> None:
        """Set the kind among the attributes *wires* to store; *stored* are the attributes that were loaded.

        Raises ValidationError if another kind was assigned.
        """
        name = self.hierarchy.attribute
        wire, known = wires.get(name), stored.get(name)
        if wire is None or "NULL" in wire:
            wires[name] = self.wire if known is None else known
        elif wire != (self.wire if known is None else known):
            raise ValidationError(
                {self.field.name: [self.describe_fixed_kind(wire)]}, model=self.field.owner
            )

    def is_changed_by(self, field: AnyField, wire: Wire | None, stored: Mapping[str, Wire]) -> bool:
        """Tell whether storing *wire* for *field* changes the kind of the item."""
        return field is self.field and (wire != self.wire or field.attribute in stored)

    def describe_fixed_kind(self, wire: Wire | None) -> str:
        """Return the message for an instance of this class whose discriminator was set to *wire*."""
        kind = None if wire is None else wire.get("S")
        model = self.hierarchy.classes.get(kind)
        make = "leave it out" if model is None else f"make an instance of {model.__name__}"
        return (
            f"it distinguishes the classes of the table, and the kind of {self.model.__name__} is "
            f"{self.value!r}, not {kind!r}: {make}"
        )

    def make_setter(self) -> Action:
        """Return the action that writes the kind of a new item, for updates that may create an item."""
        value = Value(self.wire)
        if self.is_subclass and self.values == [self.value]:
            return Set(self.path, value)  # the condition of the update allows no other kind
        return SetOnce(self.path, IfNotExists(self.path, value))

    def check(self, actions: Iterable[Action], errors: dict[str, list[str]]) -> None:
        """Add an error to *errors* if *actions* change the kind."""
        if any(action.path.parts[0] == self.hierarchy.attribute for action in actions):
            errors[self.field.name] = [
                "it stores the kind of the item, which cannot change: create a new item and delete this one"
            ]


def make_loaders(hierarchy: Hierarchy, plain: Any) -> dict[str, Any]:
    """Return the methods of the root of *hierarchy* that load items as their classes.

    :param plain: the class whose methods load items as the class that they are called on.
    """
    read, classes = hierarchy.read, hierarchy.classes

    def load(cls: type[Any], stored: StoredItem) -> Any:
        try:  # class_of() inlined, for speed
            wire = read(stored).wire
        except ValueError:
            wire = None
        found = cls if wire is None else classes.get(wire.S) or hierarchy.use_root(wire.S)
        return plain._load.__func__(found, stored)

    def load_partially(cls: type[Any], held: frozenset[str]) -> Callable[[StoredItem], Any]:
        if hierarchy.attribute not in held:
            return cast("Callable[[StoredItem], Any]", plain._load_partially.__func__(cls, held))
        loads: dict[type[Any], Callable[[StoredItem], Any]] = {}

        def load_held(stored: StoredItem) -> Any:
            found = hierarchy.class_of(cls, stored)
            if found not in loads:
                loads[found] = plain._load_partially.__func__(found, held)
            return loads[found](stored)

        return load_held

    return {"_load": classmethod(load), "_load_partially": classmethod(load_partially)}
