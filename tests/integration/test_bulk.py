"""Bulk writes: what became of each item, upserts, chunks that are transactions, and blocks."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone

import pytest

from dynamodb_py import (
    AlreadyExists,
    CharField,
    ConditionFailed,
    DateTimeField,
    DictField,
    F,
    IntegerField,
    ItemTooLarge,
    ListField,
    Model,
    QueryError,
    StaleItem,
    ValidationError,
    VersionField,
    capacity,
    delete_all,
    options,
    save_all,
)


class Score(Model):
    class Meta:
        table_name = "scores"

    player = CharField(name="p", hash_key=True)
    game = IntegerField(name="g", range_key=True)
    points = IntegerField(default=0, max_value=10**6)
    note = CharField()
    ids = ListField()
    doc = DictField()
    made = DateTimeField(auto_now_add=True)


class Page(Model):
    class Meta:
        table_name = "pages"

    name = CharField(hash_key=True)
    text = CharField(max_length=20)
    version = VersionField()


TABLES = [Score, Page]


def scores(key, count, **values):
    return [Score(player=key, game=n, points=n, **values) for n in range(count)]


def statuses(result):
    return [outcome.status for outcome in result.outcomes]


def points(do, key):
    rows = do.list(Score.objects.filter(player=key).consistent())
    return {row.game: row.points for row in rows}


# -- bulk_create -----------------------------------------------------------------------------------


def test_bulk_create_tells_what_became_of_each(engine, do, key):
    given = scores(key, 30)
    result = do(Score.objects.bulk_create, given)
    assert result == given
    assert statuses(result) == ["created"] * 30
    again = do(Score.objects.bulk_create, scores(key, 2), overwrite=True)
    assert statuses(again) == ["written"] * 2
    with pytest.raises(AlreadyExists) as raised:
        do(Score.objects.bulk_create, [given[0], Score(player=key, game=99)])
    done = raised.value.done
    assert statuses(done) == ["failed", "created"]
    assert isinstance(done.outcomes[0].error, Score.AlreadyExists)
    assert [each.game for each in done] == [99]
    assert raised.value.unprocessed == [given[0]]


def test_of_two_with_one_key_the_first_is_told_to_be_superseded(engine, do, key):
    given = [Score(player=key, game=n % 2, points=n) for n in range(3)]
    result = do(Score.objects.bulk_create, given, overwrite=True)
    assert statuses(result) == ["superseded", "written", "written"]
    assert result == [given[1], given[2]]
    assert points(do, key) == {0: 2, 1: 1}


def test_update_conflicts_updates_what_is_there_and_creates_the_rest(
    engine, do, put, stored, sent, key
):
    put(Score, {"p": {"S": key}, "g": {"N": "0"}, "more": {"S": "x"}, "note": {"S": "old"}})
    made = datetime(2020, 1, 1, tzinfo=timezone.utc)
    do(Score.create, player=key, game=1, points=-1, note="old", made=made)
    sent.clear()
    given = [Score(player=key, game=n, points=n + 10) for n in range(3)]
    result = do(Score.objects.bulk_create, given, update_conflicts=True)
    assert result == given
    assert statuses(result) == ["updated", "updated", "created"]
    assert sorted(sent.calls) == ["PutItem"] * 3 + ["UpdateItem"] * 2
    there = stored(given[0])
    assert there["more"] == {"S": "x"}, "undeclared attributes are left alone"
    assert there["note"] == {"S": "old"}, "a default is not data"
    assert there["points"] == {"N": "10"}
    assert do(Score.objects.get, key, 1).made == made, "it was not made now"
    assert given[1].made == made
    assert do(Score.objects.get, key, 2).made is not None
    assert not any(each.is_changed for each in given)


def test_update_conflicts_updates_just_the_fields_that_are_named(engine, do, stored, key):
    do(Score.create, player=key, game=0, points=1, note="kept")
    given = [Score(player=key, game=n, points=7, note="mine") for n in range(2)]
    result = do(
        Score.objects.bulk_create, given, update_conflicts=True, update_fields=["points"], workers=2
    )
    assert statuses(result) == ["updated", "created"]
    assert (given[0].note, given[1].note) == ("kept", "mine"), "it is as the item stands"
    assert stored(given[0])["note"] == {"S": "kept"}
    assert stored(given[0])["points"] == {"N": "7"}
    assert stored(given[1])["note"] == {"S": "mine"}


def test_ignore_conflicts_leaves_what_is_there_and_creates_the_rest(engine, do, stored, sent, key):
    do(Score.create, player=key, game=1, points=1, note="theirs")
    given = scores(key, 3, note="mine")
    sent.clear()
    result = do(Score.objects.bulk_create, given, ignore_conflicts=True, workers=2)
    assert result == [given[0], given[2]]
    assert statuses(result) == ["created", "ignored", "created"]
    assert result.left == []
    assert sent.calls == ["PutItem"] * 3
    assert stored(given[1])["note"] == {"S": "theirs"}
    assert [each.persisted for each in given] == [True, False, True]
    assert result.outcomes[1].error.current.note == "theirs"
    with pytest.raises(ValidationError, match="two of the items"):
        do(Score.objects.bulk_create, [given[0], given[0]], ignore_conflicts=True)


def test_ignore_conflicts_hides_no_other_error(engine, do, key):
    given = scores(key, 2)
    do(given[0].save)
    given[1].note = "x" * 500_000
    with pytest.raises(ItemTooLarge):
        do(Score.objects.bulk_create, given, ignore_conflicts=True)


def test_options_that_contradict_each_other_are_refused(engine, do, sent, key):
    given = scores(key, 1)
    for how, said in [
        ({"update_conflicts": True, "overwrite": True}, "give one of them"),
        ({"ignore_conflicts": True, "overwrite": True}, "give one of them"),
        ({"ignore_conflicts": True, "update_conflicts": True}, "give one of them"),
        ({"update_fields": ["points"]}, "update_conflicts=True"),
        ({"update_conflicts": True, "update_fields": ["game"]}, "part of the key"),
        ({"update_conflicts": True, "update_fields": "points"}, "give a list"),
        ({"update_conflicts": True, "update_fields": []}, "names no field"),
    ]:
        with pytest.raises(QueryError, match=said):
            do(Score.objects.bulk_create, given, **how)
    with pytest.raises(ValidationError, match="two of the items"):
        do(Score.objects.bulk_create, [given[0], given[0]], update_conflicts=True)
    with pytest.raises(TypeError, match="no field"):
        do(Score.objects.bulk_update, given, ["nothing"])
    assert sent == []


# -- bulk_update -----------------------------------------------------------------------------------


def test_bulk_update_writes_the_named_fields_of_what_changed(engine, do, sent, stored, key):
    new = scores(key, 4, note="a")
    for each in new:
        each.doc = {"a": 1, "b": 1}
    given = do(Score.objects.bulk_create, new)
    sent.clear()
    other = do(Score.objects.get, key, 2)
    do(other.update, F("doc__b").add(5))
    given[0].points = given[1].points = 50
    given[1].note = "not yet"
    given[2].doc["a"] = 2
    sent.clear()
    result = do(Score.objects.bulk_update, given, ["points", "doc"], workers=2)
    assert result == given
    assert statuses(result) == ["updated", "updated", "updated", "unchanged"]
    assert sent.calls == ["UpdateItem"] * 3
    assert stored(given[1])["points"] == {"N": "50"}
    assert stored(given[1])["note"] == {"S": "a"}
    assert given[1].is_changed
    assert stored(given[2])["doc"] == {"M": {"a": {"N": "2"}, "b": {"N": "6"}}}
    assert not given[0].is_changed


def test_bulk_update_of_what_was_never_loaded_sets_the_fields_by_key(engine, do, sent, stored, key):
    do(Score.objects.bulk_create, scores(key, 2, note="a"))
    sent.clear()
    given = [Score(player=key, game=0, points=5), {"player": key, "game": 1, "note": None}]
    result = do(Score.objects.bulk_update, given, ["points", "note"])
    assert statuses(result) == ["updated"] * 2
    assert stored(given[0])["points"] == {"N": "5"}
    assert stored(given[0])["note"] == {"S": "a"}, "what was not given is left alone"
    assert stored(result[1])["points"] == {"N": "1"}
    assert "note" not in stored(result[1]), "a None that was given removes"
    assert "GetItem" not in sent.calls


def test_bulk_update_makes_no_items_and_tries_all(engine, do, stored, key):
    loaded = do(Score.objects.bulk_create, scores(key, 3))
    do(Score.objects.delete, key, 1)
    given = [*loaded, Score(player=key, game=9)]
    for each in given:
        each.points = 70
    with pytest.raises(Score.DoesNotExist) as raised:
        do(Score.objects.bulk_update, given, ["points"])
    assert raised.value.missing == [given[1], given[3]]
    assert statuses(raised.value.done) == ["updated", "failed", "updated", "failed"]
    assert points(do, key) == {0: 70, 2: 70}


def test_what_cannot_be_stored_keeps_all_updates_from_being_sent(engine, do, sent, key):
    given = do(Score.objects.bulk_create, scores(key, 3))
    sent.clear()
    given[0].points = 1
    given[2].points = 10**7
    with pytest.raises(ValidationError, match="greater than max_value"):
        do(Score.objects.bulk_update, given, ["points"])
    new = [Score(player=key, game=0, points=10**7)]
    with pytest.raises(ValidationError, match="greater than max_value"):
        do(Score.objects.bulk_update, new, ["points"])
    with pytest.raises(ValidationError, match="two of the items"):
        do(Score.objects.bulk_update, [given[0], given[0]], ["points"])
    assert sent == []
    do(Score.objects.bulk_update, [*new, given[2]], ["points"], validate=False)
    assert points(do, key) == {0: 10**7, 1: 1, 2: 10**7}


# -- deletes ---------------------------------------------------------------------------------------


def test_bulk_delete_tells_what_became_of_each(engine, do, key):
    given = do(Score.objects.bulk_create, scores(key, 2))
    keys = [given[0], (key, 1), {"player": key, "game": 7}]
    result = do(Score.objects.bulk_delete, keys)
    assert result == keys
    assert statuses(result) == ["deleted"] * 3
    assert result.outcomes[0].instance is given[0]
    with capacity() as used:
        twice = do(Score.objects.bulk_delete, [(key, 1), (key, 1)])
    assert statuses(twice) == ["superseded", "deleted"]
    assert used.requests == 1


def test_of_two_instances_of_an_item_that_is_deleted_both_know_it(engine, do, key):
    do(Score.create, player=key, game=1)
    first, second = (do(Score.get, key, 1) for _ in range(2))
    result = do(Score.objects.bulk_delete, [first, second])
    assert statuses(result) == ["superseded", "deleted"]
    assert (first.persisted, second.persisted) == (False, False)


def test_of_an_instance_that_is_put_and_deleted_in_one_call_nothing_is_stored(engine, do, key):
    page = do(Score.create, player=key, game=1)
    result = do(Score.batch_write, [page], delete=[(key, 1)], overwrite=True)
    assert statuses(result) == ["superseded", "deleted"]
    assert not page.persisted


def test_of_two_instances_deleted_in_a_block_both_know_it(engine, do, key):
    do(Score.create, player=key, game=1)
    copies = [do(Score.get, key, 1) for _ in range(3)]

    def write():
        with Score.objects.batch_write(overwrite=True) as batch:
            for copy in copies:
                batch.delete(copy)

    async def awrite():
        async with Score.objects.abatch_write(overwrite=True) as batch:
            for copy in copies:
                batch.delete(copy)

    write() if do.mode == "sync" else do.run(awrite())
    assert [copy.persisted for copy in copies] == [False] * 3


def test_what_a_block_has_not_tried_to_delete_is_told_to_be_so(engine, do, key):
    do(Score.objects.bulk_create, scores(key, 2))

    def write():
        with Score.objects.batch_write() as batch:
            batch.put(Score(player=key, game=0))
            batch.delete((key, 1))

    async def awrite():
        async with Score.objects.abatch_write() as batch:
            batch.put(Score(player=key, game=0))
            batch.delete((key, 1))

    with pytest.raises(AlreadyExists) as raised:
        write() if do.mode == "sync" else do.run(awrite())
    assert statuses(raised.value.done) == ["failed", "not tried"]
    assert points(do, key).keys() == {0, 1}


def test_nothing_is_deleted_where_something_could_not_be_written(engine, do, key):
    do(Score.objects.bulk_create, scores(key, 3))
    moved = [Score(player=key, game=0), Score(player=key, game=9)]
    with pytest.raises(AlreadyExists) as raised:
        do(Score.batch_write, moved, delete=[(key, 1), (key, 2)])
    assert statuses(raised.value.done) == ["failed", "created", "not tried", "not tried"]
    assert raised.value.unprocessed == [moved[0], (key, 1), (key, 2)]
    assert points(do, key).keys() == {0, 1, 2, 9}


# -- versions --------------------------------------------------------------------------------------


def test_versions_are_kept_by_bulk_writes(engine, do, sent, stored, key):
    pages = [Page(name=f"{key}{n}", text="a") for n in range(3)]
    result = do(Page.objects.bulk_create, pages)
    assert statuses(result) == ["created"] * 3
    assert "BatchWriteItem" not in sent.calls
    stale = [do(Page.objects.get, page.name) for page in pages]
    pages[0].text = "b"
    assert statuses(do(Page.objects.bulk_update, pages, ["text"]))[0] == "updated"
    assert pages[0].version == 2
    stale[0].text = "c"
    with pytest.raises(StaleItem) as raised:
        do(Page.objects.bulk_update, stale, ["text"])
    assert statuses(raised.value.done) == ["failed", "unchanged", "unchanged"]
    assert raised.value.done.outcomes[0].error.current.text == "b"
    with pytest.raises(ConditionFailed) as raised:
        do(Page.objects.bulk_delete, stale)
    assert statuses(raised.value.done) == ["failed", "deleted", "deleted"]
    unread = do(Page.objects.bulk_update, [Page(name=pages[0].name, text="d")], ["text"])
    assert statuses(unread) == ["updated"]
    assert stored(pages[0])["version"] == {"N": "3"}
    upserts = [Page(name=pages[n].name, text="e") for n in range(2)]
    result = do(Page.objects.bulk_create, upserts, update_conflicts=True)
    assert statuses(result) == ["updated", "created"]
    assert stored(pages[0])["version"] == {"N": "4"}
    assert upserts[0].version == 4


def test_blocks_at_the_class_keep_versions(engine, do, key, stored):
    def write(overwrite):
        with Page.batch_write(overwrite=overwrite) as batch:
            batch.put({"name": key, "text": "a"})
            batch.delete(f"{key}2")
        return batch

    async def awrite(overwrite):
        async with Page.abatch_write(overwrite=overwrite) as batch:
            await batch.put({"name": key, "text": "a"})
            await batch.delete(f"{key}2")
        return batch

    for version, overwrite in enumerate([False, True], start=1):
        batch = write(overwrite) if do.mode == "sync" else do.run(awrite(overwrite))
        assert statuses(batch.result) == ["written" if overwrite else "created", "deleted"]
        assert stored(batch.result[0])["version"] == {"N": f"{version}"}
    assert do(Page.batch_write, delete=[key]) == []
    assert do(Page.batch_write, [{"name": key}])[0].version == 1


def test_an_upsert_of_what_has_a_version_may_be_atomic(engine, do, key, stored):
    page = do(Page.objects.create, name=key, text="a")
    with options(atomic=True):
        result = do(Page.objects.bulk_create, [Page(name=key, text="b")], update_conflicts=True)
    assert statuses(result) == ["updated"]
    assert stored(page)["version"] == {"N": "2"}


def test_save_all_and_delete_all_keep_versions(engine, do, stored, key):
    if do.mode == "async":
        from dynamodb_py import adelete_all, asave_all

        def save(*args):
            return do.run(asave_all(*args))

        def delete(*args):
            return do.run(adelete_all(*args))
    else:
        save, delete = save_all, delete_all
    pages = [Page(name=f"{key}{n}") for n in range(3)]
    both = [*pages, Score(player=key, game=1)]
    save(both)
    assert [page.version for page in pages] == [1] * 3
    stale = do(Page.objects.get, pages[1].name)
    for page in pages:
        page.text = "x"
    save(both)
    stale.text = "mine"
    other = Page(name=f"{key}9")
    with pytest.raises(ConditionFailed) as raised:
        save([stale, other])
    assert raised.value.unprocessed == [stale]
    assert other.persisted
    delete([*pages, other, both[3]])
    assert not any(each.persisted for each in both)
    assert stored(pages[0]) is None


def test_an_instance_that_is_given_twice_is_saved_and_deleted_once(engine, do, sent, key):
    page = do(Page.create, name=key)
    page.text = "new"
    sent.clear()
    do(save_all, [page, page])
    assert (page.version, len(sent)) == (2, 1)
    sent.clear()
    do(delete_all, [page, page])
    assert (page.persisted, len(sent)) == (False, 1)


def test_two_instances_of_an_item_with_a_version_are_deleted_once(engine, do, stored, key):
    do(Page.create, name=key)
    copies = [do(Page.get, key) for _ in range(3)]
    do(delete_all, copies)
    assert [copy.persisted for copy in copies] == [False] * 3
    assert stored(Page(key)) is None


def test_an_atomic_bulk_delete_leaves_what_others_changed(engine, do, stored, key):
    given = do(Score.objects.bulk_create, scores(key, 3))
    other = do(Score.objects.get, key, 1)
    do(other.update, note="mine")
    with options(atomic=True), pytest.raises(ConditionFailed) as raised:
        do(Score.objects.bulk_delete, given)
    assert statuses(raised.value.done) == ["deleted", "failed", "deleted"]
    assert points(do, key) == {1: 1}
    assert statuses(do(Score.objects.bulk_delete, given)) == ["deleted"] * 3


# -- blocks ----------------------------------------------------------------------------------------


def test_a_block_sends_as_requests_fill_and_the_rest_at_the_end(engine, do, sent, key):
    given = scores(key, 60)
    counts = []

    def write():
        with Score.objects.batch_write(overwrite=True) as batch:
            for each in given:
                batch.put(each)
                counts.append(len(sent))
            batch.delete((key, 99))
        return batch

    async def awrite():
        async with Score.objects.abatch_write(overwrite=True) as batch:
            for each in given:
                await batch.put(each)
                counts.append(len(sent))
            await batch.delete((key, 99))
        return batch

    batch = write() if do.mode == "sync" else do.run(awrite())
    assert counts == [0] * 24 + [1] * 25 + [2] * 11
    assert sent.calls == ["BatchWriteItem"] * 3
    assert batch.result == given
    assert statuses(batch.result) == ["written"] * 60 + ["deleted"]
    assert points(do, key) == {n: n for n in range(60)}
    with pytest.raises(QueryError, match="this block is over"):
        batch.put(given[0])
    with pytest.raises(QueryError, match="this block is over"):
        batch.delete((key, 1))


def test_a_block_that_raises_writes_nothing_of_what_was_pending(engine, do, sent, key):
    given = scores(key, 30)
    kept = []

    def write():
        with Score.objects.batch_write(overwrite=True) as batch:
            kept.append(batch)
            for each in given:
                batch.save(each)
            raise LookupError

    async def awrite():
        async with Score.objects.abatch_write(overwrite=True) as batch:
            kept.append(batch)
            for each in given:
                await batch.save(each)
            raise LookupError

    with pytest.raises(LookupError):
        write() if do.mode == "sync" else do.run(awrite())
    assert sent.calls == ["BatchWriteItem"]
    assert statuses(kept[0].result) == ["written"] * 25 + ["not tried"] * 5
    assert points(do, key) == {n: n for n in range(25)}


def test_a_block_does_not_replace_items_unless_that_is_asked_for(engine, key, do):
    do(Score.create, player=key, game=1, points=-1)

    def write():
        with Score.objects.batch_write(workers=2) as batch:
            for n in range(3):
                batch.put({"player": key, "game": n})
            with pytest.raises(ValidationError, match="two of the items"):
                batch.put({"player": key, "game": 0})
            with pytest.raises(ValidationError, match="greater than"):
                batch.put({"player": key, "game": 7, "points": 10**7})

    async def awrite():
        async with Score.objects.abatch_write(workers=2) as batch:
            for n in range(3):
                await batch.put({"player": key, "game": n})
            with pytest.raises(ValidationError, match="two of the items"):
                batch.put({"player": key, "game": 0})
            with pytest.raises(ValidationError, match="greater than"):
                await batch.put({"player": key, "game": 7, "points": 10**7})

    with pytest.raises(Score.AlreadyExists) as raised:
        write() if do.mode == "sync" else do.run(awrite())
    assert statuses(raised.value.done) == ["created", "failed", "created"]
    assert points(do, key) == {0: 0, 1: -1, 2: 0}


def test_of_two_in_a_block_the_later_wins_where_overwriting_is_allowed(engine, sent, do, key):
    def write():
        with Score.objects.batch_write(overwrite=True) as batch:
            batch.put(Score(player=key, game=1, points=1))
            batch.put(Score(player=key, game=2, points=1))
            batch.put(Score(player=key, game=1, points=2))
            batch.delete((key, 2))
        return batch

    async def awrite():
        async with Score.objects.abatch_write(overwrite=True) as batch:
            batch.put(Score(player=key, game=1, points=1))  # it waits, and is not lost
            batch.put(Score(player=key, game=2, points=1))
            batch.put(Score(player=key, game=1, points=2))
            batch.delete((key, 2))
        return batch

    batch = write() if do.mode == "sync" else do.run(awrite())
    assert statuses(batch.result) == ["superseded", "superseded", "written", "deleted"]
    assert [len(each.writes) for each in sent] == [2]
    assert points(do, key) == {1: 2}


def test_a_block_takes_what_many_tasks_give_it_at_once(engine, key, do):
    async def awrite():
        async with Score.objects.abatch_write(overwrite=True, workers=2) as batch:
            await asyncio.gather(*(batch.put(each) for each in scores(key, 170)))
        return batch

    if do.mode == "async":
        assert len(do.run(awrite()).result) == 170
        assert len(points(do, key)) == 170


def test_a_block_is_entered_once(engine, do, sent, key):
    block = Score.objects.batch_write()
    with pytest.raises(QueryError, match="not begun"):
        block.put(Score(player=key, game=1))
    with block, pytest.raises(QueryError, match="is open"):
        block.__enter__()
    with pytest.raises(QueryError, match="is over"), block:
        pass
    with pytest.raises(QueryError, match="workers=0"):
        Score.objects.batch_write(workers=0)
    assert sent == []


# -- update_or_create ------------------------------------------------------------------------------


def test_update_or_create_updates_in_one_request_and_creates_in_two(engine, do, sent, stored, key):
    item, created = do(Score.objects.update_or_create, defaults={"points": 5}, player=key, game=1)
    assert (item.points, created) == (5, True)
    assert sent.calls == ["UpdateItem", "PutItem"]
    do(item.update, note="kept")
    sent.clear()
    item, created = do(
        Score.objects.update_or_create,
        defaults={"points": F("points") + 1, "ids": lambda: [1]},
        create_defaults={"points": 100},
        player=key,
        game=1,
    )
    assert sent.calls == ["UpdateItem"]
    assert (item.points, item.ids, item.note, created) == (6, [1], "kept", False)
    assert not item.is_changed
    item, created = do(
        Score.objects.update_or_create,
        defaults={"points": F("points") + 1},
        create_defaults={"points": lambda: 100},
        player=key,
        game=2,
    )
    assert (item.points, created) == (100, True)
    assert stored(item)["points"] == {"N": "100"}


def test_update_or_create_refuses_what_it_cannot_write_before_anything_is_sent(
    engine, do, sent, key
):
    for given, error, said in [
        ({"defaults": {"points": F("points") + 1}}, QueryError, "create_defaults"),
        ({"defaults": {"points": 10**7}}, ValidationError, "greater than"),
        (
            {"defaults": {"points": 1}, "create_defaults": {"points": 10**7}},
            ValidationError,
            "greater than",
        ),
        ({"defaults": {"game": 3}}, ValidationError, "part of the key"),
        ({"defaults": {"nothing": 3}}, TypeError, "no field"),
    ]:
        with pytest.raises(error, match=said):
            do(Score.objects.update_or_create, player=key, game=1, **given)
    with pytest.raises(TypeError, match="the key of Score"):
        do(Score.objects.update_or_create, defaults={"points": 1}, player=key)
    assert sent == []


def test_update_or_create_without_defaults_gets_or_creates(engine, do, sent, key):
    item, created = do(Score.objects.update_or_create, player=key, game=1)
    assert created
    sent.clear()
    item, created = do(Score.objects.update_or_create, player=key, game=1)
    assert (item.player, created) == (key, False)
    assert sent.calls == ["GetItem"]
    item, created = do(
        Score.objects.update_or_create, create_defaults={"points": 9}, player=key, game=2
    )
    assert (item.points, created) == (9, True)


def test_update_or_create_raises_the_version(engine, do, stored, key):
    for version in (1, 2, 3):
        page, created = do(Page.objects.update_or_create, defaults={"text": f"{version}"}, name=key)
        assert (page.version, page.text, created) == (version, f"{version}", version == 1)


def test_of_many_that_update_or_create_one_creates(engine, do, key):
    async def race():
        return await asyncio.gather(
            *(
                Score.objects.aupdate_or_create(
                    defaults={"points": F("points") + 1},
                    create_defaults={"points": 1},
                    player=key,
                    game=1,
                )
                for _ in range(20)
            )
        )

    if do.mode == "async" and engine.name != "moto":
        assert sum(created for _, created in do.run(race())) == 1
        assert points(do, key) == {1: 20}


# -- modify ----------------------------------------------------------------------------------------


def test_modify_changes_one_item_and_returns_it(engine, do, sent, key):
    do(Score.create, player=key, game=1, points=3, note="a")
    sent.clear()
    asked = Score.objects.filter(player=key, game=1)
    after = do(asked.modify, points=F("points") + 1)
    assert (type(after), after.points, after.note) == (Score, 4, "a")
    assert not after.is_changed
    before = do(asked.modify, F("points").add(1), old=True, note=None)
    assert (before.points, before.note) == (4, "a")
    assert sent.calls == ["UpdateItem"] * 2
    assert do(Score.objects.get, key, 1).points == 5


def test_modify_of_what_is_not_there_gives_none_unless_it_makes_it(engine, do, key):
    asked = Score.objects.filter(player=key, game=1)
    assert do(asked.modify, points=1) is None
    assert do(asked.modify, points=1, condition=Score.points > 0) is None
    assert points(do, key) == {}
    assert do(asked.modify, F("points").add(2), upsert=True).points == 2
    assert points(do, key) == {1: 2}


@pytest.mark.known_fault("dynoxide", "gives the key as the old item where there was none")
def test_the_old_item_of_one_that_modify_made_is_none(engine, do, key):
    asked = Score.objects.filter(player=key, game=2)
    assert do(asked.modify, points=1, upsert=True, old=True) is None
    assert points(do, key) == {2: 1}


def test_modify_asks_its_condition(engine, do, key):
    do(Score.create, player=key, game=1, points=3)
    asked = Score.objects.filter(player=key, game=1)
    with pytest.raises(ConditionFailed) as raised:
        do(asked.modify, points=9, condition=Score.points > 5)
    assert (type(raised.value.current), raised.value.current.points) == (Score, 3)
    assert do(asked.filter(points__gt=5).modify, points=9) is None
    assert do(asked.filter(points__lt=5).modify, points=9).points == 9


def test_modify_is_of_one_item(engine, do, sent, key):
    for asked in (Score.objects.filter(player=key), Score.objects.all(), Score.objects):
        with pytest.raises(QueryError):
            do(asked.modify, points=1)
    asked = Score.objects.filter(player=key, game=1, points__gt=1)
    with pytest.raises(QueryError, match="key alone"):
        do(asked.modify, points=1, upsert=True)
    with pytest.raises(QueryError, match="nothing to change"):
        do(Score.objects.filter(player=key, game=1).modify)
    assert sent == []


def test_modify_makes_the_parents_on_the_way(engine, do, key):
    do(Score.create, player=key, game=1, doc={})
    asked = Score.objects.filter(player=key, game=1)
    after = do(asked.modify, F("doc__a__b").add(1), create_parents=True)
    assert after.doc == {"a": {"b": 1}}


# -- unique values ---------------------------------------------------------------------------------


class User(Model):
    class Meta:
        table_name = "users"

    name = CharField(hash_key=True)
    email = CharField(unique=True)
    points = IntegerField(default=0)


TABLES.append(User)


def users(key, count):
    return [User(name=f"{key}{n}", email=f"{key}{n}@example.org") for n in range(count)]


def test_unique_values_are_kept_by_bulk_writes(engine, do, sent, key):
    given = users(key, 3)
    assert statuses(do(User.objects.bulk_create, given)) == ["created"] * 3
    assert "BatchWriteItem" not in sent.calls
    other = User(name=f"{key}9", email=given[0].email)
    for n, how in enumerate(({}, {"overwrite": True}, {"update_conflicts": True})):
        fresh = User(name=f"{key}fresh{n}", email=f"{key}fresh{n}@example.org")
        with pytest.raises(User.AlreadyExists) as raised:
            do(User.objects.bulk_create, [other, fresh], **how)
        assert list(raised.value.fields) == ["email"]
        assert statuses(raised.value.done)[0] == "failed"
        assert fresh.persisted
    given[1].email = given[2].email
    given[2].points = 3
    with pytest.raises(User.AlreadyExists) as raised:
        do(User.objects.bulk_update, given, ["email", "points"])
    assert statuses(raised.value.done) == ["unchanged", "failed", "updated"]


def test_unique_values_are_given_back_by_bulk_deletes(engine, do, key):
    given = do(User.objects.bulk_create, users(key, 4))
    do(User.objects.bulk_delete, [given[0], given[1].name, {"name": given[2].name}])
    done = do(User.objects.filter(name=given[3].name).delete)
    assert (done.matched, done.changed) == (1, 1)
    again = [User(name=f"{key}new{n}", email=each.email) for n, each in enumerate(given)]
    assert statuses(do(User.objects.bulk_create, again)) == ["created"] * 4


def test_unique_values_are_kept_by_upserts(engine, do, stored, key):
    [ann, eve] = do(User.objects.bulk_create, users(key, 2))
    item, created = do(
        User.objects.update_or_create, defaults={"email": f"{key}@new", "points": 2}, name=ann.name
    )
    assert (item.email, item.points, created) == (f"{key}@new", 2, False)
    with pytest.raises(User.AlreadyExists):
        do(User.objects.update_or_create, defaults={"email": eve.email}, name=ann.name)
    both = [User(name=ann.name, email=ann.email), User(name=f"{key}z", email=f"{key}z")]
    result = do(User.objects.bulk_create, both, update_conflicts=True)
    assert statuses(result) == ["updated", "created"]
    assert stored(ann)["email"] == {"S": ann.email}
    item, created = do(User.objects.update_or_create, defaults={"email": f"{key}@new"}, name=key)
    assert created
