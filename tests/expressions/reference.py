"""What a condition means, said once more and as plainly as can be, to compare engines with."""

from __future__ import annotations

import operator
from decimal import Decimal
from typing import Any

from dynamodb_py.expressions import (
    And,
    AttributeType,
    BeginsWith,
    Between,
    Compare,
    Contains,
    Exists,
    In,
    Never,
    Not,
    NotExists,
    Or,
    Path,
    Size,
)

ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def holds(condition: Any, item: dict[str, Any]) -> bool:
    """Tell whether *condition* holds for *item*, which is as on the wire."""
    match condition:
        case And(terms):
            return all(holds(term, item) for term in terms)
        case Or(terms):
            return any(holds(term, item) for term in terms)
        case Not(term):
            return not holds(term, item)
        case Compare(left, sign, right):
            return compare(find(left, item), sign, find(right, item))
        case Between(left, low, high):
            value = find(left, item)
            return compare(value, ">=", find(low, item)) and compare(value, "<=", find(high, item))
        case In(left, values):
            return any(compare(find(left, item), "=", find(value, item)) for value in values)
        case Exists(path):
            return find(path, item) is not None
        case NotExists(path):
            return find(path, item) is None
        case AttributeType(path, kind):
            found = find(path, item)
            return found is not None and kind in found
        case BeginsWith(path, prefix):
            return begins_with(find(path, item), find(prefix, item))
        case Contains(path, value):
            return contains(find(path, item), find(value, item))
        case Never():
            return False
    raise AssertionError(condition)


def find(operand: Any, item: dict[str, Any]) -> dict[str, Any] | None:
    if isinstance(operand, Size):
        return size(find(operand.path, item))
    if not isinstance(operand, Path):
        wire: dict[str, Any] = operand.wire
        return wire
    found: Any = {"M": item}
    for part in operand.parts:
        inside = found.get("L" if isinstance(part, int) else "M")
        try:
            found = inside[part]
        except (TypeError, LookupError):
            return None
    return found


def size(wire: dict[str, Any] | None) -> dict[str, Any] | None:
    if wire is None or set(wire) & {"N", "BOOL", "NULL"}:
        return None
    return {"N": str(len(next(iter(wire.values()))))}


def compare(left: dict[str, Any] | None, sign: str, right: dict[str, Any] | None) -> bool:
    if sign in ("=", "<>"):
        equal = left is not None and right is not None and plain(left) == plain(right)
        return equal == (sign == "=")
    if left is None or right is None or set(left) != set(right) or not set(left) <= {"S", "N", "B"}:
        return False
    return bool(ORDERS[sign](plain(left)[1], plain(right)[1]))


def plain(wire: dict[str, Any]) -> tuple[str, Any]:
    """Return the type and a Python value that is equal, and ordered, as DynamoDB has it."""
    ((kind, value),) = wire.items()
    match kind:
        case "S":
            value = value.encode()
        case "N":
            value = Decimal(value)
        case "L":
            value = [plain(each) for each in value]
        case "M":
            value = {name: plain(each) for name, each in value.items()}
        case "SS" | "BS":
            value = set(value)
        case "NS":
            value = set(map(Decimal, value))
    return kind, value


def begins_with(wire: dict[str, Any] | None, prefix: dict[str, Any] | None) -> bool:
    if wire is None or prefix is None or set(wire) != set(prefix) or not set(wire) <= {"S", "B"}:
        return False
    return bool(plain(wire)[1].startswith(plain(prefix)[1]))


def contains(wire: dict[str, Any] | None, sought: dict[str, Any] | None) -> bool:
    if wire is None or sought is None:
        return False
    kind, value = plain(wire)
    sought_kind, element = plain(sought)
    if kind in ("S", "B"):
        return sought_kind == kind and element in value
    if kind == "L":
        return (sought_kind, element) in value
    return kind == f"{sought_kind}S" and element in value
