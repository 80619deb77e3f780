"""The keys in a WHERE: the key of one item, or the ranges of keys that a SELECT reads."""

from __future__ import annotations

from collections.abc import Sequence

from ..database.errors import INVALID, make_invalid
from ..database.keys import encode_part
from ..database.tables import Keyed, KeyPart
from ..database.values import Item, Value
from ..expressions.conditions import Condition
from ..expressions.key_conditions import encode_range, find_relation, list_terms
from ..expressions.terms import All, Among, Attribute, Compare, Either, Literal, Test

MAX_HASH_KEYS = 50
"""The maximum number of hash keys in a WHERE.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-operators.html
"""

_OTHER_TYPE = f"{INVALID}Condition parameter type does not match schema type"


def split_key(keyed: Keyed, condition: Condition | None) -> tuple[Item, Test | None]:
    """Return the key that a condition requires, and the rest of the condition.

    :raises ServiceError: a ValidationException, if it does not require a value of each key attribute.
    """
    key: Item = {}
    rest: list[Test] = []
    for term in () if condition is None else list_terms(condition.test):
        equal = _find_equal(term)
        if equal is not None and equal[0] in keyed.names and equal[0] not in key:
            key[equal[0]] = equal[1]
        else:
            rest.append(term)
    if condition is None or len(key) < len(keyed.names):
        raise make_invalid(
            "Where clause does not contain a mandatory equality on all key attributes"
        )
    return key, All(tuple(rest)) if rest else None


def find_hashes(part: KeyPart, condition: Condition | None) -> list[bytes] | None:
    """Return the encoded hash keys that the condition allows, or None if it allows any number of them."""
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


def find_bounds(
    parts: Sequence[KeyPart], condition: Condition | None
) -> tuple[bytes, bytes | None]:
    """Return the range of range keys that the condition allows: the first key, and the end, None for no end.

    :param parts: the range key, of at most one attribute.
    """
    low, high = b"", None
    if condition is None or not parts:
        return low, high
    (part,) = parts
    for term in list_terms(condition.test):
        relation = find_relation(term)
        if relation is None or relation[0] != part.name:
            continue
        test = relation[1]
        if test.sign == "<>" or (test.sign == "begins_with" and part.type == "N"):
            continue
        if any(part.type not in value for value in test.values):
            raise make_invalid(_OTHER_TYPE)
        start, end = encode_range([test], is_whole=True)
        low = max(low, start)
        high = min((each for each in (high, end) if each is not None), default=None)
    return low, high


def _find_equal(test: Test) -> tuple[str, Value] | None:
    """Return the attribute and the value of a test for equality, or None for another test."""
    relation = find_relation(test)
    if relation is None or relation[1].sign != "=":
        return None
    name, (_, (value,)) = relation
    return name, value


def _find_values(name: str, test: Test) -> list[Value] | None:
    """Return the values that a test allows for an attribute, or None if it allows any number of them."""
    if isinstance(test, Compare):
        equal = _find_equal(test)
        return [equal[1]] if equal is not None and equal[0] == name else None
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
