"""SELECT: finding the ranges of a table or an index, and reading pages of them."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple, cast

from ...codec import from_json, to_json
from ..database.errors import ServiceError, make_invalid
from ..database.snapshots import Snapshot
from ..database.tables import Index, Key, Keyed, Range, Table
from ..database.values import Item, check_item
from ..expressions.conditions import Condition
from ..operations.capacity import Consumed
from ..operations.pages import Page, Reading, find_index, find_start, read_page
from ..operations.writes import find_table
from .bindings import Bound, Columns, bind_where
from .keys import find_bounds, find_hashes, split_key
from .statements import OrderSyntax, Select

_INVALID_TOKEN = "The provided NextToken is invalid"


class Rows(NamedTuple):
    """A page of a SELECT."""

    page: Page
    token: str | None
    """The NextToken of the next page; None if there are no more items."""


def read_rows(
    snapshot: Snapshot,
    select: Select,
    bound: Bound,
    limit: int | None,
    token: str | None,
    consumed: Consumed,
) -> Rows:
    """Read a page of the items of a SELECT.

    :param token: the NextToken of the page before; None for the first page.
    :param consumed: counts the capacity of the read.
    """
    table = find_table(snapshot, select.source.table)
    index = _find_index(table, select)
    if index is not None and not index.is_local and bound.consistent:
        raise make_invalid("Consistent reads are not supported on global secondary indexes")
    condition = bind_where(select.where, bound.values)
    columns = None if select.paths is None else Columns(select.paths)
    reading = Reading(table, index, condition, columns, limit, bound.consistent)
    reading.check_attributes()
    areas = _find_areas(reading.keyed, select.order, condition)
    start = None
    if token is not None:
        start = find_start(reading, _read_token(token, _digest(select, bound)))
        areas = _skip_areas(areas, start[0])
    page = read_page(snapshot, reading, areas, start, consumed)
    if page.last is None:
        return Rows(page, None)
    return Rows(page, _make_token(page.last, _digest(select, bound)))


def find_key(table: Table, select: Select, bound: Bound, api: str) -> Item:
    """Return the key of a SELECT of one item, in a batch or a transaction.

    :param api: the operation, for errors.
    :raises ServiceError: a ValidationException, if WHERE is not the key alone.
    """
    refusal = make_invalid(
        f"Select statements within {api} must specify the primary key in the where clause."
    )
    if _find_index(table, select) is not None:
        raise refusal
    condition = bind_where(select.where, bound.values)
    try:
        key, rest = split_key(table, condition)
    except ServiceError:
        raise refusal from None
    if rest is not None:
        raise refusal
    return key


def _find_index(table: Table, select: Select) -> Index | None:
    index = find_index(table, select.source.index_name)
    if index is not None and (len(index.hash_parts) > 1 or len(index.range_parts) > 1):
        raise make_invalid(
            "PartiQL statements cannot be executed on tables with multi-attribute HASH keys or "
            "multi-attribute RANGE keys."
        )
    return index


def _find_areas(
    keyed: Keyed, order: tuple[OrderSyntax, ...], condition: Condition | None
) -> list[Range]:
    """Return the ranges to read, in order."""
    (part,) = keyed.hash_parts
    hashes = find_hashes(part, condition)
    _check_order(keyed, order, condition, hashes)
    if hashes is None:
        return [Range()]
    directions = {each.name: each.backward for each in order}
    if part.name in directions:
        hashes.sort(reverse=directions[part.name])
    low, high = find_bounds(keyed.range_parts, condition)
    # If there is an ORDER BY without the range key, DynamoDB reads the range keys in descending order.
    names = [each.name for each in keyed.range_parts]
    backward = bool(order) and directions.get(names[0] if names else "", True)
    return [Range(hashed, low, high, backward=backward) for hashed in hashes]


def _check_order(
    keyed: Keyed,
    order: tuple[OrderSyntax, ...],
    condition: Condition | None,
    hashes: list[bytes] | None,
) -> None:
    """Raise a ValidationException if reading ranges of keys cannot give the requested order."""
    if not order:
        return
    if condition is None:
        raise make_invalid("Must have WHERE clause in the statement when using ORDER BY clause.")
    for each in order:
        if each.name not in keyed.names:
            raise make_invalid(
                f"Attribute {each.name} in ORDER BY clause must be part of the primary key"
            )
    if hashes is None:
        raise make_invalid(
            "Must have at least one non-optional hash key condition in WHERE clause when using "
            "ORDER BY clause."
        )
    if len(hashes) > 1 and keyed.names[0] not in {each.name for each in order}:
        raise make_invalid(
            "Must have hash key in ORDER BY clause when more than one hash key condition specified "
            "in WHERE clause."
        )


def _skip_areas(areas: list[Range], start: Key) -> list[Range]:
    """Return the areas that are left, from the one with *start*, the end of the last page."""
    for number, area in enumerate(areas):
        if area.hashed is None or area.hashed == start.hash:
            area.check_start(start)
            return areas[number:]
    raise make_invalid(_INVALID_TOKEN)


def _digest(select: Select, bound: Bound) -> str:
    """Return the digest of a statement and its parameters. A token is valid only with the same digest."""
    content = repr((select, bound.parameters)).encode()
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _make_token(last: Item, digest: str) -> str:
    return urlsafe_b64encode(to_json([digest, last])).decode()


def _read_token(token: str, digest: str) -> Item:
    try:
        known, last = cast("list[object]", from_json(urlsafe_b64decode(token)))
    except (ValueError, TypeError, RecursionError):
        raise make_invalid(_INVALID_TOKEN) from None
    if known != digest:
        raise make_invalid(_INVALID_TOKEN)
    return check_item(last)
