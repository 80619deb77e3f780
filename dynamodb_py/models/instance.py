"""Instance: the identity of an item of a table, for the rooms below ``model``."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import exceptions
from ..connections import Connection, get_connection
from .options import Options
from .records.record import Record


class Instance(Record):
    """An item of a table: its options, its connection and its key. Model adds the verbs."""

    __slots__ = ()

    _meta: ClassVar[Options]

    DoesNotExist: ClassVar[type[exceptions.DoesNotExist]] = exceptions.DoesNotExist
    MultipleObjectsReturned: ClassVar[type[exceptions.MultipleObjectsReturned]] = (
        exceptions.MultipleObjectsReturned
    )
    AlreadyExists: ClassVar[type[exceptions.AlreadyExists]] = exceptions.AlreadyExists

    _using: ClassVar[str | None] = None

    @property
    def _link(self) -> Connection:
        return get_connection(self._using or self._options().using)

    @property
    def _table(self) -> str:
        return self._link.table_name(self._options().table_name)

    @classmethod
    def _options(cls) -> Options:
        try:
            meta: Options = cls.__dict__["_meta"]  # its own, not that of a base class
        except KeyError:
            raise TypeError(f"{cls.__name__} is abstract: it has no table") from None
        return meta

    @property
    def persisted(self) -> bool:
        """Whether it was loaded from, or saved to, its table, and not deleted since."""
        return self._stored is not None

    @property
    def primary_key(self) -> Any:
        """The value of the hash key, or the pair of the hash and the range key."""
        values = self._key_values()
        return values if len(values) > 1 else next(iter(values))

    def __eq__(self, other: object) -> bool:
        """Tell whether both are of one class and have the same key, which is not None."""
        if type(other) is not type(self):
            return NotImplemented
        mine = self._key_values()
        return self is other or (None not in mine and mine == other._key_values())

    def __hash__(self) -> int:
        key = self._key_values()
        if None in key:
            raise TypeError(f"a {type(self).__name__} without a key cannot be hashed")
        # Not of the class: one that knew only its key turns out to be of a narrower one when fetched.
        return hash((self._options().table_name, key))

    def _key_values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, field.name) for field in self._options().keys)
