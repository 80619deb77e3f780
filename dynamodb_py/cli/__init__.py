"""The command line: ``dynamodb-py``, and ``python -m dynamodb_py``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..lazy.loading import load


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit status, one of those in ``statuses.py``.

    If click is not installed, only the plain commands can run.

    :param arguments: the command line; by default the arguments of the process.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        run = load("cli.with_click", "run")
    except ImportError as error:
        if error.name != "click":
            raise
        run = load("cli.without_click", "run")
    status: int = run(given)
    return status
