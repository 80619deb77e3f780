"""``record_from_event()``: one record of an event, of a model that need not be named."""

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
    """Return the record in one record of an event of AWS Lambda, EventBridge Pipes or Kinesis Data Streams.

    :param event: a record of a stream of DynamoDB, as in the ``Records`` of an event; or one of Kinesis Data
        Streams for DynamoDB, with Lambda's envelope or without; or its data: bytes, or text in base64. Kinesis keeps
        no order: its records may come twice and out of order
        (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds_gettingstarted.html).
    :param models: the models that it may be of; by default all whose table has the name in the event.
    :param using: the alias of a connection, in place of those of the models.
    :raises QueryError: it is no record of a stream of DynamoDB, or of an item of no model.
    :raises ConfigurationError: no model has the table.
    """
    table, raw = read_event(event)
    loaders = Loaders(models or _find_models(table, using), using)
    record = load_record(loaders.find(table), raw)
    if record is None:
        raise QueryError(
            f"record {raw.change.number} of the table {table} is of an item of none of the models "
            f"{', '.join(each.__name__ for each in models)}"
        )
    return record


def _find_models(table: str, using: str | None) -> list[type[Any]]:
    """Return the models whose table has that name in DynamoDB."""
    found: list[type[Any]] = []
    for model in list_models():
        if getattr(getattr(model, "_meta", None), "schema", None) is not None:
            with suppress(ConfigurationError):  # its connection was not defined
                if Table(model, using).name == table:
                    found.append(model)
    if not found:
        raise ConfigurationError(
            f"no model has the table {table!r}: import the module that defines it; is the table_prefix of the "
            "connection right?"
        )
    return found
