"""Reading the keys, attribute definitions and indexes of a table, with the service's checks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from ...limits import (
    MAX_GLOBAL_INDEXES,
    MAX_KEY_PARTS,
    MAX_LOCAL_INDEXES,
    MAX_PROJECTED_ATTRIBUTES,
    MAX_TABLE_NAME,
    MIN_TABLE_NAME,
)
from ..database.errors import INVALID, make_invalid, make_violation
from ..database.values import as_map
from .requests import Members, read, read_choice, require, require_lengths

Schema: TypeAlias = "list[dict[str, str]]"

_NAME = re.compile(r"[a-zA-Z0-9_.-]+\Z")
_MAX_PROJECTED_OF_ONE = 20
_PROJECTIONS = ("ALL", "INCLUDE", "KEYS_ONLY")


def check_name(name: str) -> str:
    """Return *name*; raise a ValidationException if a new table or index cannot have it."""
    if not MIN_TABLE_NAME <= len(name) <= MAX_TABLE_NAME or not _NAME.match(name):
        raise make_invalid(
            "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, "
            "and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'"
        )
    return name


def read_definitions(members: Members) -> dict[str, str]:
    """Return the types in AttributeDefinitions by the name of the attribute."""
    found: dict[str, str] = {}
    for number, each in enumerate(read(members, "AttributeDefinitions", list) or (), 1):
        path = f"attributeDefinitions.{number}.member."
        each = as_map(each)
        name: str = require(each, "AttributeName", str, path)
        require_lengths(name, 1, 255, f"{path}attributeName")
        kind = _require_choice(each, "AttributeType", ("B", "N", "S"), path)
        if name in found:
            raise make_invalid(f"{INVALID}Duplicate AttributeName in AttributeDefinitions: {name}")
        found[name] = kind
    return found


def make_definitions(types: dict[str, str]) -> list[dict[str, str]]:
    """Return AttributeDefinitions for *types*, a type for each name."""
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def read_key_schema(members: Members, path: str = "", *, parts: int = 1) -> Schema:
    """Return the KeySchema: up to *parts* attributes of the hash key, then up to *parts* of the range key."""
    elements: list[Any] = require(members, "KeySchema", list, path)
    path += "keySchema"
    require_lengths(elements, 1, 2 * parts, path)
    schema: Schema = []
    for number, each in enumerate(elements, 1):
        each = as_map(each)
        place = f"{path}.{number}.member."
        name: str = require(each, "AttributeName", str, place)
        require_lengths(name, 1, 255, f"{place}attributeName")
        kind = _require_choice(each, "KeyType", ("HASH", "RANGE"), place)
        schema.append({"AttributeName": name, "KeyType": kind})
    _check_key_types([each["KeyType"] for each in schema], parts)
    names = [each["AttributeName"] for each in schema]
    if len(set(names)) < len(names):
        raise make_invalid(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name"
        )
    return schema


def _check_key_types(kinds: Sequence[str], parts: int) -> None:
    if kinds[0] != "HASH":
        raise make_invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if parts == 1 and kinds[1:] == ["HASH"]:
        raise make_invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    if list(kinds) != sorted(kinds):
        raise make_invalid("Invalid KeySchema: HASH key elements must come before RANGE ones")
    for kind in ("HASH", "RANGE"):
        if kinds.count(kind) > parts:
            raise make_invalid(f"Invalid KeySchema: at most {parts} {kind} key elements")


def read_global_index(members: Members, path: str) -> dict[str, Any]:
    """Return the name, keys and projection of a new global index; *path* is for errors."""
    return _read_index(members, path, MAX_KEY_PARTS)


def read_global_indexes(members: Members) -> list[tuple[dict[str, Any], Members, str]]:
    """Return the definition of each of the GlobalSecondaryIndexes, its members, and their path."""
    return [
        (read_global_index(each, path), each, path)
        for each, path in _list_indexes(members, "GlobalSecondaryIndexes", MAX_GLOBAL_INDEXES)
    ]


def read_local_indexes(members: Members, table: Schema) -> list[dict[str, Any]]:
    """Return the definitions of the LocalSecondaryIndexes of a table with the schema *table*."""
    found: list[dict[str, Any]] = []
    for each, path in _list_indexes(members, "LocalSecondaryIndexes", MAX_LOCAL_INDEXES):
        index = _read_index(each, path, 1)
        _check_local_keys(index["IndexName"], index["KeySchema"], table)
        found.append(index)
    return found


def _check_local_keys(name: str, schema: Schema, table: Schema) -> None:
    if len(table) < 2:
        raise make_invalid(
            f"{INVALID}Table KeySchema does not have a range key, which is required when specifying "
            "a LocalSecondaryIndex"
        )
    if len(schema) < 2:
        raise make_invalid(f"{INVALID}Index KeySchema does not have a range key for index: {name}")
    own, leading = schema[0]["AttributeName"], table[0]["AttributeName"]
    if own != leading:
        raise make_invalid(
            f"{INVALID}Index KeySchema does not have the same leading hash key as table KeySchema "
            f"for index: {name}. index hash key: {own}, table hash key: {leading}"
        )


def _list_indexes(members: Members, name: str, limit: int) -> Iterator[tuple[Members, str]]:
    indexes = read(members, name, list)
    if indexes is None:
        return
    if not indexes:
        raise make_invalid(f"{INVALID}List of {name} is empty")
    if len(indexes) > limit:
        singular = name.replace("Indexes", "Index")
        raise make_invalid(f"{INVALID}{singular} count exceeds the per-table limit of {limit}")
    member = name[:1].lower() + name[1:]
    for number, each in enumerate(indexes, 1):
        yield as_map(each), f"{member}.{number}.member."


def _read_index(members: Members, path: str, parts: int) -> dict[str, Any]:
    name = check_name(require(members, "IndexName", str, path))
    schema = read_key_schema(members, path, parts=parts)
    projection: Members = require(members, "Projection", dict, path)
    return {
        "IndexName": name,
        "KeySchema": schema,
        "Projection": _read_projection(projection, f"{path}projection."),
    }


def _read_projection(members: Members, path: str) -> dict[str, Any]:
    kind = read_choice(members, "ProjectionType", _PROJECTIONS, "", path)
    names: list[Any] | None = read(members, "NonKeyAttributes", list)
    if names is not None:
        require_lengths(names, 1, _MAX_PROJECTED_OF_ONE, f"{path}nonKeyAttributes")
    if not kind:
        raise make_invalid(f"{INVALID}Unknown ProjectionType: null")
    if kind != "INCLUDE":
        if names is not None:
            raise make_invalid(
                f"{INVALID}ProjectionType is {kind}, but NonKeyAttributes is specified"
            )
        return {"ProjectionType": kind}
    if names is None:
        raise make_invalid(
            f"{INVALID}ProjectionType is INCLUDE, but NonKeyAttributes is not specified"
        )
    for name in names:
        if type(name) is not str or not 1 <= len(name) <= 255:
            raise make_violation(
                name, f"{path}nonKeyAttributes", "Member must be a name of an attribute"
            )
    if len(set(names)) < len(names):
        raise make_invalid(f"{INVALID}NonKeyAttributes has duplicates")
    return {"ProjectionType": kind, "NonKeyAttributes": names}


def check_schema(types: dict[str, str], table: Schema, indexes: Sequence[dict[str, Any]]) -> None:
    """Raise a ValidationException unless keys match definitions, and names of indexes are unique."""
    _check_defined(types, table, indexes)
    seen: set[str] = set()
    for index in indexes:
        if index["IndexName"] in seen:
            raise make_invalid(f"{INVALID}Duplicate index name: {index['IndexName']}")
        seen.add(index["IndexName"])
    projected = sum(len(index["Projection"].get("NonKeyAttributes", ())) for index in indexes)
    if projected > MAX_PROJECTED_ATTRIBUTES:
        raise make_invalid(
            f"{INVALID}Number of projected attributes exceeds the limit of "
            f"{MAX_PROJECTED_ATTRIBUTES} for a table and its indexes"
        )


def _check_defined(types: dict[str, str], table: Schema, indexes: Sequence[dict[str, Any]]) -> None:
    used = find_used(table, indexes)
    shown = ", ".join(types)
    missing = [name for name in used if name not in types]
    if missing:
        raise make_invalid(
            f"{INVALID}Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(missing)}], AttributeDefinitions: [{shown}]"
        )
    if len(used) < len(types):
        if not indexes:
            raise make_invalid(
                f"{INVALID}Number of attributes in KeySchema does not exactly match number of "
                "attributes defined in AttributeDefinitions"
            )
        raise make_invalid(
            f"{INVALID}Some AttributeDefinitions are not used. AttributeDefinitions: [{shown}], "
            f"keys used: [{', '.join(used)}]"
        )


def find_used(table: Schema, indexes: Iterable[dict[str, Any]]) -> list[str]:
    """Return the names of all key attributes of a table and its indexes, each once."""
    names = _names_of(table)
    for index in indexes:
        names += _names_of(index["KeySchema"])
    return list(dict.fromkeys(names))


def _names_of(schema: Schema) -> list[str]:
    return [each["AttributeName"] for each in schema]


def _require_choice(members: Members, name: str, choices: Sequence[str], path: str) -> str:
    require(members, name, str, path)
    return read_choice(members, name, choices, "", path)
