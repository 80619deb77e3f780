"""One value that cannot be read does not keep the others from being read, shown, compared and saved."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from dynamodb_py import (
    CharField,
    CompositeField,
    DateTimeField,
    Document,
    EmbeddedField,
    ForeignKey,
    IntegerField,
    ListField,
    Model,
    SetField,
    UnreadableValue,
    UUIDField,
    ValidationError,
)
from dynamodb_py.codec import from_json
from dynamodb_py.models.persistence.stored import complete_item, key_of
from dynamodb_py.models.persistence.tracking import changes_to_write


class Tag(Model):
    id = UUIDField(hash_key=True)


class Part(Document):
    id = UUIDField()
    tag = ForeignKey(Tag)
    note = CharField()


class Post(Model):
    id = CharField(hash_key=True)
    title = CharField()
    number = IntegerField()
    tag = ForeignKey(Tag)
    tags = ListField(Tag)
    keys = ListField(ForeignKey(Tag))
    chosen = SetField(Tag)
    ids = ListField(UUIDField())
    part = EmbeddedField(Part)
    parts = ListField(Part)


BAD: Any = {"S": "from-before-uuids"}
GOOD: Any = {"S": str(uuid.UUID(int=1))}
ITEMS: dict[str, Any] = {
    "number": {"S": "seven"},
    "tag": BAD,
    "tags": {"L": [GOOD, BAD]},
    "keys": {"L": [BAD, GOOD]},
    "chosen": {"SS": [BAD["S"], GOOD["S"]]},
    "ids": {"L": [GOOD, BAD]},
    "part": {"M": {"id": BAD, "tag": BAD, "note": {"S": "n"}}},
    "parts": {"L": [{"M": {"id": BAD}}, {"M": {"tag": BAD}}, {"M": {"note": {"S": "n"}}}]},
}
ALL: dict[str, Any] = {"id": {"S": "a"}, "title": {"S": "old"}, **ITEMS}


@pytest.mark.parametrize("names", [*([name] for name in ITEMS), list(ITEMS)], ids=str)
def test_the_others_are_read_shown_and_saved(names: list[str]) -> None:
    item = {"id": {"S": "a"}, "title": {"S": "old"}, **{name: ITEMS[name] for name in names}}
    post = Post.from_db(item)
    assert "title='old'" in repr(post)
    assert post.to_dict()["title"] == "old"
    assert not post.is_changed
    assert post.changes() == {}
    post.full_clean()
    post.title = "new"
    stored = from_json(post._stored or b"")
    assert changes_to_write(post, stored, validate=True) == {"title": {"S": "new"}}
    assert complete_item(post, validate=True) == {**item, "title": {"S": "new"}}


def test_an_element_that_cannot_be_read_is_an_instance_whose_key_raises() -> None:
    post = Post.from_db(ALL)
    assert post.tags is not None
    assert [tag.primary_key for tag in post.tags] == [uuid.UUID(int=1), BAD["S"]]
    assert {tag.primary_key for tag in post.chosen} == {uuid.UUID(int=1), BAD["S"]}
    with pytest.raises(UnreadableValue):
        _ = post.tags[1].id
    post.tags.append(post.tags.pop(0))
    stored = from_json(post._stored or b"")
    assert changes_to_write(post, stored, validate=True) == {"tags": {"L": [BAD, GOOD]}}


def test_documents_differ_by_what_cannot_be_read() -> None:
    one, other, same = (Part.from_db({"id": {"S": text}}) for text in ("x", "y", "x"))
    assert one == same
    assert one != other
    assert one.to_dict() == {"tag_id": None, "note": None}


class Visit(Model):
    pk = CharField(hash_key=True, template="TAG#{tag_id}")
    sk = CompositeField("day", "n", width={"n": 4}, range_key=True, store_parts=True)
    tag = ForeignKey(Tag, required=True)
    day = CharField()
    n = IntegerField()
    at = DateTimeField()


def test_a_template_refuses_a_key_that_it_could_not_be_read_from() -> None:
    tag = Tag.from_db({"id": {"S": GOOD["S"].replace("0", "A")}})
    with pytest.raises(
        ValidationError, match="in the spelling of another program, which pk cannot contain"
    ):
        complete_item(Visit(tag=tag, day="d", n=1), validate=True)


def test_a_key_of_a_template_is_compared_by_its_parts() -> None:
    wires = {
        "pk": {"S": f"TAG#{GOOD['S']}"},
        "sk": {"S": "d#7"},
        "day": {"S": "d"},
        "n": {"N": "7"},
    }
    visit = Visit.from_db(wires)
    assert visit.n == 7
    assert key_of(visit) == {"pk": wires["pk"], "sk": wires["sk"]}
    visit.at = None
    assert complete_item(visit, validate=True) == wires
    visit.n = 8
    with pytest.raises(ValidationError, match="cannot change"):
        key_of(visit)
