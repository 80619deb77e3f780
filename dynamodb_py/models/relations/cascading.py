"""Deleting what others refer to: ``on_delete``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ...exceptions import ProtectedError
from ...expressions import Condition
from ...flows import Flow
from .foreign import ForeignKey
from .reverse import related_rows
from .stubs import NULLIFY, PROTECT, asks
from .together import together

Reference = ForeignKey[Any, Any]

_SHOWN = 5


def deleting_all(instance: Any, condition: Condition | None, atomic: bool | None) -> Flow[None]:
    """Delete *instance*, and do with what refers to it as ``on_delete`` says, referrers first.

    :raises ProtectedError: something refers to it that protects it; nothing was written.
    """
    gone: dict[Any, Any] = {_place(instance): instance}
    cleared: list[tuple[Any, Reference]] = []
    level = [instance]
    while level:
        found: list[Any] = []
        for each in level:
            for reference in asks(each.__class__):
                rows: list[Any] = yield from _referrers(reference, each)
                if reference.on_delete is PROTECT:
                    _check(each, reference, [row for row in rows if _place(row) not in gone])
                elif reference.on_delete is NULLIFY:
                    cleared += [(row, reference) for row in rows]
                else:
                    found += rows
        level = [row for row in found if _place(row) not in gone]
        gone.update({_place(row): row for row in level})
    writes: list[Callable[[], Flow[object]]] = []
    for row, reference in cleared:
        if _place(row) not in gone:
            reference.assign(row, None)
            names = [part.name for part in (*reference.parts, *reference.copies.values())]
            writes.append(partial(row._save, update_fields=names))
    others = list(gone.values())[:0:-1]  # the latest found first, and the instance last
    writes += [row._delete_alone for row in others]
    writes.append(partial(instance._delete_alone, condition=condition, atomic=atomic))
    yield from together(writes)


def _referrers(reference: Reference, instance: Any) -> Flow[list[Any]]:
    """Read what refers to *instance*: of what protects it, a few are enough to know."""
    model: Any = reference.model
    whole = reference.on_delete is not PROTECT and (
        reference.on_delete is NULLIFY or model._meta.guarded
    )
    rows = related_rows(reference, instance, whole=whole)
    if reference.on_delete is PROTECT:
        rows = rows.limit(_SHOWN)
    flow: Flow[list[Any]] = rows._all_rows()
    return flow


def _check(instance: Any, reference: Reference, rows: list[Any]) -> None:
    if not rows:
        return
    said = ", ".join(repr(row) for row in rows[:3])
    raise ProtectedError(
        f"{instance!r} cannot be deleted: {reference.label} of {said}"
        f"{' and others' if len(rows) > 3 else ''} refers to it, with on_delete=PROTECT",
        objects=rows,
    )


def _place(instance: Any) -> tuple[Any, Any]:
    return instance._meta.table_name, instance.primary_key
