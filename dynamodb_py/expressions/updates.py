"""Updates: what to change in an item, and how DynamoDB spells it.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Protocol

from msgspec import Struct

from ..exceptions import QueryError
from .names import Names, checked
from .paths import Path, Value, check_apart

CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")

_SETS = frozenset({"SS", "NS", "BS"})


class Source(Protocol):
    """What a SET takes its value from: a :class:`Value`, a :class:`Path`, or a function of them."""

    def render(self, names: Names, /) -> str:
        """Spell it with the placeholders of *names*."""
        ...


class Action(Struct, frozen=True):
    """One change at one path; *clause* is the part of the update that it belongs to."""

    clause: ClassVar[str] = ""

    path: Path

    def render(self, names: Names) -> str:
        """Spell this change, without the name of its clause."""
        return self.path.render(names)


class Set(Action, frozen=True):
    """Write *value* at the path, whether or not something lies there."""

    clause: ClassVar[str] = "SET"

    value: Source

    def render(self, names: Names) -> str:
        return f"{self.path.render(names)} = {self.value.render(names)}"


class Remove(Action, frozen=True):
    """Remove the attribute, the key of a map or the element of a list; nothing, if it is not there."""

    clause: ClassVar[str] = "REMOVE"


class Add(Action, frozen=True):
    """Add a number to a number, or elements to a set; what is missing counts as 0 or as empty."""

    clause: ClassVar[str] = "ADD"

    value: Value

    def __post_init__(self) -> None:
        if self.value.kind != "N" and self.value.kind not in _SETS:
            raise QueryError(
                f"{self.path}: a number or a set can be added, not a {self.value.kind}"
            )

    def render(self, names: Names) -> str:
        return f"{self.path.render(names)} {self.value.render(names)}"


class Delete(Action, frozen=True):
    """Take elements out of a set; a set that becomes empty goes with them."""

    clause: ClassVar[str] = "DELETE"

    value: Value

    def __post_init__(self) -> None:
        if self.value.kind not in _SETS:
            raise QueryError(
                f"{self.path}: a set can be deleted from a set, not a {self.value.kind}"
            )

    def render(self, names: Names) -> str:
        return f"{self.path.render(names)} {self.value.render(names)}"


def render_update(actions: Iterable[Action], names: Names) -> str:
    """Spell an UpdateExpression for *actions*, in the order given within each clause; "" for none.

    Raises :class:`QueryError` where two of them reach the same value, and over 4 KB of text.

    >>> score, tags = Path(("score",)), Path(("tags",))
    >>> render_update([Add(score, Value({"N": "1"})), Remove(tags)], Names())
    'REMOVE #0 ADD #1 :0'
    """
    actions = list(actions)
    check_apart(action.path for action in actions)
    clauses: dict[str, list[Action]] = {}
    for action in actions:
        clauses.setdefault(action.clause, []).append(action)
    text = " ".join(
        f"{clause} {', '.join(action.render(names) for action in clauses[clause])}"
        for clause in CLAUSES
        if clause in clauses
    )
    return checked(text, "update", "write the whole item, or change it in several updates")
