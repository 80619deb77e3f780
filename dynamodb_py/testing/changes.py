"""Changes of an embedded database, handed to receivers within a test."""

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
    """Call the receivers of ``item_changed`` for what has changed; return the number of records.

    :param delivered: by ARN of a stream, the number of its last record that was delivered; kept up to date.
    :raises StreamNotFound: a table has no stream.
    :raises StreamTrimmed: records are no longer there; the next call goes on with those that are.
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
                f'the table {table.name} has no stream: set Meta.stream = "new_and_old_images"'
            )
        for stream, records in found:
            last = records[0][0] - 1 if records else stream.last
            if last > delivered.get(stream.arn, 0):
                delivered[stream.arn] = last
                raise StreamTrimmed(
                    f"changes of the table {table.name} were trimmed before they were delivered, as the clock has "
                    "moved on by over 24 hours: call deliver_changes() before it is moved",
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
    """Return the number of the last record of each stream."""
    with store.read() as snapshot:
        return {each.arn: each.last for each in list_streams(snapshot, ARN, "", _ALL)}
