"""What saving, creating, reading and deleting send, and what they make of the answers."""

from __future__ import annotations

import pytest

from dynamodb_py import (
    AlreadyExists,
    BatchIncomplete,
    BinaryField,
    CharField,
    ConditionFailed,
    ConfigurationError,
    CounterField,
    DoesNotExist,
    F,
    IntegerField,
    ListField,
    Model,
    QueryError,
    SetField,
    Throttled,
    ValidationError,
    connections,
    delete_all,
    load,
    options,
    save_all,
)
from dynamodb_py.exceptions import make_service_error
from dynamodb_py.models.persistence.stored import stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write

from ...scripted import Script, checked, scripted_connection


class Score(Model):
    class Meta:
        table_name = "scores"

    user = CharField(name="u", hash_key=True)
    points = IntegerField(range_key=True)
    title = CharField()
    tags = SetField()
    ids = ListField(default=[])
    hits = CounterField()


class Note(Model):
    k = BinaryField(hash_key=True)
    text = CharField(required=True)


KEY = {"u": {"S": "a"}, "points": {"N": "1"}}
ITEM = {**KEY, "title": {"S": "old"}, "more": {"S": "kept"}}
OTHER = {**KEY, "title": {"S": "theirs"}}


def failed(item=None):
    body = {} if item is None else {"Item": item}
    return make_service_error("ConditionalCheckFailedException", "no", body=body)


def sent(script):
    """Return what was sent, after botocore looked at it."""
    for each in script.sent:
        checked(each)
    return script.payloads


# -- save ----------------------------------------------------------------------------------------


def test_a_new_instance_is_put_whole_and_is_persisted_then(script, do):
    new = Score("a", 1, title="x")
    script.answers = [{}]
    assert do(new.save) is new
    assert new.persisted
    assert sent(script) == [
        {
            "TableName": "scores",
            "Item": {**KEY, "title": {"S": "x"}, "ids": {"L": []}, "hits": {"N": "0"}},
        }
    ]
    assert do(new.save) is new  # nothing changed, nothing sent


def test_a_loaded_instance_sends_exactly_what_changed_if_it_still_exists(script, do):
    loaded = Score.from_db(ITEM)
    loaded.title, loaded.tags = None, {"x"}
    script.answers = [{}, {}]
    do(loaded.save)
    assert sent(script) == [
        {
            "TableName": "scores",
            "Key": KEY,
            "UpdateExpression": "SET #0 = :0 REMOVE #1",
            "ConditionExpression": "(attribute_exists(#2) AND attribute_not_exists(#0))",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            "ExpressionAttributeNames": {"#0": "tags", "#1": "title", "#2": "u"},
            "ExpressionAttributeValues": {":0": {"SS": ["x"]}},
        }
    ]
    do(loaded.save)
    assert len(script.sent) == 1
    loaded.ids.append(1)
    do(loaded.save)
    assert script.payloads[1]["UpdateExpression"] == "SET #0 = :0"
    assert loaded.extra == {"more": "kept"}


def test_an_item_that_is_gone_is_told(script, do):
    loaded = Score.from_db(ITEM)
    loaded.title = "new"
    script.answers = [failed()]
    with pytest.raises(Score.DoesNotExist, match="was deleted since it was loaded") as caught:
        do(loaded.save)
    assert caught.value.missing == [loaded]
    assert loaded.title == "new"  # and can be saved elsewhere


def test_a_condition_that_does_not_hold_carries_the_item_as_it_stands(script, do):
    loaded = Score.from_db(ITEM)
    loaded.title = "new"
    script.answers = [failed(OTHER)]
    with pytest.raises(ConditionFailed) as caught:
        do(loaded.save, condition=Score.title == "old")
    assert not isinstance(caught.value, AlreadyExists)
    current = caught.value.current
    assert (type(current), current.title, current.persisted) == (Score, "theirs", True)
    assert script.payloads[0]["ConditionExpression"].count("AND") == 1
    assert loaded.title == "new"
    assert changes_to_write(loaded, stored_wires(loaded), validate=True) == {"title": {"S": "new"}}


def test_names_in_a_condition_are_the_fields_names(script, do):
    script.answers = [{}]
    do(Score("a", 1).save, condition=(F("user") != "x") & (F("hits") < 3))
    names = script.payloads[0]["ExpressionAttributeNames"]
    assert sorted(names.values()) == ["hits", "u"]


def test_a_save_that_failed_leaves_the_instance_as_it_was(script, do):
    new = Score("a", 1)
    script.answers = [make_service_error("ValidationException", "no"), {}]
    with pytest.raises(Exception, match="no"):
        do(new.save)
    assert not new.persisted
    do(new.save)
    assert new.persisted


def test_what_cannot_be_stored_is_never_sent(script, do):
    for write in (Note(b"").save, Note(b"a").save):
        with pytest.raises(ValidationError):
            do(write)
    with pytest.raises(ValidationError):
        do(Note.objects.create, k=b"a", text=5)
    with pytest.raises(ValidationError, match="text: it is required"):
        do(Note.objects.batch_write, [{"k": b"a", "text": "x"}, {"k": b"b"}])
    assert script.sent == []


def test_validate_false_sends_what_the_options_refuse(script, do):
    script.answers = [{}]
    do(Note(b"a").save, validate=False)
    assert sent(script)[0]["Item"] == {"k": {"B": "YQ=="}}


def test_overwrite_puts_a_loaded_one_whole_with_what_is_not_declared(script, do):
    loaded = Score.from_db(ITEM)
    script.answers = [{}]
    do(loaded.save, overwrite=True)
    assert script.payloads[0]["Item"] == {**ITEM, "ids": {"L": []}, "hits": {"N": "0"}}
    assert "ConditionExpression" not in script.payloads[0]


# -- create --------------------------------------------------------------------------------------


CREATE = {
    "create": lambda do, **values: do(Score.create, **values),
    "objects.create": lambda do, **values: do(Score.objects.create, **values),
    "force_insert": lambda do, **values: do(Score(**values).save, force_insert=True),
}


@pytest.mark.parametrize("create", CREATE.values(), ids=CREATE)
def test_creating_fails_where_the_key_is_taken(script, do, create):
    script.answers = [failed(OTHER)]
    with pytest.raises(Score.AlreadyExists) as caught:
        create(do, user="a", points=1)
    assert isinstance(caught.value, (AlreadyExists, ConditionFailed))
    assert caught.value.code == "ConditionalCheckFailedException"
    assert caught.value.current.title == "theirs"
    assert sent(script)[0]["ConditionExpression"] == "attribute_not_exists(#0)"


def test_creating_with_a_condition_tells_which_of_both_failed(script, do):
    script.answers = [failed()]
    with pytest.raises(ConditionFailed) as caught:
        do(Score.objects.create, user="a", points=1, condition=Score.title == "x")
    assert not isinstance(caught.value, AlreadyExists)
    assert caught.value.current is None


def test_create_overwrite_replaces(script, do):
    script.answers = [{}]
    new = do(Score.create, user="a", points=0, overwrite=True)
    assert (new.points, new.persisted) == (0, True)
    assert "ConditionExpression" not in script.payloads[0]


def test_a_field_called_as_an_option_is_told(script):
    class Own(Model):
        k = CharField(hash_key=True)
        condition = CharField()

    with pytest.raises(
        TypeError, match=r"create\(condition=...\) may mean the field or the option"
    ):
        Own.objects.create(k="a", condition="new")


# -- get, refresh, delete ------------------------------------------------------------------------


def test_getting_asks_by_key_and_loads(script, do):
    script.answers = [{"Item": ITEM}, {"Item": ITEM}, {}, {}]
    found = do(Score.objects.get, "a", 1)
    assert (found.title, found.persisted) == ("old", True)
    assert do(Score.get, user="a", points=1) == found
    assert sent(script) == [{"TableName": "scores", "Key": KEY}] * 2
    assert do(Score.get, "a", 1) is None
    with pytest.raises(
        Score.DoesNotExist, match="Score has no item with the key user='a', points=1"
    ) as caught:
        do(Score.objects.get, user="a", points=1)
    assert isinstance(caught.value, LookupError)
    assert caught.value.missing == [{"user": "a", "points": 1}]


def test_reads_are_consistent_when_asked_and_while_options_say_so(script, do):
    script.answers = [{}] * 4
    do(Score.get, "a", 1, consistent=True)
    with options(consistent=True):
        do(Score.get, "a", 1)
        do(Score.get, "a", 1, consistent=False)
    do(Score.get, "a", 1)
    assert [payload.get("ConsistentRead", False) for payload in script.payloads] == [
        True,
        True,
        False,
        False,
    ]


def test_get_or_create_creates_or_takes_what_another_created_meanwhile(script, do):
    script.answers = [{"Item": ITEM}]
    assert do(Score.objects.get_or_create, user="a", points=1)[1] is False
    script.answers = [{}, {}]
    found, created = do(
        Score.objects.get_or_create,
        user="a",
        points=1,
        defaults={"title": lambda: "made", "hits": 3},
    )
    assert (created, found.title, found.hits, found.persisted) == (True, "made", 3, True)
    script.answers = [{}, failed(OTHER)]
    found, created = do(Score.objects.get_or_create, user="a", points=1)
    assert (created, found.title) == (False, "theirs")
    script.answers = [{}, failed(), {"Item": OTHER}]  # an engine that does not send the item
    found, created = do(Score.objects.get_or_create, user="a", points=1)
    assert (created, found.title) == (False, "theirs")
    assert all(p["ConsistentRead"] for p in script.payloads if "Key" in p)


def test_refreshing_reads_all_fields_again(script, do):
    loaded = Score.from_db(ITEM)
    loaded.title = "changed"
    script.answers = [{"Item": OTHER}, {}]
    do(loaded.refresh_from_db)
    assert (loaded.title, loaded.extra) == ("theirs", {})
    with pytest.raises(Score.DoesNotExist):
        do(loaded.refresh_from_db)
    assert loaded.title == "theirs"


def test_deleting_makes_it_an_instance_that_is_not_stored(script, do):
    loaded = Score.from_db(ITEM)
    script.answers = [{}, {}]
    do(loaded.delete)
    assert sent(script) == [{"TableName": "scores", "Key": KEY}]
    assert (loaded.persisted, loaded.title) == (False, "old")
    do(loaded.save)
    assert script.payloads[1]["Item"]["more"] == {"S": "kept"}


@pytest.mark.parametrize("current", [OTHER, None])
def test_a_delete_whose_condition_fails_carries_the_item(script, do, current):
    loaded = Score.from_db(ITEM)
    script.answers = [failed(current), failed(current)]
    with pytest.raises(ConditionFailed) as caught:
        do(loaded.delete, condition=Score.title == "old")
    found = caught.value.current
    assert (found and found.title) == (current and "theirs")
    assert loaded.persisted
    with pytest.raises(ConditionFailed):
        do(Score.objects.delete, "a", 1, condition=Score.title == "old")


def test_counting_sends_add_and_takes_the_new_value(script, do):
    new = Score("a", 1)
    script.answers = [{"Attributes": {"hits": {"N": "7"}}}, {"Attributes": {"hits": {"N": "5"}}}]
    do(new.incr, hits=2)
    assert (new.hits, new.persisted) == (7, False)
    loaded = Score.from_db(ITEM)
    do(loaded.decr, hits=2)
    assert loaded.hits == 5
    assert changes_to_write(loaded, stored_wires(loaded), validate=True) == {}
    assert [p["UpdateExpression"] for p in sent(script)] == ["ADD #0 :0", "ADD #0 :0"]
    assert script.payloads[1]["ExpressionAttributeValues"] == {":0": {"N": "-2"}}
    for wrong, said in (
        ({"title": 1}, "only number fields"),
        ({"points": 1}, "only number fields"),
        ({"hits": 1.5}, "1.5 is a float"),
    ):
        with pytest.raises(ValidationError, match=said):
            do(loaded.incr, **wrong)
    with pytest.raises(TypeError, match="Score has no field hit"):
        do(loaded.incr, hit=1)


# -- many ----------------------------------------------------------------------------------------


def found(*items, left=()):
    body = {"Responses": {"scores": list(items)}}
    return {**body, "UnprocessedKeys": {"scores": {"Keys": list(left)}}} if left else body


def item(n, **more):
    return {"u": {"S": "a"}, "points": {"N": str(n)}, **more}


def test_many_are_got_in_the_order_asked_duplicates_once(script, do):
    script.answers = [found(item(2), item(1))]
    got = do(Score.objects.batch_get, ("a", 1), {"user": "a", "points": 2}, ("a", 3), Score("a", 1))
    assert [each.points for each in got] == [1, 2, 1]
    assert got[0] is got[2]
    assert len(script.payloads[0]["RequestItems"]["scores"]["Keys"]) == 3
    script.answers = [found(item(2), item(1))]
    bulk = do(Score.objects.in_bulk, [("a", 1), ("a", 2), ("a", 3)])
    assert {key: each.points for key, each in bulk.items()} == {("a", 1): 1, ("a", 2): 2}


def test_what_could_not_be_read_is_told_as_it_was_asked(script, do):
    throttled = make_service_error("ProvisionedThroughputExceededException", "slow")
    script.answers = [throttled] * 4
    with pytest.raises(Throttled) as caught:
        do(Score.objects.batch_get, ("a", 1), {"user": "a", "points": 2})
    assert caught.value.unprocessed == [("a", 1), {"user": "a", "points": 2}]
    assert caught.value.attempts == 4


@pytest.mark.parametrize("workers", [0, -1])
def test_no_workers_at_all_is_refused(script, do, workers):
    for call in (
        lambda: do(Score.objects.batch_get, ("a", 1), workers=workers),
        lambda: do(Score.objects.batch_write, [Score("a", 1)], workers=workers),
        lambda: do(Score.objects.batch_write, [Score("a", 1)], overwrite=True, workers=workers),
    ):
        with pytest.raises(QueryError, match=f"workers={workers}: give a number from 1"):
            call()


def test_a_batch_without_overwrite_writes_what_is_free_and_tells_the_rest(script, do):
    told = []
    script.answers = [{}, failed(OTHER), {}]
    instances = [Score("a", n) for n in (1, 2, 3)]
    with pytest.raises(Score.AlreadyExists) as caught:
        do(Score.objects.batch_write, instances, progress=lambda *done: told.append(done))
    assert caught.value.unprocessed == [instances[1]]
    assert caught.value.current.title == "theirs"
    assert [each.persisted for each in instances] == [True, False, True]
    assert told == [(3, 3)]
    with pytest.raises(ValidationError, match="two of the items have the key"):
        do(Score.objects.batch_write, [Score("a", 1), {"user": "a", "points": 1}])


def test_a_batch_with_overwrite_lets_the_last_of_two_count(script, do):
    script.answers = [{}]
    written = do(
        Score.objects.batch_write,
        [{"user": "a", "points": 1, "title": "first"}, Score("a", 1, title="last")],
        delete=[("a", 2)],
        overwrite=True,
    )
    writes = script.payloads[0]["RequestItems"]["scores"]
    assert [next(iter(each)) for each in writes] == ["PutRequest", "DeleteRequest"]
    assert writes[0]["PutRequest"]["Item"]["title"] == {"S": "last"}
    assert any(each.persisted for each in written)


def test_a_batch_takes_nothing_but_the_models_own(script, do):
    for wrong in (Note(b"a"), ("a", 1), "a"):
        with pytest.raises(
            ValidationError, match="is not a Score: pass instances, or dicts of field values"
        ):
            do(Score.objects.batch_write, [wrong])


def test_progress_is_told_of_puts_and_deletes_together(script, do):
    told = []
    script.answers = [{}, {}, {}]
    do(
        Score.objects.batch_write,
        [Score("a", 1), Score("a", 2)],
        delete=[("b", 1)],
        progress=lambda *done: told.append(done),
    )
    assert told == [(2, 3), (3, 3)]


def test_loading_many_tells_which_are_missing(script, do):
    one, other = Score("a", 1), Score("a", 2)
    script.answers = [found(item(1, title={"S": "x"}))]
    with pytest.raises(DoesNotExist, match=r"1 of 2 items do not exist: Score \('a', 2") as caught:
        do(load, [one, other])
    assert caught.value.missing == [other]
    assert (one.title, one.persisted, other.persisted) == ("x", True, False)


def test_saving_many_puts_new_ones_together_and_changes_one_by_one(script, do):
    told = []
    loaded = Score.from_db(ITEM)
    loaded.title = "new"
    new = [Score("b", 1), Note(b"a", text="x")]
    script.answers = [{}, {}]
    do(save_all, [new[0], loaded, new[1]], progress=lambda *done: told.append(done))
    assert [each.api for each in script.sent] == ["BatchWriteItem", "UpdateItem"]
    assert set(script.payloads[0]["RequestItems"]) == {"scores", "Note"}
    assert all(each.persisted for each in new)
    assert told == [(2, 3), (3, 3)]


def test_saving_many_tells_what_was_not_saved(script, do):
    loaded = [Score.from_db(item(n)) for n in (1, 2, 3)]
    for each in loaded:
        each.title = "new"
    new = Score("b", 1)
    script.answers = [make_service_error("AccessDeniedException", "no")]
    with pytest.raises(Exception, match="no") as caught:
        do(save_all, [new, *loaded])
    assert caught.value.unprocessed == [new, *loaded]
    script.answers = [{}, {}, make_service_error("AccessDeniedException", "no")]
    with pytest.raises(Exception, match="no") as caught:
        do(save_all, [new, *loaded])
    assert caught.value.unprocessed == loaded[1:]
    script.answers = [{}, {}]
    do(save_all, [new, *loaded])  # again, and nothing is sent twice
    assert [each.api for each in script.sent[-2:]] == ["UpdateItem", "UpdateItem"]


def test_deleting_many_sends_each_key_once(script, do):
    one = Score.from_db(ITEM)
    script.answers = [{}]
    do(delete_all, [one, Score.from_db(ITEM), Note(b"a")])
    requests = script.payloads[0]["RequestItems"]
    assert len(requests["scores"]) == len(requests["Note"]) == 1
    assert not one.persisted


def test_many_of_nothing_sends_nothing(script, do):
    do(save_all, [])
    do(delete_all, [])
    do(load, [])
    assert do(Score.objects.batch_get) == []
    assert do(Score.objects.in_bulk, []) == {}
    assert do(Score.objects.batch_write, []) == []
    do(Score.objects.bulk_delete, [])


def test_a_batch_that_is_given_up_tells_the_instances(script, do, monkeypatch):
    monkeypatch.setattr("dynamodb_py.batching.PATIENCE", 1)
    instances = [Score("a", 1), Score("a", 2)]

    def refuse(operation):
        return {"UnprocessedItems": {"scores": [each.request() for each in operation.writes]}}

    script.answers = [refuse]
    with pytest.raises(BatchIncomplete, match="2 of 2 writes undone") as caught:
        do(Score.objects.batch_write, instances, overwrite=True)
    assert caught.value.unprocessed == instances
    assert not any(each.persisted for each in instances)


# -- where it goes -------------------------------------------------------------------------------


@pytest.fixture
def replica(script):
    other = Script()
    connections._connections["replica"] = scripted_connection(other, "replica", table_prefix="r-")
    return other


class Replicated(Model):
    class Meta:
        using = "replica"

    k = CharField(hash_key=True)


def test_a_manager_of_another_connection_gives_instances_of_it(script, replica, do):
    replica.answers = [{"Item": ITEM}, {}, {}, {"Items": [ITEM]}, {}]
    loaded = do(Score.objects.using("replica").get, "a", 1)
    loaded.title = "new"
    do(loaded.save)
    do(Score.objects.using("replica").create, user="b", points=1)
    assert [each._using for each in do.list(Score.objects.using("replica").all())] == ["replica"]
    do(Score.objects.using("replica").batch_get, ("a", 1))
    assert script.sent == []
    assert [next(iter(each.tables)) for each in replica.sent] == ["r-scores"] * 5


def test_meta_names_the_connection_and_options_those_that_name_none(script, replica, do):
    replica.answers = [{}, {}]
    do(Replicated.objects.get_or_none, "a")
    with options(using="replica"):
        do(Score.objects.get_or_none, "a", 1)
    script.answers = [{}]
    do(Score.objects.get_or_none, "a", 1)
    assert [next(iter(each.tables)) for each in replica.sent] == ["r-Replicated", "r-scores"]


def test_objects_of_several_connections_are_refused_together(script, replica, do):
    with pytest.raises(
        ConfigurationError,
        match="are on several connections, 'default', 'replica': make one call for each",
    ):
        do(save_all, [Score("a", 1), Replicated("a")])


def test_objects_is_of_the_class_alone():
    with pytest.raises(
        AttributeError, match=r"objects is an attribute of the class.*: use Score\.objects"
    ):
        _ = Score("a", 1).objects
