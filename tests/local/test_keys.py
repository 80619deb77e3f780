"""Keys as bytes: their order is that of their values."""

from __future__ import annotations

from base64 import b64encode
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py.local.database.keys import after_prefix, encode_key, encode_prefix
from dynamodb_py.local.database.values import format_number

EDGES = [
    Decimal(text)
    for text in (f"{'9' * 38}E88", f"{'9' * 37}8E88", "1E125", "1", "2E-130", "1E-130")
]
"""The greatest and the least numbers over 0, and some in between, without rounding."""

texts = st.text(st.characters(codec="utf-8"), max_size=4)
binaries = st.binary(max_size=4)
numbers = st.one_of(
    st.sampled_from(EDGES),
    st.sampled_from(EDGES).map(Decimal.copy_negate),
    st.builds(
        lambda digits, exponent: Decimal(digits).scaleb(exponent),
        st.integers(-9999, 9999),
        st.integers(-130, 122),
    ),
)


def write(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bytes):
        return {"B": b64encode(value).decode()}
    return {"N": format_number(value)}


def order(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def test_the_order_of_the_extremes_of_numbers_is_theirs():
    ordered = [*map(Decimal.copy_negate, EDGES), Decimal(0), *reversed(EDGES)]
    keys = [encode_key([write(each)]) for each in ordered]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("values", [texts, binaries, numbers], ids=["S", "B", "N"])
def test_the_order_of_keys_is_that_of_their_values(values):
    @given(values, values, values, values)
    def check(first, second, third, fourth):
        left, right = (first, second), (third, fourth)
        keys = [encode_key(list(map(write, pair))) for pair in (left, right)]
        expected = [tuple(map(order, pair)) for pair in (left, right)]
        assert (keys[0] < keys[1]) == (expected[0] < expected[1])
        assert (keys[0] == keys[1]) == (expected[0] == expected[1])

    check()


@given(texts, texts, texts)
def test_a_prefix_holds_the_keys_that_begin_with_its_parts_and_no_others(first, second, other):
    low = encode_prefix([write(first)])
    high = after_prefix(low)
    assert high is not None
    assert low <= encode_key([write(first), write(second)]) < high
    if other != first:
        key = encode_key([write(other), write(second)])
        assert not low <= key < high
