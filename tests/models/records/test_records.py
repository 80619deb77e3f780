"""Loading, reading and changing: decoded when it is read, and nothing lost on the way."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from abc import ABC, abstractmethod
from datetime import datetime
from decimal import Decimal

import pytest

from dynamodb_py import (
    BinaryField,
    CharField,
    DateTimeField,
    DictField,
    Document,
    EmbeddedField,
    Field,
    FieldNotLoaded,
    FloatField,
    IntegerField,
    ListField,
    Model,
    SetField,
    UnreadableValue,
    UUIDField,
)
from dynamodb_py.codec import to_json
from dynamodb_py.models.persistence.delete import mark_deleted
from dynamodb_py.models.persistence.stored import (
    encode_item,
    key_of,
    replace_stored,
    stored_wires,
)
from dynamodb_py.models.persistence.tracking import changes_to_write, find_set_edits
from dynamodb_py.models.records.base import state_of


class Counting(Field[str]):
    """Counts how often a value was read."""

    kind = "S"
    reads: list[str] = []

    def to_python(self, stored):
        Counting.reads.append(stored)
        return stored


class Address(Document):
    city = CharField()
    floor = IntegerField(default=0)
    lines = ListField(default=list)


class Test(Model):
    __test__ = False  # pytest must not take it for one of its own

    name = CharField(hash_key=True)
    score = IntegerField(name="s", range_key=True)
    ids = ListField(default=[])
    doc = DictField(default=dict)
    tags = SetField()
    home = EmbeddedField(Address)
    rate = FloatField(default=1.5)
    seen = Counting()
    when = DateTimeField()
    raw = BinaryField()


ITEM = {
    "name": {"S": "gs1"},
    "s": {"N": "100"},
    "ids": {"L": [{"N": "1"}]},
    "doc": {"M": {"a": {"L": []}}},
    "tags": {"SS": ["x"]},
    "home": {"M": {"city": {"S": "Lyon"}, "extra": {"B": "AQI="}}},
    "seen": {"S": "here"},
    "raw": {"B": "AP8="},
    "unknown": {"M": {"b": {"B": "AQI="}, "n": {"N": "1.0"}}},
}


@pytest.fixture
def loaded():
    Counting.reads.clear()
    return Test.from_db(json.dumps(ITEM).encode())


def changes(instance):
    return changes_to_write(instance, stored_wires(instance), validate=True)


# -- loading -------------------------------------------------------------------------------------


def test_loading_decodes_nothing_until_a_field_is_read(loaded):
    assert (vars(loaded), loaded._decoded, Counting.reads) == ({}, False, [])
    assert loaded.score == 100
    assert loaded._decoded
    assert vars(loaded)["ids"] == [1]
    assert Counting.reads == ["here"]
    for _ in range(3):
        assert loaded.seen == "here"
    assert Counting.reads == ["here"]
    assert vars(loaded)["home"]._decoded is False  # a document decodes when it is read itself


def test_what_needs_no_value_decodes_nothing(loaded):
    assert loaded.persisted
    assert sorted(loaded.extra) == ["unknown"]
    assert changes(loaded) == {}
    assert (vars(loaded), loaded._decoded) == ({}, False)


@pytest.mark.parametrize("spelled", ["bytes", "text", "mapping", "boto3"])
def test_an_item_is_loaded_however_it_is_spelled(spelled):
    item = {
        "bytes": json.dumps(ITEM).encode(),
        "text": json.dumps(ITEM),
        "mapping": ITEM,
        "boto3": {**ITEM, "raw": {"B": b"\x00\xff"}},
    }[spelled]
    loaded = Test.from_db(item)
    assert (loaded.name, loaded.raw, loaded.tags) == ("gs1", b"\x00\xff", {"x"})


@pytest.mark.parametrize("item", [b"", b'{"name"', b"[]", b"5", b"null", "no json"])
def test_what_is_no_item_is_told_when_it_is_read(item):
    loaded = Test.from_db(item)
    with pytest.raises(UnreadableValue, match=r"Test: the stored .* is not JSON of attributes"):
        _ = loaded.name


def test_values_assigned_before_the_first_read_survive_it(loaded):
    loaded.score, loaded.ids = 7, [9]
    del loaded.ids
    loaded.ids = [8]
    assert loaded.name == "gs1"  # decodes
    assert (loaded.score, loaded.ids) == (7, [8])
    loaded.doc = None
    assert loaded.doc is None


def test_a_value_that_is_deleted_reads_as_it_is_for_an_absent_attribute(loaded):
    assert loaded.ids == [1]
    del loaded.ids
    assert loaded.ids == []


def test_loading_never_calls_init():
    class Own(Model):
        name = CharField(hash_key=True)
        score = IntegerField(default=5)

        def __init__(self, name, bonus):
            self.name = name
            self.bonus = bonus

    loaded = Own.from_db({"name": {"S": "a"}})
    assert (loaded.name, loaded.score) == ("a", 5)
    assert not hasattr(loaded, "bonus")
    new = Own("b", 3)
    assert (new.name, new.bonus, new.score, new.persisted) == ("b", 3, 5, False)
    assert json.loads(encode_item(new)) == {"name": {"S": "b"}, "score": {"N": "5"}}
    assert Own.from_dict({"name": "c"}).score == 5
    assert repr(new) == "Own(name='b', score=5)"


def test_an_init_of_ones_own_may_set_its_own_attributes_first():
    class Own(Model):
        name = CharField(hash_key=True)
        tags = SetField()

        def __init__(self, name="x", **values):
            self.cache = {}
            super().__init__(name=name, **values)

    new = Own(tags={"a"})
    assert (new.name, new.tags, new.cache) == ("x", {"a"}, {})
    with pytest.raises(TypeError, match="Own has no field tgas"):
        Own(tgas={"a"})


# -- defaults ------------------------------------------------------------------------------------


def test_a_default_is_made_for_each_instance():
    one, other = Test(name="a", score=1), Test(name="b", score=1)
    one.ids.append(1)
    one.doc["a"] = 1
    one.tags.add("t")
    assert (other.ids, other.doc, other.tags) == ([], {}, set())
    assert Test(name="c").ids == []
    assert Test.ids.default == []


@pytest.mark.parametrize("name", ["ids", "doc", "tags", "rate"])
def test_reading_a_default_never_causes_a_write(name):
    loaded = Test.from_db({"name": {"S": "a"}, "s": {"N": "1"}})
    before = getattr(loaded, name)
    assert before == getattr(Test(name="a"), name) or before == set()
    assert changes(loaded) == {}
    assert getattr(loaded, name) is before


def test_a_changed_default_is_stored_and_an_unchanged_one_is_not():
    loaded = Test.from_db({"name": {"S": "a"}, "s": {"N": "1"}})
    loaded.ids.append(1)
    loaded.doc["a"] = {"b": 1.1}
    loaded.tags.add("t")
    assert (loaded.rate, loaded.home) == (1.5, None)
    assert changes(loaded) == {
        "ids": {"L": [{"N": "1"}]},
        "doc": {"M": {"a": {"M": {"b": {"N": "1.1"}}}}},
        "tags": {"SS": ["t"]},
    }


def test_a_default_that_is_assigned_is_stored():
    loaded = Test.from_db({"name": {"S": "a"}, "s": {"N": "1"}})
    loaded.rate = 1.5
    assert changes(loaded) == {"rate": {"N": "1.5"}}


def test_a_default_that_was_made_is_the_same_at_every_read():
    class Own(Model):
        name = CharField(hash_key=True)
        token = UUIDField(default=__import__("uuid").uuid4)

    loaded = Own.from_db({"name": {"S": "a"}})
    assert loaded.token == loaded.token
    assert changes(loaded) == {}


# -- changes -------------------------------------------------------------------------------------


def edit(path):
    def change(instance):
        exec(f"it.{path}", {"it": instance})

    return change


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("ids.append(2)", {"ids": {"L": [{"N": "1"}, {"N": "2"}]}}),
        ("ids.clear()", {"ids": {"L": []}}),
        ("ids[0] = 1.0", {}),
        ("ids = (1,)", {}),
        ("doc['a'].append(None)", {"doc": {"M": {"a": {"L": [{"NULL": True}]}}}}),
        ("doc['a'] = []", {}),
        ("doc['b'] = 1", {"doc": {"M": {"a": {"L": []}, "b": {"N": "1"}}}}),
        ("doc.pop('a')", {"doc": {"M": {}}}),
        ("tags.add('y')", {"tags": {"SS": ["x", "y"]}}),
        ("tags.discard('x')", {"tags": None}),
        ("tags = {'x'}", {}),
        ("home.city = 'Lyon'", {}),
        ("home.floor = 0", {"home": {"M": {"city": {"S": "Lyon"}, "extra": {"B": b"\x01\x02"}, "floor": {"N": "0"}}}}),
        ("home.city = 'Rome'", {"home": {"M": {"city": {"S": "Rome"}, "extra": {"B": b"\x01\x02"}}}}),
        ("home.city = None", {"home": {"M": {"extra": {"B": b"\x01\x02"}}}}),
        ("home.lines.append('x')", {"home": {"M": {"city": {"S": "Lyon"}, "extra": {"B": b"\x01\x02"}, "lines": {"L": [{"S": "x"}]}}}}),
        ("home.lines", {}),
        ("home.extra", {}),
        ("home = None", {"home": None}),
        ("raw = b'\\x00\\xff'", {}),
        ("raw = b'\\x00'", {"raw": {"B": b"\x00"}}),
        ("score = 100", {}),
        ("when = None", {}),
        ("rate = None", {}),
        ("seen = 'there'", {"seen": {"S": "there"}}),
    ],
)  # fmt: skip
def test_exactly_what_changed_counts_edits_in_place_included(loaded, statement, expected):
    edit(statement)(loaded)
    assert changes(loaded) == expected


@pytest.mark.parametrize(
    ("attribute", "wire", "value"),
    [
        ("rate", {"N": "1.50"}, 1.5),
        ("rate", {"N": "0.12345678901234567890123"}, 0.12345678901234568),
        ("when", {"S": "2026-11-01T12:30:00Z"}, datetime(2026, 11, 1, 12, 30)),
        ("tags", {"SS": ["b", "a"]}, {"a", "b"}),
        ("ids", {"L": [{"N": "1.0"}]}, [1]),
        ("doc", {"M": {"n": {"N": "1E+2"}}}, {"n": 100}),
        ("rate", {"NULL": True}, None),
    ],
)
def test_another_writers_spelling_of_the_same_value_is_no_change(attribute, wire, value):
    item = {"name": {"S": "a"}, "s": {"N": "1"}, attribute: wire}
    loaded = Test.from_db(item)
    _ = getattr(loaded, attribute)
    assert changes(loaded) == {}
    setattr(loaded, attribute, value)
    assert changes(loaded) == {}


def test_a_key_that_changed_is_refused_with_the_mend(loaded):
    loaded.score = 101
    for write in (changes, encode_item, key_of):
        with pytest.raises(
            Exception, match=r"Test: score: it is part of the key, which cannot change, and was 100"
        ) as caught:
            write(loaded)
        assert list(caught.value.errors) == ["score"]
        assert "create a new item and delete this one" in str(caught.value)


def test_a_key_of_bytes_that_changed_beside_one_that_did_not_is_told_by_its_name():
    class Own(Model):
        hash = BinaryField(hash_key=True)
        range = BinaryField(range_key=True)

    loaded = Own.from_db({"hash": {"B": "AQI="}, "range": {"B": "AQI="}})
    assert changes(loaded) == {}
    assert key_of(loaded) == {"hash": {"B": b"\x01\x02"}, "range": {"B": b"\x01\x02"}}
    loaded.range = b"other"
    with pytest.raises(Exception, match="Own: range: it is part of the key"):
        changes(loaded)


def test_the_key_is_the_stored_one_however_another_writer_spelled_it():
    class Own(Model):
        when = DateTimeField(hash_key=True)
        n = IntegerField()

    stored = {"when": {"S": "2026-11-01T12:30:00Z"}, "n": {"N": "1"}}
    loaded = Own.from_db(stored)
    assert loaded.when.hour == 12
    assert key_of(loaded) == {"when": stored["when"]}
    assert Own._meta.key_of(loaded) == {"when": stored["when"]}
    assert json.loads(encode_item(loaded)) == stored  # put whole, it is still the same item
    assert changes(loaded) == {}


def test_a_loaded_instance_without_its_key_is_not_saved():
    loaded = Test.from_db({"name": {"S": "a"}})
    loaded.rate = 2.0
    with pytest.raises(Exception, match="Test: score: it is required"):
        encode_item(loaded)
    with pytest.raises(Exception, match="Test: score: it is part of the key, and was not fetched"):
        loaded._meta.stored_key(stored_wires(loaded))


# -- what the class does not declare, and what it cannot read ------------------------------------


def test_undeclared_attributes_are_readable_and_survive_whatever_is_saved(loaded):
    assert loaded.extra == {"unknown": {"b": b"\x01\x02", "n": 1}}
    with pytest.raises(TypeError):
        loaded.extra["unknown"] = 1
    loaded.rate = 2.5
    whole = json.loads(encode_item(loaded))
    assert whole == {**ITEM, "rate": {"N": "2.5"}}
    assert loaded.home.extra == {"extra": b"\x01\x02"}
    assert Test(name="a").extra == {}


def test_undeclared_attributes_survive_deletion_and_being_saved_again(loaded):
    mark_deleted(loaded)
    assert not loaded.persisted
    assert "unknown" in loaded.extra
    assert json.loads(encode_item(loaded))["unknown"] == ITEM["unknown"]
    loaded.score = 5  # the key may change now
    assert json.loads(encode_item(loaded))["s"] == {"N": "5"}


BAD = {"rate": {"S": "fast"}, "ids": {"M": {}}, "home": {"M": {"city": {"N": "5"}}}}


def test_one_unreadable_attribute_does_not_hide_the_others():
    loaded = Test.from_db({**ITEM, **BAD})
    for name in ("rate", "ids"):
        with pytest.raises(UnreadableValue, match=rf"Test\.{name}: the stored "):
            getattr(loaded, name)
    assert (loaded.name, loaded.tags, loaded.raw, loaded.doc) == (
        "gs1",
        {"x"},
        b"\x00\xff",
        {"a": []},
    )
    assert loaded.home.floor == 0
    with pytest.raises(UnreadableValue, match=r"Address\.city: the stored "):
        _ = loaded.home.city
    assert repr(loaded).startswith("Test(name='gs1', score=100, doc=")


def test_what_cannot_be_read_is_left_alone_until_it_is_assigned():
    loaded = Test.from_db({**ITEM, **BAD})
    assert loaded.name == "gs1"
    loaded.home.floor = 3
    assert changes(loaded) == {"home": {"M": {"city": {"N": "5"}, "floor": {"N": "3"}}}}
    whole = json.loads(encode_item(loaded))
    assert (whole["rate"], whole["ids"]) == (BAD["rate"], BAD["ids"])
    loaded.rate = 2.0
    loaded.ids = None
    assert changes(loaded).keys() == {"home", "rate", "ids"}
    whole = json.loads(encode_item(loaded))
    assert whole["rate"] == {"N": "2"}
    assert "ids" not in whole


def partial(*names, **item):
    loaded = Test.from_db({"name": {"S": "a"}, "s": {"N": "1"}, **item})
    state_of(loaded).partial = frozenset({"name", "score", *names})
    return loaded


def test_what_was_not_fetched_is_told_never_made_up():
    loaded = partial("ids", ids={"L": [{"N": "1"}]})
    assert (loaded.ids, loaded.score) == ([1], 1)
    with pytest.raises(FieldNotLoaded) as caught:
        _ = loaded.rate
    assert str(caught.value).startswith(
        "Test.rate was not fetched with this instance: refresh_from_db() fetches it"
    )
    assert loaded.to_dict() == {"name": "a", "score": 1, "ids": [1]}
    assert repr(loaded) == "Test(name='a', score=1, ids=[1])"


def test_a_partial_instance_sends_what_changed_and_is_never_put_whole():
    loaded = partial("ids")
    assert changes(loaded) == {}
    loaded.ids.append(1)
    loaded.rate = 2.0
    assert changes(loaded) == {"ids": {"L": [{"N": "1"}]}, "rate": {"N": "2"}}
    assert loaded.rate == 2.0
    with pytest.raises(FieldNotLoaded) as caught:
        encode_item(loaded)
    assert str(caught.value) == (
        "Test: doc, tags, home, seen, when, raw, undeclared attributes would be lost, as they were "
        "not fetched with this instance: refresh_from_db() first, or save() only the changes"
    )


def test_refreshing_forgets_all_values_and_what_was_known_of_them(loaded):
    loaded.ids.append(1)
    state_of(loaded).partial = frozenset()
    replace_stored(loaded, json.dumps({"name": {"S": "gs1"}, "s": {"N": "100"}}).encode())
    assert (vars(loaded), loaded._decoded) == ({}, False)
    assert (loaded.ids, loaded.rate) == ([], 1.5)
    assert loaded.extra == {}


# -- to dicts and back ---------------------------------------------------------------------------


def test_to_dict_has_every_field_by_name_and_from_dict_takes_it(loaded):
    values = loaded.to_dict()
    assert list(values) == [field.name for field in Test._meta.fields]
    assert values["home"] == {"city": "Lyon", "floor": 0, "lines": []}
    assert (values["score"], values["when"], values["rate"]) == (100, None, 1.5)
    again = Test.from_dict(values)
    assert not again.persisted
    assert isinstance(again.home, Address)
    assert again.to_dict() == values


def test_repr_names_the_values_that_there_are(loaded):
    assert repr(loaded) == (
        "Test(name='gs1', score=100, ids=[1], doc={'a': []}, tags={'x'}, "
        "home=Address(city='Lyon'), seen='here', raw=b'\\x00\\xff')"
    )
    assert repr(Test(name="a", score=Decimal(1))) == (
        "Test(name='a', score=Decimal('1'), ids=[], doc={}, tags=set(), rate=1.5)"
    )


def test_fields_are_questions_on_the_class_and_answers_on_instances():
    assert repr(Test.score) == "<IntegerField Test.score>"
    assert str(Test.score._path()) == "Test.score"
    assert Test(name="a", score=3).score == 3


@pytest.mark.skipif(
    not (3, 11) <= sys.version_info < (3, 14), reason="that is CPython's own affair"
)
@pytest.mark.skipif(
    sys.version_info >= (3, 13),
    reason="getsizeof() counts the room for values inside instances too",
)
def test_a_read_instance_stays_small_after_a_page_of_unread_ones():
    class Wide(Model):
        name = CharField(hash_key=True)
        a, b, c, d, e, f, g, h = (IntegerField() for _ in range(8))

    item = to_json({"name": {"S": "x"}, **{key: {"N": "1"} for key in "abcdefgh"}})
    page = [Wide._load(item) for _ in range(100)]
    values = [(each.a, vars(each))[1] for each in page]
    assert values[-1] == {"name": "x", **dict.fromkeys("abcdefgh", 1)}
    assert sys.getsizeof(values[-1]) < sys.getsizeof(dict(values[-1]))


def test_a_read_instance_keeps_its_sets_without_a_state_of_its_own(loaded):
    tags = loaded.tags
    assert loaded._state is None
    assert find_set_edits(loaded, ["tags"]) == {"tags": True}
    loaded.tags = {"x"}
    assert find_set_edits(loaded, ["tags"]) == {"tags": False}
    loaded.tags = tags
    assert find_set_edits(copy.deepcopy(loaded), ["tags"]) == {"tags": True}
    assert find_set_edits(pickle.loads(pickle.dumps(loaded)), ["tags"]) == {"tags": True}


def test_a_set_of_before_that_is_assigned_again_is_no_set_that_was_edited(loaded):
    tags = loaded.tags
    replace_stored(loaded, json.dumps(ITEM).encode())
    loaded.tags = tags
    assert find_set_edits(loaded, ["tags"]) == {"tags": False}
    assert loaded.score == 100
    assert find_set_edits(loaded, ["tags"]) == {"tags": False}


def test_a_set_assigned_before_the_first_read_is_no_set_that_was_edited():
    for item in (ITEM, {name: wire for name, wire in ITEM.items() if name != "tags"}):
        instance = Test.from_db(json.dumps(item).encode())
        instance.tags = {"y"}
        assert instance.score == 100
        assert find_set_edits(instance, ["tags"]) == {"tags": False}


def test_making_a_class_makes_no_instance_that_users_code_sees():
    deleted = []

    class Closing(Model):
        name = CharField(hash_key=True)

        def __del__(self):
            deleted.append(self)

    class Abstract(Model, ABC):
        class Meta:
            abstract = True

        name = CharField(hash_key=True)

        @abstractmethod
        def run(self): ...

    class Concrete(Abstract):
        def run(self): ...

    assert Concrete(name="a").name == "a"
    assert deleted == []
