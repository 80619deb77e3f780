"""Bulk writes in chunks, each of them a transaction: all of its items are written, or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct

from ..batching import Progress, abreast
from ..codec import to_json
from ..exceptions import QueryError, RequestError, TransactionCanceled, service_error
from ..expressions import Action, Value
from ..flows import Flow
from ..limits import MAX_TRANSACTION, MAX_TRANSACTION_BYTES
from ..operations.base import Operation
from ..operations.items import DeleteItem, PutItem, UpdateItem
from ..operations.transactions import Delete, Put, TransactWriteItems, Update, Write
from .jobs import Jobs
from .locking import is_atomic
from .patience import patiently
from .results import Status, Tally

if TYPE_CHECKING:
    from ..exceptions import CancellationReason
    from .base import Model

M = TypeVar("M", bound="Model")


class Member(Struct, frozen=True, eq=False):
    """One write of a chunk, and the flow that waits for what comes of it."""

    at: int
    given: Any
    flow: Flow[Status]
    operation: Operation[Any]
    write: Write
    size: int


class AtomicChunks(Jobs[M], Generic[M]):
    """Carries out the flows of bulk writes by transactions."""

    __slots__ = ()

    def _check_atomic(self, verb: str) -> None:
        if self._meta.guarded or is_atomic(self._meta, None):
            raise QueryError(
                f"{verb}(atomic_chunks=True): the items of {self._meta.name} have a version or unique "
                "values, or are written with atomic=True, which takes writes of their own: leave it "
                "out, or use transaction.atomic()"
            )

    def _in_chunks(
        self,
        flows: Mapping[int, Flow[Status]],
        given: Sequence[Any],
        tally: Tally[Any],
        workers: int,
        progress: Progress | None,
    ) -> Flow[list[Exception]]:
        """Carry out *flows*, by their places in *given*; return what went wrong with chunks.

        Each flow asks for one write; what it does not send is its own affair.
        """
        try:
            members = yield from _members(flows, given, tally)
            chunks = list(_chunks(members))
            # Anything else than requests is made up before the first one is sent.
            sent = [_as_one(chunk) for chunk in chunks]
            tries = [
                self._chunk(number, chunk, one, tally)
                for number, (chunk, one) in enumerate(zip(chunks, sent, strict=True))
            ]
            counted = _by_items([len(chunk) for chunk in chunks], progress)
            outcomes = yield from abreast(tries, workers, counted)
        finally:
            for flow in flows.values():
                flow.close()
        return [outcome for outcome in outcomes if outcome is not None]

    def _chunk(
        self, number: int, members: Sequence[Member], one: TransactWriteItems, tally: Tally[Any]
    ) -> Flow[Exception | None]:
        """Carry out one chunk; return what went wrong with it, if anything."""
        try:
            yield from patiently(one, self._link.retries)
        except Exception as error:
            for member, told in zip(members, _blamed(members, error), strict=True):
                tally.note(member.at, told, chunk=number)
            return error
        for member in members:
            try:
                tally.note(member.at, (yield from _finished(member.flow)), chunk=number)
            except Exception as error:
                tally.note(member.at, error, chunk=number)
                return error
        return None


def _members(
    flows: Mapping[int, Flow[Status]], given: Sequence[Any], tally: Tally[Any]
) -> Flow[list[Member]]:
    """Take each flow to the write that it asks for; note what becomes of those that ask for none."""
    members: list[Member] = []
    for at, flow in flows.items():
        outcome: Any = None
        try:
            step = flow.send(None)
            while not isinstance(step, Operation):
                outcome = yield step
                step = flow.send(outcome)
        except StopIteration as stop:
            tally.note(at, stop.value)
        else:
            write = _as_member(step)
            members.append(Member(at, given[at], flow, step, write, _size(given[at], write)))
    return members


def _as_member(operation: Operation[Any]) -> Write:
    """Return *operation* as a transaction has it."""
    if isinstance(operation, PutItem):
        return Put(operation.table, operation.item, operation.condition)
    if isinstance(operation, UpdateItem):
        return Update(operation.table, operation.key, operation.actions, operation.condition)
    if isinstance(operation, DeleteItem):
        return Delete(operation.table, operation.key, operation.condition)
    raise QueryError(f"{operation.api} cannot be part of a transaction: leave out atomic_chunks")


def _size(given: Any, write: Write) -> int:
    """Return how many bytes a write takes up at most, as far as that is known here."""
    if isinstance(write, Put):
        return len(write.item)
    if not isinstance(write, Update):
        return 0
    known = len(getattr(given, "_stored", None) or b"")
    return known + sum(map(_value_size, write.actions))


def _value_size(action: Action) -> int:
    return sum(len(to_json(each.wire)) for each in action.sources if isinstance(each, Value))


def _chunks(members: Sequence[Member]) -> Iterator[list[Member]]:
    """Yield as many of *members* at a time as one transaction takes."""
    chunk: list[Member] = []
    size = 0
    for member in members:
        if chunk and (len(chunk) == MAX_TRANSACTION or size + member.size > MAX_TRANSACTION_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(member)
        size += member.size
    if chunk:
        yield chunk


def _as_one(members: Sequence[Member]) -> TransactWriteItems:
    from uuid import uuid4  # only who asks for transactions pays for its import

    return TransactWriteItems([member.write for member in members], str(uuid4()))


def _by_items(sizes: Sequence[int], progress: Progress | None) -> Progress | None:
    """Return what tells *progress* of items where chunks are counted.

    Chunks end in any order: of some, it counts as many items as the smallest of them have.
    """
    if progress is None:
        return None
    tell, smallest = progress, sorted(sizes)

    def advance(done: int, _: int) -> None:
        tell(sum(smallest[:done]), sum(sizes))

    return advance


def _finished(flow: Flow[Status]) -> Flow[Status]:
    """Tell *flow* that its write was carried out, and go on to its end."""
    try:
        step = flow.send(b"{}")
        while True:
            step = flow.send((yield step))
    except StopIteration as stop:
        status: Status = stop.value
        return status


def _blamed(members: Sequence[Member], error: Exception) -> list[Exception]:
    """Return what *error*, that of their transaction, means for each of *members*."""
    reasons = error.reasons if isinstance(error, TransactionCanceled) else ()
    if len(reasons) != len(members):
        return [error] * len(members)
    return [
        _told(member, reason) if reason.code == "ConditionalCheckFailed" else error
        for member, reason in zip(members, reasons, strict=True)
    ]


def _told(member: Member, reason: CancellationReason) -> Exception:
    """Return what the write of *member* alone would have ended with."""
    failure = service_error(
        "ConditionalCheckFailedException", reason.message, body={"Item": reason.item}
    )
    failure.operation, failure.table = member.operation.api, member.operation.tables[0]
    told: Exception = failure
    try:
        member.flow.throw(failure)
    except StopIteration:
        pass
    except Exception as error:
        told = error
    reason.error, reason.instance = told, member.given
    reason.current = getattr(told, "current", None)
    if isinstance(told, RequestError):
        told.attempts = 1
    return told
