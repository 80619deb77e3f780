"""The types of bulk writes, of update_or_create and of modify."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import assert_type

from dynamodb_py import CharField, F, IntegerField, Model
from dynamodb_py.models.bulk.batch_block import AsyncBatchBlock, BatchBlock
from dynamodb_py.models.bulk.results import BulkResult, Outcome, Status


class Score(Model):
    player = CharField(hash_key=True)
    wins = IntegerField(default=0)


def writing(items: list[Score]) -> None:
    assert_type(Score.objects.batch_write(items), BulkResult[Score])
    assert_type(Score.objects.batch_write(items, overwrite=True), BulkResult[Score])
    assert_type(Score.objects.batch_write(delete=["a"]), BulkResult[Score])
    assert_type(Score.objects.batch_write(), BatchBlock[Score])
    assert_type(Score.objects.batch_write(overwrite=True, workers=3), BatchBlock[Score])
    assert_type(Score.objects.batch_write(rate=2.5), BatchBlock[Score])
    assert_type(Score.objects.batch_write(items, rate=25), BulkResult[Score])
    assert_type(Score.objects.bulk_delete(items, rate=None), BulkResult[Any])
    Score.batch_write(items, rate="25")  # type: ignore[call-overload]  # pyright: ignore
    result = Score.objects.bulk_create(items, update_conflicts=True, update_fields=["wins"])
    assert_type(result, BulkResult[Score])
    assert_type(result[0], Score)
    assert_type(result.outcomes, list[Outcome[Score]])
    assert_type(result.outcomes[0].instance, Score)
    assert_type(Score.batch_write(items), BulkResult[Score])
    assert_type(Score.batch_write([{"player": "a"}], overwrite=True), BulkResult[Score])
    assert_type(Score.batch_write(delete=["a"]), BulkResult[Score])
    assert_type(Score.batch_write(overwrite=True), BatchBlock[Score])
    assert_type(Score.batch_write(keep_written=False), BatchBlock[Score])
    assert_type(Score.batch_write(iter(items), keep_written=False), BulkResult[Score])
    Score.batch_write([3])  # type: ignore[list-item]  # pyright: ignore
    status: Status = result.outcomes[0].status
    wrong: Literal["created"] = status  # type: ignore[assignment]  # pyright: ignore
    del wrong
    assert_type(Score.objects.bulk_update(items, ["wins"]), BulkResult[Score])
    assert_type(Score.objects.bulk_delete(items), BulkResult[Any])
    with Score.objects.batch_write(overwrite=True) as batch:
        assert_type(batch, BatchBlock[Score])
        batch.put(items[0])
        batch.put({"player": "a"})
        batch.put(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        batch.delete("a")
    assert_type(batch.result, BulkResult[Score])


async def awaiting(items: list[Score]) -> None:
    assert_type(await Score.objects.abatch_write(items), BulkResult[Score])
    assert_type(await Score.objects.abatch_write(delete=["a"]), BulkResult[Score])
    assert_type(await Score.abatch_write(items), BulkResult[Score])
    assert_type(Score.abatch_write(), AsyncBatchBlock[Score])
    assert_type(await Score.objects.abulk_create(items), BulkResult[Score])
    assert_type(await Score.objects.abulk_update(items, ["wins"]), BulkResult[Score])
    async with Score.objects.abatch_write(workers=2) as batch:
        assert_type(batch, AsyncBatchBlock[Score])
        assert_type(await batch.put(items[0]), None)
        await batch.delete("a")


def changing() -> None:
    made = Score.objects.update_or_create(defaults={"wins": F("wins") + 1}, player="a")
    assert_type(made, tuple[Score, bool])
    rows = Score.objects.filter(player="a")
    assert_type(rows.modify(wins=F("wins") + 1), Score | None)
    assert_type(rows.modify(F("wins").add(1), old=True, upsert=True), Score | None)
    assert_type(Score.objects.modify(wins=1), Score | None)
    rows.modify(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def changing_async() -> None:
    rows = Score.objects.filter(player="a")
    assert_type(await rows.amodify(wins=1), Score | None)
    assert_type(await Score.objects.aupdate_or_create(player="a"), tuple[Score, bool])
