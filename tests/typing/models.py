"""What the type checkers know of models, fields and managers."""

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Any

from typing_extensions import assert_type

from dynamodb_py import (
    BinaryField,
    BooleanField,
    CharField,
    Condition,
    CounterField,
    DateField,
    DateTimeField,
    DecimalField,
    DictField,
    Document,
    EmbeddedField,
    EnumField,
    Field,
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
)
from dynamodb_py.models.managers.manager import Manager
from dynamodb_py.models.managers.queryset import QuerySet


class Colour(enum.Enum):
    RED = "r"


class Line(Document):
    qty = IntegerField(default=1)


class Point(Field[tuple[int, int]]):
    kind = "S"


class Thing(Model):
    hash = CharField(hash_key=True)
    range = IntegerField(range_key=True)
    text = CharField()
    required = CharField(required=True)
    number = IntegerField(default=0)
    nothing = IntegerField(default=0, null=True)
    ratio = FloatField(default=0.0)
    price = DecimalField()
    on = BooleanField(default=False)
    raw = BinaryField()
    at = DateTimeField(tz="Europe/Paris", auto_now=True)
    stamp = TimestampField(required=True)
    ends = TimestampField(ttl=True, after=dt.timedelta(days=30), tz="Europe/Paris")
    day = DateField()
    clock = TimeField()
    span = TimeDeltaField(default=dt.timedelta(1), storage="seconds")
    ident = UUIDField(default=uuid.uuid4)
    colour = EnumField(Colour)
    shade = EnumField(Colour, default=Colour.RED)
    tags = SetField(str)
    numbers = SetField(IntegerField())
    free = ListField(default=[])
    ids = ListField(int, default=list)
    names = ListField(CharField())
    lines = ListField(Line, default=list[Line])
    doc = DictField(default=dict)
    counts = DictField(int)
    shape = MapField({"a": IntegerField()})
    line = EmbeddedField(Line)
    hits = CounterField()
    point = Point()


def reading(thing: Thing) -> None:
    assert_type(thing.hash, str)
    assert_type(thing.range, int)
    assert_type(thing.text, str | None)
    assert_type(thing.required, str)
    assert_type(thing.number, int)
    assert_type(thing.nothing, int | None)
    assert_type(thing.ratio, float)
    assert_type(thing.price, Decimal | None)
    assert_type(thing.on, bool)
    assert_type(thing.raw, bytes | None)
    assert_type(thing.at, dt.datetime)
    assert_type(thing.stamp, dt.datetime)
    assert_type(thing.ends, dt.datetime | None)
    assert_type(thing.day, dt.date | None)
    assert_type(thing.clock, dt.time | None)
    assert_type(thing.span, dt.timedelta)
    assert_type(thing.ident, uuid.UUID)
    assert_type(thing.colour, Colour | None)
    assert_type(thing.shade, Colour)
    assert_type(thing.tags, set[str])
    assert_type(thing.numbers, set[int])
    assert_type(thing.free, list[Any])
    assert_type(thing.ids, list[int])
    assert_type(thing.names, list[str] | None)
    assert_type(thing.lines[0].qty, int)
    assert_type(thing.doc, dict[str, Any])
    assert_type(thing.counts, dict[str, int] | None)
    assert_type(thing.shape, dict[str, Any] | None)
    assert_type(thing.line, Line | None)
    assert_type(thing.hits, int)
    assert_type(thing.point, tuple[int, int] | None)


def writing(thing: Thing) -> None:
    thing.number = 3
    thing.text = None
    thing.number = "3"  # type: ignore[assignment]  # pyright: ignore
    thing.number = None  # type: ignore[assignment]  # pyright: ignore


def asking() -> None:
    assert_type(Thing.number > 3, Condition)
    assert_type((Thing.number == 3) & ~Thing.text.exists(), Condition)
    assert_type(Thing.text == Thing.required, Condition)
    Thing.number > "3"  # type: ignore[operator]  # pyright: ignore


async def managers(thing: Thing) -> None:
    assert_type(Thing.objects, Manager[Thing])
    assert_type(Thing.objects.get("a", 1), Thing)
    assert_type(Thing.objects.get_or_none("a", 1), Thing | None)
    assert_type(Thing.get(hash="a", range=1), Thing | None)
    assert_type(await Thing.objects.aget(hash="a", range=1), Thing)
    assert_type(Thing.create(hash="a", range=1), Thing)
    assert_type(await Thing.acreate(hash="a", range=1), Thing)
    assert_type(Thing.objects.get_or_create(hash="a", range=1), tuple[Thing, bool])
    assert_type(Thing.batch_get(("a", 1)), list[Thing])
    assert_type(await Thing.objects.abatch_get(("a", 1)), list[Thing])
    assert_type(thing.save(), Thing)
    assert_type(await thing.asave(condition=Thing.number > 3), Thing)
    thing.save(force=True)  # type: ignore[call-arg]  # pyright: ignore


async def query_sets() -> None:
    assert_type(Thing.objects.filter(hash="a"), QuerySet[Thing])
    assert_type(Thing.objects.filter(hash="a").reverse().limit(3), QuerySet[Thing])
    assert_type(list(Thing.objects.filter(Thing.number > 1, hash="a")), list[Thing])
    assert_type([each async for each in Thing.objects.filter(hash="a")], list[Thing])
    assert_type(Thing.objects.filter(hash="a").first(), Thing | None)
