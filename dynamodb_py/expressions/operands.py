"""Operands, and the Python operators that build conditions and updates from them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeGuard, TypeVar, cast

from .. import codec
from ..exceptions import QueryError, ValidationError
from .comparisons import (
    AttributeType,
    BeginsWith,
    Between,
    Compare,
    Contains,
    Exists,
    In,
    Never,
    NotExists,
    check_order,
)
from .conditions import Condition, DeferredValue, ReadableNames
from .names import Names, Wire
from .paths import (
    AFFIX,
    FREE,
    Argument,
    Coder,
    Path,
    Resolve,
    SeveralAttributes,
    Size,
    Term,
    Value,
    members,
)
from .sources import NO_ADDENDS, Computable, IfNotExists, PythonValue, as_source
from .updates import Action, Add, Delete, Remove, Set

if TYPE_CHECKING:
    from datetime import timedelta

V = TypeVar("V", contravariant=True)

TYPES = ("S", "SS", "N", "NS", "B", "BS", "BOOL", "NULL", "L", "M")
"""DynamoDB's names of its types, for ``attribute_type``."""

ORDERED = frozenset({"S", "N", "B"})
"""The types that DynamoDB orders."""

SCALARS: frozenset[type] = frozenset({str, int, float, bool, bytes, Decimal})
"""Types of plain values, which need no checks and are valid in a free-form document."""


class Comparable(Generic[V]):
    """The base of :class:`Operand`: comparisons with values and with other operands."""

    __slots__ = ()

    def _term(self) -> Term:
        """Return the term to compare."""
        raise NotImplementedError

    def _wire(self, value: object) -> Wire | None:
        """Return *value*, not None, as it is encoded here; None if it is stored as absent."""
        raise NotImplementedError

    def eq(self, other: V | Comparable[V] | None) -> Condition:
        """Return the condition that the value equals *other*; for None, that it is missing or NULL.

        >>> Score.points.eq(50)
        <Condition: points = 50>
        """
        right = self._operand(other)
        return _is_absent(self._term()) if right is None else Compare(self._term(), "=", right)

    def ne(self, other: V | Comparable[V] | None) -> Condition:
        """Return the condition that the value differs from *other*, or is missing.

        For None: that the attribute exists and is not NULL.

        >>> Score.points.ne(50)
        <Condition: points <> 50>
        """
        right = self._operand(other)
        return ~_is_absent(self._term()) if right is None else Compare(self._term(), "<>", right)

    def lt(self, other: V | Comparable[V]) -> Condition:
        """Return the condition that the value is less than *other*.

        DynamoDB orders numbers by value, text and bytes by their (UTF-8) bytes.

        >>> Score.points.lt(50)
        <Condition: points < 50>
        """
        return Compare(self._term(), "<", self._ordered_operand("<", other))

    def lte(self, other: V | Comparable[V]) -> Condition:
        """Return the condition that the value is less than or equal to *other*.

        >>> Score.points.lte(50)
        <Condition: points <= 50>
        """
        return Compare(self._term(), "<=", self._ordered_operand("<=", other))

    def gt(self, other: V | Comparable[V]) -> Condition:
        """Return the condition that the value is greater than *other*.

        >>> Score.points.gt(50)
        <Condition: points > 50>
        """
        return Compare(self._term(), ">", self._ordered_operand(">", other))

    def gte(self, other: V | Comparable[V]) -> Condition:
        """Return the condition that the value is greater than or equal to *other*.

        >>> Score.points.gte(50)
        <Condition: points >= 50>
        """
        return Compare(self._term(), ">=", self._ordered_operand(">=", other))

    def __eq__(self, other: V | Comparable[V] | None) -> Condition:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.eq(other)

    def __ne__(self, other: V | Comparable[V] | None) -> Condition:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.ne(other)

    def __lt__(self, other: V | Comparable[V]) -> Condition:
        return self.lt(other)

    def __le__(self, other: V | Comparable[V]) -> Condition:
        return self.lte(other)

    def __gt__(self, other: V | Comparable[V]) -> Condition:
        return self.gt(other)

    def __ge__(self, other: V | Comparable[V]) -> Condition:
        return self.gte(other)

    # == returns a condition, so dicts compare operands by identity.
    __hash__ = object.__hash__

    def between(self, low: V | Comparable[V], high: V | Comparable[V]) -> Condition:
        """Return the condition that the value lies from *low* to *high*, both included.

        Raises :class:`QueryError` if *low* is greater than *high*, or of another type.

        >>> Score.points.between(50, 70)
        <Condition: points BETWEEN 50 AND 70>
        """
        first, last = self._ordered_operand("between", low), self._ordered_operand("between", high)
        if type(first) is Value and type(last) is Value:
            _check_bounds(self._term(), first, last)
        return Between(self._term(), first, last)

    def is_in(
        self, *values: V | Comparable[V] | Iterable[V | Comparable[V] | None] | None
    ) -> Condition:
        """Return the condition that the value equals one of *values*.

        Pass several arguments, or one iterable (no text, bytes or mapping). None among the values also
        matches an attribute that is missing or NULL. Without any value, the condition never holds.

        DynamoDB's IN takes at most `100 values
        <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html>`_;
        more values become several INs.

        >>> F("score").is_in(1, 2) == F("score").is_in([1, 2])
        True
        """
        given = values[0] if len(values) == 1 and is_many(values[0]) else values
        operands = [self._operand(value) for value in cast("Iterable[Any]", given)]
        known = remove_duplicates([each for each in operands if each is not None])
        if isinstance(given, (set, frozenset)):  # their order differs in each process
            known = tuple(sorted(known, key=repr))
        term = self._term()
        condition: Condition = In(term, known) if known else Condition()
        if None in operands:
            return condition | _is_absent(term)
        return condition if known else Never(term.path if isinstance(term, Size) else term)

    # Without these, `in` and loops would read [0], [1], ... without end.
    __iter__: ClassVar[None] = None

    def __contains__(self, value: object) -> NoReturn:
        raise TypeError(f"{self._term()}: use .contains({value!r}); `in` can only return a bool")

    def _operand(self, value: object) -> Argument | None:
        """Return *value* as an operand; None if it means an absent attribute."""
        if value.__class__ not in SCALARS:
            if isinstance(value, Comparable):
                return value._term()
            if value is None:
                return None
            _check_is_value(self._term(), value)
        wire = self._wire(value)
        return None if wire is None else Value(wire)

    def _ordered_operand(self, operator: str, value: object) -> Argument:
        """Return *value* as an operand of a type with an order."""
        operand = self._operand(value)
        if operand is None or (type(operand) is Value and operand.kind not in ORDERED):
            kind = operand.kind if isinstance(operand, Value) else "NULL"
            raise QueryError(
                f"{self._term()} {operator} {value!r}: DynamoDB orders text, numbers and bytes, "
                f"and a {kind} is none of them"
            )
        check_order(operator, self._term(), operand)
        return operand


class Operand(Comparable[V], Computable):
    """A mixin for the value at a path: its methods return conditions and the actions of updates.

    A class needs only ``_path()`` for it. The mixin has no state.
    """

    __slots__ = ()

    def _path(self) -> Path:
        """Return the path of the value."""
        raise NotImplementedError

    def _term(self) -> Path:
        return self._path()

    def _wire(self, value: object) -> Wire | None:
        return self._path().encode(value)

    def __getitem__(self, part: str | int) -> Attr:
        """Return the attribute at *part*: the key of a map or the index of a list."""
        try:
            return Attr(self._path().follow(part))
        except SeveralAttributes as error:
            return cast("Attr", error.operand)

    def exists(self) -> Condition:
        """Return the condition that the attribute exists; it may be NULL.

        >>> Score.points.exists()
        <Condition: attribute_exists(points)>
        """
        return Exists(self._path())

    def not_exists(self) -> Condition:
        """Return the condition that the attribute does not exist, not even as NULL.

        >>> Score.points.not_exists()
        <Condition: attribute_not_exists(points)>
        """
        return NotExists(self._path())

    def begins_with(self, prefix: str | bytes | Comparable[Any]) -> Condition:
        """Return the condition that the text or bytes begin with *prefix*.

        The field does not encode *prefix*: it is compared with the stored text or bytes.

        >>> Score.player.begins_with("an")
        <Condition: begins_with(player, 'an')>
        """
        return BeginsWith(self._path(), self._encode_sought(prefix, AFFIX, "begins_with"))

    def contains(self, value: Any) -> Condition:
        """Return the condition that a set or list has the element *value*, or a text the part *value*.

        >>> F("tags").contains("new")
        <Condition: contains(tags, 'new')>
        """
        path = self._path()
        coder = path.coder.element()
        if coder is None:
            raise QueryError(f"{path}.contains(): only text, lists and sets contain something")
        return Contains(path, self._encode_sought(value, coder, "contains"))

    def size(self) -> SizeOf:
        """Return the size to compare: the length of a text, or the number of bytes or elements.

        >>> Score.player.size() > 3
        <Condition: size(player) > 3>
        """
        return SizeOf(self._path())

    def attribute_type(self, type: str, /) -> Condition:
        """Return the condition that the value has *type*: S, SS, N, NS, B, BS, BOOL, NULL, L or M.

        >>> Score.points.attribute_type("N")
        <Condition: attribute_type(points, 'N')>

        :raises QueryError: DynamoDB does not have this type.
        """
        if type not in TYPES:
            raise QueryError(
                f"{self._path()}.attribute_type({type!r}): DynamoDB's types are {', '.join(TYPES)}"
            )
        return AttributeType(self._path(), type)

    def _source(self) -> Path:
        return self._path()

    def if_not_exists(self, value: V | Computable | None) -> IfNotExists:
        """Return an expression for updates: the stored value, or *value* if the attribute is missing.

        Passed to an update by itself, it writes *value* if the attribute is missing.

        >>> Score.objects.get("ann", 1).update(points=Score.points.if_not_exists(0) + 1).points
        51
        """
        return IfNotExists.of(self._path(), value)

    def set(self, value: V | Computable | None) -> Action:
        """Return the action that writes *value*: a value, another attribute, or an expression.

        None removes the attribute, or stores NULL if the field has ``null=True`` or the document is
        free-form.

        >>> Score.objects.get("ann", 1).update(Score.points.set(7)).points
        7
        """
        return _check_early(Set(self._path(), as_source(value)))

    def remove(self) -> Action:
        """Return the action that removes the attribute, the key of a map, or the element of a list.

        >>> Score.objects.get("ann", 1).update(F("note").remove()).points
        50
        """
        return Remove(self._path())

    def add(self, value: V | float | Decimal | timedelta) -> Action:
        """Return the action that adds *value*: a number to the number, or the elements of a set to the set.

        A missing attribute counts as 0 or as an empty set. To a moment that is stored as a number, add
        a timedelta or seconds.

        >>> Score.objects.get("ann", 1).update(Score.points.add(7)).points
        57

        :raises ValidationError: *value* is not a number, a timedelta or a set, or the field cannot hold such values.
        """
        if isinstance(value, (*NO_ADDENDS, Computable)):
            text = f"a number or a set can be added, not {value!r}"
            raise ValidationError({f"{self._path()}.add()": [text]})
        return _check_early(Add(self._path(), PythonValue.of(value)))

    def discard(self, elements: V | AbstractSet[Any]) -> Action:
        """Return the action that removes *elements*, a set, from the set.

        DynamoDB removes a set that becomes empty.

        >>> from dynamodb_py import CharField, Model, SetField, Table
        >>> class Post(Model):
        ...     id = CharField(hash_key=True)
        ...     tags = SetField(str)
        >>> _ = Table(Post).create()
        >>> post = Post.objects.create(id="a", tags={"draft", "news"})
        >>> post.update(Post.tags.discard({"draft"})).tags
        {'news'}
        """
        if not isinstance(elements, (set, frozenset)):
            text = f"{elements!r} is not a set: write {{...}}"
            raise ValidationError({f"{self._path()}.discard()": [text]})
        return _check_early(Delete(self._path(), PythonValue.of(cast("object", elements))))

    def _encode_sought(self, value: object, coder: Coder, function: str) -> Argument:
        if isinstance(value, Comparable):
            return value._term()
        path = self._path()
        _check_is_value(path, value)
        if value is None and coder is not AFFIX:
            coder = FREE  # which stores an element that is None as NULL
        wire = coder.encode(value, f"{path}.{function}()")
        if wire is None:
            raise QueryError(f"{path}.{function}({value!r}): this value is stored as absent")
        return Value(wire)


def _check_early(action: Action) -> Action:
    """Return *action*; if its path is known, raise its errors now."""
    if not action.path.by_name:
        action.bind(_keep_path)
    return action


def _keep_path(path: Path) -> Path:
    return path


class Attr(Operand[Any]):
    """An attribute, or a part of one, in conditions and updates.

    >>> Attr(Path(("doc",)))["a"][0] >= 5
    <Condition: doc.a[0] >= 5>
    """

    __slots__ = ("_where",)

    def __init__(self, path: Path) -> None:
        self._where = path

    def _path(self) -> Path:
        return self._where

    def _operand(self, value: object) -> Argument | None:
        if value.__class__ not in SCALARS and self._where.by_name and _is_foreign(value):
            return ForeignValue.of(value, str(self._where))
        return super()._operand(value)

    def _encode_sought(self, value: object, coder: Coder, function: str) -> Argument:
        if self._where.by_name and coder is not AFFIX and _is_foreign(value):
            return ForeignValue.of(value, f"{self._where}.{function}()")
        return super()._encode_sought(value, coder, function)

    def __getattr__(self, name: str) -> Attr:
        """Return the field *name* of the document here: ``Order.lines[0].qty``."""
        return field_of(self, name)

    def __repr__(self) -> str:
        return str(self._where)


def field_of(place: Operand[Any], name: str) -> Attr:
    """Return the field *name* of the document at *place*; raise AttributeError with the known names."""
    if not name.startswith("_"):
        path = place._path()
        known = members(path.coder)
        if known is not None:
            try:
                found = path.find_member(name)
            except SeveralAttributes as error:
                return cast("Attr", error.operand)
            if found is not None:
                return Attr(found)
            raise AttributeError(f"{path}.{name}: {path._explain_missing(name)}")
    raise AttributeError(f"{type(place).__name__!r} object has no attribute {name!r}")


class F(Attr):
    """An attribute by its name, in Django's spelling: ``F("doc__tags__0")`` is ``doc["tags"][0]``.

    Digits after ``__`` are the index of a list. Put keys of maps that contain ``__`` or are digits into
    brackets: ``F("doc")["0"]``.

    A value that is compared with it is encoded as in a free-form document; a value of another type, such
    as a datetime or a UUID, is encoded by the model's field of that name.

    >>> F("y") < F("r")
    <Condition: y < r>

    :param name: the attribute's name in DynamoDB, then keys of maps and indexes of lists, each after ``__``.
    :raises QueryError: the name, or a part of it, is empty.
    """

    __slots__ = ()

    def __init__(self, name: str) -> None:
        first, *rest = name.split("__")
        if not first or not all(rest):
            raise QueryError(
                f'F({name!r}): write F("attribute__key__0"), with a name in each place'
            )
        path = Path((first,), label=f"F({first!r})", by_name=True)
        for part in rest:
            path = path[int(part) if part.isascii() and part.isdigit() else part]
        super().__init__(path)


class SizeOf(Comparable[int]):
    """The size of an attribute, which compares with ints and with other attributes.

    >>> F("name").size() > 3
    <Condition: size(name) > 3>
    """

    __slots__ = ("_where",)

    def __init__(self, path: Path) -> None:
        self._where = path

    def _term(self) -> Size:
        return Size(self._where)

    def _wire(self, value: object) -> Wire:
        if isinstance(value, int) and not isinstance(value, bool):
            return codec.encode(value)
        raise ValidationError({str(self._term()): [f"a size compares with an int, not {value!r}"]})

    def __repr__(self) -> str:
        return str(self._term())


class ForeignValue(DeferredValue, frozen=True):
    """A Python value that is compared with a name; the field of that name will encode it."""

    value: Any
    where: str

    @classmethod
    def of(cls, value: object, where: str) -> ForeignValue:
        """Wrap *value*; copy it if it is mutable."""
        fixed = type(value).__hash__ is not None
        return cls({}, value if fixed else copy.deepcopy(value), where)

    def render(self, names: Names) -> str:
        if isinstance(names, ReadableNames):
            return repr(self.value)
        return names.value(codec.encode(self.value, self.where))  # raises

    def rebuild(self, node: Condition, resolve: Resolve) -> Condition:
        attr, *others = [_unwrap(operand, resolve) for operand in node._operands()]
        if isinstance(node, In):
            return cast("Condition", attr.is_in(others))
        method = _METHODS[node.operator if isinstance(node, Compare) else type(node)]
        return cast("Condition", getattr(attr, method)(*others))


_METHODS: dict[Any, str] = {"=": "eq", "<>": "ne", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_METHODS.update({Between: "between", Contains: "contains"})


class EncodedOperand(Comparable[Any]):
    """A value that is already encoded; the field does not encode it again."""

    __slots__ = ("_value",)

    def __init__(self, value: Value) -> None:
        self._value = value

    def _term(self) -> Any:
        return self._value


def _unwrap(operand: Argument, resolve: Resolve) -> Any:
    """Return *operand* with names resolved and a :class:`ForeignValue` unwrapped."""
    if isinstance(operand, ForeignValue):
        return operand.value
    if isinstance(operand, Value):
        return EncodedOperand(operand)
    if isinstance(operand, Size):
        return SizeOf(operand.path.bind(resolve))
    try:
        return Attr(operand.bind(resolve))
    except SeveralAttributes as error:
        return error.operand


def _is_foreign(value: object) -> bool:
    """Tell whether *value* has no form in a free-form document, or may have another one in its field."""
    free = (*NO_ADDENDS, int, float, Decimal, set, frozenset, Mapping)
    return isinstance(value, Enum) or not isinstance(value, (*free, Comparable, Condition))


def remove_duplicates(operands: Sequence[Argument]) -> tuple[Argument, ...]:
    """Return *operands* without duplicates."""
    try:
        keys = [tuple(one.wire.items()) if type(one) is Value else one for one in operands]
        return tuple(dict(zip(keys, operands, strict=True)).values())
    except TypeError:  # a list, a map or a set among them
        return tuple(dict.fromkeys(operands))


def is_many(value: object) -> TypeGuard[Iterable[Any]]:
    """Tell whether *value* is several values; text, bytes and mappings are one."""
    single = (str, bytes, bytearray, memoryview, Mapping, Comparable)
    return isinstance(value, Iterable) and not isinstance(value, single)


def _check_is_value(term: Term, value: object) -> None:
    if isinstance(value, Condition):
        raise QueryError(
            f"{term} is compared with a condition: put parentheses around each side of &"
        )


def _is_absent(term: Term) -> Condition:
    """Return the condition for None: missing, or NULL."""
    if isinstance(term, Size):
        raise QueryError(f"{term} is never None: use {term.path}.exists()")
    return NotExists(term) | AttributeType(term, "NULL")


def _check_bounds(term: Term, low: Value, high: Value) -> None:
    if low.kind != high.kind:
        raise QueryError(f"{term}.between(): {low.kind} and {high.kind} have no order in common")
    if codec.to_sort_key(low.wire) > codec.to_sort_key(high.wire):
        raise QueryError(
            f"{term}.between(): the lower bound is greater than the upper, and DynamoDB rejects "
            "that; swap them"
        )
