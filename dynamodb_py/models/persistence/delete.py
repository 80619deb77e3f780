"""delete(): the item of one instance."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ...exceptions import ConditionFailed, DoesNotExist, StaleItem, narrow_error
from ...expressions import Condition
from ...flows import Flow
from ...operations import transactions
from ...operations.base import Wire
from ...operations.items import DeleteItem
from ..attribute_values.lost_write import LostWrite
from ..constraints import Claims
from ..instance import Instance, is_elsewhere, options_of, pin_connection, table_of
from ..options.options import Options
from ..records.attributes import find_undeclared
from ..records.base import settle_defaults, state_of
from ..signals.events import is_observed, send_post_delete, send_pre_delete
from ..unit_of_work.collector import COLLECTOR
from ..unit_of_work.pending import PendingWrite
from ..visibility import is_of_other_class
from .failures import as_model_error, as_stale_error
from .locks import Lock, is_guarded, lock_of
from .sending import execute_or_collect, retry_on_conflict
from .stored import copy_elsewhere, key_of, stored_wires, unknown_attributes


def delete_instance(
    instance: Instance,
    *,
    condition: Condition | None = None,
    atomic: bool | None = None,
    using: str | None = None,
) -> Flow[None]:
    """Delete this item; without a condition, a missing item counts as deleted.

    If a loaded instance has a :class:`~dynamodb_py.VersionField`, the item is deleted only if its version
    is still the instance's.

    >>> score = Score.objects.get("ann", 1)
    >>> score.delete()
    >>> score.persisted
    False

    :param condition: delete only if it holds for the stored item.
    :param atomic: delete only if no attribute has changed since the instance was loaded; an instance that
        was never loaded expects that there is no item. ``options()`` or ``Meta.atomic`` set the default.
    :param using: the alias of a connection; by default, the instance's own. On another one, the item with
        this key is deleted, as by an instance that was never loaded, and this instance does not change.
    :raises ConditionFailed: *condition* does not hold; ``current`` is the item as it is stored now,
        None if there is none.
    :raises StaleItem: the item was changed or deleted since it was loaded; nothing was deleted.
    """
    if using is not None and is_elsewhere(instance, using):
        instance = copy_elsewhere(instance, using)
    yield from instance._delete_for_good(condition=condition, atomic=atomic)


def delete_alone(
    instance: Instance, *, condition: Condition | None = None, atomic: bool | None = None
) -> Flow[None]:
    """Delete this item without regard to its referrers, with hooks and signals."""
    collector = COLLECTOR.get()
    observed = is_observed(type(instance), "delete")
    if observed:
        yield from send_pre_delete(instance)
    yield from remove_item(instance, options_of(type(instance)).condition(condition), atomic)
    if observed:
        if collector is None:
            yield from send_post_delete(instance)
        else:
            collector.call_after(partial(send_post_delete, instance))


def remove_item(instance: Instance, condition: Condition | None, atomic: bool | None) -> Flow[None]:
    """Delete the item, without hooks and signals."""
    pin_connection(instance)
    meta = instance._meta
    if not is_guarded(instance, atomic):
        try:
            yield from DeleteItem(
                table_of(instance), key_of(instance), restrict_to_class(meta, condition)
            )
        except ConditionFailed as error:
            if condition is not None and not condition.is_empty:
                as_model_error(instance, error)
                raise
            # The stored item is of another class, so this class has no item to delete.
        mark_deleted(instance)
        return
    lock = lock_of(instance, stored_wires(instance), atomic)
    try:
        yield from _remove_guarded(instance, condition, lock)
    except (ConditionFailed, DoesNotExist) as error:
        own = condition is not None and not condition.is_empty
        other = isinstance(error, DoesNotExist) or is_of_other_class(meta, error.current)
        if own or not (_was_deleted(instance, error) if lock is not None else other):
            raise
        mark_deleted(instance)


def _remove_guarded(
    instance: Instance, condition: Condition | None, lock: Lock | None
) -> Flow[None]:
    """Delete the item with its lock and the sentinels of its unique values, or add this to a transaction."""
    meta, key, stored = instance._meta, key_of(instance), stored_wires(instance)
    required = condition if condition is not None else Condition()
    if lock is not None:
        required &= lock.condition
    elif meta.free is not None:
        required = meta.free & required

    def make(before: Mapping[str, Wire]) -> PendingWrite:
        claims = Claims(meta, key, before, {})
        full = required & claims.condition
        return PendingWrite(
            verb="delete",
            meta=meta,
            link=instance._link,
            write=transactions.Delete(table_of(instance), key, None if full.is_empty else full),
            key=key,
            explain=lambda error: _explain_delete(instance, error, lock, stored),
            settle=partial(mark_deleted, instance),
            instance=instance,
            released=claims.released,
            caller_condition=condition,
            locked=lock is not None,
        )

    unique = meta.unique_attributes()
    if not unique:
        yield from execute_or_collect(make({}))
        return
    known = instance._stored is not None and not unknown_attributes(instance).intersection(unique)
    yield from retry_on_conflict(instance, make, stored if known else None, unique)


def _explain_delete(
    instance: Instance, error: ConditionFailed, lock: Lock | None, stored: Mapping[str, Wire]
) -> Exception | None:
    """Return the error for a failed condition; None if an earlier attempt has deleted the item."""
    if error.current is not None:
        return as_stale_error(instance, error, lock, stored)
    if error.in_doubt:
        return None
    if lock is None or instance._stored is None:
        return error
    stale = narrow_error(error, StaleItem)
    stale.args = (f"{instance!r} is stale: it was deleted since it was loaded",)
    return stale


def _was_deleted(instance: Instance, error: ConditionFailed | DoesNotExist) -> bool:
    """Tell whether the item is gone, and a delete of this instance without a response may be the cause."""
    state = instance._state
    gone = isinstance(error, ConditionFailed) and error.current is None
    return gone and state is not None and LostWrite() in state.lost


def mark_deleted(instance: Instance) -> None:
    """Mark an instance as not stored; it keeps its values."""
    if not instance._decoded:
        instance._decode()
    if kept := find_undeclared(instance):
        state_of(instance).undeclared = kept
    settle_defaults(instance)
    if instance._state is not None:
        instance._state.lost, instance._state.deleted = (), frozenset()
    if (key := options_of(type(instance)).find_stored_key(instance)) is not None:
        state_of(instance).known_key = key  # deleting again must address the same item
    instance._stored = None


def restrict_to_class(meta: Options, condition: Condition | None) -> Condition | None:
    """Return *condition* and the condition that a stored item, if there is one, is of this class."""
    free = meta.free
    if free is None:
        return condition
    return free if condition is None else free & condition
