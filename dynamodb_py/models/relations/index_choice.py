"""The index that finds the items with a reference to an instance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ...exceptions import ModelDefinitionError
from ..keys.template import KeyTemplate

if TYPE_CHECKING:
    from ...schema import KeyAttribute
    from ..foreign_keys.field import ForeignKey
    from ..options.options import Options


class LookupIndex(NamedTuple):
    """The index that finds the items with a reference."""

    name: str | None
    """Its name; None for the table itself."""
    is_whole: bool
    """Whether it has whole items."""
    beside: ForeignKey[Any, Any] | None
    """Another reference: the index has all items that have this reference, and may lack others."""


def find_index(
    reference: ForeignKey[Any, Any], beside: ForeignKey[Any, Any] | None = None
) -> LookupIndex:
    """Return the index that finds the referring items.

    :param beside: another reference; items without it may be missing.
    """
    key = "" if beside is None else beside.name
    found: LookupIndex | None = reference.lookup_indexes.get(key)
    if found is None:
        found = reference.lookup_indexes[key] = _find_index(reference, beside)
    return found


def _find_index(
    reference: ForeignKey[Any, Any], beside: ForeignKey[Any, Any] | None
) -> LookupIndex:
    model: Any = reference.model
    meta, reason = model._meta, "this needs an index"
    try:
        name, beside = choose_index(meta, reference, reason), None
    except ModelDefinitionError:
        name = choose_index(meta, reference, reason, beside)
    indexes = [index for index in meta.schema.indexes if index.name == name]
    whole = all(index.projection.kind == "ALL" for index in indexes)
    return LookupIndex(name, whole, beside)


def choose_index(
    meta: Options,
    reference: ForeignKey[Any, Any],
    reason: str,
    beside: ForeignKey[Any, Any] | None = None,
) -> str | None:
    """Return the name of the index that finds the referring items; None for the table itself.

    :param reason: the beginning of messages, such as "related_name='books' needs an index".
    :param beside: another reference; items without it may be missing.
    :raises ModelDefinitionError: there is no such index, or none that has all these items.
    """
    wanted = [part.name for part in reference.parts]
    parts = reference.parts if beside is None else (*reference.parts, *beside.parts)
    present = [part.attribute for part in parts]
    schema, subject = meta.schema, meta.planner.subject
    chosen = reference.index
    fit: list[tuple[bool, str]] = []
    sparse: dict[str, str] = {}
    for index in schema.indexes:
        keys = _name_fields(meta, index.hash_key or (schema.hash_key,))
        ranges = _name_fields(meta, index.range_key)
        if _begins_with(keys, ranges, wanted):
            missing = subject.find_optional(index.name, [key.name for key in index.keys], present)
            if missing:
                fields = [meta.field_set.by_attribute[each] for each in missing]
                sparse[index.name] = ", ".join(
                    sorted({each.part_of or each.name for each in fields})
                )
            else:
                fit.append((index.projection.kind != "ALL", index.name))
        elif index.name == chosen:
            raise reference.misdeclared(
                f"index={chosen!r}: its key is {', '.join([*keys, *ranges])}, which does not begin with "
                f"the reference: declare the index as {_describe_index(reference)}"
            )
    if chosen in sparse:
        raise _make_sparse_error(reference, reason, {chosen: sparse[chosen]})
    if chosen is not None:
        if chosen not in [name for _, name in fit]:
            names = ", ".join(index.name for index in schema.indexes) or "none"
            raise reference.misdeclared(
                f"index={chosen!r}: {meta.name} has no such index: its indexes are {names}"
            )
        return chosen
    ranges = [] if schema.range_key is None else _name_fields(meta, (schema.range_key,))
    if _begins_with(_name_fields(meta, (schema.hash_key,)), ranges, wanted):
        return None
    if sparse and not fit:
        raise _make_sparse_error(reference, reason, sparse)
    if not fit:
        raise reference.misdeclared(
            f"{reason} that finds the items that refer to {reference.target.__name__}, and no index of "
            f"{meta.name} begins with {reference.name}: add by_{reference.name} = {_describe_index(reference)}"
        )
    return min(fit)[1]


def _make_sparse_error(
    reference: ForeignKey[Any, Any], reason: str, sparse: Mapping[str, str]
) -> ModelDefinitionError:
    """Return the error for indexes that begin with the reference, but lack some items that have it."""
    gaps = "; ".join(
        f"items that have no {sparse[name]} are not in index {name}" for name in sparse
    )
    cures = "; ".join(
        f"declare {sparse[name]} with required=True, or index {name} with complete=True if every item "
        f"has {sparse[name]}"
        for name in sparse
    )
    return reference.misdeclared(
        f"{reason} that finds the items that refer to {reference.target.__name__}, and {gaps}: {cures}"
    )


def _name_fields(meta: Options, keys: Iterable[KeyAttribute]) -> list[str]:
    """Return the names of the fields that store *keys*; for a template, the names of its parts."""
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
    """Tell whether one Query by these keys finds exactly the items with given values of *wanted*."""
    left = [name for name in wanted if name not in hashes]
    return set(hashes) <= set(wanted) and ranges[: len(left)] == left


def _describe_index(reference: ForeignKey[Any, Any]) -> str:
    if len(reference.parts) == 1:
        return f'GlobalIndex(hash_key="{reference.name}")'
    first, *others = (part.name for part in reference.parts)
    rest = f'"{others[0]}"' if len(others) == 1 else str(others)
    return f'GlobalIndex(hash_key="{first}", range_key={rest})'
