"""Committing: writes become the members of one TransactWriteItems, and what came of it is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ...batching import identify_key
from ...exceptions import (
    CancellationReason,
    ConditionFailed,
    ConfigurationError,
    QueryError,
    TransactionCanceled,
)
from ...flows import Flow
from ...limits import MAX_TRANSACTION, MAX_TRANSACTION_BYTES
from ...operations.base import Operation, Pause
from ...operations.transactions import TransactWriteItems
from ...retries import Retries
from .cancellation import reason_of
from .merge import merged, still_claiming, superseded
from .pending import Pending
from .sentinels import Sentinel, is_release, make_sentinels
from .transaction_items import CONDITION_FAILED, Member, Place, measure_write


class Transaction:
    """The members of a transaction, as calls are added to it."""

    def __init__(self) -> None:
        self.calls: list[Pending] = []
        self._members: dict[Place, Member] = {}
        self._claiming: list[Pending] = []
        """The calls whose unique values count."""
        self._superseded: set[int] = set()
        """The ids of calls that a later save of the same instance says all of."""
        self.make_sentinels: dict[Place, Sentinel] = {}
        self.measure_write = 0

    def add(self, pending: Pending) -> None:
        """Take one write; raises QueryError, and is as before, where it does not fit."""
        if self.calls and pending.link is not self.calls[0].link:
            names = repr(self.calls[0].link.alias), repr(pending.link.alias)
            raise ConfigurationError(
                f"{pending}: it is on the connection {names[1]}, and what the transaction has is on "
                f"{names[0]}: a transaction is of one"
            )
        place = (pending.write.table, identify_key(pending.key))
        there = self._members.get(place)
        member = Member([pending], pending.write, measure_write(pending))
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
        sentinels = self.make_sentinels if claiming == self._claiming else make_sentinels(claiming)
        self._check(pending, place, member, sentinels)
        self.measure_write += member.size - (0 if there is None else there.size)
        self._members[place] = member
        if there is not None:
            self._superseded |= {id(call) for call in superseded(there.calls, pending)}
        self._claiming, self.make_sentinels = claiming, sentinels
        self.calls.append(pending)

    def has_room_for(self, pending: Pending) -> bool:
        """Tell whether it can take one write more, of an item that it has none of.

        Raises QueryError where that takes a unique value that another one takes too.
        """
        sentinels = self.make_sentinels
        if not pending.is_alone:
            sentinels = make_sentinels([*self._claiming, pending])
        count = len(self._members) + 1 + len(sentinels)
        return (
            count <= MAX_TRANSACTION
            and self.measure_write + measure_write(pending) <= MAX_TRANSACTION_BYTES
        )

    def _check(
        self, pending: Pending, place: Place, member: Member, sentinels: dict[Place, Sentinel]
    ) -> None:
        there = self._members.get(place)
        count = len(self._members) + (there is None) + len(sentinels)
        if count > MAX_TRANSACTION:
            raise QueryError(
                f"{pending}: the transaction would be of {count} items, and DynamoDB takes "
                f"{MAX_TRANSACTION}, the sentinels of unique values among them: make several of it"
            )
        size = self.measure_write + member.size - (0 if there is None else there.size)
        if size > MAX_TRANSACTION_BYTES:
            raise QueryError(
                f"{pending}: the items of the transaction would have {size} bytes together, and "
                f"DynamoDB takes {MAX_TRANSACTION_BYTES}: make several of it"
            )

    def operation(self, token: str) -> TransactWriteItems:
        """Return the request."""
        return TransactWriteItems([each.write for each in self._all()], token)

    def _all(self) -> list[Member | Sentinel]:
        return [*self._members.values(), *self.make_sentinels.values()]

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
            if why.is_to_blame and (why.code != CONDITION_FAILED or not is_release(each))
        ]
        if blamed:
            return False
        lost = {
            id(each) for each, why in zip(everything, error.reasons, strict=True) if why.is_to_blame
        }
        self.make_sentinels = {
            place: each for place, each in self.make_sentinels.items() if id(each) not in lost
        }
        return bool(lost)

    def _reasons(self, error: TransactionCanceled) -> Sequence[CancellationReason]:
        """Return the reasons by call, in the order of the calls."""
        everything = self._all()
        if len(error.reasons) != len(everything):
            return error.reasons
        told = list(zip(everything, error.reasons, strict=True))
        return [reason_of(call, told, error) for call in self.calls]


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


T = TypeVar("T")


# DynamoDB cancels a transaction at once where another is at the item: it takes more attempts than
# what is slow or broken.
_MORE = 2


def patiently(operation: Operation[T], retries: Retries) -> Flow[T]:
    """Carry out a transaction, again where other writes under way canceled it.

    It is tried twice as often as *retries* says for other errors, unless that is once.
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
    """Tell whether other transactions or writes under way, and nothing else, canceled this one."""
    codes = {reason.code for reason in error.reasons if reason.is_to_blame}
    return codes == {"TransactionConflict"}
