"""Conditions on items, and their text in DynamoDB's expression language.

They are frozen values. ``&``, ``|``, ``^`` and ``~`` join them. Conditions with the same terms, in any order, are
equal. A comparison with a missing attribute is false, except ``<>``, which is true.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, ClassVar, cast

from msgspec import Struct

from ..exceptions import QueryError
from ..limits import MAX_OPERATORS
from .names import Names, Wire, check_length
from .paths import Argument, Path, Resolve, Size, Value

_HERE = f"{__package__}."

_MOST_OPERATORS = 4
"""The most operators that a node (with the operator before it) or an operand counts for."""


class Condition(Struct, frozen=True):
    """A condition on an item. ``Condition()`` is the empty one, which always holds.

    A loop that collects conditions begins with the empty one: ``&``, ``|`` and ``^`` with it return the
    other side, ``~`` returns it unchanged, and its text is empty.

    DynamoDB has no exclusive or: ``a ^ b`` is ``(a & ~b) | (~a & b)``.

    >>> Condition().is_empty, ~Condition() == Condition(), Condition().render(Names())
    (True, True, '')
    """

    _operators: ClassVar[int] = 1
    """The number of operators and functions of the node itself, for DynamoDB's limit."""
    _is_lookup: ClassVar[bool] = False
    """Whether its only operand is the name of a field."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = vars(cls)
        if "_spell" in own and "_shape" not in own and not cls.__module__.startswith(_HERE):
            cls._shape = _make_unique_shape  # type: ignore[method-assign]

    def render(self, names: Names) -> str:
        """Return the text of the condition, "" if it is empty; add its names and values to *names*.

        Raises :class:`QueryError` past DynamoDB's limits for an expression: 300 operators, or 4 KB
        (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).
        """
        try:
            text = self._spell(names)
        except RecursionError:
            self._check_operators()  # with a clearer error
            raise
        if len(text) > MAX_OPERATORS:  # a shorter text cannot hold too many operators
            self._check_operators()
            check_length(text, "condition", "split it into several requests")
        return text

    def paths(self) -> Iterator[Path]:
        """Yield every path in the condition, in order, with repetitions."""
        for node in self._nodes():
            for operand in node._operands():
                if isinstance(operand, Size):
                    yield operand.path
                elif isinstance(operand, Path):
                    yield operand

    def operators(self) -> int:
        """Return the number of operators and functions in the condition."""
        count = 0
        for node in self._nodes():
            count += node._operators + max(len(node._children()) - 1, 0)
            count += sum(isinstance(operand, Size) for operand in node._operands())
        return count

    def bind(self, resolve: Resolve) -> Condition:
        """Return the condition with *resolve* applied to each path that is ``by_name``.

        Lookups become conditions, with values that their fields have encoded.
        """
        parts, is_named = 0, False
        for node in self._nodes():
            parts += 1
            if node._is_lookup:
                is_named = True
                continue
            for operand in node._operands():
                if isinstance(operand, Size):
                    parts += 1
                    operand = operand.path
                is_named = is_named or (isinstance(operand, Path) and operand.by_name)
        if not is_named:
            return self
        if parts > MAX_OPERATORS // _MOST_OPERATORS:
            self._check_operators()
        return self._bind_names(resolve)

    def shape(self, values: list[Wire]) -> tuple[Hashable, ...]:
        """Return the condition without its values, and append the values to *values*, in order.

        Conditions of equal shapes have the same text, the same names, and values of the same types. So
        a plan for one of them, filled with the values of another, is a plan for that one.
        """
        try:
            return self._shape(values)
        except RecursionError:
            self._check_operators()  # with a clearer error
            raise

    @property
    def is_empty(self) -> bool:
        """Whether it is the empty condition."""
        return type(self) is Condition

    @property
    def conjuncts(self) -> tuple[Condition, ...]:
        """The terms of an AND, else the condition itself."""
        return (self,)

    @property
    def is_never(self) -> bool:
        """Whether no item can meet the condition."""
        return False

    def _check_operators(self) -> None:
        """Raise QueryError over DynamoDB's limit; below it, recursion into the terms is never too deep."""
        count = self.operators()
        if count > MAX_OPERATORS:
            raise QueryError(
                f"this condition has {count} operators, and DynamoDB takes {MAX_OPERATORS}: "
                "split it into several requests, or compare with a list of values by is_in()"
            )

    def _spell(self, names: Names) -> str:
        del names
        return ""

    def _shape(self, values: list[Wire]) -> tuple[Hashable, ...]:
        """Return the shape of a node that has only its class, operands and terms."""
        shape: list[Hashable] = [type(self)]
        for operand in self._operands():
            shape.append(operand_shape(operand, values))
        for term in self._children():
            shape.append(term._shape(values))
        return tuple(shape)

    def _bind_names(self, resolve: Resolve) -> Condition:
        """Do the work of :meth:`bind`, for this node and all below it."""
        for operand in self._operands():
            if isinstance(operand, DeferredValue):
                return operand.rebuild(self, resolve)
        fields = [_bind(getattr(self, name), resolve) for name in self.__struct_fields__]
        return type(self)(*fields)

    def _children(self) -> tuple[Condition, ...]:
        return ()

    def _operands(self) -> tuple[Argument, ...]:
        return ()

    def _nodes(self) -> Iterator[Condition]:
        """Yield this node and all below it; without recursion, so that no depth is too deep."""
        waiting: list[Condition] = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node._children()))

    def __and__(self, other: Condition) -> Condition:
        if not isinstance(other, Condition):
            return NotImplemented
        return join(And, self, other)

    def __or__(self, other: Condition) -> Condition:
        if not isinstance(other, Condition):
            return NotImplemented
        return join(Or, self, other)

    def __xor__(self, other: Condition) -> Condition:
        if not isinstance(other, Condition):
            return NotImplemented
        if self.is_empty or other.is_empty:
            return join(Or, self, other)
        return join(Or, join(And, self, ~other), join(And, ~self, other))

    def __invert__(self) -> Condition:
        return self if self.is_empty else Not(self)

    def __bool__(self) -> bool:
        raise TypeError(
            "a condition has no truth value: join conditions with & | ~, not with "
            "and, or, not, in, nor as a < b < c"
        )

    def describe(self) -> str:
        """Return the condition for people to read: with names and values instead of placeholders."""
        if self.is_empty:
            return "none"
        if (count := self.operators()) > MAX_OPERATORS:
            return f"{count} operators"
        return self._spell(ReadableNames())

    def __repr__(self) -> str:
        return f"<Condition: {self.describe()}>"


class _Joined(Condition, frozen=True):
    """Several terms; equal to the same terms in another order."""

    _operators: ClassVar[int] = 0

    terms: tuple[Condition, ...]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Joined) or type(other) is not type(self):
            return NotImplemented
        return self.terms == other.terms or frozenset(self.terms) == frozenset(other.terms)

    def __ne__(self, other: object) -> bool:  # Struct defines its own
        return not self == other

    def __hash__(self) -> int:
        return hash((type(self), frozenset(self.terms)))

    def _children(self) -> tuple[Condition, ...]:
        return self.terms


class And(_Joined, frozen=True):
    """All of the terms hold."""

    @property
    def conjuncts(self) -> tuple[Condition, ...]:
        return self.terms

    @property
    def is_never(self) -> bool:
        return any(term.is_never for term in self.terms)

    def _spell(self, names: Names) -> str:
        return _spell_terms(self.terms, " AND ", names)

    def _bind_names(self, resolve: Resolve) -> Condition:
        return _bind_terms(And, self.terms, resolve)


class Or(_Joined, frozen=True):
    """At least one of the terms holds."""

    def _spell(self, names: Names) -> str:
        return _spell_terms(self.terms, " OR ", names)

    def _bind_names(self, resolve: Resolve) -> Condition:
        return _bind_terms(Or, self.terms, resolve)


class Not(Condition, frozen=True):
    """The term does not hold."""

    term: Condition

    def _spell(self, names: Names) -> str:
        return f"(NOT {self.term._spell(names)})"

    def _bind_names(self, resolve: Resolve) -> Condition:
        return ~self.term._bind_names(resolve)

    def _children(self) -> tuple[Condition, ...]:
        return (self.term,)

    def __invert__(self) -> Condition:
        return self.term


class Unexpired(Not, frozen=True):
    """An item has not expired: the negated term compares its time of expiry with the current time.

    The current time differs in each request, so cursors are made without it.
    """


def join(kind: type[And] | type[Or], *conditions: Condition) -> Condition:
    """Return *conditions* joined into one, without nesting and without empty ones."""
    terms: list[Condition] = []
    for condition in conditions:
        if type(condition) is kind:
            terms += condition._children()
        elif type(condition) is not Condition:
            terms.append(condition)
    if len(terms) < 2:
        return terms[0] if terms else Condition()
    return kind(tuple(terms))


def _spell_terms(terms: tuple[Condition, ...], word: str, names: Names) -> str:
    spelled: list[str] = []
    for term in terms:  # a comprehension would take one more frame at each depth
        spelled.append(term._spell(names))
    # DynamoDB rejects redundant parentheses.
    return spelled[0] if len(spelled) == 1 else f"({word.join(spelled)})"


def _bind_terms(
    kind: type[And] | type[Or], terms: tuple[Condition, ...], resolve: Resolve
) -> Condition:
    bound: list[Condition] = []
    for term in terms:
        bound.append(term._bind_names(resolve))
    return join(kind, *bound)


def _bind(part: object, resolve: Resolve) -> object:
    """Return *part* of a node, such as an operand or a tuple of them, with its paths resolved."""
    if isinstance(part, Path):
        return part.bind(resolve)
    if isinstance(part, Size):
        return Size(part.path.bind(resolve))
    if isinstance(part, tuple):
        return tuple(_bind(each, resolve) for each in cast("tuple[object, ...]", part))
    return part


class DeferredValue(Value, frozen=True):
    """A value that is compared with a name, and that only the field of that name can encode."""

    def rebuild(self, node: Condition, resolve: Resolve) -> Condition:
        """Return *node*, which holds this value, with names resolved and the value encoded."""
        raise NotImplementedError


def operand_shape(operand: Argument, values: list[Wire]) -> Hashable:
    """Return *operand* without its value, and append the value to *values*."""
    if isinstance(operand, Path):
        return operand.parts
    if isinstance(operand, Size):
        return (Size, operand.path.parts)
    if type(operand) is not Value:
        operand.render(Names())  # raises if the value is not encoded yet
    values.append(operand.wire)
    return operand.kind


def _make_unique_shape(self: Condition, values: list[Wire]) -> tuple[Hashable, ...]:
    """Return a shape that equals no other, for conditions of other modules with unknown content."""
    del self, values
    return (object(),)


class ReadableNames(Names):
    """Puts names and values themselves into the text, for people to read."""

    __slots__ = ()

    def name(self, name: str, /) -> str:
        return name

    def value(self, wire: Wire, /) -> str:
        ((kind, value),) = wire.items()
        return str(value) if kind == "N" else repr(value if kind in _READABLE else wire)


_READABLE = frozenset({"S", "B", "BOOL"})
