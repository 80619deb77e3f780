"""Find slow and expensive code: the plan of a query, log lines, capacity, and loops that read items one by one."""

from __future__ import annotations

import logging
import sys
import warnings

from dynamodb_py import (
    CharField,
    GlobalIndex,
    IntegerField,
    Model,
    NPlusOneWarning,
    ScanRequired,
    Table,
    capacity,
    connect,
)


class Score(Model):
    class Meta:
        table_name = "scores"

    player = CharField(hash_key=True)
    game = CharField(range_key=True)
    points = IntegerField(default=0)
    by_game = GlobalIndex(hash_key="game", range_key="points")


def say(text: object) -> None:
    sys.stdout.write(f"{text}\n")


def show_plan() -> None:
    """Print the index that the planner chooses, the reason, and the request that will be sent."""
    say(Score.objects.filter(game="chess", points__gte=10).order_by("-points")[:3].explain())
    try:
        Score.objects.filter(points=3).first()
    except ScanRequired as error:
        say(f"refused: {error}")


def show_costs() -> None:
    """Print the cost of a block of code, by table and index."""
    with capacity() as used:
        best = list(Score.by_game.filter(game="chess").reverse()[:2])
        score = Score.objects.get(best[0].player, "chess")
        score.incr(points=1)
    say(used)


def show_requests() -> None:
    """Print each request: the logger ``dynamodb_py`` writes them at level DEBUG, and slow ones at WARNING."""
    lines = logging.StreamHandler(sys.stdout)
    logger = logging.getLogger("dynamodb_py")
    logger.addHandler(lines)
    logger.setLevel(logging.DEBUG)
    try:
        Score.objects.filter(player="ann").count()
    finally:
        logger.removeHandler(lines)
        logger.setLevel(logging.NOTSET)


def find_n_plus_one() -> list[Score]:
    """Print the warning of a connection with ``warn_n_plus_one=True`` about a loop, and then follow its advice."""
    players = ["ann", "bob", "eve", "joe"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", NPlusOneWarning)
        for player in players:
            Score.get(player, "chess")
    say(caught[0].message if caught else "no loop was found")
    return Score.batch_get(*((player, "chess") for player in players))


def main() -> None:
    Table(Score).create()
    for at, player in enumerate(["ann", "bob", "eve", "joe"]):
        Score.create(player=player, game="chess", points=at)
    show_plan()
    show_costs()
    show_requests()
    say(f"{len(find_n_plus_one())} scores in one request")


if __name__ == "__main__":
    connect("memory://", warn_n_plus_one=True, slow=0.5)
    main()
