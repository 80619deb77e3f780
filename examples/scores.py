"""The model of the examples in the reference, and its three items."""

from dynamodb_py import CharField, GlobalIndex, IntegerField, Model, Table


class Score(Model):
    class Meta:
        table_name = "scores"

    player = CharField(hash_key=True)
    game = IntegerField(range_key=True)
    points = IntegerField(default=0)

    by_game = GlobalIndex(hash_key="game", range_key="points", complete=True)


def fill() -> None:
    """Create the table, with ann's scores in two games and bob's score in one."""
    Table(Score).create()
    Score.batch_write(
        [
            Score(player="ann", game=1, points=50),
            Score(player="ann", game=2, points=80),
            Score(player="bob", game=1, points=70),
        ]
    )
