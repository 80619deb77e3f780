"""Deleting an instance's item."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ..exceptions import ConditionFailed, DoesNotExist, StaleItem, narrow_error
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
from .standing import is_other

if TYPE_CHECKING:
    from .base import Model
    from .options import Options


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
        yield from self._delete_for_good(condition=condition, atomic=atomic)

    delete = blocking(_delete)
    adelete = awaiting(_delete)

    def _delete_for_good(
        self, *, condition: Condition | None = None, atomic: bool | None = None
    ) -> Flow[None]:
        """Do as ``_delete``, which a model may override."""
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

    def _remove(self, condition: Condition | None, atomic: bool | None) -> Flow[None]:
        meta = self._meta
        plain = not meta.guarded and not is_atomic(meta, atomic) and COLLECTOR.get() is None
        if plain:
            try:
                yield from DeleteItem(self._table, self._key(), mine(meta, condition))
            except ConditionFailed as error:
                if condition is not None and not condition.is_empty:
                    self._told(error)
                    raise
                # What is there is of another class: no item of this one is.
            self._detach()
            return
        lock = self._lock(self._stored_wires(), atomic)
        try:
            yield from self._remove_guarded(condition, lock)
        except (ConditionFailed, DoesNotExist) as error:
            asks = lock is not None or (condition is not None and not condition.is_empty)
            other = isinstance(error, DoesNotExist) or is_other(meta, error.current)
            if asks or not other:
                raise
            self._detach()

    def _remove_guarded(self, condition: Condition | None, lock: Lock | None) -> Flow[None]:
        """Delete the item together with what keeps its values unique, or in a transaction."""
        meta, key, stored = self._meta, self._key(), self._stored_wires()
        asked = condition if condition is not None else Condition()
        if lock is not None:
            asked &= lock.condition
        elif meta.free is not None:
            asked = meta.free & asked

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
                own=condition,
                locked=lock is not None,
            )

        unique = meta.unique_beside()
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
        if error.in_doubt:
            return None
        if lock is None or self._stored is None:
            return error
        stale = narrow_error(error, StaleItem)
        stale.args = (f"{self!r} is stale: it was deleted since it was loaded",)
        return stale

    def _detach(self) -> None:
        """Become an instance that is not stored, with the values that there are."""
        if not self._decoded:
            self._decode()
        if kept := self._undeclared():
            self._apart().kept = kept
        self._stored = None


def mine(meta: Options, condition: Condition | None) -> Condition | None:
    """Return *condition*, and that what is there, if anything, is of this class."""
    free = meta.free
    if free is None:
        return condition
    return free if condition is None else free & condition
