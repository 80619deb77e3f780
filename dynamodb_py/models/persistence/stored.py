"""The whole item of an instance: the stored item, the item to store, and marking it as saved."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec.structs import replace

from ...codec import from_json, measure_item, to_json
from ...exceptions import ItemTooLarge, QueryError, UnreadableValue, ValidationError
from ...expressions import is_many
from ...limits import MAX_ITEM_BYTES
from ...operations.base import Wire, WireItem
from ...operations.batches import Put
from ...operations.items import Key, StoredItem
from ..fields.base import AnyField
from ..fields.model_key import alias_of, bind_values
from ..instance import Instance, M, options_of, table_of
from ..records.attributes import describe_largest, find_preserved
from ..records.base import (
    RecordState,
    get_fetched_fields,
    get_kept_sets,
    keep_sets,
    set_decoded,
    set_state,
    set_stored,
    settle_defaults,
    state_of,
)
from ..records.encoding import encode_fields


def stored_wires(instance: Instance) -> WireItem:
    """Return the attributes that were last loaded or saved; an empty dict for a new instance."""
    try:
        stored: WireItem = {} if instance._stored is None else from_json(instance._stored)
    except (ValueError, RecursionError) as error:
        raise UnreadableValue(
            f"{type(instance).__name__}: the stored item is not JSON: {error}"
        ) from error
    return stored


def unknown_attributes(instance: Instance) -> frozenset[str]:
    """Return the attributes that were not fetched: the item may have them."""
    partial = get_fetched_fields(instance)
    if partial is None:
        return frozenset()
    return frozenset(field.attribute for field in instance._fieldset if field.name not in partial)


def mark_fetched(instance: Instance, attributes: Iterable[str]) -> None:
    """Mark *attributes* as fetched: they were written, so their values are known."""
    if (fetched := get_fetched_fields(instance)) is not None:
        state_of(instance).partial = fetched | instance._fieldset.find_held(frozenset(attributes))


def mark_written(instance: Instance, attributes: Iterable[str]) -> None:
    """Mark *attributes* as known after a successful write; keep copies of the sets as they are now."""
    if (state := instance._state) is not None:
        mark_fetched(instance, attributes)
        state.deleted, state.lost = frozenset(), ()
    if instance._fieldset.sets:
        keep_sets(instance)


def key_of(instance: Instance) -> Key:
    """Return the encoded key: the stored one if the instance was loaded or saved."""
    return options_of(type(instance)).key_of_record(instance)


def encode_item(instance: Instance, *, validate: bool = True) -> StoredItem:
    """Return the whole item as it would be stored."""
    return encode_sized(instance, complete_item(instance, validate=validate))


def make_put(instance: Instance, table: str | None = None, *, validate: bool = True) -> Put:
    """Return the Put of the whole item, into *table* or else the instance's own table."""
    wires = complete_item(instance, validate=validate)
    return Put(table or table_of(instance), key_in(instance, wires), encode_sized(instance, wires))


def complete_item(instance: Instance, *, validate: bool) -> WireItem:
    """Return all attributes of the item as they would be stored."""
    meta = options_of(type(instance))
    if _is_fresh(instance):
        wires = encode_fields(instance, adding=True, validate=validate)
    else:
        wires = find_preserved(instance)
        wires |= encode_fields(instance, adding=instance._stored is None, validate=validate)
        wires |= key_of(instance)
    if meta.kind is not None:
        meta.kind.set_discriminator(wires, stored_wires(instance))
    return wires


def _is_fresh(instance: Instance) -> bool:
    """Tell whether an instance never had an item: it would store its fields, and nothing else."""
    state = instance._state
    return instance._stored is None and (
        state is None
        or (state.partial is None and state.known_key is None and not state.undeclared)
    )


def key_in(instance: Instance, wires: Mapping[str, Wire]) -> Key:
    """Return the key among the attributes of the item."""
    key: WireItem = {}
    for field in options_of(type(instance)).keys:
        key[field.attribute] = wires[field.attribute]
    return key


def encode_sized(instance: Instance, wires: WireItem) -> StoredItem:
    """Return an item as JSON; raise ItemTooLarge over DynamoDB's 400 KB."""
    try:
        item = to_json(wires)
    except UnicodeEncodeError as error:
        raise _text_error(instance, wires, error) from None
    # The JSON is at least as long as the size that DynamoDB counts.
    if len(item) > MAX_ITEM_BYTES and (size := measure_item(wires)) > MAX_ITEM_BYTES:
        raise ItemTooLarge(
            f"the item has {size} bytes, and DynamoDB takes {MAX_ITEM_BYTES}; its largest fields: {describe_largest(instance, wires)}",
            model=instance._meta.name,
        )
    return item


def _text_error(instance: Instance, wires: WireItem, error: UnicodeEncodeError) -> ValidationError:
    errors: dict[str, list[str]] = {}
    for name, wire in wires.items():
        try:
            to_json({name: wire})
        except UnicodeEncodeError:
            field = instance._fieldset.by_attribute.get(name)
            errors[field.name if field else ascii(name)] = [
                f"it is not valid Unicode: {error.reason}"
            ]
    return ValidationError(errors, model=instance._meta.name)


set_previous = vars(Instance)["__previous__"].__set__  # without a look-up, like set_stored()


def mark_saved(instance: M, item: StoredItem) -> M:
    """Set *item* as the stored item; the values stay as they are."""
    fields, state, values = instance._fieldset, instance._state, instance.__dict__
    if state is not None:
        settle_defaults(instance)
    before = instance._stored
    set_previous(instance, (before, item))
    if before is None and not fields.constants.keys() <= values.keys():
        deleted = frozenset[str]() if state is None else state.deleted
        for name, default in fields.constants.items():
            if name not in values and name not in deleted:
                values[name] = default
    set_stored(instance, item)
    set_decoded(instance, True)
    if state is not None:
        set_state(instance, RecordState(unreadable=state.unreadable) if state.unreadable else None)
    if fields.sets:
        keep_sets(instance)
    if instance._meta.version is not None:
        take_version(instance, from_json(item))
    return instance


def copy_elsewhere(instance: M, using: str, *, whole: bool = False) -> M:
    """Return a copy of an instance for the connection *using*; the copy counts as never stored.

    The copy has the key as it was loaded. Raises ValidationError if the key was changed.

    :param whole: whether the whole item will be written there. Raises FieldNotLoaded if it was fetched
        only in part.
    """
    twin: M = object.__new__(type(instance))
    twin.__dict__.update(instance.__dict__)
    twin._stored, twin._decoded = instance._stored, instance._decoded
    twin._state = None if instance._state is None else replace(instance._state)
    twin.__kept__ = get_kept_sets(instance)
    if not twin._decoded:
        twin._decode()
    state = state_of(twin)
    if whole:
        state.undeclared = find_preserved(twin)
    if twin._stored is not None:
        state.known_key = key_of(twin)
    settle_defaults(twin)
    twin._stored = None
    twin.__dict__["_using"] = using
    return twin


def take_over(instance: M, twin: M) -> None:
    """Copy the state of the saved *twin* on another connection to *instance*."""
    instance.__dict__.clear()
    instance.__dict__.update(twin.__dict__)
    instance._stored, instance._decoded = twin._stored, twin._decoded
    instance._state, instance.__kept__ = twin._state, get_kept_sets(twin)
    instance.__previous__ = getattr(twin, "__previous__", None)
    fields = instance._fieldset
    if instance._stored is not None and (fields.holders or fields.references):
        # Its references belong to the other connection too.
        replace_stored(instance, instance._stored)


def take_version(instance: Instance, item: Mapping[str, Wire]) -> None:
    """Set the version field to the version of a stored item."""
    version = instance._meta.version
    if version is not None and version.attribute in item:
        instance.__dict__[version.name] = version.decode(item[version.attribute])


def replace_stored(instance: Instance, item: StoredItem) -> None:
    """Set *item* as the stored item, and forget the values."""
    for name in instance._fieldset.by_name:
        instance.__dict__.pop(name, None)
    for name in instance._fieldset.references:
        instance.__dict__.pop(name, None)
    instance._stored, instance._decoded, instance._state = item, False, None
    instance.__kept__ = ()


def take_value(instance: Instance, field: AnyField, wire: Wire | None) -> None:
    """Set the value of *field* to *wire*, decoded; None makes it absent."""
    values, state = instance.__dict__, instance._state
    if (
        instance._fieldset.computed is not None
        and field.name in instance._fieldset.computed.by_name
    ):
        values.pop(field.name, None)  # it is computed from its parts
        return
    if state is not None:
        state.unreadable = {n: e for n, e in state.unreadable.items() if n != field.name}
        state.defaults = {n: w for n, w in state.defaults.items() if n != field.name}
    if wire is None:
        values.pop(field.name, None)
        if instance._stored is None:
            values[field.name] = field.make_absent_value()
        return
    try:
        values[field.name] = field.decode(wire)
    except UnreadableValue as error:
        values.pop(field.name, None)
        unreadable = state_of(instance).unreadable
        state_of(instance).unreadable = {**unreadable, field.name: error}


def reset_fields(instance: Instance, names: Collection[str], stored: Mapping[str, Wire]) -> None:
    """Set the fields *names* of a loaded instance to their values in *stored*; assigned values are lost."""
    if not instance._decoded:
        instance._decode()
    fields, values, alias = instance._fieldset, instance.__dict__, alias_of(instance)
    if fields.computed is not None:
        stored = fields.computed.add_key_parts(stored)
    if instance._state is not None:
        instance._state.deleted -= frozenset(names)
    for name in names:
        field = fields.by_name[name]
        take_value(instance, field, stored.get(field.attribute))
        if alias is not None and name in fields.holders and name in values:
            bind_values(values[name], alias)
    if fields.sets:
        keep_sets(instance, [name for name in names if name in fields.sets])
    for name, reference in fields.references.items():
        if not {part.name for part in reference.parts}.isdisjoint(names):
            values.pop(name, None)


def check_names(instance: Instance, verb: str, names: Iterable[str]) -> list[str]:
    """Return the field names that *verb* got; references are replaced by the fields of their keys."""
    if not is_many(names):
        raise QueryError(f"{verb}: {names!r} is one name: give a list of them, [{names!r}]")
    fields = instance._fieldset
    found = list(dict.fromkeys(fields.expand_references(names)))
    if unknown := [name for name in found if name not in fields.by_name]:
        raise fields.make_unknown_error(unknown)
    return found
