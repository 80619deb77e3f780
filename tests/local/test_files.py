"""Files of the embedded database: which are opened, and what happens when they change hands."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from dynamodb_py import CharField, ConfigurationError, Model, Table, connect, connections
from dynamodb_py.cli import main
from dynamodb_py.local import Engine


class Note(Model):
    class Meta:
        table_name = "notes"

    id = CharField(hash_key=True)


@pytest.fixture(autouse=True)
def none_known(monkeypatch):
    """Begin without any connection, and leave none behind."""
    monkeypatch.setattr(connections, "_connections", {})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "app.db"


def make_of_pragma(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA {statement}")
    database.close()


# -- what is opened ------------------------------------------------------------------------------


def test_a_file_without_anything_in_it_becomes_a_database(path):
    path.touch()
    connect(f"sqlite:///{path}")
    assert not Table(Note).exists()


@pytest.mark.parametrize("text", ["x", "a short text", "x" * 511, "x" * 5000])
def test_the_file_of_another_program_is_left_alone_however_short(text, path):
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"app\.db is not a database of dynamodb_py"):
        connect(f"sqlite:///{path}")
    assert path.read_text() == text


def test_an_empty_database_that_another_program_marked_is_left_alone(path):
    make_of_pragma(path, "application_id=7")
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="not a database of dynamodb_py"):
        Engine(str(path))
    assert path.read_bytes() == before


def test_a_newer_version_of_the_format_is_left_alone(path):
    Engine(str(path)).close()
    make_of_pragma(path, "user_version=2")
    with pytest.raises(ConfigurationError, match=r"version 2 of the format.*newer dynamodb_py"):
        Engine(str(path))


@pytest.mark.parametrize("text", ["sqlite:///a%00b.db", "sqlite:///a\0b.db"])
def test_a_path_that_no_system_has_is_refused(text):
    with pytest.raises(ConfigurationError, match="names no file"):
        connect(text)


def test_the_error_for_a_missing_folder_names_it(tmp_path):
    with pytest.raises(ConfigurationError, match=r"there is no folder .*nowhere; create it first"):
        connect(f"sqlite:///{tmp_path}/nowhere/app.db")


def test_a_folder_is_no_database(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be opened: it is a folder"):
        connect(f"sqlite:///{tmp_path}")


def test_the_command_refuses_a_path_without_a_name(capsys):
    assert main(["local", "--port", "0", "--path", ""]) == 2
    assert "--path" in capsys.readouterr().err


# -- a file that is deleted or replaced while it is open -----------------------------------------


def remove(path: Path) -> None:
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()


@pytest.mark.skipif(os.name == "nt", reason="Windows does not delete open files")
@pytest.mark.parametrize("then", ["deleted", "replaced"])
def test_no_write_is_acknowledged_that_goes_to_a_deleted_file(then, path):
    connection = connect(f"sqlite:///{path}")
    Table(Note).create()
    Note(id="a").save()
    remove(path)
    if then == "replaced":
        path.touch()
    with pytest.raises(ConfigurationError, match=r"app\.db was deleted or replaced"):
        Note(id="b").save()
    connection.close()
    Table(Note).create()
    Note(id="c").save()
    assert [note.id for note in Note.objects.scan()] == ["c"]
    assert path.stat().st_size


@pytest.mark.skipif(os.name == "nt", reason="Windows does not delete open files")
def test_connecting_to_a_deleted_file_makes_it_anew(path):
    first = connect(f"sqlite:///{path}", alias="first")
    Table(Note, using="first").create()
    remove(path)
    connect(f"sqlite:///{path}")
    assert not Table(Note).exists()
    Table(Note).create()
    Note(id="a").save()
    first.close()
    assert Note.objects.using("first").count() == 1
