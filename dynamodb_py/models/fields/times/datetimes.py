"""Fields of moments, as text and as numbers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, overload

from ....codec import format_decimal
from ....operations.base import Wire
from ..base import COMPARERS, bind_name, identify_reading
from ..refusals import make_refusal
from .durations import SECOND, from_seconds, to_seconds
from .moments import (
    UTC,
    MomentField,
    check_format,
    parse_moment,
    spell_moment,
    spell_or_refuse,
    to_utc,
    to_utc_or_refuse,
    use_format,
)

if TYPE_CHECKING:
    from typing import TypedDict

    from typing_extensions import TypeVar, Unpack

    from ..base import Default, Yes
    from . import formats
    from .formats import TimeFormat
    from .moments import Formatted, MomentAlways, MomentNullable, MomentOptions

    class DateTimeOptions(Formatted, MomentOptions, total=False): ...  # noqa: D101

    class DateTimeAlways(Formatted, MomentAlways, total=False): ...  # noqa: D101

    class DateTimeNullable(Formatted, MomentNullable, total=False): ...  # noqa: D101

    class Expiring(TypedDict, total=False):
        """The keywords of a moment after which DynamoDB may delete the item."""

        ttl: bool
        after: timedelta | None

    class TimestampOptions(Expiring, MomentOptions, total=False): ...  # noqa: D101

    class TimestampAlways(Expiring, MomentAlways, total=False): ...  # noqa: D101

    class TimestampNullable(Expiring, MomentNullable, total=False): ...  # noqa: D101

    MomentN = TypeVar("MomentN", default="datetime | None")
else:
    from typing import TypeVar

    from ....lazy import formats

    MomentN = TypeVar("N")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_START = datetime(9900, 1, 1, tzinfo=UTC)
_LAST_SECOND = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // SECOND


class DateTimeField(MomentField[MomentN]):
    """A moment, stored as S: ISO 8601 in UTC with microseconds, so that text order is time order.

    Aware values are converted to UTC, and naive ones count as UTC. A read accepts any ISO 8601 text of
    other programs, and returns an aware datetime.

    :param tz: the zone of values that are read: a name, or a pytz or zoneinfo zone; UTC by default.
        A moment whose year in the zone would be 0 or 10000, as that of ``datetime.max`` may be, is
        read in UTC.
    :param auto_now: every save sets it to the current time.
    :param auto_now_add: the first save sets it to the current time, unless it has a value.
    :param format: the format of the stored text, in UTC, with strftime's ``%Y %m %d %H %M %S %f %z``,
        ``%:z`` for ``+00:00``, and ``%%``. A moment with a part that the format does not keep, such as
        microseconds, is refused. Conditions with ``<`` and ``>`` need a format whose parts go from large
        to small.

    >>> DateTimeField().encode(datetime(2026, 11, 1, 12, 30))
    {'S': '2026-11-01T12:30:00.000000+00:00'}
    >>> DateTimeField(format="%Y-%m-%dT%H:%M:%SZ").encode(datetime(2026, 11, 1, 12, 30))
    {'S': '2026-11-01T12:30:00Z'}
    """

    kind = "S"
    text_width: int | None = 32
    time_format: TimeFormat | None = None
    writes_iso = False
    """Whether it stores this package's own form of ISO 8601, without a user's :meth:`to_db`."""
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
    def __init__(
        self: DateTimeField[datetime],
        *,
        auto_now: Yes,
        default: None = None,
        **o: Unpack[DateTimeOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: DateTimeField[datetime],
        *,
        auto_now_add: Yes,
        default: None = None,
        **o: Unpack[DateTimeOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: DateTimeField[datetime | None],
        *,
        default: None = None,
        auto_now: bool = False,
        auto_now_add: bool = False,
        **o: Unpack[DateTimeOptions],
    ) -> None: ...
    def __init__(self, *, format: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        if format is not None:
            use_format(self, formats.TimeFormat(format))

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
        moment = moment or to_utc(parse_moment(stored))
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


class TimestampField(MomentField[MomentN]):
    """A moment, stored as N: seconds since 1970, the type that DynamoDB's TTL needs.

    Values without a zone count as UTC. Fractions of a second are kept, except in the TTL field: DynamoDB
    needs whole seconds there, so they are rounded up, and no item is deleted before its moment.

    :param ttl: this is the table's TTL attribute: DynamoDB deletes an item some time (typically within
        days) after this moment. It does not delete an item whose moment is over five years past, nor
        one without the attribute. A model has at most one such field; ``Table.create()`` and
        ``update()`` switch TTL on.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
    :param after: a timedelta: an item that is first written without a value gets the moment of the
        write plus this, in whole seconds. Later saves do not change it.
    :param tz: as for :class:`DateTimeField`; so are ``auto_now`` and ``auto_now_add``.

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
    def __init__(
        self: TimestampField[datetime],
        *,
        auto_now: Yes,
        default: None = None,
        **o: Unpack[TimestampOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: TimestampField[datetime],
        *,
        auto_now_add: Yes,
        default: None = None,
        **o: Unpack[TimestampOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: TimestampField[datetime | None],
        *,
        default: None = None,
        auto_now: bool = False,
        auto_now_add: bool = False,
        **o: Unpack[TimestampOptions],
    ) -> None: ...
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
            problem = f"after={after!r}: give a timedelta above 0, such as timedelta(days=30)"
        elif self.auto_now or self.auto_now_add or self.default is not None:
            problem = "after= sets the value: drop auto_now, auto_now_add and default="
        elif self.hash_key:
            problem = "after= would give all items of one second the same hash key: drop it"
        elif after > _LAST_START - datetime.now(UTC):
            problem = f"after={after!r} leads past the year 9900: drop it, and items do not expire"
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
            return min(-(-span // SECOND), _LAST_SECOND)
        return to_seconds(span)

    def to_python(self, stored: Any, /) -> datetime:
        return self.to_zone(_EPOCH + from_seconds(stored))

    def to_json(self, value: Any, /) -> Any:
        span = from_seconds((self.to_wire(value) or {})["N"])
        return (_EPOCH + span).isoformat("T", "microseconds")

    def from_json(self, form: Any, /) -> datetime:
        if not isinstance(form, str):
            return super().from_json(form)
        return self.read(format_decimal(to_seconds(to_utc(parse_moment(form)) - _EPOCH)))
