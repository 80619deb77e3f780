"""Reading never writes: whatever is read, a save sends the one change that was made, and nothing else."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
import random
import re
import uuid
from contextlib import suppress
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest

from dynamodb_py import (
    BinaryField,
    BooleanField,
    CharField,
    CompressedField,
    DateField,
    DateTimeField,
    DecimalField,
    DictField,
    Document,
    EmbeddedField,
    EnumField,
    Field,
    FloatField,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    ListField,
    MapField,
    Model,
    SetField,
    TimeDeltaField,
    TimeField,
    UUIDField,
    ValidationError,
    VersionField,
)
from dynamodb_py.codec import to_json


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Sealed(Field[str]):
    """Stores one text in many ways, as encryption does."""

    kind = "S"
    varies = True

    def to_db(self, value: str) -> str:
        return f"{random.random()}:{value}"

    def to_python(self, stored: str) -> str:
        return stored.partition(":")[2]


class Deep(Document):
    at = DateTimeField()
    note = CharField(null=True)


class Part(Document):
    at = DateTimeField()
    id = UUIDField()
    amount = FloatField()
    note = CharField()
    nothing = CharField(null=True)
    tags = ListField(str, default=list)
    sealed = Sealed()
    deep = EmbeddedField(Deep)
    edited = DateTimeField(auto_now=True)


class Thing(Model):
    class Meta:
        table_name = "things"

    key = CharField(hash_key=True)
    text = CharField()
    status = CharField(default="new")
    nothing = CharField(null=True)
    stamp = CharField(default=lambda: f"{random.random()}")
    number = FloatField()
    exact = DecimalField()
    count = IntegerField(default=0)
    flag = BooleanField()
    raw = BinaryField()
    day = DateField()
    at = DateTimeField()
    time = TimeField()
    span = TimeDeltaField()
    uuid = UUIDField()
    color = EnumField(Color)
    sealed = Sealed()
    packed = CompressedField(Part)
    tags = SetField()
    ids = SetField(int)
    dates = ListField(DateTimeField())
    free = DictField(default=dict)
    listed = ListField(default=list)
    by_key = DictField(DateTimeField())
    declared = MapField({"at": DateTimeField(), "note": CharField(), "n": FloatField()})
    part = EmbeddedField(Part)
    parts = ListField(Part)
    fresh = EmbeddedField(Part, default=Part)
    version = VersionField()
    edited = DateTimeField(auto_now=True)
    by_status = GlobalIndex(hash_key="status")


AT = {"S": "2021-01-01T00:00:00Z"}
OTHER_AT = {"S": "2022-05-06T07:08:09.5+02:00"}
LONG = {"N": "0.12345678901234567890123"}
UPPER = {"S": "0F8FAD5B-D9CB-469F-A165-70867728950E"}
NULL: Any = {"NULL": True}
DEEP = {"M": {"at": AT, "note": NULL, "more": LONG}}
PART = {
    "M": {
        "more": {"S": "not declared"},
        "at": AT,
        "id": UPPER,
        "amount": LONG,
        "note": {"S": "n"},
        "sealed": {"S": "1:x"},
        "deep": DEEP,
        "edited": AT,
    }
}
SMALL = {"M": {"note": NULL, "at": OTHER_AT, "nothing": {"S": "x"}}}
PACKED = CompressedField(DictField()).encode({"note": "n", "at": "2021-01-01T00:00:00Z"})

# Each attribute as other programs may have written it.
SPELLED: dict[str, list[Any]] = {
    "text": [{"S": "a"}, {"S": ""}, NULL],
    "status": [{"S": "old"}, NULL],
    "nothing": [NULL, {"S": "x"}],
    "stamp": [{"S": "s"}],
    "number": [LONG, {"N": "1.0"}, {"N": "1E+2"}],
    "exact": [{"N": "1.50"}, {"N": "100"}],
    "count": [{"N": "7.0"}, {"N": "+7"}, NULL],
    "flag": [{"BOOL": True}, NULL],
    "raw": [{"B": "AAE="}],
    "day": [{"S": "2021-01-01"}],
    "at": [AT, OTHER_AT, {"S": "no date"}],
    "time": [{"S": "10:00"}, {"S": "10:00:00"}],
    "span": [{"S": "PT24H"}, {"S": "P1D"}],
    "uuid": [UPPER],
    "color": [{"S": "red"}, {"S": "RED"}, {"S": "retired"}],
    "sealed": [{"S": "2:y"}],
    "packed": [PACKED],
    "tags": [{"SS": ["b", "a"]}, NULL],
    "ids": [{"NS": ["1.0", "20"]}],
    "dates": [{"L": [AT, OTHER_AT]}, {"L": []}],
    "free": [{"M": {"a": LONG, "b": {"L": [LONG, NULL]}}}, {"M": {}}],
    "listed": [{"L": [LONG, {"N": "1.0"}, {"M": {"a": LONG}}]}],
    "by_key": [{"M": {"a": AT, "b": OTHER_AT}}],
    "declared": [{"M": {"at": AT, "note": NULL, "n": LONG, "more": LONG}}],
    "part": [PART, SMALL, {"M": {}}, NULL],
    "parts": [{"L": [PART, SMALL, PART]}],
    "fresh": [PART],
    "more": [{"S": "not declared"}],
}
BASE = {"key": {"S": "k"}, "version": {"N": "3.0"}, "edited": AT}


def read_all(value: Any) -> None:
    """Read all that there is in a value."""
    repr(value)
    _ = value == copy.deepcopy(value)
    if isinstance(value, (Model, Document)):
        for name in type(value)._fieldset.by_name:
            if hasattr(value, name) and not callable(got := getattr(value, name)):
                read_all(got)
    elif isinstance(value, dict):
        for each in value.values():
            read_all(each)
    elif isinstance(value, list):
        for each in value:
            read_all(each)


def read_dict(thing: Any) -> None:
    with suppress(ValueError):  # one of its values cannot be read
        thing.to_dict()


def clean(thing: Any) -> None:
    with suppress(ValidationError, ValueError):
        thing.full_clean()


READS = [
    read_all,
    read_dict,
    clean,
    repr,
    pickle.dumps,
    lambda thing: [getattr(thing.part, "note", None), hasattr(thing, "nothing")],
    lambda thing: [thing.status, thing.stamp, thing.stamp, thing.listed, thing.free, thing.fresh],
    lambda thing: [each.note for each in thing.parts or ()],
    lambda thing: [thing.is_changed, thing.changes()],
]

SINCE = dt.datetime(2030, 1, 1, tzinfo=dt.timezone.utc)
VALUES: dict[str, Any] = {
    "text": "changed",
    "status": "new",  # the default: an assignment counts
    "nothing": None,
    "stamp": "changed",
    "number": 2.5,
    "exact": Decimal(2),
    "count": 0,
    "flag": False,
    "raw": b"changed",
    "day": dt.date(2030, 1, 1),
    "at": SINCE,
    "time": dt.time(11),
    "span": dt.timedelta(3),
    "uuid": uuid.UUID(int=1),
    "color": Color.BLUE,
    "sealed": "changed",
    "packed": Part(note="changed"),
    "tags": {"changed"},
    "ids": {5},
    "dates": [SINCE],
    "free": {},
    "listed": [],
    "by_key": {"changed": SINCE},
    "declared": {"note": "changed"},
    "parts": [Part(note="changed")],
    "fresh": Part(note="changed"),
}


def make_item(rng: random.Random) -> dict[str, Any]:
    """Return an item as any program may have written it."""
    item = dict(BASE)
    for name, spelled in SPELLED.items():
        if rng.random() < 0.7:
            item[name] = rng.choice(spelled)
    return item


def read_some(rng: random.Random, thing: Thing) -> None:
    for read in rng.choices(READS, k=rng.randrange(4)):
        with suppress(ValueError):  # a value that cannot be read
            read(thing)


def written(script: Any) -> dict[str, Any]:
    """Return what the last request writes, by path: the value that is set, None for one removed.

    The path of elements that are added or deleted has the clause before it.
    """
    request = script.payloads[-1]
    values = request.get("ExpressionAttributeValues", {})
    names = request["ExpressionAttributeNames"]
    found: dict[str, Any] = {}
    for clause in re.split(r" (?=REMOVE|SET|ADD|DELETE)", request["UpdateExpression"]):
        kind, _, terms = clause.partition(" ")
        for term in terms.split(", "):
            path, _, value = term.partition(" = " if kind == "SET" else " ")
            text = re.sub(r"#\d+", lambda match: names[match[0]], path)
            found[f"{kind} {text}" if kind in ("ADD", "DELETE") else text] = values.get(value)
    return found


@pytest.mark.parametrize("seed", range(60))
def test_what_was_only_read_is_not_changed_and_not_sent(seed, script, do):
    rng = random.Random(seed)
    thing = Thing.from_db(make_item(rng))
    for read in rng.sample(READS, len(READS)):
        with suppress(ValueError):
            read(thing)
    assert not thing.is_changed
    assert thing.changes() == {}
    do(thing.save)
    assert script.sent == []
    assert int(thing.version) == 3


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("seed", range(4))
def test_a_save_sends_the_one_attribute_that_was_assigned(name, seed, script, do):
    rng = random.Random(f"{name}{seed}")
    item = make_item(rng)
    item.pop(name, None)  # whether an assignment counts must not depend on what was read
    thing = Thing.from_db(item)
    read_some(rng, thing)
    setattr(thing, name, copy.deepcopy(VALUES[name]))
    read_some(rng, thing)
    script.answers = [{}]
    do(thing.save)
    assert written(script).keys() - {"version", "edited"} == {name}
    do(thing.save)  # nothing more


FULL = {**BASE, **{each: spelled[0] for each, spelled in SPELLED.items()}}


def leave_alone(thing: Any) -> None:
    """Read nothing."""


@pytest.mark.parametrize("name", [n for n in SPELLED if n != "more"])
@pytest.mark.parametrize("before", [leave_alone, repr, read_all])
@pytest.mark.parametrize("after", [leave_alone, read_all])
def test_del_removes_the_attribute_at_the_next_save(name, before, after, script, do):
    thing = Thing.from_db(FULL)
    before(thing)
    delattr(thing, name)
    after(thing)
    delattr(thing, name)  # once more changes nothing
    assert set(thing.changes()) == {name}
    script.answers = [{}]
    do(thing.save)
    assert {n: w for n, w in written(script).items() if n not in ("version", "edited")} == {
        name: None
    }
    do(thing.save)  # nothing more
    setattr(thing, name, copy.deepcopy(VALUES.get(name, {"note": "x"})))
    assert thing.is_changed


@pytest.mark.parametrize("name", [n for n in SPELLED if n != "more"])
def test_del_removes_an_attribute_that_was_not_fetched_or_cannot_be_read(name, script, do):
    thing = Thing._load_partially(frozenset({"key", "version"}))(
        b'{"key":{"S":"k"},"version":{"N":"3"}}'
    )
    broken = Thing.from_db(to_json({**FULL, name: {"X": "of no type"}}))
    for each in (thing, broken):
        delattr(each, name)
        assert getattr(each, name) == getattr(Thing.from_db(BASE), name) or name in (
            "stamp",
            "fresh",
        )
        script.answers = [{}]
        do(each.save)
        found = written(script)
        assert {n: w for n, w in found.items() if n not in ("version", "edited")} == {name: None}
        do(each.save)  # nothing more


@pytest.mark.parametrize("name", [n for n in SPELLED if n != "more"])
def test_del_of_an_absent_attribute_is_no_change(name, script, do):
    thing = Thing.from_db(BASE)
    read_all(thing)
    delattr(thing, name)
    assert not thing.is_changed
    do(thing.save)
    assert script.sent == []


@pytest.mark.parametrize("name", [n for n in SPELLED if n not in ("more", "edited")])
def test_del_of_a_new_instance_leaves_the_attribute_out(name, script, do):
    thing = Thing(key="k")
    delattr(thing, name)
    repr(thing)
    thing.to_dict()
    script.answers = [{}]
    do(thing.save)
    assert name not in script.payloads[0]["Item"]
    assert not thing.is_changed


@pytest.mark.parametrize("name", ["at", "id", "amount", "note", "nothing", "tags", "deep"])
@pytest.mark.parametrize("before", [leave_alone, repr, read_all])
def test_del_removes_a_member_of_a_document(name, before, script, do):
    item = {**BASE, "part": PART, "parts": {"L": [PART]}}
    thing = Thing.from_db(item)
    before(thing)
    delattr(thing.part, name)
    delattr(thing.parts[0], name)
    there = name in PART["M"]
    assert thing.is_changed is there
    if there:
        script.answers = [{}]
    do(thing.save)
    if there:
        found = written(script)
        assert found.keys() >= {f"part.{name}", f"parts[0].{name}"}
        assert found[f"part.{name}"] is found[f"parts[0].{name}"] is None


class Owned(Model):
    class Meta:
        table_name = "owned"

    key = CharField(hash_key=True, template="K#{place}")
    place = CharField()
    day = CharField()
    by = CharField(template="{day}#{place}")
    owner = ForeignKey(Thing)
    required = CharField(required=True)
    by_index = GlobalIndex(hash_key="by")


OWNED = {
    "key": {"S": "K#p"},
    "day": {"S": "d"},
    "by": {"S": "d#p"},
    "owner": {"S": "k"},
    "required": {"S": "r"},
}


@pytest.mark.parametrize("before", [leave_alone, read_all])
def test_del_of_a_reference_removes_its_key(before, script, do):
    owned = Owned.from_db(OWNED)
    del owned.owner
    script.answers = [{}]
    do(owned.save)
    assert written(script) == {"owner": None}
    assert owned.owner is None


def test_del_of_a_part_removes_the_templates_that_are_made_of_it(script, do):
    owned = Owned.from_db(OWNED)
    del owned.day
    script.answers = [{}]
    do(owned.save)
    assert written(script) == {"day": None, "by": None}


@pytest.mark.parametrize(
    ("model", "item", "name", "message"),
    [
        (Thing, FULL, "key", "it is part of the key, which cannot change, and was 'k' when loaded"),
        (Thing, FULL, "version", "it sets itself with each write"),
        (Owned, OWNED, "place", "it is required"),
        (Owned, OWNED, "key", "it is made of place, and cannot be deleted"),
        (Owned, OWNED, "by", "it is made of day, place, and cannot be deleted"),
        (Owned, OWNED, "required", "it is required"),
    ],
)
@pytest.mark.parametrize("before", [leave_alone, repr])
def test_del_of_what_must_be_there_is_refused(model, item, name, message, before, script, do):
    thing = model.from_db(item)
    before(thing)

    def delete() -> None:
        delattr(thing, name)
        do(thing.save)

    with pytest.raises(ValidationError, match=re.escape(message)) as caught:
        delete()
    assert list(caught.value.errors) == [name]
    assert script.sent == []


def test_del_of_what_is_no_field_is_that_of_python():
    thing = Thing.from_db(FULL)
    with pytest.raises(AttributeError):
        del thing.unheard_of
    thing.own = 1
    del thing.own
    assert not hasattr(thing, "own")


def set_note(part: Any) -> None:
    part.note = "changed"


NOTE = {"S": "changed"}
# A change, and what a save of the item with all attributes sends for it.
CHANGES: list[tuple[str, Any, dict[str, Any]]] = [
    ("a member", lambda t: set_note(t.part), {"part.note": NOTE}),
    ("a deep member", lambda t: set_note(t.part.deep), {"part.deep.note": NOTE}),
    ("a member that is removed", lambda t: (t.part.id, delattr(t.part, "id")), {"part.id": None}),
    ("an absent member", lambda t: t.part.tags.append("x"), {"part.tags": {"L": [{"S": "x"}]}}),
    ("in a list", lambda t: set_note(t.parts[0]), {"parts[0].note": NOTE}),
    ("a free dict", lambda t: t.free.update(c=1), {"free.c": {"N": "1"}}),
    ("a dict", lambda t: t.by_key.pop("a"), {"by_key.a": None}),
    ("a map", lambda t: t.declared.update(note="changed"), {"declared.note": NOTE}),
    (
        "elements that move",
        lambda t: t.dates.reverse(),
        {"dates": {"L": [OTHER_AT, AT]}},
    ),
    ("documents that move", lambda t: t.parts.pop(0), {"parts": {"L": [SMALL, PART]}}),
    (
        "a free list",
        lambda t: t.listed.insert(0, "x"),
        {"listed": {"L": [{"S": "x"}, LONG, {"N": "1.0"}, {"M": {"a": LONG}}]}},
    ),
    ("a set that grows", lambda t: t.ids.add(3), {"ADD ids": {"NS": ["3"]}}),
    ("a set that shrinks", lambda t: t.ids.discard(1), {"DELETE ids": {"NS": ["1.0"]}}),
    ("a set that is emptied", lambda t: t.tags.clear(), {"DELETE tags": {"SS": ["b", "a"]}}),
    (
        "a set that does both",
        lambda t: (t.ids.add(3), t.ids.discard(1)),
        {"ids": {"NS": ["20", "3"]}},
    ),
]


@pytest.mark.parametrize(
    ("change", "sent"), [row[1:] for row in CHANGES], ids=[r[0] for r in CHANGES]
)
@pytest.mark.parametrize("seed", range(5))
def test_what_did_not_change_inside_a_value_keeps_its_spelling(change, sent, seed, script, do):
    rng = random.Random(seed)
    thing = Thing.from_db(FULL)
    read_some(rng, thing)
    change(thing)
    read_some(rng, thing)
    script.answers = [{}]
    do(thing.save)
    found = written(script)
    for path in ("version", "edited", "part.edited", "parts[0].edited"):
        found.pop(path, None)
    assert found == sent
