"""The verbs that managers and query sets have in common: creating, and many items by their keys."""

from __future__ import annotations

from typing import Generic, cast

from ...flows import awaiting, blocking, name_verbs
from ..bulk import writes
from ..bulk.bound_model import M
from .batch_get import batch_get_items
from .create import create_one, get_or_create_one, update_or_create_one


@name_verbs
class ItemVerbs(Generic[M]):
    """Creates items, and writes and fetches them by their keys, one or many."""

    __slots__ = ()

    create = blocking(create_one)
    acreate = awaiting(create_one)
    get_or_create = blocking(get_or_create_one)
    aget_or_create = awaiting(get_or_create_one)
    update_or_create = blocking(update_or_create_one)
    aupdate_or_create = awaiting(update_or_create_one)
    batch_get = blocking(batch_get_items)
    abatch_get = awaiting(batch_get_items)
    batch_write = cast("writes.BatchWriteVerb", writes.batch_write)
    abatch_write = cast("writes.AsyncBatchWriteVerb", writes.abatch_write)
    bulk_create = blocking(writes.bulk_create_items)
    abulk_create = awaiting(writes.bulk_create_items)
    bulk_update = blocking(writes.bulk_update_items)
    abulk_update = awaiting(writes.bulk_update_items)
    bulk_delete = blocking(writes.bulk_delete_items)
    abulk_delete = awaiting(writes.bulk_delete_items)
