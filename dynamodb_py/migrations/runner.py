"""Running migrations one after the other, under a lease, and recording each operation in the ledger."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timezone

from msgspec import Struct

from ..batching import Progress, ProgressOption, as_callback, execute_step, next_step
from ..exceptions import DynamoDBError, MigrationError
from ..flows import Flow
from ..operations.base import Call, Pause
from .backfills import fill_items
from .files import MigrationFile
from .history import (
    LoadedMigration,
    find_parts,
    find_pending,
    id_of,
    list_statuses,
    load_pending,
    make_status,
)
from .indexes import add_index, drop_index
from .ledger import Lease, Ledger, LedgerEntry
from .operations import AddIndex, DropIndex, ItemsOperation, MigrationOperation, RunPython
from .values import MigrationList, MigrationPlan, MigrationStatus, PlannedOperation


class _Run(Struct, frozen=True):
    """One run: the ledger, the lease on it, and the ledger's entries at the beginning of the run."""

    ledger: Ledger
    lease: Lease
    entries: dict[str, LedgerEntry]
    progress: Progress | None

    def find_entry(self, file: MigrationFile, at: int | None, name: str) -> LedgerEntry:
        id_ = id_of(file, at)
        found = self.entries.get(id_)
        if found is None:
            found = self.entries[id_] = self.ledger.model(id=id_, name=name)
        found.checksum = file.checksum
        return found


def keep_lease(flow: Flow[None], lease: Lease) -> Flow[None]:
    """Run *flow*, and renew *lease* between its steps and during its pauses, before the lease expires."""
    outcome: object = None
    try:
        while True:
            step = next_step(flow, outcome)
            left = step.seconds if isinstance(step, Pause) else 0.0
            while left > lease.period:
                yield Pause(lease.period)
                yield from lease.renew()
                left -= lease.period
            if lease.is_due:
                yield from lease.renew()
            outcome = yield from execute_step(Pause(left) if isinstance(step, Pause) else step)
    except StopIteration:
        return
    finally:
        flow.close()


def _execute(operation: MigrationOperation, entry: LedgerEntry, run: _Run) -> Flow[None]:
    link = run.ledger.link
    if isinstance(operation, ItemsOperation):
        yield from fill_items(operation, link.alias, entry, run.lease, run.progress)
    elif isinstance(operation, AddIndex):
        yield from add_index(operation, link)
    elif isinstance(operation, DropIndex):
        yield from drop_index(operation, link)
    else:
        assert isinstance(operation, RunPython)
        yield from Call(operation.function)


def _apply(loaded: LoadedMigration, run: _Run) -> Flow[MigrationStatus]:
    """Run the remaining operations of a migration, and record that it is applied."""
    file = loaded.file
    for at, operation in enumerate(loaded.operations, 1):
        entry = run.find_entry(file, at, operation.describe())
        if entry.ended_at is not None:
            continue
        before, begun = entry.seconds, time.monotonic()
        yield from run.lease.write(entry)
        try:
            yield from keep_lease(_execute(operation, entry, run), run.lease)
        except MigrationError as error:
            error.args = (f"migration {file.name}: {error}",)
            raise
        except Exception as error:
            raise MigrationError(
                f"migration {file.name}: {operation.describe()}: {type(error).__name__}: {error}; running it "
                "again continues"
            ) from error
        entry.seconds = before + time.monotonic() - begun
        entry.ended_at = datetime.now(timezone.utc)
        yield from run.lease.write(entry)
    return (yield from _record_applied(file, run, fake=False))


def _record_applied(file: MigrationFile, run: _Run, *, fake: bool) -> Flow[MigrationStatus]:
    entry, parts = run.find_entry(file, None, file.name), find_parts(id_of(file), run.entries)
    entry.ended_at, entry.fake = datetime.now(timezone.utc), fake
    entry.seconds = sum(part.seconds for part in parts)
    yield from run.lease.write(entry)
    return make_status(file.name, entry, parts)


def _run_pending(
    files: Sequence[MigrationFile], run: _Run, to: str | None, *, fake: bool
) -> Flow[MigrationList]:
    pending, done = find_pending(files, run.entries, to), list[MigrationStatus]()
    if fake:
        for file in pending:
            done.append((yield from _record_applied(file, run, fake=True)))
        return MigrationList(done)
    for loaded in load_pending(pending, run.entries, run.ledger):
        done.append((yield from _apply(loaded, run)))
    return MigrationList(done)


def run_migrations(
    files: Sequence[MigrationFile],
    ledger: Ledger,
    to: str | None,
    fake: bool,
    lease: Lease,
    wait: float,
    progress: ProgressOption,
) -> Flow[MigrationList]:
    """Take the lease, run the pending migrations, and release the lease."""
    yield from ledger.create()
    yield from lease.acquire(wait)
    try:
        entries = yield from ledger.read()
        run = _Run(ledger, lease, entries, as_callback(progress))
        done = yield from _run_pending(files, run, to, fake=fake)
    except Exception:
        with suppress(DynamoDBError):  # without this request, the lease expires later
            yield from lease.release()
        raise
    yield from lease.release()
    return done


def plan_migrations(
    files: Sequence[MigrationFile], ledger: Ledger, to: str | None
) -> Flow[MigrationPlan]:
    """Return the operations that have not ended; change nothing."""
    entries = yield from ledger.read()
    found: list[PlannedOperation] = []
    for each in load_pending(find_pending(files, entries, to), entries, ledger):
        for at, operation in enumerate(each.operations, 1):
            entry = entries.get(id_of(each.file, at))
            if entry is None or entry.ended_at is None:
                scanned = 0 if entry is None else entry.scanned
                what, notes = operation.describe(), operation.notes
                found.append(PlannedOperation(each.file.name, what, notes, scanned))
    return MigrationPlan(found)


def read_statuses(files: Sequence[MigrationFile], ledger: Ledger) -> Flow[MigrationList]:
    """Return the status of all migrations, of files and of the ledger."""
    return MigrationList(list_statuses(files, (yield from ledger.read())))
