"""plan(), run() and status(), and their twins for asyncio."""

from __future__ import annotations

from pathlib import Path

from ..batching import ProgressOption
from ..exceptions import MigrationError
from ..flows import Flow
from ..flows import arun as drive_async
from ..flows import run as drive
from ..models.unit_of_work.collector import check_outside
from .files import list_files
from .ledger import TABLE, Lease, Ledger
from .runner import plan_migrations, read_statuses, run_migrations
from .values import MigrationList, MigrationPlan

LEASE = 60.0
"""The seconds of a lease by default."""


def _make_ledger(table: str, using: str | None) -> Ledger:
    if not isinstance(table, str) or not table:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise MigrationError(f"ledger={table!r}: give the name of a table")
    return Ledger(table, using)


def _start(
    folder: str | Path,
    ledger: Ledger,
    *,
    to: str | None,
    fake: bool,
    wait: float,
    lease: float,
    progress: ProgressOption,
) -> Flow[MigrationList]:
    """Return the flow of a run; raise for arguments that cannot be used."""
    check_outside("migrations.run()")
    for name, seconds, least in (("wait", wait, "0"), ("lease", lease, "more than 0")):
        number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)  # pyright: ignore[reportUnnecessaryIsInstance]
        if not number or seconds < 0 or (name == "lease" and seconds == 0):
            raise MigrationError(f"{name}={seconds!r}: give seconds, {least} at least")
    files = list_files(folder)
    return run_migrations(files, ledger, to, fake, Lease(ledger, lease), wait, progress)


def plan(
    folder: str | Path, *, to: str | None = None, using: str | None = None, ledger: str = TABLE
) -> MigrationPlan:
    """Return the operations that :func:`run` would run, in order; nothing is changed.

    :param folder: and the others: as for :func:`run`.
    :raises MigrationError: as :func:`run` does before it changes anything.
    """
    known = _make_ledger(ledger, using)
    return drive(plan_migrations(list_files(folder), known, to), known.link, plan)


async def aplan(
    folder: str | Path, *, to: str | None = None, using: str | None = None, ledger: str = TABLE
) -> MigrationPlan:
    """Like :func:`plan`, awaited."""
    known = _make_ledger(ledger, using)
    return await drive_async(plan_migrations(list_files(folder), known, to), known.link, aplan)


def run(
    folder: str | Path,
    *,
    to: str | None = None,
    fake: bool = False,
    using: str | None = None,
    ledger: str = TABLE,
    wait: float = 0.0,
    lease: float = LEASE,
    progress: ProgressOption = None,
) -> MigrationList:
    """Run the migrations of *folder* that were not applied, in order; return them.

    If a run is interrupted, the next one continues at its last checkpoint. Only one runs at a time: it has
    a lease, and one that lost it writes nothing more to the ledger. Files of applied migrations are not
    executed.

    :param folder: the folder with the numbered files.
    :param to: the last migration to run, by number or name, ``"0003"``; by default all.
    :param fake: only mark them as applied, as where the table was created with all that they would do.
    :param using: the alias of the connection that all requests go over; by default the default one.
    :param ledger: the name of the ledger's table, as a model would have it; it is created if missing.
    :param wait: how many seconds to wait at most while another run has the lease.
    :param lease: how many seconds after its last sign of life a run counts as dead. The clocks of
        all machines that run migrations must agree better than that.
    :param progress: called during backfills with the number of items that were read, and their number in all as
        DynamoDB knows it, or 0; or True for a bar.
    :raises MigrationError: the numbers have gaps or duplicates; a file has no operations, or changed or vanished
        after it was applied: nothing was changed. Or an operation failed: ``__cause__`` says why, ``key`` at
        which item.
    :raises MigrationsLocked: another run has the lease, and still had it after *wait* seconds.
    :raises LeaseLost: another run has taken the lease of this one.
    :raises ConfigurationError: a model is on another connection.
    """
    known = _make_ledger(ledger, using)
    flow = _start(folder, known, to=to, fake=fake, wait=wait, lease=lease, progress=progress)
    return drive(flow, known.link, run)


async def arun(
    folder: str | Path,
    *,
    to: str | None = None,
    fake: bool = False,
    using: str | None = None,
    ledger: str = TABLE,
    wait: float = 0.0,
    lease: float = LEASE,
    progress: ProgressOption = None,
) -> MigrationList:
    """Like :func:`run`, awaited."""
    known = _make_ledger(ledger, using)
    flow = _start(folder, known, to=to, fake=fake, wait=wait, lease=lease, progress=progress)
    return await drive_async(flow, known.link, arun)


def status(folder: str | Path, *, using: str | None = None, ledger: str = TABLE) -> MigrationList:
    """Return all migrations, of *folder* and of the ledger, with what is wrong; nothing is changed.

    :param folder: and the others: as for :func:`run`.
    :raises MigrationError: the numbers of the folder have gaps or duplicates.
    """
    known = _make_ledger(ledger, using)
    return drive(read_statuses(list_files(folder), known), known.link, status)


async def astatus(
    folder: str | Path, *, using: str | None = None, ledger: str = TABLE
) -> MigrationList:
    """Like :func:`status`, awaited."""
    known = _make_ledger(ledger, using)
    return await drive_async(read_statuses(list_files(folder), known), known.link, astatus)
