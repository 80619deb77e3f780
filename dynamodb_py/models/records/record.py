"""Record: what models and documents have in common for their users."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...codec import decode, to_json
from ...exceptions import FieldNotLoaded
from ...operations.items import StoredItem
from .attributes import undeclared_attributes
from .base import BaseRecord, fetched_fields
from .fieldset import FieldSet
from .filling import fill
from .signature import FieldsSignature
from .validation import clean_record

if TYPE_CHECKING:
    from typing_extensions import Self


class Record(BaseRecord):
    """An object with fields. Subclasses are models, which have tables, and documents."""

    __slots__ = ()
    __signature__ = FieldsSignature()

    def __init__(self, **values: Any) -> None:
        fill(self, values)

    @classmethod
    def from_db(cls, item: StoredItem | str | Mapping[str, Any]) -> Self:
        """Return the record that *item* holds, without calling ``__init__``.

        :param item: the attributes as DynamoDB spells them, ``{"name": {"S": "gs1"}}``: a mapping as
            boto3's client gives it, or JSON.
        """
        if isinstance(item, str):
            item = item.encode()
        return cls._load(item if isinstance(item, bytes) else to_json(item))

    def full_clean(self, exclude: Iterable[str] = ()) -> None:
        """Check this object as writing it would, without writing.

        Each field's own checks, then ``clean_<field>``, then ``clean()``. Fields that were not fetched
        are left out, and those that set themselves on saving may still be None.

        :param exclude: names of fields to leave out; ``clean()`` is called all the same.
        :raises ValidationError: with everything that is wrong, by field.
        """
        clean_record(self, exclude)

    @property
    def extra(self) -> Mapping[str, Any]:
        """The stored attributes that no field declares, by name; every save leaves them alone.

        Raises FieldNotLoaded where not all of the item was fetched.
        """
        if fetched_fields(self) is not None:
            raise FieldNotLoaded(
                f"{type(self).__name__}: not all of the item was fetched with this instance, so its "
                "undeclared attributes are not known: refresh_from_db() fetches them"
            )
        return MappingProxyType(
            {name: decode(wire) for name, wire in undeclared_attributes(self).items()}
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the values of all fields that were fetched by name, documents as dicts too."""
        names = list(self._fieldset.by_name)
        if (partial := fetched_fields(self)) is not None:
            names = [name for name in names if name in partial or name in self.__dict__]
        return {name: _plain(getattr(self, name)) for name in names}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return a new, unsaved record with these values by field name, as of :meth:`to_dict`."""
        self = cls.__new__(cls)
        fill(self, {name: _restored(cls._fieldset, name, value) for name, value in values.items()})
        return self

    def __repr__(self) -> str:
        if not self._decoded:
            self._decode()
        values = self.__dict__
        shown = ", ".join(
            f"{name}={values[name]!r}"
            for name in self._fieldset.by_name
            if values.get(name) is not None
        )
        return f"{type(self).__name__}({shown})"


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value


def _restored(fields: FieldSet, name: str, value: Any) -> Any:
    return fields.named(name).from_plain(value)
