"""The methods that managers and query sets share: creating items, and many items by their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, cast

from ...flows import awaiting, blocking, name_verbs
from ..instance import M

if TYPE_CHECKING:
    from ..bulk import writes as bulk_writes
    from . import batch_get as batch_gets
    from . import create as creates
else:
    from ...lazy import batch_gets, bulk_writes, creates


@name_verbs
class ItemVerbs(Generic[M]):
    """Creates items, and writes and fetches them by their keys, one or many."""

    __slots__ = ()

    create = blocking(creates.create_one)
    acreate = awaiting(creates.create_one)
    insert = blocking(creates.insert_one)
    ainsert = awaiting(creates.insert_one)
    get_or_create = blocking(creates.get_or_create_one)
    aget_or_create = awaiting(creates.get_or_create_one)
    update_or_create = blocking(creates.update_or_create_one)
    aupdate_or_create = awaiting(creates.update_or_create_one)
    batch_get = blocking(batch_gets.batch_get_items)
    abatch_get = awaiting(batch_gets.batch_get_items)
    batch_write = cast("bulk_writes.BatchWriteVerb", bulk_writes.batch_write)
    abatch_write = cast("bulk_writes.AsyncBatchWriteVerb", bulk_writes.abatch_write)
    bulk_create = blocking(bulk_writes.bulk_create_items)
    abulk_create = awaiting(bulk_writes.bulk_create_items)
    bulk_update = blocking(bulk_writes.bulk_update_items)
    abulk_update = awaiting(bulk_writes.bulk_update_items)
    bulk_delete = blocking(bulk_writes.bulk_delete_items)
    abulk_delete = awaiting(bulk_writes.bulk_delete_items)
