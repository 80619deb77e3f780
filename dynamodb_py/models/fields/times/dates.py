"""Fields of dates, and of times of day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, overload

import msgspec

from ....codec import Unstorable
from ....operations.base import Wire
from ..base import Field
from ..numbers import VALUES
from ..refusals import make_refusal
from .moments import (
    UTC,
    AutoField,
    check_format,
    parse_moment,
    spell_or_refuse,
    use_format,
)

if TYPE_CHECKING:
    from typing_extensions import TypeVar, Unpack

    from ..base import Always, Default, Nullable, Options, Yes
    from . import formats
    from .formats import TimeFormat
    from .moments import Auto, Formatted

    class DateOptions(Formatted, Options[date], total=False): ...  # noqa: D101

    class DateAlways(Formatted, Auto, Always[date], total=False): ...  # noqa: D101

    class DateNullable(Formatted, Auto, Nullable[date], total=False): ...  # noqa: D101

    DateN = TypeVar("DateN", default="date | None")
    TimeN = TypeVar("TimeN", default="time | None")
else:
    from typing import TypeVar

    from ....lazy import formats

    DateN = TimeN = TypeVar("N")

_TIME_WIDTH = len("09:30:00.000000")


class DateField(AutoField, Field[date, DateN]):
    """A date, stored as S: ISO 8601. A datetime is refused, since its day depends on the time zone.

    :param auto_now: every save sets it to the current day in UTC.
    :param auto_now_add: the first save sets it to the current day in UTC, unless it has a value.
    :param format: the format of the stored text, with ``%Y %m %d``, as for :class:`DateTimeField`.

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
    def __init__(
        self: DateField[date], *, auto_now: Yes, default: None = None, **o: Unpack[DateOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: DateField[date], *, auto_now_add: Yes, default: None = None, **o: Unpack[DateOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: DateField[date | None],
        *,
        default: None = None,
        auto_now: bool = False,
        auto_now_add: bool = False,
        **o: Unpack[DateOptions],
    ) -> None: ...
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
            use_format(self, formats.TimeFormat(format, of_day=True))
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
        return (self.time_format.parse(stored) or parse_moment(stored)).date()

    @property
    def reads_as_stored(self) -> bool:
        return self.time_format is None and type(self).to_python is DateField.to_python

    def read(self, stored: Any, /) -> date:
        try:
            return super().read(stored)
        except msgspec.ValidationError:
            return self.to_python(parse_moment(stored).date())


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
    def __init__(
        self: TimeField[time | None], *, default: None = None, **o: Unpack[Options[time]]
    ) -> None: ...
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)

    def to_db(self, value: time, /) -> Any:
        if not isinstance(value, time):
            raise make_refusal(value, "a time")
        offset = value.utcoffset()
        if value.tzinfo is not None and offset is None:
            raise Unstorable(
                f"{value!r} has no offset without a date: store a datetime, or a time with a "
                "datetime.timezone or without a zone"
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
