"""The first steps: create a table; write, read, change, query and delete items.

It runs on the embedded database, in this process, and needs no AWS account. Remove ``connect`` to
run it on DynamoDB with boto3's own settings.
"""

from __future__ import annotations

import datetime as dt
import sys

from dynamodb_py import (
    CharField,
    DateTimeField,
    DictField,
    FloatField,
    IntegerField,
    ListField,
    Model,
    Table,
    connect,
)


class Test(Model):
    """A score of a player: an item of the table ``test``."""

    __table_name__ = "test"

    name = CharField(name="name", hash_key=True)
    score = IntegerField(name="score", range_key=True)
    order_score = FloatField(default=0.0)
    date = DateTimeField()
    ids = ListField(default=[])
    doc = DictField(default=dict)


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")


def main() -> None:
    """Run all steps on the default connection."""
    table = Table(Test)
    table.create()
    say(f"created the table {table.info()['TableName']}: {table.info()['TableStatus']}")

    now = dt.datetime(2026, 11, 1, 12, 30)  # noqa: DTZ001 - without a zone means UTC
    Test.create(name="gs1", score=100, order_score=99.99, date=now)
    for score in (0, 200, 300):
        Test.create(name="gs1", score=score)
    say("wrote four items")

    item = Test.objects.get(name="gs1", score=100)
    say(f"read {item}")

    item.ids.append(7)
    item.doc["a"] = {"b": 1.1}
    item.save()
    say(f"changed it: {Test.objects.get(name='gs1', score=100)}")

    best = [each.score for each in Test.objects.filter(name="gs1", score__gte=100).reverse()]
    say(f"queried by key, scores from 100 on, best first: {best}")

    Test.batch_write([{"name": "a", "score": 1}, Test(name="b", score=2)], overwrite=True)
    found = Test.batch_get({"name": "a", "score": 1}, ("b", 2), ("nobody", 3))
    say(f"wrote two in a batch, asked for three, found {[each.name for each in found]}")

    item.delete()
    say(f"deleted one: get() now gives {Test.get(name='gs1', score=100)}")
    table.delete()
    say("deleted the table")


if __name__ == "__main__":
    connect("memory://")  # "sqlite:///quickstart.db" keeps the items in a file
    main()
