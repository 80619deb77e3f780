"""The functions of the club, with exact types for their callers."""

from __future__ import annotations

from collections.abc import Sequence

from models import Address, Game, Move, Player, Title


def join(name: str, home: Address, *, title: Title | None = None) -> Player:
    """Add a player; AlreadyExists if the name is taken."""
    return Player.objects.insert(Player(name=name, home=home, title=title, teams={"club"}))


def record(player: Player, opponent: str, points: int, moves: Sequence[str] = ()) -> Game:
    """Add a game of *player*."""
    played = [Move(number=at, notation=text) for at, text in enumerate(moves, start=1)]
    return Game.objects.insert(Game(player=player, opponent=opponent, points=points, moves=played))


def rate(name: str, change: int) -> int:
    """Change the rating of a player without reading the item; return the new rating."""
    return Player.by_key(name).update(Player.rating.set(Player.rating + change)).rating


def find_results(name: str) -> list[tuple[str, int]]:
    """Return the opponents and points of a player's games, the latest game first."""
    games = Game.objects.filter(Game.player == name).order_by(Game.id.desc())
    return list(games.values_list(Game.opponent, Game.points))


def count_wins(name: str) -> int:
    """Return the number of games that a player has won."""
    points = Game.objects.filter(Game.player == name).values_list(Game.points, flat=True)
    return sum(each == 2 for each in points)


async def find_player(name: str) -> Player | None:
    """Return a player, or None."""
    return await Player.objects.aget_or_none(name=name)
