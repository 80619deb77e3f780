"""What was encoded is read back, botocore would send it, and boto3 reads the same: property by property."""

from __future__ import annotations

import enum
import math
from datetime import timezone
from decimal import Decimal

import pytest
from boto3.dynamodb.types import TypeDeserializer
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
    TimeDeltaField,
    TimeField,
    TimestampField,
    UUIDField,
    compat,
)
from dynamodb_py.codec import from_json, to_json
from dynamodb_py.models.persistence.stored import encode_item, stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write
from dynamodb_py.models.records.encoding import encode_fields

from ...expressions.spelling import check_request
from ...test_codec import FREE, TEXTS, as_read

UTC = timezone.utc


class Colour(enum.Enum):
    RED = "r"
    GREEN = "g"


class Address(Document):
    city = CharField()
    floor = IntegerField(default=0)
    tags = SetField()
    more = DictField()


INTEGERS = st.integers(-(10**38) + 1, 10**38 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda x: not x or 1e-129 < abs(x) < 1e126
)
DECIMALS = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent),
    st.integers(-(10**28) + 1, 10**28 - 1),
    st.integers(-100, 90),
)
FREE_JSON = st.recursive(
    st.booleans() | st.integers() | TEXTS,
    lambda x: st.lists(x) | st.dictionaries(TEXTS, x),
    max_leaves=5,
)
MOMENTS = st.datetimes(timezones=st.just(UTC))
ADDRESSES = st.builds(
    lambda **values: Address(**values),
    city=st.none() | TEXTS,
    floor=INTEGERS,
    tags=st.sets(TEXTS, max_size=3),
    more=st.none() | st.dictionaries(TEXTS, FREE, max_size=3).map(as_read),
)

KINDS = {
    "text": (CharField(), TEXTS),
    "int": (IntegerField(), INTEGERS),
    "float": (FloatField(), FLOATS),
    "decimal": (DecimalField(), DECIMALS),
    "bool": (BooleanField(), st.booleans()),
    "bytes": (BinaryField(), st.binary(max_size=20)),
    "uuid": (UUIDField(), st.uuids()),
    "enum": (EnumField(Colour), st.sampled_from(Colour)),
    "datetime": (DateTimeField(), MOMENTS),
    "formatted": (DateTimeField(format="%d.%m.%YT%H:%M:%S.%f%z"), MOMENTS),
    "formatted date": (DateField(format="%d.%m.%Y"), st.dates()),
    "json": (compat.pynamodb.JSONField(), FREE_JSON),
    "base64": (compat.pynamodb.LegacyBinaryField(), st.binary(max_size=20)),
    "number bool": (compat.pynamodb.LegacyBooleanField(), st.booleans()),
    "day number": (compat.dynamoid.DateField(), st.dates()),
    "binary float": (compat.flywheel.FloatField(), FLOATS),
    "timestamp": (TimestampField(), MOMENTS),
    "date": (DateField(), st.dates()),
    "time": (TimeField(), st.times()),
    "span": (TimeDeltaField(), st.timedeltas()),
    "seconds": (TimeDeltaField(storage="seconds"), st.timedeltas()),
    "texts": (SetField(), st.sets(TEXTS, max_size=4)),
    "ints": (SetField(int), st.sets(INTEGERS, max_size=4)),
    "floats": (SetField(float), st.sets(FLOATS, max_size=4)),
    "decimals": (SetField(Decimal), st.sets(DECIMALS, max_size=4)),
    "blobs": (SetField(bytes), st.sets(st.binary(max_size=4), max_size=4)),
    "moments": (SetField(DateTimeField()), st.sets(MOMENTS, max_size=3)),
    "list": (ListField(), st.lists(FREE, max_size=4).map(as_read)),
    "list of int": (ListField(int), st.lists(INTEGERS, max_size=4)),
    "list of dates": (ListField(DateField(null=True)), st.lists(st.none() | st.dates(), max_size=4)),
    "list of lists": (ListField(ListField(FloatField())), st.lists(st.lists(FLOATS, max_size=3), max_size=3)),
    "list of documents": (ListField(Address), st.lists(ADDRESSES, max_size=3)),
    "dict": (DictField(), st.dictionaries(TEXTS, FREE, max_size=4).map(as_read)),
    "dict of bytes": (DictField(bytes), st.dictionaries(TEXTS, st.binary(max_size=4), max_size=4)),
    "map": (MapField({"n": DecimalField(), "at": DateField()}), st.fixed_dictionaries({"n": DECIMALS, "at": st.dates()}, optional={"more": FREE.map(as_read)})),
    "document": (EmbeddedField(Address), ADDRESSES),
}  # fmt: skip
NULLABLE = {
    "null text": (CharField(null=True), st.none() | TEXTS),
    "null int": (IntegerField(null=True), st.none() | INTEGERS),
    "null list": (ListField(int, null=True), st.none() | st.lists(INTEGERS, max_size=3)),
    "null document": (EmbeddedField(Address, null=True), st.none() | ADDRESSES),
}
ALL = {**KINDS, **NULLABLE}


def model_with(kinds):
    fields = {f"f{at}": field for at, (field, _) in enumerate(kinds)}
    return type("Every", (Model,), {"k": CharField(hash_key=True), **fields})


ONE_EACH = {name: model_with([kind]) for name, kind in ALL.items()}
EVERY = model_with(ALL.values())
VALUES = st.fixed_dictionaries(
    {}, optional={f"f{at}": st.none() | values for at, (_, values) in enumerate(ALL.values())}
)


def same(one, other):
    if isinstance(one, float):
        return type(other) is float and (one == other or math.isclose(one, other, rel_tol=0))
    return one == other and type(one) is type(other)


@pytest.mark.parametrize("name", ALL)
@given(data=st.data())
def test_decoding_gives_back_what_was_encoded(name, data):
    model, (field, values) = ONE_EACH[name], ALL[name]
    value = data.draw(values)
    instance = model(k="a", f0=value)
    wires = encode_fields(instance, adding=True)
    check_request("PutItem", {"TableName": "test", "Item": wires})
    loaded = model.from_db(encode_item(instance))
    assert same(loaded.f0, value)
    assert changes_to_write(loaded, stored_wires(loaded), validate=True) == {}
    # boto3 reads what was sent; and what boto3 gives back as it came is read.
    for wire in wires.values():
        TypeDeserializer().deserialize(wire)
    assert same(model.from_db(wires).f0, value)
    assert encode_item(model.from_dict(model.from_db(wires).to_dict())) == encode_item(instance)
    if field.kind in ("S", "N", "B", "BOOL") and value is not None:
        assert same(model.f0.decode(model.f0.encode(value)), value)


WIRES = st.one_of(
    st.fixed_dictionaries({"S": TEXTS | st.sampled_from(["r", "2026-01-02", "P1D", "12:00"])}),
    st.fixed_dictionaries({"N": INTEGERS.map(str) | st.sampled_from(["1.5", "1E+2", "-0", "x"])}),
    st.fixed_dictionaries({"BOOL": st.booleans()}),
    st.just({"NULL": True}),
    st.just({"B": "AQI="}),
    st.fixed_dictionaries({"SS": st.lists(TEXTS, min_size=1, max_size=3, unique=True)}),
    st.fixed_dictionaries({"NS": st.lists(INTEGERS.map(str), min_size=1, max_size=3, unique=True)}),
    st.just({"L": [{"N": "1"}]}),
    st.just({"L": [{"S": "x"}, {"NULL": True}]}),
    st.just({"M": {}}),
    st.just({"M": {"city": {"S": "x"}, "n": {"N": "1"}}}),
    st.just({"M": {"city": {"N": "1"}, "n": {"S": "1"}}}),
)


def outcome(read):
    """Return what reading gives: values, with documents as what they say; or the kind of error."""
    try:
        value = read()
    except ValueError as error:
        return type(error).__name__
    return value


def plainly(value):
    if isinstance(value, Document):
        return {
            name: outcome(lambda name=name: getattr(value, name))
            for name in value._fieldset.by_name
        }
    if isinstance(value, list):
        return [plainly(each) for each in value]
    return value


@given(
    st.dictionaries(st.sampled_from(["k", "other", *EVERY._fieldset.by_name]), WIRES, max_size=6)
)
def test_the_compiled_reader_and_the_one_by_one_reader_agree(item):
    stored = to_json(item)
    values, unreadable = EVERY._fieldset.read_one_by_one(stored)
    assert values.keys() | unreadable.keys() == item.keys() - {"other"}
    for name in item.keys() - {"other"}:
        # Alone in its item, each attribute goes through the compiled reader.
        alone = EVERY.from_db({name: item[name]})
        found = outcome(lambda name=name, alone=alone: getattr(alone, name))
        if name in unreadable:
            assert found == "UnreadableValue"
        else:
            assert plainly(found) == plainly(values[name])
            assert type(found) is type(values[name])
    together = EVERY.from_db(stored)
    for name, value in values.items():
        assert plainly(getattr(together, name)) == plainly(value)
    for name in unreadable:
        assert outcome(lambda name=name: getattr(together, name)) == "UnreadableValue"


@given(VALUES)
def test_an_item_of_every_type_is_read_back_and_nothing_of_it_changed(values):
    new = EVERY(k="a", **values)
    item = encode_item(new)
    loaded = EVERY.from_db(item)
    assert loaded.to_dict() == new.to_dict() or any(value is None for value in values.values())
    assert changes_to_write(loaded, stored_wires(loaded), validate=True) == {}
    assert from_json(encode_item(loaded)) == from_json(item)
    assert {name: field for name, field in from_json(item).items() if name == "k"} == {
        "k": {"S": "a"}
    }


@given(VALUES, VALUES)
def test_applying_the_changes_gives_the_item_that_would_be_put_whole(before, after):
    loaded = EVERY.from_db(encode_item(EVERY(k="a", **before)))
    for name, value in after.items():
        setattr(loaded, name, value)
    stored = stored_wires(loaded)
    changes = changes_to_write(loaded, stored, validate=True)
    updated = {name: wire for name, wire in {**stored, **changes}.items() if wire is not None}
    whole = encode_item(loaded)
    # Defaults that were only read are in the whole item, and not among the changes.
    found = EVERY.from_db(to_json(updated))
    assert {n: plainly(v) for n, v in found.to_dict().items()} == {
        n: plainly(v) for n, v in EVERY.from_db(whole).to_dict().items()
    }
    assert changes.keys() <= {field.attribute for field in EVERY._fieldset}
