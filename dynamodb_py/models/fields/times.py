"""Fields of moments and spans of time.

msgspec reads ISO 8601 in the form that this package writes; python-dateutil, imported on first use, reads
the forms of other programs.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any, ClassVar, overload

import msgspec

from ...codec import EXACT, Unstorable, format_decimal, parse_decimal, to_json
from ...operations.base import Wire
from .base import COMPARERS, Field, bind_name, identify_reading
from .scalars import VALUES, make_refusal

if TYPE_CHECKING:
    from typing import Literal, TypedDict

    from typing_extensions import TypeVar, Unpack

    from . import time_format
    from .base import Always, Default, Nullable, Options, Yes
    from .time_format import TimeFormat

    class Auto(TypedDict, total=False):
        """The keywords of a field that can set itself."""

        auto_now: bool
        auto_now_add: bool

    class Zoned(Auto, total=False):
        """The keywords of a moment."""

        tz: str | tzinfo | None

    class Formatted(TypedDict, total=False):
        """The keyword of a date or moment that is stored as text."""

        format: str | None

    class Stored(TypedDict, total=False):
        """The keyword of a span."""

        storage: Literal["iso", "seconds"]

    class MomentOptions(Zoned, Options[datetime], total=False): ...  # noqa: D101

    class MomentAlways(Zoned, Always[datetime], total=False): ...  # noqa: D101

    class MomentNullable(Zoned, Nullable[datetime], total=False): ...  # noqa: D101

    class DateTimeOptions(Formatted, MomentOptions, total=False): ...  # noqa: D101

    class DateTimeAlways(Formatted, MomentAlways, total=False): ...  # noqa: D101

    class DateTimeNullable(Formatted, MomentNullable, total=False): ...  # noqa: D101

    class Expiring(TypedDict, total=False):
        """The keywords of a moment after which an item may be deleted."""

        ttl: bool
        after: timedelta | None

    class TimestampOptions(Expiring, MomentOptions, total=False): ...  # noqa: D101

    class TimestampAlways(Expiring, MomentAlways, total=False): ...  # noqa: D101

    class TimestampNullable(Expiring, MomentNullable, total=False): ...  # noqa: D101

    class DateOptions(Formatted, Auto, Options[date], total=False): ...  # noqa: D101

    class DateAlways(Formatted, Auto, Always[date], total=False): ...  # noqa: D101

    class DateNullable(Formatted, Auto, Nullable[date], total=False): ...  # noqa: D101

    class SpanOptions(Stored, Options[timedelta], total=False): ...  # noqa: D101

    class SpanAlways(Stored, Always[timedelta], total=False): ...  # noqa: D101

    class SpanNullable(Stored, Nullable[timedelta], total=False): ...  # noqa: D101

    MomentN = TypeVar("MomentN", default="datetime | None")
    DateN = TypeVar("DateN", default="date | None")
    TimeN = TypeVar("TimeN", default="time | None")
    SpanN = TypeVar("SpanN", default="timedelta | None")
else:
    from typing import TypeVar

    from ...lazy import time_format

    MomentN = DateN = TimeN = SpanN = TypeVar("N")

UTC = timezone.utc
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_WIDTH = len("09:30:00.000000")
_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)
_LAST_START = datetime(9900, 1, 1, tzinfo=UTC)
_LAST_SECOND = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _SECOND


def find_zone(tz: str | tzinfo) -> tzinfo:
    """Return the time zone called *tz* in pytz's database, or *tz* itself."""
    if isinstance(tz, tzinfo):
        return tz
    import pytz  # only models that name a zone pay for its import

    return pytz.timezone(tz)


def to_utc(value: datetime) -> datetime:
    """Return *value* in UTC; one without a zone is in UTC.

    >>> to_utc(datetime(2026, 1, 2)).isoformat()
    '2026-01-02T00:00:00+00:00'
    """
    if value.tzinfo is UTC:
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def to_utc_or_refuse(value: datetime) -> datetime:
    """Return *value* in UTC; raise :class:`Unstorable` before the year 1 or after 9999 there."""
    try:
        return to_utc(value)
    except OverflowError:
        raise Unstorable(f"{value!r} is out of the range of datetime in UTC") from None


_ISO_8601 = re.compile(
    r"\d{4}(?:-?\d\d(?:-?\d\d)?|-?W\d\d(?:-?\d)?|-?\d{3})?(?:[T ]\S+)?", re.ASCII | re.IGNORECASE
)


def spell_moment(moment: datetime) -> str:
    """Return ``isoformat("T", "microseconds")`` of a moment in UTC, in a fifth of its time."""
    try:
        text = to_json(moment).decode()[1:-2]  # msgspec ends it with Z, and omits a fraction of 0
    except TypeError:  # freezegun puts a subclass in the place of datetime, here too
        return moment.isoformat("T", "microseconds")
    return f"{text}+00:00" if moment.microsecond else f"{text}.000000+00:00"


def _parse_moment(text: str) -> datetime:
    """Return the moment of a text in any form of ISO 8601."""
    is_own_form = len(text) == 32 and text[10] == "T"
    # Both parsers accept any character between date and time, digits too.
    if not is_own_form and _ISO_8601.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no date and time in ISO 8601")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        from dateutil.parser import isoparse  # only texts of other programs need it

        return isoparse(text)


def use_format(field: DateTimeField[Any] | DateField[Any], format: TimeFormat) -> None:
    """Let *field* store its values in *format*."""
    field.time_format, field.unordered = format, format.unordered
    field.text_width = None if format.problem else format.width


def check_format(field: DateTimeField[Any] | DateField[Any], format: TimeFormat | None) -> None:
    """Raise ModelDefinitionError for a format in which values could not be stored."""
    if format is None:
        return
    problem = format.problem or ("" if field.kind == "S" else "it is stored as a number: drop it")
    if problem:
        raise field.misdeclared(f"format={format.text!r}: {problem}")


def spell_or_refuse(format: TimeFormat, value: date) -> str:
    """Return the text of *value*; raise :class:`Unstorable` for one that it would not give back."""
    if loss := format.find_loss(value):
        raise Unstorable(f"{value!r} has {loss}: cut it off, so that what is lost is your decision")
    return format.spell(value)


class _AutoField:
    """``auto_now`` and ``auto_now_add``, for the fields of moments."""

    default: Any
    hash_key: bool
    range_key: bool

    auto_now = False
    auto_now_add = False

    def now(self) -> Any:
        raise NotImplementedError

    def stamps_itself(self) -> bool:
        return self.auto_now or self.auto_now_add

    def pre_save(self, value: Any, *, adding: bool) -> Any:
        if self.auto_now or (self.auto_now_add and adding and value is None):
            return self.now()
        return value

    def check_auto(self) -> None:
        problem = None
        if self.auto_now and self.auto_now_add:
            problem = "auto_now sets it on every save, auto_now_add on the first: keep one of them"
        elif self.default is not None and (self.auto_now or self.auto_now_add):
            problem = "auto_now and auto_now_add give the value themselves: drop default="
        elif self.auto_now and (self.hash_key or self.range_key):
            problem = "an item's key cannot change: use auto_now_add=True"
        if problem:
            raise self.misdeclared(problem)  # type: ignore[attr-defined]


class _MomentField(_AutoField, Field[datetime, MomentN]):
    bounds: ClassVar[frozenset[str]] = VALUES

    def __init__(
        self,
        *,
        tz: str | tzinfo | None = None,
        auto_now: bool = False,
        auto_now_add: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.tz = tz
        self.auto_now, self.auto_now_add = auto_now, auto_now_add

    def prepare(self) -> None:
        self.check_auto()
        if self.tz is not None:
            try:
                self.tz = find_zone(self.tz)
            except KeyError:  # pytz.UnknownTimeZoneError is one
                raise self.misdeclared(
                    f"tz={self.tz!r} is no time zone: name one of pytz.all_timezones"
                ) from None
        super().prepare()

    def now(self) -> datetime:
        return self.to_zone(datetime.now(UTC))

    def to_zone(self, moment: datetime) -> datetime:
        """Return the moment in the zone of this field, or in UTC where its year there is 0 or 10000."""
        if self.tz is None:
            return moment
        try:
            return moment.astimezone(find_zone(self.tz))
        except (OverflowError, ValueError):
            return moment

    def find_problems(self, value: Any) -> list[str]:
        bounded = self.min_value is not None or self.max_value is not None
        return super().find_problems(to_utc(value) if bounded else value)

    def _in_order(self, low: Any, high: Any) -> bool:
        return to_utc(low) <= to_utc(high) if isinstance(low, datetime) else low <= high

    def _out_of_bounds(self, value: Any) -> list[str]:
        low, high = self.min_value, self.max_value
        problems: list[str] = []
        if low is not None and value < to_utc(low):
            problems.append(f"{value!r} is less than min_value {low!r}")
        if high is not None and value > to_utc(high):
            problems.append(f"{value!r} is greater than max_value {high!r}")
        return problems


class DateTimeField(_MomentField[MomentN]):
    """A moment, stored as S: ISO 8601 in UTC with microseconds, so that text order is time order.

    Aware values are converted to UTC, naive ones are in UTC. Reading takes any ISO 8601 of other
    programs, and gives an aware datetime.

    :param tz: the zone of values that are read: a name, or a pytz or zoneinfo zone; UTC by default.
        A moment within hours of the years 1 and 9999, such as ``datetime.max``, which the zone has no
        date for, is read in UTC.
    :param auto_now: every save sets it to the present.
    :param auto_now_add: the first save sets it to the present, unless it has a value.
    :param format: the text that is stored instead, in UTC, with strftime's ``%Y %m %d %H %M %S %f %z``,
        ``%:z`` for ``+00:00``, and ``%%``. A moment with a part that it does not keep, such as
        microseconds, is refused. Conditions by order are allowed if its parts go from large to small.

    >>> DateTimeField().encode(datetime(2026, 11, 1, 12, 30))
    {'S': '2026-11-01T12:30:00.000000+00:00'}
    >>> DateTimeField(format="%Y-%m-%dT%H:%M:%SZ").encode(datetime(2026, 11, 1, 12, 30))
    {'S': '2026-11-01T12:30:00Z'}
    """

    kind = "S"
    text_width: int | None = 32
    time_format: TimeFormat | None = None
    writes_iso = False
    """Whether it stores what the package itself spells, without a user's :meth:`to_db`."""
    # Not datetime: msgspec would take the date 20261101 for seconds since 1970.
    leaf: Any = str

    @overload
    def __init__(
        self: DateTimeField[datetime | None], *, null: Yes, **o: Unpack[DateTimeNullable]
    ) -> None: ...
    @overload
    def __init__(
        self: DateTimeField[datetime], *, hash_key: Yes, **o: Unpack[DateTimeAlways]
    ) -> None: ...
    @overload
    def __init__(
        self: DateTimeField[datetime], *, range_key: Yes, **o: Unpack[DateTimeAlways]
    ) -> None: ...
    @overload
    def __init__(
        self: DateTimeField[datetime], *, required: Yes, **o: Unpack[DateTimeAlways]
    ) -> None: ...
    @overload
    def __init__(
        self: DateTimeField[datetime], *, default: Default[datetime], **o: Unpack[DateTimeOptions]
    ) -> None: ...
    @overload
    def __init__(self: DateTimeField[datetime | None], **o: Unpack[DateTimeOptions]) -> None: ...
    def __init__(self, *, format: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        if format is not None:
            use_format(self, time_format.TimeFormat(format))

    def prepare(self) -> None:
        check_format(self, self.time_format)
        super().prepare()
        self.writes_iso = self.plain and self.time_format is None
        if not self.writes_iso:
            self.comparer = None

    def now(self) -> datetime:
        now = datetime.now(UTC)
        return self.to_zone(now if self.time_format is None else self.time_format.cut(now))

    def to_db(self, value: datetime, /) -> Any:
        if not isinstance(value, datetime):
            raise make_refusal(value, "a datetime")
        moment = to_utc_or_refuse(value)
        if self.time_format is not None:
            return spell_or_refuse(self.time_format, moment)
        return moment.isoformat("T", "microseconds")

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        if self.writes_iso and type(value) is datetime:
            return {"S": spell_moment(to_utc_or_refuse(value))}
        return super().to_wire(value, depth)

    def to_python(self, stored: Any, /) -> datetime:
        moment = None if self.time_format is None else self.time_format.parse(stored)
        moment = moment or to_utc(_parse_moment(stored))
        return moment if self.tz is None else self.to_zone(moment)

    def reader_source(self, wire: str, names: dict[str, Any]) -> str:
        inner = super().reader_source(wire, names)
        if self.null or self.tz is not None or type(self).to_python is not DateTimeField.to_python:
            return inner
        if self.time_format is not None:
            return inner
        # Text in the form of this package is read without a call.
        is_own_form = f"len(text := {wire}.S) == 32 and text[10] == 'T' and text[26:] == '+00:00'"
        return f"{bind_name(names, datetime.fromisoformat)}(text) if {is_own_form} else {inner}"


def _is_read_as(text: str, value: datetime) -> bool:
    """Tell whether *text*, in this package's form or without a fraction, is read as *value*."""
    is_known = len(text) in _WIDTHS and text[10] == "T" and text[-6:] == "+00:00"
    return is_known and value.tzinfo is UTC and datetime.fromisoformat(text) == value


_WIDTHS = (len("2026-11-01T00:00:00.000000+00:00"), len("2026-11-01T00:00:00+00:00"))
COMPARERS[identify_reading(DateTimeField)] = datetime, "S", _is_read_as


class TimestampField(_MomentField[MomentN]):
    """A moment, stored as N: seconds since 1970, the type that DynamoDB's TTL needs.

    Values without a zone are in UTC. Fractions of a second are kept, except in the TTL field: DynamoDB
    needs whole seconds there, so they are rounded up, and no item is deleted before its moment.

    :param ttl: this is the table's TTL attribute: DynamoDB deletes an item some time (typically within
        days) after this moment, but not one that is over five years past; an item without it stays.
        One field of a model at most; ``Table.create()`` and ``update()`` switch TTL on.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
    :param after: an item that is first written without a value gets this time from then on, in whole
        seconds; later saves leave it alone.
    :param tz: as for :class:`DateTimeField`, like ``auto_now`` and ``auto_now_add``.

    >>> TimestampField().encode(datetime(2026, 11, 1, 0, 0, 0, 500000))
    {'N': '1793491200.5'}
    >>> TimestampField(ttl=True).encode(datetime(2026, 11, 1, 0, 0, 0, 500000))
    {'N': '1793491201'}
    """

    kind = "N"
    leaf: Any = str

    @overload
    def __init__(
        self: TimestampField[datetime | None], *, null: Yes, **o: Unpack[TimestampNullable]
    ) -> None: ...
    @overload
    def __init__(
        self: TimestampField[datetime], *, hash_key: Yes, **o: Unpack[TimestampAlways]
    ) -> None: ...
    @overload
    def __init__(
        self: TimestampField[datetime], *, range_key: Yes, **o: Unpack[TimestampAlways]
    ) -> None: ...
    @overload
    def __init__(
        self: TimestampField[datetime], *, required: Yes, **o: Unpack[TimestampAlways]
    ) -> None: ...
    @overload
    def __init__(
        self: TimestampField[datetime], *, default: Default[datetime], **o: Unpack[TimestampOptions]
    ) -> None: ...
    @overload
    def __init__(self: TimestampField[datetime | None], **o: Unpack[TimestampOptions]) -> None: ...
    def __init__(
        self, *, ttl: bool = False, after: timedelta | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.ttl, self.after = ttl, after
        self.in_whole_seconds = ttl
        """Whether fractions are rounded up, for DynamoDB's TTL."""

    def prepare(self) -> None:
        self.in_whole_seconds = self.ttl
        if self.after is not None:
            self._check_after(self.after)
        super().prepare()

    def _check_after(self, after: object) -> None:
        problem = None
        if not isinstance(after, timedelta) or after <= timedelta(0):
            problem = f"after={after!r}: give a timedelta of more than nothing, timedelta(days=30)"
        elif self.auto_now or self.auto_now_add or self.default is not None:
            problem = "after= gives the value itself: drop auto_now, auto_now_add and default="
        elif self.hash_key:
            problem = "after= gives items of one second one hash key: drop it"
        elif after > _LAST_START - datetime.now(UTC):
            problem = f"after={after!r} leads past the year 9900: drop it, and items stay"
        if problem:
            raise self.misdeclared(problem)

    def stamps_itself(self) -> bool:
        return self.after is not None or super().stamps_itself()

    def pre_save(self, value: Any, *, adding: bool) -> Any:
        if self.after is not None and adding and value is None:
            moment = datetime.now(UTC) + self.after
            return self.to_zone(moment + timedelta(microseconds=-moment.microsecond % 1_000_000))
        return super().pre_save(value, adding=adding)

    def to_db(self, value: datetime, /) -> Any:
        if not isinstance(value, datetime):
            raise make_refusal(value, "a datetime")
        span = to_utc_or_refuse(value) - _EPOCH
        if self.in_whole_seconds:
            return min(-(-span // _SECOND), _LAST_SECOND)
        return _to_seconds(span)

    def to_python(self, stored: Any, /) -> datetime:
        return self.to_zone(_EPOCH + _from_seconds(stored))

    def to_json(self, value: Any, /) -> Any:
        span = _from_seconds((self.to_wire(value) or {})["N"])
        return (_EPOCH + span).isoformat("T", "microseconds")

    def from_json(self, form: Any, /) -> datetime:
        if not isinstance(form, str):
            return super().from_json(form)
        return self.read(format_decimal(_to_seconds(to_utc(_parse_moment(form)) - _EPOCH)))


class DateField(_AutoField, Field[date, DateN]):
    """A date, stored as S: ISO 8601. A datetime is refused: which day it is depends on the zone.

    :param auto_now: every save sets it to the present day in UTC.
    :param auto_now_add: the first save sets it to that, unless it has a value.
    :param format: the text that is stored instead, with ``%Y %m %d``, as for :class:`DateTimeField`.

    >>> DateField().encode(date(2026, 11, 1))
    {'S': '2026-11-01'}
    >>> DateField(format="%d/%m/%Y").encode(date(2026, 11, 1))
    {'S': '01/11/2026'}
    """

    kind = "S"
    text_width: int | None = 10
    time_format: TimeFormat | None = None
    leaf: Any = date
    bounds: ClassVar[frozenset[str]] = VALUES

    @overload
    def __init__(self: DateField[date | None], *, null: Yes, **o: Unpack[DateNullable]) -> None: ...
    @overload
    def __init__(self: DateField[date], *, hash_key: Yes, **o: Unpack[DateAlways]) -> None: ...
    @overload
    def __init__(self: DateField[date], *, range_key: Yes, **o: Unpack[DateAlways]) -> None: ...
    @overload
    def __init__(self: DateField[date], *, required: Yes, **o: Unpack[DateAlways]) -> None: ...
    @overload
    def __init__(
        self: DateField[date], *, default: Default[date], **o: Unpack[DateOptions]
    ) -> None: ...
    @overload
    def __init__(self: DateField[date | None], **o: Unpack[DateOptions]) -> None: ...
    def __init__(
        self,
        *,
        auto_now: bool = False,
        auto_now_add: bool = False,
        format: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.auto_now, self.auto_now_add = auto_now, auto_now_add
        if format is not None:
            use_format(self, time_format.TimeFormat(format, of_day=True))
            self.leaf = str

    def prepare(self) -> None:
        self.check_auto()
        check_format(self, self.time_format)
        super().prepare()

    def now(self) -> date:
        today = datetime.now(UTC).date()
        return today if self.time_format is None else self.time_format.cut(today)

    def to_db(self, value: date, /) -> Any:
        if isinstance(value, datetime) or not isinstance(value, date):
            raise make_refusal(
                value, "a date", "take its .date()" if hasattr(value, "date") else ""
            )
        if self.time_format is not None:
            return spell_or_refuse(self.time_format, value)
        return value.isoformat()

    def to_python(self, stored: Any, /) -> date:
        if self.time_format is None:
            day: date = stored
            return day
        return (self.time_format.parse(stored) or _parse_moment(stored)).date()

    @property
    def reads_as_stored(self) -> bool:
        return self.time_format is None and type(self).to_python is DateField.to_python

    def read(self, stored: Any, /) -> date:
        try:
            return super().read(stored)
        except msgspec.ValidationError:
            return self.to_python(_parse_moment(stored).date())


class TimeField(Field[time, TimeN]):
    """A time of day, stored as S: ISO 8601 with microseconds, and its offset if it has one.

    >>> TimeField().encode(time(9, 30))
    {'S': '09:30:00.000000'}
    """

    kind = "S"
    leaf: Any = time
    bounds: ClassVar[frozenset[str]] = VALUES

    @overload
    def __init__(
        self: TimeField[time | None], *, null: Yes, **o: Unpack[Nullable[time]]
    ) -> None: ...
    @overload
    def __init__(self: TimeField[time], *, hash_key: Yes, **o: Unpack[Always[time]]) -> None: ...
    @overload
    def __init__(self: TimeField[time], *, range_key: Yes, **o: Unpack[Always[time]]) -> None: ...
    @overload
    def __init__(self: TimeField[time], *, required: Yes, **o: Unpack[Always[time]]) -> None: ...
    @overload
    def __init__(
        self: TimeField[time], *, default: Default[time], **o: Unpack[Options[time]]
    ) -> None: ...
    @overload
    def __init__(self: TimeField[time | None], **o: Unpack[Options[time]]) -> None: ...
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)

    def to_db(self, value: time, /) -> Any:
        if not isinstance(value, time):
            raise make_refusal(value, "a time")
        offset = value.utcoffset()
        if value.tzinfo is not None and offset is None:
            raise Unstorable(
                f"{value!r} has no offset without a date: store a datetime, or a time with a "
                "datetime.timezone, or with none"
            )
        if offset is not None and offset % timedelta(minutes=1):
            raise Unstorable(f"{value!r}: ISO 8601 has no offsets of seconds")
        return value.isoformat(timespec="microseconds")

    def find_order_problem(self, *wires: Wire) -> str:
        if any(len(wire.get("S", "")) > _TIME_WIDTH for wire in wires):
            return (
                "times with an offset do not sort as text: store times of one zone, without offset"
            )
        return self.unordered

    def read(self, stored: Any, /) -> time:
        try:
            return super().read(stored)
        except msgspec.ValidationError:
            from dateutil.parser import isoparser  # only texts of other programs need it

            return self.to_python(isoparser().parse_isotime(stored.removeprefix("T")))


_DURATION = re.compile(
    r"(?P<sign>[+-]?)P(?!$)(?:(?P<weeks>\d+(?:[.,]\d+)?)W)?(?:(?P<days>\d+(?:[.,]\d+)?)D)?"
    r"(?:T(?!$)(?:(?P<hours>\d+(?:[.,]\d+)?)H)?(?:(?P<minutes>\d+(?:[.,]\d+)?)M)?"
    r"(?:(?P<seconds>\d+(?:[.,]\d+)?)S)?)?"
)


def format_duration(value: timedelta) -> str:
    """Return *value* as an ISO 8601 duration.

    >>> format_duration(timedelta(days=1, hours=2)), format_duration(timedelta(seconds=-1.5))
    ('P1DT2H', '-PT1.5S')
    """
    sign = "-" if value < timedelta(0) else ""
    value = abs(value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{value.microseconds:06d}".rstrip("0") if value.microseconds else ""
    clock = "".join(
        f"{amount}{unit}"
        for amount, unit in ((hours, "H"), (minutes, "M"), (f"{seconds}{fraction}", "S"))
        if amount not in (0, "0")
    )
    days = f"{value.days}D" if value.days else ""
    return f"{sign}P{days}{'T' + clock if clock else ''}" if days or clock else "PT0S"


def parse_duration(text: str) -> timedelta:
    """Return the timedelta of an ISO 8601 duration in weeks, days and smaller units.

    Years and months have no fixed length: ValueError.

    >>> parse_duration("P1DT2H"), parse_duration("-PT1.5S")
    (datetime.timedelta(days=1, seconds=7200), datetime.timedelta(days=-1, seconds=86398, microseconds=500000))
    """
    if (match := _DURATION.fullmatch(text)) is None:
        raise ValueError(
            f"{text!r} is no ISO 8601 duration of weeks, days, hours, minutes, seconds"
        )
    parts = match.groupdict()
    negative = parts.pop("sign") == "-"
    span = timedelta(0)
    for unit, amount in parts.items():
        if amount:
            span += _multiply(parse_decimal(amount.replace(",", ".")), timedelta(**{unit: 1}))
    return -span if negative else span


def _multiply(amount: Decimal, unit: timedelta) -> timedelta:
    """Return *amount* of *unit* to the microsecond, without going through floats."""
    exact = EXACT.multiply(amount, unit // _MICROSECOND)
    return timedelta(microseconds=int(exact.to_integral_value(ROUND_HALF_EVEN)))


def _to_seconds(span: timedelta) -> Decimal:
    """Return *span* in seconds, exactly."""
    return EXACT.scaleb(span // _MICROSECOND, -6)


def _from_seconds(text: str) -> timedelta:
    """Return the span of a stored number of seconds."""
    return _multiply(parse_decimal(text), _SECOND)


class TimeDeltaField(Field[timedelta, SpanN]):
    """A span of time, stored as S: an ISO 8601 duration such as ``P1DT2H``.

    :param storage: ``"iso"``, which conditions compare for equality alone, or ``"seconds"`` for N, which
        sorts by length.

    >>> TimeDeltaField().encode(timedelta(days=1, hours=2))
    {'S': 'P1DT2H'}
    >>> TimeDeltaField(storage="seconds").encode(timedelta(days=1))
    {'N': '86400'}
    """

    kind = "S"
    unordered = (
        "durations such as PT2H do not sort by length as text: declare the field with "
        'storage="seconds", which does'
    )
    leaf: Any = str
    bounds: ClassVar[frozenset[str]] = VALUES

    @overload
    def __init__(
        self: TimeDeltaField[timedelta | None], *, null: Yes, **o: Unpack[SpanNullable]
    ) -> None: ...
    @overload
    def __init__(
        self: TimeDeltaField[timedelta], *, hash_key: Yes, **o: Unpack[SpanAlways]
    ) -> None: ...
    @overload
    def __init__(
        self: TimeDeltaField[timedelta], *, range_key: Yes, **o: Unpack[SpanAlways]
    ) -> None: ...
    @overload
    def __init__(
        self: TimeDeltaField[timedelta], *, required: Yes, **o: Unpack[SpanAlways]
    ) -> None: ...
    @overload
    def __init__(
        self: TimeDeltaField[timedelta], *, default: Default[timedelta], **o: Unpack[SpanOptions]
    ) -> None: ...
    @overload
    def __init__(self: TimeDeltaField[timedelta | None], **o: Unpack[SpanOptions]) -> None: ...
    def __init__(self, *, storage: str = "iso", **options: Any) -> None:
        super().__init__(**options)
        self.storage = storage
        if storage == "seconds":
            self.kind, self.unordered = "N", ""

    def prepare(self) -> None:
        if self.storage not in ("iso", "seconds"):
            raise self.misdeclared(f'storage={self.storage!r}: it is "iso" or "seconds"')
        super().prepare()

    def to_db(self, value: timedelta, /) -> Any:
        if not isinstance(value, timedelta):
            raise make_refusal(value, "a timedelta")
        return format_duration(value) if self.kind == "S" else _to_seconds(value)

    def to_json(self, value: Any, /) -> Any:
        form = super().to_json(value)
        return form if self.kind == "S" else format_duration(_from_seconds(str(form)))

    def from_json(self, form: Any, /) -> timedelta:
        if self.kind == "N" and isinstance(form, str):
            return self.read(format_decimal(_to_seconds(parse_duration(form))))
        return super().from_json(form)

    def to_python(self, stored: Any, /) -> timedelta:
        if self.kind == "S":
            return parse_duration(stored)
        return _from_seconds(stored)
