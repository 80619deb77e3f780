"""What the type checkers know of formats, and of the fields for other mappers."""

import datetime as dt

from typing_extensions import assert_type

from dynamodb_py import (
    BinaryField,
    CharField,
    DateField,
    DateTimeField,
    IntegerField,
    Model,
    SetField,
    TimestampField,
    compat,
)


class Event(Model):
    pk = CharField(hash_key=True)
    at = compat.pynamodb.UTCDateTimeField(range_key=True)
    plain = DateTimeField(format="%Y-%m-%dT%H:%M:%SZ", tz="Europe/Paris")
    always = DateTimeField(format="%Y-%m-%dT%H:%M:%SZ", auto_now=True, required=True)
    null = DateTimeField(format="%Y-%m-%d", null=True, default=None)
    day = DateField(format="%d.%m.%Y")
    born = DateField(format="%d.%m.%Y", required=True)
    doc = compat.pynamodb.JSONField()
    raw = compat.pynamodb.LegacyBinaryField(max_length=5)
    raws = SetField(compat.pynamodb.LegacyBinaryField())
    on = compat.pynamodb.LegacyBooleanField(default=False)
    stamp = compat.bloop.TimestampField(ttl=True)
    blob = compat.bloop.BinaryField(required=True)
    made = compat.flywheel.DateField(auto_now_add=True)
    ratio = compat.flywheel.FloatField(default=0.5)
    number = compat.dynamoid.DateField(required=True)
    text = compat.dynamoid.TextDateTimeField()
    flag = compat.dynamoid.BooleanField()
    count = IntegerField(default=0)


event = Event.objects.get("a", dt.datetime.now(dt.timezone.utc))
assert_type(event.at, dt.datetime)
assert_type(event.plain, dt.datetime | None)
assert_type(event.always, dt.datetime)
assert_type(event.null, dt.datetime | None)
assert_type(event.day, dt.date | None)
assert_type(event.born, dt.date)
assert_type(event.raw, bytes | None)
assert_type(event.raws, set[bytes])
assert_type(event.on, bool)
assert_type(event.stamp, dt.datetime | None)
assert_type(event.blob, bytes)
assert_type(event.made, dt.date)
assert_type(event.ratio, float)
assert_type(event.number, dt.date)
assert_type(event.text, dt.datetime | None)
assert_type(event.flag, bool | None)
event.doc = {"a": [1, None]}

TimestampField(format="%Y")  # type: ignore[call-overload]  # pyright: ignore
DateTimeField(format=5)  # type: ignore[call-overload]  # pyright: ignore
BinaryField(format="%Y")  # type: ignore[call-overload]  # pyright: ignore
