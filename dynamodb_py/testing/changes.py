"""Changes of an embedded database, delivered to receivers within a test."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from ..exceptions import StreamNotFound, StreamTrimmed
from ..flows import Flow
from ..local.database.storage import Store
from ..local.database.stream_records import list_streams, read_records
from ..local.operations.requests import ARN
from ..operations.streams import RawRecord
from ..streams.delivery.loaders import Loaders, deliver, load_record

_ALL = -1
"""No limit, for SQLite."""


def deliver_changes(store: Store, loaders: Loaders, delivered: dict[str, int]) -> Flow[int]:
    """Call the receivers of ``item_changed`` for each new change; return the number of changes.

    :param delivered: for the ARN of each stream, the number of the last record that was delivered; updated here.
    :raises StreamNotFound: a table has no stream.
    :raises StreamTrimmed: some records were deleted; the next call delivers the rest.
    """
    count = 0
    for table in loaders.tables:
        with store.read() as snapshot:
            found = [
                (each, list(read_records(snapshot, each, delivered.get(each.arn, 0) + 1, _ALL)))
                for each in list_streams(snapshot, f"{ARN}{table.name}/stream/", "", _ALL)
            ]
        if not found:
            raise StreamNotFound(
                f'the table {table.name} has no stream: set Meta.stream = "new_and_old_images", and run Table.update()'
            )
        for stream, records in found:
            last = records[0][0] - 1 if records else stream.last
            if last > delivered.get(stream.arn, 0):
                delivered[stream.arn] = last
                raise StreamTrimmed(
                    f"the stream of table {table.name} has lost changes that were not delivered, because the clock "
                    "moved on by over 24 hours: call deliver_changes() before you move the clock",
                    shard=stream.shard,
                )
            for number, body in records:
                raw = replace(msgspec.json.decode(body, type=RawRecord), stream=stream.arn)
                record = load_record(loaders.find(table.name), raw)
                if record is not None:
                    yield from deliver(record)
                    count += 1
                delivered[stream.arn] = number
    return count


def find_ends(store: Store) -> dict[str, int]:
    """Return the number of the last record of each stream, by its ARN."""
    with store.read() as snapshot:
        return {each.arn: each.last for each in list_streams(snapshot, ARN, "", _ALL)}
