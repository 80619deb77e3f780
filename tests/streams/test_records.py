"""Records: what they are made of, what they say has changed, and whose they are."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    FloatField,
    IntegerField,
    ListField,
    Model,
    QueryError,
    SetField,
    SharedTable,
)
from dynamodb_py.codec import encode, to_json
from dynamodb_py.operations.streams import GetRecords
from dynamodb_py.streams.records import RecordLoader, is_by_ttl


class Item(Model):
    name = CharField(name="n", hash_key=True)
    score = FloatField()
    tags = SetField(CharField())
    lines = ListField()


class Animal(Model):
    class Meta:
        discriminator = "kind"

    name = CharField(hash_key=True)


class Cat(Animal):
    pass


class Dog(Animal):
    pass


class App(SharedTable):
    pk = CharField(hash_key=True)


class User(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{user}"}

    user = IntegerField()


class Admin(User):
    pass


class Team(Model):
    class Meta:
        table = App
        keys = {"pk": "TEAM#{team}"}

    team = IntegerField()


def as_wires(values: dict[str, Any]) -> dict[str, Any]:
    return {name: encode(value) for name, value in values.items()}


def load(model: Any, old: Any = None, new: Any = None, *, key: Any = None, **members: Any) -> Any:
    """Return the record of a change of a plain item to another one."""
    kind = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
    view = members.pop("view", "NEW_AND_OLD_IMAGES")
    change: dict[str, Any] = {
        "Keys": as_wires(key or {"n": "a"}),
        "SequenceNumber": "100",
        "ApproximateCreationDateTime": 1_700_000_000,
        "StreamViewType": view,
    }
    if old is not None and view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
        change["OldImage"] = as_wires(old)
    if new is not None and view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
        change["NewImage"] = as_wires(new)
    record = {"eventName": members.pop("kind", kind), "dynamodb": change, **members}
    (raw,) = GetRecords("", "").parse(to_json({"Records": [record]})).records
    return RecordLoader(model).load(raw)


def test_a_record_has_the_moment_and_the_key():
    record = load(Item, None, {"n": "a"})
    assert record.at == datetime.fromtimestamp(1_700_000_000, timezone.utc)
    assert (record.key, record.sequence_number) == ({"name": "a"}, "100")
    assert repr(record) == "<StreamRecord insert of Item {'name': 'a'}>"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"score": 1.0}, {"score": 2.5}, {"score": (1.0, 2.5)}),
        ({"score": 1.0}, {"score": 1.0}, {}),
        ({}, {"score": 1.0}, {"score": (None, 1.0)}),
        ({"score": 1.0}, {}, {"score": (1.0, None)}),
        ({"tags": {"a", "b"}}, {"tags": {"b", "a"}}, {}),
        ({"tags": {"a"}}, {"tags": {"b"}}, {"tags": ({"a"}, {"b"})}),
        ({"lines": [1]}, {"lines": [1, 2]}, {"lines": ([1], [1, 2])}),
        ({"lines": []}, {}, {"lines": ([], None)}),
        ({"other": 1}, {"other": 2}, {"other": (1, 2)}),
        ({"score": 1.0, "other": 1}, {"score": 2.0}, {"score": (1.0, 2.0), "other": (1, None)}),
    ],
)
def test_changes_are_of_fields_by_name(old, new, expected):
    assert load(Item, {"n": "a"} | old, {"n": "a"} | new).changes() == expected


def test_a_set_without_an_order_has_not_changed():
    changed = load(Item, {"n": "a", "score": 1.0}, {"n": "a", "score": 2.0})
    assert list(changed.changes()) == ["score"]
    record = {"Keys": {"n": {"S": "a"}}, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    images = {"OldImage": {"tags": {"SS": ["a", "b"]}}, "NewImage": {"tags": {"SS": ["b", "a"]}}}
    body = to_json({"Records": [{"eventName": "MODIFY", "dynamodb": record | images}]})
    (raw,) = GetRecords("", "").parse(body).records
    found = RecordLoader(Item).load(raw)
    assert found is not None
    assert found.changes() == {}


VALUES = st.dictionaries(st.sampled_from("abcd"), st.none() | st.integers() | st.text())


@given(VALUES, VALUES)
def test_changes_turn_the_old_values_into_the_new_ones(old, new):
    changes = load(Item, {"n": "k"} | old, {"n": "k"} | new).changes()
    result = {name: value for name, value in old.items() if name not in changes}
    result |= {name: pair[1] for name, pair in changes.items() if name in new}
    assert result == new


@pytest.mark.parametrize(
    ("view", "old", "new", "works"),
    [
        ("NEW_IMAGE", None, {"n": "a"}, True),
        ("NEW_IMAGE", {"n": "a"}, {"n": "a"}, False),
        ("NEW_IMAGE", {"n": "a"}, None, False),
        ("OLD_IMAGE", None, {"n": "a"}, False),
        ("OLD_IMAGE", {"n": "a"}, {"n": "a"}, False),
        ("OLD_IMAGE", {"n": "a"}, None, True),
        ("KEYS_ONLY", None, {"n": "a"}, False),
        ("KEYS_ONLY", {"n": "a"}, None, False),
    ],
)
def test_changes_need_the_images(view, old, new, works):
    record = load(Item, old, new, view=view)
    assert (record.old is not None) == (old is not None and view == "OLD_IMAGE")
    assert (record.new is not None) == (new is not None and view == "NEW_IMAGE")
    if works:
        assert "name" in record.changes()
    else:
        with pytest.raises(QueryError, match="new_and_old_images"):
            record.changes()


def test_a_subclass_has_its_own_items():
    cat = {"name": "a", "kind": "Cat"}
    key = {"name": "a"}
    assert load(Cat, None, cat, key=key).model is Cat
    assert load(Dog, None, cat, key=key) is None
    record = load(Animal, None, cat, key=key)
    assert (record.model, type(record.new)) == (Cat, Cat)


def test_an_item_that_another_class_replaces_is_of_both():
    images = ({"name": "a", "kind": "Cat"}, {"name": "a", "kind": "Dog"})
    cat, dog, animal = (load(each, *images, key={"name": "a"}) for each in (Cat, Dog, Animal))
    assert (type(cat.old), cat.new) == (Cat, None)
    assert (dog.old, type(dog.new)) == (None, Dog)
    assert (type(animal.old), type(animal.new)) == (Cat, Dog)
    assert animal.changes() == {"kind": ("Cat", "Dog")}


@pytest.mark.parametrize(
    ("read", "expected"), [(User, User), (Admin, Admin), (Team, None), (App, User)]
)
def test_without_images_a_record_is_of_every_model_that_may_have_the_key(read, expected):
    record = load(read, None, {}, key={"pk": "USER#1"}, view="KEYS_ONLY")
    assert (None if record is None else record.model) is expected


def test_without_images_a_record_is_of_every_subclass():
    record = load(Cat, None, {}, key={"name": "a"}, view="KEYS_ONLY")
    assert (record.model, record.new) == (Cat, None)


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        (None, False),
        ({"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}, True),
        ({"principalId": "dynamodb.amazonaws.com", "type": "Service"}, True),
        ({"PrincipalId": "somebody", "Type": "Service"}, False),
        ({}, False),
    ],
)
def test_removals_by_ttl_are_recognised(identity, expected):
    assert is_by_ttl(identity) is expected
    record = load(
        Item, {"n": "a"}, None, **({} if identity is None else {"userIdentity": identity})
    )
    assert record.by_ttl is expected
