"""What a batch of any length keeps: the outcomes of what was not simply written."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from dynamodb_py import (
    AlreadyExists,
    CharField,
    IntegerField,
    Model,
    QueryError,
    ValidationError,
    connections,
)
from dynamodb_py.exceptions import make_service_error
from dynamodb_py.models.bulk import results

from ...scripted import Script, scripted_connection

COUNT = 20_000


class Score(Model):
    player = CharField(hash_key=True)
    points = IntegerField(min_value=0)


class Endless(Script):
    """Takes every write, and remembers none."""

    def answer(self, operation):
        assert operation.api == "BatchWriteItem"
        self.most_under_way = max(self.most_under_way, len(operation.writes))
        return b"{}"


@pytest.fixture
def endless(monkeypatch):
    script = Endless()
    monkeypatch.setattr(connections, "_connections", {"default": scripted_connection(script)})
    return script


def scores(sizes: list[int]) -> Iterator[Score]:
    """Make items, and note in each tenth how much memory Python has taken since the last."""
    for number in range(COUNT):
        if number % (COUNT // 10) == 0:
            sizes.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.reset_peak()
        yield Score(player=f"p{number}", points=number)


def by_call(do, items):
    return do(Score.objects.batch_write, items, overwrite=True, keep_written=False)


def by_block(do, items):
    del do
    with Score.batch_write(overwrite=True, keep_written=False) as batch:
        for each in items:
            batch.put(each)
    return batch.result


def keeping(do, items):
    return do(Score.objects.batch_write, items, overwrite=True)


def peaks(do, write) -> tuple[list[Score], list[int]]:
    sizes: list[int] = []
    tracemalloc.start()
    try:
        return write(do, scores(sizes)), sizes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("write", [by_call, by_block])
def test_any_number_of_items_is_written_in_the_memory_of_a_few_requests(endless, do, write):
    result, sizes = peaks(do, write)
    assert (result, result.outcomes) == ([], [])
    assert endless.most_under_way == 25
    assert max(sizes[2:]) < sizes[1] + 20_000


def test_what_is_returned_would_not_be_flat(endless, do):
    result, sizes = peaks(do, keeping)
    assert len(result) == COUNT
    assert sizes[-1] > 5 * sizes[1]


def test_no_outcome_is_made_before_it_is_read(endless, do, monkeypatch):
    made = []

    class Counted(results.Outcome):
        def __post_init__(self):
            made.append(self)

    monkeypatch.setattr(results, "Outcome", Counted)
    result = keeping(do, (Score(player=f"p{n}", points=n) for n in range(60)))
    assert (len(result), made) == (60, [])
    assert [each.status for each in result.outcomes] == ["written"] * 60
    assert result.outcomes is result.outcomes
    assert len(made) == 60


def test_what_was_not_written_is_kept(script, do):
    script.answers = [{}, make_service_error("ValidationException", "no")]
    with pytest.raises(Exception, match="no") as raised:
        by_call(do, (Score(player=f"p{n}", points=n) for n in range(80)))
    outcomes = raised.value.done.outcomes
    assert [each.instance.player for each in outcomes] == [f"p{n}" for n in range(25, 50)]
    assert {each.status for each in outcomes} == {"failed"}
    assert raised.value.done == []


def test_items_that_are_forgotten_are_checked_as_they_come(script, do):
    script.answers = [{}]
    given = [Score(player=f"p{n}", points=n) for n in range(25)] + [Score(player="x", points=-1)]
    with pytest.raises(ValidationError, match="points"):
        by_call(do, iter(given))
    assert [each.persisted for each in given] == [True] * 25 + [False]


def test_of_forgotten_items_with_one_key_the_last_counts(script, do):
    script.answers = [{}]
    result = by_call(do, [Score(player="a", points=1), Score(player="a", points=2)])
    assert result.outcomes == []
    [request] = script.payloads[0]["RequestItems"]["Score"]
    assert request["PutRequest"]["Item"]["points"] == {"N": "2"}


def test_forgotten_items_are_inserted_where_there_are_none(script, do):
    taken = make_service_error("ConditionalCheckFailedException", "no", body={})
    script.answers = [{}, taken, {}]
    given = [Score(player=f"p{n}", points=n) for n in range(3)]
    with pytest.raises(AlreadyExists) as raised:
        do(Score.objects.batch_write, iter(given), keep_written=False)
    assert [each.instance for each in raised.value.done.outcomes] == [given[1]]
    assert [each.api for each in script.sent] == ["PutItem"] * 3
    with pytest.raises(ValidationError, match="two of the items have the key"):
        do(Score.objects.batch_write, [given[0], given[0]], keep_written=False)


def test_one_value_is_not_many_either(do):
    with pytest.raises(QueryError, match="is one value: give a list of them"):
        by_call(do, "abc")


def test_forgotten_keys_are_deleted_after_the_items(script, do):
    script.answers = [{}, {}]
    deletes = (f"q{n}" for n in range(30))
    do(
        Score.batch_write,
        [Score(player="b", points=1)],
        delete=deletes,
        overwrite=True,
        keep_written=False,
    )
    assert [len(each["RequestItems"]["Score"]) for each in script.payloads] == [25, 6]
