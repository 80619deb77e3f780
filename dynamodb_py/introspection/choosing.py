"""Choosing a field for values: the first of several fields that would store all of them unchanged."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..codec import parse_decimal, to_bytes
from ..compat import dynamoid, pynamodb
from ..exceptions import UnreadableValue, ValidationError
from ..models.fields.base import AnyField
from ..models.fields.ids import UUIDField
from ..models.fields.times.dates import DateField, TimeField
from ..models.fields.times.datetimes import DateTimeField, TimestampField
from ..models.fields.times.durations import TimeDeltaField
from ..operations.base import Wire


class Choice(NamedTuple):
    """A field: its class and its arguments, as in Python code."""

    kind: str
    arguments: tuple[str, ...] = ()
    note: str = ""
    """A remark for the reader of the code."""

    @property
    def source(self) -> str:
        """The code that creates the field."""
        return f"{self.kind}({', '.join(self.arguments)})"


class _Guess(NamedTuple):
    """A candidate: a field that may fit the texts, numbers or bytes."""

    choice: Choice
    field: AnyField


def _make_guess(source: str, field: AnyField, note: str) -> _Guess:
    kind, _, arguments = source.rstrip(")").partition("(")
    choice = Choice(kind, tuple(filter(None, [arguments])), f"a guess: {note}")
    return _Guess(choice, field.bound_to(kind, "guess"))


_ISO = "%Y-%m-%dT%H:%M:%S"
_TEXTS = [
    _make_guess("DateTimeField()", DateTimeField(), "all are ISO 8601 in UTC"),
    _make_guess(
        "compat.pynamodb.UTCDateTimeField()",
        pynamodb.UTCDateTimeField(),
        "all are moments in PynamoDB's format",
    ),
    *(
        _make_guess(
            f'DateTimeField(format="{form}")', DateTimeField(format=form), "all are ISO 8601"
        )
        for form in (f"{_ISO}Z", f"{_ISO}.%fZ", f"{_ISO}%:z", f"{_ISO}%z", _ISO, f"{_ISO}.%f")
    ),
    _make_guess("DateField()", DateField(), "all are dates"),
    _make_guess("TimeField()", TimeField(), "all are times of day"),
    _make_guess("TimeDeltaField()", TimeDeltaField(), "all are durations of ISO 8601"),
    _make_guess("UUIDField()", UUIDField(), "all are UUIDs"),
]
_JSONS = [
    _make_guess("compat.pynamodb.JSONField()", pynamodb.JSONField(), "all are JSON"),
    _make_guess("compat.dynamoid.JSONField()", dynamoid.JSONField(), "all are JSON without spaces"),
]
_LETTERS = _make_guess("compat.dynamoid.BooleanField()", dynamoid.BooleanField(), "all are t and f")
_SECONDS = _make_guess("TimestampField()", TimestampField(), "all are seconds since 1970")
_TIME_WORDS = re.compile(
    r"(?i)(date|time|stamp|ttl|expir|(^|_)(at|on|ts)$|[a-z](At|On)$|created|updated|modified)"
)
_FIRST, _LAST = 10**9, 4 * 10**9  # seconds: 2001 to 2096
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_SHORTEST_BASE64 = 8
"""The fewest bytes that count as base64: shorter values look like base64 by chance."""


def choose_scalar(name: str, kind: str, contents: Sequence[Any]) -> Choice:
    """Return the field for texts, numbers, bytes or truth values.

    :param name: the name of the attribute.
    :param kind: DynamoDB's type of the values.
    :param contents: the values in the form of DynamoDB's JSON.

    >>> (
    ...     choose_scalar("born", "S", ["2026-11-01"]).source,
    ...     choose_scalar("n", "N", ["1", "2.5"]).source,
    ... )
    ('DateField()', 'DecimalField()')
    """
    return _CHOOSERS[kind](name, contents)


def _choose_text(name: str, texts: Sequence[str]) -> Choice:
    guesses = list(_TEXTS)
    if texts and all(text[:1] in ("{", "[") for text in texts):
        guesses = _JSONS
    elif {*texts} == {"t", "f"}:
        guesses = [_LETTERS]
    wires = [{"S": text} for text in texts]
    return _find_guess(guesses, wires) or Choice("CharField")


def _choose_number(name: str, texts: Sequence[str]) -> Choice:
    numbers = [*map(parse_decimal, texts)]
    if numbers and _TIME_WORDS.search(name) and all(_FIRST <= each <= _LAST for each in numbers):
        found = _find_guess([_SECONDS], [{"N": text} for text in texts])
        if found:
            return found
    if not numbers or any(number != number.to_integral_value() for number in numbers):
        return Choice("DecimalField")
    return Choice("IntegerField", note="only 1 and 0" if {*numbers} == {0, 1} else "")


def _choose_bytes(name: str, contents: Sequence[str]) -> Choice:
    values = [*map(to_bytes, contents)]
    if values and all(len(each) >= _SHORTEST_BASE64 and _BASE64.fullmatch(each) for each in values):
        note = "a guess: all are base64, as bloop, and PynamoDB before 6, store bytes"
        return Choice("compat.pynamodb.LegacyBinaryField", note=note)
    return Choice("BinaryField")


_CHOOSERS: dict[str, Callable[[str, Sequence[Any]], Choice]] = {
    "S": _choose_text,
    "N": _choose_number,
    "B": _choose_bytes,
    "BOOL": lambda _, __: Choice("BooleanField"),
}


def _find_guess(guesses: Sequence[_Guess], wires: Sequence[Wire]) -> Choice | None:
    for guess in guesses if wires else ():
        if all(_spells(guess.field, wire) for wire in wires):
            return guess.choice
    return None


def _spells(field: AnyField, wire: Wire) -> bool:
    """Tell whether *field* can read a value, and would store it unchanged."""
    try:
        return field.encode(field.decode(wire)) == wire
    except (UnreadableValue, ValidationError):
        return False
