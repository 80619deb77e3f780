"""The index that finds the items with a reference to an instance."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..keys.template import KeyTemplate

if TYPE_CHECKING:
    from ...schema import KeyAttribute
    from ..foreign_keys.field import ForeignKey
    from ..options import Options


def find_index(reference: ForeignKey[Any, Any]) -> tuple[str | None, bool]:
    """Return the index that finds the referring items, and whether it has whole items."""
    model: Any = reference.model
    name = choose_index(model._meta, reference, "this asks")
    whole = all(
        index.projection.kind == "ALL" for index in model._meta.schema.indexes if index.name == name
    )
    return name, whole


def choose_index(meta: Options, reference: ForeignKey[Any, Any], reason: str) -> str | None:
    """Return the name of the index that finds the referring items; None for the table itself.

    :param reason: what needs the items, for messages.
    :raises ModelDefinitionError: there is none.
    """
    wanted = [part.name for part in reference.parts]
    schema = meta.schema
    chosen = reference.index
    fit: list[tuple[bool, str]] = []
    for index in schema.indexes:
        keys = _name_fields(meta, index.hash_key or (schema.hash_key,))
        ranges = _name_fields(meta, index.range_key)
        if _begins_with(keys, ranges, wanted):
            fit.append((index.projection.kind != "ALL", index.name))
        elif index.name == chosen:
            raise reference.misdeclared(
                f"index={chosen!r}: its key is {', '.join([*keys, *ranges])}, which does not begin with "
                f"the reference: it would have to be {_describe_index(reference)}"
            )
    if chosen is not None:
        if chosen not in [name for _, name in fit]:
            names = ", ".join(index.name for index in schema.indexes) or "none"
            raise reference.misdeclared(
                f"index={chosen!r}: {meta.name} has no such index: it has {names}"
            )
        return chosen
    ranges = [] if schema.range_key is None else _name_fields(meta, (schema.range_key,))
    if _begins_with(_name_fields(meta, (schema.hash_key,)), ranges, wanted):
        return None
    if not fit:
        raise reference.misdeclared(
            f"{reason}, that is, which items refer to {reference.target.__name__}, and no index of "
            f"{meta.name} begins with {reference.name}: add by_{reference.name} = {_describe_index(reference)}"
        )
    return min(fit)[1]


def _name_fields(meta: Options, keys: Iterable[KeyAttribute]) -> list[str]:
    """Return the names of the fields of the attributes *keys*; for templates, of their parts."""
    found: list[str] = []
    for key in keys:
        field: Any = meta.field_set.by_attribute.get(key.name)
        template = getattr(field, "template", None)
        if field is None:
            found.append(key.name)
        elif template is None:
            found.append(field.name)
        else:
            found += KeyTemplate(template, field.label).names
    return found


def _begins_with(hashes: list[str], ranges: list[str], wanted: list[str]) -> bool:
    """Tell whether one Query finds exactly the items with values of *wanted*."""
    left = [name for name in wanted if name not in hashes]
    return set(hashes) <= set(wanted) and ranges[: len(left)] == left


def _describe_index(reference: ForeignKey[Any, Any]) -> str:
    if len(reference.parts) == 1:
        return f'GlobalIndex(hash_key="{reference.name}")'
    first, *others = (part.name for part in reference.parts)
    rest = f'"{others[0]}"' if len(others) == 1 else str(others)
    return f'GlobalIndex(hash_key="{first}", range_key={rest})'
