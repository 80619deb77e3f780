"""Spans of verbs and requests: one for each, whatever becomes of it, current as long as it runs."""

from __future__ import annotations

import asyncio
import configparser
import gc
import subprocess
import sys
import textwrap
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from opentelemetry.context import get_current
from opentelemetry.instrumentation.distro import DefaultDistro
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import StatusCode, get_current_span

from dynamodb_py import (
    CharField,
    GlobalIndex,
    IntegerField,
    Model,
    Table,
    ValidationError,
    load,
    transaction,
)
from dynamodb_py.contrib.opentelemetry import DynamoDBInstrumentor
from dynamodb_py.exceptions import ConnectionFailed, Throttled, make_service_error
from dynamodb_py.flows import arun, run
from dynamodb_py.observing import OBSERVERS, TRACERS
from dynamodb_py.operations.base import Operation
from dynamodb_py.operations.items import GetItem
from dynamodb_py.testing import EmbeddedEngine

from ..scripted import Link, Script
from ..tracing import instrumented

ROOT = Path(__file__).parent.parent.parent
SECRET = "nobody may see this"


class Score(Model):
    class Meta:
        table_name = "scores"
        indexes = (GlobalIndex("by_team", hash_key="team", range_key="points"),)

    player = CharField(hash_key=True)
    day = IntegerField(range_key=True)
    team = CharField()
    points = IntegerField(default=0)

    def before_save(self, created):
        if self.team == "looks":
            SEEN.append(get_current_span())


SEEN: list[object] = []


@pytest.fixture(autouse=True)
def database():
    """An embedded database with 40 scores of ann's."""
    with EmbeddedEngine() as made:
        Table(Score).create()
        items = [{"player": "ann", "day": n, "team": "a", "points": n} for n in range(40)]
        Score.objects.batch_write(items, overwrite=True)
        SEEN.clear()
        yield made


@pytest.fixture
def traced():
    with instrumented() as found:
        yield found


def tree(traced):
    """Return the names of the spans, those of requests below their verb."""
    below = {}
    for each in traced.requests:
        below.setdefault(each.parent.span_id, []).append(each.name)
    return {each.name: below.get(each.context.span_id, []) for each in traced.verbs}


def save(do):
    score = do(Score.objects.get, "ann", 1)
    score.points = 100
    do(score.save)


ANN = Score.objects.filter(player="ann")
BY_TEAM = Score.objects.index("by_team").filter(team="a")

VERBS = [
    ("get", lambda do: do(Score.objects.get, "ann", 1), {"get scores": ["GetItem scores"]}),
    ("aliases", lambda do: do(Score.create, player="bob", day=1), {"create scores": ["PutItem scores"]}),
    ("save", save, {"get scores": ["GetItem scores"], "save scores": ["UpdateItem scores"]}),
    ("first", lambda do: do(ANN.first), {"first scores": ["Query scores"]}),
    ("index", lambda do: do(BY_TEAM.count), {"count scores": ["Query scores"]}),
    (
        "batch",
        lambda do: do(Score.objects.bulk_delete, [("ann", n) for n in range(40)]),
        {"bulk_delete scores": ["BatchWriteItem scores"] * 2},
    ),
    (
        "segments",
        lambda do: do(Score.objects.scan(3).count),
        {"count scores": ["Scan scores"] * 3},
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("run_verb", "expected"), [each[1:] for each in VERBS], ids=[each[0] for each in VERBS]
)
def test_a_verb_is_one_span_with_one_below_it_for_each_request(traced, do, run_verb, expected):
    run_verb(do)
    assert tree(traced) == expected
    assert {each.parent for each in traced.verbs} == {None}
    assert {each.status.status_code for each in traced.spans} == {StatusCode.UNSET}


def test_a_verb_has_what_its_requests_cost_and_found(traced, do):
    do.list(ANN.filter(points__gt=29).page_size(15))
    [verb] = traced.verbs
    found = dict(verb.attributes)
    assert found.pop("db.operation.name") in {"read_all", "iterate"}
    assert found == {
        "db.system.name": "aws.dynamodb",
        "db.collection.name": "scores",
        "aws.dynamodb.scanned_count": 40,
        "aws.dynamodb.count": 10,
        "dynamodb_py.attempts": 3,
        "dynamodb_py.read_units": 1.5,
    }
    [first, *_] = traced.requests
    assert first.attributes["aws.dynamodb.limit"] == 15
    assert (
        first.attributes["aws.dynamodb.scanned_count"],
        first.attributes["aws.dynamodb.count"],
    ) == (15, 0)


def test_the_index_is_on_both_spans(traced, do):
    do(BY_TEAM.count)
    assert [each.attributes["aws.dynamodb.index_name"] for each in traced.spans] == ["by_team"] * 2


def test_batches_and_transactions_have_the_number_of_their_items(traced, do):
    do(Score.objects.bulk_delete, [("ann", n) for n in range(40)])
    assert [each.attributes["db.operation.batch.size"] for each in traced.spans] == [25, 15, 40]
    traced.take()
    do(Score.batch_get, *[("ann", n) for n in range(3)])
    assert traced.requests[0].attributes["db.operation.batch.size"] == 3
    traced.take()
    with transaction.atomic():
        Score(player="x", day=1).save()
        Score(player="x", day=2).save()
    assert traced.names[-2:] == ["TransactWriteItems scores", "commit scores"]
    assert traced.spans[-1].attributes["db.operation.batch.size"] == 2


def test_a_walk_is_one_span_from_its_first_request_to_its_last(traced):
    for _ in ANN.page_size(15).iterator():
        assert not get_current_span().get_span_context().is_valid
    [verb] = traced.verbs
    assert tree(traced) == {"iterate scores": ["Query scores"] * 3}
    assert verb.start_time <= traced.requests[0].start_time
    assert traced.requests[-1].end_time <= verb.end_time


@pytest.mark.parametrize(
    "walk",
    [iter, lambda rows: rows.iterator(), lambda rows: iter(rows.prefetch())],
    ids=["for", "iterator", "prefetch"],
)
def test_a_walk_that_is_left_ends_its_span(traced, walk):
    for _ in walk(ANN.page_size(15)):
        break
    del _
    gc.collect()
    [verb] = traced.verbs
    assert verb.status.status_code is StatusCode.UNSET
    assert get_current() == {}


def test_pages_ahead_belong_to_the_walk(traced, do):
    do.list(ANN.page_size(15).prefetch())
    assert len(traced.verbs) == 1
    assert {each.parent.span_id for each in traced.requests} == {traced.verbs[0].context.span_id}


@pytest.mark.parametrize("ahead", [False, True])
def test_an_awaited_walk_that_is_left_leaks_no_context_and_is_no_error(traced, ahead):
    async def main():
        rows = ANN.page_size(15).prefetch() if ahead else ANN.page_size(15).iterator()
        async for _ in rows:
            assert get_current() == {}
            break
        await Score.objects.aget("ann", 1)
        assert get_current() == {}

    asyncio.run(main())
    assert sorted(each.name for each in traced.verbs) == ["get scores", "iterate scores"]
    assert {each.status.status_code for each in traced.verbs} == {StatusCode.UNSET}
    assert {each.parent for each in traced.verbs} == {None}


def test_the_span_around_is_the_parent_and_stays_the_current_one(traced, do):
    with traced.tracer.start_as_current_span("handler") as handler:
        do(Score.objects.get, "ann", 1)
        assert get_current_span() is handler
    request, verb, _ = traced.spans
    assert verb.parent.span_id == handler.get_span_context().span_id
    assert request.parent.span_id == verb.context.span_id


def test_what_runs_inside_of_a_verb_has_its_span_as_the_current_one(traced, do):
    do(Score(player="x", day=1, team="looks").save)
    [span] = SEEN
    assert span.get_span_context().span_id == traced.verbs[0].context.span_id


def test_tasks_side_by_side_have_spans_of_their_own(traced):
    async def one(day):
        with traced.tracer.start_as_current_span(f"task {day}"):
            await Score.objects.aget("ann", day)

    async def main():
        await asyncio.gather(*(one(day) for day in range(8)))

    asyncio.run(main())
    by_id = {each.context.span_id: each for each in traced.spans}
    chains = [
        (
            each.name,
            by_id[each.parent.span_id].name,
            by_id[by_id[each.parent.span_id].parent.span_id].name,
        )
        for each in traced.requests
    ]
    assert sorted(chains) == [("GetItem scores", "get scores", f"task {day}") for day in range(8)]


def test_twins_have_the_same_name(traced):
    Score.objects.get("ann", 1)
    asyncio.run(Score.objects.aget("ann", 1))
    load([Score(player="ann", day=1)])
    Table(Score).wait()
    asyncio.run(Table(Score).await_())
    verbs = ["get", "get", "load", "wait", "wait"]
    assert [each.name for each in traced.verbs] == [f"{verb} scores" for verb in verbs]


# What goes wrong

GET = GetItem("scores", {"player": {"S": SECRET}})
THROTTLED = make_service_error("ThrottlingException", SECRET)
FAILED = make_service_error("ConditionalCheckFailedException", SECRET)
ITEM = {"Item": {"player": {"S": SECRET}}}


@pytest.fixture(params=[run, lambda *args: asyncio.run(arun(*args))], ids=["sync", "async"])
def drive(request):
    return request.param


def look_up(operation: Operation[object] = GET):
    return (yield from operation)


def test_attempts_are_events_of_one_request(traced, drive):
    script = Script([THROTTLED, ConnectionFailed("reset"), ITEM])
    drive(look_up(), Link(script))
    request, verb = traced.spans
    assert [(each.name, dict(each.attributes)) for each in request.events] == [
        ("retry", {"error.type": "ThrottlingException"}),
        ("retry", {"error.type": "ConnectionFailed"}),
    ]
    assert request.start_time <= request.events[0].timestamp <= request.events[1].timestamp
    assert (
        request.attributes["dynamodb_py.attempts"] == verb.attributes["dynamodb_py.attempts"] == 3
    )
    assert {each.status.status_code for each in traced.spans} == {StatusCode.UNSET}
    assert verb.name == "look_up scores"


def test_an_error_is_on_both_spans_by_its_code_and_without_its_message(traced, drive):
    with pytest.raises(Throttled):
        drive(look_up(), Link(Script([THROTTLED] * 4)))
    for span in traced.spans:
        assert span.attributes["error.type"] == "ThrottlingException"
        assert (span.status.status_code, span.status.description) == (
            StatusCode.ERROR,
            "ThrottlingException",
        )
        assert SECRET not in span.to_json()
    assert len(traced.requests[0].events) == 3
    [point] = traced.points
    assert point.attributes["error.type"] == "ThrottlingException"


def test_an_error_that_a_verb_handles_is_not_its_own(traced, do):
    _, created = do(Score.objects.get_or_create, player="ann", day=1)
    assert not created
    do(Score.objects.update_or_create, player="new", day=1, defaults={"points": 1})
    assert {each.status.status_code for each in traced.verbs} == {StatusCode.UNSET}


def test_an_error_of_no_request_is_the_verbs(traced, do):
    with pytest.raises(Score.DoesNotExist):
        do(Score.objects.get, "nobody", 1)
    request, verb = traced.spans
    assert request.status.status_code is StatusCode.UNSET
    assert verb.attributes["error.type"] == "DoesNotExist"
    traced.take()
    with pytest.raises(ValidationError):
        do(Score(player=SECRET, day="no number").save)
    [verb] = traced.spans
    assert verb.attributes["error.type"] == "ValidationError"
    assert verb.name == "save"
    assert verb.events == ()


@pytest.mark.parametrize("records", [True, False])
def test_messages_are_recorded_where_that_was_chosen(records, drive):
    with instrumented(record_exceptions=records) as traced:
        with pytest.raises(Throttled):
            drive(look_up(), Link(Script([THROTTLED] * 4), attempts=1))
        events = [[event.name for event in each.events] for each in traced.spans]
    assert events == ([["exception"], ["exception"]] if records else [[], []])


def test_a_cancelled_verb_ends_its_span(traced):
    async def main():
        sending = asyncio.Event()

        class Never:
            async def send(self, operation):
                sending.set()
                await asyncio.Event().wait()

        link = Link(Script())
        link.async_transport = Never()
        task = asyncio.ensure_future(arun(look_up(), link))
        await sending.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert get_current() == {}

    asyncio.run(main())
    [verb] = traced.spans
    assert (verb.attributes["error.type"], verb.status.status_code) == (
        "cancelled",
        StatusCode.ERROR,
    )


def test_a_flow_that_is_closed_in_another_context_logs_nothing(traced, caplog):
    from contextvars import copy_context

    flow = TRACERS[0]("look_up").follow(look_up())
    copy_context().run(next, flow)
    flow.close()
    assert caplog.records == []
    assert get_current() == {}


def test_no_span_has_keys_or_values(traced, do):
    do(Score.objects.create, player=SECRET, day=1, team=SECRET)
    score = do(Score.objects.get, SECRET, 1)
    score.team = SECRET * 2
    do(score.save)
    do.list(Score.objects.filter(player=SECRET, team=SECRET))
    do.list(Score.objects.raw("SELECT * FROM scores WHERE player = ?", SECRET))
    with pytest.raises(Score.AlreadyExists):
        do(Score.objects.create, player=SECRET, day=1)
    assert len(traced.spans) >= 12
    assert not [each for each in traced.spans if SECRET in each.to_json()]


# Metrics


def test_each_request_is_a_record_of_its_duration(traced, do):
    do(Score.objects.get, "ann", 1)
    do(Score.objects.get, "ann", 2)
    do(ANN.count)
    points = {each.attributes["db.operation.name"]: each for each in traced.points}
    assert {name: each.count for name, each in points.items()} == {"GetItem": 2, "Query": 1}
    assert points["GetItem"].attributes == {
        "db.system.name": "aws.dynamodb",
        "db.operation.name": "GetItem",
        "db.collection.name": "scores",
    }
    assert points["GetItem"].explicit_bounds == (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)
    durations = [each.end_time - each.start_time for each in traced.requests[:2]]
    assert points["GetItem"].sum == pytest.approx(sum(durations) / 1e9, abs=1e-6)


# Switching on and off


def test_nothing_is_left_after_switching_off():
    with instrumented():
        assert (len(TRACERS), len(OBSERVERS)) == (1, 1)
    assert (TRACERS, OBSERVERS) == ([], [])
    Score.objects.get("ann", 1)


def test_a_walk_goes_on_when_tracing_is_switched_in_its_middle():
    rows = iter(ANN.page_size(15).iterator())
    assert next(rows).day == 0
    with instrumented() as traced:
        found = [next(rows).day for _ in range(20)]
    assert [*found, *(each.day for each in rows)] == [*range(1, 40)]
    assert len(traced.requests) == 1


def test_where_instrumentation_is_suppressed_there_are_no_spans(traced, do):
    with suppress_instrumentation():
        do(Score.objects.get, "ann", 1)
        do.list(ANN)
    assert traced.spans == []
    assert traced.points == []


def test_what_is_not_sampled_costs_no_attributes(do):
    provider = TracerProvider(sampler=ALWAYS_OFF)
    instrumentor = DynamoDBInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        assert do(Score.objects.get, "ann", 1).day == 1
        assert len(do.list(ANN)) == 40
    finally:
        instrumentor.uninstrument()


def test_opentelemetrys_command_finds_it_by_its_name():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    name, _, place = setup["options.entry_points"]["opentelemetry_instrumentor"].partition("=")
    found = EntryPoint(name.strip(), place.strip(), "opentelemetry_instrumentor")
    assert found.name == "dynamodb_py"
    DefaultDistro().load_instrumentor(found, skip_dep_check=True)
    assert len(TRACERS) == 1
    DynamoDBInstrumentor().uninstrument()


def test_the_package_imports_nothing_of_it_by_itself():
    script = """
        import sys
        from dynamodb_py import CharField, Model, Table, connect
        class Score(Model):
            player = CharField(hash_key=True)
        connect("memory://")
        Table(Score).create()
        Score.create(player="a")
        assert Score.objects.get(player="a").player == "a"
        assert not [each for each in sys.modules if each.partition(".")[0] == "opentelemetry"]
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
