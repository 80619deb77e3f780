"""Files of databases: which file is at a path, and why one cannot be opened."""

from __future__ import annotations

import os
import sqlite3

_LEAST_BYTES = 512
"""No database of SQLite is smaller, but for an empty file: https://www.sqlite.org/fileformat.html"""


def identify_file(path: str) -> tuple[int, int] | None:
    """Return what identifies the file at *path*, or None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_too_small(path: str) -> bool:
    """Tell whether a file has something in it that is no database: SQLite would write over it."""
    try:
        return 0 < os.path.getsize(path) < _LEAST_BYTES
    except OSError:
        return False


def explain_failure(path: str, error: sqlite3.DatabaseError) -> str:
    """Return why the file at *path* cannot be used."""
    if not isinstance(error, sqlite3.OperationalError):
        return f"{path} is no database of dynamodb_py: {error}"
    folder = os.path.dirname(os.path.abspath(path))
    reason = str(error)
    if os.path.isdir(path):
        reason = "it is a folder"
    elif not os.path.isdir(folder):
        reason = f"{folder} is no folder: make it first"
    return f"{path} cannot be opened: {reason}"
