"""What the type checkers know of PartiQL."""

from __future__ import annotations

from typing import Any

from typing_extensions import assert_type

from dynamodb_py import (
    CharField,
    IntegerField,
    Model,
    Page,
    RawQuery,
    aexecute_all,
    execute_all,
    transaction,
)


class Score(Model):
    player = CharField(hash_key=True)
    wins = IntegerField(default=0)


def reading() -> None:
    rows = Score.objects.raw("SELECT * FROM {table} WHERE player = ?", "ann", page_size=3)
    assert_type(rows, RawQuery[Score])
    assert_type(list(rows), list[Score])
    assert_type(rows.page(size=3), Page[Score])
    assert_type([page.items for page in rows.pages()], list[list[Score]])
    assert_type(list(rows.as_dicts()), list[dict[str, Any]])
    assert_type(Score.objects.using("other").raw("SELECT * FROM {table}"), RawQuery[Score])
    assert_type(Score.objects.execute("SELECT * FROM {table}"), list[Any])
    Score.objects.raw()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def several(rows: RawQuery[Score]) -> None:
    assert_type(execute_all([rows, rows.as_dicts()], return_exceptions=True), list[Any])
    assert_type(transaction.execute([rows], token="t"), list[Any])
    execute_all(["SELECT"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    transaction.execute([rows], "t")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def awaiting(rows: RawQuery[Score]) -> None:
    assert_type([row async for row in rows], list[Score])
    assert_type(await rows.apage(), Page[Score])
    assert_type(await aexecute_all([rows]), list[Any])
    assert_type(await transaction.aexecute([rows]), list[Any])
