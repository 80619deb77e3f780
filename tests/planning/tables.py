"""The table that the planner is asked about, and items of it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from dynamodb_py.expressions import Condition, F
from dynamodb_py.planning import Question, Subject
from dynamodb_py.schema import GlobalIndex, LocalIndex, TableSchema, declare_table

TYPES = {
    "user": "S",
    "title": "S",
    "score": "N",
    "wins": "N",
    "tenant": "S",
    "region": "S",
    "round": "N",
}


def lookup(name: str) -> tuple[str, str]:
    return name, TYPES[name]


SCHEMA: TableSchema = declare_table(
    "scores",
    "user",
    "title",
    lookup=lookup,
    indexes=[
        LocalIndex("by_score", range_key="score"),
        GlobalIndex("titles", hash_key="title", range_key="score"),
        GlobalIndex("wins", hash_key="title", range_key="wins", projection="keys"),
        GlobalIndex("plain", hash_key="wins"),
        GlobalIndex(
            "rounds",
            hash_key=["tenant", "region"],
            range_key=["round", "score"],
            projection=["wins"],
        ),
    ],
)
SINGLE: TableSchema = declare_table("single", "user", lookup=lookup)


def problem(attribute: str, wire: dict[str, Any]) -> str | None:
    return "a key is not empty" if wire == {"S": ""} else None


def subject(schema: TableSchema = SCHEMA, **options: Any) -> Subject:
    return Subject("Score", schema, {name: name for name in TYPES}, problem, **options)


def asking(condition: Condition | None = None, *order: str, **options: Any) -> Question:
    ordered = tuple((name.removeprefix("-"), name.startswith("-")) for name in order)
    return Question(Condition() if condition is None else condition, ordered, **options)


TEXTS = st.sampled_from(["a", "ab", "abc", "b", "ba", "\U0010ffff", "a\U0010ffff", "\ud7ff"])
# No key is the empty text, and a condition may compare one with it.
COMPARED = TEXTS | st.just("")
NUMBERS = st.sampled_from([-1, 0, 1, 2, 3])


def _texts(name: str) -> st.SearchStrategy[Condition]:
    field = F(name)
    pairs = st.tuples(COMPARED, COMPARED).map(lambda two: sorted(two, key=str.encode))
    return st.one_of(
        st.builds(lambda value: field == value, TEXTS),
        st.builds(lambda value: field != value, COMPARED),
        st.builds(lambda value: field > value, COMPARED),
        st.builds(lambda value: field <= value, COMPARED),
        st.builds(lambda value: field.begins_with(value), COMPARED),
        st.builds(lambda two: field.between(*two), pairs),
        st.builds(lambda values: field.is_in(values), st.lists(COMPARED, max_size=3)),
        st.just(field.exists()),
        st.just(field.not_exists()),
    )


def _numbers(name: str) -> st.SearchStrategy[Condition]:
    field = F(name)
    return st.one_of(
        st.builds(lambda value: field == value, NUMBERS),
        st.builds(lambda value: field != value, NUMBERS),
        st.builds(lambda value: field >= value, NUMBERS),
        st.builds(lambda value: field < value, NUMBERS),
        st.builds(lambda two: field.between(*sorted(two)), st.tuples(NUMBERS, NUMBERS)),
        st.builds(lambda values: field.is_in(values), st.lists(NUMBERS, max_size=3)),
    )


LEAVES = st.one_of(_texts("user"), _texts("title"), _numbers("score"), _numbers("wins"))
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda one, other: one & other, inner, inner),
        st.builds(lambda one, other: one | other, inner, inner),
        st.builds(lambda one: ~one, inner),
    ),
    max_leaves=6,
)
"""Conditions of every kind that a key can be asked."""

ITEMS = st.fixed_dictionaries(
    {"user": TEXTS.map(lambda text: {"S": text}), "title": TEXTS.map(lambda text: {"S": text})},
    optional={
        "score": NUMBERS.map(lambda n: {"N": str(n)}),
        "wins": NUMBERS.map(lambda n: {"N": str(n)}),
    },
)
"""Items as they are on the wire; those without a score or wins are not in every index."""
