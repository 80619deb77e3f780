"""Which fields are declared as made of others."""

from __future__ import annotations

from typing import cast

from ..fields.base import AnyField


def is_computed(field: AnyField) -> bool:
    """Tell whether *field* is made of others, by a template or a function."""
    return get_template_text(field) is not None or getattr(field, "merge", None) is not None


def get_template_text(field: AnyField) -> str | None:
    """Return the template of a field as it was declared, or None."""
    return cast("str | None", getattr(field, "template", None))
