"""The complete command line: a group of click, which loads a command at its first use."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import click
from click.shell_completion import shell_complete

from ..lazy import COMMANDS
from ..lazy.loading import load
from .options import as_click
from .statuses import PROGRAM, STATUSES, USAGE, run_guarded, show_version, wants_traceback

_ROOMS = {name: room for room, names in COMMANDS.items() for name in names.split()}
_COMPLETE = "_DYNAMODB_PY_COMPLETE"


class Commands(click.Group):
    """All commands; a command is loaded when it is named, and all are loaded for the help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_ROOMS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        room = _ROOMS.get(cmd_name)
        return None if room is None else as_click(cmd_name, load(room, cmd_name))


def _describe_statuses() -> str:
    lines = [f"{status}: {meaning}" for status, meaning in STATUSES.items()]
    return "\b\nExit status:\n" + "\n".join(lines)


root = Commands(
    PROGRAM,
    help="Work on the tables of models and their items.",
    epilog=_describe_statuses(),
    context_settings={"help_option_names": ["-h", "--help"]},
    params=[
        click.Option(["--traceback"], is_flag=True, help="Show where an error comes from."),
    ],
)
root = click.version_option(show_version(), prog_name=PROGRAM, message="%(version)s")(root)


@contextmanager
def _translating() -> Generator[None]:
    """Print the messages of click's exceptions, and raise SystemExit in their place."""
    try:
        yield
    except click.exceptions.Exit as exit_:  # click has printed the help or the version
        raise SystemExit(exit_.exit_code) from None
    except click.ClickException as error:
        error.show()
        raise SystemExit(USAGE) from None


def run(arguments: Sequence[str]) -> int:
    """Run one command, and return the exit status."""
    if instruction := os.environ.get(_COMPLETE):
        return shell_complete(root, {}, PROGRAM, _COMPLETE, instruction)

    def call() -> object:
        with _translating(), root.make_context(PROGRAM, list(arguments)) as context:
            return root.invoke(context)

    try:
        return run_guarded(call, show_traceback=wants_traceback(arguments))
    except SystemExit as exit_:
        return int(exit_.code or 0)
