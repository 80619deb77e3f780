"""A refusal is of one's own earlier attempt only where an answer was lost; then saving again succeeds."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from contextlib import suppress
from typing import Any

import pytest

from dynamodb_py import (
    CharField,
    ConditionFailed,
    ConnectionFailed,
    DateTimeField,
    DictField,
    F,
    GlobalIndex,
    ListField,
    Model,
    ReadTimeout,
    Retries,
    SetField,
    StaleItem,
    ValidationError,
    VersionField,
    connections,
    transaction,
)
from dynamodb_py.exceptions import ConnectTimeout, make_service_error


class Plain(Model):
    class Meta:
        table_name = "jobs"

    id = CharField(hash_key=True)
    title = CharField(max_length=10)
    tags = SetField()
    items = ListField(default=list)
    free = DictField(default=dict)


class Stamped(Plain):
    class Meta:
        table_name = "jobs"

    edited = DateTimeField(auto_now=True)


class Versioned(Stamped):
    class Meta:
        table_name = "jobs"

    version = VersionField()


class Atomic(Plain):
    class Meta:
        table_name = "jobs"
        atomic = True


class Made(Plain):
    class Meta:
        table_name = "jobs"

    place = CharField()
    shelf = CharField(template="{title}#{place}")
    by_shelf = GlobalIndex(hash_key="shelf")


ITEM: dict[str, Any] = {
    "id": {"S": "1"},
    "title": {"S": "t"},
    "place": {"S": "p"},
    "shelf": {"S": "t#p"},
    "tags": {"SS": ["a", "b"]},
    "items": {"L": [{"S": "x"}, {"S": "y"}]},
    "free": {"M": {"l": {"L": []}, "s": {"SS": ["a"]}}},
    "version": {"N": "3"},
}

# Saves with a condition of their own: the model, and the change.
GUARDED: dict[str, tuple[Any, Any]] = {
    "a list": (Plain, lambda job: job.items.pop()),
    "a list and a stamp": (Stamped, lambda job: job.items.append("z")),
    "a list in a map": (Plain, lambda job: job.free["l"].append(1)),
    "a set in a map": (Plain, lambda job: job.free["s"].add("b")),
    "an assigned set": (Plain, lambda job: setattr(job, "tags", {"c"})),
    "a set that is emptied": (Plain, lambda job: setattr(job, "tags", set())),
    "a set that does both": (Plain, lambda job: (job.tags.add("c"), job.tags.discard("a"))),
    "a version": (Versioned, lambda job: setattr(job, "title", "u")),
    "a version, and a set": (Versioned, lambda job: job.tags.add("c")),
    "all attributes": (Atomic, lambda job: setattr(job, "title", "u")),
    "a template": (Made, lambda job: setattr(job, "title", "u")),
}

CANCELLED: Any = {"sync": KeyboardInterrupt, "async": asyncio.CancelledError}
# What a request ends with, and whether it may have been executed then.
ENDS: dict[str, tuple[Any, bool]] = {
    "reset": (lambda: ConnectionFailed("reset"), True),
    "no answer": (lambda: ReadTimeout("slow"), True),
    "500": (lambda: make_service_error("InternalServerError", "x", status=500), True),
    "cancelled": (CANCELLED, True),
    "throttled": (lambda: make_service_error("ThrottlingException", "x"), False),
    "never connected": (lambda: ConnectTimeout("far"), False),
    "refused": (lambda: make_service_error("ResourceNotFoundException", "x"), False),
    "no access": (lambda: make_service_error("AccessDeniedException", "x"), False),
}


def failed(item: dict[str, Any] | None) -> Exception:
    body = {} if item is None else {"Item": item}
    return make_service_error("ConditionalCheckFailedException", "no", body=body)


@pytest.fixture(autouse=True)
def single(script, monkeypatch):
    """Let the connection try once."""
    monkeypatch.setattr(connections._connections["default"], "retries", Retries(attempts=1))


class Table:
    """Keeps one item, and carries out updates as DynamoDB does, by the package's own diffs."""

    def __init__(self, script: Any, item: dict[str, Any]) -> None:
        self.script, self.item = script, copy.deepcopy(item)

    def lose(self, end: Any, *, executed: bool = True) -> Any:
        """Return an answer: the update is carried out, if *executed*, and its answer is *end*."""

        def answer(operation: Any) -> Any:
            if executed:
                self.execute(operation)
            return end()

        return answer

    def execute(self, operation: Any) -> Any:
        from dynamodb_py.models.attribute_values.values import apply_actions

        after = apply_actions(self.item, operation.actions)
        self.item = json.loads(json.dumps(after))
        return {}

    def refuse(self, _: Any) -> Any:
        return failed(self.item)


@pytest.mark.parametrize(("end", "doubtful"), ENDS.values(), ids=ENDS)
@pytest.mark.parametrize(("model", "change"), GUARDED.values(), ids=GUARDED)
def test_saving_again_succeeds_only_where_an_answer_was_lost(
    script, do, model, change, end, doubtful
):
    end = CANCELLED[do.mode] if end is CANCELLED else end
    table, job = Table(script, ITEM), model.from_db(ITEM)
    change(job)
    script.answers = [table.lose(end), table.refuse]
    with pytest.raises(BaseException):  # noqa: B017, PT011 - one after the other
        do(job.save)
    assert job.is_changed
    if doubtful:
        if model in (Stamped, Versioned):
            script.answers.append({})  # the new time
        do(job.save)
        assert not job.is_changed
        assert not script.answers
    else:
        with pytest.raises(ConditionFailed):
            do(job.save)
        assert job.is_changed


@pytest.mark.parametrize(("model", "change"), GUARDED.values(), ids=GUARDED)
def test_an_equal_change_of_another_is_refused(script, do, model, change):
    table, (job, other) = Table(script, ITEM), (model.from_db(ITEM) for _ in range(2))
    change(job)
    change(other)
    script.answers = [table.execute, table.refuse]
    do(other.save)
    with pytest.raises(ConditionFailed):
        do(job.save)
    assert job.is_changed


@pytest.mark.parametrize(("model", "change"), GUARDED.values(), ids=GUARDED)
def test_what_changed_after_the_lost_answer_is_saved_too(script, do, model, change):
    table, job = Table(script, ITEM), model.from_db(ITEM)
    change(job)
    script.answers = [table.lose(ENDS["reset"][0]), table.refuse, table.execute]
    with pytest.raises(ConnectionFailed):
        do(job.save)
    job.items.append("further")
    do(job.save)
    assert not job.is_changed
    assert table.item["items"]["L"][-1] == {"S": "further"}


@pytest.mark.parametrize("forget", ["refresh", "revert", "save"])
def test_a_lost_answer_counts_until_it_is_known_what_is_stored(script, do, forget):
    table, job = Table(script, ITEM), Plain.from_db(ITEM)
    job.items.append("z")
    script.answers = [table.lose(ENDS["reset"][0], executed=False)]
    with pytest.raises(ConnectionFailed):
        do(job.save)
    if forget == "refresh":
        script.answers = [{"Item": ITEM}]
        do(job.refresh_from_db)
    elif forget == "revert":
        job.revert()
    else:
        script.answers = [{}]
        do(job.save)
    job.items.append("own")
    there = [*ITEM["items"]["L"], {"S": "z"}, {"S": "own"}]
    script.answers = [failed({**ITEM, "items": {"L": there}})]
    with pytest.raises(ConditionFailed):
        do(job.save)


def test_an_instance_with_a_lost_answer_can_be_pickled(script, do):
    table, job = Table(script, ITEM), Plain.from_db(ITEM)
    job.items.append("z")
    script.answers = [table.lose(ENDS["reset"][0]), table.refuse]
    with pytest.raises(ConnectionFailed):
        do(job.save)
    again = pickle.loads(pickle.dumps(job))
    do(again.save)
    assert not again.is_changed


def test_a_condition_of_the_caller_is_not_excused(script, do):
    table, job = Table(script, ITEM), Plain.from_db(ITEM)
    job.items.append("z")
    script.answers = [table.lose(ENDS["reset"][0]), table.refuse]
    with pytest.raises(ConnectionFailed):
        do(job.save)
    with pytest.raises(ConditionFailed):
        do(job.save, condition=F("title") == "t")


def test_a_save_that_was_never_sent_is_not_lost(script, do):
    table, job = Table(script, ITEM), Plain.from_db(ITEM)
    job.items.append("z")
    bad = Plain.from_db({**ITEM, "id": {"S": "2"}})
    bad.title = "much too long for it"
    with pytest.raises(ValidationError):
        do(Plain.objects.bulk_update, [job, bad], ["items", "title"])
    assert script.sent == []
    table.item["items"]["L"].append({"S": "z"})  # by another
    script.answers = [table.refuse]
    with pytest.raises(ConditionFailed):
        do(job.save)


def test_an_answer_that_cannot_be_read_is_a_lost_one(script, do):
    table, job = Table(script, ITEM), Plain.from_db(ITEM)
    job.items.append("z")
    script.answers = [lambda operation: (table.execute(operation), b"{")[1], table.refuse]
    do(job.save)
    assert not job.is_changed


@pytest.mark.parametrize("model", [Plain, Versioned])
def test_a_save_of_a_lost_transaction_is_found_by_the_next_one(script, do, model):
    table, job = Table(script, ITEM), model.from_db(ITEM)
    job.items.append("z")

    def lose(operation: Any) -> Any:
        table.execute(operation.writes[0])
        return ConnectionFailed("reset")

    script.answers = [lose, table.refuse]
    with pytest.raises(ConnectionFailed), transaction.atomic() as block:
        job.save()
    assert block.state == "unknown"
    if model is Versioned:
        script.answers.append({})
    do(job.save)
    assert not job.is_changed


@pytest.mark.parametrize(("end", "doubtful"), ENDS.values(), ids=ENDS)
def test_deleting_again_succeeds_only_where_an_answer_was_lost(script, do, end, doubtful):
    job, end = Versioned.from_db(ITEM), CANCELLED[do.mode] if end is CANCELLED else end
    script.answers = [lambda _: end(), failed(None)]
    with suppress(BaseException):
        do(job.delete)
    if doubtful:
        do(job.delete)
        assert not job.persisted
    else:
        with pytest.raises(StaleItem, match="deleted since"):
            do(job.delete)
