"""PartiQL: ``Model.objects.execute("SELECT * FROM {table} WHERE ...", ...)``, and ``raw()``, which is lazy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Generic, TypeVar, cast

from msgspec.structs import replace

from ...exceptions import InvalidCursor, QueryError, ServiceError
from ...flows import Flow, awaiting, blocking, name_verbs
from ...operations.statements import ExecuteStatement
from ...reading import Position, adrive_pages, decode, drive_pages, encode
from ...reading.cursors import hash_statement
from ..bulk.bound_model import BoundModel
from ..queryset.pages import Page, Pages
from ..statements import (
    Statement,
    encode_parameters,
    explain_failure,
    find_selected,
    make_operation,
    make_row_loader,
)
from ..unit_of_work.collector import check_outside

R = TypeVar("R")


def execute_statement(
    bound: BoundModel[Any],
    statement: str,
    /,
    *parameters: Any,
    consistent: bool | None = None,
    limit: int | None = None,
    page_size: int | None = None,
) -> Flow[list[Any]]:
    """Execute a PartiQL statement, and return all of its rows.

    ``SELECT * FROM {table}`` gives instances. A SELECT of some attributes, or from an index
    (``{table}."by_wins"``), and ``RETURNING`` give dicts of the stored values by attribute name;
    :meth:`raw` gives instances for such a SELECT too. A statement without rows gives []. A statement that
    writes skips hooks and validation, and does not change version fields. A SELECT whose WHERE names no
    key reads the whole table, at the price of all its items.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html

    >>> rows = Score.objects.execute("SELECT game FROM {table} WHERE player = ?", "ann")
    >>> [each["game"] for each in rows]
    [1, 2]

    :param statement: one statement; ``{table}`` is replaced by the quoted name of the table.
    :param parameters: a value for each question mark: any value that a free-form document can have.
    :param consistent: for a SELECT: True makes strongly consistent reads, at twice the price. The default
        is that of ``options()``; that of the connection does not count, as an index may not allow it.
    :param limit: the largest number of rows to return.
    :param page_size: the number of items that each request reads; by default *limit*, but at least 100,
        and without *limit* as many as 1 MB holds.
    :raises ValidationError: a parameter cannot be stored; nothing was sent.
    :raises QueryError: there are more or fewer question marks than parameters, or the statement writes
        inside of ``transaction.atomic()``; nothing was sent.
    :raises AlreadyExists: the key of an INSERT is taken.
    :raises ConditionFailed: the WHERE of an UPDATE or a DELETE does not hold.
    """
    query = make_raw_query(
        bound, statement, parameters, consistent=consistent, limit=limit, page_size=page_size
    )
    operation = make_operation(query)
    if not operation.reads:
        check_outside("execute()")
    selected = find_selected(operation)
    whole = selected is not None and selected.attributes is None and selected.index is None
    if not whole:
        query = query.as_dicts()
    return _read_all(_RowReader(query, operation, shows_all=True))


def _read_all(reader: _RowReader[R]) -> Flow[list[R]]:
    rows: list[R] = []
    while (more := (yield from reader.more())) is not None:
        rows += more
    return rows


def make_raw_query(
    bound: BoundModel[Any],
    statement: str,
    parameters: tuple[Any, ...],
    *,
    consistent: bool | None,
    limit: int | None,
    page_size: int | None,
) -> RawQuery[Any]:
    """Return the statement as ``raw()`` does, with instances as rows."""
    wires = encode_parameters(statement, parameters)
    return RawQuery(bound.model, statement, wires, consistent, limit, page_size, bound._alias)


class _RowReader(Generic[R]):
    """Reads the rows of a statement, one request at a time."""

    def __init__(
        self, query: RawQuery[R], operation: ExecuteStatement, *, shows_all: bool = False
    ) -> None:
        self._query, self._left = query, query.limit
        self._load = make_row_loader(query, operation, shows_all=shows_all)
        self.rest: ExecuteStatement | None = None if query.limit == 0 else operation
        """The next request; None at the end."""

    def more(self, most: int | None = None) -> Flow[list[R] | None]:
        """Return the rows of the next request, which reads *most* items at most; None at the end."""
        operation = self.rest
        if operation is None:
            return None
        if most is not None and (operation.limit is None or most < operation.limit):
            operation = replace(operation, limit=most)
        try:
            page = yield from operation
        except ServiceError as error:
            raise explain_failure(self._query, error) from error.__cause__
        rows: list[R] = [row for row in map(self._load, page.items) if row is not None]
        self.rest = page.rest
        if self._left is not None:
            rows = rows[: self._left]
            self._left -= len(rows)
            if not self._left:
                self.rest = None
        return rows


def get_raw_page(query: RawQuery[R], size: int = 20, cursor: str | None = None) -> Flow[Page[R]]:
    """Return a page of *size* rows; the last page may have fewer, or none.

    PartiQL continues a statement only behind the last item that a request has read. So a request reads no
    more items than the page lacks rows. If the WHERE has conditions on attributes other than keys, a page
    may take many requests; pages of a query set take fewer.

    >>> rows = Score.objects.raw("SELECT * FROM {table} WHERE player = ?", "ann")
    >>> page = rows.page(size=1)
    >>> [each.game for each in page.items], page.has_next
    ([1], True)

    :param size: the number of rows, 1 or more.
    :param cursor: ``next_cursor`` of a page of the same statement with the same parameters. There are no
        cursors to previous pages.
    :raises InvalidCursor: the cursor was altered or cut short, or is of another statement.
    :raises QueryError: the statement is not a SELECT, or has ``limit=``; nothing was sent.
    """
    if type(size) is not int or size < 1:
        raise QueryError(f"page(size={size!r}): a page has at least one row")
    if query.limit is not None:
        raise QueryError(
            f"page(size={size!r}): size is the limit of rows: leave out limit={query.limit}"
        )
    reader = _open_reader(query, cursor)
    rows: list[R] = []
    requests = 0
    while len(rows) < size and (more := (yield from reader.more(size - len(rows)))) is not None:
        rows += more
        requests += 1
    return Page(rows, _make_cursor(query, reader.rest), requests=requests)


def read_raw_pages(query: RawQuery[R]) -> Pages[R]:
    """Return the pages of DynamoDB."""
    reader = _open_reader(query)

    def more() -> Flow[Page[R] | None]:
        rows = yield from reader.more()
        return None if rows is None else Page(rows, _make_cursor(query, reader.rest), requests=1)

    return Pages(more, query._link)


def _open_reader(query: RawQuery[R], cursor: str | None = None) -> _RowReader[R]:
    """Return a reader of the rows after *cursor*; raise QueryError if the statement is not a SELECT."""
    operation = make_operation(query)
    if not operation.reads:
        raise QueryError(
            f"{query!r:.200} is not a SELECT, and has no rows: execute it by objects.execute(), "
            "execute_all() or transaction.execute()"
        )
    if cursor is not None:
        position = decode(cursor, _hash(operation), query._link.cursor_key)
        if [list(wire) for wire in position.value] != [["S"]]:
            raise InvalidCursor("this cursor is not of a PartiQL statement: begin again without it")
        operation = replace(operation, next_token=position.value[0]["S"])
    return _RowReader(query, operation)


def _make_cursor(query: RawQuery[Any], rest: ExecuteStatement | None) -> str | None:
    if rest is None or rest.next_token is None:
        return None
    position = Position(value=({"S": rest.next_token},))
    return encode(position, _hash(rest), query._link.cursor_key)


def _hash(operation: ExecuteStatement) -> bytes:
    return hash_statement(operation.statement, operation.parameters)


@name_verbs
class RawQuery(Statement[R], frozen=True, eq=False):
    """A PartiQL statement that is sent when it is iterated: the result of ``Model.objects.raw()``.

    Iterating a SELECT, by ``for`` or ``async for``, sends it and gives its rows as they arrive, with one
    page in memory. Each loop sends it again. ``execute_all()`` and ``transaction.execute()`` take several
    statements.

    >>> rows = Score.objects.raw("SELECT * FROM {table} WHERE player = ?", "ann")
    >>> [(score.game, score.points) for score in rows]
    [(1, 50), (2, 80)]
    """

    def __iter__(self) -> Iterator[R]:
        for rows in drive_pages(_open_reader(self).more, self._link, ahead=False):
            yield from rows

    async def __aiter__(self) -> AsyncIterator[R]:
        coming = adrive_pages(_open_reader(self).more, self._link, ahead=False)
        try:
            async for rows in coming:
                for row in rows:
                    yield row
        finally:  # leaving the loop cancels its request
            await coming.aclose()

    def as_dicts(self) -> RawQuery[dict[str, Any]]:
        """Return the same statement with dicts as rows: the stored values by attribute name.

        >>> list(Score.objects.raw("SELECT points FROM {table} WHERE player = ?", "ann").as_dicts())
        [{'points': 50}, {'points': 80}]
        """
        return cast("RawQuery[dict[str, Any]]", replace(self, rows="dicts"))

    def pages(self) -> Pages[R]:
        """Return the pages that DynamoDB returns, with empty ones, to iterate once by ``for`` or ``async for``.

        >>> rows = Score.objects.raw("SELECT * FROM {table} WHERE player = ?", "ann")
        >>> [len(page.items) for page in rows.pages()]
        [2]
        """
        return read_raw_pages(self)

    page = blocking(get_raw_page)
    apage = awaiting(get_raw_page)
