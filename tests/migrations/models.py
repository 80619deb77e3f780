"""What the migrations of the tests change, and folders of them."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from dynamodb_py import CharField, GlobalIndex, IntegerField, LocalIndex, Model, Table, VersionField


class User(Model):
    class Meta:
        table_name = "users"

    name = CharField(hash_key=True)
    city = CharField()
    count = IntegerField(default=0)
    """How often a migration changed the item."""

    by_city = GlobalIndex(hash_key="city")


class PlainUser(Model):
    """The same before it had an index, and after it has lost it."""

    class Meta:
        table_name = "users"

    name = CharField(hash_key=True)
    city = CharField()
    count = IntegerField(default=0)


class Order(Model):
    user = CharField(hash_key=True)
    number = IntegerField(range_key=True)
    email = CharField(unique=True)
    total = IntegerField()
    version = VersionField()

    by_total = GlobalIndex(hash_key="total")
    by_local = LocalIndex(range_key="total")


HEAD = """
from dynamodb_py import F
from dynamodb_py.migrations import AddIndex, Backfill, DropIndex, RenameAttribute, RunPython
from tests.migrations.models import Order, PlainUser, User
from tests.migrations import models
"""

COUNTED = """
operations = [
    Backfill(
        PlainUser,
        [PlainUser.city.set("Berlin"), F("count").add(1)],
        condition=PlainUser.city.not_exists(),
    )
]
"""
"""A backfill that changes each item once."""

hooks: dict[str, Any] = {}
"""What the functions of migrations call, by name."""


def make_users(count: int, **values: Any) -> set[str]:
    """Make the table with so many items; return their names."""
    Table(PlainUser).create()
    names = {f"user {number}" for number in range(count)}
    PlainUser.batch_write(({"name": name, **values} for name in names), workers=4)
    return names


def write(folder: Path, name: str, text: str) -> Path:
    """Write a migration, with the names that it may use."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(HEAD + textwrap.dedent(text), encoding="utf-8")
    return path
