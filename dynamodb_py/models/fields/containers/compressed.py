"""A field that stores its value compressed."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, cast, overload

from ....codec import Unstorable, as_tree, from_json, to_json, value_of
from ..base import Field
from ..json_forms import PLAINLY, Reading
from .elements import (
    from_inner_plain,
    make_field,
    place_inside,
    to_inner_json,
    to_inner_wire,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Generic, Literal, TypeAlias, TypedDict

    from typing_extensions import TypeVar, Unpack

    from ..base import Always, Default, Nullable, Options, Yes
    from .elements import Of

    T = TypeVar("T")
    X = TypeVar("X")
    CompressedN = TypeVar("CompressedN", default="T | None")
    Zstd: TypeAlias = tuple[Callable[[bytes, int], bytes], Callable[[bytes, int], bytes]]

    class Compression(TypedDict, total=False):
        """The keywords of a compressed value."""

        codec: Literal["zlib", "zstd"]
        level: int | None
        max_size: int

    class CompressedOptions(Compression, Options[T], Generic[T], total=False): ...  # noqa: D101

    class CompressedAlways(Compression, Always[T], Generic[T], total=False): ...  # noqa: D101

    class CompressedNullable(Compression, Nullable[T], Generic[T], total=False): ...  # noqa: D101

else:
    from typing import TypeVar

    T = TypeVar("T")
    CompressedN = TypeVar("CompressedN")

MAX_SIZE = 16 * 1024 * 1024
_CHUNK = 256
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_LEVELS = {"zlib": range(-1, 10), "zstd": range(-7, 23)}
_USUAL_LEVELS = {"zlib": -1, "zstd": 3}
_INSTALL = "pip install dynamodb_py[zstd]"


class CompressedField(Field[T, CompressedN]):
    """A value that is compressed, and stored as B.

    Values of kind S or B, such as text and bytes, are compressed directly; all others are compressed as
    DynamoDB's JSON, ``{"M": {"a": {"N": "1"}}}``, which loses nothing. A read recognizes both codecs by
    the first bytes.

    DynamoDB cannot look inside: conditions can only test whether there is a value.

    :param of: a field, one of str, int, float, bool, bytes, Decimal, or a Document class; free values
        by default, as in a ``DictField`` or ``ListField``.
    :param codec: ``"zlib"``, or ``"zstd"``, which is faster and takes the extra ``zstd`` before Python 3.14.
    :param level: from -1 to 9 for zlib, where -1 means its default, 6; from -7 to 22 for
        zstd, 3 by default. A higher level takes longer and stores fewer bytes.
    :param max_size: the maximum number of bytes of a value before it is compressed, 16 MiB by default.
        A larger value is refused, when it is read too: 400 KB that another program stored could
        become 400 MB.

    >>> wire = CompressedField(str).encode("so so so " * 100)
    >>> len(wire["B"]) < 50, CompressedField(str).decode(wire) == "so so so " * 100
    (True, True)
    """

    kind = "B"
    leaf: Any = bytes
    comparable = False

    @overload
    def __init__(
        self: CompressedField[X, X | None],
        of: Of[X],
        *,
        null: Yes,
        **o: Unpack[CompressedNullable[X]],
    ) -> None: ...
    @overload
    def __init__(
        self: CompressedField[X, X], of: Of[X], *, required: Yes, **o: Unpack[CompressedAlways[X]]
    ) -> None: ...
    @overload
    def __init__(
        self: CompressedField[X, X],
        of: Of[X],
        *,
        default: Default[X],
        **o: Unpack[CompressedOptions[X]],
    ) -> None: ...
    @overload
    def __init__(
        self: CompressedField[X, X | None],
        of: Of[X],
        *,
        default: None = None,
        **o: Unpack[CompressedOptions[X]],
    ) -> None: ...
    @overload
    def __init__(
        self: CompressedField[Any, Any], *, null: bool = False, **o: Unpack[CompressedNullable[Any]]
    ) -> None: ...
    def __init__(
        self,
        of: Any = None,
        *,
        codec: Any = "zlib",
        level: int | None = None,
        max_size: int = MAX_SIZE,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.of = of
        self.inner: Field[Any, Any] | None = make_field(of)
        self.codec, self.level, self.max_size = codec, level, max_size

    def prepare(self) -> None:
        if self.codec not in _LEVELS:
            raise self.misdeclared(f'codec={self.codec!r}: it takes "zlib" or "zstd"')
        levels = _LEVELS[self.codec]
        if self.level is not None and self.level not in levels:
            raise self.misdeclared(
                f"level={self.level!r}: {self.codec} has levels from {levels[0]} to {levels[-1]}"
            )
        size: object = self.max_size
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise self.misdeclared(f"max_size={size!r}: it takes a number of bytes, 1 or more")
        if self.codec == "zstd" and _find_zstd() is None:
            raise self.misdeclared(f'codec="zstd" is not installed: {_INSTALL}, or use "zlib"')
        if self.is_key or self.unique:
            raise self.misdeclared(
                "equal values may be compressed to different bytes: it cannot be a key or unique"
            )
        if self.of is not None and self.inner is None:
            raise self.misdeclared(
                f"of={self.of!r}: it takes a field, str, bytes, a number type, or a Document class"
            )
        if self.inner is not None:
            self.inner = place_inside(self.inner, self, self.name)
            self.normalises = self.inner.normalises
        super().prepare()

    @property
    def _raw(self) -> bool:
        """Whether the value is text or bytes, compressed directly."""
        return self.inner is not None and self.inner.kind in ("S", "B") and not self.inner.null

    def to_db(self, value: T, /) -> bytes:
        wire = to_inner_wire(self.inner, value, 0)
        if not self._raw:
            content = to_json(wire)
        elif "S" in wire:
            content = wire["S"].encode()
        else:
            content = wire["B"]
        if len(content) > self.max_size:
            raise Unstorable(
                f"it has {len(content)} bytes before it is compressed, and max_size is {self.max_size}"
            )
        level = _USUAL_LEVELS[self.codec] if self.level is None else self.level
        if self.codec == "zlib":
            return zlib.compress(content, level)
        zstd = _find_zstd()
        if zstd is None:
            raise Unstorable(f"zstd is not installed: {_INSTALL}")
        return zstd[0](content, level)

    def to_python(self, stored: bytes, /) -> T:
        content = _decompress(stored, self.max_size)
        inner: Any = self.inner
        if self._raw:
            return cast("T", inner.read(content.decode() if inner.kind == "S" else content))
        wire = from_json(content)
        return cast("T", value_of(as_tree(wire)) if inner is None else inner.decode(wire))

    def normalise(self, value: Any, /) -> Any:
        return value if self.inner is None else self.inner.normalise(value)

    def element(self) -> None:
        """Return None: compressed values have no elements for conditions."""

    def to_json(self, value: Any, /) -> Any:
        to_inner_wire(self.inner, value, 0)  # it raises if the value cannot be stored
        return to_inner_json(self.inner, value)

    def from_plain(self, value: Any, how: Reading = PLAINLY, /) -> Any:
        return from_inner_plain(self.inner, value, how)


def _decompress(stored: bytes, most: int) -> bytes:
    """Return the decompressed bytes; raise ValueError for more than *most*, and for broken data."""
    if stored[:4] == _ZSTD_MAGIC:
        zstd = _find_zstd()
        if zstd is None:
            raise ValueError(f"it is compressed by zstd, which is not installed: {_INSTALL}")
        return _check_size(zstd[1](stored, most + 1), most)
    # https://www.rfc-editor.org/rfc/rfc1950#section-2.2
    if len(stored) < 2 or stored[0] & 15 != 8 or (stored[0] << 8 | stored[1]) % 31:
        raise ValueError("it is neither zlib nor zstd, by its first bytes")
    try:
        reading = zlib.decompressobj()
        content = _check_size(reading.decompress(stored, most + 1), most)
    except zlib.error as error:
        raise ValueError(f"it is broken: {error}") from error
    if not reading.eof:
        raise ValueError("it is broken: it ends too early")
    return content


def _check_size(content: bytes, most: int) -> bytes:
    if len(content) > most:
        raise ValueError(f"it has more than the {most} bytes of max_size")
    return content


_zstd_functions: list[Any] = []


def _find_zstd() -> Zstd | None:
    """Return the functions that compress and decompress with zstd; None if it is not installed."""
    if not _zstd_functions:
        _zstd_functions.append(_find_in_python() or _find_package())
    return cast("Zstd | None", _zstd_functions[0])


def _find_in_python() -> Any:
    """Return the functions of the standard library, from Python 3.14 on."""
    import importlib  # imported on use; type checkers for older versions do not know the module

    try:
        zstd: Any = importlib.import_module("compression.zstd")
    except ImportError:
        return None

    def decompress(stored: bytes, most: int) -> bytes:
        reading = zstd.ZstdDecompressor()
        try:
            content = bytes(reading.decompress(stored, most))
        except zstd.ZstdError as error:
            raise ValueError(f"it is broken: {error}") from error
        if not reading.eof and len(content) < most:
            raise ValueError("it is broken: it ends too early")
        return content

    return zstd.compress, decompress


def _find_package() -> Any:
    import importlib  # as above; the package is an extra

    try:
        zstd: Any = importlib.import_module("zstandard")
    except ImportError:
        return None

    def compress(content: bytes, level: int) -> bytes:
        return bytes(zstd.ZstdCompressor(level=level).compress(content))

    def decompress(stored: bytes, most: int) -> bytes:
        content = bytearray()
        reading = zstd.ZstdDecompressor().decompressobj()  # the data need not contain their size
        try:
            for at in range(0, len(stored), _CHUNK):
                content += reading.decompress(stored[at : at + _CHUNK])
                if len(content) >= most:
                    return bytes(content[:most])
        except zstd.ZstdError as error:
            raise ValueError(f"it is broken: {error}") from error
        if not reading.eof:
            raise ValueError("it is broken: it ends too early")
        return bytes(content)

    return compress, decompress
