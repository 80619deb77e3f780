"""Sends the write of one instance alone, or adds it to the current transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from ...codec import from_json
from ...exceptions import AlreadyExists, ConditionFailed, StaleItem
from ...flows import Flow
from ...operations.base import Wire, WireItem
from ...operations.items import GetItem
from ..attribute_values.values import has_changed
from ..instance import Instance, table_of
from ..options.options import Options
from ..unit_of_work.collector import COLLECTOR
from ..unit_of_work.commit import execute, make_token
from ..unit_of_work.pending import PendingWrite
from .stored import key_of, stored_wires

# How often a write is sent, each time adapted to another writer's change of the item.
TRIES = 4


def execute_or_collect(pending: PendingWrite) -> Flow[None]:
    """Execute a write, or add it to the current transaction."""
    collector = COLLECTOR.get()
    if collector is not None:
        collector.add(pending)
    else:
        token = "" if pending.is_alone else make_token()
        yield from execute(pending, pending.link.retries, token)


def is_collected(instance: Instance) -> bool:
    """Tell whether the current transaction already has a write of this instance."""
    collector = COLLECTOR.get()
    return collector is not None and collector.has_write_of(instance)


def retry_on_conflict(
    instance: Instance,
    make: Callable[[Mapping[str, Wire]], PendingWrite],
    before: Mapping[str, Wire] | None,
    names: Iterable[str],
) -> Flow[None]:
    """Execute the write that *make* builds for the stored item; repeat it if another writer changed the item.

    :param make: called with the item's attributes; with none if there is no item.
    :param before: the known attributes of the item; None to read it first.
    :param names: the attributes on which the result of *make* depends.
    """
    if before is None:
        item = yield from GetItem(table_of(instance), key_of(instance), True)
        before = cast("WireItem", {} if item is None else from_json(item))
    for left in reversed(range(TRIES)):
        try:
            yield from execute_or_collect(make(before))
        except ConditionFailed as error:
            if not left or isinstance(error, (AlreadyExists, StaleItem)):
                raise
            current: Any = error.current
            now: WireItem = {} if current is None else stored_wires(current)
            if not has_changed(names, before, now) and bool(now) == bool(before):
                raise
            before = now
        else:
            return


def guarded_attributes(meta: Options) -> list[str]:
    """Return the attributes of the unique constraints, and that of the version."""
    names = meta.unique_attributes()
    return names if meta.version is None else [*names, meta.version.attribute]
