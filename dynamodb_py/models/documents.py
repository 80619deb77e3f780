"""Documents: maps with declared fields inside items."""

from __future__ import annotations

from typing import Any, ClassVar

from ..codec import Unstorable, as_sent, from_json
from ..operations.base import Wire, WireItem
from .fields.base import is_checking
from .fields.containers import NOT_UNIQUE, EmbeddedField
from .fields.times import TimestampField
from .fields.versions import VersionField
from .records import AnyField, FieldSet, Record, check, collect, spell


class Document(Record):
    """A map with fields, inside an item: ``EmbeddedField(Address)``, ``ListField(Address)``.

    >>> from dynamodb_py import CharField
    >>> class Address(Document):
    ...     city = CharField(required=True)
    >>> Address(city="Lyon").to_dict()
    {'city': 'Lyon'}

    Attributes that the class does not declare are kept, as in models. ``clean_<field>`` and ``clean()``
    are called as in models, when what holds the document is checked.
    """

    _fields: ClassVar[FieldSet] = FieldSet("Document", {})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        fields = collect(cls, Document, implied=frozenset())
        for field in fields.values():
            if field.is_key:
                raise field.misdeclared("a document has no keys: its item has")
            if isinstance(field, TimestampField) and field.ttl:
                raise field.misdeclared(
                    "DynamoDB deletes whole items: declare the TTL in the model"
                )
            if isinstance(field, VersionField):
                raise field.misdeclared("a version is of an item: declare it in the model")
            if field.unique:
                raise field.misdeclared(NOT_UNIQUE)
        cls._fields = FieldSet(cls.__name__, fields)

    @classmethod
    def _as_field(cls) -> EmbeddedField[Any, Any]:
        return EmbeddedField(cls)

    def _spell(self, depth: int, /) -> Wire:
        """Return this document on the wire; raise Unstorable with all fields that are wrong."""
        if not self._decoded and self._stored is not None:
            if self._is_untouched():
                stored: WireItem = from_json(self._stored)
                return {"M": {name: as_sent(wire) for name, wire in stored.items()}}
            self._decode()  # a value was set before any was read
        wires = self._untouched()
        wrong: list[Unstorable] = []
        stamping = [field for field in self._fields if field.stamps]
        for field in self._fields:
            if field.stamps or (field.name not in self.__dict__ and self._stored is not None):
                continue  # absent, or not readable: left as it is
            self._spell_field(field, wires, wrong, depth)
        if stamping:
            self._spell_stamped(stamping, wires, wrong, depth)
        if wrong:
            raise Unstorable.all_of(wrong)
        return {"M": wires}

    def _untouched(self) -> WireItem:
        """Return the stored attributes that no value here stands for."""
        if self._stored is None:
            return {}
        here = {field.attribute for field in self._fields if field.name in self.__dict__}
        stored: WireItem = from_json(self._stored)
        return {name: as_sent(wire) for name, wire in stored.items() if name not in here}

    def _spell_field(
        self, field: AnyField, wires: WireItem, wrong: list[Unstorable], depth: int
    ) -> None:
        """Put the attribute value of one field into *wires*, or what is wrong with it into *wrong*."""
        errors: dict[str, list[str]] = {}
        value = getattr(self, field.name)
        wire = spell(field, value, errors, depth)
        check(field, value, wire, errors, validate=is_checking())
        if errors:
            faults = [(f".{path}", said) for path, each in errors.items() for said in each]
            wrong.append(Unstorable(faults[0][1], faults))
        aside = self._aside
        if wire is None or (aside is not None and aside.defaults.get(field.name) == wire):
            return  # reading alone never stores a default
        wires[field.attribute] = wire

    def _spell_stamped(
        self, fields: list[AnyField], wires: WireItem, wrong: list[Unstorable], depth: int
    ) -> None:
        """Do the fields that set themselves, which they do when another one has changed."""
        others = dict(wires)
        changed = others != self._others_before(depth)
        for field in fields:
            if changed:
                value = self.__dict__.get(field.name)
                self._stamp(field, value, adding=self._stored is None)
            if field.name in self.__dict__ or self._stored is None:
                self._spell_field(field, wires, wrong, depth)
        self._apart().spelled = others

    def _others_before(self, depth: int) -> WireItem | None:
        """Return what was stored of the fields that do not set themselves, None if never any."""
        if self._aside is not None and self._aside.spelled is not None:
            return self._aside.spelled
        if self._stored is None:
            return None
        before = type(self)._load(self._stored)
        before._decode()
        wires = before._untouched()
        for field in self._fields:
            if not field.stamps and field.name in before.__dict__:
                before._spell_field(field, wires, [], depth)
        return wires

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.to_dict() == other.to_dict() and self.extra == other.extra

    __hash__ = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType] - it can change
