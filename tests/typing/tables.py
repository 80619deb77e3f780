"""What the type checkers know of tables, plans and updates."""

from typing import Any

from typing_extensions import assert_type

from dynamodb_py import (
    CharField,
    GlobalIndex,
    Model,
    Table,
    TablePlan,
    Tables,
    TableStep,
)


class Score(Model):
    class Meta:
        stream = "keys_only"
        tags = {"team": "games"}

    player = CharField(hash_key=True)
    title = CharField()
    by_title = GlobalIndex(hash_key="title", on_demand_maximum={"read": 5, "write": None})


def planned() -> None:
    plan = Table(Score).plan(drop_indexes=True)
    assert_type(plan, TablePlan)
    assert_type(plan[0], TableStep)
    assert_type(plan[0].needs_backfill, bool)
    assert_type(Table(Score).update(dry_run=True), TablePlan)
    assert_type(Table(Score).update(drop_indexes=True, progress=True), dict[str, Any])
    Table(Score).update(dry_run=True, wait=False)  # type: ignore[call-overload]  # pyright: ignore
    Score.add_index(GlobalIndex("by_player", hash_key="player"))
    Score.add_index("by_player")  # type: ignore[arg-type]  # pyright: ignore


async def awaited() -> None:
    assert_type(await Table(Score).aplan(), TablePlan)
    assert_type(await Table(Score).aupdate(dry_run=True), TablePlan)
    assert_type(await Table(Score).aupdate(), dict[str, Any])
    assert_type(await Tables([Score]).aupdate(), dict[str, dict[str, Any]])


def many() -> None:
    assert_type(Tables([Score]).plan(), TablePlan)
    assert_type(Tables([Score]).update(dry_run=True), TablePlan)
    assert_type(Tables([Score]).create(if_not_exists=True), dict[str, dict[str, Any]])
    Tables(Score)  # type: ignore[arg-type]  # pyright: ignore
