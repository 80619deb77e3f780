"""Deleting an instance's item."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ..exceptions import ConditionFailed, StaleItem, narrowed
from ..expressions import Condition
from ..flows import Flow, awaiting, blocking
from ..operations import transactions
from ..operations.base import Wire
from ..operations.items import DeleteItem
from .collecting import COLLECTOR
from .guarding import Claims, Guarding
from .locking import Lock, is_atomic
from .pending import Pending
from .signals import deleted, deleting, is_heard

if TYPE_CHECKING:
    from .base import Model


class Deleting(Guarding):
    """The verb of instances that deletes them."""

    __slots__ = ()

    def _delete(
        self, *, condition: Condition | None = None, atomic: bool | None = None
    ) -> Flow[None]:
        """Delete this item; one that is not there counts as deleted, where nothing is asked of it.

        Of a loaded instance with a :class:`~dynamodb_py.VersionField`, the item must still have the
        version that the instance has.

        :param condition: delete only where it holds.
        :param atomic: delete only if no attribute has changed since it was loaded; one that was never
            loaded expects that there is no item. By default as ``options()`` or ``Meta.atomic`` say.
        :raises ConditionFailed: *condition* does not hold; ``current`` is the item as it stands,
            None where it is gone.
        :raises StaleItem: it was changed, or deleted, since it was loaded; nothing was deleted.
        """
        collector = COLLECTOR.get()
        model: Any = self
        heard = is_heard(cast("type[Model]", type(self)), "delete")
        if heard:
            yield from deleting(model)
        yield from self._remove(self._options().condition(condition), atomic)
        if heard:
            if collector is None:
                yield from deleted(model)
            else:
                collector.then(partial(deleted, model))

    delete = blocking(_delete)
    adelete = awaiting(_delete)

    def _remove(self, condition: Condition | None, atomic: bool | None) -> Flow[None]:
        meta, key = self._meta, self._key()
        plain = not meta.guarded and not is_atomic(meta, atomic) and COLLECTOR.get() is None
        if plain:
            try:
                yield from DeleteItem(self._table, key, condition)
            except ConditionFailed as error:
                self._told(error)
                raise
            self._detach()
            return
        stored = self._stored_wires()
        lock = self._lock(stored, atomic)
        asked = condition if condition is not None else Condition()
        own = None if asked.is_empty else asked
        if lock is not None:
            asked &= lock.condition

        def make(before: Mapping[str, Wire]) -> Pending:
            claims = Claims(meta, key, before, {})
            held = asked & claims.condition
            return Pending(
                verb="delete",
                meta=meta,
                link=self._link,
                write=transactions.Delete(self._table, key, None if held.is_empty else held),
                key=key,
                explain=lambda error: self._told_of_delete(error, lock, stored),
                settle=self._detach,
                instance=self,
                released=claims.released,
                own=own,
                locked=lock is not None,
            )

        unique = [name for each in meta.constraints for name in each.attributes]
        if not unique:
            yield from self._carry(make({}))
            return
        known = self._stored is not None and not self._unknown().intersection(unique)
        yield from self._adapting(make, stored if known else None, unique)

    def _told_of_delete(
        self, error: ConditionFailed, lock: Lock | None, stored: Mapping[str, Wire]
    ) -> Exception | None:
        """Return what a failed condition means; None where an earlier attempt has deleted the item."""
        if error.current is not None:
            return self._told_of_lock(error, lock, stored)
        if lock is None or self._stored is None:
            return error
        if error.in_doubt:
            return None
        stale = narrowed(error, StaleItem)
        stale.args = (f"{self!r} is stale: it was deleted since it was loaded",)
        return stale

    def _detach(self) -> None:
        """Become an instance that is not stored, with the values that there are."""
        if not self._decoded:
            self._decode()
        if kept := self._undeclared():
            self._apart().kept = kept
        self._stored = None
