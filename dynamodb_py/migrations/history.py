"""The files of migrations against the ledger: what was applied, what is to be run, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from ..connections import connection_for
from ..exceptions import ConfigurationError, MigrationError
from ..models.instance import options_of
from .files import MigrationFile, load_operations
from .ledger import Ledger, LedgerEntry
from .operations import MigrationOperation
from .values import MigrationStatus

Entries: TypeAlias = "Mapping[str, LedgerEntry]"
"""The ledger: its entries by id."""


class LoadedMigration(Struct, frozen=True):
    """A migration that is to be run, with its operations."""

    file: MigrationFile
    operations: Sequence[MigrationOperation]


def id_of(file: MigrationFile, at: int | None = None) -> str:
    """Return the id in the ledger of a migration, or of its operation *at*, counted from 1."""
    return f"{file.number:04}" if at is None else f"{file.number:04}.{at}"


def _find_problem(file: MigrationFile, entries: Entries) -> str:
    """Return what is wrong with the file of an applied migration; empty if nothing is."""
    entry = entries.get(id_of(file))
    if entry is None:
        return ""
    if entry.name != file.name:
        return f"it was applied under the name {entry.name}: name the file as before"
    if entry.checksum != file.checksum:
        return "its file changed after it was applied: undo that, and put the change into a new migration"
    return ""


def list_statuses(files: Sequence[MigrationFile], entries: Entries) -> Iterator[MigrationStatus]:
    """Yield all migrations, of files and of the ledger."""
    for file in files:
        parts = find_parts(id_of(file), entries)
        yield make_status(file.name, entries.get(id_of(file)), parts, _find_problem(file, entries))
    known = {id_of(file) for file in files}
    for id_ in sorted(entries):
        if id_.isdigit() and id_ not in known:
            problem = "it was applied, and its file is gone: bring it back"
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
    """Return the migrations that are not applied, up to *to*; raise MigrationError for a problem."""
    for status in list_statuses(files, entries):
        if status.problem:
            raise MigrationError(f"migration {status.name}: {status.problem}")
    last = len(files) if to is None else _find_target(files, to)
    pending = [file for file in files if id_of(file) not in entries]
    applied = [file for file in files if id_of(file) in entries]
    if pending and applied and pending[0].number < applied[-1].number:
        raise MigrationError(
            f"migration {pending[0].name} was not applied, and the later {applied[-1].name} was: give the one that "
            "was not applied the next free number"
        )
    return [file for file in pending if file.number <= last]


def _find_target(files: Sequence[MigrationFile], to: str) -> int:
    """Return the number of the migration that is called *to*, by number or name."""
    for file in files:
        if to == file.name or (to.isdigit() and int(to) == file.number):
            return file.number
    names = ", ".join(file.name for file in files[-3:]) or "none at all"
    raise MigrationError(
        f"to={to!r}: there is no such migration: give a number or a name (the last ones are {names})"
    )


def load_pending(
    files: Sequence[MigrationFile], entries: Entries, ledger: Ledger
) -> list[LoadedMigration]:
    """Load the operations of *files*; raise for what cannot be run, before anything is."""
    loaded = [LoadedMigration(file, load_operations(file)) for file in files]
    for each in loaded:
        for at, operation in enumerate(each.operations, 1):
            _check_begun(each.file, at, operation, entries)
            _check_connection(each.file, operation, ledger)
        begun = find_parts(id_of(each.file), entries)
        if len(begun) > len(each.operations):
            raise MigrationError(
                f"migration {each.file.name} was begun with {len(begun)} operations, and has "
                f"{len(each.operations)} now: bring back what was begun"
            )
    return loaded


def _check_begun(
    file: MigrationFile, at: int, operation: MigrationOperation, entries: Entries
) -> None:
    begun = entries.get(id_of(file, at))
    if begun is not None and begun.name != operation.describe():
        raise MigrationError(
            f"migration {file.name}: operation {at} was begun as {begun.name!r}, and is {operation.describe()!r} "
            "now: bring the first back, and put another one into a new migration"
        )


def _check_connection(file: MigrationFile, operation: MigrationOperation, ledger: Ledger) -> None:
    """Raise ConfigurationError for a model of another connection than the ledger's."""
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
