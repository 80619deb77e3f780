"""Moments in UTC and in zones, their text, and the code that the fields of dates and times share."""

from __future__ import annotations

import re
from datetime import date, datetime, timezone, tzinfo
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ....codec import Unstorable, to_json
from ....exceptions import ModelDefinitionError
from ..base import Field
from ..numbers import VALUES

if TYPE_CHECKING:
    from typing import TypedDict

    from typing_extensions import TypeVar

    from ..base import Always, Nullable, Options
    from .formats import TimeFormat

    class Auto(TypedDict, total=False):
        """The keywords of a field that can set itself."""

        auto_now: bool
        auto_now_add: bool

    class Zoned(TypedDict, total=False):
        """The keywords of a moment."""

        tz: str | tzinfo | None

    class Formatted(TypedDict, total=False):
        """The keyword of a date or moment that is stored as text."""

        format: str | None

    class MomentOptions(Zoned, Options[datetime], total=False): ...  # noqa: D101

    class MomentAlways(Auto, Zoned, Always[datetime], total=False): ...  # noqa: D101

    class MomentNullable(Auto, Zoned, Nullable[datetime], total=False): ...  # noqa: D101

    class FormattedField(Protocol):
        """A field that may store its values in a format."""

        kind: str
        unordered: str
        text_width: int | None
        time_format: TimeFormat | None

        def misdeclared(self, problem: str, /) -> ModelDefinitionError: ...

    MomentN = TypeVar("MomentN", default="datetime | None")
else:
    from typing import TypeVar

    MomentN = TypeVar("N")

UTC = timezone.utc


def find_zone(tz: str | tzinfo) -> tzinfo:
    """Return the time zone called *tz* in pytz's database, or *tz* itself."""
    if isinstance(tz, tzinfo):
        return tz
    import pytz  # only models that name a zone pay for its import

    return pytz.timezone(tz)


def to_utc(value: datetime) -> datetime:
    """Return *value* in UTC; one without a zone counts as UTC.

    >>> to_utc(datetime(2026, 1, 2)).isoformat()
    '2026-01-02T00:00:00+00:00'
    """
    if value.tzinfo is UTC:
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def to_utc_or_refuse(value: datetime) -> datetime:
    """Return *value* in UTC; raise :class:`Unstorable` if its year in UTC would be 0 or 10000."""
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


def parse_moment(text: str) -> datetime:
    """Return the moment of a text in any form of ISO 8601."""
    is_own_form = len(text) == 32 and text[10] == "T"
    # Both parsers accept any character between date and time, digits too.
    if not is_own_form and _ISO_8601.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a date and time in ISO 8601")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        from dateutil.parser import isoparse  # only texts of other programs need it

        return isoparse(text)


def use_format(field: FormattedField, format: TimeFormat) -> None:
    """Let *field* store its values in *format*."""
    field.time_format, field.unordered = format, format.unordered
    field.text_width = None if format.problem else format.width


def check_format(field: FormattedField, format: TimeFormat | None) -> None:
    """Raise ModelDefinitionError for a format that cannot store values."""
    if format is None:
        return
    problem = format.problem or ("" if field.kind == "S" else "it is stored as a number: drop it")
    if problem:
        raise field.misdeclared(f"format={format.text!r}: {problem}")


def spell_or_refuse(format: TimeFormat, value: date) -> str:
    """Return the text of *value*; raise :class:`Unstorable` if the text would not read as *value*."""
    if loss := format.find_loss(value):
        raise Unstorable(f"{value!r} has {loss}: remove it with replace()")
    return format.spell(value)


class AutoField:
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


class MomentField(AutoField, Field[datetime, MomentN]):
    """A field of moments: their zone, their bounds, and how they set themselves."""

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
                    f"tz={self.tz!r} is not a time zone: name one of pytz.all_timezones"
                ) from None
        super().prepare()

    def now(self) -> datetime:
        return self.to_zone(datetime.now(UTC))

    def to_zone(self, moment: datetime) -> datetime:
        """Return the moment in the zone of this field, or in UTC if its year in the zone would be 0 or 10000."""
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
