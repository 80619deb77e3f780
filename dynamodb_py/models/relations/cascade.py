"""Deleting what others refer to: ``on_delete``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import Struct

from ...exceptions import ProtectedError
from ...expressions import And, Condition, NotExists, Or
from ...expressions.conditions import join
from ...flows import Flow, flow_of
from ..foreign_keys.field import ForeignKey
from ..foreign_keys.on_delete import NULLIFY, PROTECT
from ..foreign_keys.referrers import find_restricting_references
from ..instance import Instance
from ..persistence.delete import delete_alone
from ..persistence.save import save_instance
from ..queryset.execution import all_rows
from ..unit_of_work.together import together
from .reverse import deletes_items, is_soft_deleted, query_related, require_reference

Reference = ForeignKey[Any, Any]

_SHOWN = 5


def delete_for_good(
    instance: Instance, *, condition: Condition | None = None, atomic: bool | None = None
) -> Flow[None]:
    """Delete *instance* itself, and do with what refers to it as ``on_delete`` says."""
    if find_restricting_references(instance.__class__, below=instance._stored is None):
        yield from _delete_with_referrers(instance, condition, atomic)
    else:
        yield from delete_alone(instance, condition=condition, atomic=atomic)


def _delete_with_referrers(
    instance: Any, condition: Condition | None, atomic: bool | None
) -> Flow[None]:
    """Delete *instance*, and do with what refers to it as ``on_delete`` says, referrers first.

    Each is written on condition that it still refers to what it did. One of a model that is deleted
    softly is marked, and what refers to that stays.

    :raises ProtectedError: something refers to it that protects it; nothing was written.
    """
    gone: dict[Any, _Referrer] = {}
    cleared: dict[Any, _Referrer] = {}
    own = _place(instance)
    level: dict[Any, Any] = {own: instance}
    while level:
        found: dict[Any, Any] = {}
        for each in level.values():
            for reference in find_restricting_references(
                each.__class__, below=each._stored is None
            ):
                taken = {own, *gone}
                rows: list[Any] = yield from _referrers(reference, each, len(taken))
                if reference.on_delete is PROTECT:
                    _check(each, reference, [row for row in rows if _place(row) not in taken])
                    continue
                still = require_reference(reference, each)
                for row in rows:
                    place = _place(row)
                    if reference.on_delete is NULLIFY:
                        cleared.setdefault(place, _Referrer(row, [])).by.append((reference, still))
                    elif place not in taken and not is_soft_deleted(row):
                        gone[place] = _Referrer(row, [(reference, still)])
                        taken.add(place)
                        if deletes_items(row.__class__):
                            found[place] = row
        level = found
    writes = [_clearing(each) for place, each in cleared.items() if place not in {own, *gone}]
    writes += [_removing(each) for each in reversed(gone.values())]  # the latest found first
    writes.append(partial(delete_alone, instance, condition=condition, atomic=atomic))
    yield from together(writes)


class _Referrer(Struct):
    """An item that is to be written, since it refers to one that is to be deleted."""

    row: Any
    by: list[tuple[Reference, Condition]]
    """The references that lead to that, and the conditions that they still do."""


def _clearing(referrer: _Referrer) -> Callable[[], Flow[object]]:
    """Return what lets an item refer to nothing."""
    row, names = referrer.row, list[str]()
    for reference, _ in referrer.by:
        reference.assign(row, None)
        names += [part.name for part in (*reference.parts, *reference.copies.values())]
    still = join(And, *[still for _, still in referrer.by])
    return partial(partial(save_instance, row), update_fields=names, condition=still)


def _removing(referrer: _Referrer) -> Callable[[], Flow[object]]:
    """Return what deletes an item, as its model does; one that is gone by now counts as deleted."""
    row, ((reference, still), *_) = referrer.row, referrer.by
    if not deletes_items(row.__class__):
        return partial(flow_of(row.__class__, "delete"), row, condition=still)
    if reference.lookup_index is not None and reference.lookup_index[0] is None:
        return partial(delete_alone, row)  # its own key refers, which stays
    absent = NotExists(row._meta.hash_key._path())
    return partial(delete_alone, row, condition=join(Or, still, absent))


def _referrers(reference: Reference, instance: Any, excused: int) -> Flow[list[Any]]:
    """Read what refers to *instance*, hidden items too, as they can be brought back.

    :param excused: how many items do not count as protecting it: a few more are enough to know.
    """
    model: Any = reference.model
    whole = reference.on_delete is not PROTECT and (
        reference.on_delete is NULLIFY or model._meta.guarded or not deletes_items(model)
    )
    rows = query_related(reference, instance, whole=whole, hidden=True)
    if reference.on_delete is PROTECT:
        rows = rows.limit(_SHOWN + excused)
    flow: Flow[list[Any]] = all_rows(rows)
    return flow


def _check(instance: Any, reference: Reference, rows: list[Any]) -> None:
    if not rows:
        return
    shown = ", ".join(repr(row) for row in rows[:3])
    raise ProtectedError(
        f"{instance!r} cannot be deleted: {reference.label} of {shown}"
        f"{' and others' if len(rows) > 3 else ''} refers to it, with on_delete=PROTECT",
        objects=rows,
    )


def _place(instance: Any) -> tuple[Any, Any]:
    return instance._meta.table_name, instance.primary_key
