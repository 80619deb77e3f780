"""Values that a field refuses: errors that name them, and the switch for the checks of its options."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from ...codec import Uncomputed, Unstorable, refuse_uncomputed
from .json_forms import Reading

T = TypeVar("T")

REQUIRED = "it is required: give it a value"
"""The message for a None where a value is required."""

UNFIT = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError)
"""The errors of converting a value of an unexpected type; those of msgspec are ValueErrors."""


def with_article(kind: type[Any]) -> str:
    """Return ``an int`` or ``a str``, for messages."""
    name = kind.__name__
    return f"an {name}" if name[0] in "aeioAEIO" else f"a {name}"


def make_refusal(value: object, wanted: str, instead: str = "") -> Unstorable:
    """Return the error for a value of another type than *wanted*."""
    if isinstance(value, Uncomputed):
        return refuse_uncomputed()
    try:
        shown = repr(value)
    except ValueError:  # Python refuses to write out an int of thousands of digits
        shown = "the value"
    message = f"{shown} is {with_article(type(value))}, not {wanted}"
    return Unstorable(f"{message}: {instead}" if instead else message)


def refuse_form(value: Any, wanted: str, how: Reading) -> Any:
    """Return *value*, None or a value that a later write will refuse; raise Unstorable if it is from JSON."""
    if how.json and value is not None and not how.takes(value):
        raise make_refusal(value, wanted)
    return value


# Whether the options of fields inside lists, maps and documents are checked.
_checking: ContextVar[bool] = ContextVar("dynamodb_py.checking", default=True)


def is_checking() -> bool:
    """Tell whether choices, bounds, validators and ``required`` are checked now."""
    return _checking.get()


def without_validation(make: Callable[[], T]) -> T:
    """Call *make* without checks of the options of fields, and return its result."""
    token = _checking.set(False)
    try:
        return make()
    finally:
        _checking.reset(token)
