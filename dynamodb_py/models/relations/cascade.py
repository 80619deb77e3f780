"""Deletes items together with the ``on_delete`` actions on their referrers."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

from msgspec import Struct

from ...batching import identify_key
from ...codec import from_json
from ...exceptions import ProtectedError
from ...expressions import And, Condition, NotExists, Or, Remove
from ...expressions.conditions import join
from ...flows import Flow, flow_of
from ...operations.base import WireItem
from ...operations.transactions import Check, Delete, Put, Update, Write
from ..attribute_values.values import apply_actions, is_plain
from ..foreign_keys.field import ForeignKey
from ..foreign_keys.on_delete import CASCADE, NULLIFY, PROTECT
from ..foreign_keys.referrers import find_restricting_references
from ..instance import Instance, table_of
from ..persistence.delete import delete_alone
from ..persistence.save import save_instance
from ..persistence.stored import key_of, stored_wires
from ..queryset.execution import read_all
from ..unit_of_work.collector import COLLECTOR
from ..unit_of_work.together import write_together
from .index_choice import find_index
from .reverse import deletes_items, is_soft_deleted, query_related, require_reference

Reference = ForeignKey[Any, Any]

_SHOWN = 5


def delete_for_good(
    instance: Instance, *, condition: Condition | None = None, atomic: bool | None = None
) -> Flow[None]:
    """Delete *instance* itself, after the ``on_delete`` actions on its referrers."""
    if find_restricting_references(instance.__class__, below=instance._stored is None):
        yield from _delete_with_referrers(instance, condition, atomic)
    else:
        yield from delete_alone(instance, condition=condition, atomic=atomic)


def _delete_with_referrers(
    instance: Any, condition: Condition | None, atomic: bool | None
) -> Flow[None]:
    """Execute the ``on_delete`` actions on the referrers of *instance*, then delete it.

    Each referrer is written on condition that it still refers to the same item. If a referrer's model is
    deleted softly, the referrer is marked, and its own referrers stay.

    :raises ProtectedError: a referrer protects the instance; nothing was written.
    """
    removed: dict[Any, _Referrer] = {}
    cleared: dict[Any, _Referrer] = {}
    protecting: list[tuple[Reference, Any]] = []
    own = _identify(instance)
    level: dict[Any, Any] = {own: instance}
    while level:
        found: dict[Any, Any] = {}
        for each in level.values():
            kind: type[Any] = each.__class__
            for reference in find_restricting_references(kind, below=each._stored is None):
                taken = {own, *removed}
                if reference.on_delete is PROTECT:
                    protecting.append((reference, each))
                    continue
                rows = yield from _read_referrers(reference, each)
                still = require_reference(reference, each)
                for row in rows:
                    identity = _identify(row)
                    if reference.on_delete is NULLIFY:
                        referrer = cleared.setdefault(identity, _Referrer(row, []))
                        referrer.by.append((reference, still))
                    elif identity not in taken and not is_soft_deleted(row):
                        removed[identity] = _Referrer(row, [(reference, still)])
                        taken.add(identity)
                        if deletes_items(row.__class__):
                            found[identity] = row
        level = found
    gone = {own, *removed}
    for reference, each in protecting:  # last, as other references may delete the protecting items
        rows = yield from _read_referrers(reference, each, len(gone))
        _check_protected(each, reference, [row for row in rows if _identify(row) not in gone])
    kept = [each for identity, each in cleared.items() if identity not in gone]
    # Referrers are deleted in reverse order of reading.
    writes = [*map(_make_clearing, kept), *map(_make_removal, reversed(removed.values()))]
    writes.append(partial(delete_alone, instance, condition=condition, atomic=atomic))
    yield from write_together(writes)


class _Referrer(Struct):
    """An item to write, because it refers to an item that is being deleted."""

    row: Any
    by: list[tuple[Reference, Condition]]
    """The references to the deleted item, each with the condition that it still refers to it."""


def _make_clearing(referrer: _Referrer) -> Callable[[], Flow[object]]:
    """Return the write that clears the references of an item."""
    row, names = referrer.row, list[str]()
    for reference, _ in referrer.by:
        reference.assign(row, None)
        names += [part.name for part in (*reference.parts, *reference.copies.values())]
    still = join(And, *[still for _, still in referrer.by])
    return partial(save_instance, row, update_fields=names, condition=still)


def _make_removal(referrer: _Referrer) -> Callable[[], Flow[object]]:
    """Return the delete of an item by its model's delete(); an item that is gone counts as deleted."""
    row, ((reference, still), *_) = referrer.row, referrer.by
    if not deletes_items(row.__class__):
        return partial(flow_of(row.__class__, "delete"), row, condition=still)
    if find_index(reference).name is None:
        return partial(delete_alone, row)  # the reference is in the key, which cannot change
    absent = NotExists(row._meta.hash_key._path())
    return partial(delete_alone, row, condition=join(Or, still, absent))


def _read_referrers(reference: Reference, instance: Any, excused: int = 0) -> Flow[list[Any]]:
    """Read the referrers of *instance*; hidden ones too, because they can be restored.

    :param excused: the number of items that do not protect the instance; only a few more are read.
    """
    model: Any = reference.model
    whole = reference.on_delete is not PROTECT and (
        reference.on_delete is NULLIFY or model._meta.guarded or not deletes_items(model)
    )
    rows = query_related(reference, instance, whole=whole, hidden=True)
    if reference.on_delete is PROTECT and COLLECTOR.get() is None:
        rows = rows.limit(_SHOWN + excused)
    found = yield from read_all(rows)
    return [row for row in map(partial(_find_left, reference), found) if row is not None]


def _find_left(reference: Reference, row: Any) -> Any:
    """Return the referrer *row* as the current transaction leaves it; None if it will not refer any more.

    If the row is locked, return the transaction's instance: only that knows the version that it writes.
    """
    collector = COLLECTOR.get()
    found = None if collector is None else collector.find_write(table_of(row), key_of(row))
    if found is None:
        return row
    write, instance = found
    if isinstance(write, Delete) or (reference.on_delete is CASCADE and _marks_deleted(row, write)):
        return None
    before: WireItem = stored_wires(row)
    after = before
    names = [part.attribute for part in reference.parts]
    if isinstance(write, Put):
        after = from_json(write.item)
    elif isinstance(write, Update):
        plain = [each for each in write.actions if each.path.parts[0] in names and is_plain(each)]
        after = apply_actions(before, plain)
    if any(after.get(name) != before.get(name) for name in names):
        return None
    locked = row._meta.version is not None or row._meta.atomic
    return instance if locked and isinstance(instance, type(row)) else row


def is_written(row: Any) -> bool | None:
    """Return True if the current transaction writes *row*, False if it deletes it, else None."""
    collector = COLLECTOR.get()
    found = None if collector is None else collector.find_write(table_of(row), key_of(row))
    if found is None or isinstance(found[0], Check):
        return None
    return not isinstance(found[0], Delete) and not _marks_deleted(row, found[0])


def _marks_deleted(row: Any, write: Write) -> bool:
    if deletes_items(row.__class__) or not isinstance(write, Update):
        return False
    attribute = row._fieldset.by_name["deleted_at"].attribute
    return any(
        each.path.parts == (attribute,) and not isinstance(each, Remove) for each in write.actions
    )


def _check_protected(instance: Any, reference: Reference, rows: list[Any]) -> None:
    if not rows:
        return
    shown = ", ".join(repr(row) for row in rows[:3])
    raise ProtectedError(
        f"{instance!r} cannot be deleted: {reference.label} of {shown}"
        f"{' and others' if len(rows) > 3 else ''} refers to it, with on_delete=PROTECT",
        objects=rows,
    )


def _identify(instance: Any) -> tuple[str, Hashable]:
    return instance._meta.table_name, identify_key(key_of(instance))
