"""Lookups and query sets: what they ask, as the request that would be sent, or why it cannot be."""

from __future__ import annotations

import pytest

from dynamodb_py import (
    CharField,
    DictField,
    F,
    IntegerField,
    ListField,
    Model,
    QueryError,
    ScanRequired,
    SetField,
    ValidationError,
    options,
)
from dynamodb_py.models.lookups import conditions
from dynamodb_py.operations.queries import Query, Scan

from ..expressions.spelling import check_request, spell


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
    found = conditions(Score._meta, lookups)
    if not text:
        assert found.is_empty
        return
    spelled, _, given = spell(found)
    assert spelled.replace("(", "").replace(")", "") == text.replace("(", "").replace(")", "")
    assert list(given.values()) == values


def test_isnull_false_asks_for_a_value():
    text, _, values = spell(conditions(Score._meta, {"title__isnull": False}))
    assert "NOT" in text
    assert list(values.values()) == [{"S": "NULL"}]


@pytest.mark.parametrize(
    ("lookups", "error", "said"),
    [
        ({"titel": 1}, TypeError, "Score has no field titel: its fields are user, points, title"),
        ({"u": 1}, TypeError, "Score has no field u"),
        ({"title__icontains": "a"}, QueryError, r"Score: title__icontains= uses an unknown lookup 'icontains': there are exact, eq, ne,"),
        ({"title__": "a"}, TypeError, ""),
        ({"points__in": 5}, QueryError, "Score: points__in=: 5 is one value: give a list of them"),
        ({"title__in": "abc"}, QueryError, "Score: title__in=: 'abc' is one value: give a list of them"),
        ({"points__between": 5}, QueryError, "Score: points__between=: 5 is one value"),
        ({"points__between": (1,)}, QueryError, r"Score: points__between=: \(1,\) are no bounds: give two, the lower one first"),
        ({"points__between": (5, 1)}, QueryError, "Score: points__between=: .* the lower bound is greater than the upper"),
        ({"points__gt": None}, QueryError, "Score: points__gt=: "),
        ({"points": "5"}, ValidationError, "Score.points: '5' is a str, not an int"),
        ({"points__gt": 1.5}, ValidationError, "Score.points: 1.5 is a float, not an int"),
        ({"points__contains": 1}, QueryError, "only text, lists and sets contain something"),
        ({"doc__gt": {}}, QueryError, "DynamoDB orders text, numbers and bytes, and a M is none of them"),
    ],
)  # fmt: skip
def test_a_lookup_that_cannot_be_asked_says_why(lookups, error, said):
    if lookups == {"title__": "a"}:
        assert spell(conditions(Score._meta, lookups))[0] == "#0 = :0"
        return
    with pytest.raises(error, match=said):
        conditions(Score._meta, lookups)


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
        (lambda q: q.filter(user="a", points=3), "#0 = :0 AND #1 = :1", None),
        (lambda q: q.filter(user="a", points__lte=3), "#0 = :0 AND #1 <= :1", None),
        (lambda q: q.filter(points__gt=3).filter(user="a"), "#0 = :0 AND #1 > :1", None),
        (lambda q: q.filter(user="a", points__between=(1, 2)), "#0 = :0 AND #1 BETWEEN :1 AND :2", None),
        (lambda q: q.filter(user="a", title="x"), "#0 = :0", "#1 = :1"),
        (lambda q: q.filter(Score.title.exists(), user="a"), "#0 = :0", "attribute_exists(#1)"),
        (lambda q: q.filter(user="a").filter(title__ne="x", points__gte=1), "#0 = :0 AND #1 >= :1", "#2 <> :2"),
    ],
    ids=range(10),
)  # fmt: skip
def test_the_key_is_asked_of_the_table_and_the_rest_of_what_was_read(make, keys, filter_):
    operation, payload = asked(make(Score.objects.all()))
    assert type(operation) is Query
    assert payload["TableName"] == "scores"
    assert payload["KeyConditionExpression"].strip("()") == keys
    assert payload.get("FilterExpression") == filter_
    assert payload["ExpressionAttributeNames"]["#0"] == "u"
    assert payload["ExpressionAttributeValues"][":0"] == {"S": "a"}


def test_all_is_a_scan_and_nothing_is_sent_for_a_limit_of_none():
    operation, payload = asked(Score.objects.all().page_size(5))
    assert type(operation) is Scan
    assert payload == {"TableName": "scores", "Limit": 5}
    assert list(Score.objects.all().limit(0)) == []


def test_options_of_a_query_set():
    query = Score.objects.filter(user="a")
    assert "ScanIndexForward" not in asked(query)[1]
    assert asked(query.reverse())[1]["ScanIndexForward"] is False
    assert "ScanIndexForward" not in asked(query.reverse().reverse())[1]
    assert asked(query.consistent())[1]["ConsistentRead"] is True
    with options(consistent=True):
        assert asked(query)[1]["ConsistentRead"] is True
        assert "ConsistentRead" not in asked(query.consistent(False))[1]
    assert "ConsistentRead" not in asked(query)[1]


def test_a_query_set_never_changes():
    base = Score.objects.filter(user="a")
    before = base.operation()
    base.filter(title="x")
    base.reverse().limit(3).consistent().page_size(2)
    assert base.operation() == before


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda q: q.filter(title="x"), ScanRequired, "Score: only reading the whole table could answer this: filter by the hash key too, user=..., or read all"),
        (lambda q: q.filter(user__gt="x"), ScanRequired, "filter by the hash key too, user=..."),
        (lambda q: q.filter((Score.user == "a") | (Score.user == "b")), ScanRequired, "filter by the hash key too"),
        (lambda q: q.filter(~(Score.user == "a")), ScanRequired, "filter by the hash key too"),
        (lambda q: q.filter(user="a").filter(user="b"), QueryError, "user"),
        (lambda q: q.filter(user=None), ScanRequired, "filter by the hash key too"),
        (lambda q: q.filter(user="a", points__ne=1), QueryError, r"Score.points: a query takes one condition on it"),
        (lambda q: q.filter(user="a", points__gt=1, points__lt=5), QueryError, r"Score.points: a query takes one condition on it"),
        (lambda q: q.limit(-1), QueryError, r"limit\(-1\): a limit is 0 or more"),
        (lambda q: q.page_size(0), QueryError, r"page_size\(0\): a page has at least one item"),
    ],
    ids=range(10),
)  # fmt: skip
def test_what_dynamodb_cannot_answer_is_told_before_anything_is_sent(make, error, said):
    with pytest.raises(error, match=said):
        make(Score.objects.all()).operation()


def page(*points, more=False):
    items = [{"u": {"S": "a"}, "points": {"N": str(n)}} for n in points]
    body = {"Items": items, "Count": len(items), "ScannedCount": len(items)}
    return {**body, "LastEvaluatedKey": {"u": {"S": "a"}, "points": {"N": "9"}}} if more else body


def test_iterating_goes_on_to_the_end_over_empty_pages(script, do):
    script.answers = [page(1, 2, more=True), page(more=True), page(more=True), page(3)]
    assert [each.points for each in do.list(Score.objects.filter(user="a"))] == [1, 2, 3]
    starts = [payload.get("ExclusiveStartKey") for payload in script.payloads]
    assert starts == [None] + [{"u": {"S": "a"}, "points": {"N": "9"}}] * 3


def test_a_limit_reads_no_page_more_than_it_must(script, do):
    script.answers = [page(1, 2, more=True)]
    assert [each.points for each in do.list(Score.objects.filter(user="a").limit(2))] == [1, 2]
    script.answers = [page(more=True), page(5, 6, more=True)]
    assert do(Score.objects.filter(user="a").first).points == 5
    script.answers = [page()]
    assert do(Score.objects.filter(user="a").first) is None


def test_a_query_set_can_be_iterated_again(script):
    query = Score.objects.filter(user="a")
    script.answers = [page(1), page(1, 2)]
    assert len(list(query)) == 1
    assert len(list(query)) == 2


def test_representations_say_what_is_asked():
    assert repr(Score.objects) == "<Manager of Score>"
    assert repr(Score.objects.filter(user="a")).startswith("<QuerySet of Score: <Condition: ")
