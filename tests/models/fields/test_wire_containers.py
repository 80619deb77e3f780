"""Sets, lists, maps and documents on the wire and back, and what is refused inside them."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    BinaryField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    DictField,
    Document,
    EmbeddedField,
    EnumField,
    FloatField,
    IntegerField,
    ListField,
    MapField,
    Model,
    SetField,
    TimestampField,
    UnreadableValue,
    UUIDField,
    ValidationError,
)
from dynamodb_py.codec import Unstorable
from dynamodb_py.models.persistence.stored import encode_item, stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write

from ..wire import ids, model_of, read_by, stored_by


class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


class Address(Document):
    city = CharField(required=True, max_length=5)
    zip = CharField(name="zip-code")
    floor = IntegerField(default=0)
    tags = SetField()


class Person(Document):
    name = CharField(required=True)
    home = EmbeddedField(Address)
    others = ListField(Address, default=list)


class User(Model):
    id = UUIDField(hash_key=True)


class Game(Model):
    user = CharField(name="u", hash_key=True)
    title = IntegerField(range_key=True)
    wins = IntegerField(default=0)


ONE = uuid.UUID(int=1)
NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
LYON = {"M": {"city": {"S": "Lyon"}, "floor": {"N": "0"}}}

BOTH_WAYS = [
    (SetField(), {"b", "a"}, {"SS": ["a", "b"]}),
    (SetField(), {""}, {"SS": [""]}),
    (SetField(int), {3, 20}, {"NS": ["20", "3"]}),
    (SetField(float), {1.5, 2.0}, {"NS": ["1.5", "2"]}),
    (SetField(Decimal), {Decimal("1.10")}, {"NS": ["1.1"]}),
    (SetField(bytes), {b"\xff", b"a"}, {"BS": [b"a", b"\xff"]}),
    (SetField(UUIDField()), {ONE}, {"SS": [str(ONE)]}),
    (SetField(EnumField(Colour)), {Colour.RED, Colour.BLUE}, {"SS": ["b", "r"]}),
    (SetField(DateField()), {date(2026, 1, 2)}, {"SS": ["2026-01-02"]}),
    (SetField(TimestampField()), {NOON}, {"NS": ["1793534400"]}),
    (ListField(), [], {"L": []}),
    (ListField(), [1, "two", None, 2.5, b"x", {"a"}], {"L": [{"N": "1"}, {"S": "two"}, {"NULL": True}, {"N": "2.5"}, {"B": b"x"}, {"SS": ["a"]}]}),
    (ListField(int), [1, 2**70], {"L": [{"N": "1"}, {"N": str(2**70)}]}),
    (ListField(str), ["", "a"], {"L": [{"S": ""}, {"S": "a"}]}),
    (ListField(bool), [True, False], {"L": [{"BOOL": True}, {"BOOL": False}]}),
    (ListField(DateTimeField()), [NOON], {"L": [{"S": "2026-11-01T12:00:00.000000+00:00"}]}),
    (ListField(EnumField(Colour)), [Colour.RED], {"L": [{"S": "r"}]}),
    (ListField(IntegerField(null=True)), [None, 1], {"L": [{"NULL": True}, {"N": "1"}]}),
    (ListField(ListField(int)), [[1], []], {"L": [{"L": [{"N": "1"}]}, {"L": []}]}),
    (ListField(SetField(int)), [{1}, {2}], {"L": [{"NS": ["1"]}, {"NS": ["2"]}]}),
    (ListField(DictField()), [{"a": [1]}], {"L": [{"M": {"a": {"L": [{"N": "1"}]}}}]}),
    (ListField(Address), [Address(city="Lyon")], {"L": [LYON]}),
    (ListField(User), [User(id=ONE)], {"L": [{"S": str(ONE)}]}),
    (ListField(Game), [Game(user="a", title=1)], {"L": [{"M": {"u": {"S": "a"}, "title": {"N": "1"}}}]}),
    (DictField(), {}, {"M": {}}),
    (DictField(), {"a": {"b": [1.5, None]}, "": 1}, {"M": {"a": {"M": {"b": {"L": [{"N": "1.5"}, {"NULL": True}]}}}, "": {"N": "1"}}}),
    (DictField(int), {"a": 1}, {"M": {"a": {"N": "1"}}}),
    (DictField(ListField(str)), {"a": ["x"]}, {"M": {"a": {"L": [{"S": "x"}]}}}),
    (DictField(DictField(bool)), {"a": {"b": True}}, {"M": {"a": {"M": {"b": {"BOOL": True}}}}}),
    (DictField(Address), {"home": Address(city="Lyon")}, {"M": {"home": LYON}}),
    (DictField(BinaryField()), {"a": b"\x00"}, {"M": {"a": {"B": b"\x00"}}}),
    (MapField({"qty": IntegerField()}), {"qty": 2, "note": "x"}, {"M": {"qty": {"N": "2"}, "note": {"S": "x"}}}),
    (MapField({"at": DateField(), "to": MapField({"n": DecimalField()})}), {"at": date(2026, 1, 2), "to": {"n": Decimal("1.1")}}, {"M": {"at": {"S": "2026-01-02"}, "to": {"M": {"n": {"N": "1.1"}}}}}),
    (MapField({"a": BooleanField(null=True)}), {"a": None}, {"M": {"a": {"NULL": True}}}),
    (EmbeddedField(Address), Address(city="Lyon", zip="1", floor=2, tags={"x"}), {"M": {"city": {"S": "Lyon"}, "zip-code": {"S": "1"}, "floor": {"N": "2"}, "tags": {"SS": ["x"]}}}),
    (EmbeddedField(Person), Person(name="a", home=Address(city="Lyon")), {"M": {"name": {"S": "a"}, "home": LYON, "others": {"L": []}}}),
    *[(field, None, {"NULL": True}) for field in (ListField(null=True), ListField(int, null=True), DictField(null=True), SetField(null=True), MapField({}, null=True), EmbeddedField(Address, null=True))],
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "wire"), BOTH_WAYS, ids=ids(BOTH_WAYS))
def test_a_value_is_on_the_wire_as_the_table_says_and_reads_back_the_same(field, value, wire):
    assert stored_by(field, value) == wire
    found = read_by(field, wire)
    assert found == value
    assert type(found) is type(value)
    assert model_of(field).x.decode(wire) == value  # one by one


@pytest.mark.parametrize(
    "field",
    [SetField(), SetField(int, null=True), SetField(default={"a"}), SetField(required=True)],
)
def test_an_empty_set_is_stored_as_absence_and_reads_back_as_one(field):
    assert stored_by(field, set()) is None
    Test = model_of(field)
    loaded = Test.from_db(encode_item(Test(k="a", x=set())))
    assert loaded.x == set()
    assert changes_to_write(loaded, stored_wires(loaded), validate=True) == {}
    loaded.x.add("a" if field.kind == "SS" else 1)
    assert list(changes_to_write(loaded, stored_wires(loaded), validate=True)) == ["x"]


def test_a_set_is_the_empty_one_where_nothing_is_said():
    assert model_of(SetField())(k="a").x == set()
    assert model_of(SetField(default={"a"}))(k="a").x == {"a"}
    assert model_of(SetField(null=True))(k="a").x is None


def test_emptying_a_set_removes_the_attribute():
    loaded = model_of(SetField()).from_db({"k": {"S": "a"}, "x": {"SS": ["a"]}})
    loaded.x.clear()
    assert changes_to_write(loaded, stored_wires(loaded), validate=True) == {"x": None}


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        (ListField(), (1, 2), [1, 2]),
        (ListField(), [{"a": (1,)}], [{"a": [1]}]),
        (DictField(), {"n": Decimal("1.5"), "m": Decimal("0.12345678901234567890123")}, {"n": 1.5, "m": Decimal("0.12345678901234567890123")}),
        (SetField(), frozenset("a"), {"a"}),
        (MapField({"a": IntegerField()}), {"a": None, "b": None}, {"b": None}),
    ],
)  # fmt: skip
def test_a_value_of_a_kindred_type_is_taken(field, value, found):
    assert read_by(field, stored_by(field, value)) == found


REFUSED = [
    (SetField(), ["a"], {"x": "['a'] is a list, not a set"}),
    (SetField(), "a", {"x": "'a' is a str, not a set"}),
    (SetField(), {1}, {"x": "1 is an int, not text"}),
    (SetField(), {None}, {"x": "None is not stored here: give the inner field null=True"}),
    (SetField(int), {True}, {"x": "True is a bool, not an int"}),
    (SetField(CharField(max_length=1)), {"ab"}, {"x": "its length 2 is greater than max_length 1"}),
    (ListField(), "abc", {"x": "'abc' is a str, not a list"}),
    (ListField(), {1}, {"x": "{1} is a set, not a list"}),
    (ListField(), {}, {"x": "{} is a dict, not a list"}),
    (ListField(), [1, object, [date]], {"x[1]": "a value of type type cannot be stored"}),
    (ListField(), [set()], {"x[0]": "an empty set cannot be stored inside a document: leave it out"}),
    (ListField(int), [1, "2", 3.5, None], {"x[1]": "'2' is a str, not an int", "x[2]": "3.5 is a float, not an int", "x[3]": "None is not stored here: give the inner field null=True"}),
    (ListField(IntegerField(min_value=1, max_value=5)), [0, 3, 9], {"x[0]": "0 is less than min_value 1", "x[2]": "9 is greater than max_value 5"}),
    (ListField(SetField()), [{"a"}, set()], {"x[1]": "an empty set cannot be stored inside a list or a map: leave it out"}),
    (ListField(ListField(int)), [[1], ["a"]], {"x[1][0]": "'a' is a str, not an int"}),
    (ListField(Address), [Address(city="Lyon"), Address()], {"x[1].city": "it is required: give it a value"}),
    (ListField(Address), [{"city": "Lyon"}], {"x[0]": "{'city': 'Lyon'} is a dict, not an Address"}),
    (ListField(User), [ONE], {"x[0]": "is a UUID, not a User"}),
    (ListField(Game), [Game(user="a")], {"x[0]": "Game: title: it is required: give it a value"}),
    (DictField(), [1], {"x": "[1] is a list, not a dict"}),
    (DictField(), {1: 2}, {"x": "the key 1 is not a str: use str keys in a map"}),
    (DictField(), {"a": {"b": 1j}}, {"x.a.b": "a value of type complex cannot be stored"}),
    (DictField(int), {"a": "1", "b": 2, "c": None}, {"x.a": "'1' is a str, not an int", "x.c": "None is not stored here"}),
    (MapField({"a": IntegerField(required=True), "b": CharField(required=True), "c": FloatField()}), {"b": None, "c": "x"}, {"x.a": "it is required: give it a value", "x.b": "it is required: give it a value", "x.c": "'x' is a str, not a float"}),
    (MapField({"a": SetField()}), {"a": set()}, {"x.a": "an empty set cannot be stored inside a list or a map: leave it out"}),
    (EmbeddedField(Address), {"city": "Lyon"}, {"x": "{'city': 'Lyon'} is a dict, not an Address"}),
    (EmbeddedField(Address), Address(floor="2", tags={1}), {"x.city": "it is required: give it a value", "x.floor": "'2' is a str, not an int", "x.tags": "1 is an int, not text"}),
    (EmbeddedField(Person), Person(name="a", home=Address(city="too long"), others=[Address(city="x", floor=1.5)]), {"x.home.city": "its length 8 is greater than max_length 5", "x.others[0].floor": "1.5 is a float, not an int"}),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "errors"), REFUSED, ids=ids(REFUSED))
def test_everything_that_is_wrong_inside_is_told_with_its_place(field, value, errors):
    with pytest.raises(ValidationError) as caught:
        stored_by(field, value)
    found = caught.value.errors
    assert list(found) == list(errors)
    for place, said in errors.items():
        assert said in found[place][0]


def test_of_very_many_wrong_elements_some_are_told():
    with pytest.raises(ValidationError) as caught:
        stored_by(ListField(int), ["x"] * 100_000)
    assert list(caught.value.errors) == [f"x[{at}]" for at in range(20)]


def nested(levels):
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def test_thirty_two_levels_may_be_nested_and_no_more():
    assert read_by(ListField(), stored_by(ListField(), nested(31))) == nested(31)
    with pytest.raises(ValidationError, match="nested deeper than DynamoDB's 32 levels"):
        stored_by(ListField(), nested(32))
    inside = {"a": nested(29)}
    field = EmbeddedField(type("Doc", (Document,), {"free": DictField()}))
    assert stored_by(field, field.document(free=inside)) is not None
    with pytest.raises(ValidationError, match="nested deeper than DynamoDB's 32 levels"):
        stored_by(field, field.document(free={"a": nested(30)}))


@pytest.mark.parametrize("field", [ListField(), ListField(ListField()), DictField(ListField())])
def test_a_list_that_holds_itself_is_refused(field):
    cycle = []
    cycle += [cycle, cycle]
    value = {"a": cycle} if isinstance(field, DictField) else [cycle]
    with pytest.raises(ValidationError, match="nested deeper than DynamoDB's 32 levels"):
        stored_by(field, value)


@pytest.mark.parametrize(
    ("field", "wire"),
    [
        (SetField(int), {"SS": ["1"]}),
        (SetField(int), {"NS": ["1.5"]}),
        (SetField(EnumField(Colour)), {"SS": ["purple"]}),
        (ListField(int), {"L": [{"N": "1"}, {"S": "2"}]}),
        (ListField(), {"M": {}}),
        (ListField(), {"L": [{"X": "1"}]}),
        (ListField(Address), {"L": [{"S": "Lyon"}]}),
        (DictField(int), {"M": {"a": {"N": "1.5"}}}),
        (DictField(), {"L": []}),
        (MapField({"a": IntegerField()}), {"M": {"a": {"S": "1"}}}),
        (MapField({}), {"S": "{}"}),
        (EmbeddedField(Address), {"S": "Lyon"}),
    ],
)
def test_a_stored_value_of_another_type_is_told(field, wire):
    with pytest.raises(UnreadableValue, match=r"^Test\.x: the stored "):
        read_by(field, wire)


def test_a_reference_knows_its_key_and_nothing_else():
    found = read_by(ListField(Game), {"L": [{"M": {"u": {"S": "a"}, "title": {"N": "1"}}}]})[0]
    assert (type(found), found.user, found.title, found.primary_key) == (Game, "a", 1, ("a", 1))
    assert found == Game(user="a", title=1, wins=7)
    with pytest.raises(
        Exception, match=r"Game\.wins was not fetched .* refresh_from_db\(\) fetches it"
    ):
        _ = found.wins


def test_documents_in_a_dict_become_dicts_and_back():
    Test = model_of(
        EmbeddedField(Person), l=ListField(Address), d=DictField(Address), r=ListField(Game)
    )
    lyon = Address(city="Lyon", tags={"a"})
    instance = Test(
        k="a",
        x=Person(name="a", home=lyon, others=[lyon]),
        l=[lyon],
        d={"home": lyon},
        r=[Game(user="a", title=1)],
    )
    loaded = Test.from_db(encode_item(instance))
    values = loaded.to_dict()
    assert values["x"]["others"] == values["l"] == [lyon.to_dict()]
    assert values["d"] == {"home": {"city": "Lyon", "zip": None, "floor": 0, "tags": {"a"}}}
    assert values["r"] == [{"user": "a", "title": 1}]
    assert encode_item(Test.from_dict(values)) == encode_item(instance)


def outcome(encode, value):
    try:
        return encode(value)
    except Unstorable as error:
        return error.errors("")


NUMBERS = (
    st.floats() | st.integers() | st.sampled_from([2**53, 2**53 + 1, 10**400, True, "1", None])
)


@given(st.lists(NUMBERS, max_size=4))
def test_a_list_of_floats_is_stored_as_each_of_them_alone(values):
    class Slow(FloatField):
        def to_python(self, stored):
            return stored

    assert outcome(ListField(float).to_wire, values) == outcome(ListField(Slow()).to_wire, values)
    if all(type(each) is float for each in values):
        each_alone = outcome(lambda value: [FloatField().to_wire(each) for each in value], values)
        assert isinstance(each_alone, dict) or ListField(float).to_wire(values) == {"L": each_alone}


@given(st.text(max_size=3) | st.integers() | st.sampled_from([10**38, -(10**40), "\ud800", True]))
def test_conditions_have_what_is_stored(value):
    for field in (CharField(), IntegerField()):
        try:
            stored = field.to_wire(value)
            known = field.encode(value)
        except (Unstorable, ValidationError):
            with pytest.raises(ValidationError):
                field.encode(value)
        else:
            assert known == stored
