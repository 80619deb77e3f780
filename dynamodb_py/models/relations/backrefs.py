"""Adds the reverse relations of references to their targets, once both classes are defined."""

from __future__ import annotations

from typing import Any

from ...exceptions import ModelDefinitionError
from ..foreign_keys.expansion import References
from ..foreign_keys.field import ForeignKey
from ..foreign_keys.referrers import add_referrer, is_same_reference
from ..registry import UNCONNECTED
from .index_choice import choose_index
from .many_to_many import ManyToManyField
from .reverse import Related, RelatedOne


def connect_references(model: type[Any]) -> None:
    """Add the reverse relations of *model*'s references to their targets.

    :raises ModelDefinitionError: no index finds the referring items, or the name is taken.
    """
    for reference in _find_own(model).values():
        if not reference.leads_back:
            continue
        reason = f"on_delete={reference.on_delete.name} needs an index"
        if reference.related_name is not None:
            reason = f"related_name={reference.related_name!r} needs an index"
        choose_index(model._meta, reference, reason)
        target = reference.target
        if reference.related_name is not None:
            _add_reverse(model, reference, target)
        add_referrer(target, reference)


def connect_many_to_many(model: type[Any]) -> None:
    """Connect the many-to-many fields of *model*, and the fields that waited for *model*.

    :raises ModelDefinitionError: the model between lacks a reference or an index that a field needs.
    """
    members: list[Any] = list(vars(model).values())
    todo = [*UNCONNECTED, *(each for each in members if each.__class__ is ManyToManyField)]
    UNCONNECTED.clear()
    while todo:
        field = todo.pop(0)
        try:
            if not field.connect():
                UNCONNECTED.append(field)
        except ModelDefinitionError:
            UNCONNECTED.extend((field, *todo))
            raise


def disconnect_many_to_many(model: type[Any]) -> None:
    """Forget the fields of *model*, whose definition failed; fields of other models keep waiting."""
    UNCONNECTED[:] = [each for each in UNCONNECTED if each.model is not model]


def _find_own(model: type[Any]) -> References:
    """Return the references that no base class with a table has."""
    inherited = {
        name
        for base in model.__mro__[1:]
        if "_meta" in vars(base)
        for name in vars(base)["_fieldset"].references
    }
    references = model._fieldset.references
    return {name: each for name, each in references.items() if name not in inherited}


def _add_reverse(model: type[Any], reference: ForeignKey[Any, Any], target: type[Any]) -> None:
    name = str(reference.related_name).replace("%(class)s", model.__name__.lower())
    there = vars(target).get(name) or getattr(target, name, None)
    if isinstance(there, (Related, RelatedOne)):
        if is_same_reference(there.reference, reference):
            there = None
        else:
            there = f"the related_name of {there.reference.label}"
    if there is not None or name in target._fieldset.by_name or name in target._fieldset.references:
        raise reference.misdeclared(
            f"related_name={name!r}: {target.__name__} has that already"
            + (f", {there}" if isinstance(there, str) else "")
            + ": choose another name"
        )
    descriptor = RelatedOne(reference, name) if reference.one_to_one else Related(reference, name)
    setattr(target, name, descriptor)
