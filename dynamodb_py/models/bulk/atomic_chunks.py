"""Bulk writes in chunks, each of them a transaction: all of its items are written, or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct

from ...batching import Progress, run_together
from ...exceptions import TransactionCanceled
from ...flows import Flow
from ..unit_of_work.collector import caught
from ..unit_of_work.commit import Transaction, new_token
from ..unit_of_work.pending import Pending
from .jobs import Jobs, all_begun
from .results import Status, Tally, told

if TYPE_CHECKING:
    from ..model import Model


M = TypeVar("M", bound="Model")


class Chunk(Struct, frozen=True, eq=False):
    """What is written together."""

    transaction: Transaction
    places: list[int]
    """The places of its calls in what was given, in their order."""


class AtomicChunks(Jobs[M], Generic[M]):
    """Carries out the flows of bulk writes by transactions."""

    __slots__ = ()

    def _in_chunks(
        self,
        flows: Mapping[int, Flow[Any]],
        status: Status,
        tally: Tally[Any],
        workers: int,
        progress: Progress | None,
    ) -> Flow[list[Exception]]:
        """Carry out *flows*, by their places in *tally*; return what went wrong with chunks.

        Each flow comes to one write, or none: then there is nothing to change.

        :param status: what becomes of an item that is written.
        """
        pending = yield from _pending(flows, tally, workers)
        chunks = _chunks(pending)
        tries = [self._chunk(number, chunk, status, tally) for number, chunk in enumerate(chunks)]
        counted = _by_items([len(chunk.places) for chunk in chunks], progress)
        outcomes = yield from run_together(tries, workers, counted)
        return [outcome for outcome in outcomes if outcome is not None]

    def _chunk(
        self, number: int, chunk: Chunk, status: Status, tally: Tally[Any]
    ) -> Flow[Exception | None]:
        """Carry out one chunk; return what went wrong with it, if anything."""
        try:
            yield from chunk.transaction.commit(new_token(), self._link.retries)
        except Exception as error:
            for at, blamed in zip(chunk.places, _blamed(chunk, error), strict=True):
                tally.note(at, blamed, chunk=number)
            return error
        for at in chunk.places:
            tally.note(at, status, chunk=number)
        return None


def _pending(
    flows: Mapping[int, Flow[Any]], tally: Tally[Any], workers: int
) -> Flow[dict[int, Pending]]:
    """Return the writes that *flows* come to; note what becomes of those that come to none.

    What is wrong with one of them is raised before anything is sent; what they read comes then.
    """
    started = all_begun(map(caught, flows.values()))
    found = yield from run_together(started, workers)
    pending: dict[int, Pending] = {}
    for at, came in zip(flows, found, strict=True):
        if isinstance(came, Exception):
            raise told(came, tally.result())
        if came is None:
            tally.note(at, "unchanged")
        else:
            pending[at] = came
    return pending


def _chunks(writes: Mapping[int, Pending]) -> list[Chunk]:
    """Return as many of *writes* at a time as one transaction takes, with what belongs to them."""
    chunks: list[Chunk] = []
    for at, pending in writes.items():
        if not chunks or not chunks[-1].transaction.has_room_for(pending):
            chunks.append(Chunk(Transaction(), []))
        chunks[-1].transaction.add(pending)
        chunks[-1].places.append(at)
    return chunks


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


def _blamed(chunk: Chunk, error: Exception) -> Iterable[Exception]:
    """Return what *error*, that of their transaction, means for each of the items of *chunk*."""
    reasons = error.reasons if isinstance(error, TransactionCanceled) else ()
    if len(reasons) != len(chunk.places):
        return [error] * len(chunk.places)
    return [reason.error or error for reason in reasons]
