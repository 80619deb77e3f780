"""Fields as questions: what of a list, a map or a document conditions can ask, and with which values."""

from __future__ import annotations

import datetime as dt

import pytest

from dynamodb_py import (
    BinaryField,
    CharField,
    DateField,
    DictField,
    Document,
    EmbeddedField,
    F,
    IntegerField,
    ListField,
    MapField,
    Model,
    QueryError,
    SetField,
    TimeField,
    UUIDField,
    ValidationError,
)

from ...expressions.spelling import spell
from ..wire import model_of


class Address(Document):
    city = CharField()
    floor = IntegerField(name="fl")


class User(Model):
    id = UUIDField(hash_key=True)


class Test(Model):
    __test__ = False

    k = CharField(name="key", hash_key=True)
    ids = ListField(int)
    days = ListField(ListField(DateField()))
    free = ListField()
    doc = DictField()
    sizes = DictField(int)
    box = MapField({"qty": IntegerField(), "to": MapField({"on": DateField()})})
    home = EmbeddedField(Address)
    homes = ListField(Address)
    tags = SetField()
    friends = ListField(User)
    raw = BinaryField()


DAY = dt.date(2026, 1, 2)


@pytest.mark.parametrize(
    ("condition", "text", "value"),
    [
        (Test.k == "a", "#0 = :0", {"S": "a"}),
        (Test.ids[0] > 5, "#0[0] > :0", {"N": "5"}),
        (Test.ids.contains(5), "contains(#0, :0)", {"N": "5"}),
        (Test.days[0][1] == DAY, "#0[0][1] = :0", {"S": "2026-01-02"}),
        (Test.free[0]["a"] == 1.5, "#0[0].#1 = :0", {"N": "1.5"}),
        (Test.doc["a"]["b"] == [1], "#0.#1.#2 = :0", {"L": [{"N": "1"}]}),
        (Test.sizes["a"] == 1, "#0.#1 = :0", {"N": "1"}),
        (Test.box["qty"] <= 3, "#0.#1 <= :0", {"N": "3"}),
        (Test.box["to"]["on"] == DAY, "#0.#1.#2 = :0", {"S": "2026-01-02"}),
        (Test.box["more"] == "free", "#0.#1 = :0", {"S": "free"}),
        (Test.home["city"] == "Lyon", "#0.#1 = :0", {"S": "Lyon"}),
        (Test.home["fl"] > 3, "#0.#1 > :0", {"N": "3"}),
        (Test.homes[2]["city"].begins_with("L"), "begins_with(#0[2].#1, :0)", {"S": "L"}),
        (Test.home == Address(city="Lyon"), "#0 = :0", {"M": {"city": {"S": "Lyon"}}}),
        (Test.homes.contains(Address(city="Lyon")), "contains(#0, :0)", {"M": {"city": {"S": "Lyon"}}}),
        (Test.tags.contains("x"), "contains(#0, :0)", {"S": "x"}),
        (Test.tags == {"b", "a"}, "#0 = :0", {"SS": ["a", "b"]}),
        (Test.tags.size() > 2, "size(#0) > :0", {"N": "2"}),
        (Test.raw.begins_with(b"\x00"), "begins_with(#0, :0)", {"B": b"\x00"}),
    ],
    ids=range(19),
)  # fmt: skip
def test_what_is_compared_is_spelled_as_the_place_stores_it(condition, text, value):
    spelled, _, values = spell(condition)
    assert (spelled, list(values.values())) == (text, [value])


def test_names_that_f_gives_are_the_fields_and_places_inside_them_are_typed():
    condition = Test._meta.condition(
        (F("k") == "a") & (F("box__to__on") == "2026-01-02") & (F("ids__0") == 1)
    )
    _, names, values = spell(condition)
    assert sorted(names.values()) == ["box", "ids", "key", "on", "to"]
    assert {"S": "2026-01-02"} in values.values()


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda: Test.ids[0] == "5", ValidationError, "'5' is a str, not an int"),
        (lambda: Test.ids == [1, "2"], ValidationError, r"Test\.ids\[1\]: '2' is a str"),
        (lambda: Test.ids.contains("5"), ValidationError, "'5' is a str, not an int"),
        (lambda: Test.box["to"]["on"] == "2026", ValidationError, "is a str, not a date"),
        (lambda: Test.box["qty"].begins_with("a"), QueryError, ""),
        (lambda: Test.home["fl"] > "3", ValidationError, "'3' is a str, not an int"),
        (lambda: Test.home["other"] == b"x", QueryError, "no field 'other': its fields are city, fl"),
        (lambda: Test.home == "Lyon", ValidationError, "'Lyon' is a str, not an Address"),
        (lambda: Test.tags.contains(1), ValidationError, "1 is an int, not text"),
        (lambda: Test.home.contains("x"), QueryError, "only text, lists and sets contain something"),
        (lambda: Test.sizes.contains("x"), QueryError, "only text, lists and sets contain something"),
        (lambda: Test.home > Address(), QueryError, "DynamoDB orders text, numbers and bytes"),
        (lambda: Test.k == "\ud800", ValidationError, "it is not valid Unicode"),
        (lambda: Test.doc == {"a": "\ud800"}, ValidationError, "it is not valid Unicode"),
        (lambda: F("x") == ["\ud800"], ValidationError, "it is not valid Unicode"),
    ],
    ids=range(15),
)  # fmt: skip
def test_what_cannot_be_there_is_refused_where_it_is_written(ask, error, message):
    if not message:  # a number's text has no beginning; DynamoDB itself would say so
        assert spell(ask())[0] == "begins_with(#0.#1, :0)"
        return
    with pytest.raises(error, match=message):
        ask()


def test_the_empty_set_in_a_condition_is_absence():
    assert spell(Test.tags == set())[0] == spell(Test.tags == None)[0]  # noqa: E711


@pytest.mark.parametrize("condition", ["k = 1", {"k": 1}, True])
def test_a_condition_that_is_none_is_told(condition):
    with pytest.raises(
        TypeError, match=r"condition= takes a condition, such as Test\.k\.exists\(\), not"
    ):
        Test._meta.condition(condition)


def test_bounds_without_an_order_are_told_when_the_class_is_made():
    low = dt.time(9, tzinfo=dt.timezone.utc)
    with pytest.raises(Exception, match="cannot be compared with it"):
        model_of(TimeField(min_value=low, max_value=dt.time(17)))
