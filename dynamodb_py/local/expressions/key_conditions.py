"""Key conditions: the range of keys that a query reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ...limits import MAX_HASH_KEY_BYTES, MAX_RANGE_KEY_BYTES
from ..database.errors import INVALID, make_invalid
from ..database.keys import after_prefix, encode_key, encode_part, encode_prefix
from ..database.tables import Keyed, KeyPart
from ..database.values import Value
from . import terms
from .conditions import parse_condition
from .placeholders import Placeholders

_KIND = "KeyConditionExpression"


class KeyCondition(NamedTuple):
    """One hash key and a half-open range of range keys, all encoded."""

    hashed: bytes
    low: bytes
    high: bytes | None
    """None if the range has no end."""


class KeyTest(NamedTuple):
    """A test of one attribute of a key."""

    sign: str
    """=, <>, <, <=, >, >=, BETWEEN or begins_with."""
    values: tuple[Value, ...]


def parse_key_condition(text: object, placeholders: Placeholders, keyed: Keyed) -> KeyCondition:
    """Return the key condition in *text*; raise a ValidationException if it does not fit the key."""
    condition = parse_condition(text, placeholders, _KIND)
    tests: dict[str, KeyTest] = {}
    for test in list_terms(condition.test):
        name, key_test = _read_test(test)
        if name in tests:
            raise make_invalid(f"{_KIND}s must only contain one condition per key")
        tests[name] = key_test
    return make_range(tests, keyed)


def make_range(tests: Mapping[str, KeyTest], keyed: Keyed) -> KeyCondition:
    """Return the range of the keys that fulfil *tests*, a test for each attribute name.

    Each attribute of the hash key must be tested for equality. The attributes of the range key may be tested
    from the left without gaps, all but the last tested one for equality.
    """
    hashes = [_find_test(tests, part) for part in keyed.hash_parts]
    ranges = _find_range_tests(tests, keyed)
    if any(test.sign != "=" for test in (*hashes, *ranges[:-1])):
        raise make_invalid("Query key condition not supported")
    for part in keyed.parts:
        if part.name in tests:
            _check_values(part, tests[part.name])
    hashed = encode_key([test.values[0] for test in hashes])
    if len(hashed) > MAX_HASH_KEY_BYTES:
        raise make_invalid(
            f"{INVALID}Size of hashkey has exceeded the maximum size limit of{MAX_HASH_KEY_BYTES} bytes"
        )
    if not ranges:
        return KeyCondition(hashed, b"", None)
    *firsts, last = ranges
    for value in last.values:
        if len(encode_key([*(test.values[0] for test in firsts), value])) > MAX_RANGE_KEY_BYTES:
            raise make_invalid(
                f"{INVALID}Aggregated size of all range keys has exceeded the size limit of "
                f"{MAX_RANGE_KEY_BYTES} bytes"
            )
    return KeyCondition(
        hashed, *encode_range(ranges, is_whole=len(ranges) == len(keyed.range_parts))
    )


def _find_test(tests: Mapping[str, KeyTest], part: KeyPart) -> KeyTest:
    if part.name not in tests:
        raise make_invalid(f"Query condition missed key schema element: {part.name}")
    return tests[part.name]


def _find_range_tests(tests: Mapping[str, KeyTest], keyed: Keyed) -> list[KeyTest]:
    """Return the tests of the range key; raise a ValidationException for gaps and other attributes."""
    if len(tests) > max(len(keyed.parts), 2):
        raise make_invalid("Conditions can be of length 1 or 2 only")
    count = len(tests) - len(keyed.hash_parts)
    if count > len(keyed.range_parts):
        raise make_invalid("Query key condition not supported")
    return [_find_test(tests, part) for part in keyed.range_parts[:count]]


def _check_values(part: KeyPart, test: KeyTest) -> None:
    for value in test.values:
        if part.type not in value:
            raise make_invalid(f"{INVALID}Condition parameter type does not match schema type")
        if not value[part.type]:
            word = "string" if part.type == "S" else "binary"
            raise make_invalid(
                "One or more parameter values are not valid. The AttributeValue for a key attribute "
                f"cannot contain an empty {word} value. Key: {part.name}"
            )


def encode_range(tests: Sequence[KeyTest], *, is_whole: bool) -> tuple[bytes, bytes | None]:
    """Return the bounds of the range keys that fulfil *tests*: the first key, and the end, None for no end.

    :param is_whole: whether all attributes of the range key are tested. If not, the encoded values of the tests
        are prefixes of the keys.
    """
    *firsts, last = tests
    equal = [test.values[0] for test in firsts]
    prefix = encode_prefix(equal)
    if is_whole:
        starts = [prefix + encode_part(value) for value in last.values]
        stops = [start + b"\x00" for start in starts]  # no key is between the two
    else:
        # All keys with the prefix are lower than the prefix with 1 added to the terminator.
        starts = [encode_prefix([*equal, value]) for value in last.values]
        stops = [start[:-1] + b"\x02" for start in starts]
    if last.sign == "begins_with":
        # Without the terminator of two bytes, the prefix also matches longer values.
        start = starts[0] if is_whole else starts[0][:-2]
        return start, after_prefix(start)
    end = after_prefix(prefix)
    bounds: dict[str, tuple[bytes, bytes | None]] = {
        "=": (starts[0], stops[0]),
        "<": (prefix, starts[0]),
        "<=": (prefix, stops[0]),
        ">": (stops[0], end),
        ">=": (starts[0], end),
        "BETWEEN": (starts[0], stops[-1]),
    }
    return bounds[last.sign]


def list_terms(test: terms.Test) -> Iterator[terms.Test]:
    """Yield the tests that AND joins in *test*; *test* alone if it has no AND."""
    waiting = [test]
    while waiting:
        test = waiting.pop()
        if isinstance(test, terms.All):
            waiting.extend(reversed(test.terms))
        else:
            yield test


def find_relation(test: terms.Test) -> tuple[str, KeyTest] | None:
    """Return the attribute that a test compares with values, and the comparison; None for another test."""
    sign, operands = _list_operands(test)
    values = [each.value for each in operands[1:] if isinstance(each, terms.Literal)]
    if (
        not operands
        or not isinstance(operands[0], terms.Attribute)
        or len(values) < len(operands) - 1
    ):
        return None
    return operands[0].name, KeyTest(sign, tuple(values))


def _list_operands(test: terms.Test) -> tuple[str, tuple[terms.Finder, ...]]:
    """Return the sign of a test and its operands, the attribute before the values."""
    if isinstance(test, terms.Compare):
        if isinstance(test.left, terms.Literal):
            return _REVERSED[test.sign], (test.right, test.left)
        return test.sign, (test.left, test.right)
    if isinstance(test, terms.Between):
        return "BETWEEN", (test.operand, test.low, test.high)
    if isinstance(test, terms.BeginsWith):
        return "begins_with", (test.operand, test.prefix)
    return "", ()


def _read_test(test: terms.Test) -> tuple[str, KeyTest]:
    """Return the attribute of a test and the comparison; raise a ValidationException for another test."""
    found = find_relation(test)
    if found is None or found[1].sign == "<>":
        raise make_invalid(_explain(test))
    return found


def _explain(test: terms.Test) -> str:
    """Return the message for a test that cannot be part of a key condition."""
    sign, operands = _list_operands(test)
    if sign in ("", "<>"):
        return f"Invalid operator used in {_KIND}: {_name_operator(test)}"
    first, *others = operands
    if isinstance(first, terms.Literal) and sign in ("BETWEEN", "begins_with"):
        return (
            f"Invalid condition in {_KIND}: {sign} operator must have the key attribute "
            "as its first operand"
        )
    if any(isinstance(each, terms.Size) for each in operands):
        return f"{_KIND}s cannot contain nested operations"
    if isinstance(first, terms.Literal):
        return f"Invalid condition in {_KIND}: No key attribute specified"
    if not all(isinstance(each, terms.Literal) for each in others):
        return f"Invalid condition in {_KIND}: Multiple attribute names used in one condition"
    return f"{_KIND}s cannot have conditions on nested attributes"


def _name_operator(test: terms.Test) -> str:
    if isinstance(test, terms.Not):
        return "attribute_not_exists" if isinstance(test.term, terms.Exists) else "NOT"
    names: dict[type, str] = {
        terms.Compare: "<>",
        terms.Either: "OR",
        terms.Among: "IN",
        terms.Exists: "attribute_exists",
        terms.HasType: "attribute_type",
        terms.Contains: "contains",
    }
    return names[type(test)]


_REVERSED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
