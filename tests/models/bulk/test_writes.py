"""Bulk writes without a server: what was sent, what is known of each item, and what is refused."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    ManyToManyField,
    Model,
    QueryError,
    SoftDelete,
    Throttled,
    VersionField,
    connections,
    delete_all,
    load,
    prefetch,
    save_all,
)
from dynamodb_py.exceptions import (
    AlreadyExists,
    ConfigurationError,
    ConnectionFailed,
    ConnectTimeout,
    ReadTimeout,
    make_service_error,
)
from dynamodb_py.models.bulk import mixed_models
from dynamodb_py.models.bulk.bound_model import make_instance
from dynamodb_py.models.bulk.results import BulkResult, Outcome, Tally, status_of
from dynamodb_py.models.unit_of_work.collector import COLLECTOR

from ...scripted import Script, checked, scripted_connection


class Score(Model):
    player = CharField(hash_key=True)
    points = IntegerField(default=0)
    note = CharField()


class Page(Model):
    name = CharField(hash_key=True)
    version = VersionField()


class Animal(Model):
    class Meta:
        discriminator = "kind"

    name = CharField(hash_key=True)


class Dog(Animal):
    pass


class Kept(SoftDelete):
    player = CharField(hash_key=True)


class Sequenced(Model):
    """An instance that can be iterated is one item all the same."""

    player = CharField(hash_key=True)

    def __iter__(self):
        yield from [self]


class Friend(Model):
    owner = ForeignKey("Person", hash_key=True)
    other = ForeignKey("Person", range_key=True)


class Person(Model):
    name = CharField(hash_key=True)
    friends = ManyToManyField("Person", through=Friend, through_fields=("owner", "other"))


class Pet(Model):
    name = CharField(hash_key=True)
    owner = ForeignKey(Person, related_name="pets")
    by_owner = GlobalIndex(hash_key="owner", range_key="name")


ANN = Person(name="ann")
ONE_VALUE = [
    "abc",
    "",
    b"abc",
    bytearray(b"abc"),
    memoryview(b"abc"),
    {"player": "a"},
    {},
    7,
    None,
    Score(player="abc"),
    Sequenced(player="abc"),
    Score,
]
TAKE_MANY = {
    "bulk_create": (Score.objects.bulk_create, ()),
    "bulk_create overwrite": (
        Score.objects.filter(player="a").bulk_create,
        (),
        {"overwrite": True},
    ),
    "bulk_create update": (Score.objects.bulk_create, (), {"update_conflicts": True}),
    "bulk_update": (Score.objects.bulk_update, (["note"],)),
    "bulk_delete": (Score.objects.bulk_delete, ()),
    "bulk_delete of a query set": (Score.objects.all().bulk_delete, ()),
    "bulk_delete softly": (Kept.objects.bulk_delete, ()),
    "batch_write": (Score.objects.batch_write, ()),
    "batch_write of a model": (Score.batch_write, ()),
    "batch_write delete": (Score.objects.batch_write, None, {"overwrite": True}),
    "in_bulk": (Score.objects.in_bulk, ()),
    "load": (load, ()),
    "save_all": (save_all, ()),
    "delete_all": (delete_all, ()),
    "prefetch": (prefetch, ("owner",)),
    "related set": (ANN.pets.set, ()),
    "many-to-many set": (ANN.friends.set, ()),
}


@pytest.mark.parametrize("verb", TAKE_MANY)
@pytest.mark.parametrize(
    "one", ONE_VALUE, ids=[f"{type(one).__name__}-{at}" for at, one in enumerate(ONE_VALUE)]
)
def test_one_value_is_not_many(script, do, verb, one):
    function, more, *options = TAKE_MANY[verb]
    arguments = () if more is None else (one, *more)
    named = {**(options[0] if options else {}), **({"delete": one} if more is None else {})}
    with pytest.raises(QueryError, match="is one value: give a list of them"):
        do(function, *arguments, **named)
    assert script.sent == []


@pytest.mark.parametrize("one", ["note", b"note", {"note": 1}, None], ids=repr)
def test_one_value_is_not_many_names(script, do, one):
    given = [Score(player="a")]
    with pytest.raises(QueryError, match="give a list of names"):
        do(Score.objects.bulk_update, given, one)
    if one is not None:
        with pytest.raises(QueryError, match="give a list of names"):
            do(Score.objects.bulk_create, given, update_conflicts=True, update_fields=one)
        with pytest.raises(QueryError, match="give a list of names"):
            do(Score(player="a").save, update_fields=one)
    assert script.sent == []


@pytest.mark.parametrize(
    "kind", [list, tuple, set, dict.fromkeys, iter, lambda keys: (k for k in keys)]
)
def test_what_can_be_iterated_is_many(script, do, kind):
    keys = kind(["a", "b"])
    script.answers = [{}]
    assert sorted(
        do(Score.objects.bulk_delete, keys.keys() if isinstance(keys, dict) else keys)
    ) == ["a", "b"]


def scores(count):
    return [Score(player=f"p{n}", points=n) for n in range(count)]


def statuses(result):
    return [outcome.status for outcome in result.outcomes]


def test_of_batches_it_is_known_which_were_carried_out(script):
    script.answers = [{}, *[ReadTimeout("lost")] * 4]
    given = scores(80)
    with pytest.raises(ReadTimeout) as raised:
        Score.objects.batch_write(given, overwrite=True)
    done = raised.value.done
    assert statuses(done) == ["written"] * 25 + ["unknown"] * 25 + ["not tried"] * 30
    assert done == given[:25]
    assert raised.value.unprocessed == given[25:]
    assert [each.persisted for each in given] == [True] * 25 + [False] * 55
    assert {type(each.error) for each in done.left} == {ReadTimeout, type(None)}


def test_after_a_batch_of_one_class_of_a_table_that_fails_nothing_is_deleted(script):
    script.answers = [ReadTimeout("lost")] * 4
    with pytest.raises(ReadTimeout) as raised:
        Dog.objects.batch_write([Dog("a")], delete=["b"], overwrite=True)
    assert statuses(raised.value.done) == ["unknown", "not tried"]
    assert len(script.payloads) == 4


def test_an_upsert_makes_the_item_where_it_is_gone_again(script):
    gone = make_service_error("ConditionalCheckFailedException", "no", body={})
    there = {"Item": {"player": {"S": "p0"}}}
    taken = make_service_error("ConditionalCheckFailedException", "no", body=there)
    script.answers = [taken, gone, {}]
    result = Score.objects.bulk_create(scores(1), update_conflicts=True)
    assert statuses(result) == ["created"]
    assert [each.api for each in script.sent] == ["PutItem", "UpdateItem", "PutItem"]
    for each in script.sent:
        checked(each)


def test_update_or_create_goes_on_where_others_race(script):
    gone = make_service_error("ConditionalCheckFailedException", "no", body={})
    there = {"Item": {"player": {"S": "p0"}}}
    taken = make_service_error("ConditionalCheckFailedException", "no", body=there)
    after = {"Attributes": {"player": {"S": "p0"}, "points": {"N": "4"}}}
    script.answers = [gone, taken, after]
    item, created = Score.objects.update_or_create(defaults={"points": 4}, player="p0")
    assert (item.points, created) == (4, False)
    assert [each.api for each in script.sent] == ["UpdateItem", "PutItem", "UpdateItem"]
    for each in script.sent:
        checked(each)
    script.answers = [gone, taken] * 8
    with pytest.raises(AlreadyExists):
        Score.objects.update_or_create(defaults={"points": 4}, player="p0")


def test_modify_says_what_it_sends(script):
    script.answers = [{"Attributes": {"player": {"S": "a"}, "points": {"N": "1"}}}]
    Score.objects.filter(player="a").modify(points=1, old=True)
    payload = checked(script.sent[0])
    assert payload["ReturnValues"] == "ALL_OLD"
    assert payload["ConditionExpression"] == "attribute_exists(#1)"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ReadTimeout("x"), "unknown"),
        (ConnectionFailed("x"), "unknown"),
        (make_service_error("InternalServerError", "x", status=500), "unknown"),
        (ConnectTimeout("x"), "failed"),
        (Throttled("x"), "failed"),
        (ValueError("x"), "failed"),
    ],
)
def test_only_without_an_answer_nobody_knows(error, status):
    assert status_of(error) == status


@pytest.mark.parametrize(("in_doubt", "status"), [(True, "unknown"), (False, "failed")])
def test_what_is_in_the_way_after_a_lost_answer_may_be_of_this_very_write(in_doubt, status):
    error = AlreadyExists("x")
    error.in_doubt = in_doubt
    assert status_of(error) == status


def test_a_connection_that_was_refused_wrote_nothing():
    error = ConnectionFailed("x")
    error.__cause__ = ConnectionRefusedError()
    assert status_of(error) == "failed"


def test_the_gravest_error_is_raised_with_all_that_is_known():
    tally = Tally(["a", "b", "c"])
    tally.note(0, AlreadyExists("first"))
    tally.note(1, Throttled("second"))
    with pytest.raises(Throttled) as raised:
        tally.check()
    assert raised.value.unprocessed == ["a", "b", "c"]
    assert statuses(raised.value.done) == ["failed", "failed", "not tried"]


@pytest.mark.parametrize(
    "same", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
@pytest.mark.parametrize("deletes", [False, True])
def test_results_are_lists_that_can_be_copied_and_pickled(same, deletes):
    outcomes = [Outcome("a", "created"), Outcome("b", "deleted"), Outcome("c", "failed")]
    result = BulkResult(outcomes, deletes=deletes)
    assert result == (["a", "b"] if deletes else ["a"])
    twin = same(result)
    assert (type(twin), twin, twin.outcomes) == (BulkResult, result, outcomes)
    assert [each.instance for each in twin.left] == ["c"]


_NOTES = st.sampled_from(
    ["created", "written", "unchanged", "deleted", "superseded", "not tried"]
) | st.sampled_from([ReadTimeout("x"), Throttled("x"), AlreadyExists("x")])


@given(
    notes=st.lists(st.tuples(st.integers(0, 4), _NOTES)),
    deletes=st.booleans(),
    ignores=st.booleans(),
)
def test_statuses_that_are_noted_read_as_outcomes(notes, deletes, ignores):
    tally, expected = Tally("abc", deletes=deletes, ignores=ignores), {}
    assert [tally.add(each) for each in "de"] == [3, 4]
    for at, note in notes:
        tally.note(at, note)
        status, error = (note, None) if isinstance(note, str) else (status_of(note), note)
        if ignores and status == "failed" and isinstance(error, AlreadyExists):
            status = "ignored"
        expected[at] = Outcome("abcde"[at], status, error)
    outcomes = [expected.get(at) or Outcome(each, "not tried") for at, each in enumerate("abcde")]
    result, reference = tally.result(), BulkResult(outcomes, deletes=deletes)
    assert (result, result.outcomes, result.left) == (reference, outcomes, reference.left)
    assert copy.copy(tally.result()).outcomes == outcomes
    tally.forget_done(range(5))
    left = [e for e in outcomes if e.error or e.status in ("failed", "unknown", "not tried")]
    assert tally.result().outcomes == left
    assert len(tally) == 5


WRITES = {
    "batch_write": lambda: Score.objects.batch_write(scores(1)),
    "bulk_create": lambda: Score.objects.bulk_create(scores(1)),
    "bulk_update": lambda: Score.objects.bulk_update(scores(1), ["points"]),
    "bulk_delete": lambda: Score.objects.bulk_delete(["a"]),
    "block": lambda: Score.objects.batch_write().__enter__(),
    "save_all": lambda: save_all(scores(1)),
    "delete_all": lambda: delete_all(scores(1)),
    "delete": lambda: Score.objects.filter(player="a").delete(),
    "update": lambda: Score.objects.filter(points=3).scan().update(points=1),
    "modify": lambda: Score.objects.filter(player="a").modify(points=1),
    "update_or_create": lambda: Score.objects.update_or_create({"points": 1}, player="a"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_what_writes_at_once_is_refused_in_a_transaction(script, write):
    class Collecting:
        def add(self, pending):
            raise AssertionError(f"{pending} was collected")

        then = add

    token = COLLECTOR.set(Collecting())
    try:
        with pytest.raises(QueryError, match=r"outside of transaction.atomic"):
            write()
    finally:
        COLLECTOR.reset(token)
    assert script.sent == []


def test_an_instance_of_another_connection_is_refused(script):
    connections._connections["other"] = scripted_connection(Script(), "other")
    there = make_instance(Score.objects.using("other"), {"player": "a"})
    with pytest.raises(ConfigurationError, match=r"objects.using\('other'\)"):
        Score.objects.bulk_update([there], ["points"])
    assert script.sent == []


@pytest.mark.parametrize(
    ("verb", "make", "options"),
    [
        (Score.objects.batch_write, scores, {"overwrite": True}),
        (Score.objects.bulk_create, scores, {}),
        (Score.objects.bulk_delete, lambda count: [f"p{n}" for n in range(count)], {}),
        (Score.objects.in_bulk, lambda count: [f"p{n}" for n in range(count)], {}),
    ],
    ids=["batch_write", "bulk_create", "bulk_delete", "in_bulk"],
)
def test_the_table_is_looked_up_once_however_many_items_there_are(
    script, monkeypatch, verb, make, options
):
    looked_up = []

    def name(self, table):
        looked_up.append(table)
        return table

    monkeypatch.setattr(connections.Connection, "table_name", name)
    for count in (2, 20):
        script.answers = [{}] * (count if verb.__name__ == "bulk_create" else 1)
        verb(make(count), **options)
    assert looked_up == ["Score"] * 2


def test_each_class_is_examined_once_however_many_items_are_deleted(script, monkeypatch):
    examined = []
    find = mixed_models.find_restricting_references
    monkeypatch.setattr(
        mixed_models,
        "find_restricting_references",
        lambda kind, *, below: examined.append(kind) or find(kind, below=below),
    )
    script.answers = [{}] * 2
    delete_all([*scores(20), *map(Animal, "abcdefghij")])
    assert sorted(kind.__name__ for kind in examined) == ["Animal", "Score"]
