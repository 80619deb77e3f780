"""Sources: the expressions from which a SET takes its value.

``F("wins") + 1``, ``F("wins").if_not_exists(0)`` and ``F("ids").append([7])`` are frozen nodes. Values in
them stay Python values until the target is known: its coder encodes them.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NoReturn, Protocol, TypeAlias, cast

from msgspec import Struct

from .. import codec
from ..exceptions import QueryError, ValidationError
from .names import Names, Wire
from .paths import FREE, Coder, Path, Resolve, Value

NUMBER = "N"
LIST = "L"
SETS = frozenset({"SS", "NS", "BS"})

NO_ADDENDS = (str, bytes, bytearray, memoryview, bool, type(None), list, tuple, dict)
"""Types of values that cannot be added, neither as a number nor as a set."""


class Source(Protocol):
    """A source of a SET: a :class:`Value`, a :class:`Path`, or a node of this module."""

    def render(self, names: Names, /) -> str:
        """Return the text of the source with the placeholders of *names*."""
        ...


class PythonValue(Struct, frozen=True):
    """A Python value that the coder of its target will encode."""

    value: Any

    @classmethod
    def of(cls, value: object) -> PythonValue:
        """Wrap *value*; copy it if it is mutable."""
        return cls(value if type(value).__hash__ is not None else copy.deepcopy(value))

    def render(self, names: Names) -> str:
        """Return the placeholder of the value, encoded as in a free-form document."""
        return names.value(codec.encode(self.value))

    def __hash__(self) -> int:
        return hash(PythonValue)


class Target(Struct, frozen=True):
    """The target of a value: its coder, and its name in messages."""

    coder: Coder = FREE
    where: str = ""

    @property
    def kind(self) -> str:
        """DynamoDB's type of the values there; "" if unknown."""
        return find_kind(self.coder)

    def make_error(self, problem: str) -> ValidationError:
        """Return the error for a value that cannot be stored here."""
        return ValidationError({self.where: [problem]})

    def to_wire(self, value: object) -> Value:
        """Return *value* as it is stored here."""
        if value is None:
            if not getattr(self.coder, "null", True):
                raise self.make_error("None is not stored here: use remove(), or pass a value")
            return Value({"NULL": True})
        wire = self.coder.encode(value, self.where)
        if wire is None:
            raise self.make_error(f"{value!r} is stored as absent: use remove()")
        return Value(wire)

    def amount(self, value: object) -> Value:
        """Return *value* as a number to add or subtract here."""
        if self.kind not in ("", NUMBER):
            raise self.make_error(
                f"{value!r} cannot be added: this is stored as {self.kind}, not as a number"
            )
        if self.kind and not self._holds_numbers():
            wire = self._amount_of_another_type(value)
        else:
            wire = self.coder.encode(value, self.where) if value is not None else None
        if not wire or NUMBER not in wire:
            raise self.make_error(
                f"{value!r} is not a number: only numbers are added and subtracted"
            )
        return Value(wire)

    def _holds_numbers(self) -> bool:
        """Tell whether the values here are numbers in Python too, unlike moments."""
        try:
            return self.coder.encode(0, self.where) is not None
        except ValidationError:
            return False

    def _amount_of_another_type(self, value: object) -> Wire | None:
        if isinstance(value, dt.timedelta):
            try:
                return self.coder.encode(value, self.where)  # a span in seconds
            except ValidationError:
                seconds = codec.EXACT.scaleb(value // dt.timedelta(microseconds=1), -6)
                return codec.encode(seconds, self.where)
        if isinstance(value, dt.date):
            raise self.make_error(f"{value!r} is a moment: add a timedelta, or seconds")
        if isinstance(value, (int, float, Decimal)):
            return codec.encode(value, self.where)
        return self.coder.encode(value, self.where) if value is not None else None

    def elements(self, value: object) -> Value:
        """Return the list *value*, encoded, to append to the list here."""
        if self.kind not in ("", LIST):
            raise self.make_error(f"it is stored as {self.kind}: only lists are appended to")
        if not isinstance(value, (list, tuple)):
            raise self.make_error(
                f"{value!r} is not a list: write [{value!r}] to append one element"
            )
        return self.to_wire(cast("object", value))

    def members(self, value: object, verb: str) -> Value:
        """Return the set *value*, encoded, for *verb* on the set here; it must not be empty."""
        if self.kind and self.kind not in SETS:
            raise self.make_error(f"it is stored as {self.kind}: {verb} of a set is for sets")
        if not isinstance(value, (set, frozenset)):
            raise self.make_error(f"{value!r} is not a set: write {{...}}")
        if not value:
            raise self.make_error("the set is empty: leave the change out")
        return self.to_wire(cast("object", value))

    def check(self, path: Path, *, kind: str) -> None:
        """Raise ValidationError if the type of *path* is known and differs from *kind*."""
        other = find_kind(path.coder)
        if kind and other and kind != other:
            raise self.make_error(f"{path} is stored as {other}, and a {kind} is needed here")


def find_kind(coder: Coder) -> str:
    """Return DynamoDB's type of the values of *coder*; "" if they may have any type."""
    kind: str = getattr(coder, "kind", "")
    return kind


class Computable(codec.Uncomputed):
    """A mixin for the operators ``+`` and ``-`` and the functions of a SET."""

    __slots__ = ()

    def _source(self) -> Part:
        """Return the source to compute with, by default itself."""
        return cast("Part", self)

    def __add__(self, other: Any) -> Arithmetic:
        return Arithmetic.of(self, "+", other)

    def __radd__(self, other: Any) -> Arithmetic:
        return Arithmetic.of(other, "+", self)

    def __sub__(self, other: Any) -> Arithmetic:
        return Arithmetic.of(self, "-", other)

    def __rsub__(self, other: Any) -> Arithmetic:
        return Arithmetic.of(other, "-", self)

    def __mul__(self, other: object) -> NoReturn:
        raise TypeError(
            f"{_describe(self._source())}: DynamoDB only adds and subtracts; read the item, compute the "
            "value, and write it with a condition that the item has not changed"
        )

    __rmul__ = __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = (
        __mul__
    )
    __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __mul__

    def __neg__(self) -> NoReturn:
        text = _describe(self._source())
        raise TypeError(f"-{text}: DynamoDB only adds and subtracts: write 0 - {text}")

    def append(self, values: Any) -> ListAppend:
        """Return an expression for updates: this list, followed by the list *values*.

        Passed to an update by itself, it changes this list. DynamoDB rejects it if the item has no such
        list: ``F("lines").if_not_exists([]).append(["tea"])`` creates one.

        >>> from dynamodb_py import CharField, ListField, Model, Table
        >>> class Cart(Model):
        ...     id = CharField(hash_key=True)
        ...     lines = ListField(str)
        >>> _ = Table(Cart).create()
        >>> cart = Cart.objects.create(id="a", lines=["bread"])
        >>> cart.update(Cart.lines.append(["milk", "tea"])).lines
        ['bread', 'milk', 'tea']
        """
        return ListAppend.of(self, values, self)

    def prepend(self, values: Any) -> ListAppend:
        """Return an expression for updates: the list *values*, followed by this list.

        All else is as for :meth:`append`.

        >>> from dynamodb_py import CharField, ListField, Model, Table
        >>> class Cart(Model):
        ...     id = CharField(hash_key=True)
        ...     lines = ListField(str)
        >>> _ = Table(Cart).create()
        >>> cart = Cart.objects.create(id="a", lines=["bread"])
        >>> cart.update(Cart.lines.prepend(["milk"])).lines
        ['milk', 'bread']
        """
        return ListAppend.of(values, self, self)


class IfNotExists(Computable, Struct, frozen=True):
    """The value at a path, or *value* if there is none."""

    path: Path
    value: Part

    @classmethod
    def of(cls, path: Path, value: object) -> IfNotExists:
        """Create the node from Python operands."""
        return cls(path, _operand(value, f"{path}.if_not_exists()"))

    def render(self, names: Names) -> str:
        """Return the text of the node with the placeholders of *names*."""
        return f"if_not_exists({self.path.render(names)}, {self.value.render(names)})"

    def bind(self, resolve: Resolve, target: Target, kind: str) -> Part:
        """Return the node with names resolved and values encoded."""
        path = resolve(self.path) if self.path.by_name else self.path
        target.check(path, kind=kind)
        return IfNotExists(path, bind_source(self.value, resolve, target, kind))


class ListAppend(Computable, Struct, frozen=True):
    """Two lists, one after the other."""

    first: Part
    second: Part
    own: Path | None = None
    """The list that an update changes if the node is passed by itself."""

    @classmethod
    def of(cls, first: object, second: object, own: object) -> ListAppend:
        """Create the node from Python operands."""
        where = f"{_describe(as_source(own))}.append()"
        for source in map(as_source, (first, second)):
            plain: object = source.value if isinstance(source, PythonValue) else []
            if not isinstance(plain, (list, tuple)):
                text = f"{plain!r} is not a list: write [{plain!r}] for one element"
                raise ValidationError({where: [text]})
        return cls(_operand(first, where), _operand(second, where), find_own_path(as_source(own)))

    def render(self, names: Names) -> str:
        """Return the text of the node with the placeholders of *names*."""
        return f"list_append({self.first.render(names)}, {self.second.render(names)})"

    def bind(self, resolve: Resolve, target: Target, kind: str) -> Part:
        """Return the node with names resolved and values encoded."""
        if kind not in ("", LIST):
            raise target.make_error(f"it is stored as {kind}: only lists are appended to")
        first, second = (
            target.elements(each.value)
            if isinstance(each, PythonValue)
            else bind_source(each, resolve, target, LIST)
            for each in (self.first, self.second)
        )
        return ListAppend(first, second, self.own)


class Arithmetic(Computable, Struct, frozen=True):
    """A sum or a difference; DynamoDB accepts one operator in each SET."""

    left: Part
    operator: str
    right: Part

    @classmethod
    def of(cls, left: object, operator: str, right: object) -> Arithmetic:
        """Create the node from Python operands; raise :class:`QueryError` for more than one operator."""
        sides = as_source(left), as_source(right)
        where = f"{_describe(sides[0])} {operator} {_describe(sides[1])}"
        for side in sides:
            wrong = isinstance(side, ListAppend) or (
                isinstance(side, PythonValue)
                and isinstance(side.value, (*NO_ADDENDS, set, frozenset))
            )
            if wrong:
                text = f"{_describe(side)} is not a number: only numbers are added and subtracted"
                raise ValidationError({where: [text]})
        return cls(_operand(left, where), operator, _operand(right, where))

    def render(self, names: Names) -> str:
        """Return the text of the node with the placeholders of *names*."""
        return f"{self.left.render(names)} {self.operator} {self.right.render(names)}"

    def bind(self, resolve: Resolve, target: Target, kind: str) -> Part:
        """Return the node with names resolved and values encoded."""
        if kind not in ("", NUMBER):
            raise target.make_error(
                f"it is stored as {kind}: only numbers are added and subtracted"
            )
        left, right = (
            target.amount(each.value)
            if isinstance(each, PythonValue)
            else bind_source(each, resolve, target, NUMBER)
            for each in (self.left, self.right)
        )
        return Arithmetic(left, self.operator, right)


Part: TypeAlias = "Path | Value | PythonValue | IfNotExists | ListAppend | Arithmetic"

NODES = (IfNotExists, ListAppend, Arithmetic)
_KNOWN = (Path, Value, PythonValue, *NODES)


def as_source(value: object) -> Part:
    """Return *value* as a source: the source of an operand or a node, else a Python value."""
    if isinstance(value, Computable):
        return value._source()
    if isinstance(value, _KNOWN):
        return value
    return PythonValue.of(value)


def _operand(value: object, where: str) -> Part:
    source = as_source(value)
    if isinstance(source, Arithmetic):
        raise QueryError(
            f"{where}: DynamoDB takes one + or - in each change, and none inside a function: "
            "compute constant parts in Python, or use several updates"
        )
    return source


def bind_source(source: Part, resolve: Resolve, target: Target, kind: str) -> Part:
    """Return *source* with names resolved, and values encoded for *target*.

    *kind* is the required DynamoDB type, "" for any. Raises
    :class:`~dynamodb_py.exceptions.ValidationError` for a source that does not fit.
    """
    if isinstance(source, PythonValue):
        return target.to_wire(source.value)
    if isinstance(source, Path):
        path = resolve(source) if source.by_name else source
        target.check(path, kind=kind)
        return path
    return source.bind(resolve, target, kind) if isinstance(source, NODES) else source


def find_own_path(source: Source) -> Path | None:
    """Return the path that *source* changes if it is passed to an update by itself, or None."""
    if isinstance(source, Path):
        return source
    if isinstance(source, IfNotExists):
        return source.path
    return source.own if isinstance(source, ListAppend) else None


def leaves(source: Source) -> Iterator[Source]:
    """Yield the paths and values of *source*; if its kind is unknown, *source* itself."""
    if isinstance(source, IfNotExists):
        yield source.path
        yield from leaves(source.value)
    elif isinstance(source, ListAppend):
        yield from leaves(source.first)
        yield from leaves(source.second)
    elif isinstance(source, Arithmetic):
        yield from leaves(source.left)
        yield from leaves(source.right)
    else:
        yield source


def _describe(source: Source) -> str:
    return repr(source.value) if isinstance(source, PythonValue) else str(source)
