"""Options of several commands, as click's decorators."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from .access import add_connection, gather
from .plain import PlainCommand, PlainGroup

T = TypeVar("T")


class _Decorators:
    """A collector of click's decorators from calls of ``add_argument()``, a method of argparse."""

    def __init__(self) -> None:
        self.made: list[Callable[[Any], Any]] = []

    def add_argument(self, *names: str, **options: Any) -> None:
        action, dest = options.pop("action", None), options.pop("dest", None)
        if choices := options.pop("choices", None):
            options["type"] = click.Choice(choices)
        if names[0].startswith("-"):
            marks = {"is_flag": action == "store_true", "multiple": action == "append"}
            self.made.append(click.option(*names, *filter(None, [dest]), **marks, **options))
        else:
            self.made.append(click.argument(names[0], metavar=options["metavar"]))

    def decorate(self, function: Callable[..., T]) -> Callable[..., T]:
        """Return *function* with the options, in the order of the calls."""
        for each in reversed(self.made):
            function = each(function)
        return function


def connection_options(function: Callable[..., T]) -> Callable[..., T]:
    """Add the options of the connection to a command, which is called with an ``Access`` as *access*."""

    @wraps(function)
    def call(**values: Any) -> T:
        return function(**gather(values))

    options = _Decorators()
    add_connection(options)
    return options.decorate(call)


models_argument = click.argument("models", nargs=-1, required=True, metavar="MODELS...")
"""Names of models: ``shop.models:User`` is one, ``shop.models`` all that the module defines."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")


def as_click(name: str, command: click.Command | PlainCommand | PlainGroup) -> click.Command:
    """Return *command* as a command of click."""
    if isinstance(command, click.Command):
        return command
    if isinstance(command, PlainGroup):
        inner = {each: as_click(each, one) for each, one in command.commands.items()}
        return click.Group(name, inner, help=command.help)
    options = _Decorators()
    command.add_arguments(options)
    run = command.run

    def call(**values: Any) -> bool:
        return run(**gather(values))

    return click.command(name, help=command.help)(options.decorate(call))
