from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    DateTimeField,
    DecimalField,
    DictField,
    F,
    FloatField,
    IntegerField,
    ListField,
    Model,
    SetField,
    TimeDeltaField,
    TimestampField,
)
from dynamodb_py.exceptions import QueryError, ValidationError
from dynamodb_py.expressions import (
    Add,
    Delete,
    Names,
    Path,
    PythonValue,
    Remove,
    Set,
    Value,
    as_action,
    render_update,
)
from dynamodb_py.expressions.updates import CLAUSES
from dynamodb_py.operations.items import UpdateItem

from .spelling import check_request


def path(*parts):
    return Path(parts)


def value(**wire):
    return Value(wire)


@pytest.mark.parametrize(
    ("actions", "text", "names", "values"),
    [
        ([Set(path("a"), value(N="1"))], "SET #0 = :0", "a", [{"N": "1"}]),
        ([Set(path("a"), path("b"))], "SET #0 = #1", "ab", []),
        ([Set(path("a", "b", 0), value(S=""))], "SET #0.#1[0] = :0", "ab", [{"S": ""}]),
        ([Remove(path("a")), Remove(path("b", 2))], "REMOVE #0, #1[2]", "ab", []),
        ([Add(path("a"), value(N="-1"))], "ADD #0 :0", "a", [{"N": "-1"}]),
        ([Add(path("a"), value(SS=["x"]))], "ADD #0 :0", "a", [{"SS": ["x"]}]),
        ([Delete(path("a"), value(BS=[b"x"]))], "DELETE #0 :0", "a", [{"BS": [b"x"]}]),
        (
            [
                Delete(path("d"), value(NS=["1"])),
                Set(path("a"), value(N="1")),
                Add(path("c"), value(N="2")),
                Set(path("e", "a"), path("d")),
                Remove(path("b")),
            ],
            "SET #0 = :0, #1.#0 = #2 REMOVE #3 ADD #4 :1 DELETE #2 :2",
            "aedbc",
            [{"N": "1"}, {"N": "2"}, {"NS": ["1"]}],
        ),
    ],
)
def test_spelling(actions, text, names, values):
    placeholders = Names()
    assert render_update(actions, placeholders) == text
    assert placeholders.names == {f"#{place}": name for place, name in enumerate(names)}
    assert placeholders.values == {f":{place}": wire for place, wire in enumerate(values)}
    payload = placeholders.into({"TableName": "test", "Key": {"id": {"S": "1"}}})
    check_request("UpdateItem", payload | {"UpdateExpression": text})


def test_nothing_to_change_is_no_text():
    names = Names()
    assert render_update([], names) == ""
    assert names.into({}) == {}


def test_any_iterable_of_actions_will_do():
    assert render_update((Remove(path(name)) for name in "ab"), Names()) == "REMOVE #0, #1"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Set(path("a"), value(N="1")), Remove(path("a")), "a and a overlap"),
        (Set(path("a", "b"), value(N="1")), Add(path("a"), value(N="1")), "a and a.b overlap"),
        (Remove(path("a", 0)), Remove(path("a", 0, "x")), "a.0 and a.0.x overlap"),
        (Remove(path("a", 0)), Remove(path("a", "x")), "a.0 and a.x cannot both exist"),
    ],
)
def test_changes_that_meet_are_refused(one, other, expected):
    for actions in ([one, other], [other, one]):
        with pytest.raises(QueryError, match=expected):
            render_update(actions, Names())


@pytest.mark.parametrize("wire", [{"S": "x"}, {"L": []}, {"BOOL": True}, {"NULL": True}])
def test_only_numbers_and_sets_are_added(wire):
    with pytest.raises(QueryError, match="a number or a set can be added, not a"):
        Add(path("a"), Value(wire))


@pytest.mark.parametrize("wire", [{"S": "x"}, {"N": "1"}, {"L": []}])
def test_only_sets_are_deleted_from_sets(wire):
    with pytest.raises(QueryError, match="a set can be deleted from a set, not a"):
        Delete(path("a"), Value(wire))


def test_more_than_four_kilobytes_are_refused():
    def changes(count):
        return [Set(path(f"a{place}"), value(N="1")) for place in range(count)]

    assert render_update(changes(300), Names()).startswith("SET #0 = :0, ")
    with pytest.raises(QueryError, match=r"this update is .* bytes long, and DynamoDB takes 4096"):
        render_update(changes(400), Names())


def test_actions_are_values():
    assert Set(path("a"), value(N="1")) == Set(path("a"), value(N="1"))
    assert len({Remove(path("a")), Remove(path("a")), Remove(path("b"))}) == 2
    assert Add(path("a"), value(N="1")) != Set(path("a"), value(N="1"))


# -- what a SET computes ---------------------------------------------------------------------------


class Test(Model):
    __test__ = False  # pytest, this is no test

    name = CharField(hash_key=True)
    wins = IntegerField(name="w", min_value=0)
    ratio = FloatField()
    price = DecimalField()
    note = CharField()
    null = CharField(null=True)
    ids = ListField(int)
    free = ListField()
    tags = SetField()
    nums = SetField(int)
    doc = DictField()
    made = DateTimeField()
    at = TimestampField()
    span = TimeDeltaField(storage="seconds")


def spelled(*actions, resolve=None):
    """Return the text of an update with names and values in place of what stands for them."""
    names = Names()
    bound = [action.bind(resolve or Test._meta.resolve) for action in actions]
    text = render_update(bound, names)
    payload = names.into({"TableName": "test", "Key": {"id": {"S": "1"}}})
    check_request("UpdateItem", payload | {"UpdateExpression": text})
    stand_for = {**names.values, **names.names}
    for placeholder in sorted(stand_for, key=len, reverse=True):
        text = text.replace(placeholder, str(stand_for[placeholder]))
    return text


def n(number):
    return f"{{'N': '{number}'}}"


MOMENT = dt.datetime(2026, 11, 1, tzinfo=dt.timezone.utc)

COMPUTED = [
    (F("wins").set(F("wins") + 1), f"SET w = w + {n(1)}"),
    (Test.wins.set(Test.wins - 1), f"SET w = w - {n(1)}"),
    (Test.wins.set(1 + F("wins")), f"SET w = {n(1)} + w"),
    (Test.wins.set(10 - F("wins")), f"SET w = {n(10)} - w"),
    (Test.wins.set(F("wins") - F("other")), "SET w = w - other"),
    (Test.ratio.set(F("ratio") + 0.1), f"SET ratio = ratio + {n(0.1)}"),
    (Test.ratio.set(F("ratio") + 1), f"SET ratio = ratio + {n(1)}"),
    (Test.price.set(Test.price + Decimal("0.10")), f"SET price = price + {n('0.1')}"),
    (Test.wins.set(F("wins").if_not_exists(0)), f"SET w = if_not_exists(w, {n(0)})"),
    (Test.wins.set(F("wins").if_not_exists(0) + 1), f"SET w = if_not_exists(w, {n(0)}) + {n(1)}"),
    (Test.wins.set(F("a").if_not_exists(F("b"))), "SET w = if_not_exists(a, b)"),
    (
        Test.wins.set(F("a").if_not_exists(F("b").if_not_exists(3))),
        f"SET w = if_not_exists(a, if_not_exists(b, {n(3)}))",
    ),
    (Test.ids.set(F("ids").append([1])), f"SET ids = list_append(ids, {{'L': [{n(1)}]}})"),
    (Test.ids.set(F("ids").prepend([1])), f"SET ids = list_append({{'L': [{n(1)}]}}, ids)"),
    (Test.ids.set(F("ids").append(F("free"))), "SET ids = list_append(ids, free)"),
    (
        Test.ids.set(F("ids").if_not_exists([]).append((1,))),
        f"SET ids = list_append(if_not_exists(ids, {{'L': []}}), {{'L': [{n(1)}]}})",
    ),
    (Test.made.set(MOMENT), "SET made = {'S': '2026-11-01T00:00:00.000000+00:00'}"),
    (F("made").set(MOMENT), "SET made = {'S': '2026-11-01T00:00:00.000000+00:00'}"),
    (
        F("made").set(F("made").if_not_exists(MOMENT)),
        "SET made = if_not_exists(made, {'S': '2026-11-01T00:00:00.000000+00:00'})",
    ),
    (Test.at.set(Test.at + dt.timedelta(hours=1)), f"SET at = at + {n(3600)}"),
    (Test.at.set(Test.at + 1.5), f"SET at = at + {n(1.5)}"),
    (Test.span.set(Test.span + dt.timedelta(minutes=1)), f"SET span = span + {n(60)}"),
    (Test.at.add(dt.timedelta(microseconds=1)), f"ADD at {n('0.000001')}"),
    (F("doc__a__b").set(3), f"SET doc.a.b = {n(3)}"),
    (F("doc__a").set(F("doc__a") + 1), f"SET doc.a = doc.a + {n(1)}"),
    (F("doc__a").set(None), "SET doc.a = {'NULL': True}"),
    (Test.ids[0].set(5), f"SET ids[0] = {n(5)}"),
    (Test.note.set(None), "REMOVE note"),
    (Test.null.set(None), "SET null = {'NULL': True}"),
    (Test.tags.set(set()), "REMOVE tags"),
    (F("undeclared").set("x"), "SET undeclared = {'S': 'x'}"),
    (F("doc__a__b").remove(), "REMOVE doc.a.b"),
    (Test.ids[0].remove(), "REMOVE ids[0]"),
    (F("wins").add(5), f"ADD w {n(5)}"),
    (Test.doc["visits"].add(1), f"ADD doc.visits {n(1)}"),
    (F("tags").add({"b", "a"}), "ADD tags {'SS': ['a', 'b']}"),
    (F("tags").discard({"a"}), "DELETE tags {'SS': ['a']}"),
    (Test.nums.discard(frozenset({3})), "DELETE nums {'NS': ['3']}"),
    (Test.note.set(Test.null), "SET note = null"),
]


@pytest.mark.parametrize(
    ("action", "text"), COMPUTED, ids=[f"{at}: {text}" for at, (_, text) in enumerate(COMPUTED)]
)
def test_what_is_computed_is_spelled_as_the_target_stores_it(action, text):
    assert spelled(action) == text


OWN = [
    (F("ids").append([1]), f"SET ids = list_append(ids, {{'L': [{n(1)}]}})"),
    (Test.ids.prepend([1]), f"SET ids = list_append({{'L': [{n(1)}]}}, ids)"),
    (F("wins").if_not_exists(0), f"SET w = if_not_exists(w, {n(0)})"),
    (
        F("ids").if_not_exists([]).append([1]),
        f"SET ids = list_append(if_not_exists(ids, {{'L': []}}), {{'L': [{n(1)}]}})",
    ),
]


@pytest.mark.parametrize(("given", "text"), OWN, ids=[text for _, text in OWN])
def test_what_has_a_place_of_its_own_is_an_action(given, text):
    assert spelled(as_action(given)) == text


@pytest.mark.parametrize("given", [F("a") + 1, 1 - F("a"), F("a"), 3, "a", None, F("a") == 1])
def test_what_has_none_is_no_action(given):
    assert as_action(given) is None


WRONG = {
    "text to a number": (lambda: F("a") + "x", ValidationError, "'x' is not a number"),
    "a truth": (lambda: F("a") + True, ValidationError, "True is not a number"),
    "None": (lambda: F("a") - None, ValidationError, "None is not a number"),
    "a list": (lambda: {1} - F("a"), ValidationError, "not a number"),
    "a fraction to an int": (
        lambda: Test.wins.set(Test.wins + 1.5),
        ValidationError,
        "1.5 is a fl",
    ),
    "a float to a Decimal": (lambda: Test.price.set(F("price") + 0.1), ValidationError, "Decimal"),
    "a sum for a text": (lambda: Test.note.set(F("wins") + 1), ValidationError, "stored as S"),
    "a text in a sum": (
        lambda: Test.wins.set(Test.note + 1),
        ValidationError,
        "note is stored as S",
    ),
    "a text for a number": (lambda: Test.wins.set("x"), ValidationError, "'x' is a str"),
    "another type": (lambda: Test.wins.set(Test.note), ValidationError, "note is stored as S"),
    "another type if missing": (
        lambda: Test.wins.set(Test.note.if_not_exists(1)),
        ValidationError,
        "note is stored as S",
    ),
    "a moment to a moment": (lambda: Test.at.set(Test.at + MOMENT), ValidationError, "timedelta"),
    "None if missing": (
        lambda: Test.wins.set(F("a").if_not_exists(None)),
        ValidationError,
        "None is not stored here",
    ),
    "NaN": (lambda: Test.ratio.add(float("nan")), ValidationError, "NaN"),
    "no list appended": (
        lambda: F("ids").append(3),
        ValidationError,
        r"3 is not a list: write \[3\]",
    ),
    "a text appended": (lambda: F("ids").append("ab"), ValidationError, "is not a list"),
    "a list to a text": (
        lambda: Test.note.set(Test.note.append([1])),
        ValidationError,
        "stored as S",
    ),
    "an element of another type": (
        lambda: Test.ids.set(Test.ids.append(["x"])),
        ValidationError,
        "'x' is a str",
    ),
    "a sum of a list": (lambda: F("a").append([1]) + 1, ValidationError, "is not a number"),
    "two operators": (lambda: F("a") + 1 + 2, QueryError, "one \\+ or -"),
    "a sum appended": (lambda: F("a").append(F("b") + 1), QueryError, "one \\+ or -"),
    "a sum if missing": (lambda: F("a").if_not_exists(F("b") + 1), QueryError, "one \\+ or -"),
    "times": (lambda: F("a") * 2, TypeError, "adds and subtracts"),
    "times, the other way": (lambda: 2 * F("a"), TypeError, "adds and subtracts"),
    "divided": (lambda: Test.wins / 2, TypeError, "adds and subtracts"),
    "divided whole": (lambda: Test.wins // 2, TypeError, "adds and subtracts"),
    "power": (lambda: Test.wins**2, TypeError, "adds and subtracts"),
    "modulo": (lambda: (F("a").if_not_exists(1)) % 2, TypeError, "adds and subtracts"),
    "negative": (lambda: -Test.wins, TypeError, "0 - Test.wins"),
    "add a text": (lambda: F("a").add("x"), ValidationError, "a number or a set"),
    "add a computed": (lambda: F("a").add(F("b")), ValidationError, "a number or a set"),
    "add a number to a text": (lambda: Test.note.add(1), ValidationError, "stored as S"),
    "add a set to a number": (lambda: Test.wins.add({1}), ValidationError, "stored as N"),
    "add a number to a set": (lambda: Test.tags.add(1), ValidationError, "1 is not a set"),
    "add the empty set": (lambda: Test.tags.add(set()), ValidationError, "the set is empty"),
    "add other elements": (lambda: Test.nums.add({"x"}), ValidationError, "'x' is a str"),
    "discard a list": (lambda: F("tags").discard(["a"]), ValidationError, "is not a set"),
    "discard from a number": (lambda: Test.wins.discard({1}), ValidationError, "stored as N"),
    "discard nothing": (lambda: Test.tags.discard(set()), ValidationError, "the set is empty"),
    "an element of no list": (lambda: Test.wins[0].remove(), QueryError, "nothing lies inside"),
    "None in a typed list": (lambda: Test.ids[0].set(None), ValidationError, "None is not stored"),
}


@pytest.mark.parametrize(("make", "error", "expected"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_refused_where_it_is_written(make, error, expected):
    with pytest.raises(error, match=expected):
        make()


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (F("note").add(1), "stored as S"),
        (F("tags").add({1}), "1 is an int"),
        (F("wins").set("x"), "'x' is a str"),
        (F("wins").set(F("note")), "note is stored as S"),
        (Set(F("note")._path(), F("note").append([1])), "stored as S"),
    ],
)
def test_what_only_the_model_knows_is_refused_there(action, expected):
    with pytest.raises(ValidationError, match=expected):
        action.bind(Test._meta.resolve)


def test_without_a_model_values_are_free():
    names = Names()
    append = as_action(F("b").append([1, "x"]))
    text = render_update([F("a").set(F("a") + 1), append, F("c").add({1})], names)
    assert text == "SET #0 = #0 + :0, #1 = list_append(#1, :1) ADD #2 :2"
    assert names.values[":2"] == {"NS": ["1"]}
    assert PythonValue(3).render(names) == ":3"
    with pytest.raises(ValidationError, match="datetime"):
        render_update([F("a").set(MOMENT)], Names())


def test_what_is_given_may_change_afterwards():
    more, document = [1], {"a": [1]}
    append, write = F("free").append(more), F("doc").set(document)
    more.append("x")
    document["a"].append(2)
    assert spelled(as_action(append)) == f"SET free = list_append(free, {{'L': [{n(1)}]}})"
    assert spelled(write) == f"SET doc = {{'M': {{'a': {{'L': [{n(1)}]}}}}}}"


def test_nodes_are_values():
    assert F("a") + 1 == F("a") + 1
    assert F("a").append([1]) != F("a").prepend([1])
    assert len({F("a") + 1, F("a") + 1, F("a").if_not_exists([1])}) == 2
    with pytest.raises(AttributeError):
        (F("a") + 1).operator = "-"


REPEATABLE = [
    ([F("a").set(1)], True),
    ([F("a").remove()], True),
    ([F("a").add(1)], False),
    ([F("a").add({"x"})], True),
    ([F("a").discard({"x"})], True),
    ([F("a").set(F("a") + 1)], False),
    ([F("a").set(F("b") + 1)], True),
    ([F("a").set(F("b")), F("b").set(F("a"))], False),
    ([F("a").set(F("b") + 1), F("b").remove()], False),
    ([F("a").set(F("a").if_not_exists(0))], True),
    ([F("a").set(F("a").if_not_exists(0) + 1)], False),
    ([F("a").set(F("b").if_not_exists(0))], True),
    ([F("a").set(F("a__b"))], False),
    ([F("a__b").set(F("a") + 1)], False),
    ([as_action(F("a").append([1]))], False),
    ([F("a").set(F("b").append([1]))], True),
    ([F("a")[0].remove()], False),
    ([F("a")[1]["b"].remove()], True),
    ([F("a")[0].set(1)], True),
    ([F("a")[7].set(1)], False),
    ([F("a").set(1), F("b").add(1)], False),
    ([], True),
]


@pytest.mark.parametrize(("actions", "repeatable"), REPEATABLE, ids=[str(i) for i in range(22)])
def test_what_would_count_twice_is_not_repeatable(actions, repeatable):
    bound = [action.bind(lambda path: path) for action in actions]
    assert UpdateItem("t", {"id": {"S": "1"}}, bound).repeatable is repeatable


# -- for any of them -------------------------------------------------------------------------------

names_of = st.sampled_from(["a", "b", "size", "a.b", "größe"])
amounts = st.integers(-5, 5) | st.decimals(-5, 5, places=2)


@st.composite
def places(draw):
    place = F(draw(names_of))
    for part in draw(st.lists(st.sampled_from([0, 1, "x", "y z"]), max_size=2)):
        place = place[part]
    return place


@st.composite
def changes(draw):
    place, other = draw(places()), draw(places())
    return draw(
        st.sampled_from(
            [
                place.set(draw(amounts)),
                place.set(other + draw(amounts)),
                place.set(draw(amounts) - other.if_not_exists(draw(amounts))),
                place.set(other.append([draw(amounts)])),
                place.set(other.if_not_exists([]).prepend(other)),
                place.remove(),
                place.add(draw(amounts)),
                place.add({"x"}),
                place.discard({"y", "z"}),
            ]
        )
    )


@settings(max_examples=200, deadline=None)
@given(actions=st.lists(changes(), min_size=1, max_size=5))
def test_any_update_is_spelled_or_refused_for_its_overlap(actions):
    placeholders = Names()
    parts = [action.path.parts for action in actions]
    overlap = any(
        one[: min(len(one), len(other))] == other[: min(len(one), len(other))]
        for at, one in enumerate(parts)
        for other in parts[at + 1 :]
    )
    mixed = any(
        type(mine) is not type(theirs)
        for at, one in enumerate(parts)
        for other in parts[at + 1 :]
        for depth, (mine, theirs) in enumerate(zip(one, other, strict=False))
        if one[:depth] == other[:depth]
    )
    if overlap or mixed:
        with pytest.raises(QueryError, match=r"overlap|cannot both exist"):
            render_update(actions, placeholders)
        return
    text = render_update(actions, placeholders)
    payload = placeholders.into({"TableName": "test", "Key": {"id": {"S": "1"}}})
    check_request("UpdateItem", payload | {"UpdateExpression": text})
    assert set(re.findall(r"#\d+", text)) == set(placeholders.names)
    assert sorted(re.findall(r":\d+", text)) == sorted(placeholders.values)
    assert re.fullmatch(r"[#:\w\s\[\].,=+()-]*", text)
    clauses = re.findall(r"\b(?:SET|REMOVE|ADD|DELETE)\b", text)
    assert clauses == [c for c in CLAUSES if any(a.clause == c for a in actions)]
