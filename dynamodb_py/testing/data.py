"""Files of items as JSON lines: loading them into tables, and dumping tables to them."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any, cast

from msgspec import Raw

from ..codec import from_json, to_json
from ..exceptions import DynamoDBError, TableNotFound, ValidationError
from ..flows import Flow
from ..local.database.storage import Store
from ..models.persistence.save import save_instance
from ..models.registry import list_models
from ..operations.items import PutItem
from ..schema import HasOptions
from ..tables.table import Table

_FORMS = (
    'a line is {"Item": {...}} in DynamoDB\'s JSON, or {"model": "Order", "fields": {...}} with the values '
    "of fields"
)
_MEMBERS = {"Item", "fields", "model", "table"}


def load_items(
    path: str,
    models: Sequence[type[HasOptions]],
    using: str | None,
    define: Callable[[str | None], None],
) -> Flow[int]:
    """Write the items in the file at *path*; return their number.

    :param models: the models to search first for the name in a line. If it is one model, it is also the model of
        lines without a name.
    :param define: a function that defines the connection of an alias, if it is not defined yet.
    """
    count = 0
    with _open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                members = _read_line(line)
                table = Table(_find_model(members.get("model"), models), using)
                define(table.using)
                yield from _write(members, table)
            except (DynamoDBError, TypeError) as error:
                raise ValidationError(f"{path}, line {number}: {error}") from error
            count += 1
    return count


def dump_items(store: Store, path: str, tables: Sequence[Table]) -> int:
    """Write the items of *tables*, and of the tables of their unique values, to the file at *path*.

    Return the number of items.
    """
    count = 0
    sources = {name: source for table in tables for name, source in _list_sources(table)}
    with _open(path, "wb") as file, store.read() as snapshot:
        for name, source in sources.items():
            table = snapshot.find_table(name)
            if table is None:
                raise TableNotFound(f"there is no table {name!r} to dump: create it first")
            for row in snapshot.find_range(table):
                file.write(to_json({**source, "Item": Raw(row.body)}) + b"\n")
                count += 1
    return count


def _open(path: str, mode: str) -> IO[bytes]:
    opened = gzip.open(path, mode) if path.endswith(".gz") else open(path, mode)  # noqa: SIM115
    return cast("IO[bytes]", opened)


def _list_sources(table: Table) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the name of each table of a model, and the members of a line that identify the table."""
    model = table.model
    is_known_by_name = list_models(model.__name__) == [model]
    name = model.__name__ if is_known_by_name else f"{model.__module__}.{model.__qualname__}"
    yield table.name, {"model": name}
    for full_name, schema in table._companions().items():
        yield full_name, {"model": name, "table": schema.name}


def _read_line(line: bytes) -> dict[str, Any]:
    try:
        members = from_json(line)
    except (ValueError, RecursionError) as error:
        raise ValidationError(f"this is not JSON: {error}") from None
    if not isinstance(members, dict):
        raise ValidationError(_FORMS)
    found = cast("dict[str, Any]", members)
    if len({"Item", "fields"} & found.keys()) != 1:
        raise ValidationError(_FORMS)
    if unknown := found.keys() - _MEMBERS:
        raise ValidationError(f"unknown members {', '.join(sorted(unknown))}; {_FORMS}")
    return found


def _find_model(name: object, models: Sequence[type[HasOptions]]) -> type[HasOptions]:
    if name is None:
        if len(models) == 1:
            return models[0]
        raise ValidationError("the line names no model: add one, or pass one model to load()")
    if not isinstance(name, str):
        raise ValidationError(f'"model" is {name!r}: give the name of a model')
    found = [each for each in models if each.__name__ == name] or list_models(name)
    if len(found) == 1:
        return found[0]
    if not found:
        raise ValidationError(f"no model is called {name!r}: import its module first")
    names = ", ".join(sorted(f"{each.__module__}.{each.__qualname__}" for each in found))
    raise ValidationError(f"several models are called {name!r}: write one of {names}")


def _write(members: Mapping[str, Any], table: Table) -> Flow[None]:
    if "Item" in members:
        name = table.name
        if (other := members.get("table")) is not None:
            name = table._link.table_name(other)
        yield from PutItem(name, to_json(members["Item"]))
        return
    if not isinstance(members["fields"], dict):
        raise ValidationError(_FORMS)
    instance = table.model.from_dict(members["fields"], mode="json", strict=True)
    yield from save_instance(instance, overwrite=True, using=table.using)
