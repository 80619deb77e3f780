"""Kinds of a document: which class a stored one is of, by its discriminator."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, cast

import msgspec
from msgspec import Struct

from ...exceptions import ModelDefinitionError
from ...operations.items import StoredItem

_KNOWN = ("discriminator", "kind", "unknown_kind", "abstract")


class Kinds(Struct, eq=False):
    """The classes that one discriminator tells apart."""

    root: type[Any]
    """The class that names it; the others are below."""
    attribute: str
    name: str
    """The name of the field that holds the kind, or of the attribute where there is none."""
    raises: bool
    """Whether a kind that no class has cannot be read."""
    read: Callable[[StoredItem], Any]
    classes: dict[str, type[Any]] = {}
    warned: set[str] = set()

    def class_of(self, stored: StoredItem, declared: type[Any]) -> type[Any]:
        """Return the class of a stored document, which is *declared* or below it.

        A document that says no kind is of the class *declared*. Raises ValueError for one of another.
        """
        wire: Any = self.read(stored).wire
        if wire is None:
            return declared
        kind: Any = cast("dict[str, Any]", wire).get("S") if isinstance(wire, dict) else None
        found = self.classes.get(kind)
        if found is None:
            if self.raises:
                raise ValueError(self.strange(kind, declared))
            if repr(kind) not in self.warned:
                self.warned.add(repr(kind))
                message = f"{self.strange(kind, declared)}; it is read as {declared.__name__}"
                warnings.warn(message, stacklevel=2)
            return declared
        if not issubclass(found, declared):
            message = f"it is of the kind {kind!r}, a {found.__name__}, no {declared.__name__}"
            raise ValueError(message)  # noqa: TRY004 - of a stored value
        return found

    def strange(self, kind: object, declared: type[Any]) -> str:
        """Return what is said of a *kind* that is none of those of *declared*."""
        known = [name for name, each in self.classes.items() if issubclass(each, declared)]
        return f"{kind!r} is no kind of {declared.__name__}: there are {', '.join(known)}"

    def below(self, declared: type[Any]) -> Iterator[type[Any]]:
        """Yield the classes that a value may be of where *declared* is declared."""
        return (each for each in list(self.classes.values()) if issubclass(each, declared))


def find_kinds(cls: type[Any], inherited: Kinds | None) -> tuple[Kinds | None, str | None]:
    """Return the kinds that *cls* is one of, and its own, as its Meta says."""
    options = _said(cls)
    if "discriminator" in options:
        if inherited is not None:
            raise ModelDefinitionError(
                f"{cls.__name__}.Meta.discriminator: {inherited.root.__name__}, a base class, has one: "
                "a document has one discriminator"
            )
        kinds: Kinds | None = _begun(cls, options)
    else:
        kinds = inherited
        misplaced = [name for name in ("kind", "unknown_kind") if name in options]
        if misplaced and (kinds is None or "unknown_kind" in options):
            raise ModelDefinitionError(
                f"{cls.__name__}.Meta.{misplaced[-1]} is of use beside Meta.discriminator alone, "
                "in the class that has it" + (" and its subclasses" if kinds is None else "")
            )
    if kinds is None or options.get("abstract"):
        return kinds, None
    return kinds, _joined(cls, kinds, options.get("kind", cls.__name__))


def _said(cls: type) -> dict[str, Any]:
    meta = vars(cls).get("Meta")
    if meta is None:
        return {}
    if not isinstance(meta, type):
        raise ModelDefinitionError(f"{cls.__name__}.Meta is {meta!r}: write class Meta: ...")
    options = {name: value for name, value in vars(meta).items() if name[0] != "_"}
    for name in options.keys() - set(_KNOWN):
        raise ModelDefinitionError(
            f"{cls.__name__}.Meta.{name} is unknown: that of a Document takes {', '.join(_KNOWN)}"
        )
    return options


def _begun(cls: type[Any], options: dict[str, Any]) -> Kinds:
    name, unknown = options["discriminator"], options.get("unknown_kind", "warn")
    if not isinstance(name, str) or not name:
        raise ModelDefinitionError(
            f"{cls.__name__}.Meta.discriminator is {name!r}: it is the name of an attribute"
        )
    if unknown not in ("warn", "raise"):
        raise ModelDefinitionError(
            f'{cls.__name__}.Meta.unknown_kind is {unknown!r}: it is "warn" or "raise"'
        )
    field = cls._fieldset.by_name.get(name) or cls._fieldset.by_attribute.get(name)
    attribute = name if field is None else field.attribute
    name = attribute if field is None else field.name
    wire = msgspec.defstruct("Kind", [("wire", Any, None)], rename={"wire": attribute}, gc=False)
    read = msgspec.json.Decoder(wire).decode
    return Kinds(cls, attribute, name, unknown == "raise", read)


def _joined(cls: type[Any], kinds: Kinds, kind: object) -> str:
    """Count *cls* as the class of *kind*; give the field that holds it, if any, its value."""
    if not isinstance(kind, str) or not kind:
        raise ModelDefinitionError(f"{cls.__name__}.Meta.kind is {kind!r}: it is a text")
    twin = kinds.classes.get(kind)
    if twin is not None and (twin.__module__, twin.__qualname__) != (
        cls.__module__,
        cls.__qualname__,
    ):
        raise ModelDefinitionError(
            f"{cls.__name__} and {twin.__name__} are both the kind {kind!r} of {kinds.root.__name__}: "
            "give one of them another Meta.kind"
        )
    field = cls._fieldset.by_attribute.get(kinds.attribute)
    if field is not None:
        if field.kind != "S":
            raise field.misdeclared("it holds the kind, a text: declare a CharField")
        if field.name != kinds.name:
            raise field.misdeclared(
                f"it is stored where {kinds.root.__name__} keeps the kind: give it another name="
            )
        field.default = kind
    kinds.classes[kind] = cls
    return kind
