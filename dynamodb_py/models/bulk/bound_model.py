"""What managers and query sets have in common: a model, its table, and its instances there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ...connections import Connection
from ...exceptions import ConfigurationError, ValidationError
from ...flows import Flow
from ...operations.items import Key, StoredItem

if TYPE_CHECKING:
    from ..model import Model
    from ..options import Options


M = TypeVar("M", bound="Model")


class Belonging(Generic[M]):
    """Knows the table of one model on one connection, and what belongs there."""

    __slots__ = ()

    if TYPE_CHECKING:  # what it is a part of has these
        model: type[M]

        @property
        def _link(self) -> Connection: ...
        @property
        def _alias(self) -> str | None: ...
        def _get_or_none(
            self, /, *key: Any, consistent: bool | None = None, **named: Any
        ) -> Flow[Any]: ...

    @property
    def _meta(self) -> Options:
        return self.model._options()

    @property
    def _table(self) -> str:
        return self._link.table_name(self._meta.table_name)

    def _load(self, item: StoredItem) -> M:
        return self._here(self.model._load(item))

    def _new(self, values: Mapping[str, Any]) -> M:
        return self._here(self.model(**values))

    def _here(self, instance: M) -> M:
        """Return *instance*, which belongs to this connection from now on."""
        if (alias := self._alias) is not None:
            instance.__dict__["_using"] = alias
        return instance

    def _at_home(self, instance: M) -> M:
        """Return *instance*, which writes itself here; refuse one of another connection."""
        self._here(instance)
        if instance._link is not self._link:
            raise ConfigurationError(
                f"{instance!r} belongs to the connection {instance._link.alias!r}, and this is "
                f"{self._link.alias!r}: ask objects.using({instance._link.alias!r})"
            )
        return instance

    def _instance(self, item: M | Mapping[str, Any]) -> M:
        if isinstance(item, Mapping):
            return self._new(item)
        if not isinstance(item, self.model):
            raise ValidationError(
                f"{item!r} is no {self.model.__name__}: give instances, or dicts of field values"
            )
        return item

    def _key(self, given: Any) -> Key:
        # An instance knows how its key was spelled by whoever wrote it.
        if isinstance(given, self.model):
            return given._key()
        return self._meta.check_own_key(self._meta.key_of(given))

    def _keyed(self, key: Key) -> M:
        """Return an instance that was never loaded, of which nothing but the key is said."""
        loaded = self.model._load_key(key)
        instance = self.model.__new__(self.model)
        instance._fill({field.name: getattr(loaded, field.name) for field in self._meta.keys})
        instance.__dict__["_known_as"] = key  # which another writer may have spelled otherwise
        return self._here(instance)
