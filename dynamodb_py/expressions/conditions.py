"""Conditions: questions about an item with a yes or no answer, and how DynamoDB spells them.

They are values: frozen, equal by what they say, joined with ``&``, ``|`` and ``~``. An attribute
that is missing makes every comparison with it false but ``<>``, which is then true.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, cast

from msgspec import Struct

from ..exceptions import QueryError
from ..limits import MAX_IN, MAX_OPERATORS
from .names import Names, Wire, checked
from .paths import Argument, Path, Resolve, Size, Term, Value


class Condition(Struct, frozen=True):
    """A question about an item. ``Condition()`` is the empty one, which asks nothing.

    The empty condition is where collecting conditions begins: ``&`` and ``|`` with it give the
    other side, ``~`` of it is itself, and it renders to nothing.

    >>> Condition().is_empty, ~Condition() == Condition(), Condition().render(Names())
    (True, True, '')
    """

    _operators: ClassVar[int] = 1
    """How many operators and functions the node itself is spelled with, for DynamoDB's limit."""

    def render(self, names: Names) -> str:
        """Spell this condition, keeping its names and values in *names*; "" if it is empty.

        Raises :class:`QueryError` past DynamoDB's 300 operators or 4 KB of an expression
        (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).
        """
        if self._children():  # one node alone is never over the limit
            self._check_operators()
        return checked(self._spell(names), "condition", "ask in several requests")

    def paths(self) -> Iterator[Path]:
        """Yield every path that the condition speaks of, in order, as often as it does."""
        for node in self._nodes():
            for operand in node._operands():
                if isinstance(operand, Size):
                    yield operand.path
                elif isinstance(operand, Path):
                    yield operand

    def operators(self) -> int:
        """Return how many operators and functions the condition is spelled with."""
        count = 0
        for node in self._nodes():
            count += node._operators + max(len(node._children()) - 1, 0)
            count += sum(isinstance(operand, Size) for operand in node._operands())
        return count

    def bind(self, resolve: Resolve) -> Condition:
        """Return the condition with each path that is ``by_name`` replaced by what *resolve* says."""
        if not any(path.by_name for path in self.paths()):
            return self
        self._check_operators()
        return cast("Condition", _bind(self, resolve))

    @property
    def is_empty(self) -> bool:
        """Whether it asks nothing."""
        return type(self) is Condition

    def _check_operators(self) -> None:
        """Raise over DynamoDB's limit; below it, recursion into the terms is never too deep."""
        count = self.operators()
        if count > MAX_OPERATORS:
            raise QueryError(
                f"this condition has {count} operators, and DynamoDB takes {MAX_OPERATORS}: "
                "ask in several requests, or use is_in() where values are listed"
            )

    def _spell(self, names: Names) -> str:
        del names
        return ""

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
        return cast("Condition", _join(And, self, other))

    def __or__(self, other: Condition) -> Condition:
        return cast("Condition", _join(Or, self, other))

    def __invert__(self) -> Condition:
        return self if self.is_empty else Not(self)

    def __bool__(self) -> bool:
        raise TypeError(
            "a condition has no truth of its own: join conditions with & | ~, not with "
            "and, or, not, in, nor as a < b < c"
        )

    def __repr__(self) -> str:
        if self.is_empty:
            return "<Condition: none>"
        if (count := self.operators()) > MAX_OPERATORS:
            return f"<Condition: {count} operators>"
        return f"<Condition: {self._spell(_Plain())}>"


class And(Condition, frozen=True):
    """All of the terms hold."""

    _operators: ClassVar[int] = 0

    terms: tuple[Condition, ...]

    def _spell(self, names: Names) -> str:
        return _spell_joined(self.terms, " AND ", names)

    def _children(self) -> tuple[Condition, ...]:
        return self.terms


class Or(Condition, frozen=True):
    """At least one of the terms holds."""

    _operators: ClassVar[int] = 0

    terms: tuple[Condition, ...]

    def _spell(self, names: Names) -> str:
        return _spell_joined(self.terms, " OR ", names)

    def _children(self) -> tuple[Condition, ...]:
        return self.terms


class Not(Condition, frozen=True):
    """The term does not hold."""

    term: Condition

    def _spell(self, names: Names) -> str:
        return f"(NOT {self.term._spell(names)})"

    def _children(self) -> tuple[Condition, ...]:
        return (self.term,)

    def __invert__(self) -> Condition:
        return self.term


class Compare(Condition, frozen=True):
    """Two operands compare so: ``=``, ``<>``, ``<``, ``<=``, ``>`` or ``>=``."""

    left: Term
    operator: str
    right: Argument

    def __post_init__(self) -> None:
        if type(self.right) is not Value:
            check_distinct(self.operator, self.left, self.right)

    def _spell(self, names: Names) -> str:
        return f"{self.left.render(names)} {self.operator} {self.right.render(names)}"

    def _operands(self) -> tuple[Argument, ...]:
        return self.left, self.right


class Between(Condition, frozen=True):
    """The left operand lies from *low* to *high*, both included."""

    left: Term
    low: Argument
    high: Argument

    def __post_init__(self) -> None:
        check_distinct("between", self.left, self.low, self.high)

    def _spell(self, names: Names) -> str:
        left, low, high = (each.render(names) for each in (self.left, self.low, self.high))
        return f"{left} BETWEEN {low} AND {high}"

    def _operands(self) -> tuple[Argument, ...]:
        return self.left, self.low, self.high


class In(Condition, frozen=True):
    """The left operand equals one of the values; any number of them but none (see :class:`Never`)."""

    left: Term
    values: tuple[Argument, ...]

    def __post_init__(self) -> None:
        check_distinct("is_in", self.left, *self.values)

    def _spell(self, names: Names) -> str:
        left = self.left.render(names)
        spelled = [value.render(names) for value in self.values]
        # DynamoDB takes at most a hundred values in one IN.
        chunks = [
            f"{left} IN ({', '.join(spelled[start : start + MAX_IN])})"
            for start in range(0, len(spelled), MAX_IN)
        ]
        return chunks[0] if len(chunks) == 1 else f"({' OR '.join(chunks)})"

    def _operands(self) -> tuple[Argument, ...]:
        return self.left, *self.values


class BeginsWith(Condition, frozen=True):
    """The text, or the bytes, at the path begin so."""

    path: Path
    prefix: Argument

    def __post_init__(self) -> None:
        check_distinct("begins_with", self.path, self.prefix)

    def _spell(self, names: Names) -> str:
        return f"begins_with({self.path.render(names)}, {self.prefix.render(names)})"

    def _operands(self) -> tuple[Argument, ...]:
        return self.path, self.prefix


class Contains(Condition, frozen=True):
    """The text has this part, or the set or list this element."""

    path: Path
    value: Argument

    def __post_init__(self) -> None:
        check_distinct("contains", self.path, self.value)

    def _spell(self, names: Names) -> str:
        return f"contains({self.path.render(names)}, {self.value.render(names)})"

    def _operands(self) -> tuple[Argument, ...]:
        return self.path, self.value


class Exists(Condition, frozen=True):
    """Something lies at the path, if only a NULL."""

    path: Path

    def _spell(self, names: Names) -> str:
        return f"attribute_exists({self.path.render(names)})"

    def _operands(self) -> tuple[Argument, ...]:
        return (self.path,)

    def __invert__(self) -> Condition:
        return NotExists(self.path)


class NotExists(Condition, frozen=True):
    """Nothing lies at the path, not even a NULL."""

    path: Path

    def _spell(self, names: Names) -> str:
        return f"attribute_not_exists({self.path.render(names)})"

    def _operands(self) -> tuple[Argument, ...]:
        return (self.path,)

    def __invert__(self) -> Condition:
        return Exists(self.path)


class AttributeType(Condition, frozen=True):
    """What lies at the path is of this type: one of DynamoDB's ten names."""

    path: Path
    type: str

    def _spell(self, names: Names) -> str:
        return f"attribute_type({self.path.render(names)}, {names.value({'S': self.type})})"

    def _operands(self) -> tuple[Argument, ...]:
        return (self.path,)


class Never(Condition, frozen=True):
    """It never holds, as for ``is_in([])``. A planner may answer it without asking DynamoDB.

    DynamoDB has no constant for that; something that exists and does not comes to the same,
    whatever the item and the type of what lies at the path.
    """

    _operators: ClassVar[int] = 3

    path: Path

    def _spell(self, names: Names) -> str:
        path = self.path.render(names)
        return f"(attribute_exists({path}) AND attribute_not_exists({path}))"

    def _operands(self) -> tuple[Argument, ...]:
        return (self.path,)


def check_distinct(operator: str, first: Argument, *others: Argument) -> None:
    """Raise :class:`QueryError` where an operand is compared with itself, as DynamoDB does."""
    if first in others:
        raise QueryError(f"{operator}: DynamoDB does not compare {first} with itself")


def _join(kind: type[And] | type[Or], *conditions: object) -> object:
    terms: list[Condition] = []
    for condition in conditions:
        if not isinstance(condition, Condition):
            return NotImplemented
        if type(condition) is kind:
            terms += condition._children()
        elif not condition.is_empty:
            terms.append(condition)
    if len(terms) < 2:
        return terms[0] if terms else Condition()
    return kind(tuple(terms))


def _spell_joined(terms: tuple[Condition, ...], word: str, names: Names) -> str:
    spelled: list[str] = []
    for term in terms:  # no comprehension: it would take a frame more at each depth
        spelled.append(term._spell(names))
    # DynamoDB refuses redundant parentheses.
    return spelled[0] if len(spelled) == 1 else f"({word.join(spelled)})"


def _bind(node: object, resolve: Resolve) -> object:
    """Return *node*, a condition, an operand or a tuple of them, with its paths resolved."""
    if isinstance(node, Path):
        return resolve(node) if node.by_name else node
    if isinstance(node, tuple):
        return tuple(_bind(each, resolve) for each in cast("tuple[object, ...]", node))
    if isinstance(node, (Condition, Size)):
        fields = [_bind(getattr(node, name), resolve) for name in node.__struct_fields__]
        return type(node)(*fields)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    return node


class _Plain(Names):
    """Names and values spelled out, for people to read."""

    __slots__ = ()

    def name(self, name: str, /) -> str:
        return name

    def value(self, wire: Wire, /) -> str:
        ((kind, value),) = wire.items()
        return str(value) if kind == "N" else repr(value if kind in _READABLE else wire)


_READABLE = frozenset({"S", "B", "BOOL"})
