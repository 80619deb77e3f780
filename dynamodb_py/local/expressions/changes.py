"""The changes that an update makes at its paths, and the operands that only updates have."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ..database.errors import ServiceError, make_invalid
from ..database.values import Item, Value, add_numbers, sort_set
from .terms import Finder

WRONG_TYPE = "An operand in the update expression has an incorrect data type"
WRONG_LEGACY_TYPE = "Type mismatch for attribute to update"


class Change(Protocol):
    """A change of the value at one path."""

    def compute(self, item: Item, old: Value | None) -> Value | None:
        """Return the new value, or None to remove the old one; *old* is the value in *item*."""
        ...


class Remove(NamedTuple):
    """Removes the value."""

    def compute(self, item: Item, old: Value | None) -> Value | None:
        return None


class Assign(NamedTuple):
    """Sets the value of an operand."""

    operand: Finder

    def compute(self, item: Item, old: Value | None) -> Value | None:
        return _find(self.operand, item)


class Add(NamedTuple):
    """Adds a number to a number, or elements to a set, or a list to a list (AttributeUpdates only).

    *mismatch* is the message of the error for an old value of another type.
    """

    value: Value
    mismatch: str = WRONG_TYPE

    def compute(self, item: Item, old: Value | None) -> Value | None:
        if old is None:
            return self.value
        ((kind, content),) = self.value.items()
        if kind not in old:
            raise make_invalid(self.mismatch)
        if kind == "N":
            return {"N": add_numbers(old["N"], content)}
        if kind == "L":
            return {"L": old["L"] + content}
        return {kind: sort_set(kind[0], [*{*old[kind], *content}])}


class Delete(NamedTuple):
    """Deletes elements from a set, and removes the set if no element is left."""

    value: Value
    mismatch: str = WRONG_TYPE

    def compute(self, item: Item, old: Value | None) -> Value | None:
        if old is None:
            return None
        ((kind, content),) = self.value.items()
        if kind not in old:
            raise make_invalid(self.mismatch)
        deleted = frozenset(content)
        left = [each for each in old[kind] if each not in deleted]
        return {kind: left} if left else None


class Arithmetic(NamedTuple):
    """The sum or the difference of two numbers."""

    subtracts: bool
    left: Finder
    right: Finder

    def find(self, item: Item) -> Value | None:
        left, right = _find(self.left, item), _find(self.right, item)
        if "N" not in left or "N" not in right:
            raise make_invalid(WRONG_TYPE)
        return {"N": add_numbers(left["N"], right["N"], subtract=self.subtracts)}


class IfNotExists(NamedTuple):
    """The value at a path, or, if there is none, another operand."""

    path: Finder
    otherwise: Finder

    def find(self, item: Item) -> Value | None:
        found = self.path.find(item)
        return self.otherwise.find(item) if found is None else found


class ListAppend(NamedTuple):
    """A list with the elements of two lists."""

    left: Finder
    right: Finder

    def find(self, item: Item) -> Value | None:
        left, right = _find(self.left, item), _find(self.right, item)
        if "L" not in left or "L" not in right:
            raise make_invalid(WRONG_TYPE)
        return {"L": left["L"] + right["L"]}


def _find(operand: Finder, item: Item) -> Value:
    found = operand.find(item)
    if found is None:
        raise _make_missing()
    return found


def _make_missing() -> ServiceError:
    return make_invalid(
        "The provided expression refers to an attribute that does not exist in the item"
    )
