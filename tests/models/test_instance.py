"""Equality, hashes, copies and pickles of instances."""

from __future__ import annotations

import copy
import pickle

import pytest

from dynamodb_py import (
    CharField,
    DictField,
    Document,
    EmbeddedField,
    FieldNotLoaded,
    IntegerField,
    ListField,
    Model,
    UnreadableValue,
)
from dynamodb_py.models.persistence.stored import stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write
from dynamodb_py.models.records.base import state_of


class Address(Document):
    city = CharField()
    lines = ListField(default=list)
    floor = IntegerField(default=0)


class Player(Model):
    name = CharField(hash_key=True)
    score = IntegerField(range_key=True)
    doc = DictField(default=dict)
    home = EmbeddedField(Address)


class Champion(Player):
    pass


class Simple(Model):
    name = CharField(hash_key=True)
    wins = IntegerField()


ITEM = {
    "name": {"S": "a"},
    "score": {"N": "1"},
    "doc": {"M": {"a": {"L": []}}},
    "home": {"M": {"city": {"S": "Lyon"}, "more": {"N": "1"}}},
    "unknown": {"S": "kept"},
}


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (Player("a", 1), Player("a", 1, doc={"b": 2}), True),
        (Player("a", 1), Player.from_db(ITEM), True),
        (Player("a", 1), Player("a", 2), False),
        (Player("a", 1), Player("b", 1), False),
        (Player("a", 1), Champion("a", 1), False),
        (Player("a", 1), Simple("a"), False),
        (Player("a", 1), ("a", 1), False),
        (Player("a", 1), None, False),
        (Player("a"), Player("a"), False),
        (Player(), Player(), False),
        (Simple("a", wins=1), Simple("a", wins=2), True),
    ],
)
def test_instances_are_equal_by_class_and_key(one, other, equal):
    assert (one == other) is equal
    assert (one != other) is not equal
    assert one == one
    if equal:
        assert hash(one) == hash(other)
        assert len({one, other}) == 1


@pytest.mark.parametrize("instance", [Player("a"), Player(score=1), Player(), Simple()])
def test_an_instance_without_a_key_cannot_be_hashed(instance):
    with pytest.raises(TypeError, match="without a key cannot be hashed"):
        hash(instance)


def test_the_primary_key_is_a_value_or_a_pair():
    assert Simple("a").primary_key == "a"
    assert Player("a", 0).primary_key == ("a", 0)
    assert Player("a").primary_key == ("a", None)


def test_documents_are_equal_by_what_they_say_and_cannot_be_hashed():
    stored = Address.from_db({"city": {"S": "Lyon"}})
    assert stored == Address(city="Lyon")
    assert stored != Address(city="Lyon", floor=1)
    assert stored != Address.from_db({"city": {"S": "Lyon"}, "more": {"N": "1"}})
    assert Address(city="Lyon") != {"city": "Lyon"}
    with pytest.raises(TypeError, match="unhashable"):
        hash(stored)


def changes(instance):
    return changes_to_write(instance, stored_wires(instance), validate=True)


def pickled(protocol):
    return lambda instance: pickle.loads(pickle.dumps(instance, protocol))


COPIES = [copy.deepcopy, *map(pickled, range(2, pickle.HIGHEST_PROTOCOL + 1))]


@pytest.mark.parametrize("again", COPIES, ids=["deepcopy", "2", "3", "4", "5"])
@pytest.mark.parametrize("read", [False, True])
def test_a_loaded_instance_is_copied_with_what_it_knows(again, read):
    loaded = Player.from_db(ITEM)
    if read:
        assert loaded.doc == {"a": []}
    other = again(loaded)
    assert other._decoded is read
    assert other == loaded
    assert (other.persisted, other.extra) == (True, {"unknown": "kept"})
    other.doc["a"].append(1)
    other.home.lines.append("x")
    assert (loaded.doc, loaded.home.lines) == ({"a": []}, [])
    assert changes(loaded) == {}
    assert changes(other) == {
        "doc": {"M": {"a": {"L": [{"N": "1"}]}}},
        "home": {"M": {"city": {"S": "Lyon"}, "more": {"N": "1"}, "lines": {"L": [{"S": "x"}]}}},
    }


@pytest.mark.parametrize("again", COPIES, ids=["deepcopy", "2", "3", "4", "5"])
def test_a_new_instance_is_copied_as_one(again):
    new = Player("a", 1, doc={"a": []}, home=Address(city="Lyon"))
    new.note = "an attribute of one's own"
    other = again(new)
    assert (other.persisted, other.doc, other.home, other.note) == (
        False,
        {"a": []},
        Address(city="Lyon"),
        "an attribute of one's own",
    )
    other.doc["a"].append(1)
    assert new.doc == {"a": []}


@pytest.mark.parametrize("again", COPIES, ids=["deepcopy", "2", "3", "4", "5"])
def test_changes_that_were_not_saved_are_copied_and_what_cannot_be_read_stays_so(again):
    loaded = Player.from_db({**ITEM, "doc": {"S": "no map"}})
    loaded.home = None
    other = again(loaded)
    assert changes(other) == {"home": None}
    with pytest.raises(UnreadableValue):
        _ = other.doc
    with pytest.raises(UnreadableValue):
        _ = again(other).doc


@pytest.mark.parametrize("again", COPIES, ids=["deepcopy", "2", "3", "4", "5"])
def test_a_partial_instance_stays_one(again):
    loaded = Player.from_db(ITEM)
    state_of(loaded).partial = frozenset({"name", "score"})
    assert loaded.name == "a"
    loaded.__dict__.pop("home")
    with pytest.raises(FieldNotLoaded, match=r"Player\.home was not fetched"):
        _ = again(loaded).home


@pytest.mark.parametrize("name", ["DoesNotExist", "MultipleObjectsReturned", "AlreadyExists"])
def test_the_exceptions_of_a_model_are_its_own_and_pickle(name):
    own, inherited = getattr(Champion, name), getattr(Player, name)
    assert issubclass(own, inherited)
    assert issubclass(own, getattr(Model, name))
    assert not issubclass(inherited, own)
    assert not issubclass(own, getattr(Simple, name))
    assert own.__qualname__ == f"Champion.{name}"
    assert type(pickle.loads(pickle.dumps(own("gone")))) is own
