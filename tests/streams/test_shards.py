"""Which shards are read: places, the tree of shards, positions."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py.operations.streams import Shard
from dynamodb_py.streams.shards import (
    START,
    Gap,
    Place,
    add_shards,
    age_places,
    choose_latest,
    end_missing,
    read_position,
    write_position,
)

END, AFTER = Place("end"), Place("after", "7")


def tree(text: str) -> dict[str, Shard]:
    """Return the shards of a text such as ``a b<a c<a``; a shard begins at the number of its letter."""
    found = [each.partition("<") for each in text.split()]
    return {name: Shard(name, parent or None, str(ord(name))) for name, _, parent in found}


def at(name: str) -> Place:
    return Place("at", str(ord(name)))


@pytest.mark.parametrize(
    ("shards", "places", "expected", "gaps"),
    [
        ("a", {}, {"a": at("a")}, []),
        ("a", {"a": AFTER}, {"a": AFTER}, []),
        ("a b<a", {"a": AFTER}, {"a": AFTER}, []),
        ("a b<a c<a", {"a": END}, {"b": at("b"), "c": at("c")}, []),
        ("a b<a c<b", {"a": END}, {"b": at("b")}, []),
        ("a b<a", {"b": AFTER}, {"b": AFTER}, []),
        ("a b<a c<a", {"b": AFTER}, {"b": AFTER, "c": at("c")}, []),
        ("b<a c<a", {"b": AFTER}, {"b": AFTER, "c": at("c")}, []),
        ("a", {"a": END}, {"a": END}, []),
        ("b<a", {"a": END}, {"b": at("b")}, []),
        ("", {"a": END}, {}, []),
        ("c<b", {}, {"c": at("c")}, ["b"]),
        ("a c<b", {"a": AFTER}, {"a": AFTER, "c": at("c")}, ["b"]),
        ("", {}, {}, []),
    ],
    ids=[
        "a first shard is new",
        "one that is read stays",
        "a child waits for its parent",
        "both children follow the end of their parent",
        "a grandchild waits for the child",
        "an ancestor is done",
        "a child that is listed later than its sibling",
        "a child that is listed later, without their parent",
        "an end without children stays",
        "the child of an end that is not listed any more",
        "an end that is not listed any more goes",
        "a shard whose parent is unknown",
        "another tree whose root is unknown",
        "nothing",
    ],
)
def test_the_shards_that_can_be_read_now_are_added(shards, places, expected, gaps):
    assert add_shards(places, tree(shards)) == (expected, [Gap(each, None) for each in gaps])


def test_reading_begins_with_the_shards_without_a_listed_parent():
    assert add_shards({}, tree("b<a c<b d"), START) == ({"b": START, "d": START}, [])


def test_children_leave_out_what_was_before_the_same_time():
    places, _ = add_shards({"a": Place("end", since=5.0)}, tree("a b<a"))
    assert places == {"b": Place("at", str(ord("b")), 5.0)}


def test_the_latest_places_are_in_the_shards_without_children():
    found = choose_latest(tree("a b<a c<a d"), 1000.0)
    assert found == dict.fromkeys("bcd", Place("latest", since=700.0))


def test_a_shard_that_is_listed_no_more_is_at_its_end_and_a_gap_unless_it_was_read():
    ended, gaps = end_missing({"a": AFTER, "b": END, "c": AFTER}, tree("c"))
    assert ended == {"a": END, "b": END, "c": AFTER}
    assert gaps == [Gap("a", AFTER)]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (START, START),
        (Place("latest", "iterator", 5.0), Place("start", since=5.0)),
        (AFTER, None),
        (at("a"), None),
        (END, None),
    ],
)
def test_after_a_day_places_without_a_number_may_have_been_trimmed(place, expected):
    places = {"a": place}
    assert age_places(places, 0.0, 23 * 3600.0) == (places, [])
    found, gaps = age_places(places, 0.0, 24 * 3600.0)
    assert (found, gaps) == ({"a": expected or place}, [Gap("a", place)] if expected else [])


PLACES = st.one_of(
    st.builds(Place, st.just("start"), since=st.none() | st.floats(0, 1e10)),
    st.builds(Place, st.just("latest"), st.text(), st.floats(0, 1e10)),
    st.builds(Place, st.sampled_from(["at", "after"]), st.text(), st.none() | st.floats(0, 1e10)),
    st.builds(Place, st.just("end")),
)


@given(st.dictionaries(st.text(), PLACES), st.floats(0, 1e10))
def test_a_position_reads_back_through_json(places, now):
    position = json.loads(json.dumps(write_position("arn", places, now)))
    assert read_position(position, "arn") == (places, now)


def test_a_latest_place_without_an_iterator_is_read_from_before_it():
    position = write_position("arn", {"a": Place("latest", since=700.0)}, 1000.0)
    assert read_position(position, "arn")[0] == {"a": Place("start", since=700.0)}


@st.composite
def trees(draw: st.DrawFn) -> dict[str, Shard]:
    """A tree of shards, each of which continues an earlier one or none."""
    names = [f"{n:02}" for n in range(draw(st.integers(0, 12)))]
    parents = [draw(st.sampled_from([None, *names[:at]])) for at in range(len(names))]
    return {name: Shard(name, p, name) for name, p in zip(names, parents, strict=True)}


@given(trees(), st.data())
def test_every_shard_is_read_once_and_after_its_parent(shards, data):
    places, gaps = add_shards({}, shards, START)
    order = []
    while open_ := [name for name, place in places.items() if place.kind != "end"]:
        assert not gaps
        name = data.draw(st.sampled_from(sorted(open_)))
        order.append(name)
        places, gaps = add_shards({**places, name: END}, shards)
    assert sorted(order) == sorted(shards)
    for name in order:
        parent = shards[name].parent
        assert parent is None or order.index(parent) < order.index(name)
