"""Committing: writes become the members of one TransactWriteItems, and what came of it is told."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from ..batching import identity
from ..codec import from_json, item_size, to_json
from ..exceptions import (
    CancellationReason,
    ConditionFailed,
    ConfigurationError,
    QueryError,
    TransactionCanceled,
)
from ..expressions import Value
from ..flows import Flow
from ..limits import MAX_TRANSACTION, MAX_TRANSACTION_BYTES
from ..operations.transactions import Put, TransactWriteItems, Update, Write
from ..retries import Retries
from .merging import merged, still_claiming, superseded
from .patience import patiently
from .pending import Pending
from .uniqueness import taken

if TYPE_CHECKING:
    from .uniqueness import Claim

Place: TypeAlias = "tuple[str, Hashable]"

_FAILED = "ConditionalCheckFailed"


class _Member(Struct, eq=False):
    """One item of the transaction, and the calls that it is for."""

    calls: list[Pending]
    write: Write
    size: int = 0


class _Sentinel(Struct, eq=False):
    """One unique value in the transaction: who gives it up, who takes it, and the calls of both."""

    table: str
    calls: list[Pending]
    released: Claim | None = None
    claimed: Claim | None = None

    @property
    def write(self) -> Write:
        """What is done with the sentinel."""
        claimed, released = self.claimed, self.released
        name = self.calls[-1].meta.name
        if claimed is None:
            assert released is not None
            return released.release(self.table)
        if released is None or released.owner == claimed.owner:
            return claimed.put(self.table, name)
        return claimed.handover(self.table, name, released.owner)


class Transaction:
    """The members of a transaction, as calls are added to it."""

    def __init__(self) -> None:
        self.calls: list[Pending] = []
        self._members: dict[Place, _Member] = {}
        self._claiming: list[Pending] = []
        """The calls whose unique values count."""
        self._superseded: set[int] = set()
        """The ids of calls that a later save of the same instance says all of."""
        self._sentinels: dict[Place, _Sentinel] = {}
        self._size = 0

    def add(self, pending: Pending) -> None:
        """Take one write; raises QueryError, and is as before, where it does not fit."""
        if self.calls and pending.link is not self.calls[0].link:
            names = repr(self.calls[0].link.alias), repr(pending.link.alias)
            raise ConfigurationError(
                f"{pending}: it is on the connection {names[1]}, and what the transaction has is on "
                f"{names[0]}: a transaction is of one"
            )
        place = (pending.write.table, identity(pending.key))
        there = self._members.get(place)
        member = _Member([pending], pending.write, _size(pending))
        claiming = self._claiming
        if there is not None:
            member.write = merged(there.calls, there.write, pending)
            member.calls = [*there.calls, pending]
            member.size = max(member.size, there.size)
            kept = {id(call) for call in still_claiming(there.calls, there.write, pending)}
            gone = {id(call) for call in there.calls} - kept
            claiming = [call for call in claiming if id(call) not in gone]
        if not pending.is_alone:
            claiming = [*claiming, pending]
        sentinels = self._sentinels if claiming == self._claiming else _sentinels(claiming)
        self._check(pending, place, member, sentinels)
        self._size += member.size - (0 if there is None else there.size)
        self._members[place] = member
        if there is not None:
            self._superseded |= {id(call) for call in superseded(there.calls, pending)}
        self._claiming, self._sentinels = claiming, sentinels
        self.calls.append(pending)

    def has_room_for(self, pending: Pending) -> bool:
        """Tell whether it can take one write more, of an item that it has none of.

        Raises QueryError where that takes a unique value that another one takes too.
        """
        sentinels = self._sentinels
        if not pending.is_alone:
            sentinels = _sentinels([*self._claiming, pending])
        count = len(self._members) + 1 + len(sentinels)
        return count <= MAX_TRANSACTION and self._size + _size(pending) <= MAX_TRANSACTION_BYTES

    def _check(
        self, pending: Pending, place: Place, member: _Member, sentinels: dict[Place, _Sentinel]
    ) -> None:
        there = self._members.get(place)
        count = len(self._members) + (there is None) + len(sentinels)
        if count > MAX_TRANSACTION:
            raise QueryError(
                f"{pending}: the transaction would be of {count} items, and DynamoDB takes "
                f"{MAX_TRANSACTION}, the sentinels of unique values among them: make several of it"
            )
        size = self._size + member.size - (0 if there is None else there.size)
        if size > MAX_TRANSACTION_BYTES:
            raise QueryError(
                f"{pending}: the items of the transaction would have {size} bytes together, and "
                f"DynamoDB takes {MAX_TRANSACTION_BYTES}: make several of it"
            )

    def operation(self, token: str) -> TransactWriteItems:
        """Return the request."""
        return TransactWriteItems([each.write for each in self._all()], token)

    def _all(self) -> list[_Member | _Sentinel]:
        return [*self._members.values(), *self._sentinels.values()]

    def commit(self, token: str, retries: Retries) -> Flow[None]:
        """Carry it out, and let the instances know."""
        while True:
            try:
                yield from patiently(self.operation(token), retries)
            except TransactionCanceled as error:
                if not self._drop_what_is_not_theirs(error):
                    error.reasons = self._reasons(error)
                    raise
                token = _next_token(token)  # it is another transaction
            else:
                break
        for call in self.calls:
            if id(call) not in self._superseded:
                call.settle()

    def _drop_what_is_not_theirs(self, error: TransactionCanceled) -> bool:
        """Forget the sentinels to be deleted that are other items'; tell whether that was all.

        Such a value was there twice before it was unique.
        """
        everything = self._all()
        if len(error.reasons) != len(everything):
            return False
        blamed = [
            each
            for each, why in zip(everything, error.reasons, strict=True)
            if why.is_to_blame and (why.code != _FAILED or not _is_release(each))
        ]
        if blamed:
            return False
        lost = {
            id(each) for each, why in zip(everything, error.reasons, strict=True) if why.is_to_blame
        }
        self._sentinels = {
            place: each for place, each in self._sentinels.items() if id(each) not in lost
        }
        return bool(lost)

    def _reasons(self, error: TransactionCanceled) -> Sequence[CancellationReason]:
        """Return the reasons by call, in the order of the calls."""
        everything = self._all()
        if len(error.reasons) != len(everything):
            return error.reasons
        told = list(zip(everything, error.reasons, strict=True))
        return [_reason(call, told, error) for call in self.calls]


def _is_release(each: _Member | _Sentinel) -> bool:
    return isinstance(each, _Sentinel) and each.claimed is None


def _sentinels(calls: Iterable[Pending]) -> dict[Place, _Sentinel]:
    """Return what becomes of the unique values that *calls* give up and take."""
    found: dict[Place, _Sentinel] = {}
    for call in calls:
        table = call.link.table_name(call.meta.unique_table)
        for claim in call.released:
            sentinel = found.setdefault((table, claim.value), _Sentinel(table, []))
            sentinel.released = claim
            sentinel.calls.append(call)
    for call in calls:
        table = call.link.table_name(call.meta.unique_table)
        for claim in call.claimed:
            sentinel = found.setdefault((table, claim.value), _Sentinel(table, []))
            if sentinel.claimed is not None and sentinel.claimed.owner != claim.owner:
                raise QueryError(
                    f"{call}: {', '.join(claim.fields)} is unique, and another item of this "
                    "transaction is to have the same value"
                )
            sentinel.claimed = claim
            sentinel.calls.append(call)
    return found


def _reason(
    call: Pending,
    told: Iterable[tuple[_Member | _Sentinel, CancellationReason]],
    error: TransactionCanceled,
) -> CancellationReason:
    """Return why *call* is to blame, or that it is not: its item first, then its unique values."""
    for each, raw in told:
        if raw.is_to_blame and any(mine is call for mine in each.calls):
            break
    else:
        return CancellationReason("None", instance=call.instance, verb=call.verb)
    reason = CancellationReason(
        raw.code, raw.message, raw.item, instance=call.instance, verb=call.verb
    )
    if raw.code != _FAILED:
        return reason
    failed = failure(raw, error)
    if isinstance(each, _Sentinel):
        claim = each.claimed or each.released
        assert claim is not None
        reason.error = taken(call.meta, claim, raw.item, failed)
    else:
        reason.error = call.explain(failed)
        reason.current = getattr(reason.error, "current", None)
    return reason


def failure(reason: CancellationReason, error: TransactionCanceled) -> ConditionFailed:
    """Return the error that a call whose condition failed would have ended with by itself."""
    failed = ConditionFailed(reason.message or reason.code)
    failed.code, failed.message, failed.status = reason.code, reason.message, error.status
    failed.operation, failed.table = error.operation, error.table
    failed.request_id = error.request_id  # its token has kept an earlier attempt from counting
    failed.current = None if reason.item is None else dict(reason.item)
    return failed


def _size(pending: Pending) -> int:
    """Return how many bytes an item has, as far as that is known."""
    write = pending.write
    item = write.item if isinstance(write, Put) else pending.after
    if item is not None:
        return item_size(from_json(item))
    if isinstance(write, Update):
        values = [
            source.wire
            for action in write.actions
            for source in action.sources
            if isinstance(source, Value)
        ]
        return item_size({str(at): wire for at, wire in enumerate(values)}) + len(
            to_json(dict(pending.key))
        )
    return 0


def carried_out(pending: Pending, retries: Retries, token: str) -> Flow[None]:
    """Carry out one write by itself: one request, or a transaction with its unique values.

    Raises what the condition that failed means to it.
    """
    if pending.is_alone:
        try:
            yield from pending.operation()
        except ConditionFailed as error:
            told = pending.explain(error)
            if told is not None:
                raise told from error.__cause__
        pending.settle()
        return
    transaction = Transaction()
    transaction.add(pending)
    try:
        yield from transaction.commit(token, retries)
    except TransactionCanceled as error:
        told = error.reasons[0].error if len(error.reasons) == 1 else None
        if told is None:
            raise
        raise told from error


def _next_token(token: str) -> str:
    """Return a token that follows from *token*: the same one for whoever tries all of it again."""
    import uuid  # only who writes transactions pays for its import

    return str(uuid.uuid5(uuid.NAMESPACE_OID, token))


def new_token() -> str:
    """Return another token for each transaction."""
    import uuid  # only who writes transactions pays for its import

    return str(uuid.uuid4())
