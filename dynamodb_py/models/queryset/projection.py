"""The form of a query set's rows: whole instances, instances with some fields, dicts, or tuples."""

from __future__ import annotations

from typing import Any

from ...exceptions import QueryError
from ...expressions import Operand, Path
from ..fields.base import Field
from ..instance import options_of
from ..options.options import Options
from ..records.rows import Column, Name, Shape
from .base import BaseQuerySet, Q, with_options, with_question, with_rows


def names_of(
    queryset: BaseQuerySet[Any, Any], verb: str, fields: tuple[str | Field[Any, Any] | None, ...]
) -> tuple[str, ...]:
    """Return the names of *fields*, the arguments of *verb*; raise QueryError for anything but fields."""
    meta = options_of(queryset.model)
    names: list[str] = []
    for field in fields:
        name = field.name if isinstance(field, Field) else field
        if not isinstance(name, str) or ("__" in name and name not in meta.field_set.by_name):
            raise QueryError(
                f"{meta.name}: {verb}({name!r}): instances have whole fields: name the field, "
                "or use values(), which also reads places inside documents"
            )
        names += [meta.get_field(each).name for each in meta.field_set.expand_references([name])]
    return tuple(dict.fromkeys(names))


def fetch_fields(queryset: Q, verb: str, names: tuple[str, ...]) -> Q:
    """Return *queryset* with instances that have only the fields *names*, the key and the version."""
    shape = queryset._read_options.shape
    if shape is not None and shape.kind != "item":
        raise _make_shapes_error(queryset, verb)
    meta = options_of(queryset.model)
    by_name = meta.field_set.by_name
    wanted = tuple(Path((by_name[name].attribute,)) for name in names)
    if meta.computed is not None:
        wanted = meta.computed.resolve_paths(wanted)
    # Writing an instance needs its version; loading it needs the field that names its class.
    needed = [meta.version, None if meta.kind is None else meta.kind.field]
    along = tuple(
        field.attribute
        for field in needed
        if field is not None and field.name not in names and shape is None
    )
    return with_options(with_question(queryset, wanted=wanted, along=along), fetched=names)


def leave_fields(queryset: Q, fields: tuple[str | Field[Any, Any] | None, ...]) -> Q:
    """Return *queryset* with instances that lack *fields*, and fields that earlier calls left out."""
    left = names_of(queryset, "defer", fields)
    names = queryset._read_options.fetched or tuple(options_of(queryset.model).field_set.by_name)
    return fetch_fields(queryset, "defer", tuple(name for name in names if name not in left))


def fetch_all_fields(queryset: Q) -> Q:
    """Return *queryset* with instances that have all fields."""
    shape = queryset._read_options.shape
    if shape is not None and shape.kind != "item":
        raise _make_shapes_error(queryset, "defer")
    return with_options(with_question(queryset, wanted=None, along=()), fetched=None)


def shape_rows(queryset: Q, kind: Any, names: tuple[Name, ...]) -> Q:
    """Return *queryset* with rows of this kind, such as "dict", that have the columns *names*."""
    return with_rows(queryset, kind, names, lambda: _reshape_rows(queryset, kind, names))


def _reshape_rows(queryset: Q, kind: Any, names: tuple[Name, ...]) -> Q:
    if queryset._read_options.fetched is not None and kind != "item":
        raise _make_shapes_error(queryset, "only() or defer")
    if queryset._read_options.related:
        raise make_relations_error(queryset)
    meta = options_of(queryset.model)
    shape = Shape(kind, make_columns(meta, names))
    wanted = queryset._question.wanted if kind == "item" else shape.list_paths()
    if meta.computed is not None and wanted is not None:
        wanted = meta.computed.resolve_paths(wanted)
    return with_options(with_question(queryset, wanted=wanted, along=()), shape=shape)


def make_relations_error(queryset: BaseQuerySet[Any, Any]) -> QueryError:
    """Return the error for relations of rows other than instances."""
    return QueryError(
        f"{queryset.model.__name__}: prefetch_related() is for instances, and values() returns none: use "
        "one of them"
    )


def _make_shapes_error(queryset: BaseQuerySet[Any, Any], verb: str) -> QueryError:
    return QueryError(
        f"{queryset.model.__name__}: {verb}() beside values(): values() names all fields to read: use one "
        "of them"
    )


def make_columns(meta: Options, names: tuple[Name, ...]) -> tuple[Column, ...]:
    """Return the columns for *names*: fields, ``doc__a__0``, or ``Model.doc["a"][0]``.

    :raises TypeError: the model does not have a field.
    :raises QueryError: a name occurs twice, or is not of a field.
    """
    found = [_column(meta, name) for name in names]
    for column in found:
        if sum(other.name == column.name for other in found) > 1:
            raise QueryError(f"{meta.name}: {column.name} is named twice: name it once")
    return tuple(found)


def _column(meta: Options, name: Name) -> Column:
    if isinstance(name, Operand):
        path = meta.resolve(name._path()) if name._path().by_name else name._path()
        field = meta.field_set.by_attribute.get(str(path.parts[0]))
        first = path.parts[0] if field is None else field.name
        return Column("__".join(map(str, (first, *path.parts[1:]))), path.parts)
    given: object = name
    if not isinstance(given, str):
        raise QueryError(
            f"{meta.name}: {given!r} is not the name of a field: give names one by one, 'a', 'b'"
        )
    first, *inside = name.split("__")
    path = meta.get_field(first)._path()
    for part in inside:  # as in lookups: a declared field, the index of a list, or a key
        index = part.isascii() and part.isdigit() and path.coder.sub(int(part)) is not None
        path = path.find_member(part) or path[int(part) if index else part]
    return Column(name, path.parts)
