"""to_json(), from_json() and to_dict(mode="json"): what a record says in JSON, it reads from it."""

from __future__ import annotations

import datetime as dt
import enum
import json
import math
import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    BinaryField,
    BooleanField,
    CharField,
    CompositeField,
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
    IntegerField,
    ListField,
    MapField,
    Model,
    SetField,
    TimeDeltaField,
    TimeField,
    TimestampField,
    ULIDField,
    UUIDField,
    ValidationError,
    VersionField,
)

from ...test_codec import FREE, TEXTS
from ..fields.test_round_trip import ALL, EVERY, ONE_EACH, VALUES

UTC = dt.timezone.utc
MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, 60, UTC)
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
ID = uuid.UUID(int=1)


class Colour(enum.Enum):
    RED = "r"


class Place(Model):
    id = CharField(hash_key=True)


class Room(Model):
    house = BinaryField(hash_key=True)
    number = IntegerField(range_key=True)


class Address(Document):
    city = CharField()
    since = DateField(name="s")


class Payment(Document):
    class Meta:
        discriminator = "kind"

    amount = DecimalField()


class Card(Payment):
    class Meta:
        kind = "card"

    number = CharField()


class Point(Field[tuple[int, int]]):
    kind = "L"

    def to_db(self, value):
        return list(value)

    def to_python(self, stored):
        return tuple(stored)


class Sealed(Field[str]):
    kind = "B"
    leaf = bytes
    varies = True

    def to_db(self, value):
        return value.encode()[::-1]

    def to_python(self, stored):
        return stored[::-1].decode()


FREE_VALUE = {
    "b": b"hi",
    "s": {2, 1},
    "d": Decimal("0.10"),
    "n": None,
    "l": [1, 1.5, True, {"t": "x"}],
}
FREE_FORM = {
    "b": {"$bytes": "aGk="},
    "s": {"$set": [1, 2]},
    "d": {"$number": "0.10"},
    "n": None,
    "l": [1, 1.5, True, {"t": "x"}],
}

FORMS = {
    "text": (CharField(), "é", "é"),
    "int": (IntegerField(), 10**37 + 1, 10**37 + 1),
    "float": (FloatField(), 1e100, 1e100),
    "whole float": (FloatField(), 7.0, 7.0),
    "decimal": (DecimalField(), Decimal("1.50"), "1.5"),
    "decimal of places": (DecimalField(places=2), Decimal("1.5"), "1.50"),
    "bool": (BooleanField(), True, True),
    "bytes": (BinaryField(), b"hi", "aGk="),
    "no bytes": (BinaryField(), b"", ""),
    "datetime": (DateTimeField(), MOMENT, "2026-01-02T03:04:05.000060+00:00"),
    "zone": (DateTimeField(tz="Europe/Berlin"), MOMENT, "2026-01-02T03:04:05.000060+00:00"),
    "timestamp": (TimestampField(), MOMENT, "2026-01-02T03:04:05.000060+00:00"),
    "date": (DateField(), dt.date(2026, 1, 2), "2026-01-02"),
    "time": (TimeField(), dt.time(9, 30), "09:30:00.000000"),
    "span": (TimeDeltaField(), dt.timedelta(days=1, seconds=2), "P1DT2S"),
    "seconds": (TimeDeltaField(storage="seconds"), dt.timedelta(microseconds=-1), "-PT0.000001S"),
    "uuid": (UUIDField(), ID, str(ID)),
    "ulid": (ULIDField(), ULID, ULID),
    "enum": (EnumField(Colour), Colour.RED, "r"),
    "texts": (SetField(), {"b", "a"}, ["a", "b"]),
    "ints": (SetField(int), {10, 9}, [9, 10]),
    "decimals": (SetField(Decimal), {Decimal("0.5")}, ["0.5"]),
    "blobs": (SetField(bytes), {b"hi"}, ["aGk="]),
    "dates": (SetField(DateField()), {dt.date(2026, 1, 2)}, ["2026-01-02"]),
    "empty set": (SetField(), set(), []),
    "list": (ListField(), [FREE_VALUE], [FREE_FORM]),
    "list of nulls": (ListField(IntegerField(null=True)), [1, None], [1, None]),
    "dict": (DictField(), FREE_VALUE, FREE_FORM),
    "dict like a tag": (DictField(), {"$set": 1}, {"$map": {"$set": 1}}),
    "dict of dates": (DictField(DateField()), {"a": dt.date(2026, 1, 2)}, {"a": "2026-01-02"}),
    "map": (MapField({"at": DateField()}), {"at": dt.date(2026, 1, 2), "b": b"hi"}, {"at": "2026-01-02", "b": {"$bytes": "aGk="}}),
    "document": (EmbeddedField(Address), Address(city="x", since=dt.date(2026, 1, 2)), {"city": "x", "since": "2026-01-02"}),
    "kinds": (ListField(Payment), [Card(amount=Decimal(1), number="4")], [{"kind": "card", "amount": "1", "number": "4"}]),
    "compressed": (CompressedField(), FREE_VALUE, FREE_FORM),
    "compressed text": (CompressedField(str), "x" * 9, "x" * 9),
    "compressed document": (CompressedField(Address), Address(city="x"), {"city": "x", "since": None}),
    "references": (ListField(Place), [Place("a")], ["a"]),
    "references of both": (DictField(Room), {"a": Room(b"hi", 1)}, {"a": {"house": "aGk=", "number": 1}}),
    "foreign keys": (SetField(ForeignKey(Place)), {Place("a")}, ["a"]),
    "none": (CharField(), None, None),
    "null": (CharField(null=True), None, None),
    "custom list": (Point(), (1, 2), [1, 2]),
    "custom bytes": (Sealed(), "abc", "Y2Jh"),
}  # fmt: skip


def model_with(field):
    return type("Any", (Model,), {"k": CharField(hash_key=True), "x": field})


@pytest.mark.parametrize(("field", "value", "form"), FORMS.values(), ids=FORMS)
def test_each_field_has_a_form_and_reads_it(field, value, form):
    model = model_with(field)
    made = model(k="a", x=value)
    assert made.to_dict(mode="json") == json.loads(made.to_json()) == {"k": "a", "x": form}
    read = model.from_json(made.to_json())
    assert read.x == value
    assert type(read.x) is type(value)
    assert not read.persisted
    assert model.from_dict({"k": "a", "x": form}, mode="json").x == value


# What JSON has too is a form in JSON, in any case.
EITHER = {
    name: each for name, each in FORMS.items() if name not in ("dict like a tag", "custom bytes")
}


@pytest.mark.parametrize(("field", "value", "form"), EITHER.values(), ids=EITHER)
@pytest.mark.parametrize("strict", [False, True])
def test_a_value_of_json_or_of_the_type_of_the_field_is_taken(field, value, form, strict):
    model = model_with(field)
    for each in (value, form):
        assert model.from_dict({"k": "a", "x": each}, mode="any", strict=strict).x == value


def like(one, other):
    """Tell whether two values are equal, also floats that are no numbers' neighbours."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=0)
    return one == other


@pytest.mark.parametrize("name", ALL)
@given(data=st.data())
def test_json_gives_back_what_was_there(name, data):
    model, (_, values) = ONE_EACH[name], ALL[name]
    made = model(k="a", f0=data.draw(values))
    read = model.from_json(made.to_json())
    assert like(read.f0, made.f0)
    assert read.to_json() == made.to_json()


@given(VALUES)
def test_json_of_an_item_of_every_type_gives_it_back(values):
    made = EVERY(k="a", **values)
    assert EVERY.from_json(made.to_json()).to_dict() == made.to_dict()
    assert EVERY.from_json(made.to_json().encode(), strict=True).to_dict() == made.to_dict()


TAGS = st.sampled_from(["$set", "$bytes", "$number", "$map", "$", "x"])
NESTED = st.recursive(FREE, lambda inner: st.dictionaries(TAGS, inner, max_size=2), max_leaves=4)


@given(st.dictionaries(TAGS | TEXTS, NESTED, max_size=2))
def test_json_of_free_values_tells_tags_from_the_keys_of_dicts(value):
    model = model_with(DictField())
    read = model.from_json(model(k="a", x=value).to_json())
    assert json.loads(read.to_json()) == json.loads(model(k="a", x=value).to_json())


class Order(Model):
    pk = CharField(hash_key=True, template="ORDER#{number:04d}")
    number = IntegerField()
    place = ForeignKey(Place)
    version = VersionField()
    total = DecimalField(required=True, min_value=Decimal(0))
    made = DateTimeField(auto_now_add=True)
    lines = ListField(Address)
    label = CompositeField("number", "total", merge=lambda number, total: f"{number}/{total}")


def test_a_model_says_what_to_dict_says():
    order = Order(number=7, place=Place("a"), total=Decimal("1.5"), lines=[Address(city="x")])
    assert json.loads(order.to_json()) == {
        "pk": "ORDER#0007",
        "number": 7,
        "place_id": "a",
        "version": 0,
        "total": "1.5",
        "made": None,
        "lines": [{"city": "x", "since": None}],
        "label": "7/1.5",
    }
    assert Order.from_json(order.to_json()).to_dict() == order.to_dict()
    assert list(json.loads(order.to_json())) == list(order.to_dict())


def test_undeclared_attributes_are_left_out_as_by_to_dict():
    place = Place.from_db({"id": {"S": "a"}, "more": {"N": "1"}})
    assert place.to_json() == '{"id":"a"}'


def test_a_document_has_json_of_its_own_with_its_kind():
    card = Card(amount=Decimal("1.5"), number="4")
    assert card.to_json() == '{"kind":"card","amount":"1.5","number":"4"}'
    read = Payment.from_json(card.to_json())
    assert (type(read), read) == (Card, card)


class Animal(Model):
    class Meta:
        discriminator = "kind"

    id = CharField(hash_key=True)


class Dog(Animal):
    bones = IntegerField()


def test_a_model_with_a_discriminator_reads_the_class_that_it_says():
    read = Animal.from_json(Dog(id="a", bones=1).to_json())
    assert (type(read), read.bones) == (Dog, 1)


LENIENT = [
    (IntegerField(), 7.0, 7),
    (IntegerField(), "7", 7),
    (FloatField(), 7, 7.0),
    (FloatField(), "1.5", 1.5),
    (DecimalField(), 0.1, Decimal("0.1")),
    (DecimalField(), 7, Decimal(7)),
    (DateTimeField(), "2026-01-02T03:04:05.00006Z", MOMENT),
    (TimestampField(), 1767323045.00006, MOMENT),
    (TimeDeltaField(storage="seconds"), 90, dt.timedelta(seconds=90)),
]  # fmt: skip


@pytest.mark.parametrize(("field", "form", "value"), LENIENT, ids=range(len(LENIENT)))
def test_forms_of_other_programs_are_read_where_nothing_is_lost(field, form, value):
    assert model_with(field).from_dict({"k": "a", "x": form}, mode="json").x == value


WRONG = [
    (CharField(), 7, "x", "a text was expected"),
    (IntegerField(), 7.5, "x", "whole number"),
    (IntegerField(), True, "x", "a number was expected"),
    (DecimalField(), "much", "x", "'much' is not a number"),
    (BooleanField(), 1, "x", "a truth value was expected"),
    (BinaryField(), "%", "x", "is not the JSON form of a BinaryField"),
    (BinaryField(), 7, "x", "a text in base64 was expected"),
    (DateTimeField(), "yesterday", "x", "'yesterday' is not a date and time in ISO 8601"),
    (TimestampField(), "yesterday", "x", "'yesterday' is not a date and time in ISO 8601"),
    (DateField(), 7, "x", "a text was expected"),
    (TimeDeltaField(), "soon", "x", "not an ISO 8601 duration"),
    (UUIDField(), "x", "x", "is not the JSON form of a UUIDField"),
    (EnumField(Colour), "b", "x", "'b' is not a member of Colour"),
    (SetField(), "a", "x", "'a' is a str, not a list"),
    (SetField(int), [1, "b"], "x[1]", "'b' is not a number"),
    (ListField(int), {"a": 1}, "x", "is a dict, not a list"),
    (ListField(ListField(int)), [[1], ["a"]], "x[1][0]", "'a' is not a number"),
    (ListField(), [{"$bytes": 7}], "x[0]", "a text in base64 was expected"),
    (DictField(), {"a": {"$number": "x"}}, "x", "'x' is not a number"),
    (DictField(), {"a": {"$set": "x"}}, "x", "a list was expected"),
    (DictField(), {"a": {"$set": [[1]]}}, "x", "unhashable"),
    (DictField(), {"a": {"$map": 7}}, "x", "is not a valid $map"),
    (DecimalField(), "1E999999999", "x", "'1E999999999' is not a number"),
    (DictField(DateField()), [1], "x", "is a list, not a dict"),
    (MapField({"at": DateField()}), {"at": 7}, "x.at", "a text was expected"),
    (EmbeddedField(Address), 7, "x", "7 is an int, not a dict"),
    (ListField(Address), [{"since": 7}], "x[0].since", "a text was expected"),
    (EmbeddedField(Payment), {"kind": "coin"}, "x.kind", "'coin' is not a kind of Payment"),
    (EmbeddedField(Payment), {"kind": ["card"]}, "x.kind", "is not a kind of Payment"),
    (ListField(Room), [{"house": "aGk="}], "x[0]", "'number'"),
    (ListField(Room), [7], "x[0]", "is not the JSON form of a KeyOf"),
    (ListField(Place), [7], "x[0]", "a text was expected"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "form", "path", "message"), WRONG, ids=range(len(WRONG)))
def test_what_a_field_does_not_read_is_told_with_its_path(field, form, path, message):
    for mode in ("json", "any"):
        with pytest.raises(ValidationError) as caught:
            model_with(field).from_dict({"k": "a", "x": form}, mode=mode)
        [(place, [said])] = caught.value.errors.items()
        assert place == path
        assert message in said


def test_endless_nesting_is_told():
    for text in (f'{{"k": "a", "x": {"[" * depth}{"]" * depth}}}' for depth in (900, 100_000)):
        with pytest.raises(ValidationError):
            model_with(ListField()).from_json(text, strict=True)


@pytest.mark.parametrize("text", ["", "[1]", "7", "{", '{"k": }', "NaN", b"\xff", "null"])
def test_what_is_no_json_of_an_object_is_told(text):
    with pytest.raises(ValidationError, match="from_"):
        Place.from_json(text)


def test_what_cannot_be_stored_has_no_json():
    with pytest.raises(ValidationError) as caught:
        Order(number="x", total=1.5, lines=[Address(since=3)]).to_json()
    assert list(caught.value.errors) == ["number", "total", "lines[0].since"]
    with pytest.raises(ValidationError, match="not valid Unicode"):
        Place(id="\ud800").to_json()


def test_a_mode_has_a_name_that_is_known():
    with pytest.raises(TypeError, match="mode='yaml': it takes"):
        Place(id="a").to_dict(mode="yaml")
    with pytest.raises(TypeError, match="mode='yaml': it takes"):
        Place.from_dict({}, mode="yaml")


@pytest.mark.parametrize("base", [Model, Document])
def test_fields_of_the_names_take_the_place_of_the_methods(base):
    key = {"id": CharField(hash_key=True)} if base is Model else {}
    kind = type("Own", (base,), {**key, "to_json": CharField(), "from_json": CharField()})
    given = {**dict.fromkeys(key, "a"), "to_json": "x", "from_json": "y"}
    made = kind(**given)
    assert made.to_dict(mode="json") == given == kind.from_dict(given, mode="json").to_dict()
    assert (made.to_json, made.from_json) == ("x", "y")


class Own(Model):
    id = CharField(hash_key=True)

    def to_json(self):
        return "mine"


def test_a_method_of_the_user_wins():
    assert Own(id="a").to_json() == "mine"
