"""What of an item that changed is sent, and what an instance tells of it."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    ConditionFailed,
    DateTimeField,
    DictField,
    Document,
    EmbeddedField,
    IntegerField,
    ListField,
    MapField,
    Model,
    ModelDefinitionError,
    QueryError,
    SetField,
    ValidationError,
)
from dynamodb_py.codec import encode, to_json
from dynamodb_py.exceptions import ConnectionFailed, InvalidRequest, make_service_error
from dynamodb_py.expressions import Condition, Exists, F, Names, Path, render_update
from dynamodb_py.limits import MAX_DEPTH, MAX_EXPRESSION_BYTES, MAX_OPERATORS
from dynamodb_py.models.attribute_values import diff
from dynamodb_py.models.attribute_values.diff import ChangeSet, make_change_set
from dynamodb_py.models.attribute_values.spelling import keep_spelling
from dynamodb_py.models.attribute_values.values import apply_actions, equal
from dynamodb_py.models.persistence.stored import stored_wires

from ...expressions.reference import holds
from ...expressions.strategies import values
from ...scripted import checked


def item(**values):
    return encode(values)["M"]


def spelled(changes: ChangeSet) -> tuple[list[str], list[str]]:
    """Return the actions and the guards with their names and values spelled out."""
    names = Names()
    update = render_update(changes.actions, names)
    condition = Condition() if not changes.guards else changes.condition(Condition())
    condition = condition.render(names)
    for known in (names.names, names.values):
        for placeholder in sorted(known, key=len, reverse=True):
            value = known[placeholder]
            text = value if isinstance(value, str) else json.dumps(value, default=repr)
            update = update.replace(placeholder, text)
            condition = condition.replace(placeholder, text)
    return update, condition


# What differs, what is sent, and what must be as it was.
SETS = [
    (item(a=1), item(a=1), "", ""),
    (item(a=1), item(a=2), 'SET a = {"N": "2"}', ""),
    ({"a": {"N": "1.0"}}, item(a=1), "", ""),
    ({"a": {"NS": ["1", "2.0"]}}, {"a": {"NS": ["2", "1"]}}, "", ""),
    ({"a": {"SS": ["x", "y"]}}, {"a": {"SS": ["y", "x"]}}, "", ""),
    ({"a": {"B": "AQI="}}, {"a": {"B": b"\x01\x02"}}, "", ""),
    ({"a": {"BS": ["AQI=", "AA=="]}}, {"a": {"BS": [b"\0", b"\x01\x02"]}}, "", ""),
    ({"a": {"S": "1"}}, item(a=1), 'SET a = {"N": "1"}', ""),
    ({}, item(a=1), 'SET a = {"N": "1"}', ""),
    (item(a=1), {"a": None}, "REMOVE a", ""),
    ({}, {"a": None}, "", ""),
    # maps, by key, whatever is smaller
    (item(d={"a": 1, "b": 2}), item(d={"a": 1, "b": 3}), 'SET d.b = {"N": "3"}', ""),
    (item(d={"a": 1}), item(d={}), "REMOVE d.a", ""),
    (item(d={}), item(d={"a": 1}), 'SET d.a = {"N": "1"}', ""),
    (item(d={"a": 1}), item(d={"b": 1}), 'SET d.b = {"N": "1"} REMOVE d.a', ""),
    (
        item(d={"a": {"b": {"c": 1}}}),
        item(d={"a": {"b": {"c": 2}}}),
        'SET d.a.b.c = {"N": "2"}',
        "",
    ),
    (item(d={"a": 1}), item(d={"a": "x"}), 'SET d.a = {"S": "x"}', ""),
    (item(d={"a": 1}), item(d=1), 'SET d = {"N": "1"}', ""),
    (item(d=1), item(d={"a": 1}), 'SET d = {"M": {"a": {"N": "1"}}}', ""),
    ({}, item(d={"a": 1}), 'SET d = {"M": {"a": {"N": "1"}}}', "attribute_not_exists(d)"),
    (item(d={}), item(d={"e": {}}), 'SET d.e = {"M": {}}', "attribute_not_exists(d.e)"),
    # lists, by element where that is smaller, on condition that they are as they were
    ({}, item(d=[1]), 'SET d = {"L": [{"N": "1"}]}', "attribute_not_exists(d)"),
    (item(d=[1]), {"d": None}, "REMOVE d", ""),
    (
        item(d=["x" * 50, 1]),
        item(d=["x" * 50, 2]),
        'SET d[1] = {"N": "2"}',
        '(size(d) = {"N": "2"} AND d[1] = {"N": "1"})',
    ),
    (
        item(d=["x" * 50]),
        item(d=["x" * 50, 2, 3]),
        'SET d[1] = {"N": "2"}, d[2] = {"N": "3"}',
        'size(d) = {"N": "1"}',
    ),
    (
        item(d=["x" * 200, 2, 3]),
        item(d=["x" * 200]),
        "REMOVE d[2], d[1]",
        '(size(d) = {"N": "3"} AND d[2] = {"N": "3"} AND d[1] = {"N": "2"})',
    ),
    (
        item(d=["a", "b"]),
        item(d=["b"]),
        'SET d = {"L": [{"S": "b"}]}',
        'd = {"L": [{"S": "a"}, {"S": "b"}]}',
    ),
    (
        item(d=["x" * 200, {"a": "y" * 90, "b": 1}]),
        item(d=["x" * 200, {"a": "y" * 90, "b": 2}]),
        'SET d[1].b = {"N": "2"}',
        '(size(d) = {"N": "2"} AND d[1] = {"M": {"a": {"S": "'
        + "y" * 90
        + '"}, "b": {"N": "1"}}})',
    ),
    (
        item(d={"a": ["x" * 50, 1]}),
        item(d={"a": ["x" * 50, 2]}),
        'SET d.a[1] = {"N": "2"}',
        '(size(d.a) = {"N": "2"} AND d.a[1] = {"N": "1"})',
    ),
    # DynamoDB has no path to a key without a name
    (
        item(d={"": 1}),
        item(d={"": 2}),
        'SET d = {"M": {"": {"N": "2"}}}',
        'd = {"M": {"": {"N": "1"}}}',
    ),
    (item(d={"": 1, "a": 1}), item(d={"": 1, "a": 2}), 'SET d.a = {"N": "2"}', ""),
]


@pytest.mark.parametrize(("before", "after", "update", "guards"), SETS, ids=range(len(SETS)))
def test_the_smallest_update_that_undoes_nothing_is_sent(before, after, update, guards):
    assert spelled(make_change_set(before, after)) == (update, guards)


def test_what_was_not_fetched_is_written_as_it_is():
    after = {"d": item(d={"a": 1})["d"], "l": item(l=[1])["l"], "s": None}
    changes = make_change_set({}, after, unknown=frozenset(after))
    assert (len(changes.actions), list(changes.guards)) == (3, [])


documents = st.dictionaries(
    st.sampled_from(["a", "b", "size", "größe", "x.y", ""]), values, max_size=4
)
items = st.dictionaries(
    st.sampled_from(["doc", "list", "größe", "n"]), values | documents, max_size=4
)


@st.composite
def edited(draw, value):
    """Return *value* after a few edits, so that much of it is as before."""
    if isinstance(value, dict):
        value = {key: draw(edited(each)) for key, each in value.items() if draw(st.integers(0, 5))}
        return value | draw(st.dictionaries(st.sampled_from(["a", "b", "new"]), values, max_size=1))
    if isinstance(value, list):
        value = [draw(edited(each)) for each in value]
        how = draw(st.integers(0, 5))
        if how == 0:
            value = value + draw(st.lists(values, max_size=3))
        elif how == 1:
            value = value[: draw(st.integers(0, 3))]
        elif how == 2:
            value = value[::-1]
        return value
    return draw(values) if draw(st.integers(0, 3)) == 0 else value


pairs = items.flatmap(lambda before: st.tuples(st.just(before), edited(before) | items))


def both(pair):
    before, after = (encode(each)["M"] for each in pair)
    return before, after, {**dict.fromkeys(before), **after}


@settings(max_examples=500, deadline=None)
@given(pairs)
def test_applying_a_change_set_to_the_first_item_gives_the_second(pair):
    before, after, wanted = both(pair)
    changes = make_change_set(before, wanted)
    assert equal({"M": apply_actions(before, changes.actions)}, {"M": after})
    assert all(holds(guard, before) for guard in changes.guards)
    assert bool(changes.actions) is not equal({"M": before}, {"M": after})
    render_update(changes.actions, Names())  # which refuses paths that meet
    assert make_change_set(after, wanted) == ChangeSet([])


short = st.lists(st.sampled_from(["", "a", 1, 22]), min_size=2, max_size=16)


@settings(max_examples=500, deadline=None)
@given(short, st.dictionaries(st.integers(0, 15), st.just(7), max_size=4), st.booleans())
def test_the_least_size_of_a_list_decides_as_its_size_does(elements, changed, is_inner):
    after = [changed.get(at, each) for at, each in enumerate(elements)]
    pair = ({"a": [each] if is_inner else each} for each in (elements, after))
    before, _, wanted = both(pair)
    with mock.patch.object(diff, "_SHORTEST", 0):  # the lists are measured each time
        expected = make_change_set(before, wanted)
    assert make_change_set(before, wanted) == expected


@pytest.mark.parametrize("least", ["", 0, b"", None, True, [], {}], ids=repr)
def test_no_list_is_smaller_than_its_least_size(least):
    for length in (0, 1, 2, 1000):
        assert len(to_json(encode([least] * length))) >= diff._SHORTEST * length


def test_of_a_long_list_just_what_changed_is_measured():
    before = item(n=["x" * 50] * 100)
    after = item(n=[*["x" * 50] * 99, "y", "z"])
    after["n"]["L"][:99] = before["n"]["L"][:99]
    with mock.patch.object(diff, "_whole_bytes", side_effect=AssertionError):
        assert len(make_change_set(before, after).actions) == 2


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 400), st.integers(1, 5), st.integers(0, 3))
def test_what_is_too_much_for_one_expression_is_sent_in_larger_parts(width, depth, lists):
    def document(value):
        for level in range(depth):
            value = {f"k{level}": value, **{f"n{n}": value for n in range(2)}}
            if level < lists:
                value = [value, "x" * 300]
        return {str(n): value for n in range(max(1, width // 3**depth))}

    before, after = item(doc=document(1), other={"a": 1}), item(doc=document(2), other={"a": 2})
    asked = Exists(Path(("id",)))
    changes = make_change_set(before, after, condition=asked)
    assert apply_actions(before, changes.actions) == after
    names = Names()
    assert len(changes.actions) <= MAX_OPERATORS
    assert len(render_update(changes.actions, names)) <= MAX_EXPRESSION_BYTES
    assert len(changes.condition(asked).render(names)) <= MAX_EXPRESSION_BYTES
    assert 'other.a = {"N": "2"}' in spelled(changes)[0], "small parts stay small"


def test_a_map_that_is_too_much_is_written_whole_only_if_it_is_as_it_was():
    before = item(doc={"keep": {"a": 1}, "many": {f"k{n}": 1 for n in range(1000)}})
    after = item(doc={"keep": {"a": 2}, "many": {f"k{n}": 2 for n in range(1000)}})
    changes = make_change_set(before, after)
    assert [action.path.parts for action in changes.actions] == [("doc", "keep"), ("doc", "many")]
    assert len(changes.guards) == 2
    assert all(holds(guard, before) for guard in changes.guards)


def test_paths_are_no_deeper_than_documents():
    def deep(wire):
        for _ in range(MAX_DEPTH - 1):
            wire = {"M": {"a": wire}}
        return {"doc": wire}

    before, after = deep({"N": "1"}), deep({"N": "2"})
    changes = make_change_set(before, after)
    assert [len(action.path.parts) for action in changes.actions] == [MAX_DEPTH]
    assert apply_actions(before, changes.actions) == after


def test_what_another_writer_spelled_otherwise_and_did_not_change_is_left_so():
    raw = {"L": [{"S": "2020-01-01T00:00:00Z"}, {"M": {"a": {"N": "1.0"}, "none": {"NULL": True}}}]}
    old = {"L": [{"S": "2020-01-01T00:00:00.000000+00:00"}, {"M": {"a": {"N": "1"}}}]}
    new = {"L": [old["L"][0], {"M": {"a": {"N": "1"}, "b": {"N": "2"}}}]}
    assert keep_spelling(raw, old, new) == {
        "L": [raw["L"][0], {"M": {"a": {"N": "1.0"}, "b": {"N": "2"}, "none": {"NULL": True}}}]
    }
    assert keep_spelling(raw, old, old) is raw
    assert keep_spelling(raw, old, {"S": "x"}) == {"S": "x"}


# -- instances -----------------------------------------------------------------------------------


class Line(Document):
    sku = CharField(name="s")
    count = IntegerField(name="c")


class Order(Model):
    class Meta:
        table_name = "orders"

    number = IntegerField(hash_key=True)
    title = CharField(required=True)
    score = IntegerField(name="sc")
    doc = DictField(default=dict)
    ids = ListField(default=[])
    tags = SetField()
    line = EmbeddedField(Line, name="l")
    lines = ListField(Line)
    days = ListField(DateTimeField())
    more = MapField({"n": IntegerField()})
    saved = DateTimeField(auto_now=True)


KEY = {"number": {"N": "1"}}
FULL = {
    **KEY,
    "title": {"S": "old"},
    "sc": {"N": "1"},
    "doc": {"M": {"a": {"L": [{"N": "1"}, {"S": "x" * 99}]}, "b": {"N": "2"}}},
    "ids": {"L": [{"N": "1"}]},
    "tags": {"SS": ["x"]},
    "l": {"M": {"s": {"S": "a"}, "c": {"N": "1"}, "own": {"B": "AQI="}}},
    "lines": {"L": [{"M": {"s": {"S": "a" * 99}, "c": {"N": "1"}}}]},
    "days": {"L": [{"S": "2020-01-01T00:00:00Z"}]},
    "other": {"S": "x"},
}


@pytest.fixture
def order():
    return Order.from_db(FULL)


def edit(order):
    order.score = None
    order.doc["a"][0] = 2
    order.doc["c"] = [1]
    del order.doc["b"]
    order.ids.append(7)
    order.tags.add("y")
    order.line.count = 2
    order.lines[0].count = 3


CHANGED = {
    "score": (1, None),
    "doc.a[0]": (1, 2),
    "doc.b": (2, None),
    "doc.c": (None, [1]),
    "ids[1]": (None, 7),
    "tags": ({"x"}, {"x", "y"}),
    "line.count": (1, 2),
    "lines[0].count": (1, 3),
}


def test_changes_are_told_by_path(order):
    assert (order.is_changed, order.changes()) == (False, {})
    edit(order)
    assert order.is_changed
    assert order.changes() == CHANGED
    order.ids[:] = [7]
    assert order.changes()["ids[0]"] == (1, 7)
    order.ids[:] = []
    assert order.changes()["ids"] == ([1], [])
    order.ids[:] = [0, 1]
    assert order.changes()["ids"] == ([1], [0, 1])


def test_asking_what_changed_changes_nothing(order, script, do):
    order.title = "new"
    assert order.changes() == {"title": ("old", "new")}
    assert order.saved is None, "only saving sets the moment of saving"
    script.answers = [{}]
    do(order.save)
    assert order.saved is not None
    assert (order.is_changed, order.changes()) == (False, {})


def test_equal_values_are_no_changes(order):
    order.doc = {"b": 2.0, "a": [1.0, "x" * 99]}
    order.tags = {"x"}
    order.days = [datetime(2020, 1, 1, tzinfo=timezone.utc)]
    order.line = Line.from_db(FULL["l"]["M"])
    assert (order.is_changed, order.changes()) == (False, {})


def test_values_that_cannot_be_stored_are_told_as_they_are(order):
    order.score = "many"
    assert order.is_changed
    assert order.changes() == {"score": (1, "many")}


def test_of_a_new_instance_everything_is_new():
    new = Order(number=1, title="a")
    assert new.is_changed
    assert new.changes() == {
        "number": (None, 1), "title": (None, "a"), "doc": (None, {}), "ids": (None, []),
    }  # fmt: skip


def test_what_is_no_value_of_its_field_is_told_freely():
    order = Order.from_db({**KEY, "sc": {"S": "many"}})
    order.score = 2
    assert order.changes() == {"score": ("many", 2)}


def test_reverting_goes_back_to_what_was_loaded(order, script, do):
    edit(order)
    order.revert()
    assert (order.is_changed, order.score, order.doc["b"], order.ids) == (False, 1, 2, [1])
    assert order.line.count == 1
    order.title = "new"
    script.answers = [{}]
    do(order.save)
    order.title = "newer"
    order.revert()
    assert order.title == "new", "what was saved is what is stored"
    assert order.extra == {"other": "x"}


def test_reverting_a_part_leaves_it_a_part(order):
    part = Order._load_partially(frozenset(["number", "title"]))(
        b'{"number":{"N":"1"},"title":{"S":"a"}}'
    )
    part.title = part.score = None
    assert part.changes() == {"title": ("a", None), "score": (None, None)}
    part.revert()
    assert part.title == "a"
    with pytest.raises(Exception, match="was not fetched"):
        _ = part.score


def test_there_is_nothing_to_revert_a_new_instance_to(order, script, do):
    script.answers = [{}]
    do(order.delete)
    for each in (Order(number=1), order):
        with pytest.raises(QueryError, match="has nothing to restore"):
            each.revert()


@pytest.mark.parametrize("name", ["changes", "is_changed", "revert"])
def test_fields_cannot_hide_what_tells_of_changes(name):
    with pytest.raises(ModelDefinitionError, match=f"would hide Model.{name}"):
        type("Hidden", (Model,), {name: CharField()})


# -- saving --------------------------------------------------------------------------------------


def failed(item):
    return make_service_error("ConditionalCheckFailedException", "no", body={"Item": item})


NO_PATH = "The document path provided in the update expression is invalid for update"


def invalid():
    return make_service_error("ValidationException", NO_PATH)


def sent(script):
    return [spelled_request(checked(each)) for each in script.sent]


def spelled_request(payload):
    """Return an UpdateItem's expressions with their names and values spelled out."""
    update, condition = payload.get("UpdateExpression", ""), payload.get("ConditionExpression", "")
    known = payload.get("ExpressionAttributeNames", {}) | payload.get(
        "ExpressionAttributeValues", {}
    )
    for placeholder in sorted(known, key=len, reverse=True):
        value = known[placeholder]
        text = value if isinstance(value, str) else str(next(iter(value.values())))
        update, condition = (each.replace(placeholder, text) for each in (update, condition))
    return update, condition.replace("attribute_exists(number)", "E")


def plain(**more):
    """An order whose moment of saving does not stand in the way."""
    return Plain.from_db({**KEY, "doc": {"M": {"a": {"N": "1"}, "b": {"N": "2"}}}, **more})


class Plain(Model):
    class Meta:
        table_name = "orders"

    number = IntegerField(hash_key=True)
    title = CharField()
    doc = DictField()
    ids = ListField()
    days = ListField(DateTimeField())


def test_a_save_sends_the_places_that_changed(order, script, do):
    edit(order)
    script.answers = [{}]
    do(order.save)
    assert checked(script.sent[0])["UpdateExpression"] == (
        "SET #0 = :0, #1.#2[0] = :1, #1.#3 = :2, #4[1] = :3, #5.#3 = :4, #6[0].#3 = :5 "
        "REMOVE #7, #1.#8 ADD #9 :6"
    )
    assert not order.is_changed
    assert stored_wires(order)["days"] == FULL["days"]
    stored = stored_wires(order)
    assert stored["doc"] == {
        "M": {"a": {"L": [{"N": "2"}, {"S": "x" * 99}]}, "c": {"L": [{"N": "1"}]}}
    }
    assert stored["l"] == {"M": {"s": {"S": "a"}, "c": {"N": "2"}, "own": {"B": "AQI="}}}


def test_what_is_stored_after_a_save_is_spelled_as_it_lies_there(script, do):
    page = plain(days={"L": [{"S": "2020-01-01T00:00:00Z"}]})
    page.days.append(datetime(2021, 1, 1, tzinfo=timezone.utc))
    script.answers = [{}, {}]
    do(page.save)
    page.days[0] = page.days[1]
    do(page.save)
    assert sent(script) == [
        ("SET days[1] = 2021-01-01T00:00:00.000000+00:00", "(E AND size(days) = 1)"),
        (
            "SET days[0] = 2021-01-01T00:00:00.000000+00:00",
            "(E AND size(days) = 2 AND days[0] = 2020-01-01T00:00:00Z)",
        ),
    ]


def test_where_a_map_is_gone_it_is_written_whole_and_others_by_key(script, do):
    page = plain(other={"S": "x"})
    page.doc["a"] = 5
    page.title = "new"
    script.answers = [invalid(), {"Item": KEY}, {}]
    do(page.save)
    assert [each.api for each in script.sent] == ["UpdateItem", "GetItem", "UpdateItem"]
    assert script.payloads[1]["ConsistentRead"] is True
    assert sent(script)[2][0].startswith("SET title = new, doc = {'a': {'N': '5'}")
    assert sent(script)[2][1] == "(E AND attribute_not_exists(doc))"
    assert not page.is_changed


def test_where_a_map_has_become_something_else_it_is_written_whole(script, do):
    page = plain()
    page.doc["a"] = 5
    script.answers = [invalid(), {"Item": {**KEY, "doc": {"S": "x"}}}, {}]
    do(page.save)
    assert sent(script)[2][0].startswith("SET doc = {'a'")
    assert sent(script)[2][1] == "E"


def test_where_a_map_has_come_meanwhile_it_gets_keys(script, do):
    page = Plain.from_db(KEY)
    page.doc = {"a": 1, "deep": {"b": 2}}
    theirs = {**KEY, "doc": {"M": {"mine": {"N": "9"}, "deep": {"M": {"c": {"N": "3"}}}}}}
    script.answers = [failed(theirs), {}]
    do(page.save)
    assert sent(script)[1] == ("SET doc.deep.b = 2, doc.a = 1", "E")
    assert not page.is_changed


def test_an_item_that_is_gone_is_told_also_where_the_path_was_refused(script, do):
    page = plain()
    page.doc["a"] = 5
    script.answers = [invalid(), {}]
    with pytest.raises(Plain.DoesNotExist, match="was deleted since it was loaded"):
        do(page.save)


def test_a_request_that_is_invalid_otherwise_is_told(script, do):
    page = plain()
    page.title = "new"
    script.answers = [invalid()]
    with pytest.raises(InvalidRequest):
        do(page.save)
    page.doc["a"] = 5
    script.answers = [invalid(), {"Item": json.loads(page._stored)}]
    with pytest.raises(InvalidRequest):
        do(page.save)
    assert page.changes() == {"title": (None, "new"), "doc.a": (1, 5)}


def test_a_map_that_comes_and_goes_is_given_up_after_some_tries(script, do):
    page = plain()
    page.doc["a"] = 5
    here, gone = {"Item": {**KEY, "doc": {"M": {}}}}, {"Item": KEY}
    script.answers = [invalid(), gone, failed(here["Item"]), invalid(), gone, failed(here["Item"])]
    with pytest.raises(ConditionFailed):
        do(page.save)
    assert script.answers == []


def test_a_list_that_another_writer_changed_is_not_written_over(script, do):
    page = plain(ids={"L": [{"N": "1"}]})
    page.ids.append(2)
    theirs = {**json.loads(page._stored), "ids": {"L": [{"N": "1"}, {"N": "3"}]}}
    script.answers = [failed(theirs)]
    with pytest.raises(
        ConditionFailed, match="Plain: ids: another writer changed it since it was loaded"
    ) as caught:
        do(page.save)
    assert type(caught.value.current) is Plain
    assert caught.value.current.ids == [1, 3]
    assert page.ids == [1, 2]
    assert page.is_changed


def test_a_save_whose_answer_was_lost_is_known_by_what_lies_there(script, do):
    page = plain(ids={"L": [{"N": "1"}]})
    page.ids.append(2)
    done = {**json.loads(page._stored), "ids": {"L": [{"N": "1"}, {"N": "2"}]}}
    script.answers = [ConnectionFailed("reset"), failed(done)]
    do(page.save)
    assert [each.repeatable for each in script.sent] == [True, True]
    assert not page.is_changed


def test_a_condition_of_ones_own_that_fails_is_not_excused_by_what_lies_there(script, do):
    page = plain(ids={"L": [{"N": "1"}]})
    page.ids.append(2)
    done = {**json.loads(page._stored), "ids": {"L": [{"N": "1"}, {"N": "2"}]}}
    script.answers = [failed(done)]
    with pytest.raises(ConditionFailed, match="ConditionalCheckFailedException"):
        do(page.save, condition=F("title") == "x")


def test_with_a_condition_of_ones_own_a_map_that_has_come_gets_keys_too(script, do):
    page = Plain.from_db(KEY)
    page.doc = {"a": 1}
    script.answers = [failed({**KEY, "doc": {"M": {}}}), {}]
    do(page.save, condition=F("title").not_exists())
    assert sent(script)[1] == ("SET doc.a = 1", "(E AND attribute_not_exists(title))")


# -- update_fields -------------------------------------------------------------------------------


def test_only_the_fields_that_are_named_are_saved(order, script, do):
    order.title, order.score = "new", 2
    order.ids.append(2)
    script.answers = [{}, {}]
    do(order.save, update_fields=["score", "doc"])
    [(update, condition)] = sent(script)
    assert update.startswith("SET sc = 2, saved = "), "and those that set themselves"
    assert condition == "E"
    assert order.changes().keys() == {"title", "ids[1]"}
    do(order.save)
    assert not order.is_changed


def test_named_fields_that_did_not_change_are_not_sent(order, script, do):
    order.title = "new"
    do(order.save, update_fields=["score"])
    do(order.save, update_fields=[])
    assert script.sent == []


def test_a_wrong_value_of_a_field_that_is_not_named_waits(order, script, do):
    order.title, order.score = 7, 2
    script.answers = [{}]
    do(order.save, update_fields=["score"])
    with pytest.raises(ValidationError):
        do(order.save, update_fields=["title"])
    order.title = None
    with pytest.raises(ValidationError, match="required"):
        do(order.save, update_fields=("title",))


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (["titel"], TypeError, "Order has no field titel: its fields are number, title"),
        (["number"], QueryError, "number is part of the key"),
        ("title", QueryError, r"give a list of names, \['title'\]"),
    ],
)
def test_names_that_cannot_be_updated_are_refused(order, script, do, names, error, message):
    with pytest.raises(error, match=message):
        do(order.save, update_fields=names)
    with pytest.raises(error, match=message):
        do(Order(number=1).save, update_fields=names)


def test_named_fields_are_of_loaded_instances_only(order, script, do):
    for save, options in (
        (Order(number=1, title="a").save, {}),
        (order.save, {"overwrite": True}),
        (order.save, {"force_insert": True}),
    ):
        with pytest.raises(
            QueryError, match=r"would be put whole.*save\(\) it without update_fields"
        ):
            do(save, update_fields=["title"], **options)


def test_a_key_that_changed_is_refused_also_where_other_fields_are_named(order, script, do):
    order.number, order.title = 2, "new"
    with pytest.raises(ValidationError, match="it is part of the key, which cannot change"):
        do(order.save, update_fields=["title"])
