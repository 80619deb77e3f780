"""Defines classes that share a table: their kinds, and the options that must be equal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from msgspec.structs import replace

from ...codec import Unstorable
from ...exceptions import ModelDefinitionError, UnreadableValue
from ...limits import MAX_HASH_KEY_BYTES, MAX_RANGE_KEY_BYTES
from ...schema import TableSchema
from ..fields.base import AnyField
from ..fields.text import CharField
from .discriminator import (
    Hierarchy,
    InheritedOptions,
    PolymorphicIdentity,
    SharedSchema,
    check_kind,
    make_loaders,
    raises_for_unknown,
)

_BILLING = ("billing_mode", "read_capacity", "write_capacity")
_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")


def find_shared_options(model: type[Any]) -> InheritedOptions | None:
    """Return the options of the base class whose table *model* shares by a discriminator, or None."""
    metas = [vars(base).get("_meta") for base in model.__mro__[1:]]
    found: list[InheritedOptions] = [
        meta for meta in metas if meta is not None and meta.kind is not None
    ]
    hierarchies = {id(meta.kind.hierarchy): meta for meta in found if meta.kind is not None}
    if len(hierarchies) > 1:
        names = " and ".join(
            meta.kind.hierarchy.root.__name__ for meta in hierarchies.values() if meta.kind
        )
        raise ModelDefinitionError(
            f"{model.__name__} inherits from classes of several tables, {names}: inherit from one of them"
        )
    return found[0] if found else None


def inherit_table_options(model: type[Any], declared: dict[str, Any]) -> dict[str, Any]:
    """Return the options of *model* with the table of its base class, if they share one."""
    base = find_shared_options(model)
    name = model.__name__
    if base is None or base.kind is None:
        if declared["discriminator"] is None and declared["kind"] is not None:
            raise ModelDefinitionError(
                f"{name}.Meta.kind needs Meta.discriminator, which names the attribute "
                "that stores the kind"
            )
        return declared
    root: Any = base.kind.hierarchy.root
    alike = {"table_name": base.table_name, "unique_table": base.declared["unique_table"]}
    for option, value in alike.items():
        if declared[option] not in (None, value):
            raise ModelDefinitionError(
                f"{name}.Meta.{option} is {declared[option]!r}, and {name} is a kind of {root.__name__}, "
                f"whose table is {base.table_name!r}: drop the option"
            )
    for option in ("discriminator", "unknown_kind", "using"):
        if declared[option] != root._meta.declared[option]:
            raise ModelDefinitionError(
                f"{name}.Meta.{option} is {declared[option]!r}, and that of {root.__name__}, whose table "
                f"it shares, is {root._meta.declared[option]!r}: set it there alone"
            )
    return {**declared, **alike}


def add_discriminator(
    model: type[Any], base: type[Any], declared: Mapping[str, Any], fields: dict[str, AnyField]
) -> tuple[dict[str, AnyField], PolymorphicIdentity | None]:
    """Return the fields, with the discriminator's field, and the identity of the class, or None."""
    name = declared["discriminator"]
    if name is None or hasattr(model, "_layout"):
        return fields, None
    if not isinstance(name, str) or not name:
        raise ModelDefinitionError(
            f"{model.__name__}.Meta.discriminator is {name!r}: it takes the name of a field, or of an "
            "attribute"
        )
    raises = raises_for_unknown(model, declared["unknown_kind"])
    shared, before = find_shared_options(model), vars(model).get("_meta")
    hierarchy: Hierarchy | None = None
    for meta in (shared, before):  # *before* is set if a field is added to a complete class
        if meta is not None and meta.kind is not None:
            hierarchy = meta.kind.hierarchy
    attribute = fields[name].attribute if name in fields else name
    if hierarchy is not None:
        attribute = hierarchy.attribute
    field = next((each for each in fields.values() if each.attribute == attribute), None)
    if field is None:
        field = _add_field(model, base, fields, attribute)
        fields = {**fields, field.name: field}
    value = _set_value(model, field, declared["kind"])
    if hierarchy is None:
        hierarchy = Hierarchy(model, attribute, raises=raises)
    return fields, PolymorphicIdentity(hierarchy, model, value, field)


def _add_field(
    model: type[Any], base: type[Any], fields: Mapping[str, AnyField], attribute: str
) -> AnyField:
    """Add a field for the undeclared attribute to the model, named like the attribute or ``kind``."""
    for name in (attribute, "kind"):
        free = name not in fields and not hasattr(base, name)
        if free and _NAME.fullmatch(name) and not hasattr(model, name):
            field = CharField(name=attribute).bound_to(model.__name__, name)
            setattr(model, name, field)
            return field
    raise ModelDefinitionError(
        f"{model.__name__}.Meta.discriminator is {attribute!r}, which cannot be the name of a field "
        f"here: declare one, such as item_kind = CharField(name={attribute!r})"
    )


def _set_value(model: type[Any], field: AnyField, declared: object) -> str:
    """Return the kind of a class, after setting it as the default of the field."""
    value = check_kind(model, model.__name__ if declared is None else declared)
    if field.kind != "S" or field.unique:
        raise field.misdeclared(
            "it stores the kinds of items, which are texts: declare a CharField"
        )
    wire, default = {"S": value}, cast("Any", None)
    try:
        default = field.decode(wire)
        if field.to_wire(default) != wire:
            raise Unstorable("the field would store another text")
        problems = field.find_problems(default)
    except (UnreadableValue, Unstorable) as error:
        problems = [str(error)]
    if field.is_key and (problem := field.find_key_problem(wire)):
        problems.append(problem)
    if problems:
        raise field.misdeclared(
            f"it cannot store {value!r}, the kind of {model.__name__}: {problems[0]}"
        )
    field.default = default
    return value


def register_class(meta: InheritedOptions, plain: type[Any]) -> None:
    """Add a complete class to its hierarchy; raise ModelDefinitionError if it does not fit the others.

    :param plain: the class whose methods load items.
    """
    kind = meta.kind
    if kind is None:
        return
    hierarchy = kind.hierarchy
    before, twin = hierarchy.find(meta.model), hierarchy.metas.get(kind.value)
    if twin is not None and twin is not before:
        raise ModelDefinitionError(
            f"{meta.name} and {twin.name} both have the kind {kind.value!r} of "
            f"{hierarchy.root.__name__}: give one of them another Meta.kind"
        )
    if kind.is_subclass:
        _check_alike(meta, hierarchy.root._meta)
        for base in meta.model.__mro__[1:]:
            inherited = hierarchy.find(base)
            if inherited is not None and inherited is not before and inherited.model is base:
                _check_indexed(meta, inherited)
    known = hierarchy.table if before is None else None
    table = None if known is None else _add_schema(known, meta)
    metas = [meta]
    if table is not None and table is known:  # the table is unchanged: check only this class
        _check_types(metas, table.schema)
    else:
        metas = [*(m for m in list(hierarchy.metas.values()) if m is not before), meta]
        table = merge_schemas(metas)
    for each in metas:
        prepare_index_keys(each.fields, table.schema)
    hierarchy.add(meta, kind.value, table)
    if not kind.is_subclass:
        for name, method in make_loaders(hierarchy, plain).items():
            setattr(meta.model, name, method)


def _check_alike(meta: InheritedOptions, root: InheritedOptions) -> None:
    """Refuse options that differ from the root's: other classes write and delete the items too."""
    own, shared = meta.schema, root.schema
    problem = ""
    if (own.hash_key, own.range_key) != (shared.hash_key, shared.range_key):
        problem = "its key differs"
    elif any(getattr(own, option) != getattr(shared, option) for option in _BILLING):
        problem = "its billing or throughput differs"
    elif own.options != shared.options:
        problem = "its options of the table differ"
    elif (meta.version and meta.version.attribute) != (root.version and root.version.attribute):
        problem = "all kinds have the same VersionField, or none"
    elif meta.scopes != root.scopes:
        problem = "all kinds have the same unique fields"
    if problem:
        raise ModelDefinitionError(
            f"{meta.name} is a kind of {root.name} and shares its table, and {problem}: declare this in "
            f"{root.name}"
        )


def _check_indexed(meta: InheritedOptions, base: InheritedOptions) -> None:
    """Refuse a subclass whose items may be missing from an index with all items of its base class."""
    for index in base.schema.indexes:
        own, inherited = meta.planner.subject, base.planner.subject
        keys = [key.name for key in index.keys]
        missing = [each.find_optional(index.name, keys, ()) for each in (own, inherited)]
        if lost := missing[0] - missing[1]:
            names = own.join_fields(lost)
            raise ModelDefinitionError(
                f"{meta.name}: items without {names} would not be in index {index.name}, which has all items "
                f"of {base.name}: declare {names} with required=True in {meta.name} too, or index "
                f"{index.name} with complete=True"
            )


def merge_schemas(metas: list[InheritedOptions]) -> SharedSchema:
    """Return the schema of the table that all of these classes share.

    Raises ModelDefinitionError if two of them contradict each other.
    """
    metas = sorted(metas, key=lambda meta: meta.kind is None or meta.kind.is_subclass)
    table = SharedSchema(metas[0].schema, {}, None)
    for meta in metas:
        table = _add_schema(table, meta)
    _check_types(metas, table.schema)
    return table


def _add_schema(table: SharedSchema, meta: InheritedOptions) -> SharedSchema:
    """Return *table* with the indexes and the TTL of *meta*; *table* itself if that changes nothing."""
    indexes, ttl = {**table.indexes}, table.ttl
    for index in meta.schema.indexes:
        there, by = indexes.setdefault(index.name, (index, meta))
        if there != index:
            raise ModelDefinitionError(
                f"{meta.name} and {by.name} share a table, and both declare the index "
                f"{index.name!r}: {index}; {there}; declare equal indexes, or give one another name"
            )
    if meta.schema.ttl is not None:
        ttl = ttl or (meta.schema.ttl, meta)
        if ttl[0] != meta.schema.ttl:
            raise ModelDefinitionError(
                f"{meta.name} and {ttl[1].name} share a table, which has one TTL attribute, and declare "
                f"{meta.schema.ttl!r} and {ttl[0]!r}: declare one of them"
            )
    if len(indexes) == len(table.indexes) and ttl == table.ttl:
        return table
    merged = tuple(index for index, _ in indexes.values())
    schema = replace(table.schema, indexes=merged, ttl=None if ttl is None else ttl[0])
    return SharedSchema(schema, indexes, ttl)


def prepare_index_keys(fields: Iterable[AnyField], schema: TableSchema) -> None:
    """Make the fields in the keys of the table's indexes refuse values that a key cannot have."""
    limits: dict[str, int] = {}
    for index in schema.indexes:
        limits.update({k.name: MAX_RANGE_KEY_BYTES for k in index.range_key})
        for key in index.hash_key:
            limits.setdefault(key.name, MAX_HASH_KEY_BYTES)
    for field in fields:
        if (limit := limits.get(field.attribute)) is not None:
            field.prepare_index_key(limit)


def _check_types(metas: list[InheritedOptions], schema: TableSchema) -> None:
    """Refuse a field whose type differs from the type of the index key in which it is stored."""
    types: dict[str, str] = {}
    for key in schema.all_keys():
        if types.setdefault(key.name, key.type) != key.type:
            raise ModelDefinitionError(
                f"{metas[0].name}: {key.name!r} is of type {key.type} in one index of its kinds and of "
                f"type {types[key.name]} in another: give one of the fields another name="
            )
    for meta in metas:
        for field in meta.fields:
            if field.kind != types.get(field.attribute, field.kind):
                raise field.misdeclared(
                    f"it is stored as {field.kind}, and is in the key of an index of the table, as "
                    f"{types[field.attribute]}: give it another name="
                )
