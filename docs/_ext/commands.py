"""``.. commands::``: the help of every command, as ``dynamodb-py`` prints it."""

import click
from docutils import nodes
from docutils.parsers.rst import Directive

from dynamodb_py.cli.with_click import root


class CommandHelp(Directive):
    """``.. commands::`` is the help of every command, as the command prints it."""

    def run(self):
        return [part for path, text in list_help(root, "dynamodb-py") for part in show(path, text)]


def list_help(command, path, parent=None):
    """Yield the name and the help of *command* and of all below it."""
    name, options = path.split(" ")[-1], command.context_settings
    context = click.Context(command, parent, name, **{**options, "terminal_width": 100})
    yield path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from list_help(command.get_command(context, name), f"{path} {name}", context)


def show(path, text):
    return [nodes.rubric(text=path), nodes.literal_block(text, text, language="none")]


def setup(app):
    app.add_directive("commands", CommandHelp)
