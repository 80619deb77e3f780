"""``python -m dynamodb_py``: what it prints, and with which status it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dynamodb_py import CharField, Model, Table
from dynamodb_py.cli import main

from .engines import ACCESS_KEY, SECRET_KEY

SHOP = """
from dynamodb_py import CharField, Model

class User(Model):
    class Meta:
        table_name = "{table}"
    id = CharField(hash_key=True)
    email = CharField(unique=True)

class Plain(Model):
    id = CharField(hash_key=True)

class Base(Model):
    class Meta:
        abstract = True

class Namespace:
    User = User

number = 7
"""


class User(Model):
    class Meta:
        table_name = "users"

    id = CharField(hash_key=True)
    email = CharField(unique=True)


@pytest.fixture
def shop(tmp_path, monkeypatch, request):
    """A module of a user's, in a directory that is the current one."""
    name = f"shop_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(SHOP.format(table="users"))
    (tmp_path / f"{name}_broken.py").write_text("import nothing_of_this_name")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield name
    for each in (name, f"{name}_broken"):
        sys.modules.pop(each, None)


@pytest.fixture
def put(engine):
    """Write an item of a user, without its sentinel, as somebody else would."""
    Table(User).create()
    client, table = engine.boto3(), engine.table_name("users")

    def write(id: str, email: str) -> None:
        client.put_item(TableName=table, Item={"id": {"S": id}, "email": {"S": email}})

    return write


def test_what_is_missing_is_told_made_and_then_right(engine, put, shop, capsys):
    put("a", "a@x")
    put("b", "b@x")

    assert main(["unique", "check", f"{shop}:User"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert sorted(said[:2]) == [
        "missing: User email='a@x' of the item 'a' has no sentinel",
        "missing: User email='b@x' of the item 'b' has no sentinel",
    ]
    assert said[2:] == [
        "2 items and 0 sentinels read",
        "2 values without a sentinel",
        "0 stale sentinels",
        "0 values that several items have",
    ]

    assert main(["unique", "repair", f"{shop}:User", "--dry-run", "--quiet"]) == 1
    assert "missing" not in capsys.readouterr().out

    assert main(["unique", "repair", f"{shop}:Namespace.User"]) == 0
    assert "2 values without a sentinel, 2 made\n" in capsys.readouterr().out

    assert main(["unique", "check", f"{shop}:User"]) == 0
    assert capsys.readouterr().out.startswith("2 items and 2 sentinels read\n0 values without")


@pytest.mark.engines("dynoxide")
def test_duplicates_are_left_and_told(engine, put, shop, capsys):
    put("a", "same@x")
    put("b", "same@x")
    assert main(["unique", "repair", f"{shop}:User", "--quiet"]) == 1
    said = capsys.readouterr().out
    assert "duplicate: User email='same@x': the items " in said
    assert "'a'" in said
    assert "'b'" in said
    assert "1 values that several items have" in said


@pytest.mark.engines("dynoxide")
def test_it_runs_as_a_program_of_its_own(engine, put, shop):
    put("a", "a@x")
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "PYTHONPATH": str(Path(__file__).parent.parent),
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
    assert "1 values without a sentinel, 1 made\n" in done.stdout
    assert main(["unique", "check", f"{shop}:User"]) == 0


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("{shop}", "names no model: write module:Model, as shop.models:User"),
        (":User", "names no model"),
        ("no_such_module:User", "no_such_module cannot be imported: ModuleNotFoundError"),
        ("{shop}_broken:User", "cannot be imported: ModuleNotFoundError: No module named 'nothing"),
        ("{shop}:Nobody", "has no Nobody"),
        ("{shop}:number", "is no model but 7"),
        ("{shop}:Base", "is abstract: it has no table"),
        ("{shop}:Plain", "nothing is unique in"),
    ],
)
def test_a_model_that_is_none_is_told_in_a_line(shop, capsys, model, said):
    assert main(["unique", "check", model.format(shop=shop)]) == 2
    error = capsys.readouterr().err
    assert said in error
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
)
def test_a_wrong_command_line_is_told(capsys, arguments):
    assert main(arguments) == 2
    assert "usage: python -m dynamodb_py" in capsys.readouterr().err


def test_there_is_at_least_one_worker(shop, capsys):
    assert main(["unique", "repair", f"{shop}:User", "--workers", "0"]) == 2
    assert "--workers 0: it must be at least 1" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["unique", "-h"], ["unique", "repair", "-h"]])
def test_help_is_given(capsys, arguments):
    assert main(arguments) == 0
    assert "usage: python -m dynamodb_py" in capsys.readouterr().out


@pytest.mark.engines("dynoxide")
def test_what_goes_wrong_is_told_without_a_traceback(engine, shop, capsys):
    assert main(["unique", "check", f"{shop}:User"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("error: TableNotFound: ")
    assert "Table(Model).update() makes it" in said
    assert "Traceback" not in said
