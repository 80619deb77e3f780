"""Loading the records of several models, and calling the receivers of ``item_changed``."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any, TypeAlias

from ...connections import Connection
from ...dispatching import item_changed
from ...exceptions import ConfigurationError
from ...flows import Flow
from ...operations.streams import RawRecord
from ...schema import HasOptions
from ...tables.many import Tables, list_models
from ...tables.table import Table
from ..records import RecordLoader, StreamRecord

Models: TypeAlias = "type[HasOptions] | Iterable[type[HasOptions]] | ModuleType"
"""A model, a shared table, several of them, or the module or package that defines them."""


class Loaders:
    """The loaders of records of some models, by the name of their table."""

    def __init__(self, models: Models, using: str | None = None) -> None:
        classes = list_models([models] if isinstance(models, type) else models)
        if not classes:
            raise ConfigurationError(
                "no models were given: give those whose changes are to be delivered"
            )
        self.tables = Tables(classes, using)
        self._loaders = [(Table(each).schema.name, RecordLoader(each, using)) for each in classes]

    @property
    def link(self) -> Connection:
        """The connection of the tables."""
        return self.tables._link

    def find(self, table: str) -> list[RecordLoader[Any]]:
        """Return the loaders for the table called *table* in DynamoDB.

        :raises ConfigurationError: no model has that table.
        """
        rename = self.link.table_name
        found = [loader for name, loader in self._loaders if rename(name) == table]
        if not found:
            known = ", ".join(sorted({table.name for table in self.tables}))
            raise ConfigurationError(
                f"a record is of the table {table!r}, and the given models have {known}: give the models of "
                "all tables whose records arrive here, and check the table_prefix of the connection"
            )
        return found


def load_record(
    loaders: Iterable[RecordLoader[Any]], raw: RawRecord, shard: str = "", stream: str = ""
) -> StreamRecord[Any] | None:
    """Return the record of *raw*; None if its item belongs to none of the models of *loaders*."""
    loaded = (each.load(raw, shard=shard, stream=stream) for each in loaders)
    return next((each for each in loaded if each is not None), None)


def deliver(record: StreamRecord[Any]) -> Flow[None]:
    """Call the receivers of *record* one after the other; the first exception of one is raised."""
    yield from item_changed.send(record.model, record=record)
