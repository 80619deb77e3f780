"""The arguments of ``SharedTable.collection()``: the key, the models, and how the items are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...exceptions import QueryError
from ...expressions import BeginsWith, Compare, Condition, In, Path, Value
from ...schema import KeyAttribute
from ..fields.base import Field
from ..queryset.reads import leaves_out
from .collisions import can_share_prefix, get_prefix, get_template
from .item_collections import Collection, find_members, query_default
from .layout import SharedTableLayout

if TYPE_CHECKING:
    from ..model import Model
    from ..options.options import Options


def make_collection(
    table: type[Any],
    given: Mapping[str, Any],
    *,
    index: str | None,
    model: type[Any] | None,
    only: Iterable[type[Any]] | None,
    consistent: bool | None,
    reverse: bool,
    limit: int | None,
    using: str | None,
) -> Collection:
    """Return the collection for the arguments of ``SharedTable.collection``."""
    layout: SharedTableLayout = table._layout
    names = layout.meta.field_set.by_name
    lookups = {name: value for name, value in given.items() if name.split("__")[0] in names}
    parts = {name: value for name, value in given.items() if name not in lookups}
    queryset: Any = table.objects.get_queryset()
    if using is not None:
        queryset = queryset.using(using)
    if index is not None:
        queryset = queryset.index(index)
    hash_key, range_key = _find_keys(layout, index)
    if hash_key.name not in lookups:
        lookups[hash_key.name] = _compose_hash_key(layout, hash_key, parts, model)
    elif parts:
        raise TypeError(
            f"{layout.name}.collection: {hash_key.name} is the whole hash key: drop {', '.join(parts)}"
        )
    queryset = queryset.filter(**lookups)
    wanted = None if only is None else _find_models(layout, only)
    if wanted is not None:
        ranged = any(name.split("__")[0] == getattr(range_key, "name", "") for name in lookups)
        queryset = queryset.filter(_filter_models(layout, wanted, None if ranged else range_key))
    _check_index(layout, index, wanted)
    if consistent is not None:
        queryset = queryset.consistent(consistent)
    if reverse:
        queryset = queryset.reverse()
    if wanted is None and limit is not None:
        members = find_members(layout, index, wanted)
        if not any(leaves_out(query_default(meta, using)) for meta in members):
            queryset = queryset.limit(limit)  # no item that is read is hidden
    value = (hash_key.attribute, lookups[hash_key.name])
    return Collection(layout, queryset, value, wanted, limit)


def _check_index(
    layout: SharedTableLayout, index: str | None, wanted: frozenset[type[Model]] | None
) -> None:
    """Refuse an index that lacks the attributes that tell whether an item of a model is hidden."""
    schema = layout.meta.schema
    found = next((each for each in schema.indexes if each.name == index), None)
    if found is None or found.projection.kind == "ALL":
        return
    held = {*found.projection.names, *(key.name for key in (*schema.key, *found.keys))}
    for meta in find_members(layout, index, wanted):
        model: Any = meta.model
        scope = query_default(meta, None)._scope
        needed = [] if meta.expiry is None else [str(meta.expiry.path.parts[0])]
        needed += [] if scope is None else [scope.attribute(model)]
        for name in needed:
            if name not in held:
                raise QueryError(
                    f"{layout.name}.collection(index={index!r}): the index does not hold {name}, which "
                    f"hides items of {meta.name}: add it to the projection, or name other models by "
                    "only="
                )


def _find_keys(
    layout: SharedTableLayout, index: str | None
) -> tuple[Field[Any, Any], Field[Any, Any] | None]:
    """Return the hash key and the range key of the table or the index."""
    schema, by_attribute = layout.meta.schema, layout.meta.field_set.by_attribute
    hashes: Sequence[KeyAttribute] = (schema.hash_key,)
    ranges: Sequence[KeyAttribute] = () if schema.range_key is None else (schema.range_key,)
    for each in schema.indexes:
        if each.name == index:
            hashes, ranges = each.hash_key or hashes, each.range_key
    return by_attribute[hashes[0].name], by_attribute[ranges[0].name] if ranges else None


def _compose_hash_key(
    layout: SharedTableLayout,
    key: Field[Any, Any],
    parts: Mapping[str, Any],
    model: type[Any] | None,
) -> str:
    """Return the hash key composed of *parts*."""
    members = [m for m in layout.members if model is None or issubclass(m.model, model)]
    if not members and model is not None:
        raise QueryError(f"{model.__name__} is not in {layout.name}")
    known_parts: dict[tuple[str, ...], list[str]] = {}
    texts: dict[str, list[str]] = {}
    for meta in members:
        template = get_template(meta.field_set.by_attribute.get(key.attribute))
        if template is None:
            continue
        known_parts.setdefault(template.names, []).append(meta.name)
        if {*template.names} == {*parts}:
            texts.setdefault(template.compose(parts), []).append(meta.name)
    if not texts:
        known = "; ".join(
            f"{', '.join(n) or 'nothing'} ({', '.join(m)})" for n, m in known_parts.items()
        )
        raise TypeError(
            f"{layout.name}.collection: no {key.name} is made of {', '.join(parts) or 'nothing'}: "
            f"give {known or 'nothing'}; or give the whole key, {key.name}=..."
        )
    if len(texts) > 1:
        known = ", ".join(f"{text!r} of {' and '.join(names)}" for text, names in texts.items())
        raise QueryError(
            f"{layout.name}.collection: {', '.join(parts)} make several keys, {known}: choose one by "
            f"model=, or give the whole key, {key.name}=..."
        )
    return next(iter(texts))


def _find_models(layout: SharedTableLayout, only: Iterable[type[Any]]) -> frozenset[type[Model]]:
    """Return the models of the table that *only* names, with their subclasses."""
    models = (only,) if isinstance(only, type) else tuple(only)
    found: list[type[Model]] = []
    for model in models:
        inside = [each for each in layout.models if issubclass(each, model)]
        if not inside:
            names = ", ".join(each.__name__ for each in layout.models)
            raise QueryError(f"only=: {model.__name__} is not in {layout.name}, which has {names}")
        found += inside
    if not found:
        raise QueryError(
            f"{layout.name}.collection: only= names no model: leave it out to read all"
        )
    return frozenset(found)


def _filter_models(
    layout: SharedTableLayout, wanted: frozenset[type[Model]], range_key: Field[Any, Any] | None
) -> Condition:
    """Return the condition that selects the items of some models, by the range key and the discriminator."""
    condition = Condition()
    common = ""
    if range_key is not None:
        prefixes = [_get_prefix(meta, range_key) for meta in layout.members if meta.model in wanted]
        common = _common_prefix(prefixes)
    if range_key is not None and common:
        path = Path((range_key.attribute,), range_key, range_key.label)
        condition = BeginsWith(path, Value({"S": common}))
        rest = [meta for meta in layout.members if meta.model not in wanted]
        if not any(can_share_prefix(common, _get_prefix(meta, range_key)) for meta in rest):
            return condition
    if layout.discriminator is None:
        return condition
    kinds = [layout.get_kind(meta) for meta in layout.members if meta.model in wanted]
    path = Path((layout.discriminator,), label=layout.discriminator)
    values = tuple(Value({"S": kind}) for kind in dict.fromkeys(kinds) if kind is not None)
    found = Compare(path, "=", values[0]) if len(values) == 1 else In(path, values)
    return condition & found


def _common_prefix(texts: Sequence[str]) -> str:
    """Return the longest common prefix of *texts*."""
    first, last = min(texts), max(texts)
    same = next(
        (at for at, pair in enumerate(zip(first, last, strict=False)) if len({*pair}) > 1), None
    )
    return min(first, last, key=len) if same is None else first[:same]


def _get_prefix(meta: Options, key: Field[Any, Any]) -> str:
    return get_prefix(meta.field_set.by_attribute.get(key.attribute))
