"""Checkpoints: small files in JSON with the progress of a dump or a load, which are replaced atomically."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from ..exceptions import DumpError

C = TypeVar("C", bound="Checkpoint")


class Checkpoint(Struct, kw_only=True):
    """The progress of a run on one table."""

    table: str
    """The identity of the table, from :func:`identify_table`."""
    items: int = 0
    """The number of items that are done."""


def name_checkpoint(path: str | os.PathLike[str], verb: str) -> Path:
    """Return the path of the checkpoint of a dump or a load, which is beside the file or folder *path*.

    :param path: the path of the file, or of the folder of an export.
    :param verb: ``"dump"`` or ``"load"``.

    >>> name_checkpoint("backup/notes.jsonl.gz", "dump").as_posix()
    'backup/notes.jsonl.gz.dump-checkpoint'
    """
    path = Path(path)
    return path.with_name(f"{path.name}.{verb}-checkpoint")


def identify_table(description: Mapping[str, Any]) -> str:
    """Return a text that is unique to the table, also among tables that had or will have the same name."""
    made = description.get("TableId") or description.get("CreationDateTime")
    return f"{description.get('TableArn') or description['TableName']} ({made})"


def read_checkpoint(path: Path, kind: type[C], table: str) -> C | None:
    """Return the checkpoint in *path*, or None if the file does not exist.

    :raises DumpError: the file is not a checkpoint, or the checkpoint of another table.
    """
    try:
        checkpoint = msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise DumpError(
            f"{path} is not a checkpoint ({error}): remove it to start again"
        ) from error
    if checkpoint.table != table:
        raise DumpError(
            f"{path} is the checkpoint of the table {checkpoint.table}, not of {table}: name that table, or remove "
            "the file to start again"
        )
    return checkpoint


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint in *path*; if the process ends here, the old or the new one is complete."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        file.write(msgspec.json.encode(checkpoint))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
