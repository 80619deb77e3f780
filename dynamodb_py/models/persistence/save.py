"""save(): the whole item, or the changes since it was loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, cast

from ...codec import from_json
from ...exceptions import ConditionFailed, InvalidRequest, QueryError, RequestError
from ...expressions import Condition
from ...flows import Flow
from ...operations.base import Wire, WireItem
from ...operations.items import GetItem, PutItem, StoredItem, UpdateItem
from ...retries import is_in_doubt
from ..attribute_values.diff import (
    ChangeSet,
    find_conflicting_paths,
    is_applied,
    make_change_set,
    rebase_item,
    write_whole_attributes,
)
from ..attribute_values.lost_write import LostWrite
from ..attribute_values.values import apply_actions
from ..instance import Instance, M, is_elsewhere, options_of, pin_connection, table_of
from ..records.base import add_lost, set_stored
from ..signals.events import is_observed, send_post_save, send_pre_save
from ..unit_of_work.collector import COLLECTOR
from .conditional_save import explain_refusal, put_guarded, take_lost_write, write_guarded
from .failures import as_gone_error, as_model_error
from .locks import is_atomic, is_guarded
from .sending import TRIES, is_collected
from .stored import (
    copy_elsewhere,
    encode_item,
    encode_sized,
    mark_saved,
    mark_written,
    set_previous,
    stored_wires,
    take_over,
    unknown_attributes,
)
from .tracking import changes_to_write, find_set_edits


def save_instance(
    instance: M,
    *,
    condition: Condition | None = None,
    force_insert: bool = False,
    force_update: bool = False,
    overwrite: bool = False,
    update_fields: Iterable[str] | None = None,
    validate: bool = True,
    atomic: bool | None = None,
    using: str | None = None,
) -> Flow[M]:
    """Write this instance to its table.

    A new instance is put whole, and replaces an item with its key. Of a loaded instance, only the
    changed fields are set or removed, on condition that the item still exists; if nothing changed,
    nothing is sent. Maps are changed key by key. A list is written only if its changed part is still
    stored as it was loaded. Attributes that the model does not declare are left alone.

    With a :class:`~dynamodb_py.VersionField`, a new instance is written only if no item has its key, and
    a loaded one only if the stored version is still the instance's.

    >>> score = Score.objects.get("ann", 1)
    >>> score.points = 60
    >>> score.save()  # sends points alone
    Score(player='ann', game=1, points=60)

    :param condition: write only if it holds for the stored item; it is checked even if nothing changed.
    :param force_insert: write only if no item has this key.
    :param force_update: write only if the item exists; a new instance then replaces it. This is
        checked even if nothing changed.
    :param overwrite: put the whole item, also of a loaded instance, whether or not it exists.
    :param update_fields: write only these fields and those that set themselves; changes of other
        fields wait for the next save. For loaded instances only.
    :param validate: False skips ``required``, ``choices``, bounds and validators.
    :param atomic: write only if no attribute has changed since the instance was loaded; an instance that
        was never loaded expects that there is no item. ``options()`` or ``Meta.atomic`` set the default.
    :param using: the alias of a connection; by default, the instance's own. On another one, the instance
        counts as new: the whole item is put there, and the instance belongs to that connection from then
        on.
    :return: the instance itself.
    :raises ValidationError: values cannot be stored; nothing was sent.
    :raises AlreadyExists: an item has this key, and none was expected; or another item has a unique value
        of this one: ``fields`` names the fields.
    :raises StaleItem: the stored version differs, or with *atomic* another attribute does.
    :raises ConditionFailed: *condition* does not hold, or another writer changed a list that was changed
        here too; ``current`` is the item as it is stored now.
    :raises DoesNotExist: the loaded item was deleted, or with *force_update* there is no item.
    :raises QueryError: *update_fields* is given, and the whole item would be put; or *force_update* is
        given with *force_insert* or *overwrite*.
    """
    if force_update and (force_insert or overwrite):
        raise QueryError(
            "save(force_update=True): it writes only where there is an item, unlike "
            f"{'force_insert' if force_insert else 'overwrite'}=True: give one of them"
        )
    if condition is not None:
        condition = options_of(type(instance)).condition(condition)
    pin_connection(instance)
    moves = using is not None and is_elsewhere(instance, using)
    created = moves or instance._stored is None
    named = None
    if update_fields is not None:
        named = _check_update_fields(
            instance, update_fields, whole=created or force_insert or overwrite
        )
    observed = is_observed(type(instance), "save")
    collector = COLLECTOR.get() if observed else None
    if observed:
        yield from send_pre_save(instance, created=created, update_fields=named)
    stored = instance if using is None or not moves else copy_elsewhere(instance, using, whole=True)
    yield from store_instance(
        stored,
        condition=condition,
        force_insert=force_insert,
        overwrite=overwrite,
        must_exist=force_update,
        named=named,
        validate=validate,
        atomic=atomic,
    )
    if stored is not instance:
        yield from _take_over(instance, stored)
    if observed:
        send_saved = partial(send_post_save, instance, created=created, update_fields=named)
        if collector is None:
            yield from send_saved()
        else:
            collector.call_after(send_saved)
    return instance


def _take_over(instance: M, twin: M) -> Flow[None]:
    """Copy the state of the saved *twin* to *instance*: now, or after the commit of the transaction."""
    collector = COLLECTOR.get()
    if collector is None:
        take_over(instance, twin)
        return

    def take() -> Flow[None]:
        take_over(instance, twin)
        yield from ()

    collector.call_after(take)
    yield from ()


def store_instance(
    instance: Instance,
    *,
    condition: Condition | None = None,
    force_insert: bool = False,
    overwrite: bool = False,
    must_exist: bool = False,
    named: frozenset[str] | None = None,
    validate: bool = True,
    atomic: bool | None = None,
) -> Flow[None]:
    """Save without calling hooks and signals."""
    meta = instance._meta
    try:
        if not (instance._stored is None or force_insert or overwrite):
            yield from _write_changes(
                instance,
                condition,
                validate=validate,
                named=named,
                must_exist=must_exist,
                atomic=atomic,
            )
        elif is_guarded(instance, atomic):
            insert = force_insert or (
                not overwrite
                and not must_exist
                and (meta.version is not None or is_atomic(instance, meta, atomic))
            )
            yield from put_guarded(
                instance,
                condition,
                insert=insert,
                must_exist=must_exist,
                validate=validate,
                atomic=atomic,
            )
        else:
            yield from _put_instance(
                instance, condition, insert=force_insert, must_exist=must_exist, validate=validate
            )
    except ConditionFailed as error:
        own = force_insert or (condition is not None and not condition.is_empty)
        before = instance._stored
        if own or not take_lost_write(instance, error):
            raise
        yield from store_instance(
            instance, overwrite=overwrite, named=named, validate=validate, atomic=atomic
        )
        instance.__previous__ = before, instance._stored or b"{}"


def _put_instance(
    instance: Instance,
    condition: Condition | None,
    *,
    insert: bool,
    must_exist: bool,
    validate: bool,
) -> Flow[None]:
    item = encode_item(instance, validate=validate)
    more = condition is not None and not condition.is_empty
    if insert or must_exist:
        expected = instance._meta.absent if insert else instance._meta.present
        condition = expected if condition is None else expected & condition
    try:
        yield from PutItem(table_of(instance), item, condition)
    except ConditionFailed as error:
        failure = as_model_error(instance, error, insert=insert, more=more, must_exist=must_exist)
        raise failure from error.__cause__
    mark_saved(instance, item)


def _check_update_fields(
    instance: Instance, names: Iterable[str], *, whole: bool
) -> frozenset[str]:
    """Return the names of ``update_fields``; raise if they cannot be written, or not as a part."""
    named = options_of(type(instance)).check_writable("update_fields", names)
    if whole:
        raise QueryError(
            f"update_fields: {instance._meta.name} would be put whole, because it was never loaded or "
            "saved, or because of force_insert, overwrite or another connection: save() it without "
            "update_fields"
        )
    return named


def _write_changes(
    instance: Instance,
    condition: Condition | None,
    *,
    validate: bool,
    named: frozenset[str] | None = None,
    must_exist: bool = False,
    atomic: bool | None = None,
) -> Flow[None]:
    meta = instance._meta
    stored: WireItem = from_json(instance._stored or b"{}")
    changes = changes_to_write(instance, stored, validate=validate, named=named)
    own = condition is not None and not condition.is_empty
    if not changes and not own and not must_exist and not is_collected(instance):
        instance.__previous__ = None
        return
    required = meta.present if condition is None else meta.present & condition
    fields = instance._fieldset
    sets: dict[str, bool] = {}
    if fields.sets:
        sets = find_set_edits(instance, changes)
    if fields.computed is not None:
        required &= fields.computed.require_unchanged_parts(stored, changes)
    if is_guarded(instance, atomic):
        yield from write_guarded(
            instance,
            stored,
            changes,
            required,
            own=condition if own else None,
            named=named,
            must_exist=must_exist,
            atomic=atomic,
        )
        return
    if (
        sets
        or fields.computed is not None
        or any(wire is not None and ("M" in wire or "L" in wire) for wire in changes.values())
    ):
        item = yield from _send_changes(instance, stored, changes, required, own=own, sets=sets)
        if item is None and must_exist:
            item = yield from _send_plain_changes(instance, stored, {}, required)
    else:
        item = yield from _send_plain_changes(instance, stored, changes, required)
    if item is None:
        instance.__previous__ = None
    else:
        set_previous(instance, (instance._stored, item))
        set_stored(instance, item)
        if instance._state is not None or sets:
            mark_written(instance, changes)


def _send_plain_changes(
    instance: Instance, stored: WireItem, wanted: dict[str, Wire | None], required: Condition
) -> Flow[StoredItem]:
    """Like ``_send_changes``, for attributes that need no condition of their own: the usual case."""
    key = instance._meta.stored_key(stored)
    operation = UpdateItem(table_of(instance), key, write_whole_attributes(wanted), required)
    after: dict[str, Any] = {**stored, **wanted}
    if None in wanted.values():
        after = {name: wire for name, wire in after.items() if wire is not None}
    item = encode_sized(instance, after)
    try:
        yield from operation
    except ConditionFailed as error:
        raise as_model_error(instance, error) from error.__cause__
    return item


def _send_changes(
    instance: Instance,
    stored: WireItem,
    wanted: dict[str, Wire | None],
    required: Condition,
    *,
    own: bool,
    sets: Mapping[str, bool],
) -> Flow[StoredItem | None]:
    """Write the attributes *wanted*; return the item after the write, or None if nothing was sent.

    :param own: whether *required* includes a condition of the caller, which may be the one that failed.
    :param sets: the attributes of sets, and whether each was edited in place.
    """
    key, before = instance._meta.stored_key(stored), stored
    unknown = _NONE if instance._state is None else unknown_attributes(instance)
    changes = make_change_set(before, wanted, condition=required, unknown=unknown, sets=sets)
    if not changes.actions and not own:
        return None
    for left in reversed(range(TRIES)):
        after = apply_actions(before, changes.actions)
        item = encode_sized(instance, after)
        try:
            yield from changes.update(table_of(instance), key, required)
        except (RequestError, GeneratorExit) as error:
            if is_in_doubt(error):
                add_lost(instance, LostWrite(changes.actions))
            if not isinstance(error, (ConditionFailed, InvalidRequest)):
                raise
            now = yield from _find_current(instance, error, changes)
            if error.in_doubt and not own and is_applied(changes.actions, after, now):
                return item  # an earlier attempt, whose response was lost, was executed
            before = rebase_item(before, wanted, now)
            again = make_change_set(before, wanted, condition=required, unknown=unknown, sets=sets)
            if not left or again.actions == changes.actions:
                places = () if own else find_conflicting_paths(changes, stored, now)
                raise explain_refusal(instance, error, places) from error.__cause__
            changes = again
        else:
            return item
    raise AssertionError("the last try returns or raises")


_NONE: frozenset[str] = frozenset()


def _find_current(
    instance: Instance, error: ConditionFailed | InvalidRequest, changes: ChangeSet
) -> Flow[WireItem]:
    """Return the stored item after an update was refused; raise the error if the item is missing.

    If a map was removed, paths to its keys are invalid, and DynamoDB's error does not contain the item.
    """
    if isinstance(error, ConditionFailed):
        current: Any = error.current
        if not isinstance(current, Mapping):
            raise as_model_error(instance, error) from error.__cause__
        return dict(cast("Mapping[str, Wire]", current))
    if not changes.nested:
        raise error
    item = yield from GetItem(
        table_of(instance), instance._meta.stored_key(stored_wires(instance)), True
    )
    if item is None:
        raise as_gone_error(instance) from error
    return cast("WireItem", from_json(item))
