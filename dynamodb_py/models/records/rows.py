"""The rows of query sets: instances, or dicts and tuples of their values."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast

from msgspec import Struct

from ...codec import decode, from_json
from ...connections import ambient_alias
from ...exceptions import QueryError
from ...expressions import Operand, Path
from ...operations.base import WireItem
from ...operations.items import StoredItem
from ..fields.base import Field
from ..fields.model_key import alias_of, bind_values
from ..fields.refusals import UNFIT
from .attributes import find_undeclared
from .base import BaseRecord, is_observed

if TYPE_CHECKING:
    from ..attribute_values import values as wire_values
    from .record import Record
else:
    from ...lazy import wire_values


M = TypeVar("M", bound="Record")
Loader: TypeAlias = Callable[[StoredItem], Any]
Name: TypeAlias = "str | Operand[Any]"


_SHOWN = 20

_LOAD: Any = cast("Any", BaseRecord._load).__func__
_GET_ATTRIBUTE: Any = object.__getattribute__


class Column(Struct, frozen=True):
    """One value of a row: its name, and its path in the item."""

    name: str
    parts: tuple[str | int, ...]


class Shape(Struct, frozen=True):
    """The form of rows that are not instances, as plain data, so that query sets can be pickled."""

    kind: Literal["dict", "tuple", "flat", "named", "item"]
    columns: tuple[Column, ...] = ()
    """The values, in order; () means all fields."""

    def list_paths(self) -> tuple[Path, ...] | None:
        """Return the paths to read; None for whole items."""
        if not self.columns:
            return None
        return tuple(dict.fromkeys(Path(_trim_path(column.parts)) for column in self.columns))


def _trim_path(parts: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return *parts* up to the first index: a list is read whole, since DynamoDB closes gaps between elements."""
    for at, part in enumerate(parts):
        if isinstance(part, int):
            return parts[:at]
    return parts


def show_rows(rows: list[Any]) -> str:
    """Return the text of *rows*, at most the first 20 of them, for a ``repr``."""
    texts = [repr(row) for row in rows[:_SHOWN]]
    if len(rows) > _SHOWN:
        texts.append("'...(remaining elements truncated)...'")
    return f"[{', '.join(texts)}]"


def make_loader(
    model: type[M], shape: Shape | None, held: frozenset[str] | None, using: str | None
) -> Loader:
    """Return a function that makes a row from an item.

    :param held: the attributes that were read; None for all.
    :param using: the alias of the instances' connection; None for that of ``options()``, or of their model.
    """
    if using is None:
        using = ambient_alias()
        if using is None and shape is None and held is None:  # the usual case
            return model._load
    return make_bound_loader(model, shape, held, using)


def make_bound_loader(
    model: type[M], shape: Shape | None, held: frozenset[str] | None, using: str | None
) -> Loader:
    """Do as :func:`make_loader`, but if *using* is None, use the model's connection whatever ``options()`` give."""
    load = _make_instance_loader(model, held, using)
    if shape is None:
        return load
    if shape.kind == "item":
        return _make_dict_loader(load)
    chosen = shape.columns or tuple(
        Column(field.name, (field.attribute,))
        for field in model._fieldset
        if held is None or field.name in model._fieldset.find_held(held)
    )
    read = _make_reader(model, chosen, load)
    values = _compile_values(model, chosen, held)
    return _shape_rows(shape.kind, model, chosen, read if values is None else _try(values, read))


def _make_instance_loader(
    model: type[M], held: frozenset[str] | None, using: str | None
) -> Callable[[StoredItem], M]:
    load: Callable[[StoredItem], M] = model._load
    if held is not None:
        load = model._load_partially(held)
    if using is None:
        return load

    def load_bound(item: StoredItem) -> M:
        instance = load(item)
        instance.__dict__["_using"] = using
        return instance

    return load_bound


def _make_dict_loader(load: Callable[[StoredItem], Record]) -> Loader:
    """Return a function that makes a dict of all fields and undeclared attributes that were read."""

    def row(item: StoredItem) -> dict[str, Any]:
        instance = load(item)
        values = instance.to_dict()
        for name, wire in find_undeclared(instance).items():
            while name in values:  # a field of this name is stored in another attribute
                name += "_"
            values[name] = decode(wire)
        return values

    return row


def read_values_of(
    model: type[M], names: Sequence[str]
) -> Callable[[StoredItem], tuple[Any, ...]] | None:
    """Return a function that reads the fields *names* of a whole item; None if it needs an instance for that."""
    by_name = model._fieldset.by_name
    chosen = tuple(Column(name, (by_name[name].attribute,)) for name in names)
    return _compile_values(model, chosen, None)


def _compile_values(
    model: type[M], chosen: tuple[Column, ...], held: frozenset[str] | None
) -> Callable[[StoredItem], tuple[Any, ...]] | None:
    """Return a function that reads the values of *chosen*; None if it needs an instance for that."""
    by_attribute = model._fieldset.by_attribute
    places = [column.parts[0] for column in chosen if len(column.parts) == 1]
    fields = [by_attribute[str(place)] for place in places if place in by_attribute]
    if len(fields) < len(chosen) or len(set(places)) < len(places):
        return None
    plain = held is None or held.issuperset(field.attribute for field in fields)
    for field in fields:  # an attribute of a subclass may hide one
        plain = plain and getattr(model, field.name, None) is field
    loads: Any = model._load
    if not plain or loads.__func__ is not _LOAD or model.__getattribute__ is not _GET_ATTRIBUTE:
        return None
    return model._fieldset.get_values_reader(fields)


def _try(
    values: Callable[[StoredItem], tuple[Any, ...]], read: Callable[[StoredItem], tuple[Any, ...]]
) -> Callable[[StoredItem], tuple[Any, ...]]:
    """Return a function that reads an item by *values*; by *read* if that fails or loading is observed."""

    def row(item: StoredItem) -> tuple[Any, ...]:
        if not is_observed():
            try:
                return values(item)
            except UNFIT:
                pass  # *read* succeeds, or raises the error for users
        return read(item)

    return row


def _make_reader(
    model: type[M], chosen: tuple[Column, ...], load: Callable[[StoredItem], M]
) -> Callable[[StoredItem], tuple[Any, ...]]:
    """Return a function that makes a tuple of the values of *chosen*."""
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
    getters = [_make_getter(model, column) for column in chosen]

    def row(item: StoredItem) -> tuple[Any, ...]:
        instance, wires = load(item), from_json(item)
        return tuple([get(instance, wires) for get in getters])

    return row


def _make_getter(model: type[Record], column: Column) -> Callable[[Record, WireItem], Any]:
    """Return a function that gets one value from an instance, or from its attribute values."""
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

    def get(instance: Record, wires: WireItem) -> Any:
        wire = wire_values.find_at(wires, column.parts)
        value = None if wire is None else read(wire)
        bind_values(value, alias_of(instance))
        return value

    return get


def _shape_rows(
    kind: str,
    model: type[Record],
    chosen: tuple[Column, ...],
    values: Callable[[StoredItem], tuple[Any, ...]],
) -> Loader:
    """Return a function that makes a row of *kind* from the tuple of values."""
    names = [column.name for column in chosen]
    if kind == "flat":
        return lambda item: values(item)[0]
    if kind == "dict":
        return lambda item: dict(zip(names, values(item), strict=True))
    if kind == "named":
        make = _make_row_class(model, names)._make
        return lambda item: make(values(item))
    return values


@lru_cache(1000)
def _row_class(names: tuple[str, ...]) -> Any:
    def reduce(row: Any) -> tuple[Any, ...]:
        return restore_row, (names, tuple(row))

    base: Any = namedtuple("Row", names)  # type: ignore[misc]  # pyright: ignore[reportUntypedNamedTuple]
    return type("Row", (base,), {"__slots__": (), "__reduce__": reduce})


def restore_row(names: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    """Return the named tuple that was pickled."""
    return _row_class(names)._make(values)


def _make_row_class(model: type[Record], names: list[str]) -> Any:
    try:
        return _row_class(tuple(names))
    except ValueError as error:
        raise QueryError(
            f"{model.__name__}: a named tuple cannot have these names: {error}; "
            "values() gives dicts"
        ) from None
