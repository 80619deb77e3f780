"""Commits writes: one alone, or several as the members of one TransactWriteItems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ...batching import identify_key
from ...exceptions import (
    CancellationReason,
    ConditionFailed,
    ConfigurationError,
    QueryError,
    RequestError,
    TransactionCanceled,
)
from ...flows import Flow
from ...limits import MAX_TRANSACTION, MAX_TRANSACTION_BYTES
from ...operations.base import Operation, Pause
from ...operations.items import Key
from ...operations.transactions import TransactWriteItems, Write
from ...retries import Retries, is_in_doubt
from .cancellation import reason_of
from .merge import find_remaining_claims, find_superseded, merge_writes
from .pending import PendingWrite
from .sentinels import Sentinel, is_release, make_sentinels
from .transaction_items import CONDITION_FAILED, Member, Place, bound_write


class Transaction:
    """The calls that were added to a transaction, and its members: the items that the calls write."""

    def __init__(self) -> None:
        self.calls: list[PendingWrite] = []
        self._members: dict[Place, Member] = {}
        self._claiming: list[PendingWrite] = []
        """The calls that claim or release unique values."""
        self._superseded: set[int] = set()
        """The ids of calls that a later save of the same instance includes."""
        self._sentinels: dict[Place, Sentinel] = {}
        self._size = 0

    def add(self, pending: PendingWrite) -> None:
        """Add a write; raise QueryError, and change nothing, if it does not fit."""
        if self.calls and pending.link is not self.calls[0].link:
            first, other = self.calls[0].link.alias, pending.link.alias
            raise ConfigurationError(
                f"{pending} is on the connection {other!r}, and the transaction on {first!r}: "
                "a transaction has one connection"
            )
        place = (pending.write.table, identify_key(pending.key))
        earlier = self._members.get(place)
        member = Member([pending], pending.write, bound_write(pending))
        claiming = self._claiming
        if earlier is not None:
            member.write = merge_writes(earlier.calls, earlier.write, pending)
            member.calls = [*earlier.calls, pending]
            member.size = max(member.size, earlier.size)
            kept = {
                id(call) for call in find_remaining_claims(earlier.calls, earlier.write, pending)
            }
            gone = {id(call) for call in earlier.calls} - kept
            claiming = [call for call in claiming if id(call) not in gone]
        if not pending.is_alone:
            claiming = [*claiming, pending]
        sentinels = self._sentinels if claiming == self._claiming else make_sentinels(claiming)
        self._size = self._check(pending, earlier, member, len(sentinels))
        self._members[place] = member
        if earlier is not None:
            self._superseded |= {id(call) for call in find_superseded(earlier.calls, pending)}
        self._claiming, self._sentinels = claiming, sentinels
        self.calls.append(pending)

    def find_write(self, table: str, key: Key) -> tuple[Write, object] | None:
        """Return the write of an item that was added, and the instance that it writes last."""
        member = self._members.get((table, identify_key(key)))
        return None if member is None else (member.write, member.calls[-1].instance)

    def _check(
        self, pending: PendingWrite, earlier: Member | None, member: Member, sentinels: int
    ) -> int:
        """Return an upper bound of all items' sizes with *member* in place of *earlier*; refuse too much."""
        count = len(self._members) + (earlier is None) + sentinels
        if count > MAX_TRANSACTION:
            raise QueryError(
                f"{pending}: the transaction would have {count} items, and DynamoDB takes "
                f"{MAX_TRANSACTION}, with the sentinels of unique values: split it into several"
            )
        size = self._size + member.size - (0 if earlier is None else earlier.size)
        if size > MAX_TRANSACTION_BYTES:  # the bound is: measure the items, each once
            others = [each for each in self._members.values() if each is not earlier]
            size = sum(each.measure() for each in (*others, member))
        if size > MAX_TRANSACTION_BYTES:
            raise QueryError(
                f"{pending}: the items of the transaction would have {size} bytes together, and "
                f"DynamoDB takes {MAX_TRANSACTION_BYTES}: split it into several"
            )
        return size

    def make_operation(self, token: str) -> TransactWriteItems:
        """Return the request."""
        return TransactWriteItems([each.write for each in self._list_members()], token)

    def _list_members(self) -> list[Member | Sentinel]:
        return [*self._members.values(), *self._sentinels.values()]

    def commit(self, token: str, retries: Retries) -> Flow[None]:
        """Send the transaction, and update the instances."""
        while True:
            try:
                yield from retry_conflicts(self.make_operation(token), retries)
            except TransactionCanceled as error:
                if not self._drop_foreign_releases(error):
                    error.reasons = self._find_reasons(error)
                    raise
                token = _derive_token(token)  # the next request has other writes
            except (RequestError, GeneratorExit) as error:
                if is_in_doubt(error):
                    for call in self.calls:
                        call.note_lost()
                raise
            else:
                break
        for call in self.calls:
            if id(call) not in self._superseded:
                call.settle()

    def _drop_foreign_releases(self, error: TransactionCanceled) -> bool:
        """Drop the releases of sentinels that other items own; return whether nothing else failed.

        Such a value was stored in two items before the field became unique.
        """
        everything = self._list_members()
        if len(error.reasons) != len(everything):
            return False
        failed = [
            (each, reason)
            for each, reason in zip(everything, error.reasons, strict=True)
            if reason.is_to_blame
        ]
        if any(why.code != CONDITION_FAILED or not is_release(each) for each, why in failed):
            return False
        lost = {id(each) for each, _ in failed}
        self._sentinels = {
            place: each for place, each in self._sentinels.items() if id(each) not in lost
        }
        return bool(lost)

    def _find_reasons(self, error: TransactionCanceled) -> Sequence[CancellationReason]:
        """Return the reasons in the order of the calls."""
        everything = self._list_members()
        if len(error.reasons) != len(everything):
            return error.reasons
        results = list(zip(everything, error.reasons, strict=True))
        return [reason_of(call, results, error) for call in self.calls]


def execute(pending: PendingWrite, retries: Retries, token: str) -> Flow[None]:
    """Send one write: as one request, or as a transaction with the sentinels of its unique values.

    If its condition fails, raise the error that the write has for this.
    """
    if pending.is_alone:
        try:
            yield from pending.make_operation()
        except (RequestError, GeneratorExit) as error:
            if is_in_doubt(error):
                pending.note_lost()
            if not isinstance(error, ConditionFailed):
                raise
            explained = pending.explain(error)
            if explained is not None:
                raise explained from error.__cause__
        pending.settle()
        return
    transaction = Transaction()
    transaction.add(pending)
    try:
        yield from transaction.commit(token, retries)
    except TransactionCanceled as error:
        explained = error.reasons[0].error if len(error.reasons) == 1 else None
        if explained is None:
            raise
        raise explained from error


def _derive_token(token: str) -> str:
    """Return the next token after *token*; a retry of the whole transaction derives the same one."""
    import uuid  # imported only for transactions

    return str(uuid.uuid5(uuid.NAMESPACE_OID, token))


def make_token() -> str:
    """Return a new token for a transaction."""
    import uuid  # imported only for transactions

    return str(uuid.uuid4())


T = TypeVar("T")


# DynamoDB does not wait for conflicting writes, so conflicts need more attempts than failures.
_MORE = 2


def retry_conflicts(operation: Operation[T], retries: Retries) -> Flow[T]:
    """Send a transaction, and send it again if a conflict with another write cancelled it.

    Conflicts get twice as many attempts as *retries* has for other errors, but one if *retries* has one.
    """
    most = 1 if retries.attempts == 1 else retries.attempts * _MORE
    attempts = 1
    while True:
        try:
            return (yield from operation)
        except TransactionCanceled as error:
            if attempts >= most or not is_conflict(error):
                error.attempts = max(attempts, error.attempts)
                raise
            seconds = retries.pause(error, attempts)
        yield from Pause(seconds)
        attempts += 1


def is_conflict(error: TransactionCanceled) -> bool:
    """Tell whether conflicts with other writes, and nothing else, cancelled the transaction."""
    codes = {reason.code for reason in error.reasons if reason.is_to_blame}
    return codes == {"TransactionConflict"}
