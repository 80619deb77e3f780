"""Reading the shards of a stream: parents before their children, others side by side."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from functools import partial
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from ..exceptions import QueryError, StreamNotFound, StreamTrimmed, TableNotFound
from ..flows import Flow
from ..operations.base import Call, Pause, Together
from ..operations.streams import DescribeStream, RawRecord, Shard, find_table_name
from .shard_reader import MAX_RECORDS, ShardReader
from .shards import (
    START,
    Gap,
    Place,
    add_shards,
    age_places,
    choose_latest,
    end_missing,
    read_position,
)

Start: TypeAlias = "Literal['latest', 'trim_horizon'] | datetime | Mapping[str, Any]"
"""Where to begin: with records from now on, with the oldest record, at a time, or at a position."""

_LONGEST_LISTING = 60.0
"""The longest time between two listings of the shards, in seconds."""


class ReadingOptions(Struct, frozen=True):
    """The options of reading a stream."""

    follow: bool = True
    """Whether to wait for new records; otherwise reading ends after the existing ones."""
    poll: float = 1.0
    """The seconds between two requests to a shard without new records."""
    page_size: int | None = None
    """The maximum of records in a response."""
    workers: int = 8
    """The number of shards that are read at once."""
    on_trimmed: Callable[[StreamTrimmed], object] | None = None
    """Called with the error in place of raising it; may be async."""

    def check(self) -> None:
        """Raise QueryError for an invalid value."""
        if not isinstance(self.poll, (int, float)) or not 0 <= self.poll <= _LONGEST_LISTING:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise QueryError(f"poll={self.poll!r}: give seconds, from 0 to {_LONGEST_LISTING:g}")
        if self.page_size is not None and not 1 <= self.page_size <= MAX_RECORDS:
            raise QueryError(f"page_size={self.page_size!r}: give a number from 1 to {MAX_RECORDS}")
        if self.workers < 1:
            raise QueryError(f"workers={self.workers!r}: give a number from 1")


class Batch(Struct, frozen=True):
    """Some records in order, each with the id of its shard, and the places before them."""

    records: Sequence[tuple[str, RawRecord]]
    before: Mapping[str, Place]

    def find_places(self, taken: int) -> dict[str, Place]:
        """Return the places after the first *taken* records; there must be more records."""
        found = dict(self.before)
        for shard, record in self.records[:taken]:
            found[shard] = found[shard].move("after", record.change.number)
        return found


def merge_records(pages: Mapping[str, Sequence[RawRecord]]) -> list[tuple[str, RawRecord]]:
    """Return the records of several shards by time; those of one shard keep their order."""
    lists = [[(shard, record) for record in records] for shard, records in pages.items()]
    return list(heapq.merge(*lists, key=_order))


def find_places_before(
    places: Mapping[str, Place], pages: Mapping[str, Sequence[RawRecord]]
) -> dict[str, Place]:
    """Return *places*, which are before the records in *pages*, with sequence numbers if there are some."""
    found = dict(places)
    for shard, records in pages.items():
        if found[shard].kind in ("start", "latest"):
            found[shard] = found[shard].move("at", records[0].change.number)
    return found


def _order(pair: tuple[str, RawRecord]) -> tuple[float, int, str]:
    change = pair[1].change
    return change.at, len(change.number), change.number


class StreamReader:
    """A reader of a stream from *start* on: each batch has the next records of all shards that can be read.

    An error does not change its state: the next flow continues from the same places.
    """

    def __init__(self, stream: str, start: Start, options: ReadingOptions) -> None:
        self.stream, self._options = stream, options
        self._start: Start = start
        self._until = 0.0 if options.follow else time.time()
        self._readers: dict[str, ShardReader] = {}
        self._due: dict[str, float] = {}
        """The time of the next request to each shard without new records, by the monotonic clock."""
        self._ended: dict[str, Place] = {}
        self._gaps: list[Gap] = []
        """The gaps that were not reported yet."""
        self._vanished: dict[str, TableNotFound] = {}
        self._failure: Exception | None = None
        self._is_disabled = False
        self.has_begun = False
        """Whether the shards are known."""
        self._listing_pause = 0.0
        self._next_listing = 0.0
        self.read_at = time.time()
        """The time of the latest requests to shards, in seconds since 1970."""

    @property
    def places(self) -> dict[str, Place]:
        """The places after the latest batch; a gap that was not reported yet is after its place."""
        unreported = {gap.shard: gap.place for gap in self._gaps if gap.place is not None}
        return {**self._find_places(), **unreported}

    def _find_places(self) -> dict[str, Place]:
        return {**self._ended, **{name: each.place for name, each in self._readers.items()}}

    def more(self) -> Flow[Batch | None]:
        """Return the next records; None at the end."""
        while True:
            if time.monotonic() >= self._next_listing:
                yield from self._list_shards()
            yield from self._report_gaps()
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            if self._is_disabled and not self._readers:
                return None
            now = time.time()
            places, gaps = age_places(self._find_places(), self.read_at, now)
            if gaps:
                self.read_at = now
                self._set_places(places, gaps)
                continue
            chosen = self._choose_readers()
            if not chosen and not self._options.follow:
                return None
            if not chosen:
                yield from Pause(self._count_seconds_to_wait())
                continue
            before = self.places
            if records := (yield from self._read(chosen)):
                return Batch(merge_records(records), find_places_before(before, records))

    def _choose_readers(self) -> list[ShardReader]:
        """Return the readers whose turn it is."""
        now, follow = time.monotonic(), self._options.follow
        return [
            each
            for name, each in self._readers.items()
            if each.is_behind or (follow and self._due.get(name, 0.0) <= now)
        ]

    def _count_seconds_to_wait(self) -> float:
        due = [self._next_listing, *(self._due[name] for name in self._readers)]
        return max(min(due) - time.monotonic(), 0.0)

    def _read(self, chosen: Sequence[ShardReader]) -> Flow[dict[str, list[RawRecord]]]:
        """Send the next request of each of the readers, and return the new records by shard."""
        now = time.time()
        requests: list[Any] = [each.make_request() for each in chosen]
        outcomes: list[Any] = yield from Together(requests, self._options.workers)
        due, self.read_at = time.monotonic() + self._options.poll, now
        found: dict[str, list[RawRecord]] = {}
        for reader, outcome in zip(chosen, outcomes, strict=True):
            self._due[reader.shard] = due
            try:
                records = reader.take(outcome)
            except TableNotFound as error:
                self._vanished[reader.shard] = error
                self._list_at_once()
                continue
            except Exception as error:  # after the records of the other shards
                self._failure = self._failure or error
                continue
            if records:
                found[reader.shard] = records
            self._gaps += reader.gaps
            reader.gaps.clear()
            if reader.place.kind == "end":
                self._ended[reader.shard] = self._readers.pop(reader.shard).place
                self._list_at_once()
        return found

    def _list_at_once(self) -> None:
        self._listing_pause = self._next_listing = 0.0

    def _list_shards(self) -> Flow[None]:
        """List the shards, and find those that can be read now."""
        shards, status = yield from list_shards(self.stream)
        self._is_disabled = status == "DISABLED"
        if self.has_begun:
            places, gaps = add_shards(self._end_vanished(self._find_places(), shards), shards)
        else:
            places, gaps = find_start(self._start, self.stream, shards)
        self.has_begun = True
        self._set_places(places, gaps)
        # Children appear some time after the end of a shard.
        waits = bool(self._ended) or not self._readers
        pause = self._listing_pause * 2 or self._options.poll
        self._listing_pause = min(pause, _LONGEST_LISTING) if waits else _LONGEST_LISTING
        self._next_listing = time.monotonic() + self._listing_pause

    def _set_places(self, places: Mapping[str, Place], gaps: Sequence[Gap]) -> None:
        """Create readers for *places*; keep the existing ones that are at their place already."""
        self._gaps += gaps
        self._ended = {name: place for name, place in places.items() if place.kind == "end"}
        before, limit = self._readers, self._options.page_size
        self._readers = {
            name: before[name]
            if name in before and before[name].place == place
            else ShardReader(self.stream, name, place, limit=limit, until=self._until)
            for name, place in places.items()
            if place.kind != "end"
        }

    def _end_vanished(
        self, places: dict[str, Place], shards: Mapping[str, Shard]
    ) -> dict[str, Place]:
        """Return *places*, with the place at the end for each shard that DynamoDB does not know any more."""
        vanished, self._vanished = self._vanished, {}
        for name, error in vanished.items():
            if name in shards:
                raise error
        gone = {name: place for name, place in places.items() if name in vanished}
        ended, gaps = end_missing(gone, shards)
        self._gaps += gaps
        return {**places, **ended}

    def _report_gaps(self) -> Flow[None]:
        """Report the gaps, in the order in which they were found."""
        while self._gaps:
            error = make_trimmed(self.stream, self._gaps.pop(0))
            if self._options.on_trimmed is None:
                raise error
            yield from Call(partial(self._options.on_trimmed, error))


def list_shards(stream: str) -> Flow[tuple[dict[str, Shard], str]]:
    """Return all shards of *stream* by id, and its status; raise StreamNotFound if it does not exist."""
    shards: dict[str, Shard] = {}
    request: DescribeStream | None = DescribeStream(stream)
    status = ""
    while request is not None:
        try:
            page = yield from request
        except TableNotFound as error:
            raise StreamNotFound(
                f"the stream {stream} is gone: its table was deleted, or its stream was switched off over 24 "
                "hours ago"
            ) from error
        shards.update((shard.id, shard) for shard in page.shards)
        request, status = page.rest, page.status
    return shards, status


def find_start(
    start: Start, stream: str, shards: Mapping[str, Shard]
) -> tuple[dict[str, Place], list[Gap]]:
    """Return the places where a reader begins, and the gaps before them if *start* is a position."""
    if start == "latest":
        return choose_latest(shards, time.time()), []
    if start == "trim_horizon":
        return add_shards({}, shards, START)
    if isinstance(start, datetime):
        moment = start if start.tzinfo else start.replace(tzinfo=timezone.utc)
        # The time of a record has whole seconds.
        return add_shards({}, shards, Place("start", since=moment.timestamp() // 1))
    places, at = read_position(start, stream)
    places, trimmed = age_places(places, at, time.time())
    places, missing = end_missing(places, shards)
    found, unknown = add_shards(places, shards)
    lost = {gap.shard for gap in missing}
    return found, [*(gap for gap in trimmed if gap.shard not in lost), *missing, *unknown]


def make_trimmed(stream: str, gap: Gap) -> StreamTrimmed:
    """Return the error for a gap."""
    place = gap.place
    after = None if place is None or place.kind != "after" else place.mark
    where = "of which none was read" if after is None else f"after the record {after}"
    return StreamTrimmed(
        f"the stream of {find_table_name(stream)}: records of the shard {gap.shard}, {where}, may have been "
        "trimmed before they were read: DynamoDB keeps them for 24 hours; iterate again to continue after them, "
        "or give a function as on_trimmed=, which is called in place of this error",
        shard=gap.shard,
        after=after,
    )
