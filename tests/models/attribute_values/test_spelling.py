"""Encoding over what is stored: what is found where it differs, against decoding and encoding all of it."""

from __future__ import annotations

import gc
import sys
from decimal import Decimal
from operator import eq, is_
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    DateTimeField,
    DecimalField,
    DictField,
    FloatField,
    IntegerField,
    ListField,
    MapField,
    Model,
    SetField,
)
from dynamodb_py.codec import Unstorable, encode, from_json, to_json
from dynamodb_py.exceptions import UnreadableValue
from dynamodb_py.models.attribute_values import spelling
from dynamodb_py.models.attribute_values.spelling import (
    encode_as_stored,
    keep_spelling,
    spell_again,
)
from dynamodb_py.models.attribute_values.values import equal
from dynamodb_py.models.fields.containers.elements import to_inner_wire

from ...expressions.strategies import values
from .test_diff import edited

floats = st.floats(-9, 9).map(lambda number: round(number, 3))
texts = st.text(max_size=3)
KINDS = [
    (ListField(), st.lists(values, max_size=5)),
    (DictField(), st.dictionaries(texts, values, max_size=4)),
    (ListField(int), st.lists(st.integers(-3, 3), max_size=6)),
    (ListField(str), st.lists(texts, max_size=6)),
    (ListField(float), st.lists(floats, max_size=5)),
    (ListField(Decimal), st.lists(st.decimals(-9, 9, places=1), max_size=5)),
    (ListField(DateTimeField()), st.lists(st.datetimes(timezones=st.timezones()), max_size=3)),
    (ListField(ListField(int)), st.lists(st.lists(st.integers(0, 3), max_size=3), max_size=3)),
    (DictField(FloatField()), st.dictionaries(texts, floats, max_size=4)),
    (DictField(DictField()), st.dictionaries(texts, st.dictionaries(texts, values, max_size=3))),
    (MapField({"n": IntegerField(), "d": DecimalField()}), st.fixed_dictionaries({"n": st.integers(-9, 9)})),
    (CharField(), texts),
    (IntegerField(), st.integers(-9, 9)),
    (SetField(int), st.sets(st.integers(-9, 9), min_size=1)),
]  # fmt: skip


@st.composite
def respelled(draw, wire):
    """Return *wire* as another writer may have spelled it."""
    ((kind, value),) = wire.items()
    match kind:
        case "N" if draw(st.booleans()):
            return (
                {"N": draw(st.sampled_from([f"{value}.0", f"{value}E0"]))}
                if value.isdigit()
                else wire
            )
        case "L":
            return {"L": [draw(respelled(each)) for each in value]}
        case "M":
            return {"M": {name: draw(respelled(each)) for name, each in value.items()}}
        case _:
            return wire


@st.composite
def cases(draw):
    """Return a field, an attribute value that is stored, and what is to be stored in its place."""
    field, of = draw(st.sampled_from(KINDS))
    before = draw(of)
    stored = from_json(to_json(draw(respelled(field.to_wire(before)))))
    after = draw(st.just(before) | of)
    if getattr(field, "inner", field) is None and draw(st.booleans()):
        after = draw(edited(before))
    return field, stored, after


def encode_all(field, value, old):
    """The reference: all that is stored is decoded, and encoded again."""
    wire, spelled = field.to_wire(value), spell_again(field, old)
    if wire == old or spelled == wire:
        return old
    if isinstance(field, SetField) or not ("M" in wire or "L" in wire):
        return wire
    return keep_spelling(old, spelled, wire)


@settings(max_examples=600, deadline=None)
@given(cases())
def test_what_is_stored_of_a_value_is_the_same_as_if_all_were_decoded(case):
    field, old, value = case
    try:
        expected = encode_all(field, value, old)
    except Unstorable:
        with pytest.raises(Unstorable):
            encode_as_stored(field, value, old)
        return
    found = encode_as_stored(field, value, old)
    assert (found is old) is (expected is old)
    assert equal(found, expected)
    if not isinstance(field, SetField):
        assert to_json(sort(found)) == to_json(sort(expected))


def sort(wire):
    """Return *wire* with the keys of maps in order."""
    ((kind, value),) = wire.items()
    if kind == "M":
        return {"M": {name: sort(value[name]) for name in sorted(value)}}
    return {"L": [sort(each) for each in value]} if kind == "L" else wire


@pytest.mark.parametrize(
    ("old", "value", "where"),
    [
        ({"M": {"a": {"M": {"b": {"N": "1"}}}}}, {"a": {"b": object()}}, ".a.b"),
        ({"M": {"a": {"M": {}}}}, {"a": {"b": [1, {"c": object()}]}}, ".a.b[1].c"),
        ({"M": {"a": {"L": [{"N": "1"}]}}}, {"a": [object()]}, ".a[0]"),
        ({"M": {"a": {"N": "1"}}}, {"a": float("nan")}, ".a"),
        ({"M": {"a": {"M": {}}}}, {"a": {1: 2}}, ".a"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_place(old, value, where):
    with pytest.raises(Unstorable) as expected:
        DictField().to_wire(value)
    with pytest.raises(Unstorable) as caught:
        encode_as_stored(DictField(), value, old)
    assert caught.value.faults == expected.value.faults
    assert caught.value.faults[0][0] == where


elements = st.none() | st.booleans() | texts | st.integers() | st.just(10**38) | st.just(10**5000)


@settings(deadline=None)
@given(st.sampled_from([CharField(), IntegerField()]), st.lists(elements | st.integers(0, 3)))
def test_a_list_of_texts_or_ints_is_encoded_as_one_by_one(inner, given_values):
    def one_by_one():
        return {"L": [to_inner_wire(inner, each, 1) for each in given_values]}

    field = ListField(inner).bound_to("Test", "field")
    try:
        expected = one_by_one()
    except Unstorable:
        with pytest.raises(Unstorable):
            field.to_wire(given_values)
    else:
        assert field.to_wire(given_values) == expected


STORED = [
    *({"N": text} for text in ("0", "-0", "1", "1.0", "-1", "1E2", "100", "0.5", "0.50", "1E40")),
    *({"N": str(2**53 + 1)}, {"N": "0.1000000000000000055511151231257827"}, {"N": "9" * 38}),
    *({"S": "a"}, {"S": "1"}, {"S": ""}, {"B": "YQ=="}, {"NULL": True}, {"L": []}, {"M": {}}),
    *({"BOOL": True}, {"NS": ["1"]}),
]
ASSIGNED = [
    *(0, 1, -1, 100, 2**53, 2**53 + 1, 10**40, 10**38 - 1, 10**5000, True, None, [], {}, b"a"),
    *(0.0, -0.0, 0.1, 0.5, 1.0, 1e40, float("nan"), float("inf"), Decimal(1), "a", "1", ""),
]


class Doubled(IntegerField):
    """An int that is stored as its double."""

    def to_db(self, value):
        return value * 2

    def to_python(self, stored):
        return stored // 2


LISTS = [
    ListField(inner).bound_to("Test", "field")
    for inner in (str, int, float, bool, Decimal, IntegerField(null=True), CharField(lower=True))
] + [
    ListField(inner).bound_to("Test", "field")
    for inner in (IntegerField(max_value=50), CharField(max_length=1), Doubled(), FloatField())
]


@st.composite
def lists_of_elements(draw):
    """Return a field, what is stored, and a list of it, of which many elements are as they are read."""
    field = draw(st.sampled_from(LISTS))
    stored = draw(st.lists(st.sampled_from(STORED), max_size=6))
    alike = [each for each in stored if field.inner.kind in each] if draw(st.booleans()) else stored
    try:
        value = [field.inner.decode(each) for each in alike]
    except UnreadableValue:
        value = []
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(value)))
        value[at : at + draw(st.integers(0, 1))] = [draw(st.sampled_from(ASSIGNED))]
    return field, {"L": alike}, value


def outcome(field, value, old):
    """Return what is stored in the place of *old*, and whether it is *old*; or what is wrong."""
    try:
        found = encode_as_stored(field, value, old)
    except Unstorable as error:
        return error.faults
    return found, found is old


@settings(max_examples=1000, deadline=None)
@given(lists_of_elements())
def test_of_a_list_the_elements_that_differ_are_found_as_by_encoding_all(case):
    field, old, value = case
    with mock.patch.object(spelling, "_encode_list_as_stored", return_value=None):
        expected = outcome(field, value, old)
    assert outcome(field, value, old) == expected


@pytest.mark.parametrize(
    ("inner", "stored", "value"),
    [
        (str, ["a", "b"], ["a", "c"]),
        (int, ["1", "2.0", "3"], [1, 2, 4]),
        (float, ["1", "1.50"], [1, 1.5]),
        (float, ["1", "1.50"], [2.0, 1.5, 3]),
    ],
)
def test_a_list_of_texts_ints_or_floats_is_not_encoded_to_find_what_differs(inner, stored, value):
    field = ListField(inner).bound_to("Test", "field")
    old = {"L": [{field.inner.kind: each} for each in stored]}
    with mock.patch.object(ListField, "to_wire", side_effect=AssertionError):
        found = encode_as_stored(field, value, old)
    stays = [*map(eq, field.decode(old), value)]
    assert [*map(is_, old["L"], found["L"])] == stays


def test_a_list_of_ints_names_all_that_are_too_long():
    field = ListField(int).bound_to("Test", "field")
    with pytest.raises(Unstorable) as caught:
        field.to_wire([1, 10**38 + 1, 2, -(10**38) - 1])
    assert [place for place, _ in caught.value.faults] == ["[1]", "[3]"]


class Reading(CharField):
    """A text that is read without the spaces around it."""

    def to_python(self, stored):
        return stored.strip()


class Page(Model):
    class Meta:
        table_name = "pages"

    number = IntegerField(hash_key=True)
    title = CharField()
    count = IntegerField()
    stripped = Reading()
    tags = SetField(null=True)
    ids = ListField(int)
    doc = DictField()


def page(**more):
    loaded = Page.from_db({"number": {"N": "1"}, **more})
    assert loaded.number == 1
    return loaded


def test_a_field_that_reads_its_own_way_decodes_what_is_stored():
    loaded = page(stripped={"S": " a "})
    assert loaded.stripped == "a"
    assert not loaded.is_changed


def test_a_number_that_is_spelled_otherwise_is_not_changed():
    loaded = page(count={"N": "5.0"})
    assert (loaded.count, loaded.is_changed) == (5, False)
    loaded.count = 6
    assert loaded.changes() == {"count": (5, 6)}


def test_a_set_that_may_be_null_can_become_none():
    loaded = page(tags={"SS": ["a"]})
    loaded.tags = None
    assert loaded.changes() == {"tags": ({"a"}, None)}


def test_texts_and_ints_that_changed_are_not_decoded(monkeypatch):
    loaded = page(title={"S": "a"}, count={"N": "1"})
    loaded.title, loaded.count = "b", 2
    monkeypatch.setattr(spelling, "spell_again", lambda *_: pytest.fail("it was decoded"))
    assert loaded.is_changed


# -- costs that grow no faster than what is written ------------------------------------------------


def count_calls(function) -> int:
    """Return how many functions in Python *function* calls."""
    calls = 0

    def note(frame, event, arg):
        nonlocal calls
        calls += event == "call"

    gc.disable()  # its callbacks would count
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
        gc.enable()
    return calls


@pytest.mark.parametrize(
    ("name", "change"), [("ids", 7), ("texts", "x"), ("ratios", 0.5), ("free", "x")]
)
def test_an_element_of_a_long_list_costs_no_call_per_element(script, name, change):
    class Lists(Model):
        class Meta:
            table_name = "lists"

        number = IntegerField(hash_key=True)
        ids = ListField(int)
        texts = ListField(str)
        ratios = ListField(float)
        free = ListField()

    def count(length):
        numbers = name in ("ids", "ratios")
        elements = [n if numbers else f"text {n}" for n in range(length)]
        loaded = Lists.from_db({"number": {"N": "1"}, name: encode(elements)})
        getattr(loaded, name)[length // 2] = change
        script.answers = [{}]
        return count_calls(loaded.save)

    count(50)
    assert count(100) == count(1000)


def test_the_innermost_value_costs_as_many_calls_for_each_level(script):
    def count(depth):
        value = {"n": 1}
        for _ in range(depth):
            value = {"inner": value, "n": 2}
        loaded = page(doc=encode(value))
        value = loaded.doc
        for _ in range(depth):
            value = value["inner"]
        value["n"] = 3
        script.answers = [{}]
        return count_calls(loaded.save)

    count(5)
    few, more, most = count(7), count(14), count(28)
    assert most - more == 2 * (more - few)


def test_one_key_of_a_wide_document_costs_no_call_for_its_other_texts(script):
    def count(width):
        loaded = page(doc=encode({f"key{n}": f"text {n}" for n in range(width)}))
        loaded.doc["key1"] = "other"
        script.answers = [{}]
        return count_calls(loaded.save)

    count(5)
    assert count(10) == count(1000)
