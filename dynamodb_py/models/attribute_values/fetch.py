"""Reads many items by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...batching import IdentityReader, ProgressOption, as_callback, batch_get
from ...connections import Connection, is_consistent
from ...exceptions import BatchIncomplete, RequestError
from ...flows import Flow
from ...operations.items import Key, StoredItem
from ...operations.read_expressions import Expressions


def read_items(
    keys: Sequence[tuple[str, Key]],
    given: Sequence[Any],
    readers: Mapping[str, IdentityReader],
    *,
    link: Connection,
    consistent: bool | None,
    workers: int,
    progress: ProgressOption,
    expressions: Mapping[str, Expressions] = {},
) -> Flow[list[StoredItem | None]]:
    """Read the items with these *keys*; if some stay unread, the error lists their entries of *given*.

    :param expressions: projections by table; by default items are read whole.
    """
    try:
        return (
            yield from batch_get(
                keys,
                readers,
                consistent=is_consistent(consistent, link),
                workers=workers,
                progress=as_callback(progress),
                expressions=expressions,
            )
        )
    except (BatchIncomplete, RequestError) as error:
        named = {id(pair): each for pair, each in zip(keys, given, strict=True)}
        error.unprocessed = [named[id(pair)] for pair in error.unprocessed]
        raise
