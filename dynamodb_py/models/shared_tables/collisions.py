"""Whether items of two models could have one key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..fields.base import AnyField

if TYPE_CHECKING:
    from ..keys.template import BoundTemplate
    from ..options import Options


def get_template(field: AnyField | None) -> BoundTemplate | None:
    """Return the template of a field that has one."""
    return getattr(field, "bound_template", None)


def find_common_key(one: AnyField, other: AnyField) -> str | None:
    """Return a text that both fields could be, as an example; None where there is none."""
    mine, theirs = get_template(one), get_template(other)
    if mine is None or theirs is None:
        return "..."  # a value of its own: whatever the other is
    return mine.collision(theirs)


def can_share_prefix(one: str, other: str) -> bool:
    """Tell whether one of two texts begins with the other, so that a text can begin with both."""
    return one.startswith(other) or other.startswith(one)


def get_prefix(field: AnyField | None) -> str:
    """Return what every value of a key field begins with."""
    template = get_template(field)
    return "" if template is None else template.literal_prefix


def have_distinct_prefixes(mine: Options, other: Options) -> bool:
    """Tell whether the beginnings of the keys of two models are different."""
    pairs = zip(mine.keys, other.keys, strict=True)
    return any(not can_share_prefix(get_prefix(one), get_prefix(two)) for one, two in pairs)


def describe_key(field: AnyField) -> str:
    """Return the texts that a key field can have, for messages."""
    template = get_template(field)
    return "any text" if template is None else f'"{template}"'
