"""Every command as a process, in a terminal and in a pipe: what goes wrong ends in one line and its status."""

from __future__ import annotations

import pytest

from .processes import silent_server

MIGRATION = """
import {shop}
from dynamodb_py.migrations import Backfill

operations = [Backfill({shop}.Plain, {{"city": "Bonn"}}, condition={shop}.Plain.id.exists())]
"""

# Each command, with the status that it has where the table is missing; None: it does not need one.
COMMANDS = {
    "tables create {shop}:Plain": None,
    "tables plan {shop}:Plain": 3,
    "tables update {shop}:Plain": 3,
    "tables delete {shop}:Plain --yes": 3,
    "tables describe {shop}:Plain": 3,
    "tables ping {shop}:Plain": 1,
    "migrate plan migrations": 1,
    "migrate run migrations": 3,
    "migrate status migrations": 0,
    "sql SELECT+*+FROM+missing": 3,
    "unique check {shop}:User": 3,
    "unique repair {shop}:User": 3,
    "denormalize {shop}:Book": 3,
}
WITHOUT_REQUESTS = ["migrate new migrations name", "local"]


@pytest.fixture(params=["terminal", "pipe"])
def terminal(request):
    return request.param == "terminal"


@pytest.fixture
def start(launcher, shop, tmp_path, terminal):
    """Start a command in a directory with the module and a migration."""
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "0001_a.py").write_text(MIGRATION.format(shop=shop))

    def start(command, *options, environment=None):
        arguments = [each.replace("+", " ").format(shop=shop) for each in command.split(" ")]
        return launcher.start(
            *arguments, *options, directory=tmp_path, terminal=terminal, environment=environment
        )

    return start


@pytest.mark.parametrize("command", [*COMMANDS, *WITHOUT_REQUESTS])
def test_a_wrong_option_is_refused_with_the_usage(start, command):
    done = start(command, "--nonsense").finish()
    name = command.partition("{")[0].strip()
    assert done.status == 2
    assert "Usage: dynamodb-py " in done.out + done.err
    assert "No such option" in done.out + done.err


@pytest.mark.parametrize("command", [name for name, status in COMMANDS.items() if status])
def test_a_missing_table_is_reported_in_a_line(engine, start, command):
    where = ["--endpoint-url", engine.endpoint_url, "--region", "us-east-1"]
    prefix = [] if command.startswith("sql") else ["--table-prefix", engine.prefix]
    done = start(command, *where, *prefix).finish()
    assert done.status == COMMANDS[command], done
    assert "Traceback" not in done.out + done.err
    if done.status == 3:
        assert "error: " in done.last_line


@pytest.mark.parametrize("command", COMMANDS)
def test_without_credentials_it_says_so_in_a_line(start, command):
    gone = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    done = start(command, "--region", "us-east-1", environment=gone).finish()
    assert done.last_line.startswith("error: ConfigurationError: No AWS credentials are known")
    assert done.out + done.err == done.last_line + "\n" or done.is_of_terminal
    assert done.status == 3


@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_ends_it_with_130_and_nothing_half_printed(start, command):
    with silent_server() as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        running = start(command, "--endpoint-url", url, "--region", "us-east-1")
        with server.accept()[0]:
            running.interrupt()
            done = running.finish()
    assert (done.out + done.err).count("interrupted; Ctrl-C again does not wait") == 1
    assert done.out == "" or done.is_of_terminal
    assert done.status == 130
