"""Fields of one plain value: text, numbers, truth, bytes, UUIDs, enumerations."""

from __future__ import annotations

from decimal import Decimal
from operator import is_
from typing import TYPE_CHECKING, Any, ClassVar, overload

import msgspec

from ...codec import (
    EXACT,
    Uncomputed,
    Unstorable,
    format_decimal,
    format_float,
    format_integer,
    parse_decimal,
    refuse_uncomputed,
)
from ...limits import MIN_EXPONENT
from ...operations.base import Wire
from .base import COMPARERS, VERBATIM, Field, identify_reading, is_repr
from .ids import LENGTH, find_least_ulid, is_ulid, make_ulid, make_uuid7, parse_moment

if TYPE_CHECKING:
    import uuid
    from datetime import datetime
    from enum import Enum
    from typing import Literal, TypedDict

    from typing_extensions import TypeVar, Unpack

    from .base import Always, Default, Nullable, Options, Yes

    class Normalised(TypedDict, total=False):
        """The keywords of a text that is normalised when it is written or compared."""

        strip: bool
        lower: bool

    class Templated(TypedDict, total=False):
        """The keywords of a text that is composed of other fields."""

        template: str
        store_parts: bool

    class Rounded(TypedDict, total=False):
        """The keyword of a Decimal with a fixed number of decimal places."""

        places: int | None

    class TextOptions(Normalised, Templated, Options[str], total=False): ...  # noqa: D101

    class TextAlways(Normalised, Templated, Always[str], total=False): ...  # noqa: D101

    class TextNullable(Normalised, Nullable[str], total=False): ...  # noqa: D101

    class _MaybeMade(Options[str], total=False):
        default: Default[str] | None

    class DecimalOptions(Rounded, Options[Decimal], total=False): ...  # noqa: D101

    class DecimalAlways(Rounded, Always[Decimal], total=False): ...  # noqa: D101

    class DecimalNullable(Rounded, Nullable[Decimal], total=False): ...  # noqa: D101

    StrN = TypeVar("StrN", default="str | None")
    IntN = TypeVar("IntN", default="int | None")
    FloatN = TypeVar("FloatN", default="float | None")
    DecimalN = TypeVar("DecimalN", default="Decimal | None")
    BoolN = TypeVar("BoolN", default="bool | None")
    BytesN = TypeVar("BytesN", default="bytes | None")
    UUIDN = TypeVar("UUIDN", default="uuid.UUID | None")
    E = TypeVar("E", bound=Enum)
    X = TypeVar("X", bound=Enum)
    EnumN = TypeVar("EnumN", default="E | None")
else:
    from typing import TypeVar

    StrN = IntN = FloatN = DecimalN = BoolN = BytesN = UUIDN = TypeVar("N")
    E = TypeVar("E")
    EnumN = TypeVar("EnumN")

LENGTHS = frozenset({"min_length", "max_length"})
VALUES = frozenset({"min_value", "max_value"})


def with_article(kind: type[Any]) -> str:
    """Return ``an int`` or ``a str``, for messages."""
    name = kind.__name__
    return f"an {name}" if name[0] in "aeioAEIO" else f"a {name}"


def make_refusal(value: object, wanted: str, instead: str = "") -> Unstorable:
    """Return the error for a value of another type than *wanted*."""
    if isinstance(value, Uncomputed):
        return refuse_uncomputed()
    try:
        shown = repr(value)
    except ValueError:  # Python refuses to write out an int of thousands of digits
        shown = "the value"
    message = f"{shown} is {with_article(type(value))}, not {wanted}"
    return Unstorable(f"{message}: {instead}" if instead else message)


class CharField(Field[str, StrN]):
    """Text, stored as S. The empty text is kept, except in keys, where DynamoDB refuses it.

    :param strip: white space at both ends is dropped when a value is written or compared.
    :param lower: capitals become small letters when a value is written or compared. Values that are read
        stay as they are stored, and so do the pieces that ``startswith`` and ``contains`` look for.
    :param template: the text is composed of other fields whenever the item is written:
        ``template="ORDER#{created:%Y-%m-%d}#{number:08d}"``. It cannot be assigned then, and conditions
        on the parts become conditions on the key.
    :param store_parts: for a template that is the table's key: store the parts as attributes of their
        own too. By default parts that the key contains in full are stored in it alone.

    >>> CharField().encode("")
    {'S': ''}
    >>> CharField(strip=True, lower=True).encode(" Ann@Example.org ")
    {'S': 'ann@example.org'}
    """

    strip = False
    lower = False
    template: str | None = None
    store_parts = False
    bound_template: Any = None
    """The template with the fields of its parts, once the model is defined."""

    kind = "S"
    leaf: Any = str
    bounds: ClassVar[frozenset[str]] = LENGTHS

    @overload
    def __init__(self: CharField[str | None], *, null: Yes, **o: Unpack[TextNullable]) -> None: ...
    @overload
    def __init__(self: CharField[str], *, hash_key: Yes, **o: Unpack[TextAlways]) -> None: ...
    @overload
    def __init__(self: CharField[str], *, range_key: Yes, **o: Unpack[TextAlways]) -> None: ...
    @overload
    def __init__(self: CharField[str], *, required: Yes, **o: Unpack[TextAlways]) -> None: ...
    @overload
    def __init__(
        self: CharField[str], *, default: Default[str], **o: Unpack[TextOptions]
    ) -> None: ...
    @overload
    def __init__(self: CharField[str | None], **o: Unpack[TextOptions]) -> None: ...
    def __init__(
        self,
        *,
        strip: bool = False,
        lower: bool = False,
        template: str | None = None,
        store_parts: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.strip, self.lower = strip, lower
        self.template, self.store_parts = template, store_parts

    def prepare(self) -> None:
        if self.template is not None:
            for option in ("default", "unique", "null", "choices", "required", "strip", "lower"):
                if getattr(self, option):
                    raise self.misdeclared(f"it is made of its template: drop {option}=")
        elif self.store_parts:
            raise self.misdeclared("store_parts= is for a field with a template: drop it")
        self.normalises = bool(self.strip or self.lower)
        if self.normalises and self.choices is not None:
            self.choices = [self.normalise(each) for each in self.choices]
        super().prepare()

    def _is_plain(self) -> bool:
        return not self.normalises and super()._is_plain()

    def to_db(self, value: str, /) -> Any:
        if not isinstance(value, str):
            raise make_refusal(value, "text")
        return self.normalise(value) if self.strip or self.lower else value

    def normalise(self, value: Any, /) -> Any:
        if not isinstance(value, str):
            return value
        text = str(value.strip() if self.strip else value)
        return text.lower() if self.lower else text

    def find_problems(self, value: Any) -> list[str]:
        return super().find_problems(self.normalise(value) if self.normalises else value)

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        if self.plain and type(value) is str:
            return {"S": value}
        return super().to_wire(value, depth)


class TextField(CharField[StrN]):
    """Text, stored as S: :class:`CharField` by Django's name for long texts."""

    @overload
    def __init__(self: TextField[str | None], *, null: Yes, **o: Unpack[Nullable[str]]) -> None: ...
    @overload
    def __init__(self: TextField[str], *, hash_key: Yes, **o: Unpack[Always[str]]) -> None: ...
    @overload
    def __init__(self: TextField[str], *, range_key: Yes, **o: Unpack[Always[str]]) -> None: ...
    @overload
    def __init__(self: TextField[str], *, required: Yes, **o: Unpack[Always[str]]) -> None: ...
    @overload
    def __init__(
        self: TextField[str], *, default: Default[str], **o: Unpack[Options[str]]
    ) -> None: ...
    @overload
    def __init__(self: TextField[str | None], **o: Unpack[Options[str]]) -> None: ...
    def __init__(self, **options: Any) -> None:
        plain: Any = Field
        plain.__init__(self, **options)


class IntegerField(Field[int, IntN]):
    """An int of up to 38 significant digits, stored as N.

    A bool and a float are refused, whole or not: nothing is truncated.

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
    def __init__(self: IntegerField[int | None], **o: Unpack[Options[int]]) -> None: ...
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)

    def to_db(self, value: int, /) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            raise make_refusal(value, "an int", "convert it, so that what is lost is your decision")
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
                raise ValueError("it is no whole number in DynamoDB's range") from None
            return self.to_python(int(number))


for _known, _type in ((CharField, str), (IntegerField, int)):
    VERBATIM[_known.to_wire, _known.decode, _known.read] = _type


class CounterField(IntegerField[IntN]):
    """An int that starts at 0 and is meant to be changed by ``incr()`` and ``decr()``.

    They send DynamoDB's ADD, which works on items that were never loaded or saved.
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

    An int is taken too, if there is a float that equals it. NaN and the infinities are refused: DynamoDB
    has none.

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
    def __init__(self: FloatField[float | None], **o: Unpack[Options[float]]) -> None: ...
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
                value, "a float", "none equals it, use an IntegerField or a DecimalField"
            )
        return exact

    def to_json(self, value: Any, /) -> Any:
        return float((self.to_wire(value) or {})["N"])

    def encode(self, value: Any, where: str = "", /) -> Wire | None:
        if isinstance(value, int) and not isinstance(value, bool):
            try:
                return self.to_wire(value)
            except Unstorable:  # a stored float may be compared with any number
                return IntegerField().encode(value, where or self.label)
        return super().encode(value, where)

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        if self.plain and type(value) is float:
            return {"N": format_float(value)}
        return super().to_wire(value, depth)


class DecimalField(Field[Decimal, DecimalN]):
    """A Decimal, stored exactly as N; more than 38 significant digits are refused.

    An int is taken too. A float is refused: it would bring its binary noise along.

    :param places: the number of decimal places, 0 and more. A value with more of them is refused, not
        rounded; one that is read has exactly as many, ``Decimal("12.50")``, though DynamoDB drops zeros
        at the end. What another program stored with more places is read as it is.

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
    def __init__(self: DecimalField[Decimal | None], **o: Unpack[DecimalOptions]) -> None: ...
    def __init__(self, *, places: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.places: int | None = places

    def prepare(self) -> None:
        places: object = self.places
        if places is not None and (type(places) is not int or not 0 <= places <= -MIN_EXPONENT):
            raise self.misdeclared(
                f"places={places!r}: it is a number of decimal places, from 0 to {-MIN_EXPONENT}"
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
                f"{value!r} has more than {self.places} decimal places: quantize() it, so that the "
                "rounding is your decision"
            )
        return value

    def to_python(self, stored: Any, /) -> Decimal:
        return self._pad(stored)

    def to_json(self, value: Any, /) -> Any:
        text: str = (self.to_wire(value) or {})["N"]
        return format(self._pad(parse_decimal(text)), "f") if self.places is not None else text

    def _pad(self, number: Decimal) -> Decimal:
        """Return *number* with exactly as many decimal places as this field has, if it has no more."""
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
    """Tell whether *value* has at most *places* decimal places, zeros at its end apart."""
    _, digits, exponent = value.as_tuple()
    excess = -exponent - places if isinstance(exponent, int) else 0
    return excess <= 0 or not any(digits[-excess:])


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
    def __init__(self: BooleanField[bool | None], **o: Unpack[Options[bool]]) -> None: ...
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)

    def to_db(self, value: bool, /) -> Any:
        if not isinstance(value, bool):
            raise make_refusal(value, "a bool")
        return value


def _is_str(text: str, value: Decimal) -> bool:
    return text == str(value)


FLOATS = COMPARERS[identify_reading(FloatField)] = float, "N", is_repr
"""The ``comparer`` of the fields that write floats as :func:`~dynamodb_py.codec.format_float` does."""
COMPARERS[identify_reading(DecimalField)] = Decimal, "N", _is_str
COMPARERS[identify_reading(BooleanField)] = bool, "BOOL", is_


class BinaryField(Field[bytes, BytesN]):
    """Bytes, stored as B. They are base64 on the wire only: boto3 reads the same bytes.

    >>> BinaryField().encode(b"raw")
    {'B': b'raw'}
    """

    kind = "B"
    leaf: Any = bytes
    bounds: ClassVar[frozenset[str]] = LENGTHS

    @overload
    def __init__(
        self: BinaryField[bytes | None], *, null: Yes, **o: Unpack[Nullable[bytes]]
    ) -> None: ...
    @overload
    def __init__(
        self: BinaryField[bytes], *, hash_key: Yes, **o: Unpack[Always[bytes]]
    ) -> None: ...
    @overload
    def __init__(
        self: BinaryField[bytes], *, range_key: Yes, **o: Unpack[Always[bytes]]
    ) -> None: ...
    @overload
    def __init__(
        self: BinaryField[bytes], *, required: Yes, **o: Unpack[Always[bytes]]
    ) -> None: ...
    @overload
    def __init__(
        self: BinaryField[bytes], *, default: Default[bytes], **o: Unpack[Options[bytes]]
    ) -> None: ...
    @overload
    def __init__(self: BinaryField[bytes | None], **o: Unpack[Options[bytes]]) -> None: ...
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)

    def to_db(self, value: bytes, /) -> Any:
        given: object = value
        if not isinstance(given, (bytes, bytearray, memoryview)):
            advice = "encode text first" if isinstance(given, str) else "convert it with bytes()"
            raise make_refusal(value, "bytes", advice)
        return bytes(value)


class UUIDField(Field["uuid.UUID", UUIDN]):
    """A :class:`uuid.UUID`, stored as S in its usual form.

    :param version: a new instance gets a new UUID of this version: 4, which is random, or 7, which
        sorts by the time when it was made, as text too, and grows within a process. A value of any
        version can be given and read.

    >>> import uuid
    >>> UUIDField().encode(uuid.UUID(int=1))
    {'S': '00000000-0000-0000-0000-000000000001'}

    https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7
    """

    kind = "S"
    text_width = 36

    @overload
    def __init__(
        self: UUIDField[uuid.UUID | None], *, null: Yes, **o: Unpack[Nullable[uuid.UUID]]
    ) -> None: ...
    @overload
    def __init__(
        self: UUIDField[uuid.UUID], *, hash_key: Yes, **o: Unpack[Always[uuid.UUID]]
    ) -> None: ...
    @overload
    def __init__(
        self: UUIDField[uuid.UUID], *, range_key: Yes, **o: Unpack[Always[uuid.UUID]]
    ) -> None: ...
    @overload
    def __init__(
        self: UUIDField[uuid.UUID], *, required: Yes, **o: Unpack[Always[uuid.UUID]]
    ) -> None: ...
    @overload
    def __init__(
        self: UUIDField[uuid.UUID], *, default: Default[uuid.UUID], **o: Unpack[Options[uuid.UUID]]
    ) -> None: ...
    @overload
    def __init__(
        self: UUIDField[uuid.UUID],
        *,
        version: Literal[4, 7],
        hash_key: bool = False,
        range_key: bool = False,
        required: bool = False,
        **o: Unpack[Options[uuid.UUID]],
    ) -> None: ...
    @overload
    def __init__(self: UUIDField[uuid.UUID | None], **o: Unpack[Options[uuid.UUID]]) -> None: ...
    def __init__(self, *, version: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.version = version
        self._twice = version is not None and self.default is not None
        if version in (4, 7):
            self.default = _uuid4 if version == 4 else make_uuid7

    def to_db(self, value: uuid.UUID, /) -> Any:
        if not isinstance(value, _uuid()):
            raise make_refusal(value, "a UUID", "write uuid.UUID(...)")
        return str(value)

    def prepare(self) -> None:
        if self.version not in (None, 4, 7):
            raise self.misdeclared(
                f"version={self.version!r}: new UUIDs are of version 4, random, or 7, in order of time"
            )
        if self._twice:
            raise self.misdeclared(f"version={self.version} gives the default: drop default=")
        self.leaf = _uuid()
        super().prepare()


def _uuid4() -> uuid.UUID:
    from uuid import uuid4

    return uuid4()


def _uuid() -> type[uuid.UUID]:
    from uuid import UUID  # only models with a UUID pay for its import

    return UUID


class ULIDField(CharField[StrN]):
    """A ULID: 26 characters that sort by the time when they were made, stored as S.

    >>> from dynamodb_py import Model
    >>> class Order(Model):
    ...     id = ULIDField(hash_key=True)
    ...     parent = ULIDField(default=None)
    >>> Order().id < Order().id, Order().parent
    (True, None)

    A new instance gets a new ULID, greater than all before it in this process. With ``default=None`` or
    ``null=True`` it gets none: the value is given, such as the id of another item. Letters are capitals,
    so that texts sort; small ones are refused.

    https://github.com/ulid/spec
    """

    text_width = LENGTH
    bounds: ClassVar[frozenset[str]] = frozenset()

    @overload
    def __init__(self: ULIDField[str | None], *, null: Yes, **o: Unpack[Nullable[str]]) -> None: ...
    @overload
    def __init__(self: ULIDField[str], *, hash_key: Yes, **o: Unpack[_MaybeMade]) -> None: ...
    @overload
    def __init__(self: ULIDField[str], *, range_key: Yes, **o: Unpack[_MaybeMade]) -> None: ...
    @overload
    def __init__(self: ULIDField[str], *, required: Yes, **o: Unpack[_MaybeMade]) -> None: ...
    @overload
    def __init__(
        self: ULIDField[str | None], *, default: None, **o: Unpack[Options[str]]
    ) -> None: ...
    @overload
    def __init__(
        self: ULIDField[str], *, default: Default[str] = ..., **o: Unpack[Options[str]]
    ) -> None: ...
    def __init__(self, *, default: Any = make_ulid, null: bool = False, **options: Any) -> None:
        plain: Any = Field
        if null and default is make_ulid:
            default = None
        plain.__init__(self, default=default, null=null, **options)

    def to_db(self, value: str, /) -> Any:
        if not isinstance(value, str):
            raise make_refusal(value, "a ULID, a text")
        if not is_ulid(value):
            lower = is_ulid(value.upper())
            raise Unstorable(
                f"{value!r} is no ULID: "
                + ("write it in capitals, .upper()" if lower else "ULIDField.new() makes one")
            )
        return value

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        return super(CharField, self).to_wire(value, depth)

    @staticmethod
    def new() -> str:
        """Return a new ULID, greater than all before it in this process."""
        return make_ulid()

    @staticmethod
    def at(moment: datetime) -> str:
        """Return the least ULID of a moment, for conditions: ``id__gte=ULIDField.at(day)``."""
        return find_least_ulid(moment)

    @staticmethod
    def moment(value: str) -> datetime:
        """Return the moment when a ULID was made, in UTC, to the millisecond; raise ValueError for other texts."""
        return parse_moment(value)


class EnumField(Field[E, EnumN]):
    """A member of an :class:`enum.Enum`, stored as S.

    It is stored by its value if all values are texts, else by its name, which conditions compare for
    equality alone.

    >>> import enum
    >>> class Colour(enum.Enum):
    ...     RED = "r"
    >>> EnumField(Colour).encode(Colour.RED)
    {'S': 'r'}
    """

    kind = "S"
    leaf: Any = str

    @overload
    def __init__(
        self: EnumField[X, X | None], enum: type[X], *, null: Yes, **o: Unpack[Nullable[X]]
    ) -> None: ...
    @overload
    def __init__(
        self: EnumField[X, X], enum: type[X], *, hash_key: Yes, **o: Unpack[Always[X]]
    ) -> None: ...
    @overload
    def __init__(
        self: EnumField[X, X], enum: type[X], *, range_key: Yes, **o: Unpack[Always[X]]
    ) -> None: ...
    @overload
    def __init__(
        self: EnumField[X, X], enum: type[X], *, required: Yes, **o: Unpack[Always[X]]
    ) -> None: ...
    @overload
    def __init__(
        self: EnumField[X, X], enum: type[X], *, default: Default[X], **o: Unpack[Options[X]]
    ) -> None: ...
    @overload
    def __init__(self: EnumField[X, X | None], enum: type[X], **o: Unpack[Options[X]]) -> None: ...
    def __init__(self, enum: type[Any], **options: Any) -> None:
        super().__init__(**options)
        self.enum = enum
        members = list(getattr(enum, "__members__", {}).values())
        by_value = all(isinstance(member.value, str) for member in members)
        self.stored = {each: str(each.value if by_value else each.name) for each in members}
        self.members = {text: member for member, text in self.stored.items()}
        if not by_value:
            self.unordered = (
                "its members are stored by name, and names do not sort as the members do: give the "
                "members values that are texts, or use an IntegerField"
            )

    def prepare(self) -> None:
        if not self.members:
            raise self.misdeclared(f"EnumField takes an Enum class with members, not {self.enum!r}")
        super().prepare()

    def to_db(self, value: E, /) -> Any:
        if not isinstance(value, self.enum):
            raise make_refusal(value, f"a member of {self.enum.__name__}")
        if value not in self.stored:
            raise Unstorable(f"{value!r} is a combination: only single members can be stored")
        return self.stored[value]

    def to_python(self, stored: Any, /) -> E:
        try:
            member: E = self.members[stored]
        except KeyError:
            raise ValueError(f"{stored!r} is no member of {self.enum.__name__}") from None
        return member
