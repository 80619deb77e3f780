"""Hostile data costs no more than its size: it is refused, in a moment, and without much memory."""

from __future__ import annotations

import importlib.util
import time
import tracemalloc
import zlib
from decimal import Decimal
from typing import Any

import pytest

from dynamodb_py import (
    CharField,
    CompressedField,
    DecimalField,
    DictField,
    IntegerField,
    ListField,
    Model,
    SetField,
    TimeDeltaField,
    TimestampField,
    ValidationError,
)
from dynamodb_py.codec import parse_decimal, parse_number, to_json
from dynamodb_py.exceptions import ModelDefinitionError, UnreadableValue

MIB = 1024 * 1024


class Note(Model):
    id = CharField(hash_key=True)
    text = CompressedField(str)
    any = CompressedField()
    small = CompressedField(bytes, max_size=1000)
    whole = IntegerField()
    moment = TimestampField()
    seconds = TimeDeltaField(storage="seconds")
    span = TimeDeltaField()
    doc = DictField()
    many = ListField()
    numbers = SetField(int)
    listed = ListField(IntegerField())


def compress(content: bytes) -> dict[str, Any]:
    return {"B": zlib.compress(content, 9)}


def nest(depth: int, inner: bytes = b'{"N":"1"}') -> bytes:
    return b'{"L":[' * depth + inner + b"]}" * depth


HUGE = [
    "1E999999999",
    "1E9999999",
    "-1E400000",
    "9" * 300_000,
    "1" + "0" * 100_000 + ".5",
    "1E-999999999",
]
NUMBERS: list[tuple[str, Any]] = [
    *[
        (name, wire)
        for text in HUGE
        for name, wire in [
            ("whole", {"N": text}),
            ("moment", {"N": text}),
            ("seconds", {"N": text}),
            ("doc", {"M": {"a": {"N": text}}}),
            ("doc", {"M": {"a": {"L": [{"N": text}]}}}),
            ("doc", {"M": {"a": {"NS": [text]}}}),
            ("many", {"L": [{"N": text}]}),
            ("numbers", {"NS": [text]}),
            ("listed", {"L": [{"N": text}]}),
            ("any", compress(to_json({"N": text}))),
            ("any", compress(to_json({"M": {"a": {"N": text}}}))),
        ]
        # An int reads the last one as 0.
        if text != HUGE[-1] or name not in ("whole", "numbers", "listed")
    ],
    ("span", {"S": f"P{'9' * 300_000}D"}),
    ("any", compress(nest(100_000))),
    ("any", compress(b'{"L":[' * 100_000)),
    ("text", compress(b"a" * (16 * MIB + 1))),
    ("text", compress(b"a" * (390 * MIB))),
    ("any", compress(b'{"S":"' + b"a" * (100 * MIB) + b'"}')),
    ("small", compress(b"a" * 1001)),
]


@pytest.mark.parametrize(
    ("name", "wire"), NUMBERS, ids=[f"{n}-{at}" for at, (n, _) in enumerate(NUMBERS)]
)
def test_a_bomb_is_unreadable_at_once(name, wire):
    note = Note.from_db({"id": {"S": "a"}, name: wire})
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(UnreadableValue):
        getattr(note, name)
    took, (_, most) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 2
    assert most < 64 * MIB
    assert note.id == "a"


@pytest.mark.skipif(
    importlib.util.find_spec("zstandard") is None, reason="the extra zstd is not installed"
)
def test_a_bomb_of_zstd_is_unreadable_too():
    import zstandard

    bomb = zstandard.ZstdCompressor().compress(b"a" * (100 * MIB))
    note = Note.from_db({"id": {"S": "a"}, "text": {"B": bomb}})
    with pytest.raises(UnreadableValue, match="max_size"):
        _ = note.text


@pytest.mark.parametrize("codec", ["zlib", "zstd"])
@pytest.mark.parametrize(("size", "fits"), [(0, True), (999, True), (1000, True), (1001, False)])
def test_what_may_be_written_may_be_read(codec, size, fits):
    if codec == "zstd":
        pytest.importorskip("zstandard")
    field: Any = CompressedField(bytes, codec=codec, max_size=1000)
    if not fits:
        with pytest.raises(
            ValidationError, match=f"{size} bytes before it is compressed, and max_size"
        ):
            field.encode(b"a" * size)
        return
    assert field.decode(field.encode(b"a" * size)) == b"a" * size


@pytest.mark.parametrize("size", [0, -1, True, 1.5, "1", None])
def test_max_size_is_a_number_of_bytes(size):
    with pytest.raises(ModelDefinitionError, match="max_size"):
        type(
            "Test",
            (Model,),
            {"k": CharField(hash_key=True), "x": CompressedField(str, max_size=size)},
        )


@pytest.mark.parametrize("text", [*HUGE, "nan", "inf", "-Infinity", "sNaN", "", "abc", "1E126"])
def test_a_number_is_in_the_range_of_dynamodb(text):
    with pytest.raises(ValueError, match=r"number"):
        parse_decimal(text)


@pytest.mark.parametrize(
    "text",
    ["1E125", "9.9999999999999999999999999999999999999E+125", "1E-130", "0", "-0.0", "0E-200"],
)
def test_every_number_of_dynamodb_is_read(text):
    assert parse_decimal(text) == Decimal(str(parse_number(text)))
    assert DecimalField().decode({"N": text}) == parse_decimal(text)
