"""Locks: the attributes of an item that must not have changed since it was loaded, for a write to pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from ...connections import Linked, current_options, is_atomic_by_default
from ...exceptions import FieldNotLoaded, QueryError
from ...expressions import Condition
from ...limits import MAX_OPERATORS
from ...operations.base import Wire
from ..attribute_values.values import has_changed, require_unchanged
from ..instance import Instance
from ..options.options import Options
from ..unit_of_work.collector import COLLECTOR
from .stored import unknown_attributes


class Lock(Struct, frozen=True):
    """The attributes that must not have changed, and the condition that checks this."""

    condition: Condition
    watched: frozenset[str]
    """The attributes that must not have changed."""

    def is_broken(self, before: Mapping[str, Wire], now: Mapping[str, Wire]) -> bool:
        """Tell whether a watched attribute of *now* differs from *before*."""
        return has_changed(self.watched, before, now)


def lock_of_none(meta: Options) -> Lock:
    """Return the lock that no item has the key, or only a hidden one."""
    return Lock(meta.absent, frozenset(field.attribute for field in meta.keys))


def lock_of_version(meta: Options, item: Mapping[str, Wire]) -> Lock | None:
    """Return the lock that the stored version equals that of *item*; None for a model without versions."""
    if meta.version is None:
        return None
    name = meta.version.attribute
    return Lock(_require_present(meta, [name], item), frozenset({name}))


def lock_of_all(meta: Options, item: Mapping[str, Wire], unknown: frozenset[str]) -> Lock:
    """Return the lock that all attributes equal those of *item*, except those that were not fetched.

    It includes the attributes of *item* that no field declares. Raises QueryError if there are more
    attributes than one condition expression can compare.
    """
    keys = {field.attribute for field in meta.keys}
    names = dict.fromkeys([*item, *(field.attribute for field in meta.fields)])
    watched = [name for name in names if name not in keys and name not in unknown]
    if 2 * len(watched) > MAX_OPERATORS - 20:
        raise QueryError(
            f"{meta.name}: atomic=True compares every attribute, and {len(watched)} are more than a "
            f"condition of {MAX_OPERATORS} operators can name: declare a VersionField"
        )
    return Lock(_require_present(meta, watched, item), frozenset(watched))


def _require_present(meta: Options, names: Iterable[str], item: Mapping[str, Wire]) -> Condition:
    """Return the condition that the item exists, and its attributes *names* equal those of *item*."""
    names = list(names)
    unchanged = require_unchanged(names, item)
    # An attribute that equals a value implies that the item exists.
    return unchanged if any(name in item for name in names) else meta.present & unchanged


def is_atomic(writer: Linked, meta: Options, given: bool | None) -> bool:
    """Return whether a write is atomic: *given*, else the setting of ``options()``, Meta or the connection.

    :param writer: the instance, or an object with the same connection.
    """
    if given is not None:
        return given
    default = current_options().atomic
    if default is None:
        default = meta.atomic
    return is_atomic_by_default(writer) if default is None else default


def is_guarded(instance: Instance, atomic: bool | None) -> bool:
    """Tell whether a write needs a lock, sentinels or a transaction, besides its own request."""
    meta = instance._meta
    return meta.guarded or COLLECTOR.get() is not None or is_atomic(instance, meta, atomic)


def lock_of(instance: Instance, stored: Mapping[str, Wire], atomic: bool | None) -> Lock | None:
    """Return the lock for a write of this instance; None if it needs none."""
    meta = instance._meta
    if instance._stored is None:
        return lock_of_none(meta) if is_atomic(instance, meta, atomic) else None
    if meta.version is not None and meta.version.attribute in unknown_attributes(instance):
        raise FieldNotLoaded(
            f"{meta.version.label} was not fetched with this instance, which may be stale: "
            "refresh_from_db() first"
        )
    if is_atomic(instance, meta, atomic):
        return lock_of_all(meta, stored, unknown_attributes(instance))
    return lock_of_version(meta, stored)
