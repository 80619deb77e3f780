"""A scan runs in the memory of a page, however many items there are."""

from __future__ import annotations

import asyncio
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from statistics import median

import pytest

from dynamodb_py import CharField, IntegerField, Model
from dynamodb_py.batching import batch_write
from dynamodb_py.codec import to_json
from dynamodb_py.flows import run
from dynamodb_py.operations.batches import Put

from ..engines import Engine

COUNT = 20_000
PAGE = 500
# What two pages may take, raw and as instances: some 400 bytes an item, since Python 3.13 some more.
ROOM = 2 * PAGE * (400 if sys.version_info < (3, 13) else 450)


class Small(Model):
    class Meta:
        table_name = "smalls"

    key = CharField(hash_key=True)
    number = IntegerField()


TABLES = [Small]

pytestmark = pytest.mark.engines("dynoxide")  # moto and ExtendDB take minutes for so many


@pytest.fixture(scope="module", autouse=True)
def items(module_engine: Engine) -> None:
    table = module_engine.table_name("smalls")
    keys = [{"key": {"S": f"k{number}"}} for number in range(COUNT)]
    puts = [
        Put(table, key, to_json({**key, "number": {"N": str(number)}}))
        for number, key in enumerate(keys)
    ]
    connection = module_engine.connect()
    run(batch_write(puts), connection)
    connection.close()


def by_iterator(segments: int) -> Iterator[int]:
    for small in Small.objects.scan(segments=segments).page_size(PAGE).iterator():
        yield small.number or 0


def by_pages(segments: int) -> Iterator[int]:
    for page in Small.objects.scan(segments=segments).page_size(PAGE).pages():
        for small in page:
            yield small.number or 0


def awaited(segments: int) -> Iterator[int]:
    walk = Small.objects.scan(segments=segments).page_size(PAGE).iterator()
    loop = asyncio.new_event_loop()
    try:
        while (small := loop.run_until_complete(anext(walk, None))) is not None:
            yield small.number or 0
        loop.run_until_complete(Small.objects._link.aclose())
    finally:
        loop.close()


def peaks(numbers: Iterator[int]) -> tuple[int, list[int]]:
    """Return the sum of *numbers*, and Python's most memory in each tenth of the way."""
    total, found = 0, []
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for count, number in enumerate(numbers, 1):
            total += number
            if count % (COUNT // 10) == 0:
                found.append(tracemalloc.get_traced_memory()[1] - before)
                tracemalloc.reset_peak()
    finally:
        tracemalloc.stop()
    return total, found


def growth(sizes: list[int]) -> float:
    """Return how many bytes more the second half of the way took than the first, by medians.

    One tenth alone varies with the requests that are on their way at its peak.
    """
    return median(sizes[5:]) - median(sizes[:5])


@pytest.mark.parametrize(
    ("read", "segments"), [(by_iterator, 1), (by_iterator, 4), (by_pages, 1), (awaited, 1)]
)
def test_a_scan_of_many_items_runs_in_flat_memory(
    engine: Engine, read: Callable[[int], Iterator[int]], segments: int
) -> None:
    next(read(segments))  # what is loaded at its first use is no part of the reading
    total, sizes = peaks(read(segments))
    assert total == sum(range(COUNT))  # every item, and each once
    assert len(sizes) == 10
    assert max(sizes) < ROOM * segments
    assert growth(sizes) < ROOM / 2  # nothing is piled up on the way: 20 bytes an item would be


def test_many_keys_are_read_in_the_memory_of_a_few_requests(engine: Engine) -> None:
    keys = [f"k{number}" for number in range(COUNT)]
    rows = Small.objects.filter(key__in=keys)
    for some in (rows, rows.filter(number__gte=0)):  # BatchGetItem; a Query for each key
        next(some.iterator())
        total, sizes = peaks(small.number or 0 for small in some.iterator())
        assert total == sum(range(COUNT))
        assert growth(sizes) < ROOM / 2


def test_what_is_kept_would_not_be_flat(engine: Engine) -> None:
    def numbers() -> Iterator[int]:
        again = []
        for small in Small.objects.scan().page_size(PAGE).iterator():
            again.append(small)
            yield small.number or 0

    _, sizes = peaks(numbers())
    assert growth(sizes) > 5 * ROOM
