"""Reading the members of requests, with the service's checks of types, lengths and choices."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from ..database.errors import ServiceError, make_invalid, make_not_found, make_violation
from ..database.values import as_map

Members: TypeAlias = Mapping[str, Any]

ARN = "arn:aws:dynamodb:local:000000000000:table/"
"""The beginning of the ARNs of all tables."""

_TABLE_NAME = re.compile(r"[a-zA-Z0-9_.-]+\Z")
_TYPE_NAMES: dict[type, str] = {
    str: "String",
    bool: "Boolean",
    int: "Integer",
    dict: "Map",
    list: "List",
}

RETURN_VALUES = ("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
CAPACITIES = ("INDEXES", "TOTAL", "NONE")
METRICS = ("SIZE", "NONE")
FAILURE_VALUES = ("ALL_OLD", "NONE")


def read(members: Members, name: str, kind: type) -> Any:
    """Return the member *name*, or None; raise a SerializationException unless its type is *kind*."""
    value = members.get(name)
    if value is None or type(value) is kind:
        return value
    raise ServiceError(
        "SerializationException", f"{name} cannot be converted to {_TYPE_NAMES[kind]}"
    )


def require(members: Members, name: str, kind: type, path: str = "") -> Any:
    """Return the member *name*; raise a ValidationException if it is missing.

    :param path: the path to *members* in the request, for errors.
    """
    value = read(members, name, kind)
    if value is None:
        raise make_violation(None, f"{path}{to_member(name)}", "Member must not be null")
    return value


def read_choice(
    members: Members, name: str, choices: Sequence[str], default: str, path: str = ""
) -> str:
    """Return the member *name*; raise a ValidationException unless it is one of *choices*."""
    value: str | None = read(members, name, str)
    if value is None:
        return default
    if value not in choices:
        known = ", ".join(choices)
        raise make_violation(
            value, f"{path}{to_member(name)}", f"Member must satisfy enum value set: [{known}]"
        )
    return value


def read_parts(request: Members, name: str, most: int) -> list[Members]:
    """Return the member *name*, a list of 1 to *most* maps."""
    found: list[Any] = require(request, name, list)
    require_lengths(found, 1, most, to_member(name))
    return [as_map(each) for each in found]


def read_flag(members: Members, name: str) -> bool:
    """Return the boolean member *name*; False if it is missing."""
    return bool(read(members, name, bool))


def read_count(
    members: Members, name: str, low: int = 1, high: int | None = None, path: str = ""
) -> int | None:
    """Return the member *name*, a number from *low* to *high*, or None if it is missing."""
    value: int | None = read(members, name, int)
    if value is None:
        return None
    if value < low:
        limit = f"greater than or equal to {low}"
    elif high is not None and value > high:
        limit = f"less than or equal to {high}"
    else:
        return value
    raise make_violation(value, f"{path}{to_member(name)}", f"Member must have value {limit}")


def require_lengths(
    value: Sequence[Any] | Members, low: int, high: int | None, member: str
) -> None:
    """Raise a ValidationException unless *value*, a text, list or map, has *low* to *high* elements."""
    if len(value) < low:
        raise make_violation(
            value, member, f"Member must have length greater than or equal to {low}"
        )
    if high is not None and len(value) > high:
        raise make_violation(value, member, f"Member must have length less than or equal to {high}")


def read_table_name(members: Members, path: str = "") -> str:
    """Return the member TableName, which may be an ARN."""
    return parse_table_name(require(members, "TableName", str, path), f"{path}tableName")


def parse_table_name(value: str, member: str = "tableName") -> str:
    """Return the name of the table with *value* as its name or ARN."""
    if _TABLE_NAME.match(value) and len(value) <= 1024:
        return value
    if value.startswith("arn:"):
        if not value.startswith(ARN) or not _TABLE_NAME.match(value[len(ARN) :]):
            raise make_not_found(f"Requested resource not found: Table: {value} not found")
        return value[len(ARN) :]
    require_lengths(value, 1, 1024, member)
    raise make_violation(
        value, member, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
    )


def to_member(name: str) -> str:
    """Return *name* as in the messages of errors, with a small first letter.

    >>> to_member("TableName"), to_member("SSESpecification")
    ('tableName', 'sSESpecification')
    """
    return name[:1].lower() + name[1:]


def refuse_mixture(members: Members, expressions: Sequence[str], others: Sequence[str]) -> None:
    """Raise a ValidationException if a request has both expressions and legacy parameters."""
    modern = [name for name in expressions if members.get(name) is not None]
    legacy = [name for name in others if members.get(name) is not None]
    if modern and legacy:
        raise make_invalid(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(legacy)}}} "
            f"Expression parameters: {{{', '.join(modern)}}}"
        )
