"""Reads many items by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...batching import IdentityReader, ProgressOption, as_callback, batch_get
from ...connections import Connection, is_consistent
from ...exceptions import BatchIncomplete, RequestError
from ...flows import Flow
from ...operations.items import Key, StoredItem
from ...operations.read_expressions import Expressions
from ...pacing.buckets import make_pacer

if TYPE_CHECKING:
    from ...pacing import flows as pacing_flows
else:
    from ...lazy import pacing_flows


def read_items(
    keys: Sequence[tuple[str, Key]],
    given: Sequence[Any],
    readers: Mapping[str, IdentityReader],
    *,
    link: Connection,
    consistent: bool | None,
    workers: int,
    progress: ProgressOption,
    rate: float | None = None,
    expressions: Mapping[str, Expressions] = {},
) -> Flow[list[StoredItem | None]]:
    """Read the items with these *keys*; if some stay unread, the error lists their entries of *given*.

    :param rate: the largest number of read units per second, over 0; by default, no limit.
    :param expressions: projections by table; by default items are read whole.
    """
    pacer = make_pacer(rate)
    reads = batch_get(
        keys,
        readers,
        consistent=is_consistent(consistent, link),
        workers=workers,
        progress=as_callback(progress),
        expressions=expressions,
    )
    try:
        return (yield from pacing_flows.pace(reads, pacer))
    except (BatchIncomplete, RequestError) as error:
        named = {id(pair): each for pair, each in zip(keys, given, strict=True)}
        error.unprocessed = [named[id(pair)] for pair in error.unprocessed]
        raise
