"""The command line without click: argparse, and the plain commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from ..lazy import COMMANDS
from ..lazy.loading import load
from .access import gather
from .plain import PlainCommand, PlainGroup
from .statuses import EXTRA, PROGRAM, USAGE, refuse, run_guarded, show_version, wants_traceback

_PLAIN = ("denormalize", "local", "unique")


def run(arguments: Sequence[str]) -> int:
    """Run one of the plain commands, and return the exit status; refuse all others."""
    name = next((each for each in arguments if not each.startswith("-")), None)
    others = {each for names in COMMANDS.values() for each in names.split()} - {*_PLAIN}
    if name in others:
        return refuse(name)
    parser = argparse.ArgumentParser(
        prog=PROGRAM, epilog=f"After {EXTRA} there are also {', '.join(sorted(others))}."
    )
    parser.add_argument("--version", action="version", version=show_version())
    parser.add_argument("--traceback", action="store_true", help="Show where an error comes from.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for each in _PLAIN:
        _add(commands, each, load(f"cli.commands.{each}", each))
    try:
        values = vars(parser.parse_args(arguments))
    except SystemExit as exit_:  # argparse has printed the error or the help
        return USAGE if exit_.code else 0
    call = values.pop("call")
    del values["traceback"]
    return run_guarded(lambda: call(**gather(values)), show_traceback=wants_traceback(arguments))


def _add(commands: Any, name: str, command: PlainCommand | PlainGroup) -> None:
    parser = commands.add_parser(name, help=command.help, description=command.help)
    if isinstance(command, PlainCommand):
        command.add_arguments(parser)
        parser.set_defaults(call=command.run)
        return
    inner = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for each, one in command.commands.items():
        _add(inner, each, one)
