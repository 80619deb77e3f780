"""Checks a value by the options of its field: type, ``required``, choices, bounds, validators."""

from __future__ import annotations

from typing import Any, TypeAlias

from ...codec import Unstorable
from ...operations.base import Wire
from ..fields.base import AnyField
from ..fields.refusals import REQUIRED

Errors: TypeAlias = "dict[str, list[str]]"


def encode_value(field: AnyField, value: Any, errors: Errors, depth: int = 0) -> Wire | None:
    """Return the attribute value of *value*; add the reason to *errors* if it has none."""
    try:
        return field.to_wire_or_null(value, depth)
    except Unstorable as error:
        errors.update(error.errors(field.name))
        return None


def find_key_problem(field: AnyField, wire: Wire) -> str | None:
    """Return why DynamoDB would reject *wire* in the keys of the table and its indexes, or None."""
    if field.kind not in wire:
        return f"it is of type {next(iter(wire))}, and this key is of type {field.kind}"
    return field.find_key_problem(wire)


def check_value(
    field: AnyField, value: Any, wire: Wire | None, errors: Errors, *, validate: bool
) -> None:
    """Add to *errors* the problems of *value* by the options of the field."""
    if value is None:
        if field.is_key or (field.required and validate):
            errors[field.name] = [REQUIRED]
    elif (
        wire is not None
        and field.key_limit
        and (problem := find_key_problem(field, wire)) is not None
    ):
        errors[field.name] = [problem]
    elif (
        validate
        and field.constrained
        and field.name not in errors
        and (problems := field.find_problems(value))
    ):
        errors[field.name] = problems
