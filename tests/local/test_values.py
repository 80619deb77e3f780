"""Values and keys: the normal form, sizes and an order, however a number is written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py.codec import measure_item
from dynamodb_py.local.database.errors import ServiceError
from dynamodb_py.local.database.keys import encode_key
from dynamodb_py.local.database.values import check_item, check_value, format_number, parse_number

DIGITS = "0123456789"
NUMBERS = st.one_of(
    st.from_regex(r"-?[0-9]{0,20}\.?[0-9]{0,20}(E[+-]?[0-9]{1,2})?", fullmatch=True),
    st.integers(-(10**38) + 1, 10**38 - 1).map(str),
    st.text(alphabet=f"{DIGITS}-.E٣²", max_size=42),
)


def spell(text: str) -> str | None:
    """Return the normal form of a number, computed with Decimal, or None if the number is not valid."""
    try:
        return format_number(parse_number(text))
    except ServiceError:
        return None


PLACES = [
    (lambda value: value, lambda found: found),
    (lambda value: {"L": [value]}, lambda found: found["L"][0]),
    (lambda value: {"M": {"a": value}}, lambda found: found["M"]["a"]),
]


@pytest.mark.parametrize(("wrap", "unwrap"), PLACES, ids=["itself", "in a list", "in a map"])
@given(text=NUMBERS)
def test_a_number_is_in_normal_form_wherever_it_is(wrap: Any, unwrap: Any, text: str) -> None:
    expected, value = spell(text), wrap({"N": text})
    if expected is None:
        with pytest.raises(ServiceError):
            check_item({"x": value})
        return
    found = check_item({"x": value})["x"]
    assert unwrap(found) == {"N": expected}
    assert check_value(value) == found


@given(st.lists(NUMBERS.map(spell).filter(lambda text: text is not None), min_size=2, max_size=2))
def test_keys_of_numbers_are_in_the_order_of_the_numbers(texts: list[str]) -> None:
    first, second = texts
    keys = [encode_key([{"N": text}]) for text in texts]
    assert (keys[0] < keys[1]) == (Decimal(first) < Decimal(second))
    assert (keys[0] == keys[1]) == (Decimal(first) == Decimal(second))


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"a": {"S": "abc"}}, 4),
        ({"ä": {"S": "aä€"}}, 8),
        ({"a": {"S": ""}}, 1),
        ({"a": {"N": "0"}}, 2),
        ({"a": {"N": "1"}}, 3),
        ({"a": {"N": "1200"}}, 3),
        ({"a": {"N": "-123"}}, 5),
        ({"a": {"N": "12.5"}}, 4),
        ({"a": {"B": "AQID"}}, 4),
        ({"a": {"BOOL": False}}, 2),
        ({"a": {"NULL": True}}, 2),
        ({"a": {"SS": ["x", "ä"]}}, 4),
        ({"a": {"NS": ["1", "22"]}}, 5),
        ({"a": {"BS": ["AQ==", "AQI="]}}, 4),
        ({"a": {"L": []}}, 4),
        ({"a": {"L": [{"S": "x"}, {"N": "1"}]}}, 9),
        ({"a": {"M": {"ä": {"S": "x"}, "n": {"L": [{"BOOL": True}]}}}}, 15),
    ],
)
def test_an_item_has_the_size_that_the_service_counts(item: dict[str, Any], size: int) -> None:
    assert measure_item(item) == size
