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

    def class_of(self, stored: StoredItem, asked: type[Any]) -> type[Any]:
        """Return the class of a stored document, which is *asked* or below it.

        A document that says no kind is of the class *asked*. Raises ValueError for one of another.
        """
        wire: Any = self.read(stored).wire
        if wire is None:
            return asked
        kind: Any = cast("dict[str, Any]", wire).get("S") if isinstance(wire, dict) else None
        found = self.classes.get(kind)
        if found is None:
            if self.raises:
                raise ValueError(self.strange(kind, asked))
            if repr(kind) not in self.warned:
                self.warned.add(repr(kind))
                said = f"{self.strange(kind, asked)}; it is read as {asked.__name__}"
                warnings.warn(said, stacklevel=2)
            return asked
        if not issubclass(found, asked):
            said = f"it is of the kind {kind!r}, a {found.__name__}, no {asked.__name__}"
            raise ValueError(said)  # noqa: TRY004 - of a stored value
        return found

    def strange(self, kind: object, asked: type[Any]) -> str:
        """Return what is said of a *kind* that is none of those of *asked*."""
        known = [name for name, each in self.classes.items() if issubclass(each, asked)]
        return f"{kind!r} is no kind of {asked.__name__}: there are {', '.join(known)}"

    def below(self, asked: type[Any]) -> Iterator[type[Any]]:
        """Yield the classes that a value may be of where *asked* is declared."""
        return (each for each in list(self.classes.values()) if issubclass(each, asked))


def kinds_of(cls: type[Any], inherited: Kinds | None) -> tuple[Kinds | None, str | None]:
    """Return the kinds that *cls* is one of, and its own, as its Meta says."""
    said = _said(cls)
    if "discriminator" in said:
        if inherited is not None:
            raise ModelDefinitionError(
                f"{cls.__name__}.Meta.discriminator: {inherited.root.__name__}, a base class, has one: "
                "a document has one discriminator"
            )
        kinds: Kinds | None = _begun(cls, said)
    else:
        kinds = inherited
        misplaced = [name for name in ("kind", "unknown_kind") if name in said]
        if misplaced and (kinds is None or "unknown_kind" in said):
            raise ModelDefinitionError(
                f"{cls.__name__}.Meta.{misplaced[-1]} is of use beside Meta.discriminator alone, "
                "in the class that has it" + (" and its subclasses" if kinds is None else "")
            )
    if kinds is None or said.get("abstract"):
        return kinds, None
    return kinds, _joined(cls, kinds, said.get("kind", cls.__name__))


def _said(cls: type) -> dict[str, Any]:
    meta = vars(cls).get("Meta")
    if meta is None:
        return {}
    if not isinstance(meta, type):
        raise ModelDefinitionError(f"{cls.__name__}.Meta is {meta!r}: write class Meta: ...")
    said = {name: value for name, value in vars(meta).items() if name[0] != "_"}
    for name in said.keys() - set(_KNOWN):
        raise ModelDefinitionError(
            f"{cls.__name__}.Meta.{name} is unknown: that of a Document takes {', '.join(_KNOWN)}"
        )
    return said


def _begun(cls: type[Any], said: dict[str, Any]) -> Kinds:
    name, unknown = said["discriminator"], said.get("unknown_kind", "warn")
    if not isinstance(name, str) or not name:
        raise ModelDefinitionError(
            f"{cls.__name__}.Meta.discriminator is {name!r}: it is the name of an attribute"
        )
    if unknown not in ("warn", "raise"):
        raise ModelDefinitionError(
            f'{cls.__name__}.Meta.unknown_kind is {unknown!r}: it is "warn" or "raise"'
        )
    field = cls._fields.by_name.get(name) or cls._fields.by_attribute.get(name)
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
    field = cls._fields.by_attribute.get(kinds.attribute)
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
