"""Updates: changes of an item, and their text in DynamoDB's expression language.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from msgspec import Struct

from ..codec import Uncomputed
from ..exceptions import QueryError
from ..limits import MAX_EXPRESSION_BYTES
from .names import Names, check_length
from .paths import Path, Resolve, Value, check_apart
from .sources import (
    NODES,
    NUMBER,
    SETS,
    Computable,
    IfNotExists,
    PythonValue,
    Source,
    Target,
    as_source,
    bind_source,
    find_own_path,
    leaves,
)

CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")


class Action(Uncomputed, Struct, frozen=True):
    """One change at one path; *clause* is the part of the update that it belongs to."""

    clause: ClassVar[str] = ""

    path: Path

    def render(self, names: Names) -> str:
        """Return the text of the change, without the name of its clause."""
        return self.path.render(names)

    def bind(self, resolve: Resolve, where: str = "") -> Action:
        """Return the change with names resolved and its values encoded.

        *where* is the name of the path in messages. Raises
        :class:`~dynamodb_py.exceptions.ValidationError` for values that cannot be stored there.
        """
        del where
        return type(self)(resolve(self.path)) if self.path.by_name else self

    @property
    def sources(self) -> tuple[Source, ...]:
        """The paths and values that it uses besides its own path."""
        return ()

    def is_repeatable(self, changed: Iterable[Path]) -> bool:
        """Tell whether a second execution, in an update that changes *changed*, changes nothing."""
        del changed
        return True


class Set(Action, frozen=True):
    """Write *value* at the path, and replace the value there."""

    clause: ClassVar[str] = "SET"

    value: Source

    def render(self, names: Names) -> str:
        path, value = names.path(self.path.parts), self.value
        return (
            f"{path} = {names.value(value.wire) if type(value) is Value else value.render(names)}"
        )

    def bind(self, resolve: Resolve, where: str = "") -> Action:
        path, value = resolve(self.path) if self.path.by_name else self.path, self.value
        if isinstance(value, Value) or not isinstance(value, (PythonValue, Path, *NODES)):
            return self if path is self.path else Set(path, value)
        target = Target(path.coder, where or str(path))
        if isinstance(value, PythonValue) and _is_absence(path, value.value):
            return Remove(path)
        # A path or a free-form target may have any type: DynamoDB copies the value.
        return Set(path, bind_source(value, resolve, target, target.kind))

    @property
    def sources(self) -> tuple[Source, ...]:
        return tuple(leaves(self.value))

    def is_repeatable(self, changed: Iterable[Path]) -> bool:
        last = self.path.parts[-1]
        if isinstance(last, int) and last:
            return False  # past the end of a list, each execution appends; at 0, only the first
        value = self.value
        if isinstance(value, IfNotExists) and value.path == self.path:
            return True  # the second time, the path has a value
        changed = list(changed)
        return all(
            isinstance(leaf, (Value, PythonValue))
            or (isinstance(leaf, Path) and not any(_overlap(leaf, path) for path in changed))
            for leaf in self.sources
        )


class Remove(Action, frozen=True):
    """Remove the attribute, the key of a map or the element of a list, if it exists."""

    clause: ClassVar[str] = "REMOVE"

    def is_repeatable(self, changed: Iterable[Path]) -> bool:
        return isinstance(self.path.parts[-1], str)  # the next element has moved up


class Add(Action, frozen=True):
    """Add a number to a number, or elements to a set; a missing value counts as 0 or empty."""

    clause: ClassVar[str] = "ADD"

    value: Value | PythonValue

    def __post_init__(self) -> None:
        value = self.value
        if isinstance(value, Value) and value.kind != NUMBER and value.kind not in SETS:
            raise QueryError(f"{self.path}: a number or a set can be added, not a {value.kind}")

    def render(self, names: Names) -> str:
        return f"{self.path.render(names)} {self.value.render(names)}"

    def bind(self, resolve: Resolve, where: str = "") -> Action:
        path, value = resolve(self.path) if self.path.by_name else self.path, self.value
        if isinstance(value, Value):
            return self if path is self.path else Add(path, value)
        target = Target(path.coder, where or str(path))
        given = value.value
        if type(given) in (set, frozenset) or target.kind in SETS:
            return Add(path, target.members(given, "add()"))
        return Add(path, target.amount(given))

    @property
    def sources(self) -> tuple[Source, ...]:
        return (self.value,)

    def is_repeatable(self, changed: Iterable[Path]) -> bool:
        return isinstance(self.value, Value) and self.value.kind in SETS


class Delete(Action, frozen=True):
    """Remove elements from a set; a set that becomes empty is removed."""

    clause: ClassVar[str] = "DELETE"

    value: Value | PythonValue

    def __post_init__(self) -> None:
        value = self.value
        if isinstance(value, Value) and value.kind not in SETS:
            raise QueryError(f"{self.path}: a set can be deleted from a set, not a {value.kind}")

    def render(self, names: Names) -> str:
        return f"{self.path.render(names)} {self.value.render(names)}"

    def bind(self, resolve: Resolve, where: str = "") -> Action:
        path, value = resolve(self.path) if self.path.by_name else self.path, self.value
        if isinstance(value, Value):
            return self if path is self.path else Delete(path, value)
        target = Target(path.coder, where or str(path))
        return Delete(path, target.members(value.value, "discard()"))

    @property
    def sources(self) -> tuple[Source, ...]:
        return (self.value,)


def as_action(given: object) -> Action | None:
    """Return *given* if it is an action; for an expression, a SET of its own path; else None."""
    if isinstance(given, Action):
        return given
    if not isinstance(given, Computable):
        return None
    source = as_source(given)
    path = None if isinstance(source, Path) else find_own_path(source)
    return None if path is None else Set(path, source)


def is_repeatable(actions: Iterable[Action]) -> bool:
    """Tell whether a second execution of *actions* changes nothing.

    It changes something if an action computes with a value that the update changes, or moves elements of
    a list.
    """
    actions = list(actions)
    changed = [action.path for action in actions]
    return all(action.is_repeatable(changed) for action in actions)


def _overlap(one: Path, other: Path) -> bool:
    """Tell whether one path is the other, or a part of it."""
    return all(own == other_part for own, other_part in zip(one.parts, other.parts, strict=False))


def _is_absence(path: Path, value: object) -> bool:
    """Tell whether *value* is stored at *path* by removing the attribute."""
    if isinstance(path.parts[-1], int):
        return False  # removing would move the elements after it
    coder = path.coder
    if value is None:
        return not getattr(coder, "null", True)  # a free-form target stores NULL
    # Only an empty set: DynamoDB cannot store one.
    return isinstance(value, (set, frozenset)) and path.encode(value) is None


def _keep_path(path: Path) -> Path:
    return path


def render_update(actions: Iterable[Action], names: Names) -> str:
    """Return the UpdateExpression of *actions*, in their order within each clause; "" without actions.

    Raises :class:`QueryError` if two of them overlap, or if the text is over 4 KB
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).

    >>> score, tags = Path(("score",)), Path(("tags",))
    >>> render_update([Add(score, Value({"N": "1"})), Remove(tags)], Names())
    'REMOVE #0 ADD #1 :0'
    """
    actions = [action.bind(_keep_path) for action in actions]
    if len(actions) > 1:
        check_apart(action.path for action in actions)
    groups: dict[str, list[Action]] = {}
    for action in actions:
        groups.setdefault(action.clause, []).append(action)
    texts: list[str] = []
    for clause in CLAUSES:
        if clause in groups:
            terms = [action.render(names) for action in groups[clause]]
            texts.append(f"{clause} {', '.join(terms)}")
    if len(text := " ".join(texts)) > MAX_EXPRESSION_BYTES:
        check_length(text, "update", "write the whole item, or change it in several updates")
    return text


class SetOnce(Set, frozen=True):
    """Writes an attribute that a new item must have: its kind, or a part of its key.

    An update that may create the item contains it; an attribute that exists stays.
    """


class Bump(Set, frozen=True):
    """Writes the next version of an item whose current version is unknown to the program."""

    def is_repeatable(self, changed: Iterable[Path]) -> bool:
        """Return True: it does no harm to increase a version twice."""
        del changed
        return True
