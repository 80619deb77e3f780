"""Conditions as text of DynamoDB's expression language."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from typing import Any

from msgspec import field
from msgspec.structs import force_setattr

from .. import codec
from ..exceptions import QueryError
from .conditions import Condition
from .names import Names, Wire
from .paths import Argument, Path, Value

_PLACEHOLDER = re.compile(r"[#:]\w+")


class RawExpression(Condition, frozen=True):
    """A condition as *text* of DynamoDB's expression language, which can be joined with others.

    *names* has the names of its ``#placeholders``. *values* has the Python values of its
    ``:placeholders``, which are encoded as in a free-form document. Requests rename the placeholders, so
    they cannot collide with those of other conditions.

    >>> long = RawExpression("size(#d) > :n", {"#d": "doc"}, {":n": 3})
    >>> names = Names()
    >>> long.render(names), names.names, names.values
    ('(size(#0) > :0)', {'#0': 'doc'}, {':0': {'N': '3'}})

    Raises :class:`QueryError` for a placeholder that is not given or not used, and
    :class:`~dynamodb_py.exceptions.ValidationError` for a value that DynamoDB cannot hold.
    """

    text: str
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        text = _without_parentheses(self.text.strip())
        if not text:
            raise QueryError("RawExpression: the text is empty; use Condition() for no condition")
        force_setattr(self, "text", text)
        force_setattr(self, "names", dict(self.names))
        force_setattr(self, "values", dict(self.values))
        if stray := set(_PLACEHOLDER.findall(text)) ^ {*self.names, *self.values}:
            raise QueryError(
                f"{text!r}: {', '.join(sorted(stray))}: every placeholder must be used in the text "
                "and given in names or values"
            )
        self._spell(Names())  # a wrong value raises here

    def _operands(self) -> tuple[Argument, ...]:
        # Only the placeholders are known, not the paths in the text.
        return tuple(Path((name,)) for name in self.names.values())

    def _spell(self, names: Names) -> str:
        spelled = {key: names.name(name) for key, name in self.names.items()}
        for key, value in self.values.items():
            spelled[key] = names.value(codec.encode(value, key))
        # In parentheses, as the text may contain OR, and AND may join it with others.
        return f"({_PLACEHOLDER.sub(lambda match: spelled[match[0]], self.text)})"

    def _shape(self, values: list[Wire]) -> tuple[Hashable, ...]:
        # Its values are encoded at each rendering, so they are part of the shape.
        wires = ((key, Value(codec.encode(value, key))) for key, value in self.values.items())
        return (RawExpression, self.text, *self.names.items(), *wires)

    def __hash__(self) -> int:
        return hash(self.text)


def _without_parentheses(text: str) -> str:
    """Return *text* without parentheses around the whole, as DynamoDB rejects double ones."""
    while text.startswith("(") and text.endswith(")"):
        depth = 0
        for place, letter in enumerate(text):
            depth += (letter == "(") - (letter == ")")
            if not depth and place < len(text) - 1:
                return text  # the first parenthesis ends before the text does
        text = text[1:-1].strip()
    return text
