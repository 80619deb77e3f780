"""Fetches many items of one model by their keys."""

from __future__ import annotations

from typing import Any, cast

from ...batching import ProgressOption
from ...flows import Flow
from ...operations.items import Key
from ...reading.keys import make_identity_reader
from ..attribute_values.fetch import read_items
from ..bulk.bound_model import BoundModel, M, keys_from, table_name
from ..instance import options_of
from ..records.rows import make_loader
from ..visibility import filter_items


def batch_get_items(
    bound: BoundModel[M],
    /,
    *keys: Any,
    consistent: bool | None = None,
    workers: int = 1,
    rate: float | None = None,
    progress: ProgressOption = None,
) -> Flow[list[M]]:
    """Return the items with these keys, in the order of the keys; missing ones are left out.

    Any number, a hundred to a request; a key that comes twice is read once, and its item returned
    twice, as one instance.

    >>> [each.points for each in Score.objects.batch_get(("ann", 1), ("bob", 1))]
    [50, 70]

    :param keys: dicts of the key's fields, tuples of both keys, or values of the hash key.
    :param consistent: as for ``get``.
    :param workers: the largest number of requests at a time.
    :param rate: how many read units to consume per second at most, a number over 0. None sets no limit.
    :param progress: called with how many are done and how many there are, or True for a bar.
    :raises BatchIncomplete: DynamoDB kept leaving some unread; ``unprocessed`` has their keys.
    """
    table, meta, scope = table_name(bound), options_of(bound.model), bound._scope
    wanted: list[tuple[str, Key]] = [(table, key) for key in keys_from(bound, keys)]
    items = yield from read_items(
        wanted,
        keys,
        {table: make_identity_reader(meta.schema.key)},
        link=bound._link,
        consistent=consistent,
        workers=workers,
        rate=rate,
        progress=progress,
    )
    load = make_loader(cast("Any", bound.model), None, None, bound._alias)
    here = [item for item in filter_items(meta, items) if item is not None]
    once = {id(item): item for item in here}  # an item whose key came twice is one object
    loaded: dict[int, M] = {at: load(item) for at, item in once.items()}
    found = [loaded[id(item)] for item in here]
    return found if scope is None else [each for each in found if not scope.hides(each)]
