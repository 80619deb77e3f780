"""The placeholders of one request: ``#0`` for a name, ``:0`` for a value.

Every name has a placeholder, so that a reserved word, a dot or any other character in a name cannot
break an expression
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ExpressionAttributeNames.html).
"""

from __future__ import annotations

from typing import Any, TypeAlias

from ..exceptions import QueryError
from ..limits import MAX_EXPRESSION_BYTES

Wire: TypeAlias = "dict[str, Any]"
"""One attribute value in DynamoDB's form, ``{"S": "text"}``; a B holds bytes."""


class Names:
    """The names and values of one request, shared by all its expressions.

    >>> names = Names()
    >>> names.name("score"), names.name("date"), names.name("score"), names.value({"N": "1"})
    ('#0', '#1', '#0', ':0')
    >>> names.into({"TableName": "test"})
    {'TableName': 'test', 'ExpressionAttributeNames': {'#0': 'score', '#1': 'date'},
     'ExpressionAttributeValues': {':0': {'N': '1'}}}
    """

    __slots__ = ("_placeholders", "names", "values")

    names: dict[str, str]
    """ExpressionAttributeNames: placeholder to name."""
    values: dict[str, Wire]
    """ExpressionAttributeValues: placeholder to value."""

    def __init__(self) -> None:
        self.names = {}
        self.values = {}
        self._placeholders: dict[str, str] = {}

    def name(self, name: str, /) -> str:
        """Return the placeholder of *name*, the same one each time."""
        placeholder = self._placeholders.get(name)
        if placeholder is None:
            placeholder = self._placeholders[name] = f"#{len(self.names)}"
            self.names[placeholder] = name
        return placeholder

    def path(self, parts: tuple[str | int, ...], /) -> str:
        """Return the text of the path of *parts*, which begins with a name: ``#0.#1[0]``."""
        first: Any = parts[0]
        text = self._placeholders.get(first) or self.name(first)
        for part in parts[1:]:
            text += f"[{part}]" if isinstance(part, int) else f".{self.name(part)}"
        return text

    def value(self, wire: Wire, /) -> str:
        """Return a new placeholder for *wire*."""
        placeholder = f":{len(self.values)}"
        self.values[placeholder] = wire
        return placeholder

    def into(self, payload: dict[str, Any], /) -> dict[str, Any]:
        """Add names and values to *payload*, and return it; DynamoDB rejects empty maps."""
        if self.names:
            payload["ExpressionAttributeNames"] = self.names
        if self.values:
            payload["ExpressionAttributeValues"] = self.values
        return payload


def check_length(text: str, kind: str, advice: str) -> str:
    """Return *text*; raise :class:`QueryError` if it is longer than an expression may be.

    All of *text* is ASCII: names and values are placeholders in it.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
    """
    if len(text) > MAX_EXPRESSION_BYTES:
        raise QueryError(
            f"this {kind} is {len(text)} bytes long, and DynamoDB takes {MAX_EXPRESSION_BYTES}: "
            f"{advice}"
        )
    return text
