"""Document classes with a discriminator: finding the class of a stored document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...exceptions import ModelDefinitionError
from ...operations.items import StoredItem
from .discriminator import Discriminator, check_kind, is_redefinition, raises_for_unknown

_KNOWN = ("discriminator", "kind", "unknown_kind", "abstract")


class DocumentKinds(Discriminator):
    """The document classes of one discriminator."""

    def __init__(self, root: type[Any], attribute: str, name: str, *, raises: bool) -> None:
        super().__init__(root, attribute, raises=raises)
        self.name = name
        """The name of the field that stores the kind, or of the attribute if no field does."""

    def class_of(self, stored: StoredItem, declared: type[Any]) -> type[Any]:
        """Return the class of a stored document: *declared* or one of its subclasses.

        A document without a kind has the class *declared*. Raises ValueError for a document of another class.
        """
        wire = self.read(stored).wire
        if wire is None:
            return declared
        found = self.classes.get(wire.S)
        if found is None:
            message = self.describe_unknown(wire.S, declared)
            return self.use_default(wire.S, declared, message, ValueError(message))
        if not issubclass(found, declared):
            message = f"it is of the kind {wire.S!r}, a {found.__name__}, not a {declared.__name__}"
            raise ValueError(message)  # noqa: TRY004 - of a stored value
        return found

    def describe_unknown(self, kind: object, declared: type[Any]) -> str:
        """Return the message for a *kind* that neither *declared* nor a subclass of it has."""
        known = [str(name) for name, each in self.classes.items() if issubclass(each, declared)]
        return f"{kind!r} is not a kind of {declared.__name__}: its kinds are {', '.join(known)}"

    def list_below(self, declared: type[Any]) -> Iterator[type[Any]]:
        """Yield *declared*, unless it is abstract, and its subclasses."""
        return (each for each in list(self.classes.values()) if issubclass(each, declared))


def find_kinds(
    cls: type[Any], inherited: DocumentKinds | None
) -> tuple[DocumentKinds | None, str | None]:
    """Return the discriminator of *cls* and its kind, from its Meta."""
    options = _read_meta(cls)
    if "discriminator" in options:
        if inherited is not None:
            raise ModelDefinitionError(
                f"{cls.__name__}.Meta.discriminator: {inherited.root.__name__}, a base class, has one: "
                "a document has one discriminator"
            )
        kinds: DocumentKinds | None = _make_kinds(cls, options)
    else:
        kinds = inherited
        misplaced = [name for name in ("kind", "unknown_kind") if name in options]
        if misplaced and (kinds is None or "unknown_kind" in options):
            raise ModelDefinitionError(
                f"{cls.__name__}.Meta.{misplaced[-1]} needs Meta.discriminator: declare it in the class "
                "with the discriminator" + (", or a subclass of that" if kinds is None else "")
            )
    if kinds is None or options.get("abstract"):
        return kinds, None
    return kinds, _register(cls, kinds, options.get("kind", cls.__name__))


def _read_meta(cls: type) -> dict[str, Any]:
    meta = vars(cls).get("Meta")
    if meta is None:
        return {}
    if not isinstance(meta, type):
        raise ModelDefinitionError(f"{cls.__name__}.Meta is {meta!r}: write class Meta: ...")
    options = {name: value for name, value in vars(meta).items() if name[0] != "_"}
    for name in options.keys() - set(_KNOWN):
        raise ModelDefinitionError(
            f"{cls.__name__}.Meta.{name} is unknown: the Meta of a Document takes {', '.join(_KNOWN)}"
        )
    return options


def _make_kinds(cls: type[Any], options: dict[str, Any]) -> DocumentKinds:
    name, unknown = options["discriminator"], options.get("unknown_kind", "warn")
    if not isinstance(name, str) or not name:
        raise ModelDefinitionError(
            f"{cls.__name__}.Meta.discriminator is {name!r}: it takes the name of an attribute"
        )
    field = cls._fieldset.by_name.get(name) or cls._fieldset.by_attribute.get(name)
    attribute = name if field is None else field.attribute
    name = attribute if field is None else field.name
    return DocumentKinds(cls, attribute, name, raises=raises_for_unknown(cls, unknown))


def _register(cls: type[Any], kinds: DocumentKinds, kind: object) -> str:
    """Register *cls* as the class of *kind*; set *kind* as the default of the discriminator's field."""
    kind = check_kind(cls, kind)
    twin = kinds.classes.get(kind)
    if twin is not None and not is_redefinition(cls, twin):
        raise ModelDefinitionError(
            f"{cls.__name__} and {twin.__name__} both have the kind {kind!r} of {kinds.root.__name__}: "
            "give one of them another Meta.kind"
        )
    field = cls._fieldset.by_attribute.get(kinds.attribute)
    if field is not None:
        if field.kind != "S":
            raise field.misdeclared("it stores the kind, a text: declare a CharField")
        if field.name != kinds.name:
            raise field.misdeclared(
                f"it has the attribute in which {kinds.root.__name__} stores the kind: give it another name="
            )
        field.default = kind
    kinds.classes[kind] = cls
    return kind
