"""update() of one item: what is sent, what the instance knows afterwards, and what is refused."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from dynamodb_py import (
    BinaryField,
    CharField,
    ConditionFailed,
    ConnectionFailed,
    DateTimeField,
    DictField,
    DoesNotExist,
    Done,
    F,
    FieldNotLoaded,
    IntegerField,
    InvalidRequest,
    ItemTooLarge,
    ListField,
    Model,
    QueryError,
    SetField,
    Throttled,
    UnreadableValue,
    ValidationError,
)
from dynamodb_py.exceptions import make_service_error
from dynamodb_py.expressions import Path, Remove, Set, Value
from dynamodb_py.models.persistence.stored import stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write

from ...scripted import checked


class Score(Model):
    class Meta:
        table_name = "scores"

    user = CharField(name="u", hash_key=True)
    wins = IntegerField(name="w", default=0, min_value=0)
    rank = IntegerField()
    title = CharField(max_length=5, required=True)
    note = CharField()
    null = CharField(null=True)
    ids = ListField(IntegerField(min_value=1))
    tags = SetField()
    doc = DictField()
    raw = BinaryField()


class Stamped(Model):
    class Meta:
        table_name = "stamped"

    key = CharField(hash_key=True)
    rank = IntegerField()
    changed = DateTimeField(auto_now=True)


class Odd(Model):
    class Meta:
        table_name = "odd"

    key = CharField(hash_key=True)
    condition = CharField()
    returning = CharField()


LONG_AGO = {"S": "2001-01-01T00:00:00.000000+00:00"}
ITEM = {
    "u": {"S": "ann"},
    "w": {"N": "3"},
    "title": {"S": "t"},
    "ids": {"L": [{"N": "1"}]},
    "tags": {"SS": ["a", "b"]},
    "doc": {"M": {"a": {"M": {"b": {"N": "1"}}}, "c": {"N": "7"}}},
    "raw": {"B": "AAE="},
    "undeclared": {"S": "x"},
}
KEY = {"u": {"S": "ann"}}


def loaded(**more):
    return Score.from_db(ITEM | more)


def failed(item=None):
    return make_service_error(
        "ConditionalCheckFailedException", "no", body={} if item is None else {"Item": item}
    )


def refused():
    return make_service_error("ValidationException", "The document path is invalid for update")


def lost():
    error = ConnectionFailed("reset")
    error.__cause__ = ConnectionResetError()
    return error


def sent(script):
    """Return what was sent, after botocore looked at it."""
    for each in script.sent:
        checked(each)
    return script.payloads


def spelled(payload, member="UpdateExpression"):
    """Return an expression with names and values in place of what stands for them."""
    stand_for = dict(payload["ExpressionAttributeNames"])
    for name, wire in payload.get("ExpressionAttributeValues", {}).items():
        ((_, stand_for[name]),) = wire.items()
    text = payload[member]
    for name in sorted(stand_for, key=len, reverse=True):
        text = text.replace(name, str(stand_for[name]))
    return text


def new(**attributes):
    return {"Attributes": ITEM | attributes}


# -- what is sent --------------------------------------------------------------------------------


def test_a_loaded_item_is_changed_if_it_is_still_there(script, do):
    script.answers = [{"Attributes": {"w": {"N": "9"}}}]
    item = loaded()
    assert do(item.update, wins=F("wins") + 1) is item
    (payload,) = sent(script)
    assert payload["Key"] == KEY
    assert spelled(payload) == "SET w = w + 1"
    assert spelled(payload, "ConditionExpression") == "attribute_exists(u)"
    assert payload["ReturnValues"] == "UPDATED_NEW"
    assert (item.wins, item.title) == (9, "t")


def test_an_item_that_was_never_saved_is_changed_by_its_key(script, do):
    script.answers = [{"Attributes": {"w": {"N": "1"}}}]
    item = Score(user="ann", note="unsaved")
    assert do(item.update, F("wins").add(1)) is item
    (payload,) = sent(script)
    assert payload["Key"] == KEY
    assert "ConditionExpression" not in payload
    assert (item.wins, item.note, item.persisted) == (1, "unsaved", False)


EXPRESSIONS = [
    ("a value", (), {"rank": 5}, "SET rank = 5"),
    ("None", (), {"note": None, "null": None}, "SET null = True REMOVE note"),
    ("a sum", (), {"rank": F("rank") - F("wins")}, "SET rank = rank - w"),
    (
        "if not there",
        (),
        {"rank": F("rank").if_not_exists(0) + 1},
        "SET rank = if_not_exists(rank, 0) + 1",
    ),
    ("a list", (), {"ids": F("ids").append([2])}, "SET ids = list_append(ids, [{'N': '2'}])"),
    (
        "a list by position",
        (Score.ids.prepend([2]),),
        {},
        "SET ids = list_append([{'N': '2'}], ids)",
    ),
    ("a set", (F("tags").add({"c"}),), {}, "ADD tags ['c']"),
    ("an action by name", (), {"tags": F("tags").discard({"a"})}, "DELETE tags ['a']"),
    ("inside", (Score.doc["visits"].add(1),), {}, "ADD doc.visits 1"),
    ("an element", (Score.ids[0].remove(),), {}, "REMOVE ids[0]"),
    ("by field", (Score.rank.set(Score.wins + 1),), {}, "SET rank = w + 1"),
    ("another attribute", (), {"rank": Score.wins}, "SET rank = w"),
    ("a plain action", (Set(Path(("rank",)), Value({"N": "1"})),), {}, "SET rank = 1"),
    (
        "a document",
        (F("doc__a__b").set({"c": [1]}),),
        {},
        "SET doc.a.b = {'c': {'L': [{'N': '1'}]}}",
    ),
    (
        "all clauses",
        (F("note").remove(), F("rank").add(1), F("tags").discard({"a"})),
        {"wins": 4},
        "SET w = 4 REMOVE note ADD rank 1 DELETE tags ['a']",
    ),
]


@pytest.mark.parametrize(
    ("actions", "values", "text"), [e[1:] for e in EXPRESSIONS], ids=[e[0] for e in EXPRESSIONS]
)
def test_changes_are_spelled(script, do, actions, values, text):
    script.answers = [new()]
    do(loaded().update, *actions, **values)
    (payload,) = sent(script)
    assert spelled(payload) == text


def test_fields_that_set_themselves_do(script, do):
    script.answers = [{}, {}]
    item = Stamped.from_db({"key": {"S": "a"}, "changed": LONG_AGO})
    before = dt.datetime.now(dt.timezone.utc)
    do(item.update, rank=1)
    do(item.update, Stamped.changed.set(before))
    one, other = sent(script)
    assert list(one["ExpressionAttributeNames"].values())[:2] == ["rank", "changed"]
    assert len(other["ExpressionAttributeValues"]) == 1
    assert item.changed == before
    assert changes_to_write(item, stored_wires(item), validate=True) == {}


def test_a_condition_is_asked_too(script, do):
    script.answers = [{}]
    do(loaded().update, rank=1, condition=F("wins") < 5)
    message = spelled(sent(script)[0], "ConditionExpression")
    assert message == "(attribute_exists(u) AND w < 5)"


# -- what the instance knows afterwards ------------------------------------------------------------


def test_unsaved_changes_of_other_fields_stay(script, do):
    script.answers = [{"Attributes": {"rank": {"N": "2"}}}]
    item = loaded()
    item.title, item.doc["new"] = "mine", 1
    do(item.update, rank=F("rank") + 1)
    assert (item.rank, item.title, item.doc["new"]) == (2, "mine", 1)
    changes = changes_to_write(item, stored_wires(item), validate=True)
    assert set(changes) == {"title", "doc"}
    assert item.extra == {"undeclared": "x"}


def test_unsaved_changes_beside_the_place_that_was_changed_stay(script, do):
    doc = {"M": {"a": {"M": {"b": {"N": "9"}, "theirs": {"S": "t"}}}, "c": {"N": "8"}}}
    script.answers = [new(doc=doc)]
    item = loaded()
    item.doc["mine"] = 1
    item.doc["a"]["also"] = 2
    do(item.update, Score.doc["a"]["b"].add(8))
    assert item.doc == {"a": {"b": 9, "theirs": "t", "also": 2}, "c": 8, "mine": 1}
    assert stored_wires(item)["doc"] == doc


def test_what_was_removed_from_a_map_here_stays_removed(script, do):
    script.answers = [new(doc={"M": {"a": {"N": "1"}, "c": {"N": "7"}}})]
    item = loaded()
    del item.doc["c"]
    do(item.update, Score.doc["a"].set(1))
    assert item.doc == {"a": 1}


def test_what_cannot_be_stored_beside_the_place_is_told_before_anything_is_sent(script):
    item = loaded()
    item.doc["mine"] = object()
    with pytest.raises(ValidationError, match=r"doc\.mine"):
        item.update(Score.doc["a"]["b"].add(8))
    assert script.sent == []


@pytest.mark.parametrize("read_first", [True, False])
def test_the_result_is_in_the_instance(script, do, read_first):
    after = {"ids": {"L": [{"N": "1"}, {"N": "2"}]}, "raw": {"B": "Ag=="}}
    script.answers = [{"Attributes": after}]
    item = loaded()
    if read_first:
        assert item.ids == [1]
    item.note = "unsaved"
    do(item.update, ids=F("ids").append([2]), raw=b"\x02", title="new")
    assert (item.ids, item.raw, item.title, item.note) == ([1, 2], b"\x02", "new", "unsaved")
    item.note = None
    assert changes_to_write(item, stored_wires(item), validate=True) == {}


def test_what_is_removed_reads_as_absent(script, do):
    script.answers = [{}, {}]
    item = loaded()
    do(item.update, wins=None, doc=None)
    assert (item.wins, item.doc) == (0, None)  # wins has a default
    assert changes_to_write(item, stored_wires(item), validate=True) == {}
    unsaved = Score(user="ann", note="x", wins=5)
    do(unsaved.update, note=None, tags=set())
    assert (unsaved.note, unsaved.tags) == (None, set())


def test_an_undeclared_attribute_is_known_too(script, do):
    script.answers = [{"Attributes": {"undeclared": {"N": "4"}}}]
    item = loaded()
    do(item.update, F("undeclared").add(1))
    assert item.extra == {"undeclared": 4}


def test_what_an_engine_leaves_out_as_unchanged_is_as_it_was(script, do):
    script.answers = [{"Attributes": {}}]
    item = loaded()
    do(item.update, wins=F("wins") + 0)
    assert item.wins == 3


def test_a_set_that_became_empty_is_gone(script, do):
    script.answers = [{"Attributes": {k: w for k, w in ITEM.items() if k != "tags"}}]
    item = loaded()
    do(item.update, F("tags").discard({"a", "b"}))
    assert sent(script)[0]["ReturnValues"] == "ALL_NEW"
    assert item.tags == set()


def test_a_partly_fetched_instance_knows_what_it_changed(script, do):
    script.answers = [{"Attributes": {"rank": {"N": "2"}}}]
    item = Score._load_partially(frozenset({"u"}))(msgspec.json.encode(KEY))
    do(item.update, rank=F("rank") + 1)
    assert item.rank == 2
    with pytest.raises(FieldNotLoaded):
        item.title  # noqa: B018


def test_a_stored_value_that_cannot_be_read_spoils_nothing_else(script, do):
    script.answers = [{"Attributes": {"w": {"N": "4"}, "rank": {"S": "odd"}}}]
    item = loaded()
    do(item.update, Set(F("rank")._path(), F("x")._path()), wins=F("wins") + 1)
    assert item.wins == 4
    with pytest.raises(UnreadableValue):
        item.rank  # noqa: B018


RETURNED = [
    ("new", "ALL_NEW", new(w={"N": "4"})),
    ("old", "ALL_OLD", new()),
    ("updated_new", "UPDATED_NEW", {"Attributes": {"w": {"N": "4"}, "undeclared": {"N": "1"}}}),
    ("updated_old", "UPDATED_OLD", {"Attributes": {"w": {"N": "3"}}}),
]


@pytest.mark.parametrize(("returning", "word", "answer"), RETURNED, ids=[r[0] for r in RETURNED])
def test_returning_gives_a_plain_dict_by_field(script, do, returning, word, answer):
    script.answers = [answer]
    item = loaded()
    got = do(item.update, F("undeclared").set(1), returning=returning, wins=F("wins") + 1)
    assert type(got) is dict
    assert sent(script)[0]["ReturnValues"] == word
    if returning == "updated_new":
        assert got == {"wins": 4, "undeclared": 1}
    elif returning == "updated_old":
        assert got == {"wins": 3}
    else:
        assert got["user"] == "ann"
        assert got["wins"] == (4 if returning == "new" else 3)
        assert got["undeclared"] == "x"
    if returning in ("new", "updated_new"):
        assert item.wins == 4
    else:  # nobody told what it is now
        with pytest.raises(FieldNotLoaded):
            item.wins  # noqa: B018
        assert item.title == "t"


def test_what_was_set_is_known_whatever_is_returned(script, do):
    script.answers = [new()]
    item = loaded()
    got = do(item.update, rank=8, note=None, returning="old")
    assert (got["rank"], item.rank, item.note, item.extra) == (None, 8, None, {"undeclared": "x"})


def test_the_old_of_an_item_that_was_not_there_is_empty(script, do):
    script.answers = [{}]
    assert do(Score(user="ann").update, rank=1, returning="old") == {}


# -- what does not succeed -------------------------------------------------------------------------


def test_a_loaded_item_that_is_gone_is_told(script, do):
    script.answers = [failed()]
    with pytest.raises(Score.DoesNotExist) as caught:
        do(loaded().update, rank=1)
    assert caught.value.missing == [loaded()]


def test_must_exist_makes_no_item(script, do):
    script.answers = [failed()]
    with pytest.raises(Score.DoesNotExist, match="there is no item of"):
        do(Score(user="ann").update, rank=1, must_exist=True)
    assert spelled(sent(script)[0], "ConditionExpression") == "attribute_exists(u)"


def test_a_failed_condition_has_the_item_as_it_stands(script, do):
    script.answers = [failed(ITEM), failed(ITEM), failed()]
    for item in (loaded(), Score(user="ann")):
        before = item.to_dict()
        with pytest.raises(ConditionFailed) as caught:
            do(item.update, rank=1, condition=Score.wins > 5, must_exist=True)
        assert isinstance(caught.value.current, Score)
        assert caught.value.current.wins == 3
        assert item.to_dict() == before
    with pytest.raises(ConditionFailed) as caught:
        do(Score(user="ann").update, rank=1, condition=Score.wins > 5)
    assert caught.value.current is None


@pytest.mark.parametrize(
    ("actions", "tries"),
    [
        ((F("rank").set(1),), 4),
        ((F("tags").add({"x"}),), 4),
        ((F("rank").add(1),), 1),
        ((F("rank").set(F("rank") + 1),), 1),
        ((F("ids").append([1]),), 1),
        ((F("ids")[0].remove(),), 1),
    ],
)
def test_what_would_count_twice_is_not_sent_twice(script, do, actions, tries):
    script.answers = [lost() for _ in range(tries)]
    with pytest.raises(ConnectionFailed) as caught:
        do(loaded().update, *actions)
    assert caught.value.attempts == tries == len(script.sent)


def test_what_was_throttled_was_not_carried_out(script, do):
    script.answers = [
        make_service_error("ProvisionedThroughputExceededException", "slow down"),
        {"Attributes": {"rank": {"N": "3"}}},
    ]
    assert isinstance(script.answers[0], Throttled)
    assert do(loaded().update, F("rank").add(1)).rank == 3


REFUSED = {
    "nothing": (lambda i: i.update(), QueryError, "nothing to change"),
    "the key": (lambda i: i.update(user="x"), ValidationError, "user: it is part of the key"),
    "the key by action": (lambda i: i.update(F("user").remove()), ValidationError, "user: it is"),
    "the key by sum": (lambda i: i.update(user=F("user") + 1), ValidationError, "user: it is part"),
    "no field": (lambda i: i.update(level=1), TypeError, "no field level"),
    "no action": (lambda i: i.update(Score.wins == 1), TypeError, "takes values by field"),
    "a sum without a target": (lambda i: i.update(F("wins") + 1), TypeError, "takes values by f"),
    "out of bounds": (lambda i: i.update(wins=-1), ValidationError, "wins: -1 is less than"),
    "out of bounds by set": (
        lambda i: i.update(Score.wins.set(-1)),
        ValidationError,
        "wins: -1 is less than",
    ),
    "out of bounds if missing": (
        lambda i: i.update(wins=F("wins").if_not_exists(-1)),
        ValidationError,
        "wins: -1 is less than",
    ),
    "an element out of bounds": (
        lambda i: i.update(F("ids")[0].set(0)),
        ValidationError,
        r"ids\[0\]: 0 is less than",
    ),
    "elements out of bounds": (
        lambda i: i.update(ids=F("ids").append([0])),
        ValidationError,
        r"ids\[0\]: 0 is less than",
    ),
    "another type": (lambda i: i.update(wins="x"), ValidationError, "wins: 'x' is a str"),
    "a sum of text": (lambda i: i.update(title=F("title") + 1), ValidationError, "title: .* as S"),
    "a fraction": (lambda i: i.update(wins=F("wins") + 0.5), ValidationError, "wins: 0.5 is a fl"),
    "required": (lambda i: i.update(title=None), ValidationError, "title: it is required"),
    "required, removed": (lambda i: i.update(F("title").remove()), ValidationError, "title: it is"),
    "several": (
        lambda i: i.update(F("wins").set(-1), title="too long"),
        ValidationError,
        "wins: .*title: its length",
    ),
    "no text": (
        lambda i: i.update(F("doc__a").set("\ud800")),
        ValidationError,
        "doc.a: it is not valid Unicode",
    ),
    "too large": (
        lambda i: i.update(F("ids").append([10**38 - 1] * 40_000)),
        ItemTooLarge,
        "409600",
    ),
    "twice": (lambda i: i.update(F("wins").add(1), wins=3), QueryError, "overlap"),
    "one inside the other": (
        lambda i: i.update(F("doc__a").remove(), doc={}),
        QueryError,
        "overlap",
    ),
    "the action of another field": (
        lambda i: i.update(wins=F("rank").add(1)),
        QueryError,
        "wins= got an action on Score.rank",
    ),
    "no such returning": (lambda i: i.update(wins=1, returning="all"), QueryError, "'updated_old'"),
    "no condition": (lambda i: i.update(wins=1, condition="x"), TypeError, "condition="),
    "an option that is a field": (
        lambda i: Odd(key="a").update(condition="x"),
        TypeError,
        "Odd.condition is a field",
    ),
}


@pytest.mark.parametrize(("ask", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_before_anything_is_sent(script, ask, error, message):
    with pytest.raises(error, match=message):
        ask(loaded())
    assert script.sent == []


# -- parents ---------------------------------------------------------------------------------------


def test_missing_parents_are_made_level_by_level(script, do):
    doc = {"M": {"x": {"M": {"y": {"M": {"z": {"N": "1"}}}}}}}
    script.answers = [refused(), {}, {}, {}, new(doc=doc)]
    item = loaded()
    visits, other = F("doc__x__y__z").add(1), F("doc__x__other").set("o")
    do(item.update, visits, other, create_parents=True)
    first, one, two, three, last = sent(script)
    assert [spelled(each) for each in (one, two, three)] == [
        "SET doc = if_not_exists(doc, {})",
        "SET doc.x = if_not_exists(doc.x, {})",
        "SET doc.x.y = if_not_exists(doc.x.y, {})",
    ]
    assert first == last
    assert {spelled(e, "ConditionExpression") for e in (one, two, three)} == {"attribute_exists(u)"}
    assert item.doc == {"x": {"y": {"z": 1}}}


def test_nothing_is_made_where_nothing_is_missing(script, do):
    script.answers = [new()]
    do(loaded().update, F("doc__a__b").add(1), create_parents=True)
    assert len(script.sent) == 1


@pytest.mark.parametrize("path", ["rank", "ids__0__a"])
def test_what_has_no_maps_on_its_way_is_refused_as_it_is(script, do, path):
    script.answers = [refused()]
    with pytest.raises(InvalidRequest):
        do(Odd(key="a").update, F(path).set(1), create_parents=True)
    assert len(script.sent) == 1


def test_without_the_option_no_parents_are_made(script, do):
    script.answers = [refused()]
    with pytest.raises(InvalidRequest):
        do(loaded().update, F("doc__x__y").set(1))


def test_a_parent_that_is_no_map_is_told_by_the_first_error(script, do):
    script.answers = [refused(), {}, make_service_error("ValidationException", "another")]
    with pytest.raises(InvalidRequest, match="document path"):
        do(loaded().update, F("doc__c__d__e").set(1), create_parents=True)


def test_parents_do_not_spoil_the_condition(script, do):
    gone = F("doc__x").not_exists()
    script.answers = [refused(), {}, new()]
    do(loaded().update, F("doc__x").set(1), condition=gone, create_parents=True)
    first, made, last = sent(script)
    assert spelled(made, "ConditionExpression") == "attribute_exists(u)"
    assert first["ConditionExpression"] == last["ConditionExpression"]


def test_a_condition_on_else_is_asked_of_the_parents_too(script, do):
    script.answers = [refused(), failed(ITEM)]
    with pytest.raises(ConditionFailed) as caught:
        do(
            Score(user="ann").update,
            F("doc__x").set(1),
            condition=F("rank") > 1,
            create_parents=True,
        )
    assert caught.value.current.wins == 3
    assert spelled(sent(script)[1], "ConditionExpression") == "rank > 1"


# -- by query --------------------------------------------------------------------------------------

ANN = Score.objects.filter(user="ann")


def test_a_whole_key_is_not_read(script, do):
    script.answers = [{}, failed()]
    assert do(ANN.update, F("tags").add({"x"}), wins=F("wins") + 1) == Done(1, 1, requests=1)
    assert do(ANN.filter(wins__lt=3).update, rank=1) == Done(requests=1)
    one, other = sent(script)
    assert one["Key"] == other["Key"] == KEY
    assert spelled(one, "ConditionExpression") == "attribute_exists(u)"
    assert spelled(other, "ConditionExpression") == "(attribute_exists(u) AND w < 3)"


def test_many_items_are_computed_with(script, do):
    pages = {"Items": [{"u": {"S": name}} for name in "ab"], "Count": 2, "ScannedCount": 2}
    script.answers = [pages, {}, failed()]
    done = do(Score.objects.all().update, wins=F("wins") + 1, condition=F("rank") > 1)
    assert (done.changed, done.skipped) == (1, 1)
    _, one, _ = sent(script)
    assert spelled(one) == "SET w = w + 1"
    assert spelled(one, "ConditionExpression") == "(attribute_exists(u) AND rank > 1)"


def test_one_item_by_query_can_return(script, do):
    script.answers = [{"Attributes": {"w": {"N": "4"}}}, failed()]
    got = do(ANN.update, wins=F("wins") + 1, returning="updated_new")
    assert got == {"wins": 4}
    with pytest.raises(Score.DoesNotExist):
        do(ANN.update, wins=1, returning="new")


@pytest.mark.parametrize(
    ("must_exist", "condition"),
    [(True, "attribute_exists(u)"), (None, "attribute_exists(u)"), (False, None)],
)
def test_one_item_by_query_must_exist_or_not(script, do, must_exist, condition):
    script.answers = [{}]
    do(ANN.update, rank=1, must_exist=must_exist)
    (payload,) = sent(script)
    assert ("ConditionExpression" in payload) == (condition is not None)
    if condition:
        assert spelled(payload, "ConditionExpression") == condition
        script.answers = [failed()]
        if must_exist:
            with pytest.raises(DoesNotExist, match="'ann'"):
                do(ANN.update, rank=1, must_exist=True)
        else:
            assert do(ANN.update, rank=1) == Done(requests=1)


def test_one_item_by_query_has_a_condition(script, do):
    script.answers = [{}, failed(ITEM), failed()]
    asked = ANN.filter(wins__lt=9)
    assert do(asked.update, rank=1, condition=F("note").not_exists()).changed == 1
    message = spelled(sent(script)[0], "ConditionExpression")
    assert message == "(attribute_exists(u) AND w < 9 AND attribute_not_exists(note))"
    for current in (3, None):
        with pytest.raises(ConditionFailed) as caught:
            do(asked.update, rank=1, condition=F("note").not_exists())
        assert getattr(caught.value.current, "wins", None) == current


def test_one_item_by_query_can_make_parents(script, do):
    script.answers = [refused(), {}, {}]
    assert do(ANN.update, F("doc__x").add(1), create_parents=True) == Done(1, 1, requests=3)


@pytest.mark.parametrize(
    "options", [{"returning": "new"}, {"create_parents": True}, {"must_exist": True}]
)
def test_what_is_of_one_item_is_refused_for_many(script, options):
    with pytest.raises(QueryError, match="whole key"):
        Score.objects.all().update(rank=1, **options)


def test_a_removal_by_path_is_an_action(script, do):
    script.answers = [{}]
    do(ANN.update, Remove(Path(("note",))))
    (payload,) = sent(script)
    assert spelled(payload) == "REMOVE note"
