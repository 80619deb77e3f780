"""The errors for a failed condition: the item is gone, exists already, or is stale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ...exceptions import ConditionFailed, DoesNotExist, StaleItem, UnreadableValue, narrow_error
from ...operations.base import Wire
from ..attribute_values.values import has_changed
from ..fields.model_key import alias_of
from ..foreign_keys.unloaded import is_stub
from ..instance import Instance
from ..records.base import load_key
from ..visibility import is_of_other_class
from .locks import Lock


def as_model_error(
    instance: Instance,
    error: ConditionFailed,
    *,
    insert: bool = False,
    more: bool = False,
    must_exist: bool = False,
) -> Exception:
    """Return the error for a failed condition on the item of this instance.

    :param insert: the condition was that no item has the key.
    :param more: with *insert*, the caller's condition was checked too.
    :param must_exist: the condition was that the item exists; of a loaded instance it always is.
    """
    expected = must_exist or instance._stored is not None
    current: Any = error.current
    if isinstance(current, Mapping):
        wires = cast("Mapping[str, Any]", current)
        try:
            found = type(instance).from_db(wires)
        except UnreadableValue:
            # No class has this discriminator: give an instance with the key alone.
            found = load_key(type(instance), wires)
        if (alias := alias_of(instance)) is not None:
            found.__dict__["_using"] = alias
        error.current = found
        if insert:
            return narrow_error(error, instance.AlreadyExists)
        gone = expected and is_of_other_class(instance._meta, wires)
        return as_gone_error(instance) if gone else error
    if insert:  # the key is free then, unless the engine never returns the item
        return error if more else narrow_error(error, instance.AlreadyExists)
    return as_gone_error(instance) if expected else error


def as_stale_error(
    instance: Instance, error: ConditionFailed, lock: Lock | None, stored: Mapping[str, Wire]
) -> Exception:
    """Return the error for a failed condition: StaleItem if the condition of *lock* failed."""
    current: Any = error.current
    now = dict(cast("Mapping[str, Wire]", current)) if isinstance(current, Mapping) else None
    failure = as_model_error(instance, error)
    if lock is None or now is None or failure is not error or not lock.is_broken(stored, now):
        return failure
    stale = narrow_error(error, StaleItem)
    if instance._stored is None:
        expiry = instance._meta.expiry
        if expiry is not None and expiry.hides_wires(now):
            return failure
        stale.args = (
            f"{instance!r} was never loaded: with atomic=True no item may have its key, and there is one; "
            "nothing was written",
        )
        return stale
    names = [
        field.name if (field := instance._fieldset.by_attribute.get(name)) is not None else name
        for name in sorted(lock.watched)
        if has_changed([name], stored, now)
    ]
    stale.args = (
        f"{instance!r} is stale: another writer changed {', '.join(names)} since it was loaded; "
        "nothing was written",
    )
    return stale


def as_gone_error(instance: Instance) -> DoesNotExist:
    """Return the error for an item that was deleted since it was loaded, or never existed."""
    if instance._stored is None or is_stub(instance):
        return instance.DoesNotExist(f"there is no item of {instance!r}", missing=[instance])
    return instance.DoesNotExist(
        f"{instance!r} no longer exists: it was deleted since it was loaded", missing=[instance]
    )
