"""Events: records that AWS Lambda, EventBridge Pipes or Kinesis Data Streams hand over."""

from __future__ import annotations

import logging
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

import msgspec

from ...codec import from_json, to_json
from ...exceptions import QueryError
from ...flows import Flow, run
from ...operations.streams import RawRecord, find_table_name
from .loaders import Loaders, Models, deliver, load_record

Event: TypeAlias = "Mapping[str, Any] | bytes | str"
"""One record of an event; bytes or text are what Kinesis has as its data, in base64 or not."""

_FORMS = (
    "an event is a record of a stream as AWS Lambda hands it over, one of Kinesis Data Streams for DynamoDB, or "
    "the data of such a one"
)
_PER_SECOND = {"MICROSECOND": 1_000_000, "MILLISECOND": 1000}

_read_record = msgspec.json.Decoder(RawRecord).decode


def read_event(event: Event) -> tuple[str, RawRecord]:
    """Return the name of the table, and the record, of one record of an event.

    :raises QueryError: it is no record of a stream of DynamoDB.
    """
    try:
        if isinstance(event, Mapping) and "eventSourceARN" in event and "dynamodb" in event:
            record = _read_record(to_json(event))
            return find_table_name(record.stream), record
        number = ""
        if isinstance(event, Mapping) and "dynamodb" not in event:
            envelope: Mapping[str, Any] = event.get("kinesis", event)  # Pipes has it flat
            event, number = envelope["data"], envelope.get("sequenceNumber", "")
        return _read_kinesis(event, number)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise QueryError(f"{_FORMS}, not {event!r:.200}") from error


def _read_kinesis(data: Event, number: str) -> tuple[str, RawRecord]:
    """Return what the data of Kinesis has.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds.html
    """
    if not isinstance(data, Mapping):
        text = data.encode() if isinstance(data, str) else data
        data = cast(
            "Mapping[str, Any]",
            from_json(text if text.lstrip().startswith(b"{") else b64decode(text, validate=True)),
        )
    change: Mapping[str, Any] = data["dynamodb"]
    precision = change.get("ApproximateCreationDateTimePrecision", "MILLISECOND")
    at = change["ApproximateCreationDateTime"] / _PER_SECOND[precision]
    changed = {**change, "ApproximateCreationDateTime": at, "SequenceNumber": number}
    return data["tableName"], _read_record(to_json({**data, "dynamodb": changed}))


def stream_handler(
    models: Models, *, using: str | None = None
) -> Callable[[Any, Any], dict[str, Any]]:
    """Return a handler for AWS Lambda, which hands the records of an event to receivers of ``item_changed``.

    ::

        handler = stream_handler(Order)

    It takes the events of streams of DynamoDB and of Kinesis Data Streams for DynamoDB, and the lists of
    EventBridge Pipes. At the first record that fails it stops, logs the error on the logger ``dynamodb_py``, and
    answers which one that is: Lambda then repeats the event from there. **The event source mapping must have**
    ``FunctionResponseTypes=["ReportBatchItemFailures"]``, or Lambda takes a failure for a success
    (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).

    :param models: a model, a shared table, several of them, or the module that defines them. Items of other
        models in their tables are passed over.
    :param using: the alias of a connection, in place of those of the models.
    :return: ``handler(event, context)``. It raises before a receiver is called: ConfigurationError for a record of
        another table, QueryError for what is no record.
    """
    loaders = Loaders(models, using)

    def handler(event: Any, context: Any = None) -> dict[str, Any]:
        return run(_handle(loaders, event), loaders.link)

    return handler


def _handle(loaders: Loaders, event: Any) -> Flow[dict[str, Any]]:
    """Deliver the records of *event*; return the answer that Lambda expects."""
    events: object = event
    if isinstance(event, Mapping):
        events = cast("Mapping[str, Any]", event).get("Records")
    if not isinstance(events, Sequence) or isinstance(events, (bytes, str)):
        raise QueryError(
            f'an event has a list of "Records", or is a list of them, not {event!r:.200}'
        )
    records = [read_event(each) for each in cast("Sequence[Event]", events)]
    by_table = {table: loaders.find(table) for table, _ in records}
    for table, raw in records:
        try:
            record = load_record(by_table[table], raw)
            if record is not None:
                yield from deliver(record)
        except Exception:
            number = raw.change.number
            logging.getLogger("dynamodb_py").exception(
                "record %s of the table %s failed: Lambda repeats it and those behind it",
                number,
                table,
            )
            return {"batchItemFailures": [{"itemIdentifier": number}]}
    return {"batchItemFailures": []}
