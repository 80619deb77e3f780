"""Comparing the files of migrations with the ledger: applied and pending migrations, and problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from ..connections import connection_for
from ..exceptions import ConfigurationError, MigrationError
from ..metering import format_count
from ..models.instance import options_of
from .files import MigrationFile, load_operations
from .ledger import Ledger, LedgerEntry
from .operations import IndexOperation, MigrationOperation
from .values import MigrationStatus

Entries: TypeAlias = "Mapping[str, LedgerEntry]"
"""The ledger: its entries by id."""


class LoadedMigration(Struct, frozen=True):
    """A pending migration with its operations."""

    file: MigrationFile
    operations: Sequence[MigrationOperation]


def id_of(file: MigrationFile, at: int | None = None) -> str:
    """Return the id in the ledger of a migration, or of its operation *at*, counted from 1."""
    return f"{file.number:04}" if at is None else f"{file.number:04}.{at}"


def _find_problem(file: MigrationFile, entries: Entries) -> str:
    """Return the problem of the file of an applied migration, or "" if there is none."""
    entry = entries.get(id_of(file))
    if entry is None:
        return ""
    if entry.name != file.name:
        return f"it was applied under the name {entry.name}: give the file that name again"
    if entry.checksum != file.checksum:
        return "its file changed after it was applied: undo that, and put the change into a new migration"
    return ""


def list_statuses(files: Sequence[MigrationFile], entries: Entries) -> Iterator[MigrationStatus]:
    """Yield the status of all migrations, of files and of the ledger."""
    for file in files:
        parts = find_parts(id_of(file), entries)
        yield make_status(file.name, entries.get(id_of(file)), parts, _find_problem(file, entries))
    known = {id_of(file) for file in files}
    for id_ in sorted(entries):
        if id_.isdigit() and id_ not in known:
            problem = "it was applied, but its file is missing: bring the file back"
            yield make_status(entries[id_].name, entries[id_], find_parts(id_, entries), problem)


def find_parts(id_: str, entries: Entries) -> list[LedgerEntry]:
    """Return the entries of the operations of a migration."""
    return [entry for name, entry in entries.items() if name.startswith(f"{id_}.")]


def make_status(
    name: str, entry: LedgerEntry | None, parts: Sequence[LedgerEntry], problem: str = ""
) -> MigrationStatus:
    """Return the status of a migration, from its entry and those of its operations."""
    return MigrationStatus(
        name,
        "applied" if entry is not None else "begun" if parts else "pending",
        None if entry is None else entry.ended_at,
        sum(part.seconds for part in parts),
        sum(part.changed for part in parts),
        sum(part.skipped for part in parts),
        entry is not None and entry.fake,
        problem,
    )


def find_pending(
    files: Sequence[MigrationFile], entries: Entries, to: str | None
) -> list[MigrationFile]:
    """Return the migrations up to *to* that are not applied; raise MigrationError for a problem."""
    for status in list_statuses(files, entries):
        if status.problem:
            raise MigrationError(f"migration {status.name}: {status.problem}")
    last = len(files) if to is None else _find_target(files, to)
    pending = [file for file in files if id_of(file) not in entries]
    applied = [file for file in files if id_of(file) in entries]
    if pending and applied and pending[0].number < applied[-1].number:
        raise MigrationError(
            f"migration {pending[0].name} was not applied, but the later {applied[-1].name} was: give "
            f"{pending[0].name} the next free number"
        )
    return [file for file in pending if file.number <= last]


def _find_target(files: Sequence[MigrationFile], to: str) -> int:
    """Return the number of the migration with the number or name *to*."""
    for file in files:
        if to == file.name or (to.isdigit() and int(to) == file.number):
            return file.number
    names = ", ".join(file.name for file in files[-3:]) or "none at all"
    raise MigrationError(
        f"to={to!r}: there is no such migration; give a number or a name (the last ones are {names})"
    )


def load_pending(
    files: Sequence[MigrationFile], entries: Entries, ledger: Ledger
) -> list[LoadedMigration]:
    """Load the operations of *files*; raise an error before the run if one of them cannot run."""
    loaded = [LoadedMigration(file, load_operations(file)) for file in files]
    _check_indexes(loaded)
    for each in loaded:
        for at, operation in enumerate(each.operations, 1):
            _check_begun(each.file, at, operation, entries)
            _check_connection(each.file, operation, ledger)
        begun = find_parts(id_of(each.file), entries)
        if len(begun) > len(each.operations):
            raise MigrationError(
                f"migration {each.file.name} has {format_count(len(each.operations), 'operation')}, but {len(begun)} have begun: "
                "bring back those that have begun"
            )
    return loaded


def _check_indexes(loaded: Sequence[LoadedMigration]) -> None:
    """Raise MigrationError if a model contradicts the last operation on one of its indexes."""
    last = {
        (options_of(operation.model).table_name, operation.index): (each.file, operation)
        for each in loaded
        for operation in each.operations
        if isinstance(operation, IndexOperation)
    }
    for file, operation in last.values():
        if problem := operation.find_problem():
            raise MigrationError(f"migration {file.name}: {operation.describe()}: {problem}")


def _check_begun(
    file: MigrationFile, at: int, operation: MigrationOperation, entries: Entries
) -> None:
    begun = entries.get(id_of(file, at))
    if begun is not None and begun.name != operation.describe():
        raise MigrationError(
            f"migration {file.name}: operation {at} has begun as {begun.name!r}, but is now "
            f"{operation.describe()!r}: bring the old one back, and put the new one into a new migration"
        )


def _check_connection(file: MigrationFile, operation: MigrationOperation, ledger: Ledger) -> None:
    """Raise ConfigurationError if the model is on another connection than the ledger."""
    model = getattr(operation, "model", None)
    if model is None or ledger.using is not None:
        return
    own = connection_for(None, options_of(model).using)
    if own is not ledger.link:
        raise ConfigurationError(
            f"migration {file.name}: {model.__name__} is on the connection {own.alias!r}, and the ledger on "
            f"{ledger.link.alias!r}: give using={own.alias!r}, and keep migrations of other connections in other "
            "folders"
        )
