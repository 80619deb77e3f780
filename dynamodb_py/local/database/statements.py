"""Statements of SQLite: the tables of a database, and reading items in order."""

from __future__ import annotations

from typing import Any

from .keys import hash_key
from .tables import Index, Key, Table

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
    table: Table,
    index: Index | None,
    hashed: bytes | None,
    low: bytes,
    high: bytes | None,
    *,
    places: tuple[int, int] | None,
    after: tuple[Key, Key] | None,
    backward: bool,
) -> tuple[str, list[Any]]:
    """Return the statement of Snapshot.find_range, and its values.

    Its columns are the key in the source, with an index also that in the table, the size, the item.
    """
    own = "place, hash, range" if index is None else "i.place, i.hash, i.range"
    source = f"t{table.number}"
    order = columns = own
    if index is not None:
        source = (
            f"i{index.number} AS i JOIN t{table.number} AS t ON t.place = i.item_place "
            "AND t.hash = i.item_hash AND t.range = i.item_range"
        )
        order = f"{own}, i.item_hash, i.item_range"
        columns = f"{own}, i.item_place, i.item_hash, i.item_range"
    prefix = "" if index is None else "i."
    # SQLite seeks to a position only where no term with a bound on the same side comes first.
    start = None if after and not backward else low
    end = None if after and backward else high
    terms, values = _limit(prefix, hashed, start, end, places)
    if after is not None:
        sign = "<" if backward else ">"
        position: tuple[Any, ...] = after[0]
        if index is not None:
            position += after[1][1:]
        ordered = order.split(", ")
        if hashed is not None:
            position, ordered = position[2:], ordered[2:]
        terms.append(f"({', '.join(ordered)}) {sign} ({', '.join('?' * len(position))})")
        values.extend(position)
    if backward:
        order = order.replace(",", " DESC,") + " DESC"
    size, item = ("size", "item") if index is None else ("t.size", "t.item")
    where = f" WHERE {' AND '.join(terms)}" if terms else ""
    return f"SELECT {columns}, {size}, {item} FROM {source}{where} ORDER BY {order}", values


def _limit(
    prefix: str,
    hashed: bytes | None,
    low: bytes | None,
    high: bytes | None,
    places: tuple[int, int] | None,
) -> tuple[list[str], list[Any]]:
    """Return the terms of a WHERE clause, and their values; *low* is None where something implies it."""
    terms: list[str] = []
    values: list[Any] = []
    if hashed is not None:
        terms += [f"{prefix}place = ?", f"{prefix}hash = ?"]
        values += [hash_key(hashed), hashed]
        if low:
            terms.append(f"{prefix}range >= ?")
            values.append(low)
        if high is not None:
            terms.append(f"{prefix}range < ?")
            values.append(high)
    if places is not None:
        if low is not None:
            terms.append(f"{prefix}place >= ?")
            values.append(places[0])
        terms.append(f"{prefix}place <= ?")
        values.append(places[1])
    return terms, values
