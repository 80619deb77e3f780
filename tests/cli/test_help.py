"""The help of the commands, which the page ``docs/command_line.rst`` shows."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from dynamodb_py.cli.statuses import STATUSES
from dynamodb_py.cli.with_click import root
from dynamodb_py.lazy import COMMANDS

from .processes import ROOT


def walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from walk(inner, f"{path} {name}")


ALL = dict(walk(root, "dynamodb-py"))


def test_the_help_lists_all_commands_and_statuses(run):
    done = run("--help")
    assert (done.status, done.err) == (0, "")
    for name in (each for names in COMMANDS.values() for each in names.split()):
        assert f"\n  {name} " in done.out
    for status in STATUSES:
        assert f"\n  {status}: " in done.out


@pytest.mark.parametrize("path", ALL)
def test_a_command_and_its_options_explain_themselves(path):
    command = ALL[path]
    assert command.help
    assert command.help.split("\n\n")[0].endswith(".")
    for option in (each for each in command.params if isinstance(each, click.Option)):
        assert option.help, option.name
        assert option.help[-1] == ".", option.name


@pytest.mark.parametrize(
    "path", [path for path, each in ALL.items() if isinstance(each, click.Group)]
)
def test_the_first_sentence_of_a_command_fits_into_the_list_of_commands(path):
    text = ALL[path].get_help(click.Context(ALL[path], terminal_width=80))
    assert "..." not in text.partition("Commands:")[2]


def test_the_documentation_shows_the_help_of_the_commands():
    page = (ROOT / "docs" / "command_line.rst").read_text(encoding="utf-8")
    assert "\n.. commands::\n" in page


@pytest.mark.parametrize("arguments", ["--version", "--version tables"])
def test_the_version_is_that_of_the_package(run, arguments):
    import dynamodb_py

    assert run(arguments) == (0, f"dynamodb-py {dynamodb_py.__version__}\n", "", "")


def test_a_traceback_is_shown_on_request(run):
    plain = run("tables ping --address memory://x --region x")
    assert "Traceback" not in plain.err
    traced = run("--traceback migrate plan nowhere")
    assert traced.status == 3
    assert traced.err.startswith("Traceback (most recent call last):")
    assert "error: MigrationError: there is no folder nowhere" in traced.err
