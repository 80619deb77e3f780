"""CompositeField(merge=): what a function makes of other fields, stored, read, asked and refused."""

from __future__ import annotations

import datetime as dt
import pickle
from decimal import Decimal

import pytest

from dynamodb_py import (
    BinaryField,
    CharField,
    CompositeField,
    CounterField,
    DateField,
    DateTimeField,
    DictField,
    Document,
    F,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    ListField,
    Model,
    ModelDefinitionError,
    QueryError,
    TimeDeltaField,
    UnreadableValue,
    ValidationError,
    VersionField,
)
from dynamodb_py.codec import from_json
from dynamodb_py.models.persistence.stored import encode_item, stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write

DAY = dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc)


class Post(Model):
    id = CharField(hash_key=True)
    board = CharField(lower=True)
    likes = CounterField()
    made = DateTimeField()
    raw = BinaryField(default=b"x")
    tags = ListField(str)
    score = CompositeField(
        "likes", "made", of=int, merge=lambda likes, made: likes * 100 + made.day
    )
    slug = CompositeField(
        "board", "raw", merge=lambda board, raw: f"{board}/{raw.hex()}" if raw else None
    )
    size = CompositeField("tags", of=int, merge=len)

    by_score = GlobalIndex(hash_key="board", range_key="score")
    by_slug = GlobalIndex(hash_key="slug")


class Edge(Model):
    """Whose key is the same for both orders of its parts."""

    key = CompositeField(
        "one", "two", merge=lambda one, two: "-".join(sorted([one, two])), hash_key=True
    )
    one = CharField()
    two = CharField()
    weight = IntegerField(default=1)


def post(**values):
    return Post(**{"id": "a", "board": "News", "made": DAY, **values})


def changed(instance):
    return changes_to_write(instance, stored_wires(instance), validate=True)


def test_it_is_stored_beside_its_parts_and_read_as_the_instance_stands():
    made = post(likes=3, tags=["a"])
    item = from_json(encode_item(made))
    assert item["score"] == {"N": "302"}
    assert item["slug"] == {"S": "news/78"}
    assert item["size"] == {"N": "1"}
    assert {"likes", "made", "board", "raw", "tags"} <= item.keys()
    read = Post.from_db(encode_item(made))
    assert (read.score, read.slug, read.size) == (302, "news/78", 1)
    read.likes = 4
    assert read.score == 402
    assert pickle.loads(pickle.dumps(made.to_dict())) == made.to_dict()


def test_without_a_part_or_with_none_of_the_function_there_is_no_value():
    assert (post(made=None).score, post(raw=b"").slug, post().size) == (None, None, None)
    assert not {"score", "size"} & from_json(encode_item(post(made=None))).keys()
    assert "slug" not in from_json(encode_item(post(raw=b"")))


def test_a_key_is_made_of_its_parts_which_are_stored():
    edge = Edge(one="b", two="a")
    assert from_json(encode_item(edge)) == {
        "key": {"S": "a-b"},
        "one": {"S": "b"},
        "two": {"S": "a"},
        "weight": {"N": "1"},
    }
    assert Edge._meta.key_of(edge) == {"key": {"S": "a-b"}}
    assert Edge._meta.key((), {"one": "b", "two": "a"}) == {"key": {"S": "a-b"}}
    assert Edge._meta.key(("a-b",), {}) == {"key": {"S": "a-b"}}


CHANGES = [
    ("a part", lambda p: setattr(p, "likes", 4), {"likes": {"N": "4"}, "score": {"N": "402"}}),
    ("both parts", lambda p: (setattr(p, "likes", 4), setattr(p, "made", DAY + dt.timedelta(1))),
     {"likes": {"N": "4"}, "made": {"S": "2026-01-03T00:00:00.000000+00:00"}, "score": {"N": "403"}}),
    ("a part to none", lambda p: setattr(p, "made", None), {"made": None, "score": None}),
    ("to none of the function", lambda p: setattr(p, "raw", b""), {"raw": {"B": b""}, "slug": None}),
    ("a list", lambda p: p.tags.append("b"), {"tags": {"L": [{"S": "a"}, {"S": "b"}]}, "size": {"N": "2"}}),
    ("bytes", lambda p: setattr(p, "raw", b"y"), {"raw": {"B": b"y"}, "slug": {"S": "news/79"}}),
    ("nothing of it", lambda p: setattr(p, "likes", 3), {}),
]  # fmt: skip


@pytest.mark.parametrize(("change", "sent"), [row[1:] for row in CHANGES], ids=[r[0] for r in CHANGES])  # fmt: skip
def test_saving_a_part_writes_it_anew(change, sent):
    read = Post.from_db(encode_item(post(likes=3, tags=["a"])))
    change(read)
    assert changed(read) == sent


def test_reading_never_writes_an_item_that_has_none_or_another():
    read = Post.from_db({"id": {"S": "a"}, "likes": {"N": "1"}, "made": {"S": DAY.isoformat()}, "score": {"N": "9"}})  # fmt: skip
    assert (read.is_changed, changed(read), read.score) == (False, {}, 102)


def test_what_was_fetched_without_its_parts_is_what_is_stored():
    load = Post._load_partially(frozenset({"id", "score"}))
    read = load(b'{"id":{"S":"a"},"score":{"N":"9"}}')
    assert read.score == 9


ASSIGNED = [
    lambda: Post(id="a", score=4),
    lambda: post(likes=3, score=4),
    lambda: Edge("a-b"),
    lambda: Edge(key="a-b", one="a"),
    lambda: Post.from_dict({"id": "a", "score": 4}),
]


@pytest.mark.parametrize("make", ASSIGNED, ids=range(len(ASSIGNED)))
def test_it_is_not_given_to_the_constructor(make):
    with pytest.raises(ValidationError, match="make: leave it out"):
        make()


@pytest.mark.parametrize("new", [True, False], ids=["new", "loaded"])
@pytest.mark.parametrize("parts", [{"likes": 3}, {"made": None}], ids=["parts", "none"])
def test_it_is_not_assigned(new, parts):
    made = post(**parts) if new else Post.from_db(encode_item(post(**parts)))
    made.score = 4
    with pytest.raises(ValidationError) as caught:
        encode_item(made) if new else changed(made)
    assert caught.value.errors == {"score": ["it is made of likes, made, and cannot be assigned: set those"]}  # fmt: skip


def test_the_value_that_its_parts_make_may_be_given_as_to_dict_has_it():
    made = post(likes=3, board="news")
    assert Post.from_dict(made.to_dict()).to_dict() == made.to_dict()
    assert Post.from_json(made.to_json(), strict=True).to_dict() == made.to_dict()


UPDATES = [
    ("values", {"likes": 4, "made": DAY}, "SET #0 = :0, #1 = :1, #2 = :2", {"N": "402"}),
    ("actions", [Post.likes.set(4), Post.made.set(DAY)], "SET #0 = :0, #1 = :1, #2 = :2", {"N": "402"}),
    ("a part that is removed", [Post.likes.remove()], "REMOVE #0, #1", None),
    ("another field", {"raw": b"x", "board": "A"}, "SET #0 = :0, #1 = :1, #2 = :2", {"S": "a/78"}),
]  # fmt: skip


@pytest.mark.parametrize(("given", "expression", "value"), [row[1:] for row in UPDATES], ids=[r[0] for r in UPDATES])  # fmt: skip
def test_an_update_writes_it_with_its_parts(script, given, expression, value):
    script.answers = [b"{}"]
    Post(id="a").update(*given) if isinstance(given, list) else Post(id="a").update(**given)
    [payload] = script.payloads
    assert payload["UpdateExpression"] == expression
    if value is not None:
        assert value in payload["ExpressionAttributeValues"].values()


REFUSED = [
    ("an expression", {"likes": F("likes") + 1, "made": DAY}, "likes", "score is made of it: give the value itself, or load the item and save() it"),
    ("addition", [Post.likes.add(1)], "likes", "score is made of it: give the value itself"),
    ("one part alone", {"likes": 1}, "likes", "score is made of it and of made: give all of them in one update"),
    ("inside a part", [Post.tags[0].set("x")], "tags", "size is made of it: give the value itself"),
    ("the removal inside a part", [Post.tags[0].remove()], "tags", "size is made of it: give the value itself"),
    ("itself", {"score": 1}, "score", "it is made of likes, made, and cannot be written: write those"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "name", "message"), [row[1:] for row in REFUSED], ids=[r[0] for r in REFUSED])  # fmt: skip
def test_an_update_that_cannot_know_it_is_refused_before_anything_is_sent(script, given, name, message):  # fmt: skip
    with pytest.raises(ValidationError) as caught:
        Post(id="a").update(*given) if isinstance(given, list) else Post(id="a").update(**given)
    assert message in caught.value.errors[name][0]
    assert not script.sent


def test_the_key_cannot_change_but_its_parts_may_as_long_as_it_stays():
    edge = Edge.from_db(encode_item(Edge(one="b", two="a")))
    edge.one, edge.two = "a", "b"
    assert changed(edge) == {"one": {"S": "a"}, "two": {"S": "b"}}
    edge.two = "c"
    with pytest.raises(
        ValidationError,
        match="it is part of the key key, which cannot change, and was 'a' when loaded",
    ):
        changed(edge)


class Ratio(Model):
    id = CharField(hash_key=True)
    a = IntegerField()
    b = IntegerField()
    ratio = CompositeField("a", "b", of=Decimal, merge=lambda a, b: Decimal(a) / b)
    text = CompositeField("a", merge=lambda a: a)
    short = CompositeField("b", merge=lambda b: "x" * b)
    by_text = GlobalIndex(hash_key="text")
    by_short = GlobalIndex(hash_key="short")


FAULTS = [
    ({"a": 1, "b": 0}, "ratio", "merge= raised DivisionByZero"),
    ({"a": 1}, "text", "1 is an int, not text; it was made of a=1"),
    ({"b": 0}, "short", "it is empty, which DynamoDB allows everywhere but in a key"),
    ({"b": 3000}, "short", "it is longer than the 2048 bytes that a hash key may have"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "name", "message"), FAULTS, ids=range(len(FAULTS)))
def test_what_the_function_cannot_make_is_told_by_the_field(values, name, message):
    with pytest.raises(ValidationError) as caught:
        encode_item(Ratio(id="a", **values))
    assert message in caught.value.errors[name][0]


def test_a_key_of_none_is_told():
    class Lost(Model):
        id = CompositeField("a", merge=lambda a: None, hash_key=True)
        a = IntegerField()

    with pytest.raises(
        ValidationError, match=r"merge= returned None, and a key always has a value"
    ):
        encode_item(Lost(a=1))
    with pytest.raises(ValidationError, match="a: it is required"):
        encode_item(Lost())


def asked(query):
    payload = query.operation().payload()
    return [
        payload.get(name) for name in ("IndexName", "KeyConditionExpression", "FilterExpression")
    ]


ASKED = [
    (Post.objects.filter(board="x", score=302), "by_score", "(#0 = :0 AND #1 = :1)", None),
    (Post.objects.filter(board="x", score__gt=3), "by_score", "(#0 = :0 AND #1 > :1)", None),
    (Post.objects.filter(board="x").order_by("-score"), "by_score", "#0 = :0", None),
    (Post.objects.filter(board="x", likes=3, made=DAY), "by_score", "(#0 = :0 AND #1 = :1)", "(#2 = :2 AND #3 = :3)"),
    (Post.objects.filter(board="x", raw=b"x"), "by_slug", "#0 = :0", "(#1 = :1 AND #2 = :2)"),
    (Post.objects.filter(slug="x/78"), "by_slug", "#0 = :0", None),
    (Edge.objects.filter(one="b", two="a"), None, "#0 = :0", "(#1 = :1 AND #2 = :2)"),
    (Edge.objects.filter(key="a-b"), None, None, None),  # a GetItem
]  # fmt: skip


@pytest.mark.parametrize(("query", "index", "key", "filtered"), ASKED, ids=range(len(ASKED)))
def test_questions_by_value_and_by_all_parts_are_answered_by_the_key(query, index, key, filtered):
    assert asked(query) == [index, key, filtered]


UNANSWERED = [
    Post.objects.filter(board="x", likes=3),
    Post.objects.filter(board="x", likes__gt=3, made=DAY),
    Post.objects.filter(raw=b"").filter(Post.slug.exists()),
    Edge.objects.filter(one="b"),
    Edge.objects.filter(one="b", two__startswith="a"),
]


@pytest.mark.parametrize("query", UNANSWERED, ids=range(len(UNANSWERED)))
def test_one_part_alone_or_a_range_of_one_says_nothing_of_the_key(query):
    with pytest.raises(QueryError):
        query.operation()


class Visit(Model):
    page = CharField(hash_key=True)
    at = IntegerField(range_key=True)
    who = CharField()
    digest = CompositeField("page", "who", "at", merge=lambda *parts: "/".join(map(str, parts)))
    by_digest = GlobalIndex(hash_key="digest")


@pytest.mark.parametrize("query", [
    Visit.objects.filter(page="a"),
    Visit.objects.filter(page="a", at__gt=1),
    Visit.objects.filter(page="a").order_by("-at"),
], ids=range(3))  # fmt: skip
def test_a_key_that_is_a_part_answers_as_if_it_was_none(query):
    assert query.operation().payload().get("IndexName") is None


def test_explain_says_what_it_is_made_of():
    text = str(Post.objects.filter(board="x", score=302).explain())
    assert "score is made of likes, made" in text


def test_a_reference_to_such_a_key_holds_it():
    class Note(Model):
        id = CharField(hash_key=True)
        edge = ForeignKey(Edge)

    note = Note(id="a", edge=Edge(one="b", two="a"))
    assert from_json(encode_item(note)) == {"id": {"S": "a"}, "edge_id": {"S": "a-b"}} or from_json(encode_item(note))["edge"] == {"S": "a-b"}  # fmt: skip


def test_an_item_that_others_wrote_with_a_part_of_another_type():
    read = Post.from_db({"id": {"S": "a"}, "likes": {"S": "x"}, "made": {"S": DAY.isoformat()}, "score": {"N": "9"}})  # fmt: skip
    with pytest.raises(UnreadableValue):
        _ = read.likes
    assert read.score == 9
    read.board = "B"
    assert changed(read)["board"] == {"S": "b"}


class Span(Model):
    id = CharField(hash_key=True)
    begins = DateTimeField()
    ends = DateTimeField()
    length = CompositeField(
        "begins", "ends", of=TimeDeltaField(), merge=lambda begins, ends: ends - begins
    )
    days = CompositeField(
        "begins",
        "ends",
        of=ListField(DateField()),
        merge=lambda *both: [each.date() for each in both],
    )


def test_it_is_compared_read_and_said_in_json_as_what_it_is_of():
    span = Span(id="a", begins=DAY, ends=DAY + dt.timedelta(1))
    assert (span.length, span.days) == (dt.timedelta(1), [DAY.date(), dt.date(2026, 1, 3)])
    assert Span.from_json(span.to_json()).to_dict() == span.to_dict()
    assert (
        repr(Span.days.contains(dt.date(2026, 1, 3))) == "<Condition: contains(days, '2026-01-03')>"
    )
    with pytest.raises(QueryError, match="durations such as PT2H do not sort"):
        _ = Span.length > dt.timedelta(1)


def merged(*parts, **options):
    return CompositeField(*parts, **{"merge": max, **options})


DECLARED = [
    ({"x": merged("b")}, "Test.x: it is made of b, and there is no such field: the fields are"),
    ({"x": merged()}, "Test.x: it takes the names of fields, not ()"),
    ({"x": merged(7)}, "Test.x: it takes the names of fields, not (7,)"),
    ({"x": merged("a", merge="max")}, "Test.x: merge='max': it takes a function of the parts"),
    ({"x": merged("a", separator="/")}, "Test.x: separator=, width=, prefix= and store_parts= are for"),
    ({"x": merged("a", store_parts=True)}, "Test.x: separator=, width=, prefix= and store_parts="),
    ({"x": merged("a", default="x")}, "Test.x: merge= makes the value: drop default="),
    ({"x": merged("a", unique=True)}, "Test.x: merge= makes the value: drop unique="),
    ({"x": merged("a", max_length=3)}, "Test.x: merge= makes the value: drop max_length="),
    ({"x": merged("a", validators=[len])}, "Test.x: merge= makes the value: drop validators="),
    ({"x": merged("a", of=object)}, "Test.x: of=<class 'object'>: it takes a field"),
    ({"x": merged("a", of=list)}, "Test.x: of=<class 'list'>: it takes a field"),
    ({"x": merged("y"), "y": merged("a")}, "Test.x: its merge= names y, which is made of a function itself"),
    ({"x": merged("y"), "y": CharField(template="{a}")}, "names y, which is made of a template itself"),
    ({"x": CharField(template="{y}"), "y": merged("a")}, "names y, which is made of a function itself"),
    ({"x": merged("v"), "v": VersionField()}, "Test.x: its merge= names v, the version"),
    ({"x": ListField(merged("a"))}, "it is made of other fields of an item: declare it in the model"),
    ({"x": merged("a", of=DictField(), range_key=True)}, "Test.x: CompositeField cannot be the range key"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "message"), DECLARED, ids=range(len(DECLARED)))
def test_what_cannot_be_is_told_when_the_class_is_made(fields, message):
    base = {"__module__": __name__, "k": CharField(hash_key=True), "a": IntegerField()}
    with pytest.raises(ModelDefinitionError) as caught:
        type("Test", (Model,), {**base, **fields})
    assert message in str(caught.value)


def test_a_key_of_what_is_set_with_each_save_is_refused():
    with pytest.raises(ModelDefinitionError, match="every save sets anew"):
        type(
            "Test", (Model,), {"k": merged("at", hash_key=True), "at": DateTimeField(auto_now=True)}
        )


def test_a_document_has_none():
    with pytest.raises(
        ModelDefinitionError, match="its function makes a key, and a document has none"
    ):
        type("Test", (Document,), {"a": IntegerField(), "x": merged("a")})


def test_without_merge_there_is_no_type_to_say():
    with pytest.raises(
        ModelDefinitionError, match="of=<class 'int'> is the type of the value that merge= returns"
    ):
        CompositeField("a", of=int)
