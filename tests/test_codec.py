"""Free-form values: what they are on the wire and back, and that boto3 agrees."""

from __future__ import annotations

import enum
from collections import OrderedDict, UserDict, namedtuple
from datetime import date
from decimal import Decimal

import pytest
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from hypothesis import example, given
from hypothesis import strategies as st

from dynamodb_py.codec import (
    as_sent,
    decode,
    decode_item,
    encode,
    encode_map,
    encode_value,
    format_decimal,
    format_float,
    format_floats,
    format_integer,
    from_json,
    measure_item,
    parse_number,
    to_bytes,
    to_json,
    to_sort_key,
)
from dynamodb_py.exceptions import ValidationError

from .expressions.spelling import check_request


class Level(enum.IntEnum):
    LOW = 1


class Word(str, enum.Enum):
    YES = "y"


Pair = namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (None, {"NULL": True}),
        (True, {"BOOL": True}),
        (0, {"N": "0"}),
        (-5, {"N": "-5"}),
        (1.5, {"N": "1.5"}),
        (2.0, {"N": "2"}),
        (Decimal("1.50"), {"N": "1.5"}),
        ("", {"S": ""}),
        ("text", {"S": "text"}),
        (b"raw", {"B": b"raw"}),
        (bytearray(b"raw"), {"B": b"raw"}),
        (memoryview(b"raw"), {"B": b"raw"}),
        ([], {"L": []}),
        ([None, "", 0, False], {"L": [{"NULL": True}, {"S": ""}, {"N": "0"}, {"BOOL": False}]}),
        ((1, 2), {"L": [{"N": "1"}, {"N": "2"}]}),
        (Pair(1, 2), {"L": [{"N": "1"}, {"N": "2"}]}),
        ({}, {"M": {}}),
        ({"a": {"": None}}, {"M": {"a": {"M": {"": {"NULL": True}}}}}),
        (OrderedDict(a=1), {"M": {"a": {"N": "1"}}}),
        (UserDict(a=1), {"M": {"a": {"N": "1"}}}),
        ({Word.YES: 1}, {"M": {"y": {"N": "1"}}}),
        ({"b", "a"}, {"SS": ["a", "b"]}),
        (frozenset({2, 10, 1.5}), {"NS": ["1.5", "10", "2"]}),
        ({1, Decimal("1.0")}, {"NS": ["1"]}),
        ({b"b", b"a"}, {"BS": [b"a", b"b"]}),
        (Level.LOW, {"N": "1"}),
        (Word.YES, {"S": "y"}),
    ],
)
def test_a_free_value_is_spelled_as_dynamodb_has_it(value, wire):
    assert encode(value) == wire
    assert from_json(to_json(encode(value))) == from_json(to_json(wire))


def nested(levels, innermost):
    value = innermost
    for at in range(levels):
        value = [value] if at % 2 else {"a": value}
    return value


def cycle():
    value: list[object] = []
    value.append({"itself": value})
    return value


@pytest.mark.parametrize(
    ("value", "where", "message"),
    [
        (date(2026, 1, 1), "x", "a value of type date cannot be stored in a free-form document: use None, bool, int, float"),
        (object(), "x", "a value of type object cannot be stored in a free-form document"),
        (1j, "x", "a value of type complex cannot be stored in a free-form document"),
        (iter([]), "x", "a value of type list_iterator cannot be stored in a free-form document"),
        ([1, {"a": [date(2026, 1, 1)]}], "x[1].a[0]", "a value of type date cannot be stored"),
        ({1: 2}, "x", "the key 1 is not a str: use str keys in a map"),
        ({"a": {None: 2}}, "x.a", "the key None is not a str"),
        ([set()], "x[0]", "an empty set cannot be stored inside a document: leave it out"),
        ({1, "a"}, "x", "a set holds only text, only numbers or only bytes, not"),
        ({True}, "x", "a set holds only text, only numbers or only bytes, not"),
        ({None}, "x", "a set holds only text, only numbers or only bytes, not"),
        ({(1, 2)}, "x", "a set holds only text, only numbers or only bytes, not"),
        (float("nan"), "x", "NaN is not a number that DynamoDB can hold"),
        ([float("inf")], "x[0]", "Infinity is not a number that DynamoDB can hold"),
        (10**39 + 1, "x", "has more than the 38 significant digits of a number"),
        (Decimal("1E+126"), "x", "1E+126 is out of range"),
        ("\udfff", "x", "it is not valid Unicode: surrogates not allowed"),
        ({"\ud800": 1}, "x", "it is not valid Unicode: surrogates not allowed"),
        (nested(32, 1), "x" + "[0].a" * 15 + "[0]", "nested deeper than DynamoDB's 32 levels"),
        (cycle(), "x" + "[0].itself" * 15 + "[0]", "nested deeper than DynamoDB's 32 levels"),
    ],
)  # fmt: skip
def test_what_dynamodb_cannot_hold_is_refused_with_the_place(value, where, message):
    with pytest.raises(ValidationError) as caught:
        encode(value, "x")
    assert list(caught.value.errors) == [where]
    assert (
        caught.value.errors[where][0].startswith(message)
        or message in caught.value.errors[where][0]
    )


@pytest.mark.parametrize("innermost", [1, [], {}, {"a"}])
def test_thirty_two_levels_are_taken(innermost):
    levels = 30 if innermost in ([], {}) else 31  # the innermost value is a level
    value = nested(levels, innermost)
    assert decode(from_json(to_json(encode(value)))) == value


def test_a_value_that_stands_twice_in_a_document_is_no_cycle():
    part = {"n": [1]}
    assert decode(encode([part, part])) == [part, part]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("-0", 0),
        ("99.99", 99.99),
        ("1E+2", 100),
        ("1.5E+3", 1500),
        ("1E-7", 1e-7),
        ("0.1", 0.1),
        ("100.0", 100),
        ("0.12345678901234567890123", Decimal("0.12345678901234567890123")),
        ("9" * 38, int("9" * 38)),
        ("1152921504606847000", 1152921504606847000),
        ("1" + "0" * 37 + ".5", Decimal("1" + "0" * 37 + ".5")),
        ("-9.9999999999999999999999999999999999999E+125", -int("9" * 38 + "0" * 88)),
    ],
)
def test_a_free_number_reads_as_the_plainest_type_that_says_it_exactly(text, value):
    found = parse_number(text)
    assert found == value
    assert Decimal(repr(found) if isinstance(found, float) else found) == Decimal(text)


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (format_integer, 10**37, "1" + "0" * 37),
        (format_integer, 10**38, "1E+38"),  # boto3 refuses to read 39 digits in a row, zeros or not
        (format_integer, 12 * 10**40, "1.2E+41"),
        (format_integer, -(10**125), "-1E+125"),
        (format_float, 1e22, "10000000000000000000000"),
        (format_float, 123456789.125, "123456789.125"),
        (format_float, -1e-5, "-0.00001"),
        (format_decimal, Decimal(100), "100"),
        (format_decimal, Decimal("100.00"), "100"),
        (format_decimal, Decimal("0E-50"), "0"),
        (format_decimal, Decimal("-1.2300E-100"), "-1.23E-100"),
        (format_decimal, Decimal("1E-38"), "0." + "0" * 37 + "1"),
    ],
)
def test_a_number_is_spelled_without_noise(function, value, text):
    assert function(value) == text
    assert Decimal(text) == Decimal(repr(value) if isinstance(value, float) else value)


@pytest.mark.parametrize(
    ("wire", "size"),
    [
        ({"S": "é"}, 3),
        ({"S": ""}, 1),
        ({"B": b"abc"}, 4),
        ({"B": "YWJj"}, 4),  # as it came
        ({"N": "0"}, 2),
        ({"N": "100000"}, 3),
        ({"N": "0.0000012"}, 3),
        ({"N": "-12"}, 4),
        ({"N": "1.2E+100"}, 3),
        ({"N": "9" * 38}, 21),
        ({"N": "1.5"}, 4),  # digits on both sides of the point are counted apart
        ({"N": "1.200"}, 4),
        ({"N": "100.5"}, 5),
        ({"N": "-3.14159"}, 7),
        ({"N": "1.234E+1"}, 4),
        ({"N": "15E-1"}, 4),
        ({"N": "0.15"}, 3),
        ({"N": "-0.0"}, 2),
        ({"BOOL": True}, 2),
        ({"NULL": True}, 2),
        ({"L": []}, 4),
        ({"L": [{"S": "a"}, {"S": "b"}]}, 8),
        ({"M": {"k": {"S": "a"}}}, 7),
        ({"SS": ["a", "bc"]}, 4),
        ({"NS": ["1", "22"]}, 5),
        ({"BS": ["YQ==", b"b"]}, 3),
    ],
)
def test_an_items_size_is_counted_as_dynamodb_does(wire, size):
    assert measure_item({"x": wire}) == size


@pytest.mark.parametrize("value", ["AP8=", b"\x00\xff"])
def test_bytes_are_read_from_base64_and_from_bytes(value):
    assert to_bytes(value) == b"\x00\xff"
    assert as_sent({"M": {"a": {"L": [{"B": value}]}}}) == {"M": {"a": {"L": [{"B": b"\x00\xff"}]}}}


def test_what_came_is_sent_as_it_came():
    wire = {"M": {"b": {"BS": ["YQ==", "AA=="]}, "n": {"N": "1.0"}, "z": {"NULL": True}}}
    assert as_sent(wire)["M"]["b"] == {"BS": [b"\x00", b"a"]}
    assert from_json(to_json(as_sent(wire)))["M"]["n"] == {"N": "1.0"}


def test_an_attribute_value_of_no_known_type_is_refused():
    with pytest.raises(ValueError, match="an attribute value of no known type"):
        decode({"X": "1"})


# -- property by property ------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
DECIMALS = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=9
)
# Beyond 2**53 a float is an integer, and reads as the int that its shortest text says.
FLOATS = st.floats(-(2.0**53), 2.0**53).filter(lambda x: not x or abs(x) > 1e-130)
NUMBERS = st.integers(-(10**38) + 1, 10**38 - 1) | FLOATS | DECIMALS
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS | st.binary(max_size=8)
SETS = (
    st.sets(TEXTS, min_size=1, max_size=4)
    | st.sets(NUMBERS, min_size=1, max_size=4)
    | st.sets(st.binary(max_size=4), min_size=1, max_size=4)
)
FREE = st.recursive(
    LEAVES | SETS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def boto3s(value):
    """Return *value* as boto3 has it."""
    if isinstance(value, (bytes, bytearray)):
        return Binary(bytes(value))
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        return Decimal(repr(value)).normalize()
    if isinstance(value, (int, Decimal)):
        return Decimal(value)
    if isinstance(value, dict):
        return {name: boto3s(each) for name, each in value.items()}
    return type(value)(map(boto3s, value))


@given(FREE)
@example({"x": {0.1, Decimal("0.1")}})
def test_decoding_gives_back_what_was_encoded(value):
    wire = encode(value)
    check_request("PutItem", {"TableName": "test", "Item": {"x": wire}})
    sent = to_json({"x": wire})
    assert decode_item(sent) == {"x": as_read(value)}
    assert decode(from_json(sent)["x"]) == as_read(value)
    assert decode(as_sent(from_json(sent)["x"])) == as_read(value)


def as_read(value):
    """Return *value* with its Decimals as floats, where these say the same: they equal no Decimal."""
    if isinstance(value, Decimal):
        return parse_number(format_decimal(value))
    if isinstance(value, (set, frozenset)):
        return set(map(as_read, value))
    if isinstance(value, dict):
        return {name: as_read(each) for name, each in value.items()}
    return list(map(as_read, value)) if isinstance(value, list) else value


@given(st.dictionaries(TEXTS, FREE, max_size=6))
def test_a_map_has_its_members_as_they_are_encoded_alone(value):
    assert encode_map(value) == {"M": {name: encode_value(each) for name, each in value.items()}}


@given(FREE)
def test_boto3_reads_what_is_sent_and_what_boto3_writes_is_read(value):
    assert TypeDeserializer().deserialize(encode(value)) == boto3s(value)
    theirs = TypeSerializer().serialize(boto3s(value))
    assert decode(from_json(to_json(theirs))) == as_read(value)


@given(
    st.floats(allow_nan=False, allow_infinity=False).filter(
        lambda x: not x or 1e-130 < abs(x) < 1e126
    )
)
def test_a_floats_text_reads_back_as_this_very_float(value):
    assert float(format_float(value)) == value
    assert Decimal(format_float(value)) == Decimal(repr(value))


@given(st.lists(st.floats(-1e125, 1e125).filter(lambda x: not x or abs(x) > 1e-130), min_size=1))
def test_many_floats_are_spelled_as_each_alone(values):
    assert format_floats(values) == [format_float(each) for each in values]


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_is_exact_or_refused(value):
    try:
        text = encode(value)["N"]
    except ValidationError:
        digits = "".join(map(str, value.as_tuple().digits)).strip("0")
        assert len(digits) > 38 or not -130 <= value.adjusted() <= 125
    else:
        assert Decimal(text) == value
        TypeDeserializer().deserialize({"N": text})  # boto3's context allows no rounding


@pytest.mark.parametrize(
    ("lesser", "greater"),
    [
        ({"N": "9"}, {"N": "10"}),
        ({"N": "-10"}, {"N": "-9"}),
        ({"N": "1"}, {"N": "1.0000000000000000000000000000000000001"}),
        ({"N": "9.99E+125"}, {"N": "9.991E+125"}),
        ({"S": "10"}, {"S": "9"}),
        ({"S": "Z"}, {"S": "a"}),
        ({"S": "a"}, {"S": "a\0"}),
        ({"S": "\uffff"}, {"S": "\U00010000"}),
        ({"S": "\ud800"}, {"S": "\ue000"}),  # no key, and not a reason to break off either
        ({"B": b"a"}, {"B": b"a\0"}),
        ({"B": "/w=="}, {"B": b"\xff\0"}),
        ({"B": b"+"}, {"B": "/w=="}),
    ],
)
def test_key_values_are_ordered_as_dynamodb_orders_them(lesser, greater):
    assert to_sort_key(lesser) < to_sort_key(greater)
    assert not to_sort_key(greater) <= to_sort_key(lesser)


@pytest.mark.parametrize(
    ("one", "other"),
    [({"N": "1.0"}, {"N": "1"}), ({"N": "0.1"}, {"N": "1E-1"}), ({"B": "/w=="}, {"B": b"\xff"})],
)
def test_key_values_that_are_spelled_in_two_ways_are_one(one, other):
    assert to_sort_key(one) == to_sort_key(other)
    assert hash(to_sort_key(one)) == hash(to_sort_key(other))


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_texts_are_ordered_by_their_utf8_bytes(one, other):
    assert (to_sort_key({"S": one}) < to_sort_key({"S": other})) == (one.encode() < other.encode())
