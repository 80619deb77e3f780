"""Two writers of one item: both are told the truth, and what both add is kept."""

from __future__ import annotations

from typing import Any

import pytest

from dynamodb_py import (
    AlreadyExists,
    CharField,
    ConditionFailed,
    ConnectionFailed,
    DictField,
    Document,
    EmbeddedField,
    ListField,
    Model,
    SetField,
    StaleItem,
    TransactionCanceled,
    VersionField,
    transaction,
)

from .proxy import close


class Box(Document):
    tags = SetField(int)
    items = ListField()


class Job(Model):
    class Meta:
        table_name = "jobs"

    id = CharField(hash_key=True)
    title = CharField()
    tags = SetField()
    numbers = SetField(int)
    raws = SetField(bytes)
    items = ListField(default=list)
    free = DictField(default=dict)
    box = EmbeddedField(Box)
    boxes = ListField(Box)


class Versioned(Job):
    class Meta:
        table_name = "versioned_jobs"

    version = VersionField()


class Atomic(Job):
    class Meta:
        table_name = "atomic_jobs"
        atomic = True


TABLES = [Job, Versioned, Atomic]


def make(model: Any, key: str) -> Any:
    return model(
        id=key,
        title="t",
        tags={"a", "b"},
        numbers={1, 2},
        raws={b"\x00", b"\xff"},
        items=["x", "y", "z"],
        free={"list": [1, 2], "set": {1, 2}},
        box=Box(tags={1, 2}, items=[1, 2]),
        boxes=[Box(tags={1}, items=[1])],
    )


def save(do: Any, item: Any) -> None:
    do(item.save)


def save_by_bulk_update(do: Any, item: Any) -> None:
    names = [name for name in Job._fieldset.by_name if name != "id"]
    do(type(item).objects.bulk_update, [item], names)


def save_in_transaction(do: Any, item: Any) -> None:
    if do.mode == "async":

        async def commit() -> None:
            async with transaction.atomic():
                await item.asave()

        do.run(commit())
        return
    with transaction.atomic():
        item.save()


WAYS = [save, save_by_bulk_update, save_in_transaction]
REFUSED = (ConditionFailed, TransactionCanceled)

# Changes that only one of two writers may make, though both make the same one.
CONTESTED: dict[str, Any] = {
    "take the first": lambda job: job.items.pop(0),
    "take the last": lambda job: job.items.pop(),
    "append": lambda job: job.items.append("w"),
    "take all": lambda job: job.items.clear(),
    "replace an element": lambda job: job.items.__setitem__(1, "w"),
    "assign a list": lambda job: setattr(job, "items", ["w"]),
    "in a map": lambda job: job.free["list"].append(3),
    "in a document": lambda job: job.box.items.pop(),
    "in a list of documents": lambda job: job.boxes[0].items.append(2),
    "take a document": lambda job: job.boxes.pop(),
    "a set in a map": lambda job: job.free["set"].discard(1),
    "a set in a document": lambda job: job.box.tags.add(3),
    "empty a set in a document": lambda job: job.box.tags.clear(),
    "assign a set": lambda job: setattr(job, "tags", {"c"}),
    "assign an empty set": lambda job: setattr(job, "tags", set()),
    "add and remove": lambda job: (job.tags.add("c"), job.tags.discard("a")),
}


@pytest.mark.parametrize("write", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_of_two_who_make_the_same_change_one_is_refused(engine, do, key, model, write, subtests):
    for name, change in CONTESTED.items():
        with subtests.test(name):
            own = f"{key}{name}"
            do(make(model, own).save)
            one, two = (do(model.get, own, consistent=True) for _ in range(2))
            change(one)
            change(two)
            write(do, one)
            with pytest.raises(REFUSED):
                write(do, two)
            assert two.is_changed
            assert do(model.get, own, consistent=True).to_dict() == one.to_dict()


def test_of_two_who_begin_a_list_or_assign_a_set_one_is_refused(engine, do, key, subtests):
    for name, value in {"items": ["w"], "tags": {"w"}, "numbers": {1}}.items():
        with subtests.test(name):
            own = f"{key}{name}"
            do(Job(id=own, items=None).save)
            one, two = (do(Job.get, own, consistent=True) for _ in range(2))
            for each in (one, two):
                setattr(each, name, value.copy())
            do(one.save)
            with pytest.raises(ConditionFailed, match="another writer changed it"):
                do(two.save)


# What two writers do to a set in place, and what is left of it.
SHARED: dict[str, tuple[str, Any, Any, Any]] = {
    "both add": ("tags", lambda s: s.add("c"), lambda s: s.add("d"), {"a", "b", "c", "d"}),
    "both add the same": ("tags", lambda s: s.add("c"), lambda s: s.add("c"), {"a", "b", "c"}),
    "both remove": ("tags", lambda s: s.discard("a"), lambda s: s.discard("b"), set()),
    "add and remove": ("tags", lambda s: s.add("c"), lambda s: s.discard("a"), {"b", "c"}),
    "add and clear": ("tags", lambda s: s.add("c"), lambda s: s.clear(), {"c"}),
    "numbers": ("numbers", lambda s: s.add(3), lambda s: s.discard(1), {2, 3}),
    "bytes": ("raws", lambda s: s.add(b"\x01"), lambda s: s.discard(b"\xff"), {b"\x00", b"\x01"}),
    "operators": (
        "tags",
        lambda s: s.update("cd"),
        lambda s: s.difference_update("ab"),
        {"c", "d"},
    ),
}


@pytest.mark.parametrize("write", WAYS, ids=lambda way: way.__name__)
def test_of_two_who_edit_a_set_in_place_nothing_is_lost(engine, do, key, write, subtests):
    for label, (name, first, second, left) in SHARED.items():
        with subtests.test(label):
            own = f"{key}{label}"
            do(make(Job, own).save)
            one, two = (do(Job.get, own, consistent=True) for _ in range(2))
            first(getattr(one, name))
            second(getattr(two, name))
            write(do, one)
            write(do, two)
            assert getattr(do(Job.get, own, consistent=True), name) == left
            assert (one.is_changed, two.is_changed) == (False, False)


def test_of_two_who_begin_a_set_in_place_nothing_is_lost(engine, do, key):
    do(Job(id=key).save)
    one, two = (do(Job.get, key, consistent=True) for _ in range(2))
    one.tags.add("a")
    two.tags |= {"b"}
    do(one.save)
    do(two.save)
    assert do(Job.get, key, consistent=True).tags == {"a", "b"}
    two.tags.add("c")  # a set that was saved is edited in place, too
    one.tags.discard("a")
    do(two.save)
    do(one.save)
    assert do(Job.get, key, consistent=True).tags == {"b", "c"}


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_of_two_who_create_equal_items_one_is_told_that_it_is_there(engine, do, key, model):
    values = {"id": key, "tags": {"a"}, "items": [1]}
    do(model.create, **values)
    with pytest.raises(AlreadyExists):
        do(model.create, **values)
    with pytest.raises(AlreadyExists):
        do(model(**values).save, force_insert=True)
    with pytest.raises(AlreadyExists):
        do(model.objects.bulk_create, [values])


def test_of_two_who_delete_a_versioned_item_one_is_refused(engine, do, key):
    do(make(Versioned, key).save)
    one, two = (do(Versioned.get, key, consistent=True) for _ in range(2))
    do(one.delete)
    with pytest.raises(StaleItem):
        do(two.delete)


# -- lost answers --------------------------------------------------------------------------------


@pytest.mark.engines("dynoxide", "extenddb")
@pytest.mark.parametrize("write", [save, save_by_bulk_update], ids=lambda way: way.__name__)
@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_saving_again_after_a_lost_answer_succeeds(
    engine, do, faulty, proxy, key, model, write, subtests
):
    for name, change in CONTESTED.items():
        with subtests.test(name):
            own = f"{key}{name}"
            do(make(model, own).save)
            job = do(model.get, own, consistent=True)
            change(job)
            proxy.script(*[proxy.taken(close)] * 3)
            with pytest.raises((ConnectionFailed, ConditionFailed)):
                write(do, job)
            assert job.is_changed
            job.title = "further"  # what else has changed since is saved, too
            write(do, job)
            assert not job.is_changed
            there = do(model.get, own, consistent=True)
            assert (there.to_dict(), there.title) == (job.to_dict(), "further")


@pytest.mark.engines("dynoxide", "extenddb")
def test_deleting_again_after_a_lost_answer_succeeds(engine, do, faulty, proxy, key):
    do(make(Versioned, key).save)
    job = do(Versioned.get, key, consistent=True)
    proxy.script(proxy.taken(close), close, close)
    with pytest.raises(ConnectionFailed):
        do(job.delete)
    do(job.delete)
    assert not job.persisted
