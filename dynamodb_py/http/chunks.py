"""The chunked transfer coding of HTTP/1.1, read without any I/O (RFC 9112, section 7.1)."""

from __future__ import annotations

from ..exceptions import ResponseCorrupted

MAX_BODY = 256 * 1024 * 1024
"""The maximum of a response's body in bytes; DynamoDB's largest responses hold 16 MB of data."""

_MAX_LINE = 16 * 1024
_HEX = b"0123456789abcdefABCDEF"

# The next part of the body, unless it is the rest of a chunk.
_SIZE, _LINE_END, _TRAILER = -1, -2, -3


class ChunkReader:
    """A reader of one chunked body: ``feed()`` takes received data until it returns the body."""

    def __init__(self) -> None:
        self.rest = b""
        """The unused data: part of a line, or the data after the body."""
        self._chunks: list[bytes] = []
        self._total = 0
        self._next = _SIZE

    def feed(self, data: bytes) -> bytes | None:
        """Take received data; return the body when it is complete.

        Raises :class:`~dynamodb_py.exceptions.ResponseCorrupted` for data that is not chunked.
        """
        data, self.rest = self.rest + data, b""
        while data:
            if self._next >= 0:
                data = self._take(data)
                continue
            line, found, after = data.partition(b"\r\n")
            if not found:
                if len(data) > _MAX_LINE:
                    raise ResponseCorrupted("The server sent a chunk whose first line has no end.")
                self.rest = data
                return None
            data = after
            if self._next == _SIZE:
                self._next = self._parse_size(line)
            elif self._next == _LINE_END:
                if line:
                    raise ResponseCorrupted(
                        "The server sent a chunk that is longer than announced."
                    )
                self._next = _SIZE
            elif not line:  # trailers end with an empty line
                self.rest = data
                return b"".join(self._chunks)
        return None

    def _take(self, data: bytes) -> bytes:
        """Take the rest of the current chunk from *data*; return the data after it."""
        chunk = data[: self._next]
        self._chunks.append(chunk)
        self._next -= len(chunk)
        if self._next == 0:
            self._next = _LINE_END
        return data[len(chunk) :]

    def _parse_size(self, line: bytes) -> int:
        """Return the chunk's size in *line*, or _TRAILER after the last chunk."""
        digits = line.partition(b";")[0].strip()
        if not digits or len(digits) > 8 or digits.strip(_HEX):
            raise ResponseCorrupted(f"The server sent a chunk without a size: {line[:40]!r}.")
        size = int(digits, 16)
        self._total += size
        if self._total > MAX_BODY:
            raise ResponseCorrupted("The server's response is over 256 MB.")
        return size or _TRAILER
