"""Every command as a process, in a terminal and in a pipe: what goes wrong ends in one line and its status."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from .processes import ROOT, SECONDS, silent_server

real_servers = pytest.mark.engines("dynoxide", "extenddb")

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
    "stream {shop}:Plain": 3,
    "dump {shop}:Plain items.jsonl": 3,
    "load {shop}:Plain lines.jsonl": 3,
    "inspect {shop}:Plain": 3,
}
WITHOUT_REQUESTS = [
    "migrate new migrations name",
    "local",
    "export cloudformation {shop}",
    "export iam {shop}",
]


@pytest.fixture(params=["terminal", "pipe"])
def terminal(request):
    return request.param == "terminal"


@pytest.fixture
def start(launcher, shop, tmp_path, terminal):
    """Start a command in a directory with the module and a migration."""
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "0001_a.py").write_text(MIGRATION.format(shop=shop))
    (tmp_path / "lines.jsonl").write_text('{"Item": {"id": {"S": "[b]"}, "city": {"S": "Bonn"}}}\n')

    def start(command, *options, environment=None):
        arguments = [each.replace("+", " ").format(shop=shop) for each in command.split(" ")]
        return launcher.start(
            *arguments, *options, directory=tmp_path, terminal=terminal, environment=environment
        )

    return start


@pytest.mark.parametrize("command", [*COMMANDS, *WITHOUT_REQUESTS])
def test_a_wrong_option_is_refused_with_the_usage(start, command):
    done = start(command, "--nonsense").finish()
    assert done.status == 2
    assert "Usage: dynamodb-py " in done.out + done.err
    assert "No such option" in done.out + done.err


@real_servers
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
    assert done.out + done.err == done.last_line + "\n" or done.shown
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
    assert done.out == "" or done.shown
    assert done.status == 130


def test_a_second_ctrl_c_does_not_wait_for_requests_under_way(start):
    with silent_server() as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        running = start("tables plan {shop}", "--endpoint-url", url, "--region", "us-east-1")
        with server.accept()[0], server.accept()[0]:  # two threads wait for answers
            running.interrupt()
            running.wait_for("interrupted; Ctrl-C again")
            running.interrupt()
            done = running.finish()
    assert done.status == 130
    assert done.out == "" or done.shown


@pytest.fixture
def finish(engine, start):
    """Run a command on the engine."""
    options = ["--endpoint-url", engine.endpoint_url, "--region", "us-east-1"]

    def finish(command, *more):
        prefix = [] if command.startswith("sql") else ["--table-prefix", engine.prefix]
        return start(command, *options, *prefix, *more).finish()

    return finish


@real_servers
def test_every_command_does_its_work(engine, finish, start, terminal):
    plain, users = engine.table_name("plain"), engine.table_name("users")
    assert finish("tables create {shop}").status == 0
    item = {"id": {"S": "a"}, "email": {"S": "a@x"}}
    engine.boto3().put_item(TableName=users, Item=item)
    engine.boto3().put_item(TableName=plain, Item={"id": {"S": "[b]"}})
    work = {
        "tables plan {shop}": (0, "nothing to do"),
        "tables update {shop}": (0, f"{plain} is as declared: ACTIVE"),
        "tables describe {shop}:Plain": (0, "NEW_AND_OLD_IMAGES"),
        "tables ping {shop}:User": (0, "ACTIVE"),
        "migrate plan migrations": (1, "0001_a: backfill Plain by city"),
        "migrate run migrations": (0, "[X] 0001_a"),
        "migrate status migrations": (0, "[X] 0001_a"),
        "unique check {shop}:User": (1, "email='a@x' of the item 'a' has no sentinel"),
        "unique repair {shop}:User": (0, "1 value without a sentinel, 1 created"),
        "denormalize {shop}:Book": (0, "0 items read, 0 changed"),
        "stream {shop}:Plain --from trim_horizon --no-follow": (0, "insert Plain(id='[b]')"),
        "dump {shop}:Plain items.jsonl": (0, f"1 item of {plain} written into items.jsonl"),
        "load {shop}:Plain lines.jsonl --yes": (0, f"1 item put into {plain}"),
        "inspect {shop}:Plain": (0, "id = CharField(hash_key=True)"),
        "export cloudformation {shop}": (0, f'"TableName": "{plain}"'),
        "export iam {shop}": (0, f"table/{plain}"),
    }
    if engine.name != "extenddb":  # it has no PartiQL
        work[f'sql SELECT+*+FROM+"{plain}"'] = (0, '{"city":"Bonn","id":"[b]"}')
    for command, (status, text) in work.items():
        done = finish(command)
        assert (done.status, text in done.out) == (status, True), (command, done)
        assert terminal or "\x1b" not in done.out


def test_local_serves_until_ctrl_c(start):
    running = start("local --port 0")
    running.wait_for("serves a database in memory\n" if not running.is_in_terminal else "memory")
    running.interrupt()
    done = running.finish()
    assert done.status == 0
    assert done.out.startswith("http://127.0.0.1:")


@real_servers
@pytest.mark.parametrize(
    ("answer", "status"),
    [("y\n", 0), ("what\nyes\n", 0), ("n\n", 1), ("\n", 1), ("\x04", 1), ("\x03", 130)],
)
def test_what_is_destructive_asks_in_a_terminal(engine, launcher, shop, tmp_path, answer, status):
    options = ["--endpoint-url", engine.endpoint_url, "--region", "us-east-1"]
    options += ["--table-prefix", engine.prefix]
    model = f"{shop}:Plain"
    launcher.start("tables", "create", model, *options, directory=tmp_path).finish()
    running = launcher.start("tables", "delete", model, *options, directory=tmp_path, terminal=True)
    running.wait_for("[y/N]")
    if answer == "\x03":
        running.interrupt_question()
    else:
        running.type(answer)
    assert running.finish().status == status
    there = engine.table_name("plain") in engine.boto3().list_tables()["TableNames"]
    assert there == (status != 0)


@real_servers
def test_without_colours_a_table_has_none(engine, launcher, shop, tmp_path):
    where = ["--endpoint-url", engine.endpoint_url, "--region", "us-east-1"]
    running = launcher.start(
        *["tables", "ping", *where],
        directory=tmp_path,
        terminal=True,
        environment={"NO_COLOR": "1"},
    )
    done = running.finish()
    assert "responds" in done.out
    assert not re.search(r"\x1b\[3\d", done.shown)


def run_program(*arguments, directory, environment=None, stdout=subprocess.PIPE):
    """Run the program itself, with all that it has to import."""
    return subprocess.run(
        [sys.executable, "-m", "dynamodb_py", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
    )


def test_the_end_of_its_reader_is_no_error(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    done = run_program("--help", directory=tmp_path, stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_the_program_completes_commands_and_options(tmp_path):
    words = {"COMP_WORDS": "dynamodb-py tables p", "COMP_CWORD": "2"}
    done = run_program(
        directory=tmp_path,
        environment={**words, "_DYNAMODB_PY_COMPLETE": "bash_complete"},
    )
    assert done.stdout.splitlines() == ["plain,ping", "plain,plan"]


def test_a_command_loads_no_other(tmp_path):
    script = "import sys; from dynamodb_py.cli import main; main(['local', '--help']); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    loaded = set(done.stdout.split())
    assert "dynamodb_py.cli.commands.local" in loaded
    others = {"dynamodb_py.cli.commands.tables", "dynamodb_py.migrations", "rich", "boto3"}
    assert not loaded & others
