"""Fixtures: a module of a user's, and what starts commands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dynamodb_py.cli import main

from .processes import Launcher, Result

SHOP = """
from dynamodb_py import CharField, ForeignKey, GlobalIndex, Model

class User(Model):
    class Meta:
        table_name = "users"
    id = CharField(hash_key=True)
    email = CharField(unique=True)

class Plain(Model):
    class Meta:
        table_name = "plain"
        stream = "NEW_AND_OLD_IMAGES"
    id = CharField(hash_key=True)
    city = CharField()

class Book(Model):
    isbn = CharField(hash_key=True)
    author = ForeignKey(User, denormalize=["email"])

class Base(Model):
    class Meta:
        abstract = True

class Namespace:
    User = User

    class Indexed(Model):
        class Meta:
            table_name = "plain"
            stream = "NEW_AND_OLD_IMAGES"
        id = CharField(hash_key=True)
        city = CharField()
        by_city = GlobalIndex(hash_key="city")

number = 7
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request) -> Iterator[str]:
    """The name of a module of a user's, in a directory that is the current one."""
    name = f"shop_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(SHOP)
    (tmp_path / f"{name}_broken.py").write_text("import nothing_of_this_name")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield name
    for each in (name, f"{name}_broken"):
        sys.modules.pop(each, None)


@pytest.fixture
def run(shop: str, capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run a command in this process: ``run("tables plan {shop}:User")``; a + stands for a space."""

    def run(command: str, *arguments: str) -> Result:
        given = [each.replace("+", " ").format(shop=shop) for each in command.split()]
        status = main([*given, *arguments])
        return Result(status, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    """What starts commands as processes of their own."""
    pytest.importorskip("termios", reason="there are no pseudo-terminals")
    launcher = Launcher()
    yield launcher
    launcher.stop()
