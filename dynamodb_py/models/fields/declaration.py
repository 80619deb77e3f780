"""Checks of a field's declaration, when the class of the field is created.

All functions raise ModelDefinitionError for a declaration that cannot work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from ...codec import Unstorable
from ...exceptions import ModelDefinitionError
from ...operations.base import Wire
from .json_forms import KEY_KINDS, KINDS

BOUNDS = ("min_value", "max_value", "min_length", "max_length")


class Declared(Protocol):
    """A field, as far as its declaration is checked."""

    kind: str
    bounds: ClassVar[frozenset[str]]
    attribute: str
    hash_key: bool
    range_key: bool
    null: bool
    default: Any
    choices: list[Any] | None
    validators: tuple[Callable[[Any], object], ...]

    @property
    def is_key(self) -> bool: ...
    def misdeclared(self, problem: str) -> ModelDefinitionError: ...
    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None: ...
    def find_problems(self, value: Any) -> list[str]: ...
    def find_key_problem(self, wire: Wire, /) -> str | None: ...
    def _in_order(self, low: Any, high: Any) -> bool: ...


def check_name_and_kind(field: Declared) -> None:
    """Refuse a name that no attribute can have, and a class of fields without a kind."""
    if not isinstance(field.attribute, str) or not _is_text(field.attribute):
        raise field.misdeclared(
            f"name={field.attribute!r}: it takes the attribute's name in DynamoDB, a Unicode text that is not empty"
        )
    if field.kind not in KINDS:
        raise field.misdeclared(
            f"{type(field).__name__} has no kind of attribute: give the class a kind, "
            f"one of {', '.join(KINDS)}"
        )


def check_bounds(field: Declared) -> None:
    """Refuse bounds that mean nothing for the type, or that exclude every value."""
    for bound in BOUNDS:
        limit = getattr(field, bound)
        if limit is None:
            continue
        if bound not in field.bounds:
            raise field.misdeclared(
                f"{bound}= means nothing for {type(field).__name__}: leave it out"
            )
        if bound in ("min_value", "max_value"):
            must_hold(field, bound, limit)
        elif isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
            raise field.misdeclared(f"{bound}={limit!r}: a length is an int of 0 or more")
    for low, high in (("min_value", "max_value"), ("min_length", "max_length")):
        least, most = getattr(field, low), getattr(field, high)
        if least is not None and most is not None and not field._in_order(least, most):
            raise field.misdeclared(
                f"{low}={least!r} is greater than {high}={most!r}, or cannot be compared with it: "
                "no value could be stored"
            )


def check_choices(field: Declared) -> None:
    """Refuse validators that cannot be called, and choices that cannot be stored."""
    for validator in field.validators:
        if not callable(validator):
            raise field.misdeclared(
                f"validators= holds {validator!r}: it takes callables of one argument"
            )
    if field.choices is None:
        return
    if not field.choices:
        raise field.misdeclared("choices= is empty: no value could ever be stored")
    for choice in field.choices:
        must_hold(field, "choices", choice)


def check_key(field: Declared) -> None:
    """Refuse a key of a type, or with options, that keys cannot have."""
    role = "hash" if field.hash_key else "range"
    if field.kind not in KEY_KINDS:
        raise field.misdeclared(
            f"{type(field).__name__} cannot be the {role} key: DynamoDB's keys are text, "
            "numbers or bytes; use a CharField, a number field, a BinaryField, or another field that is "
            "stored as text, a number or bytes"
        )
    if field.hash_key and field.range_key:
        raise field.misdeclared(
            "it cannot be both hash_key and range_key: declare two fields, or drop one"
        )
    if field.null:
        raise field.misdeclared("a key always has a value: drop null=True")


def check_default(field: Declared) -> None:
    """Refuse a default that could not be stored."""
    if field.default is not None and not callable(field.default):
        wire = must_hold(field, "default", field.default)
        problems = field.find_problems(field.default)
        if wire is not None and field.is_key and (problem := field.find_key_problem(wire)):
            problems.append(problem)
        if problems:
            raise field.misdeclared(f"default={field.default!r} cannot be stored: {problems[0]}")


def check_index_key(field: Declared) -> None:
    """Refuse a field in the key of an index if it stores NULL, or if no key can have its default."""
    if field.null:
        raise field.misdeclared(
            "it is in the key of an index, which cannot hold NULL: drop null=True; then an item "
            "without a value is not in the index"
        )
    if field.default is not None and not callable(field.default):
        wire = field.to_wire(field.default)
        if wire is not None and (problem := field.find_key_problem(wire)):
            raise field.misdeclared(
                f"default={field.default!r} cannot be stored in the key of an index: {problem}"
            )


def must_hold(field: Declared, option: str, value: Any) -> Wire | None:
    """Return the attribute value for the value of an option; raise if the field cannot store it."""
    try:
        return field.to_wire(value)
    except Unstorable as error:
        raise field.misdeclared(f"{option}={value!r} cannot be stored: {error}") from None


def _is_text(name: str) -> bool:
    """Tell whether *name* is not empty, and has no lone surrogates, which UTF-8 cannot encode."""
    return bool(name) and name == name.encode(errors="ignore").decode()
