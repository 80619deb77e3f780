"""Fields of text, bytes and enumerations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, overload

from ...codec import Unstorable
from ...operations.base import Wire
from .base import VERBATIM, Field
from .refusals import make_refusal

if TYPE_CHECKING:
    from enum import Enum
    from typing import TypedDict

    from typing_extensions import TypeVar, Unpack

    from .base import Always, Default, Nullable, Options, Yes

    class Normalised(TypedDict, total=False):
        """The keywords of a text that is normalised when it is written or compared."""

        strip: bool
        lower: bool

    class Templated(TypedDict, total=False):
        """The keywords of a text that is composed from other fields."""

        template: str
        store_parts: bool

    class TextOptions(Normalised, Templated, Options[str], total=False): ...  # noqa: D101

    class TextAlways(Normalised, Templated, Always[str], total=False): ...  # noqa: D101

    class TextNullable(Normalised, Nullable[str], total=False): ...  # noqa: D101

    StrN = TypeVar("StrN", default="str | None")
    BytesN = TypeVar("BytesN", default="bytes | None")
    E = TypeVar("E", bound=Enum)
    X = TypeVar("X", bound=Enum)
    EnumN = TypeVar("EnumN", default="E | None")
else:
    from typing import TypeVar

    StrN = BytesN = TypeVar("N")
    E = TypeVar("E")
    EnumN = TypeVar("EnumN")

LENGTHS = frozenset({"min_length", "max_length"})


class CharField(Field[str, StrN]):
    """Text, stored as S. An empty text is a value, except in keys, in which DynamoDB rejects it.

    :param strip: drop white space at both ends when a value is written or compared.
    :param lower: change capitals to small letters when a value is written or compared. Values that are
        read are not changed, nor are the pieces that ``startswith`` and ``contains`` look for.
    :param template: the text is composed of other fields whenever the item is written:
        ``template="ORDER#{created:%Y-%m-%d}#{number:08d}"``. You cannot assign it then, and conditions
        on the parts become conditions on the key.
    :param store_parts: for a template that is the table's key: store the parts as attributes of their
        own too. By default, a part that the key contains in full is stored in the key alone.

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
    def __init__(
        self: CharField[str | None], *, default: None = None, **o: Unpack[TextOptions]
    ) -> None: ...
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


VERBATIM[CharField.to_wire, CharField.decode, CharField.read] = str


class TextField(CharField[StrN]):
    """Text, stored as S: a :class:`CharField` with Django's name for long texts.

    >>> TextField().encode("Once upon a time")
    {'S': 'Once upon a time'}
    """

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
    def __init__(
        self: TextField[str | None], *, default: None = None, **o: Unpack[Options[str]]
    ) -> None: ...
    def __init__(self, **options: Any) -> None:
        plain: Any = Field
        plain.__init__(self, **options)


class BinaryField(Field[bytes, BytesN]):
    """Bytes, stored as B. Only requests and responses have them in base64: boto3 reads the same bytes.

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
    def __init__(
        self: BinaryField[bytes | None], *, default: None = None, **o: Unpack[Options[bytes]]
    ) -> None: ...
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)

    def to_db(self, value: bytes, /) -> Any:
        given: object = value
        if not isinstance(given, (bytes, bytearray, memoryview)):
            advice = "encode text first" if isinstance(given, str) else "convert it with bytes()"
            raise make_refusal(value, "bytes", advice)
        return bytes(value)


class EnumField(Field[E, EnumN]):
    """A member of an :class:`enum.Enum`, stored as S.

    It is stored by its value if all values of the Enum are texts, else by its name; conditions can only
    compare names for equality.

    :param enum: the Enum class, with at least one member.

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
    def __init__(
        self: EnumField[X, X | None],
        enum: type[X],
        *,
        default: None = None,
        **o: Unpack[Options[X]],
    ) -> None: ...
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
            raise ValueError(f"{stored!r} is not a member of {self.enum.__name__}") from None
        return member
