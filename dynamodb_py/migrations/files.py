"""The files of migrations: listing them, loading their operations, and writing new ones."""

from __future__ import annotations

import importlib.util
import re
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from msgspec import Struct

from ..exceptions import MigrationError
from .operations import MigrationOperation

_NUMBERED = re.compile(r"(\d{4,})_(\w+)\.py")

_TEMPLATE = '''"""{title}."""

from dynamodb_py.migrations import AddIndex, Backfill, DropIndex, RenameAttribute, RunPython

operations = [
]
'''


class MigrationFile(Struct, frozen=True):
    """A numbered file of the folder."""

    number: int
    name: str
    """The file's name without ``.py``: ``"0001_add_by_city"``."""
    path: Path
    checksum: str
    """The SHA-256 of its text, with any line ends."""


def list_files(folder: str | Path) -> list[MigrationFile]:
    """Return the migrations of *folder* in order, without executing them.

    :raises MigrationError: the folder does not exist, or the numbers are not 1, 2, 3 and so on, each once.
    """
    place = Path(folder)
    if not place.is_dir():
        raise MigrationError(f"there is no folder {place}: new({str(folder)!r}, ...) creates it")
    found: dict[int, MigrationFile] = {}
    for path in sorted(place.glob("[0-9]*.py")):
        parts = _NUMBERED.fullmatch(path.name)
        if parts is None:
            raise MigrationError(
                f"{path}: the name of a migration is four digits, _ and letters, digits and _, such as "
                "0001_add_by_city.py: rename the file"
            )
        number, checksum = int(parts[1]), sha256(path.read_bytes().replace(b"\r\n", b"\n"))
        other = found.setdefault(
            number, MigrationFile(number, path.stem, path, checksum.hexdigest())
        )
        if other.path != path:
            raise MigrationError(
                f"{other.path.name} and {path.name} have the same number: give the one that was not "
                "applied yet the next free number"
            )
    _check_numbers(place, found)
    return [found[number] for number in sorted(found)]


def _check_numbers(folder: Path, found: dict[int, MigrationFile]) -> None:
    for expected, number in enumerate(sorted(found), 1):
        if number != expected:
            raise MigrationError(
                f"{folder}: there is no migration {expected:04} before {found[number].name}; the numbers begin at "
                "0001 and have no gaps: bring the file back, or rename the later files"
            )


def load_operations(file: MigrationFile) -> tuple[MigrationOperation, ...]:
    """Execute *file* and return its operations.

    :raises MigrationError: the file cannot be executed, or has no list of operations.
    """
    spec = importlib.util.spec_from_file_location(f"migration_{file.name}", file.path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise MigrationError(f"{file.path} cannot be loaded: {error!r}") from error
    given: object = getattr(module, "operations", None)
    if not isinstance(given, (list, tuple)) or not given:
        raise MigrationError(
            f"{file.path} has no operations: it needs operations = [...], with one operation at least"
        )
    for each in cast("list[Any]", given):
        if not isinstance(each, MigrationOperation):
            raise MigrationError(
                f"{file.path}: {each!r:.80} in operations is not an operation: give AddIndex, DropIndex, Backfill, "
                "RenameAttribute or RunPython"
            )
    return tuple(cast("list[MigrationOperation]", given))


def new(folder: str | Path, name: str) -> Path:
    """Write the file of the next migration, with an empty list of operations, and return its path.

    :param folder: the folder of the migrations; it is created if it is missing.
    :param name: a name for the change, of letters, digits and ``_``: ``"add_by_city"``.
    :raises MigrationError: the name has other characters, or the numbers of the folder have gaps or duplicates.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     new(folder, "add_by_city").name
    '0001_add_by_city.py'
    """
    place = Path(folder)
    if re.fullmatch(r"\w+", name) is None:
        raise MigrationError(f"the name {name!r}: give letters, digits and _, such as add_by_city")
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{len(list_files(place)) + 1:04}_{name}.py"
    title = name.replace("_", " ").strip().capitalize() or name
    with path.open("x", encoding="utf-8") as file:  # fails if another process has just created it
        file.write(_TEMPLATE.format(title=title))
    return path
