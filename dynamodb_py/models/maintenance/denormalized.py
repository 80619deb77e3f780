"""Copies of fields of what items refer to, ``denormalize=``: brought up to date by reading all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ...batching import run_together
from ...exceptions import ConditionFailed, DoesNotExist, QueryError
from ...expressions import Attr, Condition
from ...flows import Flow, arun, run
from ..foreign_keys.field import ForeignKey
from ..persistence.update import update_instance
from ..queryset.prefetch import prefetching

if TYPE_CHECKING:
    from ..model import Model


class CopiesReport(Struct):
    """What was found and written."""

    items: int = 0
    """How many items were read."""
    changed: int = 0
    """How many of them had a copy that was not up to date, and have another one now."""
    dangling: int = 0
    """How many references were to items that are not there; their copies stay as they are."""
    moved: int = 0
    """How many items changed while they were looked at, and were left alone."""


def _flow(
    model: type[Model], workers: int, dry_run: bool, told: Callable[[str], object] | None
) -> Flow[CopiesReport]:
    references = {name: each for name, each in model._fieldset.references.items() if each.copies}
    if not references:
        raise QueryError(f"{model.__name__} keeps no copies: no reference has denormalize=")
    report = CopiesReport()
    rows = model.objects._everything().scan()
    course = rows._bare_rows()
    while (page := (yield from course.more())) is not None:
        dangling = yield from prefetching(page, {name: {} for name in references}, rows._link)
        report.items += len(page)
        report.dangling += len(dangling)
        writes: list[Flow[Any]] = []
        for row in page:
            wanted = _wanted(row, references)
            if not wanted:
                continue
            if told is not None:
                told(f"{model.__name__} {row.primary_key!r}: {', '.join(sorted(wanted))}")
            report.changed += 1
            if not dry_run:
                writes.append(_written(row, wanted, references))
        for outcome in (yield from run_together(writes, workers)):
            if isinstance(outcome, (ConditionFailed, DoesNotExist)):
                report.changed -= 1
                report.moved += 1
            elif isinstance(outcome, Exception):
                raise outcome
    return report


def _wanted(row: Any, references: dict[str, ForeignKey[Any, Any]]) -> dict[str, Any]:
    """Return the copies of an item that are to be others, by field."""
    found: dict[str, Any] = {}
    for reference in references.values():
        key = reference.read_key(row)
        target = None if key is None else reference.get_target(row, key)
        if key is not None and target is None:
            continue  # it is not there: what was known of it is all that there is
        for name, copy in reference.copies.items():
            value = None if target is None else getattr(target, name)
            if copy.to_wire_or_null(value) != copy.to_wire_or_null(getattr(row, copy.name)):
                found[copy.name] = value
    return found


def _written(
    row: Any, wanted: dict[str, Any], references: dict[str, ForeignKey[Any, Any]]
) -> Flow[Any]:
    """Write the copies, if the item still refers to what they are of."""
    still = Condition()
    for reference in references.values():
        if any(copy.name in wanted for copy in reference.copies.values()):
            for part in reference.parts:
                still &= Attr(part._path()).eq(getattr(row, part.name))
    return update_instance(row, condition=still, must_exist=True, **wanted)


def refresh_copies(
    model: type[Model],
    *,
    workers: int = 8,
    dry_run: bool = False,
    told: Callable[[str], object] | None = None,
) -> CopiesReport:
    """Bring the copies that references keep by ``denormalize=`` up to date.

    The whole table is read, and what its items refer to, a hundred to a request; each item whose copies
    are not up to date takes an update, on condition that it still refers to the same.

    :param workers: how many updates may be under way at once.
    :param dry_run: write nothing, and tell what would be.
    :param told: called with a line for each item that is to change.
    :raises QueryError: no reference of the model keeps copies.
    """
    return run(_flow(model, workers, dry_run, told), model.objects._link)


async def arefresh_copies(
    model: type[Model],
    *,
    workers: int = 8,
    dry_run: bool = False,
    told: Callable[[str], object] | None = None,
) -> CopiesReport:
    """Bring the copies that references keep up to date, as :func:`refresh_copies` does, awaited."""
    return await arun(_flow(model, workers, dry_run, told), model.objects._link)
