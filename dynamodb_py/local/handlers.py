"""The function of each operation. The engine cannot import them, as they import the engine.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations.html describes the operations.
"""

from __future__ import annotations

from . import streams
from .database.engine import HANDLERS
from .operations import batches, items, queries, table_settings, table_updates, tables, transactions
from .partiql import operations as statements

HANDLERS.update(
    CreateTable=tables.create_table,
    UpdateTable=table_updates.update_table,
    DeleteTable=tables.delete_table,
    DescribeTable=tables.describe_table,
    ListTables=tables.list_tables,
    TagResource=table_settings.tag_resource,
    UntagResource=table_settings.untag_resource,
    ListTagsOfResource=table_settings.list_tags_of_resource,
    UpdateTimeToLive=table_settings.update_time_to_live,
    DescribeTimeToLive=table_settings.describe_time_to_live,
    UpdateContinuousBackups=table_settings.update_continuous_backups,
    DescribeContinuousBackups=table_settings.describe_continuous_backups,
    DescribeLimits=table_settings.describe_limits,
    DescribeEndpoints=table_settings.describe_endpoints,
    GetItem=items.get_item,
    PutItem=items.put_item,
    UpdateItem=items.update_item,
    DeleteItem=items.delete_item,
    Query=queries.query,
    Scan=queries.scan,
    TransactWriteItems=transactions.transact_write_items,
    TransactGetItems=transactions.transact_get_items,
    ExecuteStatement=statements.execute_statement,
    BatchExecuteStatement=statements.batch_execute_statement,
    ExecuteTransaction=statements.execute_transaction,
    ListStreams=streams.list_streams,
    DescribeStream=streams.describe_stream,
    GetShardIterator=streams.get_shard_iterator,
    GetRecords=streams.get_records,
    BatchGetItem=batches.batch_get_item,
    BatchWriteItem=batches.batch_write_item,
)
