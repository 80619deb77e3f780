"""Checkpoints: small files in JSON that say how far a dump or a load is, replaced as a whole."""

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
    """How far a run is. It belongs to one table."""

    table: str
    """What :func:`identify_table` returns."""
    items: int = 0
    """How many items are done."""


def name_checkpoint(path: str | os.PathLike[str], verb: str) -> Path:
    """Return the path of the checkpoint of *verb*, ``"dump"`` or ``"load"``, beside the file or folder *path*."""
    path = Path(path)
    return path.with_name(f"{path.name}.{verb}-checkpoint")


def identify_table(description: Mapping[str, Any]) -> str:
    """Return a text that no other table has, nor one that was made later under the same name."""
    made = description.get("TableId") or description.get("CreationDateTime")
    return f"{description.get('TableArn') or description['TableName']} ({made})"


def read_checkpoint(path: Path, kind: type[C], table: str) -> C | None:
    """Return the checkpoint in *path*, None if there is none.

    :raises DumpError: it is of another table, or is no checkpoint.
    """
    try:
        checkpoint = msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise DumpError(f"{path} is no checkpoint ({error}): remove it to start anew") from error
    if checkpoint.table != table:
        raise DumpError(
            f"{path} is the checkpoint of the table {checkpoint.table}, not of {table}: name that table, or remove "
            "the file to start anew"
        )
    return checkpoint


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write *checkpoint* in place of the one in *path*: whenever the process ends, one of the two is whole."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        file.write(msgspec.json.encode(checkpoint))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
