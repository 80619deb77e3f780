"""A season of the club on the embedded database: ``python main.py``."""

from __future__ import annotations

import asyncio
import sys

import club
from models import Address, Game, Player, Title

from dynamodb_py import Table, connect


def main() -> None:
    connect("memory://")
    for model in (Player, Game):
        Table(model).create()
    home = Address(street="1 High Street", city="Bath")
    ann = club.join("ann", home, title=Title.MASTER)
    club.join("bob", home)
    club.record(ann, "bob", 2, ["e4", "e5", "Nf3"])
    club.record(ann, "bob", 1)
    lines = [
        f"results: {club.find_results('ann')}",
        f"won: {club.count_wins('ann')}",
        f"rating: {club.rate('ann', 25)}",
    ]
    found = asyncio.run(club.find_player("ann"))
    if found is not None:
        lines.append(
            f"version {found.version}, from {found.home.city}, {found.games.count()} games"
        )
    try:
        Player(name="carl")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    except TypeError as error:
        lines.append(str(error))
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
