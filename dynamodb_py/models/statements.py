"""PartiQL statements of one model: their requests, their rows and their errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Generic, Literal, TypeVar, cast

from msgspec import Struct

from ..codec import decode_item, encode, to_json
from ..connections import Connection, connection_for, current_options
from ..exceptions import (
    ConditionFailed,
    ConfigurationError,
    QueryError,
    ServiceError,
    narrow_error,
)
from ..expressions import is_many
from ..operations.base import Wire
from ..operations.items import StoredItem
from ..operations.statements import ExecuteStatement, check_alike
from ..planning.access_paths import AccessPath
from .instance import options_of
from .options.options import Options
from .records.rows import make_loader
from .unit_of_work.collector import check_outside
from .visibility import filter_item

R = TypeVar("R")

FEWEST = 100
"""The least number of items that a request reads if only ``limit`` is given.

A WHERE without a key would otherwise turn ``limit=1`` into a request for each item that it drops.
"""


class Statement(Struct, Generic[R], frozen=True, eq=False):
    """A PartiQL statement that is not sent yet: the base of ``RawQuery``, which also reads the rows."""

    model: type[Any]
    text: str
    """The statement with ``{table}``: the name of the table depends on the connection."""
    parameters: list[Wire]
    consistent: bool | None
    limit: int | None
    page_size: int | None
    alias: str | None
    rows: Literal["instances", "dicts"] = "instances"

    @property
    def _link(self) -> Connection:
        return connection_for(self.alias, options_of(self.model).using)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.model.__name__}: {self.text}>"


def encode_parameters(statement: object, parameters: Iterable[Any]) -> list[Wire]:
    """Return *parameters*, the values for the question marks of *statement*, encoded.

    :raises QueryError: *statement* is not a string, or has another number of question marks.
    """
    if not isinstance(statement, str):
        raise QueryError(f"{statement!r} is not a PartiQL statement: pass a string")
    wires = [encode(value, f"parameter {at}") for at, value in enumerate(parameters, start=1)]
    marks = _QUOTED.sub("", statement).count("?")
    if marks != len(wires):
        raise QueryError(
            f"{statement!r:.200} has {marks} question marks, and {len(wires)} parameters were given: pass "
            "one value for each question mark, as arguments of their own"
        )
    return wires


_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|--[^\n]*|/\*.*?\*/""", re.DOTALL)
"""Strings, quoted names and comments: a question mark in them is not a parameter."""


def make_operation(statement: Statement[Any]) -> ExecuteStatement:
    """Return the request of *statement*.

    :raises QueryError: the statement is not a SELECT, and has an option that only a SELECT has.
    """
    table = statement._link.table_name(options_of(statement.model).table_name)
    text, limit, page_size = statement.text, statement.limit, statement.page_size
    operation = ExecuteStatement(
        text.replace("{table}", _quote(table)), statement.parameters, table=table
    )
    _check_sizes(operation, limit, page_size)
    if not operation.reads:
        return operation
    consistent = statement.consistent
    return ExecuteStatement(
        operation.statement,
        operation.parameters,
        bool(current_options().consistent) if consistent is None else consistent,
        page_size if limit is None or page_size is not None else max(limit, FEWEST),
        table=table,
    )


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _check_sizes(operation: ExecuteStatement, limit: int | None, page_size: int | None) -> None:
    for name, value, least in (("limit", limit, 0), ("page_size", page_size, 1)):
        if value is None:
            continue
        if not operation.reads:
            raise QueryError(
                f"{name}={value} is for a SELECT: leave it out of a statement that writes"
            )
        if value < least:
            raise QueryError(f"{name}={value}: give a number from {least}")


class Selected(Struct, frozen=True):
    """The attributes that a SELECT reads, and the index that it reads them from."""

    attributes: frozenset[str] | None
    """The names of the attributes; None for ``*``."""
    index: str | None
    """The name of the index; None for the table."""


_NAME = r"[A-Za-z_]\w*"
_QUOTED_NAME = r'"(?:[^"]|"")+"'
_COLUMN = rf"(?:{_NAME}|{_QUOTED_NAME})"


def find_selected(operation: ExecuteStatement) -> Selected | None:
    """Return the attributes and the index that *operation* reads.

    Returns None if it is not a SELECT of ``*``, or of top-level attributes, from its table.
    """
    table = operation.table
    pattern = (
        rf"\s*(?i:SELECT)\s*(\*|{_COLUMN}(?:\s*,\s*{_COLUMN})*)\s*(?i:FROM)\s*"
        rf"(?:{re.escape(_quote(table))}|{re.escape(table)})"
        rf"(?:\s*\.\s*({_QUOTED_NAME}|[\w-]+))?(?![\w.-]|\s*\.)"
    )
    found = re.match(pattern, operation.statement)
    if found is None:
        return None
    columns, index = cast("str", found[1]), cast("str | None", found[2])
    names = None if columns == "*" else frozenset(map(_unquote, re.findall(_COLUMN, columns)))
    return Selected(names, None if index is None else _unquote(index))


def _unquote(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def make_row_loader(
    statement: Statement[Any], operation: ExecuteStatement, *, shows_all: bool = False
) -> Callable[[StoredItem], Any]:
    """Return a function that converts an item to a row, or to None if the model hides the item.

    :param shows_all: True converts hidden items too.
    :raises QueryError: *operation* does not read all attributes that an instance needs.
    """
    if statement.rows == "dicts" or not operation.reads:
        return decode_item
    meta = options_of(statement.model)
    load = make_loader(statement.model, None, _find_held(meta, operation), statement.alias)
    if meta.item_filter is None or shows_all:
        return load

    def load_visible(item: StoredItem) -> Any:
        return None if filter_item(meta, item) is None else load(item)

    return load_visible


def _find_held(meta: Options, operation: ExecuteStatement) -> frozenset[str] | None:
    """Return the attributes that *operation* reads; None for all.

    :raises QueryError: attributes that an instance needs are not among them.
    """
    selected = find_selected(operation)
    if selected is None:
        raise QueryError(
            f"{meta.name}: {operation.statement!r:.200} gives no instances, as it is not a SELECT of * or "
            f"of top-level attributes from {operation.table}: as_dicts() gives its rows as dicts"
        )
    held = _find_in_index(meta, selected.index)
    if selected.attributes is not None:
        held = selected.attributes if held is None else held & selected.attributes
    if held is not None and (missing := [name for name in _find_needed(meta) if name not in held]):
        raise QueryError(
            f"{meta.name}: {operation.statement!r:.200} does not read {', '.join(missing)}, which each "
            "instance needs: select it too, or use as_dicts()"
        )
    return held


def _find_in_index(meta: Options, name: str | None) -> frozenset[str] | None:
    """Return the attributes that an index holds; None for all, and for the table."""
    if name is None:
        return None
    paths = AccessPath.all_of(meta.schema)
    found = next((each for each in paths if each.name == name), None)
    if found is None:
        raise QueryError(
            f"{meta.name} has no index {name!r}, and its attributes are not known: declare the index, or "
            "use as_dicts()"
        )
    return found.held


def _find_needed(meta: Options) -> Iterable[str]:
    """Return the attributes that each instance needs: of its key, its class and the filter that hides it."""
    names = [key.name for key in meta.schema.key]
    if meta.kind is not None:
        names.append(meta.kind.hierarchy.attribute)
    if meta.item_filter is not None:
        names += [str(path.parts[0]) for path in meta.item_filter.paths]
    virtual = () if meta.computed is None else meta.computed.virtual
    return [name for name in dict.fromkeys(names) if name not in virtual]


def explain_failure(statement: Statement[Any], error: ServiceError) -> ServiceError:
    """Return *error* as an error of the model of *statement*."""
    if error.code == "UnknownOperationException":
        text = f"{error.code}: {error.message}: this server has no PartiQL: use filter(), get(), create(), "
        error.args = (f"{text}update() or delete() instead",)
    if error.code.startswith("DuplicateItem"):
        error = narrow_error(error, statement.model.AlreadyExists)
    if isinstance(error, ConditionFailed) and error.current is not None:
        load = make_loader(statement.model, None, None, statement.alias)
        error.current = load(to_json(error.current))
    return error


class Prepared(Struct, frozen=True):
    """Several statements of one connection, with their requests and the functions that load their rows."""

    statements: list[Statement[Any]]
    operations: list[ExecuteStatement]
    loaders: list[Callable[[StoredItem], Any]]
    link: Connection

    def load(self, at: int, item: StoredItem | None) -> Any:
        """Return *item*, the response to the statement at index *at*, as a row."""
        return None if item is None else self.loaders[at](item)


def prepare_together(given: Iterable[Statement[Any]], verb: str, what: str) -> Prepared | None:
    """Check that several statements can be sent together, and prepare them; return None for none.

    :param verb: the name of the function that sends them, for messages.
    :param what: the kind of request that they share: "a batch" or "a transaction".
    :raises QueryError: *given* is not a list of statements, or a statement cannot be part of *what*.
    :raises ConfigurationError: the statements are on several connections.
    """
    single = isinstance(given, Statement)  # which can be iterated too
    statements: list[Any] = [given] if single or not is_many(given) else list(given)
    for each in statements:
        if single or not isinstance(each, Statement):
            raise QueryError(
                f"{verb} takes a list of statements, [Model.objects.raw(...), ...], not {each!r:.80}"
            )
        if each.limit is not None or each.page_size is not None:
            raise QueryError(
                f"{verb}: {each!r:.200} has a limit= or page_size=, and each statement of {what} reads or "
                "writes one item: leave them out"
            )
    if not statements:
        return None
    links = {id(link): link for link in (each._link for each in statements)}
    if len(links) > 1:
        names = ", ".join(repr(link.alias) for link in links.values())
        raise ConfigurationError(
            f"{verb}: the statements are on several connections, {names}: make one call for each"
        )
    operations = [make_operation(each) for each in statements]
    check_alike(operations, what)
    if not operations[0].reads:
        check_outside(verb)
    loaders = list(map(make_row_loader, statements, operations))
    return Prepared(statements, operations, loaders, next(iter(links.values())))
