"""Reading the lines of a dump: a file, the folder of an export to S3, or standard input; plain or gzip."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec
from msgspec import Raw, Struct

from ..codec import decode_item
from ..exceptions import DumpError, UnreadableValue
from ..operations.items import StoredItem

_GZIP = b"\x1f\x8b"
_LONGEST = 4 * 1024 * 1024
"""More bytes than any line has: an item has at most 400 KB, before JSON and base64."""


class Place(Struct, frozen=True):
    """A place between two lines."""

    file: int = 0
    """The number of files that are done."""
    line: int = 0
    """The number of lines of the next file that are done."""
    offset: int = 0
    """The number of bytes of these lines, uncompressed."""


class Line(NamedTuple):
    """One item of a dump."""

    name: str
    """The file and the number of the line, for messages."""
    item: StoredItem
    after: Place


class _Line(Struct):
    Item: Raw


class _DataFile(Struct):
    dataFileS3Key: str  # noqa: N815 - as in the file
    itemCount: int = 0  # noqa: N815


_read_line = msgspec.json.Decoder(_Line).decode


class Source:
    """The files of a dump, which are read in order."""

    def __init__(self, files: list[Path], total: int = 0, stream: BinaryIO | None = None) -> None:
        self.files, self.total, self.stream = files, total, stream

    @property
    def signature(self) -> list[tuple[str, int, int]]:
        """The names, sizes and times of the files, by which a checkpoint recognizes them."""
        states = [(path, path.stat()) for path in self.files]
        return [(path.name, state.st_size, state.st_mtime_ns) for path, state in states]

    def read(self, place: Place) -> Iterator[Line]:
        """Yield the lines after *place*.

        :raises DumpError: a file cannot be read, or a line has no item; the message names file and line.
        """
        if self.stream is not None:
            yield from _read_lines(self.stream, "standard input", 0, place)
            return
        for at in range(place.file, len(self.files)):
            path = self.files[at]
            start = place if at == place.file else Place(at)
            try:
                with path.open("rb") as file:
                    yield from _read_lines(file, str(path), at, start)
            except OSError as error:
                raise DumpError(f"{path}: {error}") from error


def open_source(path: str | Path | BinaryIO) -> Source:
    """Return the source at *path*: a file, an open file, or a folder of an export to S3.

    The folder has ``manifest-files.json``, and in ``data`` the files of the manifest. Without a manifest, the source
    has all files ``*.json.gz`` in ``data``, or in the folder itself.

    :raises DumpError: the file or folder does not exist, or a file of the manifest is missing.
    """
    if not isinstance(path, (str, Path)):
        return Source([], stream=path)
    path = Path(path)
    if path.is_file():
        return Source([path])
    if not path.is_dir():
        raise DumpError(f"there is no file or folder {path}")
    folder = path / "data" if (path / "data").is_dir() else path
    manifest = path / "manifest-files.json"
    if not manifest.exists():
        files = sorted(folder.glob("*.json.gz"))
        if not files:
            raise DumpError(
                f"{path} has no manifest-files.json and no data/*.json.gz: give the folder of an export of DynamoDB "
                "to S3, in DynamoDB JSON, or a file"
            )
        return Source(files)
    try:
        listed = msgspec.json.Decoder(_DataFile).decode_lines(manifest.read_bytes())
    except msgspec.DecodeError as error:
        raise DumpError(f"{manifest}: {error}") from error
    files = [folder / each.dataFileS3Key.rpartition("/")[2] for each in listed]
    if missing := [file for file in files if not file.exists()]:
        raise DumpError(f"{missing[0]} is missing, but {manifest} names it: copy the whole export")
    return Source(files, sum(each.itemCount for each in listed))


def _read_lines(file: BinaryIO, name: str, at: int, place: Place) -> Iterator[Line]:
    """Yield the lines of one file after *place*."""
    given: Any = file
    plain: Any = given if hasattr(file, "peek") else io.BufferedReader(given)
    lines: Any = gzip.GzipFile(fileobj=plain) if plain.peek(2)[:2] == _GZIP else plain
    number, offset = place.line, place.offset
    try:
        if offset:
            lines.seek(offset)  # of gzip, this reads everything before it
        while text := lines.readline(_LONGEST):
            number, offset = number + 1, offset + len(text)
            if not text.isspace():
                label = f"{name}, line {number}"
                yield Line(label, _find_item(text, label), Place(at, number, offset))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DumpError(f"{name}: the file is damaged after line {number}: {error}") from error


def _find_item(text: bytes, label: str) -> StoredItem:
    """Return the JSON of the item in a line; raise DumpError if it is not an item that DynamoDB can store."""
    try:
        item = bytes(_read_line(text).Item)
        decode_item(item)
    except msgspec.DecodeError as error:
        raise DumpError(
            f'{label}: it is not {{"Item": {{...}}}} in DynamoDB JSON: {error}'
        ) from error
    except UnreadableValue as error:
        raise DumpError(f"{label}: {error}") from error
    return item
