"""Which function carries out which operation: the engine finds them here, and they know the engine."""

from __future__ import annotations

from .engine import HANDLERS
from .operations import items, queries, streams, transactions

HANDLERS.update(
    GetItem=items.get_item,
    PutItem=items.put_item,
    UpdateItem=items.update_item,
    DeleteItem=items.delete_item,
    Query=queries.query,
    Scan=queries.scan,
    TransactWriteItems=transactions.transact_write_items,
    TransactGetItems=transactions.transact_get_items,
    ListStreams=streams.list_streams,
    DescribeStream=streams.describe_stream,
    GetShardIterator=streams.get_shard_iterator,
    GetRecords=streams.get_records,
)
