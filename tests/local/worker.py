"""What one process does to a shared file in the tests of robustness: ``worker.py PATH WORK ARGUMENTS``."""

from __future__ import annotations

import json
import random
import sys
import threading
from collections.abc import Callable
from typing import Any

from dynamodb_py.local.database.engine import Engine
from dynamodb_py.local.database.storage import Durability

THREADS = 8
ACCOUNTS = 6
BALANCE = 100


class Refused(Exception):
    """The service's code of an error."""


def expect(error: Refused, code: str) -> None:
    """Raise *error* again unless it has the code."""
    if error.args[0] != code:
        raise error


def send(engine: Engine, operation: str, **request: Any) -> Any:
    """Return the answer; raise :class:`Refused` for an error."""
    status, body = engine.call(operation, json.dumps(request).encode())
    answer = json.loads(body)
    if status != 200:
        raise Refused(answer["__type"].rpartition("#")[2], answer)
    return answer


def make_table(engine: Engine) -> None:
    send(
        engine,
        "CreateTable",
        TableName="things",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "k", "AttributeType": "S"},
            {"AttributeName": "g", "AttributeType": "S"},
            {"AttributeName": "n", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_g",
                "KeySchema": [
                    {"AttributeName": "g", "KeyType": "HASH"},
                    {"AttributeName": "n", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def make_put(k: str, n: int, g: str = "all") -> dict[str, Any]:
    return {"TableName": "things", "Item": {"k": {"S": k}, "n": {"N": str(n)}, "g": {"S": g}}}


def read_number(engine: Engine, k: str) -> int:
    answer = send(engine, "GetItem", TableName="things", Key={"k": {"S": k}}, ConsistentRead=True)
    return int(answer["Item"]["n"]["N"])


def in_threads(work: Callable[[], int], threads: int = THREADS) -> int:
    """Return the sum of what *work* returns in each of some threads."""
    found: list[int] = []
    started = [threading.Thread(target=lambda: found.append(work())) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert len(found) == threads, "a thread failed"
    return sum(found)


def increment(engine: Engine, times: int) -> int:
    """Add 1 some times in each thread; return how often it was done."""

    def work() -> int:
        for _ in range(times):
            send(
                engine,
                "UpdateItem",
                TableName="things",
                Key={"k": {"S": "counter"}},
                UpdateExpression="ADD n :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )
        return times

    return in_threads(work)


def compare_and_set(engine: Engine, times: int) -> int:
    """Try to make a number the next one if nobody else did; return the successes."""

    def work() -> int:
        done = 0
        for _ in range(times):
            seen = read_number(engine, "version")
            try:
                send(
                    engine,
                    "UpdateItem",
                    TableName="things",
                    Key={"k": {"S": "version"}},
                    UpdateExpression="SET n = :next",
                    ConditionExpression="n = :seen",
                    ExpressionAttributeValues={
                        ":next": {"N": str(seen + 1)},
                        ":seen": {"N": str(seen)},
                    },
                )
                done += 1
            except Refused as error:
                expect(error, "ConditionalCheckFailedException")
        return done

    return in_threads(work)


def transfer(engine: Engine, times: int) -> int:
    """Move amounts between accounts, and look at all of them in between; return the looks."""

    def work() -> int:
        for _ in range(times):
            giver, taker = random.sample(range(ACCOUNTS), 2)
            amount = {":a": {"N": str(random.randint(1, 50))}}
            try:
                send(
                    engine,
                    "TransactWriteItems",
                    TransactItems=[
                        _make_move(giver, "SET n = n - :a", amount, "n >= :a"),
                        _make_move(taker, "SET n = n + :a", amount, "attribute_exists(k)"),
                    ],
                )
            except Refused as error:
                expect(error, "TransactionCanceledException")
            assert sum(look(engine)) == ACCOUNTS * BALANCE
        return times

    return in_threads(work)


def _make_move(number: int, update: str, values: Any, condition: str) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": "things",
            "Key": {"k": {"S": f"account{number}"}},
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
    }


def look(engine: Engine) -> list[int]:
    """Return all balances, by one of the ways that read a moment."""
    keys = [{"k": {"S": f"account{number}"}} for number in range(ACCOUNTS)]
    if random.random() < 0.5:
        gets = [{"Get": {"TableName": "things", "Key": key}} for key in keys]
        answer = send(engine, "TransactGetItems", TransactItems=gets)
        items = [each["Item"] for each in answer["Responses"]]
    else:
        values = {":g": {"S": "accounts"}}
        condition = {"KeyConditionExpression": "g = :g", "ExpressionAttributeValues": values}
        items = send(engine, "Query", TableName="things", IndexName="by_g", **condition)["Items"]
    return [int(item["n"]["N"]) for item in items]


def write(engine: Engine, first: int) -> int:
    """Write pairs of items until somebody kills the process, printing what is acknowledged."""
    for n in range(first, sys.maxsize):
        if n % 2:
            pair = [{"Put": make_put(f"{half}{n}", n)} for half in "ab"]
            send(engine, "TransactWriteItems", TransactItems=pair)
        else:
            pair = [{"PutRequest": {"Item": make_put(f"{half}{n}", n)["Item"]}} for half in "ab"]
            send(engine, "BatchWriteItem", RequestItems={"things": pair})
        sys.stdout.write(f"{n}\n")
        sys.stdout.flush()
    return 0


def main(path: str, work: str, number: str, durability: Durability = "FULL") -> None:
    engine = Engine(path, durability=durability)
    sys.stdout.write(f"{globals()[work](engine, int(number))}\n")
    engine.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
