"""The references that count when an item is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...exceptions import QueryError
from .on_delete import DO_NOTHING

if TYPE_CHECKING:
    from .field import ForeignKey


def find_restricting_references(
    model: type[Any], *, below: bool = False
) -> list[ForeignKey[Any, Any]]:
    """Return the references that count when an instance of *model* is deleted.

    :param below: those to narrower classes in its table too, as the item may be of one of them.
    """
    kinds = [*model.__mro__, *_below(model)] if below else model.__mro__
    found = [each for kind in kinds for each in vars(kind).get("_referrers", ())]
    return [each for each in dict.fromkeys(found) if each.on_delete is not DO_NOTHING]


def _below(model: type[Any]) -> Iterator[type[Any]]:
    """Yield the classes below *model* whose items lie in its table."""
    for kind in model.__subclasses__():
        if "_meta" in vars(kind) and kind._meta.table_name == model._meta.table_name:
            yield kind
        yield from _below(kind)


def refuse_bulk_delete(model: type[Any], verb: str) -> None:
    """Refuse *verb*, which deletes without looking at what refers to the items, where that counts."""
    if found := find_restricting_references(model, below=True):
        references = ", ".join(f"{each.label} ({each.on_delete.name})" for each in found)
        raise QueryError(
            f"{verb} of {model.__name__} would delete items without asking what refers to them, and "
            f"{references} wants to be asked: delete instances, by delete() or delete_all(list(queryset))"
        )
