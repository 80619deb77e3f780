"""Transactions: TransactWriteItems and TransactGetItems."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar, get_args

import msgspec

from ...codec import from_json, to_json
from ...limits import MAX_TOKEN, MAX_TRANSACTION, MAX_TRANSACTION_BYTES
from ..database.engine import Answer, Engine, Request
from ..database.errors import EmptyKeyError, ServiceError, make_canceled, make_invalid
from ..database.expiry import TOKEN_LIFE
from ..database.snapshots import Snapshot, Transaction
from ..database.tables import Table
from ..database.values import Item
from ..expressions.projections import Selection
from .capacity import Consumed, count_read_units, describe_collections, read_detail, read_metrics
from .items import read_key, read_projection, read_write
from .pages import show_row
from .requests import (
    Members,
    read,
    read_parts,
    read_table_name,
    require,
    require_lengths,
    to_member,
)
from .writes import Kind, Outcome, Write, find_table, find_target, write_item

_KINDS: tuple[Kind, ...] = get_args(Kind)
_CODES = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "DuplicateItemException": "DuplicateItem",
    "ValidationException": "ValidationError",
}


P = ParamSpec("P")
Found = TypeVar("Found")


class Done(NamedTuple):
    """A write of a transaction, and its outcome."""

    table: Table
    write: Write
    outcome: Outcome


def transact_write_items(engine: Engine, request: Request) -> Answer:
    """Write up to 100 items, all or nothing."""
    parts = _read_parts(request)
    _read_options(request)  # errors of these are raised before errors of the parts
    writes = [_read_write(*each) for each in parts]
    return run_writes(engine, request, request["TransactItems"], lambda _: writes)


def run_writes(
    engine: Engine,
    request: Request,
    parts: object,
    resolve: Callable[[Transaction], Sequence[Write]],
) -> dict[str, Any]:
    """Carry out the writes that *resolve* returns, all or nothing, and only once for each token.

    :param parts: the parts of the request. A request with the same token must have the same parts.
    """
    token, consumed, wants_metrics = _read_options(request)
    now = engine.clock()
    with engine.store.write() as transaction:
        known = None if token is None else _find_answer(transaction, token, parts, now)
        if known is not None:
            return _repeat(transaction, known, Consumed(consumed.detail, 2, "Read"))
        done = write_all(transaction, resolve(transaction), now)
        if token is not None:
            _keep_answer(transaction, token, parts, done, now)
        answer: dict[str, Any] = {}
        if wants_metrics:
            written = [
                (table, write.item) for table, write, _ in done if write.kind != "ConditionCheck"
            ]
            if metrics := describe_collections(transaction, written):
                answer["ItemCollectionMetrics"] = metrics
    for table, write, outcome in done:
        if write.kind == "ConditionCheck":
            consumed.add_check(table, outcome.old_size)
        else:
            consumed.add_write(table, outcome)
    return consumed.into(answer, several=True)


def write_all(transaction: Transaction, writes: Sequence[Write], at: float) -> list[Done]:
    """Carry out all writes; raise a TransactionCanceledException if one fails.

    No two writes are to the same item, so no write depends on the result of another.
    """
    tables = [find_table(transaction, write.table) for write in writes]
    check_distinct(tables, [write.item for write in writes])
    reasons = _Reasons(len(writes))
    keys = [
        reasons.note(number, find_target, table, write)
        for number, (table, write) in enumerate(zip(tables, writes, strict=True))
    ]
    done: list[Done] = []
    for number, (table, key, write) in enumerate(zip(tables, keys, writes, strict=True)):
        if key is not None:
            outcome = reasons.note(number, write_item, transaction, table, write, at, key=key)
            if outcome is not None:
                done.append(Done(table, write, outcome))
    reasons.check()
    _check_total(sum(max(outcome.old_size, outcome.new_size) for _, _, outcome in done))
    return done


def check_distinct(tables: Sequence[Table], items: Sequence[Item]) -> None:
    """Raise a ValidationException if two parts of a transaction have the same item.

    :param items: the items or their keys. An item without a key is skipped: its part fails later, with a reason.
    """
    found: set[tuple[str, bytes]] = set()
    for table, item in zip(tables, items, strict=True):
        key = [item.get(name) for name in table.names]
        if None in key:
            continue
        identity = table.name, to_json(key)
        if identity in found:
            raise make_invalid("Transaction request cannot include multiple operations on one item")
        found.add(identity)


class _Reasons:
    """The cancellation reasons of a transaction, one for each part."""

    def __init__(self, count: int) -> None:
        self._reasons: list[dict[str, Any]] = [{"Code": "None"} for _ in range(count)]

    def note(
        self, number: int, work: Callable[P, Found], *args: P.args, **kwargs: P.kwargs
    ) -> Found | None:
        """Return the result of *work* for the part *number*; if it fails, keep the reason and return None."""
        try:
            return work(*args, **kwargs)
        except EmptyKeyError:
            raise
        except ServiceError as error:
            code = _CODES.get(error.code)
            if code is None:
                raise
            self._reasons[number] = {"Code": code, "Message": error.message, **error.fields}
            return None

    def check(self) -> None:
        """Raise a TransactionCanceledException if a part failed."""
        if any(reason["Code"] != "None" for reason in self._reasons):
            raise make_canceled(self._reasons)


def _check_total(size: int) -> None:
    if size > MAX_TRANSACTION_BYTES:
        raise make_invalid(
            "The aggregate size of the items in the transaction exceeded the maximum of 4 MB"
        )


def _read_parts(request: Members) -> list[tuple[Members, str]]:
    """Return the members of each part of a transaction, and their path for errors."""
    parts = read_parts(request, "TransactItems", MAX_TRANSACTION)
    return [(part, f"transactItems.{number}.member.") for number, part in enumerate(parts, 1)]


def _read_write(part: Members, path: str) -> Write:
    kinds: list[Kind] = [kind for kind in _KINDS if part.get(kind) is not None]
    if len(kinds) != 1:
        raise make_invalid("TransactItems can only contain one of Check, Put, Update or Delete")
    (kind,) = kinds
    members: Members = require(part, kind, dict, path)
    return read_write(members, kind, f"{path}{to_member(kind)}.")


def _read_options(request: Members) -> tuple[str | None, Consumed, bool]:
    """Return the token, the counter of the capacity, and whether metrics are wanted."""
    token: str | None = read(request, "ClientRequestToken", str)
    if token is not None:
        require_lengths(token, 1, MAX_TOKEN, "clientRequestToken")
    return token, Consumed(read_detail(request), 2, "Write"), read_metrics(request)


def _find_answer(transaction: Transaction, token: str, parts: object, now: float) -> bytes | None:
    """Return the kept sizes of a transaction that was done with *token*, or None if there was none."""
    row = transaction.run(
        "SELECT request, answer FROM tokens WHERE token = ? AND at >= ?", (token, now - TOKEN_LIFE)
    ).fetchone()
    if row is None:
        return None
    digest, answer = row
    if digest != _digest(parts):
        raise ServiceError(
            "IdempotentParameterMismatchException",
            "The request uses the same client token as a previous, but non-identical request. "
            "Do not reuse a client token with different requests, unless the requests are identical",
        )
    return answer  # type: ignore[no-any-return]


def _keep_answer(
    transaction: Transaction, token: str, parts: object, done: Sequence[Done], now: float
) -> None:
    """Keep the sizes of the items by table, from which the answer to a repeated request is made."""
    sizes = [(table.name, max(outcome.old_size, outcome.new_size)) for table, _, outcome in done]
    transaction.run(
        "INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?)",
        (token, now, _digest(parts), to_json(sizes)),
    )


def _repeat(transaction: Transaction, known: bytes, consumed: Consumed) -> dict[str, Any]:
    """Answer a transaction that was done before: it consumes the capacity of reading the items."""
    for name, size in from_json(known):
        table = transaction.find_table(name)
        if table is not None:
            consumed.add_read(table, count_read_units(size, consistent=True))
    return consumed.into({}, several=True)


def _digest(parts: object) -> bytes:
    # The digest must not depend on the order of members.
    content = msgspec.json.encode(parts, order="sorted")
    return hashlib.blake2b(content, digest_size=16).digest()


class Get(NamedTuple):
    """A read of a transaction."""

    table: str
    key: Item
    projection: Selection | None


def transact_get_items(engine: Engine, request: Request) -> Answer:
    """Read up to 100 items, in their state of one moment."""
    parts = _read_parts(request)
    read_detail(request)  # its errors are raised before errors of the parts
    gets = [_read_get(*each) for each in parts]
    return run_reads(engine, request, lambda _: gets)


def run_reads(
    engine: Engine, request: Request, resolve: Callable[[Snapshot], Sequence[Get]]
) -> dict[str, Any]:
    """Carry out the reads that *resolve* returns, in one snapshot."""
    consumed = Consumed(read_detail(request), 2, "Read")
    responses: list[dict[str, Any]] = []
    size = 0
    with engine.store.read() as snapshot:
        gets = resolve(snapshot)
        tables = [find_table(snapshot, get.table) for get in gets]
        check_distinct(tables, [get.key for get in gets])
        reasons = _Reasons(len(gets))
        keys = [
            reasons.note(number, table.check_key, get.key)
            for number, (table, get) in enumerate(zip(tables, gets, strict=True))
        ]
        reasons.check()
        for table, key, get in zip(tables, keys, gets, strict=True):
            row = None if key is None else snapshot.find(table, key)
            responses.append({} if row is None else {"Item": show_row(row, get.projection)})
            length = 0 if row is None else row.size
            size += length
            consumed.add_read(table, count_read_units(length, consistent=True))
    _check_total(size)
    return consumed.into({"Responses": responses}, several=True)


def _read_get(part: Members, path: str) -> Get:
    members: Members = require(part, "Get", dict, path)
    path += "get."
    return Get(read_table_name(members, path), read_key(members, path), read_projection(members))
