"""Documents: maps with declared fields inside items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ..codec import Unstorable, as_sent, from_json
from ..exceptions import QueryError, UnreadableValue, ValidationError
from ..expressions import FREE, Coder, Path, referred
from ..operations.base import Wire, WireItem
from ..operations.items import StoredItem
from . import registry
from .fields.base import AnyField
from .fields.containers.elements import NOT_UNIQUE
from .fields.containers.embedded import EmbeddedField
from .fields.refusals import is_checking
from .fields.times.datetimes import TimestampField
from .fields.version import VersionField
from .foreign_keys.expansion import References, check_document_references
from .foreign_keys.field import ForeignKey
from .inheritance.documents import DocumentKinds, find_kinds
from .keys.declared import is_computed
from .records.attributes import find_assigned_keys, find_unreadable, stamp_field
from .records.base import (
    find_edited_defaults,
    find_unread_fields,
    is_deleted,
    is_untouched,
    state_of,
)
from .records.checks import Errors, check_value, encode_value
from .records.collect import collect
from .records.fieldset import FieldSet
from .records.record import Record, encode_given
from .reserved_names import DOCUMENT, refuse_reserved

if TYPE_CHECKING:
    from typing_extensions import Self

    from .attribute_values import spelling
    from .records.plain import Mode, ReadMode
else:
    from ..lazy import spelling


class Document(Record):
    """A map with fields, inside an item: ``EmbeddedField(Address)``, ``ListField(Address)``.

    >>> from dynamodb_py import CharField
    >>> class Address(Document):
    ...     city = CharField(required=True)
    >>> Address(city="Lyon").to_dict()
    {'city': 'Lyon'}

    A save keeps undeclared attributes, as in models. ``clean_<field>`` and ``clean()`` are called as in
    models, when the item is checked.

    With ``class Meta: discriminator = "kind"``, the attribute ``kind`` names the class of each document:
    this class or a subclass, by its name or its ``Meta.kind``. ``EmbeddedField(Payment)`` then reads
    each document as an instance of its own class. ``Meta.unknown_kind`` is for kinds that no class has:
    ``"warn"``, the default, warns and reads the document as the class that the field names; ``"raise"``
    raises :class:`~dynamodb_py.exceptions.UnreadableValue`.
    """

    _fieldset: ClassVar[FieldSet] = FieldSet("Document", {})
    _kinds: ClassVar[DocumentKinds | None] = None
    """The classes of the discriminator, if there is one."""
    _kind: ClassVar[str | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_reserved(cls, Document, DOCUMENT)
        fields, references = collect(cls, Document, implied=frozenset())
        for field in fields.values():
            if field.is_key:
                raise field.misdeclared("a document has no key: declare it in the model")
            if isinstance(field, TimestampField) and field.ttl:
                raise field.misdeclared(
                    "DynamoDB deletes whole items: declare the TTL in the model"
                )
            if isinstance(field, VersionField):
                raise field.misdeclared("a version belongs to the item: declare it in the model")
            if field.unique:
                raise field.misdeclared(NOT_UNIQUE)
            if is_computed(field):
                what = "function" if getattr(field, "template", None) is None else "template"
                raise field.misdeclared(
                    f"its {what} makes a key, and a document has none: declare it in the model"
                )
        _set_fields(cls, fields, references)
        cls._kinds, cls._kind = find_kinds(cls, cls._kinds)

    @classmethod
    def _settle_references(cls, *, late: bool = True) -> None:
        _set_fields(cls, *collect(cls, Document, implied=frozenset(), late=late))

    def _to_wire(self, depth: int, /) -> Wire:
        return encode_document(self, depth)

    # -- several kinds -------------------------------------------------------------------------

    @classmethod
    def _make_loader(cls) -> Callable[[StoredItem], Self]:
        """Return the function that loads a document from JSON; it raises ValueError for unknown kinds."""
        kinds = cls._kinds
        if kinds is None:
            return cls._load

        def load(stored: StoredItem) -> Any:
            found: type[Any] = kinds.class_of(stored, cls)
            return found._load(stored)

        return load

    @classmethod
    def from_db(cls, item: StoredItem | str | Mapping[str, Any]) -> Self:
        if cls._kinds is None:
            return super().from_db(item)
        stored = encode_given(cls, item)
        try:
            found: Any = cls._kinds.class_of(stored, cls)
        except ValueError as error:
            raise UnreadableValue(f"{cls.__name__}: {error}") from error
        document: Any = cast("Any", super(Document, found)).from_db(stored)
        return cast("Self", document)

    @property
    def extra(self) -> Mapping[str, Any]:
        if self._kinds is None:
            return super().extra
        extra = dict(super().extra)
        extra.pop(self._kinds.attribute, None)
        return extra

    def to_dict(self, *, mode: Mode = "python") -> dict[str, Any]:
        values, kinds = super().to_dict(mode=mode), self._kinds
        if kinds is None or kinds.name in values:
            return values
        stored: WireItem = {} if self._stored is None else from_json(self._stored)
        kind: Any = stored.get(kinds.attribute, {}).get("S", self._kind)
        return {kinds.name: kind, **values}

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], *, mode: ReadMode = "python", strict: bool = False
    ) -> Self:
        kinds = cls._kinds
        if kinds is None or not isinstance(values, Mapping) or kinds.name not in values:  # pyright: ignore[reportUnnecessaryIsInstance]
            return super().from_dict(values, mode=mode, strict=strict)
        kind = values[kinds.name]
        found: Any = kinds.classes.get(kind) if isinstance(kind, (str, type(None))) else None
        if found is None or not issubclass(found, cls):
            raise ValidationError(
                {kinds.name: [kinds.describe_unknown(kind, cls)]}, model=cls.__name__
            )
        if kinds.name not in found._fieldset.by_name:
            values = {name: value for name, value in values.items() if name != kinds.name}
        document: Any = super(Document, found).from_dict(values, mode=mode, strict=strict)
        return cast("Self", document)

    # -- paths, for conditions and changes -----------------------------------------------------

    @classmethod
    def _attribute_of(cls, name: str) -> str | None:
        """Return the attribute of the field *name*, or *name* if it is an attribute itself.

        Raises QueryError if subclasses store the field in different attributes.
        """
        found = [cls._fieldset.by_name.get(name)]
        if found[0] is None and cls._kinds is not None:
            found = [kind._fieldset.by_name.get(name) for kind in cls._kinds.list_below(cls)]
        attributes = {field.attribute: field for field in found if field is not None}
        if len(attributes) > 1:
            stored = " and ".join(f"{f.label} as {a!r}" for a, f in attributes.items())
            raise QueryError(
                f"{cls.__name__}: {name} is ambiguous: {stored} are different attributes; use the "
                "name of the attribute"
            )
        for attribute in attributes:
            return attribute
        return name if cls._coder_at(name) is not None else None

    @classmethod
    def _coder_at(cls, attribute: str) -> Coder | None:
        """Return the coder of the values of an attribute; None if no field is stored there."""
        found: AnyField | None = cls._fieldset.by_attribute.get(attribute)
        kinds = cls._kinds
        if found is not None or kinds is None:
            return found
        among: list[AnyField | None] = [
            kind._fieldset.by_attribute.get(attribute) for kind in kinds.list_below(cls)
        ]
        several = [field for field in among if field is not None]
        if several:
            return several[0] if len({type(field) for field in several}) == 1 else FREE
        return FREE if attribute == kinds.attribute else None

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return (
            self.to_dict() == other.to_dict()
            and self.extra == other.extra
            and find_unreadable(self) == find_unreadable(other)
        )

    __hash__ = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType] - it can change


def _set_fields(kind: type[Document], fields: dict[str, AnyField], references: References) -> None:
    check_document_references(kind.__name__, references)
    kind._fieldset = FieldSet(kind.__name__, fields, references, kind)
    if not all(reference.is_settled for reference in references.values()):
        registry.defer(kind, named=False)


@referred.register(EmbeddedField)
def _(coder: EmbeddedField[Any, Any], path: Path, part: str) -> Path | None:
    reference = _find_reference(coder.document, part)
    return None if reference is None else reference.place_at(path)._path()


def _find_reference(document: type[Document], name: str) -> ForeignKey[Any, Any] | None:
    """Return the reference *name* of a class of documents, or of its kinds.

    Raises QueryError if they store it in different attributes.
    """
    kinds = document._kinds
    found: dict[tuple[str, ...], ForeignKey[Any, Any]] = {}
    for kind in (document, *(() if kinds is None else kinds.list_below(document))):
        if name in kind._fieldset.references:
            if not kind._fieldset.references[name].is_settled:
                kind._settle_references()
            reference = kind._fieldset.references[name]
            found.setdefault(tuple(part.attribute for part in reference.parts), reference)
    if len(found) > 1:
        stored = " and ".join(f"{each.label} as {', '.join(key)}" for key, each in found.items())
        raise QueryError(
            f"{document.__name__}: {name} is ambiguous: {stored} are different attributes; use the "
            "names of the attributes"
        )
    return next(iter(found.values()), None)


def encode_document(document: Document, depth: int) -> Wire:
    """Return the attribute value of this document; raise Unstorable with all wrong fields."""
    stored: WireItem = {} if document._stored is None else from_json(document._stored)
    if not document._decoded and document._stored is not None:
        if is_untouched(document):
            return {"M": {name: as_sent(wire) for name, wire in stored.items()}}
        document._decode()  # a value was set before any was read
    fields, unread = document._fieldset, find_unread_fields(document)
    declared = fields.by_attribute
    wires = {
        name: as_sent(wire)
        for name, wire in stored.items()
        if name not in declared
        or ((key := declared[name].name) in unread and key not in document.__dict__)
    }
    wrong: list[Unstorable] = []
    here = {*document.__dict__, *find_edited_defaults(document)}
    assigned = find_assigned_keys(document) if fields.references else {}
    for field in fields:
        fresh = document._stored is None and not is_deleted(document, field.name)
        if field.name in assigned:
            wires[field.attribute] = assigned[field.name]
        elif not field.stamps and (field.name in here or fresh):
            _put_field(document, field, stored.get(field.attribute), wires, wrong, depth)
    if fields.stamping:
        _put_stamped(document, stored, wires, wrong, depth)
    if document._kinds is not None:
        _put_kind(document, document._kinds, wires, wrong)
    if wrong:
        raise Unstorable.all_of(wrong)
    return {"M": {name: wires[name] for name in stored if name in wires} | wires}


def _put_kind(
    document: Document, kinds: DocumentKinds, wires: WireItem, wrong: list[Unstorable]
) -> None:
    """Put the kind into *wires*; add an error to *wrong* if another one was assigned."""
    if document._kind is None:
        wrong.append(
            Unstorable(f"{type(document).__name__} is abstract: make one of its subclasses")
        )
        return
    attribute = kinds.attribute
    was: Wire | None = None
    if document._stored is not None:
        was = cast("WireItem", from_json(document._stored)).get(attribute)
        if was is None and type(document) is kinds.root and attribute not in wires:
            return  # stored before the class had a discriminator
    kind: Wire = {"S": document._kind} if was is None else was
    if wires.setdefault(attribute, kind) != kind:
        message = f"it is {kind['S']!r}, and cannot change: make an instance of another class"
        wrong.append(Unstorable(message).inside(f".{kinds.name}"))


def _put_field(
    document: Document,
    field: AnyField,
    old: Wire | None,
    wires: WireItem,
    wrong: list[Unstorable],
    depth: int,
) -> None:
    """Put the attribute value of one field into *wires*, as *old* spells it, or its errors into *wrong*."""
    errors: Errors = {}
    value = getattr(document, field.name)
    wire = encode_value(field, value, errors, depth)
    if old is not None and (
        spelling.reads_as(field, old, value)
        if errors
        else spelling.is_same(field, old, value, wire)
    ):
        wires[field.attribute] = as_sent(old)
        return
    if field.normalises and value is not None:
        value = document.__dict__[field.name] = field.normalise(value)
    check_value(field, value, wire, errors, validate=is_checking())
    if errors:
        faults = [(f".{path}", each) for path, messages in errors.items() for each in messages]
        wrong.append(Unstorable(faults[0][1], faults))
    if wire is not None:
        wires[field.attribute] = spelling.keep_spelling_of(field, old, wire) or wire


def _put_stamped(
    document: Document, stored: WireItem, wires: WireItem, wrong: list[Unstorable], depth: int
) -> None:
    """Put the fields that set themselves into *wires*, with a new value if another field has changed."""
    fields = document._fieldset.stamping
    others = dict(wires)
    changed = others != _others_before(document, stored)
    for field in fields:
        if changed:
            value = document.__dict__.get(field.name)
            stamp_field(document, field, value, adding=document._stored is None)
        if field.name in document.__dict__ or document._stored is None:
            _put_field(document, field, stored.get(field.attribute), wires, wrong, depth)
    state_of(document).unstamped = others


def _others_before(document: Document, stored: WireItem) -> WireItem | None:
    """Return the stored attributes of the fields that do not set themselves; None if never stored."""
    if document._state is not None and document._state.unstamped is not None:
        return document._state.unstamped
    if document._stored is None:
        return None
    stamped = {f.attribute for f in document._fieldset.stamping if f.name in document.__dict__}
    return {name: as_sent(wire) for name, wire in stored.items() if name not in stamped}
