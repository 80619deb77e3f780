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
    """Return the items with these keys, in the order of the keys; missing items are left out.

    It takes any number of keys, and reads a hundred to a request. A key that occurs twice is read once;
    the list then has the same instance twice.

    >>> [each.points for each in Score.objects.batch_get(("ann", 1), ("bob", 1))]
    [50, 70]

    :param keys: each is a dict of the key's fields, a tuple of the hash key and the range key, the value of
        the hash key alone, or an instance.
    :param consistent: True makes strongly consistent reads, at twice the price. The default is that of
        ``options()``.
    :param workers: the largest number of requests at a time; by default, 1.
    :param rate: the largest number of read units per second, over 0; by default, no limit.
    :param progress: called with the number of items done and the total; or True for a progress bar.
    :raises BatchIncomplete: DynamoDB left keys unread in every attempt; ``unprocessed`` has these keys.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
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
    once = {id(item): item for item in here}  # an item whose key occurs twice is one object
    loaded: dict[int, M] = {at: load(item) for at, item in once.items()}
    found = [loaded[id(item)] for item in here]
    return found if scope is None else [each for each in found if not scope.hides(each)]
