"""Attribute values as DynamoDB stores them: checked, and in normal form.

A value is the dict of DynamoDB's JSON; a binary is base64 text. In normal form, a number has no exponent and no
needless zeros, and the elements of a set are sorted. So two values are equal if their dicts are equal.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Mapping, Sized
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar, cast

from ...codec import EXACT, measure_item
from ...limits import MAX_DEPTH, MAX_DIGITS, MAX_EXPONENT, MAX_ITEM_BYTES, MIN_EXPONENT
from .errors import INVALID, ServiceError, make_invalid

Value: TypeAlias = dict[str, Any]
Item: TypeAlias = dict[str, Value]
Json = TypeVar("Json")

TYPES = frozenset({"S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"})
ORDERED = frozenset({"S", "N", "B"})
"""The types of keys. Only their values have an order."""

_ONE_TYPE = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
_TWO_TYPES = (
    "Supplied AttributeValue has more than one datatypes set, "
    "must contain exactly one of the supported datatypes"
)


def check_item(item: object) -> Item:
    """Return a new item in normal form; raise a ValidationException if *item* is not valid.

    A value that is in normal form already is not copied.
    """
    return _check_members(as_map(item), 1)


def _check_members(members: Mapping[str, Value], depth: int) -> Item:
    checked: Item = {}
    for name, value in members.items():
        # Texts and numbers are common, so they are checked here, without a call.
        if type(value) is dict and len(value) == 1:
            if "S" in value:
                if type(value["S"]) is str:
                    checked[name] = value
                    continue
            elif "N" in value:
                text = value["N"]
                if type(text) is str and len(text) <= MAX_DIGITS and _IS_NORMAL(text):
                    checked[name] = value
                    continue
        checked[name] = check_value(value, depth)
    return checked


def as_map(value: object) -> dict[str, Any]:
    """Return *value*, a JSON object; raise a SerializationException if it is another value."""
    return cast("dict[str, Any]", _expect(value, dict, "a map"))


def as_list(value: object, what: str = "a list") -> list[Any]:
    """Return *value*, a JSON array; raise a SerializationException if it is another value."""
    return cast("list[Any]", _expect(value, list, what))


def _expect(value: object, kind: type[Json], what: str) -> Json:
    if not isinstance(value, kind):
        raise _make_mistyped(f"Expected {what}")
    return value


def _make_mistyped(message: str) -> ServiceError:
    """Return the error for JSON of the wrong type."""
    return ServiceError("SerializationException", message)


def check_value(value: object, depth: int = 1) -> Value:
    """Return a new value in normal form; raise a ValidationException if *value* is not valid.

    *depth* is the level of the value: 1, and 1 more for each map or list around it.
    """
    if not isinstance(value, dict) or not value:
        raise make_invalid(_ONE_TYPE)
    found = cast("dict[str, Any]", value)
    if len(found) > 1:
        raise make_invalid(_TWO_TYPES)
    ((kind, content),) = found.items()
    if kind == "S" and type(content) is str:
        return {"S": content}  # the usual case
    check = _CHECKS.get(kind)
    if check is None:
        raise make_invalid(_ONE_TYPE)
    return {kind: check(content, depth)}


def check_depth(value: Value, depth: int = 1) -> None:
    """Raise a ValidationException if a value, which was built from checked values, is nested too deeply."""
    for kind, content in value.items():
        if kind in ("L", "M"):
            _check_depth(depth, content)
            for each in content if kind == "L" else content.values():
                check_depth(each, depth + 1)


def check_size(item: Mapping[str, Value]) -> int:
    """Return the size of an item in bytes; raise a ValidationException if it is too large."""
    size = measure_item(item)
    if size > MAX_ITEM_BYTES:
        raise make_invalid("Item size has exceeded the maximum allowed size")
    return size


def parse_number(text: object) -> Decimal:
    """Return the exact number in *text*; raise a ValidationException if DynamoDB has no such number.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    """
    if not isinstance(text, str):
        raise _make_mistyped("A number is sent as text")
    if not text:
        raise make_invalid(_PARSE + text)
    stripped = text.strip()
    if stripped != text or "_" in text or not text.isascii() or len(text) > 1000:
        raise make_invalid(_PARSE + text[:100])
    try:
        number = EXACT.create_decimal(text)
    except ArithmeticError:
        raise make_invalid(_PARSE + text) from None
    if not number.is_finite():
        raise make_invalid(_PARSE + text)
    return check_number(number)


_PARSE = "The parameter cannot be converted to a numeric value: "


def check_number(number: Decimal) -> Decimal:
    """Return *number* without needless zeros; raise a ValidationException if DynamoDB cannot store it."""
    if not number:
        return _ZERO
    number = number.normalize(EXACT)
    if len(number.as_tuple().digits) > MAX_DIGITS:
        raise make_invalid("Attempting to store more than 38 significant digits in a Number")
    magnitude = number.adjusted()
    if magnitude > MAX_EXPONENT:
        raise make_invalid(
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        )
    if magnitude < MIN_EXPONENT:
        raise make_invalid(
            "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        )
    return number


_ZERO = Decimal(0)


def add_numbers(left: str, right: str, *, subtract: bool = False) -> str:
    """Return the sum or the difference of two numbers, in normal form."""
    first, second = parse_number(left), parse_number(right)
    found = EXACT.subtract(first, second) if subtract else EXACT.add(first, second)
    return format_number(check_number(found))


def format_number(number: Decimal) -> str:
    """Return a number in normal form: digits and a point, without an exponent.

    >>> format_number(parse_number("1.50E2")), format_number(parse_number("-0.0"))
    ('150', '0')
    """
    return f"{number.normalize(EXACT):f}" if number else "0"


def to_comparable(value: Value) -> Any:
    """Return a Python object that orders a value among the values of its type: S, N or B."""
    ((kind, content),) = value.items()
    return _COMPARABLE[kind](content)


def _check_text(content: object, depth: int) -> str:
    return _expect(content, str, "a string")


def _check_number(content: object, depth: int) -> str:
    if type(content) is str and len(content) <= MAX_DIGITS and _IS_NORMAL(content):
        return content  # the usual case
    return format_number(parse_number(content))


_IS_NORMAL = re.compile(r"0|-?[1-9][0-9]*|-?(?:0|[1-9][0-9]*)\.[0-9]*[1-9]", re.ASCII).fullmatch
"""Matches numbers in normal form. If they have at most 38 characters, they are in DynamoDB's range."""


def _check_binary(content: object, depth: int) -> str:
    try:
        data = b64decode(_expect(content, str, "base64 text"), validate=True)
    except (ValueError, TypeError):
        raise _make_mistyped("Invalid base64") from None
    return binascii.b2a_base64(data, newline=False).decode()


def _check_boolean(content: object, depth: int) -> bool:
    return _expect(content, bool, "a boolean")


def _check_null(content: object, depth: int) -> bool:
    if content is not True:
        raise make_invalid(f"{INVALID}Null attribute value types must have the value of true")
    return True


def _check_list(content: object, depth: int) -> list[Value]:
    elements = as_list(content)
    _check_depth(depth, elements)
    return [check_value(each, depth + 1) for each in elements]


def _check_map(content: object, depth: int) -> Item:
    members = as_map(content)
    _check_depth(depth, members)
    return _check_members(members, depth + 1)


def _check_depth(depth: int, elements: Sized) -> None:
    """Raise a ValidationException if *elements* would be below the last level; an empty container is allowed."""
    if depth >= MAX_DEPTH and len(elements):
        raise make_invalid("Nesting Levels have exceeded supported limits")


def _make_set_check(kind: str) -> Callable[[object, int], list[str]]:
    def check(content: object, depth: int) -> list[str]:
        given = as_list(content, "a list of the elements of a set")
        if not given:
            raise make_invalid(f"{INVALID}An {_SET_NAMES[kind]} set  may not be empty")
        elements = [_CHECKS[kind](each, depth) for each in given]
        if len(set(elements)) < len(elements):
            shown = ", ".join(map(str, given[:20]))
            raise make_invalid(f"{INVALID}Input collection [{shown}] contains duplicates.")
        return sort_set(kind, elements)

    return check


_SET_NAMES = {"S": "string", "N": "number", "B": "binary"}


def sort_set(kind: str, elements: list[str]) -> list[str]:
    """Return the elements of a set of *kind* (S, N or B), sorted."""
    return sorted(elements, key=_COMPARABLE[kind])


_COMPARABLE: dict[str, Callable[[Any], Any]] = {
    "S": str,
    "N": EXACT.create_decimal,
    "B": binascii.a2b_base64,
}

_CHECKS: dict[str, Callable[[object, int], Any]] = {
    "S": _check_text,
    "N": _check_number,
    "B": _check_binary,
    "BOOL": _check_boolean,
    "NULL": _check_null,
    "L": _check_list,
    "M": _check_map,
    "SS": _make_set_check("S"),
    "NS": _make_set_check("N"),
    "BS": _make_set_check("B"),
}
