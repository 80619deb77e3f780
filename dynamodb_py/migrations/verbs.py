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
"""The default duration of a lease, in seconds."""


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
    """Return the flow of a run; raise MigrationError for invalid arguments."""
    check_outside("migrations.run()")
    for name, seconds, least in (("wait", wait, "from 0"), ("lease", lease, "over 0")):
        number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)  # pyright: ignore[reportUnnecessaryIsInstance]
        if not number or seconds < 0 or (name == "lease" and seconds == 0):
            raise MigrationError(f"{name}={seconds!r}: give seconds, {least}")
    files = list_files(folder)
    return run_migrations(files, ledger, to, fake, Lease(ledger, lease), wait, progress)


def plan(
    folder: str | Path, *, to: str | None = None, using: str | None = None, ledger: str = TABLE
) -> MigrationPlan:
    """Return the operations that :func:`run` would run, in order; change nothing.

    :param folder: the folder with the numbered files.
    :param to: the last migration to plan, by number or name, such as ``"0003"``; by default, plan all.
    :param using: the alias of a connection for all requests; by default, the default connection.
    :param ledger: the name of the ledger's table, without the connection's prefix; if it is missing, no
        migration was applied.
    :raises MigrationError: one of the problems for which :func:`run` raises it before it changes anything.

    >>> from tempfile import TemporaryDirectory
    >>> text = '''
    ... from dynamodb_py.migrations import Backfill
    ... from examples.scores import Score
    ... operations = [Backfill(Score, {"points": 60}, condition=Score.points < 60)]
    ... '''
    >>> with TemporaryDirectory() as folder:
    ...     size = Path(folder, "0001_raise_points.py").write_text(text)
    ...     print(plan(folder))
    0001_raise_points: backfill Score by points; once for each item, if the change makes
        the condition false
    """
    known = _make_ledger(ledger, using)
    return drive(plan_migrations(list_files(folder), known, to), known.link, plan)


async def aplan(
    folder: str | Path, *, to: str | None = None, using: str | None = None, ledger: str = TABLE
) -> MigrationPlan:
    """Return the operations that :func:`run` would run, as :func:`plan` does."""
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
    """Run the migrations of *folder* that were not applied, in order; return their status.

    If a run is interrupted, the next one continues at its last checkpoint. Only one run is active at a time, the
    holder of the lease; a run that lost the lease writes nothing more to the ledger. Files of applied migrations
    are not executed.

    :param folder: the folder with the numbered files.
    :param to: the last migration to run, by number or name, such as ``"0003"``; by default, run all.
    :param fake: only mark the migrations as applied, for example because a new table already has their changes.
    :param using: the alias of a connection for all requests; by default, the default connection.
    :param ledger: the name of the ledger's table, without the connection's prefix; it is created if missing.
    :param wait: the largest number of seconds to wait while another run has the lease; by default, 0.
    :param lease: the duration of the lease in seconds; by default, 60. A run renews it; if it does not, another run
        may continue after this time. The clocks of all machines that run migrations must differ by less.
    :param progress: called by backfills with the number of items read and the total, DynamoDB's number of items, or 0
        if unknown; or True for a progress bar.
    :raises MigrationError: before any change: the folder is missing; the numbers have gaps or duplicates; a file
        has no operations, or changed or disappeared after it was applied. Later: an operation failed;
        ``__cause__`` is the error, and ``key`` is the key of the item.
    :raises MigrationsLocked: another run has the lease, and still had it after *wait* seconds.
    :raises LeaseLost: another run has taken the lease of this one.
    :raises ConfigurationError: a model is on another connection.

    >>> from tempfile import TemporaryDirectory
    >>> text = '''
    ... from dynamodb_py.migrations import Backfill
    ... from examples.scores import Score
    ... operations = [Backfill(Score, {"points": 60}, condition=Score.points < 60)]
    ... '''
    >>> with TemporaryDirectory() as folder:
    ...     size = Path(folder, "0001_raise_points.py").write_text(text)
    ...     print(run(folder))
    [X] 0001_raise_points  ... UTC, ... s, 1 item changed
    >>> Score.get(player="ann", game=1).points
    60
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
    """Run the migrations of *folder* that were not applied, as :func:`run` does."""
    known = _make_ledger(ledger, using)
    flow = _start(folder, known, to=to, fake=fake, wait=wait, lease=lease, progress=progress)
    return await drive_async(flow, known.link, arun)


def status(folder: str | Path, *, using: str | None = None, ledger: str = TABLE) -> MigrationList:
    """Return the status of all migrations, of *folder* and of the ledger, with their problems; change nothing.

    :param folder: the folder with the numbered files.
    :param using: the alias of a connection for all requests; by default, the default connection.
    :param ledger: the name of the ledger's table, without the connection's prefix; if it is missing, no
        migration was applied.
    :raises MigrationError: the folder is missing, or its numbers have gaps or duplicates.

    >>> from tempfile import TemporaryDirectory
    >>> text = '''
    ... from dynamodb_py.migrations import Backfill
    ... from examples.scores import Score
    ... operations = [Backfill(Score, {"points": 60}, condition=Score.points < 60)]
    ... '''
    >>> with TemporaryDirectory() as folder:
    ...     size = Path(folder, "0001_raise_points.py").write_text(text)
    ...     print(status(folder))
    [ ] 0001_raise_points
    """
    known = _make_ledger(ledger, using)
    return drive(read_statuses(list_files(folder), known), known.link, status)


async def astatus(
    folder: str | Path, *, using: str | None = None, ledger: str = TABLE
) -> MigrationList:
    """Return the status of all migrations, as :func:`status` does."""
    known = _make_ledger(ledger, using)
    return await drive_async(read_statuses(list_files(folder), known), known.link, astatus)
