"""Reading one shard: finding the next request, and taking its response. It sends nothing."""

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
"""The maximum of records in a response.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
"""

_EMPTY_PAGES = 5
"""After so many empty pages in a row, all records were read: single pages may be empty before more records."""


class ShardReader:
    """A reader of a shard, from a place on.

    :param limit: the largest number of records in a response.
    :param until: a time in seconds since 1970; a reader that has reached it is not behind.
    """

    def __init__(
        self, stream: str, shard: str, place: Place, *, limit: int | None = None, until: float = 0.0
    ) -> None:
        self.stream, self.shard = stream, shard
        self.place: Place = place
        """The place after the records that were read."""
        self._limit, self._until = limit, until
        self._iterator = place.mark if place.kind == "latest" else None
        self._behind = _EMPTY_PAGES
        self.gaps: list[Gap] = []
        """The gaps that were found."""

    @property
    def is_behind(self) -> bool:
        """Whether there may be records already that were not read; False at the end of the shard."""
        return self._behind > 0 and self.place.kind != "end"

    def make_request(self) -> GetShardIterator | GetRecords:
        """Return the next request."""
        if self._iterator is not None:
            return GetRecords(self.stream, self._iterator, self._limit)
        kind, mark = self.place.kind, self.place.mark
        number = mark if kind in ("at", "after") else None
        return GetShardIterator(self.stream, self.shard, _KINDS[kind], number)

    def take(self, outcome: str | RecordsPage | Exception) -> list[RawRecord]:
        """Return the records in the outcome of the last request, and move the place after them.

        After an expired iterator the next request gets a new one. A trimmed place becomes a gap. All other
        errors are raised.
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
        self._iterator, self._behind = iterator, _EMPTY_PAGES
        if self.place.kind == "latest":
            self.place = Place("latest", iterator, self.place.since)

    def _count(self, page: RecordsPage) -> None:
        """Record whether there may be more records already."""
        if not page.records:
            self._behind = max(self._behind - 1, 0)
        elif len(page.records) < (self._limit or MAX_RECORDS):
            # Without this time, the reader of a busy shard would always be behind.
            is_late = self._until and page.records[-1].change.at >= self._until
            self._behind = 0 if is_late else self._behind and _EMPTY_PAGES
        else:
            self._behind = _EMPTY_PAGES

    def _recover(self, error: Exception) -> None:
        """Prepare to continue after *error* with a new iterator; raise *error* if that is impossible."""
        code = error.code if isinstance(error, ServiceError) else ""
        place = self.place
        # A shard may begin with a number that no record has, and DynamoDB may not know an old position's iterator.
        is_unknown = place.kind == ("latest" if self._iterator else "at")
        is_refused = isinstance(error, InvalidRequest) and is_unknown
        if code not in (_EXPIRED, _TRIMMED) and not is_refused:
            raise error
        if code == _TRIMMED:
            self.gaps.append(Gap(self.shard, place))
        if code != _EXPIRED or place.kind == "latest":
            self.place = Place("start", since=place.since)
        self._iterator = None
