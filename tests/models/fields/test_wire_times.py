"""Moments and spans of time on the wire and back, in every spelling that is met."""

from __future__ import annotations

import zoneinfo
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal, localcontext

import pytest
import pytz

from dynamodb_py import (
    DateField,
    DateTimeField,
    Document,
    EmbeddedField,
    ModelDefinitionError,
    TimeDeltaField,
    TimeField,
    TimestampField,
    UnreadableValue,
    ValidationError,
)
from dynamodb_py.models.fields.times import datetimes, moments
from dynamodb_py.models.persistence.stored import encode_item, make_put, mark_saved, stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write

from ..wire import ids, model_of, read_by, stored_by

UTC = timezone.utc
EAST = timezone(timedelta(hours=2))
PARIS = zoneinfo.ZoneInfo("Europe/Paris")
NOON = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)
SPAN = timedelta(days=1, hours=2)

BOTH_WAYS = [
    (DateTimeField(), NOON, {"S": "2026-11-01T12:30:00.000000+00:00"}),
    (DateTimeField(), NOON.replace(microsecond=7), {"S": "2026-11-01T12:30:00.000007+00:00"}),
    (DateTimeField(), datetime.min.replace(tzinfo=UTC), {"S": "0001-01-01T00:00:00.000000+00:00"}),
    (DateTimeField(), datetime.max.replace(tzinfo=UTC), {"S": "9999-12-31T23:59:59.999999+00:00"}),
    (DateTimeField(), datetime(1970, 1, 1, tzinfo=UTC), {"S": "1970-01-01T00:00:00.000000+00:00"}),
    (TimestampField(), NOON, {"N": "1793536200"}),
    (TimestampField(), NOON.replace(microsecond=500000), {"N": "1793536200.5"}),
    (TimestampField(), NOON.replace(microsecond=1), {"N": "1793536200.000001"}),
    (TimestampField(), datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC), {"N": "-0.999999"}),
    (TimestampField(), datetime(1970, 1, 1, tzinfo=UTC), {"N": "0"}),
    (TimestampField(), datetime.max.replace(tzinfo=UTC), {"N": "253402300799.999999"}),
    (DateField(), date(2026, 11, 1), {"S": "2026-11-01"}),
    (DateField(), date.min, {"S": "0001-01-01"}),
    (TimeField(), time(9, 30), {"S": "09:30:00.000000"}),
    (TimeField(), time(9, 30, 1, 5), {"S": "09:30:01.000005"}),
    (TimeField(), time(9, 30, tzinfo=UTC), {"S": "09:30:00.000000+00:00"}),
    (TimeField(), time(9, 30, tzinfo=EAST), {"S": "09:30:00.000000+02:00"}),
    (TimeDeltaField(), SPAN, {"S": "P1DT2H"}),
    (TimeDeltaField(), timedelta(0), {"S": "PT0S"}),
    (TimeDeltaField(), -SPAN, {"S": "-P1DT2H"}),
    (TimeDeltaField(), timedelta(microseconds=-1), {"S": "-PT0.000001S"}),
    (TimeDeltaField(), timedelta(minutes=90, seconds=5), {"S": "PT1H30M5S"}),
    (TimeDeltaField(), timedelta.max, {"S": "P999999999DT23H59M59.999999S"}),
    (TimeDeltaField(storage="seconds"), SPAN, {"N": "93600"}),
    (TimeDeltaField(storage="seconds"), timedelta(seconds=-1.5), {"N": "-1.5"}),
    (TimeDeltaField(storage="seconds"), timedelta(microseconds=1), {"N": "0.000001"}),
    (TimeDeltaField(storage="seconds"), timedelta.max, {"N": "86399999999999.999999"}),
]


@pytest.mark.parametrize(("field", "value", "wire"), BOTH_WAYS, ids=ids(BOTH_WAYS))
def test_a_value_is_on_the_wire_as_the_table_says_and_reads_back_the_same(field, value, wire):
    assert stored_by(field, value) == wire
    found = read_by(field, wire)
    assert found == value
    assert type(found) is type(value)
    if isinstance(value, (datetime, time)):
        assert found.utcoffset() == value.utcoffset()


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 11, 1, 12, 30),  # naive is UTC
        datetime(2026, 11, 1, 14, 30, tzinfo=EAST),
        datetime(2026, 11, 1, 13, 30, tzinfo=PARIS),
        pytz.timezone("Europe/Paris").localize(datetime(2026, 11, 1, 13, 30)),
        pytz.utc.localize(datetime(2026, 11, 1, 12, 30)),
        datetime(2026, 11, 1, 12, 30, tzinfo=zoneinfo.ZoneInfo("UTC")),
    ],
)
def test_every_moment_is_stored_in_utc(value):
    assert stored_by(DateTimeField(), value) == {"S": "2026-11-01T12:30:00.000000+00:00"}
    assert stored_by(TimestampField(), value) == {"N": "1793536200"}


class Moment(datetime):
    pass


def test_a_subclass_of_datetime_is_stored_like_one():
    value = Moment(2026, 11, 1, 12, 30, tzinfo=EAST)
    assert stored_by(DateTimeField(), value) == {"S": "2026-11-01T10:30:00.000000+00:00"}


@pytest.mark.parametrize("microsecond", [0, 7])
def test_a_library_that_freezes_time_may_replace_the_class(monkeypatch, microsecond):
    for module in (datetimes, moments):  # as freezegun does in every module
        monkeypatch.setattr(module, "datetime", Moment)
    value = Moment(2026, 11, 1, 12, 30, 0, microsecond, tzinfo=UTC)
    text = f"2026-11-01T12:30:00.{microsecond:06d}+00:00"
    assert stored_by(DateTimeField(), value) == {"S": text}


def test_an_hour_that_the_clocks_repeat_is_two_moments():
    first = datetime(2026, 10, 25, 2, 30, tzinfo=PARIS)
    assert stored_by(DateTimeField(), first) == {"S": "2026-10-25T00:30:00.000000+00:00"}
    assert stored_by(DateTimeField(), first.replace(fold=1)) == {
        "S": "2026-10-25T01:30:00.000000+00:00"
    }


ISO = [
    ("2026-11-01T12:30:00Z", NOON),
    ("2026-11-01T12:30:00+00:00", NOON),
    ("2026-11-01T12:30:00", NOON),
    ("2026-11-01T12:30", NOON),
    ("2026-11-01 12:30:00", NOON),
    ("2026-11-01T14:30:00+02:00", NOON),
    ("2026-11-01T14:30:00+0200", NOON),
    ("2026-11-01T14:30+02", NOON),
    ("2026-11-01T07:00:00-05:30", NOON),
    ("20261101T123000Z", NOON),
    ("20261101T1230", NOON),
    ("2026-W44-7T12:30Z", NOON),
    ("2026-11-01T12:30:00.5Z", NOON.replace(microsecond=500000)),
    ("2026-11-01T12:30:00,5Z", NOON.replace(microsecond=500000)),
    ("2026-11-01T12:30:00.123Z", NOON.replace(microsecond=123000)),
    ("2026-11-01T12:30:00.123456789Z", NOON.replace(microsecond=123456)),
    ("2026-10-31T24:00:00Z", datetime(2026, 11, 1, tzinfo=UTC)),
    ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
    ("20261101", datetime(2026, 11, 1, tzinfo=UTC)),  # not 20 million seconds since 1970
    ("2026-11", datetime(2026, 11, 1, tzinfo=UTC)),
    ("2026", datetime(2026, 1, 1, tzinfo=UTC)),
    ("2026-W44", datetime(2026, 10, 26, tzinfo=UTC)),
    ("2026-305T12:30Z", NOON),
    ("2026W447", datetime(2026, 11, 1, tzinfo=UTC)),
]


@pytest.mark.parametrize(("stored", "value"), ISO)
def test_any_iso_8601_that_others_wrote_is_read(stored, value):
    found = read_by(DateTimeField(), {"S": stored})
    assert found == value
    assert found.tzinfo is UTC
    assert DateTimeField().decode({"S": stored}) == value  # one by one, as beside an unreadable one
    assert read_by(DateField(), {"S": stored}).isoformat() in stored or value.date()


@pytest.mark.parametrize(
    ("field", "wire", "value"),
    [
        (DateField(), {"S": "20261101"}, date(2026, 11, 1)),
        (DateField(), {"S": "2026-W44-7"}, date(2026, 11, 1)),
        (DateField(), {"S": "2026-11-01T23:30:00-05:00"}, date(2026, 11, 1)),
        (TimeField(), {"S": "09:30"}, time(9, 30)),
        (TimeField(), {"S": "0930"}, time(9, 30)),
        (TimeField(), {"S": "T09:30:00"}, time(9, 30)),
        (TimeField(), {"S": "09:30:00Z"}, time(9, 30, tzinfo=UTC)),
        (TimeField(), {"S": "09:30:00.25+0200"}, time(9, 30, 0, 250000, EAST)),
        (TimestampField(), {"N": "1.7935362E+9"}, NOON),
        (TimestampField(), {"N": "1793536200.0000004"}, NOON),
        (TimeDeltaField(), {"S": "P1W"}, timedelta(weeks=1)),
        (TimeDeltaField(), {"S": "PT36H"}, timedelta(hours=36)),
        (TimeDeltaField(), {"S": "P0.5D"}, timedelta(hours=12)),
        (TimeDeltaField(), {"S": "PT1,5S"}, timedelta(seconds=1.5)),
        (TimeDeltaField(), {"S": "+PT1S"}, timedelta(seconds=1)),
        (TimeDeltaField(storage="seconds"), {"N": "1E+2"}, timedelta(seconds=100)),
    ],
)
def test_what_others_wrote_is_read(field, wire, value):
    found = read_by(field, wire)
    assert found == value
    assert getattr(found, "tzinfo", None) == getattr(value, "tzinfo", None)


@pytest.mark.parametrize(
    ("field", "wire"),
    [
        (DateTimeField(), {"S": "yesterday"}),
        (DateTimeField(), {"S": ""}),
        (DateTimeField(), {"S": "2026-13-01"}),
        (DateTimeField(), {"S": "1793536200"}),
        (DateTimeField(), {"S": "20261101123000"}),
        (DateTimeField(), {"S": "0001-01-01T00:00:00+01:00"}),
        (DateTimeField(), {"N": "1793536200"}),
        (TimestampField(), {"N": "1793536200000"}),  # milliseconds
        (TimestampField(), {"N": "1E+40"}),
        (TimestampField(), {"S": "2026-11-01"}),
        (DateField(), {"S": "tomorrow"}),
        (DateField(), {"S": "2026-02-30"}),
        (TimeField(), {"S": "25:00"}),
        (TimeDeltaField(), {"S": "P1Y"}),
        (TimeDeltaField(), {"S": "P1M"}),
        (TimeDeltaField(), {"S": "P"}),
        (TimeDeltaField(), {"S": "PT"}),
        (TimeDeltaField(), {"S": "1 day"}),
        (TimeDeltaField(), {"S": "P99999999999D"}),
        (TimeDeltaField(storage="seconds"), {"N": "1E+100"}),
    ],
)
def test_what_is_no_such_time_is_told(field, wire):
    with pytest.raises(UnreadableValue, match=f"cannot be read as {type(field).__name__}"):
        read_by(field, wire)


REFUSED = [
    (DateTimeField(), date(2026, 11, 1), "is a date, not a datetime"),
    (DateTimeField(), "2026-11-01", "is a str, not a datetime"),
    (DateTimeField(), 1793536200, "is an int, not a datetime"),
    (DateTimeField(), datetime.min.replace(tzinfo=EAST), "is out of the range of datetime in UTC"),
    (TimestampField(), 1793536200, "is an int, not a datetime"),
    (
        TimestampField(),
        datetime.max.replace(tzinfo=-EAST.utcoffset(None) and timezone(timedelta(hours=-1))),
        "is out of the range",
    ),
    (DateField(), NOON, "is a datetime, not a date: take its .date()"),
    (DateField(), "2026-11-01", "is a str, not a date"),
    (TimeField(), NOON, "is a datetime, not a time"),
    (TimeField(), time(9, tzinfo=PARIS), "has no offset without a date"),
    (TimeField(), time(9, tzinfo=pytz.timezone("Europe/Paris")), "has no offset without a date"),
    (
        TimeField(),
        time(9, tzinfo=timezone(timedelta(seconds=30))),
        "ISO 8601 has no offsets of seconds",
    ),
    (TimeDeltaField(), 5, "is an int, not a timedelta"),
    (TimeDeltaField(), "P1D", "is a str, not a timedelta"),
]


@pytest.mark.parametrize(("field", "value", "message"), REFUSED, ids=ids(REFUSED))
def test_a_value_that_cannot_be_stored_is_refused(field, value, message):
    with pytest.raises(ValidationError) as caught:
        stored_by(field, value)
    assert message in caught.value.errors["x"][0]


@pytest.mark.parametrize("field", [DateTimeField, TimestampField])
@pytest.mark.parametrize("tz", ["Europe/Paris", PARIS, pytz.timezone("Europe/Paris")])
def test_a_moment_is_shown_in_the_zone_of_the_field_by_summer_and_by_winter(field, tz):
    for month, hours in ((1, 1), (7, 2)):
        moment = datetime(2026, month, 1, 12, tzinfo=UTC)
        found = read_by(field(tz=tz), stored_by(field(tz=tz), moment))
        assert found == moment
        assert found.utcoffset() == timedelta(hours=hours)
        assert (found.hour, str(found.tzinfo)) == (12 + hours, "Europe/Paris")


@pytest.mark.parametrize("tz", ["Nowhere/Atlantis", "", 5, timezone])
def test_a_zone_that_is_none_is_told_when_the_class_is_made(tz):
    with pytest.raises(ModelDefinitionError) as caught:
        model_of(DateTimeField(tz=tz))
    assert (
        str(caught.value) == f"Test.x: tz={tz!r} is not a time zone: name one of pytz.all_timezones"
    )


@pytest.mark.parametrize("precision", [1, 6, 28])
def test_no_digit_is_lost_to_the_precision_that_a_program_has_set(precision):
    moment = datetime(2026, 11, 1, 12, 30, 1, 234567, tzinfo=UTC)
    span = timedelta(days=12345, microseconds=1)
    with localcontext() as context:
        context.prec = precision
        assert stored_by(TimestampField(), moment) == {"N": "1793536201.234567"}
        assert read_by(TimestampField(), {"N": "1793536201.234567"}) == moment
        assert stored_by(TimeDeltaField(storage="seconds"), span) == {"N": "1066608000.000001"}
        assert read_by(TimeDeltaField(storage="seconds"), {"N": "1066608000.000001"}) == span
        assert read_by(TimeDeltaField(), {"S": "P12345DT0.000001S"}) == span


def test_text_order_is_time_order():
    moments = [NOON + timedelta(microseconds=each) for each in (0, 1, 999999, 10**6, 10**12)]
    texts = [stored_by(DateTimeField(), each)["S"] for each in moments]
    assert texts == sorted(texts)
    assert len({len(text) for text in texts}) == 1


# -- fields that set themselves ------------------------------------------------------------------


def recently(moment):
    return timedelta(0) <= datetime.now(UTC) - moment < timedelta(minutes=1)


@pytest.mark.parametrize("field", [DateTimeField, TimestampField])
def test_auto_now_sets_it_on_every_save_and_auto_now_add_on_the_first(field):
    Test = model_of(field(auto_now=True), made=field(auto_now_add=True))
    new = Test(k="a")
    assert (new.x, new.made) == (None, None)
    encode_item(new)
    assert recently(new.x)
    assert recently(new.made)

    made, earlier = new.made, datetime(2020, 1, 1, tzinfo=UTC)
    given = Test(k="a", x=earlier, made=earlier)
    encode_item(given)
    assert recently(given.x)
    assert given.made == earlier  # a value that was given counts

    loaded = Test.from_db(encode_item(new))
    assert loaded.made == made
    loaded.x = earlier
    encode_item(loaded)
    assert recently(loaded.x)
    assert loaded.made == made


def test_auto_now_of_a_date_is_the_day_in_utc():
    new = model_of(DateField(auto_now=True))(k="a")
    before = datetime.now(UTC).date()
    encode_item(new)
    assert before <= new.x <= datetime.now(UTC).date()


def test_what_sets_itself_is_shown_in_the_zone_of_the_field():
    new = model_of(DateTimeField(auto_now_add=True, tz="Asia/Tokyo"))(k="a")
    encode_item(new)
    assert new.x.utcoffset() == timedelta(hours=9)


def test_auto_now_add_satisfies_required_and_serves_as_a_range_key():
    Test = model_of(DateTimeField(auto_now_add=True, range_key=True))
    put = make_put(Test(k="a"), "test")
    assert set(put.key) == {"k", "x"}
    Other = model_of(DateTimeField(auto_now_add=True, required=True))
    assert recently(Other.from_db(encode_item(Other(k="a"))).x)


def changes(instance):
    return changes_to_write(instance, stored_wires(instance), validate=True)


STORED = {"S": "2026-01-02T03:04:05.000000+00:00"}


def test_saving_an_instance_of_which_nothing_was_read_leaves_auto_now_add_alone():
    Test = model_of(DateTimeField(auto_now_add=True), n=DateTimeField())
    loaded = Test.from_db({"k": {"S": "a"}, "x": STORED})
    loaded.n = NOON
    assert changes(loaded) == {"n": {"S": "2026-11-01T12:30:00.000000+00:00"}}


def test_auto_now_is_set_when_something_else_changed_and_only_then():
    Test = model_of(DateTimeField(auto_now=True), n=DateTimeField())
    loaded = Test.from_db({"k": {"S": "a"}, "x": STORED})
    assert changes(loaded) == {}
    assert loaded.x == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert changes(loaded) == {}
    loaded.n = NOON
    assert set(changes(loaded)) == {"n", "x"}
    assert recently(loaded.x)


def test_a_document_sets_its_own_times_when_it_changed_and_only_then():
    class Note(Document):
        text = DateField()
        made = DateTimeField(auto_now_add=True)
        changed = DateTimeField(auto_now=True)

    Test = model_of(EmbeddedField(Note))
    new = Test(k="a", x=Note(text=date(2026, 1, 1)))
    item = encode_item(new)
    assert recently(new.x.made)
    made, changed = new.x.made, new.x.changed
    assert encode_item(new) == item  # nothing changed since
    mark_saved(new, item)
    assert changes(new) == {}

    loaded = Test.from_db(item)
    assert loaded.x.changed == changed  # it was read
    assert changes(loaded) == {}
    loaded.x.text = date(2026, 1, 2)
    change = changes(loaded)["x"]["M"]
    assert change["text"] == {"S": "2026-01-02"}
    assert loaded.x.changed > changed
    assert loaded.x.made == made


def test_seconds_of_ttl_are_whole_where_the_moment_is():
    assert stored_by(TimestampField(), datetime(2026, 11, 1)) == {"N": "1793491200"}
    assert "." not in stored_by(TimestampField(), NOON)["N"]
    assert Decimal(stored_by(TimestampField(), NOON)["N"]) == Decimal(int(NOON.timestamp()))
