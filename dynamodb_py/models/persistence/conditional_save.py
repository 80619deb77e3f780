"""Conditional saves: with locks, with unique values, or collected by a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast

from ...codec import from_json, to_json
from ...exceptions import ConditionFailed, InvalidRequest
from ...expressions import Action, Condition
from ...flows import Flow
from ...operations import transactions
from ...operations.base import Wire, WireItem
from ...operations.items import StoredItem
from ..attribute_values.diff import ChangeSet, find_conflicting_paths, is_applied, make_change_set
from ..attribute_values.values import apply_actions, has_changed, require_unchanged
from ..constraints import Claims
from ..fields.version import next_version
from ..instance import Instance, table_of
from ..options.options import Options
from ..unit_of_work.pending import PendingWrite, discard
from .failures import as_model_error, as_stale_error
from .locks import Lock, is_atomic, lock_of
from .sending import execute_or_collect, guarded_attributes, is_collected, retry_on_conflict
from .stored import (
    complete_item,
    encode_sized,
    key_in,
    mark_saved,
    mark_written,
    stored_wires,
    take_version,
    unknown_attributes,
)
from .tracking import find_set_edits


def put_guarded(
    instance: Instance,
    condition: Condition | None,
    *,
    insert: bool,
    must_exist: bool,
    validate: bool,
    atomic: bool | None,
) -> Flow[None]:
    """Put the whole item on the condition of its lock, with the sentinels of its unique values."""
    meta, stored = instance._meta, stored_wires(instance)
    wires = complete_item(instance, validate=validate)
    key = key_in(instance, wires)
    link = instance._link
    required = Condition() if condition is None else condition
    lock = None if insert or instance._stored is None else lock_of(instance, stored, atomic)
    if insert:
        required = meta.absent if condition is None else meta.absent & condition
    elif must_exist:
        required = meta.present & required
    elif lock is not None:
        required &= (
            lock.condition if is_atomic(instance, meta, atomic) else lock.condition | meta.absent
        )
    reads = not insert and instance._stored is None and meta.guarded
    # A hidden item still has sentinels; the item that replaces it must release them.
    replaces = insert and meta.expiry is not None and bool(meta.constraints)

    def make(before: Mapping[str, Wire]) -> PendingWrite:
        item = dict(wires)
        if meta.version is not None:
            known = wires if insert else before or wires
            item[meta.version.attribute] = next_version(meta.version, known)
        claims = Claims(meta, key, before, item)
        full = required
        if reads:  # the replaced item must be as it was read
            names = guarded_attributes(instance._meta)
            full &= meta.key_exists & require_unchanged(names, before) if before else meta.absent
        elif replaces:
            full &= claims.condition
        elif before and meta.constraints:
            full &= claims.condition | meta.absent
        put = encode_sized(instance, item)
        return PendingWrite(
            verb="create" if insert else "save",
            meta=meta,
            link=link,
            write=transactions.Put(link.table_name(meta.table_name), put, full),
            key=key,
            explain=lambda error: explain(error, before, item),
            settle=lambda: discard(mark_saved(instance, put)),
            instance=instance,
            released=claims.released,
            claimed=claims.claimed,
            caller_condition=condition,
            locked=lock is not None,
        )

    def explain(
        error: ConditionFailed, before: Mapping[str, Wire], item: WireItem
    ) -> Exception | None:
        if replaces and _may_be_replaced(meta, before, error.current):
            if error.current is not None:
                as_model_error(instance, error)
            return error
        if not insert and _was_put(error, item):
            return None
        if insert:
            return as_model_error(instance, error, insert=True, more=condition is not None)
        if must_exist:
            return as_model_error(instance, error, must_exist=True)
        return as_stale_error(instance, error, lock, stored)

    if not meta.guarded or (insert and not replaces):
        yield from execute_or_collect(make({}))
    else:
        known = None if reads or replaces else stored
        yield from retry_on_conflict(instance, make, known, guarded_attributes(instance._meta))


def write_guarded(
    instance: Instance,
    stored: WireItem,
    wanted: dict[str, Wire | None],
    required: Condition,
    *,
    own: Condition | None,
    named: frozenset[str] | None,
    must_exist: bool,
    atomic: bool | None,
) -> Flow[None]:
    """Write the changes on the condition of the lock, with the sentinels of unique values."""
    meta, unknown = instance._meta, unknown_attributes(instance)
    key = meta.stored_key(stored)
    lock = lock_of(instance, stored, atomic)
    sets = find_set_edits(instance, wanted)
    if not make_change_set(stored, wanted, condition=required, unknown=unknown, sets=sets).actions:
        if own is None and not must_exist and not is_collected(instance):
            instance.__previous__ = None
            return
        wanted = {}
    elif meta.version is not None:
        wanted = {**wanted, meta.version.attribute: next_version(meta.version, stored)}
    if lock is not None:
        required &= lock.condition

    covers = None if named is None else instance._fieldset.find_attributes(named)

    def make(before: Mapping[str, Wire]) -> PendingWrite:
        claims = Claims(meta, key, before, _merge_attributes(before, wanted), whole=False)
        full = required & claims.condition
        changes = make_change_set(stored, wanted, condition=full, unknown=unknown, sets=sets)
        after = apply_actions(stored, changes.actions)
        item, condition = encode_sized(instance, after), changes.condition(full)
        write: transactions.Write = transactions.Check(table_of(instance), key, condition)
        if changes.actions:
            write = transactions.Update(table_of(instance), key, changes.actions, condition)
        return PendingWrite(
            verb="save",
            meta=meta,
            link=instance._link,
            write=write,
            key=key,
            explain=lambda error: _explain_changes(instance, error, lock, stored, changes),
            settle=partial(
                partial(_settle_changes, instance), instance._stored, item, changes.actions
            ),
            instance=instance,
            after=item,
            released=claims.released,
            claimed=claims.claimed,
            caller_condition=own,
            locked=lock is not None,
            considered_attributes=covers,
            guarded=bool(changes.guards) or lock is not None,
        )

    if names := meta.unique_attributes(wanted):
        known = unknown.isdisjoint(names)
        yield from retry_on_conflict(instance, make, stored if known else None, names)
    else:
        yield from execute_or_collect(make(stored))


def _explain_changes(
    instance: Instance,
    error: ConditionFailed,
    lock: Lock | None,
    stored: WireItem,
    changes: ChangeSet,
) -> Exception | None:
    """Return the error for a failed condition; None if an earlier attempt was executed."""
    current: Any = error.current
    if isinstance(current, Mapping):
        now = dict(cast("Mapping[str, Wire]", current))
        after = apply_actions(stored, changes.actions)
        if error.in_doubt and changes.actions and is_applied(changes.actions, after, now):
            return None
        if lock is None:
            return explain_refusal(instance, error, find_conflicting_paths(changes, stored, now))
    return as_stale_error(instance, error, lock, stored)


def _settle_changes(
    instance: Instance, before: StoredItem | None, item: StoredItem, actions: Sequence[Action]
) -> None:
    """Mark *item* as stored after *actions*; apply them anew if other writes were settled in between."""
    if instance._stored is not before:
        item = to_json(apply_actions(stored_wires(instance), actions))
    instance.__previous__ = instance._stored, item
    instance._stored = item
    written = {str(action.path.parts[0]) for action in actions}
    mark_written(instance, written)
    version = instance._meta.version
    if version is not None and version.attribute in written:
        take_version(instance, from_json(item))


def take_lost_write(instance: Instance, error: ConditionFailed) -> bool:
    """Mark an earlier write without a response as executed, if it caused *error*; return whether it did.

    The caller can then write the remaining changes.
    """
    state, current = instance._state, error.current
    if state is None or instance._stored is None or not isinstance(current, Instance):
        return False
    before, now = stored_wires(instance), stored_wires(current)
    for lost in reversed(state.lost):
        if (lost.actions or lost.item) and lost.is_executed(before, now):
            if lost.item is not None:
                mark_saved(instance, lost.item)
            else:
                item = to_json(lost.apply(before))
                _settle_changes(instance, instance._stored, item, lost.actions)
            return True
    return False


def explain_refusal(
    instance: Instance, error: ConditionFailed | InvalidRequest, places: Sequence[str]
) -> Exception:
    """Return the error for an update that was refused; *places* are the paths that another writer changed."""
    if not isinstance(error, ConditionFailed):
        return error
    if places:
        error.args = (
            f"{instance._meta.name}: {', '.join(places)}: another writer changed it since it was "
            "loaded, and this would undo that: refresh_from_db(), change it again and save()",
        )
    return as_model_error(instance, error)


def _merge_attributes(before: Mapping[str, Wire], wanted: Mapping[str, Wire | None]) -> WireItem:
    """Return *before* with the attributes *wanted* set; None removes one."""
    after = {**before, **wanted}
    return {name: wire for name, wire in after.items() if wire is not None}


def _may_be_replaced(meta: Options, before: Mapping[str, Wire], now: Any) -> bool:
    """Tell whether the item is, or was, expired: a create may replace it although it has changed."""
    expiry = meta.expiry
    wires = before if now is None else now
    return expiry is not None and bool(wires) and expiry.hides_wires(wires)


def _was_put(error: ConditionFailed, item: Mapping[str, Wire]) -> bool:
    """Tell whether an earlier attempt, whose response was lost, has put *item*."""
    current: Any = error.current
    if not error.in_doubt or not isinstance(current, Mapping):
        return False
    now = cast("Mapping[str, Wire]", current)
    return not has_changed({**item, **now}, item, now)
