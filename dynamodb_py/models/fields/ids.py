"""Fields of UUIDs and ULIDs, and the making of new ones, which sort by the time when they were made.

UUIDs of version 7 and ULIDs both begin with milliseconds since 1970; random bits follow. Within a process
each is greater than the one before, also within a millisecond and after the clock is set back.

https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7, https://github.com/ulid/spec
"""

from __future__ import annotations

import os
from datetime import datetime, timezone
from threading import Lock
from time import time_ns
from typing import TYPE_CHECKING, Any, ClassVar, overload

from ...codec import Unstorable
from ...operations.base import Wire
from .base import Field
from .refusals import make_refusal
from .text import CharField

if TYPE_CHECKING:
    import uuid
    from typing import Literal
    from uuid import UUID

    from typing_extensions import TypeVar, Unpack

    from .base import Always, Default, Nullable, Options, Yes

    class _MaybeMade(Options[str], total=False):
        default: Default[str] | None

    StrN = TypeVar("StrN", default="str | None")
    UUIDN = TypeVar("UUIDN", default="uuid.UUID | None")
else:
    from typing import TypeVar

    StrN = UUIDN = TypeVar("N")

_UUID_BITS = 74  # the 80 bits after the milliseconds without the version and the variant
_ULID_BITS = 80
_STEP_BYTES = 4
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32, without I, L, O and U, in the order of the code points."""
LENGTH = 26
_DIGITS = frozenset(ALPHABET)
_MAX_MILLISECONDS = 2**48 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Ticks:
    """Makes growing numbers: milliseconds, and *bits* random bits below them."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self.forget()

    def forget(self) -> None:
        """Start again in a child process, in which a lock of the parent may never be released."""
        self._lock = Lock()
        self._latest = 0

    def next(self) -> int:
        """Return a number greater than all before."""
        now = time_ns() // 1_000_000
        with self._lock:
            if now > self._latest >> self._bits:
                # The first bit is zero, as room for more numbers in the same millisecond.
                self._latest = now << self._bits | _random(10) >> (81 - self._bits)
            else:
                self._latest += 1 + _random(_STEP_BYTES)
            return self._latest


def _random(count: int) -> int:
    return int.from_bytes(os.urandom(count), "big")


_for_uuids, _for_ulids = Ticks(_UUID_BITS), Ticks(_ULID_BITS)

if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(after_in_child=_for_uuids.forget)
    os.register_at_fork(after_in_child=_for_ulids.forget)


def make_uuid7() -> UUID:
    """Return a new UUID of version 7, greater than all before it in this process.

    >>> one, other = make_uuid7(), make_uuid7()
    >>> one.version, one < other, str(one) < str(other)
    (7, True, True)
    """
    from uuid import UUID  # imported only for models with a UUID

    tick = _for_uuids.next()
    head, tail = tick >> 62, tick & (1 << 62) - 1
    milliseconds, middle = head >> 12, head & 0xFFF
    return UUID(int=milliseconds << 80 | 7 << 76 | middle << 64 | 2 << 62 | tail)


def make_ulid() -> str:
    """Return a new ULID, greater than all before it in this process.

    >>> one, other = make_ulid(), make_ulid()
    >>> len(one), one < other
    (26, True)
    """
    return _text(_for_ulids.next())


def _text(number: int) -> str:
    return "".join([ALPHABET[number >> shift & 31] for shift in range(125, -1, -5)])


def is_ulid(text: str) -> bool:
    """Tell whether *text* is a ULID, in capital letters."""
    return len(text) == LENGTH and text[0] <= "7" and _DIGITS.issuperset(text)


def find_least_ulid(moment: datetime) -> str:
    """Return the least ULID of the millisecond of *moment*; a naive one counts as UTC.

    >>> find_least_ulid(datetime(2026, 11, 1, tzinfo=timezone.utc))
    '01M6A6FT000000000000000000'
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    since = moment - _EPOCH
    milliseconds = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    if not 0 <= milliseconds <= _MAX_MILLISECONDS:
        raise ValueError(f"{moment!r} is out of the range of ULIDs, which begins in 1970")
    return _text(milliseconds << _ULID_BITS)


def parse_moment(text: str) -> datetime:
    """Return the moment of a ULID, in UTC, to the millisecond.

    >>> parse_moment("01M6A6FT000000000000000000").isoformat()
    '2026-11-01T00:00:00+00:00'
    """
    if not is_ulid(text):
        raise ValueError(f"{text!r} is not a ULID")
    number = 0
    for character in text[:10]:
        number = number << 5 | ALPHABET.index(character)
    seconds, rest = divmod(number, 1000)
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).replace(microsecond=rest * 1000)
    except (OverflowError, OSError, ValueError) as error:
        raise ValueError(f"{text!r} is the ULID of a moment after the year 9999") from error


class UUIDField(Field["uuid.UUID", UUIDN]):
    """A :class:`uuid.UUID`, stored as S in its usual form.

    :param version: a new instance gets a new UUID of this version: 4, which is random, or 7, which
        sorts by the time when it was made, as text too. Within a process, each UUID of version 7 is
        greater than the one before. The field accepts and reads UUIDs of all versions.

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
        default: None = None,
        **o: Unpack[Options[uuid.UUID]],
    ) -> None: ...
    @overload
    def __init__(
        self: UUIDField[uuid.UUID | None], *, default: None = None, **o: Unpack[Options[uuid.UUID]]
    ) -> None: ...
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
                f"version={self.version!r}: it takes 4, for random UUIDs, or 7, for UUIDs that sort by time"
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
    ``null=True`` it gets none, and you give it a value, such as the id of another item. The letters are
    capitals, so that texts sort; small letters are refused.

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
                f"{value!r} is not a ULID: "
                + ("write it in capitals, .upper()" if lower else "ULIDField.new() makes one")
            )
        return value

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        return super(CharField, self).to_wire(value, depth)

    @staticmethod
    def new() -> str:
        """Return a new ULID, greater than all before it in this process.

        >>> first, second = ULIDField.new(), ULIDField.new()
        >>> len(first), first < second
        (26, True)
        """
        return make_ulid()

    @staticmethod
    def at(moment: datetime) -> str:
        """Return the least ULID of a moment, for conditions: ``id__gte=ULIDField.at(day)``.

        >>> ULIDField.at(datetime(2026, 11, 1))
        '01M6A6FT000000000000000000'

        :param moment: to the millisecond; a naive one counts as UTC.
        :raises ValueError: *moment* is before 1970.
        """
        return find_least_ulid(moment)

    @staticmethod
    def moment(value: str) -> datetime:
        """Return the moment when a ULID was made, in UTC, to the millisecond.

        >>> ULIDField.moment("01M6A6FT000000000000000000").isoformat()
        '2026-11-01T00:00:00+00:00'

        :raises ValueError: *value* is not a ULID.
        """
        return parse_moment(value)
