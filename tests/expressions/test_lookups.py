"""Lookups and Q: conditions of which a model's fields say what they mean."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from decimal import Decimal
from itertools import count

import pytest

from dynamodb_py.exceptions import QueryError, ValidationError
from dynamodb_py.expressions import (
    AFFIX,
    FREE,
    And,
    Attr,
    Compare,
    Condition,
    Exists,
    F,
    FieldName,
    Lookup,
    Names,
    NotExists,
    Or,
    Path,
    Q,
    RawExpression,
    Size,
    Value,
)

from .spelling import spell


class Text:
    """Text, of nothing else."""

    def encode(self, value, where, /):
        if not isinstance(value, str):
            raise ValidationError({where: ["a text is needed"]})
        return {"S": value}

    def sub(self, part, /):
        return None

    def element(self):
        return AFFIX

    def __eq__(self, other):
        return type(other) is type(self)

    __hash__ = None


class Day(Text):
    """Days, as text."""

    def encode(self, value, where, /):
        if type(value) is not dt.date:
            raise ValidationError({where: ["a date is needed"]})
        return {"S": value.isoformat()}


class Texts(Text):
    """A list of texts."""

    def sub(self, part, /):
        return Text() if isinstance(part, int) else None

    def element(self):
        return Text()


FIELDS = {
    "title": Path(("t",), Text(), "Test.title"),
    "other": Path(("o",), Text(), "Test.other"),
    "day": Path(("d",), Day(), "Test.day"),
    "tags": Path(("tags",), Texts(), "Test.tags"),
    "doc": Path(("doc",), FREE, "Test.doc"),
}


def resolve(path):
    found = FIELDS.get(path.parts[0], path)
    for part in path.parts[1:] if found is not path else ():
        found = found[part]
    return found


def bound(condition: Condition) -> Condition:
    found = condition.bind(resolve)
    assert not any(path.by_name for path in found.paths())
    return found


DAY = dt.date(2026, 11, 1)
NEXT = dt.date(2026, 11, 2)
title, day, tags, doc = (FIELDS[name] for name in ("title", "day", "tags", "doc"))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Q(), Condition()),
        (Q(Condition()), Condition()),
        (Q(title="a"), Compare(title, "=", Value({"S": "a"}))),
        (Q(("title", "a")), Compare(title, "=", Value({"S": "a"}))),
        (Q(("title__gt", "a"), ("tags__size", 2)), bound(Q(title__gt="a", tags__size=2))),
        (Q(title="a") ^ Q(title="b"), bound(Q(title="a") & ~Q(title="b") | ~Q(title="a") & Q(title="b"))),
        (Q(doc__a__0__gt=3), Compare(Path(("doc", "a", 0)), ">", Value({"N": "3"}))),
        (Q(tags__size=2), Compare(Size(tags), "=", Value({"N": "2"}))),
        (Q(title__exists=True), Exists(title)),
        (~Q(title__exists=True), NotExists(title)),
        (Q(F("title") == "a", Q(Q(title__gt="b"))), Compare(title, "=", Value({"S": "a"})) & Compare(title, ">", Value({"S": "b"}))),
        (Q(Exists(title), title="a"), Exists(title) & Compare(title, "=", Value({"S": "a"}))),
        (Q(title__gt=F("other")), Compare(title, ">", FIELDS["other"])),
        (Q(title__size=F("other").size()), Compare(Size(title), "=", Size(FIELDS["other"]))),
        (Q(title__contains=F("other")), F("title").contains(F("other")).bind(resolve)),
        (Q(title__in=[F("other"), "x"]), F("title").is_in(F("other"), "x").bind(resolve)),
        (Q(title__range=("a", F("other"))), F("title").between("a", F("other")).bind(resolve)),
        (Q(day=dt.date(2026, 11, 1)), Compare(day, "=", Value({"S": "2026-11-01"}))),
    ],
    ids=count(),
)  # fmt: skip
def test_what_q_asks(condition, expected):
    assert bound(condition) == expected


def test_several_lookups_are_joined_flat():
    condition = bound(Q(Q(title="a", other="b"), title__gt="A") & Q(doc=1))
    assert isinstance(condition, And)
    assert len(condition.terms) == 4
    # What becomes an OR is part of the OR around it.
    either = bound(Q(title=None) | Q(other="b"))
    assert isinstance(either, Or)
    assert len(either.terms) == 3


def test_q_mixes_with_all_other_conditions():
    raw = RawExpression("#x = :y", {"#x": "t"}, {":y": "z"})
    condition = bound((Q(title__gt="a") | ~(raw & Q(other="b"))) & (F("day") < F("other")))
    text, names, values = spell(condition)
    assert text == "((#0 > :0 OR (NOT ((#0 = :1) AND #1 = :2))) AND #2 < #1)"
    assert list(names.values()) == ["t", "o", "d"]
    assert list(values.values()) == [{"S": "a"}, {"S": "z"}, {"S": "b"}]


def test_conditions_are_collected_in_a_q():
    condition = Q()
    for letter in "ab":
        condition |= Q(title__startswith=letter)
    assert spell(bound(condition))[0] == "(begins_with(#0, :0) OR begins_with(#0, :1))"


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (Q(title__gt=3), "title__gt=3"),
        (Q(title="a") & ~Q(doc__a__in=[1]), "(title='a' AND (NOT doc__a__in=[1]))"),
        (Q(title=F("other")) | Q(title=F("other").size()), "(title=F('other') OR title=F('other').size())"),
        (Q(day__range=(F("other"), DAY)), "day__range=(F('other'), datetime.date(2026, 11, 1))"),
        (Q(), "none"),
    ],
)  # fmt: skip
def test_q_is_readable(condition, said):
    assert repr(condition) == f"<Condition: {said}>"


@pytest.mark.parametrize("again", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_q_survives_copies_and_pickles(again):
    condition = Q(F("day") > dt.date(2026, 1, 1), title__in=["a", F("other")]) | ~Q(doc={"a": {1}})
    assert again(condition) == condition
    assert spell(bound(again(condition))) == spell(bound(condition))


def test_q_is_a_value():
    assert Q(title="a") == Q(title="a") == Lookup("title", "a")
    assert Q(title="a") != Q(title="b")
    assert Q(title="a") != Q(title__eq="a")
    assert Q(title__gt=F("other")) == Q(title__gt=F("other"))
    assert Q(title__gt=F("other")) != Q(title__gt=F("title"))
    assert len({Q(title="a"), Q(title="a"), Q(title=F("x")), Q(title=F("x"))}) == 2
    for value in ["a"], {"a", "b"}, {"a": [{1}]}, [[1], {"x": {"y"}}], bytearray(b"a"):
        assert len({Q(title__in=value), Q(title__in=copy.deepcopy(value))}) == 1


def test_what_was_given_can_be_changed_and_used_up_without_harm():
    given, inner = ["a"], {"x": [1]}
    condition = Q(title__in=given, doc=inner)
    once = Q(title__in=(letter for letter in "ab"), other__in={"k": 1}.keys())
    before = spell(bound(condition))
    given.append("b")
    inner["x"].append(2)
    assert spell(bound(condition)) == before
    assert spell(bound(once)) == spell(bound(once))
    assert len(spell(bound(once))[2]) == 3


def test_the_fields_are_asked_for_by_their_names():
    asked = []

    def remember(path):
        asked.append(path)
        return resolve(path)

    Q(title__gt="a", doc__x=1).bind(remember)
    assert [(type(path), path.parts) for path in asked] == [(FieldName, ("title",)), (FieldName, ("doc",))]  # fmt: skip
    assert [path.parts for path in Q(title__gt="a", doc__x=1).paths()] == [("title",), ("doc",)]


@pytest.mark.parametrize(
    "use",
    [
        lambda condition: condition.render(Names()),
        lambda condition: (condition & (F("a") == 1)).render(Names()),
        lambda condition: condition.shape([]),
    ],
    ids=count(),
)
def test_a_lookup_that_no_model_has_seen_cannot_be_used(use):
    with pytest.raises(QueryError, match=r"title__gt=: a lookup needs a model's fields: pass"):
        use(Q(title__gt=3))


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: Q(titel=1).bind(resolve), QueryError, r"titel=: there is no field 'titel'.*F\('titel'\)"),
        (lambda: Q(title=1).bind(resolve), ValidationError, "Test.title: a text is needed"),
        (lambda: Q(title__in="abc").bind(resolve), QueryError, "Test: title__in=: 'abc' is one value"),
        (lambda: Q(title__in=b"abc").bind(resolve), QueryError, "Test: title__in=: b'abc' is one value"),
        (lambda: Q(title__in=bytearray(b"a")).bind(resolve), QueryError, "title__in=: bytearray.* is one value"),
        (lambda: Q(title__in=memoryview(b"a")).bind(resolve), QueryError, "title__in=: <memory .* is one value"),
        (lambda: Q(title__in={"a": 1}).bind(resolve), QueryError, "title__in=: {'a': 1} is one value"),
        (lambda: Q(title__range=bytearray(b"ab")).bind(resolve), QueryError, "title__range=: bytearray.* is one value"),
        (lambda: Q(title__nope="abc").bind(resolve), QueryError, "Test: title__nope= uses an unknown lookup 'nope': there are exact,"),
        (lambda: Q(3), TypeError, "Q takes conditions, and lookups by name, not 3"),
        (lambda: Q(F("a")), TypeError, "Q takes conditions, and lookups by name, not F"),
        (lambda: Q({"a": 1}), TypeError, "Q takes conditions"),
        (lambda: Q(None), TypeError, "Q takes conditions"),
        (lambda: Q(("a",)), TypeError, r"Q\(\('a',\)\): a lookup is a pair of its name and a value"),
        (lambda: Q((1, "a")), TypeError, "a pair of its name and a value"),
        (lambda: Q(("", 1)), QueryError, "a name in each place"),
        (lambda: Q(**{"": 1}), QueryError, "a name in each place"),
        (lambda: Q(__gt=1), QueryError, "__gt=: .*a name in each place"),
        (lambda: Q(doc____a=1), QueryError, "doc____a=: .*a name in each place"),
        (lambda: bool(Q(a=1)), TypeError, r"join conditions with & \| ~"),
    ],
    ids=count(),
)  # fmt: skip
def test_a_wrong_q_says_why(make, error, said):
    with pytest.raises(error, match=said):
        make()


# -- values beside F that only a field can spell -------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (F("day") == DAY, Compare(day, "=", Value({"S": "2026-11-01"}))),
        (F("day") != DAY, Compare(day, "<>", Value({"S": "2026-11-01"}))),
        (F("day") < DAY, Compare(day, "<", Value({"S": "2026-11-01"}))),
        (F("day") <= DAY, Compare(day, "<=", Value({"S": "2026-11-01"}))),
        (F("day") > DAY, Compare(day, ">", Value({"S": "2026-11-01"}))),
        (F("day") >= DAY, Compare(day, ">=", Value({"S": "2026-11-01"}))),
    ],
    ids=count(),
)
def test_what_a_free_document_cannot_hold_is_spelled_by_the_field(condition, expected):
    assert condition.bind(resolve) == expected
    assert (condition & Exists(title)).bind(resolve) == expected & Exists(title)


def test_functions_of_f_leave_values_to_the_field_too():
    text, _, values = spell(F("day").between(DAY, NEXT).bind(resolve))
    assert text == "#0 BETWEEN :0 AND :1"
    assert list(values.values()) == [{"S": "2026-11-01"}, {"S": "2026-11-02"}]
    text, _, values = spell(F("day").is_in(DAY, "plain", None, F("other")).bind(resolve))
    assert text == "(#0 IN (:0, :1, #1) OR attribute_not_exists(#0) OR attribute_type(#0, :2))"
    assert list(values.values())[:2] == [{"S": "2026-11-01"}, {"S": "plain"}]
    days = Path(("days",), type("Days", (Texts,), {"element": lambda self: Day()})(), "Test.days")
    text, _, values = spell(F("days").contains(DAY).bind(lambda path: days))
    assert (text, list(values.values())) == ("contains(#0, :0)", [{"S": "2026-11-01"}])
    text = spell(F("day").between(DAY, F("other").size()).bind(resolve))[0]
    assert text == "#0 BETWEEN :0 AND size(#1)"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: (F("title") > DAY).bind(resolve), "Test.title: a text is needed"),
        (lambda: (F("when") > DAY).bind(resolve), r"F\('when'\): a value of type date cannot be stored in a free"),
        (lambda: (F("when")["x"] > DAY).render(Names()), r"F\('when'\)\['x'\]: a value of type date cannot be stored"),
        (lambda: (F("when") > DAY).shape([]), r"F\('when'\): a value of type date cannot be stored"),
        (lambda: F("when").contains(DAY).render(Names()), r"F\('when'\).contains\(\): a value of type date"),
        (lambda: (F("a__b") == object()).render(Names()), r"F\('a'\)\['b'\]: a value of type object cannot be stored"),
    ],
    ids=count(),
)  # fmt: skip
def test_a_value_that_no_field_spells_is_told_when_it_is_used(make, said):
    with pytest.raises(ValidationError, match=said):
        make()


def test_bounds_that_the_field_spells_are_checked_then():
    condition = F("day").between(NEXT, DAY)
    with pytest.raises(QueryError, match="the lower bound is greater than the upper"):
        condition.bind(resolve)


def test_conditions_that_wait_for_their_field_are_values():
    condition = F("day") > DAY
    assert condition == (F("day") > DAY) != (F("day") > NEXT)
    assert len({condition, F("day") > DAY}) == 1
    assert pickle.loads(pickle.dumps(condition)) == condition
    assert repr(condition) == "<Condition: day > datetime.date(2026, 11, 1)>"


def test_a_value_that_changes_later_was_copied():
    class Place:
        __hash__ = None

        def __init__(self):
            self.name = "Lyon"

    class Places(Text):
        def encode(self, value, where, /):
            return {"S": value.name}

    place = Place()
    condition = F("place") == place
    place.name = "Rome"
    bound = condition.bind(lambda path: Path(("p",), Places(), "Test.place"))
    assert bound == Compare(Path(("p",)), "=", Value({"S": "Lyon"}))


def test_a_set_of_values_has_one_order_in_every_process():
    """A set's own order differs from process to process, and cursors belong to the words of a query."""
    values = {f"value {number}" for number in range(20)}
    condition = F("x").is_in(values)
    assert [each.wire["S"] for each in condition.values] == sorted(values)
    assert F("x").is_in(["b", "a"]).values[0].wire == {"S": "b"}


LATER = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
EQUAL = [
    (Q(a=1, b=2), Q(b=2, a=1)),
    (Q(Q(a=1), Q(b=2)), Q(a=1, b=2)),
    (~Q(b__gt=2, a={1}), ~Q(a={1}, b__gt=2)),
    (Q(a__in={1, 2}), Q(a__in={2, 1})),
    (Q(a__in=iter([1, 2])), Q(a__in=[1, 2])),
    (F("a") == 1, Attr(Path(("a",), label="Test.a")) == Decimal("1.00")),
    (F("a") == {"x": 1, "y": [2]}, F("a") == {"y": (2,), "x": 1.0}),
    (F("a") == {"x", "y"}, F("a") == frozenset({"y", "x"})),
    (F("a") == LATER, F("a") == LATER),
    (F("a") != None, ~(F("a") == None)),  # noqa: E711
    (F("a__b").exists(), F("a")["b"].exists()),
    (F("a").is_in(1, 2), F("a").is_in([1, 2])),
    (F("a").size() >= 1, F("a").size().gte(1)),
    (~~(F("a") == 1), F("a") == 1),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_conditions_that_are_spelled_alike_are_equal_and_hash_alike(one, other):
    assert one == other
    assert not one != other  # noqa: SIM202
    assert len({one, other}) == 1
