"""Sphinx: how the pages are built."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # the pages are of this checkout

import click
from docutils import nodes
from docutils.parsers.rst import Directive

import dynamodb_py
from dynamodb_py.cli.with_click import root

# A method is made of a flow, and has its signature: what it returns is the flow's value.
made = (
    dynamodb_py.Model,
    dynamodb_py.QuerySet,
    dynamodb_py.Manager,
    dynamodb_py.RawQuery,
    dynamodb_py.Table,
)
for thing in (dynamodb_py, *(base for each in made for base in each.__mro__)):
    for method in vars(thing).values():
        said = getattr(getattr(method, "__wrapped__", None), "__annotations__", {})
        if str(said.get("return")).startswith("Flow["):
            said["return"] = said["return"][len("Flow[") : -1]


class CommandHelp(Directive):
    """``.. commands::`` is the help of every command, as the command prints it."""

    def run(self):
        return [part for path, text in list_help(root, "dynamodb-py") for part in show(path, text)]


def list_help(command, path, parent=None):
    """Yield the name and the help of *command* and of all below it."""
    context = click.Context(command, parent, path.split(" ")[-1], terminal_width=100)
    yield path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from list_help(command.get_command(context, name), f"{path} {name}", context)


def show(path, text):
    return [nodes.rubric(text=path), nodes.literal_block(text, text, language="none")]


def setup(app):
    app.add_directive("commands", CommandHelp)


project = "dynamodb_py"
author = "The dynamodb_py authors"
copyright = "2026, The dynamodb_py authors"
version = release = dynamodb_py.__version__

extensions = ["sphinx.ext.autodoc"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
default_role = "any"
nitpicky = False

html_theme = "furo"
html_title = f"dynamodb_py {release}"
