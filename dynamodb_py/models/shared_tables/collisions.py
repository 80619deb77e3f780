"""Whether items of two models could have one key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..fields.base import AnyField

if TYPE_CHECKING:
    from ..keys.template import BoundTemplate
    from ..options import Options


def template_of(field: AnyField | None) -> BoundTemplate | None:
    """Return the template of a field that has one."""
    return getattr(field, "bound_template", None)


def clash(one: AnyField, other: AnyField) -> str | None:
    """Return a text that both fields could be, as an example; None where there is none."""
    mine, theirs = template_of(one), template_of(other)
    if mine is None or theirs is None:
        return "..."  # a value of its own: whatever the other is
    return mine.collision(theirs)


def comparable(one: str, other: str) -> bool:
    """Tell whether one of two texts begins with the other, so that a text can begin with both."""
    return one.startswith(other) or other.startswith(one)


def prefix_of(field: AnyField | None) -> str:
    """Return what every value of a key field begins with."""
    template = template_of(field)
    return "" if template is None else template.literal_prefix


def told_apart(mine: Options, other: Options) -> bool:
    """Tell whether the beginnings of the keys of two models are different."""
    pairs = zip(mine.keys, other.keys, strict=True)
    return any(not comparable(prefix_of(one), prefix_of(two)) for one, two in pairs)


def describe_key(field: AnyField) -> str:
    """Return the texts that a key field can have, for messages."""
    template = template_of(field)
    return "any text" if template is None else f'"{template}"'
