"""The command line: ``dynamodb-py``, and ``python -m dynamodb_py``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..lazy.loading import load


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit status, one of those in ``statuses.py``.

    Without *arguments*, those of the process. Without click, only the commands of ``without_click.py`` are there.
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
