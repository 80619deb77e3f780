"""The ledger: a table that records applied migrations, the progress of others, and the lease on running them."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import lru_cache
from typing import cast

from ..connections import get_connection
from ..exceptions import (
    ConditionFailed,
    LeaseLost,
    MigrationsLocked,
    TableNotFound,
    TransactionCanceled,
    TransactionConflict,
)
from ..flows import Flow, flow_of
from ..models.fields.numbers import BooleanField, FloatField, IntegerField
from ..models.fields.text import CharField
from ..models.fields.times.datetimes import DateTimeField
from ..models.managers.manager import all_items
from ..models.model import Model
from ..models.persistence.stored import encode_item
from ..models.queryset.execution import open_rows
from ..models.queryset.reads import get_or_none
from ..models.unit_of_work.commit import make_token, retry_conflicts
from ..operations.base import Pause
from ..operations.items import Key, UpdateItem
from ..operations.transactions import Put, TransactWriteItems, Update
from ..retries import Retries
from ..streams.delivery.leases import name_holder
from ..tables.table import Table

TABLE = "dynamodb_py_migrations"
"""The default name of the ledger's table."""

_LEASE = "lease"


class LedgerEntry(Model):
    """An item of the ledger: the lease, a migration, or one of its operations."""

    class Meta:
        """The options; make_model() creates a concrete model for each table."""

        abstract = True

    id = CharField(hash_key=True)
    """``"lease"``; or a migration, ``"0003"``; or the first operation of a migration, ``"0003.1"``."""
    number = IntegerField(default=0)
    """The fencing number: the number of times that a run has taken the lease."""
    holder = CharField()
    expires = FloatField(default=0.0)
    """The time when the lease expires, in seconds since 1970; 0 if no run has it."""

    name = CharField(default="")
    """The name of the migration, or the description of the operation."""
    checksum = CharField()
    ended_at = DateTimeField()
    """The time when the migration or operation was applied; None before."""
    seconds = FloatField(default=0.0)
    """The duration in seconds, without the time between two runs."""
    fake = BooleanField(default=False)

    places = CharField()
    """The place of each segment, in JSON: the key to continue after, null at the beginning, true at the end."""
    scanned = IntegerField(default=0)
    changed = IntegerField(default=0)
    skipped = IntegerField(default=0)


@lru_cache
def make_model(table: str) -> type[LedgerEntry]:
    """Return the model of the ledger's items in *table*."""
    members = {"Meta": type("Meta", (), {"table_name": table}), "__module__": __name__}
    return cast("type[LedgerEntry]", type("MigrationLedgerEntry", (LedgerEntry,), members))


class Ledger:
    """The table of the ledger on one connection."""

    def __init__(self, table: str, using: str | None) -> None:
        self.model, self.using = make_model(table), using
        self.link = get_connection(using)
        self.table = self.link.table_name(table)
        self.key: Key = {"id": {"S": _LEASE}}
        """The key of the lease."""

    def create(self) -> Flow[None]:
        """Create the table, if it is missing."""
        yield from flow_of(Table, "create")(Table(self.model, self.using), if_not_exists=True)

    def read(self) -> Flow[dict[str, LedgerEntry]]:
        """Return all entries by id; an empty dict if the table does not exist."""
        entries: dict[str, LedgerEntry] = {}
        rows = all_items(self.model.objects).using(self.link.alias).consistent()
        stream = open_rows(rows)
        try:
            while (page := (yield from stream.more())) is not None:
                entries.update({each.id: each for each in page})
        except TableNotFound:
            return {}
        return entries


class Lease:
    """The right to run migrations: only its present holder can write to the ledger.

    Each holder has a higher number than the one before. Each write of the ledger is a transaction on the condition
    that the lease still has the writer's number. So a holder whose lease expired, and was taken by another run,
    can write nothing more.
    """

    def __init__(self, ledger: Ledger, seconds: float) -> None:
        self.ledger, self.seconds, self.number = ledger, seconds, 0
        self.holder = name_holder()
        self._renewed = 0.0

    @property
    def period(self) -> float:
        """The seconds between two renewals."""
        return self.seconds / 3

    @property
    def is_due(self) -> bool:
        """Whether it is time to renew the lease."""
        return time.monotonic() - self._renewed > self.period

    def acquire(self, wait: float) -> Flow[None]:
        """Take the lease, and wait up to *wait* seconds while another run has it.

        :raises MigrationsLocked: another run still has it.
        """
        end = time.monotonic() + wait
        while True:
            rows = all_items(self.ledger.model.objects).using(self.ledger.link.alias).consistent()
            found = yield from get_or_none(rows, id=_LEASE)
            left = 0.0 if found is None else found.expires - time.time()
            if left <= 0:
                if (yield from self._take(found)):
                    return
                left = 0.1
            patience = end - time.monotonic()
            if patience <= 0:
                whose = "another run" if found is None else found.holder
                raise MigrationsLocked(
                    f"migrations are being run by {whose}; its lease ends in {left:.0f} seconds, unless it renews "
                    "it: run again then, or wait for it with wait=seconds"
                )
            yield Pause(min(max(left, 0.05), patience, 1.0))

    def _take(self, found: LedgerEntry | None) -> Flow[bool]:
        """Take the lease if nobody changed it since *found* was read; return whether it was taken."""
        model = self.ledger.model
        self.number = 1 if found is None else found.number + 1
        condition = model.id.not_exists()
        if found is not None:
            condition = (model.number == found.number) & (model.expires == found.expires)
        actions = [
            model.number.set(self.number),
            model.holder.set(self.holder),
            model.expires.set(self._count_expiry()),
        ]
        try:
            yield from UpdateItem(self.ledger.table, self.ledger.key, actions, condition)
        except ConditionFailed as error:
            # An earlier attempt, whose response was lost, may have taken the lease.
            return bool(error.current) and error.current.get("holder") == {"S": self.holder}
        except TransactionConflict:
            return False
        return True

    def _count_expiry(self) -> float:
        self._renewed = time.monotonic()
        return time.time() + self.seconds

    def renew(self) -> Flow[None]:
        """Extend the lease to its full duration from now.

        :raises LeaseLost: another run has taken it.
        """
        yield from self.write()

    def release(self) -> Flow[None]:
        """Release the lease, unless another run has taken it."""
        model = self.ledger.model
        table, key, still = self.ledger.table, self.ledger.key, model.number == self.number
        with suppress(ConditionFailed):  # another run has taken it
            yield from UpdateItem(table, key, [model.expires.set(0.0)], still)

    def write(self, *entries: LedgerEntry) -> Flow[None]:
        """Write *entries* and renew the lease, on the condition that it still has this holder's number.

        :raises LeaseLost: another run has taken the lease; nothing was written.
        """
        model, table = self.ledger.model, self.ledger.table
        for entry in entries:
            entry.number = self.number
        puts = [Put(table, encode_item(entry)) for entry in entries]
        expires = model.expires.set(self._count_expiry())
        renewal = Update(table, self.ledger.key, [expires], model.number == self.number)
        operation = TransactWriteItems([renewal, *puts], make_token())
        try:
            yield from retry_conflicts(operation, Retries())
        except TransactionCanceled as error:
            if error.reasons and error.reasons[0].code == "ConditionalCheckFailed":
                raise LeaseLost(
                    f"another run has taken the lease of {self.holder} (number {self.number}): the ledger does "
                    "not have this run's work since its last checkpoint, and the other run continues from that; "
                    "if this run renewed the lease too late, give a longer lease=seconds"
                ) from error
            raise
