"""The problems of values as a list for clients, each with its path as a tuple."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

from msgspec import Struct

from ...exceptions import ValidationError
from ..fields.refusals import REQUIRED

Step: TypeAlias = "str | int"

_END_OF_NAME = re.compile(r"[.\[]")
_INDEX = re.compile(r"\[(\d+)\]")


class Problem(Struct, frozen=True):
    """One problem: its kind in pydantic's terms, the path, the message, and the value.

    An unknown name and a missing value have pydantic's messages.
    """

    kind: Literal["missing", "extra_forbidden", "value_error"]
    path: tuple[Step, ...]
    message: str
    value: Any = None


def list_problems(error: ValidationError, given: Any = None) -> list[Problem]:
    """Return the problems in *error*, with their values in the dict *given*.

    >>> error = ValidationError({"lines[1].qty": "it is not a number"})
    >>> list_problems(error, {"lines": [{}, {"qty": "x"}]})
    [Problem(kind='value_error', path=('lines', 1, 'qty'), message='it is not a number', value='x')]
    """
    found: list[Problem] = []
    for text, messages in error.errors.items():
        path = split_path(text, given)
        outer, value, is_given = _follow(path, given)
        for message in messages:
            if not is_given and message == REQUIRED:
                found.append(Problem("missing", path, "Field required", outer))
            # The rest of that message lists all fields, which clients need not know.
            elif path and f" has no field {path[-1]}: " in message:
                found.append(
                    Problem("extra_forbidden", path, "Extra inputs are not permitted", value)
                )
            else:
                found.append(Problem("value_error", path, message, value))
    return found


def split_path(text: str, given: Any = None) -> tuple[Step, ...]:
    """Return the steps of a path in the form of messages; the keys of *given* show where names end.

    >>> split_path("lines[2].qty"), split_path("prices.a.b", {"prices": {"a.b": 1}})
    (('lines', 2, 'qty'), ('prices', 'a.b'))
    """
    steps: list[Step] = []
    while text:
        if index := _INDEX.match(text):
            step: Step = int(index[1])
            text = text[index.end() :]
        else:
            text = text.removeprefix(".")
            step = _find_name(text, given)
            text = text[len(step) :]
        steps.append(step)
        given = _get(given, step)[0]
    return tuple(steps)


def _find_name(text: str, given: Any) -> str:
    """Return the name at the beginning of *text*: the longest key of *given* that fits."""
    keys = cast("Mapping[Any, Any]", given) if isinstance(given, Mapping) else ()
    names = [
        key
        for key in keys
        if isinstance(key, str) and key and (text == key or text.startswith((f"{key}.", f"{key}[")))
    ]
    end = _END_OF_NAME.search(text, 1)
    return max(names, key=len, default=text[: end.start()] if end else text)


def _follow(path: tuple[Step, ...], given: Any) -> tuple[Any, Any, bool]:
    """Return the container of the value at *path* in *given*, the value, and whether it exists."""
    outer, is_given = given, True
    for step in path:
        outer = given
        given, is_given = _get(given, step)
    return outer, given, is_given


def _get(outer: Any, step: Step) -> tuple[Any, bool]:
    """Return the value at *step* in *outer*, and whether it exists."""
    if isinstance(step, str) and isinstance(outer, Mapping):
        members = cast("Mapping[Any, Any]", outer)
        return members.get(step), step in members
    if isinstance(step, int) and isinstance(outer, (list, tuple)):
        elements = cast("Sequence[Any]", outer)
        return (elements[step], True) if step < len(elements) else (None, False)
    return None, False
