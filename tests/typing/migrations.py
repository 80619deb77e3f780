"""What the type checkers know of migrations."""

from datetime import datetime
from pathlib import Path

from typing_extensions import assert_type

from dynamodb_py import CharField, F, GlobalIndex, IntegerField, Model, migrations
from dynamodb_py.migrations import (
    AddIndex,
    Backfill,
    DropIndex,
    MigrationList,
    MigrationPlan,
    MigrationStatus,
    RenameAttribute,
    RunPython,
)


class User(Model):
    name = CharField(hash_key=True)
    city = CharField()
    count = IntegerField(default=0)
    by_city = GlobalIndex(hash_key="city")


def fill(user: User) -> None:
    user.city = "Berlin"


async def fill_later(user: User) -> None:
    user.city = "Berlin"


operations = [
    AddIndex(User, "by_city"),
    DropIndex(User, "by_town"),
    Backfill(User, fill),
    Backfill(User, fill_later, condition=User.city.not_exists(), segments=8, rate=50),
    Backfill(User, {"city": "Berlin"}),
    Backfill(User, F("count").add(1), rate=0.5),
    Backfill(User, [User.city.set("Berlin"), F("count").add(1)], User.city == "Rome"),
    RenameAttribute(User, "town", "city", segments=2),
    RunPython(lambda: None),
]
Backfill(User, 7)  # type: ignore[arg-type]  # pyright: ignore
Backfill(int, fill)  # type: ignore[type-var,arg-type,unused-ignore]  # pyright: ignore
AddIndex(User)  # type: ignore[call-arg]  # pyright: ignore
RunPython(7)  # type: ignore[arg-type]  # pyright: ignore


def results() -> None:
    assert_type(migrations.plan("folder"), MigrationPlan)
    assert_type(migrations.plan("folder")[0].notes, tuple[str, ...])
    assert_type(migrations.run(Path("folder"), to="0003", fake=True, progress=True), MigrationList)
    assert_type(migrations.status("folder")[0], MigrationStatus)
    assert_type(migrations.status("folder")[0].at, datetime | None)
    assert_type(migrations.new("folder", "name"), Path)


async def awaited() -> None:
    assert_type(await migrations.aplan("folder"), MigrationPlan)
    assert_type(await migrations.arun("folder", wait=60, lease=30), MigrationList)
    assert_type(await migrations.astatus("folder", ledger="history"), MigrationList)
