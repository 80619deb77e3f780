"""The ledger: which migrations were applied, how far others are, and the lease on running them."""

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
"""The name of the ledger's table by default."""

_LEASE = "lease"


class LedgerEntry(Model):
    """An item of the ledger: the lease, a migration, or one of its operations."""

    class Meta:
        """Each table has a model of its own."""

        abstract = True

    id = CharField(hash_key=True)
    """``"lease"``; the number of a migration, ``"0003"``; that and the place of an operation, ``"0003.1"``."""
    number = IntegerField(default=0)
    """The fencing number: how often the lease has changed hands."""
    holder = CharField()
    expires = FloatField(default=0.0)
    """When the lease expires, in seconds since 1970; 0: nobody has it."""

    name = CharField(default="")
    """The name of the migration, or what the operation does."""
    checksum = CharField()
    ended_at = DateTimeField()
    """When it was applied; None while it is not whole."""
    seconds = FloatField(default=0.0)
    """How long it took, pauses between runs apart."""
    fake = BooleanField(default=False)

    places = CharField()
    """Of each segment, in JSON: the key to go on after, null at its beginning, true at its end."""
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
        """That of the lease."""

    def create(self) -> Flow[None]:
        """Create the table, if it is missing."""
        yield from flow_of(Table, "create")(Table(self.model, self.using), if_not_exists=True)

    def read(self) -> Flow[dict[str, LedgerEntry]]:
        """Return all entries by id; none if there is no table."""
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
    """The right to run migrations: no two holders of it write to the ledger.

    Each holder has a higher number than the one before, and each write of the ledger is a transaction on
    condition that the lease still has the writer's number. So a holder that was given up for dead writes
    nothing when it comes back.
    """

    def __init__(self, ledger: Ledger, seconds: float) -> None:
        self.ledger, self.seconds, self.number = ledger, seconds, 0
        self.holder = name_holder()
        self._renewed = 0.0

    @property
    def period(self) -> float:
        """The seconds after which it is renewed."""
        return self.seconds / 3

    @property
    def is_due(self) -> bool:
        """Whether it is time to renew it."""
        return time.monotonic() - self._renewed > self.period

    def acquire(self, wait: float) -> Flow[None]:
        """Take the lease, waiting up to *wait* seconds while another holder has it.

        :raises MigrationsLocked: another one still has it.
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
        """Take the lease, if it is as *found*; tell whether that was so."""
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
            # An earlier attempt, whose answer was lost, may have taken it.
            return bool(error.current) and error.current.get("holder") == {"S": self.holder}
        except TransactionConflict:
            return False
        return True

    def _count_expiry(self) -> float:
        self._renewed = time.monotonic()
        return time.time() + self.seconds

    def renew(self) -> Flow[None]:
        """Begin its time anew.

        :raises LeaseLost: another run has taken it.
        """
        yield from self.write()

    def release(self) -> Flow[None]:
        """Give it back, if it is still there."""
        model = self.ledger.model
        table, key, still = self.ledger.table, self.ledger.key, model.number == self.number
        with suppress(ConditionFailed):  # another run has taken it
            yield from UpdateItem(table, key, [model.expires.set(0.0)], still)

    def write(self, *entries: LedgerEntry) -> Flow[None]:
        """Write *entries* and renew the lease, on condition that it still has the number of this holder.

        :raises LeaseLost: another run has taken it; nothing was written.
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
                    f"another run has taken the lease of {self.holder}, whose number was {self.number}: what "
                    "this run has done since its last checkpoint is not in the ledger, and the other run goes "
                    "on from there; a longer lease=seconds helps where this was too slow"
                ) from error
            raise
