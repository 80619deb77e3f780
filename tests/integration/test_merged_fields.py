"""Fields that a function makes of others, on engines: every way to write, read and ask."""

from __future__ import annotations

import time

import pytest

from dynamodb_py import (
    AlreadyExists,
    CharField,
    CompositeField,
    ConditionFailed,
    F,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    Model,
    ValidationError,
    VersionField,
    save_all,
    transaction,
)


class Post(Model):
    class Meta:
        table_name = "merged-posts"

    id = CharField(hash_key=True)
    board = CharField(required=True)
    likes = IntegerField(default=0)
    made = IntegerField(default=0)
    note = CharField()
    score = CompositeField("likes", "made", of=int, merge=lambda likes, made: likes * 100 + made)

    by_score = GlobalIndex(hash_key="board", range_key="score")


class Edge(Model):
    """Whose key is the same for both orders of its parts."""

    class Meta:
        table_name = "merged-edges"

    key = CompositeField(
        "one", "two", merge=lambda one, two: "-".join(sorted([one, two])), hash_key=True
    )
    one = CharField()
    two = CharField()
    weight = IntegerField(default=1)
    version = VersionField()


class Note(Model):
    class Meta:
        table_name = "merged-notes"

    id = CharField(hash_key=True)
    edge = ForeignKey(Edge)


TABLES = [Post, Edge, Note]
pytestmark = pytest.mark.usefixtures("engine")


def score(stored, post):
    return stored(post).get("score", {}).get("N")


WAYS = {
    "create": lambda do, k: do(Post.objects.create, id=k, board=k, likes=2, made=3),
    "save": lambda do, k: do(Post(id=k, board=k, likes=2, made=3).save),
    "save_all": lambda do, k: do(save_all, [Post(id=k, board=k, likes=2, made=3)]),
    "batch_write": lambda do, k: do(Post.objects.batch_write, [Post(id=k, board=k, likes=2, made=3)], overwrite=True),
    "bulk_create": lambda do, k: do(Post.objects.bulk_create, [Post(id=k, board=k, likes=2, made=3)]),
    "update of a new one": lambda do, k: do(Post(id=k).update, board=k, likes=2, made=3),
    "update_or_create": lambda do, k: do(Post.objects.update_or_create, {"board": k, "likes": 2, "made": 3}, id=k),
    "an upsert": lambda do, k: do(Post.objects.filter(id=k).update, board=k, likes=2, made=3, must_exist=False),
    "get_or_create": lambda do, k: do(Post.objects.get_or_create, {"board": k, "likes": 2, "made": 3}, id=k),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_new_item_has_it_whatever_writes_it(do, key, stored, way):
    WAYS[way](do, key)
    found = do(Post.objects.get, id=key)
    assert (found.score, score(stored, found), found.is_changed) == (203, "203", False)


def change(post, **values):
    for name, value in values.items():
        setattr(post, name, value)
    return post


CHANGES = {
    "save": lambda do, p: do(change(p, likes=4).save),
    "update_fields": lambda do, p: do(change(p, likes=4, note="x").save, update_fields=["likes"]),
    "overwrite": lambda do, p: do(change(p, likes=4).save, overwrite=True),
    "update": lambda do, p: do(p.update, likes=4, made=3),
    "filter().update": lambda do, p: do(Post.objects.filter(id=p.id).update, likes=4, made=3),
    "bulk_update": lambda do, p: do(Post.objects.bulk_update, [change(p, likes=4)], ["likes", "made"]),
    "bulk_create of conflicts": lambda do, p: do(Post.objects.bulk_create, [Post(id=p.id, board=p.board, likes=4, made=3)], update_conflicts=True),
    "modify": lambda do, p: do(Post.objects.filter(id=p.id).modify, likes=4, made=3),
    "update_or_create": lambda do, p: do(Post.objects.update_or_create, {"board": p.board, "likes": 4, "made": 3}, id=p.id),
}  # fmt: skip


@pytest.mark.parametrize("way", CHANGES)
def test_a_change_of_a_part_changes_it_whatever_writes_it(do, key, stored, way):
    post = do(Post.objects.create, id=key, board=key, likes=2, made=3)
    CHANGES[way](do, post)
    assert score(stored, post) == "403"
    assert do(Post.objects.get, id=key).score == 403


def test_a_transaction_writes_it(do, key, stored):
    async def awrite():
        async with transaction.atomic():
            await Post(id=key, board=key, likes=2, made=3).asave()

    if do.mode == "sync":
        with transaction.atomic():
            Post(id=key, board=key, likes=2, made=3).save()
    else:
        do.run(awrite())
    assert score(stored, Post(id=key)) == "203"


def test_a_part_that_goes_takes_it_along(do, key, stored):
    post = do(Post.objects.create, id=key, board=key, likes=2, made=3)
    post.made = None
    do(post.save)
    assert (score(stored, post), post.score) == (None, None)
    do(post.update, likes=1, made=1)
    assert (score(stored, post), post.score) == ("101", 101)
    do(post.update, Post.likes.remove())
    assert score(stored, post) is None


def test_a_part_that_another_writer_changed_is_noticed(do, key, stored):
    post = do(Post.objects.create, id=key, board=key, likes=2, made=3)
    do(do(Post.objects.get, id=key).update, likes=2, made=9)
    post.likes = 4
    with pytest.raises(ConditionFailed):
        do(post.save)
    assert score(stored, post) == "209"


def test_an_update_that_cannot_know_it_is_refused(do, key, stored):
    post = do(Post.objects.create, id=key, board=key, likes=2, made=3)
    for act in (
        lambda: do(post.incr, likes=1),
        lambda: do(post.update, likes=F("likes") + 1),
        lambda: do(post.update, likes=1),
        lambda: do(post.update, score=1),
        lambda: do(Post.objects.filter(id=key).update, likes=1),
    ):
        with pytest.raises(ValidationError):
            act()
    assert score(stored, post) == "203"


def test_it_is_asked_by_its_value_and_by_all_its_parts(do, key):
    posts = [Post(id=f"{key}{n}", board=key, likes=n, made=3) for n in range(4)]
    do(Post.objects.batch_write, posts, overwrite=True)
    asked = Post.objects.filter(board=key)
    until = time.monotonic() + 60
    while len(do.list(asked.order_by("-score"))) < 4 and time.monotonic() < until:
        time.sleep(0.05)
    assert [p.likes for p in do.list(asked.order_by("-score"))] == [3, 2, 1, 0]
    assert [p.likes for p in do.list(asked.filter(score__gt=103))] == [2, 3]
    assert [p.likes for p in do.list(asked.filter(score=203))] == [2]
    assert [p.likes for p in do.list(asked.filter(likes=2, made=3))] == [2]
    assert do(asked.filter(likes=2, made=4).count) == 0
    [only] = do.list(asked.filter(score=203).only("score"))
    assert only.score == 203
    assert do.list(asked.filter(score=203).values_list("score", flat=True)) == [203]
    post = do(Post.objects.get, id=f"{key}2")
    post.note = "x"
    do(post.save, condition=Post.score == 203)
    post.note = "y"
    with pytest.raises(ConditionFailed):
        do(post.save, condition=Post.score == 4)


def test_a_key_of_parts_in_any_order_is_one(do, key, stored):
    one, two = f"{key}a", f"{key}b"
    edge = do(Edge.objects.create, one=two, two=one)
    assert stored(edge)["key"] == {"S": f"{one}-{two}"}
    with pytest.raises(AlreadyExists):
        do(Edge.objects.create, one=one, two=two)
    for found in (
        do(Edge.objects.get, one=one, two=two),
        do(Edge.objects.get, key=f"{one}-{two}"),
        do(Edge.objects.batch_get, {"one": two, "two": one})[0],
    ):
        assert (found.one, found.two, found.key) == (two, one, f"{one}-{two}")
    edge.weight = 7
    do(edge.save)
    edge.one = "z"
    with pytest.raises(ValidationError, match="it is part of the key key"):
        do(edge.save)
    do(Edge.objects.filter(one=two, two=one).update, weight=9)
    assert stored(do(Edge.objects.get, one=one, two=two))["weight"] == {"N": "9"}
    note = do(Note.objects.create, id=key, edge=found)
    assert do(do(Note.objects.get, id=key).edge.fetch).weight == 9
    assert note.edge_id == f"{one}-{two}"
    do(found.refresh_from_db)
    do(found.delete)
    assert do(Edge.objects.get_or_none, one=one, two=two) is None


def test_an_update_that_makes_the_item_writes_the_parts_of_its_key(do, key, stored):
    edge = do(Edge(one=f"{key}b", two=f"{key}a").update, weight=3)
    assert stored(edge) == {
        "key": {"S": f"{key}a-{key}b"},
        "one": {"S": f"{key}b"},
        "two": {"S": f"{key}a"},
        "weight": {"N": "3"},
        "version": {"N": "1"},
    }


def test_an_item_of_before_is_read_and_gets_one_with_the_next_change_of_a_part(
    do, key, put, stored
):
    put(Post, {"id": {"S": key}, "board": {"S": key}, "likes": {"N": "2"}, "made": {"N": "3"}})
    post = do(Post.objects.get, id=key)
    assert (post.score, post.is_changed) == (203, False)
    post.note = "x"
    do(post.save)
    assert score(stored, post) is None
    post.likes = 4
    do(post.save)
    assert score(stored, post) == "403"
