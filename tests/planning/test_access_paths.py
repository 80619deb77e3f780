"""What a way reads is what the condition lets through: no item more, none less."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py.expressions import F
from dynamodb_py.planning.access_paths import AccessPath, Fit, fit, make_key_condition
from dynamodb_py.planning.alternatives import Unfit
from dynamodb_py.planning.intervals import sort_intervals

from ..expressions.reference import holds
from .tables import CONDITIONS, ITEMS, SCHEMA, TEXTS, asking, subject

WAYS = {access.name: access for access in AccessPath.all_of(SCHEMA)}


def times_read(fitted: Fit, item: dict[str, Any]) -> int:
    """Return by how many of the requests *item* is found."""
    return sum(
        holds(make_key_condition(fitted.access, fitted.fixed, stretch), item)
        and (stretch.filter.is_empty or holds(stretch.filter, item))
        and not any(
            item[fitted.access.range_key[fitted.fixed].name] == wire
            for wire in stretch.interval.trimmed_values()
        )
        for stretch in fitted.stretches
    )


@pytest.mark.parametrize("name", [None, "by_score", "titles", "plain"])
@given(condition=CONDITIONS, hashes=st.lists(TEXTS, min_size=1, max_size=2), items=st.lists(ITEMS))
def test_a_way_reads_just_what_matches(name, condition, hashes, items):
    access = WAYS[name]
    hash_key = access.hash_key[0]
    values = hashes if hash_key.type == "S" else range(len(hashes))
    condition &= F(hash_key.name).is_in(values)
    try:
        fitted = fit(access, subject(), asking(condition))
    except Unfit:
        # Only because the index lacks items that may match.
        assert access.sparse
        return
    for item in items:
        if not access.sparse <= item.keys():
            assert not holds(condition, item) or access.sparse & set(fitted.lacking)
            continue
        found = times_read(fitted, item)
        assert (found > 0) == holds(condition, item)
        assert found <= 1 or fitted.overlapping


@pytest.mark.parametrize("name", ["by_score", "titles", "plain"])
@pytest.mark.parametrize("complete", [False, True])
@given(condition=CONDITIONS, hashes=st.lists(TEXTS, min_size=1, max_size=2), items=st.lists(ITEMS))
def test_an_index_that_serves_by_itself_loses_no_item(name, complete, condition, hashes, items):
    access = WAYS[name]
    hash_key = access.hash_key[0]
    condition &= F(hash_key.name).is_in(hashes if hash_key.type == "S" else range(len(hashes)))
    declared = subject(complete=frozenset({name})) if complete else subject()
    try:
        fit(access, declared, asking(condition))
    except Unfit:
        return
    if not complete:
        assert all(access.sparse <= item.keys() for item in items if holds(condition, item))


OPTIONAL = [
    ("titles", {}, (), {"score"}),
    ("titles", {"always": {"score"}}, (), set()),
    ("titles", {"complete": {"titles"}}, (), set()),
    ("titles", {"complete": {"plain"}}, (), {"score"}),
    ("titles", {}, ("score",), set()),
    ("rounds", {"always": {"score"}}, (), {"round"}),
    # the range key is made of other attributes
    ("titles", {"parts": {"score": {"wins", "round"}}}, (), {"wins", "round"}),
    ("titles", {"parts": {"score": {"wins", "round"}}}, ("wins",), {"round"}),
    ("titles", {"parts": {"score": {"wins", "round"}}}, ("wins", "round"), set()),
    ("titles", {"parts": {"score": {"wins"}, "title": {"wins"}}}, ("title",), set()),
    ("titles", {"parts": {"score": {"user"}}}, (), set()),
    ("titles", {"parts": {"score": {"round"}, "user": {"round"}}}, (), set()),
    ("titles", {"parts": {"score": set()}}, (), set()),
]


@pytest.mark.parametrize(("name", "declared", "present", "optional"), OPTIONAL)
def test_an_item_is_in_an_index_if_it_has_the_rest_of_its_key(name, declared, present, optional):
    known = {
        option: {key: frozenset(value[key]) for key in value}
        if isinstance(value, dict)
        else frozenset(value)
        for option, value in declared.items()
    }
    keys = [key.name for key in WAYS[name].range_key]
    assert subject(**known).find_optional(name, keys, present) == optional


@given(condition=CONDITIONS, user=TEXTS, items=st.lists(ITEMS))
def test_the_requests_of_one_hash_key_do_not_overlap(condition, user, items):
    access = WAYS[None]
    fitted = fit(access, subject(), asking(condition & (F("user") == user)))
    if fitted.overlapping or fitted.fixed:
        return
    spans = sort_intervals(stretch.interval for stretch in fitted.stretches)
    for one, other in pairwise(spans):
        if one.high is not None and other.low is not None:
            assert one.high.rank <= other.low.rank


REFUSED = [
    ("by_score", F("wins") == 1, "its hash key, user, is not fixed"),
    (None, F("user") > "a", "its hash key, user, is not fixed"),
    (None, (F("user") == "a") | (F("title") == "b"), "its hash key, user, is not fixed"),
    (
        None,
        (F("user") == "a") & F("title").contains("x"),
        "contains(title, 'x') cannot be a key condition",
    ),
    (
        None,
        (F("user") == "a") & (F("title") > F("tenant")),
        "title > tenant cannot be a key condition",
    ),
    (
        None,
        (F("user") == "a") & (F("title").size() > 3),
        "size(title) > 3 cannot be a key condition",
    ),
    (None, (F("user") == "a") & (F("title") == 5), "is of type S, and is compared with"),
    ("titles", (F("title") == "a") & (F("score") != 1), "items without score match too"),
    ("titles", (F("title") == "a") & F("score").not_exists(), "items without score match too"),
    ("wins", F("title") == "a", "it does not hold whole items"),
    (
        "wins",
        (F("title") == "a") & (F("tenant") == "x"),
        "it does not hold tenant, which the filter",
    ),
    ("rounds", F("tenant") == "a", "a part of its hash key, region, is not fixed"),
    (
        "rounds",
        (F("tenant") == "a") & (F("region") == "b") & (F("score") > 1),
        "score can limit the query only if round is fixed by =",
    ),
    (
        "rounds",
        (F("tenant") == "a") & (F("region") == "b") & (F("round") > 1) & (F("score") > 1),
        "score can limit the query only if round is fixed by =",
    ),
]


@pytest.mark.parametrize(("name", "condition", "why"), REFUSED)
def test_a_way_says_why_it_cannot_serve(name, condition, why):
    with pytest.raises(Unfit) as raised:
        fit(WAYS[name], subject(), asking(condition))
    assert why in str(raised.value)


@pytest.mark.parametrize(
    ("rest", "fixed", "stretches"),
    [
        (F("round") == 1, 1, 1),
        ((F("round") == 1) & (F("score") >= 2), 1, 1),
        ((F("round") == 1) & (F("score") == 2), 2, 1),
        (F("round").between(1, 2), 0, 1),
        (F("round").is_in([1, 2, 3]) & (F("score") > 0), 1, 3),
    ],
)
def test_keys_of_several_attributes_are_used_from_the_left(rest, fixed, stretches):
    condition = (F("tenant") == "a") & (F("region") == "b") & rest
    fitted = fit(WAYS["rounds"], subject(), asking(condition, index="rounds"))
    assert (fitted.fixed, len(fitted.stretches)) == (fixed, stretches)
