"""What the type checkers know of query sets, custom managers and indexes."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NoReturn

from typing_extensions import assert_type

from dynamodb_py import (
    CharField,
    Condition,
    GlobalIndex,
    IntegerField,
    LocalIndex,
    Manager,
    Model,
    Prefetch,
    Q,
    QuerySet,
)
from dynamodb_py.models.queryset.pages import Page
from dynamodb_py.planning import Estimate, Plan


class GameScore(Model):
    userid = CharField(hash_key=True)
    title = CharField(range_key=True)
    top_score = IntegerField(default=0)

    by_title = GlobalIndex(hash_key="title", range_key="top_score")
    by_score = LocalIndex(range_key="top_score")


class Scores(QuerySet["Ranked"]):
    def high(self) -> Scores:
        return self.filter(top_score__gt=9000)


class Recent(Manager["Ranked"]):
    def get_queryset(self) -> QuerySet[Ranked]:
        return super().get_queryset().filter(top_score__gt=0)

    def best(self) -> Ranked | None:
        return self.order_by("-top_score").first()


class Ranked(Model):
    userid = CharField(hash_key=True)
    top_score = IntegerField(default=0)

    objects = Scores.as_manager()
    recent = Recent()


class Also(Manager["Again"]):
    def best(self) -> int:
        return 3


class Again(Model):
    userid = CharField(hash_key=True)
    objects = Also()


class Child(GameScore):
    more = CharField()


def iterating() -> None:
    rows = GameScore.objects.filter(userid="abc")
    assert_type(rows, QuerySet[GameScore])
    assert_type(list(rows), list[GameScore])
    assert_type([each.top_score for each in rows], list[int])
    assert_type(rows[0], GameScore)
    assert_type(rows[:3], QuerySet[GameScore])
    assert_type(len(rows), int)
    assert_type(list(rows.iterator()), list[GameScore])
    assert_type([page.items for page in rows.pages()], list[list[GameScore]])
    assert_type(list(Child.objects.all()), list[Child])


def building() -> None:
    rows = GameScore.objects.exclude(GameScore.top_score > 3, title="x").order_by("-top_score")
    assert_type(rows.reverse().limit(3).consistent().page_size(3), QuerySet[GameScore])
    assert_type(rows.only("title").index("by_title").full(), QuerySet[GameScore])
    assert_type(list(GameScore.objects.only(GameScore.title)), list[GameScore])
    assert_type(rows.scan(segments=4, rate=25.0, progress=True), QuerySet[GameScore])
    assert_type((rows & rows) | rows, QuerySet[GameScore])
    assert_type(rows.union(rows, rows), QuerySet[GameScore])
    rows & 3  # type: ignore[operator]  # pyright: ignore


def shaping() -> None:
    rows = GameScore.objects.filter(userid="abc")
    assert_type(rows.values("title"), QuerySet[GameScore, dict[str, Any]])
    assert_type(list(rows.values("title")), list[dict[str, Any]])
    assert_type(rows.values("title").reverse().first(), dict[str, Any] | None)
    assert_type(list(rows.values_list("title", "top_score")), list[tuple[Any, ...]])
    assert_type(list(rows.values_list("title", flat=True)), list[Any])
    assert_type(list(rows.as_dicts()), list[dict[str, Any]])
    assert_type(GameScore.objects.values_list("title").get(userid="a"), tuple[Any, ...])


async def asking() -> None:
    rows = GameScore.objects.filter(userid="abc")
    assert_type(rows.first(), GameScore | None)
    assert_type(await rows.alast(), GameScore | None)
    assert_type(rows.get(title="a"), GameScore)
    assert_type(await rows.aget(GameScore.top_score > 3), GameScore)
    assert_type(rows.count(), int)
    assert_type(await GameScore.objects.acount(), int)
    assert_type(rows.exists(), bool)
    assert_type(GameScore.objects.in_bulk([("a", "b")]), dict[Hashable, GameScore])
    assert_type(rows.page(size=10), Page[GameScore])
    assert_type((await rows.apage(cursor="x")).items, list[GameScore])
    assert_type(rows.page().next_cursor, str | None)
    assert_type(rows.explain(), Plan)
    assert_type(await rows.aestimate(), Estimate)
    assert_type([each async for each in rows], list[GameScore])
    assert_type([each async for each in rows.iterator()], list[GameScore])
    assert_type([page.items async for page in rows.pages()], list[list[GameScore]])


async def habits(rows: QuerySet[GameScore], score: GameScore) -> None:
    assert_type(rows.contains(score), bool)
    assert_type(await GameScore.objects.acontains(("a", "b")), bool)
    assert_type(rows.latest("title"), GameScore)
    assert_type(await rows.aearliest(), GameScore)
    assert_type(GameScore.objects.latest(GameScore.title), GameScore)
    assert_type(rows.after(score), QuerySet[GameScore])
    assert_type(GameScore.objects.after(("a", "b")), QuerySet[GameScore])
    assert_type(rows.prefetch_related(Prefetch("author", rows, "x"), None), QuerySet[GameScore])
    assert_type(rows.defer(None), QuerySet[GameScore])
    assert_type([each for each in rows.iterator(chunk_size=3)], list[GameScore])
    assert_type(Q(("a", 1)) ^ (GameScore.top_score > 3), Condition)
    assert_type(score.pk, Any)


def distinct(rows: QuerySet[GameScore]) -> NoReturn:
    rows.distinct("title")


def aggregate() -> NoReturn:
    GameScore.objects.aggregate(total=1)


def indexes() -> None:
    assert_type(GameScore.by_title, QuerySet[GameScore])
    assert_type(list(GameScore.by_title.filter(title="a", top_score__gt=3)), list[GameScore])
    assert_type(GameScore.by_score.filter(userid="a").first(), GameScore | None)
    assert_type(Child.by_title.first(), Child | None)


def managers() -> None:
    assert_type(Ranked.objects, Scores)
    assert_type(list(Ranked.objects.high()), list[Ranked])
    assert_type(list(Ranked.objects.filter(userid="a").high()), list[Ranked])
    assert_type(Ranked.objects.create(userid="a"), Ranked)
    assert_type(Ranked.recent, Recent)
    assert_type(Ranked.recent.best(), Ranked | None)
    assert_type(Ranked.recent.filter(userid="a").first(), Ranked | None)
    assert_type(Again.objects, Also)
    assert_type(Manager.from_queryset(Scores), type[Manager[Ranked]])
