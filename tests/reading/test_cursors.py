"""Cursors: exact, URL-safe, of one query, and never taken for what they are not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path as File

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dynamodb_py.exceptions import ConfigurationError, InvalidCursor, QueryError
from dynamodb_py.expressions import And, AttributeType, Compare, In, Not, Or, Path, Size, Value
from dynamodb_py.reading import Mark, Position, decode, encode, hash_query, reversed_plan
from dynamodb_py.reading.cursors import LONGEST

from .fake import INDEX, S, keyed, plan, query, scan

wires = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=20).map(lambda text: {"S": text}),
    st.binary(max_size=20).map(lambda data: {"B": data}),
    st.decimals(allow_nan=False, allow_infinity=False).map(lambda number: {"N": str(number)}),
)
several = st.lists(wires, max_size=4).map(tuple)
runs = st.none() | st.tuples(st.integers(0, 200), st.none() | several)
marks = st.builds(Mark, st.integers(0, 200), st.none() | several, runs)
positions = st.builds(
    Position, st.lists(marks, max_size=4).map(tuple), st.integers(0, 10**6), several, st.booleans()
)
keys = st.none() | st.binary(min_size=1, max_size=100)

HERE = Position((Mark(0, ({"S": "abc"}, {"N": "7"})),))


@given(positions, st.binary(), keys)
def test_a_position_survives_exactly(position, digest, key):
    text = encode(position, digest, key)
    assert re.fullmatch("[A-Za-z0-9_-]+", text)
    assert decode(text, digest, key) == position


@pytest.mark.parametrize(
    "wire",
    [
        {"N": "-1.2345678901234567890123456789012345678E-100"},
        {"N": "0"},
        {"N": "100000000000000000000000000000000000000"},
        {"S": "ключ \N{GRINNING FACE}\0 +/=?&"},
        {"S": "x" * 1024},
        {"B": bytes(range(256))},
    ],
    ids=["a small number", "zero", "38 digits", "text", "long text", "every byte"],
)
def test_keys_survive_as_they_are_spelled(wire):
    position = Position((Mark(2, (wire,)),))
    assert decode(encode(position, b"q"), b"q").lanes[0].after == (wire,)


def test_bytes_in_base64_are_the_same_bytes():
    given_, read = Position((Mark(0, ({"B": "AP8="},)),)), Position((Mark(0, ({"B": b"\0\xff"},)),))
    assert decode(encode(given_, b"q"), b"q") == read


def test_the_direction_survives():
    assert decode(encode(HERE, b"q", backward=True), b"q") == replace(HERE, backward=True)
    assert decode(encode(replace(HERE, backward=True), b"q"), b"q").backward
    assert not decode(encode(replace(HERE, backward=True), b"q", backward=False), b"q").backward


def test_a_cursor_of_an_ordinary_query_is_short():
    assert len(encode(HERE, b"q")) < 100


TEXT = encode(HERE, b"q")
SIGNED = encode(HERE, b"q", b"secret")


@pytest.mark.parametrize(
    ("text", "digest", "key", "reason"),
    [
        (TEXT, b"other", None, "it was made for another query"),
        (SIGNED, b"other", b"secret", "it was made for another query"),
        (TEXT, b"q", b"secret", "it is not signed"),
        (SIGNED, b"q", None, "it is signed, and this connection has no cursor_key"),
        (SIGNED, b"q", b"wrong", "altered, or signed with another key"),
        ("", b"q", None, "cut short"),
        (TEXT[:20], b"q", None, "cut short"),
        (TEXT[:-1], b"q", None, "cut short"),
        (TEXT[:-4], b"q", None, "cut short"),
        (SIGNED[:-4], b"q", b"secret", "cut short"),
        (TEXT + "AAAA", b"q", None, "text was appended to it"),
        (TEXT + "=", b"q", None, "characters that no cursor has"),
        (TEXT + "\n", b"q", None, "characters that no cursor has"),
        (" " + TEXT, b"q", None, "characters that no cursor has"),
        ("é" * 60, b"q", None, "characters that no cursor has"),
        ("\ud800" * 60, b"q", None, "characters that no cursor has"),
        ("B" + TEXT[1:], b"q", None, "another version"),
        ("AQI" + TEXT[3:], b"q", None, "another version"),
        (TEXT[:40] + ("A" if TEXT[40] != "A" else "B") + TEXT[41:], b"q", None, "it was altered"),
        ("A" * (LONGEST + 1), b"q", None, "the maximum is"),
        (None, b"q", None, "it is a NoneType, and a cursor is a text"),
        (b"abc", b"q", None, "it is a bytes, and a cursor is a text"),
        (12, b"q", None, "it is a int, and a cursor is a text"),
    ],
)
def test_the_message_says_what_is_wrong(text, digest, key, reason):
    with pytest.raises(InvalidCursor, match=reason) as raised:
        decode(text, digest, key)
    assert "begin again without it" in str(raised.value)


@given(st.text(), keys)
def test_random_text_is_an_invalid_cursor(text, key):
    with pytest.raises(InvalidCursor):
        decode(text, b"q", key)


@given(st.text("ABCabc019-_", min_size=50, max_size=200), keys)
def test_text_of_the_right_letters_is_an_invalid_cursor(text, key):
    with pytest.raises(InvalidCursor):
        decode("AQ" + text, b"q", key)


@given(positions, keys, st.data())
def test_a_cut_is_found(position, key, data):
    text = encode(position, b"q", key)
    low = data.draw(st.integers(0, len(text)))
    high = data.draw(st.integers(low, len(text)))
    if low == high:
        return
    with pytest.raises(InvalidCursor):
        decode(text[:low] + text[high:], b"q", key)


@given(positions, keys, st.data())
def test_an_altered_letter_is_found(position, key, data):
    text = encode(position, b"q", key)
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(
        st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0189-_")
    )
    if letter == text[at]:
        return
    with pytest.raises(InvalidCursor):
        decode(text[:at] + letter + text[at + 1 :], b"q", key)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        b"\x93\x90\x00\x90" * 100,
        b"\x91\x91\x93\x00\x91\xa1a\xc0\xc0",
        b"\x91\x91\x92\x00\x91\x91\xa3abc",
        b"\x91\x91\x92\x00\x91\x81\xa1S\xc4\x01a",
        b"\x91\x91\x92\x00\x91\x92\xa11\xa11",
        b"\x91\x91\x92\x00\xa1a",
        b"\x80",
        b"\x91\x91\x92\xa1a\xc0",
        b"\x91" * 100_000,
    ],
)
def test_a_forged_body_is_an_invalid_cursor(body):
    # Anyone can make up a checksum where there is no key.
    from binascii import b2a_base64

    from dynamodb_py.reading import cursors

    data = bytes((1, 0)) + cursors._blake2b(b"q", 16) + len(body).to_bytes(4, "big") + body
    data += cursors._check(data, None)
    text = b2a_base64(data, newline=False).translate(cursors._URL_SAFE).rstrip(b"=").decode()
    with pytest.raises(InvalidCursor, match=r"not made by dynamodb_py|more than"):
        decode(text, b"q")


def test_a_position_too_long_for_a_cursor_is_refused():
    mark = Mark(0, ({"S": "x" * 2000}, {"S": "y" * 1000}))
    with pytest.raises(QueryError, match="split it into several queries"):
        encode(Position((mark,) * 400), b"q")


def test_an_empty_key_signs_nothing():
    for ask in (lambda: encode(HERE, b"q", b""), lambda: decode(SIGNED, b"q", b"")):
        with pytest.raises(ConfigurationError, match="cursor_key is empty"):
            ask()


def test_keys_of_any_length_sign_differently():
    texts = {encode(HERE, b"q", b"k" * size) for size in (1, 63, 64, 65, 128, 1000)}
    assert len(texts) == 6


# -- what a cursor belongs to ----------------------------------------------------------------------


def equals(name, wire):
    return Compare(Path((name,)), "=", Value(wire))


A = plan(query("a"), condition=equals("h", {"S": "a"}))
CONDITIONS = [
    equals("h", {"S": "a"}),
    equals("h", {"S": "b"}),
    equals("h", {"B": b"a"}),
    equals("h", {"N": "1"}),
    equals("g", {"S": "a"}),
    Compare(Path(("h",)), "<", Value({"S": "a"})),
    Compare(Path(("h", "a")), "=", Value({"S": "a"})),
    Compare(Path(("h", 0)), "=", Value({"S": "a"})),
    Compare(Path(("h", "0")), "=", Value({"S": "a"})),
    Compare(Size(Path(("h",))), "=", Value({"S": "a"})),
    Compare(Path(("h",)), "=", Path(("a",))),
    AttributeType(Path(("h",)), "S"),
    AttributeType(Path(("h",)), "N"),
    Not(equals("h", {"S": "a"})),
    And((equals("h", {"S": "a"}), equals("g", {"S": "a"}))),
    Or((equals("h", {"S": "a"}), equals("g", {"S": "a"}))),
    And((equals("h", {"S": "a"}), Or((equals("f", {"S": "b"}), equals("g", {"S": "c"}))))),
    Or((And((equals("h", {"S": "a"}), equals("f", {"S": "b"}))), equals("g", {"S": "c"}))),
    In(Path(("h",)), (Value({"S": "a"}), Value({"S": "b"}))),
    In(Path(("h",)), (Value({"S": "b"}), Value({"S": "a"}))),
]
PLANS = [
    A,
    *(replace(A, condition=condition) for condition in CONDITIONS[1:]),
    replace(A, table="other"),
    plan(query("a", index=INDEX), condition=A.condition),
    replace(A, order=()),
    replace(A, order=(S,)),
    reversed_plan(A),
    plan(query("a"), query("a"), condition=A.condition),
    plan(query("a"), query("a"), condition=A.condition, distinct=True),
    plan(scan(0, 1), condition=A.condition),
    plan(scan(0, 2), scan(1, 2), condition=A.condition),
    keyed([("a", 1)], condition=A.condition),
]


def test_different_queries_have_different_digests():
    digests = [hash_query(each) for each in PLANS]
    assert len(set(digests)) == len(PLANS)


def test_what_is_read_of_items_and_how_many_does_not_count():
    digest = hash_query(A)
    for other in [
        replace(A, limit=5),
        replace(A, held=frozenset("h")),
        plan(query("a", limit=7), condition=A.condition),
        replace(A, full=True),
        replace(A, consistent=True),
    ]:
        assert hash_query(other) == digest


def test_the_order_within_a_set_does_not_count():
    one, other = (
        replace(A, condition=equals("h", {"M": {"a": {"L": [{"SS": each}]}, "b": {"N": "1"}}}))
        for each in (["x", "y"], ["y", "x"])
    )
    assert hash_query(one) == hash_query(other)


def test_the_deepest_condition_has_a_digest():
    condition = equals("h", {"S": "a"})
    for _ in range(5000):
        condition = Not(condition)
    assert len(hash_query(replace(A, condition=condition))) == 16


def test_the_digest_is_the_same_in_every_process():
    script = (
        "from tests.reading.test_cursors import PLANS, hash_query, encode, HERE;"
        "print([hash_query(each).hex() for each in PLANS], encode(HERE, b'q', b'k'))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=File(__file__).parents[2],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    here = [hash_query(each).hex() for each in PLANS]
    assert outputs == {f"{here} {encode(HERE, b'q', b'k')}"}


@pytest.mark.parametrize(
    "text",
    [
        "nan",
        "inf",
        "-Infinity",
        "1_0",
        "\u0661\u0662",
        "1e999999999",
        "1E-999999999",
        " 1",
        "1 ",
        "",
        "+1",
        "0x1",
        "9" * 300,
    ],
)
def test_a_forged_number_is_refused_before_anything_is_sent(text):
    for position in (
        Position((Mark(0, ({"N": text},), None),), 0, ()),
        Position((Mark(0, None, (1, ({"N": text},))),), 0, ()),
        Position((), 0, ({"N": text},)),
    ):
        with pytest.raises(InvalidCursor, match="was not made by dynamodb_py"):
            decode(encode(position, b"the query"), b"the query")
