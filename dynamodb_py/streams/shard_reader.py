"""Reading one shard: which request is next, and what its answer means. It sends nothing."""

from __future__ import annotations

from ..exceptions import InvalidRequest, ServiceError
from ..operations.streams import GetRecords, GetShardIterator, RawRecord, RecordsPage
from .shards import Gap, Place

_EXPIRED = "ExpiredIteratorException"
_TRIMMED = "TrimmedDataAccessException"

_KINDS = {
    "start": "TRIM_HORIZON",
    "latest": "LATEST",
    "at": "AT_SEQUENCE_NUMBER",
    "after": "AFTER_SEQUENCE_NUMBER",
}

MAX_RECORDS = 1000
"""The most records of an answer.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
"""

_EMPTY_ANSWERS = 5
"""After how many answers without records in a row all is read: iterators lead through stretches without any."""


class ShardReader:
    """Reads a shard from a place on.

    :param limit: the most records of an answer.
    :param until: a time in seconds since 1970, after which a record is not behind.
    """

    def __init__(
        self, stream: str, shard: str, place: Place, *, limit: int | None = None, until: float = 0.0
    ) -> None:
        self.stream, self.shard = stream, shard
        self.place: Place = place
        """The place after what was read."""
        self._limit, self._until = limit, until
        self._iterator = place.mark if place.kind == "latest" else None
        self._behind = _EMPTY_ANSWERS
        self.gaps: list[Gap] = []
        """What was found to be trimmed."""

    @property
    def is_behind(self) -> bool:
        """Whether there may be records to read by now; at the end, there are none."""
        return self._behind > 0 and self.place.kind != "end"

    def make_request(self) -> GetShardIterator | GetRecords:
        """Return the next request."""
        if self._iterator is not None:
            return GetRecords(self.stream, self._iterator, self._limit)
        kind, mark = self.place.kind, self.place.mark
        number = mark if kind in ("at", "after") else None
        return GetShardIterator(self.stream, self.shard, _KINDS[kind], number)

    def take(self, outcome: str | RecordsPage | Exception) -> list[RawRecord]:
        """Return the records in the outcome of the last request, and move on; raise all other errors.

        An expired iterator is renewed, and a trimmed place becomes a gap, by the next request.
        """
        if isinstance(outcome, Exception):
            self._recover(outcome)
            return []
        if isinstance(outcome, str):
            self._take_iterator(outcome)
            return []
        self._iterator = outcome.iterator
        records, place = outcome.records, self.place
        if records:
            self.place = place.move("after", records[-1].change.number)
            if (since := self.place.since) is not None:
                records = [each for each in records if each.change.at >= since]
        elif place.kind == "latest":
            self.place = Place("latest", outcome.iterator, place.since)
        self._count(outcome)
        if outcome.iterator is None:
            self.place = self.place.move("end")
        return records

    def _take_iterator(self, iterator: str) -> None:
        self._iterator, self._behind = iterator, _EMPTY_ANSWERS
        if self.place.kind == "latest":
            self.place = Place("latest", iterator, self.place.since)

    def _count(self, page: RecordsPage) -> None:
        """Note whether there may be more."""
        if not page.records:
            self._behind = max(self._behind - 1, 0)
        elif len(page.records) < (self._limit or MAX_RECORDS):
            # The reader of a busy shard would otherwise never have read all.
            is_late = self._until and page.records[-1].change.at >= self._until
            self._behind = 0 if is_late else self._behind and _EMPTY_ANSWERS
        else:
            self._behind = _EMPTY_ANSWERS

    def _recover(self, error: Exception) -> None:
        """Prepare to go on after *error* with a new iterator; raise it if that is impossible."""
        code = error.code if isinstance(error, ServiceError) else ""
        place = self.place
        # The number where a shard begins may be that of no record, the iterator of an old position unknown.
        is_unknown = place.kind == ("latest" if self._iterator else "at")
        is_refused = isinstance(error, InvalidRequest) and is_unknown
        if code not in (_EXPIRED, _TRIMMED) and not is_refused:
            raise error
        if code == _TRIMMED:
            self.gaps.append(Gap(self.shard, place))
        if code != _EXPIRED or place.kind == "latest":
            self.place = Place("start", since=place.since)
        self._iterator = None
