"""What is unique: how it is declared, and which sentinels an item needs."""

from __future__ import annotations

import base64
import copy
import enum
import json
import pickle
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    AlreadyExists,
    BinaryField,
    BooleanField,
    CharField,
    CounterField,
    DateTimeField,
    DecimalField,
    DictField,
    Document,
    EnumField,
    Field,
    FloatField,
    IntegerField,
    ListField,
    Model,
    ModelDefinitionError,
    SetField,
    UUIDField,
    ValidationError,
    VersionField,
)
from dynamodb_py.exceptions import ConditionFailed, make_service_error
from dynamodb_py.models.constraints import (
    UniqueConstraint,
    compare_claims,
    find_claims,
    make_already_exists,
)
from dynamodb_py.models.persistence.stored import key_of
from dynamodb_py.models.records.encoding import encode_fields

from ..scripted import checked
from .wire import model_of

K = CharField(hash_key=True)


class User(Model):
    class Meta:
        table_name = "users"
        constraints = [
            UniqueConstraint("tenant", "number"),
            UniqueConstraint("number", "nick", name="by nick"),
        ]

    id = CharField(hash_key=True)
    email = CharField(name="mail", unique=True)
    tenant = CharField(name="t")
    number = IntegerField()
    nick = CharField()


class Event(Model):
    place = CharField(hash_key=True)
    number = IntegerField(range_key=True)
    photo = BinaryField(unique=True)


def of(model, **values):
    """Return the claims of an instance that is about to be saved."""
    instance = model(**values)
    return find_claims(model._meta, encode_fields(instance, adding=True), key_of(instance))


def text(field: Field, value) -> str | None:
    """Return the sentinel's key for one value of a unique field, called x."""
    field.unique = True
    return next(iter(of(model_of(field), k="a", x=value)), None)


def texts(**wires):
    """Return the sentinels' keys of an item of users with these wires."""
    return list(find_claims(User._meta, {"id": {"S": "u"}, **wires}, {"id": {"S": "u"}}))


# -- declaring -------------------------------------------------------------------------------------


def test_constraints_are_named_by_their_attributes_or_as_they_say():
    assert [each.name for each in User._meta.constraints] == ["mail", "t+number", "by nick"]
    assert User._meta.guarded


def test_a_model_without_constraints_needs_no_other_table():
    meta = model_of(CharField())._meta
    assert (meta.constraints, list(meta.companions), meta.guarded) == ((), [], False)


def test_the_table_of_the_sentinels_is_beside_the_models():
    [schema] = User._meta.companions
    assert (schema.name, str(schema.hash_key)) == ("users-unique", "value (S)")
    assert schema.encode()["BillingMode"] == "PAY_PER_REQUEST"
    assert schema.range_key is None


def test_the_table_of_the_sentinels_can_be_named():
    field = CharField(unique=True)
    model = model_of(field, Meta=type("Meta", (), {"unique_table": "taken", "table_name": "t1"}))
    assert model._meta.unique_table == model._meta.companions[0].name == "taken"
    # Others may say the same: a value is then one of this table.
    assert list(of(model, k="a", x="1")) == ['["t1/x","1"]']


def test_a_subclass_has_the_constraints_and_a_table_of_its_own():
    class Admin(User):
        badge = CharField(unique=True)

    names = [each.name for each in Admin._meta.constraints]
    assert names == ["mail", "badge", "t+number", "by nick"]
    assert Admin._meta.unique_table == "Admin-unique"
    assert Admin._meta.constraints[0].fields == (Admin.email,)


def test_a_subclass_does_not_share_a_named_table_of_sentinels():
    class Kept(User):
        class Meta:
            unique_table = "kept"

    class Other(Kept):
        pass

    assert (Kept._meta.unique_table, Other._meta.unique_table) == ("kept", "Other-unique")


def test_a_subclass_may_say_other_constraints():
    class Guest(User):
        email = CharField(name="mail")

        class Meta:
            constraints = []

    assert Guest._meta.constraints == ()


def test_an_abstract_base_hands_its_constraints_on():
    class Base(Model):
        class Meta:
            abstract = True
            constraints = [UniqueConstraint("a", "b")]

        a = CharField()
        b = CharField(unique=True)

    class Concrete(Base):
        pass

    assert [each.name for each in Concrete._meta.constraints] == ["b", "a+b"]


def meta(*constraints, **options):
    return type("Meta", (), {"constraints": list(constraints), **options})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"k": CharField(hash_key=True, unique=True)}, r"Test\.k: k is the key, which is unique"),
        ({"x": ListField(unique=True)}, r"Test\.x: x is stored as L, and only text"),
        ({"x": DictField(unique=True)}, "x is stored as M"),
        ({"x": SetField(str, unique=True)}, "x is stored as SS"),
        ({"x": CounterField(unique=True)}, "x is a CounterField, which changes by itself"),
        ({"x": VersionField(), "Meta": meta(UniqueConstraint("x"))}, "x is a VersionField"),
        ({"Meta": meta(UniqueConstraint("y"))}, "there is no field 'y': the fields are k, x"),
        ({"Meta": meta(UniqueConstraint())}, "takes the names of fields, each once"),
        ({"Meta": meta(UniqueConstraint("x", "x"))}, "takes the names of fields, each once"),
        ({"Meta": meta("x")}, r"Test\.Meta\.constraints holds 'x': it takes UniqueConstraint"),
        ({"Meta": meta(UniqueConstraint("k"))}, "k is the key"),
        ({"Meta": meta(UniqueConstraint("x", "k"))}, "k is the key"),
        (
            {"x": CharField(unique=True), "Meta": meta(UniqueConstraint("x"))},
            "two constraints are called 'x': drop one",
        ),
        ({"Meta": meta(UniqueConstraint("x", name=""))}, "a constraint's name has 1 to 255 bytes"),
        ({"Meta": meta(UniqueConstraint("x", name="é" * 128))}, "a constraint's name has 1 to 255"),
        ({"Meta": type("Meta", (), {"constraints": "x"})}, "it takes a list of constraints"),
        ({"Meta": meta(unique_table=7)}, "unique_table is 7: it takes the name of a table"),
        ({"Meta": meta(unique_table="Test")}, "it takes the name of a table, but not of"),
    ],
)
def test_what_cannot_be_unique_is_told_when_the_class_is_made(fields, words):
    with pytest.raises(ModelDefinitionError, match=words):
        type("Test", (Model,), {"k": CharField(hash_key=True), "x": CharField(), **fields})


@pytest.mark.parametrize("key", ["k", "r"])
def test_one_part_of_a_key_may_be_unique_by_itself(key):
    fields = {
        "k": CharField(hash_key=True, unique=key == "k"),
        "r": CharField(range_key=True, unique=key == "r"),
    }
    model = type("Test", (Model,), fields)
    assert list(of(model, k="a", r="b")) == [f'["{key}","{"a" if key == "k" else "b"}"]']


@pytest.mark.parametrize(
    "make",
    [
        lambda: type("Inner", (Document,), {"x": CharField(unique=True)}),
        lambda: model_of(ListField(CharField(unique=True))),
    ],
    ids=["document", "list"],
)
def test_what_lies_inside_a_document_cannot_be_unique(make):
    with pytest.raises(ModelDefinitionError, match="unique=True is for the fields of a model"):
        make()


# -- the text --------------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = "red"


MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (CharField(), "a@b.c", '["x","a@b.c"]'),
        (CharField(), "", '["x",""]'),
        (CharField(), 'ü"\n', '["x","ü\\"\\n"]'),
        (IntegerField(), 7, '["x",7]'),
        (IntegerField(), 10**40, '["x",1E+40]'),
        (FloatField(), 0.1, '["x",0.1]'),
        (DecimalField(), Decimal("1.50"), '["x",1.5]'),
        (BooleanField(), False, '["x",false]'),
        (BinaryField(), b"\x01\x02", '["x",{"B":"AQI="}]'),
        (EnumField(Colour), Colour.RED, '["x","red"]'),
        (DateTimeField(), MOMENT, '["x","2026-01-02T03:04:05.000000+00:00"]'),
        (UUIDField(), uuid.UUID(int=1), '["x","00000000-0000-0000-0000-000000000001"]'),
    ],
)
def test_a_value_has_a_text_that_people_can_read(field, value, expected):
    assert text(field, value) == expected


@pytest.mark.parametrize("null", [False, True])
def test_none_does_not_count(null):
    assert text(CharField(null=null), None) is None
    assert texts(t={"S": "a"}) == texts(number={"N": "1"}) == []


@pytest.mark.parametrize("wire", [{"N": "1"}, {"L": []}, {"NULL": True}, {"SS": ["a"]}])
def test_what_is_nothing_of_the_fields_does_not_count(wire):
    assert texts(mail=wire) == []


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        (IntegerField(), {"N": "1"}, {"N": "1.0"}),
        (IntegerField(), {"N": "100"}, {"N": "1E2"}),
        (IntegerField(), {"N": "0"}, {"N": "-0.0"}),
        (DecimalField(), {"N": "0.10"}, {"N": "1E-1"}),
        (BinaryField(), {"B": b"\x01\xff"}, {"B": "Af8="}),
        (
            DateTimeField(),
            {"S": "2026-01-02T03:04:05.000000+00:00"},
            {"S": "2026-01-02T04:04:05+01:00"},
        ),
        (UUIDField(), {"S": str(uuid.UUID(int=255))}, {"S": str(uuid.UUID(int=255)).upper()}),
    ],
)
def test_other_spellings_of_a_value_have_one_text(field, one, other):
    field.unique = True
    meta = model_of(field)._meta
    key = {"k": {"S": "a"}}
    assert [*find_claims(meta, {"x": one}, key)] == [*find_claims(meta, {"x": other}, key)] != []


def test_what_a_field_cannot_read_is_taken_as_it_is_stored():
    meta = model_of(DateTimeField(unique=True))._meta
    assert [*find_claims(meta, {"x": {"S": "soon"}}, {"k": {"S": "a"}})] == ['["x","soon"]']


VALUES = st.one_of(
    st.builds(lambda each: {"S": each}, st.text(max_size=1500)),
    st.builds(lambda each: {"S": each}, st.sampled_from(['","', '{"sha256":"', "a", "b", "1", ""])),
)
NUMBERS = st.builds(lambda each: {"N": str(each)}, st.integers(-(10**38), 10**38))


@given(st.lists(st.tuples(VALUES, NUMBERS, VALUES), min_size=2, max_size=2, unique_by=repr))
def test_different_values_have_different_texts(pair):
    one, other = (
        texts(mail=mail, t=tenant, number=number, nick=tenant) for mail, number, tenant in pair
    )
    assert len({*one}) == len(one) == 3
    for at, parts in enumerate([(0,), (2, 1), (1, 2)]):
        same = all(pair[0][part] == pair[1][part] for part in parts)
        assert (one[at] == other[at]) is same
    assert not {one[0]} & {other[1], other[2]}


@given(VALUES, VALUES, VALUES)
def test_a_text_is_json_and_fits_a_hash_key(mail, tenant, nick):
    for each in texts(mail=mail, t=tenant, nick=nick, number={"N": "1"}):
        assert json.loads(each)[0] in {"mail", "t+number", "by nick"}
        assert len(each.encode()) <= 2048


@given(st.binary(max_size=2000))
def test_bytes_have_one_text_fresh_and_as_they_were_loaded(value):
    key = {"place": {"S": "p"}, "number": {"N": "1"}}
    fresh = find_claims(Event._meta, {"photo": {"B": value}}, key)
    loaded = find_claims(Event._meta, {"photo": {"B": base64.b64encode(value).decode()}}, key)
    assert [*fresh] == [*loaded]


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=5, min_value=-(10**20), max_value=10**20
    ),
    st.integers(0, 5),
)
def test_numbers_have_one_text_by_value(number, zeros):
    spelled = f"{number}{'0' * zeros}"
    one = texts(t={"S": "a"}, number={"N": spelled})
    assert one == texts(t={"S": "a"}, number={"N": f"{number:E}"})


def test_long_values_have_a_digest():
    [long], [longer] = (texts(mail={"S": "a" * size}) for size in (5000, 5001))
    assert long != longer
    assert long.startswith('["mail",{"sha256":"')


def test_text_that_is_no_unicode_is_refused():
    with pytest.raises(ValidationError, match="email: it is not valid Unicode"):
        texts(mail={"S": "\ud800"})


# -- claims ----------------------------------------------------------------------------------------

UNIQUE = "users-unique"


def claim(owner="u1", mail="a@b.c"):
    [found] = find_claims(
        User._meta, {"id": {"S": owner}, "mail": {"S": mail}}, {"id": {"S": owner}}
    ).values()
    return found


def request(write):
    """Return a write of a transaction as boto3 would have it, after botocore looked at it."""
    from dynamodb_py.operations.transactions import TransactWriteItems

    [item] = checked(TransactWriteItems([write], "token"))["TransactItems"]
    return item


def spelled(payload):
    """Return a condition with names and values put in."""
    said = payload["ConditionExpression"]
    for name, value in payload["ExpressionAttributeNames"].items():
        said = said.replace(name, value)
    for name, value in payload["ExpressionAttributeValues"].items():
        said = said.replace(name, next(iter(value["M"]["id"].values())))
    return said


def test_a_sentinel_is_put_where_the_value_is_free_or_ones_own():
    put = request(claim().put(UNIQUE, "User"))["Put"]
    assert put["TableName"] == UNIQUE
    assert put["Item"] == {
        "value": {"S": '["mail","a@b.c"]'},
        "owner": {"M": {"id": {"S": "u1"}}},
        "model": {"S": "User"},
    }
    assert spelled(put) == "(attribute_not_exists(value) OR owner = u1)"
    assert put["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"


def test_anothers_sentinel_is_not_deleted():
    delete = request(claim().release(UNIQUE))["Delete"]
    assert delete["Key"] == {"value": {"S": '["mail","a@b.c"]'}}
    assert spelled(delete) == "(attribute_not_exists(value) OR owner = u1)"


def test_a_value_can_be_handed_over():
    put = request(claim("u2").handover(UNIQUE, "User", {"id": {"S": "u1"}}))["Put"]
    assert put["Item"]["owner"] == {"M": {"id": {"S": "u2"}}}
    assert spelled(put) == "(attribute_not_exists(value) OR owner = u2 OR owner = u1)"


def test_an_owner_has_one_spelling():
    wires = {"place": {"S": "p"}, "number": {"N": "1.00"}, "photo": {"B": "AQI="}}
    [found] = find_claims(
        Event._meta, wires, {name: wires[name] for name in ("place", "number")}
    ).values()
    put = request(found.put("t-unique", "Event"))["Put"]
    assert put["Item"]["owner"] == {"M": {"place": {"S": "p"}, "number": {"N": "1"}}}


@pytest.mark.parametrize(
    ("before", "after", "released", "claimed"),
    [
        ({}, {"mail": "a"}, [], ["a"]),
        ({"mail": "a"}, {}, ["a"], []),
        ({"mail": "a"}, {"mail": "a"}, [], []),
        ({"mail": "a"}, {"mail": "b"}, ["a"], ["b"]),
        ({}, {}, [], []),
    ],
)
def test_what_changes_is_released_and_claimed(before, after, released, claimed):
    def found(wires):
        wires = {name: {"S": value} for name, value in wires.items()}
        return find_claims(User._meta, wires, {"id": {"S": "u"}})

    gone, new = compare_claims(found(before), found(after))
    assert [each.wires[0]["S"] for each in gone] == released
    assert [each.wires[0]["S"] for each in new] == claimed


# -- telling ---------------------------------------------------------------------------------------


def test_what_is_taken_is_told_with_the_item_that_has_it():
    sentinel = {"value": {"S": "..."}, "owner": {"M": {"id": {"S": "u2"}}}}
    error = make_already_exists(User._meta, claim(), sentinel)
    assert isinstance(error, User.AlreadyExists)
    assert str(error).startswith("User.email: 'a@b.c' is taken by the item 'u2'; nothing was")
    assert (error.fields, error.owner, error.current) == (("email",), "u2", None)
    assert "overwrite" not in str(error)


def test_what_several_fields_have_taken_is_told_with_all_of_them():
    wires = {"id": {"S": "u"}, "t": {"S": "acme"}, "number": {"N": "7"}}
    [found] = find_claims(User._meta, wires, {"id": {"S": "u"}}).values()
    error = make_already_exists(User._meta, found)
    assert str(error).startswith("User: tenant='acme', number=7 are taken by another item;")
    assert error.fields == ("tenant", "number")
    assert error.owner is None


def test_an_owner_with_two_keys_is_a_pair():
    wires = {"place": {"S": "p"}, "number": {"N": "1"}, "photo": {"B": "AQI="}}
    [found] = find_claims(
        Event._meta, wires, {name: wires[name] for name in ("place", "number")}
    ).values()
    owner = {"place": {"S": "q"}, "number": {"N": "2"}}
    assert make_already_exists(Event._meta, found, {"owner": {"M": owner}}).owner == ("q", 2)


@pytest.mark.parametrize(
    "sentinel", [{}, {"owner": {"S": "u"}}, {"owner": {"M": {"x": {"S": "u"}}}}]
)
def test_an_owner_that_cannot_be_told_is_another_item(sentinel):
    error = make_already_exists(User._meta, claim(), sentinel)
    assert error.owner is None
    assert "taken by another item" in str(error)


def test_what_is_known_of_the_request_is_kept():
    body = {"CancellationReasons": [{"Code": "ConditionalCheckFailed"}]}
    cause = make_service_error("TransactionCanceledException", "no", body=body)
    cause.operation, cause.table, cause.request_id, cause.attempts = (
        "TransactWriteItems",
        "t",
        "r",
        2,
    )
    error = make_already_exists(User._meta, claim(), None, cause)
    assert isinstance(error, ConditionFailed)
    assert (error.operation, error.request_id, error.attempts, error.code) == (
        "TransactWriteItems",
        "r",
        2,
        "TransactionCanceledException",
    )
    assert not hasattr(error, "reasons")
    for same in (copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert (str(same), same.fields) == (str(error), ("email",))


def test_of_a_key_there_are_no_fields():
    error = AlreadyExists("it is there")
    assert (error.fields, error.owner) == ((), None)


def test_claims_can_be_spelled_to_send_again_after_loading():
    wires = msgspec.json.decode(msgspec.json.encode({"photo": {"B": b"\x01"}}))
    key = {"place": {"S": "p"}, "number": {"N": "1"}}
    [found] = find_claims(Event._meta, wires, key).values()
    assert request(found.put("t-unique", "Event"))["Put"]["Item"]["value"] == {
        "S": '["photo",{"B":"AQ=="}]'
    }


def test_a_duration_is_unique_however_it_is_spelled():
    from dynamodb_py import TimeDeltaField

    meta = model_of(TimeDeltaField(unique=True))._meta
    key = {"k": {"S": "a"}}
    [one] = of(model_of(TimeDeltaField(unique=True)), k="a", x=timedelta(hours=36))
    assert [*find_claims(meta, {"x": {"S": "P1DT12H"}}, key)] == [one]
    assert [*find_claims(meta, {"x": {"S": "PT36H"}}, key)] == [one]
