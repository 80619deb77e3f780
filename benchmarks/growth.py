"""What grows with a program or its data: CPU seconds, over a transport in memory, a process for each case.

    python benchmarks/growth.py shared_models 20        prints {"50th": seconds, ...}, the least of 20 samples

``growth_table.py`` runs all of them, of one checkout or of two, and has what they should be. The package is
the first of that name on PYTHONPATH.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import contenders  # puts this checkout on the path, behind PYTHONPATH
import msgspec

import dynamodb_py as db
from dynamodb_py import get_connection
from dynamodb_py.metering import payload_of

SAMPLES, SECONDS = 1, 0.008
CLASSES, WINDOW = 200, 10
TEXTS = 2_500  # of 100 characters, in a document of 300 KB
WIDE, DEEP = 300, 29
SHORT, LONG = 10, 2_000  # lists
ROWS = 1_000

Figures = dict[str, float]
encode = msgspec.json.Encoder().encode


class Memory:
    """A transport that encodes each request, and answers with bytes that were made beforehand."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes | Callable[[Mapping[str, Any]], bytes]] = {
            "PutItem": b"{}",
            "UpdateItem": b"{}",
            "Query": b'{"Count":0,"Items":[],"ScannedCount":0}',
        }

    def send(self, operation: Any) -> bytes:
        payload = payload_of(operation)
        encode(payload)
        answer = self.answers[operation.api]
        return answer if isinstance(answer, bytes) else answer(payload)

    def close(self) -> None:
        """There is nothing to close."""


def connected() -> Memory:
    """Connect the package to a transport in memory."""
    db.connect(
        region_name=contenders.REGION,
        aws_access_key_id=contenders.ACCESS_KEY,
        aws_secret_access_key=contenders.SECRET_KEY,
    )
    memory = Memory()
    get_connection().transport = memory
    return memory


def best(work: Callable[[], Any], *, samples: int | None = None) -> float:
    """Return the CPU seconds of *work*, the least of all samples: others can only make it slower."""
    for _ in range(3):
        work()
    began = time.process_time()
    work()
    count = max(1, int(SECONDS / max(time.process_time() - began, 1e-7)))
    least = float("inf")
    for _ in range(min(samples or SAMPLES, SAMPLES)):
        gc.collect()
        began = time.process_time()
        for _ in range(count):
            work()
        least = min(least, (time.process_time() - began) / count)
    return least


# -- classes ----------------------------------------------------------------------------------------


_alive: list[Any] = []  # models that wait for others are forgotten with their class


def _seconds_of_each(make: Callable[[int], Any], number: int = CLASSES) -> list[float]:
    """Make classes 0, 1, ... and return the seconds that each took."""
    seconds = []
    gc.collect()
    for n in range(number):
        began = time.process_time()
        _alive.append(make(n))
        seconds.append(time.process_time() - began)
    return seconds


def _model(name: str, fields: Mapping[str, Any], base: type = db.Model, **meta: Any) -> Any:
    return type(base)(
        name, (base,), {"__module__": __name__, "Meta": type("Meta", (), meta), **fields}
    )


def _around(seconds: list[float], number: int) -> float:
    """Return what the class number *number*, counted from 1, takes: the least of those before it."""
    return min(seconds[number - WINDOW : number])


def _fields() -> dict[str, Any]:
    return {
        "owner": db.CharField(hash_key=True),
        "number": db.IntegerField(range_key=True),
        "title": db.CharField(),
        "price": db.DecimalField(),
        "placed": db.DateTimeField(),
    }


def plain_models() -> Figures:
    """Models with a table each."""
    seconds = _seconds_of_each(lambda n: _model(f"Plain{n}", _fields(), table_name=f"t{n}"))
    return {"each": sum(seconds) / len(seconds)}


def shared_models() -> Figures:
    """Models in one shared table, whose range keys begin with words of their own."""
    shared = _shared_table()

    def make(n: int) -> Any:
        fields = {"user": db.IntegerField(), "title": db.CharField(), "placed": db.DateField()}
        keys = {"pk": "USER#{user}", "sk": f"KIND{n:03}#{{title}}"}
        return _model(f"Shared{n}", fields, table=shared, keys=keys)

    seconds = _seconds_of_each(make)
    each = sum(seconds) / len(seconds)
    return {"50th": _around(seconds, 50), "200th": _around(seconds, 200), "each": each}


def _shared_table() -> Any:
    class App(db.SharedTable):
        class Meta:
            table_name = "app"

        pk = db.CharField(hash_key=True)
        sk = db.CharField(range_key=True)

    return App


def kinds() -> Figures:
    """Classes below one root, in its table."""

    class Root(db.Model):
        class Meta:
            table_name = "kinds"
            discriminator = "kind"

        id = db.CharField(hash_key=True)

    seconds = _seconds_of_each(lambda n: _model(f"Kind{n}", {f"f{n}": db.IntegerField()}, Root))
    return {"50th": _around(seconds, 50), "200th": _around(seconds, 200)}


def waiting_models() -> Figures:
    """A further model, while 200 wait for one that is never made."""

    def wait(n: int) -> Any:
        return _model(f"Waiting{n}", {**_fields(), "of": db.ForeignKey("NeverMade")})

    _seconds_of_each(wait)
    further = _seconds_of_each(lambda n: _model(f"Further{n}", _fields()), WINDOW)
    return {"further": min(further)}


# -- query sets -------------------------------------------------------------------------------------


class Score(db.Model):
    """What is queried: a plain model with an index."""

    class Meta:
        table_name = "scores"

    game = db.CharField(hash_key=True)
    points = db.IntegerField(range_key=True)
    player = db.CharField()
    level = db.IntegerField()
    by_player = db.GlobalIndex(hash_key="player", range_key="points")


def templates() -> Figures:
    """A query set of a model with key templates, beside one of a plain model."""
    connected()
    fields = {"user": db.IntegerField(), "number": db.IntegerField(), "title": db.CharField()}
    keys = {"pk": "USER#{user}", "sk": "ORDER#{number:08d}"}
    order = _model("Order", fields, table=_shared_table(), keys=keys)
    numbers = itertools.count()
    return {
        "hash key": best(lambda: list(order.objects.filter(user=next(numbers)))),
        "both keys": best(lambda: list(order.objects.filter(user=next(numbers), number__gt=5))),
        "plain": best(lambda: list(Score.objects.filter(game="a", points__gt=next(numbers)))),
    }


def shapes_of_queries() -> Figures:
    """Query sets of shapes that are asked for again and again, with other values each time."""
    connected()
    numbers = itertools.count()

    def base() -> Any:
        return Score.objects.filter(game="a", points__gt=next(numbers))

    return {
        "plain": best(lambda: list(base())),
        "only": best(lambda: list(base().only("player"))),
        "values_list": best(lambda: list(base().values_list("player", "level"))),
        "exclude": best(lambda: list(base().exclude(level=3))),
        "Q or Q": best(lambda: list(base().filter(db.Q(level=3) | db.Q(player="x")))),
        "slice": best(lambda: list(_by_player(next(numbers)).order_by("-points")[:10])),
    }


def _by_player(number: int) -> Any:
    return Score.objects.filter(player=f"player{number}")


def hash_keys() -> Figures:
    """A hash key in 10 and in 100 values: a Query for each."""
    connected()

    def each(number: int) -> float:
        games = [f"game{n}" for n in range(number)]
        return best(lambda: list(Score.objects.filter(game__in=games))) / number

    return {"10": each(10), "100": each(100)}


def prefetching() -> Figures:
    """A page of 1,000 rows, each with a reference to one of 10, or of 1,000, targets."""
    memory = connected()

    class Author(db.Model):
        class Meta:
            table_name = "authors"

        id = db.CharField(hash_key=True)
        name = db.CharField()

    class Book(db.Model):
        class Meta:
            table_name = "books"

        shelf = db.CharField(hash_key=True)
        number = db.IntegerField(range_key=True)
        author = db.ForeignKey(Author)

    def found(payload: Mapping[str, Any]) -> bytes:
        keys = payload["RequestItems"]["authors"]["Keys"]
        items = [{"id": _plain(key)["id"], "name": {"S": "Ann"}} for key in keys]
        return encode({"Responses": {"authors": items}, "UnprocessedKeys": {}})

    memory.answers["BatchGetItem"] = found
    figures = {}
    for targets in (10, ROWS):
        rows = [
            {"shelf": {"S": "a"}, "number": {"N": str(n)}, "author": {"S": f"a{n % targets}"}}
            for n in range(ROWS)
        ]
        memory.answers["Query"] = encode({"Count": ROWS, "Items": rows, "ScannedCount": ROWS})
        books = Book.objects.filter(shelf="a")
        keys = [f"a{n}" for n in range(targets)]
        with_them = best(lambda books=books: list(books.prefetch_related("author")), samples=10)
        without = best(lambda books=books: list(books.all()), samples=10)
        alone = best(lambda keys=keys: list(Author.objects.batch_get(*keys)), samples=10)
        figures[f"{targets} targets"] = (with_them - without - alone) / ROWS
    return figures


def _plain(key: Any) -> dict[str, Any]:
    value: dict[str, Any] = msgspec.json.decode(encode(key))
    return value


# -- items ------------------------------------------------------------------------------------------


def _loaded(model: Any, memory: Memory, **item: Any) -> Any:
    memory.answers["GetItem"] = encode({"Item": {"id": {"S": "a"}, **item}})
    instance = model.objects.get(id="a")
    for name in item:
        getattr(instance, name)
    return instance


def lists() -> Figures:
    """An element of a list changed in place and saved: to begin with, and for each element."""
    memory = connected()
    model = _model("Listed", {"id": db.CharField(hash_key=True), "scores": db.ListField(float)})
    numbers = itertools.count(10**6)

    def seconds(length: int) -> float:
        scores = {"L": [{"N": str(n)} for n in range(length)]}
        instance = _loaded(model, memory, scores=scores)

        def change() -> None:
            instance.scores[length // 2] = next(numbers)
            instance.save()

        return best(change)

    short, long = seconds(SHORT), seconds(LONG)
    slope = (long - short) / (LONG - SHORT)
    return {"begin": short - SHORT * slope, "element": slope}


def documents() -> Figures:
    """A key of a free document of 300 KB, and the innermost one of 29 levels, changed and saved."""
    memory = connected()
    model = _model("Free", {"id": db.CharField(hash_key=True), "data": db.DictField()})
    numbers = itertools.count(10**6)

    def change(instance: Any, inner: dict[str, Any]) -> Callable[[], None]:
        def step() -> None:
            inner["number"] = next(numbers)
            instance.save()

        return step

    many = {f"key{n:05}": {"S": "x" * 100} for n in range(TEXTS)}
    instance = _loaded(model, memory, data={"M": {**many, "number": {"N": "1"}}})
    figures = {"300 KB": best(change(instance, instance.data), samples=8)}
    for depth in (1, DEEP // 2 + 1, DEEP):
        wire: dict[str, Any] = {"M": {"number": {"N": "1"}}}
        for _ in range(depth - 1):
            wire = {"M": {"inner": wire, "title": {"S": "x"}}}
        instance = _loaded(model, memory, data=wire)
        inner = instance.data
        for _ in range(depth - 1):
            inner = inner["inner"]
        figures[f"{depth} levels"] = best(change(instance, inner))
    return figures


def wide_items() -> Figures:
    """Two of 300 fields changed and saved, after all were read."""
    memory = connected()
    names = [f"f{n}" for n in range(WIDE)]
    kinds = [
        (db.CharField, {"S": "a text"}),
        (db.IntegerField, {"N": "12"}),
        (db.DecimalField, {"N": "12.5"}),
        (db.DateTimeField, {"S": "2026-03-01T08:30:15+00:00"}),
    ]
    chosen = dict(zip(names, itertools.cycle(kinds), strict=False))
    fields = {name: field() for name, (field, _) in chosen.items()}
    model = _model("Wide", {"id": db.CharField(hash_key=True), **fields})
    instance = _loaded(model, memory, **{name: wire for name, (_, wire) in chosen.items()})
    numbers = itertools.count()

    def change() -> None:
        instance.f0 = instance.f200 = f"text {next(numbers)}"
        instance.save()

    return {"save": best(change)}


if __name__ == "__main__":
    SAMPLES = int(sys.argv[2])
    if hasattr(
        os, "sched_setaffinity"
    ):  # on one core, as in run.py: helping threads do not contend
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])
    sys.stdout.write(json.dumps(globals()[sys.argv[1]]()) + "\n")
