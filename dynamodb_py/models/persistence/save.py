"""save(): the whole item, or the changes since it was loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, cast

from ...codec import from_json
from ...exceptions import ConditionFailed, InvalidRequest, QueryError
from ...expressions import Condition
from ...flows import Flow
from ...operations.base import Wire, WireItem
from ...operations.items import GetItem, PutItem, StoredItem, UpdateItem
from ..attribute_values.diff import (
    ChangeSet,
    find_conflicting_paths,
    has_containers,
    is_applied,
    make_change_set,
    rebase_item,
    write_whole_attributes,
)
from ..attribute_values.values import apply_actions
from ..instance import Instance, M, options_of, table_of
from ..signals.events import is_observed, send_post_save, send_pre_save
from ..unit_of_work.collector import COLLECTOR
from .conditional_save import explain_refusal, is_guarded, put_guarded, write_guarded
from .failures import as_gone_error, as_model_error
from .locks import expects_no_item
from .sending import TRIES, is_collected
from .stored import (
    encode_item,
    encode_sized,
    mark_fetched,
    mark_saved,
    stored_wires,
    unknown_attributes,
)
from .tracking import changes_to_write, keep_spelling_of


def save_instance(
    instance: M,
    *,
    condition: Condition | None = None,
    force_insert: bool = False,
    overwrite: bool = False,
    update_fields: Iterable[str] | None = None,
    validate: bool = True,
    atomic: bool | None = None,
) -> Flow[M]:
    """Write this instance to its table.

    A new one is put whole, in place of what was there. Of a loaded one just what changed is set
    or removed, on condition that the item still exists; if nothing did, nothing is sent. Maps are
    changed key by key. A list must still be as it was loaded where it is written. Attributes that
    the model does not declare are left alone.

    With a :class:`~dynamodb_py.VersionField`, a new instance is written only where there is no
    item, and a loaded one only where the item has the version that it has.

    :param condition: write only where it holds; it is asked even where nothing changed.
    :param force_insert: write only where no item has this key.
    :param overwrite: put it whole, a loaded one too, whether or not there is an item.
    :param update_fields: write no other fields than these, and those that set themselves; the
        changes of others wait for the next save. For a loaded one only.
    :param validate: False skips ``required``, ``choices``, bounds and validators.
    :param atomic: write only if no attribute has changed since it was loaded; one that was never
        loaded expects that there is no item. By default as ``options()`` or ``Meta.atomic`` say.
    :return: the instance itself.
    :raises ValidationError: values cannot be stored; nothing was sent.
    :raises AlreadyExists: an item has this key, where none was expected, or a unique value:
        ``fields`` has the names of those.
    :raises StaleItem: the version is another one, or with *atomic* something else is.
    :raises ConditionFailed: *condition* does not hold, or a list that changed here was changed
        by another writer too; ``current`` is the item as it stands.
    :raises DoesNotExist: the item that was loaded is gone.
    :raises QueryError: *update_fields* is given where the whole item would be put.
    """
    condition = options_of(type(instance)).condition(condition)
    created = instance._stored is None
    named = None
    if update_fields is not None:
        named = _check_update_fields(
            instance, update_fields, whole=created or force_insert or overwrite
        )
    heard = is_observed(type(instance), "save")
    collector = COLLECTOR.get() if heard else None
    if heard:
        yield from send_pre_save(instance, created=created, update_fields=named)
    yield from store_instance(
        instance,
        condition=condition,
        force_insert=force_insert,
        overwrite=overwrite,
        named=named,
        validate=validate,
        atomic=atomic,
    )
    if heard:
        told = partial(send_post_save, instance, created=created, update_fields=named)
        if collector is None:
            yield from told()
        else:
            collector.call_after(told)
    return instance


def store_instance(
    instance: Instance,
    *,
    condition: Condition | None = None,
    force_insert: bool = False,
    overwrite: bool = False,
    named: frozenset[str] | None = None,
    validate: bool = True,
    atomic: bool | None = None,
) -> Flow[None]:
    """Do as ``_save``, and let nobody hear of it."""
    if not (instance._stored is None or force_insert or overwrite):
        yield from _write_changes(
            instance, condition, validate=validate, named=named, atomic=atomic
        )
    elif is_guarded(instance, atomic):
        insert = force_insert or (not overwrite and expects_no_item(instance, atomic))
        yield from put_guarded(instance, condition, insert=insert, validate=validate, atomic=atomic)
    else:
        yield from _put_instance(instance, condition, insert=force_insert, validate=validate)


def _put_instance(
    instance: Instance, condition: Condition | None, *, insert: bool, validate: bool
) -> Flow[None]:
    item = encode_item(instance, validate=validate)
    more = condition is not None and not condition.is_empty
    if insert:
        absent = instance._meta.absent
        condition = absent if condition is None else absent & condition
    try:
        yield from PutItem(table_of(instance), item, condition)
    except ConditionFailed as error:
        raise as_model_error(instance, error, insert=insert, more=more) from error.__cause__
    mark_saved(instance, item)


def _check_update_fields(
    instance: Instance, names: Iterable[str], *, whole: bool
) -> frozenset[str]:
    """Return the names of ``update_fields``, after a look at them."""
    named = options_of(type(instance)).check_writable("update_fields", names)
    if whole:
        raise QueryError(
            f"update_fields: {instance._meta.name} would be put whole, since it was never loaded or "
            "saved, or by force_insert or overwrite: save() it without update_fields"
        )
    return named


def _write_changes(
    instance: Instance,
    condition: Condition | None,
    *,
    validate: bool,
    named: frozenset[str] | None = None,
    atomic: bool | None = None,
) -> Flow[None]:
    stored = stored_wires(instance)
    changes = changes_to_write(instance, stored, validate=validate, named=named)
    own = condition is not None and not condition.is_empty
    if not changes and not own and not is_collected(instance):
        return
    asked = instance._meta.present if condition is None else instance._meta.present & condition
    if instance._fieldset.computed is not None:
        asked &= instance._fieldset.computed.require_unchanged_parts(stored, changes)
    wanted = changes
    if deep := has_containers(changes):
        wanted = {
            name: keep_spelling_of(instance, name, wire, stored) for name, wire in changes.items()
        }
    if is_guarded(instance, atomic):
        yield from write_guarded(
            instance,
            stored,
            wanted,
            asked,
            own=condition if own else None,
            named=named,
            atomic=atomic,
        )
        return
    if deep:
        item = yield from _send_changes(instance, stored, wanted, asked, own=own)
    else:
        item = yield from _send_flat(instance, stored, wanted, asked)
    if item is not None:
        instance._stored = item
        mark_fetched(instance, changes)


def _send_flat(
    instance: Instance, stored: WireItem, wanted: dict[str, Wire | None], asked: Condition
) -> Flow[StoredItem]:
    """Do as ``_send`` for attributes none of which is to be a map or a list: nearly always."""
    operation = UpdateItem(
        table_of(instance), instance._meta.stored_key(stored), write_whole_attributes(wanted), asked
    )
    after = {**stored, **wanted}
    item = encode_sized(instance, {name: wire for name, wire in after.items() if wire is not None})
    try:
        yield from operation
    except ConditionFailed as error:
        raise as_model_error(instance, error) from error.__cause__
    return item


def _send_changes(
    instance: Instance,
    stored: WireItem,
    wanted: dict[str, Wire | None],
    asked: Condition,
    *,
    own: bool,
) -> Flow[StoredItem | None]:
    """Write the attributes *wanted*, and return the item as it is then known; None for no request.

    :param own: *asked* has a condition of the caller's, so that a failure may be of that.
    """
    key, unknown, before = instance._meta.stored_key(stored), unknown_attributes(instance), stored
    todo = make_change_set(before, wanted, condition=asked, unknown=unknown)
    if not todo.actions and not own:
        return None
    for left in reversed(range(TRIES)):
        after = apply_actions(before, todo.actions)
        item = encode_sized(instance, after)
        try:
            yield from todo.update(table_of(instance), key, asked)
        except (ConditionFailed, InvalidRequest) as error:
            now = yield from _find_current(instance, error, todo)
            if not own and is_applied(todo.actions, after, now):
                return item  # by this request, an answer to which was lost
            before = rebase_item(before, wanted, now)
            again = make_change_set(before, wanted, condition=asked, unknown=unknown)
            if not left or again.actions == todo.actions:
                places = () if own else find_conflicting_paths(todo, stored, now)
                raise explain_refusal(instance, error, places) from error.__cause__
            todo = again
        else:
            return item
    raise AssertionError("the last try returns or raises")


def _find_current(
    instance: Instance, error: ConditionFailed | InvalidRequest, todo: ChangeSet
) -> Flow[WireItem]:
    """Return the item that an update met which was refused; raise where that says enough.

    Where a map was removed, its keys have no valid path; DynamoDB then does not tell what is there.
    """
    if isinstance(error, ConditionFailed):
        current: Any = error.current
        if not isinstance(current, Mapping):
            raise as_model_error(instance, error) from error.__cause__
        return dict(cast("Mapping[str, Wire]", current))
    if not todo.nested:
        raise error
    item = yield from GetItem(
        table_of(instance), instance._meta.stored_key(stored_wires(instance)), True
    )
    if item is None:
        raise as_gone_error(instance) from error
    return cast("WireItem", from_json(item))
