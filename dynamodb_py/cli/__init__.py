"""The command line: ``python -m dynamodb_py``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ..exceptions import DynamoDBError
from . import denormalize, local, unique
from .common import UsageError

# Exit statuses, beside 0.
FOUND, USAGE, FAILED, INTERRUPTED = 1, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return the exit status.

    0: all is right, or was repaired. 1: something that was found is not repaired. 2: the command line is
    wrong. 3: the command failed. Without *arguments*, those of the process.
    """
    parser = argparse.ArgumentParser(
        prog="python -m dynamodb_py",
        description="Work on tables of models, or serve the embedded database.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    denormalize.add_to(commands)
    local.add_to(commands)
    unique.add_to(commands)
    try:
        chosen = parser.parse_args(arguments)
    except SystemExit as exit_:  # argparse has printed the error or the help
        return int(exit_.code or 0)
    try:
        found: bool = chosen.run(chosen)
    except UsageError as error:
        sys.stderr.write(f"error: {error}\n")
        return USAGE
    except DynamoDBError as error:
        sys.stderr.write(f"error: {type(error).__name__}: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    return FOUND if found else 0
