"""The stream of a table, as an iterator of records."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from typing import Generic, TypeVar

from ..connections import Connection
from ..exceptions import InvalidPosition, QueryError, StreamNotFound
from ..flows import Flow, arun, run
from ..operations.tables import DescribeTable
from .reader import Batch, ReadingOptions, Start, StreamReader
from .records import RecordLoader, StreamRecord
from .shards import Position, write_position

M = TypeVar("M")


class Stream(Generic[M], Iterator[StreamRecord[M]], AsyncIterator[StreamRecord[M]]):
    """An iterator of the records of a table's stream, for ``for`` and for ``async for``.

    :meth:`Table.stream() <dynamodb_py.Table.stream>` returns one. The records of one item come in order. After an
    error the iteration can continue: a failed request is sent again, and a record whose item cannot be loaded
    is skipped. One thread or task at a time may use it.
    """

    def __init__(
        self,
        connection: Connection,
        table: str,
        loader: RecordLoader[M],
        start: Start,
        options: ReadingOptions,
    ) -> None:
        options.check()
        _check_start(start)
        self._connection, self._table, self._loader = connection, table, loader
        self._start: Start = start
        self._options = options
        self._reader: StreamReader | None = None
        self._batch = Batch((), {})
        self._taken = 0
        self._is_over = self._is_closed = False

    def __iter__(self) -> Stream[M]:
        return self

    def __next__(self) -> StreamRecord[M]:
        while True:
            if (record := self._take()) is not None:
                return record
            if self._is_over or self._is_closed:
                raise StopIteration
            run(self._fetch(), self._connection.streams)

    def __aiter__(self) -> Stream[M]:
        return self

    async def __anext__(self) -> StreamRecord[M]:
        while True:
            if (record := self._take()) is not None:
                return record
            if self._is_over or self._is_closed:
                raise StopAsyncIteration
            await arun(self._fetch(), self._connection.streams)

    @property
    def position(self) -> Position:
        """The position after the records so far, as a dict for ``json.dumps``.

        ``Table.stream(position)`` continues from it.

        :raises QueryError: nothing was read yet.
        """
        reader = self._reader
        if reader is None or not reader.has_begun:
            if isinstance(self._start, Mapping):
                return dict(self._start)
            raise QueryError("position: nothing of the stream was read yet")
        is_used_up = self._taken >= len(self._batch.records)
        places = reader.places if is_used_up else self._batch.find_places(self._taken)
        return write_position(reader.stream, places, reader.read_at)

    def close(self) -> None:
        """End the iteration. The position stays.

        >>> from dynamodb_py import IntegerField, Model, Table
        >>> class Order(Model):
        ...     class Meta:
        ...         stream = "keys_only"
        ...
        ...     number = IntegerField(hash_key=True)
        >>> description = Table(Order).create()
        >>> orders = Order.batch_write([Order(number=1), Order(number=2)])
        >>> stream = Table(Order).stream("trim_horizon")
        >>> next(stream).key
        {'number': 1}
        >>> stream.close()
        >>> [record.key for record in Table(Order).stream(stream.position, follow=False)]
        [{'number': 2}]
        """
        self._is_closed = True

    async def aclose(self) -> None:
        """End the iteration; the position stays."""
        self.close()

    def _take(self) -> StreamRecord[M] | None:
        """Return the next record of the model in the batch; None if there is none."""
        stream = "" if self._reader is None else self._reader.stream
        while self._taken < len(self._batch.records) and not self._is_closed:
            shard, raw = self._batch.records[self._taken]
            self._taken += 1
            record = self._loader.load(raw, shard=shard, stream=stream)
            if record is not None:
                return record
        return None

    def _fetch(self) -> Flow[None]:
        """Read the next batch; end the iteration if there is none."""
        if self._reader is None:
            arn = yield from find_stream(self._table)
            self._reader = StreamReader(arn, self._start, self._options)
        batch = yield from self._reader.more()
        self._batch, self._taken = batch or Batch((), {}), 0
        self._is_over = batch is None


def find_stream(table: str) -> Flow[str]:
    """Return the ARN of the stream of *table*; raise StreamNotFound if it has none."""
    description = yield from DescribeTable(table)
    arn: str | None = description.get("LatestStreamArn")
    if arn is None:
        raise StreamNotFound(
            f'the table {table} has no stream: set Meta.stream = "new_and_old_images", and run '
            "Table.update()"
        )
    return arn


def _check_start(start: object) -> None:
    if start in ("latest", "trim_horizon") or isinstance(start, (datetime, Mapping)):
        return
    raise InvalidPosition(
        f"position={start!r:.200}: give 'latest', 'trim_horizon', a datetime, or the position of a stream"
    )
