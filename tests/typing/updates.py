"""What the type checkers know of updates: what is computed, and what an update gives."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from typing_extensions import assert_type

from dynamodb_py import (
    CharField,
    DecimalField,
    DictField,
    Done,
    F,
    FloatField,
    IntegerField,
    ListField,
    Model,
    SetField,
    TimestampField,
)
from dynamodb_py.expressions import Action, Arithmetic, IfNotExists, ListAppend


class Score(Model):
    name = CharField(hash_key=True)
    wins = IntegerField()
    ratio = FloatField()
    price = DecimalField()
    ids = ListField(int)
    tags = SetField()
    doc = DictField()
    until = TimestampField()


class Game(Model):
    name = CharField(hash_key=True)
    wins = IntegerField()


def computing() -> None:
    assert_type(F("wins") + 1, Arithmetic)
    assert_type(1 - F("wins"), Arithmetic)
    assert_type(Score.price + Decimal(1), Arithmetic)
    assert_type(F("wins").if_not_exists(0) + 1, Arithmetic)
    assert_type(Score.wins.if_not_exists(0), IfNotExists)
    assert_type(Score.ids.append([1]), ListAppend)
    assert_type(F("ids").if_not_exists([]).prepend([1]), ListAppend)


def changing() -> None:
    assert_type(Score.wins.set(5), Action)
    assert_type(Score.wins.set(Score.wins + 1), Action)
    assert_type(Score.wins.set(F("a").if_not_exists(3)), Action)
    assert_type(Score.wins.set(None), Action)
    assert_type(Score.doc["a"].add(1), Action)
    assert_type(Score.until.add(dt.timedelta(1)), Action)
    assert_type(Score.tags.add({"x"}), Action)
    assert_type(Score.tags.discard({"x"}), Action)
    assert_type(Score.ids[0].remove(), Action)
    Score.wins.set("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Score.wins.if_not_exists("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Score.wins.add("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def updating(item: Score) -> None:
    assert_type(item.update(wins=F("wins") + 1), Score)
    assert_type(item.update(Score.ids.append([1]), condition=Score.wins > 1), Score)
    assert_type(item.update(wins=1, returning="new"), dict[str, Any])
    item.update(3)  # type: ignore[call-overload]  # pyright: ignore
    item.update(wins=1, returning="all")  # type: ignore[call-overload]  # pyright: ignore


async def awaiting(item: Score) -> None:
    assert_type(await item.aupdate(wins=F("wins") + 1), Score)
    assert_type(await item.aupdate(wins=1, returning="old"), dict[str, Any])


def by_query() -> None:
    rows = Game.objects.filter(name="x")
    assert_type(rows.update(F("wins").add(1), wins=1), Done)
    assert_type(rows.update(wins=1, returning="updated_new"), dict[str, Any])
