"""A plan by shape is the plan that would have been made."""

from __future__ import annotations

import pytest
from hypothesis import given
from msgspec.structs import replace

from dynamodb_py.exceptions import QueryError, ValidationError
from dynamodb_py.expressions import F
from dynamodb_py.planning import Planner

from .tables import CONDITIONS, SINGLE, TEXTS, asking, subject
from .test_planner import QUESTIONS

USER, TITLE, WINS = F("user"), F("title"), F("wins")


def bare(plan):
    return replace(plan, told=None)


PAIRS = [
    (USER == "a", USER == "b"),
    ((USER == "a") & (TITLE == "x"), (USER == "b") & (TITLE == "y")),
    ((USER == "a") & (TITLE > "x"), (USER == "b") & (TITLE > "y")),
    ((USER == "a") & (TITLE == "x") & (WINS > 3), (USER == "b") & (TITLE == "y") & (WINS > 4)),
    ((USER == "a") & WINS.is_in(1, 2), (USER == "a") & WINS.is_in(3, 4)),
    ((USER == "a") & F("doc").attribute_type("M"), (USER == "b") & F("doc").attribute_type("M")),
    (TITLE.begins_with("x") & (USER == "a"), TITLE.begins_with("y") & (USER == "b")),
    (
        (USER == "a") & (TITLE > "b") & (TITLE < "d"),
        (USER == "b") & (TITLE > "bb") & (TITLE < "bbb"),
    ),
    (
        (USER == "a") & (TITLE >= "b") & (TITLE <= "d"),
        (USER == "b") & (TITLE >= "x") & (TITLE <= "y"),
    ),
    ((USER == "a") & TITLE.between("a", "b"), (USER == "a") & TITLE.between("c", "c")),
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_shape_is_planned_once(first, second, monkeypatch):
    planner = Planner(subject())
    planner.plan("scores", asking(first))
    wanted = bare(planner.explain("scores", asking(second)))
    monkeypatch.setattr(planner, "_made", None)
    assert planner.plan("scores", asking(second)) == wanted


@given(QUESTIONS, CONDITIONS, TEXTS)
def test_a_plan_by_shape_is_the_plan_that_would_have_been_made(question, condition, text):
    planner = Planner(subject())
    others = [
        question,
        replace(question, condition=condition & (F("user") == text)),
        replace(question, condition=condition & (F("user") == "other")),
    ]
    for each in [*others, *others]:
        try:
            wanted = bare(planner.explain("scores", each))
        except QueryError:
            continue
        assert bare(planner.plan("scores", each)) == wanted


@pytest.mark.parametrize(("low", "high"), [("b", "b"), ("c", "b"), ("b", "d")])
def test_bounds_that_turn_out_otherwise_are_planned_anew(low, high):
    planner = Planner(subject())
    planner.plan("scores", asking((USER == "a") & (TITLE >= "b") & (TITLE < "d")))
    planner.plan("scores", asking((USER == "a") & (TITLE >= "b") & (TITLE <= "d")))
    for condition in (TITLE.gte(low) & TITLE.lt(high), TITLE.gte(low) & TITLE.lte(high)):
        question = asking((USER == "a") & condition)
        assert planner.plan("scores", question) == bare(planner.explain("scores", question)) or (
            planner.plan("scores", question) == planner.explain("scores", question)
        )


def test_values_of_keys_are_checked_every_time():
    planner = Planner(subject())
    planner.plan("scores", asking(USER == "a"))
    with pytest.raises(ValidationError):
        planner.plan("scores", asking(USER == ""))
    planner = Planner(subject(SINGLE))
    assert planner.plan("scores", asking(USER == "a")).kind == "get"
    with pytest.raises(ValidationError):
        planner.plan("scores", asking(USER == ""))


@pytest.mark.parametrize(
    "change",
    [
        {"limit": 3},
        {"page_size": 3},
        {"consistent": True},
        {"backward": True},
        {"counting": True},
        {"scan": True},
    ],
)
def test_options_are_part_of_the_shape(change):
    planner = Planner(subject())
    question = asking(USER == "a")
    plain = planner.plan("scores", question)
    changed = planner.plan("scores", replace(question, **change))
    assert changed.operations != plain.operations
    assert planner.plan("other", question).operations[0].table == "other"


def test_shapes_are_not_kept_without_end():
    planner = Planner(subject())
    for limit in range(1, 2000):
        planner.plan("scores", asking(USER == "a", limit=limit))
    assert len(planner._templates._known) < 1000
