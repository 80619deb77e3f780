"""Loading a file into a table: items are written in batches, and an interrupted run is continued."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from msgspec import Struct

from ..batching import ProgressOption, as_callback, batch_write, identify_key
from ..connections import get_connection
from ..exceptions import DumpError, InvalidRequest, ResponseCorrupted
from ..flows import Flow, run
from ..limits import MAX_BATCH_WRITE
from ..operations.batches import BatchWriteItem, Put
from ..operations.queries import Scan
from ..operations.tables import DescribeTable
from ..pacing.buckets import limit_batch, make_pacer
from ..pacing.flows import pace
from ..reading.keys import make_key_reader
from ..schema import KeyAttribute, TableSchema
from .checkpoints import (
    Checkpoint,
    identify_table,
    name_checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from .lines import Line, Place, Source, open_source

_SECONDS = 1.0
"""The seconds between two checkpoints. The next run writes the items after a checkpoint again, which is harmless."""


class LoadReport(Struct, frozen=True):
    """The result of a load."""

    items: int
    """The number of lines whose items are in the table."""
    continued: int
    """The number of these lines that an earlier, interrupted run wrote."""


class _LoadCheckpoint(Checkpoint, kw_only=True):
    files: list[tuple[str, int, int]]
    place: Place = Place()


def is_empty(table: str, *, using: str | None = None) -> bool:
    """Tell whether a table has no item.

    :param table: the name of the table in DynamoDB.
    :param using: the alias of a connection; by default, the default connection.
    :raises TableNotFound: the table does not exist.

    >>> is_empty("scores")
    False
    >>> Score.objects.all().delete().changed
    3
    >>> is_empty("scores")
    True
    """

    def look() -> Flow[bool]:
        # Its error names the table; some engines' error of Scan does not.
        yield from DescribeTable(table)
        page = yield from Scan(table=table, limit=1, consistent=True)
        return not page.items

    return run(look(), get_connection(using))


def load_table(
    table: str,
    source: str | Path | BinaryIO,
    *,
    using: str | None = None,
    workers: int = 4,
    rate: float | None = None,
    checkpoint: str | Path | None = None,
    progress: ProgressOption = None,
) -> LoadReport:
    """Put the items of a file into a table; they replace items with the same keys.

    Of several lines with the same key, the last one counts. If a run is interrupted or killed, the next call continues
    from the checkpoint; it puts some items again, which is harmless. Unique values, references and hooks of models
    have no effect: ``dynamodb-py unique repair`` creates the sentinels afterwards.

    :param table: the name of the table in DynamoDB.
    :param source: the path of a file of :func:`dump_table`, plain or gzip; or the path of the folder of an export to
        S3 in DynamoDB JSON, with its ``manifest-files.json``; or an open file, which has no checkpoint.
    :param using: the alias of a connection; by default, the default connection.
    :param workers: the largest number of requests at a time; by default, 4. Each puts up to 25 items.
    :param rate: the largest number of write units per second, over 0; by default, no limit.
    :param checkpoint: the path of the checkpoint, by default beside *source*.
    :param progress: called with the number of items put and the total, the number in the manifest of an export, or 0
        if unknown; or True for a progress bar.
    :return: the number of lines.
    :raises DumpError: a line has no item, or DynamoDB rejects the item: the message names file and line. The lines
        before it are in the table. Or the checkpoint belongs to another table, or to other files.
    :raises BatchIncomplete: DynamoDB left writes undone in every attempt, because the table's throughput is too low.
    :raises TableNotFound: the table does not exist.

    >>> import io
    >>> lines = b'{"Item": {"player": {"S": "eve"}, "game": {"N": "1"}, "points": {"N": "30"}}}'
    >>> load_table("scores", io.BytesIO(lines))
    LoadReport(items=1, continued=0)
    >>> Score.get(player="eve", game=1).points
    30
    """
    if workers < 1:
        raise DumpError(f"workers={workers!r}: give a number from 1")
    pacer, link, callback = make_pacer(rate), get_connection(using), as_callback(progress)
    opened = open_source(source)
    beside = (
        None if opened.stream else Path(checkpoint or name_checkpoint(_as_path(source), "load"))
    )

    def load() -> Flow[LoadReport]:
        description = yield from DescribeTable(table)
        state = _start(identify_table(description), opened, beside)
        key, before, written = TableSchema.parse(description).key, state.items, time.monotonic()
        size = limit_batch(MAX_BATCH_WRITE, pacer)
        try:
            writes = _make_writes(table, key, opened.read(state.place))
            for chunk in _take_chunks(writes, size * workers):
                yield from pace(_execute(chunk, size, workers), pacer)
                state.items += len(chunk)
                state.place = chunk[-1].line.after
                if beside is not None and time.monotonic() - written >= _SECONDS:
                    write_checkpoint(beside, state)
                    written = time.monotonic()
                if callback is not None:
                    callback(state.items, max(opened.total, state.items) if opened.total else 0)
        except BaseException:
            if beside is not None:
                write_checkpoint(beside, state)
            raise
        if beside is not None:
            beside.unlink(missing_ok=True)
        return LoadReport(state.items, before)

    return run(load(), link)


def _as_path(source: str | Path | BinaryIO) -> Path:
    assert isinstance(source, (str, Path))  # an open file has no checkpoint
    return Path(source)


def _start(table: str, source: Source, beside: Path | None) -> _LoadCheckpoint:
    """Return the checkpoint to continue from."""
    files = source.signature
    found = None if beside is None else read_checkpoint(beside, _LoadCheckpoint, table)
    if found is not None and found.files != files:
        raise DumpError(
            f"{beside} is the checkpoint of other files, or these files have changed: remove it to start again"
        )
    return found or _LoadCheckpoint(table=table, files=files)


class _Write(NamedTuple):
    """The request part that puts the item of a line."""

    line: Line
    identity: Hashable
    """A value that is equal for equal keys."""
    put: Put


def _make_writes(
    table: str, key: tuple[KeyAttribute, ...], lines: Iterator[Line]
) -> Iterator[_Write]:
    """Yield the writes of the items of *lines*; raise DumpError for an item without the key of the table."""
    read = make_key_reader(key)
    for line in lines:
        try:
            found = read(line.item)
        except ResponseCorrupted as error:
            names = " and ".join(map(str, key))
            raise DumpError(f"{line.name}: the item has no key of the table: {names}") from error
        yield _Write(line, identify_key(found), Put(table, found, line.item))


def _take_chunks(writes: Iterator[_Write], size: int) -> Iterator[list[_Write]]:
    """Yield lists of up to *size* writes; the writes before a broken line come before its error."""
    chunk: list[_Write] = []
    try:
        for write in writes:
            chunk.append(write)
            if len(chunk) == size:
                yield chunk
                chunk = []
    except DumpError:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


def _execute(chunk: Sequence[_Write], size: int, workers: int) -> Flow[None]:
    """Put the last item of each key; if DynamoDB rejects items, raise DumpError for the first of them."""
    writes = {write.identity: write for write in chunk}.values()
    try:
        yield from batch_write([write.put for write in writes], workers=workers, size=size)
    except InvalidRequest:
        # The error does not name the item: put each alone, also those that are in the table already.
        for write in writes:
            try:
                yield from BatchWriteItem([write.put])
            except InvalidRequest as error:
                raise DumpError(
                    f"{write.line.name}: DynamoDB rejects the item: {error.message}"
                ) from error
        raise
