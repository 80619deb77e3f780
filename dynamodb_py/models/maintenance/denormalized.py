"""``refresh_copies(Model)``: updates the copies that references keep by ``denormalize=``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ...batching import run_together
from ...exceptions import ConditionFailed, DoesNotExist, QueryError
from ...expressions import Condition
from ...flows import Flow, arun, run
from ..attribute_values.values import require_unchanged
from ..foreign_keys.field import ForeignKey
from ..managers.manager import all_items
from ..persistence.stored import stored_wires
from ..persistence.update import update_instance
from ..queryset.execution import open_rows
from ..queryset.prefetch.levels import prefetch_tree
from ..queryset.prefetch.paths import tree_of

if TYPE_CHECKING:
    from ..model import Model


class CopiesReport(Struct):
    """The result of :func:`~dynamodb_py.refresh_copies`: the numbers of items read and written."""

    items: int = 0
    """The number of items that were read."""
    changed: int = 0
    """The number of items with outdated copies, which were updated."""
    dangling: int = 0
    """The number of references to missing items; their copies do not change."""
    moved: int = 0
    """The number of items that another writer changed at the same time; they were not updated."""


def _refresh(
    model: type[Model], workers: int, dry_run: bool, on_change: Callable[[str], object] | None
) -> Flow[CopiesReport]:
    references = {name: each for name, each in model._fieldset.references.items() if each.copies}
    if not references:
        raise QueryError(f"{model.__name__} has no copies: none of its references has denormalize=")
    report = CopiesReport()
    rows = all_items(model.objects).scan()
    course = open_rows(rows)
    while (page := (yield from course.more())) is not None:
        dangling = yield from prefetch_tree(page, tree_of(model, references), rows._link)
        report.items += len(page)
        report.dangling += len(dangling)
        writes: list[Flow[Any]] = []
        for row in page:
            wanted = _find_changed(row, references)
            if not wanted:
                continue
            if on_change is not None:
                on_change(f"{model.__name__} {row.primary_key!r}: {', '.join(sorted(wanted))}")
            report.changed += 1
            if not dry_run:
                writes.append(_write_copies(row, wanted, references))
        for outcome in (yield from run_together(writes, workers)):
            if isinstance(outcome, (ConditionFailed, DoesNotExist)):
                report.changed -= 1
                report.moved += 1
            elif isinstance(outcome, Exception):
                raise outcome
    return report


def _find_changed(row: Any, references: dict[str, ForeignKey[Any, Any]]) -> dict[str, Any]:
    """Return the new values of outdated copies of an item, by field."""
    found: dict[str, Any] = {}
    for reference in references.values():
        key = reference.read_key(row)
        target = None if key is None else reference.get_target(row, key)
        if key is not None and target is None:
            continue  # the target is missing: keep the copies
        for name, copy in reference.copies.items():
            value = None if target is None else getattr(target, name)
            if copy.to_wire_or_null(value) != copy.to_wire_or_null(getattr(row, copy.name)):
                found[copy.name] = value
    return found


def _write_copies(
    row: Any, wanted: dict[str, Any], references: dict[str, ForeignKey[Any, Any]]
) -> Flow[Any]:
    """Write the copies, on condition that the item still refers to the same items."""
    still, stored = Condition(), stored_wires(row)
    for reference in references.values():
        if any(copy.name in wanted for copy in reference.copies.values()):
            still &= require_unchanged([part.attribute for part in reference.parts], stored)
    return update_instance(row, condition=still, must_exist=True, **wanted)


def refresh_copies(
    model: type[Model],
    *,
    workers: int = 8,
    dry_run: bool = False,
    on_change: Callable[[str], object] | None = None,
) -> CopiesReport:
    """Update the copies that references keep by ``denormalize=``.

    The function reads the whole table, and the referenced items by BatchGetItem, a hundred a request. It
    updates each item with outdated copies, on condition that the item still refers to the same items.

    >>> from dynamodb_py import CharField, ForeignKey, Model, Table, refresh_copies
    >>> class Author(Model):
    ...     id = CharField(hash_key=True)
    ...     name = CharField()
    >>> class Book(Model):
    ...     title = CharField(hash_key=True)
    ...     author = ForeignKey(Author, denormalize=["name"])
    >>> descriptions = [Table(model).create() for model in (Author, Book)]
    >>> ann = Author.create(id="1", name="Ann")
    >>> book = Book.create(title="Ashes", author=ann)
    >>> done = ann.update(name="Anna")
    >>> refresh_copies(Book)
    CopiesReport(items=1, changed=1, dangling=0, moved=0)
    >>> Book.get("Ashes").author_name
    'Anna'

    :param model: the model with the references.
    :param workers: the largest number of updates at a time; by default, 8.
    :param dry_run: write nothing; the report counts the items that would change.
    :param on_change: called with one line of text for each item that changes.
    :raises QueryError: no reference of the model keeps copies.
    """
    flow = _refresh(model, workers, dry_run, on_change)
    return run(flow, model.objects._link, refresh_copies)


async def arefresh_copies(
    model: type[Model],
    *,
    workers: int = 8,
    dry_run: bool = False,
    on_change: Callable[[str], object] | None = None,
) -> CopiesReport:
    """Like :func:`refresh_copies`, awaited."""
    flow = _refresh(model, workers, dry_run, on_change)
    return await arun(flow, model.objects._link, arefresh_copies)
