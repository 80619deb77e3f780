"""The compiled writer of new records: it stores and refuses what the loop over the fields does."""

from __future__ import annotations

import copy
import datetime as dt
import sys
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    BooleanField,
    CharField,
    DateTimeField,
    DecimalField,
    DictField,
    FloatField,
    GlobalIndex,
    IntegerField,
    ListField,
    Model,
    SetField,
    UUIDField,
)
from dynamodb_py.codec import format_decimal, format_float
from dynamodb_py.models.fields.times.moments import spell_moment
from dynamodb_py.models.records.encoding import compile_writer, encode_fields, encode_in_turn

from ...test_codec import FREE
from ..fields.extremes import MOMENTS, PAST_THE_ENDS, ROWS, nest

OPTIONS: list[dict[str, Any]] = [{}, {"required": True}, {"null": True}]
ANYTHING = [
    *(None, True, 0, 7, -(10**40), 0.5, -0.0, 1e300, float("nan"), "", "a", "\ud800", b"", b"a"),
    *(Decimal("1.50"), Decimal("NaN"), dt.date.max, dt.datetime(2026, 1, 1), uuid.UUID(int=1)),
    *([], {}, set(), [None], ["a", 1], {"a": [1]}, {"a"}, {"a", 1}, nest(31), nest(32), object()),
    type("Text", (str,), {})("a"),
    type("Int", (int,), {})(1),
    type("Float", (float,), {})(0.5),
    *MOMENTS,
    *PAST_THE_ENDS,
]


def compare(record: Any, *, validate: bool = True) -> None:
    """Check that both ways of encoding *record* give the same attributes, in one order, and the same errors."""
    fields, other = record._fieldset, copy.copy(record)
    write = fields._writer or compile_writer(fields)
    outcomes = []
    for encode, each in ((write, record), (encode_in_turn, other)):
        errors: dict[str, list[str]] = {}
        wires = encode(each, each.__dict__, errors, True, validate)
        outcomes.append((repr(wires), errors))
    assert outcomes[0] == outcomes[1]


def make_models(name: str) -> list[Any]:
    """Return models with a field of the row *name*, with several options, and as a key where it can be one."""
    row, models = ROWS[name], []
    for options in OPTIONS:
        try:
            models.append(_make(row.make(**options)))
        except TypeError:
            continue  # it has the option already
    if row.key:
        models.append(_make(row.make(range_key=True)))
        models.append(_make(row.make(), indexes=[GlobalIndex("index", hash_key="f")]))
    return models


def _make(field: Any, **options: Any) -> Any:
    meta = type("Meta", (), options)
    return type("Test", (Model,), {"k": CharField(hash_key=True), "f": field, "Meta": meta})


NO_STAMPS = [name for name in ROWS if "auto_now" not in name and name != "timestamp after"]


@pytest.mark.parametrize("name", NO_STAMPS)
def test_the_compiled_writer_stores_and_refuses_what_the_loop_does(name):
    for Test in make_models(name):
        for value in [*ROWS[name].kept, *ROWS[name].refused, *ANYTHING]:
            compare(Test(k="a", f=value))
            compare(Test(k="a", f=value), validate=False)
        compare(Test(k="a"))


class Parcel(Model):
    class Meta:
        indexes = (GlobalIndex("index", hash_key="town", range_key="weight"),)

    code = CharField(hash_key=True)
    at = DateTimeField(range_key=True)
    town = CharField()
    weight = DecimalField(default=Decimal("1.50"))
    cost = FloatField(default=0.5)
    sent = BooleanField(required=True)
    size = IntegerField(min_value=0)
    kind = CharField(choices=["a", "b"], default="a")
    tags = SetField(str)
    marks = ListField(float)
    notes = ListField(CharField(null=True))
    more = DictField()
    owner = UUIDField()
    mail = CharField(lower=True)


VALUES = st.one_of(
    st.sampled_from(ANYTHING),
    st.text(max_size=5),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.lists(st.one_of(st.none(), st.floats(), st.integers(), st.text(max_size=3)), max_size=4),
    FREE,
)


@given(st.dictionaries(st.sampled_from(list(Parcel._fieldset.by_name)), VALUES))
def test_any_values_of_any_fields_are_encoded_as_by_the_loop(values):
    compare(Parcel(**values))


@pytest.mark.parametrize("size", [1, 255, 256, 257, 1023, 1024, 1025, 2047, 2048, 2049])
@pytest.mark.parametrize("letter", ["a", "é", "\U00010000"])
def test_the_length_of_a_key_is_checked_in_bytes(size, letter):
    compare(Parcel(code=letter * size, at=MOMENTS[0], sent=True, town=letter * size))


def test_a_field_that_a_subclass_did_not_set_has_its_default():
    class Bare(Parcel):
        def __init__(self) -> None:
            self.code, self.sent = "a", True

    compare(Bare())


def test_own_fields_store_by_their_own_methods():
    class Upper(CharField[Any]):
        def to_db(self, value: Any, /) -> Any:
            return super().to_db(value).upper()

    class Loud(CharField[Any]):
        def to_wire(self, value: Any, depth: int = 0, /) -> Any:
            return {"S": f"{value}!"}

    class Picky(CharField[Any]):
        def find_key_problem(self, wire: Any, /) -> str | None:
            return "no" if wire["S"] == "b" else None

    class Test(Model):
        k = Picky(hash_key=True)
        upper = Upper()
        loud = Loud()
        several = ListField(Upper())

    for key in ("a", "b", ""):
        compare(Test(k=key, upper="x", loud="y", several=["x"]))
    test = Test(k="a", upper="x", loud="y", several=["x"])
    wires = compile_writer(Test._fieldset)(test, test.__dict__, {}, True, True)
    assert (wires["upper"], wires["loud"]) == ({"S": "X"}, {"S": "y!"})
    assert wires["several"] == {"L": [{"S": "X"}]}


def test_plain_values_are_written_without_a_call_for_each():
    class Plain(Model):
        k = CharField(hash_key=True)
        n = IntegerField(range_key=True)
        text = CharField()
        done = BooleanField()

    record, calls = Plain(k="a", n=1, text="b", done=True), []
    for _ in range(30):
        encode_fields(record, adding=True)
    sys.setprofile(lambda frame, event, _: calls.append(frame.f_code) if event == "call" else None)
    try:
        encode_fields(record, adding=True)
    finally:
        sys.setprofile(None)
    assert [code.co_name for code in calls] == ["encode_fields", "write", "_complete"]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_text_of_a_float_is_the_shortest_that_reads_back(number):
    try:
        expected = format_decimal(Decimal(repr(number)))
    except Exception as error:
        with pytest.raises(type(error)):
            format_float(number)
    else:
        assert format_float(number) == expected


@given(st.datetimes(timezones=st.just(dt.timezone.utc)))
def test_a_moment_is_spelled_as_isoformat_does(moment):
    assert spell_moment(moment) == moment.isoformat("T", "microseconds")
    whole = moment.replace(microsecond=0)
    assert spell_moment(whole) == whole.isoformat("T", "microseconds")
