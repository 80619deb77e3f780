"""N+1: which reads count together, which do not, and how the line that repeats them is named."""

from __future__ import annotations

import asyncio
import functools
import gc
import sys
import threading
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    ConfigurationError,
    NPlusOneWarning,
    Table,
    connect,
    connections,
    get_connection,
    load,
    prefetch,
    signals,
)
from dynamodb_py.observing import OBSERVERS, callers
from dynamodb_py.observing.n_plus_one import split_payload
from dynamodb_py.operations.batches import BatchGetItem
from dynamodb_py.operations.items import GetItem
from dynamodb_py.operations.queries import Expressions, Query, Scan
from dynamodb_py.testing import forbid_n_plus_one

from .models import Author, Book

NAMES = [f"author {n}" for n in range(6)]


def line_of(function) -> int:
    """Return the number of the first line of the body of *function*."""
    return function.__code__.co_firstlineno + 1


def find(work, threshold=3) -> str:
    """Return what forbid_n_plus_one() says of *work*, "" for nothing."""
    try:
        with forbid_n_plus_one(threshold):
            work()
    except AssertionError as error:
        return str(error)
    return ""


@pytest.fixture
def tracing():
    """Trace all calls in a block, as debuggers and coverage do."""

    @contextmanager
    def trace_calls():
        def trace(frame, event, argument):
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            yield trace
        finally:
            sys.settrace(before)

    return trace_calls


@pytest.fixture(params=["plain", "traced"])
def around(request, tracing):
    """A block around the work of a test, in which nothing or everything is traced."""
    return nullcontext if request.param == "plain" else tracing


# -- what is found ---------------------------------------------------------------------------------
def get_each():
    return [Author.objects.get(name=name) for name in NAMES]


def follow_each():
    for book in Book.objects.all():
        assert book.author.name


def load_author(name):
    return Author.get(name)


def get_each_by_a_function():
    return [load_author(name) for name in NAMES]


def query_each():
    return [list(Book.objects.filter(author=name)) for name in NAMES]


def follow_back_each():
    for author in Author.objects.all():
        assert len(author.books.all()) == 1


def batch_each():
    return [Author.batch_get(name) for name in NAMES]


def scan_each():
    return [list(Book.objects.filter(year=year).scan()) for year in range(4)]


def get_each_by_a_partial():
    return list(map(functools.partial(Author.objects.get), NAMES))


def get_in_a_while_loop():
    names = [*NAMES]
    while names:
        Author.objects.get_or_none(names.pop())


def get_in_a_generator():
    def generate():
        for name in NAMES:
            yield Author.objects.get(name)

    return list(generate())


FOUND = {
    "GetItem": [get_each, get_each_by_a_partial, get_in_a_while_loop, get_in_a_generator],
    "Query": [query_each, follow_back_each],
    "BatchGetItem": [batch_each],
    "Scan": [scan_each],
}


@pytest.mark.parametrize(
    ("operation", "work"),
    [(operation, work) for operation, works in FOUND.items() for work in works],
)
def test_a_loop_of_reads_is_found_with_its_line_and_what_to_use_instead(operation, work, around):
    with around():
        text = find(work)
    assert f"times {operation} " in text
    assert f"{__file__}:" in text
    assert "use instead: " in text


def test_the_message_names_file_line_code_number_and_the_way_out():
    line = line_of(get_each)
    assert find(get_each).splitlines()[:2] == [
        f"N+1: 6 times GetItem authors, each time with another key, from {__file__}:{line} in "
        + ("get_each" if sys.version_info >= (3, 12) else "<listcomp>"),
        "    return [Author.objects.get(name=name) for name in NAMES]",
    ]


def test_references_that_are_followed_one_by_one_are_found():
    text = find(follow_each)
    assert f"{__file__}:{line_of(follow_each) + 1} in follow_each" in text
    assert "prefetch_related()" in text


def test_a_loop_in_a_caller_is_found_with_both_lines():
    text = find(get_each_by_a_function)
    assert f"from {__file__}:{line_of(get_each_by_a_function)} in " in text
    assert f"sent by {__file__}:{line_of(load_author)} in load_author" in text


def test_an_outer_loop_counts_once_for_each_call_of_an_inner_one():
    def outer():
        for start in (0, 2, 4):
            inner(start)

    def inner(start):
        for name in NAMES[start : start + 2]:
            Author.objects.get(name=name)

    text = find(outer)
    assert (
        f"3 times GetItem authors, each time with another key, from {__file__}:{line_of(outer) + 1}"
        in text
    )


def test_two_loops_are_two_findings():
    def both():
        get_each()
        query_each()

    assert find(both).count("N+1: ") == 2


def test_the_loop_of_a_coroutine_is_found(around):
    async def work():
        for name in NAMES:
            await Author.objects.aget(name=name)

    with around():
        text = find(lambda: asyncio.run(work()))
    assert "6 times GetItem authors" in text
    assert "in work" in text


def test_the_loops_of_tasks_are_found():
    async def follow(names):
        for name in names:
            await Author.objects.aget(name=name)

    async def work():
        await asyncio.gather(follow(NAMES[:2]), follow(NAMES[2:]))

    assert "4 times GetItem authors" in find(lambda: asyncio.run(work()))


def test_the_loop_of_an_async_for_is_found(around):
    async def work():
        async for author in Author.objects.all():
            await Book.objects.filter(author=author.name).afirst()

    with around():
        text = find(lambda: asyncio.run(work()))
    assert "6 times Query books, index by_author" in text


def test_the_loops_of_threads_are_found():
    text = find(lambda: _join(threading.Thread(target=get_each)))
    assert "6 times GetItem authors" in text


def _join(thread):
    thread.start()
    thread.join()


def test_a_loop_that_saves_with_a_hook_that_reads_is_found():
    def look(sender, instance, **kwargs):
        Author.objects.get(name=NAMES[instance.year])

    def save_each():
        for year in range(4):
            Book(isbn=f"new {year}", author=NAMES[year], year=year).save()

    signals.pre_save.connect(look, sender=Book)
    try:
        text = find(save_each)
    finally:
        signals.pre_save.disconnect(look)
    assert f"from {__file__}:{line_of(save_each) + 1} in save_each" in text
    assert "in look" in text


# -- what is not found -----------------------------------------------------------------------------
def read_pages():
    return list(Book.objects.all().page_size(1))


def read_pages_of_a_query():
    for year in range(5):
        Book(isbn=f"x{year}", author="author 1", year=10 + year).save()
    return list(Book.objects.filter(author="author 1").page_size(1))


def iterate_over_pages():
    return [row for page in Book.objects.all().page_size(1).pages() for row in page]


def walk():
    return list(Book.objects.filter(author__in=NAMES).iterator())


def one_query_of_many_keys():
    return list(Book.objects.filter(author__in=NAMES))


def one_query_of_many_keys_in_order():
    return list(Book.objects.filter(author__in=NAMES).order_by("year"))


def one_query_of_many_keys_with_a_limit():
    return list(Book.objects.filter(author__in=NAMES)[:5])


def batch_get():
    return Author.batch_get(*(f"author {n}" for n in range(350)))


def batch_get_in_parallel():
    return Author.objects.in_bulk([f"author {n}" for n in range(350)], workers=3)


def batch_get_by_the_page():
    for start in range(0, 6, 2):
        Author.batch_get(*NAMES[start : start + 2])


def load_several_models():
    return load([*(Author(name=name) for name in NAMES), *(Book(isbn=str(n)) for n in range(6))])


def prefetched():
    books = list(Book.objects.all())
    prefetch(books, "author")
    return [book.author.name for book in books]


def the_same_key():
    return [Author.objects.get(name="author 1") for _ in range(5)]


def two_of_a_kind():
    return [Author.objects.get(name=name) for name in NAMES[:2]]


def different_lines():
    Author.objects.get(name=NAMES[0])
    Author.objects.get(name=NAMES[1])
    Author.objects.get(name=NAMES[2])
    Author.objects.get(name=NAMES[3])


def different_shapes():
    books = Book.objects.filter(author="author 1")
    for each in (books.filter(year=1), books.filter(year__gt=1), books.only("year"), books):
        list(each)


def different_tables():
    for model, key in ((Author, NAMES[1]), (Book, "1"), (Author, NAMES[2]), (Book, "2")):
        model.objects.get_or_none(key)


def writes():
    for name in NAMES:
        Author(name=name).save()


NOT_FOUND = [
    read_pages,
    read_pages_of_a_query,
    iterate_over_pages,
    walk,
    one_query_of_many_keys,
    one_query_of_many_keys_in_order,
    one_query_of_many_keys_with_a_limit,
    batch_get,
    batch_get_in_parallel,
    batch_get_by_the_page,
    load_several_models,
    prefetched,
    the_same_key,
    two_of_a_kind,
    different_lines,
    different_shapes,
    different_tables,
    writes,
]


@pytest.mark.parametrize("work", NOT_FOUND)
def test_what_is_no_loop_of_reads_is_not_found(work, around):
    with around():
        assert find(work) == ""


def test_two_are_enough_where_the_threshold_says_so():
    assert "2 times" in find(two_of_a_kind, threshold=2)


def handle(name):
    return Author.objects.get(name=name)


def test_calls_of_one_function_by_a_server_do_not_count_together():
    def serve():
        with ThreadPoolExecutor(1) as pool:  # one thread, whose frames have the same addresses
            for name in NAMES:
                assert pool.submit(handle, name).result().name == name

    assert find(serve) == ""


def test_coroutines_that_a_loop_runs_do_not_count_together():
    async def ahandle(name):
        await Author.objects.aget(name=name)

    def serve():
        for name in NAMES:
            asyncio.run(ahandle(name))

    assert find(serve) == ""


def test_reads_that_fail_do_not_count():
    def work():
        for name in NAMES:
            with pytest.raises(Exception, match="ResourceNotFound"):
                Missing.objects.get(name=name)

    assert find(work) == ""


class Missing(Author):
    class Meta:
        table_name = "missing"


@pytest.mark.parametrize("threshold", [1, 0, -3, True, 2.5, "3", None])
def test_a_threshold_that_is_none_is_refused_before_the_block(threshold):
    with pytest.raises(ConfigurationError, match="threshold="):
        forbid_n_plus_one(threshold)


def test_an_error_in_the_block_is_not_hidden():
    def work():
        get_each()
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"), forbid_n_plus_one():
        work()
    assert not OBSERVERS


def test_blocks_are_nested_and_end_each_for_itself():
    def work():
        get_each()
        with forbid_n_plus_one():
            two_of_a_kind()

    assert "6 times" in find(work)
    assert not OBSERVERS


def test_local_variables_of_finished_functions_are_not_kept_alive():
    class Resource:
        pass

    gone = []

    def work():
        resource = Resource()
        gone.append(weakref.ref(resource))
        get_each()
        return id(resource)

    def outer():
        work()
        assert (gone[0]() is None) is (sys.gettrace() is None)

    assert "6 times" in find(outer)
    gc.collect()
    assert gone[0]() is None


def test_the_function_of_a_debugger_stays_where_it_is(tracing):
    seen = []

    def work():
        Author.objects.get(name=NAMES[0])
        seen.append(sys._getframe().f_trace)

    with tracing() as trace:
        assert find(work) == ""
    assert seen == [trace]


def test_frames_that_are_traced_are_kept_until_the_end_of_the_block(tracing):
    with tracing():
        assert find(get_each)
        assert not callers._traced


# -- warnings --------------------------------------------------------------------------------------
@pytest.fixture
def warned():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


@pytest.fixture
def warning_connection(database):
    made = connect("memory://n-plus-one", warn_n_plus_one=True)
    for model in (Author, Book):
        Table(model).create()
    Author.batch_write([{"name": name} for name in NAMES], overwrite=True)
    yield made
    for model in (Author, Book):
        Table(model).delete()


def test_a_connection_warns_once_for_each_line_and_points_to_it(warning_connection, warned):
    get_each_by_a_function()
    get_each_by_a_function()
    (only,) = warned
    assert only.category is NPlusOneWarning
    assert (only.filename, only.lineno) == (__file__, line_of(get_each_by_a_function))
    assert "3 times GetItem authors" in str(only.message)


def test_another_line_is_another_warning(warning_connection, warned):
    get_each_by_a_function()
    get_in_a_while_loop()
    assert len({each.lineno for each in warned}) == len(warned) == 2


def test_other_connections_do_not_warn(warning_connection, warned):
    connect("memory://", alias="quiet")
    Table(Author, using="quiet").create()
    for name in NAMES:
        Author.objects.using("quiet").get_or_none(name)
    assert not warned


def test_a_warning_that_is_an_error_is_raised_at_the_request(warning_connection):
    with warnings.catch_warnings():
        warnings.simplefilter("error", NPlusOneWarning)
        with pytest.raises(NPlusOneWarning):
            get_each()


def test_nobody_observes_after_the_connection_is_replaced(database):
    connect("memory://", warn_n_plus_one=True)
    assert OBSERVERS
    connect("memory://")
    gc.collect()
    assert not OBSERVERS
    assert get_connection() is connections._connections["default"]


# -- which reads are alike -------------------------------------------------------------------------
keys = st.fixed_dictionaries({"name": st.text(min_size=1).map(lambda text: {"S": text})})


@given(keys, keys)
def test_gets_differ_in_their_keys_alone(first, second):
    one, two = (split_payload(GetItem("t", key).payload()) for key in (first, second))
    assert one[0] == two[0]
    assert (one[1] == two[1]) == (first == second)


@given(keys, st.integers(1, 100), st.booleans())
def test_pages_are_the_same_read(key, limit, measured):
    asked = Expressions(keys="#0 = :0", names={"#0": "name"}, values={":0": key["name"]})
    first = Query("t", asked, limit=limit)
    later = Query("t", asked, start=key, limit=limit + 1, measured=measured)
    assert split_payload(first.payload()) == split_payload(later.payload())


@given(st.lists(keys, min_size=1), st.lists(keys, min_size=1))
def test_batches_of_any_size_are_alike(first, second):
    one, two = (split_payload(BatchGetItem({"t": each}).payload()) for each in (first, second))
    assert one[0] == two[0]
    assert (one[1] == two[1]) == (first == second)


@pytest.mark.parametrize(
    "other",
    [
        GetItem("u", {"k": {"S": "a"}}),
        GetItem("t", {"k": {"S": "a"}}, consistent=True),
        GetItem("t", {"k": {"S": "a"}}, expressions=Expressions.of()),
    ],
)
def test_other_tables_and_options_are_not_alike(other):
    shape = split_payload(GetItem("t", {"k": {"S": "a"}}).payload())[0]
    is_alike = other.payload() == GetItem("t", {"k": {"S": "a"}}).payload()
    assert (split_payload(other.payload())[0] == shape) == is_alike


def test_segments_of_a_scan_are_the_same_read():
    scans = [Scan("t", segment=(n, 4)) for n in range(4)]
    assert len({split_payload(each.payload()) for each in scans}) == 1
