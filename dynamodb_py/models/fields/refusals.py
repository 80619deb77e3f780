"""Values that a field refuses: the errors that name them."""

from __future__ import annotations

from typing import Any

from ...codec import Uncomputed, Unstorable, refuse_uncomputed
from .json_forms import Reading


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
    """Return *value*, which the checks of writing refuse if it is not None; raise Unstorable in JSON."""
    if how.json and value is not None:
        raise make_refusal(value, wanted)
    return value
