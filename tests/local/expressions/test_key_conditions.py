from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py.local.database.keys import encode_key
from dynamodb_py.local.database.tables import Keyed, KeyPart
from dynamodb_py.local.database.values import to_comparable
from dynamodb_py.local.expressions.key_conditions import (
    KeyCondition,
    KeyTest,
    make_range,
    parse_key_condition,
)
from dynamodb_py.local.expressions.placeholders import Placeholders

from .parsing import read_key, refusal


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("k = :s", b"", None),
        ("k = :s AND r = :a", b"a", b"a\x00"),
        ("r = :a and k = :s", b"a", b"a\x00"),
        ("((r = :a) AND (k = :s))", b"a", b"a\x00"),
        ("#k = :s AND #r < :a", b"", b"a"),
        ("k = :s AND r <= :a", b"", b"a\x00"),
        ("k = :s AND r > :a", b"a\x00", None),
        ("k = :s AND r >= :a", b"a", None),
        (":s = k AND :a < r", b"a\x00", None),
        ("k = :s AND :a >= r", b"", b"a\x00"),
        ("k = :s AND r BETWEEN :a AND :z", b"a", b"z\x00"),
        ("k = :s AND begins_with(r, :a)", b"a", b"b"),
    ],
)
def test_a_key_condition_is_a_range_of_keys(text, low, high):
    assert read_key(text) == KeyCondition(b"h", low, high)


OPERATOR = "Invalid operator used in KeyConditionExpression: "
CONDITION = "Invalid condition in KeyConditionExpression: "
NESTED = "KeyConditionExpressions cannot have conditions on nested attributes"
TYPE = (
    "One or more parameter values were invalid: Condition parameter type does not match schema type"
)
EMPTY = (
    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
    "contain an empty string value. Key: "
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Invalid KeyConditionExpression: The expression can not be empty;"),
        ("k", 'Invalid KeyConditionExpression: Syntax error; token: "<EOF>", near: "k"'),
        (
            "k = :s AND r != :a",
            'Invalid KeyConditionExpression: Syntax error; token: "!", near: "r !="',
        ),
        (
            "k = :s AND dog(r)",
            "Invalid KeyConditionExpression: Invalid function name; function: dog",
        ),
        (
            "k = :s AND ((r = :a))",
            "Invalid KeyConditionExpression: The expression has redundant parentheses;",
        ),
        (
            "k = :s AND begins_with(r, :n)",
            "Invalid KeyConditionExpression: Incorrect operand type for operator or function; "
            "operator or function: begins_with, operand type: N",
        ),
        ("k = :s AND r <> :a", f"{OPERATOR}<>"),
        ("k = :s AND r IN (:a)", f"{OPERATOR}IN"),
        ("k = :s OR r = :a", f"{OPERATOR}OR"),
        ("NOT k = :s", f"{OPERATOR}NOT"),
        ("k = :s AND contains(r, :a)", f"{OPERATOR}contains"),
        ("attribute_exists(k)", f"{OPERATOR}attribute_exists"),
        ("attribute_not_exists(k)", f"{OPERATOR}attribute_not_exists"),
        ("attribute_type(k, :S)", f"{OPERATOR}attribute_type"),
        (
            "k = :s AND begins_with(:a, r)",
            f"{CONDITION}begins_with operator must have the key attribute as its first operand",
        ),
        (
            "k = :s AND :a BETWEEN r AND :z",
            f"{CONDITION}BETWEEN operator must have the key attribute as its first operand",
        ),
        ("k = :s AND size(r) = :n", "KeyConditionExpressions cannot contain nested operations"),
        ("k = r", f"{CONDITION}Multiple attribute names used in one condition"),
        (":s = :a", f"{CONDITION}No key attribute specified"),
        ("k = :s AND r.x = :a", NESTED),
        ("k[0] = :s", NESTED),
        (
            "k = :s AND r > :a AND r < :z",
            "KeyConditionExpressions must only contain one condition per key",
        ),
        ("k = :s AND r = :a AND q = :z", "Conditions can be of length 1 or 2 only"),
        ("k = :s AND q = :a", "Query condition missed key schema element: r"),
        ("r = :s", "Query condition missed key schema element: k"),
        ("k > :s", "Query key condition not supported"),
        ("begins_with(k, :s)", "Query key condition not supported"),
        ("k = :n", TYPE),
        ("k = :s AND r = :n", TYPE),
        ("k = :empty", f"{EMPTY}k"),
        ("k = :s AND r >= :empty", f"{EMPTY}r"),
    ],
)
def test_a_wrong_key_condition_is_refused_with_the_message_of_the_service(text, message):
    assert refusal(read_key, text) == message


@pytest.mark.parametrize(
    ("name", "length", "message"),
    [
        ("k", 2049, "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
        ("r", 1025, "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"),
    ],
)
def test_keys_that_no_item_can_have_are_refused(name, length, message):
    def read(size):
        values = {":k": {"S": "h"}, ":r": {"S": "h"}, f":{name}": {"S": "x" * size}}
        keyed = Keyed([KeyPart("k", "S")], [KeyPart("r", "S")])
        return parse_key_condition("k = :k AND r > :r", Placeholders(None, values), keyed)

    assert read(length - 1)
    assert message in refusal(read, length)


MANY = Keyed(
    [KeyPart("h1", "S"), KeyPart("h2", "N")],
    [KeyPart("r1", "S"), KeyPart("r2", "N"), KeyPart("r3", "B")],
)
HASHES = {"h1": KeyTest("=", ({"S": "x"},)), "h2": KeyTest("=", ({"N": "1"},))}


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        ({"h2": None}, "Query condition missed key schema element: h2"),
        ({"r2": KeyTest("=", ({"N": "1"},))}, "Query condition missed key schema element: r1"),
        (
            {"r1": KeyTest("<", ({"S": "1"},)), "r2": KeyTest("=", ({"N": "1"},))},
            "Query key condition not supported",
        ),
        ({"h2": KeyTest("<", ({"N": "1"},))}, "Query key condition not supported"),
    ],
)
def test_a_key_of_many_attributes_is_given_from_the_left(tests, message):
    whole = {name: test for name, test in {**HASHES, **tests}.items() if test is not None}
    assert refusal(make_range, whole, MANY) == message


def test_attributes_beyond_the_key_are_refused():
    keyed = Keyed([KeyPart("k", "S")], [])
    test = KeyTest("=", ({"S": "x"},))
    found = refusal(make_range, {"k": test, "q": test}, keyed)
    assert found == "Query key condition not supported"


texts = st.text(st.sampled_from("\x00\x01aÿ\U0010ffff"), min_size=1, max_size=3)
parts = st.tuples(
    texts.map(lambda text: {"S": text}),
    st.sampled_from(["-10", "-1.5", "-1", "0", "0.001", "1", "1.5", "10", "2"]).map(
        lambda text: {"N": text}
    ),
    st.lists(st.sampled_from([0, 1, 2, 255]), min_size=1, max_size=3).map(
        lambda each: {"B": b64encode(bytes(each)).decode()}
    ),
)
SIGNS = {
    "=": lambda value, first, last: value == first,
    "<": lambda value, first, last: value < first,
    "<=": lambda value, first, last: value <= first,
    ">": lambda value, first, last: value > first,
    ">=": lambda value, first, last: value >= first,
    "BETWEEN": lambda value, first, last: first <= value <= last,
    "begins_with": lambda value, first, last: value[: len(first)] == first,
}


@given(
    st.lists(parts, min_size=1, max_size=6),
    st.integers(1, 3),
    st.sampled_from(sorted(SIGNS)),
    parts,
    st.booleans(),
)
def test_the_range_has_just_the_keys_that_fulfil_the_tests(keys, count, sign, other, near):
    if count == 2 and sign == "begins_with":
        sign = "="
    target = keys[0] if near else other
    position = count - 1
    bounds = sorted([target[position], other[position]], key=to_comparable)
    values = tuple(bounds) if sign == "BETWEEN" else (target[position],)
    tests = dict(HASHES)
    for part, value in zip(MANY.range_parts[:position], target, strict=False):
        tests[part.name] = KeyTest("=", (value,))
    tests[MANY.range_parts[position].name] = KeyTest(sign, values)
    found = make_range(tests, MANY)
    assert found.hashed == encode_key([{"S": "x"}, {"N": "1"}])
    for key in keys:
        encoded = encode_key(key)
        within = found.low <= encoded and (found.high is None or encoded < found.high)
        wanted = key[:position] == target[:position] and SIGNS[sign](
            to_comparable(key[position]), to_comparable(values[0]), to_comparable(values[-1])
        )
        assert within == wanted


@given(texts, texts, st.sampled_from(sorted(SIGNS)))
def test_the_range_of_a_key_of_one_attribute_has_just_the_keys_that_fulfil_it(key, value, sign):
    keyed = Keyed([KeyPart("k", "S")], [KeyPart("r", "S")])
    tests = {"k": KeyTest("=", ({"S": "x"},)), "r": KeyTest(sign, ({"S": value},))}
    found = make_range(tests, keyed)
    encoded = key.encode()
    within = found.low <= encoded and (found.high is None or encoded < found.high)
    assert within == SIGNS[sign](key, value, value)
