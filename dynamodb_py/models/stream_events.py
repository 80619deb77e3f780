"""``record_from_event()``: parses one record of an event; the table's name finds the model."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ..exceptions import ConfigurationError, QueryError
from ..schema import HasOptions
from ..streams.delivery.events import Event, read_event
from ..streams.delivery.loaders import Loaders, load_record
from ..streams.records import StreamRecord
from ..tables.table import Table
from .registry import list_models


def record_from_event(
    event: Event, *models: type[HasOptions], using: str | None = None
) -> StreamRecord[Any]:
    """Parse one record of an event of AWS Lambda, EventBridge Pipes or Kinesis Data Streams.

    >>> from dynamodb_py import record_from_event
    >>> key = {"player": {"S": "ann"}, "game": {"N": "1"}}
    >>> record = record_from_event(
    ...     {
    ...         "eventName": "REMOVE",
    ...         "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/scores/stream/2026",
    ...         "dynamodb": {"Keys": key, "SequenceNumber": "1"},
    ...     },
    ...     Score,
    ... )
    >>> record.kind, record.key
    ('remove', {'player': 'ann', 'game': 1})

    :param event: a record of a DynamoDB stream, as in the ``Records`` of an event; or a record of Kinesis
        Data Streams for DynamoDB, with or without Lambda's envelope; or the data of such a record: bytes, or
        text in base64. Kinesis keeps no order: its records may come twice and out of order
        (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds_gettingstarted.html).
    :param models: the possible models; by default all models whose table has the name in the event.
    :param using: the alias of a connection; by default, the models' ``Meta.using``.
    :raises QueryError: *event* is not a record of a DynamoDB stream, or its item belongs to no model.
    :raises ConfigurationError: no model has the table.
    """
    table, raw = read_event(event)
    loaders = Loaders(models or _find_models(table, using), using)
    record = load_record(loaders.find(table), raw)
    if record is None:
        raise QueryError(
            f"record {raw.change.number} of the table {table}: its item belongs to none of the models "
            f"{', '.join(each.__name__ for each in models)}: give its model too"
        )
    return record


def _find_models(table: str, using: str | None) -> list[type[Any]]:
    """Return the models whose table has that name in DynamoDB."""
    found: list[type[Any]] = []
    for model in list_models():
        if getattr(getattr(model, "_meta", None), "schema", None) is not None:
            with suppress(ConfigurationError):  # the model's connection is not defined
                if Table(model, using).name == table:
                    found.append(model)
    if not found:
        raise ConfigurationError(
            f"no model has the table {table!r}: import the module that defines the model, and check the "
            "table_prefix of the connection"
        )
    return found
