"""Commands as values that both argparse and click can run, so that they work without the extra."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from .access import Parser, add_connection
from .statuses import UsageError


class PlainCommand(NamedTuple):
    """A command."""

    help: str
    add_arguments: Callable[[Parser], None]
    run: Callable[..., bool]
    """A function of the arguments by name, with an ``Access`` as *access*; True means the exit status FOUND."""


class PlainGroup(NamedTuple):
    """Commands under one name."""

    help: str
    commands: Mapping[str, PlainCommand]


def add_model(parser: Parser, *, workers: int) -> None:
    """Add the argument for a model, the options of its connection, and ``--workers``."""
    parser.add_argument(
        "model", metavar="MODULE:MODEL", help="The model, such as shop.models:User."
    )
    add_connection(parser)
    text = f"The most requests at once ({workers})."
    parser.add_argument("--workers", type=int, default=workers, metavar="N", help=text)


def add_json(parser: Parser) -> None:
    """Add ``--json``, for a command that prints a report."""
    text = "Print only the totals, as a JSON object, for programs."
    parser.add_argument("--json", action="store_true", dest="as_json", help=text)


def check_workers(workers: int) -> None:
    """Raise UsageError for a number below 1."""
    if workers < 1:
        raise UsageError(f"--workers {workers}: give a number from 1")
