"""Files of databases: whether a path has still the same file, and why a file cannot be opened."""

from __future__ import annotations

import os
import sqlite3

_LEAST_BYTES = 512
"""The minimum size of a SQLite database that is not empty: https://www.sqlite.org/fileformat.html"""


def identify_file(path: str) -> tuple[int, int] | None:
    """Return the device and the inode of the file at *path*, or None if there is no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_too_small(path: str) -> bool:
    """Tell whether a file has content, but less than a database has: SQLite would overwrite it."""
    try:
        return 0 < os.path.getsize(path) < _LEAST_BYTES
    except OSError:
        return False


def explain_failure(path: str, error: sqlite3.DatabaseError) -> str:
    """Return the message for *error*, which SQLite raised as it opened the file at *path*."""
    if not isinstance(error, sqlite3.OperationalError):
        return f"{path} is not a database of dynamodb_py: {error}"
    folder = os.path.dirname(os.path.abspath(path))
    reason = str(error)
    if os.path.isdir(path):
        reason = "it is a folder; give the path of a file"
    elif not os.path.isdir(folder):
        reason = f"there is no folder {folder}; create it first"
    return f"{path} cannot be opened: {reason}"
