"""The commands that work without click: what they print, and with which status they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from dynamodb_py import CharField, Model, Table
from dynamodb_py.cli import main
from dynamodb_py.lazy.loading import LazyRoom

from ..engines import ACCESS_KEY, SECRET_KEY
from .processes import ROOT


class User(Model):
    class Meta:
        table_name = "users"

    id = CharField(hash_key=True)
    email = CharField(unique=True)


class Book(Model):
    isbn = CharField(hash_key=True)


@pytest.fixture(params=["click", "argparse"], autouse=True)
def parser(request, monkeypatch):
    """What reads the command line: click, or argparse where click is not installed."""
    if request.param == "argparse":
        for name in ("dynamodb_py.cli.with_click", "dynamodb_py.cli.options"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.setitem(sys.modules, "click", None)
    return request.param


@pytest.fixture
def put(engine):
    """Write an item of a user, without its sentinel, as somebody else would."""
    Table(User).create()
    client, table = engine.boto3(), engine.table_name("users")

    def write(id: str, email: str) -> None:
        client.put_item(TableName=table, Item={"id": {"S": id}, "email": {"S": email}})

    return write


def test_what_is_missing_is_printed_made_and_then_right(engine, put, shop, capsys):
    put("a", "a@x")
    put("b", "b@x")

    assert main(["unique", "check", f"{shop}:User"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert sorted(lines[:2]) == [
        "missing: User email='a@x' of the item 'a' has no sentinel",
        "missing: User email='b@x' of the item 'b' has no sentinel",
    ]
    assert lines[2:] == [
        "2 items and 0 sentinels read",
        "2 values without a sentinel",
        "0 stale sentinels",
        "0 values that several items have",
    ]

    assert main(["unique", "repair", f"{shop}:User", "--dry-run", "--quiet"]) == 1
    assert "missing" not in capsys.readouterr().out

    assert main(["unique", "repair", f"{shop}:Namespace.User"]) == 0
    assert "2 values without a sentinel, 2 created\n" in capsys.readouterr().out

    assert main(["unique", "check", f"{shop}:User"]) == 0
    assert capsys.readouterr().out.startswith("2 items and 2 sentinels read\n0 values without")


def test_reports_are_json_for_programs(engine, put, shop, capsys):
    put("a", "a@x")
    assert main(["unique", "check", f"{shop}:User", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["items"], report["missing"], report["duplicates"]) == (1, 1, [])
    Table(Book).create()
    assert main(["denormalize", f"{shop}:Book", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == dict.fromkeys(
        ("items", "changed", "dangling", "moved"), 0
    )


@pytest.mark.engines("dynoxide")
def test_duplicates_are_left_and_printed(engine, put, shop, capsys):
    put("a", "same@x")
    put("b", "same@x")
    assert main(["unique", "repair", f"{shop}:User", "--quiet"]) == 1
    printed = capsys.readouterr().out
    assert "duplicate: User email='same@x': the items " in printed
    assert "'a'" in printed
    assert "'b'" in printed
    assert "1 value that several items have" in printed


@pytest.mark.engines("dynoxide")
def test_it_runs_as_a_program_of_its_own(engine, put, shop):
    put("a", "a@x")
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "dynamodb_py", "unique", "repair", f"{shop}:User"]
    options = ["--endpoint-url", engine.endpoint_url, "--region", "us-east-1"]
    prefix = engine.table_name("")
    done = subprocess.run(
        [*command, *options, "--table-prefix", prefix, "--workers", "2"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 value without a sentinel, 1 created\n" in done.stdout
    assert main(["unique", "check", f"{shop}:User"]) == 0


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("{shop}", "names no model: write module:Model, such as shop.models:User"),
        (":User", "names no model"),
        ("no_such_module:User", "there is no module no_such_module, in "),
        (
            "no/module.py:User",
            "'no/module.py' names no module: write it as in an import, shop.models",
        ),
        ("{shop}:Nobody", "has no Nobody"),
        ("{shop}:number", "is not a model but 7"),
        ("{shop}:Base", "is abstract, so it has no table"),
        ("{shop}:Plain", "has no unique values"),
    ],
)
def test_a_model_that_is_none_is_one_line(shop, capsys, model, message):
    assert main(["unique", "check", model.format(shop=shop)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unique"],
        ["unique", "mend", "shop:User"],
        ["unique", "check"],
        ["unique", "check", "shop:User", "--dry-run"],
        ["unique", "check", "shop:User", "--workers", "many"],
        ["nothing"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_gives_the_usage(capsys, arguments):
    assert main(arguments) == 2
    assert capsys.readouterr().err.lower().startswith("usage: dynamodb-py")


def test_there_is_at_least_one_worker(shop, capsys):
    assert main(["unique", "repair", f"{shop}:User", "--workers", "0"]) == 2
    assert "--workers 0: give a number from 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--help"], ["unique", "-h"], ["unique", "repair", "-h"]], ids=" ".join
)
def test_help_is_given(capsys, arguments):
    assert main(arguments) == 0
    assert capsys.readouterr().out.lower().startswith("usage: dynamodb-py")


@pytest.mark.engines("dynoxide")
def test_what_goes_wrong_is_one_line(engine, shop, capsys):
    assert main(["unique", "check", f"{shop}:User"]) == 3
    printed = capsys.readouterr().err
    assert printed.startswith("error: TableNotFound: ")
    assert "Table(Model).update() creates it" in printed
    assert "Traceback" not in printed


def test_a_terminal_needs_rich(engine, shop, monkeypatch, capsys, parser):
    if parser == "argparse":
        return
    monkeypatch.setattr("dynamodb_py.cli.output.terminal", LazyRoom("cli.terminal"))
    monkeypatch.delitem(sys.modules, "dynamodb_py.cli.terminal", raising=False)
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["tables", "ping"]) == 4
    expected = 'error: this output needs click and rich: pip install "dynamodb-py[cli]"\n'
    assert capsys.readouterr() == ("", expected)


def test_the_other_commands_name_the_extra_without_click(parser, capsys):
    status = main(["tables", "plan", "no_such_module"])
    error = capsys.readouterr().err
    if parser == "click":
        assert (status, error[:25]) == (2, "error: there is no module")
    else:
        expected = 'error: tables needs click and rich: pip install "dynamodb-py[cli]"\n'
        assert (status, error) == (4, expected)
