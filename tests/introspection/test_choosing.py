"""The fields that stand for what was seen, each in code."""

from __future__ import annotations

import base64
import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import Model
from dynamodb_py.introspection.choosing import choose_scalar
from dynamodb_py.introspection.naming import name_class, name_field
from dynamodb_py.introspection.source import Fields, quote

LONG_BASE64 = base64.b64encode(base64.b64encode(b"12345678")).decode()

SCALARS = [
    ("S", ["a", "2026-11-01"], "CharField()"),
    ("S", [], "CharField()"),
    ("S", [""], "CharField()"),
    ("S", ["2026-11-01"], "DateField()"),
    ("S", ["2026-11-01T12:30:00.000000+00:00"], "DateTimeField()"),
    ("S", ["2026-11-01T12:30:00.000000+0000"], "compat.pynamodb.UTCDateTimeField()"),
    ("S", ["2026-11-01T12:30:00Z"], 'DateTimeField(format="%Y-%m-%dT%H:%M:%SZ")'),
    ("S", ["2026-11-01T12:30:00+00:00"], 'DateTimeField(format="%Y-%m-%dT%H:%M:%S%:z")'),
    ("S", ["2026-11-01T12:30:00.123Z"], "CharField()"),  # it would be written with microseconds
    ("S", ["2026-11-01T12:30:00+02:00"], "CharField()"),  # and this in UTC
    ("S", ["12:30:00.000000"], "TimeField()"),
    ("S", ["P1DT2H"], "TimeDeltaField()"),
    ("S", ["550e8400-e29b-41d4-a716-446655440000"], "UUIDField()"),
    ("S", ["550E8400-E29B-41D4-A716-446655440000"], "CharField()"),
    ("S", ['{"a": [1, null]}', "[]"], "compat.pynamodb.JSONField()"),
    ("S", ['{"a":[1,null]}', "[1,2]"], "compat.dynamoid.JSONField()"),
    ("S", ["{a}"], "CharField()"),
    ("S", ["t", "f", "t"], "compat.dynamoid.BooleanField()"),
    ("S", ["t"], "CharField()"),
    ("N", ["1", "-20", "1E+2"], "IntegerField()"),
    ("N", ["1", "2.5"], "DecimalField()"),
    ("N", [], "DecimalField()"),
    ("N", ["1793536200"], "IntegerField()"),
    ("BOOL", [True], "BooleanField()"),
    ("B", ["AAEC"], "BinaryField()"),
    ("B", [LONG_BASE64], "compat.pynamodb.LegacyBinaryField()"),
    ("B", [LONG_BASE64, "AAEC"], "BinaryField()"),
]


@pytest.mark.parametrize(("kind", "contents", "source"), SCALARS)
def test_the_field_writes_what_was_seen(kind, contents, source):
    assert choose_scalar("x", kind, contents).source == source


@pytest.mark.parametrize(
    "name", ["created_at", "createdAt", "updated", "expires", "ttl", "ts", "birthDate", "timestamp"]
)
def test_numbers_are_moments_if_their_name_says_so(name):
    assert choose_scalar(name, "N", ["1793536200", "1793536200.5"]).kind == "TimestampField"
    assert choose_scalar(name, "N", ["1793536200", "7"]).kind == "IntegerField"


NAMES = [
    ("score", "score"),
    ("topScore", "topScore"),
    ("class", "class_field"),
    ("save", "save_field"),
    ("objects", "objects_field"),
    ("Meta", "Meta_field"),
    ("int", "int_field"),
    ("first name", "first_name"),
    ("a__b", "a_b"),
    ("_type", "type"),
    ("2fa", "number_2fa"),
    ("#", "field"),
    ("straße", "straße"),
    ("taken", "taken_2"),
]


@pytest.mark.parametrize(("attribute", "name"), NAMES)
def test_a_field_has_the_name_of_its_attribute_if_it_can(attribute, name):
    assert name_field(attribute, {"taken"}) == name


@given(st.text())
def test_every_name_is_one_that_a_model_takes(text):
    name, label = name_field(text, ()), name_class(text, ())
    assert name.isidentifier()
    assert label.isidentifier()
    assert not keyword.iskeyword(name)
    assert not hasattr(Model, name) or name in (
        "to_json",
        "from_json",
        "touch",
        "atouch",
        "previous_changes",
    )
    assert not name.startswith("_")
    assert not name.endswith("_")
    assert "__" not in name


@given(st.text())
def test_a_literal_is_the_text(text):
    assert eval(quote(text)) == text


S, N = {"S": "a"}, {"N": "1"}

CONTAINERS = [
    ([S, N], None),
    ([{"NULL": True}], None),
    ([], None),
    ([S, {"NULL": True}], "CharField(null=True)"),
    ([{"SS": ["a"]}], "SetField(str)"),
    ([{"NS": ["1", "2.5"]}], "SetField(Decimal)"),
    ([{"BS": ["AAEC"]}], "SetField(bytes)"),
    ([{"L": [S, S]}, {"L": []}], "ListField(str)"),
    ([{"L": [S, N]}], "ListField()"),
    ([{"L": [S, {"NULL": True}]}], "ListField()"),
    ([{"L": []}], "ListField()"),
    ([{"L": [{"L": [N]}]}], "ListField(ListField(int))"),
    ([{"L": [{"S": "2026-11-01"}]}], "ListField(DateField())"),
    ([{"L": [{"M": {"a": S}}]}], "ListField(Line)"),
    ([{"M": {"a": S, "b": N}}], "EmbeddedField(Lines)"),
    ([{"M": {f"k{n}": N}} for n in range(9)], "DictField(int)"),
    ([{"M": {f"k{n}": N if n else S}} for n in range(9)], "DictField()"),
    ([{"M": {"not a name": S}}], "DictField(str)"),
    ([{"M": {}}], "DictField()"),
    ([{"M": {f"k{n}": N for n in range(200)}}], "DictField(int)"),
    ([{"M": {f"k{n}": {"M": {"a": S}}}} for n in range(9)], "DictField(Lines)"),
]


@pytest.mark.parametrize(("wires", "source"), CONTAINERS, ids=range(len(CONTAINERS)))
def test_a_container_is_of_what_was_seen_in_it(wires, source):
    choice = Fields({"lines"}).choose("lines", wires)
    assert (choice and choice.source) == source


def test_documents_with_the_same_fields_are_one_class():
    fields = Fields({"home", "work"})
    place = {"M": {"city": S, "geo": {"M": {"x": N}}}}
    assert fields.choose("home", [place]).source == "EmbeddedField(Home)"
    assert fields.choose("work", [place, place]).source == "EmbeddedField(Home)"
    assert [name for name, _ in fields.documents.values()] == ["Geo", "Home"]
