"""Paths of values inside an item, and the encoding of values there.

They are plain values, equal by content. :mod:`~dynamodb_py.expressions.operands` builds conditions on
paths with Python's operators.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from .. import codec
from ..exceptions import QueryError, ValidationError
from .names import Names, Wire


class Coder(Protocol):
    """Encodes the values at one path of an item."""

    def encode(self, value: Any, where: str, /) -> Wire | None:
        """Return *value*, never None, as an attribute value; None if it is stored as absent.

        Raises :class:`~dynamodb_py.exceptions.ValidationError`, under the name *where*, for a value
        that cannot be stored here.
        """
        ...

    def sub(self, part: str | int, /) -> Coder | None:
        """Return the coder of the value at *part*, a map's key or a list's index; None if there is none."""
        ...

    def element(self) -> Coder | None:
        """Return the coder of the elements here; None if a value here has no elements."""
        ...


class FreeForm:
    """Values without a schema; their Python type decides the encoding."""

    def encode(self, value: Any, where: str, /) -> Wire:
        return codec.encode(value, where)

    def sub(self, part: str | int, /) -> Coder:
        del part  # each part is free-form too
        return self

    def element(self) -> Coder:
        return self

    def __repr__(self) -> str:
        return "FREE"

    def __reduce__(self) -> str:
        return "FREE"


class Affix:
    """A piece of text or bytes, for ``begins_with`` and a text's ``contains``."""

    def encode(self, value: Any, where: str, /) -> Wire:
        if isinstance(value, (str, bytes, bytearray)):
            return codec.encode(value, where)
        message = f"only str or bytes can be searched for here, not {value!r}"
        raise ValidationError({where: [message]})

    def sub(self, part: str | int, /) -> None:
        """A text has no parts."""

    def element(self) -> Coder:
        return self

    def __repr__(self) -> str:
        return "AFFIX"

    def __reduce__(self) -> str:
        return "AFFIX"


FREE = FreeForm()
AFFIX = Affix()


@functools.singledispatch
def member(coder: object, part: str) -> str | None:
    """Return the key of the member *part* that *coder* declares, or None.

    Models register the fields with named members here.
    """
    del coder, part
    return None


@functools.singledispatch
def members(coder: object) -> Iterable[str] | None:
    """Return the names of all members that *coder* declares; None if any name is allowed."""
    del coder
    return None


@functools.singledispatch
def referred(coder: object, path: Path, part: str) -> Path | None:
    """Return the path of the reference *part* inside *path*, or None.

    Raises :class:`SeveralAttributes` for a reference that is stored in several attributes. Models
    register the fields whose members may be references here.
    """
    del coder, path, part
    return None


class SeveralAttributes(QueryError):
    """A name means several attributes, so it has no single path; *operand* compares them all."""

    def __init__(self, message: str, operand: Any) -> None:
        super().__init__(message)
        self.operand = operand
        self.rest: list[str] | None = None
        """The parts of the lookup after the name; None for all parts after the first."""


class Path(Struct, frozen=True, eq=False):
    """The place of a value: an attribute's name on the wire, then keys of maps and indexes of lists.

    A name is always one part: ``("a.b",)`` is the attribute ``a.b``, ``("a", "b")`` the
    key ``b`` of the attribute ``a``. Paths with the same parts are equal.

    >>> path = Path(("doc",), label="Test.doc")["a"][0]
    >>> path.label, path.render(names := Names()), names.names
    ("Test.doc['a'][0]", '#0.#1[0]', {'#0': 'doc', '#1': 'a'})
    """

    parts: tuple[str | int, ...]
    coder: Coder = FREE
    label: str = ""
    """The name in messages; by default the name on the wire."""
    by_name: bool = False
    """True if no model has resolved the name (of ``F``) yet."""

    def __post_init__(self) -> None:
        if not self.parts or not isinstance(self.parts[0], str) or not self.parts[0]:
            raise QueryError(
                f"a path begins with the name of an attribute, not with {self.parts!r}"
            )

    def __getitem__(self, part: str | int) -> Path:
        """Return the path of *part*: a key of a map, or an index of a list."""
        self._check(part)
        coder = self.coder.sub(part)
        if coder is None:
            raise QueryError(f"{self}[{part!r}]: {self._explain_missing(part)}")
        return Path((*self.parts, part), coder, f"{self}[{part!r}]", self.by_name)

    def follow(self, part: str | int) -> Path:
        """Return the path of *part*, which may be the name of a declared member."""
        found = self.find_member(part) if isinstance(part, str) else None
        return self[part] if found is None else found

    def find_member(self, part: str) -> Path | None:
        """Return the path of the declared member *part*; None if there is none.

        Raises :class:`SeveralAttributes` for a reference of several attributes.
        """
        reference = referred(self.coder, self, part)
        if reference is not None:
            return reference
        key = member(self.coder, part)
        return None if key is None else self[key]

    def _explain_missing(self, part: object) -> str:
        """Return the reason for which the value has no *part*."""
        known = members(self.coder)
        if known is None:
            return f"nothing lies inside {self}: it is not a list or a map"
        return f"{self} has no field {part!r}: its fields are {', '.join(known)}"

    __iter__ = None  # else Python would ask for [0], [1], ... without end

    def _check(self, part: object) -> None:
        if isinstance(part, str) and part:
            return
        if isinstance(part, bool) or not isinstance(part, int):
            raise QueryError(f"{self}[{part!r}]: a part is the key of a map or an index of a list")
        if part < 0:
            raise QueryError(
                f"{self}[{part}]: DynamoDB counts from the start of a list only; "
                "read the item to know how long its list is"
            )

    def bind(self, resolve: Resolve) -> Path:
        """Return the path of the field for a name; for a name of no field, the path on the wire."""
        path = resolve(self) if self.by_name else self
        return Path(path.parts, path.coder, path.label) if path.by_name else path

    def encode(self, value: Any) -> Wire | None:
        """Return *value* as it is encoded here; None if it is stored as absent."""
        return None if value is None else self.coder.encode(value, str(self))

    def render(self, names: Names) -> str:
        """Return the text of the path with the placeholders of *names*."""
        return names.path(self.parts)

    def __eq__(self, other: object) -> bool:
        return self.parts == other.parts if isinstance(other, Path) else NotImplemented

    def __ne__(self, other: object) -> bool:  # Struct defines its own, by identity
        return self.parts != other.parts if isinstance(other, Path) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.parts)

    def __str__(self) -> str:
        return self.label or ".".join(map(str, self.parts))

    def __repr__(self) -> str:
        return f"Path({self.parts!r})"


class Size(Struct, frozen=True):
    """The size of the value at a path: a text's length, a number of bytes or of elements.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html#Expressions.OperatorsAndFunctions.Functions
    """

    path: Path

    def render(self, names: Names) -> str:
        """Return the text of the operand with the placeholders of *names*."""
        return f"size({names.path(self.path.parts)})"

    def __str__(self) -> str:
        return f"{self.path}.size()"


class Value(Struct, frozen=True):
    """An encoded value."""

    wire: Wire

    @property
    def kind(self) -> str:
        """The DynamoDB type of the value: ``S``, ``N``, ..."""
        return next(iter(self.wire))

    def render(self, names: Names) -> str:
        """Return the text of the operand with the placeholders of *names*."""
        return names.value(self.wire)

    def __hash__(self) -> int:
        return hash(_hashable(self.wire))


Term: TypeAlias = "Path | Size"
Argument: TypeAlias = "Path | Size | Value"


def _hashable(wire: Any) -> object:
    if isinstance(wire, dict):
        return frozenset((name, _hashable(each)) for name, each in wire.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(wire, (list, tuple)):
        return tuple(map(_hashable, wire))  # pyright: ignore[reportUnknownArgumentType]
    return wire


def check_apart(paths: Iterable[Path]) -> None:
    """Raise :class:`QueryError` if two of *paths* overlap, which DynamoDB rejects.

    They overlap if one is the beginning of the other; ``a.b`` and ``a[0]`` conflict as well, because
    ``a`` cannot be a map and a list.
    """
    paths = list(paths)
    if len({path.parts[0] for path in paths}) == len(paths):
        return  # nearly always
    for one, other in pairwise(sorted(paths, key=sort_key)):
        for own, other_part in zip(one.parts, other.parts, strict=False):
            if own != other_part:
                _check_same_kind(one, other, own, other_part)
                break
        else:
            raise QueryError(
                f"{one} and {other} overlap: DynamoDB rejects an expression with two paths to a "
                "value; use one of them, or two requests"
            )


def sort_key(path: Path) -> list[tuple[bool, str | int]]:
    """Return a value for ``sorted(key=)`` that puts each path before the paths that begin with it."""
    return [(isinstance(part, str), part) for part in path.parts]


def _check_same_kind(one: Path, other: Path, own: str | int, other_part: str | int) -> None:
    if type(own) is not type(other_part):
        raise QueryError(
            f"{one} and {other} cannot both exist: one needs a list there, the other a map"
        )


Resolve: TypeAlias = Callable[[Path], Path]
"""Turns a path whose first part is a field's name (``by_name``) into the field's own path."""
