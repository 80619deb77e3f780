"""The items of a transaction, and their sizes."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeAlias

from msgspec import Struct

from ...codec import from_json, measure_item, to_json
from ...expressions import Value
from ...operations.base import Wire
from ...operations.items import StoredItem
from ...operations.transactions import Put, Update, Write
from .pending import PendingWrite

Place: TypeAlias = "tuple[str, Hashable]"

CONDITION_FAILED = "ConditionalCheckFailed"


class Member(Struct, eq=False):
    """An item of the transaction, and the calls that write it."""

    calls: list[PendingWrite]
    write: Write
    size: int
    """The known size of the item in bytes; an upper bound until it is measured."""
    is_measured: bool = False

    def measure(self) -> int:
        """Return the known size of the item in bytes: the largest of its writes."""
        if not self.is_measured:
            self.size, self.is_measured = max(map(measure_write, self.calls)), True
        return self.size


def measure_write(pending: PendingWrite) -> int:
    """Return the size of the item in bytes after the write; of an update, the size of its values."""
    written = _find_written(pending)
    if isinstance(written, bytes):
        return measure_item(from_json(written))
    if written is None:
        return 0
    size = measure_item({str(at): wire for at, wire in enumerate(written)})
    return size + len(to_json(pending.key))


def bound_write(pending: PendingWrite) -> int:
    """Return an upper bound of :func:`measure_write`: the length of the JSON."""
    written = _find_written(pending)
    if isinstance(written, bytes):
        return len(written)
    return 0 if written is None else len(to_json(written)) + len(to_json(pending.key))


def _find_written(pending: PendingWrite) -> StoredItem | list[Wire] | None:
    """Return the item after the write, else the values of an update; None if neither is known."""
    write = pending.write
    if isinstance(write, Put):
        return write.item
    if pending.after is not None or not isinstance(write, Update):
        return pending.after
    sources = [source for action in write.actions for source in action.sources]
    return [source.wire for source in sources if isinstance(source, Value)]
