"""TransactWriteItems and TransactGetItems: several items at once, all or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from ...codec import from_json, to_json
from ...limits import MAX_TOKEN, MAX_TRANSACTION, MAX_TRANSACTION_BYTES
from ..engine import Answer, Engine, Request
from ..errors import ServiceError, make_invalid
from ..expiry import TOKEN_LIFE
from ..expressions.projections import Projection
from ..storage import Row, Transaction
from ..tables import Key, Table
from ..values import Item
from .capacity import Consumed, count_read_units, describe_collections, read_detail, read_metrics
from .items import read_check, read_delete, read_key, read_projection, read_put, read_update
from .requests import Members, read, read_table_name, require, require_lengths
from .writes import Outcome, Write, find_table, find_target, write_item

_READERS: Mapping[str, Callable[[Members, str], Write]] = {
    "ConditionCheck": read_check,
    "Put": read_put,
    "Delete": read_delete,
    "Update": read_update,
}
_REASONS = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "ValidationException": "ValidationError",
}


class Target(NamedTuple):
    """A write of a transaction, and where it goes."""

    table: Table
    key: Key
    write: Write


def transact_write_items(engine: Engine, request: Request) -> Answer:
    """Write up to a hundred items, all or nothing.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    writes = [_read_write(*each) for each in _read_parts(request)]
    token = _read_token(request)
    consumed = Consumed(read_detail(request), 2, "Write")
    wants_metrics = read_metrics(request)
    now = engine.clock()
    with engine.store.write() as transaction:
        known = None if token is None else _find_answer(transaction, token, request, now)
        if known is not None:
            return _repeat(transaction, known, Consumed(consumed.detail, 2, "Read"))
        targets = find_targets(transaction, writes)
        outcomes = write_targets(transaction, targets, now)
        if token is not None:
            _keep_answer(transaction, token, request, outcomes, targets, now)
        answer: dict[str, Any] = {}
        if wants_metrics:
            written = [
                (table, write.item) for table, _, write in targets if write.kind != "ConditionCheck"
            ]
            if metrics := describe_collections(transaction, written):
                answer["ItemCollectionMetrics"] = metrics
    for target, outcome in zip(targets, outcomes, strict=True):
        if target.write.kind == "ConditionCheck":
            consumed.add_check(target.table, outcome.old_size)
        else:
            consumed.add_write(target.table, outcome)
    return consumed.into(answer, several=True)


def find_targets(transaction: Transaction, writes: list[Write]) -> list[Target]:
    """Return where each write goes; raise a ValidationException if two go to one item."""
    targets: list[Target] = []
    seen: set[tuple[str, Key]] = set()
    for write in writes:
        table = find_table(transaction, write.table)
        key = find_target(table, write)
        if (table.name, key) in seen:
            raise make_invalid("Transaction request cannot include multiple operations on one item")
        seen.add((table.name, key))
        targets.append(Target(table, key, write))
    return targets


def write_targets(transaction: Transaction, targets: list[Target], at: float) -> list[Outcome]:
    """Carry out all writes; raise a TransactionCanceledException if one fails.

    Each goes to an item of its own, so that none sees what another has changed.
    """
    outcomes: list[Outcome] = []
    reasons: list[dict[str, Any]] = []
    size = 0
    for table, key, write in targets:
        try:
            outcome = write_item(transaction, table, write, at, key=key)
        except ServiceError as error:
            reasons.append(_make_reason(error))
            continue
        reasons.append({"Code": "None"})
        outcomes.append(outcome)
        size += max(outcome.old_size, outcome.new_size)
    if len(outcomes) < len(targets):
        raise _make_cancellation(reasons)
    _check_total(size)
    return outcomes


def _make_reason(error: ServiceError) -> dict[str, Any]:
    code = _REASONS.get(error.code)
    if code is None:
        raise error
    return {"Code": code, "Message": error.message, **error.fields}


def _make_cancellation(reasons: list[dict[str, Any]]) -> ServiceError:
    codes = ", ".join(reason["Code"] for reason in reasons)
    return ServiceError(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        CancellationReasons=reasons,
    )


def _check_total(size: int) -> None:
    if size > MAX_TRANSACTION_BYTES:
        raise make_invalid(
            "The aggregate size of the items in the transaction exceeded the maximum of 4 MB"
        )


def _read_parts(request: Members) -> list[tuple[Members, str]]:
    """Return the members of each part of a transaction, and where they are."""
    parts: list[Any] = require(request, "TransactItems", list)
    require_lengths(parts, 1, MAX_TRANSACTION, "transactItems")
    found: list[tuple[Members, str]] = []
    for position, part in enumerate(parts, 1):
        if not isinstance(part, dict):
            raise ServiceError("SerializationException", "A part of TransactItems is no structure")
        found.append((part, f"transactItems.{position}.member."))
    return found


def _read_write(part: Members, path: str) -> Write:
    kinds = [name for name in _READERS if part.get(name) is not None]
    if len(kinds) != 1:
        raise make_invalid("TransactItems can only contain one of Check, Put, Update or Delete")
    (kind,) = kinds
    members: Members = require(part, kind, dict, path)
    return _READERS[kind](members, f"{path}{kind[0].lower()}{kind[1:]}.")


def _read_token(request: Members) -> str | None:
    token: str | None = read(request, "ClientRequestToken", str)
    if token is not None:
        require_lengths(token, 1, MAX_TOKEN, "clientRequestToken")
    return token


def _find_answer(
    transaction: Transaction, token: str, request: Request, now: float
) -> bytes | None:
    """Return what is known of a transaction that was done with *token*, or None."""
    row = transaction.run(
        "SELECT request, answer FROM tokens WHERE token = ? AND at >= ?", (token, now - TOKEN_LIFE)
    ).fetchone()
    if row is None:
        return None
    digest, answer = row
    if digest != _digest(request):
        raise ServiceError(
            "IdempotentParameterMismatchException",
            "The request uses the same client token as a previous, but non-identical request. "
            "Do not reuse a client token with different requests, unless the requests are identical",
        )
    return answer  # type: ignore[no-any-return]


def _keep_answer(
    transaction: Transaction,
    token: str,
    request: Request,
    outcomes: list[Outcome],
    targets: list[Target],
    now: float,
) -> None:
    """Keep what the answer to a repetition needs: the sizes of the items by table."""
    sizes = [
        (target.table.name, max(outcome.old_size, outcome.new_size))
        for target, outcome in zip(targets, outcomes, strict=True)
    ]
    transaction.run(
        "INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?)",
        (token, now, _digest(request), to_json(sizes)),
    )


def _repeat(transaction: Transaction, known: bytes, consumed: Consumed) -> Answer:
    """Answer a transaction that was done before: its items count as read."""
    for name, size in from_json(known):
        table = transaction.find_table(name)
        if table is not None:
            consumed.add_read(table, count_read_units(size, consistent=True))
    return consumed.into({}, several=True)


def _digest(request: Request) -> bytes:
    # Two dicts may be equal and differ in the order of their members.
    return hashlib.blake2b(msgspec.json.encode(request, order="sorted"), digest_size=16).digest()


class _Get(NamedTuple):
    """A read of a transaction."""

    table: str
    key: Item
    projection: Projection | None


def transact_get_items(engine: Engine, request: Request) -> Answer:
    """Read up to a hundred items as they are at one moment.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
    """
    gets = [_read_get(*each) for each in _read_parts(request)]
    consumed = Consumed(read_detail(request), 2, "Read")
    responses: list[dict[str, Any]] = []
    size = 0
    with engine.store.read() as snapshot:
        targets: list[tuple[Table, Key]] = []
        for get in gets:
            table = find_table(snapshot, get.table)
            targets.append((table, table.check_key(get.key)))
        if len({(table.name, key) for table, key in targets}) < len(targets):
            raise make_invalid("Transaction request cannot include multiple operations on one item")
        for (table, key), get in zip(targets, gets, strict=True):
            row = snapshot.find(table, key)
            responses.append({} if row is None else {"Item": _show(row, get.projection)})
            length = 0 if row is None else row.size
            size += length
            consumed.add_read(table, count_read_units(length, consistent=True))
    _check_total(size)
    return consumed.into({"Responses": responses}, several=True)


def _show(row: Row, projection: Projection | None) -> Any:
    return msgspec.Raw(row.body) if projection is None else projection.project(row.item)


def _read_get(part: Members, path: str) -> _Get:
    members: Members = require(part, "Get", dict, path)
    path += "get."
    return _Get(
        read_table_name(members, path=path), read_key(members, path), read_projection(members)
    )
