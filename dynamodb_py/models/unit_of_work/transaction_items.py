"""The items of a transaction, and their sizes."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeAlias

from msgspec import Struct

from ...codec import from_json, measure_item, to_json
from ...expressions import Value
from ...operations.transactions import Put, Update, Write
from .pending import PendingWrite

Place: TypeAlias = "tuple[str, Hashable]"

CONDITION_FAILED = "ConditionalCheckFailed"


class Member(Struct, eq=False):
    """An item of the transaction, and the calls that write it."""

    calls: list[PendingWrite]
    write: Write
    size: int = 0


def measure_write(pending: PendingWrite) -> int:
    """Return the size of the item in bytes, as far as it is known."""
    write = pending.write
    item = write.item if isinstance(write, Put) else pending.after
    if item is not None:
        return measure_item(from_json(item))
    if isinstance(write, Update):
        values = [
            source.wire
            for action in write.actions
            for source in action.sources
            if isinstance(source, Value)
        ]
        return measure_item({str(at): wire for at, wire in enumerate(values)}) + len(
            to_json(dict(pending.key))
        )
    return 0
