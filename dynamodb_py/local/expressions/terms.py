"""The terms of conditions and updates: operands and tests.

An operand has a method ``find(item)``, which returns a value or None. A test has a method ``holds(item)``, which
returns whether it is true.
"""

from __future__ import annotations

import operator
from binascii import a2b_base64
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from ..database.values import ORDERED, Item, Value, to_comparable
from .paths import Path, find_value


class Finder(Protocol):
    """An operand."""

    def find(self, item: Item) -> Value | None:
        """Return the operand's value for *item*, or None if there is none."""
        ...


class Test(Protocol):
    """A condition."""

    def holds(self, item: Item) -> bool:
        """Return whether *item* fulfils it."""
        ...


class Attribute(NamedTuple):
    """A top-level attribute."""

    name: str

    def find(self, item: Item) -> Value | None:
        return item.get(self.name)


class Nested(NamedTuple):
    """The value at a path of more than one part."""

    path: Path

    def find(self, item: Item) -> Value | None:
        return find_value(item, self.path)


class Literal(NamedTuple):
    """A value of the request."""

    value: Value

    def find(self, item: Item) -> Value | None:
        return self.value


class Size(NamedTuple):
    """The size of an operand: its number of characters, bytes or elements."""

    operand: Finder

    def find(self, item: Item) -> Value | None:
        found = self.operand.find(item)
        if found is None:
            return None
        ((kind, content),) = found.items()
        if kind in _SIZELESS:
            return None
        return {"N": str(len(a2b_base64(content) if kind == "B" else content))}


_SIZELESS = frozenset({"N", "BOOL", "NULL"})


class Compare(NamedTuple):
    """Two operands and a sign between them."""

    sign: str
    left: Finder
    right: Finder

    def holds(self, item: Item) -> bool:
        return COMPARISONS[self.sign](self.left.find(item), self.right.find(item))


class Between(NamedTuple):
    """An operand and its inclusive bounds."""

    operand: Finder
    low: Finder
    high: Finder

    def holds(self, item: Item) -> bool:
        found = self.operand.find(item)
        return COMPARISONS[">="](found, self.low.find(item)) and COMPARISONS["<="](
            found, self.high.find(item)
        )


class Among(NamedTuple):
    """An operand and the options, one of which it must equal."""

    operand: Finder
    options: tuple[Finder, ...]

    def holds(self, item: Item) -> bool:
        found = self.operand.find(item)
        if found is None:
            return False
        return any(found == option.find(item) for option in self.options)


class Exists(NamedTuple):
    """Whether an operand has a value."""

    operand: Finder

    def holds(self, item: Item) -> bool:
        return self.operand.find(item) is not None


class HasType(NamedTuple):
    """Whether an operand is of the type *kind*."""

    operand: Finder
    kind: str

    def holds(self, item: Item) -> bool:
        found = self.operand.find(item)
        return found is not None and self.kind in found


class BeginsWith(NamedTuple):
    """Whether a text or a binary begins with another."""

    operand: Finder
    prefix: Finder

    def holds(self, item: Item) -> bool:
        found, prefix = self.operand.find(item), self.prefix.find(item)
        if found is None or prefix is None:
            return False
        if "S" in found and "S" in prefix:
            return bool(found["S"].startswith(prefix["S"]))
        if "B" in found and "B" in prefix:
            return a2b_base64(found["B"]).startswith(a2b_base64(prefix["B"]))
        return False


class Contains(NamedTuple):
    """Whether a text or a binary contains another, or a set or a list contains an element."""

    operand: Finder
    sought: Finder

    def holds(self, item: Item) -> bool:
        found, sought = self.operand.find(item), self.sought.find(item)
        if found is None or sought is None:
            return False
        ((kind, content),) = found.items()
        if kind == "L":
            return sought in content
        ((sought_kind, element),) = sought.items()
        if kind == "B" == sought_kind:
            return a2b_base64(element) in a2b_base64(content)
        return (kind == "S" == sought_kind or kind == f"{sought_kind}S") and element in content


class Not(NamedTuple):
    """The negation of a test."""

    term: Test

    def holds(self, item: Item) -> bool:
        return not self.term.holds(item)


class All(NamedTuple):
    """Tests of which all must hold."""

    terms: tuple[Test, ...]

    def holds(self, item: Item) -> bool:
        # A generator would use two frames for each level.
        for term in self.terms:  # noqa: SIM110
            if not term.holds(item):
                return False
        return True


class Either(NamedTuple):
    """Tests of which one must hold."""

    terms: tuple[Test, ...]

    def holds(self, item: Item) -> bool:
        for term in self.terms:  # noqa: SIM110
            if term.holds(item):
                return True
        return False


def _is_equal(left: Value | None, right: Value | None) -> bool:
    return left is not None and left == right


def _is_unequal(left: Value | None, right: Value | None) -> bool:
    return left is None or left != right


def _make_order(test: Callable[[Any, Any], bool]) -> Callable[[Value | None, Value | None], bool]:
    def compare(left: Value | None, right: Value | None) -> bool:
        if left is None or right is None or left.keys() != right.keys():
            return False
        return left.keys() <= ORDERED and test(to_comparable(left), to_comparable(right))

    return compare


COMPARISONS: dict[str, Callable[[Value | None, Value | None], bool]] = {
    "=": _is_equal,
    "<>": _is_unequal,
    "<": _make_order(operator.lt),
    "<=": _make_order(operator.le),
    ">": _make_order(operator.gt),
    ">=": _make_order(operator.ge),
}
"""The function of each sign. If a value is missing, or the types differ, only ``<>`` is true."""
