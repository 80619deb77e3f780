"""update(): one request that changes an item without reading it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from msgspec import Struct

from ...codec import from_json, to_json
from ...exceptions import ConditionFailed, QueryError, UnreadableValue
from ...expressions import Action, Computable, Condition
from ...flows import Flow
from ...operations import transactions
from ...operations.base import Wire, WireItem
from ...operations.items import UpdateItem
from ..attribute_values.values import apply_actions
from ..constraints import Claim, Claims
from ..fields.model_key import alias_of
from ..foreign_keys.unloaded import is_stub
from ..instance import Instance, options_of, pin_connection, table_of
from ..options.options import Options
from ..records.base import find_edited_defaults, get_fetched_fields, keep_sets, state_of
from ..unit_of_work.collector import COLLECTOR
from ..unit_of_work.pending import PendingWrite
from ..visibility import is_of_other_class
from .failures import as_stale_error
from .locks import Lock, is_atomic, lock_of
from .parent_maps import parents_of, update_with_parents
from .sending import execute_or_collect, retry_on_conflict
from .stored import key_of, mark_fetched, stored_wires, take_value, unknown_attributes
from .update_actions import build_update, unique_among, was_applied
from .update_result import (
    Returning,
    UpdateResult,
    as_plain,
    choose_return_values,
    find_nested,
)

_Unsaved: TypeAlias = "dict[str, tuple[Wire | None, Wire | None]]"
"""By attribute: the loaded value, and the current one."""

OPTIONS = ("condition", "returning", "create_parents", "must_exist", "atomic")


class _Collected(Struct, frozen=True):
    """An update that is sent as part of a transaction."""

    actions: tuple[Action, ...]
    condition: Condition
    lock: Lock | None
    unsaved: _Unsaved
    must_exist: bool
    own: Condition | None
    """The part of *condition* that the caller gave."""


def update_instance(
    instance: Instance,
    /,
    *actions: Action | Computable,
    condition: Condition | None = None,
    returning: Returning | None = None,
    create_parents: bool = False,
    must_exist: bool = False,
    atomic: bool | None = None,
    **values: Any,
) -> Flow[Any]:
    """Change the given fields of this item in one request, without reading it.

    The item of a loaded instance must still exist. For an instance that was never saved or loaded, the
    item with its key is changed, or created if there is none. Afterwards the instance has the new
    values; unsaved changes of other fields wait for ``save()``.

    >>> from dynamodb_py import F
    >>> score = Score.objects.get("ann", 1)
    >>> score.update(points=F("points") + 5, condition=Score.points < 60).points
    55

    :param actions: changes at paths: ``Test.ids[0].remove()``, ``F("visits").add(1)``,
        ``Test.score.set(Test.score + 1)``, or Set, Remove, Add and Delete of
        ``dynamodb_py.expressions``.
    :param condition: update only if it holds for the stored item.
    :param returning: None returns the instance. ``"new"`` and ``"old"`` return a dict of the whole
        item by field name, after or before the update; ``"updated_new"`` and ``"updated_old"`` a dict
        of the changed values alone. The dict is empty if there are no such values.
    :param create_parents: if DynamoDB refuses a path into a document because a map on the way is
        missing, create the maps, one level after the other, and update again.
    :param must_exist: never create an item.
    :param atomic: change only if no attribute has changed since the instance was loaded; an instance that
        was never loaded expects that there is no item, or with *must_exist* that there is one.
        ``options()`` or ``Meta.atomic`` set the default.
    :param values: new values by field name, validated as by ``save()``; or expressions such as
        ``F("wins") + 1``; None removes the attribute.
    :return: the instance, or with *returning* a dict.
    :raises ValidationError: values cannot be stored, or belong to the key; nothing was sent.
    :raises QueryError: two changes reach the same value, or no change is given; nothing was sent.
    :raises DoesNotExist: the item must exist, and does not.
    :raises StaleItem: the stored version differs from the instance's, or with *atomic* another
        attribute differs.
    :raises AlreadyExists: another item has the same value of a unique field.
    :raises ConditionFailed: *condition* does not hold; ``current`` is the item as it is stored now.
    :raises InvalidRequest: DynamoDB cannot compute a value, such as a sum with an absent attribute.
    :raises ConnectionFailed: no response came. If the new value depends on the stored one, the request
        is not sent again: it may have been executed, and would count twice.
    """
    meta = options_of(type(instance))
    check_no_clash(
        meta, OPTIONS, condition, returning, create_parents, must_exist, atomic is not None
    )
    pin_connection(instance)
    stored = stored_wires(instance)
    blind = _is_blind(instance, must_exist=must_exist, atomic=atomic)
    lock = None if blind else lock_of(instance, stored, atomic)
    locked = stored if lock is not None else None
    present = must_exist or instance.persisted
    found = build_update(
        meta,
        actions,
        values,
        version_of=locked,
        claims=True,
        making=not present,
        key=None if meta.computed is None else key_of(instance),
        parts=None if meta.computed is None else meta.computed.find_lossy_parts(instance),
        stored=stored,
    )
    condition = meta.condition(condition)
    required = Condition() if condition is None else condition
    if present:
        required = meta.present & required
    elif (free := meta.free) is not None:
        required = free & required
    if lock is not None:
        required &= lock.condition
    if meta.computed is not None and stored:
        required &= meta.computed.require_known_parts(stored, found)
    unsaved = _find_unsaved(instance, found, stored)
    unique = unique_among(meta, found)
    if unique or COLLECTOR.get() is not None:
        _check_collectable(instance, returning, create_parents, unique)
        write = _Collected(found, required, lock, unsaved, must_exist, condition)
        yield from _update_guarded(instance, write, unique)
        return instance
    return_values = choose_return_values(found, returning)
    update = UpdateItem(table_of(instance), key_of(instance), found, required, return_values)
    parents = parents_of(found) if create_parents else []
    try:
        item = yield from update_with_parents(update, parents, meta.present if present else None)
    except ConditionFailed as error:
        known = lock is not None and instance._stored is not None and returning is None
        if not known or not was_applied(update, error):
            failure = _explain_update(instance, error, lock, stored, must_exist=must_exist)
            raise failure from error.__cause__
        item = to_json(error.current)  # an earlier attempt was executed
    result = UpdateResult(found, return_values, from_json(item) if item else {})
    take_result(instance, result, unsaved)
    if returning is None:
        return instance
    return as_plain(type(instance), item, returning, alias_of(instance))


def _is_blind(instance: Instance, *, must_exist: bool, atomic: bool | None) -> bool:
    """Tell whether only the item's key is known, so that its version is increased from any value."""
    if instance._stored is None:
        return must_exist
    version = instance._meta.version
    known = version is None or version.attribute not in unknown_attributes(instance)
    return not known and is_stub(instance) and not is_atomic(instance, instance._meta, atomic)


def _check_collectable(
    instance: Instance, returning: str | None, create_parents: bool, unique: Sequence[str]
) -> None:
    """Refuse the options that a transaction cannot have: it returns nothing, and is sent as a whole."""
    options = {"returning": returning is not None, "create_parents": create_parents}
    for option in (name for name, given in options.items() if given):
        why = f"{', '.join(unique)} is unique, so the update" if unique else "the update"
        raise QueryError(
            f"{instance._meta.name}: update({option}=...): {why} is sent in a transaction, which "
            "returns nothing and is not repeated in parts: drop the option, and refresh_from_db() afterwards"
        )


def _update_guarded(instance: Instance, write: _Collected, unique: Sequence[str]) -> Flow[None]:
    """Change the item together with the sentinels of unique values, or add this to a transaction."""
    meta, key, stored = instance._meta, key_of(instance), stored_wires(instance)
    result = UpdateResult(write.actions, "NONE")

    def make(before: Mapping[str, Wire]) -> PendingWrite:
        condition = write.condition
        released: Sequence[Claim] = ()
        claimed: Sequence[Claim] = ()
        if unique:
            plain = [a for a in write.actions if a.path.parts[0] in unique]
            after = {**apply_actions(before, plain), **key}
            # A value equal to the known one is written too: another writer may have changed it.
            written = [str(action.path.parts[0]) for action in plain]
            claims = Claims(meta, key, before, after, whole=False, written=written)
            released, claimed = claims.released, claims.claimed
            condition &= claims.condition if before else meta.key_missing
        return PendingWrite(
            verb="update",
            meta=meta,
            link=instance._link,
            write=transactions.Update(table_of(instance), key, write.actions, condition),
            key=key,
            explain=lambda error: _explain_update(
                instance, error, write.lock, stored, must_exist=write.must_exist
            ),
            settle=partial(partial(take_result, instance), result, write.unsaved),
            instance=instance,
            released=released,
            claimed=claimed,
            caller_condition=write.own,
            locked=write.lock is not None,
        )

    if not unique:
        yield from execute_or_collect(make({}))
        return
    known = instance._stored is not None and not unknown_attributes(instance).intersection(unique)
    yield from retry_on_conflict(instance, make, stored if known else None, unique)


def _explain_update(
    instance: Instance,
    error: ConditionFailed,
    lock: Lock | None,
    stored: Mapping[str, Wire],
    *,
    must_exist: bool,
) -> Exception:
    lacking = error.current is None or is_of_other_class(instance._meta, error.current)
    if must_exist and not instance.persisted and lacking:
        return instance.DoesNotExist(f"there is no item of {instance!r}", missing=[instance])
    return as_stale_error(instance, error, lock, stored)


def take_result(instance: Instance, result: UpdateResult, unsaved: _Unsaved) -> None:
    """Update an instance, its stored item and the values of its changed fields, from *result*."""
    stored = stored_wires(instance)
    after: dict[str, Wire | None] = {}
    unknown: list[str] = []
    for attribute in result.attributes:
        if result.is_known(attribute):
            after[attribute] = result.wire_of(attribute, stored)
        else:
            unknown.append(attribute)
    if instance._stored is None:
        instance.__previous__ = None, after
    else:
        before, left = instance._stored, {**stored, **after}
        instance._stored = to_json(
            {n: w for n, w in left.items() if w is not None and n not in unknown}
        )
        if unknown:
            before = to_json({n: w for n, w in stored.items() if n not in unknown})
        instance.__previous__ = before, instance._stored
        mark_fetched(instance, after)
        _mark_unknown(instance, unknown)
    for attribute, wire in after.items():
        if (field := instance._fieldset.by_attribute.get(attribute)) is not None:
            take_value(instance, field, _merge(*unsaved.get(attribute, (wire, wire)), wire))
            if field.name in instance._fieldset.sets and instance._stored is not None:
                keep_sets(instance, [field.name])


def _find_unsaved(
    instance: Instance, actions: Iterable[Action], stored: Mapping[str, Wire]
) -> _Unsaved:
    """Return the loaded and the current values of maps in which *actions* change something.

    Called before anything is sent: values that cannot be stored raise.
    """
    found: _Unsaved = {}
    for attribute in find_nested(actions):
        field = instance._fieldset.by_attribute.get(attribute)
        if field is None or not (
            field.name in instance.__dict__ or field.name in find_edited_defaults(instance)
        ):
            continue
        wire = field.encode(getattr(instance, field.name), field.name)
        try:
            old = stored.get(attribute)
            base = None if old is None else field.encode(field.decode(old))
        except UnreadableValue:
            base = None
        if wire is not None and wire != base:
            # As it is received: a B is base64 text.
            unsaved, loaded = from_json(to_json([wire, base]))
            found[attribute] = (loaded, unsaved)
    return found


def _mark_unknown(instance: Instance, attributes: Sequence[str]) -> None:
    """Mark *attributes*, whose new values are unknown, as not fetched."""
    if not attributes:
        return
    if not instance._decoded:
        instance._decode()
    lost = instance._fieldset.find_held(frozenset(attributes))
    for name in lost:
        instance.__dict__.pop(name, None)
    fetched = get_fetched_fields(instance)
    known = frozenset(instance._fieldset.by_name) if fetched is None else fetched
    state_of(instance).partial = known - lost


def _merge(base: Wire | None, own: Wire | None, now: Wire | None) -> Wire | None:
    """Return *now* with the changes between *base* and *own* applied, key by key if all are maps."""
    if own == base or own is None or now is None or "M" not in own or "M" not in now:
        return now
    old: WireItem = (base or {}).get("M", {})
    own_keys, new = own["M"], now["M"]
    merged: WireItem = {}
    for key in {**new, **own_keys}:
        was, kept, stored = old.get(key), own_keys.get(key), new.get(key)
        if stored == was:
            chosen = kept
        elif kept == was:
            chosen = stored
        else:
            chosen = _merge(was, kept, stored)
        if chosen is not None:
            merged[key] = chosen
    return {"M": merged}


def check_no_clash(meta: Options, options: Sequence[str], *given: object) -> None:
    """Refuse each given option whose name is also the name of a field."""
    for option, value in zip(options, given, strict=False):
        if value is not None and value is not False and option in meta.field_set.by_name:
            raise TypeError(
                f"update({option}=...) is the option, and {meta.name}.{option} is a field: change "
                f"that by an action, {meta.name}.{option}.set(...)"
            )
