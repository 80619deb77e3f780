"""Lookups and query sets: what they ask, as the request that would be sent, or why it cannot be."""

from __future__ import annotations

import datetime as dt
import pickle
from itertools import count
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    DateTimeField,
    DictField,
    Document,
    EmbeddedField,
    F,
    IntegerField,
    ListField,
    MapField,
    Model,
    Q,
    QueryError,
    SetField,
    UUIDField,
    ValidationError,
)
from dynamodb_py.models.queryset import lookup_resolution as lookups_module
from dynamodb_py.models.queryset.lookup_resolution import make_condition
from dynamodb_py.operations.queries import Query

from ...expressions.spelling import check_request, spell


class Score(Model):
    class Meta:
        table_name = "scores"

    user = CharField(name="u", hash_key=True)
    points = IntegerField(range_key=True)
    title = CharField()
    tags = SetField()
    ids = ListField(int)
    doc = DictField()


pytestmark = pytest.mark.usefixtures("script")


@pytest.mark.parametrize(
    ("lookups", "text", "values"),
    [
        ({}, "", []),
        ({"title": "a"}, "#0 = :0", [{"S": "a"}]),
        ({"title__exact": "a"}, "#0 = :0", [{"S": "a"}]),
        ({"title__eq": "a"}, "#0 = :0", [{"S": "a"}]),
        ({"title__ne": "a"}, "#0 <> :0", [{"S": "a"}]),
        ({"points__gt": 1}, "#0 > :0", [{"N": "1"}]),
        ({"points__gte": 1}, "#0 >= :0", [{"N": "1"}]),
        ({"points__lt": 1}, "#0 < :0", [{"N": "1"}]),
        ({"points__lte": 1}, "#0 <= :0", [{"N": "1"}]),
        ({"points__in": [1, 2]}, "#0 IN (:0, :1)", [{"N": "1"}, {"N": "2"}]),
        ({"points__in": range(2)}, "#0 IN (:0, :1)", [{"N": "0"}, {"N": "1"}]),
        ({"title__in": {"a"}}, "#0 IN (:0)", [{"S": "a"}]),
        ({"points__between": (1, 5)}, "#0 BETWEEN :0 AND :1", [{"N": "1"}, {"N": "5"}]),
        ({"points__range": [1, 5]}, "#0 BETWEEN :0 AND :1", [{"N": "1"}, {"N": "5"}]),
        ({"title__startswith": "a"}, "begins_with(#0, :0)", [{"S": "a"}]),
        ({"title__contains": "a"}, "contains(#0, :0)", [{"S": "a"}]),
        ({"tags__contains": "a"}, "contains(#0, :0)", [{"S": "a"}]),
        ({"ids__contains": 5}, "contains(#0, :0)", [{"N": "5"}]),
        ({"title__exists": True}, "attribute_exists(#0)", []),
        ({"title__exists": False}, "attribute_not_exists(#0)", []),
        ({"title": None}, "(attribute_not_exists(#0) OR attribute_type(#0, :0))", [{"S": "NULL"}]),
        ({"title__isnull": True}, "(attribute_not_exists(#0) OR attribute_type(#0, :0))", [{"S": "NULL"}]),
        ({"title": "a", "points__gt": 1}, "#0 = :0 AND #1 > :1", [{"S": "a"}, {"N": "1"}]),
    ],
)  # fmt: skip
def test_a_lookup_is_the_condition_of_the_same_name(lookups, text, values):
    found = make_condition(Score._meta, lookups)
    if not text:
        assert found.is_empty
        return
    spelled, _, given = spell(found)
    assert spelled.replace("(", "").replace(")", "") == text.replace("(", "").replace(")", "")
    assert list(given.values()) == values


ONE_OF = {
    "user__in": Score.user,
    "points__in": Score.points,
    "doc__a__in": Score.doc["a"],
    "ids__in": Score.ids,
}
ELEMENTS = st.one_of(
    st.sampled_from(["a", "b", "", "\ud800", None, True, 1, 1.0, 2, 10**40, b"a", [1], {"a"}]),
    st.just(dt.date(2026, 1, 2)),
    st.just(F("title")),
)


@given(
    lookup=st.sampled_from(list(ONE_OF)),
    values=st.lists(ELEMENTS, max_size=4) | st.lists(st.integers(0, 3) | st.sampled_from("ab")),
    kind=st.sampled_from([list, tuple]),
)
def test_a_lookup_of_one_of_several_values_is_what_is_in_says(lookup, values, kind):
    def find(make):
        try:
            condition, wires = make(), []
            return condition.shape(wires), wires
        except (QueryError, ValidationError) as error:
            return type(error), str(error).replace(f"Score: {lookup}=: ", "")

    expected = find(lambda: ONE_OF[lookup].is_in(values).bind(Score._meta.resolve))
    assert find(lambda: make_condition(Score._meta, {lookup: kind(values)})) == expected


def test_isnull_false_asks_for_a_value():
    text, _, values = spell(make_condition(Score._meta, {"title__isnull": False}))
    assert "NOT" in text
    assert list(values.values()) == [{"S": "NULL"}]


@pytest.mark.parametrize(
    ("lookups", "error", "message"),
    [
        ({"titel": 1}, TypeError, "Score has no field titel: its fields are user, points, title"),
        ({"u": 1}, TypeError, "Score has no field u"),
        ({"title__above": "a"}, QueryError, r"Score: title__above= uses an unknown lookup 'above': there are exact, eq, ne,"),
        ({"title__": "a"}, TypeError, ""),
        ({"points__in": 5}, QueryError, "Score: points__in=: 5 is one value: pass a list of values"),
        ({"title__in": "abc"}, QueryError, "Score: title__in=: 'abc' is one value: pass a list of values"),
        ({"points__between": 5}, QueryError, "Score: points__between=: 5 is one value"),
        ({"points__between": (1,)}, QueryError, r"Score: points__between=: \(1,\) is not a pair of bounds: pass two, the lower one first"),
        ({"points__between": (5, 1)}, QueryError, "Score: points__between=: .* the lower bound is greater than the upper"),
        ({"points__gt": None}, QueryError, "Score: points__gt=: "),
        ({"points": "5"}, ValidationError, "Score.points: '5' is a str, not an int"),
        ({"points__gt": 1.5}, ValidationError, "Score.points: 1.5 is a float, not an int"),
        ({"points__contains": 1}, QueryError, "only text, lists and sets contain something"),
        ({"doc__gt": {}}, QueryError, "DynamoDB orders text, numbers and bytes, and a M is none of them"),
    ],
)  # fmt: skip
def test_a_lookup_that_cannot_be_asked_says_why(lookups, error, message):
    if lookups == {"title__": "a"}:
        assert spell(make_condition(Score._meta, lookups))[0] == "#0 = :0"
        return
    with pytest.raises(error, match=message):
        make_condition(Score._meta, lookups)


def asked(queryset):
    operation = queryset.operation()
    payload = operation.payload()
    check_request(operation.api, payload)
    return operation, payload


@pytest.mark.parametrize(
    ("make", "keys", "filter_"),
    [
        (lambda q: q.filter(user="a"), "#0 = :0", None),
        (lambda q: q.filter(Score.user == "a"), "#0 = :0", None),
        (lambda q: q.filter(F("user") == "a"), "#0 = :0", None),
        (lambda q: q.filter(user="a", points__lte=3), "#0 = :0 AND #1 <= :1", None),
        (lambda q: q.filter(points__gt=3).filter(user="a"), "#0 = :0 AND #1 > :1", None),
        (lambda q: q.filter(user="a", points__between=(1, 2)), "#0 = :0 AND #1 BETWEEN :1 AND :2", None),
        (lambda q: q.filter(user="a", title="x"), "#0 = :0", "#1 = :1"),
        (lambda q: q.filter(Score.title.exists(), user="a"), "#0 = :0", "attribute_exists(#1)"),
        (lambda q: q.filter(user="a").filter(title__ne="x", points__gte=1), "#0 = :0 AND #1 >= :1", "#2 <> :2"),
    ],
    ids=range(9),
)  # fmt: skip
def test_the_key_is_asked_of_the_table_and_the_rest_of_what_was_read(make, keys, filter_):
    operation, payload = asked(make(Score.objects.all()))
    assert type(operation) is Query
    assert payload["TableName"] == "scores"
    assert payload["KeyConditionExpression"].strip("()") == keys
    assert payload.get("FilterExpression") == filter_
    assert payload["ExpressionAttributeNames"]["#0"] == "u"
    assert payload["ExpressionAttributeValues"][":0"] == {"S": "a"}


# -- lookups that go into fields ---------------------------------------------------------------


class Address(Document):
    city = CharField(name="c")
    floor = IntegerField()
    size = IntegerField(name="s")
    lines = ListField(str)


class Place(Model):
    id = UUIDField(hash_key=True)
    name = CharField()
    when = DateTimeField()
    floors = IntegerField(name="f")
    tags = SetField()
    ids = ListField(int)
    homes = ListField(Address)
    doc = DictField()
    sizes = DictField(int)
    box = MapField(
        {"qty": IntegerField(), "in": CharField(), "2": CharField(), "year": IntegerField()}
    )
    address = EmbeddedField(Address)


WHEN = dt.datetime(2026, 11, 1, tzinfo=dt.timezone.utc)
ID = UUID(int=5)


@pytest.mark.parametrize(
    ("lookups", "text", "names", "values"),
    [
        ({"doc__a__0__gt": 3}, "#0.#1[0] > :0", ["doc", "a"], [{"N": "3"}]),
        ({"doc__a": 3}, "#0.#1 = :0", ["doc", "a"], [{"N": "3"}]),
        ({"doc__a__b": None}, "(attribute_not_exists(#0.#1.#2) OR attribute_type(#0.#1.#2, :0))", ["doc", "a", "b"], [{"S": "NULL"}]),
        ({"doc__tags__contains": "x"}, "contains(#0.#1, :0)", ["doc", "tags"], [{"S": "x"}]),
        ({"doc__7": 3}, "#0.#1 = :0", ["doc", "7"], [{"N": "3"}]),
        ({"doc__a__7": 3}, "#0.#1[7] = :0", ["doc", "a"], [{"N": "3"}]),
        ({"doc__in__gt": 3}, "#0.#1 > :0", ["doc", "in"], [{"N": "3"}]),
        ({"doc__year": 2026}, "#0.#1 = :0", ["doc", "year"], [{"N": "2026"}]),
        ({"doc__year__gte": 2026}, "#0.#1 >= :0", ["doc", "year"], [{"N": "2026"}]),
        ({"doc__size": 3}, "size(#0) = :0", ["doc"], [{"N": "3"}]),
        ({"doc__size__lte": 3}, "size(#0) <= :0", ["doc"], [{"N": "3"}]),
        ({"doc__size__exists": True}, "attribute_exists(#0.#1)", ["doc", "size"], []),
        ({"doc__a__size__ne": 3}, "size(#0.#1) <> :0", ["doc", "a"], [{"N": "3"}]),
        ({"doc__type": "M"}, "attribute_type(#0, :0)", ["doc"], [{"S": "M"}]),
        ({"sizes__xl__gt": 3}, "#0.#1 > :0", ["sizes", "xl"], [{"N": "3"}]),
        ({"sizes__42": 3}, "#0.#1 = :0", ["sizes", "42"], [{"N": "3"}]),
        ({"ids__0": 3}, "#0[0] = :0", ["ids"], [{"N": "3"}]),
        ({"ids__1__between": (1, 2)}, "#0[1] BETWEEN :0 AND :1", ["ids"], [{"N": "1"}, {"N": "2"}]),
        ({"tags__size__gt": 2}, "size(#0) > :0", ["tags"], [{"N": "2"}]),
        ({"tags__size": 2}, "size(#0) = :0", ["tags"], [{"N": "2"}]),
        ({"tags__size__in": [1, 2]}, "size(#0) IN (:0, :1)", ["tags"], [{"N": "1"}, {"N": "2"}]),
        ({"tags__size__range": (1, 2)}, "size(#0) BETWEEN :0 AND :1", ["tags"], [{"N": "1"}, {"N": "2"}]),
        ({"tags": {"b", "a"}}, "#0 = :0", ["tags"], [{"SS": ["a", "b"]}]),
        ({"tags": set()}, "(attribute_not_exists(#0) OR attribute_type(#0, :0))", ["tags"], [{"S": "NULL"}]),
        ({"name__type": "S"}, "attribute_type(#0, :0)", ["name"], [{"S": "S"}]),
        ({"box__qty__lt": 2}, "#0.#1 < :0", ["box", "qty"], [{"N": "2"}]),
        ({"box__in": "x"}, "#0.#1 = :0", ["box", "in"], [{"S": "x"}]),
        ({"box__in__in": ["x"]}, "#0.#1 IN (:0)", ["box", "in"], [{"S": "x"}]),
        ({"box__2": "x"}, "#0.#1 = :0", ["box", "2"], [{"S": "x"}]),
        ({"box__year": 7}, "#0.#1 = :0", ["box", "year"], [{"N": "7"}]),
        ({"box__size": 7}, "size(#0) = :0", ["box"], [{"N": "7"}]),
        ({"box__more__x": 7}, "#0.#1.#2 = :0", ["box", "more", "x"], [{"N": "7"}]),
        ({"address__city__startswith": "L"}, "begins_with(#0.#1, :0)", ["address", "c"], [{"S": "L"}]),
        ({"address__c": "L"}, "#0.#1 = :0", ["address", "c"], [{"S": "L"}]),
        ({"address__size": 7}, "#0.#1 = :0", ["address", "s"], [{"N": "7"}]),
        ({"address__size__gt": 7}, "#0.#1 > :0", ["address", "s"], [{"N": "7"}]),
        ({"address__city__size": 7}, "size(#0.#1) = :0", ["address", "c"], [{"N": "7"}]),
        ({"address__lines__0": "x"}, "#0.#1[0] = :0", ["address", "lines"], [{"S": "x"}]),
        ({"homes__2__city__ne": "x"}, "#0[2].#1 <> :0", ["homes", "c"], [{"S": "x"}]),
        ({"when__gt": WHEN}, "#0 > :0", ["when"], [{"S": "2026-11-01T00:00:00.000000+00:00"}]),
        ({"when__startswith": "2026-11"}, "begins_with(#0, :0)", ["when"], [{"S": "2026-11"}]),
        ({"id": ID}, "#0 = :0", ["id"], [{"S": str(ID)}]),
        ({"id__in": [ID]}, "#0 IN (:0)", ["id"], [{"S": str(ID)}]),
        ({"floors__gt": F("doc__x")}, "#0 > #1.#2", ["f", "doc", "x"], []),
        ({"floors": F("floors").size()}, "#0 = size(#0)", ["f"], []),
        ({"floors__lt": Place.ids[0]}, "#0 < #1[0]", ["f", "ids"], []),
        ({"ids__0__in": [F("floors"), 3]}, "#0[0] IN (#1, :0)", ["ids", "f"], [{"N": "3"}]),
        ({"ids__0__range": (F("floors"), 3)}, "#0[0] BETWEEN #1 AND :0", ["ids", "f"], [{"N": "3"}]),
        ({"name__in": []}, "(attribute_exists(#0) AND attribute_not_exists(#0))", ["name"], []),
    ],
    ids=count(),
)  # fmt: skip
def test_a_lookup_goes_into_fields(lookups, text, names, values):
    found = make_condition(Place._meta, lookups)
    spelled = spell(found)
    assert spelled[0] == text
    assert list(spelled[1].values()) == names
    assert list(spelled[2].values()) == values
    # Once more, now that it is known what it means; and inside Q, where a model comes later.
    assert make_condition(Place._meta, lookups) == found
    assert Place._meta.condition(Q(**lookups)) == found
    assert pickle.loads(pickle.dumps(Q(**lookups))) == Q(**lookups)


@pytest.mark.parametrize(
    ("lookups", "message"),
    [
        ({"name__iexact": "a"}, r"Place: name__iexact=: DynamoDB has no iexact: its comparisons are case-sensitive. Store the text in one case .* use exact on that field"),
        ({"name__icontains": "a"}, "Store the text in one case in a field of its own, and use contains on that field"),
        ({"name__istartswith": "a"}, "Store the text in one case in a field of its own, and use startswith on that field"),
        ({"name__endswith": "a"}, "Use name__contains=, and check the end in Python; or store the text reversed"),
        ({"name__iendswith": "a"}, "Store the text reversed and in one case"),
        ({"name__regex": "a"}, "it has no patterns. Use name__startswith= or name__contains=, and match the results in Python"),
        ({"name__iregex": "a"}, "it has no patterns"),
        ({"name__search": "a"}, "it has no full-text search. Use name__contains= for a part of the text"),
        ({"when__year": 2026}, r"Place: when__year=: DynamoDB has no year: it cannot read the parts of a time. Use a range, when__range=\(first, last\); or.*when__startswith='2026-11'"),
        ({"when__year__gte": 2026}, "DynamoDB has no year: .*when__range="),
        ({"when__date": 1}, "DynamoDB has no date"),
        ({"when__week_day": 1}, "DynamoDB has no week_day"),
        ({"when__hour__in": [1]}, "DynamoDB has no hour"),
        ({"name__month": 1}, "DynamoDB has no month"),
        ({"address__city__icontains": "x"}, "Place: address__city__icontains=: DynamoDB has no icontains"),
        ({"doc__name__icontains": "x"}, r"use contains on that field; a key of that name is F\('doc__name'\)\['icontains'\]"),
        ({"doc__has_key": "x"}, "test whether the key exists: doc__key__exists=True"),
        ({"name__len": 3}, "it is called size here: name__size=, name__size__gt="),
        ({"name__author": "x"}, r"Place: name__author= uses an unknown lookup 'author': there are exact, .*startswith.*Place.name has no part of that name, and DynamoDB has no joins"),
        ({"name__author__gt": "x"}, "DynamoDB has no joins"),
        ({"name__0": "x"}, "Place.name has no part of that name"),
        ({"ids__first": 3}, "uses an unknown lookup 'first'"),
        ({"name__gt__lt": 3}, "name__gt__lt=: gt is a comparison, so nothing can follow it"),
        ({"tags__size__contains": 3}, "a size compares with a number: exact, eq, ne, gt"),
        ({"tags__size__gt__lt": 3}, "a size compares with a number"),
        ({"floors__contains": 3}, "Place: floors__contains=: Place.floors.contains.*only text, lists and sets contain"),
        ({"doc__contains": 3}, "only text, lists and sets contain something"),
        ({"name__type": "str"}, r"DynamoDB's types are S, SS"),
        ({"tags__size": None}, r"Place.tags.size\(\) is never None"),
        ({"name__exists": "no"}, "Place: name__exists=: 'no' is neither True nor False"),
        ({"name__isnull": None}, "Place: name__isnull=: None is neither True nor False"),
        ({"name__in": {"a": 1}}, "is one value: pass a list of values"),
        ({"name__in": F("x")}, "is one value: pass a list of values"),
        ({"name": Place.floors > 3}, "is compared with a condition"),
        ({"name": F("name")}, "DynamoDB does not compare Place.name with itself"),
        ({"doc____x": 3}, "write field__key__lookup=, with a name in each place"),
    ],
    ids=count(),
)  # fmt: skip
def test_what_dynamodb_cannot_do_names_what_can_be_done_instead(lookups, message):
    for _ in range(2):
        with pytest.raises(QueryError, match=message):
            make_condition(Place._meta, lookups)
    with pytest.raises(QueryError, match=message):
        Place._meta.condition(Q(**lookups))


@pytest.mark.parametrize(
    ("lookups", "message"),
    [
        ({"floors__gt": "3"}, "Place.floors: '3' is a str, not an int"),
        ({"floors__in": [1, "3"]}, "Place.floors: '3' is a str, not an int"),
        ({"ids__0": "3"}, "'3' is a str, not an int"),
        ({"sizes__xl": "3"}, "'3' is a str, not an int"),
        ({"address__floor": "3"}, "'3' is a str, not an int"),
        ({"name__startswith": 3}, "only str or bytes can be searched for here, not 3"),
        ({"tags__size__gt": "3"}, "a size compares with an int, not '3'"),
        ({"when__gt": "2026-11-01"}, "'2026-11-01' is a str, not a datetime"),
    ],
    ids=count(),
)
def test_values_are_those_of_the_place_that_the_lookup_leads_to(lookups, message):
    with pytest.raises(ValidationError, match=message):
        make_condition(Place._meta, lookups)
    with pytest.raises(ValidationError, match=message):
        Place._meta.condition(Q(**lookups))


def test_a_name_that_is_no_field_is_told():
    for lookups in ({"nome": 1}, {"nome__gt": 1}, {"raw": "a = b"}):
        with pytest.raises(
            TypeError, match=r"Place has no field .*: its fields are id, name, when"
        ):
            make_condition(Place._meta, lookups)
    with pytest.raises((TypeError, QueryError), match=r"no field .*nome"):
        Place._meta.condition(Q(nome=1))


def test_what_lookups_mean_is_kept_for_each_model_and_not_without_end(monkeypatch):
    class Other(Model):
        name = IntegerField(name="n", hash_key=True)

    assert spell(make_condition(Place._meta, {"name": "a"}))[2] == {":0": {"S": "a"}}
    assert spell(make_condition(Other._meta, {"name": 1}))[2] == {":0": {"N": "1"}}
    monkeypatch.setattr(lookups_module, "_MOST", 5)
    for number in range(20):
        found = make_condition(Place._meta, {f"doc__k{number}": number, "name": "a"})
        assert list(spell(found)[1].values()) == ["doc", f"k{number}", "name"]
    assert len(vars(Place._meta)["lookups"]) <= 5


def test_q_in_filters_and_beside_them(script):
    found = Score.objects.filter(Q(title__gt="a") | ~Q(tags__contains="x"), user="a")
    _, payload = asked(found)
    assert payload["KeyConditionExpression"] == "#0 = :0"
    assert payload["FilterExpression"] == "(#1 > :1 OR (NOT contains(#2, :2)))"
    assert list(payload["ExpressionAttributeNames"].values()) == ["u", "title", "tags"]
    by_q = Score.objects.filter(Q(user="a", points__gt=3))
    assert asked(by_q)[1] == asked(Score.objects.filter(user="a", points__gt=3))[1]


# -- the older spellings, on fields ------------------------------------------------------------


@pytest.mark.parametrize(
    ("older", "same"),
    [
        (Place.floors.eq(1), Place.floors == 1),
        (Place.floors.eq(None), Place.floors == None),  # noqa: E711
        (Place.floors.ne(1), Place.floors != 1),
        (Place.floors.lt(1), Place.floors < 1),
        (Place.floors.lte(1), Place.floors <= 1),
        (Place.floors.gt(1), Place.floors > 1),
        (Place.floors.gte(1), Place.floors >= 1),
        (Place.floors.is_in(1, 2), make_condition(Place._meta, {"floors__in": [1, 2]})),
        (Place.floors.is_in([1, 2]), make_condition(Place._meta, {"floors__in": (1, 2)})),
        (Place.floors.between(1, 2), make_condition(Place._meta, {"floors__range": (1, 2)})),
        (Place.name.begins_with("x"), make_condition(Place._meta, {"name__startswith": "x"})),
        (Place.name.contains("x"), make_condition(Place._meta, {"name__contains": "x"})),
        (Place.name.exists(), make_condition(Place._meta, {"name__exists": True})),
        (Place.name.not_exists(), make_condition(Place._meta, {"name__exists": False})),
        (Place.doc["a"][0].gte(1), make_condition(Place._meta, {"doc__a__0__gte": 1})),
        (Place.doc["a"].size().gt(1), make_condition(Place._meta, {"doc__a__size__gt": 1})),
        (Place.doc["a"].attribute_type("L"), make_condition(Place._meta, {"doc__a__type": "L"})),
    ],
    ids=count(),
)
def test_the_spellings_say_the_same(older, same):
    assert older == same
    assert spell(older) == spell(same)


def test_f_leaves_values_to_the_field_of_that_name():
    meta = Place._meta
    assert meta.condition(F("when") > WHEN) == (Place.when > WHEN)
    assert meta.condition(F("id") == ID) == (Place.id == ID)
    assert meta.condition(F("when").between(WHEN, WHEN)) == Place.when.between(WHEN, WHEN)
    assert meta.condition(F("address") == Address(city="L")) == (Place.address == Address(city="L"))
    with pytest.raises(ValidationError, match=r"Place.floors: .*not an int"):
        meta.condition(F("floors") > WHEN)
