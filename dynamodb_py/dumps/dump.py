"""Dumping a table to a file: parallel segments, one page after the other, continued after an interruption."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ..batching import ProgressOption, as_callback, as_total
from ..connections import get_connection
from ..exceptions import DumpError
from ..flows import Flow, run
from ..limits import MAX_SEGMENTS, READ_UNIT_BYTES
from ..operations.base import Together
from ..operations.items import Key
from ..operations.queries import Page, Scan
from ..operations.tables import DescribeTable
from ..pacing.buckets import Pacer, make_pacer
from ..pacing.flows import pace
from .checkpoints import (
    Checkpoint,
    identify_table,
    name_checkpoint,
    read_checkpoint,
    write_checkpoint,
)

_Place: TypeAlias = "Key | bool | None"
"""The place of a segment: the key to continue after, None at the beginning, True at the end."""


_WORKERS = 64
"""The most requests at once, whatever the number of segments."""


class DumpReport(Struct, frozen=True):
    """The result of a dump."""

    items: int
    """The number of items in the file."""
    continued: int
    """The number of these items that an earlier, interrupted run wrote."""


class _DumpCheckpoint(Checkpoint, kw_only=True):
    places: list[_Place]
    """The place of each segment."""
    bytes: int = 0
    """The size of the file at the checkpoint; the next run cuts off anything after it."""


def dump_table(
    table: str,
    output: str | os.PathLike[str] | BinaryIO,
    *,
    using: str | None = None,
    segments: int = 1,
    rate: float | None = None,
    consistent: bool = False,
    compress: bool | None = None,
    overwrite: bool = False,
    progress: ProgressOption = None,
) -> DumpReport:
    r"""Write all items of a table to a file, each as a line of DynamoDB JSON.

    The file has the name *output* with ``.part`` until it is complete, and a checkpoint beside it. If a run is
    interrupted or killed, the next call continues from the checkpoint, so no item is torn, missing or duplicate. The
    file is not a snapshot: it has items that change during the dump as they were before or after the change.

    :param table: the name of the table in DynamoDB.
    :param output: the path of the file; or an open file, which has no checkpoint.
    :param using: the alias of a connection; by default, the default connection.
    :param segments: the number of segments of the table that are read in parallel, 1 to 1,000,000
        (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.ParallelScan); by default, 1.
        A page of each segment, up to 1 MB, is in memory. A run that continues another one keeps the number of that.
    :param rate: the largest number of read units per second, over 0; by default, no limit.
    :param consistent: True makes strongly consistent reads, at twice the price; by default, eventually consistent
        ones.
    :param compress: write gzip; by default only if *output* ends in ``.gz``.
    :param overwrite: replace *output* if it exists.
    :param progress: called with the number of items written and the total, DynamoDB's number of items, which is up to
        six hours old, or 0 if unknown; or True for a progress bar.
    :return: the number of items.
    :raises DumpError: *output* exists, or its checkpoint belongs to another table.
    :raises TableNotFound: the table does not exist.

    >>> import io
    >>> Score.objects.count()
    3
    >>> output = io.BytesIO()
    >>> dump_table("scores", output)
    DumpReport(items=3, continued=0)
    >>> sorted(output.getvalue().splitlines())[0]
    b'{"Item":{"player":{"S":"ann"},"game":{"N":"1"},"points":{"N":"50"}}}'
    """
    if not 1 <= segments <= MAX_SEGMENTS:
        raise DumpError(f"segments={segments!r}: give a number from 1 to {MAX_SEGMENTS}")
    pacer = make_pacer(rate)
    callback = as_callback(progress)
    link = get_connection(using)

    def dump() -> Flow[DumpReport]:
        description = yield from DescribeTable(table)
        checkpoint = _DumpCheckpoint(table=identify_table(description), places=[None] * segments)
        if isinstance(output, (str, os.PathLike)):
            target: _Target = _FileTarget(
                Path(output), checkpoint, compress=compress, overwrite=overwrite
            )
        else:
            target = _Target(output, checkpoint, compress=bool(compress))
        scan = Scan(table=table, consistent=consistent, limit=_limit_page(description, rate))
        total, before = description.get("ItemCount", 0), target.checkpoint.items
        with target:
            while not target.is_complete:
                yield from _read_round(scan, target, pacer)
                if callback is not None:
                    items = target.checkpoint.items
                    callback(items, items if target.is_complete else as_total(total, items))
            target.finish()
        return DumpReport(target.checkpoint.items, before)

    return run(dump(), link)


def _limit_page(description: Mapping[str, Any], rate: float | None) -> int | None:
    """Return the most items of a page, which then costs about the units of a second; None for no limit."""
    if rate is None:
        return None
    size, count = description.get("TableSizeBytes", 0), description.get("ItemCount", 0)
    average = max(size / count, 1.0) if size and count else READ_UNIT_BYTES
    return max(1, int(rate * READ_UNIT_BYTES / average))


def _read_round(scan: Scan, target: _Target, pacer: Pacer | None) -> Flow[None]:
    """Read the next page of each segment, and write their items and the checkpoint."""
    places = target.checkpoint.places
    at = [each for each, place in enumerate(places) if place is not True]
    requests: list[Any] = [
        replace(scan, segment=(each, len(places)), start=places[each] or None) for each in at
    ]
    pages: list[Page | Exception] = yield from pace(_send(requests), pacer)
    lines: list[bytes] = []
    for each, page in zip(at, pages, strict=True):
        if isinstance(page, Exception):
            raise page
        places[each] = True if page.last is None else page.last
        lines += page.items
    target.write(lines)


def _send(requests: Sequence[Scan]) -> Flow[list[Any]]:
    return (yield from Together(requests, min(len(requests), _WORKERS)))


class _Target:
    """An open file of the caller, to which the lines are written."""

    def __init__(
        self, file: BinaryIO | None, checkpoint: _DumpCheckpoint, *, compress: bool
    ) -> None:
        self.file: BinaryIO | None = file
        self.checkpoint, self.compress = checkpoint, compress

    def __enter__(self) -> None:
        """Do nothing: the file is open."""

    def __exit__(self, *_: object) -> None:
        """Do nothing: the caller closes the file."""

    @property
    def is_complete(self) -> bool:
        """Whether all segments are at their end."""
        return all(place is True for place in self.checkpoint.places)

    def write(self, items: Sequence[bytes]) -> None:
        """Write a line for each of *items*."""
        assert self.file is not None
        if items:
            text = b"".join([b'{"Item":%b}\n' % _as_line(item) for item in items])
            # Each piece is a complete member of gzip: the file can be cut off after any of them.
            piece = gzip.compress(text, 6, mtime=0) if self.compress else text
            self.file.write(piece)
            self.checkpoint.bytes += len(piece)
            self.checkpoint.items += len(items)
        self.file.flush()

    def finish(self) -> None:
        """Complete the file after the last line."""


class _FileTarget(_Target):
    """A file that has another name until it is complete, and its checkpoint."""

    def __init__(
        self, path: Path, checkpoint: _DumpCheckpoint, *, compress: bool | None, overwrite: bool
    ) -> None:
        self.path, self.part = path, path.with_name(f"{path.name}.part")
        self.beside = name_checkpoint(path, "dump")
        found = read_checkpoint(self.beside, _DumpCheckpoint, checkpoint.table)
        if found is None and path.exists() and not overwrite:
            raise DumpError(
                f"{path} exists: choose another name, or replace it (overwrite=True, --overwrite)"
            )
        packed = path.suffix == ".gz" if compress is None else compress
        super().__init__(None, found or checkpoint, compress=packed)

    def __enter__(self) -> None:
        size = self.part.stat().st_size if self.part.exists() else None
        if self.is_complete and size is None and self.path.exists():
            return  # the earlier run ended after it renamed the file and before it removed the checkpoint
        if (size or 0) < self.checkpoint.bytes:
            raise DumpError(
                f"{self.part} is missing, or shorter than at its checkpoint: remove {self.beside} to start again"
            )
        # The checkpoint first: without it, nobody knows to which table a part belongs.
        write_checkpoint(self.beside, self.checkpoint)
        self.file = self.part.open("r+b" if size else "wb")
        self.file.truncate(self.checkpoint.bytes)
        self.file.seek(self.checkpoint.bytes)

    def __exit__(self, *_: object) -> None:
        if (file := self.file) is not None:
            file.close()

    def write(self, items: Sequence[bytes]) -> None:
        super().write(items)
        assert self.file is not None
        os.fsync(self.file.fileno())  # the lines are on the disk before the checkpoint counts them
        write_checkpoint(self.beside, self.checkpoint)

    def finish(self) -> None:
        if self.file is not None:
            self.file.close()
            self.part.replace(self.path)
        self.beside.unlink()


def _as_line(item: bytes) -> bytes:
    """Return the JSON of an item without line breaks, which a response may have between its members."""
    return msgspec.json.format(item, indent=-1) if b"\n" in item else item
