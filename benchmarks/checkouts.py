"""Which code a contender imports: this checkout's, that of another commit, or of another checkout.

``dynamodb_py`` is this checkout. ``dynamodb_py@938fb98`` is a commit of its repository (a hash, a
branch or a tag), ``dynamodb_py@/path`` another checkout. The contender's module is this checkout's
in each case: the same work is measured, through public names that both have.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import contenders

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "dynamodb_py"


def chosen(text: str | None) -> list[str]:
    """Return the contenders of a comma-separated list, each once; SystemExit for an unknown one."""
    if text is None:
        return list(contenders.NAMES)
    names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names:
        module, at, reference = name.partition("@")
        known = *contenders.NAMES, *contenders.ON_DEMAND
        if module not in known or (at and (module != PACKAGE or not reference)):
            shown = ", ".join([*known, f"{PACKAGE}@COMMIT", f"{PACKAGE}@/path"])
            raise SystemExit(f"no such contender: {name}; there are {shown}")
    if not names:
        raise SystemExit("no contender is named")
    return names


@contextlib.contextmanager
def unpacked(names: Sequence[str]) -> Iterator[dict[str, Path]]:
    """Give the folder from which each of *names* imports the package.

    Commits are unpacked into a folder below build/, which is removed at the end of the block.
    """
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="commits-", dir=ROOT / "build") as directory:
        folders = {}
        for number, name in enumerate(names):
            reference = name.partition("@")[2]
            if not reference:
                folders[name] = ROOT
            elif (Path(reference) / PACKAGE).is_dir():
                folders[name] = Path(reference).resolve()
            else:
                folders[name] = Path(directory, str(number))
                _unpack(reference, folders[name])
        yield folders


def _unpack(reference: str, folder: Path) -> None:
    archive = _git(ROOT, "archive", "--format=zip", _commit(reference), PACKAGE)
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        files.extractall(folder)


def _commit(reference: str) -> str:
    try:
        found = _git(ROOT, "rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}")
    except subprocess.CalledProcessError:
        message = f"{reference} is neither a commit of {ROOT} nor a folder with {PACKAGE} in it"
        raise SystemExit(message) from None
    return found.decode().strip()


def describe(name: str) -> str:
    """Return the commit that *name* is at, with ``-dirty`` where files of a checkout were changed."""
    reference = name.partition("@")[2]
    is_commit = reference and not (Path(reference) / PACKAGE).is_dir()
    folder = ROOT if is_commit or not reference else Path(reference)
    which = [_commit(reference)] if is_commit else ["--dirty"]
    try:
        return _git(folder, "describe", "--always", "--abbrev=9", *which).decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return "no commit"


def _git(folder: Path, *arguments: str) -> bytes:
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True
    ).stdout
