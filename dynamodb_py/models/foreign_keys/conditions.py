"""Conditions on references: they compare the fields that hold the key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from ...exceptions import QueryError
from ...expressions import (
    And,
    Attr,
    Condition,
    Exists,
    Never,
    NotExists,
    Or,
    Path,
    SeveralAttributes,
    Value,
)
from ...expressions.conditions import join
from ...expressions.operands import EncodedOperand
from ...operations.base import Wire
from ..fields.base import AnyField, Field

if TYPE_CHECKING:
    import datetime as dt
    import uuid
    from decimal import Decimal
    from typing import TypeAlias

    from typing_extensions import Self, TypeVar

    from ...operations.base import Wire

    T = TypeVar("T")
    RefN = TypeVar("RefN", default="T | None")
    Key: TypeAlias = (
        "str | int | bytes | Decimal | uuid.UUID | dt.datetime | dt.date | tuple[Any, ...]"
    )
else:
    from typing import TypeVar

    T = TypeVar("T")
    RefN = TypeVar("N")


class ReferenceConditions(Field[T, RefN]):
    """A field with the conditions of references: ``==``, ``!=``, ``is_in()`` and lookups."""

    model: type[Any] | None
    """The class that has this field."""
    parts: tuple[AnyField, ...]
    """The fields that hold the key, in the order of the target's key."""

    if TYPE_CHECKING:

        @property
        def target(self) -> type[Any]: ...
        def key_of(self, given: Any) -> tuple[Any, ...]: ...
        def spell(self, given: Any) -> dict[str, Wire]: ...

    @property
    def single(self) -> AnyField:
        """The field that holds the key.

        :raises QueryError: several fields hold it.
        """
        if len(self.parts) == 1:
            return self.parts[0]
        names = ", ".join(part.name for part in self.parts)
        raise SeveralAttributes(
            f"{self.label} is stored in the fields {names}: compare it with ==, != and is_in(), and use "
            "these fields for other conditions, and for changes",
            self,
        )

    def _path(self) -> Path:
        if self.model is None:
            return super()._path()
        path = self._known_path
        if path is None:
            stored = self.single._path()
            path = Path(stored.parts, _make_key_coder(self), stored.label)
            self._known_path = path
        return path

    def place_at(self, path: Path) -> Self:
        """Return a copy of this reference for the document at *path*, with paths that begin there."""
        placed = copy(self)
        placed.owner, placed._known_path = str(path), None
        placed.parts = tuple([_place(part, path) for part in self.parts])
        return placed

    if TYPE_CHECKING:

        def eq(self, other: T | Key | None) -> Condition: ...  # type: ignore[override]
        def ne(self, other: T | Key | None) -> Condition: ...  # type: ignore[override]
        def __eq__(self, other: T | Key | None) -> Condition: ...  # type: ignore[override]
        def __ne__(self, other: T | Key | None) -> Condition: ...  # type: ignore[override]
        def is_in(self, *values: Any) -> Condition: ...
    else:

        def eq(self, other: Any) -> Condition:
            """The reference is to *other*, an instance or a key; for None, it is to nothing."""
            if other is None:
                return join(And, *[Attr(part._path()).eq(None) for part in self.parts])
            pairs = zip(self.parts, self._operands_of(other), strict=True)
            return join(And, *[Attr(part._path()).eq(value) for part, value in pairs])

        def ne(self, other: Any) -> Condition:
            """The reference is not to *other*, or to nothing; for None, it is to any item."""
            return ~self.eq(other)

        def is_in(self, *values: Any) -> Condition:
            """The reference is to one of *values*: instances or keys, or one list of them."""
            given = values
            if len(values) == 1 and isinstance(values[0], (list, set, frozenset)):
                given = tuple(values[0])
            elif len(values) == 1 and len(self.parts) == 1 and isinstance(values[0], tuple):
                given = values[0]
            if len(self.parts) == 1:
                single = [each if each is None else self._operands_of(each)[0] for each in given]
                return Attr(self.single._path()).is_in(single)
            if not given:
                return Never(self.parts[0]._path())
            return join(Or, *[self.eq(each) for each in given])

        def _operands_of(self, other: Any) -> Sequence[Any]:
            """Return the operands to compare the fields of the key with; of a stored *other*, its stored key."""
            key = self.key_of(other)  # raises if it is neither an instance nor a key
            return [EncodedOperand(Value(wire)) for wire in self.spell(other).values()] or key

        __eq__, __ne__ = eq, ne
        __hash__ = object.__hash__

    def lookup(self, word: str) -> Callable[[Any], Condition] | None:
        """Return the function that makes the condition of a lookup; None if the one part has the lookup."""
        if word in ("", "exact", "eq"):
            return self.eq
        if word == "ne":
            return self.ne
        if word == "in":
            return lambda values: self.is_in(list(values))
        if word == "isnull":
            return lambda wanted: self.eq(None) if wanted else self.ne(None)
        if len(self.parts) == 1:
            return None
        if word == "exists":
            paths = [part._path() for part in self.parts]
            return lambda wanted: join(And, *[(Exists if wanted else NotExists)(p) for p in paths])
        names = ", ".join(part.name for part in self.parts)
        raise QueryError(
            f"{self.owner}: {self.name}__{word}=: DynamoDB has no joins, and a reference to "
            f"{self.target.__name__} is stored in the fields {names}: use {self.name}=, "
            f"{self.name}__in=, {self.name}__isnull=, or these fields"
        )


def _place(part: AnyField, path: Path) -> AnyField:
    placed = copy(part)
    placed._known_path = Path(
        (*path.parts, part.attribute), part, f"{path}[{part.attribute!r}]", path.by_name
    )
    return placed


class _KeyCoder:
    """The field of a key, for conditions and changes, that also takes instances of the target."""

    reference: ReferenceConditions[Any, Any]

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        field: Any = super()
        wire: Wire | None = field.to_wire(self._key_of(value), depth)
        return wire

    def find_problems(self, value: Any) -> list[str]:
        field: Any = super()
        problems: list[str] = field.find_problems(self._key_of(value))
        return problems

    def _key_of(self, value: Any) -> Any:
        reference = self.reference
        return reference.key_of(value)[0] if isinstance(value, reference.target) else value


def _make_key_coder(reference: ReferenceConditions[Any, Any]) -> Any:
    part = reference.single
    kind: Any = type(part)
    coder: Any = object.__new__(type(kind.__name__, (_KeyCoder, kind), {}))
    coder.__dict__.update(part.__dict__)
    coder.reference, coder.verbatim = reference, None
    return coder
