"""Reads many items by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...batching import KeyReader, ProgressOption, batch_get, shown
from ...connections import consistently
from ...exceptions import BatchIncomplete, RequestError
from ...flows import Flow
from ...operations.items import Key, StoredItem
from ...operations.said import Expressions


def read_all(
    asked: Sequence[tuple[str, Key]],
    given: Sequence[Any],
    readers: Mapping[str, KeyReader],
    *,
    consistent: bool | None,
    workers: int,
    progress: ProgressOption,
    said: Mapping[str, Expressions] = {},
) -> Flow[list[StoredItem | None]]:
    """Read the items of *asked*; what is left over is told as what stands for it in *given*.

    :param said: what to read of the items, by table; by default all.
    """
    named = {id(pair): each for pair, each in zip(asked, given, strict=True)}
    try:
        return (
            yield from batch_get(
                asked,
                readers,
                consistent=consistently(consistent),
                workers=workers,
                progress=shown(progress),
                said=said,
            )
        )
    except (BatchIncomplete, RequestError) as error:
        error.unprocessed = [named[id(pair)] for pair in error.unprocessed]
        raise
