"""References inside documents, in conditions and changes: they take instances and keys, as those of models do."""

from __future__ import annotations

import datetime as dt
import pickle
import uuid

import pytest

from dynamodb_py import (
    CharField,
    ConditionFailed,
    DateTimeField,
    DictField,
    Document,
    EmbeddedField,
    F,
    ForeignKey,
    IntegerField,
    ListField,
    MapField,
    Model,
    Q,
    QueryError,
    UUIDField,
    ValidationError,
)


class Tag(Model):
    class Meta:
        table_name = "docref-tags"

    word = CharField(hash_key=True)


class Author(Model):
    class Meta:
        table_name = "docref-authors"

    org = CharField(hash_key=True)
    id = IntegerField(range_key=True)


class Shelf(Model):
    class Meta:
        table_name = "docref-shelves"

    id = UUIDField(hash_key=True)


class Visit(Model):
    """Whose key is made of a template."""

    class Meta:
        table_name = "docref-visits"

    key = CharField(hash_key=True, template="{who}#{at:%Y-%m-%d}")
    who = CharField()
    at = DateTimeField()


class Place(Document):
    shelf = ForeignKey(Shelf, name="s")
    author = ForeignKey("Author")


class Info(Document):
    tag = ForeignKey(Tag)
    author = ForeignKey(Author, name="who")
    shelf = ForeignKey(Shelf)
    visit = ForeignKey(Visit)
    place = EmbeddedField(Place)


class Step(Document):
    class Meta:
        discriminator = "kind"


class Lend(Step):
    reader = ForeignKey(Author)
    tag = ForeignKey(Tag)


class Sell(Step):
    reader = ForeignKey(Author, name="buyer")


class Book(Model):
    class Meta:
        table_name = "docref-books"

    id = CharField(hash_key=True)
    tag = ForeignKey(Tag)
    author = ForeignKey(Author)
    info = EmbeddedField(Info)
    infos = ListField(Info)
    by_name = DictField(Info)
    map = MapField({"info": EmbeddedField(Info), "tag": ForeignKey(Tag)})
    step = EmbeddedField(Step)


TABLES = [Tag, Author, Shelf, Visit, Book]
pytestmark = pytest.mark.usefixtures("engine")

MOMENT = dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc)
TAG, OTHER_TAG = Tag(word="t"), Tag(word="u")
ANN, BOB = Author(org="o", id=1), Author(org="o", id=2)
SHELF, OTHER_SHELF = Shelf(id=uuid.UUID(int=1)), Shelf(id=uuid.UUID(int=2))
VISIT = Visit(who="ann", at=MOMENT)


def make_info() -> Info:
    place = Place(shelf=SHELF, author=ANN)
    return Info(tag=TAG, author=ANN, shelf=SHELF, visit=VISIT, place=place)


@pytest.fixture
def books(engine, do, key):
    info = make_info()
    do(
        Book.create,
        id=key,
        tag=TAG,
        author=ANN,
        info=info,
        infos=[make_info()],
        by_name={"x": make_info()},
        map={"info": make_info(), "tag": TAG},
        step=Lend(reader=ANN, tag=TAG),
    )
    return Book.objects.filter(id=key)


PLACES = ["", "info__", "infos__0__", "by_name__x__", "map__info__"]
"""Where the references are: in the model, and in documents of every sort of field."""
SAME = [
    {"tag": TAG},
    {"tag": "t"},
    {"tag__in": [OTHER_TAG, TAG]},
    {"tag__in": ["u", "t"]},
    {"tag__ne": OTHER_TAG},
    {"tag__exact": TAG},
    {"tag__isnull": False},
    {"tag__startswith": "t"},
    {"tag_id": "t"},
    {"author": ANN},
    {"author": ("o", 1)},
    {"author__eq": ANN},
    {"author__in": [BOB, ANN]},
    {"author__in": [("o", 1)]},
    {"author__ne": BOB},
    {"author__isnull": False},
    {"author__exists": True},
    {"author_org": "o", "author_id__gte": 1},
]
INSIDE = [
    {"shelf": SHELF},
    {"shelf": SHELF.id},
    {"shelf__in": [SHELF, OTHER_SHELF]},
    {"visit": VISIT},
    {"visit": ("ann", MOMENT)},
    {"place__shelf": SHELF},
    {"place__shelf__ne": OTHER_SHELF},
    {"place__author": ANN},
    {"place__author__in": [ANN]},
]
ELSE = [
    {"tag": OTHER_TAG},
    {"tag__in": [OTHER_TAG]},
    {"tag__ne": TAG},
    {"tag": None},
    {"tag__isnull": True},
    {"author": BOB},
    {"author__in": [BOB]},
    {"author__ne": ANN},
    {"author": None},
    {"author__isnull": True},
    {"author__exists": False},
]


@pytest.mark.parametrize("place", PLACES)
def test_lookups_find_what_refers_to_an_item_and_nothing_else(do, books, place):
    table = [(lookups, 1) for lookups in (*SAME, *(INSIDE if place else ()))]
    for lookups, count in table + [(lookups, 0) for lookups in ELSE]:
        placed = {place + name: value for name, value in lookups.items()}
        assert do(books.filter(**placed).count) == count, placed
        assert do(books.filter(Q(**placed)).count) == count, placed
        assert do(books.exclude(**placed).count) == 1 - count, placed


def test_lookups_of_kinds_and_of_maps_take_instances(do, books):
    for lookups in ({"map__tag": TAG}, {"step__tag": TAG}, {"step__tag__in": [TAG]}):
        assert do(books.filter(**lookups).count) == 1


CONDITIONS = [
    Book.tag == TAG,
    Book.author == ANN,
    F("tag") == TAG,
    F("author") == ANN,
    F("author") != BOB,
    F("author").is_in(ANN, BOB),
    Book.info.tag == TAG,
    Book.info.tag != OTHER_TAG,
    Book.info.tag.is_in([TAG]),
    Book.info.tag.is_in(OTHER_TAG, TAG),
    Book.info.author == ANN,
    Book.info.author != BOB,
    Book.info.author.is_in(BOB, ANN),
    Book.info["author"] == ANN,
    Book.info["tag"] == TAG,
    Book.infos[0].author == ANN,
    Book.infos[0].tag == TAG,
    Book.info.place.author == ANN,
    Book.info.place.shelf == SHELF,
    Book.by_name["x"].author == ANN,
    Book.map["info"].author == ANN,
    F("info__tag") == TAG,
    F("info__tag").is_in([TAG]),
    F("info__author") == ANN,
    F("info__place__author") == ANN,
    F("infos__0__author").is_in(ANN),
    ~(F("info__author") == BOB),
    Q(info__author=ANN) & Q(info__tag=TAG) | Q(author=BOB),
]


def test_conditions_take_instances(do, books):
    for condition in CONDITIONS:
        query = books.filter(condition)
        assert do(query.count) == 1, condition
        assert do(pickle.loads(pickle.dumps(query)).count) == 1, condition


def test_conditions_of_writes_take_instances(do, books, key):
    both = (Book.info.author == ANN) & (Book.info.tag == TAG)
    assert do(books.update, condition=both, tag=OTHER_TAG).changed == 1
    book = do(Book.get, key)
    book.tag = TAG
    do(book.save, condition=Q(info__author=ANN))
    with pytest.raises(ConditionFailed):
        do(book.delete, condition=Book.info.author == BOB)
    do(book.delete, condition=F("info__author") == ANN)


CHANGES = [
    (Book.tag.set, lambda book: book.tag_id),
    (F("tag").set, lambda book: book.tag_id),
    (Book.info.tag.set, lambda book: book.info.tag_id),
    (F("info__tag").set, lambda book: book.info.tag_id),
    (Book.infos[0].tag.set, lambda book: book.infos[0].tag_id),
    (Book.by_name["x"].tag.set, lambda book: book.by_name["x"].tag_id),
    (Book.map["tag"].set, lambda book: book.map["tag"].word),
]


def test_changes_take_instances(do, books, key):
    for change, read in CHANGES:
        book = do(Book.get, key)
        do(book.update, change(OTHER_TAG))
        assert read(book) == read(do(Book.get, key)) == "u"
        do(book.update, change(TAG))


def test_what_a_reference_does_not_take_is_refused(sent):
    sent.clear()
    refused = [
        (lambda: Book.objects.filter(info__tag=ANN), ValidationError, "Author"),
        (lambda: Book.objects.filter(info__author=TAG), ValidationError, "give an Author"),
        (lambda: Book.objects.filter(info__author="o"), ValidationError, "not a key of an Author"),
        (lambda: Book.objects.filter(info__author__gt=ANN), QueryError, "author_org, author_id"),
        (lambda: Book.objects.filter(info__author__name="x"), QueryError, "no joins"),
        (lambda: Book.info.author.set(ANN), QueryError, "author_org, author_id"),
        (lambda: Book.objects.filter(info__nobody=ANN), QueryError, "its fields are tag, author"),
        (lambda: Book.objects.filter(step__reader=ANN), QueryError, "reader is ambiguous"),
    ]
    for ask, kind, words in refused:
        with pytest.raises(kind, match=words):
            ask()
    assert not sent
