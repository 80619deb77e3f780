"""A plan by shape is the plan that would have been made."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from dynamodb_py.codec import to_sort_key
from dynamodb_py.exceptions import QueryError, ValidationError
from dynamodb_py.expressions import (
    And,
    BeginsWith,
    Between,
    Compare,
    Condition,
    F,
    In,
    Not,
    Or,
    Path,
    Value,
)
from dynamodb_py.planning import Planner
from dynamodb_py.planning.plan_cache import MOST_LANES

from .tables import COMPARED, CONDITIONS, NUMBERS, SINGLE, TEXTS, asking, subject
from .test_planner import QUESTIONS

USER, TITLE, SCORE, WINS = F("user"), F("title"), F("score"), F("wins")


def bare(plan):
    return replace(plan, explanation=None)


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
    (USER.is_in("a", "b", "c"), USER.is_in("x", "c", "a")),
    (
        USER.is_in("a", "b") & (TITLE >= "b") & (TITLE < "d") & (WINS > 3),
        USER.is_in("b", "a") & (TITLE >= "x") & (TITLE < "y") & (WINS > 4),
    ),
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_shape_is_planned_once(first, second, monkeypatch):
    planner = Planner(subject())
    planner.plan("scores", asking(first))
    wanted = bare(planner.explain("scores", asking(second)))
    monkeypatch.setattr(planner, "_make_plan", None)
    assert planner.plan("scores", asking(second)) == wanted


WIRES = {
    "S": COMPARED.map(lambda text: {"S": text}),
    "N": st.sampled_from(["-1", "0", "1", "1.0", "2", "3"]).map(lambda text: {"N": text}),
}
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "index": st.sampled_from(["by_score", "titles", "wins", "plain", "rounds"]),
        "wanted": st.sampled_from([(Path(("score",)),), (Path(("wins",)),)]),
        "counting": st.just(True),
        "full": st.just(True),
        "scan": st.just(True),
        "consistent": st.just(True),
    },
)
ROUNDS = st.builds(
    lambda round, score: (F("tenant") == "t") & (F("region") == "r") & round & score,
    st.one_of(
        st.builds(lambda values: F("round").is_in(values), st.lists(NUMBERS, max_size=3)),
        st.builds(lambda value: F("round") > value, NUMBERS),
    ),
    st.one_of(st.just(Condition()), st.builds(lambda value: F("score") < value, NUMBERS)),
)


SEVERAL = st.builds(
    lambda users, title, wins: USER.is_in(users) & title & wins,
    st.lists(TEXTS, min_size=2, max_size=4),
    st.one_of(
        st.just(Condition()),
        st.builds(lambda value: F("title") >= value, TEXTS),
        st.builds(lambda low, high: (F("title") >= low) & (F("title") < high), TEXTS, TEXTS),
        st.builds(lambda values: F("title").is_in(values), st.lists(TEXTS, max_size=3)),
        st.builds(lambda value: F("title").begins_with(value), TEXTS),
    ),
    st.one_of(
        st.just(Condition()),
        st.builds(lambda value: F("wins") != value, NUMBERS),
        st.builds(lambda value: F("score") > value, NUMBERS),
    ),
)


def revalued(draw, condition):
    """Return a condition of the same shape with values of its own."""

    def drawn(value):
        return Value(draw(WIRES[value.kind]))

    match condition:
        case And(terms=terms) | Or(terms=terms):
            return replace(condition, terms=tuple(revalued(draw, term) for term in terms))
        case Not(term=term):
            return replace(condition, term=revalued(draw, term))
        case Compare(right=right):
            return replace(condition, right=drawn(right))
        case Between(low=low, high=high):
            bounds = sorted((drawn(low), drawn(high)), key=lambda value: to_sort_key(value.wire))
            return replace(condition, low=bounds[0], high=bounds[1])
        case BeginsWith(prefix=prefix):
            return replace(condition, prefix=drawn(prefix))
        case In(values=values):
            return replace(condition, values=tuple(map(drawn, values)))
        case _:
            return condition


@st.composite
def of_one_shape(draw, conditions):
    """Return conditions that differ in their values only."""
    first = draw(conditions)
    return [first, *(revalued(draw, first) for _ in range(3))]


def answered(plan, *asked):
    """Return the plan without its words, or the error that there is instead."""
    try:
        return bare(plan(*asked))
    except (QueryError, ValidationError) as error:
        return type(error)


def check_plans(questions, **options):
    """Check that each of *questions* is planned as it would be alone, whatever was asked before."""
    planner = Planner(subject(**options))
    for each in [*questions, *questions]:
        wanted = answered(planner.explain, "scores", each)
        assert answered(planner.plan, "scores", each) == wanted


@given(QUESTIONS, CONDITIONS, TEXTS)
@example(
    asking(USER.exists() & USER.is_in("a")),
    (WINS == -1) & ((USER != "a") | USER.exists()),
    "a",
)
@example(asking(USER == "a"), WINS.is_in(-1) & ((USER != "a") | USER.exists()), "a")
def test_a_plan_by_shape_is_the_plan_that_would_have_been_made(question, condition, text):
    others = [
        question,
        replace(question, condition=condition & (F("user") == text)),
        replace(question, condition=condition & (F("user") == "other")),
    ]
    check_plans(others)


@given(
    QUESTIONS,
    of_one_shape(st.one_of(CONDITIONS, CONDITIONS, ROUNDS, SEVERAL)),
    OPTIONS,
    st.booleans(),
)
def test_values_alone_do_not_mislead_a_plan_by_shape(question, conditions, options, allow_scan):
    question = replace(question, **options)
    users = question.condition
    for extra in (Condition(), users):
        check_plans(
            [replace(question, condition=each & extra) for each in conditions],
            allow_scan=allow_scan,
        )


LAST = "\U0010ffff"
MISLEADING = [
    # first what is kept, then what is planned otherwise, though only its values are others
    ((USER == "a") & (WINS != 1) & (WINS != 2), (USER == "a") & (WINS != 1) & (WINS != 1)),
    (
        (USER == "a") & TITLE.begins_with(LAST) & (TITLE < LAST + LAST),
        (USER == "a") & TITLE.begins_with("a") & (TITLE < "z"),
    ),
    (
        (USER == "a") & TITLE.begins_with("a") & (WINS == 1),
        (USER == "a") & TITLE.begins_with(LAST) & (WINS == 1),
    ),
    (
        (USER == "a") & (TITLE == "x") & (SCORE >= 1) & (SCORE < 3),
        (USER == "a") & (TITLE == "x") & (SCORE >= 3) & (SCORE < 3),
    ),
    (
        (USER == "a") & (WINS == 1) & (WINS == 1) & (TITLE > "b"),
        (USER == "a") & (WINS == 1) & (WINS == 2) & (TITLE > "b"),
    ),
    ((USER >= "a") & (USER <= "b"), (USER >= "a") & (USER <= "a")),
    (USER.is_in("a", "b"), In(Path(("user",)), (Value({"S": "a"}), Value({"S": "a"})))),
    (USER.is_in("a", "b"), USER.is_in("a", "")),
    (USER.is_in("a", "b") & ~TITLE.is_in("x", "y"), USER.is_in("a", "b") & ~TITLE.is_in("y", "x")),
    (
        (USER == "a") & ((WINS == 1) | (WINS == 1)) & (WINS == 1),
        (USER == "a") & ((WINS == 1) | (WINS == 1)) & (WINS == 2),
    ),
    (
        (USER == "a") & ((WINS < 5) | (WINS > 3)) & (WINS == 7),
        (USER == "a") & ((WINS < 1) | (WINS > 3)) & (WINS == 2),
    ),
    (
        (USER == "a") & (SCORE > 7) & (SCORE > 5) & (SCORE < 9),
        (USER == "a") & (SCORE > 7) & (SCORE > 10) & (SCORE < 9),
    ),
]


@pytest.mark.parametrize(("first", "second"), MISLEADING)
@pytest.mark.parametrize("options", [{}, {"allow_scan": True}])
def test_what_other_values_change_is_planned_anew(first, second, options):
    assert first.shape([]) == second.shape([])
    check_plans([asking(first), asking(second)], **options)
    check_plans([asking(second), asking(first)], **options)


ONE = USER == "a"
KEPT = [
    # what programs ask all day
    asking(ONE),
    asking(ONE & (TITLE == "x")),
    asking(ONE & (TITLE == "x") & (SCORE == 1) & (WINS == 1)),
    asking(ONE & (TITLE >= "b") & (TITLE < "d")),
    asking(ONE & TITLE.between("b", "d") & (SCORE > 1) & (WINS <= 3)),
    asking(ONE & TITLE.begins_with("b") & SCORE.between(1, 3), "title", limit=3),
    asking(ONE & (SCORE >= 1) & (SCORE < 3) & (WINS != 3), "-score"),
    asking(USER.is_in("a") & (TITLE > "x")),
    asking(USER.is_in("a", "b", "c")),
    asking(USER.is_in("b", "a") & (TITLE >= "b") & (TITLE < "d") & (WINS > 3), "-title", limit=3),
    asking(USER.is_in("b", "a") & TITLE.begins_with("x"), counting=True),
    asking(USER.is_in([f"u{n}" for n in range(MOST_LANES)])),
    asking(ONE & WINS.is_in(1, 2, 3)),
    asking(ONE & SCORE.is_in(1, 2) & TITLE.is_in("x"), wanted=(Path(("score",)),)),
    asking(ONE & WINS.is_in(1, 2) & (TITLE == "x"), "title", wanted=(Path(("wins",)),)),
    asking(ONE & (WINS != 1) & (WINS != 2)),
    asking(ONE & ~WINS.is_in(1, 2)),
    asking(ONE & USER.exists() & SCORE.exists()),
    asking(ONE & ((WINS == 1) | (WINS == 2))),
    asking(ONE & (TITLE > "x") & ((SCORE == 1) | (WINS == 2))),
    asking(ONE & F("tags").contains("a") & F("tags").contains("b")),
    asking(WINS.is_in(1, 2), scan=True),
    asking((F("tenant") == "t") & (F("region") == "r") & (F("round") == 1), index="rounds"),
]


@pytest.mark.parametrize("question", KEPT)
def test_usual_shapes_are_kept(question, monkeypatch):
    planner = Planner(subject())
    wanted = bare(planner.plan("scores", question))
    monkeypatch.setattr(planner, "_make_plan", None)
    assert planner.plan("scores", question) == wanted


def test_a_shortcut_holds_for_as_long_as_the_plan_does():
    planner = Planner(subject())
    kept = (ONE & (TITLE >= "b") & (TITLE <= "d"), (WINS != 1) & (WINS != 2))
    shortcut = planner.shortcut("scores", asking(kept[0] & kept[1]))
    values = [{"S": "a"}, {"S": "b"}, {"S": "d"}, {"N": "1"}, {"N": "2"}]
    assert shortcut is not None
    assert shortcut(values).expressions.values == {f":{at}": wire for at, wire in enumerate(values)}
    assert shortcut([*values[:1], {"S": "d"}, {"S": "d"}, *values[3:]]) is None
    assert shortcut([*values[:3], {"N": "1"}, {"N": "1"}]) is None


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


def test_a_kept_plan_of_many_lanes_has_one_of_them():
    planner = Planner(subject())
    plan = planner.plan("scores", asking(USER.is_in([f"u{n}" for n in range(MOST_LANES)])))
    assert len({id(lane) for lane in plan.lanes}) == MOST_LANES
    (template,) = planner._cache._known.values()
    assert len({id(lane) for lane in template.plan.lanes}) == 1


def test_a_plan_of_too_many_lanes_is_made_each_time():
    planner = Planner(subject())
    planner.plan("scores", asking(USER.is_in([f"u{n}" for n in range(MOST_LANES + 1)])))
    assert not planner._cache._known


def test_shapes_are_not_kept_without_end():
    planner = Planner(subject())
    for limit in range(1, 2000):
        planner.plan("scores", asking(USER == "a", limit=limit))
    assert len(planner._cache._known) < 1000
