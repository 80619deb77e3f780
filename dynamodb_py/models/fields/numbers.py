"""Fields of numbers and truth values."""

from __future__ import annotations

from decimal import Decimal
from operator import is_
from typing import TYPE_CHECKING, Any, ClassVar, overload

import msgspec

from ...codec import (
    EXACT,
    Unstorable,
    format_decimal,
    format_float,
    format_integer,
    parse_decimal,
)
from ...limits import MIN_EXPONENT
from ...operations.base import Wire
from .base import COMPARERS, VERBATIM, Field, identify_reading, is_repr
from .refusals import make_refusal

if TYPE_CHECKING:
    from typing import TypedDict

    from typing_extensions import TypeVar, Unpack

    from .base import Always, Default, Nullable, Options, Yes

    class Rounded(TypedDict, total=False):
        """The keyword of a Decimal with a fixed number of decimal places."""

        places: int | None

    class DecimalOptions(Rounded, Options[Decimal], total=False): ...  # noqa: D101

    class DecimalAlways(Rounded, Always[Decimal], total=False): ...  # noqa: D101

    class DecimalNullable(Rounded, Nullable[Decimal], total=False): ...  # noqa: D101

    IntN = TypeVar("IntN", default="int | None")
    FloatN = TypeVar("FloatN", default="float | None")
    DecimalN = TypeVar("DecimalN", default="Decimal | None")
    BoolN = TypeVar("BoolN", default="bool | None")
else:
    from typing import TypeVar

    IntN = FloatN = DecimalN = BoolN = TypeVar("N")

VALUES = frozenset({"min_value", "max_value"})


class IntegerField(Field[int, IntN]):
    """An int of up to 38 significant digits, stored as N.

    A bool is refused, and so is a float, even a whole one: nothing is truncated.

    >>> IntegerField().encode(100)
    {'N': '100'}
    """

    kind = "N"
    leaf: Any = int
    bounds: ClassVar[frozenset[str]] = VALUES

    @overload
    def __init__(
        self: IntegerField[int | None], *, null: Yes, **o: Unpack[Nullable[int]]
    ) -> None: ...
    @overload
    def __init__(self: IntegerField[int], *, hash_key: Yes, **o: Unpack[Always[int]]) -> None: ...
    @overload
    def __init__(self: IntegerField[int], *, range_key: Yes, **o: Unpack[Always[int]]) -> None: ...
    @overload
    def __init__(self: IntegerField[int], *, required: Yes, **o: Unpack[Always[int]]) -> None: ...
    @overload
    def __init__(
        self: IntegerField[int], *, default: Default[int], **o: Unpack[Options[int]]
    ) -> None: ...
    @overload
    def __init__(
        self: IntegerField[int | None], *, default: None = None, **o: Unpack[Options[int]]
    ) -> None: ...
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)

    def to_db(self, value: int, /) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            raise make_refusal(value, "an int", "convert it with int() or round()")
        return value

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        if self.plain and type(value) is int:
            return {"N": format_integer(value)}
        return super().to_wire(value, depth)

    def read(self, stored: Any, /) -> int:
        try:
            return super().read(stored)
        except msgspec.ValidationError:
            number = parse_decimal(stored)  # 1.0 and 1E+2 are ints as well
            if number != number.to_integral_value():
                raise ValueError("it is not a whole number in DynamoDB's range") from None
            return self.to_python(int(number))


VERBATIM[IntegerField.to_wire, IntegerField.decode, IntegerField.read] = int


class CounterField(IntegerField[IntN]):
    """An int that starts at 0 and is meant to be changed by ``incr()`` and ``decr()``.

    They send DynamoDB's ADD, which works on items that were never loaded or saved.

    :param default: the value of a new instance, and of an item without the attribute; 0 by default.

    >>> from dynamodb_py import CharField, Model, Table
    >>> class Page(Model):
    ...     url = CharField(hash_key=True)
    ...     hits = CounterField()
    >>> description = Table(Page).create()
    >>> Page(url="/about").incr(hits=2)
    Page(url='/about', hits=2)
    """

    @overload
    def __init__(
        self: CounterField[int | None], *, null: Yes, **o: Unpack[Nullable[int]]
    ) -> None: ...
    @overload
    def __init__(self: CounterField[int], *, hash_key: Yes, **o: Unpack[Always[int]]) -> None: ...
    @overload
    def __init__(self: CounterField[int], *, range_key: Yes, **o: Unpack[Always[int]]) -> None: ...
    @overload
    def __init__(self: CounterField[int], *, required: Yes, **o: Unpack[Always[int]]) -> None: ...
    @overload
    def __init__(
        self: CounterField[int], *, default: Default[int], **o: Unpack[Options[int]]
    ) -> None: ...
    @overload
    def __init__(self: CounterField[int], **o: Unpack[Options[int]]) -> None: ...
    def __init__(self, *, default: Any = 0, **options: Any) -> None:
        plain: Any = Field
        plain.__init__(self, default=default, **options)


class FloatField(Field[float, FloatN]):
    """A float, stored as N by its shortest text: 99.99 is stored as ``99.99``.

    The field also accepts an int that a float equals. It refuses NaN and the infinities, which DynamoDB
    does not have.

    >>> FloatField().encode(99.99)
    {'N': '99.99'}
    """

    kind = "N"
    leaf: Any = float
    bounds: ClassVar[frozenset[str]] = VALUES

    @overload
    def __init__(
        self: FloatField[float | None], *, null: Yes, **o: Unpack[Nullable[float]]
    ) -> None: ...
    @overload
    def __init__(self: FloatField[float], *, hash_key: Yes, **o: Unpack[Always[float]]) -> None: ...
    @overload
    def __init__(
        self: FloatField[float], *, range_key: Yes, **o: Unpack[Always[float]]
    ) -> None: ...
    @overload
    def __init__(self: FloatField[float], *, required: Yes, **o: Unpack[Always[float]]) -> None: ...
    @overload
    def __init__(
        self: FloatField[float], *, default: Default[float], **o: Unpack[Options[float]]
    ) -> None: ...
    @overload
    def __init__(
        self: FloatField[float | None], *, default: None = None, **o: Unpack[Options[float]]
    ) -> None: ...
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)

    def to_db(self, value: float, /) -> Any:
        given: object = value
        if isinstance(given, bool) or not isinstance(given, (int, float)):
            raise make_refusal(value, "a float")
        if isinstance(given, float):
            return given
        try:
            exact = float(given)
        except OverflowError:
            exact = 0.0
        if exact != value:
            raise make_refusal(
                value, "a float", "no float equals it; use an IntegerField or a DecimalField"
            )
        return exact

    def to_json(self, value: Any, /) -> Any:
        return float((self.to_wire(value) or {})["N"])

    def encode(self, value: Any, where: str = "", /) -> Wire | None:
        if isinstance(value, int) and not isinstance(value, bool):
            try:
                return self.to_wire(value)
            except Unstorable:  # no float equals it, but it can be compared with stored floats
                return IntegerField().encode(value, where or self.label)
        return super().encode(value, where)

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        if self.plain and type(value) is float:
            return {"N": format_float(value)}
        return super().to_wire(value, depth)


FLOATS = COMPARERS[identify_reading(FloatField)] = float, "N", is_repr
"""The ``comparer`` of the fields that write floats as :func:`~dynamodb_py.codec.format_float` does."""


class DecimalField(Field[Decimal, DecimalN]):
    """A Decimal, stored exactly as N; more than 38 significant digits are refused.

    The field also accepts an int. It refuses a float: the float 0.1 is a little more than
    ``Decimal("0.1")``.

    :param places: the number of decimal places, 0 or more. A value with more is refused, not rounded. A
        value that is read has exactly as many, ``Decimal("12.50")``, though DynamoDB drops trailing
        zeros. A number that another program stored with more places is read unchanged.

    >>> DecimalField().encode(Decimal("12.50"))
    {'N': '12.5'}
    >>> DecimalField(places=2).decode({"N": "12.5"})
    Decimal('12.50')
    """

    kind = "N"
    leaf: Any = Decimal
    bounds: ClassVar[frozenset[str]] = VALUES

    @overload
    def __init__(
        self: DecimalField[Decimal | None], *, null: Yes, **o: Unpack[DecimalNullable]
    ) -> None: ...
    @overload
    def __init__(
        self: DecimalField[Decimal], *, hash_key: Yes, **o: Unpack[DecimalAlways]
    ) -> None: ...
    @overload
    def __init__(
        self: DecimalField[Decimal], *, range_key: Yes, **o: Unpack[DecimalAlways]
    ) -> None: ...
    @overload
    def __init__(
        self: DecimalField[Decimal], *, required: Yes, **o: Unpack[DecimalAlways]
    ) -> None: ...
    @overload
    def __init__(
        self: DecimalField[Decimal], *, default: Default[Decimal], **o: Unpack[DecimalOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: DecimalField[Decimal | None], *, default: None = None, **o: Unpack[DecimalOptions]
    ) -> None: ...
    def __init__(self, *, places: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.places: int | None = places

    def prepare(self) -> None:
        places: object = self.places
        if places is not None and (type(places) is not int or not 0 <= places <= -MIN_EXPONENT):
            raise self.misdeclared(
                f"places={places!r}: it takes a number of decimal places, from 0 to {-MIN_EXPONENT}"
            )
        super().prepare()

    def _is_plain(self) -> bool:
        return self.places is None and super()._is_plain()

    def to_db(self, value: Decimal, /) -> Any:
        given: object = value
        if isinstance(given, bool) or not isinstance(given, (int, Decimal)):
            raise make_refusal(value, "a Decimal", f"write Decimal({str(value)!r})")
        if self.places is not None and not _has_places(Decimal(value), self.places):
            raise Unstorable(
                f"{value!r} has more than {self.places} decimal places: round it with quantize()"
            )
        return value

    def to_python(self, stored: Any, /) -> Decimal:
        return self._pad(stored)

    def to_json(self, value: Any, /) -> Any:
        text: str = (self.to_wire(value) or {})["N"]
        return format(self._pad(parse_decimal(text)), "f") if self.places is not None else text

    def _pad(self, number: Decimal) -> Decimal:
        """Return *number* with exactly the decimal places of this field, unless it has more."""
        if self.places is None or not _has_places(number, self.places):
            return number
        return EXACT.quantize(number, Decimal((0, (1,), -self.places)))

    @property
    def reads_as_stored(self) -> bool:
        return self.places is None and type(self).to_python is DecimalField.to_python

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        if self.plain and type(value) is Decimal:
            return {"N": format_decimal(value)}
        return super().to_wire(value, depth)


def _has_places(value: Decimal, places: int) -> bool:
    """Tell whether *value* has at most *places* decimal places, trailing zeros not counted."""
    _, digits, exponent = value.as_tuple()
    excess = -exponent - places if isinstance(exponent, int) else 0
    return excess <= 0 or not any(digits[-excess:])


def _is_str(text: str, value: Decimal) -> bool:
    return text == str(value)


COMPARERS[identify_reading(DecimalField)] = Decimal, "N", _is_str


class BooleanField(Field[bool, BoolN]):
    """True or False, stored as BOOL; other values are refused.

    >>> BooleanField().encode(True)
    {'BOOL': True}
    """

    kind = "BOOL"
    leaf: Any = bool

    @overload
    def __init__(
        self: BooleanField[bool | None], *, null: Yes, **o: Unpack[Nullable[bool]]
    ) -> None: ...
    @overload
    def __init__(self: BooleanField[bool], *, hash_key: Yes, **o: Unpack[Always[bool]]) -> None: ...
    @overload
    def __init__(
        self: BooleanField[bool], *, range_key: Yes, **o: Unpack[Always[bool]]
    ) -> None: ...
    @overload
    def __init__(self: BooleanField[bool], *, required: Yes, **o: Unpack[Always[bool]]) -> None: ...
    @overload
    def __init__(
        self: BooleanField[bool], *, default: Default[bool], **o: Unpack[Options[bool]]
    ) -> None: ...
    @overload
    def __init__(
        self: BooleanField[bool | None], *, default: None = None, **o: Unpack[Options[bool]]
    ) -> None: ...
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)

    def to_db(self, value: bool, /) -> Any:
        if not isinstance(value, bool):
            raise make_refusal(value, "a bool")
        return value


COMPARERS[identify_reading(BooleanField)] = bool, "BOOL", is_
