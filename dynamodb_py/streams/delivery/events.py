"""Events: records from AWS Lambda, EventBridge Pipes or Kinesis Data Streams."""

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
"""One record of an event; bytes or a text are the data of a Kinesis record, in base64 or not."""

_FORMS = (
    "an event is a record of a stream in the form of AWS Lambda, a record of Kinesis Data Streams for DynamoDB, "
    "or the data of such a record"
)
_PER_SECOND = {"MICROSECOND": 1_000_000, "MILLISECOND": 1000}

_read_record = msgspec.json.Decoder(RawRecord).decode


def read_event(event: Event) -> tuple[str, RawRecord]:
    """Return the name of the table, and the parsed record, of one record of an event.

    :raises QueryError: *event* is not a record of a stream of DynamoDB.
    """
    try:
        if isinstance(event, Mapping) and "eventSourceARN" in event and "dynamodb" in event:
            record = _read_record(to_json(event))
            return find_table_name(record.stream), record
        number = ""
        if isinstance(event, Mapping) and "dynamodb" not in event:
            # Pipes has no member "kinesis".
            envelope: Mapping[str, Any] = event.get("kinesis", event)
            event, number = envelope["data"], envelope.get("sequenceNumber", "")
        return _read_kinesis(event, number)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise QueryError(f"{_FORMS}, not {event!r:.200}") from error


def _read_kinesis(data: Event, number: str) -> tuple[str, RawRecord]:
    """Return the name of the table, and the parsed record, in the data of a Kinesis record.

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
    """Return a handler for AWS Lambda, which calls the receivers of ``item_changed`` for each record of an event.

    It accepts the events of streams of DynamoDB and of Kinesis Data Streams for DynamoDB, and the lists of
    EventBridge Pipes. At the first record that fails, it stops, logs the error on the logger ``dynamodb_py``, and
    returns the number of that record: Lambda then repeats the event from there. **The event source mapping must
    have** ``FunctionResponseTypes=["ReportBatchItemFailures"]``, or Lambda takes a failure for a success
    (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).

    :param models: a model, a shared table, several of them, or the module that defines them. Items of other
        models in their tables are skipped.
    :param using: the alias of a connection; by default, the models' ``Meta.using``.
    :return: ``handler(event, context)``. Before it calls a receiver, it raises ConfigurationError for a record of
        another table, and QueryError for an event that is not a list of records.

    >>> from dynamodb_py import IntegerField, Model
    >>> from dynamodb_py.signals import item_changed, receiver
    >>> class Order(Model):
    ...     class Meta:
    ...         table_name = "orders"
    ...
    ...     number = IntegerField(hash_key=True)
    >>> @receiver(item_changed, sender=Order)
    ... def index(record, **kwargs):
    ...     print(record.kind, record.key)
    >>> handler = stream_handler(Order)
    >>> change = {
    ...     "Keys": {"number": {"N": "1"}},
    ...     "SequenceNumber": "1",
    ...     "ApproximateCreationDateTime": 0,
    ... }
    >>> arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026"
    >>> handler(
    ...     {"Records": [{"eventName": "INSERT", "eventSourceARN": arn, "dynamodb": change}]}, None
    ... )
    insert {'number': 1}
    {'batchItemFailures': []}
    """
    loaders = Loaders(models, using)

    def handler(event: Any, context: Any = None) -> dict[str, Any]:
        return run(_handle(loaders, event), loaders.link)

    return handler


def _handle(loaders: Loaders, event: Any) -> Flow[dict[str, Any]]:
    """Deliver the records of *event*; return the result that Lambda expects."""
    events: object = event
    if isinstance(event, Mapping):
        events = cast("Mapping[str, Any]", event).get("Records")
    if not isinstance(events, Sequence) or isinstance(events, (bytes, str)):
        raise QueryError(
            f'an event has a list of "Records", or is a list of records, not {event!r:.200}'
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
                "record %s of the table %s failed: Lambda repeats it and the records after it",
                number,
                table,
            )
            return {"batchItemFailures": [{"itemIdentifier": number}]}
    return {"batchItemFailures": []}
