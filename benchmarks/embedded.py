"""How fast the embedded database is: beside moto through models, and as a table grows.

``scale.py --embedded`` runs it. Each engine and each file is measured in processes of its own::

    python benchmarks/embedded.py '{"task": "compare", "kind": "memory"}'       prints what it found as JSON
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import contenders  # puts this checkout on the path, behind PYTHONPATH
import report
import shapes
from contenders.dynamodb_py import Contestant, Item

from dynamodb_py import Table, connect
from dynamodb_py.codec import to_json
from dynamodb_py.local.transport import open_engine

KINDS = {
    "moto": "moto",
    "memory": "memory://",
    "normal": "a file, NORMAL",
    "full": "a file, FULL",
}
"""The engines that are compared: the first is what the others are ratios of."""
MEASURES = ("put", "get", "update", "query")
AIM = 10.0  # times moto's puts and gets, in memory
PROCESSES = 3  # of each engine, by turns; the best counts
SAMPLES, SECONDS = 20, 0.02
BATCH = 25

SMALL_TABLE = 20_000
LONG_AIM, OPEN_AIM = 1.2, 50.0
GROUP = 20  # items of a hash key
ROUNDS = 15
QUERIES, TRANSACTIONS = 200, 100  # in a round
DESCRIPTION = {
    "TableName": "scale",
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "N"},
    ],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


# -- through models, beside moto --------------------------------------------------------------------


def compare(
    kind: str, samples: int = SAMPLES, seconds: float = SECONDS
) -> dict[str, dict[str, float]]:
    """Return what each measure costs in *kind* of engine: seconds of the clock, and of the CPU."""
    with _connected(kind):
        Table(Item).create()
        for n in range(shapes.PAGE):
            Item(**Contestant._values(shapes.values(n))).save()
        loaded = Item.objects.get(customer=shapes.PK, sk=shapes.values(0)["sk"])
        numbers = itertools.count(shapes.NEW)

        def put() -> None:
            number = next(numbers)
            changed = {**shapes.values(number % shapes.PAGE), "quantity": number}
            Item(**Contestant._values(changed)).save()

        def get() -> None:
            sort_key = shapes.values(0)["sk"] + next(numbers) % shapes.PAGE
            Contestant.read(Item.objects.get(customer=shapes.PK, sk=sort_key))

        def update() -> None:
            loaded.quantity = next(numbers)
            loaded.save()

        def query() -> None:
            items = list(Item.objects.filter(customer=shapes.PK))
            assert len(items) == shapes.PAGE
            for each in items:
                Contestant.read(each)

        works = {"put": put, "get": get, "update": update, "query": query}
        return {name: _time(works[name], samples, seconds) for name in MEASURES}


@contextlib.contextmanager
def _connected(kind: str) -> Iterator[None]:
    if kind == "moto":
        from moto import mock_aws

        os.environ.update(AWS_ACCESS_KEY_ID="any", AWS_SECRET_ACCESS_KEY="thing")
        with mock_aws():
            connect(region_name=contenders.REGION)
            yield
    elif kind == "memory":
        connect("memory://")
        yield
    else:
        with tempfile.TemporaryDirectory(dir=_work_folder()) as folder:
            connect(f"sqlite:///{folder}/compare.db?synchronous={kind.upper()}")
            yield


def _time(work: Callable[[], object], samples: int, seconds: float) -> dict[str, float]:
    """Return the least seconds that *work* takes, of some samples that take *seconds* each."""
    spans: list[float] = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        spans.append(time.perf_counter() - began)
    times = max(1, int(seconds / min(spans)))
    clock, cpu = float("inf"), float("inf")
    for _ in range(samples):
        began, used = time.perf_counter(), time.process_time()
        for _ in range(times):
            work()
        clock = min(clock, (time.perf_counter() - began) / times)
        cpu = min(cpu, (time.process_time() - used) / times)
    return {"clock": clock, "cpu": cpu}


# -- a table that grows -----------------------------------------------------------------------------


def fill(path: str, items: int) -> float:
    """Fill a new file in batches of the engine's own API; return the seconds of that."""
    began = time.monotonic()
    engine = open_engine(path, durability="NORMAL")
    engine.answer("CreateTable", dict(DESCRIPTION))
    for first in range(0, items, BATCH):
        puts = [{"PutRequest": {"Item": item(n)}} for n in range(first, min(first + BATCH, items))]
        _call(engine, "BatchWriteItem", {"RequestItems": {"scale": puts}})
    engine.close()
    return time.monotonic() - began


def item(n: int) -> dict[str, Any]:
    """Return item number *n*: some 90 bytes, twenty to a hash key."""
    return {
        "pk": {"S": f"customer#{n // GROUP:07}"},
        "sk": {"N": str(1_700_000_000 + n % GROUP)},
        "title": {"S": f"Order {n:07}, two parcels and a letter"},
        "quantity": {"N": str(n % 7)},
    }


def _call(engine: Any, operation: str, request: Mapping[str, Any]) -> bytes:
    status, body = engine.call(operation, to_json(request))
    if status != 200:
        raise SystemExit(f"{operation} failed: {body.decode()}")
    return body  # type: ignore[no-any-return]


def opening(path: str, items: int) -> float:
    """Return the seconds of opening a file and reading the first item."""
    first = item(random.randrange(items))
    request = {"TableName": "scale", "Key": {name: first[name] for name in ("pk", "sk")}}
    began = time.perf_counter()
    engine = open_engine(path)
    body = _call(engine, "GetItem", request)
    seconds = time.perf_counter() - began
    assert json.loads(body)["Item"] == first
    engine.close()
    return seconds


def grown(
    paths: Sequence[str], items: Sequence[int], rounds: int = ROUNDS
) -> dict[str, list[list[float]]]:
    """Return what a query and a transaction cost in each of the files, by rounds.

    It is the CPU time of one, and the median of the seconds that one takes.
    """
    engines = [open_engine(path, durability="NORMAL") for path in paths]
    works = {"query": (_query, QUERIES), "transaction": (_transact, TRANSACTIONS)}
    found: dict[str, list[list[float]]] = {}
    for _ in range(rounds):
        for name, (work, times) in works.items():
            cpu, clock = zip(
                *(
                    _cost(work, engine, count, times)
                    for engine, count in zip(engines, items, strict=True)
                ),
                strict=True,
            )
            found.setdefault(f"{name}, CPU", []).append(list(cpu))
            found.setdefault(f"{name}, in all", []).append(list(clock))
    for engine in engines:
        engine.close()
    return found


def _cost(
    work: Callable[[Any, int], None], engine: Any, count: int, times: int
) -> tuple[float, float]:
    spans: list[float] = []
    used = time.process_time()
    for _ in range(times):
        began = time.perf_counter()
        work(engine, count)
        spans.append(time.perf_counter() - began)
    return (time.process_time() - used) / times, _median(spans)


def _query(engine: Any, items: int) -> None:
    """Read the items of one hash key."""
    body = _call(
        engine,
        "Query",
        {
            "TableName": "scale",
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": item(random.randrange(items))["pk"]},
        },
    )
    assert body.count(b'"pk"') == GROUP


def _transact(engine: Any, items: int) -> None:
    """Move one of a quantity from an item to another."""
    first, second = random.sample(range(items), 2)
    parts = [
        {
            "Update": {
                "TableName": "scale",
                "Key": {name: item(n)[name] for name in ("pk", "sk")},
                "UpdateExpression": "ADD quantity :change",
                "ExpressionAttributeValues": {":change": {"N": change}},
            }
        }
        for n, change in ((first, "-1"), (second, "1"))
    ]
    _call(engine, "TransactWriteItems", {"TransactItems": parts})


# -- what is printed --------------------------------------------------------------------------------

TASKS: dict[str, Callable[..., Any]] = {
    "compare": compare,
    "fill": fill,
    "opening": opening,
    "grown": grown,
}


def apart(task: str, **arguments: Any) -> Any:
    """Do *task* in a fresh process."""
    command = [sys.executable, str(Path(__file__).resolve())]
    asked = json.dumps({"task": task, **arguments})
    done = subprocess.run([*command, asked], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def _work_folder() -> Path:
    """Return where files are made: on a disk, which the folder for temporary files may not be."""
    folder = Path(__file__).resolve().parent.parent / "build"
    folder.mkdir(exist_ok=True)
    return folder


def comparison() -> report.Rows:
    """Return the table of the engines: operations a second, and the ratio of the CPU time of moto's."""
    least: dict[tuple[str, str, str], float] = {}
    for _ in range(PROCESSES):
        for kind in KINDS:
            for measure, figures in apart("compare", kind=kind).items():
                for clock, seconds in figures.items():
                    place = (measure, kind, clock)
                    least[place] = min(seconds, least.get(place, seconds))
    rows = [["through models, a second", *KINDS.values(), "memory:// is faster", ""]]
    for measure in MEASURES:
        rates = [f"{1 / least[measure, kind, 'clock']:,.0f}" for kind in KINDS]
        ratio = least[measure, "moto", "cpu"] / least[measure, "memory", "cpu"]
        aim = _judge(ratio >= AIM) if measure in ("put", "get") else ""
        rows.append([measure, *rates, f"{ratio:.1f} times", aim])
    return rows


def growth(items: int) -> Iterator[report.Rows]:
    """Fill two files, one with *items*; yield the table of the filling, then that of the costs."""
    with tempfile.TemporaryDirectory(dir=_work_folder()) as folder:
        sizes = [min(SMALL_TABLE, items), items]
        paths = [f"{folder}/{name}.db" for name in ("small", "large")]
        rows = [["a file, NORMAL", "s", "items/s", "MB"]]
        for path, count in zip(paths, sizes, strict=True):
            seconds = apart("fill", path=path, items=count)
            megabytes = Path(path).stat().st_size / 1024 / 1024
            figures = [f"{seconds:.1f}", f"{count / seconds:,.0f}", f"{megabytes:.0f}"]
            rows.append([f"fill with {count:,} items", *figures])
        yield rows
        found = apart("grown", paths=paths, items=sizes)
        rows = [["an engine call", *(f"{count:,} items" for count in sizes), "ratio", "aim", ""]]
        for name, rounds in found.items():
            small, large = (_median([each[n] for each in rounds]) for n in (0, 1))
            ratio = _median([each[1] / each[0] for each in rounds])
            shown = [f"{seconds * 1e6:.0f} us" for seconds in (small, large)]
            verdict = _judge(ratio <= LONG_AIM)
            rows.append([name, *shown, f"{ratio:.2f}", f"{LONG_AIM:g}", verdict])
        spans = [
            min(apart("opening", path=path, items=count) for _ in range(PROCESSES)) * 1000
            for path, count in zip(paths, sizes, strict=True)
        ]
        shown = [f"{span:.1f} ms" for span in spans]
        verdict = _judge(spans[1] <= OPEN_AIM)
        rows.append(["open, and read an item", *shown, "", f"{OPEN_AIM:g} ms", verdict])
        yield rows


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _judge(is_met: bool) -> str:
    return "met" if is_met else "NOT MET"


def tables(items: int) -> Iterator[report.Rows]:
    """Measure, and yield each table when it is there."""
    yield comparison()
    yield from growth(items)


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    sys.stdout.write(json.dumps(TASKS[asked.pop("task")](**asked)) + "\n")
