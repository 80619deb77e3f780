"""Collects the fields of a class from its class statement and its bases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from ...exceptions import ModelDefinitionError
from ..fields.base import AnyField, Field
from ..foreign_keys.expansion import References, expand_references
from ..reserved_names import YIELDING
from .base import BaseRecord
from .clean_hooks import check_hooks


def collect(
    cls: type[Any],
    base: type[BaseRecord],
    implied: frozenset[str] = frozenset({"id"}),
    *,
    late: bool = False,
) -> tuple[dict[str, AnyField], References]:
    """Return the fields of *cls*, its own bound copies, bases first, and its references by name.

    Raises ModelDefinitionError for a field that hides something of *base*, or that has a name
    which Python or this package needs, and for a ``clean_<field>`` without its field.

    :param implied: the fields that the class gets if it declares no key.
    :param late: find the classes that references name in any module.
    """
    found: dict[str, AnyField] = {}
    own: set[str] = set()
    is_new = "_fieldset" not in vars(cls)
    for ancestor in reversed(cls.__mro__):
        for name, value in vars(ancestor).items():
            if isinstance(value, Field):
                declares = ancestor is cls and (is_new or not value.is_inherited)
                if declares or not _is_copy(ancestor, name, cast("AnyField", value)):
                    found[name] = value
                if declares:
                    own.add(name)
            elif isinstance(value, type) and issubclass(value, Field):
                raise ModelDefinitionError(
                    f"{cls.__name__}.{name} is the class {value.__name__}: write {value.__name__}()"
                )
            elif name in found and not name.startswith("__"):
                del found[name]  # a subclass replaced it by something else, such as None
    bound: dict[str, AnyField] = {}
    for name, field in found.items():
        if name.startswith("_") or name.endswith("_") or "__" in name:
            raise ModelDefinitionError(
                f"{cls.__name__}.{name}: a field's name has no underscore at its start or end, and no "
                "two in a row, which separate lookups: rename it, and keep the attribute by "
                f"name={name!r}"
            )
        if name not in YIELDING and hasattr(base, name):
            raise ModelDefinitionError(
                f"{cls.__name__}.{name} would hide {base.__name__}.{name}: "
                f"rename the field, and keep the attribute by name={name!r}"
            )
        bound[name] = field.bound_to(cls.__name__, name)
        bound[name].is_inherited = name not in own
        setattr(cls, name, bound[name])
    bound, references = expand_references(cls, base, bound, late=late)
    check_hooks(cls, bound, implied)
    _add_displays(cls, bound)
    return bound, references


def _add_displays(cls: type[Any], fields: Mapping[str, AnyField]) -> None:
    """Give *cls* the method ``get_FOO_display()`` for each field with choices, unless it has such an attribute."""
    for name, field in fields.items():
        method = f"get_{name}_display"
        if field.choices is not None and not hasattr(cls, method):
            setattr(cls, method, _make_display(name, method))


def _make_display(name: str, method: str) -> Callable[[BaseRecord], str | None]:
    def display(self: BaseRecord) -> str | None:
        return self._fieldset.by_name[name].find_label(getattr(self, name))

    display.__name__ = method
    display.__doc__ = f"Return the label of ``{name}``, or its text; None for None."
    return display


def _is_copy(kind: type[Any], name: str, field: AnyField) -> bool:
    """Tell whether *field* is the copy of a field that a base of *kind* has: the MRO chooses among the originals."""
    return field.is_inherited and any(name in vars(base) for base in kind.__mro__[1:])
