"""The placeholders of a request, ``#name`` and ``:value``, and the check that its expressions use them all."""

from __future__ import annotations

import re
from typing import cast

from ..database.errors import ServiceError, make_invalid
from ..database.values import Value, check_value
from .paths import Path
from .syntax.grammar import PathName, ValueName

_NAME = re.compile(r"#[A-Za-z0-9_]+")
_VALUE = re.compile(r":[A-Za-z0-9_]+")
_MAX_LENGTH = 255


class Placeholders:
    """ExpressionAttributeNames and ExpressionAttributeValues of one request.

    >>> placeholders = Placeholders({"#n": "name"}, {":v": {"N": "1.0"}})
    >>> placeholders.resolve_path(PathName(("#n", 0)), "FilterExpression")
    ('name', 0)
    >>> placeholders.resolve_value(ValueName(":v"), "FilterExpression")
    {'N': '1'}
    >>> placeholders.check_used()
    """

    def __init__(self, names: object, values: object) -> None:
        self.names, self.values = _check_names(names), _check_values(values)
        self.nested: set[str] = set()
        """The attributes with paths to their elements or members."""
        self._used: set[str] = set()
        self._serves = False

    def serve(self) -> None:
        """Note that the request has an expression. Each parser of an expression calls this."""
        self._serves = True

    def resolve_path(self, path: PathName, kind: str) -> Path:
        """Return *path* with names in place of their placeholders.

        :raises ServiceError: a ValidationException, if a placeholder is not defined.
        """
        resolved = tuple(
            self._resolve_name(part, kind) if isinstance(part, str) and part[0] == "#" else part
            for part in path.parts
        )
        if len(resolved) > 1:
            self.nested.add(str(resolved[0]))
        return resolved

    def resolve_value(self, value: ValueName, kind: str) -> Value:
        """Return the value of a placeholder; raise a ValidationException if it is not defined."""
        self._used.add(value.text)
        found = self.values.get(value.text)
        if found is None:
            raise make_invalid(
                f"Invalid {kind}: An expression attribute value used in expression is not defined; "
                f"attribute value: {value.text}"
            )
        return found

    def check_used(self) -> None:
        """Raise a ValidationException if a placeholder is in no expression."""
        for kind, known in ((_NAMES, self.names), (_VALUES, self.values)):
            if known and not self._serves and not self._used:
                raise make_invalid(f"{kind} can only be specified when using expressions")
            unused = [each for each in known if each not in self._used]
            if unused:
                shown = ", ".join(unused)
                raise make_invalid(
                    f"Value provided in {kind} unused in expressions: keys: {{{shown}}}"
                )

    def _resolve_name(self, placeholder: str, kind: str) -> str:
        self._used.add(placeholder)
        found = self.names.get(placeholder)
        if found is None:
            raise make_invalid(
                f"Invalid {kind}: An expression attribute name used in the document path is not "
                f"defined; attribute name: {placeholder}"
            )
        return found


_NAMES, _VALUES = "ExpressionAttributeNames", "ExpressionAttributeValues"


def _check_names(names: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, name in _check_map(_NAMES, names, _NAME).items():
        if not isinstance(name, str):
            raise make_invalid(
                f"{_NAMES} contains invalid value: A name must be a string for key {key}"
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
    found = cast("dict[str, object]", content)
    for key in found:
        if len(key) > _MAX_LENGTH:
            raise make_invalid(
                f"{kind} contains invalid key: The expression attribute map contains a key that is too long;"
            )
        if not pattern.fullmatch(key):
            raise make_invalid(f'{kind} contains invalid key: Syntax error; key: "{key}"')
    return found
