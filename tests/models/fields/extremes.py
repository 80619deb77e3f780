"""The extremes of every type of field with every option: one table, for the tests of fields and of engines."""

from __future__ import annotations

import datetime as dt
import enum
import importlib.util
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytz

from dynamodb_py import (
    BinaryField,
    BooleanField,
    CharField,
    CompositeField,
    CompressedField,
    CounterField,
    DateField,
    DateTimeField,
    DecimalField,
    DictField,
    Document,
    EmbeddedField,
    EnumField,
    FloatField,
    ForeignKey,
    IntegerField,
    ListField,
    MapField,
    OneToOneField,
    SetField,
    TextField,
    TimeDeltaField,
    TimeField,
    TimestampField,
    ULIDField,
    UUIDField,
    VersionField,
)

UTC = dt.timezone.utc
EAST, WEST = (dt.timezone(dt.timedelta(hours=hours)) for hours in (14, -12))
MICROSECOND = dt.timedelta(microseconds=1)
FIRST, LAST = (moment.replace(tzinfo=UTC) for moment in (dt.datetime.min, dt.datetime.max))
EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)

MOMENTS = [
    FIRST,
    FIRST + MICROSECOND,
    FIRST.replace(tzinfo=WEST),  # later in UTC
    dt.datetime(999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    EPOCH - MICROSECOND,
    EPOCH,
    dt.datetime(2026, 3, 29, 1, 30, tzinfo=UTC),  # where summer time begins in Europe
    dt.datetime(2026, 10, 25, 0, 30, tzinfo=UTC),  # where it ends: half past two comes twice
    dt.datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    LAST.replace(tzinfo=EAST),
    LAST - MICROSECOND,
    LAST,
]
PAST_THE_ENDS = [
    FIRST.replace(tzinfo=EAST),
    LAST.replace(tzinfo=WEST),
    LAST.replace(tzinfo=ZoneInfo("America/New_York")),
]
NO_MOMENTS: list[Any] = [dt.date.max, 0, "9999-12-31", dt.time.max]
TEXTS = [
    "",
    " ",
    "\x00",
    "\x00\x01\x1f\x7f",
    "\t\r\n\x0b\x85\u2028",
    "\\\"'/{}[]#:@",
    "e\u0301",
    "\u00e9",
    "\ud7ff\ue000\ufeff\uffff",
    "\U00010000\U0001f468\u200d\U0001f469\U0010ffff",
    "x" * 1024,
]
NO_TEXTS: list[Any] = ["\ud800", "a\udfffb", "\udc00\ud800", b"a", 1, 10**5000]
INTEGERS = [
    0,
    1,
    -1,
    2**53 + 1,
    -(2**63),
    2**64,
    10**37,
    10**38 - 1,
    -(10**38) + 1,
    10**38,
    10**125,
    -(10**125),
    int("9" * 38) * 10**87,
]
NO_INTEGERS: list[Any] = [
    10**38 + 1,
    10**126,
    -(10**126),
    10**5000,
    True,
    1.0,
    "1",
    Decimal(1),
]
DECIMALS = [
    *map(Decimal, ["0", "-0", "0E+200", "0E-200", "1E-130", "-1E-130", "1E+125", "-1E+125"]),
    Decimal("9." + "9" * 37 + "E+125"),
    Decimal("-9." + "9" * 37 + "E+125"),
    Decimal("9." + "9" * 37 + "E-130"),
    Decimal("0." + "0" * 37 + "1"),
    Decimal("1." + "0" * 36 + "1"),
    Decimal("1" + "0" * 200 + "E-100"),
    Decimal("1.50"),
    10**38,
]
NO_DECIMALS: list[Any] = [
    *map(Decimal, ["1E-131", "1E+126", "NaN", "-NaN", "sNaN", "Infinity", "-Infinity"]),
    Decimal("1." + "0" * 37 + "1"),
    Decimal("1E+999999"),
    Decimal("1E-999999"),
    0.5,
    True,
]
FLOATS = [
    0.0,
    -0.0,
    0.1,
    1e-130,
    -1e-130,
    1.5e-129,
    sys.float_info.epsilon,
    1 - sys.float_info.epsilon,
    2.0**53,
    2.0**53 + 2,
    1e22,
    1e23,
    1e125,
    9.99e125,
    -9.99e125,
    0,
    2**53,
    2**100,
]
NO_FLOATS: list[Any] = [
    5e-324,
    sys.float_info.min,
    9.99e-131,
    1e126,
    sys.float_info.max,
    float("nan"),
    float("inf"),
    -float("inf"),
    2**53 + 1,
    10**30,
    10**400,
    True,
]
SPANS = [
    dt.timedelta.min,
    dt.timedelta.max,
    dt.timedelta(0),
    MICROSECOND,
    -MICROSECOND,
    dt.timedelta(days=1) - MICROSECOND,
    dt.timedelta(days=-1, microseconds=1),
    dt.timedelta(days=999_999_999),
]
TIMES = [
    dt.time.min,
    dt.time.max,
    dt.time(0, 0, 0, 1),
    dt.time(2, 30, fold=1),
    dt.time.max.replace(tzinfo=UTC),
    dt.time.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=23, minutes=59))),
    dt.time.max.replace(tzinfo=dt.timezone(-dt.timedelta(hours=23, minutes=59))),
]
NO_TIMES: list[Any] = [
    dt.time(1, tzinfo=ZoneInfo("Europe/Berlin")),
    dt.time(1, tzinfo=dt.timezone(dt.timedelta(seconds=1))),
    dt.datetime.max,
    0,
]
BYTES = [b"", b"\x00", b"\xff" * 1024, bytes(range(256)), bytearray(b"a"), memoryview(b"ab")]
ULIDS = ["0" * 26, "7" + "Z" * 25, "01ARZ3NDEKTSV4RRFFQ69G5FAV"]
UUIDS = [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), uuid.UUID(int=1), uuid.UUID(int=2**127)]


class Text(enum.Enum):
    PLAIN = "plain"
    EMPTY = ""
    NUL = "\x00"
    LAST = "\U0010ffff"
    ALIAS = "plain"  # noqa: PIE796 - another name of a member


class Number(enum.IntEnum):
    LEAST = -(10**40)
    NONE = 0
    MOST = 10**40


class Broken(enum.Enum):
    LONE = "\ud800"


class Bits(enum.Flag):
    ONE = 1
    TWO = 2


class Point(Document):
    text = CharField()
    number = DecimalField()
    until = DateTimeField(tz="Europe/Berlin")
    none = CharField(null=True)
    inner = DictField()


def nest(depth: int) -> Any:
    """Return 1 in *depth* lists."""
    inner: Any = 1
    for _ in range(depth):
        inner = [inner]
    return inner


POINTS = [
    Point(),
    Point(text="", number=Decimal("1E-130"), until=LAST, none=None, inner={}),
    Point(text="\x00", number=Decimal("9E+125"), until=FIRST, none="x", inner={"a": None}),
]
# The floats from 1e23 on are read as the ints that their texts say, as the docs warn.
FREE: list[Any] = [
    None,
    True,
    "",
    b"",
    b"\xff",
    0,
    10**38,
    -(10**125),
    0.1,
    -0.0,
    1e-130,
    2.0**53,
    1e22,
    [],
    {},
    {"a b.c#:é\x00": {"x": [{}, [], None]}},
    {"x" * 300: "y"},
    {"a"},
    {1, 2.5},
    {b"", b"\x00"},
    {""},
    nest(29),
]
NO_FREE: list[Any] = [
    "\ud800",
    1e126,
    5e-324,
    float("nan"),
    10**38 + 1,
    set(),
    {1, "a"},
    {1: 1},
    {"\ud800": 1},
    {"a": [set()]},
    nest(31),
    dt.date.max,
    object(),
]


@dataclass
class Row:
    """One type of field with some options: what it stores, and what it refuses."""

    make: Callable[..., Any]
    kept: list[Any]
    refused: list[Any] = field(default_factory=list)
    key: bool = False
    """Whether it can be a key."""
    sorts: bool = False
    """Whether the stored values sort as the values do."""
    hashable: bool = False
    """Whether a set can hold it."""
    compares: bool = True
    """Whether conditions can compare it."""
    inside: bool = True
    """Whether lists, dicts and documents can hold it."""


def _moments(make: Callable[..., Any]) -> Row:
    refused = [*PAST_THE_ENDS, *NO_MOMENTS]
    return Row(make, MOMENTS, refused, key=True, sorts=True, hashable=True)


def _alone(make: Callable[..., Any], kept: list[Any], refused: list[Any]) -> Row:
    """Return a row of a field that only a model can have."""
    return Row(make, kept, refused, inside=False)


ROWS: dict[str, Row] = {
    "text": Row(CharField, TEXTS, NO_TEXTS, key=True, sorts=True, hashable=True),
    "text with bounds": Row(
        lambda **o: CharField(min_length=0, max_length=2000, **o), TEXTS, ["x" * 2001]
    ),
    "long text": Row(TextField, [*TEXTS, "\U0010ffff" * 9_000], NO_TEXTS),
    "int": Row(IntegerField, INTEGERS, NO_INTEGERS, key=True, sorts=True, hashable=True),
    "counter": _alone(CounterField, INTEGERS, NO_INTEGERS),
    "float": Row(FloatField, FLOATS, NO_FLOATS, key=True, sorts=True, hashable=True),
    "text of one form": Row(
        lambda **o: CharField(strip=True, lower=True, **o),
        [text for text in TEXTS if text == text.strip().lower()],
        NO_TEXTS,
    ),
    "places": Row(
        lambda **o: DecimalField(places=2, **o),
        [Decimal("0.00"), Decimal("-0.01"), Decimal("9" * 36 + ".99"), Decimal("-1.50")],
        [Decimal("0.001"), Decimal("1E-130"), 1.5],
    ),
    "decimal": Row(DecimalField, DECIMALS, NO_DECIMALS, key=True, sorts=True, hashable=True),
    "decimal with bounds": Row(
        lambda **o: DecimalField(min_value=Decimal("-1E+125"), max_value=Decimal("1E+125"), **o),
        [Decimal("1E+125"), Decimal("-1E+125"), Decimal("1E-130")],
        [Decimal("1.1E+125"), *NO_DECIMALS],
    ),
    "bool": Row(BooleanField, [True, False], [0, 1, ""]),
    "bytes": Row(BinaryField, BYTES, ["a", 1, [1]], key=True),
    "uuid": Row(UUIDField, UUIDS, [str(UUIDS[0]), 0], key=True, sorts=True, hashable=True),
    "uuid 4": _alone(lambda **o: UUIDField(version=4, **o), UUIDS, [0]),
    "uuid 7": _alone(lambda **o: UUIDField(version=7, **o), UUIDS, [0]),
    "ulid": Row(
        ULIDField,
        ULIDS,
        ["8" + "0" * 25, "0" * 25, "0" * 27, "", "U" * 26, ULIDS[1].lower(), "\u0660" * 26, 0],
        key=True,
        sorts=True,
        hashable=True,
    ),
    "enum": Row(lambda **o: EnumField(Text, **o), list(Text), ["plain"], key=True, hashable=True),
    "enum by name": Row(
        lambda **o: EnumField(Number, **o), list(Number), [0, "NONE"], key=True, hashable=True
    ),
    "enum of a surrogate": Row(lambda **o: EnumField(Broken, **o), [], list(Broken)),
    "flag": Row(lambda **o: EnumField(Bits, **o), [Bits.ONE], [Bits.ONE | Bits.TWO, Bits(0)]),
    "datetime": _moments(DateTimeField),
    "datetime of a format": _moments(
        lambda **o: DateTimeField(format="%Y-%m-%dT%H:%M:%S.%f%z", **o)
    ),
    "datetime in Berlin": _moments(lambda **o: DateTimeField(tz="Europe/Berlin", **o)),
    "datetime far west": _moments(lambda **o: DateTimeField(tz=WEST, **o)),
    "datetime far east": _moments(lambda **o: DateTimeField(tz=EAST, **o)),
    "datetime of zoneinfo": _moments(lambda **o: DateTimeField(tz=ZoneInfo("Asia/Tokyo"), **o)),
    "datetime of zoneinfo, west": _moments(
        lambda **o: DateTimeField(tz=ZoneInfo("America/Lima"), **o)
    ),
    "datetime of pytz": _moments(
        lambda **o: DateTimeField(tz=pytz.timezone("America/New_York"), **o)
    ),
    "datetime in bounds": Row(
        lambda **o: DateTimeField(min_value=FIRST, max_value=LAST, tz="Asia/Tokyo", **o),
        MOMENTS,
        PAST_THE_ENDS,
    ),
    "datetime, auto_now": _alone(lambda **o: DateTimeField(auto_now=True, tz=EAST, **o), [], []),
    "datetime, auto_now_add": _alone(
        lambda **o: DateTimeField(auto_now_add=True, tz=WEST, **o), MOMENTS, PAST_THE_ENDS
    ),
    "timestamp": _moments(TimestampField),
    "timestamp in Berlin": _moments(lambda **o: TimestampField(tz="Europe/Berlin", **o)),
    "timestamp far west": _moments(lambda **o: TimestampField(tz=WEST, **o)),
    "timestamp far east": _moments(lambda **o: TimestampField(tz=EAST, **o)),
    "timestamp, auto_now_add": _alone(
        lambda **o: TimestampField(auto_now_add=True, **o), MOMENTS, PAST_THE_ENDS
    ),
    "ttl": _alone(
        lambda **o: TimestampField(ttl=True, tz=EAST, **o),
        [FIRST, EPOCH, LAST.replace(microsecond=0)],
        PAST_THE_ENDS,
    ),
    "timestamp after": _alone(
        lambda **o: TimestampField(after=dt.timedelta(days=1), **o), MOMENTS, PAST_THE_ENDS
    ),
    "date": Row(
        DateField,
        [dt.date.min, dt.date.max, dt.date(999, 12, 31), dt.date(2024, 2, 29)],
        [dt.datetime.max, "2026-01-01", 0],
        key=True,
        sorts=True,
        hashable=True,
    ),
    "date, auto_now_add": _alone(
        lambda **o: DateField(auto_now_add=True, **o), [dt.date.min, dt.date.max], [0]
    ),
    "time": Row(TimeField, TIMES, NO_TIMES, key=True, hashable=True),
    "span": Row(TimeDeltaField, SPANS, [1, "PT1S"], key=True, hashable=True),
    "seconds": Row(
        lambda **o: TimeDeltaField(storage="seconds", **o),
        SPANS,
        [1],
        key=True,
        sorts=True,
        hashable=True,
    ),
    "set of texts": Row(SetField, [set(), {""}, {*TEXTS}], [{"\ud800"}, {1}, ["a"], "a"]),
    "set of ints": Row(
        lambda **o: SetField(int, **o), [set(), {*INTEGERS}], [{10**38 + 1}, {True}, {1.0}]
    ),
    "set of floats": Row(
        lambda **o: SetField(float, **o), [set(), {*FLOATS}], [{each} for each in NO_FLOATS]
    ),
    "set of decimals": Row(
        lambda **o: SetField(Decimal, **o), [set(), {*DECIMALS}], [{Decimal("1E+126")}]
    ),
    "set of bytes": Row(
        lambda **o: SetField(bytes, **o), [set(), {b""}, {b"", b"\xff", b"\x00"}], [{"a"}]
    ),
    "set of moments": Row(
        lambda **o: SetField(DateTimeField(tz="Europe/Berlin"), **o),
        [set(), {*MOMENTS}],
        [{each} for each in PAST_THE_ENDS],
    ),
    "set of spans": Row(
        lambda **o: SetField(TimeDeltaField(storage="seconds"), **o), [set(), {*SPANS}], [{1}]
    ),
    "set of enums": Row(lambda **o: SetField(EnumField(Text), **o), [set(), {*Text}], [{"plain"}]),
    "list": Row(
        ListField, [[], FREE, nest(31)], [[each] for each in NO_FREE] + ["a", {1}, nest(32)]
    ),
    "list of lists": Row(
        lambda **o: ListField(ListField(int), **o), [[], [[]], [INTEGERS]], [[[10**126]], [None]]
    ),
    "list of moments": Row(
        lambda **o: ListField(DateTimeField(tz=WEST, null=True), **o),
        [[], [None], MOMENTS],
        [[each] for each in PAST_THE_ENDS],
    ),
    "dict": Row(
        DictField,
        [{}, {f"k{at}": each for at, each in enumerate(FREE)}, {"a.b[0]#:é\x00 ": 1}],
        [{"a": each} for each in NO_FREE] + [{"\ud800": 1}, {1: 2}, [1]],
    ),
    "dict of decimals": Row(
        lambda **o: DictField(DecimalField(), **o),
        [{}, {f"k{at}": each for at, each in enumerate(DECIMALS)}],
        [{"a": each} for each in NO_DECIMALS],
    ),
    "map": Row(
        lambda **o: MapField({"at": TimestampField(tz=EAST), "n": FloatField(null=True)}, **o),
        [{}, {"at": LAST, "n": None}, {"at": FIRST, "n": 1e-130, "more": FREE}],
        [{"at": PAST_THE_ENDS[0]}, {"n": 5e-324}],
    ),
    "document": Row(
        lambda **o: EmbeddedField(Point, **o),
        POINTS,
        [Point(until=PAST_THE_ENDS[0]), Point(text="\ud800"), {}, Point(number=Decimal("1E+126"))],
    ),
    "list of documents": Row(
        lambda **o: ListField(Point, **o), [[], POINTS], [[Point(text="\ud800")], [None]]
    ),
    "compressed": Row(
        CompressedField,
        [*FREE[1:], nest(31)],
        [each for each in NO_FREE if each != nest(31)],
        compares=False,
    ),
    "compressed text": Row(
        lambda **o: CompressedField(str, level=9, max_size=2000, **o),
        TEXTS,
        [*NO_TEXTS, "x" * 2001],
        compares=False,
    ),
    "compressed bytes": Row(
        lambda **o: CompressedField(bytes, codec="zlib", **o), BYTES, ["a"], compares=False
    ),
    "compressed floats": Row(
        lambda **o: CompressedField(FloatField(), **o), FLOATS, NO_FLOATS, compares=False
    ),
    "compressed moments": Row(
        lambda **o: CompressedField(ListField(DateTimeField(tz=WEST)), **o),
        [[], MOMENTS],
        [[each] for each in PAST_THE_ENDS],
        compares=False,
    ),
    "compressed documents": Row(
        lambda **o: CompressedField(Point, **o), POINTS, [Point(text="\ud800")], compares=False
    ),
    "null text": Row(lambda **o: CharField(null=True, **o), [None, *TEXTS], NO_TEXTS),
    "null moment": Row(
        lambda **o: DateTimeField(null=True, tz=EAST, **o), [None, *MOMENTS], PAST_THE_ENDS
    ),
    "null set": Row(lambda **o: SetField(int, null=True, **o), [None, {*INTEGERS}], [{10**126}]),
    "null list": Row(lambda **o: ListField(float, null=True, **o), [None, [], FLOATS], [NO_FLOATS]),
    "null document": Row(lambda **o: EmbeddedField(Point, null=True, **o), [None, *POINTS], [{}]),
}
if importlib.util.find_spec("zstandard") is not None or sys.version_info >= (3, 14):
    ROWS["zstd"] = Row(
        lambda **o: CompressedField(str, codec="zstd", **o), TEXTS, NO_TEXTS, compares=False
    )

ELSEWHERE: dict[type[Any], str] = {
    CompositeField: "test_keys_of_extremes_are_made_and_found",
    ForeignKey: "test_references_to_extreme_keys_are_stored_and_read",
    OneToOneField: "test_references_to_extreme_keys_are_stored_and_read",
    VersionField: "test_the_greatest_version_is_raised",
}
"""The classes of fields whose extremes a test of their own tries."""
