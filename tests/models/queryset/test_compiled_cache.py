"""Query sets of one shape: what is remembered of the first changes nothing about the others."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    BooleanField,
    CharField,
    DateTimeField,
    DecimalField,
    Field,
    FloatField,
    GlobalIndex,
    IntegerField,
    Manager,
    Model,
    Q,
    QueryError,
    ValidationError,
    connections,
    options,
)
from dynamodb_py.codec import to_json
from dynamodb_py.expressions import Lookup
from dynamodb_py.models.instance import options_of
from dynamodb_py.models.queryset import compiled_cache, projection
from dynamodb_py.models.queryset import compiled_cache as sketches
from dynamodb_py.models.queryset.execution import direct_query, find_direct, loader_of, plan_query
from dynamodb_py.planning import Planner

from ...scripted import Script, checked, scripted_connection


class Score(Model):
    class Meta:
        table_name = "scores"
        indexes = [
            GlobalIndex("by_title", hash_key="title", range_key="wins"),
            GlobalIndex("by_team", hash_key="team", projection=["wins"]),
        ]

    player = CharField(name="p", hash_key=True)
    points = IntegerField(range_key=True)
    title = CharField()
    team = CharField()
    wins = IntegerField()
    rate = FloatField()
    price = DecimalField()
    good = BooleanField()
    at = DateTimeField()


def page(*points, more=False):
    items = [{"p": {"S": "a"}, "points": {"N": str(each)}} for each in points]
    body = {"Items": items, "Count": len(items), "ScannedCount": len(items)}
    return {**body, "LastEvaluatedKey": items[-1]} if more else body


SHAPES = {
    "the hash key": lambda s, n: Score.objects.filter(player=s),
    "a bound": lambda s, n: Score.objects.filter(player=s, points__gt=n),
    "from to": lambda s, n: Score.objects.filter(player=s, points__gte=n, points__lte=7),
    "a filter": lambda s, n: Score.objects.filter(player=s, points__gte=n, wins__lt=n + 1),
    "a filter, said first": lambda s, n: Score.objects.filter(wins__lt=n + 1, player=s),
    "twice": lambda s, n: Score.objects.filter(player=s).filter(points__lt=n),
    "in order": lambda s, n: Score.objects.filter(player=s).order_by("-points"),
    "in reverse": lambda s, n: Score.objects.filter(player=s).reverse(),
    "in pages": lambda s, n: Score.objects.filter(player=s).page_size(7),
    "limited": lambda s, n: Score.objects.filter(player=s, points__gt=n).limit(3),
    "by an index": lambda s, n: Score.objects.filter(title=s, wins__gt=n),
    "by an index of its name": lambda s, n: Score.objects.index("by_title").filter(title=s),
    "other fields": lambda s, n: Score.objects.filter(player=s, rate=n / 2, good=n > 0, price=n),
    "ne": lambda s, n: Score.objects.filter(player=s, wins__ne=n, title__ne=s),
    "operators": lambda s, n: Score.objects.filter(Score.player == s, Score.points > n),
    "operators and names": lambda s, n: Score.objects.filter(Score.wins > n, player=s),
    "names and operators": lambda s, n: Score.objects.filter(player=s).filter(Score.wins > n),
    "between": lambda s, n: Score.objects.filter(player=s, points__between=(n, n + 5)),
    "begins": lambda s, n: Score.objects.filter(player=s, title__startswith=s),
    "in": lambda s, n: Score.objects.filter(player=s, wins__in=[n, n + 1]),
    "exists": lambda s, n: Score.objects.filter(player=s, title__exists=True),
    "is null": lambda s, n: Score.objects.filter(player=s, good__isnull=n > 0),
    "either": lambda s, n: Score.objects.filter(player=s).filter(
        (Score.wins > n) | (Score.rate < n)
    ),
    "not": lambda s, n: Score.objects.filter(player=s).exclude(wins=n),
    "in part": lambda s, n: Score.objects.filter(player=s).only("title", "wins"),
    "all but": lambda s, n: Score.objects.filter(player=s, points__gt=n).defer("price"),
    "dicts": lambda s, n: Score.objects.filter(player=s).values("wins", "at")[:3],
    "tuples": lambda s, n: Score.objects.values_list("wins").filter(player=s),
    "values of an index": lambda s, n: Score.objects.filter(team=s).values_list("wins", flat=True),
    "not, in part": lambda s, n: Score.objects.filter(player=s).exclude(wins=n).only("title"),
    "in part, and not": lambda s, n: Score.objects.only("title").filter(player=s).exclude(wins=n),
    "Q": lambda s, n: Score.objects.filter(Q(wins=n) | ~Q(rate__lt=n, title=s), player=s),
    "Q or Q": lambda s, n: Score.objects.filter(player=s).filter(Q(wins=n) | Q(title__gt=s)),
    "not Q and Q": lambda s, n: Score.objects.filter(player=s).filter(~(Q(wins=n) & Q(rate=n))),
    "one or the other": lambda s, n: (
        Score.objects.filter(player=s, wins=n) | Score.objects.filter(player=s, wins=n + 1)
    ),
    "one and the other": lambda s, n: (
        Score.objects.filter(player=s) & Score.objects.filter(wins=n).exclude(title=s)
    ),
    "named, then reversed": lambda s, n: Score.objects.filter(Score.player == s).reverse().limit(2),
}

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=300)
numbers = st.integers(-(10**37), 10**37)


@pytest.mark.parametrize("shape", SHAPES)
@given(text=texts, number=numbers)
def test_each_of_a_shape_sends_what_the_planner_says(shape, text, number):
    for rows in (SHAPES[shape]("first", 1), SHAPES[shape](text, number)):
        straight = direct_query(rows)
        if straight is not None:
            (explained,) = rows.explain().operations
            assert straight == explained
        head = direct_query(rows, 1)
        if head is not None:
            (explained,) = rows.limit(1).explain().operations
            assert head == explained


PLANNED = {"in", "is null", "one or the other"}


@pytest.mark.parametrize("shape", [each for each in SHAPES if each not in PLANNED])
def test_the_usual_shapes_go_the_short_way(shape):
    direct_query(SHAPES[shape]("a", 1), 1)
    again = SHAPES[shape]("b", 2)
    assert direct_query(again, 1) is not None


@pytest.mark.parametrize("shape", [each for each in SHAPES if each not in PLANNED])
def test_a_shape_is_planned_once(shape, monkeypatch):
    direct_query(SHAPES[shape]("a", 1))
    monkeypatch.setattr(Planner, "plan", None)
    assert direct_query(SHAPES[shape]("b", 2)) is not None


def test_a_hash_key_in_as_many_values_is_planned_once(script, monkeypatch):
    def find(*players):
        return Score.objects.filter(player__in=players, wins__gt=3)

    script.answers += [page(1), page(2), page(3)]
    assert sorted(each.points for each in find("a", "b", "c")) == [1, 2, 3]
    wanted = find("x", "b", "é").explain().operations
    monkeypatch.setattr(Planner, "_make_plan", None)
    script.answers += [page(4), page(5), page(6)]
    assert sorted(each.points for each in find("x", "b", "é")) == [4, 5, 6]
    sent = script.sent[3:]
    assert sorted(map(repr, sent)) == sorted(map(repr, wanted))
    assert [checked(each)["TableName"] for each in sent] == ["scores"] * 3


JOINED = {
    "or": lambda s, n: Q(wins=n) | Q(title=s),
    "nested": lambda s, n: ~(Q(wins__gt=n, rate=n) | Q(good=n > 0)) & Q(title__lt=s),
    "alone": lambda s, n: Q(wins=n),
}


@pytest.mark.parametrize("joined", JOINED)
def test_lookups_joined_as_before_are_not_bound_until_the_question_is_needed(joined, monkeypatch):
    def find(text, number):
        return Score.objects.filter(player="a").filter(JOINED[joined](text, number))

    direct_query(find("a", 1))
    with monkeypatch.context() as patch:
        patch.setattr(Lookup, "_bind_names", None)
        patch.setattr(Planner, "plan", None)
        rows = find("b", 2)
        request = direct_query(rows)
    assert (request,) == rows.explain().operations


@pytest.mark.parametrize("value", [True, 1.5, "1", 10**40 + 1])
def test_joined_lookups_are_checked_when_they_are_given(value):
    def find(number):
        return Score.objects.filter(player="a").filter(Q(wins=number) | Q(title="x"))

    find(1)
    with pytest.raises(ValidationError, match="wins"):
        find(value)


def test_joined_lookups_of_the_same_names_joined_otherwise_have_another_shape():
    a, b, c = Q(wins=1), Q(title="x"), Q(rate=2)
    several = [(a | b) & c, (a & b) | c, a | b | c, ~a | b | c, ~(a | b) | c, a | (b & c)]
    for each in several:
        rows = Score.objects.filter(player="a").filter(each)
        for _ in range(2):
            assert direct_query(rows) == rows.explain().operations[0]
            rows = Score.objects.filter(player="a").filter(each)


def test_too_many_joined_lookups_are_refused_each_time():
    many = Q(wins=1)
    for number in range(300):
        many |= Q(wins=number)
    for _ in range(2):
        with pytest.raises(QueryError, match="operators"):
            Score.objects.filter(player="a").filter(many)


def test_rows_of_one_shape_are_worked_out_once(script, monkeypatch):
    script.answers += [page(1), page(2)]
    assert list(Score.objects.filter(player="a").values_list("points", "wins")) == [(1, None)]
    monkeypatch.setattr(projection, "make_columns", None)
    monkeypatch.setattr(compiled_cache, "make_bound_loader", None)
    assert list(Score.objects.filter(player="b").values_list("points", "wins")) == [(2, None)]


STEPS = [
    lambda q, s, n: q.filter(player=s),
    lambda q, s, n: q.filter(wins__lt=n),
    lambda q, s, n: q.filter(points__gt=n, title__startswith=s),
    lambda q, s, n: q.filter((Score.wins > n) | (Score.title == s), rate=n),
    lambda q, s, n: q.filter(Q(wins=n) | Q(title=s)),
    lambda q, s, n: q.filter(Q(wins__gt=n) | ~(Q(rate__lte=n) & Q(at__isnull=True))),
    lambda q, s, n: q.filter(~Q(wins=n, price__lt=n) | Q(Q(title=s), wins__ne=3)),
    lambda q, s, n: q.filter(Q(wins__in=[n]) | Q(title=s) | (Score.rate < n)),
    lambda q, s, n: q.filter(wins__in=[n, n + 1]),
    lambda q, s, n: q.exclude(wins=n, title=s),
    lambda q, s, n: q | Score.objects.filter(player=s, wins=n),
    lambda q, s, n: q & Score.objects.filter(wins=n),
    lambda q, s, n: q.order_by("-points"),
    lambda q, s, n: q.reverse(),
    lambda q, s, n: q.only("wins", "title"),
    lambda q, s, n: q.defer("wins"),
    lambda q, s, n: q.values("title"),
    lambda q, s, n: q.values_list("wins", "price"),
    lambda q, s, n: q.index("by_team").filter(team=s),
    lambda q, s, n: q.consistent(),
    lambda q, s, n: q.page_size(5),
    lambda q, s, n: q[:3],
    lambda q, s, n: q.all(),
]


@given(
    steps=st.lists(st.sampled_from(STEPS), max_size=6),
    values=st.lists(st.tuples(texts, st.integers(-9, 9)), min_size=2, max_size=3),
)
def test_however_query_sets_are_made_they_send_what_the_planner_says(steps, values):
    for text, number in values:
        rows = slow = Score.objects.filter(player=text)
        try:
            for step in steps:
                rows = step(rows, text, number)
                # Pickling forgets the shape: this is planned from its question each time.
                slow = step(pickle.loads(pickle.dumps(slow)), text, number)
                assert slow._question == rows._question
            (explained,) = slow.explain().operations
        except (TypeError, ValueError, QueryError):  # the planner refuses it
            continue
        direct = find_direct(rows)
        if direct is not None:
            assert direct[0] == explained
            row, wanted = direct[1](ROW), loader_of(slow, plan_query(slow))(ROW)
            assert repr(row) == repr(wanted)


ROW = to_json({"p": {"S": "a"}, "points": {"N": "1"}, "wins": {"N": "2"}, "title": {"S": "t"}})


@pytest.mark.parametrize("low_first", [True, False])
def test_bounds_with_nothing_between_them_send_nothing_whatever_came_before(script, low_first):
    def between(low, high):
        return Score.objects.filter(player="a", points__gt=low, points__lt=high)

    pairs = [(1, 5), (5, 1), (2, 6)]
    for low, high in pairs if low_first else pairs[::-1]:
        if low < high:
            script.answers.append(page(3))
            assert between(low, high).first().points == 3
        else:
            assert between(low, high).first() is None
    assert len(script.sent) == 2


@pytest.mark.parametrize("value", ["", "x" * 3000, "é" * 1500, "\ud800", 5, b"a", ["a", "b"]])
def test_what_no_key_can_be_is_refused_the_second_time_as_the_first(script, value):
    def ask():
        return Score.objects.filter(player=value).first()

    with pytest.raises((ValidationError, QueryError)) as before:
        ask()
    script.answers.append(page(1))
    assert Score.objects.filter(player="a").first().points == 1  # the shape is known now
    with pytest.raises(type(before.value)) as after:
        ask()
    assert str(after.value) == str(before.value)
    assert len(script.sent) == 1


@pytest.mark.parametrize("value", [True, 1.5, "1", 10**40 + 1])
def test_what_a_field_cannot_hold_is_refused_when_it_is_said(script, value):
    Score.objects.filter(player="a", wins=1)
    with pytest.raises(ValidationError, match="wins"):
        Score.objects.filter(player="a", wins=value)


def test_none_asks_for_what_is_absent_though_the_shape_is_known_with_values(script):
    script.answers += [page(1), page(2), page(3)]
    said = []
    for value in ("x", None, "y"):
        Score.objects.filter(player="a", title=value).first()
        said.append(checked(script.sent[-1])["FilterExpression"])
    assert said[0] == said[2] != said[1]


def test_first_goes_on_over_empty_pages(script):
    empty = {"Items": [], "Count": 0, "ScannedCount": 9, "LastEvaluatedKey": page(9)["Items"][0]}
    script.answers += [empty, page(4)]
    assert Score.objects.filter(player="a", wins__gt=1).first().points == 4
    assert checked(script.sent[1])["ExclusiveStartKey"] == empty["LastEvaluatedKey"]


def test_iterating_goes_on_to_the_end(script):
    script.answers += [page(1, 2, more=True), page(more=False), page(7)]
    rows = Score.objects.filter(player="a")
    assert [each.points for each in rows] == [1, 2]
    assert [each.points for each in rows.all()] == [7]


@pytest.mark.parametrize("count", [0, 1])
def test_first_of_none_is_none(script, count):
    assert Score.objects.filter(player="a").limit(0).first() is None
    if count:
        script.answers.append(page(1))
        assert Score.objects.filter(player="a").limit(1).first().points == 1


def test_the_options_that_hold_now_count(script):
    rows = Score.objects.filter(player="a")
    script.answers += [page(1)] * 3
    rows.first()
    with options(consistent=True):
        rows.first()
    rows.first()
    assert ["ConsistentRead" in checked(each) for each in script.sent] == [False, True, False]


def test_the_table_is_that_of_the_connection(script):
    rows = Score.objects.filter(player="a")
    other = Script([page(2)])
    connections._connections["other"] = scripted_connection(other, "other", table_prefix="dev-")
    script.answers += [page(1)] * 2
    rows.first()
    with options(using="other"):
        rows.first()
    rows.first()
    assert [each.table for each in script.sent] == ["scores"] * 2
    assert [each.table for each in other.sent] == ["dev-scores"]


def test_an_earlier_query_set_is_unaffected_by_later_ones(script):
    rows = Score.objects.filter(player="a")
    rows.filter(points__gt=3).reverse().limit(2)
    script.answers.append(page(1))
    list(rows)
    assert set(checked(script.sent[0])) == {
        "TableName",
        "KeyConditionExpression",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
    }


def test_items_of_an_index_say_what_they_lack(script):
    for _ in range(2):
        script.answers.append(page(1))
        row = Score.objects.index("by_team").filter(team="x").first()
        with pytest.raises(Exception, match="title"):
            _ = row.title


def test_a_manager_of_ones_own_is_asked_each_time(script):
    least = [3]

    class Won(Manager["Match"]):
        def get_queryset(self):
            return super().get_queryset().filter(wins__gte=least[0])

    class Match(Model):
        key = CharField(hash_key=True)
        wins = IntegerField()
        winners = Won()

    said = []
    for each in (3, 8):
        least[0] = each
        script.answers.append(page())
        Match.winners.filter(key="a").first()
        said.append(
            sorted(map(str, checked(script.sent[-1])["ExpressionAttributeValues"].values()))
        )
    assert said == [["{'N': '3'}", "{'S': 'a'}"], ["{'N': '8'}", "{'S': 'a'}"]]


def test_a_subclass_is_asked_for_itself(script):
    class Child(Score):
        class Meta:
            table_name = "children"

    script.answers += [page(1)] * 2
    assert type(Score.objects.filter(player="a").first()) is Score
    assert type(Child.objects.filter(player="a").first()) is Child
    assert [each.table for each in script.sent] == ["scores", "children"]


def test_a_field_that_refuses_keys_by_itself_is_asked(script):
    class Code(Field[str, str]):
        kind = "S"

        def find_key_problem(self, wire, /):
            return "it is cursed" if wire["S"] == "13" else super().find_key_problem(wire)

    class Room(Model):
        floor = IntegerField(hash_key=True)
        code = Code(range_key=True)

    script.answers += [page()] * 2
    for code in ("12", "14"):
        Room.objects.filter(floor=1, code__gte=code).first()
    with pytest.raises(ValidationError, match="cursed"):
        Room.objects.filter(floor=1, code__gte="13").first()


def test_shapes_built_of_data_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(sketches, "MOST", 10)
    rows = Score.objects.filter(player="a")
    for count in range(100):
        rows.limit(count)
        Score.objects.filter(player="a").limit(count).page_size(count + 1)
    root = options_of(Score).cache
    waiting, seen = [root], 0
    while waiting:
        sketch = waiting.pop()
        assert len(sketch._next) <= 10
        seen += 1
        waiting += [each for each in sketch._next.values() if each is not None]
    assert seen <= 25


def test_a_long_chain_of_query_sets_is_one_question():
    rows = Score.objects.filter(player="a")
    for number in range(600):
        rows = rows.exclude(wins=number)
    assert len(rows._question.condition.conjuncts) == 601
