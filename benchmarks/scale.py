"""Reads many items: is memory flat, are several segments faster, does an item cost what it should?

    python benchmarks/scale.py                                  a million items, some minutes
    python benchmarks/scale.py --items 50000 --query 10000      a quick look
    python benchmarks/scale.py --endpoint http://localhost:8000 an engine that runs already
    python benchmarks/scale.py --growth                         what grows with a program, a minute
    python benchmarks/scale.py --growth --checkout ccd9033      and at a commit, or in a folder, before
    python benchmarks/scale.py --embedded                       the embedded database, some minutes
    python benchmarks/scale.py --embedded --items 100000        with fewer items in its large table

The engine is dynoxide, fetched and started as the tests do it (tests/engines.py, which needs pytest),
in memory or, with ``--db FILE``, in a file. Each measure runs in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import resource
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

import checkouts  # noqa: E402
import embedded  # noqa: E402
import growth_table  # noqa: E402
import null_server  # noqa: E402
import report  # noqa: E402
import shapes  # noqa: E402

from dynamodb_py import CharField, IntegerField, Model, Table, connect  # noqa: E402
from dynamodb_py.batching import batch_write  # noqa: E402
from dynamodb_py.codec import to_json  # noqa: E402
from dynamodb_py.connections import Connection  # noqa: E402
from dynamodb_py.flows import run  # noqa: E402
from dynamodb_py.operations.batches import Put  # noqa: E402

STEPS = 10  # looks at the memory during a scan
FILLED_AT_ONCE = 5_000
MEGABYTE = 1024 * 1024


class Small(Model):
    """What is scanned: items of some 60 bytes."""

    class Meta:
        table_name = "scale-small"

    key = CharField(hash_key=True)
    number = IntegerField()


def connected(endpoint: str) -> Connection:
    """Connect dynamodb_py to *endpoint*; the credentials are those that every engine accepts."""
    return connect(
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    )


# -- tasks, each in a process of its own: they print what they found as JSON ------------------------


def fill(endpoint: str, items: int, query: int) -> float:
    """Make the tables and fill them; return how many seconds that took."""
    link = connected(endpoint)
    began = time.monotonic()
    bench = bench_model()
    for model in (Small, bench):
        Table(model).create()
    small = ({"key": {"S": f"k{n:07}"}, "number": {"N": str(n)}} for n in range(items))
    _write(link, Small._meta.table_name, small)
    whole = (shapes.wire(shapes.values(n)) for n in range(query))
    _write(link, bench._meta.table_name, whole)
    return time.monotonic() - began


def _write(link: Connection, table: str, items: Iterable[dict[str, Any]]) -> None:
    keys = ("key",) if table == Small._meta.table_name else ("pk", "sk")
    puts: list[Any] = []
    for item in items:
        puts.append(Put(table, {name: item[name] for name in keys}, to_json(item)))
        if len(puts) == FILLED_AT_ONCE:
            run(batch_write(puts, workers=2), link)
            puts.clear()
    if puts:
        run(batch_write(puts, workers=2), link)


def bench_model() -> Any:
    """Return the model of the benchmarks, whose items have 12 attributes and about 1 KB."""
    from contenders.dynamodb_py import Item  # it connects to nothing

    return Item


def scan(endpoint: str, items: int, segments: int, traced: bool) -> dict[str, Any]:
    """Scan all items, looking at the memory all the while."""
    connected(endpoint)
    step = max(items // STEPS, 1)
    sizes: list[float] = []
    if traced:
        tracemalloc.start()
    began, cpu = time.monotonic(), time.process_time()
    count = 0
    for _ in Small.objects.scan(segments=segments).iterator():
        count += 1
        if count % step == 0:
            sizes.append(tracemalloc.get_traced_memory()[1] if traced else _resident())
            if traced:
                tracemalloc.reset_peak()
    return {
        "count": count,
        "seconds": time.monotonic() - began,
        "cpu": time.process_time() - cpu,
        "sizes": [size / MEGABYTE for size in sizes],
        "most": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _resident() -> float:
    """Return the bytes of memory that this process has now."""
    with contextlib.suppress(OSError), open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * float(os.sysconf("SC_PAGE_SIZE"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def query(endpoint: str, query: int, kept: bool, read: bool) -> dict[str, Any]:
    """Read all items under one hash key; return the CPU seconds per item, there and in a page.

    The page is that of the benchmarks, a hundred items from the null server.
    """
    from contenders.dynamodb_py import Contestant

    item = bench_model()
    use = Contestant.read if read else _unread

    def all_of_them() -> int:
        rows = item.objects.filter(customer=shapes.PK)
        count = 0
        for row in rows if kept else rows.iterator():
            use(row)
            count += 1
        return count

    with null_server.running() as server:
        connected(server.url)
        pages = [_cpu_each(all_of_them) for _ in range(60)][10:]
        connected(endpoint)
        cpu = _cpu_each(all_of_them)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"page": sorted(pages)[len(pages) // 2], "all": cpu, "most": most}


def _unread(row: object) -> None:
    """Leave *row* as it is."""


def _cpu_each(work: Callable[[], int]) -> float:
    began = time.process_time()
    count = work()
    return (time.process_time() - began) / count


async def _delay(endpoint: str, seconds: float) -> None:
    """Be a door to *endpoint* behind which each answer takes *seconds* longer; print its URL."""
    address = urlsplit(endpoint)

    async def pump(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wait: Callable[[], float]
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(MEGABYTE):
                if pause := wait():
                    await asyncio.sleep(pause)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(address.hostname, address.port)
        owed = [0.0]  # what the answer under way is still to be delayed by

        def asked() -> float:
            owed[0] = seconds
            return 0.0

        def answered() -> float:
            pause, owed[0] = owed[0], 0.0
            return pause

        await asyncio.gather(pump(reader, far_writer, asked), pump(far_reader, writer, answered))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=MEGABYTE)
    say(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    parent = os.getppid()
    while os.getppid() == parent:  # it ends with whoever started it
        await asyncio.sleep(0.2)


@contextlib.contextmanager
def delayed(endpoint: str, milliseconds: float) -> Iterator[str]:
    """Give the URL of *endpoint* with a latency; an engine on the same machine has next to none."""
    asked = json.dumps({"task": "delay", "endpoint": endpoint, "seconds": milliseconds / 1000})
    command = [sys.executable, str(Path(__file__).resolve()), "--do", asked]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate()


def delay(endpoint: str, seconds: float) -> None:
    """Serve until the parent process is gone."""
    asyncio.run(_delay(endpoint, seconds))


TASKS: dict[str, Callable[..., Any]] = {
    "fill": fill,
    "scan": scan,
    "query": query,
    "delay": delay,
}


def apart(task: str, **arguments: Any) -> Any:
    """Do *task* in a fresh process."""
    asked = json.dumps({"task": task, **arguments})
    command = [sys.executable, str(Path(__file__).resolve()), "--do", asked]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


# -- what is printed -------------------------------------------------------------------------------


def say(line: str = "") -> None:
    """Write to standard output."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def scans(endpoint: str, items: int, segments: Sequence[int], latency: float) -> report.Rows:
    """Return the table of the scans, of an engine *latency* milliseconds away."""
    title = f"Scan, {latency:g} ms away" if latency else "Scan"
    rows = [[title, "wall s", "items/s", "CPU us/item", "RSS MB, first", "half", "end", "peak"]]
    for count in segments:
        done = apart("scan", endpoint=endpoint, items=items, segments=count, traced=False)
        _check_count(done["count"], items)
        sizes = done["sizes"]
        rows.append(
            [
                f"{count} segment{'s' if count > 1 else ''}",
                f"{done['seconds']:.1f}",
                f"{items / done['seconds']:,.0f}",
                report.number(done["cpu"] / items * 1e6),
                *(f"{size:.0f}" for size in (sizes[0], sizes[len(sizes) // 2], sizes[-1])),
                f"{done['most']:.0f}",
            ]
        )
    return rows


def far_scans(endpoint: str, items: int, segments: Sequence[int], latency: float) -> report.Rows:
    """Return the table of the scans with a latency."""
    with delayed(endpoint, latency) as far:
        return scans(far, items, segments, latency)


def traced(endpoint: str, items: int, segments: Sequence[int]) -> report.Rows:
    """Return the table of what Python allocates during the scans: the peak of each tenth."""
    steps = [f"{(step + 1) * 100 // STEPS}%" for step in range(STEPS)]
    rows = [["Peak of Python's memory, MB", *steps]]
    for count in segments:
        done = apart("scan", endpoint=endpoint, items=items, segments=count, traced=True)
        _check_count(done["count"], items)
        name = f"{count} segment{'s' if count > 1 else ''}"
        rows.append([name, *(f"{size:.1f}" for size in done["sizes"][:STEPS])])
    return rows


def _check_count(count: int, items: int) -> None:
    if count != items:
        raise SystemExit(f"{count} items were read, and there are {items}")


def queries(endpoint: str, count: int) -> report.Rows:
    """Return the table of the queries."""
    rows = [["Query, CPU us/item", f"all {count:,}", "a page of 100", "ratio", "peak RSS MB"]]
    for kept, read in ((False, False), (False, True), (True, False), (True, True)):
        done = apart("query", endpoint=endpoint, query=count, kept=kept, read=read)
        name = f"{'a loop, which keeps them' if kept else 'iterator()'}{', read' if read else ''}"
        shown = [report.number(done[each] * 1e6) for each in ("all", "page")]
        rows.append([name, *shown, f"{done['all'] / done['page']:.2f}", f"{done['most']:.0f}"])
    return rows


def tables(
    endpoint: str, options: argparse.Namespace, segments: Sequence[int]
) -> Iterator[report.Rows]:
    """Measure, and yield each table when it is there."""
    yield scans(endpoint, options.items, segments, 0)
    yield far_scans(endpoint, options.items, segments, options.latency)
    yield traced(endpoint, options.items, segments)
    yield queries(endpoint, options.query)


@contextlib.contextmanager
def engine(options: argparse.Namespace) -> Iterator[str]:
    """Give the URL of the engine that was asked for."""
    if options.endpoint:
        yield options.endpoint
        return
    sys.path.append(str(HERE.parent / "tests"))
    import engines

    recipe = engines.SERVERS["dynoxide"]
    if options.db:
        path = str(Path(options.db).resolve())
        recipe = recipe._replace(arguments=[*recipe.arguments, "--db-path", path])
    server = engines.Server(recipe, engines.fetch(recipe, engines.default_cache()))
    try:
        yield server.url
    finally:
        server.stop()


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--items", type=int, default=1_000_000, help="how many items to scan")
    parser.add_argument("--query", type=int, default=100_000, help="how many items to query")
    parser.add_argument("--segments", default="1,4", help="scans to compare, such as 1,2,8")
    parser.add_argument("--latency", type=float, default=100, help="of the second scans, in ms")
    parser.add_argument("--endpoint", help="the URL of an engine that runs, with no such tables")
    parser.add_argument("--db", metavar="FILE", help="keep dynoxide's items in a new FILE")
    parser.add_argument("--growth", action="store_true", help="the growth table alone: no engine")
    parser.add_argument(
        "--embedded", action="store_true", help="the embedded database alone, beside moto"
    )
    parser.add_argument("--checkout", metavar="WHICH", help="a commit or folder to compare it with")
    parser.add_argument("--do", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def growth(before: str | None) -> report.Rows:
    """Return the growth table of this checkout, beside that of the commit or folder *before*."""
    names = checkouts.chosen(
        ",".join([*([f"dynamodb_py@{before}"] if before else []), "dynamodb_py"])
    )
    with checkouts.unpacked(names) as folders:
        return growth_table.table(folders, names)


def main(argv: Sequence[str] | None = None) -> int:
    """Fill the tables, measure and print."""
    options = arguments(argv)
    if options.do:
        asked = json.loads(options.do)
        say(json.dumps(TASKS[asked.pop("task")](**asked)))
        return 0
    if options.growth:
        say(report.text(growth(options.checkout)))
        return 0
    if options.embedded:
        for rows in embedded.tables(options.items):
            say(report.text(rows))
            say()
        return 0
    segments = [int(count) for count in options.segments.split(",")]
    with engine(options) as endpoint:
        seconds = apart("fill", endpoint=endpoint, items=options.items, query=options.query)
        say(f"{options.items:,} small items and {options.query:,} of 1 KB, in {seconds:.0f} s")
        for rows in tables(endpoint, options, segments):
            say()
            say(report.text(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
