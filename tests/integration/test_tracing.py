"""Spans on the engines: the same, sync and async, and those of botocore's instrumentation for the same request."""

from __future__ import annotations

import json

import pytest

from dynamodb_py import CharField, GlobalIndex, IntegerField, Model, connect, transaction
from dynamodb_py.testing import capture_requests

from ..tracing import instrumented, instrumented_botocore


class Score(Model):
    class Meta:
        table_name = "scores"
        indexes = (GlobalIndex("by_team", hash_key="team", range_key="points"),)

    player = CharField(hash_key=True)
    day = IntegerField(range_key=True)
    team = CharField()
    points = IntegerField(default=0)


TABLES = [Score]


@pytest.fixture
def traced(engine):
    with instrumented() as found:
        yield found


def fill(do, key, count=6):
    items = [{"player": key, "day": day, "team": key, "points": day} for day in range(count)]
    do(Score.batch_write, items, overwrite=True)


def save(do, key):
    score = do(Score.objects.get, key, 1)
    score.points = 50
    do(score.save)


def transact(do, key):
    with transaction.atomic():
        Score(player=key, day=100).save()
        Score(player=key, day=101).save()


VERBS = {
    "get": lambda do, key: do(Score.objects.get, key, 1, consistent=True),
    "create": lambda do, key: do(Score.create, player=key, day=50),
    "save": save,
    "delete": lambda do, key: do(Score(player=key, day=1).delete),
    "query": lambda do, key: do.list(Score.objects.filter(player=key).reverse()[:2]),
    "index": lambda do, key: do.list(Score.objects.index("by_team").filter(team=key)),
    "projection": lambda do, key: do.list(
        Score.objects.filter(player=key, points__gt=1).values_list("points")
    ),
    "count": lambda do, key: do(Score.objects.filter(player=key).count),
    "scan": lambda do, key: do.list(Score.objects.scan(2)),
    "batch_get": lambda do, key: do(Score.batch_get, *[(key, day) for day in range(4)]),
    "batch_write": lambda do, key: fill(do, key, 3),
    "transaction": transact,
    "snapshot": lambda do, key: do(transaction.get, [Score(player=key, day=1)]),
}
NOT_OURS = {"db.system", "db.operation", "net.peer.name", "http.status_code", "retry_attempts"}
"""Names that the conventions had before they became stable, or that belong to HTTP."""
WITH_KEYS = {"aws.dynamodb.item_collection_metrics"}
"""What has keys of items, which our spans never have."""


@pytest.fixture
def through_botocore(engine):
    """The default connection, whose requests go through botocore while that is instrumented."""
    made = connect(
        engine.address,
        **engine.access,
        table_prefix=engine.prefix,
        through_instrumented_botocore=True,
    )
    yield made
    made.close()


def comparable(attributes):
    """Return *attributes* with the units as values; members of JSON have no order."""
    found = {name: each for name, each in attributes.items() if name not in NOT_OURS | WITH_KEYS}
    units = found.pop("aws.dynamodb.consumed_capacity", ())
    found.pop("aws.request_id", None)
    return found, [json.loads(each) for each in units]


@pytest.mark.engines("dynoxide", "extenddb", "moto", embedded=False)
@pytest.mark.parametrize("verb", VERBS)
def test_a_request_has_the_attributes_that_botocores_span_has(
    engine, do, key, through_botocore, verb
):
    fill(do, key)
    with instrumented_botocore() as theirs, instrumented() as ours:
        VERBS[verb](do, key)
    assert len(ours.requests) == len(theirs.spans) >= 1
    by_start = sorted(theirs.spans, key=order)
    for span, their in zip(sorted(ours.requests, key=order), by_start, strict=True):
        expected, their_units = comparable(their.attributes)
        found, units = comparable(span.attributes)
        assert {name: found.get(name) for name in expected} == expected
        assert units == their_units or not their_units  # it has none of transactions
        operation = their.attributes["db.operation"]
        assert their.name == f"DynamoDB.{operation}"
        assert span.name == f"{operation} {engine.table_name('scores')}"
        assert span.attributes["db.operation.name"] == operation
        assert span.kind is their.kind


def order(span):
    """Return when *span* began; segments run side by side, and are told apart by their numbers."""
    return span.attributes.get("aws.dynamodb.segment", 0), span.start_time


READS = ["get", "query", "projection", "count", "scan", "batch_get", "snapshot"]


@pytest.mark.engines("dynoxide", "extenddb", "moto", embedded=False)
@pytest.mark.parametrize("verb", READS)
def test_requests_over_the_wire_have_the_same_attributes_as_through_botocore(
    engine, do, key, through_botocore, verb
):
    fill(do, key)
    with instrumented() as wire:
        VERBS[verb](do, key)
    with instrumented_botocore(), instrumented() as through:
        VERBS[verb](do, key)
    over, beside = (
        [comparable(each.attributes) for each in sorted(way.requests, key=order)]
        for way in (wire, through)
    )
    assert over == beside


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_is_a_span_around_its_requests(engine, do, key, traced, verb):
    fill(do, key)
    traced.take()
    with capture_requests() as sent:
        VERBS[verb](do, key)
    verbs = {each.context.span_id: each for each in traced.verbs}
    assert len(traced.requests) == len(sent)
    for request in traced.requests:
        around = verbs[request.parent.span_id]
        assert around.start_time <= request.start_time <= request.end_time <= around.end_time
        assert around.attributes["db.collection.name"] == engine.table_name("scores")
    attempts = [each.attributes["dynamodb_py.attempts"] for each in traced.verbs]
    assert sum(attempts) == len(sent)


@pytest.mark.engines("dynoxide", "extenddb", embedded=False)
def test_botocores_instrumentation_alone_diverts_nothing(engine, do, key):
    fill(do, key)
    with instrumented_botocore() as theirs, instrumented() as ours:
        do(Score.objects.get, key, 1)
    assert theirs.spans == []
    assert len(ours.spans) == 2
