"""Lookups: ``top_score__gt=9000``, Django's spelling of conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from ..exceptions import QueryError
from ..expressions import Condition, Operand

if TYPE_CHECKING:
    from .options import Options

_Make = Callable[[Operand[Any], Any], Condition]

_LOOKUPS: dict[str, _Make] = {
    "exact": lambda operand, value: operand.eq(value),
    "eq": lambda operand, value: operand.eq(value),
    "ne": lambda operand, value: operand.ne(value),
    "gt": lambda operand, value: operand.gt(value),
    "gte": lambda operand, value: operand.gte(value),
    "lt": lambda operand, value: operand.lt(value),
    "lte": lambda operand, value: operand.lte(value),
    "in": lambda operand, value: operand.is_in(_several(value)),
    "between": lambda operand, value: operand.between(*_pair(value)),
    "range": lambda operand, value: operand.between(*_pair(value)),
    "startswith": lambda operand, value: operand.begins_with(value),
    "contains": lambda operand, value: operand.contains(value),
    "exists": lambda operand, value: operand.exists() if value else operand.not_exists(),
    "isnull": lambda operand, value: operand.eq(None) if value else operand.ne(None),
}


def _several(value: Any) -> list[Any]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise QueryError(f"{value!r} is one value: give a list of them")
    return list(cast("Iterable[Any]", value))


def _pair(value: Any) -> list[Any]:
    values = _several(value)
    if len(values) != 2:
        raise QueryError(f"{value!r} are no bounds: give two, the lower one first")
    return values


def conditions(meta: Options, lookups: Mapping[str, Any]) -> Condition:
    """Return the condition that all of *lookups*, such as ``title="a", wins__gt=3``, hold."""
    condition = Condition()
    for said, value in lookups.items():
        name, _, lookup = said.partition("__")
        make = _LOOKUPS.get(lookup or "exact")
        if make is None:
            raise QueryError(
                f"{meta.name}: {said}= uses an unknown lookup {lookup!r}: "
                f"there are {', '.join(_LOOKUPS)}"
            )
        field = meta.get_field(name)
        try:
            condition &= make(field, value)
        except QueryError as error:
            raise QueryError(f"{meta.name}: {said}=: {error}") from None
    return condition
