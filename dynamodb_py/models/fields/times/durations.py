"""The field of spans of time, and their form in ISO 8601."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any, ClassVar, overload

from ....codec import EXACT, format_decimal, parse_decimal
from ..base import Field
from ..numbers import VALUES
from ..refusals import make_refusal

if TYPE_CHECKING:
    from typing import Literal, TypedDict

    from typing_extensions import TypeVar, Unpack

    from ..base import Always, Default, Nullable, Options, Yes

    class Stored(TypedDict, total=False):
        """The keyword of a field of spans."""

        storage: Literal["iso", "seconds"]

    class SpanOptions(Stored, Options[timedelta], total=False): ...  # noqa: D101

    class SpanAlways(Stored, Always[timedelta], total=False): ...  # noqa: D101

    class SpanNullable(Stored, Nullable[timedelta], total=False): ...  # noqa: D101

    SpanN = TypeVar("SpanN", default="timedelta | None")
else:
    from typing import TypeVar

    SpanN = TypeVar("N")

_MICROSECOND = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
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

    Raises ValueError for years and months, which have no fixed length, and for any other text.

    >>> parse_duration("P1DT2H"), parse_duration("-PT1.5S")
    (datetime.timedelta(days=1, seconds=7200), datetime.timedelta(days=-1, seconds=86398, microseconds=500000))
    """
    if (match := _DURATION.fullmatch(text)) is None:
        raise ValueError(
            f"{text!r} is not an ISO 8601 duration of weeks, days, hours, minutes, seconds"
        )
    parts = match.groupdict()
    negative = parts.pop("sign") == "-"
    span = timedelta(0)
    for unit, amount in parts.items():
        if amount:
            span += _multiply(parse_decimal(amount.replace(",", ".")), timedelta(**{unit: 1}))
    return -span if negative else span


def _multiply(amount: Decimal, unit: timedelta) -> timedelta:
    """Return *amount* times *unit* to the microsecond, without floats."""
    exact = EXACT.multiply(amount, unit // _MICROSECOND)
    return timedelta(microseconds=int(exact.to_integral_value(ROUND_HALF_EVEN)))


def to_seconds(span: timedelta) -> Decimal:
    """Return *span* in seconds, exactly."""
    return EXACT.scaleb(span // _MICROSECOND, -6)


def from_seconds(text: str) -> timedelta:
    """Return the span of a stored number of seconds."""
    return _multiply(parse_decimal(text), SECOND)


class TimeDeltaField(Field[timedelta, SpanN]):
    """A span of time, stored as S: an ISO 8601 duration such as ``P1DT2H``.

    :param storage: ``"iso"``, which conditions can only compare for equality, or ``"seconds"``, stored as
        N, which sorts by length.

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
    def __init__(
        self: TimeDeltaField[timedelta | None], *, default: None = None, **o: Unpack[SpanOptions]
    ) -> None: ...
    def __init__(self, *, storage: str = "iso", **options: Any) -> None:
        super().__init__(**options)
        self.storage = storage
        if storage == "seconds":
            self.kind, self.unordered = "N", ""

    def prepare(self) -> None:
        if self.storage not in ("iso", "seconds"):
            raise self.misdeclared(f'storage={self.storage!r}: it takes "iso" or "seconds"')
        super().prepare()

    def to_db(self, value: timedelta, /) -> Any:
        if not isinstance(value, timedelta):
            raise make_refusal(value, "a timedelta")
        return format_duration(value) if self.kind == "S" else to_seconds(value)

    def to_json(self, value: Any, /) -> Any:
        form = super().to_json(value)
        return form if self.kind == "S" else format_duration(from_seconds(str(form)))

    def from_json(self, form: Any, /) -> timedelta:
        if self.kind == "N" and isinstance(form, str):
            return self.read(format_decimal(to_seconds(parse_duration(form))))
        return super().from_json(form)

    def to_python(self, stored: Any, /) -> timedelta:
        if self.kind == "S":
            return parse_duration(stored)
        return from_seconds(stored)
