"""Batches of any size: few requests, order kept, duplicates as said, nothing dropped."""

from __future__ import annotations

import io
import math
from datetime import datetime, timezone

import pytest

from dynamodb_py import (
    AlreadyExists,
    CharField,
    ConfigurationError,
    DateTimeField,
    DoesNotExist,
    IntegerField,
    Model,
    QueryError,
    ValidationError,
    adelete_all,
    aload,
    asave_all,
    connect,
    delete_all,
    load,
    save_all,
)
from dynamodb_py.models.bulk.bound_model import make_instance
from dynamodb_py.models.instance import table_of
from dynamodb_py.models.persistence.stored import key_of

COUNT = 260


class Score(Model):
    class Meta:
        table_name = "scores"

    player = CharField(name="p", hash_key=True)
    game = IntegerField(name="g", range_key=True)
    points = IntegerField(default=0, max_value=10**6)


class Note(Model):
    class Meta:
        table_name = "notes"

    key = CharField(hash_key=True)
    text = CharField()


class Event(Model):
    class Meta:
        table_name = "events"

    at = DateTimeField(hash_key=True)
    text = CharField()


TABLES = [Score, Note, Event]


def together(do, function, *args, **kwargs):
    """Call ``load``, ``save_all`` or ``delete_all``, or its twin."""
    twins = {load: aload, save_all: asave_all, delete_all: adelete_all}
    if do.mode == "sync":
        return function(*args, **kwargs)
    return do.run(twins[function](*args, **kwargs))


def points(do, key):
    """Return what is stored under *key*, read by a query."""
    rows = do.list(Score.objects.filter(player=key).consistent())
    return {row.game: row.points for row in rows}


@pytest.mark.engines("dynoxide", "extenddb")
@pytest.mark.parametrize("workers", [1, 4])
def test_any_number_is_written_read_and_deleted(engine, do, sent, key, workers):
    given = [{"player": key, "game": n, "points": n * n} for n in range(COUNT)]
    written = do(Score.batch_write, given, overwrite=True, workers=workers)
    assert [score.game for score in written] == list(range(COUNT))
    assert all(score.persisted for score in written)
    assert sent.calls == ["BatchWriteItem"] * math.ceil(COUNT / 25)
    assert [len(each.writes) for each in sent][:-1] == [25] * (len(sent) - 1)

    sent.clear()
    order = list(range(COUNT - 1, -1, -1))
    asked = [(key, n) for n in order] + [(key, COUNT)]
    found = do(Score.batch_get, *asked, workers=workers, consistent=True)
    assert [(score.game, score.points) for score in found] == [(n, n * n) for n in order]
    assert sent.calls == ["BatchGetItem"] * math.ceil((COUNT + 1) / 100)

    sent.clear()
    do(Score.objects.bulk_delete, [(key, n) for n in range(COUNT - 1)], workers=workers)
    assert sent.calls == ["BatchWriteItem"] * math.ceil((COUNT - 1) / 25)
    assert points(do, key) == {COUNT - 1: (COUNT - 1) ** 2}


def test_a_hundred_and_one_are_written_read_and_deleted(engine, do, sent, key):
    scores = [Score(player=key, game=n, points=n) for n in range(101)]
    assert do(Score.batch_write, scores, overwrite=True) == scores
    found = do(Score.batch_get, *scores)
    assert [score.points for score in found] == list(range(101))
    assert sent.calls == ["BatchWriteItem"] * 5 + ["BatchGetItem"] * 2
    do(Score.objects.bulk_delete, found)
    assert not any(score.persisted for score in found)
    assert do(Score.batch_get, *scores) == []


@pytest.mark.engines("dynoxide", "extenddb")
@pytest.mark.parametrize("workers", [1, 4])
def test_without_overwrite_what_exists_is_left_alone_and_told(engine, do, key, workers):
    taken = [3, 40, 99]
    for game in taken:
        do(Score.create, player=key, game=game, points=-1)
    given = [Score(player=key, game=n, points=n) for n in range(100)]
    with pytest.raises(Score.AlreadyExists) as raised:
        do(Score.batch_write, given, workers=workers)
    error = raised.value
    assert isinstance(error, AlreadyExists)
    assert [score.game for score in error.unprocessed] == taken
    assert all(any(each is score for score in given) for each in error.unprocessed)
    assert (type(error.current), error.current.game, error.current.points) == (Score, 3, -1)
    assert [score.persisted for score in given] == [n not in taken for n in range(100)]
    assert points(do, key) == {n: -1 if n in taken else n for n in range(100)}


def test_without_overwrite_nothing_of_a_few_is_replaced(engine, do, key):
    do(Score.create, player=key, game=1, points=-1)
    with pytest.raises(Score.AlreadyExists) as raised:
        do(Score.objects.bulk_create, [Score(player=key, game=n, points=n) for n in range(3)])
    assert [score.game for score in raised.value.unprocessed] == [1]
    assert points(do, key) == {0: 0, 1: -1, 2: 2}
    written = do(Score.batch_write, [{"player": key, "game": n} for n in (7, 8)])
    assert [score.game for score in written] == [7, 8]


def test_of_two_with_one_key_the_last_counts_where_overwriting_is_allowed(engine, do, sent, key):
    given = [Score(player=key, game=n % 30, points=n) for n in range(60)]
    written = do(Score.batch_write, given, overwrite=True)
    assert written == given[30:]
    assert [score.persisted for score in given] == [False] * 30 + [True] * 30
    assert sent.calls == ["BatchWriteItem"] * 2
    assert points(do, key) == {n: n + 30 for n in range(30)}
    do(Score.batch_write, [given[0]], delete=[(key, 0)], overwrite=True)
    assert not given[0].persisted
    assert 0 not in points(do, key)


def test_of_two_with_one_key_neither_is_sent_where_it_is_not(engine, do, sent, key):
    with pytest.raises(ValidationError, match="two of the items have the key") as raised:
        do(Score.batch_write, [Score(player=key, game=1), {"player": key, "game": 1}])
    assert "overwrite=True" in str(raised.value)
    assert sent == []


def test_writes_and_deletes_go_together(engine, do, sent, key):
    for game in range(3):
        do(Score.create, player=key, game=game, points=-1)
    sent.clear()
    do(
        Score.batch_write,
        [{"player": key, "game": n, "points": n} for n in (5, 6)],
        delete=[(key, 0), {"player": key, "game": 1}, Score(player=key, game=9)],
        overwrite=True,
    )
    assert sent.calls == ["BatchWriteItem"]
    assert points(do, key) == {2: -1, 5: 5, 6: 6}
    do(Score.batch_write, [{"player": key, "game": 7}], delete=[(key, 5)])
    assert points(do, key) == {2: -1, 6: 6, 7: 0}


def test_what_cannot_be_stored_keeps_everything_from_being_sent(engine, do, sent, key):
    given = [Score(player=key, game=n) for n in range(30)]
    given[29].points = 10**7
    for overwrite in (True, False):
        with pytest.raises(ValidationError, match="points: 10000000 is greater than max_value"):
            do(Score.batch_write, given, overwrite=overwrite)
        with pytest.raises(ValidationError, match="is not a Score"):
            do(Score.batch_write, [Note(key=key)], overwrite=overwrite)
        with pytest.raises(TypeError, match="Score has no field text"):
            do(Score.batch_write, [{"player": key, "game": 1, "text": "x"}], overwrite=overwrite)
    with pytest.raises(ValidationError):
        together(do, save_all, given)
    for ask in (
        lambda: do(Score.batch_get, (key, 1), workers=0),
        lambda: do(Score.batch_write, [Score(player=key, game=1)], overwrite=True, workers=0),
        lambda: do(Score.batch_write, [Score(player=key, game=1)], workers=0),
    ):
        with pytest.raises(QueryError, match="workers=0"):
            ask()
    assert sent == []
    do(Score.batch_write, given, overwrite=True, validate=False)
    assert points(do, key)[29] == 10**7


def test_nothing_asked_is_nothing_sent(engine, do, sent):
    assert do(Score.batch_get) == []
    assert do(Score.batch_write, []) == []
    assert do(Score.batch_write, [], overwrite=True) == []
    assert do(Score.objects.in_bulk, []) == {}
    assert do(Score.objects.bulk_delete, []) == []
    for function in (load, save_all, delete_all):
        assert together(do, function, []) is None
    assert sent == []


def test_keys_may_be_asked_for_twice_and_in_every_form(engine, do, sent, key):
    made = do(Score.create, player=key, game=1, points=5)
    do(Score.create, player=key, game=0, points=6)
    sent.clear()
    found = do(Score.batch_get, (key, 1), {"game": 0, "player": key}, (key, 9), made, (key, 0))
    assert [score.points for score in found] == [5, 6, 5, 6]
    assert found[0] is found[2]
    assert found[1] is found[3]
    [operation] = sent
    assert len(operation.keys[table_of(made)]) == 3
    do(Note.create, key=key, text="x")
    assert [note.text for note in do(Note.batch_get, key, {"key": key}, (key,))] == ["x"] * 3
    for wrong in ("a", ("a",), {"player": "a"}, ("a", "1")):
        with pytest.raises((TypeError, ValidationError)):
            do(Score.batch_get, wrong)


def test_in_bulk_gives_items_by_their_keys(engine, do, key):
    do(Score.batch_write, [{"player": key, "game": n, "points": n} for n in range(3)])
    found = do(Score.objects.in_bulk, [(key, 2), (key, 0), (key, 5), (key, 2)])
    assert {k: score.points for k, score in found.items()} == {(key, 2): 2, (key, 0): 0}
    do(Note.create, key=key, text="x")
    assert list(do(Note.objects.in_bulk, [key, "nobody"])) == [key]


def test_keys_that_another_spelled_otherwise_are_found_by_their_instances(
    engine, do, put, stored, client
):
    at = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
    spelled = "2026-11-01T12:00:00Z" if do.mode == "sync" else "20261101T120000Z"
    put(Event, {"at": {"S": spelled}, "text": {"S": "old"}})
    [event] = [each for each in do.list(Event.objects.all()) if each.text == "old"]
    assert event.at == at
    event.text = "new"
    together(do, save_all, [event])
    together(do, load, [event])
    [again] = do(Event.batch_get, event)
    assert again.text == "new"
    do(Event.objects.bulk_delete, [event])
    wire = {"at": {"S": spelled}}
    assert "Item" not in client.get_item(TableName=engine.table_name("events"), Key=wire)


def test_progress_is_told(engine, do, key):
    def told(function, *args, **kwargs):
        seen = []
        function(*args, progress=lambda done, total: seen.append((done, total)), **kwargs)
        assert [done for done, _ in seen] == sorted(done for done, _ in seen)
        assert len({total for _, total in seen}) == 1
        return seen

    given = [Score(player=key, game=n) for n in range(60)]
    assert told(do, Score.batch_write, given, overwrite=True) == [(25, 60), (50, 60), (60, 60)]
    keys = [(key, n) for n in range(120)]
    assert told(do, Score.batch_get, *keys) == [(100, 120), (120, 120)]
    assert told(do, Score.objects.in_bulk, keys)[-1] == (120, 120)
    assert told(do, Score.objects.bulk_delete, keys)[-1] == (120, 120)
    inserted = told(do, Score.batch_write, given, delete=[(key, 100)])
    assert inserted[0][0] < inserted[-1][0] == 61
    assert told(together, do, load, given) == [(60, 60)]
    for score in given[:3]:
        score.points = 1
    new = [Score(player=key, game=n) for n in range(100, 140)]
    assert told(together, do, save_all, [*given, *new])[-1] == (100, 100)
    assert told(together, do, delete_all, [*given, *new])[-1] == (100, 100)


def test_progress_may_be_a_bar(engine, do, key, monkeypatch):
    pytest.importorskip("tqdm")
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    do(Score.batch_write, [Score(player=key, game=n) for n in range(3)], progress=True)
    assert "3/3" in shown.getvalue()


def test_mixed_models_are_saved_loaded_and_deleted_together(engine, do, sent, stored, key):
    scores = [Score(player=key, game=n, points=n) for n in range(20)]
    notes = [Note(key=f"{key}-{n}", text="a") for n in range(20)]
    both = [each for pair in zip(scores, notes, strict=True) for each in pair]
    together(do, save_all, both)
    assert sent.calls == ["BatchWriteItem"] * 2
    assert all(each.persisted for each in both)

    sent.clear()
    scores[3].points = 100
    notes[4].text = "b"
    extra = Score(player=key, game=99)
    together(do, save_all, [*both, extra])
    assert sorted(sent.calls) == ["BatchWriteItem", "UpdateItem", "UpdateItem"]
    assert stored(scores[3])["points"] == {"N": "100"}

    sent.clear()
    fresh = [Score(player=key, game=n) for n in range(20)]
    others = [Note(key=note.key) for note in notes]
    together(do, load, [*fresh, *others], workers=1, consistent=True)
    assert sent.calls == ["BatchGetItem"]
    assert [score.points for score in fresh] == [0, 1, 2, 100, *range(4, 20)]
    assert [note.text for note in others] == ["a"] * 4 + ["b"] + ["a"] * 15

    sent.clear()
    together(do, delete_all, [*both, extra])
    assert sent.calls == ["BatchWriteItem"] * 2
    assert not any(each.persisted for each in both)
    assert (points(do, key), stored(notes[0])) == ({}, None)


def test_loading_tells_what_is_missing_and_loads_the_others(engine, do, key):
    do(Score.create, player=key, game=1, points=5)
    here, gone, note = Score(player=key, game=1), Score(player=key, game=2), Note(key=key)
    with pytest.raises(DoesNotExist, match="2 of 3 items do not exist: Score") as raised:
        together(do, load, [gone, here, note])
    assert raised.value.missing == [gone, note]
    assert here.points == 5


def test_saving_all_makes_no_phantoms(engine, do, client, stored, key):
    scores = [Score(player=key, game=n) for n in range(3)]
    together(do, save_all, scores)
    client.delete_item(TableName=table_of(scores[1]), Key=key_of(scores[1]))
    for score in scores:
        score.points = 7
    with pytest.raises(Score.DoesNotExist):
        together(do, save_all, scores)
    assert stored(scores[1]) is None


def test_objects_of_several_connections_are_refused(engine, do, key):
    connect("elsewhere", region_name="eu-west-1", endpoint_url=engine.endpoint_url)
    here, there = (
        Score(player=key, game=1),
        make_instance(Score.objects.using("elsewhere"), {"player": key}),
    )
    for function in (load, save_all, delete_all):
        with pytest.raises(ConfigurationError, match="'default', 'elsewhere'"):
            together(do, function, [here, there])
