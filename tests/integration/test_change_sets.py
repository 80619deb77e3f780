"""Two writers of one item, and random edits of random items, on real engines."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dynamodb_py import CharField, ConditionFailed, DictField, ListField, Model
from dynamodb_py.codec import encode
from dynamodb_py.expressions import Exists, Path
from dynamodb_py.models.attribute_values.diff import make_change_set
from dynamodb_py.models.attribute_values.values import apply_actions, equal
from dynamodb_py.models.persistence.stored import stored_wires

from ..engines import known_fault
from ..expressions.strategies import scalars
from ..models.attribute_values.test_diff import edited
from ..scripted import checked


class Page(Model):
    class Meta:
        table_name = "documents"

    key = CharField(hash_key=True)
    title = CharField()
    text = CharField()
    doc = DictField()
    ids = ListField()


TABLES = [Page]


@pytest.fixture
def two(do, put, sent, key):
    """Put an item, and return it as two writers loaded it."""

    def load(**attributes):
        put(Page, {"key": {"S": key}, **encode(attributes)["M"]})
        mine, yours = (do(Page.objects.get, key, consistent=True) for _ in range(2))
        sent.clear()
        return mine, yours

    return load


@pytest.fixture
def found(do, key):
    """Return the item as it is stored now."""
    return lambda: do(Page.objects.get, key, consistent=True)


def same_after_reading(page, found):
    assert not page.is_changed
    assert found().to_dict() == page.to_dict()
    assert equal({"M": stored_wires(found())}, {"M": stored_wires(page)})


def test_edits_in_place_are_all_stored_and_a_stale_copy_sends_nothing(two, do, sent, found):
    mine, stale = two(ids=[1], doc={"a": 1}, title="old", text="kept")
    mine.ids.append(2)
    mine.doc["b"] = 2
    mine.title = "new"
    do(mine.save)
    assert sent.calls == ["UpdateItem"]
    same_after_reading(mine, found)
    sent.clear()
    do(stale.save)
    assert sent == []
    assert (found().ids, found().doc, found().title) == ([1, 2], {"a": 1, "b": 2}, "new")


def test_two_writers_of_different_fields_and_of_different_keys_both_survive(two, do, found):
    mine, yours = two(
        title="old", text="old", doc={"a": 1, "b": 1, "deep": {"x": 1, "y": 1}, "z": 1}
    )
    mine.title, yours.text = "mine", "yours"
    mine.doc["a"], yours.doc["b"] = 2, 2
    mine.doc["new"], yours.doc["other"] = [1], {"q": 1}
    mine.doc["deep"]["x"], yours.doc["deep"]["y"] = 2, 2
    del mine.doc["z"]
    do(mine.save)
    do(yours.save)
    item = found()
    assert (item.title, item.text) == ("mine", "yours")
    assert item.doc == {
        "a": 2, "b": 2, "deep": {"x": 2, "y": 2}, "new": [1], "other": {"q": 1},
    }  # fmt: skip
    assert not mine.is_changed
    assert not yours.is_changed


@pytest.mark.parametrize("before", [{}, {"doc": {}}, {"doc": {"deep": {}}}], ids=str)
def test_two_writers_who_begin_a_map_both_survive(two, do, found, before):
    mine, yours = two(**before)
    for page, name in ((mine, "mine"), (yours, "yours")):
        page.doc = page.doc or {}
        page.doc.setdefault("deep", {})[name] = 1
        do(page.save)
        assert not page.is_changed
    assert found().doc == {"deep": {"mine": 1, "yours": 1}}
    yours.doc["deep"]["more"] = 1
    do(yours.save)
    assert found().doc == {"deep": {"mine": 1, "yours": 1, "more": 1}}


def test_a_map_that_another_writer_removed_comes_back_whole_and_nothing_else(two, do, sent, found):
    mine, yours = two(title="old", doc={"a": 1, "b": {"c": 1, "d": 2}})
    yours.doc = None
    yours.text = "yours"
    do(yours.save)
    sent.clear()
    mine.doc["b"]["c"] = 2
    do(mine.save)
    assert sent.calls == ["UpdateItem", "GetItem", "UpdateItem"]
    item = found()
    assert (item.doc, item.text, item.title) == ({"a": 1, "b": {"c": 2, "d": 2}}, "yours", "old")
    assert not mine.is_changed


def test_a_map_inside_that_is_gone_comes_back_and_what_is_beside_it_stays(two, do, found):
    mine, yours = two(doc={"a": 1, "b": {"c": 1, "d": 2}})
    del yours.doc["b"]
    yours.doc["a"] = 7
    do(yours.save)
    mine.doc["b"]["c"] = 2
    do(mine.save)
    assert found().doc == {"a": 7, "b": {"c": 2, "d": 2}}


@known_fault("moto", "does nothing, silently, for a path into what is no map")
@pytest.mark.parametrize("there", ["text", [1], None], ids=str)
def test_a_map_that_became_something_else_is_written_whole(two, do, found, there):
    mine, yours = two(doc={"b": {"c": 1}})
    yours.doc["b"] = there
    do(yours.save)
    mine.doc["b"]["c"] = 2
    do(mine.save)
    assert found().doc == {"b": {"c": 2}}


def test_an_item_that_another_writer_deleted_is_not_made_of_a_key(two, do, stored):
    mine, yours = two(doc={"a": 1}, ids=[1])
    do(yours.delete)
    mine.doc["a"] = 2
    for _ in range(2):
        with pytest.raises(Page.DoesNotExist):
            do(mine.save)
        mine.ids.append(2)
    assert stored(mine) is None


LIST = ["x" * 100, 1, {"a": 1, "text": "y" * 100}, [1, 2]]
EDITS = {
    "append": lambda ids: ids.append(5),
    "pop": lambda ids: ids.pop(),
    "pop the first": lambda ids: ids.pop(0),
    "clear": lambda ids: ids.clear(),
    "insert": lambda ids: ids.insert(0, 0),
    "change": lambda ids: ids.__setitem__(1, 9),
    "change inside": lambda ids: ids[2].update(a=2),
    "reverse": lambda ids: ids.reverse(),
}


# My edit, and theirs before it, that do not meet.
APART = {
    ("append", "change"),
    ("append", "change inside"),
    ("append", "reverse"),
    ("pop", "change"),
    ("pop", "change inside"),
    ("change", "change inside"),
    ("change inside", "change"),
}


@pytest.mark.parametrize("where", ["ids", "doc"])
@pytest.mark.parametrize("my", EDITS)
def test_no_list_that_another_writer_changed_is_written_over(two, do, found, where, my, subtests):
    def lists(page):
        return page.ids if where == "ids" else page.doc["l"]

    for theirs in EDITS:
        with subtests.test(theirs):
            mine, yours = two(**{where: LIST if where == "ids" else {"l": LIST}})
            EDITS[theirs](lists(yours))
            do(yours.save)
            EDITS[my](lists(mine))
            if (my, theirs) in APART:
                do(mine.save)
                EDITS[my](lists(yours))
                assert lists(found()) == lists(yours)
            else:
                with pytest.raises(ConditionFailed, match="another writer changed it") as caught:
                    do(mine.save)
                assert lists(caught.value.current) == lists(yours) == lists(found())


def test_two_writers_of_different_elements_both_survive(two, do, found):
    mine, yours = two(ids=LIST)
    mine.ids[1], yours.ids[3] = 7, [3]
    do(mine.save)
    do(yours.save)
    assert found().ids == ["x" * 100, 7, {"a": 1, "text": "y" * 100}, [3]]


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("more", [0, 300])
def test_a_list_is_as_it_was_edited(two, do, found, edit, more):
    mine, _ = two(ids=[*LIST, *range(more)], doc={"l": LIST})
    EDITS[edit](mine.ids)
    EDITS[edit](mine.doc["l"])
    do(mine.save)
    same_after_reading(mine, found)
    EDITS[edit](mine.ids) if mine.ids and isinstance(mine.ids[-1], list) else mine.ids.append(1)
    do(mine.save)
    same_after_reading(mine, found)


def test_what_is_too_much_for_an_expression_is_stored_too(two, do, sent, found):
    mine, _ = two(doc={"deep": {f"k{n}": {"a": n, "b": n} for n in range(400)}}, ids=[1])
    for each in mine.doc["deep"].values():
        each["a"] += 1
    mine.title = "new"
    do(mine.save)
    assert sent.calls == ["UpdateItem"]
    same_after_reading(mine, found)


def test_only_named_fields_are_stored(two, do, found):
    mine, _ = two(title="old", text="old", doc={"a": 1})
    mine.title = mine.text = "new"
    mine.doc["a"] = 2
    do(mine.save, update_fields=["title", "doc"])
    assert (found().title, found().text, found().doc) == ("new", "old", {"a": 2})
    assert mine.changes() == {"text": ("old", "new")}
    mine.revert()
    assert (mine.title, mine.text) == ("new", "old")


# Engines differ in what they take for an empty key, and DynamoDB has none.
NAMES = ["size", "a.b", "größe", "Name"]
sets = st.frozensets(st.sampled_from(["a", "b"]), min_size=1) | st.frozensets(
    st.integers(0, 3), min_size=1
)
values = st.recursive(
    scalars | sets,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=8,
)
items = st.dictionaries(st.sampled_from(["doc", "list", "größe", "n"]), values, max_size=4)
pairs = items.flatmap(lambda before: st.tuples(st.just(before), edited(before) | items))


@pytest.fixture
def table(engine, client):
    return client, engine.table_name("documents")


@pytest.mark.engines("dynoxide", "extenddb")
@settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(pair=pairs)
def test_the_request_of_a_change_set_makes_the_second_item_of_the_first(table, pair):
    client, name = table
    key = {"key": {"S": "random"}}
    before, after = (encode(each)["M"] for each in pair)
    client.put_item(TableName=name, Item=before | key)
    wanted = {**dict.fromkeys(before), **after}
    changes = make_change_set(before, wanted)
    update = changes.update(name, key, Exists(Path(("key",))))
    if changes.actions:
        client.update_item(**checked(update))
    found = client.get_item(TableName=name, Key=key, ConsistentRead=True)["Item"]
    assert equal({"M": found}, {"M": after | key})
    assert equal({"M": apply_actions(before, changes.actions)}, {"M": after})
