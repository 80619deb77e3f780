"""Comparisons by order follow the type of the values, or are refused when they are built."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from dynamodb_py import (
    BinaryField,
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    DictField,
    EnumField,
    F,
    Field,
    FloatField,
    IntegerField,
    ListField,
    Model,
    Q,
    QueryError,
    TextField,
    TimeDeltaField,
    TimeField,
    TimestampField,
    ULIDField,
    UUIDField,
)
from dynamodb_py.codec import to_sort_key
from dynamodb_py.expressions import Condition


class Rank(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Word(str, enum.Enum):
    A = "a"
    B = "b"


class Weekday(Field[str, str]):
    """A day, which the package cannot know to be unordered as text."""

    kind = "S"
    unordered = "days do not sort by name: use an IntegerField"


ZONE = timezone(timedelta(hours=2))
UTC = timezone.utc

SORTED: list[tuple[Field[Any, Any], list[Any]]] = [
    (CharField(), ["", "A", "a", "é", "￿", "😀"]),
    (TextField(), ["a", "b"]),
    (IntegerField(), [-(10**37), -10, -9, 0, 9, 10]),
    (FloatField(), [-1e100, -1.5, 1e-7, 2.0, 10.0]),
    (DecimalField(), [Decimal("-1E+100"), Decimal("0.1"), Decimal(9), Decimal(10)]),
    (BinaryField(), [b"", b"\x00", b"\x7f", b"\xff"]),
    (DateField(), [date.min, date(999, 12, 31), date(2026, 1, 2), date.max]),
    (
        DateTimeField(),
        [
            datetime(1, 1, 2, tzinfo=UTC),
            datetime(2026, 1, 1, 1, tzinfo=ZONE),
            datetime(2026, 1, 1, tzinfo=UTC),
            datetime(2026, 1, 1, 2, 0, 0, 1, tzinfo=ZONE),
        ],
    ),
    (
        DateTimeField(format="%Y-%m-%dT%H:%M:%S.%f%z"),
        [
            datetime(1, 1, 2, tzinfo=UTC),
            datetime(2026, 1, 1, 1, tzinfo=ZONE),
            datetime(2026, 1, 1, 2, 0, 0, 1, tzinfo=ZONE),
        ],
    ),
    (DateField(format="%Y%m%d"), [date.min, date(999, 12, 31), date(2026, 1, 2), date.max]),
    (
        TimestampField(),
        [
            datetime(1, 1, 2, tzinfo=UTC),
            datetime(1970, 1, 1, tzinfo=UTC),
            datetime(2026, 1, 1, tzinfo=UTC),
        ],
    ),
    (TimeField(), [time.min, time(9, 30), time(9, 30, 0, 1), time(10), time.max]),
    (
        TimeDeltaField(storage="seconds"),
        [timedelta.min, timedelta(0), timedelta(hours=2), timedelta(days=1), timedelta.max],
    ),
    (UUIDField(), [UUID(int=0), UUID(int=10), UUID(int=2**127)]),
    (ULIDField(), ["00000000000000000000000000", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"]),
    (EnumField(Word), [Word.A, Word.B]),
]
UNSORTED: list[tuple[Field[Any, Any], Any, Any, str]] = [
    (TimeDeltaField(), timedelta(hours=1), timedelta(hours=12), 'storage="seconds"'),
    (EnumField(Rank), Rank.LOW, Rank.HIGH, "IntegerField"),
    (
        DateTimeField(format="%d.%m.%Y"),
        datetime(2025, 2, 2, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=UTC),
        "%Y-%m-%d",
    ),
    (DateField(format="%m/%d/%Y"), date(2025, 2, 2), date(2026, 1, 1), "%Y-%m-%d"),
    (Weekday(), "monday", "tuesday", "IntegerField"),
]
OPERATORS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "<": lambda at, low, _: at < low,
    "<=": lambda at, low, _: at <= low,
    ">": lambda at, low, _: at > low,
    ">=": lambda at, low, _: at >= low,
    "between": lambda at, low, high: at.between(low, high),
}
LOOKUPS = {"lt": 0, "lte": 0, "gt": 0, "gte": 0, "between": 1, "range": 1}
ROLES: list[dict[str, Any]] = [{}, {"range_key": True}]


def name_of(field: Field[Any, Any]) -> str:
    format = getattr(field, "time_format", None)
    return type(field).__name__ + ("" if format is None else format.text)


def model_of(field: Field[Any, Any], **role: Any) -> Any:
    """Return a model with the field as ``x``, in lists and maps, and another like it as ``y``."""
    kind: Any = type(field)
    given: tuple[Any, ...] = (field.enum,) if isinstance(field, EnumField) else ()
    more = {"storage": field.storage} if isinstance(field, TimeDeltaField) else {}
    if (format := getattr(field, "time_format", None)) is not None:
        more = {"format": format.text}
    names = {
        "k": CharField(hash_key=True),
        "x": kind(*given, **more, **role),
        "y": kind(*given, **more),
        "many": ListField(kind(*given, **more)),
        "named": DictField(kind(*given, **more)),
    }
    return type("Test", (Model,), names)


@pytest.mark.parametrize(("field", "values"), SORTED, ids=[name_of(f) for f, _ in SORTED])
@pytest.mark.parametrize("role", ROLES, ids=["attribute", "key"])
def test_stored_values_sort_as_the_values_do_and_are_compared(field, values, role):
    if role:
        values = [value for value in values if value not in ("", b"")]
    test = model_of(field, **role)
    keys = [to_sort_key(test.x.encode(value)) for value in values]
    assert keys == sorted(keys)
    for compare in OPERATORS.values():
        assert isinstance(compare(test.x, values[0], values[-1]), Condition)
    for lookup, pair in LOOKUPS.items():
        test.objects.filter(
            k="a", **{f"x__{lookup}": (values[0], values[-1]) if pair else values[0]}
        )
    assert isinstance(test.x > test.y, Condition)
    test.objects.filter(k="a").order_by("-x")


@pytest.mark.parametrize(
    ("field", "low", "high", "hint"), UNSORTED, ids=[name_of(f) for f, *_ in UNSORTED]
)
@pytest.mark.parametrize("role", ROLES, ids=["attribute", "key"])
def test_what_does_not_sort_is_refused_when_it_is_built(field, low, high, hint, role):
    test = model_of(field, **role)
    for compare in OPERATORS.values():
        for at in (test.x, test.many[0], test.named["a"]):
            with pytest.raises(QueryError, match=hint):
                compare(at, low, high)
        with pytest.raises(QueryError, match=hint):
            compare(test.x, test.y, test.many[0])
        with pytest.raises(QueryError, match=hint):
            test.objects.filter(compare(F("x"), F("y"), F("z")), k="a")
    for lookup, pair in LOOKUPS.items():
        values = (low, high) if pair else low
        for name in ("x", "many__0", "named__a"):
            with pytest.raises(QueryError, match=hint):
                test.objects.filter(k="a", **{f"{name}__{lookup}": values})
            with pytest.raises(QueryError, match=hint):
                test.objects.exclude(Q(**{f"{name}__{lookup}": values}))
    for name in ("x", "-x", test.x):
        with pytest.raises(QueryError, match=hint):
            test.objects.filter(k="a").order_by(name)


@pytest.mark.parametrize(
    ("field", "low", "high", "hint"), UNSORTED, ids=[name_of(f) for f, *_ in UNSORTED]
)
@pytest.mark.parametrize("role", ROLES, ids=["attribute", "key"])
def test_equality_size_and_presence_stay_allowed(field, low, high, hint, role):
    del hint
    test = model_of(field, **role)
    for condition in (
        test.x == low,
        test.x != low,
        test.x.is_in(low, high),
        test.x.exists(),
        test.x.size() > 3,
        test.x == test.y,
    ):
        assert isinstance(condition, Condition)
    test.objects.filter(k="a", x=low)
    test.objects.filter(k="a", x__in=[low, high])
    test.objects.filter(k="a", x__size__gt=3)
    test.objects.filter(k="a", x__ne=low)
    test.objects.filter(k="a").reverse()


@pytest.mark.parametrize("compare", OPERATORS.values(), ids=OPERATORS)
def test_a_time_with_an_offset_has_no_order_as_text(compare):
    test = model_of(TimeField())
    with pytest.raises(QueryError, match="times with an offset do not sort"):
        compare(test.x, time(9, tzinfo=UTC), time(10, tzinfo=UTC))
    assert isinstance(test.x == time(9, tzinfo=UTC), Condition)


def test_a_subclass_whose_text_sorts_says_so():
    class Padded(TimeDeltaField[timedelta]):
        unordered = ""

        def to_db(self, value, /):
            return f"{value // timedelta(seconds=1):012d}"

    class Job(Model):
        k = CharField(hash_key=True)
        took = Padded(range_key=True)

    assert isinstance(Job.took > timedelta(hours=1), Condition)
    Job.objects.filter(k="a").order_by("took")
