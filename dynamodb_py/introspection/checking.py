"""Checking whether models can read items, field by field, also inside documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from types import ModuleType
from typing import Any, NamedTuple, cast

from msgspec import Struct

from ..batching import ProgressOption, as_callback
from ..connections import get_connection
from ..exceptions import UnreadableValue
from ..flows import Flow, run
from ..models.document import Document
from ..models.model import Model
from ..models.shared_tables.shared_table import SharedTable
from ..operations.items import StoredItem
from ..operations.queries import Query, Scan
from ..operations.tables import DescribeTable

_NUMBERS = count()


class Misfit(NamedTuple):
    """A value that its field cannot read."""

    attribute: str
    path: str
    """The model and the field, with the path inside documents: ``"Order.lines[].price"``."""
    error: str
    row: Model


def make_module(source: str) -> ModuleType:
    """Execute *source*, code that this package wrote, and return it as a module."""
    module = ModuleType(f"dynamodb_py_inspected_{next(_NUMBERS)}")
    exec(compile(source, "models of inspect", "exec"), module.__dict__)
    return module


def find_misfits(root: type[Model], items: Iterable[StoredItem]) -> Iterator[Misfit]:
    """Yield the values of *items* that the model *root*, or a model in the shared table *root*, cannot read."""
    layout = root._layout if issubclass(root, SharedTable) else None
    for item in items:
        meta = None if layout is None else layout.find_model(item)
        row: Model = (root if meta is None else cast("type[Model]", meta.model)).from_db(item)
        for field in row._fieldset:
            path = f"{type(row).__name__}.{field.name}"
            for where, error in _look_into(row, field.name, path):
                yield Misfit(field.attribute, where, error, row)


def _look_into(record: Any, name: str, path: str) -> Iterator[tuple[str, str]]:
    """Yield the path and error of each value in a field that cannot be read."""
    try:
        value = getattr(record, name)
    except UnreadableValue as error:
        yield path, str(error)
    else:
        for each, where in _list_documents(value, path):
            for field in each._fieldset:
                yield from _look_into(each, field.name, f"{where}.{field.name}")


def _list_documents(value: Any, path: str) -> Iterator[tuple[Document, str]]:
    """Yield the documents in a value."""
    if isinstance(value, Document):
        yield value, path
    elif isinstance(value, (list, dict)):
        inner = cast("Any", value)
        for each in inner.values() if isinstance(value, dict) else inner:
            yield from _list_documents(each, f"{path}[]")


class CheckReport(Struct, frozen=True):
    """The values of a whole table that its models cannot read."""

    items: int
    """The number of items that were read."""
    misfits: dict[str, tuple[int, Misfit]]
    """By the path of the field: the number of such values, and the first of them."""


def check_table(
    root: type[Model],
    table: str,
    *,
    using: str | None = None,
    progress: ProgressOption = None,
) -> CheckReport:
    """Read a whole table with models, and return the values that they cannot read.

    :param root: the model of the items, or the shared table of several models.
    :param table: the name of the table in DynamoDB.
    :param using: the alias of a connection; by default, the default connection.
    :param progress: called with the number of items read and the total, DynamoDB's number of items; or True for a
        progress bar.
    :raises TableNotFound: the table does not exist.

    >>> check_table(Score, "scores")
    CheckReport(items=3, misfits={})
    >>> from dynamodb_py import CharField, IntegerField
    >>> class Guess(Model):
    ...     player = CharField(hash_key=True)
    ...     game = CharField(range_key=True)
    ...     points = IntegerField()
    >>> report = check_table(Guess, "scores")
    >>> {path: count for path, (count, first) in report.misfits.items()}
    {'Guess.game': 3}
    """
    callback = as_callback(progress)

    def check() -> Flow[CheckReport]:
        total = (yield from DescribeTable(table)).get("ItemCount", 0)
        request: Query | Scan | None = Scan(table=table)
        items, found = 0, dict[str, tuple[int, Misfit]]()
        while request is not None:
            page = yield from request
            items += len(page.items)
            for misfit in find_misfits(root, page.items):
                before, first = found.get(misfit.path, (0, misfit))
                found[misfit.path] = before + 1, first
            request = page.rest
            if callback is not None:
                callback(items, max(total, items) if total and request is not None else items)
        return CheckReport(items, found)

    return run(check(), get_connection(using))
