"""Names in Python for attributes, indexes and tables."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Collection

from ..models.model import Model
from ..models.reserved_names import YIELDING

BUILTINS = {"bool", "bytes", "int", "str"}
"""The built-in names that the code of fields uses."""


def name_field(text: str, taken: Collection[str]) -> str:
    """Return a name for a field: the attribute's name if Python and models allow it.

    >>> (
    ...     name_field("top_score", ()),
    ...     name_field("class", ()),
    ...     name_field("2nd-name", ()),
    ...     name_field("save", ()),
    ... )
    ('top_score', 'class_field', 'number_2nd_name', 'save_field')
    """
    name = re.sub(r"\W", "_", unicodedata.normalize("NFKC", text))
    name = re.sub("__+", "_", name).strip("_") or "field"
    if not name.isidentifier():
        name = f"number_{name}"
    hidden = name not in YIELDING and hasattr(Model, name)
    if keyword.iskeyword(name) or hidden or name in BUILTINS or name == "Meta":
        name = f"{name}_field"
    return _number(name, taken)


def name_class(text: str, taken: Collection[str]) -> str:
    """Return a name for a class.

    >>> name_class("my-users.v1", ()), name_class("order_lines", {"OrderLines"})
    ('MyUsersV1', 'OrderLines2')
    """
    words = re.split(r"[\W_]+", unicodedata.normalize("NFKC", text))
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return _number(name if name.isidentifier() else f"Model{name}", taken)


def _number(name: str, taken: Collection[str]) -> str:
    number, found = 1, name
    while found in taken or keyword.iskeyword(found):
        number += 1
        found = f"{name}_{number}" if name[:1].islower() else f"{name}{number}"
    return found
