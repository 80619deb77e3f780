"""The placeholders of a request: ``#name`` and ``:value``, and which of them its expressions use."""

from __future__ import annotations

import re

from ..errors import ServiceError, make_invalid
from ..values import Value, check_value

_NAME = re.compile(r"#[A-Za-z0-9_]+")
_VALUE = re.compile(r":[A-Za-z0-9_]+")
_MAX_LENGTH = 255


class Placeholders:
    """ExpressionAttributeNames and ExpressionAttributeValues of one request.

    >>> placeholders = Placeholders({"#n": "name"}, {":v": {"N": "1.0"}})
    >>> placeholders.find_name("#n"), placeholders.find_value(":v")
    ('name', {'N': '1'})
    """

    def __init__(self, names: object, values: object) -> None:
        self.names, self.values = _check_names(names), _check_values(values)
        self.has_expressions = False
        """Whether the request has an expression: those who parse one say so."""
        self._used: set[str] = set()

    def find_name(self, placeholder: str) -> str | None:
        """Return the attribute's name of a placeholder, or None; it counts as used."""
        self._used.add(placeholder)
        return self.names.get(placeholder)

    def find_value(self, placeholder: str) -> Value | None:
        """Return the value of a placeholder, or None; it counts as used."""
        self._used.add(placeholder)
        return self.values.get(placeholder)

    def check_used(self) -> None:
        """Raise a ValidationException if no expression uses one of the placeholders."""
        for kind, known in ((_NAMES, self.names), (_VALUES, self.values)):
            if known and not self.has_expressions:
                raise make_invalid(f"{kind} can only be specified when using expressions")
            unused = [each for each in known if each not in self._used]
            if unused:
                shown = ", ".join(unused)
                raise make_invalid(
                    f"Value provided in {kind} unused in expressions: keys: {{{shown}}}"
                )


_NAMES, _VALUES = "ExpressionAttributeNames", "ExpressionAttributeValues"


def _check_names(names: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, name in _check_map(_NAMES, names, _NAME).items():
        if not isinstance(name, str):
            raise make_invalid(
                f"{_NAMES} contains invalid value: a name must be a string for key {key}"
            )
        if not name:
            raise make_invalid(
                f"{_NAMES} contains invalid value: Empty attribute name for key {key}"
            )
        found[key] = name
    return found


def _check_values(values: object) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for key, value in _check_map(_VALUES, values, _VALUE).items():
        try:
            found[key] = check_value(value)
        except ServiceError as error:
            raise make_invalid(
                f"{_VALUES} contains invalid value: {error.message} for key {key}"
            ) from None
    return found


def _check_map(kind: str, content: object, pattern: re.Pattern[str]) -> dict[str, object]:
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise make_invalid(f"{kind} must be a map")
    if not content:
        raise make_invalid(f"{kind} must not be empty")
    for key in content:
        if len(key) > _MAX_LENGTH:
            raise make_invalid(
                f"{kind} contains invalid key: The expression attribute map contains a key that is too long;"
            )
        if not pattern.fullmatch(key):
            raise make_invalid(f'{kind} contains invalid key: Syntax error; key: "{key}"')
    return content
