"""The fields for other mappers: what they store, read and refuse."""

from __future__ import annotations

import decimal
import json
import subprocess
import sys
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    DictField,
    ListField,
    Model,
    ModelDefinitionError,
    QueryError,
    SetField,
    TimestampField,
    UnreadableValue,
    ValidationError,
    compat,
)
from dynamodb_py.compat import bloop, dynamoid, flywheel, pynamodb
from dynamodb_py.models.persistence.stored import encode_item, stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write

from ..models.wire import ids, model_of, read_by, stored_by

UTC = timezone.utc
MOMENT = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)
DAY = date(2026, 11, 1)

BOTH_WAYS = [
    (pynamodb.UTCDateTimeField(), MOMENT, {"S": "2026-11-01T12:30:00.000000+0000"}),
    (pynamodb.JSONField(), {"b": [1, 1.5, None], "a": "é"}, {"S": '{"b": [1, 1.5, null], "a": "\\u00e9"}'}),
    (pynamodb.JSONField(), "text", {"S": '"text"'}),
    (pynamodb.JSONField(), False, {"S": "false"}),
    (pynamodb.JSONField(), 10**40, {"S": f"{10**40}"}),
    (pynamodb.LegacyBinaryField(), b"raw", {"B": b"cmF3"}),
    (pynamodb.LegacyBinaryField(), b"", {"B": b""}),
    (SetField(pynamodb.LegacyBinaryField()), {b"raw"}, {"BS": [b"cmF3"]}),
    (ListField(pynamodb.LegacyBinaryField()), [b"raw"], {"L": [{"B": b"cmF3"}]}),
    (pynamodb.LegacyBooleanField(), True, {"N": "1"}),
    (pynamodb.LegacyBooleanField(), False, {"N": "0"}),
    (bloop.DateTimeField(), MOMENT, {"S": "2026-11-01T12:30:00.000000+00:00"}),
    (bloop.TimestampField(), MOMENT, {"N": "1793536200"}),
    (bloop.BinaryField(), b"raw", {"B": b"cmF3"}),
    (flywheel.DateTimeField(), MOMENT.replace(microsecond=5), {"N": "1793536200.000005"}),
    (flywheel.DateField(), DAY, {"N": "1793491200"}),
    (flywheel.DateField(), date.min, {"N": "-62135596800"}),
    (flywheel.DateField(), date.max, {"N": "253402214400"}),
    (flywheel.FloatField(), 99.99, {"N": "99.989999999999994884092302527278661728"}),
    (flywheel.FloatField(), 0.5, {"N": "0.5"}),
    (flywheel.FloatField(), 1e125, {"N": "9.9999999999999992486776161899288204254E+124"}),
    (flywheel.LegacyBooleanField(), True, {"N": "1"}),
    (flywheel.JSONField(), [1], {"S": "[1]"}),
    (dynamoid.DateTimeField(), MOMENT, {"N": "1793536200"}),
    (dynamoid.TextDateTimeField(), MOMENT, {"S": "2026-11-01T12:30:00+00:00"}),
    (dynamoid.DateField(), DAY, {"N": "20758"}),
    (dynamoid.DateField(), date(1969, 12, 31), {"N": "-1"}),
    (dynamoid.BooleanField(), True, {"S": "t"}),
    (dynamoid.BooleanField(), False, {"S": "f"}),
    (dynamoid.BinaryField(), b"\x00\xff", {"S": "AP8="}),
    (dynamoid.JSONField(), {"a": [1, 2]}, {"S": '{"a":[1,2]}'}),
    (DictField(dynamoid.BooleanField()), {"a": True}, {"M": {"a": {"S": "t"}}}),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "wire"), BOTH_WAYS, ids=ids(BOTH_WAYS))
@pytest.mark.parametrize("precision", [1, 28])
def test_a_value_is_stored_as_the_other_mapper_stores_it_and_reads_back(
    field, value, wire, precision
):
    with decimal.localcontext() as context:
        context.prec = precision
        stored = stored_by(field, value)
        if field.kind == "N":
            assert Decimal(stored["N"]) == Decimal(wire["N"])
        else:
            assert stored == wire
        test = model_of(field, n=CharField())
        loaded = test.from_db(encode_item(test(k="a", x=value)))
        assert (loaded.x, type(loaded.x)) == (value, type(value))
        loaded.n = "b"
        assert list(changes_to_write(loaded, stored_wires(loaded), validate=True)) == ["n"]


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False)
)
JSON = st.recursive(SCALARS, lambda x: st.lists(x) | st.dictionaries(st.text(), x), max_leaves=8)


@given(value=JSON)
def test_json_is_what_python_and_ruby_write(value):
    for field, separators in ((pynamodb.JSONField(), None), (dynamoid.JSONField(), (",", ":"))):
        if value is None:
            continue
        wire = field.encode(value)
        assert wire == {"S": json.dumps(value, separators=separators)}
        assert field.decode(wire) == value


REFUSED: list[tuple[Any, Any, str]] = [
    (pynamodb.JSONField(), (1, 2), "would read back from JSON as [1, 2]"),
    (pynamodb.JSONField(), {1: "a"}, "would read back from JSON as {'1': 'a'}"),
    (pynamodb.JSONField(), float("nan"), "cannot be stored as JSON"),
    (pynamodb.JSONField(), [float("inf")], "cannot be stored as JSON"),
    (pynamodb.JSONField(), Decimal("1.5"), "cannot be stored as JSON"),
    (pynamodb.JSONField(), {"a": {1}}, "cannot be stored as JSON"),
    (pynamodb.JSONField(), b"x", "cannot be stored as JSON"),
    (pynamodb.LegacyBinaryField(), "text", "is a str, not bytes: encode text first"),
    (dynamoid.BinaryField(), 5, "is an int, not bytes"),
    (pynamodb.LegacyBooleanField(), 1, "is an int, not a bool"),
    (dynamoid.BooleanField(), "t", "is a str, not a bool"),
    (bloop.TimestampField(), MOMENT.replace(microsecond=1), "has a fraction of a second"),
    (bloop.TimestampField(), 5, "is an int, not a datetime"),
    (flywheel.DateField(), MOMENT, "is a datetime, not a date"),
    (flywheel.FloatField(), float("nan"), "NaN is not a number"),
    (flywheel.FloatField(), True, "is a bool, not a float"),
    (dynamoid.DateField(), 17434, "is an int, not a date"),
    (dynamoid.TextDateTimeField(), MOMENT.replace(microsecond=1), "the microsecond 1"),
]


@pytest.mark.parametrize(("field", "value", "problem"), REFUSED, ids=ids(REFUSED))
def test_what_would_not_read_back_the_same_is_refused(field, value, problem):
    with pytest.raises(ValidationError) as caught:
        stored_by(field, value)
    assert problem in caught.value.errors["x"][0]


def test_json_nested_beyond_all_measure_is_refused():
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValidationError):
        stored_by(pynamodb.JSONField(), value)
    with pytest.raises(UnreadableValue):
        read_by(pynamodb.JSONField(), {"S": "[" * 100_000 + "]" * 100_000})


UNREADABLE = [
    (pynamodb.JSONField(), {"S": "{'a': 1}"}),
    (pynamodb.JSONField(), {"S": "NaN"}),
    (pynamodb.JSONField(), {"M": {}}),
    (pynamodb.LegacyBinaryField(), {"B": b"\x00\xff"}),
    (pynamodb.LegacyBinaryField(), {"B": b"cmF"}),
    (dynamoid.BinaryField(), {"S": "not base64"}),
    (dynamoid.BinaryField(), {"S": "é"}),
    (pynamodb.LegacyBooleanField(), {"N": "2"}),
    (pynamodb.LegacyBooleanField(), {"S": "1"}),
    (dynamoid.BooleanField(), {"S": "true"}),
    (flywheel.DateField(), {"N": "1793491201"}),
    (flywheel.DateField(), {"N": "1E+40"}),
    (flywheel.DateField(), {"S": "2026-11-01"}),
    (dynamoid.DateField(), {"N": "1.5"}),
]


@pytest.mark.parametrize(("field", "wire"), UNREADABLE, ids=ids(UNREADABLE))
def test_what_is_no_such_value_is_unreadable_and_stays(field, wire):
    test = model_of(field, n=CharField())
    loaded = test.from_db({"k": {"S": "a"}, "x": wire})
    with pytest.raises(UnreadableValue):
        _ = loaded.x
    loaded.n = "b"
    assert list(changes_to_write(loaded, stored_wires(loaded), validate=True)) == ["n"]


SPELLED_OTHERWISE: list[tuple[Any, Any, Any]] = [
    (pynamodb.JSONField(), {"S": '{"a":1 ,"b":"é\n"}'}, {"a": 1, "b": "é\n"}),
    (pynamodb.JSONField(), {"S": "null"}, None),
    (dynamoid.JSONField(), {"S": '{"a": 1}'}, {"a": 1}),
    (pynamodb.LegacyBooleanField(), {"BOOL": True}, True),
    (pynamodb.LegacyBooleanField(), {"N": "1.0"}, True),
    (dynamoid.BooleanField(), {"BOOL": False}, False),
    (flywheel.FloatField(), {"N": "99.99"}, 99.99),
    (flywheel.DateField(), {"N": "1.7934912E+9"}, DAY),
    (bloop.TimestampField(), {"N": "1793536200.5"}, MOMENT.replace(microsecond=500_000)),
    (dynamoid.DateTimeField(), {"N": "1793536200.123456789"}, MOMENT.replace(microsecond=123_457)),
]


@pytest.mark.parametrize(("field", "wire", "value"), SPELLED_OTHERWISE, ids=ids(SPELLED_OTHERWISE))
def test_what_is_spelled_otherwise_is_read_and_stays_as_it_is(field, wire, value):
    test = model_of(field, n=CharField())
    loaded = test.from_db({"k": {"S": "a"}, "x": wire})
    assert loaded.x == value
    loaded.n = "b"
    assert list(changes_to_write(loaded, stored_wires(loaded), validate=True)) == ["n"]


def test_a_change_inside_json_is_saved():
    test = model_of(pynamodb.JSONField())
    loaded = test.from_db({"k": {"S": "a"}, "x": {"S": '{"a":1}'}})
    loaded.x["a"] = True
    changes = changes_to_write(loaded, stored_wires(loaded), validate=True)
    assert changes == {"x": {"S": '{"a": true}'}}


def test_a_moment_in_whole_seconds_sets_itself_to_one():
    for options in ({"auto_now": True}, {"auto_now_add": True}, {"after": timedelta(days=1)}):
        new = model_of(bloop.TimestampField(**options))(k="a")
        encode_item(new)
        assert new.x.microsecond == 0


@pytest.mark.parametrize(
    "field", [flywheel.DateField, dynamoid.DateField], ids=["flywheel", "dynamoid"]
)
def test_a_date_that_is_a_number_has_no_format(field):
    with pytest.raises(ModelDefinitionError, match="it is stored as a number: drop it"):
        model_of(field(format="%Y-%m-%d"))


# What does not sort is tested with all other fields, in tests/models/queryset/test_order.py.
UNSORTED = [pynamodb.JSONField, pynamodb.LegacyBinaryField, dynamoid.BinaryField]


@pytest.mark.parametrize("kind", UNSORTED)
def test_text_and_bytes_that_do_not_sort_can_be_keys_and_are_not_ordered(kind):
    class Item(Model):
        k = CharField(hash_key=True)
        x = kind(range_key=True)

    low, high = ("a", "b") if kind is pynamodb.JSONField else (b"a", b"b")
    assert Item.objects.filter(k="a", x=low).explain()
    with pytest.raises(QueryError, match="sort"):
        Item.x.between(low, high)
    with pytest.raises(QueryError, match="sort"):
        Item.objects.filter(k="a").order_by("x")


FOR_THE_CHECKERS = [
    (pynamodb.UTCDateTimeField, DateTimeField),
    (dynamoid.TextDateTimeField, DateTimeField),
    (bloop.TimestampField, TimestampField),
    (flywheel.DateField, DateField),
    (dynamoid.DateField, DateField),
    (dynamoid.BooleanField, BooleanField),
]


@pytest.mark.parametrize(
    ("kind", "base"),
    FOR_THE_CHECKERS,
    ids=[f"{kind.__module__}.{kind.__name__}" for kind, _ in FOR_THE_CHECKERS],
)
def test_a_field_is_of_the_type_that_the_checkers_see(kind, base):
    assert issubclass(kind, base)
    assert kind.__doc__ != base.__doc__


def test_importing_the_package_does_not_import_these():
    script = "import sys, dynamodb_py; sys.exit('dynamodb_py.compat' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
    assert compat.__all__ == ["bloop", "dynamoid", "flywheel", "pynamodb"]
