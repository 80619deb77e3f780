"""Files into tables: items are put in batches, and a run that ended is continued."""

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
"""How often a checkpoint is written: what is put again after a kill changes nothing."""


class LoadReport(Struct, frozen=True):
    """What a load put into the table."""

    items: int
    """How many lines were put."""
    continued: int
    """How many of them an earlier run put."""


class _LoadCheckpoint(Checkpoint, kw_only=True):
    files: list[tuple[str, int, int]]
    place: Place = Place()


def is_empty(table: str, *, using: str | None = None) -> bool:
    """Tell whether a table has no item.

    :raises TableNotFound: there is no such table.
    """

    def look() -> Flow[bool]:
        yield from DescribeTable(table)  # its error names the table; an engine's of Scan may not
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
    """Put the items of a file into a table, in place of those that exist with the same keys.

    Of several lines with one key, the last one counts. A run that was killed is continued by the next call, from its
    checkpoint; some items are put twice then, which changes nothing. Unique values, references and hooks of models
    are not looked at: ``dynamodb-py unique repair`` makes the sentinels afterwards.

    :param table: the name of the table in DynamoDB.
    :param source: the path of a file of :func:`dump_table`, plain or gzip; of the folder of an export to S3 in
        DynamoDB JSON, with its ``manifest-files.json``; or an open file, which has no checkpoint.
    :param workers: the most requests at once; each puts up to 25 items.
    :param rate: the most write units a second, on average.
    :param checkpoint: the path of the checkpoint, beside *source* by default.
    :param progress: called with the number of items put and that in the manifest of an export (0: unknown), or
        True for a bar.
    :raises DumpError: a line has no item, or DynamoDB refuses it: the message names file and line. The lines before
        it are in the table. Or the checkpoint is of another table, or of other files.
    :raises BatchIncomplete: DynamoDB kept leaving items unprocessed, as the table's throughput is too low.
    :raises TableNotFound: there is no such table.
    """
    if workers < 1:
        raise DumpError(f"workers={workers!r}: it is a number from 1 on")
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
    """Return the checkpoint to go on from."""
    files = source.signature
    found = None if beside is None else read_checkpoint(beside, _LoadCheckpoint, table)
    if found is not None and found.files != files:
        raise DumpError(
            f"{beside} is the checkpoint of other files, or these were changed since: remove it to start anew"
        )
    return found or _LoadCheckpoint(table=table, files=files)


class _Write(NamedTuple):
    """What puts the item of a line."""

    line: Line
    identity: Hashable
    """A value that is equal for equal keys."""
    put: Put


def _make_writes(
    table: str, key: tuple[KeyAttribute, ...], lines: Iterator[Line]
) -> Iterator[_Write]:
    """Yield what puts the items of *lines*; raise DumpError for one without the key of the table."""
    read = make_key_reader(key)
    for line in lines:
        try:
            found = read(line.item)
        except ResponseCorrupted as error:
            names = " and ".join(map(str, key))
            raise DumpError(f"{line.name}: the item has no key of the table: {names}") from error
        yield _Write(line, identify_key(found), Put(table, found, line.item))


def _take_chunks(writes: Iterator[_Write], size: int) -> Iterator[list[_Write]]:
    """Yield lists of up to *size* writes; those before a broken line come before its error."""
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
    """Put the items, of each key the last one; if DynamoDB refuses some, raise DumpError for the first of them."""
    writes = {write.identity: write for write in chunk}.values()
    try:
        yield from batch_write([write.put for write in writes], workers=workers, size=size)
    except InvalidRequest:
        # It does not say which one: put each alone, those that are there already too.
        for write in writes:
            try:
                yield from BatchWriteItem([write.put])
            except InvalidRequest as error:
                raise DumpError(
                    f"{write.line.name}: DynamoDB refuses the item: {error.message}"
                ) from error
        raise
