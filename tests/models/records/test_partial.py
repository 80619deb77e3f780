"""Instances of which not everything was fetched: what is known is used, and nothing else is made up."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from dynamodb_py import (
    CharField,
    DateTimeField,
    FieldNotLoaded,
    GlobalIndex,
    IntegerField,
    ListField,
    Model,
    ValidationError,
)
from dynamodb_py.models.records.base import fetched_fields


class Score(Model):
    class Meta:
        table_name = "scores"
        indexes = [GlobalIndex("ByTitle", hash_key="title", projection="keys")]

    user = CharField(name="u", hash_key=True)
    points = IntegerField(range_key=True)
    title = CharField(name="t")
    wins = IntegerField(default=5)
    tags = ListField(default=[])


class Stamped(Model):
    key = CharField(hash_key=True)
    count = IntegerField()
    changed = DateTimeField(auto_now=True)


KEY = {"u": {"S": "a"}, "points": {"N": "1"}}
HELD = frozenset({"u", "points", "t"})


def load(held=HELD, **more):
    item = {**KEY, "t": {"S": "x"}, **more}
    load = Score._load if held is None else Score._load_partially(held)
    return load(json.dumps(item).encode())


def sent(script):
    return script.payloads[-1]


def test_what_was_fetched_can_be_read():
    score = load()
    assert (score.user, score.points, score.title) == ("a", 1, "x")
    assert score.persisted
    assert score == Score(user="a", points=1)
    assert score.to_dict() == {"user": "a", "points": 1, "title": "x"}
    assert repr(score) == "Score(user='a', points=1, title='x')"


def test_what_was_fetched_and_is_not_there_has_its_default():
    assert load(frozenset({"u", "points", "wins"})).wins == 5


@pytest.mark.parametrize("name", ["wins", "tags"])
def test_what_was_not_fetched_says_what_to_do(name):
    with pytest.raises(FieldNotLoaded) as raised:
        getattr(load(), name)
    said = str(raised.value)
    assert said.startswith(f"Score.{name} was not fetched with this instance: refresh_from_db()")
    for way in ("only()", "defer()", ".full()", "projection"):
        assert way in said


def test_all_of_it_is_no_part_of_it():
    assert load(None).wins == 5
    assert load(None).extra == {}


def test_what_it_does_not_declare_is_not_known():
    with pytest.raises(
        FieldNotLoaded, match=r"undeclared attributes are not known: refresh_from_db\(\)"
    ):
        _ = load().extra
    everything = frozenset({"u", "points", "t", "wins", "tags"})
    with pytest.raises(FieldNotLoaded):
        _ = load(everything).extra


def test_saving_sends_what_changed(script, do):
    score = load()
    score.title = "y"
    script.answers = [{}]
    do(score.save)
    update = sent(script)
    assert list(update["ExpressionAttributeValues"].values()) == [{"S": "y"}]
    assert update["Key"] == KEY
    do(score.save)
    assert len(script.sent) == 1
    with pytest.raises(FieldNotLoaded):
        _ = score.wins


def test_saving_without_a_change_sends_nothing(script, do):
    score = load()
    score.title = "x"
    do(score.save)
    assert script.sent == []


def test_a_field_that_was_not_fetched_can_be_set(script, do):
    score = load()
    score.wins = 7
    assert score.wins == 7
    script.answers = [{}]
    do(score.save)
    assert list(sent(script)["ExpressionAttributeValues"].values()) == [{"N": "7"}]
    do(score.save)
    assert len(script.sent) == 1
    assert score.wins == 7
    assert "wins" in fetched_fields(score)


def test_none_for_a_field_that_was_not_fetched_removes_what_is_there(script, do):
    score = load()
    score.tags = None
    script.answers = [{}]
    do(score.save)
    assert sent(script)["UpdateExpression"].startswith("REMOVE")
    assert "tags" in sent(script)["ExpressionAttributeNames"].values()
    do(score.save)
    assert len(script.sent) == 1


def test_a_field_that_stamps_itself_does_so_though_it_was_not_fetched(script, do):
    stamped = Stamped._load_partially(frozenset({"key", "count"}))(
        b'{"key": {"S": "a"}, "count": {"N": "1"}}'
    )
    with pytest.raises(FieldNotLoaded):
        _ = stamped.changed
    stamped.count = 2
    script.answers = [{}]
    do(stamped.save)
    assert sorted(sent(script)["ExpressionAttributeNames"].values()) == ["changed", "count", "key"]
    assert stamped.changed is not None


def test_counting_makes_the_field_known(script, do):
    score = load()
    script.answers = [{"Attributes": {"wins": {"N": "8"}}}]
    do(score.incr, wins=1)
    assert score.wins == 8
    score.wins = None
    script.answers = [{}]
    do(score.save)
    assert sent(script)["UpdateExpression"].startswith("REMOVE")


@pytest.mark.parametrize(
    "held", [HELD, frozenset({"u", "points", "t", "wins", "tags"})], ids=["some", "declared"]
)
def test_it_is_never_written_whole(script, do, held):
    for write in (
        lambda score: do(score.save, overwrite=True),
        lambda score: do(score.save, force_insert=True),
        lambda score: do(Score.objects.batch_write, [score], overwrite=True),
        lambda score: do(Score.objects.batch_write, [score]),
    ):
        with pytest.raises(
            FieldNotLoaded, match=r"undeclared attributes would be lost.*refresh_from_db\(\) first"
        ):
            write(load(held))
    assert script.sent == []


def test_after_it_was_deleted_it_is_not_written_either(script, do):
    score = load()
    script.answers = [{}]
    do(score.delete)
    assert not score.persisted
    with pytest.raises(FieldNotLoaded):
        do(score.save)


def test_refreshing_makes_it_whole(script, do):
    score = load()
    script.answers = [{"Item": {**KEY, "wins": {"N": "9"}, "more": {"S": "m"}}}]
    do(score.refresh_from_db)
    assert sent(script)["Key"] == KEY
    assert (score.title, score.wins, score.extra) == (None, 9, {"more": "m"})
    assert fetched_fields(score) is None


def test_its_key_cannot_change(script, do):
    score = load()
    score.points = 2
    with pytest.raises(ValidationError, match="cannot change"):
        do(score.save)


def test_copies_know_as_little():
    for again in (pickle.loads(pickle.dumps(load())), copy.deepcopy(load())):
        assert again.title == "x"
        with pytest.raises(FieldNotLoaded):
            _ = again.wins


def page(**more):
    item = {**KEY, **more}
    return {"Items": [item], "Count": 1, "ScannedCount": 1}


def test_only_and_defer_load_parts(script, do):
    script.answers = [page(t={"S": "x"}), page(t={"S": "x"}), page(wins={"N": "1"})]
    [score] = do.list(Score.objects.filter(user="a").only("title"))
    assert fetched_fields(score) == {"user", "points", "title"}
    [score] = do.list(Score.objects.filter(user="a").defer("wins").defer("tags"))
    assert fetched_fields(score) == {"user", "points", "title"}
    [score] = do.list(Score.objects.filter(user="a").only("title", "wins").defer("title", "user"))
    assert fetched_fields(score) == {"user", "points", "wins"}
    assert score.wins == 1


def test_an_index_that_holds_keys_gives_parts_with_the_keys_of_the_table(script, do):
    script.answers = [page(t={"S": "x"})]
    score = do(Score.objects.index("ByTitle").filter(title="x").first)
    assert script.sent[0].index == "ByTitle"
    assert fetched_fields(score) == {"user", "points", "title"}
    assert score.title == "x"
    with pytest.raises(FieldNotLoaded, match=r"\.full\(\)"):
        _ = score.wins
    score.title = "y"
    script.answers = [{}]
    do(score.save)
    assert sent(script)["Key"] == KEY


def test_full_fetches_the_whole_items(script, do):
    whole = {**KEY, "t": {"S": "x"}, "wins": {"N": "3"}, "more": {"S": "m"}}
    script.answers = [page(t={"S": "x"}), {"Responses": {"scores": [whole]}}]
    [score] = do.list(Score.objects.index("ByTitle").filter(title="x").full())
    assert [each.api for each in script.sent] == ["Query", "BatchGetItem"]
    assert (score.wins, score.extra, fetched_fields(score)) == (3, {"more": "m"}, None)
