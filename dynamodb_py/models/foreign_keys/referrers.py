"""The references to a model, and those that restrict deleting its items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from ...exceptions import QueryError
from ..inheritance.discriminator import is_redefinition
from .on_delete import DO_NOTHING

if TYPE_CHECKING:
    from .field import ForeignKey


def get_referrers(model: type[Any]) -> tuple[ForeignKey[Any, Any], ...]:
    """Return the references to *model* that have a ``related_name`` or an ``on_delete``."""
    meta: object = vars(model).get("_meta")
    options: dict[str, Any] = {} if meta is None else vars(meta)
    return cast("tuple[ForeignKey[Any, Any], ...]", options.get("referrers", ()))


def add_referrer(model: type[Any], reference: ForeignKey[Any, Any]) -> None:
    """Add *reference* to the referrers of *model*; it replaces that of an earlier definition of its class."""
    others = [each for each in get_referrers(model) if not is_same_reference(each, reference)]
    vars(vars(model)["_meta"])["referrers"] = (*others, reference)  # the options may be deferred


def is_same_reference(one: ForeignKey[Any, Any], other: ForeignKey[Any, Any]) -> bool:
    """Tell whether two references have the same name and class, or are of two definitions of that class."""
    if one.model is None or other.model is None:
        return False
    return is_redefinition(one.model, other.model) and one.name == other.name


def find_restricting_references(
    model: type[Any], *, below: bool = False
) -> list[ForeignKey[Any, Any]]:
    """Return the references with an ``on_delete`` to *model* and its bases.

    :param below: True adds those to its subclasses in the same table, as the item may be of a subclass.
    """
    kinds = [*model.__mro__, *_find_subclasses(model)] if below else model.__mro__
    found = [each for kind in kinds for each in get_referrers(kind)]
    return [each for each in dict.fromkeys(found) if each.on_delete is not DO_NOTHING]


def _find_subclasses(model: type[Any]) -> Iterator[type[Any]]:
    """Yield the subclasses of *model* in its table."""
    for kind in model.__subclasses__():
        if "_meta" in vars(kind) and kind._meta.table_name == model._meta.table_name:
            yield kind
        yield from _find_subclasses(kind)


def refuse_bulk_delete(model: type[Any], verb: str) -> None:
    """Raise QueryError if references restrict deleting items, which *verb* does without reading referrers."""
    if found := find_restricting_references(model, below=True):
        references = ", ".join(f"{each.label} ({each.on_delete.name})" for each in found)
        raise QueryError(
            f"{verb} of {model.__name__} would delete items without reading their referrers, which "
            f"{references} requires: delete instances, by delete() or delete_all(list(queryset))"
        )
