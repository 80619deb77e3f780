"""The comparisons and functions of conditions.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar, cast

from ..exceptions import QueryError
from ..limits import MAX_IN
from .conditions import Condition, operand_shape
from .names import Names, Wire
from .paths import Argument, Path, Resolve, Size, Term, Value


class Compare(Condition, frozen=True):
    """Compares two operands by ``=``, ``<>``, ``<``, ``<=``, ``>`` or ``>=``."""

    left: Term
    operator: str
    right: Argument

    def __post_init__(self) -> None:
        if type(self.right) is not Value:
            check_distinct(self.operator, self.left, self.right)

    def bind(self, resolve: Resolve) -> Condition:
        left = self.left
        if type(left) is Path and not left.by_name and type(self.right) is Value:  # nearly always
            return self
        bound = super().bind(resolve)
        if self.operator not in ("=", "<>"):
            check_order(self.operator, *cast("Compare", bound)._operands())
        return bound

    def _spell(self, names: Names) -> str:
        left, right = self.left, self.right
        one = names.path(left.parts) if type(left) is Path else left.render(names)
        other = names.value(right.wire) if type(right) is Value else right.render(names)
        return f"{one} {self.operator} {other}"

    def _shape(self, values: list[Wire]) -> tuple[Hashable, ...]:
        left, right = self.left, self.right
        if type(left) is Path and type(right) is Value:  # nearly always
            values.append(wire := right.wire)
            return (self.operator, left.parts, *wire)
        left_shape = operand_shape(left, values)
        return (self.operator, left_shape, operand_shape(right, values))

    def _operands(self) -> tuple[Argument, ...]:
        return self.left, self.right


class Between(Condition, frozen=True):
    """The left operand lies from *low* to *high*, both included."""

    left: Term
    low: Argument
    high: Argument

    def __post_init__(self) -> None:
        check_distinct("between", self.left, self.low, self.high)

    def bind(self, resolve: Resolve) -> Condition:
        bound = super().bind(resolve)
        check_order("between", *cast("Between", bound)._operands())
        return bound

    def _spell(self, names: Names) -> str:
        left, low, high = (each.render(names) for each in (self.left, self.low, self.high))
        return f"{left} BETWEEN {low} AND {high}"

    def _operands(self) -> tuple[Argument, ...]:
        return self.left, self.low, self.high


class In(Condition, frozen=True):
    """The left operand equals one of the values, of which there is at least one (see :class:`Never`)."""

    left: Term
    values: tuple[Argument, ...]

    def __post_init__(self) -> None:
        if {*map(type, self.values)} != _VALUES:
            check_distinct("is_in", self.left, *self.values)

    def _spell(self, names: Names) -> str:
        left = self.left.render(names)
        spelled = [value.render(names) for value in self.values]
        # DynamoDB accepts at most a hundred values in one IN.
        lists = (", ".join(spelled[at : at + MAX_IN]) for at in range(0, len(spelled), MAX_IN))
        chunks = [f"{left} IN ({each})" for each in lists]
        return chunks[0] if len(chunks) == 1 else f"({' OR '.join(chunks)})"

    def _shape(self, values: list[Wire]) -> tuple[Hashable, ...]:
        shape: list[Hashable] = [In, operand_shape(self.left, values)]
        for each in self.values:
            if type(each) is Value:  # nearly always
                values.append(wire := each.wire)
                shape += wire
            else:
                shape.append(operand_shape(each, values))
        return tuple(shape)

    def _operands(self) -> tuple[Argument, ...]:
        return self.left, *self.values


class BeginsWith(Condition, frozen=True):
    """The text or bytes at the path begin with the prefix."""

    path: Path
    prefix: Argument

    def __post_init__(self) -> None:
        check_distinct("begins_with", self.path, self.prefix)

    def _spell(self, names: Names) -> str:
        return f"begins_with({self.path.render(names)}, {self.prefix.render(names)})"

    def _operands(self) -> tuple[Argument, ...]:
        return self.path, self.prefix


class Contains(Condition, frozen=True):
    """The text contains this part, or the set or list has this element."""

    path: Path
    value: Argument

    def __post_init__(self) -> None:
        check_distinct("contains", self.path, self.value)

    def _spell(self, names: Names) -> str:
        return f"contains({self.path.render(names)}, {self.value.render(names)})"

    def _operands(self) -> tuple[Argument, ...]:
        return self.path, self.value


class _PathTest(Condition, frozen=True):
    """The base of conditions on a path without an operand."""

    path: Path

    def _spell(self, names: Names) -> str:
        return f"attribute_exists({names.path(self.path.parts)})"

    def _operands(self) -> tuple[Argument, ...]:
        return (self.path,)


class Exists(_PathTest, frozen=True):
    """The path has a value, which may be NULL."""

    def _spell(self, names: Names) -> str:
        return f"attribute_exists({names.path(self.path.parts)})"

    def __invert__(self) -> Condition:
        return NotExists(self.path)


class NotExists(_PathTest, frozen=True):
    """The path has no value, not even NULL."""

    def _spell(self, names: Names) -> str:
        return f"attribute_not_exists({names.path(self.path.parts)})"

    def __invert__(self) -> Condition:
        return Exists(self.path)


class AttributeType(_PathTest, frozen=True):
    """The value at the path has this type, one of DynamoDB's ten names."""

    type: str

    def _spell(self, names: Names) -> str:
        return f"attribute_type({self.path.render(names)}, {names.value({'S': self.type})})"

    def _shape(self, values: list[Wire]) -> tuple[Hashable, ...]:
        return (AttributeType, self.path.parts, self.type)


class Never(_PathTest, frozen=True):
    """The condition never holds, such as ``is_in([])``. A planner may answer it without a request.

    DynamoDB has no constant for false. The text says that a path exists and does not exist.
    """

    _operators: ClassVar[int] = 3

    @property
    def is_never(self) -> bool:
        return True

    def _spell(self, names: Names) -> str:
        path = self.path.render(names)
        return f"(attribute_exists({path}) AND attribute_not_exists({path}))"


_VALUES = {Value}


def check_distinct(operator: str, first: Argument, *others: Argument) -> None:
    """Raise :class:`QueryError` for an operand that is compared with itself, which DynamoDB rejects."""
    if any(first == each and _is_by_name(first) is _is_by_name(each) for each in others):
        raise QueryError(f"{operator}: DynamoDB does not compare {first} with itself")


def check_order(operator: str, *operands: Argument) -> None:
    """Raise :class:`QueryError` for an attribute whose stored form does not sort like its values."""
    for each in operands:
        find = getattr(each.coder, "find_order_problem", None) if type(each) is Path else None
        if find is None:
            continue
        if problem := find(*(other.wire for other in operands if type(other) is Value)):
            raise QueryError(f"{each} {operator}: {problem}")


def _is_by_name(operand: Argument) -> bool:
    """Tell whether *operand* is a name that is not resolved yet, and may be another field."""
    path = operand.path if isinstance(operand, Size) else operand
    return isinstance(path, Path) and path.by_name
