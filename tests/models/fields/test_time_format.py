"""Dates and moments in a format: what is stored, read, compared and refused."""

from __future__ import annotations

import locale
import time
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    DateField,
    DateTimeField,
    GlobalIndex,
    ListField,
    Model,
    ModelDefinitionError,
    SetField,
    UnreadableValue,
    ValidationError,
)
from dynamodb_py.models.fields.times.formats import TimeFormat
from dynamodb_py.models.persistence.stored import encode_item, stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write

from ..wire import model_of, read_by, stored_by

UTC = timezone.utc
EAST = timezone(timedelta(hours=2))
NOON = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)
PYNAMODB = "%Y-%m-%dT%H:%M:%S.%f%z"
GERMAN = "%d.%m.%Y"


STORED = [
    (PYNAMODB, NOON, "2026-11-01T12:30:00.000000+0000"),
    (PYNAMODB, NOON.replace(tzinfo=None), "2026-11-01T12:30:00.000000+0000"),
    (PYNAMODB, NOON.replace(tzinfo=EAST), "2026-11-01T10:30:00.000000+0000"),
    (PYNAMODB, datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000+0000"),
    (PYNAMODB, datetime.max.replace(tzinfo=UTC), "9999-12-31T23:59:59.999999+0000"),
    ("%Y-%m-%dT%H:%M:%S.%f+00:00", NOON, "2026-11-01T12:30:00.000000+00:00"),
    ("%Y-%m-%dT%H:%M:%S%:z", NOON, "2026-11-01T12:30:00+00:00"),
    ("%Y-%m-%dT%H:%M:%SZ", NOON, "2026-11-01T12:30:00Z"),
    ("%Y%m%d%H%M%S", NOON, "20261101123000"),
    ("%d.%m.%Y %H:%M", NOON, "01.11.2026 12:30"),
    ("{%Y}%%%m[0-9].*\n%d %H:%M", NOON, "{2026}%11[0-9].*\n01 12:30"),
    ("é%Y-%m-%d", datetime(2026, 11, 1), "é2026-11-01"),
]


@pytest.mark.parametrize(("format", "value", "text"), STORED)
def test_a_moment_is_stored_in_its_format_and_reads_back_the_same(format, value, text):
    assert stored_by(DateTimeField(format=format), value) == {"S": text}
    found = read_by(DateTimeField(format=format), {"S": text})
    assert found == (value if value.tzinfo else value.replace(tzinfo=UTC))
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("format", "text"),
    [(GERMAN, "01.11.2026"), ("%Y%m%d", "20261101"), ("%Y/%m", "2026/11"), ("%m%%%Y", "11%2026")],
)
def test_a_date_is_stored_in_its_format_and_reads_back_the_same(format, text):
    assert stored_by(DateField(format=format), date(2026, 11, 1)) == {"S": text}
    found = read_by(DateField(format=format), {"S": text})
    assert (found, type(found)) == (date(2026, 11, 1), date)


def test_a_moment_is_shown_in_the_zone_of_the_field():
    found = read_by(
        DateTimeField(format=PYNAMODB, tz="Asia/Tokyo"), {"S": "2026-11-01T12:30:00.000000+0000"}
    )
    assert (found, found.hour, str(found.tzinfo)) == (NOON, 21, "Asia/Tokyo")


@given(moment=st.datetimes(timezones=st.timezones() | st.just(UTC)))
def test_every_moment_in_the_range_reads_back_the_same(moment):
    field = model_of(DateTimeField(format=PYNAMODB)).x
    try:
        expected = moment.astimezone(UTC)
    except OverflowError:
        with pytest.raises(ValidationError, match="out of the range"):
            field.encode(moment)
        return
    wire = field.encode(moment)
    assert len(wire["S"]) == field.text_width == 31
    assert field.decode(wire) == expected


@given(one=st.datetimes(timezones=st.just(UTC)), other=st.datetimes(timezones=st.just(UTC)))
def test_texts_of_a_format_that_sorts_sort_as_the_moments(one, other):
    encode = model_of(DateTimeField(format=PYNAMODB)).x.encode
    assert (encode(one)["S"] < encode(other)["S"]) == (one < other)


LOSSY: list[tuple[Any, Any, str]] = [
    (DateTimeField(format="%Y-%m-%dT%H:%M:%S"), NOON.replace(microsecond=7), "the microsecond 7"),
    (DateTimeField(format="%Y-%m-%dT%H"), NOON, "the minute 30"),
    (DateTimeField(format="%Y"), NOON, "the month 11"),
    (DateTimeField(format="%Y-%m-%d"), datetime(2026, 1, 1, 1, tzinfo=EAST), "the hour 23"),
    (DateField(format="%Y-%m"), date(2026, 11, 2), "the day of the month 2"),
]


@pytest.mark.parametrize(("field", "value", "loss"), LOSSY)
def test_a_value_of_which_a_part_would_be_lost_is_refused(field, value, loss):
    test = model_of(field)
    for refused in (
        lambda: stored_by(field, value),
        lambda: test.x == value,
        lambda: test.objects.filter(k="a", x=value),
    ):
        with pytest.raises(ValidationError, match=f"has {loss}, which format=.* does not keep"):
            refused()


FOREIGN = [
    (PYNAMODB, "2026-11-01T14:30:00.000000+0200", NOON),
    (PYNAMODB, "2026-11-01T14:30:00.000000+02:00", NOON),
    (PYNAMODB, "2026-11-01T07:00:00.000000-05:30", NOON),
    (PYNAMODB, "2026-11-01T12:30:00.000000Z", NOON),
    (PYNAMODB, "2026-11-01T12:30:00.000000+00:00", NOON),
    (PYNAMODB, "2026-11-01T12:30:00Z", NOON),  # in another form of ISO 8601
    ("%d.%m.%Y %H:%M", "2026-11-01T12:30", NOON),
]


@pytest.mark.parametrize(("format", "stored", "value"), FOREIGN)
def test_any_offset_and_any_iso_8601_is_read_and_stays_as_it_is(format, stored, value):
    test = model_of(DateTimeField(format=format), n=CharField())
    loaded = test.from_db({"k": {"S": "a"}, "x": {"S": stored}})
    assert loaded.x == value
    loaded.n = "b"
    assert changes_to_write(loaded, stored_wires(loaded), validate=True) == {"n": {"S": "b"}}
    assert read_by(DateField(format=GERMAN), {"S": stored}) == value.date()


@pytest.mark.parametrize(
    ("field", "stored"),
    [
        (DateTimeField(format=GERMAN), "31.02.2026"),
        (DateTimeField(format=GERMAN), "1.11.2026"),
        (DateTimeField(format=GERMAN), "01.11.2026 "),
        (DateTimeField(format=GERMAN), rb"\u0660\u0661.11.2026".decode("unicode_escape")),
        (DateTimeField(format="%Y%d%m"), "20260113"),  # a month 13, though ISO 8601 has this day
        (DateTimeField(format=PYNAMODB), "0001-01-01T00:00:00.000000+0100"),
        (DateTimeField(format=PYNAMODB), "2026-11-01T12:30:60.000000+0000"),
        (DateTimeField(format=PYNAMODB), ""),
        (DateField(format=GERMAN), "00.01.2026"),
        (DateField(format=GERMAN), "yesterday"),
    ],
)
def test_a_text_that_is_no_such_value_is_unreadable(field, stored):
    with pytest.raises(UnreadableValue):
        read_by(field, {"S": stored})


BROKEN = [
    (5, "give a text"),
    ("", "%Y is missing"),
    ("%H:%M", "%Y is missing"),
    ("%Y-%b", "%b is not supported"),
    ("%y-%m-%d", "%y is not supported"),
    ("%s", "%s is not supported"),
    ("%-d.%m.%Y", "%- is not supported"),
    ("%Y%", "% is not supported"),
    ("%Y %Y", "it has the same part twice"),
    ("%Y %z %:z", "it has the same part twice"),
    ("%Y-%m-%dT%H:%M:%S+02:00", r"\+02:00 would be wrong"),
    ("%Y-%m-%dT%H:%M:%S-0500", "-0500 would be wrong"),
]


@pytest.mark.parametrize(("format", "problem"), BROKEN)
def test_a_format_that_cannot_be_right_is_refused_with_the_class(format, problem):
    with pytest.raises(ModelDefinitionError, match=f"^Test.x: format=.*: .*{problem}"):
        model_of(DateTimeField(format=format))


@pytest.mark.parametrize("part", ["%H", "%f", "%z", "%:z"])
def test_a_date_has_no_time_of_day(part):
    with pytest.raises(ModelDefinitionError, match=f"{part} is for a time of day"):
        model_of(DateField(format=f"%Y-%m-%d{part}"))


def test_neither_locale_nor_zone_of_the_process_matters(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert stored_by(DateTimeField(format=PYNAMODB), datetime(999, 1, 2)) == {
            "S": "0999-01-02T00:00:00.000000+0000"
        }
    finally:
        monkeypatch.undo()
        time.tzset()
    assert locale.setlocale(locale.LC_TIME)  # it was never asked for


@pytest.mark.parametrize(
    ("field", "format"), [(DateTimeField, "%Y-%m-%dT%H:%M"), (DateField, "%Y-%m")]
)
@pytest.mark.parametrize("auto", ["auto_now", "auto_now_add"])
def test_a_field_that_sets_itself_keeps_what_its_format_keeps(field, format, auto):
    new = model_of(field(format=format, **{auto: True}))(k="a")
    loaded = type(new).from_db(encode_item(new))
    assert loaded.x == new.x
    now = datetime.now(UTC)
    moment = new.x if field is DateTimeField else datetime(*new.x.timetuple()[:3], tzinfo=UTC)
    assert moment <= now < moment + timedelta(days=32)
    assert TimeFormat(format).spell(moment) in {
        TimeFormat(format).spell(now - timedelta(minutes=each)) for each in (0, 1)
    }


def test_defaults_choices_and_bounds_work_as_without_a_format():
    field = DateTimeField(format=PYNAMODB, default=NOON, min_value=NOON)
    assert model_of(field)(k="a").x == NOON
    with pytest.raises(ValidationError, match="less than min_value"):
        stored_by(field, NOON - timedelta(1))
    with pytest.raises(ModelDefinitionError, match="does not keep"):
        model_of(DateTimeField(format=GERMAN, default=NOON))


def test_elements_of_containers_have_the_format():
    assert stored_by(SetField(DateField(format=GERMAN)), {date(2026, 11, 1)}) == {
        "SS": ["01.11.2026"]
    }
    moments = ListField(DateTimeField(format=PYNAMODB))
    wire = {"L": [{"S": "2026-11-01T12:30:00.000000+0000"}]}
    assert stored_by(moments, [NOON]) == wire
    assert read_by(moments, wire) == [NOON]
    assert read_by(SetField(DateField(format=GERMAN)), {"SS": ["01.11.2026"]}) == {
        date(2026, 11, 1)
    }


class Event(Model):
    """Whose keys are made of moments in formats."""

    day = DateField(format="%d.%m.%Y")
    at = DateTimeField(format=PYNAMODB)
    pk = CharField(hash_key=True, template="DAY#{day}")
    sk = CharField(range_key=True, template="AT#{at}")
    hour = CharField(template="HOUR#{at:%Y-%m-%dT%H}")

    by_hour = GlobalIndex(hash_key="hour", range_key="at")


def test_parts_of_templates_are_spelled_in_the_format_or_in_their_own():
    event = Event(day=date(2026, 11, 1), at=NOON)
    wires = stored_wires(Event.from_db(encode_item(event)))
    assert wires["pk"] == {"S": "DAY#01.11.2026"}
    assert wires["sk"] == {"S": "AT#2026-11-01T12:30:00.000000+0000"}
    assert wires["hour"] == {"S": "HOUR#2026-11-01T12"}
    assert Event.from_db(encode_item(event)).at == NOON
    plan = str(Event.objects.filter(day=date(2026, 11, 1), at__gte=NOON).explain())
    assert "AT#2026-11-01T12:30:00.000000+0000" in plan
