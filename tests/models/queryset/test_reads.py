"""Query sets without a server: what they ask, what they send for it, and what they keep."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle

import pytest

from dynamodb_py import (
    CharField,
    DictField,
    F,
    GlobalIndex,
    IntegerField,
    ListField,
    Manager,
    Model,
    Q,
    QueryError,
    QuerySet,
    ScanRequired,
    connect,
    connections,
    options,
)
from dynamodb_py.exceptions import InvalidCursor, MaxRequestsReached
from dynamodb_py.models.records.base import get_fetched_fields
from dynamodb_py.operations.items import GetItem
from dynamodb_py.operations.queries import Query, Scan

from ...scripted import Script, checked, scripted_connection


class Scores(QuerySet["Score"]):
    def high(self):
        return self.filter(points__gt=9)

    def _hidden(self):
        return self

    def only_here(self):
        return self

    only_here.queryset_only = True


class Won(Manager["Score"]):
    def __init__(self, least=1, **options):
        super().__init__(**options)
        self.least = least

    def get_queryset(self):
        return super().get_queryset().filter(wins__gte=self.least)


class Score(Model):
    class Meta:
        table_name = "scores"
        indexes = [GlobalIndex("ByTitle", hash_key="title", range_key="wins")]

    user = CharField(name="u", hash_key=True)
    points = IntegerField(range_key=True)
    title = CharField()
    wins = IntegerField(default=0)
    tags = ListField(default=[])
    doc = DictField(default=dict)

    scores = Scores.as_manager()
    winners = Won()
    champions = Won(least=100)


class Open(Model):
    class Meta:
        table_name = "open"
        allow_scan = True

    key = CharField(hash_key=True)
    count = IntegerField()


def item(points, user="a", **more):
    return {"u": {"S": user}, "points": {"N": str(points)}, **more}


def page(*points, more=False, count=None):
    items = [each if isinstance(each, dict) else item(each) for each in points]
    number = len(items) if count is None else count
    body = {"Items": items, "Count": number, "ScannedCount": number}
    return {**body, "LastEvaluatedKey": item(points[-1] if points else 9)} if more else body


def points(rows):
    return [row.points for row in rows]


@pytest.fixture
def rows():
    return Score.objects.filter(user="a")


# -- builders -------------------------------------------------------------------------------------


def test_each_builder_gives_a_new_query_set_and_leaves_the_old_one_as_it_was(script, rows):
    before = checked(rows.operation())
    made = [
        rows.filter(title="x"),
        rows.exclude(title="x"),
        rows.all(),
        rows.none(),
        rows.order_by("-points"),
        rows.reverse(),
        rows.consistent(),
        rows.only("title"),
        rows.defer("title"),
        rows.values("title"),
        rows.values_list("title"),
        rows.as_dicts(),
        rows.limit(3),
        rows[:3],
        rows.page_size(3),
        rows.max_requests(3),
        rows.prefetch(),
        rows.full(),
        rows.using("other"),
        rows.scan(),
        rows.after("x"),
        rows & rows,
        rows | rows,
        rows.union(rows),
    ]
    assert all(type(each) is QuerySet for each in made)
    assert len({id(each) for each in [rows, *made]}) == len(made) + 1
    assert checked(rows.operation()) == before
    assert script.sent == []


ASKED = [
    (lambda q: q.filter(title="x"), {"FilterExpression": "#1 = :1"}),
    (lambda q: q.filter(Score.title == "x"), {"FilterExpression": "#1 = :1"}),
    (lambda q: q.filter(F("doc") == "x", wins__gt=1), {"FilterExpression": "(#1 > :1 AND #2 = :2)"}),
    (lambda q: q.filter(Q(title="x") | Q(wins=1)), {"FilterExpression": "(#1 = :1 OR #2 = :2)"}),
    (lambda q: q.exclude(title="x"), {"FilterExpression": "(NOT #1 = :1)"}),
    (lambda q: q.exclude(title="x", wins=3), {"FilterExpression": "(NOT (#1 = :1 AND #2 = :2))"}),
    (lambda q: q.exclude(), {}),
    (lambda q: q.filter(), {}),
    (lambda q: q.order_by("points"), {}),
    (lambda q: q.order_by("-points"), {"ScanIndexForward": False}),
    (lambda q: q.order_by("-points").reverse(), {}),
    (lambda q: q.order_by("-points").order_by(), {}),
    (lambda q: q.order_by(Score.points).reverse(), {"ScanIndexForward": False}),
    (lambda q: q.reverse(), {"ScanIndexForward": False}),
    (lambda q: q.reverse().reverse(), {}),
    (lambda q: q.consistent(), {"ConsistentRead": True}),
    (lambda q: q.consistent().consistent(False), {}),
    (lambda q: q.limit(3), {"Limit": 3}),
    (lambda q: q[:3], {"Limit": 3}),
    (lambda q: q[:3][:5], {"Limit": 3}),
    (lambda q: q[:5][:3], {"Limit": 3}),
    (lambda q: q.limit(3)[:], {"Limit": 3}),
    (lambda q: q.limit(3).limit(None), {}),
    (lambda q: q.limit(3).page_size(7), {"Limit": 7}),
    (lambda q: q.only("title"), {"ProjectionExpression": "#1, #0, #2"}),
    (lambda q: q.values("doc__a", "doc__l__0"), {"ProjectionExpression": "#1.#2, #1.#3, #0, #4"}),
    (lambda q: q.values(Score.doc["a"]), {"ProjectionExpression": "#1.#2, #0, #3"}),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), ASKED, ids=range(len(ASKED)))
def test_what_a_builder_says_is_in_the_request(rows, make, message):
    operation = make(rows).operation()
    assert type(operation) is Query
    payload = checked(operation)
    for each in ("TableName", "ExpressionAttributeNames", "ExpressionAttributeValues"):
        payload.pop(each)
    assert payload.pop("KeyConditionExpression") == "#0 = :0"
    assert payload == message


SLICES = {
    "[:n]": lambda q: q[:3],
    "[:n][:m]": lambda q: q[:3][:9],
    "[:0]": lambda q: q[:0],
    "limit(n)": lambda q: q.limit(3),
    "limit(1)": lambda q: q.limit(1),
    "limit(n) of an ordered one": lambda q: q.order_by("-points").limit(3),
    "limit(n) of a filtered one": lambda q: q.filter(Q(title="x") | Q(wins=1)).limit(3),
    "options after it": lambda q: q[:3].only("title").using("default").consistent().page_size(2),
    "pickled": lambda q: pickle.loads(pickle.dumps(q[:3])),
    "copied": lambda q: q[:3].all(),
}
CHANGES_OF_ROWS = {
    "filter()": [
        lambda q: q.filter(title="x"),
        lambda q: q.filter(Score.title == "x"),
        lambda q: q.filter(Score.wins > 3, title="x"),
        lambda q: q.filter(Q(title="x") | Q(wins=1)),
        lambda q: q.filter(tags__contains="x"),
        lambda q: q.get(title="x"),
        lambda q: q.get(user="a", points=1),
        lambda q: q.get("a", 1),
        lambda q: q.get_or_none("a", 1),
    ],
    "exclude()": [lambda q: q.exclude(title="x"), lambda q: q.exclude(Score.title == "x")],
    "order_by()": [lambda q: q.order_by("points"), lambda q: q.order_by(Score.points)],
    "reverse()": [lambda q: q.reverse()],
    "index()": [lambda q: q.index("ByTitle")],
    "full()": [lambda q: q.full()],
    "scan()": [lambda q: q.scan(), lambda q: q.scan(4, rate=5)],
    "&": [lambda q: q & q],
    "|": [lambda q: q | q],
}


@pytest.mark.parametrize("verb", CHANGES_OF_ROWS)
@pytest.mark.parametrize("sliced", SLICES)
def test_a_slice_is_final(script, rows, sliced, verb):
    slice_ = SLICES[sliced](rows)
    for change in CHANGES_OF_ROWS[verb]:
        with pytest.raises(QueryError) as caught:
            change(slice_)
        assert f"Score: {verb} after limit() or a slice" in str(caught.value)
    assert script.sent == []


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_what_changes_no_rows_is_allowed_after_a_slice(rows, limit):
    allowed = [
        lambda q: q.all(),
        lambda q: q.filter(),
        lambda q: q.only("title"),
        lambda q: q.defer("title"),
        lambda q: q.values("title"),
        lambda q: q.values_list("title", flat=True),
        lambda q: q.as_dicts(),
        lambda q: q.consistent(),
        lambda q: q.using("default"),
        lambda q: q.page_size(7),
        lambda q: q.max_requests(7),
        lambda q: q.after("cursor"),
        lambda q: q.prefetch(),
        lambda q: q.prefetch_related(),
        lambda q: q.limit(7),
        lambda q: q[:7],
        lambda q: q[:],
    ]
    for change in allowed:
        made = change(rows[:limit])
        assert (made._question.limit, made._question.condition) == (limit, rows._question.condition)
    assert rows.index("ByTitle")[:limit].full()._question.limit == limit


def test_the_key_alone_is_a_get_and_nothing_at_all_a_scan(script):
    assert checked(Score.objects.filter(user="a", points=3).operation()) == {
        "TableName": "scores",
        "Key": {"u": {"S": "a"}, "points": {"N": "3"}},
    }
    assert type(Score.objects.all().operation()) is Scan
    assert type(Score.objects.scan(4).operation()) is Scan
    assert checked(Score.objects.scan(4).operation())["TotalSegments"] == 4


def test_the_index_is_found_or_said(rows):
    found = Score.objects.filter(title="x").order_by("-wins").operation()
    assert (found.index, found.forward) == ("ByTitle", False)
    assert Score.objects.index("ByTitle").filter(title="x").operation().index == "ByTitle"
    with pytest.raises(QueryError, match="Score has no index 'by_title': its indexes are ByTitle"):
        rows.index("by_title")


def test_options_hold_when_it_is_sent(rows):
    with options(consistent=True):
        assert rows.operation().consistent
        assert not rows.consistent(False).operation().consistent
    assert not rows.operation().consistent


REFUSED = [
    (lambda q: q.filter(nothing=1), TypeError, "Score has no field nothing"),
    (lambda q: q.filter("a"), TypeError, "'a' is not a condition: write Score.field == value"),
    (lambda q: q.order_by("nothing"), TypeError, "Score has no field nothing"),
    (lambda q: q.order_by("-nothing"), TypeError, "Score has no field nothing"),
    (lambda q: q.only("nothing"), TypeError, "Score has no field nothing"),
    (lambda q: q.only("doc__a"), QueryError, r"only\('doc__a'\): instances have whole fields.*values\(\)"),
    (lambda q: q.only(Score.doc["a"]), QueryError, "instances have whole fields"),
    (lambda q: q.only(), QueryError, "name at least one field"),
    (lambda q: q.values("nothing__a"), TypeError, "Score has no field nothing"),
    (lambda q: q.values("title", "title"), QueryError, "title is named twice"),
    (lambda q: q.values("title__a"), QueryError, "nothing lies inside"),
    (lambda q: q.only("title").values("wins"), QueryError, r"only\(\) or defer\(\)\(\) beside|beside values"),
    (lambda q: q.values("wins").only("title"), QueryError, r"only\(\) beside values\(\)"),
    (lambda q: q.values("wins").defer("title"), QueryError, r"defer\(\) beside values\(\)"),
    (lambda q: q.values_list(flat=True), QueryError, r"flat=True\) takes one name"),
    (lambda q: q.values_list("title", "wins", flat=True), QueryError, "takes one name"),
    (lambda q: q.values_list("title", flat=True, named=True), QueryError, "and named=True"),
    (lambda q: q.limit(-1), QueryError, r"limit\(-1\): a limit is 0 or more"),
    (lambda q: q.limit(2.5), QueryError, r"limit\(2.5\)"),
    (lambda q: q.page_size(0), QueryError, r"page_size\(0\): a page has at least one item"),
    (lambda q: q.max_requests(0), QueryError, "at least one request is sent"),
    (lambda q: q.scan(0), QueryError, "at least one segment"),
    (lambda q: q.scan(1_000_001), QueryError, "at most 1000000 segments"),
    (lambda q: q.scan(rate=0), QueryError, "over 0"),
    (lambda q: q[1], QueryError, r"\[1\]: DynamoDB reads from the start.*page\(cursor=...\).*reverse\(\)"),
    (lambda q: q[-1], QueryError, r"\[-1\]: DynamoDB reads from the start"),
    (lambda q: q[2:4], QueryError, r"\[2:4\]: DynamoDB reads from the start"),
    (lambda q: q[::2], QueryError, r"\[::2\]"),
    (lambda q: q[:-1], QueryError, r"\[:-1\]"),
    (lambda q: q & Open.objects.all(), QueryError, "query sets of one model, not of Score and Open"),
    (lambda q: q | q.limit(3), QueryError, "alike in all else"),
    (lambda q: q & q.consistent(), QueryError, "alike in all else"),
    (lambda q: q & 3, TypeError, "and 3 is not one"),
    (lambda q: q.union(Open.objects.all()), QueryError, "have no rows in common"),
    (lambda q: q.union(q.values("title")), QueryError, "rows of two kinds"),
    (lambda q: q.union(q.using("x")), QueryError, "two connections"),
    (lambda q: q.union(q).filter(title="x"), QueryError, r"a union takes limit\(\) and slices"),
    (lambda q: q.union(q).consistent(), QueryError, "a union takes"),
    (lambda q: q.union(q).explain(), QueryError, "a union reads several query sets"),
    (lambda q: q.union(q).iterator(), QueryError, r"use iterator\(\) on each"),
    (lambda q: q.union(q).page(), QueryError, r"use page\(\) on each"),
    (lambda q: q.page(0), QueryError, "at least one row"),
    (lambda q: q.limit(3).page(), QueryError, "is the limit of rows"),
    (lambda q: q.page(cursor="abc"), InvalidCursor, "it was cut short"),
    (lambda q: list(q.after("abc")), InvalidCursor, "it was cut short"),
    (lambda q: q.in_bulk([("a", 1)]), QueryError, r"in_bulk\(\) reads by key alone"),
    (lambda q: Score.objects.limit(3).in_bulk([("a", 1)]), QueryError, "reads by key alone"),
    (lambda q: Score.objects.values().in_bulk([("a", 1)]), QueryError, "reads by key alone"),
    (lambda q: list(Score.objects.filter(wins=1)), ScanRequired, r"filter by user=.*\.scan\(\)"),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "error", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_is_refused_before_anything_is_sent(script, rows, ask, error, message):
    with pytest.raises(error, match=message):
        ask(rows)
    assert script.sent == []


def test_a_model_may_allow_scans(script):
    script.answers = [page()]
    assert list(Open.objects.filter(count=3)) == []
    assert [each.api for each in script.sent] == ["Scan"]


def test_both_and_either_join_the_conditions():
    rows, title = Score.objects.filter(user="a"), Score.objects.filter(title="x")
    both = rows & title
    assert checked(both.operation())["FilterExpression"] == "#1 = :1"
    everything, nothing = Score.objects.all(), Score.objects.none()
    assert (rows | everything)._question.condition.is_empty
    assert (everything | rows)._question.condition.is_empty
    assert (rows | nothing)._question == (nothing | rows)._question == rows._question
    either = rows.filter(wins=1) | rows.filter(title="x")
    assert "wins = 1" in repr(either._question.condition)
    assert " OR " in repr(either._question.condition)


# -- iterating ------------------------------------------------------------------------------------


def test_nothing_is_sent_before_it_is_iterated(script, do, rows):
    late = rows.filter(title="x").reverse().limit(3)
    late.explain()
    late.operation()
    assert script.sent == []
    script.answers = [page()]
    assert do.list(late) == []


def test_what_was_iterated_to_the_end_is_kept(script, do, rows):
    script.answers = [page(1, 2, more=True), page(3)]
    assert points(do.list(rows)) == [1, 2, 3]
    assert points(do.list(rows)) == points(list(rows)) == points(rows) == [1, 2, 3]
    assert len(rows) == 3
    assert rows
    assert rows[0].points == 1
    assert do(rows.first).points == 1
    assert do(rows.last).points == 3
    assert do(rows.count) == 3
    assert do(rows.exists)
    assert rows[0] in rows
    assert repr(rows).startswith("<QuerySet [Score(user='a', points=1")
    assert len(script.sent) == 2


def test_list_asks_once_although_it_asks_for_the_length_too(script, rows):
    script.answers = [page(1, more=True), page(2)]
    assert points(list(rows)) == [1, 2]
    assert len(script.sent) == 2


@pytest.mark.parametrize(
    "ask",
    [len, bool, lambda q: 3 in q, lambda q: [*q], lambda q: sorted(q, key=id)],
    ids=["len", "bool", "in", "unpacked", "sorted"],
)
def test_whoever_asks_first_reads_to_the_end_for_all(script, rows, ask):
    script.answers = [page(1, more=True), page(2)]
    ask(rows)
    assert len(rows) == 2
    assert len(script.sent) == 2


def test_no_rows_are_false_and_kept_too(script, rows):
    script.answers = [page()]
    assert not rows
    assert list(rows) == []
    assert len(rows) == 0
    assert len(script.sent) == 1


def test_a_loop_that_is_left_keeps_nothing(script, do, rows):
    script.answers = [page(1, more=True), page(1, 2)]
    if do.mode == "sync":
        for _ in rows:
            break
    else:

        async def leave():
            async for _ in rows:
                break

        do.run(leave())
        gc.collect()
    assert rows._result_cache is None
    assert points(do.list(rows)) == [1, 2]


def test_each_builder_is_fresh(script, rows):
    script.answers = [page(1), page(1, 2)]
    assert len(rows) == 1
    assert len(rows.all()) == 2
    assert len(rows) == 1


def test_iterator_never_keeps(script, do, rows):
    script.answers = [page(1), page(1, 2)]
    assert points(do.list(rows.iterator())) == [1]
    assert points(do.list(rows.iterator())) == [1, 2]
    assert rows._result_cache is None


def test_an_error_on_the_way_keeps_nothing(script, do, rows):
    script.answers = [page(1, more=True), ConnectionAbortedError("gone"), page(1, 2)]
    with pytest.raises(ConnectionAbortedError):
        do.list(rows)
    assert points(do.list(rows)) == [1, 2]


def test_two_loops_at_once_do_not_mix(script, rows):
    script.answers = [page(1, 2), page(1, 2)]
    assert [(one.points, two.points) for one in rows for two in rows] == [
        (1, 1), (1, 2), (2, 1), (2, 2)
    ]  # fmt: skip


def test_repr_shows_rows_at_most_twenty(script, rows):
    script.answers = [page(*range(21))]
    assert len(rows) == 21
    message = repr(rows)
    assert message.startswith("<QuerySet [Score(user='a', points=0")
    assert message.endswith(", '...(remaining elements truncated)...']>")
    assert message.count("Score(") == 20
    assert len(script.sent) == 1


def test_repr_shows_the_question_where_rows_cannot_be_had(script, rows):
    question = "<QuerySet of Score: <Condition: u = 'a'>>"

    async def inside():
        return repr(rows)

    assert asyncio.run(inside()) == question
    assert repr(Score.objects.filter(wins=3)) == "<QuerySet of Score: <Condition: wins = 3>>"
    assert script.sent == []


def test_query_sets_are_equal_to_themselves_alone(rows):
    assert rows == rows
    assert rows != rows.all()
    assert len({rows, rows.all()}) == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda q: q,
        lambda q: q.only("points"),
        lambda q: q.values(),
        lambda q: q.values("points", "doc__a"),
        lambda q: q.values_list(),
        lambda q: q.values_list("points", "user"),
        lambda q: q.values_list("points", flat=True),
        lambda q: q.values_list(named=True),
        lambda q: q.values_list("points", "doc__a", named=True),
        lambda q: q.as_dicts(),
    ],
    ids=range(10),
)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_rows_and_pages_pickle(script, do, rows, make, protocol):
    script.answers = [page(1, 2), page(1, 2)]
    for read in (do.list(make(rows)), do(make(rows).page)):
        again = pickle.loads(pickle.dumps(read, protocol))
        assert again == read
        assert [type(row) for row in again] == [type(row) for row in read]
        assert repr(again) == repr(read)
        assert [copy.copy(row) for row in read] == list(read)


class Renamed(Model):
    """The attribute of each field has the name of another field."""

    id = CharField(hash_key=True)
    low = IntegerField(name="min")
    high = IntegerField(name="low")
    tag = ListField(name="high")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: F("low") < Renamed.high, "#1 < #2"),
        (lambda: Renamed.low < Renamed.high, "#1 < #2"),
        (lambda: F("low") < F("high"), "#1 < #2"),
        (lambda: Q(high__gt=F("low")), "#2 > #1"),
        (lambda: Renamed.high > F("low"), "#2 > #1"),
        (lambda: F("low") == Renamed.high, "#1 = #2"),
        (lambda: F("low") != Renamed.high, "#1 <> #2"),
        (lambda: F("low").between(Renamed.high, 9), "#1 BETWEEN #2 AND :1"),
        (lambda: F("low").is_in(Renamed.high, 9), "#1 IN (#2, :1)"),
        (lambda: F("low").is_in(Renamed.high, F("high")), "#1 IN (#2, #2)"),
        (lambda: Q(high__in=[F("low"), 9]), "#2 IN (#1, :1)"),
        (lambda: Q(high__range=[F("low"), 9]), "#2 BETWEEN #1 AND :1"),
        (lambda: F("high").size() < Renamed.tag.size(), "size(#2) < size(#3)"),
        (lambda: Renamed.tag.contains(F("high")), "contains(#3, #2)"),
        (lambda: ~(F("low") < Renamed.high), "(NOT #1 < #2)"),
    ],
    ids=range(15),
)
def test_f_of_a_name_is_the_field_beside_one_whose_attribute_has_that_name(make, text):
    payload = checked(Renamed.objects.filter(make(), id="a").operation())
    names = payload["ExpressionAttributeNames"]
    spelled = payload["FilterExpression"]
    for at, attribute in enumerate(["id", "min", "low", "high"]):
        text = text.replace(f"#{at}", f"<{attribute}>")
    for placeholder, attribute in names.items():
        spelled = spelled.replace(placeholder, f"<{attribute}>")
    assert spelled == text


@pytest.mark.parametrize(
    "make",
    [
        lambda: F("low") < Renamed.low,
        lambda: F("low") < F("low"),
        lambda: F("min") < Renamed.low,
        lambda: Q(low__gt=F("low")),
        lambda: F("low").is_in(Renamed.high, F("low")),
    ],
    ids=range(5),
)
def test_a_field_is_not_compared_with_itself(make):
    with pytest.raises(QueryError, match=r"does not compare .* with itself"):
        Renamed.objects.filter(make(), id="a")


def test_a_query_set_pickles_its_question(script, rows):
    script.answers = [page(1)]
    kept = rows.filter(title="x", doc__a__gt=1).limit(7).consistent().values("title", "doc__a")
    assert len(kept) == 1
    again = pickle.loads(pickle.dumps(kept))
    assert type(again) is QuerySet
    assert again._result_cache is None
    assert checked(again.operation()) == checked(kept.operation())
    assert again._read_options == kept._read_options
    script.answers = [page(item(1, title={"S": "x"}, doc={"M": {"a": {"N": "2"}}}))]
    assert list(again) == [{"title": "x", "doc__a": 2}]
    union = pickle.loads(pickle.dumps(rows.union(rows.filter(title="x"))))
    assert len(union._read_options.parts) == 2


def test_a_query_set_of_ones_own_pickles_with_what_it_has(script):
    mine = Score.scores.filter(user="a").high()
    mine.note = "mine"
    again = pickle.loads(pickle.dumps(mine))
    assert (type(again), again.note) == (Scores, "mine")
    assert again.limit(3).note == "mine"
    assert checked(again.operation()) == checked(mine.operation())


# -- verbs ----------------------------------------------------------------------------------------


def test_first_reads_no_more_than_it_must(script, do, rows):
    script.answers = [page(1)]
    assert do(rows.first).points == 1
    assert script.payloads[0]["Limit"] == 1
    script.answers = [page(more=True), page(5, 6, more=True)]
    assert do(rows.filter(title="x").first).points == 5
    script.answers = [page()]
    assert do(rows.first) is None
    assert do(rows.limit(0).first) is None
    assert do(rows.none().first) is None


def test_indexing(script, rows):
    script.answers = [page(4), page()]
    assert rows[0].points == 4
    with pytest.raises(IndexError):
        rows.filter(title="x")[0]


def test_last_is_the_first_of_the_opposite_order(script, do, rows):
    script.answers = [page(9)]
    assert do(rows.last).points == 9
    assert script.payloads[0]["ScanIndexForward"] is False
    script.answers = [page(1, 2, 3)]
    assert do(rows.limit(3).last).points == 3
    assert "ScanIndexForward" not in script.payloads[1]


def test_get_gives_the_one_that_there_is(script, do, rows):
    script.answers = [page(1), page(), page(1, 2)]
    assert do(rows.get, title="x").points == 1
    with pytest.raises(Score.DoesNotExist, match=r"no Score matches .*title = 'x'"):
        do(rows.get, Score.wins > 3, title="x")
    with pytest.raises(Score.MultipleObjectsReturned, match="more than one Score matches"):
        do(rows.get)


def test_get_by_the_key_reads_by_the_key(script, do):
    script.answers = [{"Item": item(3)}, {"Item": item(3)}, {}]
    assert do(Score.objects.get, "a", 3).points == 3
    assert do(Score.objects.get, user="a", points=3, consistent=True).points == 3
    with pytest.raises(
        Score.DoesNotExist, match="Score has no item with the key user='a', points=4"
    ) as raised:
        do(Score.objects.get, user="a", points=4)
    assert raised.value.missing == [{"user": "a", "points": 4}]
    assert [type(each) for each in script.sent] == [GetItem] * 3
    assert [each.consistent for each in script.sent] == [False, True, False]
    with pytest.raises(TypeError, match="the key of Score is user and points"):
        do(Score.objects.get, "a")
    with pytest.raises(TypeError, match="the key of Score is user and points"):
        do(Score.objects.get_or_none, user="a")


def test_a_key_beside_conditions_must_match_them_too(script, do, rows):
    script.answers = [page(), page(3)]
    with pytest.raises(Score.DoesNotExist):
        do(Score.winners.get, "a", 3)
    assert do(Score.winners.get_or_none, "a", 3).points == 3
    assert ["FilterExpression" in payload for payload in script.payloads] == [True, True]


def test_count_counts_without_items(script, do, rows):
    script.answers = [page(count=7, more=True), page(count=3)]
    assert do(rows.count) == 10
    assert [payload["Select"] for payload in script.payloads] == ["COUNT"] * 2
    script.answers = [page(count=7, more=True)]
    assert do(rows.limit(5).count) == 5
    assert do(rows.none().count) == 0


def test_exists_reads_a_key(script, do, rows):
    script.answers = [page(more=True), page(3), page()]
    assert do(rows.filter(title="x").exists) is True
    assert do(rows.exists) is False
    assert "ProjectionExpression" in script.payloads[0]
    assert script.payloads[2]["Limit"] == 1


def test_in_bulk_takes_only(script, do):
    script.answers = [{"Responses": {"scores": [item(2, title={"S": "x"}), item(1)]}}]
    found = do(Score.objects.only("title").consistent().in_bulk, [("a", 1), ("a", 2), ("a", 3)])
    assert list(found) == [("a", 1), ("a", 2)]
    assert found["a", 2].title == "x"
    assert get_fetched_fields(found["a", 2]) == {"user", "points", "title"}
    asked = script.payloads[0]["RequestItems"]["scores"]
    assert asked["ConsistentRead"] is True
    assert "ProjectionExpression" in asked


class Own(Model):
    class Meta:
        table_name = "scores"

    user = CharField(name="u", hash_key=True)
    points = IntegerField(range_key=True)

    @property
    def primary_key(self):
        return "own", super().primary_key


@pytest.mark.parametrize("model", [Score, Own])
def test_in_bulk_decodes_no_item_for_the_keys_of_its_dict(script, do, model):
    other = item(2) | {"points": {"N": "2.0"}}  # as another writer may spell it
    script.answers = [{"Responses": {"scores": [other, item(1)]}}]
    found = do(model.objects.in_bulk, [("a", 1), ("a", 2)])
    assert any(each._decoded for each in found.values()) == (model is Own)
    assert found == {each.primary_key: each for each in found.values()}
    plain = [("a", 1), ("a", 2)]
    assert list(found) == (plain if model is Score else [("own", key) for key in plain])


def test_estimate_asks_what_the_table_holds(script, do, rows):
    described = {"TableName": "scores", "ItemCount": 10, "TableSizeBytes": 4000}
    script.answers = [{"Table": described}]
    assert do(rows.estimate).items == 10
    assert script.sent[0].api == "DescribeTable"


# -- unions ---------------------------------------------------------------------------------------


def test_a_union_has_the_rows_of_each_once(script, do, rows):
    other = Score.objects.filter(user="b")
    both = rows.union(other, rows.filter(title="x"))
    pages = [page(1, 2, more=True), page(3), page(item(1, "b")), page(2, 3)]
    script.answers = list(pages)
    assert [(row.user, row.points) for row in do.list(both)] == [
        ("a", 1),
        ("a", 2),
        ("a", 3),
        ("b", 1),
    ]
    assert len(both) == do(both.count) == 4
    script.answers = list(pages)
    assert do(both.all().count) == 4


def test_the_limit_of_a_union_is_exact(script, do, rows):
    both = rows.limit(2).union(Score.objects.filter(user="b").limit(5))
    script.answers = [page(1, 2), page(item(1, "b"))]
    assert [(row.user, row.points) for row in do.list(both[:3])] == [("a", 1), ("a", 2), ("b", 1)]
    assert [payload["Limit"] for payload in script.payloads] == [2, 3]
    script.answers = [page(1)]
    assert points(do.list(both.limit(1))) == [1]
    script.answers = [page(1, 2)]
    assert do(both.first).points == 1
    assert do.list(both.limit(0)) == []


def test_a_union_of_unions_and_of_other_rows(script, do, rows):
    both = rows.values("points").union(rows.values("points")).union(rows.values("points"))
    script.answers = [page(1), page(1), page(1, 2)]
    assert do.list(both) == [{"points": 1}, {"points": 2}]


# -- pages ----------------------------------------------------------------------------------------


def test_a_page_is_full_where_filters_drop_items(script, do, rows):
    late = rows.filter(title="x")
    script.answers = [page(1, more=True), page(more=True), page(2, 3, more=True)]
    first = do(late.page, 2)
    assert points(first.items) == points(first) == [1, 2]
    assert len(first) == 2
    assert (first.has_next, first.has_previous, first.requests) == (True, False, 3)
    assert set(first.next_cursor) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    )
    script.answers = [page(3)]
    second = do(late.page, 2, first.next_cursor)
    assert script.payloads[-1]["ExclusiveStartKey"] == item(2)
    assert points(second.items) == [3]
    assert (second.has_next, second.has_previous) == (False, True)
    script.answers = [page(2, 1)]
    before = do(late.page, 2, second.previous_cursor)
    assert script.payloads[-1]["ScanIndexForward"] is False
    assert script.payloads[-1]["ExclusiveStartKey"] == item(3)
    assert points(before.items) == [1, 2]
    assert (before.has_next, before.has_previous) == (True, False)
    script.answers = [page(3)]
    assert points(do(late.page, 2, before.next_cursor).items) == [3]


def test_a_page_that_ends_where_a_list_does_knows_whether_there_is_more(script, do, rows):
    script.answers = [page(1, 2, more=True), page(3)]
    got = do(rows.filter(title="x").page, 2)
    assert (points(got.items), got.has_next) == ([1, 2], True)
    script.answers = [page(1, 2, more=True), page()]
    got = do(rows.filter(title="x").page, 2)
    assert (points(got.items), got.has_next) == ([1, 2], False)


def test_a_page_of_few_requests_may_be_shorter(script, do, rows):
    script.answers = [page(1, more=True)]
    got = do(rows.filter(title="x").max_requests(1).page, 2)
    assert (points(got.items), got.has_next) == ([1], True)


def test_a_cursor_belongs_to_its_query(script, do, rows):
    script.answers = [page(1, 2, 3)]
    cursor = do(rows.page, 2).next_cursor
    for other in (rows.filter(title="x"), rows.reverse(), Score.objects.filter(user="b")):
        with pytest.raises(InvalidCursor, match="another query"):
            do(other.page, 2, cursor)
    with pytest.raises(InvalidCursor, match="altered"):
        do(rows.page, 2, cursor[:-1] + ("A" if cursor[-1] != "A" else "Q"))
    with pytest.raises(QueryError, match="use one of them"):
        do(rows.after(cursor).page, 2, cursor)
    script.answers = [page(3)]
    assert points(do.list(rows.after(cursor))) == [3]


def test_a_cursor_is_signed_where_the_connection_has_a_key(monkeypatch, do):
    script = Script([page(1, 2, 3), page(3)])
    known = {
        "signing": scripted_connection(script, "signing", cursor_key=b"secret"),
        "other": scripted_connection(script, "other", cursor_key=b"other"),
        "plain": scripted_connection(script, "plain"),
    }
    monkeypatch.setattr(connections, "_connections", known)
    rows = Score.objects.filter(user="a").using("signing")
    cursor = do(rows.page, 2).next_cursor
    assert points(do(rows.page, 2, cursor)) == [3]
    with pytest.raises(InvalidCursor, match="another key"):
        do(rows.using("other").page, 2, cursor)
    with pytest.raises(InvalidCursor, match="no cursor_key"):
        do(rows.using("plain").page, 2, cursor)
    assert connect("text", cursor_key="secret").cursor_key == b"secret"


def test_after_takes_no_cursor_that_goes_back(script, do, rows):
    script.answers = [page(1, 2, 3), page(3, 4)]
    first = do(rows.page, 2)
    second = do(rows.page, 2, first.next_cursor)
    with pytest.raises(InvalidCursor, match="previous_cursor"):
        do.list(rows.after(second.previous_cursor))


def test_max_requests_says_where_to_go_on(script, do, rows):
    script.answers = [page(1, more=True)]
    with pytest.raises(MaxRequestsReached) as raised:
        do.list(rows.max_requests(1))
    script.answers = [page(2)]
    assert points(do.list(rows.after(raised.value.cursor))) == [2]
    script.answers = [page(count=3, more=True)]
    with pytest.raises(MaxRequestsReached) as raised:
        do(rows.max_requests(1).count)
    assert raised.value.cursor


def test_pages_tell_what_they_cost(script, do, rows):
    script.answers = [
        {**page(1, more=True), "ConsumedCapacity": {"CapacityUnits": 2.5}, "ScannedCount": 4},
        {**page(2), "ConsumedCapacity": {"CapacityUnits": 1.0}},
    ]
    first, second = do.list(rows.pages())
    assert (points(first.items), first.scanned, first.units, first.requests) == ([1], 4, 2.5, 1)
    assert (points(second.items), second.scanned, second.units) == ([2], 1, 1.0)
    assert second.next_cursor is None
    script.answers = [page(2)]
    assert points(do.list(rows.after(first.next_cursor))) == [2]


def test_a_walk_has_a_checkpoint(script, do, rows):
    script.answers = [page(1, 2, more=True)]
    walk = rows.iterator()
    if do.mode == "sync":
        assert next(walk).points == 1
    else:
        assert do.run(anext(walk)).points == 1
    checkpoint = walk.checkpoint
    script.answers = [page(2, 3)]
    assert points(do.list(rows.after(checkpoint))) == [
        2,
        3,
    ]
    assert script.payloads[-1]["ExclusiveStartKey"] == item(1)


def test_a_scan_goes_on_from_its_checkpoint(script, do):
    scan = Score.objects.scan()
    script.answers = [page(1, 2, more=True)]
    walk = scan.iterator()
    assert (next(walk) if do.mode == "sync" else do.run(anext(walk))).points == 1
    script.answers = [page(2, 3)]
    assert points(do.list(Score.objects.scan(checkpoint=walk.checkpoint))) == [2, 3]


def test_a_scan_tells_how_far_it_is(script, do):
    told = []
    described = {"TableName": "scores", "ItemCount": 7}
    script.answers = [{"Table": described}, page(1, 2, more=True), page(3)]
    do.list(Score.objects.scan(progress=lambda done, total: told.append((done, total))))
    assert told == [(2, 7), (3, 3)]


def test_one_page_ahead_gives_the_same_rows(script, do, rows):
    script.answers = [page(1, more=True), page(more=True), page(2)]
    assert points(do.list(rows.prefetch())) == [1, 2]
    assert len(script.sent) == 3


# -- managers -------------------------------------------------------------------------------------


def test_a_manager_has_the_builders_and_verbs_of_its_query_set(script, do):
    asks = {
        name
        for name in dir(QuerySet)
        if name[0] != "_"
        and name not in ("as_manager", "model", "delete", "adelete", "update", "aupdate")
    }
    assert asks - set(dir(Manager)) == set()
    script.answers = [page(1), page(count=1), page(1), page(1)]
    assert do(Score.objects.first).points == 1
    assert do(Score.objects.count) == 1
    assert do(Score.objects.exists) is True
    assert points(do(Score.objects.page, 5).items) == [1]


def test_what_a_manager_hands_on_is_documented():
    assert Manager.filter.__doc__ == QuerySet.filter.__doc__
    assert Manager.page.__doc__ == QuerySet.page.__doc__
    assert [
        name for name in dir(Manager) if name[0] != "_" and not getattr(Manager, name).__doc__
    ] == []


def test_a_manager_of_a_query_set_has_its_methods(script):
    assert isinstance(Score.scores, Manager)
    assert type(Score.scores.high()) is Scores
    assert type(Score.scores.filter(user="a").high()) is Scores
    assert type(Score.scores.all()[:3].values("title")) is Scores
    assert not hasattr(Score.scores, "only_here")
    assert not hasattr(Score.scores, "_hidden")
    assert repr(Score.scores) == "<ManagerFromScores of Score>"


def test_a_manager_chooses_its_items():
    assert Score.winners.filter(user="a")._question.condition == (
        (Score.wins >= 1) & (Score.user == "a")
    )
    assert "wins >= 100" in repr(Score.champions.all()._question.condition)
    assert Score.winners.using("x").all()._read_options.using == "x"
    assert Score.winners.using("x").least == 1


def test_managers_are_of_the_class_that_they_are_asked_of():
    class Base(Model):
        class Meta:
            abstract = True

        wins = IntegerField()
        winners = Won()

    class One(Base):
        key = CharField(hash_key=True)

    class Two(One):
        pass

    assert (One.winners.model, Two.winners.model, Two.objects.model) == (One, Two, Two)
    assert Two.winners.all().model is Two
    with pytest.raises(AttributeError, match=r"winners is an attribute of .*: use One\.winners"):
        _ = One(key="a").winners
    with pytest.raises(TypeError, match="Base is abstract"):
        Base.winners.all()


def test_objects_itself_can_be_another_manager(script, do):
    class Custom(Model):
        key = CharField(hash_key=True)
        wins = IntegerField()
        objects = Won(least=2)

    script.answers = [{}]
    custom = do(Custom.create, key="a")
    assert custom.persisted
    assert "wins >= 2" in repr(Custom.objects.all()._question.condition)


def test_a_query_set_creates_as_managers_do(script, do):
    script.answers = [{}]
    assert do(Score.objects.filter(user="a").create, user="a", points=1).persisted
