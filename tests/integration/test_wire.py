"""What stands in the table is what the documentation's table says, whoever wrote it."""

from __future__ import annotations

import enum
import math
import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dynamodb_py import (
    BinaryField,
    BooleanField,
    CharField,
    CounterField,
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
    TextField,
    TimeDeltaField,
    TimeField,
    TimestampField,
    UnreadableValue,
    UUIDField,
)
from dynamodb_py.models.persistence.stored import stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write
from dynamodb_py.models.records.encoding import encode_fields

from ..engines import ACCESS_KEY, EMBEDDED, REGION, SECRET_KEY, send_to_embedded

UTC = timezone.utc
EAST = timezone(timedelta(hours=2))


class Colour(enum.Enum):
    RED = "r"
    GREEN = "g"


class Size(enum.Enum):
    SMALL = 1
    LARGE = 2


class Address(Document):
    city = CharField()
    zip = CharField(name="zip-code")
    floor = IntegerField(default=0)


class Owner(Model):
    name = CharField(hash_key=True)


class Lease(Model):
    class Meta:
        table_name = "leases"

    house = CharField(name="h", hash_key=True)
    flat = IntegerField(name="f", range_key=True)


class Thing(Model):
    class Meta:
        table_name = "things"

    key = CharField(name="k", hash_key=True)
    char = CharField()
    text = TextField()
    integer = IntegerField()
    counter = CounterField(default=None)
    real = FloatField()
    decimal = DecimalField()
    boolean = BooleanField()
    binary = BinaryField()
    moment = DateTimeField()
    paris = DateTimeField(tz="Europe/Paris")
    day = DateField()
    clock = TimeField()
    span = TimeDeltaField()
    seconds = TimeDeltaField(storage="seconds")
    stamp = TimestampField()
    unique = UUIDField()
    colour = EnumField(Colour)
    size = EnumField(Size)
    texts = SetField()
    ints = SetField(int)
    decimals = SetField(Decimal)
    floats = SetField(float)
    blobs = SetField(bytes)
    days = SetField(DateField())
    free = ListField()
    numbers = ListField(int)
    moments = ListField(DateTimeField())
    nested = ListField(ListField(float))
    doc = DictField()
    counts = DictField(int)
    line = MapField({"qty": IntegerField(), "due": DateField()})
    address = EmbeddedField(Address)
    addresses = ListField(Address)
    by_name = DictField(Address)
    owners = ListField(Owner)
    leases = ListField(Lease)
    nothing = CharField(null=True)
    renamed = CharField(name="größe.x")


class Binary(Model):
    """With bytes and a number as keys."""

    class Meta:
        table_name = "binaries"

    code = BinaryField(hash_key=True)
    at = DecimalField(range_key=True)
    note = CharField()


TABLES = [Thing, Binary]

# Of each field a value, and how it is spelled: every row of the documentation's table.
ROWS = [
    ("char", "gs1", {"S": "gs1"}),
    ("char", "", {"S": ""}),
    ("char", "größe \U0001f600 \x00 \"'\\", {"S": "größe \U0001f600 \x00 \"'\\"}),
    ("text", "long", {"S": "long"}),
    ("integer", 0, {"N": "0"}),
    ("integer", -7, {"N": "-7"}),
    ("integer", 10**38 - 1, {"N": "9" * 38}),
    ("counter", 3, {"N": "3"}),
    ("real", 99.99, {"N": "99.99"}),
    ("real", 0.1, {"N": "0.1"}),
    ("real", 2.0, {"N": "2"}),
    ("real", -1e-7, {"N": "-0.0000001"}),
    ("real", 7, {"N": "7"}),
    ("decimal", Decimal("12.50"), {"N": "12.5"}),
    ("decimal", Decimal("0." + "1" * 38), {"N": "0." + "1" * 38}),
    ("decimal", Decimal(-3), {"N": "-3"}),
    ("boolean", True, {"BOOL": True}),
    ("boolean", False, {"BOOL": False}),
    ("binary", b"\x00\xffraw", {"B": b"\x00\xffraw"}),
    ("binary", b"", {"B": b""}),
    ("moment", datetime(2026, 11, 1, tzinfo=UTC), {"S": "2026-11-01T00:00:00.000000+00:00"}),
    ("moment", datetime(1, 1, 1, 1, tzinfo=UTC), {"S": "0001-01-01T01:00:00.000000+00:00"}),
    ("day", date(2026, 11, 1), {"S": "2026-11-01"}),
    ("clock", time(9, 30), {"S": "09:30:00.000000"}),
    ("clock", time(9, 30, 1, 2, tzinfo=UTC), {"S": "09:30:01.000002+00:00"}),
    ("span", timedelta(days=1, hours=2), {"S": "P1DT2H"}),
    ("span", timedelta(0), {"S": "PT0S"}),
    ("span", -timedelta(seconds=1.5), {"S": "-PT1.5S"}),
    ("seconds", timedelta(days=1), {"N": "86400"}),
    ("seconds", timedelta(microseconds=-5), {"N": "-0.000005"}),
    ("stamp", datetime(2026, 11, 1, tzinfo=UTC), {"N": "1793491200"}),
    ("stamp", datetime(1969, 12, 31, 23, 59, 59, 500000, UTC), {"N": "-0.5"}),
    ("unique", uuid.UUID(int=1), {"S": "00000000-0000-0000-0000-000000000001"}),
    ("colour", Colour.RED, {"S": "r"}),
    ("size", Size.LARGE, {"S": "LARGE"}),
    ("texts", {"b", "a"}, {"SS": ["a", "b"]}),
    ("texts", set(), None),
    ("ints", {2, 10}, {"NS": ["10", "2"]}),
    ("decimals", {Decimal("1.5")}, {"NS": ["1.5"]}),
    ("floats", {0.1, 2.0}, {"NS": ["0.1", "2"]}),
    ("blobs", {b"\xff", b"a"}, {"BS": [b"a", b"\xff"]}),
    ("days", {date(2026, 1, 2)}, {"SS": ["2026-01-02"]}),
    ("free", [], {"L": []}),
    (
        "free",
        [None, True, 1, 0.1, "", b"b", [], {}, {"x"}],
        {
            "L": [
                {"NULL": True},
                {"BOOL": True},
                {"N": "1"},
                {"N": "0.1"},
                {"S": ""},
                {"B": b"b"},
                {"L": []},
                {"M": {}},
                {"SS": ["x"]},
            ]
        },
    ),
    ("numbers", [3, 1, 3], {"L": [{"N": "3"}, {"N": "1"}, {"N": "3"}]}),
    (
        "moments",
        [datetime(2026, 1, 1, tzinfo=UTC)],
        {"L": [{"S": "2026-01-01T00:00:00.000000+00:00"}]},
    ),
    ("nested", [[0.5], []], {"L": [{"L": [{"N": "0.5"}]}, {"L": []}]}),
    (
        "doc",
        {"n": 1, "a.b": {"c": [1.1, {"d": None}]}, "größe": {1, 2}},
        {
            "M": {
                "n": {"N": "1"},
                "a.b": {"M": {"c": {"L": [{"N": "1.1"}, {"M": {"d": {"NULL": True}}}]}}},
                "größe": {"NS": ["1", "2"]},
            }
        },
    ),
    ("counts", {"a": 1}, {"M": {"a": {"N": "1"}}}),
    (
        "line",
        {"qty": 2, "due": date(2026, 1, 2), "note": "x"},
        {"M": {"qty": {"N": "2"}, "due": {"S": "2026-01-02"}, "note": {"S": "x"}}},
    ),
    (
        "address",
        Address(city="Lyon", zip="69001"),
        {"M": {"city": {"S": "Lyon"}, "zip-code": {"S": "69001"}, "floor": {"N": "0"}}},
    ),
    (
        "addresses",
        [Address(city="Lyon"), Address(floor=2)],
        {"L": [{"M": {"city": {"S": "Lyon"}, "floor": {"N": "0"}}}, {"M": {"floor": {"N": "2"}}}]},
    ),
    (
        "by_name",
        {"home": Address(city="Lyon")},
        {"M": {"home": {"M": {"city": {"S": "Lyon"}, "floor": {"N": "0"}}}}},
    ),
    ("owners", [Owner(name="ann"), Owner(name="bob")], {"L": [{"S": "ann"}, {"S": "bob"}]}),
    (
        "leases",
        [Lease(house="h1", flat=2)],
        {"L": [{"M": {"h": {"S": "h1"}, "f": {"N": "2"}}}]},
    ),
    ("nothing", None, {"NULL": True}),
    ("nothing", "", {"S": ""}),
    ("char", None, None),
    ("renamed", "x", {"S": "x"}),
]


def ordered(wire):
    """Return an attribute value with its sets in order, which DynamoDB does not keep."""
    if wire is None:
        return None
    ((kind, value),) = wire.items()
    if kind in ("SS", "NS", "BS"):
        return {kind: sorted(value)}
    if kind == "L":
        return {kind: [ordered(each) for each in value]}
    if kind == "M":
        return {kind: {name: ordered(each) for name, each in value.items()}}
    return wire


def attribute(name):
    return Thing._meta.get_field(name).attribute


def test_a_value_is_stored_as_the_table_says(engine, do, stored, key, subtests):
    for name, value, wire in ROWS:
        with subtests.test(name, value=value):
            thing = Thing(key=key, **{name: value})
            do(thing.save)
            item = stored(thing)
            assert ordered(item.get(attribute(name))) == wire
            assert item.keys() - {attribute(name), "nothing"} == {"k"}

            read = getattr(do(Thing.get, key), name)
            assert read == value
            if name != "real":  # where an int is taken too
                assert type(read) is type(value)
            if isinstance(value, (datetime, time)):
                assert read.utcoffset() == value.utcoffset()


def test_what_boto3_wrote_is_read(engine, do, put, key, subtests):
    for name, value, wire in ROWS:
        with subtests.test(name, value=value):
            put(Thing, {"k": {"S": key}} | ({} if wire is None else {attribute(name): wire}))
            assert getattr(do(Thing.get, key), name) == value


# What others may have written, which is not how it is written here.
FOREIGN = [
    ("moment", {"S": "2026-11-01"}, datetime(2026, 11, 1, tzinfo=UTC)),
    ("moment", {"S": "20261101T123000Z"}, datetime(2026, 11, 1, 12, 30, tzinfo=UTC)),
    ("moment", {"S": "2026-11-01T12:30:00+02:00"}, datetime(2026, 11, 1, 10, 30, tzinfo=UTC)),
    ("moment", {"S": "2026-11-01 12:30:00.25"}, datetime(2026, 11, 1, 12, 30, 0, 250000, UTC)),
    ("moment", {"S": "2026-W44-7"}, datetime(2026, 11, 1, tzinfo=UTC)),
    ("paris", {"S": "2026-07-01T00:00:00Z"}, datetime(2026, 7, 1, 2, tzinfo=EAST)),
    ("day", {"S": "20261101"}, date(2026, 11, 1)),
    ("clock", {"S": "0930"}, time(9, 30)),
    ("span", {"S": "P1W"}, timedelta(weeks=1)),
    ("span", {"S": "PT0,5H"}, timedelta(minutes=30)),
    ("stamp", {"N": "1793491200.000"}, datetime(2026, 11, 1, tzinfo=UTC)),
    ("integer", {"N": "1E+2"}, 100),
    ("integer", {"N": "7.0"}, 7),
    ("real", {"N": "1E2"}, 100.0),
    ("decimal", {"N": "1.10"}, Decimal("1.1")),
    ("unique", {"S": "00000000000000000000000000000001"}, uuid.UUID(int=1)),
    ("doc", {"M": {"n": {"N": "1.0"}, "e": {"N": "1E2"}}}, {"n": 1, "e": 100}),
    ("char", {"NULL": True}, None),
    ("integer", {"NULL": True}, None),
    ("numbers", {"NULL": True}, None),
    ("address", {"NULL": True}, None),
    ("texts", {"NULL": True}, None),
    ("ints", {"NS": ["1", "2.0"]}, {1, 2}),
    ("numbers", {"L": [{"N": "1.0"}]}, [1]),
    ("numbers", {"L": [{"N": "1"}, {"NULL": True}]}, [1, None]),
    ("counts", {"M": {"a": {"NULL": True}}}, {"a": None}),
]


def test_what_others_spell_otherwise_is_read_and_is_no_change(engine, do, put, sent, key, subtests):
    for name, wire, value in FOREIGN:
        with subtests.test(name, wire=wire):
            put(Thing, {"k": {"S": key}, name: wire})
            thing = do(Thing.get, key)
            assert getattr(thing, name) == value
            sent.clear()
            do(thing.save)
            assert sent.calls == []


WRONG = [
    ("integer", {"S": "seven"}),
    ("integer", {"N": "7.5"}),
    ("char", {"N": "7"}),
    ("moment", {"S": "yesterday"}),
    ("moment", {"N": "7"}),
    ("span", {"S": "P1M"}),
    ("colour", {"S": "blue"}),
    ("unique", {"S": "1"}),
    ("boolean", {"S": "true"}),
    ("texts", {"L": [{"S": "a"}]}),
    ("numbers", {"L": [{"S": "a"}]}),
    ("address", {"S": "Lyon"}),
    ("addresses", {"L": [{"S": "Lyon"}]}),
    ("counts", {"M": {"a": {"S": "x"}}}),
]


def test_what_is_of_another_type_is_told_and_kept(engine, do, put, stored, key, subtests):
    for name, wire in WRONG:
        with subtests.test(name, wire=wire):
            item = {"k": {"S": key}, name: wire, "text": {"S": "fine"}}
            put(Thing, item)
            thing = do(Thing.get, key)
            assert thing.text == "fine"
            with pytest.raises(UnreadableValue, match=f"Thing.{name}"):
                getattr(thing, name)
            thing.text = "changed"
            do(thing.save)
            assert stored(thing) == item | {"text": {"S": "changed"}}
            do(thing.save, overwrite=True)
            assert stored(thing).items() >= {name: wire, "text": {"S": "changed"}}.items()
            with pytest.raises(UnreadableValue):
                getattr(thing, name)
            thing.text = "again"
            do(thing.save)
            do(do(Thing.get, key).save, overwrite=True)
            assert stored(thing).items() >= {name: wire, "text": {"S": "again"}}.items()


def test_moments_are_stored_in_utc_and_read_in_their_zone(engine, do, stored, key):
    noon = datetime(2026, 7, 1, 12)
    thing = do(Thing.create, key=key, moment=noon.replace(tzinfo=EAST), paris=noon)
    item = stored(thing)
    assert item["moment"] == {"S": "2026-07-01T10:00:00.000000+00:00"}
    assert item["paris"] == {"S": "2026-07-01T12:00:00.000000+00:00"}
    read = do(Thing.get, key)
    assert (read.moment.hour, read.moment.utcoffset()) == (10, timedelta(0))
    assert (read.paris.hour, read.paris.utcoffset()) == (14, timedelta(hours=2))


def test_stored_moments_sort_as_text_does(engine, do, stored, key):
    moments = [
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, 0, 1, UTC),
        datetime(2026, 1, 1, 3, tzinfo=EAST),
        datetime(2026, 1, 1, 2),
    ]
    thing = do(Thing.create, key=key, moments=moments)
    texts = [each["S"] for each in stored(thing)["moments"]["L"]]
    assert texts == sorted(texts)


def test_bytes_and_decimals_are_keys(engine, do, stored):
    code, at = uuid.uuid4().bytes, Decimal("0.10")
    made = do(Binary.create, code=code, at=at, note="x")
    assert stored(made) == {"code": {"B": code}, "at": {"N": "0.1"}, "note": {"S": "x"}}
    assert do(Binary.get, code, Decimal("0.1")).note == "x"
    read = do(Binary.objects.get, code=code, at=at)
    assert (read.code, read.at) == (code, at)
    read.note = "y"
    do(read.save)
    assert stored(made)["note"] == {"S": "y"}
    [again] = do(Binary.batch_get, (code, at), (code, 7))
    assert again == read
    do(Binary.objects.bulk_delete, [again])
    assert stored(made) is None


class Keyed(Model):
    """The table of the models below, which differ in what their keys are to Python."""

    class Meta:
        table_name = "keyed"

    hash = CharField(name="h", hash_key=True)
    range = IntegerField(name="r", range_key=True)


TABLES.append(Keyed)

HASHES = [
    (CharField(name="h", hash_key=True), "größe \U0001f600", "größe \U0001f600"),
    (UUIDField(name="h", hash_key=True), uuid.UUID(int=7), str(uuid.UUID(int=7))),
    (EnumField(Colour, name="h", hash_key=True), Colour.GREEN, "g"),
    (DateField(name="h", hash_key=True), date(2026, 1, 2), "2026-01-02"),
    (
        DateTimeField(name="h", hash_key=True),
        datetime(2026, 1, 2, tzinfo=UTC),
        "2026-01-02T00:00:00.000000+00:00",
    ),
    (TimeField(name="h", hash_key=True), time(9, 30), "09:30:00.000000"),
    (TimeDeltaField(name="h", hash_key=True), timedelta(days=1), "P1D"),
]
RANGES = [
    (IntegerField(name="r", range_key=True), [-(10**37), -1, 0, 2, 10, 10**37]),
    (FloatField(name="r", range_key=True), [-1e100, -0.1, 0.0, 1e-100, 0.1, 2.0, 10.5]),
    (DecimalField(name="r", range_key=True), [Decimal("-1.10"), Decimal(0), Decimal("1E+30")]),
    (
        TimestampField(name="r", range_key=True),
        [datetime(1960, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 5, UTC)],
    ),
    (
        TimeDeltaField(name="r", range_key=True, storage="seconds"),
        [timedelta(-1), timedelta(microseconds=1), timedelta(2)],
    ),
]


def keyed(hash_field, range_field):
    """Make a model of the table with these keys."""

    class Meta:
        table_name = "keyed"

    fields = {"hash": hash_field, "range": range_field, "note": CharField()}
    return type("Keyed", (Model,), {"Meta": Meta, "__module__": __name__, **fields})


def test_every_type_that_can_be_a_key_is_one(engine, do, stored, subtests):
    for number, (field, value, text) in enumerate(HASHES):
        with subtests.test(type(field).__name__):
            model = keyed(field, IntegerField(name="r", range_key=True))
            item = do(model.create, hash=value, range=number, overwrite=True)
            assert stored(item)["h"] == {"S": text}
            assert do(model.get, value, number) == item
            assert do(model.get, hash=value, range=number).hash == value
            assert do(model.batch_get, (value, number), (value, 99)) == [item]
            assert do.list(model.objects.filter(hash=value)) == [item]
            item.note = "x"
            do(item.save)
            do(item.delete)
            assert do(model.get, value, number) is None


def test_range_keys_of_every_type_sort_by_value(engine, do, subtests):
    for field, values in RANGES:
        with subtests.test(type(field).__name__):
            name = f"{type(field).__name__}-{do.mode}"
            model = keyed(CharField(name="h", hash_key=True), field)
            given = [model(hash=name, range=value) for value in reversed(values)]
            do(model.batch_write, given)
            rows = model.objects.filter(hash=name)
            assert [row.range for row in do.list(rows)] == values
            assert [row.range for row in do.list(rows.filter(range__gt=values[0]))] == values[1:]
            assert do(model.get, name, values[1]).range == values[1]
            found = do(model.batch_get, *((name, value) for value in values))
            assert [row.range for row in found] == values
            do(model.objects.bulk_delete, found)
            assert do.list(rows.all()) == []


def test_what_boto3s_resource_wrote_is_read(engine, do, key):
    import boto3

    resource = boto3.resource(
        "dynamodb",
        region_name=REGION,
        endpoint_url=engine.endpoint_url,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    if engine.name == EMBEDDED:
        send_to_embedded(resource.meta.client)
    given = {
        "char": "text",
        "integer": 7,
        "real": Decimal("99.99"),
        "decimal": Decimal("1.10"),
        "boolean": True,
        "binary": b"\x00\xff",
        "texts": {"a", "b"},
        "ints": {1, 2},
        "blobs": {b"a"},
        "free": [1, Decimal("0.1"), None, {"x"}],
        "doc": {"a": {"b": [Decimal("1.5"), b"x"]}},
        "nothing": None,
    }
    resource.Table(engine.table_name("things")).put_item(Item={"k": key} | given)
    resource.meta.client.close()
    read = do(Thing.get, key)
    wanted = given | {"real": 99.99, "free": [1, 0.1, None, {"x"}]}
    wanted["doc"] = {"a": {"b": [1.5, b"x"]}}
    assert {name: getattr(read, name) for name in given} == wanted
    assert isinstance(read.decimal, Decimal)


def test_undeclared_attributes_of_every_type_are_kept(engine, do, put, stored, key):
    others = {
        "s": {"S": ""},
        "n": {"N": "1.5"},
        "b": {"B": b"\x00\xff"},
        "bool": {"BOOL": False},
        "null": {"NULL": True},
        "ss": {"SS": ["a"]},
        "ns": {"NS": ["1"]},
        "bs": {"BS": [b"\xff"]},
        "l": {"L": [{"B": b"x"}, {"M": {}}]},
        "m": {"M": {"deep": {"BS": [b"y"]}, "#": {"S": "x"}}},
    }
    put(Thing, {"k": {"S": key}, "text": {"S": "old"}} | others)
    thing = do(Thing.get, key)
    assert thing.extra["m"] == {"deep": {b"y"}, "#": "x"}
    assert (thing.extra["b"], thing.extra["null"]) == (b"\x00\xff", None)
    thing.text = "new"
    do(thing.save)
    assert stored(thing) == {"k": {"S": key}, "text": {"S": "new"}} | others
    do(thing.save, overwrite=True)
    assert (
        stored(thing)
        == {
            "k": {"S": key},
            "text": {"S": "new"},
            "nothing": {"NULL": True},
        }
        | others
    )


# -- every value, there and back --------------------------------------------------------------

PROPERTY = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # to shrink through a server takes minutes
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.large_base_example,
    ],
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
integers = st.integers(-(10**38) + 1, 10**38 - 1) | st.integers(-100, 100)
floats = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda value: value == 0 or -129 < math.log10(abs(value)) < 125
)
decimals = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent),
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.integers(-60, 60),
)
names = texts.filter(bool)  # of attributes, keys of maps, elements of sets: none may be empty
blobs = st.binary(max_size=12)
offsets = st.sampled_from([None, UTC, EAST, timezone(-timedelta(hours=11, minutes=30))])
moments = st.datetimes(datetime(1000, 1, 1), datetime(9998, 1, 1), timezones=offsets)
spans = st.timedeltas(-timedelta(days=10**6), timedelta(days=10**6))
scalars = st.none() | st.booleans() | integers | floats | texts | blobs
members = scalars | st.sets(texts.filter(bool), min_size=1, max_size=3)
members |= st.sets(integers, min_size=1, max_size=3) | st.sets(blobs.filter(bool), min_size=1)
documents = st.recursive(
    members,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
addresses = st.builds(Address, city=texts, zip=st.none() | texts, floor=integers)

STRATEGIES = {
    "char": texts,
    "text": texts,
    "integer": integers,
    "counter": integers,
    "real": floats,
    "decimal": decimals,
    "boolean": st.booleans(),
    "binary": blobs,
    "moment": moments,
    "paris": moments,
    "day": st.dates(),
    "clock": st.times(),
    "span": spans,
    "seconds": spans,
    "stamp": moments,
    "unique": st.uuids(),
    "colour": st.sampled_from(Colour),
    "size": st.sampled_from(Size),
    "texts": st.sets(names, max_size=4),
    "ints": st.sets(integers, max_size=4),
    "decimals": st.sets(decimals, max_size=4),
    "floats": st.sets(floats, max_size=4),
    "blobs": st.sets(blobs.filter(bool), max_size=4),
    "days": st.sets(st.dates(), max_size=4),
    "free": st.lists(documents, max_size=4),
    "numbers": st.lists(integers, max_size=4),
    "moments": st.lists(moments, max_size=3),
    "nested": st.lists(st.lists(floats, max_size=3), max_size=3),
    "doc": st.dictionaries(names, documents, max_size=4),
    "counts": st.dictionaries(names, integers, max_size=4),
    "line": st.fixed_dictionaries({"qty": integers, "due": st.dates()}),
    "address": addresses,
    "addresses": st.lists(addresses, max_size=3),
    "by_name": st.dictionaries(names, addresses, max_size=3),
    "owners": st.lists(st.builds(Owner, name=names), max_size=3),
    "leases": st.lists(st.builds(Lease, house=names, flat=integers), max_size=3),
    "nothing": st.none() | texts,
    "renamed": texts,
}


def test_every_field_has_a_strategy():
    assert STRATEGIES.keys() | {"key"} == Thing._fieldset.by_name.keys()
    assert {name for name, _, _ in ROWS} | {"key", "paris"} == STRATEGIES.keys() | {"key"}


def exact(value):
    """Return what *value* says: no bool is a number, and a number is what its text says.

    A float in a free document may be read as the int that its shortest text spells.
    """
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)):
        return Decimal(repr(value))
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    if isinstance(value, (list, set)):
        return type(value)(map(exact, value))
    if isinstance(value, dict):
        return {name: exact(each) for name, each in value.items()}
    return value


def values_of(thing):
    return {name: exact(getattr(thing, name)) for name in STRATEGIES}


@PROPERTY
@given(values=st.fixed_dictionaries({}, optional=STRATEGIES))
def test_every_value_comes_back_and_is_read_as_it_was_written(engine, put, stored, values):
    """What boto3 reads of it, boto3 writes under another key, and that is read here."""
    thing = Thing.create(key="all", overwrite=True, **values)
    said = values_of(thing)
    assert said == {name: exact(getattr(Thing(key="all", **values), name)) for name in said}

    assert values_of(Thing.get("all", consistent=True)) == said

    item = stored(thing)
    wires = encode_fields(thing, adding=False)
    assert {n: numeric(w) for n, w in item.items()} == {n: numeric(w) for n, w in wires.items()}
    put(Thing, item | {"k": {"S": "copy"}})
    copy = Thing.get("copy", consistent=True)
    assert values_of(copy) == said
    assert changes_to_write(copy, stored_wires(copy), validate=True) == {}


def numeric(wire):
    """Return an attribute value with numbers as Decimals, which engines spell in different ways."""
    ((kind, value),) = wire.items()
    if kind == "N":
        return kind, Decimal(value)
    if kind == "NS":
        return kind, {Decimal(each) for each in value}
    if kind in ("SS", "BS"):
        return kind, set(value)
    if kind == "L":
        return kind, [numeric(each) for each in value]
    if kind == "M":
        return kind, {name: numeric(each) for name, each in value.items()}
    return kind, value
