"""Rows: what a query set makes of each item: instances, or dicts and tuples of their values."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast

from msgspec import Struct

from ...codec import decode, from_json
from ...exceptions import QueryError
from ...expressions import Operand, Path
from ...operations.base import WireItem
from ...operations.items import StoredItem
from ..attribute_values.values import find_at
from ..fields.base import Field
from .attributes import undeclared_attributes

if TYPE_CHECKING:
    from .record import Record


M = TypeVar("M", bound="Record")
Loader: TypeAlias = Callable[[StoredItem], Any]
Name: TypeAlias = "str | Operand[Any]"


class Column(Struct, frozen=True):
    """One value of a row: what the row calls it, and where it lies in the item."""

    name: str
    parts: tuple[str | int, ...]


class Shape(Struct, frozen=True):
    """What rows are where they are no instances: plain data, so that query sets pickle."""

    kind: Literal["dict", "tuple", "flat", "named", "item"]
    columns: tuple[Column, ...] = ()
    """The values, in order; () stands for all fields."""

    def wanted(self) -> tuple[Path, ...] | None:
        """Return what must be read of the items; None for everything."""
        if not self.columns:
            return None
        return tuple(dict.fromkeys(Path(_readable(column.parts)) for column in self.columns))


def _readable(parts: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return what is read for the value at *parts*: a list whole, as DynamoDB would close its gaps."""
    for at, part in enumerate(parts):
        if isinstance(part, int):
            return parts[:at]
    return parts


def loader(
    model: type[M], shape: Shape | None, held: frozenset[str] | None, using: str | None
) -> Callable[[StoredItem], Any]:
    """Return what makes a row of an item.

    :param held: the attributes that the items were read with; None where that is all of them.
    :param using: the alias that instances belong to; None where that is their model's.
    """
    load = _instances(model, held, using)
    if shape is None:
        return load
    if shape.kind == "item":
        return _as_dict(load)
    chosen = shape.columns or tuple(
        Column(field.name, (field.attribute,))
        for field in model._fieldset
        if held is None or field.name in model._fieldset.held(held)
    )
    return _dressed(shape.kind, model, chosen, _values(model, chosen, load))


def _instances(
    model: type[M], held: frozenset[str] | None, using: str | None
) -> Callable[[StoredItem], M]:
    load: Callable[[StoredItem], M] = model._load
    if held is not None:
        load = model._load_partially(held)
    if using is None:
        return load

    def here(item: StoredItem) -> M:
        instance = load(item)
        instance.__dict__["_using"] = using
        return instance

    return here


def _as_dict(load: Callable[[StoredItem], Record]) -> Loader:
    """Return what makes a dict of everything that was read: fields, and undeclared attributes."""

    def row(item: StoredItem) -> dict[str, Any]:
        instance = load(item)
        values = instance.to_dict()
        for name, wire in undeclared_attributes(instance).items():
            values.setdefault(name, decode(wire))
        return values

    return row


def _values(
    model: type[M], chosen: tuple[Column, ...], load: Callable[[StoredItem], M]
) -> Callable[[StoredItem], tuple[Any, ...]]:
    """Return what makes a tuple of the values of *chosen*."""
    by_attribute = model._fieldset.by_attribute
    names = [
        by_attribute[str(column.parts[0])].name
        for column in chosen
        if len(column.parts) == 1 and column.parts[0] in by_attribute
    ]
    if len(names) == len(chosen) > 1:
        several = attrgetter(*names)
        return lambda item: several(load(item))
    if len(names) == len(chosen):
        [name] = names
        return lambda item: (getattr(load(item), name),)
    getters = [_getter(model, column) for column in chosen]

    def row(item: StoredItem) -> tuple[Any, ...]:
        instance, wires = load(item), from_json(item)
        return tuple([get(instance, wires) for get in getters])

    return row


def _getter(model: type[Record], column: Column) -> Callable[[Record, WireItem], Any]:
    """Return what gets one value out of an instance, or out of its attributes on the wire."""
    attribute, *inside = column.parts
    field = model._fieldset.by_attribute.get(str(attribute))
    if field is not None and not inside:
        name = field.name
        return lambda instance, _: getattr(instance, name)
    read: Callable[[Any], Any] = decode
    if field is not None:
        path = field._path()
        for part in inside:
            path = path[part]
        coder: Any = path.coder
        if isinstance(coder, Field):
            read = cast("Field[Any, Any]", coder).decode

    def get(_: Record, wires: WireItem) -> Any:
        wire = find_at(wires, column.parts)
        return None if wire is None else read(wire)

    return get


def _dressed(
    kind: str,
    model: type[Record],
    chosen: tuple[Column, ...],
    values: Callable[[StoredItem], tuple[Any, ...]],
) -> Loader:
    """Return what makes of the tuple of values what was asked for."""
    names = [column.name for column in chosen]
    if kind == "flat":
        return lambda item: values(item)[0]
    if kind == "dict":
        return lambda item: dict(zip(names, values(item), strict=True))
    if kind == "named":
        make = _named_row(model, names)._make
        return lambda item: make(values(item))
    return values


def _named_row(model: type[Record], names: list[str]) -> Any:
    try:
        return namedtuple("Row", names)  # pyright: ignore[reportUntypedNamedTuple]
    except ValueError as error:
        raise QueryError(
            f"{model.__name__}: a named tuple cannot have these names: {error}; "
            "values() gives dicts"
        ) from None
