"""The tables of a chess club, as type checkers know them."""

from __future__ import annotations

import datetime as dt
import enum
from typing import ClassVar

from dynamodb_py import (
    CharField,
    DateTimeField,
    EmbeddedField,
    EnumField,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    ListField,
    RelatedSet,
    SetField,
    TypedDocument,
    TypedModel,
    ULIDField,
    VersionField,
)


class Title(enum.Enum):
    MASTER = "master"
    GRANDMASTER = "grandmaster"


class Address(TypedDocument):
    street: CharField[str] = CharField(required=True)
    city: CharField[str] = CharField(required=True)
    zip: CharField[str | None] = CharField(default=None)


class Player(TypedModel):
    name: CharField[str] = CharField(hash_key=True)
    home: EmbeddedField[Address, Address] = EmbeddedField(Address, required=True)
    title: EnumField[Title, Title | None] = EnumField(Title, default=None)
    rating: IntegerField[int] = IntegerField(default=1200, min_value=0)
    teams: SetField[str, set[str]] = SetField(str)
    joined: DateTimeField[dt.datetime] = DateTimeField(auto_now_add=True, init=False)
    version = VersionField()

    games: ClassVar[RelatedSet[Game]]


class Move(TypedDocument):
    number: IntegerField[int] = IntegerField(required=True)
    notation: CharField[str] = CharField(required=True)


class Game(TypedModel):
    player: ForeignKey[Player, Player] = ForeignKey(Player, hash_key=True, related_name="games")
    id: ULIDField[str] = ULIDField(range_key=True)
    opponent: CharField[str] = CharField(required=True)
    points: IntegerField[int] = IntegerField(default=0, choices=[0, 1, 2])
    moves: ListField[Move, list[Move]] = ListField(Move, default=list)

    by_points = GlobalIndex(hash_key="opponent", range_key="points")
