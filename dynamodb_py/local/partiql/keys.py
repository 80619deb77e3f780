"""The keys that a WHERE names: that of one item, or the ranges of keys that a SELECT reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import NamedTuple

from ..database.errors import make_invalid
from ..database.keys import after_prefix, encode_part
from ..database.tables import Keyed, KeyPart
from ..database.values import Item, Value
from ..expressions.conditions import Condition
from ..expressions.terms import (
    All,
    Among,
    Attribute,
    BeginsWith,
    Between,
    Compare,
    Either,
    Finder,
    Literal,
    Test,
)

MAX_HASH_KEYS = 50
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-operators.html"""

_FLIPPED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OTHER_TYPE = (
    "One or more parameter values were invalid: Condition parameter type does not match schema type"
)


class Span(NamedTuple):
    """A half-open range of encoded range keys; *high* is None for no end."""

    low: bytes = b""
    high: bytes | None = None

    def intersect(self, other: Span) -> Span:
        """Return what both have in common."""
        ends = [high for high in (self.high, other.high) if high is not None]
        return Span(max(self.low, other.low), min(ends, default=None))


class _Relation(NamedTuple):
    """A comparison of an attribute with a value."""

    name: str
    sign: str
    value: Value


def split_key(keyed: Keyed, condition: Condition | None) -> tuple[Item, Test | None]:
    """Return the key that a condition requires, and the rest of the condition.

    :raises ServiceError: it does not require a value of each attribute of the key.
    """
    key: Item = {}
    rest: list[Test] = []
    for term in () if condition is None else _list_terms(condition.test):
        relation = _find_relation(term)
        if (
            relation is not None
            and relation.sign == "="
            and relation.name in keyed.names
            and relation.name not in key
        ):
            key[relation.name] = relation.value
        else:
            rest.append(term)
    if condition is None or len(key) < len(keyed.names):
        raise make_invalid(
            "Where clause does not contain a mandatory equality on all key attributes"
        )
    return key, All(tuple(rest)) if rest else None


def find_hashes(part: KeyPart, condition: Condition | None) -> list[bytes] | None:
    """Return the encoded hash keys that an item may have, or None if there is no end of them."""
    if condition is None:
        return None
    values = _find_values(part.name, condition.test)
    if values is None:
        return None
    if any(part.type not in value for value in values):
        raise make_invalid(_OTHER_TYPE)
    if len(values) > MAX_HASH_KEYS:
        raise make_invalid(
            f"The WHERE clause has more than {MAX_HASH_KEYS} values of the hash key {part.name}"
        )
    return [encode_part(value) for value in values]


def find_span(parts: Sequence[KeyPart], condition: Condition | None) -> Span:
    """Return the range keys that an item may have; *parts* has at most one attribute."""
    if condition is None or not parts:
        return Span()
    (part,) = parts
    spans = (_find_span(part, term) for term in _list_terms(condition.test))
    return reduce(Span.intersect, spans, Span())


def _list_terms(test: Test) -> Iterator[Test]:
    """Yield the tests that must all hold."""
    if isinstance(test, All):
        for term in test.terms:
            yield from _list_terms(term)
    else:
        yield test


def _find_relation(test: Test) -> _Relation | None:
    if not isinstance(test, Compare) or test.sign not in _FLIPPED:
        return None
    if isinstance(test.left, Attribute) and isinstance(test.right, Literal):
        return _Relation(test.left.name, test.sign, test.right.value)
    if isinstance(test.right, Attribute) and isinstance(test.left, Literal):
        return _Relation(test.right.name, _FLIPPED[test.sign], test.left.value)
    return None


def _find_values(name: str, test: Test) -> list[Value] | None:
    """Return the values one of which an attribute must have, or None if there is no such list."""
    relation = _find_relation(test)
    if relation is not None:
        return [relation.value] if relation[:2] == (name, "=") else None
    if isinstance(test, Among) and test.operand == Attribute(name):
        literals = [option.value for option in test.options if isinstance(option, Literal)]
        return _merge([literals]) if len(literals) == len(test.options) else None
    if isinstance(test, All):
        known = [found for term in test.terms if (found := _find_values(name, term)) is not None]
        if not known:
            return None
        first, *others = known
        return [value for value in first if all(value in other for other in others)]
    if isinstance(test, Either):
        lists = [_find_values(name, term) for term in test.terms]
        return None if None in lists else _merge([found for found in lists if found is not None])
    return None


def _merge(lists: Sequence[list[Value]]) -> list[Value]:
    merged: list[Value] = []
    for values in lists:
        for value in values:
            if value not in merged:
                merged.append(value)
    return merged


def _find_span(part: KeyPart, test: Test) -> Span:
    relation = _find_relation(test)
    if relation is not None and relation.name == part.name:
        return _make_span(relation.sign, _encode(part, relation.value))
    if isinstance(test, Between) and test.operand == Attribute(part.name):
        low, high = _find_literal(test.low), _find_literal(test.high)
        if low is not None and high is not None:
            lower = _make_span(">=", _encode(part, low))
            return lower.intersect(_make_span("<=", _encode(part, high)))
    if isinstance(test, BeginsWith) and test.operand == Attribute(part.name):
        prefix = _find_literal(test.prefix)
        if prefix is not None and part.type != "N":
            low_end = _encode(part, prefix)
            return Span(low_end, after_prefix(low_end))
    return Span()


def _make_span(sign: str, key: bytes) -> Span:
    after = key + b"\x00"  # nothing comes between a key and this
    if sign == "=":
        return Span(key, after)
    if sign in ("<", "<="):
        return Span(b"", key if sign == "<" else after)
    return Span(key if sign == ">=" else after)


def _find_literal(operand: Finder) -> Value | None:
    return operand.value if isinstance(operand, Literal) else None


def _encode(part: KeyPart, value: Value) -> bytes:
    if part.type not in value:
        raise make_invalid(_OTHER_TYPE)
    return encode_part(value)
