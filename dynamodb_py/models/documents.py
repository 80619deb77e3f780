"""Documents: maps with declared fields inside items."""

from __future__ import annotations

from typing import Any, ClassVar

from ..codec import Unstorable, as_sent, from_json
from ..operations.base import Wire, WireItem
from .fields.containers import EmbeddedField
from .records import FieldSet, Record, check, collect, spell


class Document(Record):
    """A map with fields, inside an item: ``EmbeddedField(Address)``, ``ListField(Address)``.

    >>> from dynamodb_py import CharField
    >>> class Address(Document):
    ...     city = CharField(required=True)
    >>> Address(city="Lyon").to_dict()
    {'city': 'Lyon'}

    Attributes that the class does not declare are kept, as in models.
    """

    _fields: ClassVar[FieldSet] = FieldSet("Document", {})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        fields = collect(cls, Document)
        for field in fields.values():
            if field.is_key:
                raise field.misdeclared("a document has no keys: its item has")
        cls._fields = FieldSet(cls.__name__, fields)

    @classmethod
    def _as_field(cls) -> EmbeddedField[Any, Any]:
        return EmbeddedField(cls)

    def _spell(self, depth: int, /) -> Wire:
        """Return this document on the wire; raise Unstorable with all fields that are wrong."""
        if not self._decoded and self._stored is not None:
            return {"M": {name: as_sent(wire) for name, wire in from_json(self._stored).items()}}
        wires = self._untouched()
        wrong: list[Unstorable] = []
        for name, field in self._fields.by_name.items():
            if name not in self.__dict__ and self._stored is not None:
                continue  # absent, or not readable: left as it is
            try:
                self._spell_field(field, wires, depth)
            except Unstorable as error:
                wrong.append(error)
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

    def _spell_field(self, field: Any, wires: WireItem, depth: int) -> None:
        errors: dict[str, list[str]] = {}
        value = getattr(self, field.name)
        if field.stamps:
            value = self._stamp(field, value, adding=self._stored is None)
        wire = spell(field, value, errors, depth)
        check(field, value, wire, errors, validate=True)
        if errors:
            faults = [(f".{path}", said) for path, each in errors.items() for said in each]
            raise Unstorable(faults[0][1], faults)
        aside = self._aside
        if wire is None or (aside is not None and aside.defaults.get(field.name) == wire):
            return  # reading alone never stores a default
        wires[field.attribute] = wire

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.to_dict() == other.to_dict() and self.extra == other.extra

    __hash__ = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType] - it can change
