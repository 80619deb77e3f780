"""Commands as values that both argparse and click can run: they work without the extra."""

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
    """Called with the arguments by name, those of the connection as *access*; returns whether something is left."""


class PlainGroup(NamedTuple):
    """Commands under one name."""

    help: str
    commands: Mapping[str, PlainCommand]


def add_model(parser: Parser, *, workers: int) -> None:
    """Add the argument for a model, the options of its connection, and ``--workers``."""
    parser.add_argument("model", metavar="MODULE:MODEL", help="The model, as shop.models:User.")
    add_connection(parser)
    text = f"The most requests at once ({workers})."
    parser.add_argument("--workers", type=int, default=workers, metavar="N", help=text)


def add_json(parser: Parser) -> None:
    """Add ``--json``, for a command that prints a report."""
    text = "Print only the sums, as an object of JSON, for programs."
    parser.add_argument("--json", action="store_true", dest="as_json", help=text)


def check_workers(workers: int) -> None:
    """Raise UsageError for no workers."""
    if workers < 1:
        raise UsageError(f"--workers {workers}: it must be at least 1")
