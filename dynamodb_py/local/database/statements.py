"""SQL statements: the SQLite tables of a database, and the query that reads items in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .keys import hash_key
from .tables import Index, Key, Range, Table

SCHEMA = """
CREATE TABLE tables (name TEXT PRIMARY KEY, number INTEGER UNIQUE NOT NULL, description BLOB NOT NULL);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE tokens (token TEXT PRIMARY KEY, at REAL NOT NULL, request BLOB NOT NULL, answer BLOB NOT NULL);
CREATE INDEX tokens_by_age ON tokens (at);
CREATE TABLE streams (
    number INTEGER PRIMARY KEY, arn TEXT UNIQUE NOT NULL, closed REAL, last INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE TABLE records (
    stream INTEGER NOT NULL, number INTEGER NOT NULL, at REAL NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (stream, number)
) WITHOUT ROWID;
CREATE TABLE expiries (
    source INTEGER NOT NULL, at INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL, range BLOB NOT NULL,
    PRIMARY KEY (source, at, place, hash, range)
) WITHOUT ROWID;
"""
ITEMS = """
CREATE TABLE {name} (
    place INTEGER NOT NULL, hash BLOB NOT NULL, range BLOB NOT NULL, size INTEGER NOT NULL, item BLOB NOT NULL,
    PRIMARY KEY (place, hash, range)
) WITHOUT ROWID
"""
ENTRIES = """
CREATE TABLE {name} (
    place INTEGER NOT NULL, hash BLOB NOT NULL, range BLOB NOT NULL,
    item_place INTEGER NOT NULL, item_hash BLOB NOT NULL, item_range BLOB NOT NULL,
    PRIMARY KEY (place, hash, range, item_hash, item_range)
) WITHOUT ROWID
"""


def make_range_query(
    table: Table, index: Index | None, area: Range, after: tuple[Key, Key] | None
) -> tuple[str, list[Any]]:
    """Return the statement of Snapshot.find_range, and the values of its placeholders.

    Its columns are the key of the item in the table, the size and the item.
    """
    source, columns = f"t{table.number} AS t", ["t.place", "t.hash", "t.range"]
    if index is not None:
        source = (
            f"i{index.number} AS i JOIN {source} ON t.place = i.item_place "
            "AND t.hash = i.item_hash AND t.range = i.item_range"
        )
        columns = ["i.place", "i.hash", "i.range", "i.item_hash", "i.item_range"]
    limits = _limit(columns, area, is_first=after is None)
    terms, values = [f"{limit} ?" for limit in limits], list(limits.values())
    if after is not None:
        position = after[0] if index is None else (*after[0], *after[1][1:])
        first = 0 if area.hashed is None else 2
        marks = ", ".join("?" * len(position[first:]))
        sign = "<" if area.backward else ">"
        terms.append(f"({', '.join(columns[first:])}) {sign} ({marks})")
        values.extend(position[first:])
    where = f"WHERE {' AND '.join(terms)} " if terms else ""
    order = ", ".join(f"{column} DESC" if area.backward else column for column in columns)
    return (
        f"SELECT t.place, t.hash, t.range, t.size, t.item FROM {source} {where}ORDER BY {order}",
        values,
    )


def _limit(columns: Sequence[str], area: Range, *, is_first: bool) -> dict[str, Any]:
    """Return the bounds of an area: a column with an operator, and the value of the bound.

    *is_first* is False if the page begins after a position, as that is a bound itself.
    """
    place, hash_, range_, *_ = columns
    limits: dict[str, Any] = {}
    # SQLite seeks to a position only if no other term bounds the same side.
    has_low = is_first or area.backward
    has_high = is_first or not area.backward
    if area.hashed is not None:
        limits = {f"{place} =": hash_key(area.hashed), f"{hash_} =": area.hashed}
        if area.low and has_low:
            limits[f"{range_} >="] = area.low
        if area.high is not None and has_high:
            limits[f"{range_} <"] = area.high
    elif area.places is not None:
        first, last = area.places
        if has_low:
            limits[f"{place} >="] = first
        limits[f"{place} <="] = last
    return limits
